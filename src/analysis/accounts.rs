//! Per account: how many attempts, logins and failures, from which address, to which database, for which reason.
//!
//! An attempt is counted when it comes and *decided* later, when its socket closes. Until then nothing but the
//! number of attempts has changed, so nothing ever has to be taken back: what is still open is added when somebody
//! asks ([`super::summary`]).

use super::distinct::Distinct;
use super::index::{Index, mix};
use super::names::{NameId, Names};
use super::repeats::Hosts;
use super::tally::extend;
use super::ticket::OTHERS;
use crate::kept;
use crate::limits::{ACCOUNTS, ACCOUNTS_RESERVED, PAIRS, PAIRS_PER_ACCOUNT};
use crate::pgbouncer::record::{LoginAttempt, Repeat};
use crate::pgbouncer::usual_attempt::{UsualAttempt, without_port};
use crate::words;

pub use super::tally::{Moment, Outcome, Row, Tally};
pub use super::ticket::Ticket;

const _: () = assert!(ACCOUNTS <= PAIRS && PAIRS < OTHERS as usize);

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) user: NameId,
    watched: bool,
    pub(super) tally: Tally,
    pub(super) first: Option<Moment>,
    pub(super) last: Option<Moment>,
    /// By [`Kind`]: what has no counter of its own.
    pub(super) others: [Row; 3],
    addresses: u32,
}

kept!(Account { user, watched, tally, first, last, others, addresses });

/// What a counter of an account counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Address,
    Database,
    Reason,
}

kept!(Kind: Address | Database | Reason);

#[derive(Debug, Clone, Copy)]
pub(super) struct Pair {
    pub(super) account: u16,
    pub(super) kind: Kind,
    pub(super) item: NameId,
    pub(super) row: Row,
}

kept!(Pair [account, kind, item, row]);

impl Pair {
    fn hash(&self, names: &Names) -> u64 {
        pair_hash(self.account, self.kind, names.hash(names.get(self.item)))
    }

    /// Whose it is, and what it counts by.
    pub(super) fn place(&self) -> (u16, Kind) {
        (self.account, self.kind)
    }
}

/// The accounts of one period.
#[derive(Debug)]
pub struct Accounts {
    pub(super) names: Names,
    /// By number of name: the account, or [`OTHERS`] where a name is no account's.
    by_name: Vec<u16>,
    pub(super) accounts: Vec<Account>,
    unwatched: usize,
    pub(super) pairs: Vec<Pair>,
    hosts: Hosts,
    pair_index: Index,
    pub(super) total: Tally,
    pub(super) others: Tally,
    pub(super) other_names: Distinct,
}

kept!(Accounts {
    names, accounts, pairs, total, others, other_names;
    by_name = Vec::with_capacity(crate::limits::NAMES), unwatched = 0, hosts = Hosts::default(), pair_index = Index::new(PAIRS)
} then Self::find_all);

impl Accounts {
    /// No accounts but the watched ones, which have their places whatever else comes.
    pub fn new<'a>(watched: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut accounts = Self {
            names: Names::new(),
            by_name: Vec::with_capacity(crate::limits::NAMES),
            accounts: Vec::with_capacity(ACCOUNTS),
            unwatched: 0,
            pairs: Vec::with_capacity(PAIRS),
            pair_index: Index::new(PAIRS),
            hosts: Hosts::default(),
            total: Tally::default(),
            others: Tally::default(),
            other_names: Distinct::new(),
        };
        for user in watched {
            accounts.watch(user);
        }
        accounts
    }

    /// Watches an account: it has its place whatever else comes.
    pub fn watch(&mut self, user: &[u8]) {
        let number = self.account(user, true);
        if let Some(account) = self.accounts.get_mut(number as usize) {
            self.unwatched -= usize::from(!account.watched);
            account.watched = true;
            // There may be room for its counters now.
            self.hosts = Hosts::default();
        }
    }

    /// None of a new period, with the same watched ones. Tickets of the old one are worthless.
    pub(super) fn successor(&self) -> Self {
        let watched: Vec<Vec<u8>> = self
            .accounts
            .iter()
            .filter(|account| account.watched)
            .map(|account| self.names.get(account.user).to_vec())
            .collect();
        Self::new(watched.iter().map(Vec::as_slice))
    }

    /// The ticket of an attempt that was told as a login in the period before, whose accounts are `old`.
    pub(super) fn told(&mut self, old: &Self, ticket: Ticket) -> Ticket {
        let known = old.accounts.get(usize::from(ticket.account()));
        let account = known.map_or(OTHERS, |known| self.account(old.names.get(known.user), false));
        Ticket::new(account, ticket.from, ticket.database).into_told()
    }

    /// The name of the account of this number.
    pub(super) fn name(&self, number: usize) -> Option<Vec<u8>> {
        Some(self.names.get(self.accounts.get(number)?.user).to_vec())
    }

    /// Counts an attempt; says where its outcome will be counted, and whether its account is watched.
    #[inline]
    pub fn attempt(&mut self, attempt: &LoginAttempt<'_>) -> (Ticket, bool) {
        self.total.attempts += 1;
        let account = self.account(attempt.user, false);
        let Some(known) = self.accounts.get_mut(account as usize) else {
            self.others.attempts += 1;
            self.other_names.add(attempt.user);
            return (Ticket::new(OTHERS, OTHERS, OTHERS), false);
        };
        known.tally.attempts += 1;
        let watched = known.watched;
        let from = self.pair(account, Kind::Address, attempt.address.host);
        let database = self.pair(account, Kind::Database, attempt.database);
        (Ticket::new(account, from, database), watched)
    }

    /// Counts one more attempt of an account that came to a database before: `known` is where that one counts.
    #[expect(clippy::inline_always, reason = "what it is given stays in registers: 20 instructions per attempt")]
    #[inline(always)]
    pub(super) fn attempt_again(&mut self, known: Ticket, attempt: UsualAttempt<'_>) -> Ticket {
        self.total.attempts += 1;
        let account = known.account();
        self.accounts[usize::from(account)].tally.attempts += 1;
        let from = match self.hosts.get(account, attempt.host) {
            Some(from) => from,
            None => self.host_again(account, attempt.host, attempt.address()),
        };
        known.with_from(from)
    }

    #[cold]
    fn host_again(&mut self, account: u16, host: Repeat, address: &[u8]) -> u16 {
        let from = self.pair(account, Kind::Address, without_port(address));
        if from != OTHERS || self.has_no_room(account, Kind::Address) {
            self.hosts.set(account, host, from);
        }
        from
    }

    /// Counts what became of an attempt.
    pub fn decide(&mut self, ticket: Ticket, moment: Moment, outcome: &Outcome<'_>) {
        if ticket.is_told() {
            self.decide_later(ticket, outcome);
            return;
        }
        self.total.decide(outcome);
        let Some(account) = self.accounts.get_mut(usize::from(ticket.account())) else {
            self.others.decide(outcome);
            return;
        };
        account.tally.decide(outcome);
        if let Outcome::Login { .. } = outcome {
            extend(&mut account.first, &mut account.last, moment);
        }
        self.row(ticket.account(), Kind::Address, ticket.from).decide(outcome);
        self.row(ticket.account(), Kind::Database, ticket.database).decide(outcome);
        if let Outcome::Failed { reason } = outcome {
            let pair = self.pair(ticket.account(), Kind::Reason, reason);
            self.row(ticket.account(), Kind::Reason, pair).decide(outcome);
        }
    }

    /// The same of a login beyond doubt, which nearly all are: half of the instructions.
    #[expect(clippy::inline_always, reason = "5 instructions per closing")]
    #[inline(always)]
    pub(super) fn decide_login(&mut self, ticket: Ticket, moment: Moment) {
        match self.accounts.get_mut(ticket.account_unless_told()) {
            Some(account) => {
                self.total.logins += 1;
                account.tally.logins += 1;
                extend(&mut account.first, &mut account.last, moment);
                self.row(ticket.account(), Kind::Address, ticket.from).logins += 1;
                self.row(ticket.account(), Kind::Database, ticket.database).logins += 1;
            }
            None => self.decide(ticket, moment, &Outcome::Login { assumed: false }),
        }
    }

    /// Counts what became of an attempt that was told as a login.
    #[cold]
    fn decide_later(&mut self, ticket: Ticket, outcome: &Outcome<'_>) {
        let failed = u64::from(matches!(outcome, Outcome::Failed { .. }));
        let account = self.accounts.get_mut(usize::from(ticket.account())).map(|account| &mut account.tally);
        self.total.failed_later += failed;
        account.unwrap_or(&mut self.others).failed_later += failed;
    }

    /// The counter of a pair, or the account's others.
    #[inline]
    fn row(&mut self, account: u16, kind: Kind, pair: u16) -> &mut Row {
        match self.pairs.get_mut(pair as usize) {
            Some(pair) => &mut pair.row,
            None => &mut self.accounts[account as usize].others[kind as usize],
        }
    }

    /// The number of an account, which is added if there is room.
    #[inline]
    fn account(&mut self, user: &[u8], watched: bool) -> u16 {
        let hash = self.names.hash(user);
        let name = self.names.find_hashed(hash, user);
        match name.and_then(|name| self.by_name.get(name.0 as usize)) {
            Some(&known) if known != OTHERS => known,
            _ => self.add_account(hash, user, watched),
        }
    }

    #[cold]
    fn add_account(&mut self, hash: u64, user: &[u8], watched: bool) -> u16 {
        // Who is not counted by itself takes no name from those that can be.
        if !watched && self.unwatched == ACCOUNTS - ACCOUNTS_RESERVED || self.accounts.len() == ACCOUNTS {
            return OTHERS;
        }
        let known = self.names.find_hashed(hash, user);
        let Some(name) = known.or_else(|| self.names.add(hash, user, watched)) else { return OTHERS };
        self.by_name.resize(self.by_name.len().max(name.0 as usize + 1), OTHERS);
        self.unwatched += usize::from(!watched);
        let number = self.accounts.len() as u16;
        self.by_name[name.0 as usize] = number;
        let (tally, others) = (Tally::default(), [Row::default(); 3]);
        self.accounts.push(Account { user: name, watched, tally, first: None, last: None, others, addresses: 0 });
        number
    }

    /// The number of a counter of an account, which is added if there is room.
    #[inline]
    fn pair(&mut self, account: u16, kind: Kind, item: &[u8]) -> u16 {
        let hash = pair_hash(account, kind, self.names.hash(item));
        let Self { pairs, names, .. } = self;
        let same = |pair: u32| {
            let pair = &pairs[pair as usize];
            pair.account == account && pair.kind == kind && words::same(names.get(pair.item), item)
        };
        match self.pair_index.find(hash, same) {
            Some(pair) => pair as u16,
            None => self.add_pair(hash, account, kind, item),
        }
    }

    /// Whether an account can have no more counters: none is ever taken from anybody.
    fn has_no_room(&self, account: u16, kind: Kind) -> bool {
        let owner = &self.accounts[account as usize];
        let room = if owner.watched { PAIRS } else { PAIRS / 4 * 3 };
        self.pairs.len() >= room || kind == Kind::Address && owner.addresses >= PAIRS_PER_ACCOUNT
    }

    #[cold]
    fn add_pair(&mut self, hash: u64, account: u16, kind: Kind, item: &[u8]) -> u16 {
        // What is not counted by itself takes no name from those that can be.
        if self.has_no_room(account, kind) {
            return OTHERS;
        }
        let Some(item) = self.names.intern(item, self.accounts[account as usize].watched) else { return OTHERS };
        let number = self.pairs.len();
        self.pairs.push(Pair { account, kind, item, row: Row::default() });
        let Self { pair_index, pairs, names, .. } = self;
        pair_index.insert(hash, number as u32, |number| pairs[number as usize].hash(names));
        self.accounts[account as usize].addresses += u32::from(kind == Kind::Address);
        number as u16
    }
}

/// What a state file has not got.
impl Accounts {
    /// Makes what finds the rest, once that was read back; says whether it can be.
    fn find_all(&mut self) -> bool {
        let Self { names, accounts, pairs, by_name, pair_index, unwatched, .. } = self;
        let is_name = |id: NameId| (id.0 as usize) < names.len();
        let are_accounts = accounts.len() <= ACCOUNTS && accounts.iter().all(|account| is_name(account.user));
        let is_pair = |pair: &Pair| is_name(pair.item) && (pair.account as usize) < accounts.len();
        if !are_accounts || pairs.len() > PAIRS || !pairs.iter().all(is_pair) {
            return false;
        }
        for (number, account) in accounts.iter().enumerate() {
            let name = account.user.0 as usize;
            by_name.resize(by_name.len().max(name + 1), OTHERS);
            by_name[name] = number as u16;
            *unwatched += usize::from(!account.watched);
        }
        for (number, pair) in pairs.iter().enumerate() {
            pair_index.insert(pair.hash(names), number as u32, |number| pairs[number as usize].hash(names));
        }
        accounts.reserve_exact(ACCOUNTS - accounts.len());
        pairs.reserve_exact(PAIRS - pairs.len());
        true
    }
}

#[inline]
fn pair_hash(account: u16, kind: Kind, item: u64) -> u64 {
    mix(item ^ u64::from(account) << 2 ^ kind as u64)
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
