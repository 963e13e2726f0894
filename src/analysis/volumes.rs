//! How much went through pgbouncer, summed up from its stats lines: each says how much it was by the second since the one
//! before, so it counts for one stats period. pgbouncer rounds down, and so do these sums.

use crate::kept;

use crate::pgbouncer::record::Stats;

/// Sums that only rise. Times are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Volumes {
    /// Stats lines.
    pub lines: u64,
    /// Queries (requests, before 1.8).
    pub queries: u64,
    /// Time that servers spent on them.
    pub query_us: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
    /// Transactions, since 1.8.
    pub transactions: u64,
    /// Time that servers spent in them.
    pub transaction_us: u64,
    /// Time that clients waited for a server.
    pub wait_us: u64,
}

kept!(Volumes { lines, queries, query_us, bytes_in, bytes_out, transactions, transaction_us, wait_us });

impl Volumes {
    /// Adds a stats line of a log that has one every `period` milliseconds.
    pub(super) fn add(&mut self, stats: &Stats, period: i64) {
        let over = |rate: u64, each: u64| {
            let sum = (u128::from(rate) * u128::from(each)).saturating_mul(u128::from(period.unsigned_abs())) / 1000;
            u64::try_from(sum).unwrap_or(u64::MAX)
        };
        let (transactions, wait_us) = (stats.transactions.unwrap_or(0), stats.wait_us.unwrap_or(0));
        self.lines += 1;
        for (sum, more) in [
            (&mut self.queries, over(stats.requests, 1)),
            (&mut self.query_us, over(stats.requests, stats.request_us)),
            (&mut self.bytes_in, over(stats.bytes_in, 1)),
            (&mut self.bytes_out, over(stats.bytes_out, 1)),
            (&mut self.transactions, over(transactions, 1)),
            (&mut self.transaction_us, over(transactions, stats.transaction_us.unwrap_or(0))),
            (&mut self.wait_us, over(wait_us, 1)),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_for_one_period_and_never_runs_over() {
        let mut volumes = Volumes::default();
        let stats = Stats { requests: 3, request_us: 70, bytes_in: 9, wait_us: Some(5), ..Stats::default() };
        volumes.add(&stats, 60_000);
        volumes.add(&stats, 1500);
        let expected = Volumes { lines: 2, queries: 184, query_us: 12_915, bytes_in: 553, wait_us: 307, ..volumes };
        assert_eq!(volumes, expected);
        volumes.add(&Stats { requests: u64::MAX, request_us: u64::MAX, ..Stats::default() }, i64::MAX);
        assert_eq!((volumes.queries, volumes.query_us), (u64::MAX, u64::MAX));
    }
}
