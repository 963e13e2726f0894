//! What the accounts of a period come to at one moment, in the order in which it is shown.
//!
//! Attempts that are still open are added here, to a copy: the counters themselves only know what is decided.

use super::accounts::{Account, Accounts, Kind, Moment, Pair, Row, Tally, Ticket};
use super::tally::extend;
use crate::pgbouncer::record::Stamp;

/// An attempt that is still open, when a summary is made.
#[derive(Debug, Clone, Copy)]
pub struct Open {
    /// Where it will be counted.
    pub ticket: Ticket,
    /// When it came.
    pub moment: Moment,
    /// What is thought of it so far.
    pub state: OpenState,
}

/// What is thought of an open attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenState {
    /// Too young to tell.
    Pending,
    /// It has lived longer than a login may take.
    Assumed,
    /// It has proved itself (DEBUG's `logged in`, or an online restart that handed it over).
    Proven,
    /// It cannot succeed (`(nodb)/U`), and is counted as failed though its reason is not known yet.
    Hopeless,
}

impl Tally {
    fn add_open(&mut self, open: &Open) {
        if open.state == OpenState::Hopeless {
            self.failed += 1;
            return;
        }
        self.logins += 1;
        self.pending += u64::from(open.state == OpenState::Pending);
        self.assumed += u64::from(open.state == OpenState::Assumed);
    }
}

/// The figures of a period, in the order in which they are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// All accounts together, the others included.
    pub total: Tally,
    /// By number of logins, falling, then by name.
    pub accounts: Vec<AccountSummary>,
    /// What did not fit the table of accounts.
    pub others: Tally,
    /// How many accounts these were, about.
    pub other_accounts: u64,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// Its name, as bytes.
    pub user: Vec<u8>,
    /// Its attempts.
    pub tally: Tally,
    /// Its first login.
    pub first: Option<Stamp>,
    /// Its last login.
    pub last: Option<Stamp>,
    /// Where it came from.
    pub from: Breakdown,
    /// Where it went.
    pub databases: Breakdown,
    /// Why it failed.
    pub reasons: Breakdown,
}

/// Logins and failures by something: by number, falling, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Breakdown {
    /// The named ones.
    pub rows: Vec<(Vec<u8>, Row)>,
    /// What did not fit.
    pub others: Row,
}

impl Accounts {
    /// The figures, with the attempts that are still open counted as logins.
    pub fn summary(&self, open: impl Iterator<Item = Open>) -> Summary {
        let mut now = Snapshot::of(self);
        // What was told in an earlier period is none of this one's.
        open.filter(|open| !open.ticket.is_told()).for_each(|open| now.add(&open));
        now.pairs.sort_by_key(Pair::place);
        let mut accounts: Vec<AccountSummary> = (0..self.accounts.len())
            .filter(|&number| now.accounts[number].tally.attempts + now.accounts[number].tally.failed_later > 0)
            .map(|number| now.account(self, number))
            .collect();
        accounts
            .sort_by(|left, right| right.tally.logins.cmp(&left.tally.logins).then_with(|| left.user.cmp(&right.user)));
        Summary { total: now.total, accounts, others: now.others, other_accounts: self.other_names.estimate() }
    }
}

/// The counters with the open attempts added.
struct Snapshot {
    total: Tally,
    others: Tally,
    accounts: Vec<Account>,
    pairs: Vec<Pair>,
}

impl Snapshot {
    fn of(accounts: &Accounts) -> Self {
        Self {
            total: accounts.total,
            others: accounts.others,
            accounts: accounts.accounts.clone(),
            pairs: accounts.pairs.clone(),
        }
    }

    fn add(&mut self, open: &Open) {
        self.total.add_open(open);
        let Some(account) = self.accounts.get_mut(open.ticket.account as usize) else {
            self.others.add_open(open);
            return;
        };
        account.tally.add_open(open);
        let hopeless = open.state == OpenState::Hopeless;
        if hopeless {
            account.others[Kind::Reason as usize].failed += 1;
        } else {
            extend(&mut account.first, &mut account.last, open.moment);
        }
        for (pair, kind) in [(open.ticket.from, Kind::Address), (open.ticket.database, Kind::Database)] {
            let row = match self.pairs.get_mut(pair as usize) {
                Some(pair) => &mut pair.row,
                None => &mut account.others[kind as usize],
            };
            row.logins += u64::from(!hopeless);
            row.failed += u64::from(hopeless);
        }
    }

    fn account(&self, all: &Accounts, number: usize) -> AccountSummary {
        let account = &self.accounts[number];
        AccountSummary {
            user: all.names.get(account.user).to_vec(),
            tally: account.tally,
            first: account.first.map(|moment| moment.stamp),
            last: account.last.map(|moment| moment.stamp),
            from: self.breakdown(all, number, Kind::Address),
            databases: self.breakdown(all, number, Kind::Database),
            reasons: self.breakdown(all, number, Kind::Reason),
        }
    }

    fn breakdown(&self, all: &Accounts, number: usize, kind: Kind) -> Breakdown {
        // In order by now: looked for in all of them, they would cost accounts × pairs.
        let start = self.pairs.partition_point(|pair| pair.place() < (number as u16, kind));
        let own = self.pairs[start..].iter().take_while(|pair| pair.place() == (number as u16, kind));
        let some = own.filter(|pair| !pair.row.is_empty());
        let mut rows: Vec<(Vec<u8>, Row)> = some.map(|pair| (all.names.get(pair.item).to_vec(), pair.row)).collect();
        let size = |row: &Row| (row.logins, row.failed);
        rows.sort_by(|left, right| size(&right.1).cmp(&size(&left.1)).then_with(|| left.0.cmp(&right.0)));
        Breakdown { rows, others: self.accounts[number].others[kind as usize] }
    }
}
