//! What each line goes through: a package of its own, because it is compiled for speed and all else for size.

#![forbid(unsafe_code)]

pub mod analysis;
pub mod kept;
pub mod limits;
pub mod order;
pub mod pgbouncer;
pub mod words;
