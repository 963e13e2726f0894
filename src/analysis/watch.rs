//! The dead man's switch: which watched entry has not logged in for too long, inside its window, and why.
//!
//! ```text
//! silence = now − the latest of (last login, opening of the window now open, start of watching)
//! alert     when silence > X minutes, once; again after a login, or when the next window opens
//! recovered at the first login after an alert
//! ```
//!
//! An attempt that is too young to be decided holds an alert back, for it may be the login that is missed.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

use crate::pgbouncer::record::Stamp;

/// When an entry is expected to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// It opens after this local time.
    pub open: Time,
    /// It closes at this local time; on the next day where that is earlier. Equal edges: it is always open.
    pub close: Time,
    /// The days on which it opens, Monday first.
    pub days: [bool; 7],
}

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As the configuration has it: `user` or `database/user`.
    pub name: String,
    /// Only logins into this database count.
    pub database: Option<Vec<u8>>,
    /// The account.
    pub user: Vec<u8>,
    /// How long it may be silent, in minutes.
    pub minutes: u32,
    /// When.
    pub window: Window,
}

/// Why there is an alert: a DBA acts differently on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does not even try.
    Silent,
    /// It tries, and fails.
    Failing,
}

impl Verdict {
    /// The word that alerts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Failing => "failing",
        }
    }
}

/// A login, as the watch remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// When, as the log has it.
    pub stamp: Stamp,
    /// From where.
    pub host: Vec<u8>,
}

/// What somebody has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An entry has been silent for too long.
    Alert {
        /// Which: the number of the entry.
        entry: usize,
        /// Why.
        verdict: Verdict,
        /// For how many whole minutes.
        minutes: i64,
        /// Since when, in milliseconds since 1970-01-01 UTC.
        since: i64,
        /// The last login, if one is known.
        last: Option<Login>,
        /// Attempts since then that failed, and the last one's reason and address.
        failures: Failures,
    },
    /// It has logged in again.
    Recovered {
        /// Which: the number of the entry.
        entry: usize,
        /// For how many whole minutes it was silent.
        minutes: i64,
        /// The login.
        login: Login,
    },
}

/// Failed attempts since the last login.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// Why the last one failed.
    pub reason: Vec<u8>,
    /// Where it came from.
    pub host: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
struct State {
    last: Option<Login>,
    failures: Failures,
    /// The opening of the window in which it was alerted.
    #[expect(clippy::option_option, reason = "not alerted, alerted where it is always open, or since an opening")]
    alerted: Option<Option<i64>>,
    /// Since when it had been silent when it was alerted, until it recovers.
    outage_since: Option<i64>,
}

/// An open session of a watched entry.
pub(super) struct OpenLogin<'a> {
    pub(super) entry: usize,
    pub(super) at: i64,
    pub(super) stamp: Stamp,
    pub(super) host: &'a [u8],
    pub(super) pending: bool,
}

/// The entries and their states.
#[derive(Debug, Clone)]
pub struct Watch {
    entries: Vec<Entry>,
    states: Vec<State>,
    zone: TimeZone,
    since: i64,
}

impl Watch {
    /// Watches `entries`, with windows in the local time of `zone`, from `since` on (milliseconds since 1970-01-01
    /// UTC).
    pub fn new(entries: Vec<Entry>, zone: TimeZone, since: i64) -> Self {
        let states = vec![State::default(); entries.len()];
        Self { entries, states, zone, since }
    }

    /// What is watched.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The last login of an entry.
    pub fn last_login(&self, entry: usize) -> Option<&Login> {
        self.states[entry].last.as_ref()
    }

    /// Watches other entries, and keeps what is known of those that stay. Says where each of the old ones went.
    pub(super) fn reconfigure(&mut self, entries: Vec<Entry>) -> Vec<Option<usize>> {
        let same = |left: &Entry, right: &Entry| left.user == right.user && left.database == right.database;
        let moved: Vec<Option<usize>> =
            self.entries.iter().map(|old| entries.iter().position(|new| same(old, new))).collect();
        let mut states = vec![State::default(); entries.len()];
        for (old, new) in moved.iter().enumerate() {
            if let Some(new) = *new {
                states[new] = std::mem::take(&mut self.states[old]);
            }
        }
        (self.states, self.entries) = (states, entries);
        moved
    }

    /// The log says that there was silence already before watching began: counts from there.
    pub fn begin(&mut self, since: i64) {
        self.since = since;
    }

    /// The entries of a login into `database` as `user`: two at most, the account's own and that of the database.
    pub(super) fn entries_of<'a>(&'a self, database: &'a [u8], user: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let matches =
            move |entry: &Entry| entry.user == user && entry.database.as_deref().is_none_or(|own| own == database);
        self.entries.iter().enumerate().filter(move |(_, entry)| matches(entry)).map(|(number, _)| number)
    }

    /// A login was decided.
    pub(super) fn login(&mut self, login: &OpenLogin<'_>) {
        let state = &mut self.states[login.entry];
        if state.last.as_ref().is_none_or(|last| last.at < login.at) {
            let host = login.host.to_vec();
            state.last = Some(Login { at: login.at, stamp: login.stamp, host });
            state.failures = Failures::default();
        }
    }

    /// A failure was decided.
    pub(super) fn failure(&mut self, failed: &OpenLogin<'_>, reason: &[u8]) {
        let failures = &mut self.states[failed.entry].failures;
        failures.count += 1;
        failures.reason.clear();
        failures.reason.extend_from_slice(reason);
        failures.host.clear();
        failures.host.extend_from_slice(failed.host);
    }

    /// What has to be told at `now` (milliseconds since 1970-01-01 UTC), given the sessions that are open.
    pub(super) fn tick<'a>(&mut self, now: i64, open: impl Iterator<Item = OpenLogin<'a>>) -> Vec<Notice> {
        let mut held = vec![Held::default(); self.entries.len()];
        for login in open {
            held[login.entry].add(&login);
        }
        let notices = held.into_iter().enumerate().map(|(entry, held)| self.tick_entry(entry, now, held));
        notices.flat_map(|[recovered, alert]| recovered.into_iter().chain(alert)).collect()
    }

    fn tick_entry(&mut self, number: usize, now: i64, held: Held) -> [Option<Notice>; 2] {
        let last = latest(self.states[number].last.clone(), held.last);
        let recovered = self.recover(number, last.as_ref());
        let alert = if held.pending { None } else { self.alert(number, now, last) };
        [recovered, alert]
    }

    fn recover(&mut self, number: usize, last: Option<&Login>) -> Option<Notice> {
        let state = &mut self.states[number];
        let since = state.outage_since?;
        let login = last.filter(|login| login.at > since)?.clone();
        state.outage_since = None;
        state.alerted = None;
        Some(Notice::Recovered { entry: number, minutes: (login.at - since) / 60_000, login })
    }

    fn alert(&mut self, number: usize, now: i64, last: Option<Login>) -> Option<Notice> {
        let entry = &self.entries[number];
        let opening = opening(&entry.window, &self.zone, now)?;
        let state = &mut self.states[number];
        let begun = last.as_ref().map_or(self.since, |login| login.at);
        let since = opening.map_or(begun, |opening| opening.max(begun));
        let limit = i64::from(entry.minutes) * 60_000;
        if now - since <= limit || state.alerted == Some(opening) {
            return None;
        }
        state.alerted = Some(opening);
        state.outage_since.get_or_insert(since);
        let failures = state.failures.clone();
        let verdict = if failures.count > 0 { Verdict::Failing } else { Verdict::Silent };
        Some(Notice::Alert { entry: number, verdict, minutes: (now - since) / 60_000, since, last, failures })
    }
}

/// What an entry's open sessions come to.
#[derive(Debug, Clone, Default)]
struct Held {
    pending: bool,
    last: Option<Login>,
}

impl Held {
    fn add(&mut self, login: &OpenLogin<'_>) {
        if login.pending {
            self.pending = true;
        } else if self.last.as_ref().is_none_or(|last| last.at < login.at) {
            self.last = Some(Login { at: login.at, stamp: login.stamp, host: login.host.to_vec() });
        }
    }
}

fn latest(left: Option<Login>, right: Option<Login>) -> Option<Login> {
    match (left, right) {
        (Some(left), Some(right)) => Some(if right.at > left.at { right } else { left }),
        (left, right) => left.or(right),
    }
}

/// The opening of the window that is open at `now`: the outer `None` where it is closed, the inner where it is always
/// open and so never opened.
#[expect(clippy::option_option, reason = "closed, always open, or open since")]
fn opening(window: &Window, zone: &TimeZone, now: i64) -> Option<Option<i64>> {
    let local = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).datetime();
    let today = local.date();
    if window.open == window.close {
        return opens_on(window, today).then_some(None);
    }
    let yesterday = today.yesterday().ok()?;
    let opened = [today, yesterday].into_iter().find_map(|day| opened_on(window, day, local))?;
    let opening = zone.to_timestamp(opened).ok()?;
    Some(Some(opening.as_millisecond()))
}

fn opened_on(window: &Window, day: Date, local: DateTime) -> Option<DateTime> {
    let open = day.to_datetime(window.open);
    let last = if window.close < window.open { day.tomorrow().ok()? } else { day };
    let close = last.to_datetime(window.close);
    (opens_on(window, day) && open < local && local < close).then_some(open)
}

fn opens_on(window: &Window, day: Date) -> bool {
    window.days[day.weekday().to_monday_zero_offset().unsigned_abs() as usize]
}

/// The days of a week, Monday first, as `windowDays` names them.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
