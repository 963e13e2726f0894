//! How many different names there were, in 4 KiB: linear counting.
//!
//! Each name sets one bit of many by its hash; from the share of bits that are still clear follows how many names
//! there were: exact for a few, within some percent up to 100,000, and a lower bound beyond.

use super::saved::Secret;
use crate::kept;

const WORDS: usize = 512;
const BITS: usize = WORDS * 64;

/// The bits.
#[derive(Debug, Clone)]
pub(super) struct Distinct {
    bits: Box<[u64; WORDS]>,
    hasher: Secret,
}

kept!(Distinct { bits, hasher });

impl Distinct {
    pub(super) fn new() -> Self {
        Self { bits: Box::new([0; WORDS]), hasher: Secret::new() }
    }

    /// Adds a name.
    pub(super) fn add(&mut self, name: &[u8]) {
        let bit = self.hasher.hash(name) as usize % BITS;
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    /// How many different names were added, about.
    pub(super) fn estimate(&self) -> u64 {
        let set: u32 = self.bits.iter().map(|word| word.count_ones()).sum();
        let clear = (BITS - set as usize).max(1) as f64;
        let total = BITS as f64;
        (total * (total / clear).ln()).round() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_counted_and_many_are_estimated() {
        for count in [0u64, 1, 10, 1000, 50_000] {
            let mut names = Distinct::new();
            for number in (0..count).chain(0..count) {
                names.add(format!("user{number}").as_bytes());
            }
            let off = names.estimate().abs_diff(count);
            assert!(off <= count / 20 + u64::from(count > 5), "{} for {count}", names.estimate());
        }
    }
}
