//! Several logs at once, from the real binary: one account over all of them, and each with a life of its own.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::{Entry, Watch, Window};
use loganalyzer::pgbouncer::lines::{Kind, Line};
use loganalyzer::report::notice::{Context, message};
use loganalyzer::report::time::TimeFormat;

use common::follower::figure;
use common::run::{Run, attempt, closing};
use common::servers::{Servers, until};

fn append(path: &Path, text: &str) {
    let mut log = OpenOptions::new().append(true).create(true).open(path).expect("the log");
    log.write_all(text.as_bytes()).expect("it can be written");
}

/// The configuration's `fileName`.
fn name(run: &Run, names: &str, keys: &str) {
    run.configure_with("web:1", "\"00:00:00\"", "print", &format!("{}{keys}", common::run::NO_EMAIL));
    let text = run.text("LogAnalyzer.json");
    let own = format!("\"{}\"", run.log().display());
    assert!(text.contains(&own));
    fs::write(run.folder.join("LogAnalyzer.json"), text.replace(&own, names)).expect("a configuration");
}

fn list(run: &Run, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{}\"", run.folder.join(name).display())).collect();
    format!("[{}]", names.join(", "))
}

/// Two containers on one host, each with a pgbouncer of the same pid, and clients at the same places in memory: the first
/// one's client was taken to have left when the other's came, and the closing of the one for that of the other.
#[test]
fn clients_of_processes_of_the_same_number_in_two_logs_are_told_apart() {
    let mut run = Run::new("logs-pids");
    name(&run, &list(&run, &["a.log", "b.log"]), "");
    let (first, second) = (run.folder.join("a.log"), run.folder.join("b.log"));
    append(&first, "");
    append(&second, "");
    run.start(&[]);
    append(&first, &attempt("web", 1, 0));
    std::thread::sleep(std::time::Duration::from_millis(300));
    append(&second, &attempt("web", 1, 0));
    append(&second, &closing("web", 1, "password authentication failed"));
    std::thread::sleep(std::time::Duration::from_millis(300));
    append(&first, &closing("web", 1, "client close request"));
    let out = run.stop("TERM");
    assert!(out.contains("Account : web\n") && out.contains("Number of logins : 1\n"), "one account over both: {out}");
    assert!(out.contains("Number of failed logins because of password authentication failed : 1\n"), "{out}");
}

#[test]
fn two_logs_keep_their_places_and_sessions_through_kill_9() {
    let mut run = Run::new("logs-state");
    let state = format!(", \"stateFile\": \"{}\"", run.folder.join("state.json").display());
    name(&run, &list(&run, &["a.log", "b.log"]), &state);
    let (first, second) = (run.folder.join("a.log"), run.folder.join("b.log"));
    append(&first, &attempt("old", 9, 100));
    append(&second, "");
    run.start(&[]);
    append(&first, &attempt("web", 1, 0));
    append(&second, &attempt("web", 1, 0));
    std::thread::sleep(std::time::Duration::from_millis(500));
    run.child.take().expect("it runs").kill().expect("it can be killed");
    append(&first, &closing("web", 1, "client close request"));
    append(&second, &closing("web", 1, "password authentication failed"));
    // The other way round: each log keeps its number.
    name(&run, &list(&run, &["b.log", "a.log"]), &state);
    run.start(&[]);
    let out = run.stop("TERM");
    assert!(out.contains("Number of logins : 1\n") && out.contains("Number of failed logins : 1\n"), "{out}");
}

#[test]
fn a_pattern_takes_up_what_appears_later_and_nothing_that_was_rotated() {
    let mut run = Run::new("logs-pattern");
    let pattern = format!("\"{}\"", run.folder.join("p*.log").display());
    name(&run, &pattern, "");
    append(&run.folder.join("p1.log.1"), &(attempt("rotated", 1, 0) + &closing("rotated", 1, "client close request")));
    append(&run.folder.join("p-one.log"), &attempt("old", 1, 60));
    run.start(&[]);
    append(&run.folder.join("p-one.log"), &(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    // All of a log that was not there before is new.
    append(&run.folder.join("p-two.log"), &(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    run.until("err", "p-two.log: following it");
    fs::rename(run.folder.join("p-two.log"), run.folder.join("p-two.log.1")).expect("rotation");
    append(&run.folder.join("p-two.log"), &(attempt("web", 3, 0) + &closing("web", 3, "client close request")));
    std::thread::sleep(std::time::Duration::from_millis(500));
    let out = run.stop("TERM");
    assert!(
        out.contains("Number of logins : 3\n") && !out.contains("rotated") && !out.contains("Account : old"),
        "{out}"
    );
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
    let text = String::from_utf8(output.expect("check").stdout).expect("UTF-8");
    assert!(text.contains("p-one.log, can be read\n") && text.contains("p-two.log, can be read\n"), "{text}");
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("report").current_dir(&run.folder).output();
    let text = String::from_utf8(output.expect("report").stdout).expect("UTF-8");
    assert!(
        text.contains("Account : old\n") && text.contains("Number of logins : 2\n"),
        "of the configuration: {text}"
    );
}

/// A follower of its standard input.
struct Piped {
    child: std::process::Child,
    run: Run,
}

impl Piped {
    fn start(name: &str) -> Self {
        let run = Run::new(name);
        self::name(&run, "\"-\"", "");
        let file = |name: &str| fs::File::create(run.folder.join(name)).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
            .current_dir(&run.folder)
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the binary");
        run.until("out", "Start date : ");
        Self { child, run }
    }

    fn write(&mut self, text: &str) {
        let pipe = self.child.stdin.as_mut().expect("a pipe");
        pipe.write_all(text.as_bytes()).and_then(|()| pipe.flush()).expect("it is read");
    }

    fn end(mut self) -> String {
        assert_eq!(self.child.wait().expect("it ends").code(), Some(0));
        assert_eq!(self.run.text("err"), "");
        self.run.text("out")
    }
}

#[test]
fn standard_input_is_followed_to_its_end_and_watched_while_it_is_quiet() {
    let mut piped = Piped::start("input");
    // Somebody logged in five minutes ago, and nothing has come since.
    piped.write(&(attempt("web", 1, 300) + &closing("web", 1, "client close request")));
    piped.run.until("out", "ALERT web: no login for ");
    let line = attempt("web", 2, 0);
    piped.write(&line[..50]);
    std::thread::sleep(std::time::Duration::from_millis(200));
    piped.write(&line[50..]);
    piped.write(closing("web", 2, "client close request").trim_end());
    drop(piped.child.stdin.take());
    let out = piped.end();
    assert!(out.contains("RECOVERED web: logged in at "), "{out}");
    assert!(out.contains("Number of logins : 2\n") && out.contains("End date : "), "{out}");
}

#[test]
fn a_long_pipe_is_read_as_fast_as_it_comes_and_sigterm_ends_it() {
    let mut piped = Piped::start("input-long");
    let lines = attempt("web", 1, 0) + &closing("web", 1, "client close request");
    let begin = std::time::Instant::now();
    for _ in 0..200 {
        piped.write(&lines.repeat(100));
    }
    piped.run.until("out", "Start date : ");
    assert!(begin.elapsed().as_secs() < 60, "not by a chunk a tick");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    common::servers::signal(piped.child.id(), "TERM");
    let out = piped.end();
    assert!(out.contains("Number of logins : 20000\n"), "{out}");
}

/// Two logs of which the analyzer is given line by line what they have: the hour, the log, and what stands there.
struct Two {
    analyzer: Analyzer,
    told: Vec<String>,
    entries: Vec<Entry>,
}

impl Two {
    fn new() -> Self {
        let window = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
        let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes: 5, window };
        let entries = vec![entry];
        let watch = Watch::new(entries.clone(), TimeZone::UTC, START);
        let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: START });
        analyzer.follow_logs([(0, "a.log"), (1, "b.log")].into_iter());
        Self { analyzer, told: Vec::new(), entries }
    }

    fn line(&mut self, log: u32, second: i64, message: &str) {
        let time = jiff::Timestamp::from_millisecond(START + second * 1000).expect("a time");
        let line = format!("{} LOG {message}", time.strftime("%Y-%m-%d %H:%M:%S.000 UTC [7]"));
        self.analyzer.switch_log(log);
        self.analyzer.line(&Line { bytes: line.as_bytes(), kind: Kind::Whole, offset: 0 });
    }

    fn tick(&mut self, second: i64) {
        let notices = self.analyzer.tick(START + second * 1000);
        let context = Context {
            entries: &self.entries,
            format: &TimeFormat::new("%H:%M:%S").expect("a format"),
            local: &|instant| instant,
            last_record: None,
        };
        self.told.extend(notices.iter().map(|notice| format!("{second}: {}", message(notice, &context).headline())));
    }

    /// What each second from one to another brings, with stats every so many seconds in each log.
    fn run(&mut self, from: i64, to: i64, periods: [Option<i64>; 2]) {
        for second in from..to {
            for (log, period) in periods.iter().enumerate() {
                if period.is_some_and(|period| second % period == 0) {
                    self.line(log as u32, second, STATS);
                }
            }
            self.tick(second);
        }
    }
}

/// 2026-11-23 10:00:00 UTC.
const START: i64 = 1_795_428_000_000;
const STATS: &str = "stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us";

#[test]
fn a_log_that_is_silent_is_told_by_its_name_and_keeps_no_alert_back_that_another_can_tell() {
    let mut two = Two::new();
    two.run(0, 241, [Some(60), Some(15)]);
    two.line(0, 241, "C-0x1: app/web@10.0.0.7:1 login attempt: db=app user=web tls=no");
    two.line(0, 241, "C-0x1: app/web@10.0.0.7:1 closing because: client close request (age=0s)");
    two.run(241, 700, [Some(60), None]);
    assert_eq!(
        two.told,
        [
            "286: ALERT pgbouncer (b.log): nothing written for 0 minutes (log silent), since 10:04:00",
            "542: ALERT web: no login for 5 minutes (silent), since 10:04:01"
        ],
        "each log has a stats period of its own"
    );
    two.told.clear();
    two.run(700, 760, [Some(60), Some(15)]);
    assert_eq!(
        two.told,
        ["705: RECOVERED pgbouncer (b.log): the log speaks again since 10:11:45, after 7 minutes (log silent)"]
    );
}

#[test]
fn a_pgbouncer_that_exits_is_down_whatever_stands_in_another_log() {
    let mut two = Two::new();
    two.run(0, 200, [Some(60), Some(60)]);
    two.line(1, 200, "process exiting");
    two.line(1, 200, "got SIGTERM, fast exit");
    two.run(201, 203, [Some(60), None]);
    assert_eq!(two.told.len(), 1, "{:?}", two.told);
    assert!(two.told[0].starts_with("201: ALERT pgbouncer (b.log): it has exited (pgbouncer down)"), "{:?}", two.told);
    // Where no log can be heard, alerts of accounts wait.
    two.told.clear();
    two.run(203, 600, [None, None]);
    assert_eq!(two.told.len(), 1, "{:?}", two.told);
    assert!(two.told[0].contains("pgbouncer (a.log): nothing written for 3 minutes (log silent)"), "{:?}", two.told);
}

/// Two real pgbouncers at once, each with its own log; and one of them once more, through a pipe.
#[test]
fn two_real_pgbouncers_are_followed_and_one_of_them_through_a_pipe() {
    let Some(first) = Servers::start("logs-first", 50) else { return };
    let Some(second) = Servers::start("logs-second", 60) else { return };
    let mut run = Run::new("logs-real");
    name(&run, &format!("[\"{}\", \"{}\"]", first.log().display(), second.log().display()), "");
    run.start(&[]);
    let piped = Run::new("logs-real-piped");
    name(&piped, "\"-\"", "");
    let mut tail =
        Command::new("tail").args(["-n", "0", "-F"]).arg(first.log()).stdout(Stdio::piped()).spawn().expect("tail");
    let child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
        .current_dir(&piped.folder)
        .env("TZ", "UTC")
        .stdin(tail.stdout.take().expect("a pipe"))
        .stdout(fs::File::create(piped.folder.join("out")).expect("a file"))
        .spawn();
    let mut child = child.expect("the binary");
    piped.until("out", "Start date : ");
    std::thread::sleep(std::time::Duration::from_millis(500));
    for (offset, count) in [(50, 3), (60, 4)] {
        for _ in 0..count {
            assert!(Servers::psql("127.0.0.1", "app", "right", offset));
        }
        assert!(!Servers::psql("127.0.0.1", "app", "wrong", offset));
    }
    let closed = |servers: &Servers, count| {
        until("the closings", || {
            fs::read_to_string(servers.log())
                .is_ok_and(|log| log.matches("closing because: client close request").count() == count)
        });
    };
    closed(&first, 3);
    closed(&second, 4);
    std::thread::sleep(std::time::Duration::from_millis(500));
    tail.kill().expect("tail ends");
    let _ = tail.wait();
    assert_eq!(child.wait().expect("the pipe has ended").code(), Some(0));
    let (both, one) = (run.stop("TERM"), piped.text("out"));
    assert_eq!(
        (figure(&both, "app", "Number of logins"), figure(&both, "app", "Number of failed logins")),
        (7, 2),
        "{both}"
    );
    assert_eq!(
        (figure(&one, "app", "Number of logins"), figure(&one, "app", "Number of failed logins")),
        (3, 1),
        "{one}"
    );
}

/// A log that the configuration names from now on: what stands in it already was somebody else's to count.
#[test]
fn of_a_log_that_is_named_later_only_what_comes_then_is_counted() {
    let mut run = Run::new("logs-later");
    let state = format!(", \"stateFile\": \"{}\"", run.folder.join("state.json").display());
    let [first, second, third] = ["a.log", "b.log", "c.log"].map(|name| run.folder.join(name));
    name(&run, &list(&run, &["a.log"]), &state);
    append(&first, "");
    for log in [&second, &third] {
        append(log, &(attempt("web", 9, 100) + &closing("web", 9, "client close request")));
    }
    run.start(&[]);
    name(&run, &list(&run, &["a.log", "b.log"]), &state);
    run.signal("HUP");
    run.until("err", "the configuration was read again");
    append(&second, &(attempt("web", 1, 0) + &closing("web", 1, "client close request")));
    run.until("state.json", "b.log");
    std::thread::sleep(std::time::Duration::from_millis(500));
    run.child.take().expect("it runs").kill().expect("it can be killed");
    name(&run, &list(&run, &["a.log", "b.log", "c.log"]), &state);
    run.start(&[]);
    append(&third, &(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    let out = run.stop("TERM");
    assert!(out.contains("Account : web\n") && out.contains("Number of logins : 2\n"), "{out}");
}
