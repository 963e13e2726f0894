//! The outputs, byte for byte, from the real binary.

#![allow(clippy::expect_used, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use common::{number, string};
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::figures::Period;
use loganalyzer::analysis::watch::Watch;
use loganalyzer::config::Config;
use loganalyzer::report::paint::Style;
use loganalyzer::report::time::TimeFormat;
use loganalyzer::report::{Report, text};

fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    command.args(arguments).current_dir(std::env::temp_dir()).env("TZ", "UTC");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    // A command that does not read its input closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("the binary ends")
}

/// The log of the example of 2017: two stats lines and 55 logins.
fn log_of_2017() -> String {
    let mut log =
        String::from("2017-12-03 19:15:39.123 7298 LOG Stats: 41 req/s, in 17628 b/s, out 7835 b/s,query 69652 us\n");
    for number in 0..55 {
        let time =
            format!("2017-12-03 19:{}:{:02}.500", 15 + (42 + number * 35 / 54) / 60, (42 + number * 35 / 54) % 60);
        let client = format!("{time} 7298 LOG C-0x1a2b3c: poc/postgres@192.168.1.16:{}", 40_000 + number);
        log += &format!("{client} login attempt: db=poc user=postgres tls=no\n");
        log += &format!("{client} closing because: client close request (age=0)\n");
    }
    log + "2017-12-03 19:16:53.456 7298 LOG Stats: 42 req/s, in 17629 b/s, out 7836 b/s,query 69653 us\n"
}

const REPORT_OF_2017: &str = "\
Stats for running periode from 2017-12-03 19:15:39 to 2017-12-03 19:16:53 : 
Average requests by second : 41
Average bytes IN by second : 17628
Average bytes OUT by second : 7835
Average request duration by second : 0.0696525

Stats for logins, periode from 2017-12-03 19:15:39 to 2017-12-03 19:16:53 : 
Account : postgres
First login time : 2017-12-03 19:15:42
Last login time : 2017-12-03 19:16:17
Number of logins : 55
Number of logins from 192.168.1.16 : 55

End date : 2017-12-03 19:16:53
";

#[test]
fn the_report_of_2017_is_the_same_byte_for_byte() {
    let output = run(&["report", "-"], log_of_2017().as_bytes());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), REPORT_OF_2017);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_json_report_has_the_documented_keys() {
    let output = run(&["--format", "json", "report", "-"], log_of_2017().as_bytes());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["period"]["from"], "2017-12-03 19:15:39");
    for key in ["total", "understood", "fallback", "continuation", "foreign", "unrecognised", "tooLong"] {
        number(&report["lines"], key);
    }
    assert_eq!(report["stats"]["averageRequestSeconds"], 0.069_652_5);
    assert!(report["stats"]["averageTransactionsPerSecond"].is_null(), "1.7 does not say");
    for key in ["attempts", "logins", "failed", "pending", "assumed"] {
        number(&report["logins"], key);
        number(&report["accounts"][0], key);
    }
    assert_eq!(string(&report["accounts"][0]["from"][0], "address"), "192.168.1.16");
    assert_eq!(string(&report["accounts"][0]["databases"][0], "database"), "poc");
    assert_eq!(number(&report["refused"], "total"), 0);
    assert_eq!(number(&report["others"], "accounts"), 0);
}

#[test]
fn an_empty_log_says_that_there_is_nothing() {
    let output = run(&["report", "-"], b"");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.starts_with("There is no Stats for running periode from - to -\n\nThere is no Stats for logins"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_is_told_with_its_status() {
    for (arguments, status, message) in [
        (&["reprot"][..], 2, "loganalyzer: nobody knows the command \"reprot\""),
        (&["report", "/nowhere.log"], 1, "loganalyzer: /nowhere.log: No such file or directory"),
        (&["-c", "/nowhere.json", "check"], 2, "loganalyzer: /nowhere.json: No such file or directory"),
    ] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(status), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stderr).starts_with(message), "{output:?}");
    }
}

#[test]
fn a_line_that_nobody_understands_is_counted_and_shown() {
    let log = log_of_2017() + "2017-12-03 19:16:54.000 7298 LOG C-0x1: a/b@1.2.3.4:5 login attempt: user=b\n";
    let text = String::from_utf8(run(&["report", "-"], log.as_bytes()).stdout).expect("UTF-8");
    assert!(
        text.contains("Lines not understood : 1\nThe first of them : 2017-12-03 19:16:54.000 7298 LOG C-0x1"),
        "{text}"
    );
}

#[test]
fn a_table_of_sessions_that_was_full_is_said() {
    let line = |number: usize| {
        let (pointer, port) = (number + 0x10_0000, number % 60_000 + 1);
        format!(
            "2026-11-22 05:00:00.000 UTC [7] LOG C-0x{pointer:x}: app/web@10.0.0.1:{port} login attempt: db=app user=web tls=no\n"
        )
    };
    let log: String = (0..loganalyzer::limits::SESSIONS + 3).map(line).collect();
    let text = String::from_utf8(run(&["report", "-"], log.as_bytes()).stdout).expect("UTF-8");
    assert!(text.contains("Attempts decided by their age, as too many were open : 3\n"), "{text}");
    let json = run(&["report", "-", "--format", "json"], log.as_bytes()).stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!(number(&json["logins"], "decidedByAge"), 3);
}

/// A typo in the configuration is the commonest reason for a name that is never seen.
#[test]
fn a_name_that_is_never_seen_is_said_with_the_nearest_one() {
    const MINUTE: i64 = 60_000;
    let text = r#"{"configuration": {}, "file": {"fileName": "x", "usersToWatchAndThresholdInMinutes": "postgers:5,postgres:5"}}"#;
    let config = Config::parse("LogAnalyzer.json", text).expect("a configuration");
    let begin = "2026-11-22T00:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond();
    let watch = Watch::new(config.watched, TimeZone::UTC, begin);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: begin });
    let format = TimeFormat::default();
    for minute in 0..=24 * 60 {
        let now = begin + minute * MINUTE;
        let client = format!("{}.000 UTC [7] LOG C-0x1: app/postgres@10.0.0.7:{}", format.print(now), 1000 + minute);
        let lines = format!(
            "{client} login attempt: db=app user=postgres tls=no\n{client} closing because: client close request (age=0s)\n"
        );
        common::feed(&mut analyzer, &[lines.into_bytes()]);
        analyzer.tick(now);
        let report = Report::running(&analyzer, Period::Run, &format, (begin, now), Box::new(|instant| instant));
        let text = text::write(&report, Style::default());
        let line = "Watched for a whole window but never seen : postgers (nearest name seen: postgres)\n";
        assert_eq!(text.contains(line), minute == 24 * 60, "{text}");
    }
    let json = common::json(&analyzer);
    assert_eq!(json["neverSeen"].to_string(), r#"[{"entry":"postgers","nearest":"postgres"}]"#);
}

#[test]
fn help_and_version_are_printed() {
    for option in ["-h", "--help"] {
        let output = run(&[option], b"");
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(text.starts_with("Usage: loganalyzer [OPTIONS]") && text.contains("--config FILE"), "{text}");
    }
    for option in ["-v", "--version"] {
        let text = String::from_utf8(run(&[option], b"").stdout).expect("UTF-8");
        assert_eq!(text, format!("loganalyzer {}\n", env!("CARGO_PKG_VERSION")));
    }
}

/// In a folder without a configuration, and with a zone that is no text.
#[test]
fn without_a_configuration_a_log_is_reported_and_thresholds_are_proposed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = std::env::temp_dir().join(format!("loganalyzer-bare-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("pgbouncer.log"), log_of_2017()).expect("a log");
    let zone = std::ffi::OsStr::from_bytes(b"\xff");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
        command.args(arguments).current_dir(&folder).env("TZ", zone).output().expect("the binary")
    };
    let proposed = run(&["replay", "--propose", "pgbouncer.log"]);
    let text = String::from_utf8_lossy(&proposed.stdout).into_owned();
    assert!(text.starts_with("postgres : 1 minute (longest silence ") && text.contains("rests on 55 logins"), "{text}");
    let judged = run(&["replay", "pgbouncer.log"]);
    assert_eq!(judged.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&judged.stderr).contains("there is no ./LogAnalyzer.json"), "{judged:?}");
    assert_eq!(String::from_utf8_lossy(&run(&["report", "pgbouncer.log"]).stdout), REPORT_OF_2017);
    // A configuration that names what is not there, or too much, or what nobody knows.
    let files = |name: &str, key: &str| {
        let text = format!(
            r#"{{"configuration": {{{key}}}, "file": {{"fileName": {name}, "usersToWatchAndThresholdInMinutes": "a:1"}}}}"#
        );
        std::fs::write(folder.join("LogAnalyzer.json"), text).expect("a configuration");
    };
    files(r#""no*.log""#, "");
    let nothing = run(&["report"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no file of the name that file.fileName has"));
    files(r#"["a.log", "b.log"]"#, "");
    let several = run(&["replay"]);
    assert!(String::from_utf8_lossy(&several.stderr).contains("the configuration has 2 logs; name one of them"));
    files(r#""pgbouncer.log""#, r#""trailingDelays": 1"#);
    let warned = run(&["replay"]);
    assert!(
        String::from_utf8_lossy(&warned.stderr).contains("loganalyzer: LogAnalyzer.json: configuration.trailingDelays")
    );
    std::fs::remove_dir_all(&folder).expect("removed");
}
