//! The model's log: whether it is alive.

use std::collections::BTreeSet;

use super::model::MINUTE;

/// The log's own life.
#[derive(Debug, Clone, Default)]
pub struct Heart {
    pub last: Option<i64>,
    pub stats: Option<i64>,
    /// Processes that have written stats, and whether one has done so twice: then the period is known.
    pub stats_by: BTreeSet<u32>,
    pub is_period_known: bool,
    pub down: Option<i64>,
    pub trouble: Option<(&'static str, i64)>,
    pub outage: Option<(&'static str, i64)>,
    pub spoke: Option<i64>,
    pub told: Option<(&'static str, i64)>,
}

impl Heart {
    pub fn alive(&mut self, time: i64) {
        self.last = Some(time);
        if self.down.is_some() || self.outage.is_some() {
            self.down = None;
            self.spoke = self.spoke.or(Some(time));
        }
    }

    pub fn over(&mut self, time: i64) {
        self.last = Some(time);
        if self.down.is_none() {
            self.down = Some(time);
            self.spoke = self.outage.map(|_| self.spoke.unwrap_or(time));
        }
    }

    /// When the log spoke again, and since when it had not.
    pub fn judge(&mut self, now: i64, period: i64) -> Option<(i64, i64)> {
        let found = self.find(now, period);
        let spoke = self.spoke;
        match (self.outage, found) {
            (Some((_, since)), None) => {
                self.outage = None;
                self.spoke = None;
                Some((spoke.unwrap_or(now), since))
            }
            (Some((_, since)), Some(new)) if spoke.is_some() && new.1 > since => {
                self.outage = found;
                self.spoke = None;
                Some((spoke.unwrap_or(now), since))
            }
            (None, Some(_)) => {
                self.outage = found;
                self.spoke = None;
                None
            }
            _ => None,
        }
    }

    pub fn is_overdue(&self, now: i64, period: i64) -> bool {
        let Some(stats) = self.stats.filter(|_| self.is_period_known) else { return false };
        let overdue = stats + period + period / 2;
        now > overdue && self.last.is_none_or(|last| last <= overdue)
    }

    pub fn find(&self, now: i64, period: i64) -> Option<(&'static str, i64)> {
        if let Some(since) = self.down {
            return Some(("pgbouncer down", since));
        }
        let known = if self.is_period_known { period } else { MINUTE };
        let silent = self.last.filter(|last| self.is_overdue(now, period) && now - last > 3 * known);
        match self.trouble {
            Some((trouble, since)) if now - since > 3 * known || silent.is_some() => Some((trouble, since)),
            _ => silent.map(|since| ("log silent", since)),
        }
    }

    pub fn is_in_doubt(&self, now: i64, period: i64) -> bool {
        let blind = self.trouble.is_some_and(|(_, since)| self.last.is_none_or(|last| last <= since));
        let mute = self.outage.is_some_and(|(verdict, _)| verdict == "log silent" || verdict == "pgbouncer down");
        blind || mute || self.is_overdue(now, period)
    }
}
