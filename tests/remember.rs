//! What the real binary remembers from one run to the next.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::Duration;

use common::mail::{BadServer, Fault};
use common::run::{NO_EMAIL, Run, attempt, closing};

fn state(run: &Run) -> PathBuf {
    run.folder.join("state.json")
}

/// A run with a state file, and with this section for mail.
fn run(name: &str, alerting: &str, email: &str) -> Run {
    let run = Run::new(name);
    configure(&run, "web:1", alerting, email);
    run.append("");
    run
}

fn configure(run: &Run, watched: &str, alerting: &str, email: &str) {
    let keys = format!("{email}, \"stateFile\": \"{}\"", state(run).display());
    run.configure_with(watched, "\"00:00:00\"", alerting, &keys);
}

fn good(user: &str, port: u32, ago: i64) -> String {
    attempt(user, port, ago) + &closing(user, port, "client close request")
}

/// `kill -9`, once the state has this word.
fn kill(run: &mut Run, word: &str) {
    run.until("state.json", "\"knows_nothing\":false");
    run.until("state.json", word);
    let mut child = run.child.take().expect("it runs");
    child.kill().expect("it can be killed");
    let _ = child.wait();
}

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

/// Several rotations between two looks at the log: the files in between were never seen at the path.
#[test]
fn what_was_rotated_twice_within_one_tick_is_read_all_the_same() {
    let mut run = run("remember-twice", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    std::thread::sleep(Duration::from_millis(300));
    run.signal("STOP");
    let rotate = || {
        for number in (1..4).rev() {
            let name = |number: u32| run.folder.join(format!("pgbouncer.log.{number}"));
            let _ = fs::rename(name(number), name(number + 1));
        }
        fs::rename(run.log(), run.folder.join("pgbouncer.log.1")).expect("renamed");
        std::thread::sleep(Duration::from_millis(20));
    };
    for (port, user) in ["second", "third"].iter().enumerate() {
        rotate();
        run.append(&good(user, 10 + port as u32, 0));
    }
    rotate();
    run.append(&good("fourth", 20, 0));
    run.signal("CONT");
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    for user in ["first", "second", "third", "fourth"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 4, "{out}");
}

/// pgbouncer reopens its log (told so by the rotation before) between logrotate's rename and its making of the new file:
/// logrotate puts the file that is in its way aside under a name of its own.
#[test]
fn a_log_made_between_logrotates_rename_and_its_create_is_read_all_the_same() {
    let mut run = run("remember-backup", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    std::thread::sleep(Duration::from_millis(300));
    run.signal("STOP");
    let put_aside = |name: &str| {
        fs::rename(run.log(), run.folder.join(name)).expect("renamed");
        std::thread::sleep(Duration::from_millis(20));
    };
    put_aside("pgbouncer.log.1");
    run.append(&good("second", 10, 0));
    put_aside("pgbouncer.log-2026112606.backup");
    run.append(&good("third", 20, 0));
    run.signal("CONT");
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    for user in ["first", "second", "third"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 3, "{out}");
}

/// As Debian's logrotate has it: the newest rotated file stays as it is, older ones are compressed.
#[test]
fn what_was_rotated_and_compressed_meanwhile_is_read_all_the_same() {
    let mut run = run("remember-gz", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    kill(&mut run, "\"first\",\"10.0.0.7\"");
    for (port, user) in ["second", "third", "fourth"].iter().enumerate() {
        run.append(&good(user, 10 + port as u32, 0));
        for number in (1..5).rev() {
            for end in ["", ".gz"] {
                let name = |number: u32| run.folder.join(format!("pgbouncer.log.{number}{end}"));
                let _ = fs::rename(name(number), name(number + 1));
            }
        }
        fs::rename(run.log(), run.folder.join("pgbouncer.log.1")).expect("renamed");
        let older = run.folder.join("pgbouncer.log.2");
        if older.exists() {
            assert!(std::process::Command::new("gzip").arg(older).status().expect("gzip").success());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    run.append(&good("fifth", 20, 0));
    run.start(&[]);
    let out = run.stop("TERM");
    for user in ["first", "second", "third", "fourth", "fifth"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 5, "{out}");
    assert_eq!(run.text("err"), "");
}

/// A file of the same name, and perhaps of the same number, that is not the one that was read.
#[test]
fn another_file_under_the_same_name_is_a_gap_and_read_from_its_beginning() {
    let mut run = run("remember-inode", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    kill(&mut run, "\"first\",\"10.0.0.7\"");
    fs::remove_file(run.log()).expect("removed");
    run.append(&(good("second", 2, 0) + &good("second", 3, 0)));
    run.start(&[]);
    let out = run.stop("TERM");
    assert!(out.contains("Gaps in the log : 1\n") && out.contains("Number of logins : 2\n"), "{out}");
    assert!(run.text("err").contains("no copy of it was found: lines may be missing"), "{}", run.text("err"));
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
fn a_log_that_is_a_link_and_a_folder_that_is_away() {
    let mut run = run("remember-link", "print", NO_EMAIL);
    let real = run.folder.join("real");
    fs::create_dir(&real).expect("a folder");
    fs::remove_file(run.log()).expect("removed");
    fs::write(real.join("one.log"), "").expect("a log");
    std::os::unix::fs::symlink(real.join("one.log"), run.log()).expect("a link");
    run.start(&[]);
    run.append(&good("first", 1, 0));
    std::thread::sleep(Duration::from_millis(300));
    // The link leads elsewhere, as programs that rotate by links do it.
    fs::write(real.join("two.log"), "").expect("a log");
    std::os::unix::fs::symlink(real.join("two.log"), run.folder.join("new")).expect("a link");
    fs::rename(run.folder.join("new"), run.log()).expect("renamed");
    run.append(&good("second", 2, 0));
    std::thread::sleep(Duration::from_millis(300));
    fs::rename(&real, run.folder.join("away")).expect("renamed");
    run.until("err", "there is no such file; waiting for it");
    fs::rename(run.folder.join("away"), &real).expect("renamed");
    run.until("err", "following it");
    run.append(&good("third", 3, 0));
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    for user in ["first", "second", "third"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 3, "{out}");
}

/// Without `delaycompress` the newest rotated file is a compressed one that is not whole yet, and newer than what it was
/// made of: it was read once more from its beginning.
#[test]
fn a_log_that_is_compressed_at_once_is_not_read_twice() {
    let mut run = run("remember-compress", "print", NO_EMAIL);
    run.append(&good("before", 1, 0));
    run.start(&[]);
    run.append(&good("first", 2, 0));
    std::thread::sleep(Duration::from_millis(300));
    run.signal("STOP");
    fs::rename(run.log(), run.folder.join("pgbouncer.log.1")).expect("renamed");
    run.append(&good("second", 3, 0));
    std::thread::sleep(Duration::from_millis(50));
    for keep in [true, false] {
        let mut gzip = std::process::Command::new("gzip");
        gzip.arg("--no-name").arg("-k").arg("-f").arg(run.folder.join("pgbouncer.log.1"));
        assert!(gzip.status().expect("gzip").success());
        let packed = fs::File::options().append(true).open(run.folder.join("pgbouncer.log.1.gz")).expect("packed");
        packed.set_modified(std::time::SystemTime::now()).expect("a time");
        if keep {
            run.signal("CONT");
            std::thread::sleep(Duration::from_millis(300));
            run.signal("STOP");
        }
    }
    fs::remove_file(run.folder.join("pgbouncer.log.1")).expect("removed");
    fs::rename(run.log(), run.folder.join("pgbouncer.log.0")).expect("renamed");
    run.append(&good("third", 4, 0));
    run.signal("CONT");
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    assert!(!out.contains("Account : before"), "{out}");
    assert_eq!(out.matches("Number of logins : 1\n").count(), 3, "{out}");
}

/// What was not there at the restart was forgotten, and read from its beginning when it came back.
#[test]
fn a_log_that_is_away_at_the_restart_is_gone_on_with_when_it_is_back() {
    let mut run = run("remember-away", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&(good("first", 1, 0) + &good("first", 2, 0)));
    kill(&mut run, "\"first\",\"10.0.0.7\"");
    fs::rename(run.log(), run.folder.join("elsewhere")).expect("renamed");
    for _ in 0..2 {
        run.start(&[]);
        run.until("err", "there is no such file; waiting for it");
        std::thread::sleep(Duration::from_millis(200));
        let mut child = run.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        let _ = child.wait();
    }
    run.start(&[]);
    fs::rename(run.folder.join("elsewhere"), run.log()).expect("renamed");
    run.until("err", "following it");
    run.append(&good("second", 3, 0));
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    assert!(out.contains("Account : first\n") && out.contains("Number of logins : 2\n"), "{out}");
    assert!(out.contains("Account : second\n") && !run.text("err").contains("truncated"), "{}", run.text("err"));
}

/// The file between two copies within one tick was never looked at.
#[test]
fn what_was_copied_and_truncated_twice_within_one_tick_is_read_all_the_same() {
    let mut run = run("remember-copies", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    std::thread::sleep(Duration::from_millis(300));
    run.signal("STOP");
    for (port, user) in ["second", "third"].iter().enumerate() {
        run.append(&good(user, 10 + port as u32, 0));
        let _ = fs::rename(run.folder.join("pgbouncer.log.1"), run.folder.join("pgbouncer.log.2"));
        fs::copy(run.log(), run.folder.join("pgbouncer.log.1")).expect("copied");
        fs::File::create(run.log()).expect("truncated");
        std::thread::sleep(Duration::from_millis(20));
    }
    run.append(&good("fourth", 20, 0));
    run.signal("CONT");
    std::thread::sleep(Duration::from_millis(300));
    let out = run.stop("TERM");
    for user in ["first", "second", "third", "fourth"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 4, "{out}");
}

/// A copy that somebody made for himself held the place, and what came after it was taken for a copy of that.
#[test]
fn a_copy_that_somebody_made_for_himself_hides_nothing_and_counts_for_nothing() {
    let mut run = run("remember-bak", "print", NO_EMAIL);
    run.start(&[]);
    run.append(&good("first", 1, 0));
    kill(&mut run, "\"first\",\"10.0.0.7\"");
    for name in ["pgbouncer.log.bak", "pgbouncer.log.orig"] {
        fs::copy(run.log(), run.folder.join(name)).expect("copied");
    }
    run.append(&good("second", 2, 0));
    fs::copy(run.log(), run.folder.join("pgbouncer.log.1")).expect("copied");
    fs::File::create(run.log()).expect("truncated");
    run.append(&good("third", 3, 0));
    fs::write(run.folder.join("pgbouncer.log.grep-web"), good("web", 4, 0)).expect("an extract");
    run.start(&[]);
    let out = run.stop("TERM");
    for user in ["first", "second", "third"] {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), 3, "{out}");
}

/// A line in one log, while the others' history was still being read, made all of that count.
#[test]
fn with_several_logs_the_history_of_none_is_counted() {
    let mut run = run("remember-several", "print", NO_EMAIL);
    let other = run.folder.join("other.log");
    let history: String = (0..20_000).map(|port| good("old", port, 0)).collect();
    fs::write(&other, &history).expect("a log");
    let config = run.folder.join("LogAnalyzer.json");
    let log = run.log().display().to_string();
    let text = fs::read_to_string(&config).expect("a configuration");
    let text = text.replace(&format!("\"{log}\""), &format!("[\"{log}\", \"{}\"]", other.display()));
    fs::write(&config, text).expect("written");
    let path = run.log();
    let writer = std::thread::spawn(move || {
        for port in 0..2000 {
            let mut log = fs::File::options().append(true).open(&path).expect("the log");
            std::io::Write::write_all(&mut log, good("new", port, 0).as_bytes()).expect("written");
        }
    });
    run.start(&[]);
    writer.join().expect("the writer");
    // On a busy machine all of these may have been there before the history was read.
    for port in 2000..2010 {
        run.append(&good("new", port, 0));
        std::thread::sleep(Duration::from_millis(200));
    }
    let out = run.stop("TERM");
    assert!(!out.contains("Account : old\n") && out.contains("Account : new\n"), "{out}");
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
