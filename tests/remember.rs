//! What the real binary remembers from one run to the next.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use common::mail::{BadServer, Fault};
use common::remember::{configure, kill, run, state};
use common::run::{NO_EMAIL, attempt, closing, good};

#[test]
fn a_run_goes_on_through_kill_9_and_a_clean_exit_ends_it() {
    let mut run = run("remember-run", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&(good("web", 1, 0) + &attempt("batch", 2, 0)));
    kill(&mut run, "\"batch\"");
    run.append(&(closing("batch", 2, "password authentication failed") + &good("web", 3, 0)));
    run.start(&[]);
    let out = run.stop("TERM");
    assert!(out.contains("Account : web\n") && out.contains("Number of logins : 2\n"), "{out}");
    assert!(out.contains("Account : batch\nNumber of failed logins : 1\n"), "{out}");
    run.append(&good("web", 4, 0));
    run.start(&[]);
    let out = run.stop("TERM");
    assert!(out.contains("Number of logins : 1\n") && !out.contains("batch"), "only what no report has told: {out}");
}

/// What was alerted is not alerted again, and its recovery is told.
#[test]
fn an_alert_is_remembered_and_its_recovery_told() {
    let mut run = run("remember-alert", "print", NO_EMAIL);
    run.append(&good("web", 1, 300));
    run.start(&[]);
    run.until("out", "ALERT web");
    kill(&mut run, "\"outage_since\":1");
    run.start(&[]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!run.text("out").contains("ALERT"), "{}", run.text("out"));
    run.append(&good("web", 2, 0));
    run.until("out", "RECOVERED web");
    let out = run.stop("TERM");
    assert!(out.contains("Outage of web : from "), "{out}");
}

/// A mail that was sent and not remembered is sent again with the same id; one that was not is sent once it can be.
#[test]
fn mail_waits_in_the_state_file() {
    let server = BadServer::start(Fault::Silent, 99);
    let email = |port: u16| {
        let server = format!("\"emailServer\": \"localhost\", \"emailPort\": {port}, \"emailTimeoutInSeconds\": 0.3");
        format!("\"alertingEmail\": {{\"emailFrom\": \"la@db1\", \"emailTo\": \"dba@example.org\", {server}}}")
    };
    let mut run = run("remember-mail", "email", &email(server.port));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    run.until("err", "mail cannot be sent: ");
    kill(&mut run, "ALERT web");
    run.start(&[]);
    let out = run.stop("TERM");
    assert!(!out.contains("ALERT"), "it waits, and is not printed: {out}");
    assert!(run.text("err").contains("2 mails wait in the state file: localhost:"), "{}", run.text("err"));
    let well = BadServer::start(Fault::Silent, 0);
    configure(&run, "web:1", "email", &email(well.port));
    run.start(&[]);
    let mails = well.until(2);
    assert!(mails[0].contains("Subject: [LogAnalyzer] ALERT web: no login for 5 minutes (silent)"), "{}", mails[0]);
    assert!(mails[1].contains("Subject: [LogAnalyzer] Report "), "{}", mails[1]);
    run.stop("TERM");
}

#[test]
fn a_state_file_that_cannot_be_used_is_put_aside() {
    let mut run = run("remember-bad", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("web", 1, 0));
    run.stop("TERM");
    let good_state = fs::read_to_string(state(&run)).expect("a state");
    let other = good_state.replace(&run.log().display().to_string(), "/elsewhere/pgbouncer.log");
    for (text, why) in [
        (good_state[..good_state.len() / 2].to_owned(), "it is damaged, or of another version"),
        (good_state.replace("\"loganalyzer\":3", "\"loganalyzer\":2"), "it is damaged, or of another version"),
        (good_state.replace("\"is_over\":true", "\"is_over\":false"), "it is damaged, or of another version"),
        (other, "it is damaged, or of another version"),
        (String::new(), "it is damaged, or of another version"),
    ] {
        fs::write(state(&run), &text).expect("written");
        run.start(&[]);
        let said = format!("state.json: {why}; it is now {}.bad, and this run begins anew\n", state(&run).display());
        assert!(run.text("err").contains(&said), "{}", run.text("err"));
        assert_eq!(fs::read_to_string(run.folder.join("state.json.bad")).expect("put aside"), text);
        run.append(&good("web", 2, 0));
        assert!(run.stop("TERM").contains("Number of logins : 1\n"));
    }
}

#[test]
fn a_state_of_another_log_is_put_aside() {
    let mut run = run("remember-other", "print", NO_EMAIL);
    run.start(&[]);
    run.stop("TERM");
    fs::rename(run.log(), run.folder.join("other.log")).expect("renamed");
    let config = run.folder.join("LogAnalyzer.json");
    let text = fs::read_to_string(&config).expect("a configuration").replace("pgbouncer.log", "other.log");
    fs::write(&config, text).expect("written");
    run.start(&[]);
    run.stop("TERM");
    assert!(run.text("err").contains("state.json: it is of another log; it is now "), "{}", run.text("err"));
}

/// The analysis goes on without, and both ends of the failure are said once.
#[test]
fn a_state_that_cannot_be_saved_is_said_once_and_when_it_can_again() {
    let mut run = run("remember-full", "print", NO_EMAIL);
    let keys = format!("{NO_EMAIL}, \"stateFile\": \"{}\"", run.folder.join("away/state.json").display());
    run.configure_with("web:1", "\"00:00:00\"", "print", &keys);
    run.start(&[]);
    for port in 0..5 {
        run.append(&good("web", port, 0));
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::create_dir(run.folder.join("away")).expect("a folder");
    run.until("err", "the state is saved again");
    let out = run.stop("TERM");
    assert!(out.contains("Number of logins : 5\n"), "{out}");
    let said = run.text("err");
    assert_eq!(said.matches("; the state is not saved\n").count(), 1, "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}

/// Between a mail's being sent and being remembered there is a moment; it is then sent twice, with the same id, and never
/// not at all.
#[test]
fn killed_between_sending_and_remembering_a_mail_comes_twice_and_not_never() {
    let server = BadServer::start(Fault::SlowAnswer, 1);
    let settings = format!("\"emailServer\": \"localhost\", \"emailPort\": {}", server.port);
    let email =
        format!("\"alertingEmail\": {{\"emailFrom\": \"la@db1\", \"emailTo\": \"dba@example.org\", {settings}}}");
    let mut run = run("remember-twice-mailed", "email", &email);
    run.append(&good("web", 1, 300));
    run.start(&[]);
    server.until(1);
    // It has taken the mail, and does not say so yet.
    let mut child = run.child.take().expect("it runs");
    child.kill().expect("it can be killed");
    let _ = child.wait();
    run.start(&[]);
    let mails = server.until(2);
    let id = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
    assert_eq!(id(&mails[0]), id(&mails[1]));
    run.stop("TERM");
    assert_eq!(server.mails().iter().filter(|mail| mail.contains("ALERT web")).count(), 2);
}

#[test]
fn a_state_file_that_is_something_else_is_refused_or_put_aside() {
    let mut run = run("remember-else", "print", NO_EMAIL);
    let log = run.log().display().to_string();
    for path in [&log, &run.folder.display().to_string(), ""] {
        let keys = format!("{NO_EMAIL}, \"stateFile\": \"{path}\"");
        run.configure_with("web:1", "\"00:00:00\"", "print", &keys);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
        let output = command.current_dir(&run.folder).output().expect("the binary");
        let said = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(said.contains("configuration.stateFile: found ") && said.contains("nothing else"), "{said}");
    }
    configure(&run, "web:1", "print", NO_EMAIL);
    run.start(&[]);
    let other = run.folder.join("other.json");
    fs::write(&other, "mine").expect("written");
    let keys = format!("{NO_EMAIL}, \"stateFile\": \"{}\"", other.display());
    run.configure_with("web:1", "\"00:00:00\"", "print", &keys);
    run.signal("HUP");
    run.until("err", "the configuration was read again");
    run.stop("TERM");
    assert_eq!(fs::read_to_string(run.folder.join("other.json.bad")).expect("put aside"), "mine");
    assert!(!state(&run).exists(), "the old one is no state any more");
}

/// With a clock that was set back meanwhile, all that is remembered lay in the future, and nobody was missed.
#[test]
fn a_clock_that_was_set_back_meanwhile_does_not_blind_the_watch() {
    // So far back that the days' reports begin anew as well.
    [3, 40 * 24].into_iter().for_each(was_set_back);
}

/// The clock was some hours ahead, and web had logged in five minutes ago.
fn was_set_back(hours: i64) {
    use std::hash::{BuildHasher, Hasher};
    let mut run = run("remember-clock", "print", NO_EMAIL);
    run.append(&good("web", 1, 300 - hours * 3600));
    run.start(&[]);
    kill(&mut run, "\"decided\":{");
    let text = fs::read_to_string(state(&run)).expect("a state");
    let (_, body) = text.split_once("\"state\":").expect("a state");
    let body = body.strip_suffix('}').expect("its end");
    let (before, rest) = body.split_once("\"at\":").expect("when it was saved");
    let (at, rest) = rest.split_once(',').expect("more");
    let ahead = at.parse::<i64>().expect("a number") + hours * 3_600_000;
    let body = format!("{before}\"at\":{ahead},{rest}");
    let mut hasher = loganalyzer::analysis::Unkeyed.build_hasher();
    hasher.write(body.as_bytes());
    let text = format!("{{\"loganalyzer\":3,\"check\":\"{:016x}\",\"state\":{body}}}", hasher.finish());
    fs::write(state(&run), text).expect("written");
    run.start(&[]);
    run.until("out", "ALERT web: no login for 5 minutes (silent)");
    run.stop("TERM");
}

/// Somebody who may write into the folder could make the daemon write over what is not his.
#[test]
fn a_link_in_place_of_the_state_is_not_written_through() {
    let mut run = run("remember-links", "print", NO_EMAIL);
    let (precious, other) = (run.folder.join("precious"), run.folder.join("other"));
    for file in [&precious, &other] {
        fs::write(file, "of somebody else").expect("written");
    }
    symlink(&precious, run.folder.join("state.json.new")).expect("a link");
    symlink(&other, state(&run)).expect("a link");
    run.start(&[]);
    run.append(&good("web", 1, 0));
    run.until("state.json", "\"knows_nothing\":false");
    run.stop("TERM");
    for file in [&precious, &other] {
        assert_eq!(fs::read_to_string(file).expect("it is there"), "of somebody else");
    }
    let metadata = fs::symlink_metadata(state(&run)).expect("the state");
    assert!(metadata.is_file(), "a file of its own");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(fs::symlink_metadata(run.folder.join("state.json.new")).is_err(), "renamed");
}

/// Opening a pipe waits for somebody who writes: the daemon would stand still.
#[test]
fn a_pipe_in_place_of_the_log_or_of_the_state_holds_nobody_up() {
    let mut run = run("remember-pipes", "print", NO_EMAIL);
    let pipe = |path: &PathBuf| {
        let _ = fs::remove_file(path);
        assert!(std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    };
    pipe(&state(&run));
    pipe(&run.log());
    run.start(&[]);
    run.until("err", "it is no ordinary file; this run begins anew, and its state is not saved\n");
    run.until("err", "cannot be read (");
    fs::remove_file(run.log()).expect("removed");
    run.append(&good("web", 1, 0));
    run.until("err", "following it\n");
    assert!(run.stop("TERM").contains("Number of logins : 1\n"));
}
