//! What the tests share.

#![allow(dead_code, unreachable_pub, clippy::expect_used, reason = "each test uses its part, and a test may fail")]

pub mod charts;
pub mod clients;
pub mod follower;
mod logs;
pub mod mail;
pub mod mime;
pub mod page;
pub mod printer;
pub mod random;
pub mod regex_reading;
pub mod remember;
pub mod run;
pub mod schema;
pub mod servers;
pub mod two_readings;
pub mod two_ways;

#[allow(unused_imports, reason = "each test uses its part")]
pub use logs::*;
