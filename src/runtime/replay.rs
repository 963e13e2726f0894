//! `replay`: complete logs through the watch, by the log's own clock.
//!
//! Each second of the log is judged once all its records have been taken, also those in which nothing was written (but
//! for those in which nothing can happen). A clock that goes back, or forward by more than a month, was set.

use std::path::PathBuf;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::batch;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::silences::Silences;
use crate::analysis::watch::{Entry, Notice, Watch, Window};
use crate::config::Config;
use crate::limits::{DISORDER_MS, REPLAY_ABSURD_MS, REPLAY_JUMP_MS};
use crate::pgbouncer::fallback::Fallback;
use crate::pgbouncer::lines::Line;
use crate::report::events;
use crate::report::notice::Context;
use crate::report::time::TimeFormat;

const SECOND_MS: i64 = 1000;
/// A pause between two records from which it pays to ask when something can happen.
const QUIET_MS: i64 = 3000;

/// What is to be replayed, and how it is to be told.
#[derive(Debug)]
pub struct Replay {
    paths: Vec<PathBuf>,
    /// The paths are the configuration's, and not named.
    are_configured: bool,
    /// What is odd about the configuration, but no error.
    pub warnings: Vec<String>,
    format: TimeFormat,
    log_zone: TimeZone,
    fallback: Option<Fallback>,
    entries: Vec<Entry>,
    window: Window,
    propose: bool,
    json: bool,
}

impl Replay {
    /// Replays `files`, or else the logs of the configuration. Without a configuration nobody is watched, and windows
    /// are always open.
    pub fn new(config: Option<Config>, files: &[PathBuf], propose: bool, json: bool) -> Self {
        let always = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
        let (paths, are_configured) = (files.to_vec(), files.is_empty());
        let Some(config) = config else {
            let (format, log_zone) = (TimeFormat::default(), TimeZone::system());
            let (fallback, entries, window) = (None, Vec::new(), always);
            let warnings = Vec::new();
            return Self {
                paths,
                are_configured,
                warnings,
                format,
                log_zone,
                fallback,
                entries,
                window,
                propose,
                json,
            };
        };
        Self {
            paths: if files.is_empty() { config.logs } else { paths },
            are_configured,
            warnings: config.warnings,
            format: config.date_time_format,
            log_zone: config.log_time_zone,
            fallback: config.fallback,
            entries: config.watched,
            window: config.window,
            propose,
            json,
        }
    }

    /// Runs, with the windows in the local time of `zone`; it is `now`. Returns what is to be printed.
    ///
    /// # Errors
    ///
    /// The path that could not be read, and why; or that nobody is watched.
    pub fn run(self, zone: &TimeZone, now: i64) -> Result<String, String> {
        if self.paths.len() > 1 && self.are_configured {
            return Err(format!("the configuration has {} logs; name one of them", self.paths.len()));
        }
        if self.entries.is_empty() && !self.propose {
            return Err("nobody is watched (file.usersToWatchAndThresholdInMinutes); try --propose".to_owned());
        }
        let mut watch = Watch::new(self.entries.clone(), zone.clone(), i64::MAX);
        if self.propose {
            let own = self.entries.iter().filter(|entry| entry.database.is_none());
            let own = own.map(|entry| (entry.user.clone(), entry.window)).collect();
            watch.measure(Silences::new(zone.clone(), self.window, own));
        }
        let settings = Settings { zone: self.log_zone, fallback: self.fallback, watch, now };
        let mut analyzer = Analyzer::new(settings);
        let mut out = String::new();
        let (format, json, propose) = (self.format, self.json, self.propose);
        let told: Told<'_> = &mut |analyzer, at, notice| {
            if !propose {
                let write = if json { events::write_json } else { events::write_text };
                out += &write(at, notice, &context(analyzer, &format, &|instant| analyzer.log_clock(instant)));
            }
        };
        let last = play(&mut analyzer, &self.paths, told)?;
        if let Some(end) = last.filter(|_| propose) {
            out = propose_thresholds(&mut analyzer, end, &format, json);
        }
        Ok(out)
    }
}

fn context<'a>(analyzer: &'a Analyzer, format: &'a TimeFormat, local: &'a dyn Fn(i64) -> i64) -> Context<'a> {
    Context { entries: analyzer.watch().entries(), format, local, last_record: analyzer.last_record() }
}

/// The least thresholds, by number of logins, falling, then by name.
fn propose_thresholds(analyzer: &mut Analyzer, end: i64, format: &TimeFormat, json: bool) -> String {
    let mut silences = analyzer.silences(end);
    silences.retain(|(_, silence)| silence.logins > 0);
    silences.sort_by(|left, right| right.1.logins.cmp(&left.1.logins).then_with(|| left.0.cmp(&right.0)));
    let write = if json { events::write_proposal_json } else { events::write_proposal_text };
    let local = |instant| analyzer.log_clock(instant);
    let context = context(analyzer, format, &local);
    silences.iter().map(|(user, silence)| write(user, silence, &context)).collect()
}

/// Who takes what would have been told, and at which instant (milliseconds since 1970-01-01 UTC).
type Told<'a> = &'a mut dyn FnMut(&Analyzer, i64, &Notice);

/// An analyzer whose time is the log's.
struct Player<'a> {
    analyzer: &'a mut Analyzer,
    /// The second that is not judged yet.
    second: Option<i64>,
    told: Told<'a>,
    /// Judges also the seconds in which nothing can happen.
    every_second: bool,
}

/// Replays logs one after the other; `-` is standard input. Returns the log's last second.
///
/// # Errors
///
/// The path that could not be read, and why.
fn play(analyzer: &mut Analyzer, paths: &[PathBuf], told: Told<'_>) -> Result<Option<i64>, String> {
    let mut player = Player { analyzer, second: None, told, every_second: false };
    batch::read_logs(paths, &mut |line| player.take(line))?;
    player.judge_until(None);
    Ok(player.second)
}

impl Player<'_> {
    fn take(&mut self, line: &Line<'_>) {
        if let Some(at) = self.analyzer.time_of(line) {
            self.pass(at - at.rem_euclid(SECOND_MS), at);
        }
        self.analyzer.line(line);
    }

    /// The log's clock shows this second now.
    fn pass(&mut self, second: i64, at: i64) {
        let Some(before) = self.second else {
            self.analyzer.begin_watch(at);
            self.second = Some(second);
            return;
        };
        if second < before - DISORDER_MS {
            self.judge_until(None);
            self.set_clock(before, second);
        } else if second > before + REPLAY_ABSURD_MS {
            self.judge_until(None);
            self.set_clock(before, second);
        } else if second > before + REPLAY_JUMP_MS {
            // What was silent for so long is told; and then it is as if the clock had been set.
            let told_until = before + REPLAY_JUMP_MS;
            self.judge_until(Some(told_until));
            self.set_clock(told_until, second);
        } else if second > before {
            self.judge_until(Some(second));
            self.second = Some(second);
        }
    }

    fn set_clock(&mut self, before: i64, second: i64) {
        self.analyzer.shift(second - before, second);
        self.second = Some(second);
    }

    /// Judges the seconds before `end`, or the last one; of a quiet time those in which something can happen.
    fn judge_until(&mut self, end: Option<i64>) {
        let Some(mut now) = self.second else { return };
        let end = end.unwrap_or(now + 1);
        while now < end {
            for notice in self.analyzer.tick(now) {
                (self.told)(self.analyzer, now, &notice);
            }
            if !self.every_second && end - now > QUIET_MS {
                let next = self.analyzer.next_change(now).min(end);
                now = now.max(next - 1 - (next - 1).rem_euclid(SECOND_MS));
            }
            now += SECOND_MS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbouncer::lines::Lines;

    /// What is told of a log, judging every second or only those in which something can happen.
    fn told(log: &str, minutes: u32, every_second: bool) -> Vec<(i64, Notice)> {
        let time = |hour| Time::constant(hour, 0, 0, 0);
        let entry = |user: &str, open, close| {
            let window = Window { open: time(open), close: time(close), days: [true; 7] };
            Entry { name: user.to_owned(), database: None, user: user.as_bytes().to_vec(), minutes, window }
        };
        let entries = vec![entry("a", 0, 0), entry("b", 8, 19), entry("c", 22, 3)];
        let watch = Watch::new(entries, TimeZone::UTC, i64::MAX);
        let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
        let mut notices = Vec::new();
        let told: Told<'_> = &mut |_, at, notice| notices.push((at, notice.clone()));
        let mut player = Player { analyzer: &mut analyzer, second: None, told, every_second };
        let mut lines = Lines::new();
        for line in log.lines() {
            lines.push(format!("{line}\n").as_bytes());
            while let Some(line) = lines.next_line() {
                player.take(&line);
            }
        }
        if let Some(line) = lines.last_line() {
            player.take(&line);
        }
        player.judge_until(None);
        notices
    }

    #[test]
    fn skipping_the_seconds_in_which_nothing_can_happen_changes_nothing() {
        let mut chance = 7u64;
        for case in 0..8 {
            let (mut log, mut at) = (String::new(), 1_767_225_600_000i64);
            let mut below = |end: u64| {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((chance >> 33) % end).cast_signed()
            };
            for number in 0..60 {
                at += below([900, 61_000, 2_000_000, 20_000_000][number % 4]);
                let time = TimeFormat::new("%Y-%m-%d %H:%M:%S.%3f").map_or(String::new(), |format| format.print(at));
                let (user, pointer) = (["a", "b", "c"][below(3) as usize], below(3));
                let client = format!("C-0x{pointer}: app/{user}@10.0.0.1:{pointer}");
                let message = match below(8) {
                    0 => "server connections dropped, exiting".to_owned(),
                    1 => "process up: PgBouncer 1.18.0, x".to_owned(),
                    2 | 3 => "stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us"
                        .to_owned(),
                    4 => format!("{client} closing because: client close request (age=1s)"),
                    5 => format!("{client} closing because: password authentication failed (age=1s)"),
                    _ => format!("{client} login attempt: db=app user={user} tls=no"),
                };
                log += &format!("{time} UTC [7] LOG {message}\n");
            }
            let minutes = 1 + (case % 5) * 40;
            assert_eq!(told(&log, minutes, false), told(&log, minutes, true), "{minutes} minutes:\n{log}");
        }
    }

    /// A record of the second behind the setting of the clock was taken for one of before it, and moved once more.
    #[test]
    fn a_login_right_after_the_clock_was_set_back_is_a_login() {
        let mut log = String::new();
        for minute in 0..60 {
            let client =
                format!("2026-11-23 08:{minute:02}:00.000 UTC [7] LOG C-0x1: app/a@10.0.0.1:{}", 1000 + minute);
            log += &format!("{client} login attempt: db=app user=a tls=no\n");
            log += &format!("{client} closing because: client close request (age=0s)\n");
        }
        log += "2026-11-23 08:00:10.000 UTC [7] LOG listening on 127.0.0.1:6432\n";
        log += "2026-11-23 08:00:11.500 UTC [7] LOG C-0x1: app/a@10.0.0.1:5 login attempt: db=app user=a tls=no\n";
        log += "2026-11-23 08:04:00.500 UTC [7] LOG C-0x1: app/a@10.0.0.1:5 closing because: client close request (age=229s)\n";
        let of_a = |notice: &Notice| matches!(notice, Notice::Alert(alert) if alert.entry == Some(0));
        assert!(!told(&log, 10, false).iter().any(|(_, notice)| of_a(notice)));
    }
}
