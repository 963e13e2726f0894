//! A hash table of fixed size from hashes to the numbers of entries that are kept elsewhere.
//!
//! Open addressing with linear probing in a power of two of slots, at most half full; a removal shifts back what
//! follows, so there are no tombstones and the cost does not grow with time. What is compared and hashed is the
//! caller's: whoever keys by a client's bytes hashes them with a secret ([`std::hash::RandomState`]).

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Index {
    slots: Box<[Slot]>,
    mask: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The upper half of the hash, to spare most comparisons; meaningless where `entry` is 0.
    tag: u32,
    /// The entry's number plus one; 0 where the slot is free.
    entry: u32,
}

impl Index {
    /// Room for `capacity` entries.
    pub(super) fn new(capacity: usize) -> Self {
        let size = (capacity * 2).next_power_of_two();
        Self { slots: vec![Slot::default(); size].into_boxed_slice(), mask: size - 1 }
    }

    /// The entry with this hash for which `same` says yes.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mut place = self.home(hash);
        loop {
            let slot = self.slots[place];
            let entry = slot.entry.checked_sub(1)?;
            if slot.tag == tag(hash) && same(entry) {
                return Some(entry);
            }
            place = (place + 1) & self.mask;
        }
    }

    /// Adds an entry that is not there. The caller keeps to the capacity.
    pub(super) fn insert(&mut self, hash: u64, entry: u32) {
        let mut place = self.home(hash);
        while self.slots[place].entry != 0 {
            place = (place + 1) & self.mask;
        }
        self.slots[place] = Slot { tag: tag(hash), entry: entry + 1 };
    }

    /// Removes an entry that is there. `hash_of` says the hashes of the others.
    pub(super) fn remove(&mut self, hash: u64, entry: u32, hash_of: impl Fn(u32) -> u64) {
        let mut hole = self.home(hash);
        while self.slots[hole].entry != entry + 1 {
            if self.slots[hole].entry == 0 {
                return;
            }
            hole = (hole + 1) & self.mask;
        }
        let mut place = hole;
        loop {
            place = (place + 1) & self.mask;
            let Some(other) = self.slots[place].entry.checked_sub(1) else { break };
            let home = self.home(hash_of(other));
            // `other` may fill the hole unless its home lies behind the hole, on the way to where it stands.
            if (place.wrapping_sub(home) & self.mask) >= (place.wrapping_sub(hole) & self.mask) {
                self.slots[hole] = self.slots[place];
                hole = place;
            }
        }
        self.slots[hole] = Slot::default();
    }

    fn home(&self, hash: u64) -> usize {
        // The mask is smaller than 32 bits: limits.rs.
        (hash as u32) as usize & self.mask
    }
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// Mixes a number that no client can choose into a hash.
#[inline]
pub(super) fn mix(value: u64) -> u64 {
    let folded = u128::from(value ^ 0x9e37_79b9_7f4a_7c15) * 0xd6e8_feb8_6659_fd93_u128;
    (folded as u64) ^ ((folded >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Against a plain set, with few homes so that the probes run into each other.
    #[test]
    fn behaves_like_a_set_whatever_is_added_and_removed() {
        let hash = |entry: u32| u64::from(entry % 7);
        let mut index = Index::new(64);
        let mut model = HashSet::new();
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = mix(state);
            let entry = (state % 64) as u32;
            if model.remove(&entry) {
                index.remove(hash(entry), entry, hash);
            } else {
                model.insert(entry);
                index.insert(hash(entry), entry);
            }
            for entry in 0..64 {
                let found = index.find(hash(entry), |other| other == entry);
                assert_eq!(found.is_some(), model.contains(&entry));
            }
        }
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut index = Index::new(4);
        index.insert(5, 1);
        index.remove(5, 2, |_| 5);
        assert_eq!(index.find(5, |entry| entry == 1), Some(1));
    }
}
