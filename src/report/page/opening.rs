//! How the page begins: the period, a sentence that says how it went, and the figures that one looks for first.

use super::{Page, grouped, safe};
use crate::report::Report;
use crate::report::filter;
use crate::report::notice::plural;
use crate::report::safe::Medium;
use crate::report::text::{outage_name, outage_times};

/// Writes the heading and what is below it.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    page.put("<h1>pgbouncer, as its log has it</h1>\n");
    let Some((from, to)) = report.times() else {
        page.say("There is no record of pgbouncer in this log.");
        return;
    };
    page.add(format_args!("<p class=\"period\">{} to {}</p>\n", safe(from.as_bytes()), safe(to.as_bytes())));
    if let Some(said) = filter::said(report, Medium::Html) {
        page.note(format_args!("Only {said}."));
    }
    let lead = [of_watch(report), of_logins(report), of_refusals(report)].concat();
    page.add(format_args!("<p class=\"lead\">{lead}</p>\n"));
    write_tiles(report, page);
}

/// What was alerted, which is what the page is opened for.
fn of_watch(report: &Report<'_>) -> String {
    let outages = report.figures.outages();
    let watched = report.analyzer.watch().entries().len();
    let longest = outages.list().max_by_key(|outage| outage.until.map_or(i64::MAX, |_| outage.minutes));
    match (longest, outages.count()) {
        (None, _) if watched == 0 => String::new(),
        (None, _) => {
            let entries = plural(watched as i64, "watched account", "watched accounts");
            format!("<strong class=\"good\">No outage of {entries}.</strong> ")
        }
        (Some(outage), count) => {
            let which = if count == 1 { "of" } else { "the longest of" };
            let (name, times) = (outage_name(outage, Medium::Html), outage_times(report, outage));
            let outages = plural(count as i64, "outage", "outages");
            format!("<strong class=\"bad\">{outages}, {which} {name}</strong>: {}. ", safe(times.as_bytes()))
        }
    }
}

/// How many logged in, and who failed most.
fn of_logins(report: &Report<'_>) -> String {
    let total = &report.summary.total;
    if total.attempts == 0 {
        return "Nobody tried to log in. ".to_owned();
    }
    let accounts = report.summary.accounts.len() as u64 + report.summary.other_accounts;
    let accounts = if accounts == 1 { "one account".to_owned() } else { format!("{} accounts", grouped(accounts)) };
    let logins = format!("{} of {} attempts of {accounts} were logins", grouped(total.logins), grouped(total.attempts));
    if report.cannot_tell_failures() {
        return format!(
            "{logins}, but the log has no closings (log_disconnections is off), so no failure can be seen. "
        );
    }
    let worst = report.summary.accounts.iter().max_by_key(|account| account.tally.failed);
    match worst.filter(|account| account.tally.failed > 0) {
        None if total.failed == 0 => format!("{logins}; none failed. "),
        None => format!("{logins}; {} failed. ", grouped(total.failed)),
        Some(account) => {
            let reasons = account.reasons.rows();
            let reason = reasons.iter().max_by_key(|(_, row)| row.failed).map_or(&b""[..], |(reason, _)| *reason);
            let share = if account.tally.failed == total.failed { "all" } else { "most" };
            let (failed, user, reason) = (grouped(total.failed), safe(account.user), safe(reason));
            format!("{logins}; {failed} failed, {share} of them of <b>{user}</b> ({reason}). ")
        }
    }
}

fn of_refusals(report: &Report<'_>) -> String {
    match report.figures.refusals().total() {
        0 => String::new(),
        1 => "One connection was refused.".to_owned(),
        count => format!("{} connections were refused.", grouped(count)),
    }
}

/// The figures that one looks for first.
fn write_tiles(report: &Report<'_>, page: &mut Page) {
    let total = &report.summary.total;
    let figures = &report.figures;
    let happenings = figures.happenings();
    let tiles = [
        ("logins", total.logins, "good"),
        ("failed logins", total.failed, "bad"),
        ("refused", figures.refusals().total(), "bad"),
        ("outages", figures.outages().count(), "bad"),
        ("warnings and errors", happenings.warnings().total(), ""),
        ("lines of the log", figures.lines().total, ""),
    ];
    page.put("<dl class=\"tiles\">");
    for (name, figure, class) in tiles {
        let class = if figure > 0 { class } else { "" };
        page.add(format_args!("<div><dt>{name}</dt><dd class=\"{class}\">{}</dd></div>", grouped(figure)));
    }
    page.put("</dl>\n");
}
