//! What the sessions make of a log's lines.

#[path = "lives_tests.rs"]
mod lives;

use crate::analysis::accounts::Tally;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::summary::Summary;
use crate::analysis::watch::Watch;
use crate::pgbouncer::lines::{Kind, Line, Lines};
use jiff::tz::TimeZone;

/// Feeds lines `SECONDS PID MESSAGE`; pgbouncer's own prefix is put before them.
fn analyze(since_1_11: bool, lines: &str) -> Analyzer {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let mut reader = Lines::new();
    for line in lines.lines().filter(|line| !line.trim().is_empty()) {
        while let Some(line) = reader.next_line() {
            analyzer.line(&line);
        }
        if line.starts_with('\t') {
            reader.push(format!("{line}\n").as_bytes());
            continue;
        }
        let mut words = line.splitn(3, ' ');
        let (seconds, pid, message) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let seconds: u32 = seconds.parse().unwrap();
        let time = format!("2026-11-22 {:02}:{:02}:{:02}.000", seconds / 3600, seconds / 60 % 60, seconds % 60);
        let pid = if since_1_11 { format!("UTC [{pid}]") } else { pid.to_owned() };
        reader.push(format!("{time} {pid} LOG {message}\n").as_bytes());
    }
    while let Some(line) = reader.next_line() {
        analyzer.line(&line);
    }
    if let Some(line) = reader.last_line() {
        analyzer.line(&line);
    }
    assert_eq!(analyzer.figures().lines().unrecognised, 0);
    analyzer
}

fn summary(analyzer: &Analyzer) -> Summary<'_> {
    analyzer.summary(analyzer.last_instant().unwrap())
}

fn total(lines: &str) -> Tally {
    summary(&analyze(true, lines)).total
}

fn tally(attempts: u64, failed: u64, pending: u64, assumed: u64) -> Tally {
    Tally { attempts, logins: attempts - failed, failed, pending, assumed, failed_later: 0 }
}

const UP: &str = "0 1 process up: PgBouncer 1.18.0, libevent 2.1\n";
const CLOSED: &str = "0 1 C-0x9: app/x@10.0.0.9:9 closing because: client close request (age=9s)\n";

/// Beside what [`analyze`] feeds: a line at another level.
fn take(analyzer: &mut Analyzer, seconds: u32, rest: &str) {
    let text = format!("2026-11-22 00:{:02}:{:02}.000 UTC [1] {rest}", seconds / 60, seconds % 60);
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
}

fn attempt(seconds: u32, pointer: u32, port: u32) -> String {
    format!("{seconds} 1 C-0x{pointer}: app/web@10.0.0.1:{port} login attempt: db=app user=web tls=no\n")
}

fn closing(seconds: u32, pointer: u32, port: u32, reason: &str) -> String {
    format!("{seconds} 1 C-0x{pointer}: app/web@10.0.0.1:{port} closing because: {reason}\n")
}

#[test]
fn each_class_of_reason_decides() {
    for (reason, failed) in [
        ("client close request (age=0s)", 0),
        ("password authentication failed (age=0s)", 1),
        ("server login has been failing, try again later (server_login_retry) (age=59s)", 1),
        ("server login has been failing, try again later (server_login_retry) (age=60s)", 0),
        ("a reason that nobody knows (age=59s)", 1),
        ("a reason that nobody knows (age=60s)", 0),
        ("client_login_timeout (age=60s)", 1),
    ] {
        let lines = UP.to_owned() + &attempt(1, 1, 5) + &closing(61, 1, 5, reason);
        assert_eq!(total(&lines), tally(1, failed, 0, 0), "{reason}");
    }
}

#[test]
fn a_closing_of_another_client_decides_nothing_but_that_this_one_has_left() {
    let other = "2 1 C-0x1: app/web@10.0.0.1:6 closing because: client close request (age=0s)\n";
    assert_eq!(total(&(UP.to_owned() + CLOSED + &attempt(1, 1, 5) + other)), tally(1, 1, 0, 0));
}

#[test]
fn unexpected_eof_up_to_1_14_is_told_by_its_age() {
    for (age, failed) in [(0, 1), (1, 0)] {
        let lines = attempt(1, 1, 5) + &closing(2, 1, 5, &format!("client unexpected eof (age={age})"));
        assert_eq!(summary(&analyze(false, &lines)).total, tally(1, failed, 0, 0), "age {age}");
    }
}

#[test]
fn unexpected_eof_since_1_15_is_told_by_what_the_pool_has_proved() {
    let eof = attempt(10, 2, 6) + &closing(11, 2, 6, "client unexpected eof (age=1s)");
    let proof = attempt(5, 1, 5) + &closing(6, 1, 5, "client close request (age=1s)");
    assert_eq!(total(&(UP.to_owned() + &eof)), tally(1, 1, 0, 0), "nothing is proved");
    assert_eq!(total(&(UP.to_owned() + &proof + &eof)), tally(2, 0, 0, 0), "the pool welcomes at once");
    let reload = "7 1 RELOAD command issued\n";
    assert_eq!(total(&(UP.to_owned() + &proof + reload + &eof)), tally(2, 1, 0, 0), "not any more");
    let late = attempt(5, 1, 5) + reload + &closing(8, 1, 5, "client close request (age=3s)");
    assert_eq!(total(&(UP.to_owned() + &late + &eof)), tally(2, 1, 0, 0), "that login was before the reload");
}

#[test]
fn left_without_a_word_is_failed_at_any_age() {
    let lines = UP.to_owned() + CLOSED + &attempt(1, 1, 5) + &attempt(4000, 1, 6);
    let analyzer = analyze(true, &lines);
    let summary = summary(&analyzer);
    assert_eq!(summary.total, tally(2, 1, 1, 0));
    assert_eq!(summary.accounts[0].reasons.rows()[0].0, b"left at the password prompt");
    assert_eq!(summary.accounts[0].first, summary.accounts[0].last, "only the second one counts");
}

#[test]
fn without_any_closing_nothing_can_be_found_failed() {
    let attempts = |count: u32| (1..=count).map(|port| attempt(port, 1, port)).collect::<String>();
    let early = summary(&analyze(true, &(UP.to_owned() + &attempts(3)))).total;
    assert_eq!(early, tally(3, 0, 3, 0), "log_disconnections may be off");
    let many = summary(&analyze(true, &(UP.to_owned() + &attempts(200)))).total;
    assert_eq!((many.attempts, many.logins, many.failed), (200, 200, 0), "it is off");
    let told = crate::limits::ATTEMPTS_TO_TELL as u32;
    for (count, pending) in [(told, told), (told + 1, told + 1), (told + 2, told + 1)] {
        let at_once = (1..=count).map(|port| attempt(1, 1, port)).collect::<String>();
        let total = summary(&analyze(true, &(UP.to_owned() + &at_once))).total;
        assert_eq!(total.pending, u64::from(pending), "of {count}");
    }
}

#[test]
fn what_was_left_before_the_first_closing_is_decided_by_it() {
    let lines = UP.to_owned() + &attempt(1, 1, 5) + &attempt(2, 1, 6) + &attempt(3, 1, 7);
    let left = lines.clone() + &closing(4, 1, 7, "client close request (age=1s)");
    assert_eq!(total(&left), tally(3, 2, 0, 0), "this log has closings");
    let server = lines.clone() + "4 1 S-0x7: app/web@10.0.0.2:5432 closing because: server idle timeout (age=9s)\n";
    assert_eq!(total(&server), tally(3, 2, 1, 0), "of servers at least");
    let reloaded = lines + "4 1 RELOAD command issued\n" + &closing(5, 1, 7, "client close request (age=2s)");
    assert_eq!(total(&reloaded), tally(3, 0, 0, 2), "log_disconnections may have been turned on by that");
}

/// A name that holds a newline makes a head that begins with the prefix of the client before: the record is not
/// believed, but that client cannot be there any more, and does not become an assumed login 65 s later.
#[test]
fn the_head_of_a_cut_record_does_not_keep_an_attempt_alive() {
    for head in ["closing because: client close request (age=1s)", "login attempt: db=app user=web tls=no"] {
        let cut = format!("3 1 C-0x1: app/web@10.0.0.1:5 {head}\n\t@10.0.0.66:9 x\n");
        assert_eq!(total(&(UP.to_owned() + CLOSED + &attempt(1, 1, 5) + &cut)), tally(1, 1, 0, 0), "{head}");
    }
    let shorter = "3 1 C-0x1: app/web\n\t@10.0.0.66:9 x\n";
    assert_eq!(total(&(UP.to_owned() + CLOSED + &attempt(1, 1, 5) + shorter)), tally(1, 1, 0, 0));
}

/// The name of an unknown user made a line that only versions before 1.15 write, and so made failures logins.
#[test]
fn a_name_cannot_make_the_log_look_like_an_older_version() {
    let forged = "1 1 C-0x1: (nodb)/(nouser)@1.2.3.4:5 closing because: no such user@10.0.0.66:4 closing because: \
                  \"trust\" authentication failed (age=0s)\n";
    let eof = attempt(10, 2, 6) + &closing(12, 2, 6, "client unexpected eof (age=2s)");
    assert_eq!(total(&(forged.to_owned() + &eof)), tally(1, 1, 0, 0));
    let real = "1 1 C-0x1: (nodb)/(nouser)@1.2.3.4:5 closing because: no such user: bob (age=0s)\n";
    assert_eq!(total(&(real.to_owned() + &eof)), tally(1, 0, 0, 0), "1.11 to 1.14");
}

#[test]
fn a_full_table_decides_its_oldest_by_their_age() {
    use crate::limits::SESSIONS;
    let (young, old) = (UP.to_owned() + CLOSED + &attempt(100, 1, 1), UP.to_owned() + CLOSED + &attempt(1, 1, 1));
    let fill = |count: usize| -> String {
        let one = |number: usize| {
            let (pointer, port) = (number + 0x10_0000, number % 60_000 + 1);
            format!("120 1 C-0x{pointer:x}: app/web@10.0.0.1:{port} login attempt: db=app user=web tls=no\n")
        };
        (0..count).map(one).collect()
    };
    let full = analyze(true, &(young.clone() + &fill(SESSIONS - 1)));
    assert_eq!(full.pushed_out(crate::analysis::figures::Period::Run), 0);
    for (lines, failed, assumed) in [(young, 1, 0), (old, 0, 1)] {
        let full = analyze(true, &(lines + &fill(SESSIONS)));
        let total = summary(&full).total;
        assert_eq!(
            (full.pushed_out(crate::analysis::figures::Period::Run), total.failed, total.assumed),
            (1, failed, assumed)
        );
        assert_eq!(total.attempts, SESSIONS as u64 + 1);
    }
}

#[test]
fn open_attempts_are_pending_and_then_assumed() {
    let stats = |seconds| {
        format!("{seconds} 1 stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us\n")
    };
    assert_eq!(total(&(UP.to_owned() + &attempt(1, 1, 5) + &stats(65))), tally(1, 0, 1, 0));
    assert_eq!(total(&(UP.to_owned() + &attempt(1, 1, 5) + &stats(66))), tally(1, 0, 0, 1));
    let hopeless = "1 1 C-0x1: (nodb)/eve@10.0.0.1:5 login attempt: db=app user=eve tls=no\n";
    assert_eq!(total(&(UP.to_owned() + hopeless + &stats(66))), tally(1, 1, 0, 0), "it cannot succeed");
}

#[test]
fn a_log_that_begins_in_the_middle_has_closings_without_attempts() {
    let lines = closing(1, 1, 5, "client close request (age=99s)")
        + &closing(1, 2, 6, "password authentication failed (age=0s)");
    let analyzer = analyze(true, &lines);
    assert_eq!((summary(&analyzer).total, analyzer.figures().refusals().total()), (tally(0, 0, 0, 0), 0));
}

#[test]
fn clients_that_are_turned_away_are_refused_and_not_failed() {
    let lines = UP.to_owned()
        + "1 1 C-0x1: (nodb)/(nouser)@10.0.0.1:5 closing because: no more connections allowed (max_client_conn) (age=0s)\n"
        + "2 1 C-0x1: app/(nouser)@10.0.0.1:6 login failed: db=app\n"
        + "2 1 C-0x1: app/(nouser)@10.0.0.1:6 closing because: no such user (age=0s)\n"
        + "3 1 C-0x1: app/(nouser)@10.0.0.1:7 closing because: successfully sent cancel request (age=0s)\n"
        + "4 1 C-0x1: (nodb)/bob@10.0.0.1:8 login attempt: db=nosuch user=bob tls=no\n"
        + "4 1 C-0x1: (nodb)/bob@10.0.0.1:8 login failed: db=nosuch user=bob\n"
        + "4 1 C-0x1: (nodb)/bob@10.0.0.1:8 closing because: no such database: nosuch (age=0s)\n";
    let analyzer = analyze(true, &lines);
    assert_eq!(summary(&analyzer).total, tally(1, 1, 0, 0));
    let expected: [(&[u8], u64); 2] = [(b"no more connections allowed (max_client_conn)", 1), (b"no such user", 1)];
    assert_eq!(analyzer.figures().refusals().by_reason(), expected);
}

/// `verbose = 1` says so, whatever comes behind it; and from then on its pool lets clients in at once.
#[test]
fn a_client_that_is_logged_in_has_logged_in() {
    for (reload, failed) in [(false, 0), (true, 1)] {
        let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
        if reload {
            take(&mut analyzer, 2, "LOG RELOAD command issued");
        }
        take(&mut analyzer, 2, "DEBUG C-0x1: app/web@10.0.0.1:5 logged in");
        let closings = closing(3, 1, 5, "password authentication failed (age=2s)")
            + &attempt(4, 2, 6)
            + &closing(5, 2, 6, "client unexpected eof (age=1s)");
        for line in closings.lines() {
            let mut words = line.splitn(3, ' ');
            let seconds = words.next().unwrap().parse().unwrap();
            take(&mut analyzer, seconds, &format!("LOG {}", words.nth(1).unwrap()));
        }
        assert_eq!(summary(&analyzer).total, tally(2, failed, 0, 0), "the pool is proved only since the reload");
    }
}

/// Only a closing at LOG has the client's end in its further lines.
#[test]
fn a_warning_of_several_lines_does_not_close_its_client() {
    for (level, pending) in [("LOG", 0), ("WARNING", 1)] {
        let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
        let text = format!("2026-11-22 00:00:03.000 UTC [1] {level} C-0x1: app/web@10.0.0.1:5 pooler error: a");
        analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Cut, offset: 0 });
        assert_eq!(summary(&analyzer).total.pending, pending, "{level}");
    }
}

#[test]
fn a_closing_without_an_age_is_told_by_its_time() {
    for (seconds, failed) in [(60, 1), (61, 0)] {
        let lines = UP.to_owned() + CLOSED + &attempt(1, 1, 5) + &closing(seconds, 1, 5, "a reason that nobody knows");
        assert_eq!(total(&lines), tally(1, failed, 0, 0), "at {seconds}");
    }
}

#[test]
fn what_only_older_versions_write_says_that_an_eof_is_told_by_its_age() {
    let nobody = "1 1 C-0x9: (nodb)/(nouser)@1.2.3.4:5 closing because:";
    let eof = attempt(10, 2, 6) + &closing(12, 2, 6, "client unexpected eof (age=2s)");
    for (reason, failed) in [("no such user: bob", 0), ("client unexpected eof", 0), ("a reason that nobody knows", 1)]
    {
        let lines = format!("{nobody} {reason} (age=0s)\n{eof}");
        assert_eq!(total(&lines), tally(1, failed, 0, 0), "{reason}");
    }
    let named = "1 1 C-0x9: app/bob@1.2.3.4:5 closing because: no such user: bob (age=0s)\n";
    assert_eq!(total(&(named.to_owned() + &eof)), tally(1, 1, 0, 0));
}

/// Lines are missing since it came: its closing may be among them, so only its age can tell.
#[test]
fn an_attempt_from_before_a_gap_that_is_gone_is_told_by_its_age() {
    for (seconds, failed, assumed) in [(60, 1, 0), (61, 0, 1)] {
        let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
        analyzer.gap();
        take(&mut analyzer, seconds, "LOG C-0x1: app/web@10.0.0.1:6 login attempt: db=app user=web tls=no");
        assert_eq!(summary(&analyzer).total, tally(2, failed, 1, assumed), "at {seconds}");
        assert_eq!(analyzer.figures().gaps(), 1);
    }
}

/// A finished log may end within its last line: what is there counts if it says all.
#[test]
fn a_last_line_without_its_newline_counts_if_nothing_can_be_missing() {
    let base = UP.to_owned() + CLOSED + &attempt(1, 1, 5);
    let client = "C-0x1: app/web@10.0.0.1:5";
    let stats = "stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us";
    for (last, is_whole, expected) in [
        ("C-0x2: app/web@10.0.0.1:6 login attempt: db=app user=web tls=no", true, tally(2, 0, 2, 0)),
        (&format!("{client} closing because: password authentication failed (age=2s)"), true, tally(1, 1, 0, 0)),
        (&format!("{client} closing because: password authentication failed"), false, tally(1, 0, 1, 0)),
        (stats, true, tally(1, 0, 1, 0)),
        ("got SIGTERM, fast exit", true, tally(1, 0, 0, 1)),
        ("RELOAD command issued", false, tally(1, 0, 1, 0)),
    ] {
        let mut analyzer = analyze(true, &base);
        let understood = analyzer.figures().lines().understood;
        let text = format!("2026-11-22 00:00:03.000 UTC [1] LOG {last}");
        analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Unfinished, offset: 0 });
        assert_eq!(analyzer.figures().lines().understood - understood, u64::from(is_whole), "{last}");
        assert_eq!(summary(&analyzer).total, expected, "{last}");
    }
}

/// They are slow, so a log of such lines only must not hold up the others.
#[test]
fn the_users_own_expressions_are_tried_on_so_many_lines_of_a_tick() {
    use crate::limits::FALLBACK_LINES_PER_TICK;
    use crate::pgbouncer::fallback::Fallback;
    let lines = r"^own (?P<lineLogTime>\S+) (?P<lineType>\S+) (?P<lineDetail>.*)$";
    let login = r"^(?P<lineActionType>login) (?P<lineUserCx>\w+) (?P<lineIpFrom>\S+)$";
    let stats = crate::pgbouncer::fallback::DOCUMENTED[1];
    let fallback = Fallback::new([lines, stats, login], "%Y-%m-%dT%H:%M:%S").expect("good ones");
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: Some(fallback), watch, now: 0 });
    let text = b"own 2026-11-22T00:00:01 C login web 10.0.0.1";
    let feed = |analyzer: &mut Analyzer, count: u32| {
        for _ in 0..count {
            analyzer.line(&Line { bytes: text, kind: Kind::Whole, offset: 0 });
        }
        analyzer.figures().lines().fallback
    };
    assert_eq!(feed(&mut analyzer, FALLBACK_LINES_PER_TICK + 3), u64::from(FALLBACK_LINES_PER_TICK));
    assert_eq!(analyzer.figures().lines().unrecognised, 3);
    analyzer.tick(0);
    assert_eq!(feed(&mut analyzer, 1), u64::from(FALLBACK_LINES_PER_TICK) + 1);
}

/// An online restart (`-R`): the new process writes the attempts of the living once more, and may go on under another pid.
/// The clock is set while clients are connecting: they are as old as before.
/// Another process came up, and the old one has written nothing for three periods: it is over, and says so nowhere.
/// Since 1.15 an unknown user comes to an attempt, for the database that was asked for.
#[test]
fn an_attempt_of_an_unknown_user_shows_that_the_version_is_a_newer_one() {
    let older = "1 1 C-0x9: (nodb)/(nouser)@1.2.3.4:5 closing because: no such user: bob (age=0s)\n";
    let eof = attempt(10, 2, 6) + &closing(12, 2, 6, "client unexpected eof (age=2s)");
    for (database, failed) in [("app", 2), ("(nodb)", 1)] {
        let unknown = format!("2 1 C-0x8: (nodb)/bob@1.2.3.4:6 login attempt: db={database} user=bob tls=no\n");
        let closed = "3 1 C-0x8: (nodb)/bob@1.2.3.4:6 closing because: no such user (age=1s)\n";
        assert_eq!(total(&(older.to_owned() + &unknown + closed + &eof)), tally(2, failed, 0, 0), "{database}");
    }
}

#[test]
fn a_log_says_whether_it_has_closings_and_what_wrote_it() {
    use crate::pgbouncer::record::Format;
    let without = analyze(true, &(UP.to_owned() + &attempt(1, 1, 5)));
    assert_eq!((without.has_closings(), without.format()), (false, Some(Format::FileSince111)));
    let with = analyze(false, CLOSED);
    assert_eq!((with.has_closings(), with.format()), (true, Some(Format::FileBefore111)));
    let names = [Format::FileBefore111, Format::FileSince111, Format::SyslogTraditional].map(Format::name);
    assert!(names.iter().all(|name| name.len() > 5) && names[0] != names[1] && names[1] != names[2], "{names:?}");
}
