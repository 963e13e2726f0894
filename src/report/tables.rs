//! The tables of a report, row by row: the same for spreadsheets ([`super::csv`]) and for people ([`super::page`]).

use std::fmt::{self, Display};

use super::Report;
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

/// What takes a table, cell by cell.
pub(super) trait Sheet {
    /// The names of the columns.
    fn head(&mut self, names: &[&str]) -> fmt::Result;

    /// A cell with a figure, or a word of ours.
    fn number(&mut self, value: &dyn Display) -> fmt::Result;

    /// A cell with what somebody else has chosen.
    fn text(&mut self, bytes: &[u8]) -> fmt::Result;

    /// A row is complete.
    fn end(&mut self) -> fmt::Result;
}

/// A cell that may be empty.
fn optional(sheet: &mut dyn Sheet, value: Option<impl Display>) -> fmt::Result {
    match value {
        Some(value) => sheet.number(&value),
        None => sheet.number(&""),
    }
}

/// Writes a table of a report.
pub(super) fn write(report: &Report<'_>, table: Table, sheet: &mut dyn Sheet) -> fmt::Result {
    match table {
        Accounts => write_accounts(report, sheet),
        Addresses => write_breakdowns(report, "address", |account| &account.from, sheet),
        Databases => write_breakdowns(report, "database", |account| &account.databases, sheet),
        Failures => write_failures(report, sheet),
        Refused => write_refused(report, sheet),
        Series => write_series(report, sheet),
        Hours => write_hours(report, sheet),
        Warnings => write_warnings(report, sheet),
        Servers => write_servers(report, sheet),
        Events => write_events(report, sheet),
        Outages => write_outages(report, sheet),
    }
}

fn write_accounts(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["account", "first_login", "last_login", "attempts", "logins", "failed", "pending", "assumed"])?;
    let time = |stamp: Option<Stamp>| stamp.map_or(String::new(), |stamp| report.format.print(stamp.millis));
    for account in &report.summary.accounts {
        sheet.text(account.user)?;
        sheet.text(time(account.first).as_bytes())?;
        sheet.text(time(account.last).as_bytes())?;
        let tally = &account.tally;
        [tally.attempts, tally.logins, tally.failed, tally.pending, tally.assumed]
            .into_iter()
            .try_for_each(|count| sheet.number(&count))?;
        sheet.end()?;
    }
    Ok(())
}

fn write_breakdowns(
    report: &Report<'_>,
    name: &str,
    of: for<'a, 'b> fn(&'a AccountSummary<'b>) -> &'a Breakdown<'b>,
    sheet: &mut dyn Sheet,
) -> fmt::Result {
    sheet.head(&["account", name, "logins", "failed"])?;
    let mut row = |user: &[u8], item: &[u8], row: &Row| {
        sheet.text(user)?;
        sheet.text(item)?;
        sheet.number(&row.logins)?;
        sheet.number(&row.failed)?;
        sheet.end()
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

fn write_failures(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["account", "reason", "failed"])?;
    for account in &report.summary.accounts {
        let others = (&b""[..], account.reasons.others);
        for (reason, row) in account.reasons.rows().into_iter().chain([others]).filter(|(_, row)| row.failed > 0) {
            sheet.text(account.user)?;
            sheet.text(reason)?;
            sheet.number(&row.failed)?;
            sheet.end()?;
        }
    }
    Ok(())
}

fn write_refused(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    let refusals = report.figures.refusals();
    sheet.head(&["reason", "refused"])?;
    let others = (refusals.others() > 0).then(|| (&b""[..], refusals.others()));
    for (reason, count) in refusals.by_reason().into_iter().chain(others) {
        sheet.text(reason)?;
        sheet.number(&count)?;
        sheet.end()?;
    }
    Ok(())
}

fn write_series(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&[
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
        sheet.text(report.time(minute * 60_000).as_bytes())?;
        sheet.number(&(minute * 60))?;
        sheet.number(&series.width())?;
        sheet.number(&sums.lines)?;
        let averages = sums.averages();
        let since = averages.and_then(|averages| averages.since_1_8);
        optional(sheet, averages.map(|averages| averages.requests))?;
        optional(sheet, averages.map(|averages| averages.bytes_in))?;
        optional(sheet, averages.map(|averages| averages.bytes_out))?;
        optional(sheet, averages.map(|averages| averages.request_seconds))?;
        optional(sheet, since.map(|since| since.transactions))?;
        optional(sheet, since.map(|since| since.transaction_seconds))?;
        optional(sheet, since.map(|since| since.wait_seconds))?;
        sheet.end()?;
    }
    Ok(())
}

fn write_hours(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["at", "hours", "logins", "failed"])?;
    let hours = report.hours();
    for (hour, attempts) in hours.all.total().iter() {
        sheet.text(report.format.print(hour * 3_600_000).as_bytes())?;
        sheet.number(&hours.all.total().width())?;
        sheet.number(&attempts.logins())?;
        sheet.number(&attempts.failed)?;
        sheet.end()?;
    }
    Ok(())
}

fn write_warnings(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["level", "text", "count", "first", "last"])?;
    write_kinds(report, report.figures.happenings().warnings(), |level| Some(level.name()), sheet)
}

fn write_servers(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["reason", "closed", "first", "last"])?;
    write_kinds(report, report.figures.happenings().servers().reasons(), |()| None, sheet)
}

fn write_kinds<T: PartialEq, const MOST: usize>(
    report: &Report<'_>,
    kinds: &Kinds<T, MOST>,
    of: impl Fn(&T) -> Option<&'static str>,
    sheet: &mut dyn Sheet,
) -> fmt::Result {
    for kind in kinds.by_count() {
        of(&kind.of).map_or(Ok(()), |of| sheet.number(&of))?;
        sheet.text(&kind.text)?;
        sheet.number(&kind.count)?;
        sheet.text(report.format.print(kind.first).as_bytes())?;
        sheet.text(report.format.print(kind.last).as_bytes())?;
        sheet.end()?;
    }
    Ok(())
}

fn write_events(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["at", "pid", "event", "version"])?;
    for event in report.figures.happenings().lives() {
        sheet.text(report.format.print(event.millis).as_bytes())?;
        sheet.text(event.pid.to_string().as_bytes())?;
        sheet.number(&event.what.name())?;
        optional(sheet, event.what.version())?;
        sheet.end()?;
    }
    Ok(())
}

fn write_outages(report: &Report<'_>, sheet: &mut dyn Sheet) -> fmt::Result {
    sheet.head(&["entry", "verdict", "since", "until", "minutes"])?;
    for outage in report.figures.outages().list() {
        sheet.text(outage.entry.as_deref().unwrap_or_default().as_bytes())?;
        sheet.number(&outage.verdict.name())?;
        sheet.text(report.time(outage.since).as_bytes())?;
        sheet.text(outage.until.map_or(String::new(), |until| report.time(until)).as_bytes())?;
        optional(sheet, outage.until.map(|_| outage.minutes))?;
        sheet.end()?;
    }
    Ok(())
}
