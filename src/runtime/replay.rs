//! `replay`: complete logs through the watch, by the log's own clock.
//!
//! Each second of the log is judged once all its records have been taken, also those in which nothing was written (but
//! for those in which nothing can happen). A clock that goes back, or forward by more than a month, was set.

use std::path::PathBuf;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::batch::{self, Logs};
use super::span::{Place, Span, Walk, count_within};
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::silences::Silences;
use crate::analysis::watch::{Entry, Notice, Watch, Window};
use crate::config::{Config, zone};
use crate::limits::{DISORDER_MS, REPLAY_ABSURD_MS, REPLAY_JUMP_MS};
use crate::order;
use crate::pgbouncer::fallback::Fallback;
use crate::pgbouncer::lines::Line;
use crate::pgbouncer::record::Stamp;
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
    span: Span,
}

impl Replay {
    /// Replays `files`, or else the logs of the configuration. Without a configuration nobody is watched, and windows
    /// are always open.
    pub fn new(config: Option<Config>, files: &[PathBuf], propose: bool, json: bool) -> Self {
        let always = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
        let (paths, are_configured) = (files.to_vec(), files.is_empty());
        let Some(config) = config else {
            let (format, log_zone) = (TimeFormat::default(), zone::local());
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
                span: Span::default(),
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
            span: Span::default(),
        }
    }

    /// Judges only what lies in a span.
    pub fn within(self, span: Span) -> Self {
        Self { span, ..self }
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
        let settings = Settings { zone: self.log_zone.clone(), fallback: self.fallback, watch, now };
        let mut analyzer = Analyzer::new(settings);
        let mut out = String::new();
        let (format, json, propose) = (self.format, self.json, self.propose);
        let told: Told<'_> = &mut |analyzer, at, notice| {
            if !propose {
                let write = if json { events::write_json } else { events::write_text };
                out += &write(at, notice, &context(analyzer, &format, &|instant| analyzer.log_clock(instant)));
            }
        };
        let logs = Logs { paths: &self.paths, zone: &self.log_zone, now, span: &self.span };
        // A silence is measured from the first login that is asked for.
        let looks_back = !self.propose;
        let player = Player { looks_back, ..Player::new(&mut analyzer, told, self.span.clone()) };
        let last = player.play(&logs)?;
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
    order::sort_by(&mut silences, |left, right| right.1.logins.cmp(&left.1.logins).then_with(|| left.0.cmp(&right.0)));
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
    /// What is judged of the log.
    walk: Walk,
    /// Counts what is judged, and nothing else.
    counts: bool,
    /// What comes before the span is known there: who is in, and who has logged in.
    looks_back: bool,
    /// The last record, judged or not.
    last: Option<Stamp>,
}

/// Reads complete logs for a report that shows what the watch would have told, and counts what is asked for.
///
/// # Errors
///
/// The path that could not be read, and why; or that what was asked for can mean more than one time.
pub fn observe(analyzer: &mut Analyzer, logs: &Logs<'_>) -> Result<(), String> {
    let told: Told<'_> = &mut |_, _, _| {};
    Player { counts: true, ..Player::new(analyzer, told, logs.span.clone()) }.play(logs).map(|_| ())
}

impl<'a> Player<'a> {
    fn new(analyzer: &'a mut Analyzer, told: Told<'a>, span: Span) -> Self {
        let walk = Walk::new(span);
        Self { analyzer, second: None, told, every_second: false, walk, counts: false, looks_back: true, last: None }
    }

    /// Plays logs; returns their last second that was judged.
    fn play(mut self, logs: &Logs<'_>) -> Result<Option<i64>, String> {
        batch::read_logs(logs, &mut |line: &Line<'_>| self.take(line))?;
        let place = self.walk.finish(self.last.map(|stamp| stamp.millis))?;
        match place {
            Place::Before => self.enter(Place::Before, Place::Behind),
            Place::Within => self.judge_until(None),
            Place::Behind => {}
        }
        Ok(self.second)
    }

    fn take(&mut self, line: &Line<'_>) {
        let read = self.analyzer.read(line);
        if let Some(stamp) = read.stamp() {
            self.last = Some(stamp);
            let before = self.walk.place();
            let now = self.walk.pass(stamp.millis);
            self.enter(before, now);
        }
        let at = self.analyzer.time_of(&read);
        match (self.walk.place(), at) {
            (Place::Within, Some(at)) => self.pass(at - at.rem_euclid(SECOND_MS), at),
            (Place::Before, Some(at)) if self.looks_back => self.analyzer.begin_watch(at),
            (Place::Before, _) if !self.looks_back => return,
            // What comes after it has no influence on what was told.
            (Place::Behind, _) if !self.counts => return,
            _ => {}
        }
        self.analyzer.take(&read);
    }

    /// Where the span ends, its last second is judged.
    fn enter(&mut self, before: Place, now: Place) {
        if before == Place::Within && now == Place::Behind {
            self.judge_until(None);
        }
        if self.counts {
            count_within(self.analyzer, before, now);
        }
    }

    /// The log's clock shows this second now.
    fn pass(&mut self, second: i64, at: i64) {
        let Some(before) = self.second else {
            self.analyzer.begin_watch(at);
            self.second = Some(second);
            return;
        };
        if second < before - DISORDER_MS || second > before + REPLAY_ABSURD_MS {
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
        self.analyzer.shift(second - before, (before, second));
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
#[path = "replay_tests.rs"]
mod tests;
