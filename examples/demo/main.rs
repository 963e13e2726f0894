//! One working day in a few seconds, through the real daemon loop: a real file, a rotation, a watched account that
//! falls silent, its alert, its recovery, the day's report, and the mails of it all over SMTP; then the same by
//! `replay`. Only the clock is not real: each wait is a minute.
//!
//! `cargo run --release --example demo`

mod postbox;

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::config::Config;
use loganalyzer::config::email::Email;
use loganalyzer::report::paint::Style;
use loganalyzer::report::time::TimeFormat;
use loganalyzer::report::{Report, page};
use loganalyzer::runtime::batch::Logs;
use loganalyzer::runtime::daemon::{Daemon, Options};
use loganalyzer::runtime::outbox::{Letter, Refusal};
use loganalyzer::runtime::replay::{self, Replay};
use loganalyzer::runtime::span::Span;
use loganalyzer::runtime::system::System;
use loganalyzer::runtime::world::{Manager, Output, Signals, Status, World};

const MINUTE: i64 = 60_000;

/// The real world with a clock of its own, in which a pgbouncer writes its log while the daemon sleeps.
struct Day {
    system: System,
    now: i64,
    end: i64,
    log: PathBuf,
    socket: u64,
}

impl Day {
    /// What pgbouncer writes in the minute before `now`.
    fn write_minute(&mut self) -> io::Result<()> {
        let minute = (self.now - self.end) / MINUTE + 12 * 60;
        let mut text = String::new();
        if minute == 1 {
            self.line(&mut text, "process up: PgBouncer 1.18.0, libevent 2.1.12-stable (epoll), adns: c-ares 1.18.1");
        }
        for (user, host, every) in [("web", "10.0.0.11", 1), ("web", "10.0.0.12", 2), ("report", "10.0.0.40", 30)] {
            if minute % every == 0 {
                self.login(&mut text, user, host, "client close request");
            }
        }
        // The batch logs in every five minutes; from 14:00 to 15:30 its password has expired, as of 14:40 it gave up.
        let (expired, gave_up, mended) = (6 * 60, 6 * 60 + 40, 7 * 60 + 30);
        if minute % 5 == 0 && !(expired..mended).contains(&minute) {
            self.login(&mut text, "batch", "10.0.0.30", "client close request");
        } else if minute % 5 == 0 && minute < gave_up {
            self.login(&mut text, "batch", "10.0.0.30", "password authentication failed");
        }
        // Most is done around noon. From 11:20 on the servers are all taken, until an administrator adds some at 11:40.
        let crowded = (200..220).contains(&minute);
        let load = 80 - (minute - 4 * 60).abs() / 9 + minute * 7 % 17;
        let (xact, wait) = if crowded { (6200, 90_000 + load * 400) } else { (1400, 12) };
        self.line(
            &mut text,
            &format!(
                "stats: {load} xacts/s, {} queries/s, in {} B/s, out {} B/s, xact {} us, query {} us, wait {wait} us",
                load * 2,
                load * 420 + minute * 31 % 4000,
                load * 1900 + minute * 57 % 9000,
                xact + load * 2 + minute * 13 % 300,
                xact / 5 + load + minute * 5 % 60
            ),
        );
        self.write_happenings(&mut text, minute);
        if minute == 4 * 60 {
            self.rotate()?;
        }
        OpenOptions::new().append(true).create(true).open(&self.log)?.write_all(text.as_bytes())
    }

    /// What is no client's, and clients that are turned away.
    fn write_happenings(&mut self, text: &mut String, minute: i64) {
        let server = format!("S-0x{:x}: app/web@10.0.0.2:5432", 0x5600_0000 + minute % 10 * 400);
        if minute % 10 < 3 {
            let reason =
                ["server idle timeout (age=600s)", "server lifetime over (age=3600s)"][usize::from(minute % 60 == 1)];
            self.line(text, &format!("{server} closing because: {reason}"));
            self.line(text, &format!("{server} new connection to server (from 10.0.0.1:{})", 41_000 + minute));
        }
        let (client, timeout) = ("C-0x5700000: (nodb)/etl@10.0.0.50:5000", "query_wait_timeout");
        if (200..220).contains(&minute) {
            let message = format!("C-0x5700190: app/web@10.0.0.12:5001 pooler error: {timeout}");
            self.record(text, "WARNING", &message);
        }
        if (90..150).contains(&minute) && minute % 5 == 0 {
            self.line(text, &format!("{client} closing because: no such database: dwh (age=0s)"));
            self.record(text, "WARNING", &format!("{client} pooler error: no such database: dwh"));
        }
        if minute == 220 {
            self.line(text, "RELOAD command issued");
        }
    }

    /// An attempt and its closing.
    fn login(&mut self, text: &mut String, user: &str, host: &str, reason: &str) {
        self.socket += 1;
        let client =
            format!("C-0x{:x}: app/{user}@{host}:{}", 0x5500_0000 + self.socket % 8 * 400, 30_000 + self.socket % 9999);
        self.line(text, &format!("{client} login attempt: db=app user={user} tls=no"));
        self.line(text, &format!("{client} closing because: {reason} (age=0s)"));
    }

    fn line(&self, text: &mut String, message: &str) {
        self.record(text, "LOG", message);
    }

    fn record(&self, text: &mut String, level: &str, message: &str) {
        let time = TimeFormat::default().print(self.now - MINUTE / 2);
        let _ = writeln!(text, "{time}.500 UTC [4711] {level} {message}");
    }

    /// As logrotate does it: rename, and a new file.
    fn rotate(&self) -> io::Result<()> {
        std::fs::rename(&self.log, self.log.with_extension("log.1"))?;
        File::create(&self.log).map(drop)
    }
}

impl World for Day {
    type File = File;

    fn now(&mut self) -> i64 {
        self.now
    }

    fn elapsed(&mut self) -> i64 {
        self.now
    }

    fn wait(&mut self, _: Duration) -> Signals {
        self.now += MINUTE;
        if let Err(error) = self.write_minute() {
            eprintln!("demo: {}: {error}", self.log.display());
            return Signals { stop: true, ..Signals::default() };
        }
        let real = self.system.wait(Duration::from_millis(2));
        Signals { stop: real.stop || self.now >= self.end, ..real }
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        self.system.open(path)
    }

    fn status(&mut self, file: &File) -> io::Result<Status> {
        self.system.status(file)
    }

    fn status_of(&mut self, path: &Path) -> io::Result<Status> {
        self.system.status_of(path)
    }

    fn read_at(&mut self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.system.read_at(file, offset, buffer)
    }

    fn list(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.system.list(folder)
    }

    fn read_input(&mut self, take: &mut dyn FnMut(&[u8])) -> bool {
        self.system.read_input(take)
    }

    fn publish(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.system.publish(path, bytes)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.system.write(path, bytes)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.system.rename(from, to)
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        self.system.read_text(path)
    }

    fn send(&mut self, email: &Email, letter: &Letter, host: &str) -> Result<String, Refusal> {
        self.system.send(email, letter, host)
    }

    fn manager(&mut self) -> Option<Manager> {
        None
    }

    fn notify(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn print(&mut self, output: Output, text: &str) {
        self.system.print(output, text);
    }
}

/// The page on finished logs.
fn write_page(config: Config, logs: &[PathBuf]) -> Result<String, String> {
    let mut watch = Watch::new(config.watched, TimeZone::UTC, i64::MAX);
    watch.keep_timelines();
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let logs = Logs { paths: logs, zone: &TimeZone::UTC, now: 0, span: &Span::default() };
    replay::observe(&mut analyzer, &logs)?;
    Ok(page::write(&Report::complete(&analyzer, &config.date_time_format)))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("loganalyzer-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let log = folder.join("pgbouncer.log");
    File::create(&log)?;
    // They stay, for whoever wants to look at them in a mail program.
    let mails = std::env::temp_dir().join("loganalyzer-demo-mails");
    let _ = std::fs::remove_dir_all(&mails);
    let port = postbox::open(&mails)?;
    let morning: DateTime = "2026-11-23T08:00:00".parse()?;
    let now = Offset::UTC.to_timestamp(morning)?.as_millisecond();
    let text = include_str!("../../LogAnalyzer.json")
        .replace("/var/log/postgresql/pgbouncer.log", &log.display().to_string())
        .replace("\"postgres:1,poc:5\"", "\"web:2,batch:15\"")
        .replace("\"alertingToUse\": \"print\"", "\"alertingToUse\": \"print|email\"")
        .replace("\"emailServer\": \"localhost\"", &format!("\"emailServer\": \"127.0.0.1\", \"emailPort\": {port}"))
        .replace("1.0,", "0.01,");
    let mut config = Config::parse("LogAnalyzer.json", &text)?;
    config.log_time_zone = TimeZone::UTC;
    println!("One working day, 08:00 to 20:00; web may be silent for 2 minutes, batch for 15. Watch 14:00 to 15:30.\n");
    let mut day = Day { system: System::new()?, now, end: now + 12 * 60 * MINUTE, log: log.clone(), socket: 0 };
    let options = Options { verbose: false, style: Style::default(), pid: std::process::id() };
    Daemon::start(&mut day, config, &TimeZone::UTC, options).run(&mut day);
    println!("\nThe mails, as files for any mail program:\n");
    for (file, subject) in postbox::mails(&mails)? {
        println!("{} : {subject}", file.display());
    }
    let logs = [log.with_extension("log.1"), log];
    let page = mails.join("report.html");
    let mut config = Config::parse("LogAnalyzer.json", &text)?;
    config.log_time_zone = TimeZone::UTC;
    std::fs::write(&page, write_page(config, &logs)?)?;
    println!("\nThe same day by `loganalyzer report --format html`, for a browser: {}", page.display());
    println!("\nThe same day by `loganalyzer replay`, from the finished logs:\n");
    for propose in [false, true] {
        let mut config = Config::parse("LogAnalyzer.json", &text)?;
        config.log_time_zone = TimeZone::UTC;
        let replay = Replay::new(Some(config), &logs, propose, false);
        print!("{}", replay.run(&TimeZone::UTC, now)?);
        if !propose {
            println!("\nAnd the least thresholds that would have raised nothing, by `replay --propose`:\n");
        }
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
