//! What it means: events and their time in, fixed-size state out.
//!
//! [`analyzer::Analyzer`] is given lines and keeps the figures; [`watch::Watch`] is given the time and says what to
//! alert. Nothing here reads a file or a clock; time comes in as an argument, effects go out as data.

pub mod accounts;
pub mod analyzer;
mod clock;
mod closings;
mod departures;
mod distinct;
pub mod durations;
pub mod figures;
pub mod filter;
pub mod happenings;
pub mod heartbeat;
pub mod hours;
mod index;
pub mod kinds;
mod lives;
mod logs;
mod names;
pub mod outages;
mod pools;
mod prefix;
mod processes;
mod queries;
pub mod read;
mod refusals;
mod repeats;
mod restored;
mod saved;
pub mod series;
pub mod servers;
mod session_table;
pub mod sessions;
pub mod settled;
pub mod silences;
pub mod summary;
mod takeover;
mod tally;
mod ticket;
pub mod timelines;
pub mod traffic;
mod usual;
pub mod volumes;
pub mod watch;
pub mod witness;
pub mod zones;

pub use saved::Unkeyed;
