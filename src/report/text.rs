//! The report as text: the script of 2017's, byte for byte, and what is new as further lines behind it.

use super::Report;
use super::filter;
use super::notice::{log_name, plural};
use super::paint::{Color, Paint, Style};
use super::safe::{Medium, shown};
use crate::analysis::outages::Outage;
use crate::analysis::summary::AccountSummary;
use crate::analysis::traffic::Averages;

/// Writes the report.
pub fn write(report: &Report<'_>, style: Style) -> String {
    let mut text = String::new();
    write_parts(report, style, &mut |part| text.push_str(part));
    text
}

/// Writes the report part by part: with many accounts it is long, and need not be in memory as a whole.
pub fn write_parts(report: &Report<'_>, style: Style, out: &mut dyn FnMut(&str)) {
    let mut paint = Paint::new(style);
    filter::write_text(report, style, &mut paint);
    write_stats(report, &mut paint);
    paint.blank();
    write_logins(report, style, &mut paint, out);
    write_refused(report, style, &mut paint);
    write_lines(report, style, &mut paint);
    write_outages(report, style, &mut paint);
    paint.blank();
    let end = report.times().map_or_else(|| "-".to_owned(), |(_, to)| to);
    paint.put(Color::Blue, "End date : ").put(Color::Yellow, end).end();
    out(&paint.finish());
}

/// `Stats for … from X to Y : `, or that there are none.
fn write_heading(report: &Report<'_>, what: &str, between: &str, any: bool, paint: &mut Paint) {
    let (from, to) = report.times().unwrap_or_else(|| ("-".to_owned(), "-".to_owned()));
    if !any {
        paint.put(Color::Blue, "There is ").put(Color::Red, "no ");
    }
    paint.put(Color::Blue, format_args!("Stats for {what}{between}periode from ")).put(Color::Yellow, from);
    paint.put(Color::Blue, " to ").put(Color::Yellow, to);
    if any {
        paint.put(Color::Blue, " : ");
    }
    paint.end();
}

fn write_stats(report: &Report<'_>, paint: &mut Paint) {
    let averages = report.figures.traffic().total().averages();
    write_heading(report, "running", " ", averages.is_some(), paint);
    if let Some(averages) = averages {
        write_averages(&averages, paint);
    }
}

fn write_averages(averages: &Averages, paint: &mut Paint) {
    paint.line("Average requests by second", averages.requests);
    paint.line("Average bytes IN by second", averages.bytes_in);
    paint.line("Average bytes OUT by second", averages.bytes_out);
    paint.line("Average request duration by second", seconds(averages.request_seconds));
    if let Some(since) = &averages.since_1_8 {
        paint.line("Average transactions by second", since.transactions);
        paint.line("Average transaction duration by second", seconds(since.transaction_seconds));
        paint.line("Average wait by second", seconds(since.wait_seconds));
    }
}

/// The shortest form that reads back, with a decimal point.
fn seconds(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.1}") } else { value.to_string() }
}

fn write_logins(report: &Report<'_>, style: Style, paint: &mut Paint, out: &mut dyn FnMut(&str)) {
    write_heading(report, "logins", ", ", !report.summary.accounts.is_empty(), paint);
    for account in &report.summary.accounts {
        write_account(report, account, style, paint);
        paint.pass(out);
    }
    let others = &report.summary.others;
    if others.attempts > 0 {
        paint.line("Number of logins of other accounts", others.logins);
        paint.line("Number of failed logins of other accounts", others.failed);
    }
    if others.failed_later > 0 {
        paint.line("Number of logins of earlier reports of other accounts that failed later", others.failed_later);
    }
    if report.pushed_out() > 0 {
        paint.line("Attempts decided by their age, as too many were open", report.pushed_out());
    }
    for (name, nearest) in report.never_seen() {
        let name = shown(name.as_bytes(), style.medium());
        let hint = nearest.map_or(String::new(), |nearest| {
            format!(" (nearest name seen: {})", shown(nearest.as_bytes(), style.medium()))
        });
        paint.line("Watched for a whole window but never seen", format_args!("{name}{hint}"));
    }
    if report.cannot_tell_failures() {
        paint.line("Failed logins", "unknown, as the log has no closings (log_disconnections = 0)");
    }
}

fn write_account(report: &Report<'_>, account: &AccountSummary<'_>, style: Style, paint: &mut Paint) {
    let name = |bytes| shown(bytes, style.medium());
    paint.put(Color::Blue, "Account : ").put(Color::Green, name(account.user)).end();
    if let (Some(first), Some(last)) = (account.first, account.last) {
        paint.line("First login time", report.format.print(first.millis));
        paint.line("Last login time", report.format.print(last.millis));
        paint.line("Number of logins", account.tally.logins);
    }
    for (host, row) in account.from.rows().iter().filter(|(_, row)| row.logins > 0) {
        paint.line(format_args!("Number of logins from {}", name(host)), row.logins);
    }
    if account.from.others.logins > 0 {
        paint.line("Number of logins from other addresses", account.from.others.logins);
    }
    write_failures(account, style, paint);
}

fn write_failures(account: &AccountSummary<'_>, style: Style, paint: &mut Paint) {
    let name = |bytes| shown(bytes, style.medium());
    if account.tally.failed_later > 0 {
        paint.line("Number of logins of earlier reports that failed later", account.tally.failed_later);
    }
    if account.tally.failed == 0 {
        return;
    }
    paint.line("Number of failed logins", account.tally.failed);
    for (reason, row) in account.reasons.rows() {
        paint.line(format_args!("Number of failed logins because of {}", name(reason)), row.failed);
    }
    if account.reasons.others.failed > 0 {
        paint.line("Number of failed logins because of other reasons", account.reasons.others.failed);
    }
    for (host, row) in account.from.rows().iter().filter(|(_, row)| row.failed > 0) {
        paint.line(format_args!("Number of failed logins from {}", name(host)), row.failed);
    }
    if account.from.others.failed > 0 {
        paint.line("Number of failed logins from other addresses", account.from.others.failed);
    }
}

fn write_refused(report: &Report<'_>, style: Style, paint: &mut Paint) {
    let refusals = report.figures.refusals();
    if refusals.total() == 0 {
        return;
    }
    paint.blank();
    paint.line("Refused connections", refusals.total());
    for (reason, count) in refusals.by_reason() {
        paint.line(format_args!("Refused connections because of {}", shown(reason, style.medium())), count);
    }
    if refusals.others() > 0 {
        paint.line("Refused connections because of other reasons", refusals.others());
    }
}

/// What the log holds that could not be read, or does not hold any more.
fn write_lines(report: &Report<'_>, style: Style, paint: &mut Paint) {
    let lines = report.figures.lines();
    let gaps = report.figures.gaps();
    if lines.unrecognised + lines.too_long + gaps == 0 {
        return;
    }
    paint.blank();
    if lines.unrecognised > 0 {
        paint.line("Lines not understood", lines.unrecognised);
        paint.line("The first of them", shown(report.figures.sample(), style.medium()));
    }
    if lines.too_long > 0 {
        paint.line("Lines too long", lines.too_long);
    }
    if gaps > 0 {
        paint.line("Gaps in the log", gaps);
    }
}

/// What was alerted.
fn write_outages(report: &Report<'_>, style: Style, paint: &mut Paint) {
    let outages = report.figures.outages();
    if outages.count() == 0 {
        return;
    }
    paint.blank();
    paint.line("Outages", outages.count());
    for outage in outages.list() {
        let name = outage_name(outage, style.medium());
        paint.line(format_args!("Outage of {name}"), outage_times(report, outage));
    }
}

/// The entry, or the log.
pub(super) fn outage_name(outage: &Outage, medium: Medium) -> String {
    match &outage.entry {
        Some(entry) => shown(entry.as_bytes(), medium).to_string(),
        None => shown(log_name(outage.log.as_deref()).as_bytes(), medium).to_string(),
    }
}

/// `from … to …, 95 minutes (failing)`.
pub(super) fn outage_times(report: &Report<'_>, outage: &Outage) -> String {
    let (since, verdict) = (report.time(outage.since), outage.verdict.name());
    match outage.until {
        Some(until) => {
            let minutes = plural(outage.minutes, "minute", "minutes");
            format!("from {since} to {}, {minutes} ({verdict})", report.time(until))
        }
        None => format!("since {since} ({verdict})"),
    }
}
