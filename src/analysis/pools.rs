//! The (database, user) pools that have proved to welcome their clients at once, by the hash of their names.
//!
//! Every client that says good-bye proves its pool anew, so this is asked for half of all lines: one look at one word.
//! (`HashSet` hashes the hash once more, at a hundred instructions.)

use crate::kept::{Kept, Reader, Writer};

use crate::limits::PROVEN_POOLS;

/// Slots of an empty table. It grows with what is in it, because the C library writes the zeros of so few bytes.
const FIRST_SLOTS: usize = 512;

/// At most [`PROVEN_POOLS`] hashes.
#[derive(Debug)]
pub(super) struct Pools {
    /// A power of two of them, of which at most a half is taken, so a look ends soon; 0 where there is none.
    slots: Box<[u64]>,
    count: usize,
}

impl Pools {
    /// None.
    pub(super) fn new() -> Self {
        Self { slots: vec![0; FIRST_SLOTS].into_boxed_slice(), count: 0 }
    }

    /// Whether the pool is one of them.
    #[inline]
    pub(super) fn contains(&self, pool: u64) -> bool {
        self.slots[self.place(pool)] == pool.max(1)
    }

    /// Adds a pool, if there is room.
    #[inline]
    pub(super) fn insert(&mut self, pool: u64) {
        let place = self.place(pool);
        if self.slots[place] == 0 && self.count < PROVEN_POOLS {
            self.slots[place] = pool.max(1);
            self.count += 1;
            if self.count * 2 > self.slots.len() {
                self.grow();
            }
        }
    }

    /// Twice the slots.
    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![0; size].into_boxed_slice());
        old.iter().filter(|pool| **pool != 0).for_each(|&pool| {
            let place = self.place(pool);
            self.slots[place] = pool;
        });
    }

    /// Forgets them all.
    pub(super) fn clear(&mut self) {
        self.slots.fill(0);
        self.count = 0;
    }

    /// Where the pool is, or would be.
    #[inline]
    fn place(&self, pool: u64) -> usize {
        let (mask, pool) = (self.slots.len() - 1, pool.max(1));
        let mut place = pool as usize & mask;
        while self.slots[place] != 0 && self.slots[place] != pool {
            place = (place + 1) & mask;
        }
        place
    }
}

/// As a list.
impl Kept for Pools {
    fn save(&self, to: &mut Writer) {
        let outer = to.open("]");
        self.slots.iter().filter(|slot| **slot != 0).for_each(|slot| slot.save(to));
        to.close(outer);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        let mut pools = Self::new();
        Vec::<u64>::load(from).into_iter().for_each(|pool| pools.insert(pool));
        pools
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_there_until_there_is_no_room() {
        let mut pools = Pools::new();
        let pool = |number: u64| number % 2 * PROVEN_POOLS as u64 * 2 + number / 2;
        for number in 0..PROVEN_POOLS as u64 {
            assert!(!pools.contains(pool(number)) || number == 2, "0 counts as 1");
            pools.insert(pool(number));
            pools.insert(pool(number));
        }
        assert!((0..PROVEN_POOLS as u64).all(|number| pools.contains(pool(number))));
        pools.insert(u64::MAX);
        pools.insert(u64::MAX - 1);
        assert!(!pools.contains(u64::MAX - 1), "no room");
        pools.clear();
        assert!(!pools.contains(pool(7)));
        assert_eq!(pools.count, 0);
    }

    #[test]
    fn it_is_half_full_at_most() {
        let mut pools = Pools::new();
        for number in 0..PROVEN_POOLS as u64 + 10 {
            let before = pools.slots.len();
            pools.insert(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            assert!(pools.count * 2 <= pools.slots.len() && pools.count <= PROVEN_POOLS, "{number}");
            assert!(pools.slots.len() == before || pools.count * 2 > before, "it grew early, at {number}");
        }
        assert_eq!(pools.count, PROVEN_POOLS);
    }
}
