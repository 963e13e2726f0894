//! `replay` from the real binary, against golden files: `REPLAY_BLESS=1 cargo test --test replay` writes them anew.

#![allow(clippy::expect_used, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::random::Random;

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

/// How many accounts are alerted when each has its proposed threshold, less so many minutes; and how many proposals
/// leave room for that.
fn alerts_with_proposals(log: &str, less: u64) -> (usize, usize) {
    let window = r#""windowOpenServiceDateTime": "08:00:00", "windowCloseServiceDateTime": "19:00:00""#;
    let config = |entries: &str| {
        let file = format!(r#""fileName": "-", "usersToWatchAndThresholdInMinutes": {{{entries}}}"#);
        let path = std::env::temp_dir().join(format!("loganalyzer-proposed-{}.json", std::process::id()));
        fs::write(&path, format!(r#"{{"configuration": {{{window}}}, "file": {{{file}}}}}"#)).expect("a configuration");
        path.display().to_string()
    };
    let path = config("\"nobody\": 525600");
    let proposals = replay(&["-c", &path, "--propose", "--format", "json", "-"], "UTC", log.as_bytes());
    let entries: Vec<String> = proposals
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|proposal| common::number(proposal, "minutes") > less)
        .map(|proposal| format!("{}: {}", proposal["account"], common::number(&proposal, "minutes") - less))
        .collect();
    let path = config(&format!("\"nobody\": 525600, {}", entries.join(", ")));
    let told = replay(&["-c", &path, "--format", "json", "-"], "UTC", log.as_bytes());
    fs::remove_file(&path).expect("removed");
    let alerts: std::collections::BTreeSet<String> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|told| told["event"] == "alert" && !told["entry"].is_null())
        .map(|told| told["entry"].to_string())
        .collect();
    (alerts.len(), entries.len())
}

/// A day and a half of accounts that come and go, fail, leave without a word, and of a pgbouncer that is away now and
/// then.
fn log_of_chance(seed: u64, leave_silently: bool) -> String {
    let mut random = Random::new(seed);
    let format = loganalyzer::report::time::TimeFormat::default();
    let (mut log, mut pid, mut away_until) = (String::new(), 7, 0);
    let mut write = |second: i64, pid: i32, message: &str| {
        let time = format.print(1_795_417_200_000 + second * 1000);
        log += &format!("{time}.250 UTC [{pid}] LOG {message}\n");
    };
    write(0, pid, "process up: PgBouncer 1.18.0, x");
    write(0, pid, "C-0x1: app/x@10.0.0.9:9 closing because: client close request (age=9s)");
    for second in 1..36 * 3600i64 {
        if second == away_until {
            pid += 1;
            write(second, pid, "process up: PgBouncer 1.18.0, x");
        }
        if second <= away_until {
            continue;
        }
        if second % 60 == 30 {
            let figures = "1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us";
            write(second, pid, &format!("stats: 1 xacts/s, {figures}"));
        }
        if random.one_in(20_000) {
            away_until = second + 60 + random.below(7200) as i64;
            write(second, pid, "got SIGTERM, fast exit");
            continue;
        }
        for (user, every) in [("a", 200), ("b", 900), ("c", 5000)] {
            if random.one_in(every) {
                let client = format!("C-0x{}: app/{user}@10.0.0.1:{}", random.below(2), second % 60_000);
                write(second, pid, &format!("{client} login attempt: db=app user={user} tls=no"));
                match random.below(6) {
                    0 if leave_silently => {}
                    1 => write(
                        second,
                        pid,
                        &format!("{client} closing because: password authentication failed (age=0s)"),
                    ),
                    _ => write(second, pid, &format!("{client} closing because: client close request (age=0s)")),
                }
            }
        }
    }
    log
}

/// The least threshold raises no alert, and one minute less does; but for attempts that are pending when it is due: they
/// hold an alert back, and may be followed by the login.
#[test]
fn what_is_proposed_raises_nothing_and_a_minute_less_does() {
    let morning = fs::read_to_string(folder().join("morning.log")).expect("the log");
    for log in (1..=6).map(|seed| log_of_chance(seed, true)) {
        assert_eq!(alerts_with_proposals(&log, 0).0, 0, "{log}");
    }
    for log in std::iter::once(morning).chain((1..=6).map(|seed| log_of_chance(seed, false))) {
        assert_eq!(alerts_with_proposals(&log, 0).0, 0, "{log}");
        let (alerts, entries) = alerts_with_proposals(&log, 1);
        assert_eq!(alerts, entries, "{log}");
    }
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

/// The user's own expressions made logins in a report but not in a replay: its clock stood still.
#[test]
fn what_only_the_users_expressions_read_is_replayed_as_well() {
    let config = include_str!("../LogAnalyzer.json")
        .replace(" LOG (?P<lineType>", " (?:LOG|INFO) (?P<lineType>")
        .replace("postgres:1,poc:5", "web:10");
    let path = std::env::temp_dir().join(format!("loganalyzer-own-expressions-{}.json", std::process::id()));
    fs::write(&path, config).expect("a configuration");
    let client = "C-0x1: app/web@10.0.0.7:5 login attempt: db=app user=web tls=no";
    let line = |time: &str| format!("2026-11-23 {time}.000 1234 INFO {client}\n");
    let log: String = ["09:00:00", "09:05:00", "09:30:00", "09:35:00"].map(line).concat();
    let told = replay(&["-c", &path.display().to_string(), "-"], "UTC", log.as_bytes());
    fs::remove_file(&path).expect("removed");
    assert!(told.starts_with("2026-11-23 09:15:01 ALERT web: no login for 10 minutes (silent)"), "{told}");
    assert!(told.contains("\n2026-11-23 09:30:00 RECOVERED web: logged in at 2026-11-23 09:30:00"), "{told}");
    assert_eq!(told.lines().count(), 2, "{told}");
}
