//! What happens to an analyzer beside lines: time goes on, the clock is set, counting begins, lines are missing.

use crate::kept;
use jiff::tz::TimeZone;

use super::analyzer::{Analyzer, settle, watched_logins};
use super::heartbeat::Trouble;
use super::read::Read;
use super::session_table::{Key, watched_entries};
use super::sessions::{self, Looked};
use super::silences::Silence;
use super::summary::OpenState;
use super::watch::{Entry, Notice, OpenCounts};
use crate::limits::{ASSUMED_AFTER_MS, FALLBACK_LINES_PER_TICK};
use crate::pgbouncer::fallback::Fallback;
use crate::pgbouncer::lines::Line;
use crate::pgbouncer::parser::Reading;
use crate::pgbouncer::record::Event;

/// A clock that was set: what records that were written just before must be told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    /// What the clock would have shown, when it was found that it had been set.
    old_now: i64,
    /// What it shows now.
    now: i64,
    /// How much more than before.
    by: i64,
    /// In so many ticks there may still be records with the old time: a line can wait for one.
    ticks: u8,
}

kept!(Step { old_now, now, by, ticks });

impl Step {
    /// The instant of a record as the clock now has it: one that bears the old time is moved.
    pub(super) fn mend(&self, at: i64) -> i64 {
        const SLACK_MS: i64 = 1000;
        let is_old = if self.by > 0 { at <= self.old_now + SLACK_MS } else { at > self.now + SLACK_MS };
        if is_old { at + self.by } else { at }
    }

    /// A tick has passed.
    fn fade(self) -> Option<Self> {
        (self.ticks > 1).then_some(Self { ticks: self.ticks - 1, ..self })
    }
}

impl Analyzer {
    /// Time goes on though the log may be quiet: what has to be told at `now`, in milliseconds since 1970-01-01 UTC.
    pub fn tick(&mut self, now: i64) -> Vec<Notice> {
        self.parser.set_now(self.zones.civil(now));
        self.fallback_left = FALLBACK_LINES_PER_TICK;
        self.step = self.step.and_then(Step::fade);
        let period = self.longest_period();
        let Self { periods, watch, .. } = self;
        self.sessions.sweep(now, period, &mut |decided| settle(periods, watch, decided));
        self.look_at_open(now);
        let notices = self.with_hearts(|analyzer, hearts| {
            let Self { watch, sessions, logs, .. } = analyzer;
            let counts = |entry| count_open(sessions, entry, now);
            watch.tick(now, hearts, &logs.names, &counts)
        });
        for notice in &notices {
            self.periods.outages().for_each(|outages| outages.told(notice, self.watch.entries()));
        }
        notices
    }

    /// The instant of a line that is not taken yet, in milliseconds since 1970-01-01 UTC, if it is a record.
    pub fn time_of(&mut self, read: &Read<'_>) -> Option<i64> {
        read.record.as_ref().map(|record| self.zones.instant(record.stamp))
    }

    /// The next moment behind `now` at which something may have to be told though no line comes.
    pub fn next_change(&self, now: i64) -> i64 {
        let young = self.sessions.recent(self.looked).map(|session| session.at() + ASSUMED_AFTER_MS - 1);
        let changes = self.watch.changes().chain(self.heart.changes(self.period.known())).chain(young);
        // Most of them are the last moments at which nothing happens yet.
        changes.map(|at| at.saturating_add(1)).filter(|&at| at > now).min().unwrap_or(i64::MAX)
    }

    /// What the log's own clock shows at an instant, as of its last record.
    pub fn log_clock(&self, instant: i64) -> i64 {
        instant + self.east
    }

    /// Watching begins at this moment.
    pub fn begin_watch(&mut self, at: i64) {
        self.watch.begin(at);
        if let Some(silences) = self.watch.silences() {
            silences.begin(at);
        }
    }

    /// Watching began with the first record, as far as that is known.
    pub fn begin_watch_with_log(&mut self) {
        if let Some((_, since)) = self.first {
            self.watch.begin(since);
        }
    }

    /// The longest silences of all accounts until `end`, by name, where the watch measures them.
    pub fn silences(&mut self, end: i64) -> Vec<(Vec<u8>, Silence)> {
        let Self { watch, periods, .. } = self;
        let Some(silences) = watch.silences() else { return Vec::new() };
        silences
            .finish(end)
            .filter_map(|(number, silence)| Some((periods.run.accounts.name(number)?, silence.clone())))
            .collect()
    }

    /// Tells the watch which of its sessions are too young to tell, and which have become logins by their age.
    fn look_at_open(&mut self, now: i64) {
        let Self { watch, sessions, looked, .. } = self;
        watch.begin_tick();
        let before = *looked;
        let since = if watch.must_rescan() { Looked::NOT } else { before };
        *looked = Looked { at: now - ASSUMED_AFTER_MS, sequence: self.sequence };
        for session in sessions.recent(since) {
            let state = sessions::state(session, now);
            let is_foreseen = before.is_behind(session) && self.foreseen_sockets.contains(&session.key());
            for login in watched_logins(session) {
                match state {
                    // It is about to be decided; and if it is not, looked at once more.
                    OpenState::Assumed if is_foreseen => watch.about_to_be_decided(login.entry),
                    OpenState::Pending => watch.pending(login.entry),
                    OpenState::Assumed => watch.assume(&login, true),
                    OpenState::Proven => watch.assume(&login, false),
                    OpenState::Hopeless => {}
                }
            }
        }
        self.foreseen.drain(..).for_each(|entry| watch.pending(entry));
        self.foreseen_sockets.clear();
    }

    /// The clock was set forward by `by` milliseconds (back, where that is negative), and shows the second of `shown`
    /// now; the first is what it showed at the last tick. Whatever was silent is so no longer than before.
    pub fn clock_was_set(&mut self, by: i64, shown: (i64, i64)) {
        let now = shown.1;
        self.step = Some(Step { old_now: now - by, now, by, ticks: 2 });
        self.shift(by, shown);
    }

    /// The same where all records that come have the new time.
    pub fn shift(&mut self, by: i64, shown: (i64, i64)) {
        self.sessions.shift(by);
        self.shift_hearts(by);
        self.watch.shift(by, shown);
        self.periods.outages().for_each(|outages| outages.shift(by));
        self.looked.at = self.looked.at.saturating_add(by);
    }

    /// The records that come now are read at `now`, as they are written.
    pub fn read_live(&mut self, now: i64) {
        self.zones.read_live(now);
        if let Some(step) = &mut self.step {
            step.now = now;
        }
    }

    /// A whole line is there that is not taken yet, because it may be the head of a longer record: it shows that the
    /// log is alive, it may be the login that is missed, and it may decide the attempt before it.
    pub fn foresee(&mut self, line: &Line<'_>) {
        let Reading::Record(record) = self.parser.parse(line.bytes) else { return };
        let at = self.zones.instant(record.stamp);
        if record.event != Event::ProcessOver {
            // Its last word is told when it is known to be whole.
            self.heart.record(self.step.map_or(at, |step| step.mend(at)));
        }
        if let Event::LoginAttempt(attempt) = &record.event {
            self.foreseen.extend(self.watch.entries_of(attempt.database, attempt.user));
        }
        if let Some(socket) = record.socket {
            self.foreseen_sockets.push(Key { pid: record.pid, pointer: socket.pointer });
        }
    }

    /// What is wrong with the log's file at `now`.
    pub fn trouble(&mut self, trouble: Option<Trouble>, now: i64) {
        self.heart.trouble(trouble, now);
    }

    /// A new run begins: the figures of the one before have been told, but nothing is forgotten.
    pub fn begin_run(&mut self) {
        self.repeats.clear();
        self.periods.begin_only_run(self.sessions.pushed_out());
        self.sessions.change_all(&mut |session| session.tickets.run = None);
        (self.first, self.last) = (None, None);
    }

    /// Counting begins: what was read so far is only known, not counted.
    pub fn begin_counting(&mut self) {
        self.repeats.clear();
        // The log tells of the time before watching began.
        self.begin_watch_with_log();
        self.periods.begin_run(self.sessions.pushed_out());
        self.sessions.forget_tickets();
        (self.first, self.last) = (None, None);
    }

    /// The first day's figures begin: nothing has been told yet, and what is open now is none of it.
    pub fn begin_first_day(&mut self) {
        self.repeats.clear();
        let _ = self.periods.begin_day(self.sessions.pushed_out());
        self.sessions.change_all(&mut |session| session.tickets.day = None);
    }

    /// A day's figures begin: those of the one before have been told.
    pub fn begin_day(&mut self) {
        self.repeats.clear();
        let mut retell = self.periods.begin_day(self.sessions.pushed_out());
        self.sessions.change_all(&mut retell);
    }

    /// Lines are missing here.
    pub fn gap(&mut self) {
        self.periods.gap();
        self.sessions.gap(self.sequence);
    }

    /// Watches something else from `now` on; what is known of the entries that stay is kept.
    pub fn reconfigure(&mut self, entries: Vec<Entry>, zone: TimeZone, fallback: Option<Fallback>, now: i64) {
        self.repeats.clear();
        self.zones.set_zone(zone);
        self.fallback = fallback;
        for entry in &entries {
            self.periods.watch(&entry.user);
        }
        let old: Vec<String> = self.watch.entries().iter().map(|entry| entry.name.clone()).collect();
        let moved = self.watch.reconfigure(entries, now);
        for (name, _) in old.iter().zip(&moved).filter(|(_, moved)| moved.is_none()) {
            self.periods.outages().for_each(|outages| outages.no_longer_watched(name, now));
        }
        self.sessions.rewatch(&moved);
    }
}

/// The open sessions of an entry.
fn count_open(sessions: &sessions::Sessions, entry: usize, now: i64) -> OpenCounts {
    let mut counts = OpenCounts::default();
    for session in sessions.undecided().filter(|session| watched_entries(session.watched).any(|own| own == entry)) {
        match sessions::state(session, now) {
            OpenState::Pending => counts.pending += 1,
            OpenState::Assumed | OpenState::Proven => counts.logins += 1,
            OpenState::Hopeless => {}
        }
    }
    counts
}

#[cfg(test)]
#[path = "clock_tests.rs"]
mod tests;
