//! One watched entry: what the configuration says of it, and how it stands.

use crate::kept;
use jiff::tz::TimeZone;

use super::notice::{Failures, Login, Notice, Recovery, Verdict};
use super::window::Span;
use super::{OpenLogin, Window};

/// What is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As the configuration has it: `user` or `database/user`.
    pub name: String,
    /// Only logins into this database count.
    pub database: Option<Vec<u8>>,
    /// The account.
    pub user: Vec<u8>,
    /// How long it may be silent, in minutes.
    pub minutes: u32,
    /// When.
    pub window: Window,
}

kept!(Entry { name, database, user, minutes, window });

/// A window that does nothing but be open has been so for a whole day.
const DAY_MS: i64 = 24 * 60 * 60_000;

/// How an entry stands. Times are milliseconds since 1970-01-01 UTC, and are shifted when the clock is set.
#[derive(Debug, Clone)]
pub(super) struct State {
    /// When watching it began.
    pub(super) start: i64,
    /// The last login that is decided.
    decided: Option<Login>,
    /// The last one that is open and taken for a login.
    assumed: Option<Login>,
    pub(super) failures: Failures,
    /// An attempt is open that is too young to tell.
    pub(super) pending: bool,
    /// The window that is open: its opening, and since when it has been open in fact.
    opened: Option<(i64, i64)>,
    /// An alert is due: for the window of this opening, which has been open since then.
    pub(super) due: Option<(i64, i64)>,
    /// The opening of the window in which it was alerted.
    pub(super) alerted: Option<i64>,
    /// Since when it had been silent when it was alerted, until it recovers.
    pub(super) outage_since: Option<i64>,
    /// The first login after the alert.
    back: Option<(Login, Failures)>,
    span: Span,
    /// No login has matched for a whole window.
    missed: bool,
}

kept!(State { start, decided, assumed, failures, pending, opened, due, alerted, outage_since, back, span, missed });

impl State {
    pub(super) fn new(start: i64) -> Self {
        Self {
            start,
            decided: None,
            assumed: None,
            failures: Failures::default(),
            pending: false,
            opened: None,
            due: None,
            alerted: None,
            outage_since: None,
            back: None,
            span: Span::NONE,
            missed: false,
        }
    }

    /// Watching began earlier than was thought.
    pub(super) fn begin(&mut self, since: i64) {
        self.start = self.start.min(since);
    }

    /// The window may be another one from now on.
    pub(super) fn reopen(&mut self) {
        (self.span, self.opened, self.due, self.alerted) = (Span::NONE, None, None, None);
        self.failures = Failures::default();
    }

    pub(super) fn last_login(&self) -> Option<&Login> {
        self.decided.iter().chain(&self.assumed).max_by_key(|login| login.sequence)
    }

    pub(super) fn is_missed(&self) -> bool {
        self.missed && self.last_login().is_none()
    }

    /// A login was decided.
    pub(super) fn login(&mut self, login: &OpenLogin<'_>, assumed: bool) {
        self.note_return(login, assumed);
        if self.decided.as_ref().is_none_or(|last| last.sequence < login.sequence) {
            self.decided = Some(remember(login, assumed));
            self.failures.forget_before(login.sequence);
        }
    }

    /// An open session is taken for a login.
    pub(super) fn assume(&mut self, login: &OpenLogin<'_>, assumed: bool) {
        self.note_return(login, assumed);
        let newer = self.last_login().is_none_or(|last| last.sequence < login.sequence);
        let proven = self.assumed.as_ref().is_some_and(|last| last.sequence == login.sequence && last.assumed);
        if newer || proven && !assumed {
            self.assumed = Some(remember(login, assumed));
        }
    }

    /// The first login after an alert ends the outage.
    fn note_return(&mut self, login: &OpenLogin<'_>, assumed: bool) {
        let after = self.outage_since.is_some_and(|since| login.at > since);
        if after && self.back.as_ref().is_none_or(|(first, _)| login.sequence < first.sequence) {
            self.back = Some((remember(login, assumed), self.failures.clone()));
        }
    }

    /// The failures since the last login in the window of this opening. An assumed login may be taken back, so it takes
    /// none of them away for good.
    pub(super) fn failures_since_login(&self, opening: i64) -> Failures {
        let mut failures = self.failures.clone();
        if let Some(last) = self.last_login() {
            failures.forget_before(last.sequence);
        }
        if failures.opening == Some(opening) && failures.count > 0 { failures } else { Failures::default() }
    }

    /// An attempt within the window of this opening has failed. Whether it had been taken for a login.
    pub(super) fn failure(&mut self, failed: &OpenLogin<'_>, reason: &[u8], opening: Option<i64>, spoke: i64) -> bool {
        let was_assumed = self.assumed.as_ref().is_some_and(|login| login.sequence == failed.sequence);
        if was_assumed {
            self.assumed = None;
        }
        if failed.at >= spoke && self.last_login().is_none_or(|last| last.sequence < failed.sequence) {
            self.count_failure(failed, reason, opening);
        }
        was_assumed
    }

    /// Counts a failure among those of its window, unless it is of an earlier one, or of none.
    fn count_failure(&mut self, failed: &OpenLogin<'_>, reason: &[u8], opening: Option<i64>) {
        if opening.is_none() {
            return;
        }
        if self.failures.opening != opening {
            if failed.sequence < self.failures.sequence {
                return;
            }
            self.failures = Failures { opening, ..Failures::default() };
        }
        self.failures.add(failed.sequence, failed.at);
        replace(&mut self.failures.reason, reason);
        replace(&mut self.failures.host, failed.host);
    }

    /// The reason of the last failure is known better.
    pub(super) fn refine_failure(&mut self, sequence: u64, reason: &[u8]) {
        if self.failures.count > 0 && self.failures.sequence == sequence {
            replace(&mut self.failures.reason, reason);
        }
    }

    /// When the window that is open closes, or the next one opens.
    pub(super) fn span_end(&self) -> i64 {
        self.span.to
    }

    /// The log spoke again at this moment: what failed before the outage does not count any more.
    pub(super) fn log_spoke(&mut self, at: i64) {
        if self.failures.at < at {
            self.failures = Failures::default();
        }
    }

    /// The opening of the window that is open at a time.
    pub(super) fn span(&mut self, window: &Window, zone: &TimeZone, at: i64) -> Option<i64> {
        if !self.span.holds(at) {
            let span = window.span(zone, at);
            self.close_window(span.from);
            self.span = span;
        }
        if self.span.from == i64::MIN {
            self.missed |= self.span.open && at.saturating_sub(self.start) >= DAY_MS;
        }
        self.span.open.then_some(self.span.from)
    }

    /// The stretch of time that is kept is over: was that a whole window without a login?
    fn close_window(&mut self, next: i64) {
        self.missed |= self.span.open && self.start <= self.span.from && next >= self.span.to;
    }

    /// Notes since when the window that is open has been open in fact: when the clock was set forward over its
    /// opening, since then.
    pub(super) fn open_window(&mut self, opening: Option<i64>, skipped: (i64, i64)) {
        if self.opened.map(|(known, _)| known) != opening {
            self.opened = opening.map(|opening| {
                let leapt = skipped.0 <= opening && opening <= skipped.1;
                (opening, if leapt { skipped.1 } else { opening })
            });
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.opened.is_some()
    }

    pub(super) fn opened_at(&self) -> i64 {
        self.opened.map_or(i64::MIN, |(_, at)| at)
    }

    /// Since when it is silent, in the window that is open.
    pub(super) fn since(&self, spoke: i64) -> i64 {
        self.since_opening(spoke, self.opened_at())
    }

    /// Since when it is silent, in a window that has been open since then.
    pub(super) fn since_opening(&self, spoke: i64, opened: i64) -> i64 {
        let login = self.last_login().map_or(self.start, |login| login.at.max(self.start));
        login.max(opened).max(spoke)
    }

    /// The notice that it has come back, if it has.
    pub(super) fn recovered(&mut self, entry: usize) -> Option<Notice> {
        let (login, failures) = self.back.take()?;
        let since = self.outage_since.take()?;
        self.alerted = None;
        let minutes = ((login.at - since) / 60_000).max(0);
        let (at, login, verdict) = (login.at, Some(login), Verdict::Silent);
        Some(Notice::Recovered(Recovery {
            entry: Some(entry),
            log: None,
            at,
            since,
            minutes,
            login,
            verdict,
            failures,
        }))
    }

    pub(super) fn shift(&mut self, by: i64) {
        let back = self.back.as_mut().map(|(login, _)| login);
        for login in self.decided.iter_mut().chain(&mut self.assumed).chain(back) {
            login.at += by;
        }
        self.start += by;
        self.failures.at += by;
        self.outage_since = self.outage_since.map(|since| since + by);
        self.opened = self.opened.map(|(opening, at)| (opening, at.saturating_add(by)));
        self.due = self.due.map(|(opening, at)| (opening, at.saturating_add(by)));
    }
}

fn remember(login: &OpenLogin<'_>, assumed: bool) -> Login {
    let &OpenLogin { sequence, at, stamp, host, .. } = login;
    Login { sequence, at, stamp, host: host.to_vec(), assumed }
}

fn replace(kept: &mut Vec<u8>, new: &[u8]) {
    kept.clear();
    kept.extend_from_slice(new);
}
