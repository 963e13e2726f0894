//! How it is shown: state in, text out.
//!
//! [`text`] writes the report that people and their scripts have known since 2017, [`json`] the same figures for
//! programs, [`csv`] for spreadsheets, [`page`] as a page to be looked at, [`prometheus`] for monitoring, [`notice`] what an alert says, [`events`] what `replay` prints, and [`time`] and [`safe`] how times and hostile names are printed.

pub mod csv;
pub mod events;
mod filter;
mod html;
pub mod json;
mod json_parts;
mod json_writer;
pub mod mail;
pub mod nearest;
pub mod notice;
pub mod page;
pub mod paint;
mod parts;
pub mod prometheus;
pub mod safe;
mod tables;
pub mod text;
pub mod time;
pub mod verbose;

use crate::analysis::analyzer::Analyzer;
use crate::analysis::figures::{Figures, Period};
use crate::analysis::summary::Summary;
use crate::analysis::watch::Entry;
use time::TimeFormat;

/// The figures of a period, and how its times are to be printed.
pub struct Report<'a> {
    /// What is known of the log.
    pub analyzer: &'a Analyzer,
    /// Which period it is on.
    pub of: Period,
    /// The period's figures.
    pub figures: &'a Figures,
    /// The accounts' figures.
    pub summary: Summary<'a>,
    /// The period and the end date, in the sense of [`crate::pgbouncer::record::Stamp::millis`]; `None` where there is
    /// no record.
    pub period: Option<(i64, i64)>,
    /// `dateTimeFormat`.
    pub format: &'a TimeFormat,
    /// What the clock that is printed shows at an instant (milliseconds since 1970-01-01 UTC).
    pub local: Box<dyn Fn(i64) -> i64 + 'a>,
}

impl<'a> Report<'a> {
    /// A report on complete logs: from the first to the last record, what is open judged by the last one's time.
    pub fn complete(analyzer: &'a Analyzer, format: &'a TimeFormat) -> Self {
        let now = analyzer.last_instant().unwrap_or(0);
        let period = analyzer.period().map(|(first, last)| (first.millis, last.millis));
        let local = Box::new(|instant| analyzer.log_clock(instant));
        let (figures, summary) = (analyzer.figures(), analyzer.summary(now));
        Self { analyzer, of: Period::Run, figures, summary, period, format, local }
    }

    /// A report while following, from an instant to another.
    pub fn running(
        analyzer: &'a Analyzer,
        of: Period,
        format: &'a TimeFormat,
        (start, now): (i64, i64),
        local: Box<dyn Fn(i64) -> i64 + 'a>,
    ) -> Self {
        let (figures, summary) = (analyzer.figures_of(of), analyzer.summary_of(of, now));
        let period = Some((local(start), local(now)));
        Self { analyzer, of, figures, summary, period, format, local }
    }

    /// Whether there were so many attempts without one closing that `log_disconnections` must be off: then nothing
    /// can be found failed.
    pub fn cannot_tell_failures(&self) -> bool {
        !self.analyzer.has_closings() && self.summary.total.attempts >= crate::limits::ATTEMPTS_TO_TELL
    }

    /// Attempts that were decided by their age because too many were open.
    fn pushed_out(&self) -> u64 {
        self.analyzer.pushed_out(self.of)
    }

    /// Watched names that no login has matched for a whole window, each with the nearest name that the log has.
    fn never_seen(&self) -> Vec<(&str, Option<String>)> {
        let name = |entry: &'a Entry| {
            let nearest = nearest::nearest_account(&entry.user, &self.summary).map(str::to_owned);
            (&entry.name[..], nearest)
        };
        self.analyzer.watch().never_seen().map(name).collect()
    }

    /// Prints an instant.
    fn time(&self, instant: i64) -> String {
        self.format.print((self.local)(instant))
    }

    fn times(&self) -> Option<(String, String)> {
        self.period.map(|(from, to)| (self.format.print(from), self.format.print(to)))
    }
}
