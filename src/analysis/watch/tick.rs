//! What has to be told, of the entries and of the logs that they hang on.

use super::notice::{Alert, Failures, Notice, OpenCounts, Recovery};
use super::{Outage, Watch};
use crate::analysis::heartbeat::{Change, Heartbeat};

impl Watch {
    /// What has to be told at `now` (milliseconds since 1970-01-01 UTC) of logs with these hearts and names. `counts` are the
    /// open sessions of an entry.
    pub(in crate::analysis) fn tick(
        &mut self,
        now: i64,
        hearts: &mut [Heartbeat],
        names: &[Option<String>],
        counts: &dyn Fn(usize) -> OpenCounts,
    ) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(silences) = &mut self.silences {
            silences.tick(now);
        }
        for log in 0..hearts.len() {
            let period = hearts[log].period;
            if let Change::Spoke(at, outage) = hearts[log].judge(now, period) {
                let is_only = is_dumb(now, hearts.iter().enumerate().filter(|(other, _)| *other != log));
                notices.extend(self.log_recovered((log, names), (at, outage), is_only));
            }
        }
        let doubt = is_in_doubt(now, hearts);
        let mut any_open = false;
        for entry in 0..self.entries.len() {
            let opening = self.opening(entry, now);
            any_open |= opening.is_some();
            notices.extend(self.states[entry].recovered(entry));
            let alert = self.alert(entry, now, opening, doubt).map(|due| self.write_alert(entry, now, due, counts));
            notices.extend(alert);
        }
        for (log, heart) in hearts.iter().enumerate() {
            notices.extend(self.log_alert((log, names), now, heart.outage().filter(|_| any_open)));
        }
        notices
    }

    /// A log speaks again. Where no other one could be heard either, silence counts from there.
    fn log_recovered(
        &mut self,
        (log, names): (usize, &[Option<String>]),
        (at, outage): (i64, Outage),
        is_only: bool,
    ) -> Option<Notice> {
        if is_only {
            self.spoke = at;
            self.states.iter_mut().for_each(|state| state.log_spoke(at));
            if let Some(silences) = &mut self.silences {
                silences.spoke(at, outage);
            }
        }
        let told = self.told.get_mut(log)?.take()?;
        let (since, minutes) = (told.since, ((at - outage.since) / 60_000).max(0));
        Some(Notice::Recovered(Recovery {
            entry: None,
            log: names.get(log).cloned().flatten(),
            at,
            since,
            minutes,
            login: None,
            verdict: told.verdict,
            failures: Failures::default(),
        }))
    }

    /// One alert for the outage of a log.
    fn log_alert(
        &mut self,
        (log, names): (usize, &[Option<String>]),
        now: i64,
        outage: Option<Outage>,
    ) -> Option<Notice> {
        let outage = outage.filter(|_| self.told.get(log).is_none_or(Option::is_none))?;
        self.told.resize(self.told.len().max(log + 1), None);
        self.told[log] = Some(outage);
        Some(Notice::Alert(Alert {
            entry: None,
            log: names.get(log).cloned().flatten(),
            verdict: outage.verdict,
            since: outage.since,
            minutes: (now - outage.since) / 60_000,
            last: None,
            watched_since: outage.since,
            attempts: 0,
            failures: Failures::default(),
            open: 0,
        }))
    }

    /// A log is not followed any more.
    pub(in crate::analysis) fn forget_log(&mut self, log: usize) {
        if let Some(told) = self.told.get_mut(log) {
            *told = None;
        }
    }
}

/// Whether alerts of accounts wait: while it is not known what a log turns out to be, and where none can be heard. A log
/// whose outage is told keeps none back as long as there is another: an account may be silent in that one.
fn is_in_doubt(now: i64, hearts: &[Heartbeat]) -> bool {
    let undecided = |heart: &Heartbeat| heart.outage().is_none() && heart.is_in_doubt(now, heart.period);
    hearts.iter().any(undecided) || hearts.iter().any(Heartbeat::is_known) && is_dumb(now, hearts.iter().enumerate())
}

/// Whether nothing can be heard of these logs.
fn is_dumb<'a>(now: i64, hearts: impl Iterator<Item = (usize, &'a Heartbeat)>) -> bool {
    let mut known = hearts.filter(|(_, heart)| heart.is_known());
    known.all(|(_, heart)| heart.is_in_doubt(now, heart.period))
}
