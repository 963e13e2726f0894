//! Logins by the hour that the log's own clock shows: of all accounts one hour behind the other, and of each account by
//! the hour of the day.
//!
//! Nothing is done when an attempt comes: the accounts count their attempts anyway. When the clock shows another hour,
//! what has come to them since it last did is noted under the hour that is over; a failure is noted under the hour of
//! its attempt. `logins = attempts − failed`.

use crate::kept;

use super::accounts::Accounts;
use super::series::{Bucket, Series};
use crate::limits::{HOURLY_ACCOUNTS, HOURS};

const HOUR_MS: i64 = 3_600_000;

/// The hour of a time in the sense of [`crate::pgbouncer::record::Stamp::millis`], since 1970-01-01 00:00.
pub(super) fn hour_of(millis: i64) -> i64 {
    millis.div_euclid(HOUR_MS)
}

/// Attempts of an hour, and how many of them failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// All of them.
    pub all: u64,
    /// Those that failed.
    pub failed: u64,
}

kept!(Attempts [all, failed]);

impl Attempts {
    /// Those that did not fail.
    pub fn logins(&self) -> u64 {
        self.all.saturating_sub(self.failed)
    }
}

impl Bucket for Attempts {
    fn merge(&mut self, other: &Self) {
        self.all = self.all.saturating_add(other.all);
        self.failed = self.failed.saturating_add(other.failed);
    }

    /// An hour, a day, two days, and so on.
    fn wider(width: i64) -> i64 {
        if width == 1 { 24 } else { width.saturating_mul(2) }
    }
}

/// By the hour of the day.
pub type Day = [Attempts; 24];

/// The logins of a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    /// The hour that the log's clock shows.
    now: Option<i64>,
    /// Attempts that are noted.
    noted: u64,
    total: Series<Attempts, HOURS>,
    /// By number of account.
    accounts: Vec<Day>,
    others: Day,
}

kept!(Hours { now, noted, total, accounts, others } then Self::is_sound);

impl Hours {
    /// Whether what was read back can be, which then has room for all.
    fn is_sound(&mut self) -> bool {
        let count = self.accounts.len();
        self.accounts.reserve_exact(HOURLY_ACCOUNTS.saturating_sub(count));
        count <= HOURLY_ACCOUNTS
    }

    /// None, at an hour.
    pub(super) fn new(now: Option<i64>) -> Self {
        let accounts = Vec::with_capacity(HOURLY_ACCOUNTS);
        Self { now, noted: 0, total: Series::default(), accounts, others: Day::default() }
    }

    /// None of a new period.
    pub(super) fn successor(&self) -> Self {
        Self::new(self.now)
    }

    /// The log's clock shows this hour from now on.
    pub(super) fn turn(&mut self, hour: i64, accounts: &Accounts) {
        self.note(accounts);
        self.now = Some(hour);
    }

    /// Notes what has come since somebody last did.
    fn note(&mut self, accounts: &Accounts) {
        let Some(hour) = self.now else { return };
        let mut new = accounts.total.attempts.saturating_sub(self.noted);
        if new == 0 {
            return;
        }
        self.noted += new;
        self.total.at(hour).all += new;
        let hour = hour.rem_euclid(24) as usize;
        for (number, account) in accounts.accounts.iter().take(HOURLY_ACCOUNTS).enumerate() {
            let day = self.day(number);
            let noted = day.iter().fold(0, |sum: u64, hour| sum.saturating_add(hour.all));
            let own = account.tally.attempts.saturating_sub(noted);
            day[hour].all += own;
            new = new.saturating_sub(own);
        }
        self.others[hour].all += new;
    }

    /// An attempt of an account that came at this time has failed.
    pub(super) fn failed(&mut self, account: u16, millis: i64) {
        let hour = hour_of(millis);
        self.total.at(hour).failed += 1;
        self.day(usize::from(account))[hour.rem_euclid(24) as usize].failed += 1;
    }

    /// The hours of an account, or the others'.
    fn day(&mut self, number: usize) -> &mut Day {
        if number >= HOURLY_ACCOUNTS {
            return &mut self.others;
        }
        if self.accounts.len() <= number {
            self.accounts.resize(number + 1, Day::default());
        }
        &mut self.accounts[number]
    }

    /// As they are now: with what has come in the hour that is not over, and with the open attempts that cannot succeed
    /// (their accounts and times).
    pub(super) fn current(&self, accounts: &Accounts, hopeless: impl Iterator<Item = (u16, i64)>) -> Self {
        let mut now = self.clone();
        now.note(accounts);
        hopeless.for_each(|(account, millis)| now.failed(account, millis));
        now
    }

    /// All accounts together, by hours since 1970-01-01 00:00 of the log's own clock.
    pub fn total(&self) -> &Series<Attempts, HOURS> {
        &self.total
    }

    /// The accounts that have some, by number.
    pub fn accounts(&self) -> impl Iterator<Item = (usize, &Day)> {
        self.accounts.iter().enumerate().filter(|(_, day)| day.iter().any(|hour| hour.all > 0))
    }

    /// The rest of them.
    pub fn others(&self) -> &Day {
        &self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_has_none_is_not_told() {
        let mut hours = Hours::new(Some(0));
        let busy = Attempts { all: 1, failed: 0 };
        *hours.day(0) = [busy; 24];
        hours.day(2)[7] = busy;
        let told: Vec<usize> = hours.accounts().map(|(number, _)| number).collect();
        assert_eq!(told, [0, 2]);
    }

    #[test]
    fn what_was_read_back_has_room_for_all_or_is_not_sound() {
        for (count, is_sound) in [(0, true), (HOURLY_ACCOUNTS, true), (HOURLY_ACCOUNTS + 1, false)] {
            let mut hours = Hours { accounts: vec![Day::default(); count], ..Hours::new(None) };
            assert_eq!(hours.is_sound(), is_sound, "{count}");
            assert!(hours.accounts.capacity() >= HOURLY_ACCOUNTS);
        }
    }
}
