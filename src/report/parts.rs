//! What a report shows by time: put together once, for JSON, CSV and HTML alike.

use super::Report;
use crate::analysis::hours::{Day, Hours};
use crate::analysis::timelines::Timeline;
use crate::limits::LISTED_WINDOWS;
use crate::order;

/// Logins by the hour.
pub(super) struct ByHour {
    /// All of them.
    pub(super) all: Hours,
    /// Accounts by number of logins, falling, then by name: each by the hour of the day.
    pub(super) accounts: Vec<(Vec<u8>, Day)>,
}

/// A watched entry.
pub(super) struct Watched<'a> {
    /// As the configuration has it.
    pub(super) name: &'a str,
    /// Its threshold.
    pub(super) minutes: u32,
    /// When it is expected, within the period: instants.
    pub(super) windows: Vec<(i64, i64)>,
    /// What came.
    pub(super) timeline: Timeline,
}

impl Report<'_> {
    /// Logins by the hour.
    pub(super) fn hours(&self) -> ByHour {
        let all = self.analyzer.hours_of(self.of);
        let named = |(number, day): (usize, &Day)| Some((self.analyzer.account_name(self.of, number)?, *day));
        let mut accounts: Vec<(Vec<u8>, Day)> = all.accounts().filter_map(named).collect();
        let logins = |day: &Day| day.iter().map(|hour| u128::from(hour.logins())).sum::<u128>();
        order::sort_by(&mut accounts, |left, right| {
            logins(&right.1).cmp(&logins(&left.1)).then_with(|| left.0.cmp(&right.0))
        });
        ByHour { all, accounts }
    }

    /// The watched entries, where what comes of them is kept by time.
    pub(super) fn watched(&self) -> Vec<Watched<'_>> {
        let watch = self.analyzer.watch();
        let span = self.analyzer.instants().unwrap_or((0, 0));
        let each = watch.entries().iter().enumerate().filter_map(|(number, entry)| {
            let timeline = self.analyzer.timeline(number)?;
            let windows = watch.windows(number, span, LISTED_WINDOWS);
            Some(Watched { name: &entry.name, minutes: entry.minutes, windows, timeline })
        });
        each.collect()
    }
}
