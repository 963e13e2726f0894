//! What each fuzz target does with its bytes: what must hold of them, whatever they are.
//!
//! `fuzz/fuzz_targets` runs these with bytes that a fuzzer chooses, `tests/fuzz.rs` with those that it has found.

#![allow(unreachable_pub, clippy::expect_used, clippy::panic, reason = "what must hold is asserted")]

pub mod chunks;
pub mod config;
pub mod daemon;
pub mod differential;
pub mod line;
pub mod mail;

use arbitrary::Unstructured;

use crate::common::random::Chance;

/// What is done with the bytes.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("line", line::run),
    ("chunks", chunks::run),
    ("differential", differential::run),
    ("config", config::run),
    ("daemon", daemon::run),
    ("mail", mail::run),
];

/// The bytes decide; when there are no more, everything is zero.
impl Chance for Unstructured<'_> {
    fn below(&mut self, end: usize) -> usize {
        self.int_in_range(0..=end.saturating_sub(1)).unwrap_or(0)
    }
}

/// The sizes of the chunks in which a text comes.
fn sizes(bytes: [u8; 4]) -> [usize; 4] {
    bytes.map(|byte| usize::from(byte) + 1)
}
