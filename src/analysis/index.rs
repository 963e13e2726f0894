//! A hash table from hashes to the numbers of entries that are kept elsewhere.
//!
//! Each bucket names its newest entry, and each entry the one behind it. So an entry is added and removed at the head of its
//! bucket, nearly always, and nothing else is moved: with open addressing, where a removal shifts back what follows, there
//! were branches that nobody could predict, for every sixth line. The table grows with what is in it, up to four buckets
//! for each entry that it was made for: what a busy log needs of it stays in the nearest cache. What is compared and
//! hashed is the caller's: whoever keys by a client's bytes hashes them with a secret ([`super::saved::Secret`]).

use crate::limits::{NAMES, PAIRS, SESSIONS};
use crate::words;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Index {
    /// The number of the newest entry of each, and one more; 0 where there is none.
    heads: Box<[u16]>,
    mask: usize,
    /// By number: the same of the entry behind it.
    behind: Vec<u16>,
    count: usize,
    capacity: usize,
}

/// Buckets of an empty table.
const FIRST: usize = 256;
/// How many there are for each entry, at least.
const EACH: usize = 4;
/// The most entries: a bucket is chosen by sixteen bits of the hash.
const CAPACITY_MAX: usize = (1 << 16) / EACH;

const _: () = assert!(SESSIONS <= CAPACITY_MAX && NAMES <= CAPACITY_MAX && PAIRS <= CAPACITY_MAX);

impl Index {
    /// Room for `capacity` entries, at most [`CAPACITY_MAX`], whose numbers are below that.
    pub(super) fn new(capacity: usize) -> Self {
        let heads = vec![0; FIRST].into_boxed_slice();
        Self { heads, mask: FIRST - 1, behind: Vec::with_capacity(capacity), count: 0, capacity }
    }

    /// The entry with this hash for which `same` says yes.
    #[inline]
    pub(super) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<u32> {
        let mut next = self.heads[self.bucket(hash)];
        while let Some(number) = next.checked_sub(1).map(u32::from) {
            if same(number) {
                return Some(number);
            }
            next = self.behind[number as usize];
        }
        None
    }

    /// Adds an entry that is not there, whose number is at most one more than any before. `hash_of` says the others' hashes.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64, number: u32, hash_of: impl Fn(u32) -> u64) {
        self.count += 1;
        if self.count * EACH > self.heads.len() && self.heads.len() < self.capacity * EACH {
            self.grow(hash_of);
        }
        if self.behind.len() <= number as usize {
            self.behind.push(0);
        }
        self.put(hash, number);
    }

    #[inline]
    fn put(&mut self, hash: u64, number: u32) {
        let bucket = self.bucket(hash);
        self.behind[number as usize] = std::mem::replace(&mut self.heads[bucket], number as u16 + 1);
    }

    /// Twice the buckets.
    #[cold]
    fn grow(&mut self, hash_of: impl Fn(u32) -> u64) {
        let size = self.heads.len() * 2;
        let old = std::mem::replace(&mut self.heads, vec![0; size].into_boxed_slice());
        self.mask = size - 1;
        for mut next in old {
            while let Some(number) = next.checked_sub(1).map(u32::from) {
                next = self.behind[number as usize];
                self.put(hash_of(number), number);
            }
        }
    }

    /// Removes an entry that is there.
    #[inline]
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        self.count -= 1;
        let (bucket, this) = (self.bucket(hash), number as u16 + 1);
        let behind = self.behind[number as usize];
        if self.heads[bucket] == this {
            self.heads[bucket] = behind;
        } else {
            self.unlink(bucket, this, behind);
        }
    }

    /// Removes one that is not the newest of its bucket.
    #[inline(never)]
    fn unlink(&mut self, bucket: usize, this: u16, behind: u16) {
        let mut next = self.heads[bucket];
        while let Some(before) = next.checked_sub(1).and_then(|before| self.behind.get_mut(usize::from(before))) {
            next = *before;
            if next == this {
                *before = behind;
                return;
            }
        }
    }

    #[inline]
    fn bucket(&self, hash: u64) -> usize {
        (hash >> 48) as usize & self.mask
    }
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

    /// Against a plain set, with few hashes so that many meet in a bucket.
    #[test]
    fn behaves_like_a_set_whatever_is_added_and_removed() {
        let hash = |entry: u32| u64::from(entry % 7) << 48;
        let mut index = Index::new(64);
        let mut model = HashSet::new();
        let mut state = 1u64;
        for entry in 0..64 {
            index.insert(hash(entry), entry, hash);
            model.insert(entry);
        }
        for _ in 0..20_000 {
            state = mix(state);
            let entry = (state % 64) as u32;
            if model.remove(&entry) {
                index.remove(hash(entry), entry);
            } else {
                model.insert(entry);
                index.insert(hash(entry), entry, hash);
            }
            for entry in 0..64 {
                let found = index.find(hash(entry), |other| other == entry);
                assert_eq!(found.is_some(), model.contains(&entry));
            }
            assert_eq!(index.count, model.len());
        }
    }

    /// A table that is too full is slow.
    #[test]
    fn it_grows_with_what_is_in_it_and_no_further_than_it_has_to() {
        let hash = |entry: u32| mix(entry.into());
        for capacity in [100, 1000, 16 * 1024] {
            let mut index = Index::new(capacity);
            for entry in 0..capacity as u32 {
                let before = index.heads.len();
                index.insert(hash(entry), entry, hash);
                let count = entry as usize + 1;
                assert!(count * EACH <= index.heads.len(), "{count} of {capacity}");
                assert!(
                    index.heads.len() == before || count * EACH > before,
                    "it grew early, at {count} of {capacity}"
                );
            }
            assert!((0..capacity as u32).all(|entry| index.find(hash(entry), |other| other == entry) == Some(entry)));
            (0..capacity as u32).for_each(|entry| index.remove(hash(entry), entry));
            assert!(index.heads.iter().all(|head| *head == 0) && index.count == 0);
        }
    }
}
