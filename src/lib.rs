//! loganalyzer: from pgbouncer's log alone, whether the accounts that must connect really do.
#![forbid(unsafe_code)]
pub mod analysis;
pub mod cli;
pub mod config;
pub mod limits;
pub mod pgbouncer;
pub mod report;
pub mod runtime;
