//! The longest silence of every account inside its window: the threshold that would have raised no alert.
//!
//! Attempts wait in a queue until they are decided, or taken for logins by their age, so that an account's logins are
//! counted in the order in which they came.

use std::collections::VecDeque;

use jiff::tz::TimeZone;

use super::heartbeat::Outage;
use super::watch::{Span, Verdict, Window};
use crate::limits::{ACCOUNTS, ASSUMED_AFTER_MS, SESSIONS};

/// An attempt that is not counted yet.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    account: usize,
    at: i64,
    login: Option<bool>,
}

/// The longest silence of one account. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone)]
pub struct Silence {
    window: Window,
    span: Span,
    last: i64,
    /// How many logins it rests on.
    pub logins: u64,
    /// How long, in milliseconds.
    pub longest: i64,
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
}

impl Silence {
    /// The least number of whole minutes that was not exceeded.
    pub fn minutes(&self) -> u32 {
        u32::try_from(self.longest.cast_unsigned().div_ceil(60_000)).unwrap_or(u32::MAX).max(1)
    }

    /// It was silent until this moment.
    fn until(&mut self, zone: &TimeZone, until: i64) {
        let mut at = self.last;
        while at < until {
            if !self.span.holds(at) {
                self.span = self.window.span(zone, at);
            }
            if self.span.open {
                self.measure(at.max(self.span.from), until.min(self.span.to));
                at = self.span.to;
            } else {
                // Just behind the opening, which is not open itself.
                at = self.span.to.saturating_add(1);
            }
            if self.span.to == i64::MAX {
                return;
            }
        }
    }

    fn measure(&mut self, from: i64, to: i64) {
        // One millisecond behind an opening stands for the opening.
        let from = if from == self.span.from.saturating_add(1) { self.span.from } else { from };
        if to - from > self.longest {
            (self.longest, self.from, self.to) = (to - from, from, to);
        }
    }
}

/// The silences of all accounts of a log.
#[derive(Debug, Clone)]
pub struct Silences {
    zone: TimeZone,
    general: Window,
    /// Accounts with windows of their own.
    own: Vec<(Vec<u8>, Window)>,
    /// By number of account; `None` for one that has not tried yet.
    accounts: Vec<Option<Silence>>,
    waiting: VecDeque<Waiting>,
    /// The place of the first waiting one among all attempts.
    first: u64,
    start: Option<i64>,
}

impl Silences {
    /// Measures by the windows of the accounts in `own`, and else by the `general` one, in the local time of `zone`.
    pub fn new(zone: TimeZone, general: Window, own: Vec<(Vec<u8>, Window)>) -> Self {
        let waiting = VecDeque::with_capacity(SESSIONS);
        Self { zone, general, own, accounts: Vec::new(), waiting, first: 0, start: None }
    }

    /// The log begins.
    pub(super) fn begin(&mut self, at: i64) {
        self.start.get_or_insert(at);
    }

    /// An attempt of the account of this number and name.
    pub(super) fn attempt(&mut self, sequence: u64, account: usize, user: &[u8], at: i64) {
        if self.waiting.is_empty() {
            self.first = sequence;
        }
        if self.waiting.len() == SESSIONS {
            self.pop();
        }
        self.waiting.push_back(Waiting { account, at, login: None });
        if account >= ACCOUNTS {
            // One of the others: without a name.
            return;
        }
        if self.accounts.len() <= account {
            self.accounts.resize_with(account + 1, || None);
        }
        let window = self.own.iter().find(|(name, _)| name == user).map_or(self.general, |(_, window)| *window);
        let last = self.start.unwrap_or(at);
        let new = || Silence { window, span: Span::NONE, last, logins: 0, longest: 0, from: last, to: last };
        self.accounts[account].get_or_insert_with(new);
    }

    /// An attempt was decided.
    pub(super) fn decide(&mut self, sequence: u64, login: bool) {
        let place = sequence.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(waiting) = place.and_then(|place| self.waiting.get_mut(place)) {
            waiting.login.get_or_insert(login);
        }
    }

    /// It is `now`: counts what is decided or old enough.
    pub(super) fn tick(&mut self, now: i64) {
        while let Some(first) = self.waiting.front()
            && (first.login.is_some() || now - first.at >= ASSUMED_AFTER_MS)
        {
            self.pop();
        }
    }

    fn pop(&mut self) {
        let Some(Waiting { account, at, login }) = self.waiting.pop_front() else { return };
        self.first += 1;
        if login != Some(false)
            && let Some(silence) = self.accounts.get_mut(account).and_then(Option::as_mut)
        {
            silence.until(&self.zone, at);
            silence.logins += 1;
            silence.last = silence.last.max(at);
        }
    }

    /// The log speaks again since `spoke`: while it did not, nobody was missed. Where it was silent, alerts began to
    /// wait `doubt` milliseconds behind its last record at the latest.
    pub(super) fn spoke(&mut self, spoke: i64, outage: Outage, doubt: i64) {
        let waits = if outage.verdict == Verdict::LogSilent { doubt } else { 0 };
        for silence in self.accounts.iter_mut().flatten() {
            silence.until(&self.zone, spoke.min(outage.since + waits));
            silence.last = silence.last.max(spoke);
        }
        self.start = Some(spoke);
    }

    /// The log ends: the silences by number of account.
    pub(super) fn finish(&mut self, end: i64) -> impl Iterator<Item = (usize, &Silence)> {
        while !self.waiting.is_empty() {
            self.pop();
        }
        let zone = &self.zone;
        self.accounts.iter_mut().flatten().for_each(|silence| silence.until(zone, end));
        self.accounts.iter().enumerate().filter_map(|(number, silence)| Some((number, silence.as_ref()?)))
    }
}
