//! Any JSON as a configuration: it is refused with file, key, what was found and the mend, or can be worked with; and one
//! that is right is read as what was written.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::config::{Config, Error};
use loganalyzer::limits::WATCHED;
use serde_json::{Map, Value, json};

use crate::common;
use crate::common::random::Chance;

/// The first byte says whether the rest is a text, or decides what is in one.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let mut input = Unstructured::new(rest);
    match kind {
        0..=127 => check(&String::from_utf8_lossy(rest)),
        128..=191 => check(&any(&mut input).to_string()),
        _ => check_round(&mut input),
    }
}

fn check(text: &str) {
    match Config::parse("x.json", text) {
        Ok(config) => check_config(config),
        Err(error) => check_error(&error, text),
    }
}

/// Names the place, what is there, and the mend.
fn check_error(error: &Error, text: &str) {
    let shown = error.to_string();
    assert!(error.file == "x.json" && !error.found.is_empty() && !error.mend.is_empty(), "{shown}");
    let Ok(root) = serde_json::from_str::<Value>(text) else {
        assert!(error.key.is_empty() && error.found.starts_with("it is not JSON ("), "{shown}");
        return;
    };
    assert!(root.is_object() != error.key.is_empty(), "{shown}");
    // A name that is watched may hold a point itself.
    if !error.key.is_empty() && !error.key.starts_with("file.usersToWatchAndThresholdInMinutes.") {
        let found = error.key.split('.').try_fold(&root, |value, key| value.get(key));
        assert_eq!(error.found == "it is missing", found.is_none(), "{shown}");
    }
}

/// All of it is within its bounds, and it can be worked with.
fn check_config(config: Config) {
    assert!(!config.logs.is_empty() && config.watched.len() <= WATCHED);
    assert!((0.01..=3600.0).contains(&config.trailing_delay.as_secs_f64()));
    assert!(!config.alert_by_email || config.email.is_some());
    assert!(config.email.iter().all(|email| !email.to.is_empty() && !email.server.is_empty() && email.port > 0));
    assert!(config.warnings.iter().all(|warning| warning.starts_with("x.json: ")), "{:?}", config.warnings);
    let mut names: Vec<&str> = config.watched.iter().map(|entry| &entry.name[..]).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|two| two[0] != two[1]), "{names:?}");
    assert!(config.watched.iter().all(|entry| !entry.user.is_empty() && (1..=525_600).contains(&entry.minutes)));
    let now = 1_795_305_600_000;
    let watch = Watch::new(config.watched, TimeZone::UTC, now);
    let mut analyzer = Analyzer::new(Settings { zone: config.log_time_zone, fallback: config.fallback, watch, now });
    common::feed(
        &mut analyzer,
        &[b"2026-11-22 05:10:05.550 7 LOG C-0x1: a/b@1.2.3.4:5 closing because: x\nx\n".to_vec()],
    );
    for hours in [0, 1, 30, 24 * 200] {
        analyzer.tick(now + hours * 3_600_000);
    }
    assert!(!config.date_time_format.print(now).is_empty());
}

/// A configuration with every key that there is, each right, wrong or missing.
fn any(chance: &mut impl Chance) -> Value {
    const CONFIGURATION: [&str; 10] = [
        "dateTimeFormat",
        "windowDateTimeFormat",
        "windowOpenServiceDateTime",
        "windowCloseServiceDateTime",
        "timeToSendEmailInformation",
        "trailingDelay",
        "windowDays",
        "logTimeZone",
        "stateFile",
        "prometheusFile",
    ];
    const EMAIL: [&str; 9] = [
        "emailFrom",
        "emailTo",
        "emailServer",
        "emailPort",
        "emailSecurity",
        "emailUser",
        "emailPasswordFile",
        "emailCaFile",
        "emailTimeoutInSeconds",
    ];
    let mut configuration = section(&CONFIGURATION, chance);
    put(&mut configuration, "alertingEmail", chance, |chance| Value::Object(section(&EMAIL, chance)));
    let mut file =
        section(&["fileName", "logFileDateTimeFormat", "alertingToUse", "usersToWatchAndThresholdInMinutes"], chance);
    put(&mut file, "usersToWatchAndThresholdInMinutes", chance, |chance| {
        let own = section(&["minutes", "open", "close", "days"], chance);
        json!({ text(chance): own, text(chance): number(chance) })
    });
    put(&mut file, "regexp", chance, |chance| {
        Value::Object(section(&["iterLines", "iterLinesDetailStats", "iterLinesDetailLogin"], chance))
    });
    json!({"configuration": configuration, "file": file})
}

/// Puts in a value, for the half of the times.
fn put<C: Chance>(map: &mut Map<String, Value>, key: &str, chance: &mut C, value: impl FnOnce(&mut C) -> Value) {
    if chance.one_in(2) {
        map.insert(key.to_owned(), value(chance));
    }
}

fn section(keys: &[&str], chance: &mut impl Chance) -> Map<String, Value> {
    let mut map = Map::new();
    for key in keys {
        put(&mut map, key, chance, |chance| match chance.below(8) {
            0 => Value::Null,
            1 => number(chance),
            2 => json!([text(chance), number(chance)]),
            3 => json!({ text(chance): text(chance) }),
            _ => text(chance).into(),
        });
    }
    map
}

fn number(chance: &mut impl Chance) -> Value {
    let numbers = [json!(0), json!(1), json!(-1), json!(0.5), json!(5), json!(3600), json!(525_600), json!(1e300)];
    if chance.one_in(4) { json!(chance.below(1 << 20)) } else { chance.pick(&numbers).clone() }
}

/// A text that is right somewhere, or a part of several.
fn text(chance: &mut impl Chance) -> String {
    const WORDS: [&str; 36] = [
        "%Y-%m-%d %H:%M:%S",
        "%H:%M",
        "%H:%M:%S",
        "%f",
        "%",
        "%s",
        "%N",
        "08:00:00",
        "24:00:00",
        "08:00",
        "Mon-Fri",
        "Sat,Sun",
        "Fri-Mon",
        "Europe/Paris",
        "Australia/Lord_Howe",
        "UTC",
        "../UTC",
        "/nowhere/state.json",
        "/tmp",
        "print",
        "email",
        "|",
        "web:1",
        "app/poc:5",
        ",",
        "/",
        ":",
        "a@b.c",
        "José <j@e.f>",
        "localhost",
        "starttls",
        "tls",
        "(?P<lineLogTime>.*)(?P<lineType>.*)(?P<lineDetail>.*)",
        "(a{9}){9}",
        "\r\n",
        "\u{202e}",
    ];
    let mut text = String::new();
    for _ in 0..=chance.below(3) {
        text += WORDS[chance.below(WORDS.len())];
    }
    if chance.one_in(8) {
        text.extend(char::from_u32(chance.below(0x11_0000) as u32));
    }
    text
}

/// A configuration that is right says what it was made of.
fn check_round(chance: &mut impl Chance) {
    let time = |chance: &mut dyn FnMut(usize) -> usize| {
        Time::constant(chance(24) as i8, chance(60) as i8, chance(60) as i8, 0)
    };
    let mut below = |end| chance.below(end);
    let mut watched = BTreeMap::new();
    for number in 0..=below(4) {
        let name = format!("{}user {number}: =ü,", if below(2) == 0 { "app/" } else { "" });
        let (minutes, open, close) = (1 + below(525_600) as u32, time(&mut below), time(&mut below));
        let mut days: [bool; 7] = std::array::from_fn(|_| below(2) == 0);
        days[below(7)] = true;
        watched.insert(name, (minutes, open, close, days));
    }
    let (delay, report_time) = ((1 + below(360_000)) as f64 / 100.0, time(&mut below));
    let entries: Map<String, Value> = watched.iter().map(|(name, entry)| (name.clone(), entry_json(entry))).collect();
    let config = json!({
        "configuration": {"trailingDelay": delay, "timeToSendEmailInformation": report_time.to_string()},
        "file": {"fileName": ["a.log", "b.log"], "usersToWatchAndThresholdInMinutes": entries},
    });
    let read = Config::parse("x.json", &config.to_string()).unwrap_or_else(|error| panic!("{error}: {config}"));
    assert_eq!((read.report_time, &read.warnings[..]), (report_time, &[][..]), "{config}");
    assert!((read.trailing_delay.as_secs_f64() - delay).abs() < 1e-6, "{config}");
    let entries = read.watched.iter().map(|entry| {
        let window = entry.window;
        (entry.name.clone(), (entry.minutes, window.open, window.close, window.days))
    });
    assert_eq!(entries.collect::<BTreeMap<_, _>>(), watched, "{config}");
    check_config(read);
}

fn entry_json(&(minutes, open, close, days): &(u32, Time, Time, [bool; 7])) -> Value {
    let names = ["Mon", "tue", "WED", "Thu", "Fri", "Sat", "Sun"];
    let days: Vec<&str> = names.iter().zip(days).filter(|(_, open)| *open).map(|(name, _)| *name).collect();
    json!({"minutes": minutes, "open": open.to_string(), "close": close.to_string(), "days": days.join(",")})
}
