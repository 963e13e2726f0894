//! What the stats lines say: averages over a period, as a whole and by the minute, and how often such a line comes.

use super::series::{Bucket, Series};
use crate::kept;
use crate::limits::{MINUTES, STATS_PERIOD_MS};
use crate::pgbouncer::record::Stats;

/// The stats of a period.
#[derive(Debug, Default)]
pub struct Traffic {
    total: Sums,
    /// By minutes since 1970-01-01 00:00 UTC.
    minutes: Series<Sums, MINUTES>,
}

kept!(Traffic { total, minutes });

/// Sums over stats lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// How many lines.
    pub lines: u64,
    requests: u64,
    bytes_in: u64,
    bytes_out: u64,
    request_us: u64,
    /// Of the lines that have these (1.8 on).
    transaction_lines: u64,
    transactions: u64,
    transaction_us: u64,
    wait_us: u64,
}

kept!(Sums [
    lines, requests, bytes_in, bytes_out, request_us, transaction_lines, transactions, transaction_us, wait_us
]);

/// Averages over stats lines. The first three, and the transactions, are rounded down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Averages {
    /// Requests (queries since 1.8) per second.
    pub requests: u64,
    /// Bytes from clients per second.
    pub bytes_in: u64,
    /// Bytes to clients per second.
    pub bytes_out: u64,
    /// Duration of a request, in seconds.
    pub request_seconds: f64,
    /// What only 1.8 and later say.
    pub since_1_8: Option<TransactionAverages>,
}

/// Averages of the figures that came with 1.8.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TransactionAverages {
    /// Transactions per second.
    pub transactions: u64,
    /// Duration of a transaction, in seconds.
    pub transaction_seconds: f64,
    /// Time that clients waited for a server, in seconds per second.
    pub wait_seconds: f64,
}

impl Sums {
    fn add(&mut self, stats: &Stats) {
        let add = |sum: &mut u64, value: u64| *sum = sum.saturating_add(value);
        self.lines += 1;
        add(&mut self.requests, stats.requests);
        add(&mut self.bytes_in, stats.bytes_in);
        add(&mut self.bytes_out, stats.bytes_out);
        add(&mut self.request_us, stats.request_us);
        if let Some(transactions) = stats.transactions {
            self.transaction_lines += 1;
            add(&mut self.transactions, transactions);
            add(&mut self.transaction_us, stats.transaction_us.unwrap_or(0));
            add(&mut self.wait_us, stats.wait_us.unwrap_or(0));
        }
    }

    /// The averages, if there was a line.
    pub fn averages(&self) -> Option<Averages> {
        let seconds = |microseconds: u64, lines: u64| microseconds as f64 / (lines as f64 * 1e6);
        let lines = self.lines;
        let transactions = self.transaction_lines;
        (lines > 0).then(|| Averages {
            requests: self.requests / lines,
            bytes_in: self.bytes_in / lines,
            bytes_out: self.bytes_out / lines,
            request_seconds: seconds(self.request_us, lines),
            since_1_8: (transactions > 0).then(|| TransactionAverages {
                transactions: self.transactions / transactions,
                transaction_seconds: seconds(self.transaction_us, transactions),
                wait_seconds: seconds(self.wait_us, transactions),
            }),
        })
    }
}

/// Widths that people think in, each a multiple of the one before: 1, 5 and 15 minutes, 1, 3 and 12 hours, days.
const WIDTHS: [i64; 7] = [1, 5, 15, 60, 180, 720, 1440];

impl Bucket for Sums {
    fn wider(width: i64) -> i64 {
        WIDTHS.into_iter().find(|wider| *wider > width).unwrap_or(width.saturating_mul(2))
    }

    fn merge(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.lines, other.lines),
            (&mut self.requests, other.requests),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.request_us, other.request_us),
            (&mut self.transaction_lines, other.transaction_lines),
            (&mut self.transactions, other.transactions),
            (&mut self.transaction_us, other.transaction_us),
            (&mut self.wait_us, other.wait_us),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

impl Traffic {
    /// Adds a line of stats that was written at `at`, in milliseconds since 1970-01-01 UTC.
    pub fn add(&mut self, stats: &Stats, at: i64) {
        self.total.add(stats);
        self.minutes.at(at.div_euclid(60_000)).add(stats);
    }

    /// The sums over all lines.
    pub fn total(&self) -> &Sums {
        &self.total
    }

    /// By the minute, or by more minutes where the period is longer than a day: minutes since 1970-01-01 00:00 UTC.
    pub fn series(&self) -> &Series<Sums, MINUTES> {
        &self.minutes
    }
}

/// How often a process writes its stats (`stats_period`), learned from the log: the median of the last differences.
#[derive(Debug, Default)]
pub struct StatsPeriod {
    differences: [i64; 5],
    count: usize,
}

kept!(StatsPeriod { differences, count });

impl StatsPeriod {
    /// Learns that a process wrote two stats lines one after the other, `difference` milliseconds apart.
    pub fn learn(&mut self, difference: i64) {
        if difference > 0 {
            self.differences[self.count % self.differences.len()] = difference;
            self.count += 1;
        }
    }

    /// In milliseconds; pgbouncer's default as long as nothing is known.
    pub fn milliseconds(&self) -> i64 {
        let known = &self.differences[..self.count.min(self.differences.len())];
        // The median: half of them are smaller, or the same and before it.
        let smaller =
            |place: usize| known.iter().enumerate().filter(|one| (one.1, one.0) < (&known[place], place)).count();
        let median = (0..known.len()).find(|&place| smaller(place) == known.len() / 2);
        median.map_or(STATS_PERIOD_MS, |place| known[place])
    }

    /// In milliseconds, if the log has shown it.
    pub fn known(&self) -> Option<i64> {
        (self.count > 0).then(|| self.milliseconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(requests: u64, request_us: u64) -> Stats {
        Stats { requests, request_us, ..Stats::default() }
    }

    #[test]
    fn averages_are_rounded_down_and_durations_are_not() {
        let mut traffic = Traffic::default();
        assert_eq!(traffic.total().averages(), None);
        traffic.add(&stats(41, 69_652), 0);
        traffic.add(&stats(42, 69_653), 60_000);
        let averages = traffic.total().averages().expect("two lines");
        assert_eq!(averages.requests, 41);
        assert_eq!(averages.request_seconds.to_string(), "0.0696525");
        assert_eq!(averages.since_1_8, None);
    }

    #[test]
    fn the_figures_of_1_8_are_averaged_over_the_lines_that_have_them() {
        let mut sums = Sums::default();
        sums.add(&stats(1, 1));
        sums.add(&Stats { transactions: Some(7), transaction_us: Some(2_000_000), wait_us: Some(5), ..stats(1, 1) });
        let since = |sums: &Sums| sums.averages().and_then(|averages| averages.since_1_8).expect("1.8");
        assert_eq!((since(&sums).transactions, since(&sums).transaction_seconds), (7, 2.0));
        sums.add(&Stats { transactions: Some(2), transaction_us: Some(0), wait_us: Some(7), ..stats(1, 1) });
        let both = since(&sums);
        assert_eq!((both.transactions, both.transaction_seconds, both.wait_seconds), (4, 1.0, 6e-6));
    }

    #[test]
    fn a_day_is_kept_by_the_minute_and_a_longer_time_by_more_and_nothing_is_lost() {
        let mut traffic = Traffic::default();
        for minute in 0..60 * 24 * 60 {
            traffic.add(&stats(minute, 0), minute.cast_signed() * 60_000 + 5);
            traffic.add(&stats(0, 0), minute.cast_signed() * 60_000 + 59_999);
            if let Some(place) = [1, 5, 15, 60].iter().position(|days| minute + 1 == days * 24 * 60) {
                let lines: u64 = traffic.series().iter().map(|(_, sums)| sums.lines).sum();
                assert_eq!((traffic.series().width(), lines), ([1, 5, 15, 60][place], 2 * (minute + 1)));
            }
        }
        let (_, first) = traffic.series().iter().next().expect("an hour");
        assert_eq!(first.averages().map(|averages| averages.requests), Some(59 * 30 / 120));
    }

    #[test]
    fn a_pause_does_not_change_the_learned_period() {
        let mut period = StatsPeriod::default();
        assert_eq!(period.milliseconds(), STATS_PERIOD_MS);
        for difference in [5001, 4999, 90_000, 5000] {
            period.learn(difference);
        }
        assert_eq!(period.milliseconds(), 5001);
    }

    /// Two lines of the same moment are no period.
    #[test]
    fn a_period_is_longer_than_nothing() {
        let mut period = StatsPeriod::default();
        period.learn(0);
        period.learn(-5);
        assert_eq!((period.known(), period.milliseconds()), (None, STATS_PERIOD_MS));
        period.learn(1);
        assert_eq!(period.known(), Some(1));
    }
}
