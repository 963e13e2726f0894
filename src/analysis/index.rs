//! A hash table from hashes to the numbers of entries that are kept elsewhere.
//!
//! Open addressing with linear probing in a power of two of slots; a removal shifts back what follows, so there are no
//! tombstones and the cost does not grow with time. The table grows with what is in it, up to the capacity that it was
//! made for: what a busy log needs of it stays in the nearest cache. It is a quarter full at most until then (half full
//! it costs a tenth of all the time more, in branches that nobody can predict), and half full in the end. What is compared and
//! hashed is the caller's: whoever keys by a client's bytes hashes them with a secret ([`super::saved::Secret`]).

use crate::limits::{NAMES, PAIRS, SESSIONS};
use crate::words;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Index {
    slots: Box<[Slot]>,
    mask: usize,
    count: usize,
    capacity: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The first bits of the hash, which say where the entry belongs; meaningless where `entry` is 0.
    tag: u16,
    /// The entry's number plus one; 0 where the slot is free.
    entry: u16,
}

/// Where an entry that is not there would stand, as long as nothing is added or removed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Free {
    tag: u16,
    place: usize,
}

/// The most entries: there must be twice as many tags.
const CAPACITY_MAX: usize = 1 << 15;

const _: () = assert!(SESSIONS < CAPACITY_MAX && NAMES < CAPACITY_MAX && PAIRS < CAPACITY_MAX);

/// Slots of an empty table.
const FIRST_SLOTS: usize = 256;

impl Index {
    /// Room for `capacity` entries, at most 32,767.
    pub(super) fn new(capacity: usize) -> Self {
        let size = FIRST_SLOTS.min((capacity * 2).next_power_of_two());
        Self { slots: vec![Slot::default(); size].into_boxed_slice(), mask: size - 1, count: 0, capacity }
    }

    /// The entry with this hash for which `same` says yes.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        self.find_place(hash, same).ok().map(|(entry, _)| entry)
    }

    /// The same, and where it stands, or would, as long as nothing is added or removed.
    #[inline]
    pub(super) fn find_place(&self, hash: u64, same: impl Fn(u32) -> bool) -> Result<(u32, usize), Free> {
        let tag = tag(hash);
        let mut place = self.home(tag);
        loop {
            let slot = self.slots[place];
            let Some(entry) = slot.entry.checked_sub(1).map(u32::from) else { return Err(Free { tag, place }) };
            if slot.tag == tag && same(entry) {
                return Ok((entry, place));
            }
            place = (place + 1) & self.mask;
        }
    }

    /// Adds an entry that is not there. The caller keeps to the capacity.
    pub(super) fn insert(&mut self, hash: u64, entry: u32) {
        self.insert_at(self.free_place(hash), entry);
    }

    /// Where an entry with this hash that is not there would stand, as long as nothing is added or removed.
    pub(super) fn free_place(&self, hash: u64) -> Free {
        let tag = tag(hash);
        let mut place = self.home(tag);
        while self.slots[place].entry != 0 {
            place = (place + 1) & self.mask;
        }
        Free { tag, place }
    }

    /// The same, where [`Index::find_place`] said that it would stand.
    #[inline]
    pub(super) fn insert_at(&mut self, free: Free, entry: u32) {
        let slot = Slot { tag: free.tag, entry: entry as u16 + 1 };
        self.count += 1;
        if self.count * 4 > self.slots.len() && self.slots.len() < self.capacity * 2 {
            self.grow();
            self.put(slot);
        } else {
            self.slots[free.place] = slot;
        }
    }

    fn put(&mut self, slot: Slot) {
        let place = self.free_place(u64::from(slot.tag) << 48).place;
        self.slots[place] = slot;
    }

    /// Twice the slots.
    #[cold]
    fn grow(&mut self) {
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![Slot::default(); size].into_boxed_slice());
        self.mask = size - 1;
        old.iter().filter(|slot| slot.entry != 0).for_each(|slot| self.put(*slot));
    }

    /// Removes an entry, if it is there.
    pub(super) fn remove(&mut self, hash: u64, entry: u32) {
        let mut hole = self.home(tag(hash));
        while u32::from(self.slots[hole].entry) != entry + 1 {
            if self.slots[hole].entry == 0 {
                return;
            }
            hole = (hole + 1) & self.mask;
        }
        self.remove_at(hole);
    }

    /// Removes the entry that [`Index::find_place`] found here.
    #[inline]
    pub(super) fn remove_at(&mut self, place: usize) {
        self.count -= 1;
        let (mut hole, mut place) = (place, place);
        loop {
            place = (place + 1) & self.mask;
            let other = self.slots[place];
            if other.entry == 0 {
                break;
            }
            // `other` may fill the hole unless its home lies behind the hole, on the way to where it stands.
            let home = self.home(other.tag);
            if (place.wrapping_sub(home) & self.mask) >= (place.wrapping_sub(hole) & self.mask) {
                self.slots[hole] = other;
                hole = place;
            }
        }
        self.slots[hole] = Slot::default();
    }

    #[inline]
    fn home(&self, tag: u16) -> usize {
        usize::from(tag) & self.mask
    }
}

#[inline]
fn tag(hash: u64) -> u16 {
    (hash >> 48) as u16
}

/// Mixes a number that no client can choose into a hash.
#[inline]
pub(super) fn mix(value: u64) -> u64 {
    words::fold(value ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Against a plain set, with few homes so that the probes run into each other.
    #[test]
    fn behaves_like_a_set_whatever_is_added_and_removed() {
        let hash = |entry: u32| u64::from(entry % 7) << 48;
        let mut index = Index::new(64);
        let mut model = HashSet::new();
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = mix(state);
            let entry = (state % 64) as u32;
            if model.remove(&entry) {
                index.remove(hash(entry), entry);
            } else {
                model.insert(entry);
                match index.find_place(hash(entry), |other| other == entry) {
                    Err(free) if entry.is_multiple_of(2) => index.insert_at(free, entry),
                    _ => index.insert(hash(entry), entry),
                }
            }
            for entry in 0..64 {
                let found = index.find(hash(entry), |other| other == entry);
                assert_eq!(found.is_some(), model.contains(&entry));
            }
        }
    }

    #[test]
    fn a_table_grows_to_its_capacity() {
        let mut index = Index::new(10_000);
        (0..10_000).for_each(|entry| index.insert(mix(u64::from(entry)), entry));
        assert!((0..10_000).all(|entry| index.find(mix(u64::from(entry)), |other| other == entry) == Some(entry)));
        assert_eq!(index.slots.len(), 32_768);
        (0..10_000).for_each(|entry| index.remove(mix(u64::from(entry)), entry));
        assert_eq!(index.count, 0);
        assert!(index.slots.iter().all(|slot| slot.entry == 0));
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let mut index = Index::new(4);
        index.insert(5, 1);
        index.remove(5, 2);
        assert_eq!(index.find(5, |entry| entry == 1), Some(1));
    }

    /// A table that is too full is slow, and one that does not grow at all is searched for ever.
    #[test]
    fn it_is_a_quarter_full_at_most_until_it_has_grown_to_its_size() {
        for capacity in [100, 1000, 5000] {
            let mut index = Index::new(capacity);
            let full = (capacity * 2).next_power_of_two().max(index.slots.len());
            for entry in 0..capacity as u32 {
                let before = index.slots.len();
                index.insert(mix(entry.into()), entry);
                let count = entry as usize + 1;
                assert!(count * 4 <= index.slots.len() || index.slots.len() == full, "{count} of {capacity}");
                assert!(index.slots.len() == before || count * 4 > before, "it grew early, at {count} of {capacity}");
            }
            assert_eq!(index.slots.len(), full);
        }
    }
}
