//! A real pgbouncer and a real PostgreSQL (Debian's packages), real clients, the real binary following the real log.
//!
//! Skipped, out loud, where they are not installed; in CI (`CI=true`) that is a failure.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::follower::{Follower, figure};
use common::servers::{Servers, signal, until};
use common::{number, string};
use serde_json::Value;

/// The JSON report of the binary on the whole log.
fn complete_report(servers: &Servers) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
        .args(["--format", "json", "report"])
        .arg(servers.log())
        .output();
    serde_json::from_slice(&output.expect("report").stdout).expect("JSON")
}

/// (user, reason) → how many attempts failed so.
fn failures(report: &Value) -> BTreeMap<(String, String), u64> {
    let mut failures = BTreeMap::new();
    for account in report["accounts"].as_array().expect("accounts") {
        for row in account["failedByReason"].as_array().expect("failedByReason") {
            failures.insert((string(account, "user"), string(row, "reason")), number(row, "count"));
        }
    }
    failures
}

/// A psql that has logged in and waits for input.
fn hold_a_session(offset: u16) -> Child {
    let mut command = Servers::client("127.0.0.1", "app", "app", offset);
    let mut child =
        command.env("PGPASSWORD", "right").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("psql");
    child.stdin.as_mut().expect("piped").write_all(b"select 'in';\n").expect("psql reads");
    let mut answer = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut answer).expect("psql answers");
    assert_eq!(answer.trim(), "in");
    child
}

#[test]
fn failures_of_every_kind_are_no_logins() {
    let Some(servers) = Servers::start("failures", 30) else { return };
    let offset = 30;
    assert!(Servers::psql("127.0.0.1", "app", "right", offset));
    for _ in 0..3 {
        assert!(!Servers::psql("::1", "app", "wrong", offset));
        assert!(!Servers::psql("127.0.0.1", "nobody", "right", offset));
    }
    assert!(!Servers::psql_into("nosuch", "127.0.0.1", "web-api", "right", offset));
    assert!(!Servers::psql_into("down", "127.0.0.1", "a@b", "right", offset));
    for _ in 0..4 {
        Servers::hang_up_at_the_prompt("odd user", "app", offset);
    }
    // What `psql -w` does without a password is the same.
    let status = Servers::client("127.0.0.1", "odd user", "app", offset).args(["-c", "select"]).status();
    assert!(!status.expect("psql").success());
    // All at once, so that they take the pointers that were left; and they are killed, without time for a Terminate.
    let held: Vec<Child> = (0..8).map(|_| hold_a_session(offset)).collect();
    for mut child in held {
        child.kill().expect("killed");
        let _ = child.wait();
    }
    assert!(Servers::psql("127.0.0.1", "app", "right", offset));
    until("the last closing", || {
        fs::read_to_string(servers.log())
            .is_ok_and(|log| log.matches("closing because: client close request").count() == 2)
    });
    let report = complete_report(&servers);
    let expected = [
        ("a@b", "client_login_timeout (server down)", 1),
        ("app", "password authentication failed", 3),
        ("nobody", "password authentication failed", 3),
        ("odd user", "left at the password prompt", 5),
        ("web-api", "no such database", 1),
    ];
    let expected = expected.map(|(user, reason, count)| ((user.to_owned(), reason.to_owned()), count));
    assert_eq!(failures(&report), BTreeMap::from(expected), "{report}");
    let total = &report["logins"];
    assert_eq!((number(total, "logins"), number(total, "failed"), number(total, "pending")), (10, 13, 0), "{report}");
    assert_eq!(number(&report["lines"], "unrecognised"), 0, "{}", report["lines"]);
}

#[test]
fn what_the_clients_counted_is_what_is_reported() {
    let Some(servers) = Servers::start("clients", 0) else { return };
    let folder = servers.folder.clone();
    let follower = Follower::start(&servers.log(), &folder, "app:1");
    let socket = folder.display().to_string();
    for (host, count) in [("127.0.0.1", 7), ("::1", 5), (&socket, 3)] {
        for _ in 0..count {
            assert!(Servers::psql(host, "app", "right", 0), "{host}");
        }
    }
    for user in ["web-api", "odd user", "a@b"] {
        assert!(Servers::psql("127.0.0.1", user, "right", 0), "{user}");
    }
    for _ in 0..4 {
        assert!(!Servers::psql("127.0.0.1", "app", "wrong", 0));
    }
    assert!(!Servers::psql("127.0.0.1", "nobody", "right", 0));
    servers.pgbench("web-api", 50, 0);
    let report = follower.stop();
    let expect =
        |account, label, count| assert_eq!(figure(&report, account, label), count, "{account}, {label}: {report}");
    expect("app", "Number of logins", 15);
    expect("app", "Number of logins from 127.0.0.1", 7);
    expect("app", "Number of logins from ::1", 5);
    expect("app", "Number of logins from unix", 3);
    expect("app", "Number of failed logins", 4);
    expect("app", "Number of failed logins because of password authentication failed", 4);
    expect("odd user", "Number of logins", 1);
    expect("a@b", "Number of logins", 1);
    expect("nobody", "Number of failed logins", 1);
    // pgbench makes one connection more, to look at the server.
    let benched = figure(&report, "web-api", "Number of logins");
    assert!((51..=53).contains(&benched), "{benched} logins of web-api: {report}");
    let complete = complete_report(&servers);
    assert_eq!(number(&complete["lines"], "unrecognised"), 0, "{}", complete["lines"]);
    let app =
        complete["accounts"].as_array().expect("accounts").iter().find(|account| string(account, "user") == "app");
    assert_eq!(app.map(|app| (number(app, "logins"), number(app, "failed"))), Some((15, 4)));
}

/// Logs in while `rotate` is called in between; says how many logins pgbouncer wrote, in all files together.
fn log_in_while(servers: &Servers, offset: u16, mut rotate: impl FnMut(u32)) -> u64 {
    for round in 0..6 {
        servers.pgbench("app", 40, offset);
        // Not twice within one tick: logrotate never does, and pgbouncer only makes the new file with its next line.
        std::thread::sleep(Duration::from_millis(200));
        rotate(round);
    }
    servers.pgbench("app", 40, offset);
    let files = fs::read_dir(&servers.folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let is_log = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("pgbouncer.log"))
    };
    let count = |path: PathBuf| {
        let text = Command::new("zcat").arg("-f").arg(path).output().expect("zcat").stdout;
        String::from_utf8_lossy(&text).matches("login attempt: db=app user=app ").count() as u64
    };
    let attempts = files.filter(is_log).map(count).sum();
    assert!(attempts >= 280, "{attempts} attempts in all files");
    attempts
}

#[test]
fn rename_and_sighup_under_traffic_loses_nothing() {
    let Some(servers) = Servers::start("rename", 10) else { return };
    let follower = Follower::start(&servers.log(), &servers.folder.clone(), "app:1");
    let (log, pid) = (servers.log(), servers.pgbouncer.0.id());
    let attempts = log_in_while(&servers, 10, |round| {
        fs::rename(&log, log.with_extension(format!("log.{round}"))).expect("rename");
        signal(pid, "HUP");
    });
    let report = follower.stop();
    assert_eq!(figure(&report, "app", "Number of logins"), attempts, "{report}");
    assert!(!report.contains("Gaps"), "{report}");
}

#[test]
fn copytruncate_is_noticed_and_the_rest_is_read_from_the_copy() {
    let Some(servers) = Servers::start("copytruncate", 20) else { return };
    let follower = Follower::start(&servers.log(), &servers.folder.clone(), "app:1");
    let log = servers.log();
    let attempts = log_in_while(&servers, 20, |round| {
        // Quiet for a moment, so that nothing is written between copying and truncating: that is logrotate's own loss.
        std::thread::sleep(Duration::from_millis(100));
        fs::copy(&log, log.with_extension(format!("log.{round}"))).expect("copy");
        File::options().write(true).open(&log).and_then(|file| file.set_len(0)).expect("truncate");
    });
    let report = follower.stop();
    assert_eq!(figure(&report, "app", "Number of logins"), attempts, "{report}");
}

/// logrotate's own program rotates a real pgbouncer's log by `how`, and loganalyzer is killed and goes on in between.
fn rotated_by_logrotate(name: &str, offset: u16, how: impl Fn(&Servers) -> String) {
    if !std::path::Path::new("/usr/sbin/logrotate").exists() {
        assert!(std::env::var_os("CI").is_none(), "Debian's package logrotate is missing");
        eprintln!("SKIPPED: {name}: Debian's package logrotate is missing");
        return;
    }
    let Some(servers) = Servers::start(name, offset) else { return };
    let (log, folder) = (servers.log(), servers.folder.clone());
    let config = folder.join("logrotate.conf");
    fs::write(&config, how(&servers)).expect("a configuration");
    let mut follower = Some(Follower::resume(&log, &folder, "app:1"));
    let attempts = log_in_while(&servers, offset, |round| {
        // Quiet for a moment: what is written between copying and truncating is logrotate's own loss.
        std::thread::sleep(Duration::from_millis(100));
        if round % 2 == 0 {
            follower.take().expect("it runs").kill();
        }
        for _ in 0..=round % 2 {
            let mut command = Command::new("/usr/sbin/logrotate");
            command.args(["-f", "-s"]).arg(folder.join("logrotate.state")).arg(&config);
            let output = command.output().expect("logrotate");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            servers.pgbench("app", 5, offset);
            // The date that it gives to the names has a second for each.
            std::thread::sleep(Duration::from_millis(1050));
        }
        if round % 2 == 0 {
            follower = Some(Follower::resume(&log, &folder, "app:1"));
        }
    });
    let report = follower.expect("it runs").stop();
    assert_eq!(figure(&report, "app", "Number of logins"), attempts, "{report}");
    assert!(!report.contains("Gaps"), "{report}");
}

#[test]
fn debians_own_configuration_for_that_folder_loses_nothing_through_kill_9() {
    rotated_by_logrotate("logrotate-debian", 50, |servers| {
        let text = fs::read_to_string("/etc/logrotate.d/postgresql-common").expect("Debian's postgresql-common");
        text.replace("/var/log/postgresql/*.log", &servers.log().display().to_string())
    });
}

#[test]
fn create_with_a_date_and_a_reload_loses_nothing_through_kill_9() {
    rotated_by_logrotate("logrotate-create", 60, |servers| {
        let (log, pid) = (servers.log(), servers.pgbouncer.0.id());
        let create = "su root root\n rotate 100\n dateext\n dateformat -%Y%m%d-%s\n create 0666\n";
        format!("{} {{\n {create} postrotate\n kill -HUP {pid}\n endscript\n}}\n", log.display())
    });
}

/// On a quiet pgbouncer no other client takes the pointer of one that left at the password prompt, and its attempts
/// would be logins 65 s later: but the kernel knows better.
#[test]
fn a_watched_account_that_leaves_at_the_password_prompt_is_failing() {
    let Some(servers) = Servers::start("witness", 40) else { return };
    let offset = 40;
    // So that the log shows that it has closings; and this one stays: it is told from those that have left.
    assert!(Servers::psql("127.0.0.1", "web-api", "right", offset));
    let mut stays = hold_a_session(offset);
    let follower = Follower::start(&servers.log(), &servers.folder.clone(), "odd user:1,app:1");
    let status = Servers::client("127.0.0.1", "odd user", "app", offset).args(["-c", "select"]).status();
    assert!(!status.expect("psql -w").success());
    let begin = Instant::now();
    while !follower.text().contains("ALERT odd user") && begin.elapsed() < Duration::from_secs(100) {
        std::thread::sleep(Duration::from_secs(1));
    }
    std::thread::sleep(Duration::from_secs(10));
    stays.kill().expect("killed");
    let _ = stays.wait();
    let text = follower.stop();
    let alert = text.split_once("ALERT odd user: no login for 1 minute (failing), since ");
    let alert = alert.unwrap_or_else(|| panic!("no such alert: {text}")).1;
    assert!(alert.contains(": left at the password prompt\n"), "{text}");
    // The session that was there before is a login; with nothing new for a minute it is missed, and not failing.
    assert!(text.contains("ALERT app: no login for 1 minute (silent), since "), "{text}");
    assert!(!text.contains("(assumed"), "the kernel has seen it: {text}");
    assert_eq!(figure(&text, "odd user", "Number of logins"), 0, "{text}");
}
