//! The outages of a period: what was alerted, and when it ended.

use crate::kept;
use std::collections::VecDeque;

use super::watch::{Alert, Entry, Notice, Recovery, Verdict};
use crate::limits::OUTAGES;

/// Something that was alerted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The watched entry; `None` for the log itself.
    pub entry: Option<String>,
    /// Which log, where it is one of several.
    pub log: Option<String>,
    /// What the last alert said of it.
    pub verdict: Verdict,
    /// Since when nobody had logged in, or nothing was written, in milliseconds since 1970-01-01 UTC.
    pub since: i64,
    /// When it ended; `None` while it lasts.
    pub until: Option<i64>,
    /// How long it lasted, in minutes, once it has ended.
    pub minutes: i64,
}

kept!(Outage { entry, log, verdict, since, until, minutes });

/// The newest [`OUTAGES`] of a period, in the order in which they were told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outages {
    list: VecDeque<Outage>,
    older: u64,
}

kept!(Outages { list, older });

impl Outages {
    /// What is told of `entries`.
    pub(super) fn told(&mut self, notice: &Notice, entries: &[Entry]) {
        let name = |entry: Option<usize>| entry.map(|entry| entries[entry].name.clone());
        match notice {
            Notice::Alert(alert) => self.begin(name(alert.entry), alert),
            Notice::Recovered(recovery) => self.end(name(recovery.entry).as_deref(), recovery),
        }
    }

    /// An alert of what is known to be out is no further outage.
    fn begin(&mut self, entry: Option<String>, alert: &Alert) {
        if let Some(known) = self.open(entry.as_deref(), alert.log.as_deref()) {
            known.verdict = alert.verdict;
            return;
        }
        if self.list.len() == OUTAGES {
            // One that lasts is still to be told of.
            let ended = self.list.iter().position(|outage| outage.until.is_some());
            self.list.remove(ended.unwrap_or(0));
            self.older += 1;
        }
        let Alert { verdict, since, .. } = *alert;
        let log = alert.log.clone();
        self.list.push_back(Outage { entry, log, verdict, since, until: None, minutes: 0 });
    }

    fn end(&mut self, entry: Option<&str>, recovery: &Recovery) {
        if let Some(known) = self.open(entry, recovery.log.as_deref()) {
            known.until = Some(recovery.login.as_ref().map_or(recovery.at, |login| login.at));
            known.minutes = recovery.minutes;
        }
    }

    /// Nobody looks any more whether this one is over.
    pub(super) fn no_longer_watched(&mut self, entry: &str, now: i64) {
        if let Some(known) = self.open(Some(entry), None) {
            known.until = Some(now);
            known.minutes = ((now - known.since) / 60_000).max(0);
        }
    }

    fn open(&mut self, entry: Option<&str>, log: Option<&str>) -> Option<&mut Outage> {
        let same = |outage: &Outage| outage.entry.as_deref() == entry && outage.log.as_deref() == log;
        self.list.iter_mut().find(|outage| outage.until.is_none() && same(outage))
    }

    /// Those that still last: they are outages of the next period as well.
    pub(super) fn successor(&self) -> Self {
        let list = self.list.iter().filter(|outage| outage.until.is_none()).cloned().collect();
        Self { list, older: 0 }
    }

    /// The clock was set forward by so many milliseconds: what lasts has lasted no longer than before.
    pub(super) fn shift(&mut self, by: i64) {
        self.list.iter_mut().filter(|outage| outage.until.is_none()).for_each(|outage| outage.since += by);
    }

    /// The newest of them.
    pub fn list(&self) -> impl Iterator<Item = &Outage> {
        self.list.iter()
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.older + self.list.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::watch::{Failures, Window};

    /// With many outages the oldest was forgotten though it lasted, and its next alert was one more.
    #[test]
    fn an_outage_that_lasts_is_not_forgotten_for_many_that_are_over() {
        let always =
            Window { open: jiff::civil::Time::midnight(), close: jiff::civil::Time::midnight(), days: [true; 7] };
        let entries = ["web", "batch"].map(|name| Entry {
            name: name.to_owned(),
            database: None,
            user: name.as_bytes().to_vec(),
            minutes: 5,
            window: always,
        });
        let alert = |entry| {
            Notice::Alert(Alert {
                entry: Some(entry),
                log: None,
                verdict: Verdict::Silent,
                since: 0,
                minutes: 5,
                last: None,
                watched_since: 0,
                attempts: 0,
                failures: Failures::default(),
                open: 0,
            })
        };
        let over = Notice::Recovered(Recovery {
            entry: Some(1),
            log: None,
            at: 1,
            since: 0,
            minutes: 1,
            login: None,
            verdict: Verdict::Silent,
            failures: Failures::default(),
        });
        let mut outages = Outages::default();
        outages.told(&alert(0), &entries);
        for _ in 0..2 * OUTAGES {
            outages.told(&alert(1), &entries);
            outages.told(&over, &entries);
        }
        outages.told(&alert(0), &entries);
        assert_eq!((outages.count(), outages.list().count()), (2 * OUTAGES as u64 + 1, OUTAGES));
        assert_eq!(outages.list().next().and_then(|outage| outage.entry.as_deref()), Some("web"));
    }

    /// What lasts has lasted no longer because of that; what is over was when it was.
    #[test]
    fn a_clock_that_is_set_moves_what_lasts() {
        let outage = |entry: &str, until| Outage {
            entry: Some(entry.to_owned()),
            log: None,
            verdict: Verdict::Silent,
            since: 60_000,
            until,
            minutes: 0,
        };
        let mut outages =
            Outages { list: [outage("web", None), outage("batch", Some(90_000))].into_iter().collect(), older: 0 };
        outages.shift(600_000);
        outages.no_longer_watched("web", 960_000);
        outages.no_longer_watched("batch", 960_000);
        let told: Vec<_> = outages.list().map(|one| (one.since, one.until, one.minutes)).collect();
        assert_eq!(told, [(660_000, Some(960_000), 5), (60_000, Some(90_000), 0)]);
    }
}
