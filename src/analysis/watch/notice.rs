//! What somebody has to be told.

use crate::kept;
use std::collections::VecDeque;

use crate::limits::RECENT_FAILURES;
use crate::pgbouncer::record::Stamp;

/// Why there is an alert: a DBA acts differently on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It does not even try.
    Silent,
    /// It tries, and fails.
    Failing,
    /// pgbouncer has written nothing for some stats periods.
    LogSilent,
    /// pgbouncer's last word was that it exits.
    PgbouncerDown,
    /// There is no log.
    LogMissing,
    /// The log cannot be read.
    LogUnreadable,
}

kept!(Verdict: Silent | Failing | LogSilent | PgbouncerDown | LogMissing | LogUnreadable);

impl Verdict {
    /// The words that alerts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Failing => "failing",
            Self::LogSilent => "log silent",
            Self::PgbouncerDown => "pgbouncer down",
            Self::LogMissing => "log missing",
            Self::LogUnreadable => "log unreadable",
        }
    }
}

/// A login, as the watch remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// How many attempts came before it.
    pub sequence: u64,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// When, as the log has it.
    pub stamp: Stamp,
    /// From where.
    pub host: Vec<u8>,
    /// Nothing proves it but that it lived on.
    pub assumed: bool,
}

kept!(Login { sequence, at, stamp, host, assumed });

/// Failed attempts since the last login, within one window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// Why the last one failed.
    pub reason: Vec<u8>,
    /// Where it came from.
    pub host: Vec<u8>,
    /// The opening of the window in which they came; `None` before the first.
    pub opening: Option<i64>,
    /// How many attempts came before the last one.
    pub sequence: u64,
    /// The same of the last [`RECENT_FAILURES`] of them.
    pub recent: VecDeque<u64>,
    /// When the last one came, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
}

kept!(Failures { count, reason, host, opening, sequence, recent, at });

impl Failures {
    pub(super) fn add(&mut self, sequence: u64, at: i64) {
        if self.recent.len() == RECENT_FAILURES {
            self.recent.pop_front();
        }
        self.recent.push_back(sequence);
        self.count += 1;
        self.sequence = self.sequence.max(sequence);
        self.at = at;
    }

    /// There was a login: what came before it does not count any more.
    pub(super) fn forget_before(&mut self, login: u64) {
        if self.recent.iter().any(|&sequence| sequence < login) {
            self.recent.retain(|&sequence| sequence > login);
            self.count = self.recent.len() as u64;
        }
    }
}

/// The open sessions of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OpenCounts {
    /// Those that are logged in, or taken for it.
    pub logins: u64,
    /// Those that are too young to tell.
    pub pending: u64,
}

/// An entry has been silent for too long, or the log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// The number of the entry; `None` where it is about the log.
    pub entry: Option<usize>,
    /// Which log, where it is about one of several.
    pub log: Option<String>,
    /// Why.
    pub verdict: Verdict,
    /// Since when, in milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// For how many whole minutes.
    pub minutes: i64,
    /// The last login, if one is known.
    pub last: Option<Login>,
    /// Since when it has been watched, in milliseconds since 1970-01-01 UTC.
    pub watched_since: i64,
    /// Attempts since then.
    pub attempts: u64,
    /// Those of them that failed.
    pub failures: Failures,
    /// Sessions of the entry that are still open.
    pub open: u64,
}

/// It has logged in again, or the log speaks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The number of the entry; `None` where it is about the log.
    pub entry: Option<usize>,
    /// Which log, where it is about one of several.
    pub log: Option<String>,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// Since when it had been silent.
    pub since: i64,
    /// For how many whole minutes.
    pub minutes: i64,
    /// The login.
    pub login: Option<Login>,
    /// What the alert had said.
    pub verdict: Verdict,
    /// What failed before it.
    pub failures: Failures,
}

/// What somebody has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Something is wrong.
    Alert(Alert),
    /// It is well again.
    Recovered(Recovery),
}
