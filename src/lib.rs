//! loganalyzer: from pgbouncer's log alone, whether the accounts that must connect really do.
//!
//! The rooms, from the inside out; each uses only those before it:
//!
//! - [`pgbouncer`]: the log's language. Bytes in, events out.
//! - [`analysis`]: what it means. Events and time in, fixed-size state out.
//! - [`report`]: how it is shown. State in, text out.
//! - [`runtime`]: the world. Files, clock, signals.
//!
//! Beside them [`cli`], [`config`], [`kept`](mod@kept), [`limits`], [`order`] and [`words`].
//!
//! ```
//! use jiff::tz::TimeZone;
//! use loganalyzer::analysis::{analyzer::{Analyzer, Settings}, watch::Watch};
//! use loganalyzer::pgbouncer::lines::Lines;
//! use loganalyzer::report::{Report, text, paint::Style, time::TimeFormat};
//!
//! let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
//! let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
//! let mut lines = Lines::new();
//! lines.push(b"2023-12-19 03:06:13.123 UTC [77] LOG C-0x55d0: app/web@10.0.0.7:51234 login attempt: db=app user=web tls=no\n");
//! while let Some(line) = lines.next_line() {
//!     analyzer.line(&line);
//! }
//! if let Some(line) = lines.last_line() {
//!     analyzer.line(&line);
//! }
//! let format = TimeFormat::default();
//! let text = text::write(&Report::complete(&analyzer, &format), Style::default());
//! assert!(text.contains("Account : web\nFirst login time : 2023-12-19 03:06:13\n"));
//! ```

#![forbid(unsafe_code)]

pub use loganalyzer_engine::{analysis, kept, limits, order, pgbouncer, words};
pub use loganalyzer_shell::{cli, config, program, report, runtime};
