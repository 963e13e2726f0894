//! Logs that are rotated, copied, compressed and away while nobody looks: the real binary goes on behind what it had read.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs;
use std::time::Duration;

use common::remember::{kill, run};
use common::run::{NO_EMAIL, good};

/// Nothing is missing, and nothing was read twice.
fn each_logged_in_once(out: &str, users: &[&str]) {
    for user in users {
        assert!(out.contains(&format!("Account : {user}\n")), "{user}: {out}");
    }
    assert_eq!(out.matches("Number of logins : 1\n").count(), users.len(), "{out}");
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
    each_logged_in_once(&out, &["first", "second", "third", "fourth"]);
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
    each_logged_in_once(&out, &["first", "second", "third"]);
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
    each_logged_in_once(&out, &["first", "second", "third", "fourth", "fifth"]);
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
    each_logged_in_once(&out, &["first", "second", "third"]);
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
    each_logged_in_once(&out, &["first", "second", "third", "fourth"]);
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
    each_logged_in_once(&out, &["first", "second", "third"]);
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
