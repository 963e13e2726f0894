//! The world: files, clock, signals and the terminal, and the programs that run in it.
//!
//! [`world::World`] is all that the daemon knows of it; [`system::System`] is the real one.

pub mod batch;
pub mod check;
pub mod daemon;
pub mod daily;
pub mod kernel;
pub mod notify;
pub mod outbox;
pub mod pattern;
pub mod post;
mod progress;
pub mod replay;
pub mod smtp;
pub mod span;
pub mod state;
pub mod system;
pub mod tail;
pub mod world;
