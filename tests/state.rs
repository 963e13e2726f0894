//! What is known can be written down at any place and read back, and goes on as if nothing had been.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use common::random::Random;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::figures::Period;
use loganalyzer::analysis::watch::{Entry, Watch, Window};

fn settings() -> Settings {
    let always = Window { open: jiff::civil::Time::midnight(), close: jiff::civil::Time::midnight(), days: [true; 7] };
    let entry = |user: &str, database: Option<&str>, minutes| Entry {
        name: user.to_owned(),
        database: database.map(|name| name.as_bytes().to_vec()),
        user: user.as_bytes().to_vec(),
        minutes,
        window: always,
    };
    let entries = vec![entry("appuser", None, 1), entry("batch", Some("app"), 1), entry("nobody", None, 2)];
    let watch = Watch::new(entries, TimeZone::UTC, 0);
    Settings { zone: TimeZone::UTC, fallback: None, watch, now: 1_795_000_000_000 }
}

/// Writes it down, and reads it back.
fn again(analyzer: &Analyzer) -> Analyzer {
    let text = serde_json::to_vec(analyzer).expect("it can be written");
    let read: Analyzer = serde_json::from_slice(&text).expect("it can be read");
    let read = read.restored(settings()).expect("it is sound");
    assert_eq!(serde_json::to_vec(&read).expect("it can be written").len(), text.len());
    read
}

/// What is told and counted of these files, written down so many times on the way.
fn run(files: &[Vec<u8>], times: usize, random: &mut Random) -> (String, Vec<String>, String) {
    let mut analyzer = Analyzer::new(settings());
    analyzer.begin_day();
    let lines: usize = files.iter().map(|file| file.split(|&byte| byte == b'\n').count()).sum();
    let mut told = Vec::new();
    for file in files {
        let mut count = 0;
        common::each_line(file, 64 * 1024, |line| {
            count += 1;
            analyzer.line(line);
            if count % 50 == 0 {
                let now = analyzer.last_instant().unwrap_or(0);
                told.extend(analyzer.tick(now).iter().map(|notice| format!("{notice:?}")));
            }
            if count % 1009 == 0 {
                analyzer.begin_day();
            }
            if times > 0 && random.one_in(1 + lines / times) {
                analyzer = again(&analyzer);
            }
        });
    }
    let now = analyzer.last_instant().unwrap_or(0);
    told.extend(analyzer.tick(now + 600_000).iter().map(|notice| format!("{notice:?}")));
    let mut day = analyzer.summary_of(Period::Day, now);
    let mut json = common::json(&analyzer);
    // How many others there were is estimated, with a secret that each run has of its own.
    (day.other_accounts, json["others"]["accounts"]) = (0, 0.into());
    (json.to_string(), told, format!("{day:?}"))
}

#[test]
fn at_any_place_of_every_capture() {
    let mut random = Random::new(7);
    for name in common::names() {
        let files = common::logs(&name);
        let straight = run(&files, 0, &mut random);
        assert_eq!(run(&files, 12, &mut random), straight, "{name}");
    }
}

#[test]
fn full_tables_are_read_back() {
    let mut random = Random::new(3);
    let line = |number: usize| {
        let (user, host) = (number % 3000, number % 9000);
        let client = format!("C-0x{number:x}: app/user{user}@10.1.{}.{}:5", host / 250, host % 250);
        format!("2026-11-22 08:00:00.000 UTC [7] LOG {client} login attempt: db=app user=user{user} tls=no\n")
    };
    let text: String = (0..40_000).map(line).collect();
    let files = [text.into_bytes()];
    assert_eq!(run(&files, 3, &mut random), run(&files, 0, &mut random));
}

/// A state file that somebody has changed must not make anything panic.
#[test]
fn what_cannot_have_been_written_is_refused() {
    let mut analyzer = Analyzer::new(settings());
    common::feed(&mut analyzer, &common::logs("1.25.2"));
    let value = serde_json::to_value(&analyzer).expect("it can be written");
    let broken = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut value = value.clone();
        change(&mut value);
        serde_json::from_value::<Analyzer>(value).ok().and_then(|read| read.restored(settings())).is_none()
    };
    assert!(!broken(&|_| {}));
    assert!(broken(&|value| value["periods"]["run"]["accounts"]["pairs"][0]["item"] = 99_999.into()));
    assert!(broken(&|value| value["periods"]["run"]["accounts"]["pairs"][0]["account"] = 99_999.into()));
    assert!(broken(&|value| value["periods"]["run"]["accounts"]["accounts"][0]["user"] = 99_999.into()));
    assert!(broken(&|value| value["periods"]["run"]["accounts"]["names"][1] =
        value["periods"]["run"]["accounts"]["names"][0].clone()));
    assert!(broken(&|value| value["watch"]["states"] = serde_json::json!([])));
    assert!(broken(&|value| value["zones"] = 7.into()));
}

/// Every number of a state, one after the other, as it cannot be: it is refused, or does no harm.
#[test]
#[cfg_attr(debug_assertions, ignore = "sums of absurd numbers overflow: cargo test --release --test state")]
fn no_number_of_a_state_makes_anything_panic() {
    let capture = common::logs("reuseport-1.25.2");
    let mut analyzer = Analyzer::new(settings());
    analyzer.begin_day();
    common::feed(&mut analyzer, &capture[..1]);
    let value = serde_json::to_value(&analyzer).expect("it can be written");
    let mut paths = Vec::new();
    numbers(&value, String::new(), &mut paths);
    let mut random = Random::new(5);
    let mut taken = 0;
    for _ in 0..1500 {
        let path = random.pick(&paths);
        for number in [serde_json::json!(0), 99_999.into(), i64::MAX.into(), i64::MIN.into(), u64::MAX.into()] {
            let mut value = value.clone();
            *value.pointer_mut(path).expect("it is there") = number;
            let Ok(read) = serde_json::from_value::<Analyzer>(value) else { continue };
            let Some(mut read) = read.restored(settings()) else { continue };
            taken += 1;
            common::feed(&mut read, &capture[..1]);
            for minute in 0..3 {
                read.tick(1_795_000_000_000 + minute * 60_000);
            }
            common::json(&read);
            read.begin_day();
        }
    }
    assert!(taken > 1000, "{taken}");
}

/// The places of all numbers.
fn numbers(value: &serde_json::Value, path: String, paths: &mut Vec<String>) {
    match value {
        serde_json::Value::Number(_) => paths.push(path),
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| numbers(item, format!("{path}/{number}"), paths));
        }
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(key, item)| numbers(item, format!("{path}/{key}"), paths));
        }
        _ => {}
    }
}
