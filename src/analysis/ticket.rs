//! Where the outcome of an attempt is to be counted, in six bytes: each session has two of them.

use std::num::NonZeroU16;

use crate::kept::{Kept, Reader, Writer};

/// Where the outcome of an attempt is to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The account's number and one more, so that where there is no ticket it takes no room to say so; with [`TOLD`].
    account: NonZeroU16,
    pub(super) from: u16,
    pub(super) database: u16,
}

/// It was told as a login in an earlier period: only that it failed later counts.
const TOLD: u16 = 1 << 15;

/// No entry of its own: counted among the others.
pub(super) const OTHERS: u16 = TOLD - 2;

impl Ticket {
    /// `account`, `from` and `database` are at most [`OTHERS`].
    pub(super) fn new(account: u16, from: u16, database: u16) -> Self {
        Self { account: NonZeroU16::MIN.saturating_add(account), from, database }
    }

    /// The number of its account.
    #[inline]
    pub(super) fn account(self) -> u16 {
        (self.account.get() & !TOLD).wrapping_sub(1)
    }

    /// The same, and no account's where it was told as a login.
    #[inline]
    pub(super) fn account_unless_told(self) -> usize {
        usize::from(self.account.get()) - 1
    }

    /// The same, of an attempt from another address.
    #[inline]
    pub(super) fn with_from(self, from: u16) -> Self {
        Self { from, ..self }
    }

    pub(super) fn is_told(self) -> bool {
        self.account.get() & TOLD != 0
    }

    pub(super) fn into_told(self) -> Self {
        Self { account: self.account | TOLD, ..self }
    }

    /// Whether the next attempt of the same account and database counts in the same places, the address aside.
    pub(super) fn is_lasting(self) -> bool {
        self.account() != OTHERS && self.database != OTHERS
    }
}

/// As its numbers, and whether it was told.
impl Kept for Ticket {
    fn save(&self, to: &mut Writer) {
        ([self.account(), self.from, self.database], self.is_told()).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        let (numbers, is_told): ([u16; 3], bool) = Kept::load(from);
        from.check(numbers.iter().all(|number| *number <= OTHERS));
        let [account, address, database] = numbers.map(|number| number.min(OTHERS));
        let ticket = Self::new(account, address, database);
        if is_told { ticket.into_told() } else { ticket }
    }
}
