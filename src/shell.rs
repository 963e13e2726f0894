//! All that no line goes through: a package of its own, because it is compiled for size.

#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod program;
pub mod report;
pub mod runtime;

pub(crate) use loganalyzer_engine::{analysis, kept, limits, order, pgbouncer};
