//! What the accounts of a period come to at one moment, in the order in which it is shown.
//!
//! Attempts that are still open are added here: the counters themselves only know what is decided. The rows of an account
//! are made when they are asked for, and hold no copies of names: all of them at once would be a third of the memory that
//! the program may take.

use std::fmt;
use std::rc::Rc;

use super::accounts::{Account, Accounts, Kind, Moment, Row, Tally, Ticket};
use super::tally::extend;
use crate::limits::{ATTEMPTS_TO_TELL, SESSIONS};
use crate::order;
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
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// All accounts together, the others included.
    pub total: Tally,
    /// By number of logins, falling, then by name.
    pub accounts: Vec<AccountSummary<'a>>,
    /// What did not fit the table of accounts.
    pub others: Tally,
    /// How many accounts these were, about.
    pub other_accounts: u64,
}

/// One account.
#[derive(Debug, Clone)]
pub struct AccountSummary<'a> {
    /// Its name, as bytes.
    pub user: &'a [u8],
    /// Its attempts.
    pub tally: Tally,
    /// Its first login.
    pub first: Option<Stamp>,
    /// Its last login.
    pub last: Option<Stamp>,
    /// Where it came from.
    pub from: Breakdown<'a>,
    /// Where it went.
    pub databases: Breakdown<'a>,
    /// Why it failed.
    pub reasons: Breakdown<'a>,
}

/// Logins and failures by something.
#[derive(Clone)]
pub struct Breakdown<'a> {
    /// What did not fit.
    pub others: Row,
    place: (u16, Kind),
    counters: Rc<Counters<'a>>,
}

impl<'a> Breakdown<'a> {
    /// The named ones: by number, falling, then by name.
    pub fn rows(&self) -> Vec<(&'a [u8], Row)> {
        let mut rows: Vec<_> = self.counters.of(self.place).filter(|(_, row)| !row.is_empty()).collect();
        let size = |row: &Row| (row.logins, row.failed);
        order::sort_by(&mut rows, |left, right| size(&right.1).cmp(&size(&left.1)).then_with(|| left.0.cmp(right.0)));
        rows
    }
}

impl fmt::Debug for Breakdown<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("Breakdown").field("rows", &self.rows()).field("others", &self.others).finish()
    }
}

/// The counters of all accounts, and what is added to them.
struct Counters<'a> {
    accounts: &'a Accounts,
    /// The numbers of the pairs, by whose they are: looked for in all of them, they would cost accounts × pairs.
    order: Vec<u16>,
    /// By number of pair: open attempts that count as logins, and as failed.
    open: Vec<[u16; 2]>,
}

const _: () =
    assert!(SESSIONS + (ATTEMPTS_TO_TELL as usize) < u16::MAX as usize, "open attempts are counted in 16 bits");

impl<'a> Counters<'a> {
    fn new(accounts: &'a Accounts) -> Self {
        let mut order: Vec<u16> = (0..accounts.pairs.len() as u16).collect();
        order::sort_by_key(&mut order, |&number| accounts.pairs[usize::from(number)].place());
        Self { accounts, order, open: vec![[0; 2]; accounts.pairs.len()] }
    }

    /// The rows of an account by one kind.
    fn of(&self, place: (u16, Kind)) -> impl Iterator<Item = (&'a [u8], Row)> {
        let Accounts { pairs, names, .. } = self.accounts;
        let place_of = |number: &u16| pairs[usize::from(*number)].place();
        let start = self.order.partition_point(|number| place_of(number) < place);
        let own = self.order[start..].iter().take_while(move |number| place_of(number) == place);
        own.map(|&number| {
            let (pair, [logins, failed]) = (&pairs[usize::from(number)], self.open[usize::from(number)]);
            let row = Row { logins: pair.row.logins + u64::from(logins), failed: pair.row.failed + u64::from(failed) };
            (names.get(pair.item), row)
        })
    }
}

/// The counters of an account with what is still open.
struct Now {
    tally: Tally,
    first: Option<Moment>,
    last: Option<Moment>,
    others: [Row; 3],
}

impl Accounts {
    /// The figures, with the attempts that are still open counted as logins.
    pub fn summary(&self, open: impl Iterator<Item = Open>) -> Summary<'_> {
        let (mut total, mut others, mut counters) = (self.total, self.others, Counters::new(self));
        let mut now: Vec<Now> = self.accounts.iter().map(Now::of).collect();
        // What was told in an earlier period is none of this one's.
        for open in open.filter(|open| !open.ticket.is_told()) {
            total.add_open(&open);
            match now.get_mut(usize::from(open.ticket.account())) {
                Some(account) => account.add(&open, &mut counters.open),
                None => others.add_open(&open),
            }
        }
        let counters = Rc::new(counters);
        let named =
            now.iter().enumerate().filter(|(_, account)| account.tally.attempts + account.tally.failed_later > 0);
        let mut accounts: Vec<_> = named.map(|(number, account)| account.summary(number as u16, &counters)).collect();
        order::sort_by(&mut accounts, |left, right| {
            right.tally.logins.cmp(&left.tally.logins).then_with(|| left.user.cmp(right.user))
        });
        Summary { total, accounts, others, other_accounts: self.other_names.estimate() }
    }
}

impl Now {
    fn of(account: &Account) -> Self {
        Self { tally: account.tally, first: account.first, last: account.last, others: account.others }
    }

    fn add(&mut self, open: &Open, counters: &mut [[u16; 2]]) {
        self.tally.add_open(open);
        let hopeless = open.state == OpenState::Hopeless;
        if hopeless {
            self.others[Kind::Reason as usize].failed += 1;
        } else {
            extend(&mut self.first, &mut self.last, open.moment);
        }
        for (pair, kind) in [(open.ticket.from, Kind::Address), (open.ticket.database, Kind::Database)] {
            let others = &mut self.others[kind as usize];
            match counters.get_mut(usize::from(pair)) {
                Some(counter) => counter[usize::from(hopeless)] += 1,
                None if hopeless => others.failed += 1,
                None => others.logins += 1,
            }
        }
    }

    fn summary<'a>(&self, number: u16, counters: &Rc<Counters<'a>>) -> AccountSummary<'a> {
        let Accounts { names, accounts, .. } = counters.accounts;
        let by = |kind: Kind| Breakdown {
            others: self.others[kind as usize],
            place: (number, kind),
            counters: Rc::clone(counters),
        };
        AccountSummary {
            user: names.get(accounts[usize::from(number)].user),
            tally: self.tally,
            first: self.first.map(|moment| moment.stamp),
            last: self.last.map(|moment| moment.stamp),
            from: by(Kind::Address),
            databases: by(Kind::Database),
            reasons: by(Kind::Reason),
        }
    }
}
