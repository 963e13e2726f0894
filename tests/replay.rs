//! `replay` from the real binary, against golden files: `REPLAY_BLESS=1 cargo test --test replay` writes them anew.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay")
}

fn replay(arguments: &[&str], zone: &str, input: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    command.arg("replay").args(arguments).current_dir(folder()).env("TZ", zone);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn check(golden: &str, text: &str) {
    let path = folder().join(golden);
    if std::env::var_os("REPLAY_BLESS").is_some() {
        fs::write(&path, text).expect("a golden file");
    }
    assert_eq!(text, fs::read_to_string(&path).expect(golden), "{golden}");
}

#[test]
fn a_morning_by_hand() {
    check("morning.txt", &replay(&["morning.log"], "UTC", b""));
    check("morning.jsonl", &replay(&["--format", "json"], "UTC", b""));
    check("proposals.txt", &replay(&["--propose"], "UTC", b""));
    check("proposals.jsonl", &replay(&["--propose", "--format", "json"], "UTC", b""));
    // The log's own clock is printed, also on a host of another zone; but the windows are that host's.
    check("morning-paris.txt", &replay(&["morning.log"], "Europe/Paris", b""));
}

#[test]
fn captures_of_real_pgbouncers() {
    for (capture, zone) in [("1.25.2", "UTC"), ("rotate-hup-1.25.2", "UTC"), ("dst-paris-1.25.2", "Europe/Paris")] {
        let text = common::logs(capture).concat();
        check(&format!("{capture}.txt"), &replay(&["-c", "captures.json", "-"], zone, &text));
        check(&format!("{capture}-proposals.txt"), &replay(&["-c", "captures.json", "--propose", "-"], zone, &text));
    }
}

/// The least threshold raises no alert, and one minute less does.
#[test]
fn what_is_proposed_raises_nothing_and_a_minute_less_does() {
    let path = std::env::temp_dir().join(format!("loganalyzer-proposed-{}.json", std::process::id()));
    let proposals = replay(&["--propose", "--format", "json"], "UTC", b"");
    let with = |less: u64| {
        let entries = proposals.lines().map(|line| {
            let proposal: serde_json::Value = serde_json::from_str(line).expect("JSON");
            format!("{}: {}", proposal["account"], common::number(&proposal, "minutes") - less)
        });
        let entries: Vec<String> = entries.collect();
        let window = r#""windowOpenServiceDateTime": "08:00:00", "windowCloseServiceDateTime": "19:00:00""#;
        let file =
            format!(r#""fileName": "morning.log", "usersToWatchAndThresholdInMinutes": {{{}}}"#, entries.join(","));
        fs::write(&path, format!(r#"{{"configuration": {{{window}}}, "file": {{{file}}}}}"#)).expect("a configuration");
        let config = path.to_str().expect("UTF-8");
        let told = replay(&["-c", config, "morning.log"], "UTC", b"");
        told.lines().filter(|line| line.contains("ALERT") && !line.contains("ALERT pgbouncer")).count()
    };
    assert_eq!(with(0), 0);
    assert_eq!(with(1), proposals.lines().count());
    fs::remove_file(&path).expect("removed");
}

/// Each second is judged: a date in a far future must not cost hours, nor raise alerts.
#[test]
fn a_broken_date_costs_nothing() {
    let log = fs::read_to_string(folder().join("morning.log")).expect("the log");
    let broken = "9999-12-31 23:59:59.000 UTC [7] LOG listening on 127.0.0.1:6432\n";
    let place = log.find("2026-11-23 08:30").expect("a line");
    let text = format!("{}{broken}{}", &log[..place], &log[place..]);
    let golden = fs::read_to_string(folder().join("morning.jsonl")).expect("morning.jsonl");
    assert_eq!(replay(&["--format", "json", "-"], "UTC", text.as_bytes()), golden);
}

#[test]
fn nobody_to_watch_is_an_error_that_names_the_mend() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    let nobody = folder().join("../../../tests/data/replay/nobody.json");
    let output = command.args(["replay", "-c"]).arg(nobody).current_dir(folder()).output().expect("the binary");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("nobody is watched (file.usersToWatchAndThresholdInMinutes); try --propose"), "{error}");
}
