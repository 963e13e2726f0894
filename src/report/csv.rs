//! The tables of a report for spreadsheets and databases: RFC 4180, in UTF-8, with a line of headings, one table at a
//! time.
//!
//! A name that begins like a formula gets an apostrophe before it: whoever opens the file in a spreadsheet must not run
//! what a client has chosen for its name.

use std::fmt::{self, Display, Write};

use super::Report;
use super::safe::{Medium, shown};
use crate::analysis::accounts::Row;
use crate::analysis::kinds::Kinds;
use crate::analysis::summary::{AccountSummary, Breakdown};
use crate::pgbouncer::record::Stamp;

/// A table of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// One row for each account.
    Accounts,
    /// Accounts by address.
    Addresses,
    /// Accounts by database.
    Databases,
    /// Failed logins by account and reason.
    Failures,
    /// Refused connections by reason.
    Refused,
    /// The stats lines by time.
    Series,
    /// Logins by the hour.
    Hours,
    /// Warnings and errors by kind.
    Warnings,
    /// Why connections to PostgreSQL were closed.
    Servers,
    /// Commands of administrators and restarts.
    Events,
    /// What would have been alerted.
    Outages,
}

use Table::{Accounts, Addresses, Databases, Events, Failures, Hours, Outages, Refused, Series, Servers, Warnings};

impl Table {
    /// All of them, with their names.
    pub const ALL: [(&'static str, Self); 11] = [
        ("accounts", Accounts),
        ("addresses", Addresses),
        ("databases", Databases),
        ("failures", Failures),
        ("refused", Refused),
        ("series", Series),
        ("hours", Hours),
        ("warnings", Warnings),
        ("servers", Servers),
        ("events", Events),
        ("outages", Outages),
    ];

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|table| table.0 == name).map(|table| table.1)
    }
}

/// Writes a table of a report.
///
/// # Errors
///
/// What `out` says.
pub fn write(report: &Report<'_>, table: Table, out: &mut dyn Write) -> fmt::Result {
    let mut csv = Csv { out, is_first: true };
    match table {
        Accounts => write_accounts(report, &mut csv),
        Addresses => write_breakdowns(report, "address", |account| &account.from, &mut csv),
        Databases => write_breakdowns(report, "database", |account| &account.databases, &mut csv),
        Failures => write_failures(report, &mut csv),
        Refused => write_refused(report, &mut csv),
        Series => write_series(report, &mut csv),
        Hours => write_hours(report, &mut csv),
        Warnings => write_warnings(report, &mut csv),
        Servers => write_servers(report, &mut csv),
        Events => write_events(report, &mut csv),
        Outages => write_outages(report, &mut csv),
    }
}

struct Csv<'a> {
    out: &'a mut dyn Write,
    is_first: bool,
}

impl Csv<'_> {
    fn head(&mut self, names: &[&str]) -> fmt::Result {
        names.iter().try_for_each(|name| self.number(*name))?;
        self.end()
    }

    /// What needs no quotes.
    fn number(&mut self, value: impl Display) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.out.write_str(",")?;
        }
        write!(self.out, "{value}")
    }

    fn optional(&mut self, value: Option<impl Display>) -> fmt::Result {
        match value {
            Some(value) => self.number(value),
            None => self.number(""),
        }
    }

    fn text(&mut self, bytes: &[u8]) -> fmt::Result {
        let text = shown(bytes, Medium::File).to_string();
        let formula = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if formula.is_empty() && !text.contains([',', '"', '\n', '\r']) {
            return self.number(text);
        }
        self.number(format_args!("\"{formula}{}\"", text.replace('"', "\"\"")))
    }

    fn end(&mut self) -> fmt::Result {
        self.is_first = true;
        self.out.write_str("\r\n")
    }
}

fn write_accounts(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["account", "first_login", "last_login", "attempts", "logins", "failed", "pending", "assumed"])?;
    let time = |stamp: Option<Stamp>| stamp.map_or(String::new(), |stamp| report.format.print(stamp.millis));
    for account in &report.summary.accounts {
        csv.text(account.user)?;
        csv.text(time(account.first).as_bytes())?;
        csv.text(time(account.last).as_bytes())?;
        let tally = &account.tally;
        [tally.attempts, tally.logins, tally.failed, tally.pending, tally.assumed]
            .into_iter()
            .try_for_each(|count| csv.number(count))?;
        csv.end()?;
    }
    Ok(())
}

fn write_breakdowns(
    report: &Report<'_>,
    name: &str,
    of: for<'a, 'b> fn(&'a AccountSummary<'b>) -> &'a Breakdown<'b>,
    csv: &mut Csv<'_>,
) -> fmt::Result {
    csv.head(&["account", name, "logins", "failed"])?;
    let mut row = |user: &[u8], item: &[u8], row: &Row| {
        csv.text(user)?;
        csv.text(item)?;
        csv.number(row.logins)?;
        csv.number(row.failed)?;
        csv.end()
    };
    for account in &report.summary.accounts {
        let breakdown = of(account);
        breakdown.rows().iter().try_for_each(|(item, figures)| row(account.user, item, figures))?;
        if !breakdown.others.is_empty() {
            row(account.user, b"", &breakdown.others)?;
        }
    }
    Ok(())
}

fn write_failures(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["account", "reason", "failed"])?;
    for account in &report.summary.accounts {
        let others = (&b""[..], account.reasons.others);
        for (reason, row) in account.reasons.rows().into_iter().chain([others]).filter(|(_, row)| row.failed > 0) {
            csv.text(account.user)?;
            csv.text(reason)?;
            csv.number(row.failed)?;
            csv.end()?;
        }
    }
    Ok(())
}

fn write_refused(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    let refusals = report.figures.refusals();
    csv.head(&["reason", "refused"])?;
    let others = (refusals.others() > 0).then(|| (&b""[..], refusals.others()));
    for (reason, count) in refusals.by_reason().into_iter().chain(others) {
        csv.text(reason)?;
        csv.number(count)?;
        csv.end()?;
    }
    Ok(())
}

fn write_series(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&[
        "at",
        "unix_time",
        "minutes",
        "lines",
        "requests_per_second",
        "bytes_in_per_second",
        "bytes_out_per_second",
        "request_seconds",
        "transactions_per_second",
        "transaction_seconds",
        "wait_seconds",
    ])?;
    let series = report.figures.traffic().series();
    for (minute, sums) in series.iter() {
        csv.text(report.time(minute * 60_000).as_bytes())?;
        csv.number(minute * 60)?;
        csv.number(series.width())?;
        csv.number(sums.lines)?;
        let averages = sums.averages();
        let since = averages.and_then(|averages| averages.since_1_8);
        csv.optional(averages.map(|averages| averages.requests))?;
        csv.optional(averages.map(|averages| averages.bytes_in))?;
        csv.optional(averages.map(|averages| averages.bytes_out))?;
        csv.optional(averages.map(|averages| averages.request_seconds))?;
        csv.optional(since.map(|since| since.transactions))?;
        csv.optional(since.map(|since| since.transaction_seconds))?;
        csv.optional(since.map(|since| since.wait_seconds))?;
        csv.end()?;
    }
    Ok(())
}

fn write_hours(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["at", "hours", "logins", "failed"])?;
    let hours = report.hours();
    for (hour, attempts) in hours.all.total().iter() {
        csv.text(report.format.print(hour * 3_600_000).as_bytes())?;
        csv.number(hours.all.total().width())?;
        csv.number(attempts.logins())?;
        csv.number(attempts.failed)?;
        csv.end()?;
    }
    Ok(())
}

fn write_warnings(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["level", "text", "count", "first", "last"])?;
    write_kinds(report, report.figures.happenings().warnings(), |level| Some(level.name()), csv)
}

fn write_servers(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["reason", "closed", "first", "last"])?;
    write_kinds(report, report.figures.happenings().servers().reasons(), |()| None, csv)
}

fn write_kinds<T: PartialEq, const MOST: usize>(
    report: &Report<'_>,
    kinds: &Kinds<T, MOST>,
    of: impl Fn(&T) -> Option<&'static str>,
    csv: &mut Csv<'_>,
) -> fmt::Result {
    for kind in kinds.by_count() {
        of(&kind.of).map_or(Ok(()), |of| csv.number(of))?;
        csv.text(&kind.text)?;
        csv.number(kind.count)?;
        csv.text(report.format.print(kind.first).as_bytes())?;
        csv.text(report.format.print(kind.last).as_bytes())?;
        csv.end()?;
    }
    Ok(())
}

fn write_events(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["at", "pid", "event", "version"])?;
    for event in report.figures.happenings().lives() {
        csv.text(report.format.print(event.millis).as_bytes())?;
        csv.number(event.pid)?;
        csv.number(event.what.name())?;
        csv.optional(event.what.version())?;
        csv.end()?;
    }
    Ok(())
}

fn write_outages(report: &Report<'_>, csv: &mut Csv<'_>) -> fmt::Result {
    csv.head(&["entry", "verdict", "since", "until", "minutes"])?;
    for outage in report.figures.outages().list() {
        csv.text(outage.entry.as_deref().unwrap_or_default().as_bytes())?;
        csv.number(outage.verdict.name())?;
        csv.text(report.time(outage.since).as_bytes())?;
        csv.text(outage.until.map_or(String::new(), |until| report.time(until)).as_bytes())?;
        csv.optional(outage.until.map(|_| outage.minutes))?;
        csv.end()?;
    }
    Ok(())
}
