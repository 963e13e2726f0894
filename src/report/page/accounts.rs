//! The accounts: who logged in, who failed and why, from where and into what.

use super::rows::FIGURE;
use super::{Page, grouped, safe};
use crate::analysis::summary::{AccountSummary, Breakdown};
use crate::limits::{PAGE_PARTS, PAGE_ROWS};
use crate::pgbouncer::record::Stamp;
use crate::report::Report;

/// Writes the section.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    page.section("accounts", "Accounts");
    let accounts = &report.summary.accounts;
    if accounts.is_empty() {
        page.say("No account was seen.");
        return;
    }
    page.put("<div class=\"scroll\"><table class=\"accounts\"><thead><tr><th scope=\"col\">account</th>");
    for head in ["logins", "failed"] {
        page.head(FIGURE, head);
    }
    page.put("<th scope=\"col\">first login</th><th scope=\"col\">last login</th></tr></thead>\n");
    accounts.iter().take(PAGE_ROWS).for_each(|account| write_account(report, account, page));
    page.put("</table></div>\n");
    let more = accounts.len().saturating_sub(PAGE_ROWS);
    if more > 0 {
        page.note(format_args!("{more} more are in <code>--format csv:accounts</code>."));
    }
    let others = &report.summary.others;
    if others.attempts > 0 {
        page.add(format_args!(
            "<p>About {} more accounts did not fit: {} logins, {} failed.</p>\n",
            grouped(report.summary.other_accounts),
            grouped(others.logins),
            grouped(others.failed)
        ));
    }
    let total = &report.summary.total;
    if total.pending + total.assumed > 0 {
        page.note(format_args!(
            "Of the logins {} are assumed, as their sessions lived on, and {} too young to be decided.",
            grouped(total.assumed),
            grouped(total.pending)
        ));
    }
    if report.pushed_out() > 0 {
        let count = grouped(report.pushed_out());
        page.note(format_args!("{count} attempts were decided by their age, as too many were open."));
    }
}

/// Two rows: the figures, and what is behind them.
fn write_account(report: &Report<'_>, account: &AccountSummary<'_>, page: &mut Page) {
    let tally = &account.tally;
    page.add(format_args!("<tbody><tr><th scope=\"rowgroup\">{}</th>", safe(account.user)));
    page.figure("", tally.logins);
    page.figure(if tally.failed > 0 { " bad" } else { "" }, tally.failed);
    let time = |stamp: Option<Stamp>| stamp.map_or("never".to_owned(), |stamp| report.format.print(stamp.millis));
    for stamp in [account.first, account.last] {
        page.add(format_args!("<td>{}</td>", safe(time(stamp).as_bytes())));
    }
    page.put("</tr>\n<tr class=\"more\"><td colspan=\"5\">");
    write_parts("failed", &account.reasons, page);
    write_parts("from", &account.from, page);
    write_parts("into", &account.databases, page);
    page.put("</td></tr></tbody>\n");
}

/// `from 10.0.0.7 126, 10.0.0.8 12 (3 failed), and 4 more`.
fn write_parts(name: &str, parts: &Breakdown<'_>, page: &mut Page) {
    let rows = parts.rows();
    if rows.is_empty() && parts.others.is_empty() {
        return;
    }
    page.add(format_args!("<span><b>{name}</b>"));
    for (number, (item, row)) in rows.iter().take(PAGE_PARTS).enumerate() {
        let comma = if number > 0 { "," } else { "" };
        page.add(format_args!("{comma} {}", safe(item)));
        if row.logins > 0 {
            page.add(format_args!(" <var>{}</var>", grouped(row.logins)));
        }
        if row.failed > 0 {
            page.add(format_args!(" <var class=\"bad\">{} failed</var>", grouped(row.failed)));
        }
    }
    let more = rows.len().saturating_sub(PAGE_PARTS);
    if more > 0 {
        page.add(format_args!(", and {} more", grouped(more as u64)));
    }
    let others = parts.others.logins + parts.others.failed;
    if others > 0 {
        page.add(format_args!(", others <var>{}</var>", grouped(others)));
    }
    page.put("</span> ");
}
