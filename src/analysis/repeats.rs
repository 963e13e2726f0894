//! What was found for the attempts of a pool the last time: a pool's clients come again and again, and its account, its
//! database's counter and its watched entries are the same each time. Two hundred instructions less per attempt.

use super::figures::Tickets;
use crate::pgbouncer::record::{REPEATS, Repeat};

/// What is the same for every attempt of a database and a user.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Where they count; only the address is another each time.
    pub(super) tickets: Tickets,
    /// The watched entries that they are of.
    pub(super) watched: [u16; 2],
    /// The hash of the pool.
    pub(super) pool: u64,
    /// How often the servers had been reloaded when it was found to have proved itself.
    pub(super) proven: Option<u32>,
}

/// By the numbers that the parser gave them: one line of the cache for each.
#[derive(Debug, Default)]
pub(super) struct Repeats(Vec<Remembered>);

#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Remembered {
    /// [`Repeat::epoch`] of the pool, which no other has; 0 where nothing is known.
    epoch: u32,
    known: Known,
}

impl Remembered {
    const NOTHING: Self = Self {
        epoch: 0,
        known: Known { tickets: Tickets { run: None, day: None }, watched: [0; 2], pool: 0, proven: None },
    };
}

impl Repeats {
    /// What is known of a pool.
    #[inline]
    pub(super) fn get(&mut self, repeat: Repeat) -> Option<&mut Known> {
        let remembered = self.0.get_mut(repeat.place())?;
        (remembered.epoch == repeat.epoch()).then_some(&mut remembered.known)
    }

    /// Remembers what was found.
    pub(super) fn set(&mut self, repeat: Repeat, known: Known) {
        if self.0.len() <= repeat.place() {
            self.grow(repeat.place());
        }
        self.0[repeat.place()] = Remembered { epoch: repeat.epoch(), known };
    }

    /// Makes room: the parser counts its places up.
    #[cold]
    fn grow(&mut self, place: usize) {
        self.0.reserve_exact(REPEATS - self.0.len());
        self.0.resize(place + 1, Remembered::NOTHING);
    }

    /// Forgets all: counters or entries have other numbers from now on.
    pub(super) fn clear(&mut self) {
        self.0.fill(Remembered::NOTHING);
    }
}

/// Counters that are remembered: 32 KiB.
const HOSTS: usize = 4096;

/// Where an account's clients from an address count, by the number that the parser gave the address.
///
/// From the highest bits down: of the address, [`Repeat::epoch`] (32 bits, 0 where none is), the account and the counter.
/// Zeros that nobody has touched take no memory.
#[derive(Debug)]
pub(super) struct Hosts(Box<[u64]>);

impl Default for Hosts {
    fn default() -> Self {
        Self(vec![0; HOSTS].into_boxed_slice())
    }
}

impl Hosts {
    /// The counter, if it is known.
    #[inline]
    pub(super) fn get(&self, account: u16, repeat: Repeat) -> Option<u16> {
        let of = of(account, repeat);
        let mut known = probe(account, repeat).map(|place| self.0[place]);
        known.find(|known| known >> 16 == of).map(|known| known as u16)
    }

    /// Remembers it.
    pub(super) fn set(&mut self, account: u16, repeat: Repeat, counter: u16) {
        let free = probe(account, repeat).find(|&place| self.0[place] == 0);
        // Those that are no more are not looked for: so the first place is taken from whoever has it.
        let place = free.or_else(|| probe(account, repeat).next()).unwrap_or_default();
        self.0[place] = of(account, repeat) << 16 | u64::from(counter);
    }
}

/// What its counter stands behind.
#[inline]
fn of(account: u16, repeat: Repeat) -> u64 {
    u64::from(repeat.epoch()) << 16 | u64::from(account)
}

/// Where it may stand.
#[inline]
fn probe(account: u16, repeat: Repeat) -> impl Iterator<Item = usize> {
    let home = usize::from(account) * 241 + repeat.place() * 7;
    (home..home + 4).map(|place| place % HOSTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parser's places are used again, each time with another epoch.
    #[test]
    fn what_is_known_of_a_pool_is_nobody_elses() {
        let known = |pool: u64| Known { tickets: Tickets::default(), watched: [0; 2], pool, proven: None };
        let mut repeats = Repeats::default();
        let pool = |repeats: &mut Repeats, place, epoch| repeats.get(Repeat::new(place, epoch)).map(|known| known.pool);
        assert_eq!(pool(&mut repeats, 3, 1), None);
        for (place, epoch) in [(3, 1), (0, 2), (3, 7), (1023, 9)] {
            repeats.set(Repeat::new(place, epoch), known(epoch.into()));
        }
        for (place, epoch, expected) in
            [(3, 1, None), (3, 7, Some(7)), (0, 2, Some(2)), (1, 2, None), (0, 7, None), (1023, 9, Some(9))]
        {
            assert_eq!(pool(&mut repeats, place, epoch), expected, "{place} {epoch}");
        }
        repeats.clear();
        assert_eq!(pool(&mut repeats, 3, 7), None);
    }

    /// Four places are looked at, so a few that meet do not push each other out; and whoever is pushed out is not taken for
    /// another.
    #[test]
    fn where_an_accounts_clients_from_an_address_count_is_nobody_elses() {
        let mut hosts = Hosts::default();
        let counter = |account: u16, place: u16| account ^ place << 3;
        let repeat = |place: u16| Repeat::new(place, u32::from(place) + 1);
        let all = || (0..40u16).flat_map(|account| (0..60u16).map(move |place| (account, place)));
        for (account, place) in all() {
            assert_eq!(hosts.get(account, repeat(place)), None);
            hosts.set(account, repeat(place), counter(account, place));
            assert_eq!(hosts.get(account, repeat(place)), Some(counter(account, place)), "{account} {place}");
        }
        let found = all().filter_map(|(account, place)| {
            let found = hosts.get(account, repeat(place))?;
            assert_eq!(found, counter(account, place), "{account} {place}");
            assert_eq!(hosts.get(account, Repeat::new(place, 9999)), None, "another epoch");
            Some(())
        });
        // Of 2,400 in 4,096 places.
        assert!(found.count() > 2300);
    }
}
