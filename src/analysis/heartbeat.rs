//! Whether the log itself is alive: pgbouncer writes its stats every `stats_period`, so a log that has shown stats and
//! then nothing for three periods is silent, and says nothing about any account.
//!
//! ```text
//! stats      stats      (overdue)   in doubt: alerts wait        three periods: log silent
//!   |----------|----------:·····|································|
//!   T-P        T         T+P  T+1.5P                            L+3P       L: the last record of any kind
//! ```
//!
//! Where other records come though the stats are overdue, they were turned off, and the log is not in doubt.

use super::watch::Verdict;
use crate::kept;
use crate::limits::{SILENT_PERIODS, STATS_PERIOD_MS};

/// What is wrong with the log's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable,
}

kept!(Trouble: Missing | Unreadable);

/// The log says nothing, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// `log silent`, `pgbouncer down`, `log missing` or `log unreadable`.
    pub verdict: Verdict,
    /// Since when, in milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// Since when alerts have waited for it.
    pub doubt: i64,
}

kept!(Outage { verdict, since, doubt });

/// What is known of the log's life. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Default)]
pub(super) struct Heartbeat {
    last_record: Option<i64>,
    last_stats: Option<i64>,
    /// The last word was that pgbouncer exits.
    down: Option<i64>,
    trouble: Option<(Trouble, i64)>,
    outage: Option<Outage>,
    /// The first record since the outage.
    spoke: Option<i64>,
    /// How often the log has stats, if it has shown that, as of the last tick.
    pub(super) period: Option<i64>,
}

kept!(Heartbeat { last_record, last_stats, down, trouble, outage, spoke; period = None });

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The log speaks again, as of this moment, after this outage.
    Spoke(i64, Outage),
}

impl Heartbeat {
    /// Some process wrote a record.
    #[inline]
    pub(super) fn record(&mut self, at: i64) {
        self.last_record = Some(at);
        if self.down.is_some() || self.outage.is_some() {
            self.down = None;
            self.spoke.get_or_insert(at);
        }
    }

    /// It was stats, or a process came up: the next stats are due one period later.
    pub(super) fn stats(&mut self, at: i64) {
        self.last_stats = Some(at);
    }

    /// A record that is the last word of the last process.
    pub(super) fn over(&mut self, at: i64) {
        self.last_record = Some(at);
        if self.down.is_none() {
            self.down = Some(at);
            self.spoke = self.outage.map(|_| self.spoke.unwrap_or(at));
        }
    }

    /// The file is missing or cannot be read, or is well again.
    pub(super) fn trouble(&mut self, trouble: Option<Trouble>, now: i64) {
        let since = self.trouble.map_or(now, |(_, since)| since);
        self.trouble = trouble.map(|trouble| (trouble, since));
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        for time in [&mut self.last_record, &mut self.last_stats, &mut self.down, &mut self.spoke] {
            *time = time.map(|time| time + by);
        }
        self.trouble = self.trouble.map(|(trouble, since)| (trouble, since + by));
        self.outage = self.outage.map(|outage| Outage { since: outage.since + by, doubt: outage.doubt + by, ..outage });
    }

    /// Judges at `now`, with stats every `period` milliseconds, if the log has shown it.
    pub(super) fn judge(&mut self, now: i64, period: Option<i64>) -> Change {
        let found = self.find(now, period);
        match (self.outage, found) {
            (Some(before), None) => {
                self.outage = None;
                Change::Spoke(self.spoke.take().unwrap_or(now), before)
            }
            // One that began anew, though nobody looked in between.
            (Some(before), Some(new)) if self.spoke.is_some() && new.since > before.since => {
                let spoke = self.spoke.take();
                self.outage = Some(new);
                Change::Spoke(spoke.unwrap_or(now), before)
            }
            (None, Some(new)) => {
                self.outage = Some(new);
                self.spoke = None;
                Change::None
            }
            (before, _) => {
                self.outage = before;
                Change::None
            }
        }
    }

    fn find(&self, now: i64, period: Option<i64>) -> Option<Outage> {
        if let Some(since) = self.down {
            return Some(Outage { verdict: Verdict::PgbouncerDown, since, doubt: since });
        }
        let quiet = |since: i64| now - since > SILENT_PERIODS * period.unwrap_or(STATS_PERIOD_MS);
        let last = self.last_record.filter(|&last| self.is_overdue(now, period) && quiet(last));
        match (self.trouble, last) {
            (Some((trouble, since)), last) if quiet(since) || last.is_some() => {
                Some(Outage { verdict: trouble.verdict(), since, doubt: since })
            }
            (_, Some(since)) => {
                let doubt = self.overdue_at(period).unwrap_or(since);
                Some(Outage { verdict: Verdict::LogSilent, since, doubt })
            }
            _ => None,
        }
    }

    /// Stats are overdue by half a period, and nothing else was written since.
    fn is_overdue(&self, now: i64, period: Option<i64>) -> bool {
        self.overdue_at(period)
            .is_some_and(|overdue| now > overdue && self.last_record.is_none_or(|last| last <= overdue))
    }

    /// When stats are overdue by half a period.
    fn overdue_at(&self, period: Option<i64>) -> Option<i64> {
        self.last_stats.zip(period).map(|(last, period)| last + period + period / 2)
    }

    /// Moments after `now` at which it may have to be judged anew, though nothing is written.
    pub(super) fn changes(&self, period: Option<i64>) -> impl Iterator<Item = i64> {
        let quiet = SILENT_PERIODS * period.unwrap_or(STATS_PERIOD_MS);
        let trouble = self.trouble.map(|(_, since)| since);
        let silent = self.last_record.into_iter().chain(trouble).map(move |since| since + quiet);
        silent.chain(self.overdue_at(period))
    }

    /// Whether nothing can be said of any account now: alerts wait.
    pub(super) fn is_in_doubt(&self, now: i64, period: Option<i64>) -> bool {
        let blind = self.trouble.is_some_and(|(_, since)| self.last_record.is_none_or(|last| last <= since));
        // A file that is gone from its path may still be written to, and read.
        let mute = |outage: Outage| matches!(outage.verdict, Verdict::LogSilent | Verdict::PgbouncerDown);
        blind || self.outage.is_some_and(mute) || self.is_overdue(now, period)
    }

    /// Whether anything is known of the log.
    pub(super) fn is_known(&self) -> bool {
        self.last_record.is_some() || self.trouble.is_some()
    }

    /// The outage that lasts.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.outage
    }

    /// When the log's last record was written.
    pub(super) fn last_record(&self) -> Option<i64> {
        self.last_record
    }
}

impl Trouble {
    fn verdict(self) -> Verdict {
        match self {
            Self::Missing => Verdict::LogMissing,
            Self::Unreadable => Verdict::LogUnreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: i64 = 60_000;

    fn beating(until: i64) -> Heartbeat {
        let mut heart = Heartbeat::default();
        for at in (0..=until).step_by(P as usize) {
            heart.record(at);
            heart.stats(at);
        }
        heart
    }

    fn verdict(heart: &mut Heartbeat, now: i64) -> Option<(&'static str, i64)> {
        assert_eq!(heart.judge(now, Some(P)), Change::None);
        heart.outage().map(|outage| (outage.verdict.name(), outage.since))
    }

    #[test]
    fn three_periods_without_a_record_are_silence() {
        let mut heart = beating(10 * P);
        assert!(!heart.is_in_doubt(10 * P + P * 3 / 2, Some(P)));
        assert!(heart.is_in_doubt(10 * P + P * 3 / 2 + 1, Some(P)), "overdue by half a period");
        assert_eq!(verdict(&mut heart, 13 * P), None);
        assert_eq!(verdict(&mut heart, 13 * P + 1), Some(("log silent", 10 * P)));
        heart.record(20 * P);
        heart.stats(20 * P);
        let before = Outage { verdict: Verdict::LogSilent, since: 10 * P, doubt: 11 * P + P / 2 };
        assert_eq!(heart.judge(20 * P + 5, Some(P)), Change::Spoke(20 * P, before));
        assert!(!heart.is_in_doubt(20 * P + 5, Some(P)));
    }

    #[test]
    fn stats_that_were_turned_off_are_no_silence() {
        let mut heart = beating(10 * P);
        heart.record(12 * P);
        assert!(!heart.is_in_doubt(12 * P, Some(P)));
        assert_eq!(verdict(&mut heart, 100 * P), None, "a log without stats may be quiet for long");
        let mut never = Heartbeat::default();
        never.record(0);
        assert_eq!(verdict(&mut never, 100 * P), None);
    }

    #[test]
    fn the_last_word_of_the_last_process_is_told_at_once() {
        let mut heart = beating(10 * P);
        heart.over(10 * P + 5);
        assert_eq!(verdict(&mut heart, 10 * P + 6), Some(("pgbouncer down", 10 * P + 5)));
        heart.record(10 * P + 900);
        assert!(matches!(heart.judge(10 * P + 1000, Some(P)), Change::Spoke(spoke, _) if spoke == 10 * P + 900));
    }

    #[test]
    fn an_exit_in_a_silent_log_is_told_and_a_second_last_word_is_not() {
        let mut heart = beating(10 * P);
        assert_eq!(verdict(&mut heart, 13 * P + 1), Some(("log silent", 10 * P)));
        heart.over(20 * P);
        assert!(matches!(heart.judge(20 * P, Some(P)), Change::Spoke(spoke, _) if spoke == 20 * P));
        assert_eq!(verdict(&mut heart, 20 * P + 1), Some(("pgbouncer down", 20 * P)));
        heart.over(20 * P + 2);
        assert_eq!(verdict(&mut heart, 20 * P + 3), Some(("pgbouncer down", 20 * P)));
    }

    #[test]
    fn a_process_that_dies_before_its_first_stats_is_silent() {
        let mut heart = beating(10 * P);
        heart.over(10 * P + 5);
        heart.record(12 * P);
        heart.stats(12 * P);
        assert_eq!(verdict(&mut heart, 15 * P), None);
        assert_eq!(verdict(&mut heart, 15 * P + 1), Some(("log silent", 12 * P)));
    }

    #[test]
    fn a_restart_between_two_looks_is_no_outage() {
        let mut heart = beating(10 * P);
        heart.over(10 * P + 5);
        heart.record(10 * P + 900);
        assert_eq!(verdict(&mut heart, 10 * P + 1000), None);
    }

    #[test]
    fn a_file_that_is_missing_is_told_after_as_long_as_a_silent_log() {
        let mut heart = beating(10 * P);
        heart.trouble(Some(Trouble::Missing), 10 * P + 5);
        assert!(heart.is_in_doubt(10 * P + 6, Some(P)), "nothing is read");
        heart.record(10 * P + 9);
        assert!(!heart.is_in_doubt(10 * P + 10, Some(P)), "the renamed file is still written to");
        assert_eq!(verdict(&mut heart, 13 * P + 5), None);
        heart.record(13 * P + 6);
        heart.stats(13 * P + 6);
        assert_eq!(verdict(&mut heart, 13 * P + 10), Some(("log missing", 10 * P + 5)));
        assert!(!heart.is_in_doubt(13 * P + 10, Some(P)), "it is read all the same");
        assert_eq!(verdict(&mut heart, 20 * P), Some(("log missing", 10 * P + 5)));
        heart.trouble(None, 21 * P);
        assert_eq!(heart.judge(21 * P, Some(P)), Change::None, "it is there again, but does not speak yet");
        heart.record(21 * P + 1);
        assert!(matches!(heart.judge(21 * P + 2, Some(P)), Change::Spoke(spoke, _) if spoke == 21 * P + 1));
    }

    #[test]
    fn the_clock_that_is_set_makes_nothing_old() {
        let mut heart = beating(10 * P);
        heart.shift(100 * P);
        assert_eq!(verdict(&mut heart, 111 * P), None);
        assert!(!heart.is_in_doubt(111 * P, Some(P)));
        heart.shift(-100 * P);
        assert_eq!(verdict(&mut heart, 13 * P + 1), Some(("log silent", 10 * P)));
    }

    /// What was so before the clock was set is so behind it, and everything in it has the new time.
    #[test]
    fn a_clock_that_is_set_moves_all_that_is_known() {
        let silent = || {
            let mut heart = beating(10 * P);
            let _ = heart.judge(14 * P, Some(P));
            heart
        };
        let down = || {
            let mut heart = beating(10 * P);
            heart.over(10 * P + 5);
            heart
        };
        let missing = || {
            let mut heart = beating(10 * P);
            heart.trouble(Some(Trouble::Missing), 10 * P + 7);
            heart
        };
        let speaking = || {
            let mut heart = silent();
            heart.record(15 * P);
            heart
        };
        for by in [100 * P, -3 * P] {
            for make in [&silent as &dyn Fn() -> Heartbeat, &down, &missing, &speaking] {
                let (mut heart, mut shifted) = (make(), make());
                shifted.shift(by);
                for now in [14 * P, 16 * P, 20 * P] {
                    assert_eq!(shifted.is_in_doubt(now + by, Some(P)), heart.is_in_doubt(now, Some(P)));
                    let moved =
                        |outage: Outage| Outage { since: outage.since + by, doubt: outage.doubt + by, ..outage };
                    let expected = match heart.judge(now, Some(P)) {
                        Change::None => Change::None,
                        Change::Spoke(spoke, outage) => Change::Spoke(spoke + by, moved(outage)),
                    };
                    assert_eq!(shifted.judge(now + by, Some(P)), expected);
                    assert_eq!(shifted.outage(), heart.outage().map(moved));
                }
            }
        }
    }

    #[test]
    fn of_a_log_nothing_is_known_until_a_record_or_a_trouble_comes() {
        let mut heart = Heartbeat::default();
        assert!(!heart.is_known());
        heart.trouble(Some(Trouble::Unreadable), 5);
        assert!(heart.is_known());
        heart.trouble(None, 6);
        assert!(!heart.is_known());
        heart.record(7);
        assert!(heart.is_known());
    }
}
