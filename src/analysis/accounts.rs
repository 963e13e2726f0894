//! Per account: how many attempts, logins and failures, from which address, to which database, for which reason.
//!
//! An attempt is counted when it comes and *decided* later, when its socket closes. Until then nothing but the
//! number of attempts has changed, so nothing ever has to be taken back: what is still open is added when somebody
//! asks ([`super::summary`]).

use super::distinct::Distinct;
use super::index::{Index, mix};
use super::names::{NameId, Names};
use crate::limits::{ACCOUNTS, ACCOUNTS_RESERVED, PAIRS, PAIRS_PER_ACCOUNT};
use crate::pgbouncer::record::{LoginAttempt, Stamp};
use serde::{Deserialize, Serialize};

/// A place in the log: its time, and how many attempts came before it. Clocks go back; the order of lines does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The number of attempts before.
    pub sequence: u64,
    /// The time as the log has it.
    pub stamp: Stamp,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is in.
    Login {
        /// Nothing proves it but that it lived on.
        assumed: bool,
    },
    /// It did not get in.
    Failed {
        /// Why, by the fixed part.
        reason: &'a [u8],
    },
}

/// Where the outcome of an attempt is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub(super) account: u32,
    pub(super) from: u32,
    pub(super) database: u32,
    /// It was told as a login in an earlier period: only that it failed later counts.
    told: bool,
}

impl Ticket {
    pub(super) fn is_told(self) -> bool {
        self.told
    }
}

/// No entry of its own: counted among the others.
const OTHERS: u32 = u32::MAX;

/// Attempts and what became of them. `logins = attempts − failed`; `pending` and `assumed` are parts of `logins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Login attempts.
    pub attempts: u64,
    /// Those that were not found failed.
    pub logins: u64,
    /// Those that were.
    pub failed: u64,
    /// Those of the logins that are not decided yet.
    pub pending: u64,
    /// Those of the logins that nothing proves but that they lived on.
    pub assumed: u64,
    /// Failures of attempts that were told as logins of an earlier period, and are none of this one's.
    pub failed_later: u64,
}

impl Tally {
    fn decide(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Login { assumed } => {
                self.logins += 1;
                self.assumed += u64::from(*assumed);
            }
            Outcome::Failed { .. } => self.failed += 1,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
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

/// What a counter of an account counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Address,
    Database,
    Reason,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) account: u32,
    pub(super) kind: Kind,
    pub(super) item: NameId,
    pub(super) row: Row,
}

/// Logins and failures by something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// Logins.
    pub logins: u64,
    /// Failed attempts.
    pub failed: u64,
}

impl Row {
    fn decide(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Login { .. } => self.logins += 1,
            Outcome::Failed { .. } => self.failed += 1,
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The accounts of one period.
#[derive(Debug, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Accounts {
    pub(super) names: Names,
    /// By number of name: the account, or [`OTHERS`] where a name is no account's.
    #[serde(skip)]
    by_name: Vec<u32>,
    pub(super) accounts: Vec<Account>,
    #[serde(skip)]
    unwatched: usize,
    pub(super) pairs: Vec<Pair>,
    #[serde(skip)]
    pair_index: Index,
    pub(super) total: Tally,
    pub(super) others: Tally,
    pub(super) other_names: Distinct,
}

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
        let known = old.accounts.get(ticket.account as usize);
        let account = known.map_or(OTHERS, |known| self.account(old.names.get(known.user), false));
        Ticket { account, told: true, ..ticket }
    }

    /// The name of the account of this number.
    pub(super) fn name(&self, number: usize) -> Option<Vec<u8>> {
        Some(self.names.get(self.accounts.get(number)?.user).to_vec())
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u64 {
        self.total.attempts
    }

    /// Counts an attempt; says where its outcome will be counted, and whether its account is watched.
    pub fn attempt(&mut self, attempt: &LoginAttempt<'_>) -> (Ticket, bool) {
        self.total.attempts += 1;
        let account = self.account(attempt.user, false);
        let Some(known) = self.accounts.get_mut(account as usize) else {
            self.others.attempts += 1;
            self.other_names.add(attempt.user);
            return (Ticket { account: OTHERS, from: OTHERS, database: OTHERS, told: false }, false);
        };
        known.tally.attempts += 1;
        let watched = known.watched;
        let from = self.pair(account, Kind::Address, attempt.address.host);
        let database = self.pair(account, Kind::Database, attempt.database);
        (Ticket { account, from, database, told: false }, watched)
    }

    /// Counts what became of an attempt.
    pub fn decide(&mut self, ticket: Ticket, moment: Moment, outcome: &Outcome<'_>) {
        if ticket.told {
            self.decide_later(ticket, outcome);
            return;
        }
        self.total.decide(outcome);
        let Some(account) = self.accounts.get_mut(ticket.account as usize) else {
            self.others.decide(outcome);
            return;
        };
        account.tally.decide(outcome);
        if let Outcome::Login { .. } = outcome {
            extend(&mut account.first, &mut account.last, moment);
        }
        self.row(ticket.account, Kind::Address, ticket.from).decide(outcome);
        self.row(ticket.account, Kind::Database, ticket.database).decide(outcome);
        if let Outcome::Failed { reason } = outcome {
            let pair = self.pair(ticket.account, Kind::Reason, reason);
            self.row(ticket.account, Kind::Reason, pair).decide(outcome);
        }
    }

    /// Counts what became of an attempt that was told as a login.
    fn decide_later(&mut self, ticket: Ticket, outcome: &Outcome<'_>) {
        let failed = u64::from(matches!(outcome, Outcome::Failed { .. }));
        let account = self.accounts.get_mut(ticket.account as usize).map(|account| &mut account.tally);
        self.total.failed_later += failed;
        account.unwrap_or(&mut self.others).failed_later += failed;
    }

    /// The counter of a pair, or the account's others.
    fn row(&mut self, account: u32, kind: Kind, pair: u32) -> &mut Row {
        match self.pairs.get_mut(pair as usize) {
            Some(pair) => &mut pair.row,
            None => &mut self.accounts[account as usize].others[kind as usize],
        }
    }

    /// The number of an account, which is added if there is room.
    fn account(&mut self, user: &[u8], watched: bool) -> u32 {
        let Some(name) = self.names.intern(user, watched) else { return OTHERS };
        self.by_name.resize(self.by_name.len().max(name.0 as usize + 1), OTHERS);
        let known = self.by_name[name.0 as usize];
        if known != OTHERS {
            return known;
        }
        if !watched && self.unwatched == ACCOUNTS - ACCOUNTS_RESERVED || self.accounts.len() == ACCOUNTS {
            return OTHERS;
        }
        self.unwatched += usize::from(!watched);
        let number = self.accounts.len() as u32;
        self.by_name[name.0 as usize] = number;
        let (tally, others) = (Tally::default(), [Row::default(); 3]);
        self.accounts.push(Account { user: name, watched, tally, first: None, last: None, others, addresses: 0 });
        number
    }

    /// The number of a counter of an account, which is added if there is room.
    fn pair(&mut self, account: u32, kind: Kind, item: &[u8]) -> u32 {
        let owner = &self.accounts[account as usize];
        let (watched, addresses) = (owner.watched, owner.addresses);
        let Some(item) = self.names.intern(item, watched) else { return OTHERS };
        let hash = pair_hash(account, kind, item);
        let pairs = &self.pairs;
        let same = |pair: u32| {
            let pair = &pairs[pair as usize];
            pair.account == account && pair.kind == kind && pair.item == item
        };
        if let Some(pair) = self.pair_index.find(hash, same) {
            return pair;
        }
        let room = if watched { PAIRS } else { PAIRS / 4 * 3 };
        let crowded = kind == Kind::Address && addresses >= PAIRS_PER_ACCOUNT;
        if self.pairs.len() >= room || crowded {
            return OTHERS;
        }
        let number = self.pairs.len() as u32;
        self.pairs.push(Pair { account, kind, item, row: Row::default() });
        self.pair_index.insert(hash, number);
        self.accounts[account as usize].addresses += u32::from(kind == Kind::Address);
        number
    }
}

/// What a state file has of [`Accounts`].
#[derive(Deserialize)]
struct Saved {
    names: Names,
    accounts: Vec<Account>,
    pairs: Vec<Pair>,
    total: Tally,
    others: Tally,
    other_names: Distinct,
}

impl TryFrom<Saved> for Accounts {
    type Error = &'static str;

    fn try_from(saved: Saved) -> Result<Self, Self::Error> {
        let Saved { names, accounts, pairs, total, others, other_names } = saved;
        let is_name = |id: NameId| (id.0 as usize) < names.len();
        let are_accounts = accounts.len() <= ACCOUNTS && accounts.iter().all(|account| is_name(account.user));
        let is_pair = |pair: &Pair| is_name(pair.item) && (pair.account as usize) < accounts.len();
        if !are_accounts || pairs.len() > PAIRS || !pairs.iter().all(is_pair) {
            return Err("accounts without a name");
        }
        let mut read = Self { names, total, others, other_names, ..Self::new(std::iter::empty()) };
        for account in accounts {
            let name = account.user.0 as usize;
            read.by_name.resize(read.by_name.len().max(name + 1), OTHERS);
            read.by_name[name] = read.accounts.len() as u32;
            read.unwatched += usize::from(!account.watched);
            read.accounts.push(account);
        }
        for pair in pairs {
            read.pair_index.insert(pair_hash(pair.account, pair.kind, pair.item), read.pairs.len() as u32);
            read.pairs.push(pair);
        }
        Ok(read)
    }
}

fn pair_hash(account: u32, kind: Kind, item: NameId) -> u64 {
    mix(u64::from(account) << 40 | (kind as u64) << 36 | u64::from(item.0))
}

pub(super) fn extend(first: &mut Option<Moment>, last: &mut Option<Moment>, moment: Moment) {
    if first.is_none_or(|first| moment.sequence < first.sequence) {
        *first = Some(moment);
    }
    if last.is_none_or(|last| moment.sequence > last.sequence) {
        *last = Some(moment);
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
