//! What is no account's: refused connections, warnings, servers, commands and restarts, and the log itself.

use super::rows::{FIGURE, table};
use super::{Page, grouped, safe};
use crate::analysis::durations::Durations;
use crate::report::Report;
use crate::report::tables::Table;

/// Writes the sections.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    let happenings = report.figures.happenings();
    let sections = [
        (
            Table::Refused,
            "refused",
            "Refused connections",
            report.figures.refusals().total(),
            "By reason: clients that were turned away before any attempt",
            "No connection was refused.",
        ),
        (
            Table::Warnings,
            "warnings",
            "Errors and warnings",
            happenings.warnings().total(),
            "By kind, names and figures left out",
            "There is no warning and no error.",
        ),
        (
            Table::Events,
            "events",
            "Commands and restarts",
            happenings.life_events(),
            "Commands of administrators, signals, and processes that came and went: the newest",
            "There is no command of an administrator, no signal and no restart.",
        ),
        (
            Table::Servers,
            "servers",
            "Connections to PostgreSQL",
            happenings.servers().reasons().total() + happenings.servers().opened(),
            "Closed, by reason",
            "No connection to a server was opened or closed.",
        ),
    ];
    for (name, id, title, count, caption, none) in sections {
        page.section(id, title);
        if count == 0 {
            page.say(none);
            continue;
        }
        if name == Table::Servers {
            let closed = grouped(happenings.servers().reasons().total());
            page.add(format_args!("<p>{} opened, {closed} closed.</p>\n", grouped(happenings.servers().opened())));
        }
        table(report, name, caption, ("others", ""), page);
    }
    write_durations(report, page);
    write_log(report, page);
}

/// How long sessions of clients and connections to servers lasted.
fn write_durations(report: &Report<'_>, page: &mut Page) {
    let lifetimes = report.figures.happenings().servers().lifetimes();
    let rows = [("sessions of clients", report.figures.durations()), ("connections to servers", lifetimes)];
    if rows.iter().all(|(_, durations)| durations.count() == 0) {
        return;
    }
    page.put(
        "<div class=\"scroll\"><table><caption>How long they lasted, of those that were closed</caption><thead><tr>\
         <th scope=\"col\"></th>",
    );
    for head in ["closed", "half at most", "90 % at most", "99 % at most", "longest"] {
        page.head(FIGURE, head);
    }
    page.put("</tr></thead><tbody>\n");
    for (name, durations) in rows {
        write_quantiles(name, durations, page);
    }
    page.put("</tbody></table></div>\n");
}

fn write_quantiles(name: &str, durations: &Durations, page: &mut Page) {
    page.add(format_args!("<tr><th scope=\"row\">{name}</th>"));
    page.figure("", durations.count());
    let longest = (durations.count() > 0).then(|| durations.longest());
    for millis in [50, 90, 99].map(|percent| durations.quantile(percent)).into_iter().chain([longest]) {
        page.add(format_args!("<td class=\"n\">{}</td>", millis.map_or(String::new(), duration)));
    }
    page.put("</tr>\n");
}

/// `250 ms`, `7.5 s`, `5 min`, `1.5 h`.
fn duration(millis: u64) -> String {
    const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000), ("ms", 1)];
    let (unit, size) = UNITS.into_iter().find(|unit| millis >= unit.1).unwrap_or(UNITS[4]);
    let (whole, tenth) = (millis / size, millis % size * 10 / size);
    if tenth == 0 || whole >= 100 { format!("{whole} {unit}") } else { format!("{whole}.{tenth} {unit}") }
}

/// What the log is worth.
fn write_log(report: &Report<'_>, page: &mut Page) {
    page.section("log", "The log itself");
    if let Some(version) = report.analyzer.version() {
        page.add(format_args!("<p>Of PgBouncer {version}.</p>\n"));
    }
    let lines = report.figures.lines();
    page.put("<div class=\"scroll\"><table><caption>Its lines, by what they turned out to be</caption><tbody>\n");
    let rows = [
        ("all", lines.total),
        ("understood", lines.understood),
        ("by the configuration's own expressions", lines.fallback),
        ("continuing a message", lines.continuation),
        ("of other programs", lines.foreign),
        ("not understood", lines.unrecognised),
        ("too long", lines.too_long),
        ("not finished", lines.unfinished),
        ("gaps, in which lines are missing", report.figures.gaps()),
    ];
    for (name, count) in rows.into_iter().filter(|(name, count)| *count > 0 || *name == "all") {
        page.add(format_args!("<tr><th scope=\"row\">{name}</th>"));
        page.figure("", count);
        page.put("</tr>\n");
    }
    page.put("</tbody></table></div>\n");
    if lines.unrecognised > 0 {
        page.add(format_args!(
            "<p>The first line that was not understood:</p><pre>{}</pre>\n",
            safe(report.figures.sample())
        ));
    }
}
