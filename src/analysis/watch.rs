//! The dead man's switch: which watched entry has not logged in for too long, inside its window, and why.
//!
//! ```text
//! silence   = now − the latest of (last login, opening of the window now open, start of watching,
//!             the moment at which the log spoke again after an outage)
//! alert     when silence > X minutes: once, and again when the next window opens, if it lasts
//! recovered at the first login after an alert
//! ```
//!
//! An alert that is due waits for two things: for an attempt that is too young to be decided, at most 65 s, and for
//! what the log turns out to be while its stats are overdue ([`super::heartbeat`]). When it is decided it is told,
//! also when the window has closed meanwhile.

mod entry;
mod notice;
mod tick;
mod window;

use crate::kept;
use jiff::tz::TimeZone;

use super::heartbeat::Outage;
use super::silences::Silences;
use super::timelines::{Timeline, Timelines};
use crate::limits::ASSUMED_AFTER_MS;
use crate::pgbouncer::record::Stamp;
use entry::State;

pub use entry::Entry;
pub use notice::{Alert, Failures, Login, Notice, OpenCounts, Recovery, Verdict};
pub use window::{Span, WEEKDAYS, Window, first_showing};

/// An open or just decided session of a watched entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenLogin<'a> {
    pub(super) entry: usize,
    pub(super) sequence: u64,
    pub(super) at: i64,
    pub(super) stamp: Stamp,
    pub(super) host: &'a [u8],
}

/// The entries and their states.
#[derive(Debug, Clone)]
pub struct Watch {
    entries: Vec<Entry>,
    states: Vec<State>,
    zone: TimeZone,
    /// When the log spoke again after its last outage.
    spoke: i64,
    /// The outages that were alerted, by number of log.
    told: Vec<Option<Outage>>,
    /// What the clock left out when it was set forward last: from, to.
    skipped: (i64, i64),
    /// An assumed login was found failed: the open ones have to be looked through.
    rescan: bool,
    /// The longest silence of every account, where somebody asks for it.
    silences: Option<Silences>,
    /// What came of every entry, where somebody asks for it.
    timelines: Option<Timelines>,
}

kept!(Watch {
    entries, states, spoke, told, skipped, rescan;
    zone = TimeZone::UTC, silences = None, timelines = None
});

impl Watch {
    /// Watches `entries`, with windows in the local time of `zone`, from `since` on (milliseconds since 1970-01-01
    /// UTC).
    pub fn new(entries: Vec<Entry>, zone: TimeZone, since: i64) -> Self {
        let states = entries.iter().map(|_| State::new(since)).collect();
        Self {
            entries,
            states,
            zone,
            spoke: i64::MIN,
            told: Vec::new(),
            skipped: (0, 0),
            rescan: false,
            silences: None,
            timelines: None,
        }
    }

    /// Measures the longest silence of every account as well.
    pub fn measure(&mut self, silences: Silences) {
        self.silences = Some(silences);
    }

    /// Keeps what comes of every entry by time as well.
    pub fn keep_timelines(&mut self) {
        self.timelines = Some(Timelines::new(self.entries.len()));
    }

    /// What came of an entry by time, with the logins that are still open, where that is kept.
    pub(super) fn timeline<'a>(&self, entry: usize, open: impl Iterator<Item = OpenLogin<'a>>) -> Option<Timeline> {
        let mut timelines = self.timelines.clone()?;
        open.filter(|login| login.entry == entry).for_each(|login| timelines.at(&login).logins += 1);
        Some(timelines.of(entry).clone())
    }

    /// When an entry's window is open, from an instant to another, the first so many.
    pub fn windows(&self, entry: usize, (from, to): (i64, i64), most: usize) -> Vec<(i64, i64)> {
        let mut windows = Vec::new();
        let mut at = from;
        while at < to && windows.len() < most {
            let span = self.entries[entry].window.span(&self.zone, at);
            if span.open {
                windows.push((span.from.max(from), span.to.min(to)));
            }
            // An open one does not hold its own edges, a closed one does.
            at = if span.open { span.to } else { span.to.saturating_add(1) };
        }
        windows
    }

    /// What is measured.
    pub(super) fn silences(&mut self) -> Option<&mut Silences> {
        self.silences.as_mut()
    }

    /// What is watched.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last login of an entry, decided or assumed.
    pub fn last_login(&self, entry: usize) -> Option<&Login> {
        self.states[entry].last_login()
    }

    /// Whether the window of an entry was open at the last tick.
    pub fn is_open(&self, entry: usize) -> bool {
        self.states[entry].is_open()
    }

    /// Whether an entry was alerted and has not logged in since.
    pub fn is_out(&self, entry: usize) -> bool {
        self.states[entry].outage_since.is_some()
    }

    /// Entries that no login has matched for a whole window.
    pub fn never_seen(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().zip(&self.states).filter(|(_, state)| state.is_missed()).map(|(entry, _)| entry)
    }

    /// Watches other entries from `now` on, and keeps what is known of those that stay. Says where each of the old
    /// ones went.
    pub(super) fn reconfigure(&mut self, entries: Vec<Entry>, now: i64) -> Vec<Option<usize>> {
        let same = |left: &Entry, right: &Entry| left.user == right.user && left.database == right.database;
        let moved: Vec<Option<usize>> =
            self.entries.iter().map(|old| entries.iter().position(|new| same(old, new))).collect();
        let mut states: Vec<State> = entries.iter().map(|_| State::new(now)).collect();
        for (old, new) in moved.iter().enumerate() {
            if let Some(new) = *new {
                states[new] = std::mem::replace(&mut self.states[old], State::new(now));
                if self.entries[old].window != entries[new].window {
                    states[new].reopen();
                }
            }
        }
        (self.states, self.entries) = (states, entries);
        moved
    }

    /// It was read back, and goes on in the zone of another one. Says how many entries it has, if it has a state for each.
    pub(super) fn restored(&mut self, configured: &Self) -> Option<usize> {
        self.zone = configured.zone.clone();
        (self.entries.len() == self.states.len()).then_some(self.entries.len())
    }

    /// The log tells of the time before watching began: counts from there.
    pub fn begin(&mut self, since: i64) {
        self.states.iter_mut().for_each(|state| state.begin(since));
    }

    /// The entries of a login into `database` as `user`: the account's own and that of the database.
    pub(super) fn entries_of<'a>(&'a self, database: &'a [u8], user: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let matches =
            move |entry: &Entry| entry.user == user && entry.database.as_deref().is_none_or(|own| own == database);
        self.entries.iter().enumerate().filter(move |(_, entry)| matches(entry)).map(|(number, _)| number)
    }

    /// A login was decided.
    pub(super) fn login(&mut self, login: &OpenLogin<'_>, assumed: bool) {
        self.states[login.entry].login(login, assumed);
        if let Some(timelines) = &mut self.timelines {
            timelines.at(login).logins += 1;
        }
    }

    /// A failure was decided.
    pub(super) fn failure(&mut self, failed: &OpenLogin<'_>, reason: &[u8]) {
        let spoke = self.spoke;
        let opening = self.opening(failed.entry, failed.at);
        self.rescan |= self.states[failed.entry].failure(failed, reason, opening, spoke);
        if let Some(timelines) = &mut self.timelines {
            timelines.at(failed).failed += 1;
        }
    }

    /// The clock was set forward by so many milliseconds, and shows the second of `shown` now; the first is what it showed
    /// when somebody last looked. Whatever was silent is so no longer than before.
    pub(super) fn shift(&mut self, by: i64, shown: (i64, i64)) {
        self.states.iter_mut().for_each(|state| state.shift(by));
        self.spoke = self.spoke.saturating_add(by);
        for told in self.told.iter_mut().flatten() {
            *told = Outage { since: told.since + by, doubt: told.doubt + by, ..*told };
        }
        self.skipped = shown;
        if let Some(silences) = &mut self.silences {
            silences.shift(by);
        }
    }

    /// The reason of a failure that was already told is known better.
    pub(super) fn refine_failure(&mut self, failed: &OpenLogin<'_>, reason: &[u8]) {
        self.states[failed.entry].refine_failure(failed.sequence, reason);
    }

    /// Moments at which something may have to be told, though nothing is written.
    pub(super) fn changes(&self) -> impl Iterator<Item = i64> {
        self.entries.iter().zip(&self.states).flat_map(|(entry, state)| {
            let due = state.since(self.spoke).saturating_add(i64::from(entry.minutes) * 60_000);
            [due, due.saturating_add(ASSUMED_AFTER_MS), state.span_end()]
        })
    }

    /// The opening of the entry's window that is open at a time; `None` where it is closed.
    fn opening(&mut self, entry: usize, at: i64) -> Option<i64> {
        self.states[entry].span(&self.entries[entry].window, &self.zone, at)
    }
}

/// The tick.
impl Watch {
    /// Begins to look at the open sessions.
    pub(super) fn begin_tick(&mut self) {
        self.states.iter_mut().for_each(|state| state.pending = false);
    }

    /// An open attempt is too young to be decided.
    pub(super) fn pending(&mut self, entry: usize) {
        self.states[entry].pending = true;
    }

    /// A line is there that will decide an open attempt.
    pub(super) fn about_to_be_decided(&mut self, entry: usize) {
        self.states[entry].pending = true;
        self.rescan = true;
    }

    /// An open attempt has lived so long that it is taken for a login, or has proved to be one.
    pub(super) fn assume(&mut self, login: &OpenLogin<'_>, assumed: bool) {
        self.states[login.entry].assume(login, assumed);
    }

    /// Whether all open logins have to be given to [`Watch::assume`] again.
    pub(super) fn must_rescan(&mut self) -> bool {
        std::mem::take(&mut self.rescan)
    }

    /// Whether the alert of an entry waits for an attempt that is not decided.
    pub(super) fn waits_for_pending(&self, entry: usize) -> bool {
        self.states[entry].due.is_some() && self.states[entry].pending
    }

    /// The opening for which an entry's alert has to be told now.
    fn alert(&mut self, number: usize, now: i64, opening: Option<i64>, doubt: bool) -> Option<i64> {
        let limit = i64::from(self.entries[number].minutes) * 60_000;
        let (spoke, skipped) = (self.spoke, self.skipped);
        let state = &mut self.states[number];
        state.open_window(opening, skipped);
        if let Some(opening) = opening
            && state.due.is_none()
            && state.alerted != Some(opening)
            && now - state.since(spoke) > limit
        {
            state.due = Some((opening, state.opened_at()));
        }
        let due = state.due?;
        let overdue = now - state.since_opening(spoke, due.1) - limit;
        if overdue <= 0 {
            // It has logged in, or the log turned out to have been silent.
            state.due = None;
        } else if !doubt && (!state.pending || overdue > ASSUMED_AFTER_MS) {
            return Some(due.0);
        }
        None
    }

    fn write_alert(&mut self, number: usize, now: i64, opening: i64, counts: &dyn Fn(usize) -> OpenCounts) -> Notice {
        let spoke = self.spoke;
        let state = &mut self.states[number];
        let opened = state.due.take().map_or(i64::MIN, |due| due.1);
        let since = state.since_opening(spoke, opened);
        state.alerted = Some(opening);
        state.outage_since.get_or_insert(since);
        let failures = state.failures_since_login(opening);
        let counts = counts(number);
        Notice::Alert(Alert {
            entry: Some(number),
            log: None,
            verdict: if failures.count > 0 { Verdict::Failing } else { Verdict::Silent },
            since,
            minutes: (now - since) / 60_000,
            last: state.last_login().cloned(),
            watched_since: state.start,
            attempts: failures.count + counts.pending,
            failures,
            open: counts.logins,
        })
    }
}

#[cfg(test)]
#[path = "watch/tests.rs"]
mod tests;
