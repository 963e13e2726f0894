//! Chance from a seed (SplitMix64): the same numbers everywhere and for ever.

use std::collections::VecDeque;

/// What answers when it is asked for a number: chance, or the bytes that a fuzzer has chosen.
pub trait Chance {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize;

    /// True once in `times`.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A source of chance.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
    /// What decides instead of chance, while there is something left.
    decisions: VecDeque<u8>,
}

impl Random {
    /// The source that a seed stands for.
    pub fn new(seed: u64) -> Self {
        Self::deciding(seed, &[])
    }

    /// The same, but what is chosen of a few things is chosen by these bytes, one after the other.
    pub fn deciding(seed: u64, decisions: &[u8]) -> Self {
        Self { state: seed, decisions: decisions.iter().copied().collect() }
    }

    /// A number below `end` that decides what happens: a byte or two, if somebody has chosen them.
    pub fn choose(&mut self, end: usize) -> usize {
        let Some(first) = self.decisions.pop_front() else { return self.below(end) };
        if end <= 256 {
            return usize::from(first) % end;
        }
        let second = self.decisions.pop_front().unwrap_or(0);
        usize::from(u16::from_be_bytes([first, second])) * end / 65_536
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

impl Chance for Random {
    fn below(&mut self, end: usize) -> usize {
        Self::below(self, end)
    }
}
