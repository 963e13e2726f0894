//! How it is shown: state in, text out.
//!
//! [`text`] writes the report that people and their scripts have known since 2017, [`json`] the same figures for
//! programs, [`notice`] what an alert says, [`events`] what `replay` prints, and [`time`] and [`safe`] how times and hostile names are printed.

pub mod events;
pub mod json;
mod json_writer;
pub mod nearest;
pub mod notice;
pub mod paint;
pub mod safe;
pub mod text;
pub mod time;
pub mod verbose;

use crate::analysis::analyzer::Analyzer;
use crate::analysis::summary::Summary;
use crate::analysis::watch::Entry;
use time::TimeFormat;

/// The figures of a period, and how its times are to be printed.
#[derive(Debug)]
pub struct Report<'a> {
    /// What is known of the log.
    pub analyzer: &'a Analyzer,
    /// The accounts' figures.
    pub summary: Summary,
    /// The period and the end date, in the sense of [`crate::pgbouncer::record::Stamp::millis`]; `None` where there is
    /// no record.
    pub period: Option<(i64, i64)>,
    /// `dateTimeFormat`.
    pub format: &'a TimeFormat,
}

impl<'a> Report<'a> {
    /// A report on complete logs: from the first to the last record, what is open judged by the last one's time.
    pub fn complete(analyzer: &'a Analyzer, format: &'a TimeFormat) -> Self {
        let now = analyzer.last_instant().unwrap_or(0);
        let period = analyzer.period().map(|(first, last)| (first.millis, last.millis));
        Self { analyzer, summary: analyzer.summary(now), period, format }
    }

    /// A report while following, from `start` to `now`: both as instants, and as they show on the local clock.
    pub fn running(analyzer: &'a Analyzer, format: &'a TimeFormat, now: i64, local: (i64, i64)) -> Self {
        Self { analyzer, summary: analyzer.summary(now), period: Some(local), format }
    }

    /// Whether there were so many attempts without one closing that `log_disconnections` must be off: then nothing
    /// can be found failed.
    pub fn cannot_tell_failures(&self) -> bool {
        !self.analyzer.has_closings() && self.summary.total.attempts >= crate::limits::ATTEMPTS_TO_TELL
    }

    /// Watched names that no login has matched for a whole window, each with the nearest name that the log has.
    fn never_seen(&self) -> Vec<(&str, Option<String>)> {
        let name = |entry: &'a Entry| {
            let nearest = nearest::nearest_account(&entry.user, &self.summary).map(str::to_owned);
            (&entry.name[..], nearest)
        };
        self.analyzer.watch().never_seen().map(name).collect()
    }

    fn times(&self) -> Option<(String, String)> {
        self.period.map(|(from, to)| (self.format.print(from), self.format.print(to)))
    }
}
