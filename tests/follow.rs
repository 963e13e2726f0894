//! The real binary, following a file: signals, alerts, and what can happen to a log.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs::{self, File};
use std::process::Command;
use std::time::Duration;

use common::run::{Run, attempt, closing};

#[test]
fn an_account_that_is_silent_raises_one_alert_and_its_login_ends_it() {
    let mut run = Run::new("alert");
    run.append(&(attempt("web", 1, 300) + &closing("web", 1, "client close request")));
    run.start(&[]);
    run.until("out", "ALERT web: no login for 5 minutes (silent), since ");
    run.append(&(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    run.until("out", "RECOVERED web: logged in at ");
    let out = run.stop("INT");
    assert_eq!(out.matches("ALERT").count(), 1, "{out}");
    assert!(out.contains("last login : 2"), "the log told of the last one: {out}");
    assert!(
        out.contains("Account : web\n") && out.contains("Number of logins : 1\n"),
        "only what is new counts: {out}"
    );
}

#[test]
fn usr1_prints_the_running_report_and_verbose_each_login() {
    let mut run = Run::new("usr1");
    run.append("");
    run.start(&["--verbose"]);
    run.append(&attempt("o'neil", 1, 0));
    run.until("out", "login : app/o'neil from : 10.0.0.7\n");
    run.signal("USR1");
    run.until("out", "End date : ");
    run.append(&attempt("o'neil", 2, 0));
    let out = run.stop("TERM");
    assert_eq!(out.matches("End date : ").count(), 2, "{out}");
    assert!(out.ends_with('\n') && out.contains("Number of logins : 2\n"), "{out}");
}

#[test]
fn hup_reads_the_configuration_again_and_refuses_a_bad_one() {
    let mut run = Run::new("hup");
    run.configure("batch:30", "\"00:00:00\"");
    run.append(&attempt("batch", 1, 600));
    run.start(&[]);
    fs::write(run.folder.join("LogAnalyzer.json"), "{").expect("a bad configuration");
    run.signal("HUP");
    run.until("err", "the old configuration is kept");
    run.configure("batch:1", "\"00:00:00\"");
    run.signal("HUP");
    run.until("err", "the configuration was read again");
    run.until("out", "ALERT batch: no login for ");
    run.stop("TERM");
}

#[test]
fn a_log_that_is_not_there_yet_is_waited_for_and_read_from_its_beginning() {
    let mut run = Run::new("missing");
    run.start(&[]);
    run.until("err", "there is no such file; waiting for it");
    run.append(&attempt("web", 1, 0));
    run.until("err", "following it");
    let out = run.stop("TERM");
    assert!(out.contains("Number of logins : 1\n"), "{out}");
}

#[test]
fn a_torn_line_is_read_when_it_is_whole() {
    let mut run = Run::new("torn");
    let line = attempt("web", 1, 0);
    run.append("");
    run.start(&["-V"]);
    run.append(&line[..60]);
    std::thread::sleep(Duration::from_millis(200));
    run.append(&line[60..]);
    run.until("out", "login : app/web");
    let out = run.stop("TERM");
    assert!(out.contains("Number of logins : 1\n") && !out.contains("not understood"), "{out}");
}

#[test]
fn the_head_of_a_record_waits_for_its_tab_line() {
    let mut run = Run::new("head");
    run.append("");
    run.start(&["-V"]);
    let head = attempt("web", 1, 0);
    run.append(&format!("{head}\t/svc@10.0.0.9:3 login attempt: db=x\n"));
    run.append(&attempt("other", 2, 0));
    run.until("out", "login : app/other");
    let out = run.stop("TERM");
    assert!(!out.contains("Account : web"), "the database's name made that line: {out}");
}

#[test]
fn a_log_that_was_truncated_without_a_copy_is_a_gap() {
    let mut run = Run::new("gap");
    run.append(&attempt("web", 1, 0));
    run.start(&[]);
    File::create(run.log()).expect("truncated");
    run.until("err", "was truncated, and no copy of it was found");
    run.append(&attempt("web", 2, 0));
    let out = run.stop("TERM");
    assert!(out.contains("Gaps in the log : 1\n") && out.contains("Number of logins : 1\n"), "{out}");
}

/// The last line of a renamed file was taken after the first ones of the new file: its closing came before the attempt.
#[test]
fn the_last_line_of_a_renamed_file_comes_before_the_new_file() {
    let mut run = Run::new("rename-order");
    run.append("");
    run.start(&[]);
    // So that all of it happens between two looks at the log.
    run.signal("STOP");
    run.append(&attempt("web", 1, 0));
    fs::rename(run.log(), run.folder.join("pgbouncer.log.1")).expect("renamed");
    run.append(&(closing("web", 1, "password authentication failed") + &attempt("other", 2, 0)));
    run.signal("CONT");
    let out = run.stop("TERM");
    assert!(out.contains("Account : web\nNumber of failed logins : 1\n"), "{out}");
}

/// The stats of an idle pgbouncer differ in their time only, and an older copy of the log had the same last bytes at
/// the same place: it was read from there once more.
#[test]
fn an_older_copy_with_the_same_last_bytes_is_not_taken_for_the_newest() {
    let mut run = Run::new("older-copy");
    let stats = |minute: u32| {
        let figures = "1 queries/s, in 2 B/s, out 3 B/s, xact 4 us, query 4 us, wait 5 us";
        format!("2026-11-22 05:{minute:02}:00.000 UTC [7] LOG stats: 1 xacts/s, {figures}\n")
    };
    let older: String = (0..10).map(stats).collect();
    let login = "2026-11-22 05:10:01.000 UTC [7] LOG C-0x1: app/old@10.0.0.9:1 login attempt: db=app user=old tls=no\n";
    fs::write(run.folder.join("pgbouncer.log.0"), older + login).expect("an older copy");
    run.append(&(10..19).map(stats).collect::<String>());
    run.start(&[]);
    run.append(&stats(19));
    std::thread::sleep(Duration::from_millis(300));
    fs::copy(run.log(), run.folder.join("pgbouncer.log.1")).expect("copied");
    File::create(run.log()).expect("truncated");
    std::thread::sleep(Duration::from_millis(300));
    run.append(&attempt("web", 1, 0));
    let out = run.stop("TERM");
    assert!(out.contains("Account : web\n") && !out.contains("Account : old\n"), "{out}");
}

#[test]
fn check_says_what_is_watched_and_what_the_log_is() {
    let run = Run::new("check");
    let up = "2026-11-22 05:00:00.000 UTC [7] LOG process up: PgBouncer 1.18.0, libevent 2.1\n";
    run.append(&(up.to_owned() + &attempt("webb", 1, 3600)));
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
    let output = output.expect("check");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    for line in [
        "pgbouncer : 1.18.0\n",
        "Format : pgbouncer's own file, since 1.11\n",
        "Lines : 2, of which 100.00 % are understood\n",
        "Watched : web, at most 1 minutes without a login, always, every day\n",
        "  WARNING : never seen in this log; did you mean \"webb\"?\n",
    ] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn check_notices_that_log_connections_is_off() {
    let run = Run::new("quiet");
    fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/quiet-1.25.2/pgbouncer.log"), run.log())
        .expect("a log");
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
    let text = String::from_utf8(output.expect("check").stdout).expect("UTF-8");
    assert!(text.contains("WARNING : stats but never a login: log_connections seems to be 0"), "{text}");
}

#[test]
fn check_warns_of_a_log_that_a_syslog_daemon_writes() {
    let run = Run::new("syslog");
    let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/captures/syslog-1.18.0/syslog_iso.log");
    fs::copy(capture, run.log()).expect("a log");
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
    let text = String::from_utf8(output.expect("check").stdout).expect("UTF-8");
    assert!(text.contains("if that does not escape control characters, a client can forge lines"), "{text}");
}

/// What the Python script printed of each stats line.
#[test]
fn verbose_prints_each_stats_line() {
    let mut run = Run::new("verbose");
    run.append("");
    run.start(&["--verbose"]);
    let time = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.000 UTC [7]").to_string();
    let stats = "stats: 3 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 4 us, query 69652 us, wait 5 us";
    run.append(&format!("{time} LOG {stats}\n{time} LOG listening on 127.0.0.1:6432\n{time} LOG x\n"));
    run.until("out", "Stats for the last period : ");
    let out = run.stop("TERM");
    let line = "Stats for the last period : Average requests by second : 41 Average bytes IN by second : 17628 Average \
                bytes OUT by second : 7835 Average request duration by second : 0.069652\n";
    assert_eq!(out.matches(line).count(), 1, "{out}");
}

/// Each with what it warns of, or calls an error.
#[test]
fn check_says_what_is_odd() {
    let run = Run::new("odd");
    let check = |from: &str, to: &str, input: &str| {
        run.configure("web:1", "\"00:00:00\"");
        let file = run.folder.join("LogAnalyzer.json");
        let text = fs::read_to_string(&file).expect("a configuration");
        assert!(text.contains(from), "{from}");
        fs::write(&file, text.replacen(from, to, 1)).expect("a configuration");
        fs::write(run.log(), input).expect("a log");
        let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
        let output = output.expect("check");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let log = run.log().display().to_string();
    let pattern = format!("{}/no*.log", run.folder.display());
    let up = "2026-11-22 05:00:00.000 UTC [7] LOG process up: PgBouncer 1.18.0, libevent 2.1\n";
    for (from, to, input, status, said) in [
        ("\"trailingDelay\"", "\"trailingDelays\": 1, \"trailingDelay\"", up, 0, "WARNING : LogAnalyzer.json: "),
        (&log, "-", up, 0, "Log : standard input, when it is followed\n"),
        (&log, &pattern, up, 0, &format!("WARNING : {pattern}: there is no such file yet\n")),
        ("web:1", "", up, 0, "WARNING : nobody is watched (file.usersToWatchAndThresholdInMinutes)\n"),
        ("pgbouncer.log", "away.log", up, 1, "ERROR : "),
        ("web:1", "web:1", "nobody's line\n", 0, "WARNING : 1 lines are not understood; the first : nobody's line\n"),
        (
            "CloseServiceDateTime\": \"00:00:00\"",
            "CloseServiceDateTime\": \"19:00:00\"",
            up,
            0,
            "from 00:00:00 to 19:00:00",
        ),
    ] {
        let (code, text) = check(from, to, input);
        assert_eq!(code, Some(status), "{text}");
        assert!(text.contains(said), "{said:?} in {text}");
    }
    let (_, text) = check("pgbouncer.log", "away.log", up);
    assert!(text.contains("look whether pgbouncer writes there, and whether this user may read it"), "{text}");
}
