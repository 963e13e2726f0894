//! What the targets share with the tests: `tests/common` without what starts programs.

#![allow(dead_code, unused_imports, reason = "the tests use the rest")]

#[path = "../../../tests/common/clients.rs"]
pub mod clients;
#[path = "../../../tests/common/logs.rs"]
mod logs;
#[path = "../../../tests/common/mime.rs"]
pub mod mime;
#[path = "../../../tests/common/printer.rs"]
pub mod printer;
#[path = "../../../tests/common/random.rs"]
pub mod random;
#[path = "../../../tests/common/regex_reading.rs"]
pub mod regex_reading;
#[path = "../../../tests/common/two_readings.rs"]
pub mod two_readings;
#[path = "../../../tests/common/two_ways.rs"]
pub mod two_ways;

pub use logs::*;
