//! placeholder
#![forbid(unsafe_code)]
pub mod analysis;
pub mod limits;
pub mod pgbouncer;
pub mod report;
