//! The longest silence of every account inside its window: the threshold that would have raised no alert.
//!
//! Attempts wait in a queue until they are decided, or taken for logins by their age, so that an account's logins are
//! counted in the order in which they came. One that was only taken for a login can be taken back.

use std::collections::VecDeque;

use jiff::tz::TimeZone;

use super::heartbeat::Outage;
use super::watch::{Span, Window};
use crate::limits::{ACCOUNTS, ASSUMED_AFTER_MS, SESSIONS, UNDECIDED_LOGINS};

const SECOND_MS: i64 = 1000;

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
    /// Logins that may still be taken back, and those behind them: place among all attempts, time, whether decided.
    recent: VecDeque<(u64, i64, bool)>,
    /// How long a threshold has to be, in milliseconds.
    needed: i64,
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
    fn new(window: Window, last: i64) -> Self {
        let recent = VecDeque::new();
        Self { window, span: Span::NONE, last, recent, needed: 0, logins: 0, longest: 0, from: last, to: last }
    }

    /// The least number of whole minutes that was not exceeded.
    pub fn minutes(&self) -> u32 {
        u32::try_from(self.needed.max(0).cast_unsigned().div_ceil(60_000)).unwrap_or(u32::MAX).max(1)
    }

    fn login(&mut self, sequence: u64, at: i64, decided: bool, zone: &TimeZone) {
        self.recent.push_back((sequence, at, decided));
        self.settle(zone);
    }

    /// One of the recent logins was decided.
    fn decide(&mut self, sequence: u64, login: bool, zone: &TimeZone) {
        if login {
            self.recent.iter_mut().filter(|recent| recent.0 == sequence).for_each(|recent| recent.2 = true);
        } else {
            self.recent.retain(|recent| recent.0 != sequence);
        }
        self.settle(zone);
    }

    /// Counts the recent logins that nothing can change any more.
    fn settle(&mut self, zone: &TimeZone) {
        while let Some(&(_, at, decided)) = self.recent.front()
            && (decided || self.recent.len() > UNDECIDED_LOGINS)
        {
            self.recent.pop_front();
            self.count(at, zone);
        }
    }

    fn settle_all(&mut self, zone: &TimeZone) {
        while let Some((_, at, _)) = self.recent.pop_front() {
            self.count(at, zone);
        }
    }

    fn count(&mut self, at: i64, zone: &TimeZone) {
        self.until(zone, at);
        self.logins += 1;
        self.last = self.last.max(at);
    }

    /// It was silent until this moment.
    fn until(&mut self, zone: &TimeZone, until: i64) {
        let mut at = self.last;
        while at < until {
            if !self.span.holds(at) {
                self.span = self.window.span(zone, at);
            }
            let end = self.span.to;
            if self.span.open {
                self.measure(at.max(self.span.from), until.min(end));
            }
            // At the end of an open stretch it is closed, and only just behind the end of a closed one it is open.
            at = if self.span.open { end } else { end.saturating_add(1) };
        }
    }

    fn measure(&mut self, from: i64, to: i64) {
        // One millisecond behind an opening stands for the opening.
        let from = if from == self.span.from.saturating_add(1) { self.span.from } else { from };
        if to - from > self.longest {
            (self.longest, self.from, self.to) = (to - from, from, to);
        }
        // The login's own second is judged when it is there: the last second without it is the one before.
        self.needed = self.needed.max(to - to.rem_euclid(SECOND_MS) - SECOND_MS - from);
    }

    /// The log was away: what was silent is so until it began to be in doubt, and then from when it spoke.
    fn pause(&mut self, zone: &TimeZone, from: i64, to: i64) {
        self.settle_all(zone);
        self.until(zone, from);
        self.last = self.last.max(to);
    }

    fn shift(&mut self, by: i64) {
        self.last += by;
        self.recent.iter_mut().for_each(|recent| recent.1 += by);
        self.span = Span::NONE;
    }
}

/// The silences of all accounts of a log.
#[derive(Debug, Clone)]
pub struct Silences {
    zone: TimeZone,
    /// Of an account that has not tried yet.
    nobody: Silence,
    /// Of accounts with windows of their own, that have not tried yet.
    own: Vec<(Vec<u8>, Silence)>,
    /// By number of account; `None` for one that has not tried yet.
    accounts: Vec<Option<Silence>>,
    waiting: VecDeque<Waiting>,
    /// The place of the first waiting one among all attempts.
    first: u64,
}

impl Silences {
    /// Measures by the windows of the accounts in `own`, and else by the `general` one, in the local time of `zone`.
    pub fn new(zone: TimeZone, general: Window, own: Vec<(Vec<u8>, Window)>) -> Self {
        let waiting = VecDeque::with_capacity(SESSIONS);
        let own = own.into_iter().map(|(user, window)| (user, Silence::new(window, 0))).collect();
        let nobody = Silence::new(general, 0);
        Self { zone, nobody, own, accounts: Vec::new(), waiting, first: 0 }
    }

    /// Everything that is measured, also of those that have not tried yet.
    fn all(&mut self) -> impl Iterator<Item = &mut Silence> {
        let unseen = std::iter::once(&mut self.nobody).chain(self.own.iter_mut().map(|(_, silence)| silence));
        unseen.chain(self.accounts.iter_mut().flatten())
    }

    /// The log begins.
    pub(super) fn begin(&mut self, at: i64) {
        self.all().for_each(|silence| (silence.last, silence.from, silence.to) = (at, at, at));
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
        let (own, nobody) = (&self.own, &self.nobody);
        self.accounts[account].get_or_insert_with(|| {
            own.iter().find(|(name, _)| name == user).map_or(nobody, |(_, silence)| silence).clone()
        });
    }

    /// An attempt was decided.
    pub(super) fn decide(&mut self, sequence: u64, account: Option<usize>, login: bool) {
        if let Some(place) = sequence.checked_sub(self.first).filter(|_| !self.waiting.is_empty())
            && let Some(waiting) = self.waiting.get_mut(place as usize)
        {
            waiting.login.get_or_insert(login);
        } else if let Some(silence) = account.and_then(|account| self.accounts.get_mut(account)?.as_mut()) {
            silence.decide(sequence, login, &self.zone);
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
        let sequence = self.first;
        self.first += 1;
        if login != Some(false)
            && let Some(silence) = self.accounts.get_mut(account).and_then(Option::as_mut)
        {
            silence.login(sequence, at, login.is_some(), &self.zone);
        }
    }

    /// The log speaks again since `spoke`: while it did not, nobody was missed.
    pub(super) fn spoke(&mut self, spoke: i64, outage: Outage) {
        let zone = self.zone.clone();
        self.all().for_each(|silence| silence.pause(&zone, spoke.min(outage.doubt), spoke));
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        self.waiting.iter_mut().for_each(|waiting| waiting.at += by);
        self.all().for_each(|silence| silence.shift(by));
    }

    /// The log ends with this second: the silences by number of account.
    pub(super) fn finish(&mut self, end: i64) -> impl Iterator<Item = (usize, &Silence)> {
        while !self.waiting.is_empty() {
            self.pop();
        }
        let zone = self.zone.clone();
        for silence in self.accounts.iter_mut().flatten() {
            silence.settle_all(&zone);
            silence.until(&zone, end);
            // The last second is judged as well, but nobody needs to be shown that.
            let shown = (silence.longest, silence.from, silence.to);
            silence.until(&zone, end + SECOND_MS);
            (silence.longest, silence.from, silence.to) = shown;
        }
        self.accounts.iter().enumerate().filter_map(|(number, silence)| Some((number, silence.as_ref()?)))
    }
}

#[cfg(test)]
#[path = "silences_tests.rs"]
mod tests;
