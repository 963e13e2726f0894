//! What the stats lines say: averages over a period, the last day by the minute, and how often such a line comes.

use crate::limits::{MINUTES, STATS_PERIOD_MS};
use crate::pgbouncer::record::Stats;
use serde::{Deserialize, Serialize};

/// The stats of a period.
#[derive(Debug, Serialize, Deserialize)]
pub struct Traffic {
    total: Sums,
    #[serde(with = "kept")]
    minutes: Box<[Minute]>,
}

/// Sums over stats lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
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

/// The stats of one minute.
#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    /// Minutes since 1970-01-01 00:00 UTC.
    minute: i64,
    sums: Sums,
}

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

    /// Adds another period's.
    pub fn merge(&mut self, other: &Self) {
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

impl Default for Traffic {
    fn default() -> Self {
        Self { total: Sums::default(), minutes: vec![Minute::default(); MINUTES].into_boxed_slice() }
    }
}

impl Traffic {
    /// Adds a line of stats that was written at `at`, in milliseconds since 1970-01-01 UTC.
    pub fn add(&mut self, stats: &Stats, at: i64) {
        self.total.add(stats);
        let minute = at.div_euclid(60_000);
        let slot = &mut self.minutes[minute.rem_euclid(MINUTES as i64) as usize];
        if slot.minute != minute {
            *slot = Minute { minute, sums: Sums::default() };
        }
        slot.sums.add(stats);
    }

    /// The sums over all lines.
    pub fn total(&self) -> &Sums {
        &self.total
    }

    /// The minutes that have stats, of the day that ends with the newest: (minutes since 1970-01-01 00:00 UTC, sums).
    pub fn by_minute(&self) -> impl Iterator<Item = (i64, &Sums)> {
        let kept = |slot: &&Minute| slot.sums.lines > 0;
        let newest = self.minutes.iter().filter(kept).map(|slot| slot.minute).max().unwrap_or(0);
        let first = newest.saturating_sub(MINUTES as i64 - 1);
        (first..=newest).filter_map(move |minute| {
            let slot = &self.minutes[minute.rem_euclid(MINUTES as i64) as usize];
            (slot.minute == minute && slot.sums.lines > 0).then_some((minute, &slot.sums))
        })
    }
}

impl Sums {
    /// The sums in the order of the fields: a state file has a day of minutes of them.
    fn to_array(self) -> [u64; 9] {
        let Self { lines, requests, bytes_in, bytes_out, request_us, .. } = self;
        let Self { transaction_lines, transactions, transaction_us, wait_us, .. } = self;
        [lines, requests, bytes_in, bytes_out, request_us, transaction_lines, transactions, transaction_us, wait_us]
    }

    fn from_array(sums: [u64; 9]) -> Self {
        let [
            lines,
            requests,
            bytes_in,
            bytes_out,
            request_us,
            transaction_lines,
            transactions,
            transaction_us,
            wait_us,
        ] = sums;
        Self {
            lines,
            requests,
            bytes_in,
            bytes_out,
            request_us,
            transaction_lines,
            transactions,
            transaction_us,
            wait_us,
        }
    }
}

/// The minutes that have stats.
mod kept {
    use super::{MINUTES, Minute, Sums};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(minutes: &[Minute], to: S) -> Result<S::Ok, S::Error> {
        let kept = minutes.iter().filter(|minute| minute.sums.lines > 0);
        to.collect_seq(kept.map(|minute| (minute.minute, minute.sums.to_array())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Box<[Minute]>, D::Error> {
        let mut minutes = vec![Minute::default(); MINUTES].into_boxed_slice();
        for (minute, sums) in Vec::<(i64, [u64; 9])>::deserialize(from)? {
            let sums = Sums::from_array(sums);
            minutes[minute.rem_euclid(MINUTES as i64) as usize] = Minute { minute, sums };
        }
        Ok(minutes)
    }
}

/// How often a process writes its stats (`stats_period`), learned from the log: the median of the last differences.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct StatsPeriod {
    differences: [i64; 5],
    count: usize,
}

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
        let mut known = self.differences;
        let known = &mut known[..self.count.min(self.differences.len())];
        known.sort_unstable();
        known.get(known.len() / 2).copied().unwrap_or(STATS_PERIOD_MS)
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
        let since = sums.averages().and_then(|averages| averages.since_1_8).expect("1.8");
        assert_eq!((since.transactions, since.transaction_seconds), (7, 2.0));
    }

    #[test]
    fn a_day_of_minutes_is_kept_and_older_ones_fall_out() {
        let mut traffic = Traffic::default();
        let minutes = MINUTES as i64 + 10;
        for minute in 0..minutes {
            traffic.add(&stats(minute.cast_unsigned(), 0), minute * 60_000 + 5);
            traffic.add(&stats(0, 0), minute * 60_000 + 59_999);
        }
        let kept: Vec<(i64, u64)> = traffic.by_minute().map(|(minute, sums)| (minute, sums.lines)).collect();
        assert_eq!(kept.len(), MINUTES);
        assert_eq!((kept[0], kept[MINUTES - 1]), ((10, 2), (minutes - 1, 2)));
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
}
