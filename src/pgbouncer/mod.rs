//! The log's language: bytes in, events out.
//!
//! [`lines`] cuts chunks of a file into lines, [`parser`] reads one line as a [`record::Record`], [`reasons`] says
//! what a close reason means for the login before it, and [`fallback`] tries the user's own regular expressions on
//! what the parser does not know. Nothing here reads a file or a clock, and nothing allocates per line.
//!
//! ```
//! use loganalyzer_engine::pgbouncer::{parser::{Parser, Reading}, record::Event};
//!
//! let line = b"2023-12-19 03:06:13.123 UTC [77] LOG C-0x55d0: app/web@10.0.0.7:51234 login attempt: db=app user=web tls=no";
//! let Reading::Record(record) = Parser::new(0).parse(line) else { panic!("this is pgbouncer's") };
//! let Event::LoginAttempt(attempt) = record.event else { panic!("this is an attempt") };
//! assert_eq!((attempt.database, attempt.user, attempt.address.host), (&b"app"[..], &b"web"[..], &b"10.0.0.7"[..]));
//! ```

mod address;
mod attempt;
mod cursor;
pub mod fallback;
mod header;
pub mod life;
pub mod lines;
mod message;
pub mod parser;
pub mod reasons;
pub mod record;
mod stats;
pub mod usual;
pub mod usual_attempt;
mod usual_host;
pub mod warnings;
