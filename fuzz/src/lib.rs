//! The bodies of the targets, with their generators and their oracles: all of it is the tests' own.

mod common;
#[path = "../../tests/fuzzing/mod.rs"]
pub mod fuzzing;
#[path = "../../tests/simulator/mod.rs"]
mod simulator;
