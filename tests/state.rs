//! What is known can be written down at any place and read back, and goes on as if nothing had been.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use common::random::Random;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::figures::Period;
use loganalyzer::analysis::watch::{Entry, Watch, Window};
use loganalyzer::kept;

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
    let text = kept::text(analyzer);
    let read = again_from(&text).expect("it can be read, and is sound");
    assert_eq!(kept::text(&read).len(), text.len());
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

/// What a text says, if it is what was written.
fn again_from(text: &str) -> Option<Analyzer> {
    kept::read::<Analyzer>(text)?.restored(settings())
}

/// A state file that somebody has changed must not make anything panic.
#[test]
fn what_cannot_have_been_written_is_refused() {
    let mut analyzer = Analyzer::new(settings());
    common::feed(&mut analyzer, &common::logs("1.25.2"));
    let text = kept::text(&analyzer);
    let change = |before: &str, was: &str, new: &str| {
        let (start, rest) = text.split_once(before).expect(before);
        let rest = rest.strip_prefix(was).expect(was);
        again_from(&format!("{start}{before}{new}{rest}")).is_none()
    };
    let number_behind = |before: &str| {
        let rest = text.split_once(before).expect(before).1;
        rest.split(|char: char| !char.is_ascii_digit()).next().expect("a number").to_owned()
    };
    let name = text.split_once("\"names\":[").and_then(|(_, rest)| rest.split(',').next()).expect("a name");
    assert!(!change("\"names\":[", name, name));
    // A pair is an account, a kind and a name, an account begins with its name.
    let account = number_behind("\"pairs\":[[");
    let item = format!("\"pairs\":[[{account},\"Address\",");
    assert!(change(&item, &number_behind(&item), "99999"));
    assert!(change("\"pairs\":[[", &account, "9999"));
    let user = "\"accounts\":[{\"user\":[";
    assert!(change(user, &number_behind(user), "99999"));
    assert!(change("\"names\":[", name, &format!("{name},{name}")));
    assert!(change("\"zones\":", "", "7"));
    let states = text.split_once("\"states\":").and_then(|(_, rest)| rest.split_once(",\"spoke\":")).expect("states").0;
    assert!(change("\"states\":", states, "[]"));
}

/// Every number of a state, one after the other, as it cannot be: it is refused, or does no harm.
#[test]
#[cfg_attr(debug_assertions, ignore = "sums of absurd numbers overflow: cargo test --release --test state")]
fn no_number_of_a_state_makes_anything_panic() {
    let capture = common::logs("reuseport-1.25.2");
    let mut analyzer = Analyzer::new(settings());
    analyzer.begin_day();
    common::feed(&mut analyzer, &capture[..1]);
    let text = kept::text(&analyzer);
    let places = numbers(&text);
    let mut random = Random::new(5);
    let mut taken = 0;
    for _ in 0..1500 {
        let (start, end) = *random.pick(&places);
        for number in [0, 99_999, i128::from(i64::MAX), i128::from(i64::MIN), i128::from(u64::MAX)] {
            let Some(mut read) = again_from(&format!("{}{number}{}", &text[..start], &text[end..])) else { continue };
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

/// Any byte of a state: another one, or the end.
#[test]
fn no_byte_of_a_state_makes_its_reading_panic() {
    let mut analyzer = Analyzer::new(settings());
    common::feed(&mut analyzer, &common::logs("1.25.2"));
    let text = kept::text(&analyzer);
    let mut random = Random::new(11);
    for _ in 0..400 {
        let place = random.below(text.len());
        let (Some(before), Some(behind)) = (text.get(..place), text.get(place + 1..)) else { continue };
        let new = *random.pick(&["", "0", "-", "\"", "\\", ",", "[", "]", "{", "}", "null", "é"]);
        again_from(&format!("{before}{new}{behind}"));
        assert!(again_from(before).is_none(), "{place}");
    }
}

/// The places of all numbers that are no part of a text: where each begins and ends.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let (mut places, mut start, mut is_text, mut is_escaped) = (Vec::new(), None, false, false);
    for (place, byte) in text.bytes().enumerate() {
        if is_escaped {
            is_escaped = false;
        } else if is_text && byte == b'\\' {
            is_escaped = true;
        } else if byte == b'"' {
            is_text = !is_text;
        }
        let is_number = !is_text && (byte.is_ascii_digit() || byte == b'-');
        match (is_number, start) {
            (true, None) => start = Some(place),
            (false, Some(begin)) => {
                places.push((begin, place));
                start = None;
            }
            _ => {}
        }
    }
    places
}
