//! A world for the daemon, and the exact model of what it must tell.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::type_complexity,
    reason = "a test may fail, and uses its part"
)]

pub mod actions;
pub mod bouncer;
pub mod clock;
pub mod files;
pub mod model;
pub mod model_entry;
pub mod model_heart;
pub mod model_mail;
pub mod model_tail;
pub mod run;
pub mod script;
pub mod world;
