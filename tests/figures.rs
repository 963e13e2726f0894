//! What programs read: the JSON report against its schema, and its parts against each other.

#![allow(clippy::expect_used, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};

use common::{number, schema, string};
use serde_json::{Value, json};

fn report_schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    serde_json::from_slice(&std::fs::read(path).expect("the schema")).expect("JSON")
}

/// The report of the real binary, with a configuration that says who is watched, or none.
fn report_watching(config: Option<&str>, log: &[u8]) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    command.current_dir(std::env::temp_dir()).env("TZ", "UTC").args(["report", "--format", "json", "-"]);
    config.iter().for_each(|config| {
        command.arg("-c").arg(folder.join(config));
    });
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    let mut input = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, log).expect("it reads"));
        let output = child.wait_with_output().expect("the binary ends");
        assert_eq!(output.status.code(), Some(0));
        serde_json::from_slice(&output.stdout).expect("JSON")
    })
}

#[test]
fn every_captures_json_is_as_the_schema_says() {
    let schema = report_schema();
    for name in common::names() {
        let report = common::report(&common::logs(&name));
        assert_eq!(schema::errors(&schema, &report), [""; 0], "{name}");
        let watching = report_watching(Some("captures.json"), &common::logs(&name).concat());
        assert_eq!(schema::errors(&schema, &watching), [""; 0], "{name}, watching");
        assert_eq!(watching["watched"].as_array().map(Vec::len), Some(4), "{name}");
    }
    assert_eq!(schema::errors(&schema, &common::report(&[])), [""; 0], "an empty log");
}

#[test]
fn what_is_not_as_the_schema_says_is_found() {
    let schema = report_schema();
    let right = common::report(&common::logs("reuseport-1.25.2"));
    let wrong = |change: &dyn Fn(&mut Value)| {
        let mut report = right.clone();
        change(&mut report);
        !schema::errors(&schema, &report).is_empty()
    };
    assert!(!wrong(&|_| {}));
    assert!(wrong(&|report| report["gaps"] = json!(-1)));
    assert!(wrong(&|report| report["gaps"] = json!(null)));
    assert!(wrong(&|report| report["more"] = json!(1)));
    assert!(wrong(&|report| drop(report.as_object_mut().expect("an object").remove("gaps"))));
    assert!(wrong(&|report| report["accounts"][0]["from"][0]["logins"] = json!("1")));
    assert!(wrong(&|report| report["loginsByHour"]["accounts"][0]["logins"] = json!([0])));
    assert!(wrong(&|report| report["outages"]["newest"] = json!([{"verdict": "well"}])));
}

fn sum(values: &Value) -> u64 {
    values.as_array().expect("a list").iter().map(|value| value.as_u64().expect("a number")).sum()
}

fn sum_of(rows: &Value, key: &str) -> u64 {
    rows.as_array().expect("a list").iter().map(|row| number(row, key)).sum()
}

/// Nothing is counted when an attempt comes, and yet every login is under its hour.
#[test]
fn the_hours_of_every_capture_add_up_to_its_logins() {
    for name in common::names() {
        for report in [
            common::report(&common::logs(&name)),
            report_watching(Some("captures.json"), &common::logs(&name).concat()),
        ] {
            let hours = &report["loginsByHour"];
            for key in ["logins", "failed"] {
                assert_eq!(sum_of(&hours["total"], key), number(&report["logins"], key), "{name}: {key}");
            }
            for account in report["accounts"].as_array().expect("accounts") {
                let user = string(account, "user");
                let rows = hours["accounts"].as_array().expect("accounts");
                let row =
                    rows.iter().find(|row| row["user"] == account["user"]).unwrap_or_else(|| panic!("{name}: {user}"));
                for key in ["logins", "failed"] {
                    assert_eq!(sum(&row[key]), number(account, key), "{name}: {key} of {user}");
                }
            }
            assert_eq!(sum(&hours["others"]["logins"]), number(&report["others"], "logins"), "{name}");
        }
    }
}

#[test]
fn the_series_of_every_capture_has_its_stats_lines() {
    for name in common::names() {
        let report = common::report(&common::logs(&name));
        assert_eq!(sum_of(&report["series"]["points"], "lines"), number(&report["stats"], "lines"), "{name}");
        let closed = sum_of(&report["servers"]["closedByReason"], "count") + number(&report["servers"], "others");
        assert_eq!(closed, number(&report["servers"], "closed"), "{name}");
        let lived = sum_of(&report["servers"]["lifetimes"]["byDuration"], "count");
        assert_eq!(lived, closed, "{name}: every closing of a server has its age");
        let kinds = sum_of(&report["warnings"]["byKind"], "count") + number(&report["warnings"], "others");
        assert_eq!(kinds, number(&report["warnings"], "total"), "{name}");
    }
}

/// Counted once more, plainly: lines by their level, and what servers' lines say.
#[test]
fn warnings_and_servers_are_those_that_the_log_has() {
    for name in ["1.5.5", "1.10.0", "1.25.2", "reuseport-1.25.2", "hba-1.25.2"] {
        let log = common::logs(name).concat();
        let report = common::report(std::slice::from_ref(&log));
        let text = String::from_utf8_lossy(&log).into_owned();
        let lines = || text.split('\n').filter(|line| line.starts_with("20"));
        let level =
            |level: &str| lines().filter(|line| line.split(' ').take(6).any(|word| word == level)).count() as u64;
        let warnings = level("WARNING") + level("ERROR") + level("FATAL");
        assert_eq!(number(&report["warnings"], "total"), warnings, "{name}");
        let servers =
            |what: &str| lines().filter(|line| line.contains(" LOG S-0x") && line.contains(what)).count() as u64;
        assert_eq!(number(&report["servers"], "opened"), servers(" new connection to server"), "{name}");
        assert_eq!(number(&report["servers"], "closed"), servers(" (age="), "{name}");
        let ups = report["events"]["newest"]
            .as_array()
            .expect("events")
            .iter()
            .filter(|event| event["event"] == "process up");
        assert_eq!(ups.count(), lines().filter(|line| line.contains(" LOG process up: ")).count(), "{name}");
    }
}

/// Three closings of logins, one of a failure, and one by its process' end, which is no closing.
#[test]
fn sessions_that_were_closed_have_their_durations() {
    let line = |time: &str, port: u32, text: &str| {
        format!("2026-11-23 {time} UTC [7] LOG C-0x{port:x}: app/web@10.0.0.7:{port} {text}\n")
    };
    let mut log: String =
        (1..=5).map(|port| line("09:00:00.000", port, "login attempt: db=app user=web tls=no")).collect();
    for (time, port, reason) in [
        ("09:00:00.250", 1, "client close request (age=0s)"),
        ("09:00:10.000", 2, "client close request (age=10s)"),
        ("10:00:00.000", 3, "server conn crashed? (age=3600s)"),
        ("10:00:00.000", 4, "client_login_timeout (age=3600s)"),
    ] {
        log += &line(time, port, &format!("closing because: {reason}"));
    }
    log += "2026-11-23 11:00:00.000 UTC [7] LOG got SIGTERM, fast exit\n";
    let sessions = &common::report(&[log.into_bytes()])["sessions"];
    assert_eq!((number(sessions, "closed"), sum_of(&sessions["byDuration"], "count")), (3, 3));
    assert_eq!(sessions["longestSeconds"], 3600.0);
    let median = sessions["medianSeconds"].as_f64().expect("a duration");
    assert!((10.0..11.25).contains(&median), "{sessions}");
    assert_eq!(sessions["byDuration"][0], json!({"belowSeconds": 0.256, "count": 1}));
}

/// Two hours, an attempt that fails in the second and came in the first, and one that nobody will ever know of.
#[test]
fn a_failure_counts_under_the_hour_of_its_attempt() {
    let line = |time: &str, port: u32, text: &str| {
        format!("2026-11-23 {time}.000 UTC [7] LOG C-0x{port:x}: app/web@10.0.0.7:{port} {text}\n")
    };
    let attempt = "login attempt: db=app user=web tls=no";
    let log = [
        line("08:59:58", 1, attempt),
        line("08:59:59", 2, attempt),
        line("09:00:01", 3, attempt),
        line("09:00:02", 1, "closing because: client_login_timeout (age=4s)"),
        line("09:00:03", 2, "closing because: client close request (age=4s)"),
        // The clock of another process is behind.
        line("08:59:59", 4, attempt),
        line("10:30:00", 5, attempt),
    ]
    .concat();
    let hours = &common::report(&[log.into_bytes()])["loginsByHour"];
    let total: Vec<(u64, u64)> = hours["total"]
        .as_array()
        .expect("hours")
        .iter()
        .map(|hour| (number(hour, "logins"), number(hour, "failed")))
        .collect();
    assert_eq!(total, [(2, 1), (1, 0), (1, 0)]);
    assert_eq!(hours["total"][0]["at"], "2026-11-23 08:00:00");
    assert_eq!(hours["accounts"][0]["failed"][8], 1);
}

/// 200 accounts: those behind the first 128 are counted together, and all of them by day where there are years of them.
#[test]
fn hours_are_bounded_and_lose_nothing() {
    let mut log = String::new();
    let format = loganalyzer::report::time::TimeFormat::default();
    for hour in 0..40 * 24i64 {
        let time = format.print(1_795_305_600_000 + hour * 3_600_000);
        let (port, user) = (hour + 1, hour % 200);
        log += &format!(
            "{time}.000 UTC [7] LOG C-0x{port:x}: app/u{user}@10.0.0.7:{port} login attempt: db=app user=u{user} tls=no\n"
        );
    }
    let report = common::report(&[log.into_bytes()]);
    let hours = &report["loginsByHour"];
    assert_eq!((number(hours, "hours"), hours["accounts"].as_array().map(Vec::len)), (24, Some(128)));
    assert_eq!((sum_of(&hours["total"], "logins"), number(&hours["total"][7], "logins")), (960, 24));
    let accounts: u64 = hours["accounts"].as_array().expect("accounts").iter().map(|row| sum(&row["logins"])).sum();
    assert_eq!(accounts + sum(&hours["others"]["logins"]), 960);
}

/// The outages of a finished log are those that `replay` tells, and the timeline has each attempt of the entry.
#[test]
fn watched_entries_have_a_timeline_with_their_outages() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let log = std::fs::read(folder.join("morning.log")).expect("the log");
    let told = std::fs::read_to_string(folder.join("morning.jsonl")).expect("what replay tells");
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let report = report_watching(Some("LogAnalyzer.json"), &log);
    let outages = report["outages"]["newest"].as_array().expect("outages");
    for event in told.iter().filter(|event| event["event"] == "recovered") {
        let is_it = |outage: &&Value| outage["entry"] == event["entry"] && outage["minutes"] == event["outageMinutes"];
        assert!(outages.iter().any(|outage| is_it(&outage)), "{event} in {outages:?}");
    }
    assert!(!outages.is_empty());
    for watched in report["watched"].as_array().expect("watched") {
        let entry = string(watched, "entry");
        let account = report["accounts"].as_array().expect("accounts").iter().find(|account| account["user"] == entry);
        if let Some(account) = account {
            assert_eq!(sum_of(&watched["points"], "logins"), number(account, "logins"), "{entry}");
            assert_eq!(sum_of(&watched["points"], "failed"), number(account, "failed"), "{entry}");
        }
        assert!(!watched["windows"].as_array().expect("windows").is_empty(), "{entry}");
    }
    let without = report_watching(None, &log);
    assert_eq!(without["watched"], json!([]));
    assert_eq!(number(&without["outages"], "total"), 0);
}
