//! The tables of a report for spreadsheets and databases: RFC 4180, in UTF-8, with a line of headings, one table at a
//! time.
//!
//! A name that begins like a formula gets an apostrophe before it: whoever opens the file in a spreadsheet must not run
//! what a client has chosen for its name.

use std::fmt::{self, Display, Write};

use super::Report;
use super::safe::{Medium, shown};
pub use super::tables::Table;
use super::tables::{self, Sheet};

/// Writes a table of a report.
///
/// # Errors
///
/// What `out` says.
pub fn write(report: &Report<'_>, table: Table, out: &mut dyn Write) -> fmt::Result {
    tables::write(report, table, &mut Csv { out, is_first: true })
}

struct Csv<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

impl Sheet for Csv<'_> {
    fn head(&mut self, names: &[&str]) -> fmt::Result {
        names.iter().try_for_each(|name| self.number(name))?;
        self.end()
    }

    fn number(&mut self, value: &dyn Display) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_str(",")?;
        }
        write!(self.out, "{value}")
    }

    fn text(&mut self, bytes: &[u8]) -> fmt::Result {
        let text = shown(bytes, Medium::File).to_string();
        let formula = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if formula.is_empty() && !text.contains([',', '"', '\n', '\r']) {
            return self.number(&text);
        }
        self.number(&format_args!("\"{formula}{}\"", text.replace('"', "\"\"")))
    }

    fn end(&mut self) -> fmt::Result {
        self.is_first = true;
        self.out.write_str("\r\n")
    }
}
