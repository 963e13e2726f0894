//! What came of every watched entry, by time, where somebody asks for it: a report on complete logs does.

use super::series::{Bucket, Series};
use super::watch::OpenLogin;
use crate::limits::TIMELINE;

/// Logins and failures of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Logins.
    pub logins: u64,
    /// Failed attempts.
    pub failed: u64,
}

impl Bucket for Stretch {
    fn merge(&mut self, other: &Self) {
        self.logins += other.logins;
        self.failed += other.failed;
    }

    /// In minutes: up to a day, and then days.
    fn wider(width: i64) -> i64 {
        [1, 5, 15, 60, 180, 720, 1440].into_iter().find(|wider| *wider > width).unwrap_or(width.saturating_mul(2))
    }
}

/// An entry's, by minutes since 1970-01-01 00:00 UTC.
pub type Timeline = Series<Stretch, TIMELINE>;

/// Those of all entries.
#[derive(Debug, Clone)]
pub struct Timelines(Vec<Timeline>);

impl Timelines {
    /// Of so many entries.
    pub fn new(entries: usize) -> Self {
        Self((0..entries).map(|_| Series::default()).collect())
    }

    /// What is counted at the time of an attempt.
    pub(super) fn at(&mut self, login: &OpenLogin<'_>) -> &mut Stretch {
        self.0[login.entry].at(login.at.div_euclid(60_000))
    }

    /// An entry's.
    pub fn of(&self, entry: usize) -> &Timeline {
        &self.0[entry]
    }
}
