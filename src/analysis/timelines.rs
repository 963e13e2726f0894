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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbouncer::record::{Stamp, Zone};

    /// A month of them by the minute does not fit, and nothing of it is lost.
    #[test]
    fn a_long_time_has_wider_stretches_and_the_same_sums() {
        let mut timelines = Timelines::new(2);
        let count = 3 * TIMELINE as i64;
        for number in 0..count {
            let at = number * 3 * 60_000;
            let stamp = Stamp { millis: at, zone: Zone::Unknown };
            let login = OpenLogin { entry: 1, sequence: number as u64, at, stamp, host: b"" };
            let stretch = timelines.at(&login);
            (stretch.logins, stretch.failed) = (stretch.logins + 1, stretch.failed + 2);
        }
        let timeline = timelines.of(1);
        let sum = timeline.iter().fold((0, 0), |sum, (_, one)| (sum.0 + one.logins, sum.1 + one.failed));
        assert_eq!((sum, timeline.width()), ((count as u64, 2 * count as u64), 15));
        assert_eq!(timelines.of(0).iter().count(), 0);
        let widths: Vec<i64> = [1, 5, 15, 60, 180, 720, 1440, 2880].map(Stretch::wider).to_vec();
        assert_eq!(widths, [5, 15, 60, 180, 720, 1440, 2880, 5760]);
    }
}
