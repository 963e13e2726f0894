//! Mails: what is told, as subject, plain text and HTML.
//!
//! The plain text of a report is [`super::text`]'s without colours, with all accounts and addresses; the HTML shows the
//! same figures to people, and only the most frequent ones.

use super::Report;
use super::html::{self, Page, color, safe};
use super::notice::{Message, plural};
use super::paint::Style;
use super::safe::Medium;
use super::text::{self, outage_name, outage_times};
use crate::analysis::series::Bucket;
use crate::analysis::summary::{AccountSummary, Breakdown};
use crate::analysis::traffic::Sums;
use crate::limits::{HTML_ROWS, SUBJECT_MAX};

/// A mail, but for from whom and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line, without control characters.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as a page of HTML.
    pub html: String,
}

/// Where mails come from, for a reader who has many hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The host's name.
    pub host: String,
    /// The log files that are followed.
    pub logs: String,
}

impl Origin {
    /// The last lines of a plain text.
    fn signature(&self, time: &str) -> String {
        let logs = super::safe::shown(self.logs.as_bytes(), Medium::Terminal);
        format!("\nTime : {time}\nHost : {}\nLog : {logs}\n", self.host)
    }

    fn line(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        format!("loganalyzer {version} on {}, following {}", self.host, self.logs)
    }
}

impl Mail {
    /// The mail with a line more, before the end.
    pub fn with_note(&self, note: &str) -> Self {
        Self {
            subject: self.subject.clone(),
            text: format!("{}\n{note}\n", self.text),
            html: self.html.replacen(html::NOTE, &html::note(note), 1),
        }
    }

    /// How many bytes it takes.
    pub fn size(&self) -> usize {
        self.subject.len() + self.text.len() + self.html.len()
    }
}

/// `[LogAnalyzer] …`: one line that is not too long, and that no name can make a mail program decode.
fn subject(matter: &str) -> String {
    let safe = super::safe::shown(matter.as_bytes(), Medium::Terminal).to_string();
    // Blanks between two encoded words (RFC 2047) are not there for a mail program, and lettre puts more than one there.
    let safe = safe.replace("=?", r"=\x3f").replace("  ", r" \x20");
    let mut subject = format!("[LogAnalyzer] {safe}");
    if let Some((cut, _)) = subject.char_indices().nth(SUBJECT_MAX) {
        subject.truncate(cut);
        subject.push('…');
    }
    subject
}

/// A mail that only shows that mails arrive.
pub fn of_test(origin: &Origin, time: &str) -> Mail {
    let said = "This mail was asked for (loganalyzer check --send-test-mail). Alerts and reports come the same way.";
    let mut page = Page::new("Test", &format!("{time} on {}", origin.host), color::GOOD);
    page.text(said);
    let text = format!("{said}\n{}", origin.signature(time));
    Mail { subject: subject("Test"), text, html: page.finish(&origin.line()) }
}

/// What is told in one tick at `time`, as one mail; `None` where that is nothing.
pub fn of_messages(messages: &[Message], time: &str, origin: &Origin) -> Option<Mail> {
    let subjects: Vec<String> = messages.iter().map(Message::subject).collect();
    let band = if messages.iter().any(|message| message.is_alert) { color::BAD } else { color::GOOD };
    let mut page = Page::new(subjects.first()?, &format!("{time} on {}", origin.host), band);
    let mut lines: Vec<String> = Vec::new();
    for message in messages {
        lines.push(format!("{}\n", message.headline()));
        lines.extend(message.lines().map(|line| format!("    {line}\n")));
        write_message(message, messages.len() == 1, &mut page);
    }
    lines.push(origin.signature(time));
    Some(Mail { subject: subject(&subjects.join("; ")), text: lines.concat(), html: page.finish(&origin.line()) })
}

/// The title has said what the only message is about.
fn write_message(message: &Message, is_only: bool, page: &mut Page) {
    let color = if message.is_alert { color::BAD } else { color::GOOD };
    let headline =
        if is_only { message.addition.trim_start_matches([',', ' ']).to_owned() } else { message.headline() };
    page.heading(format_args!("<span style=\"color:{color}\">{}</span>", safe(headline.as_bytes())));
    let rows = message.lines().map(|line| {
        let indent = if line.starts_with(' ') { "&ensp;" } else { "" };
        let (label, value) = line.trim_start().split_once(" : ").unwrap_or(("", line.trim_start()));
        vec![format!("{indent}{}", safe(label.as_bytes())), safe(value.as_bytes()).to_string()]
    });
    page.table(&["", ""], rows);
}

/// A report as a mail; `day` is the day that it is named after, `time` when it was made.
pub fn of_report(report: &Report<'_>, day: &str, origin: &Origin) -> Mail {
    let total = &report.summary.total;
    let accounts = report.summary.accounts.len() as u64 + report.summary.other_accounts;
    let outages = report.figures.outages().count();
    let count =
        |count: u64, one: &str, many: &str| format!("{} {}", grouped(count), if count == 1 { one } else { many });
    let matter = format!(
        "Report {day}: {}, {}, {}",
        count(accounts, "account", "accounts"),
        count(total.logins, "login", "logins"),
        count(outages, "outage", "outages")
    );
    let text = text::write(report, Style { colors: false, terminal: true });
    Mail { subject: subject(&matter), text, html: write_page(report, day, accounts, origin) }
}

fn write_page(report: &Report<'_>, day: &str, accounts: u64, origin: &Origin) -> String {
    let (from, to) = report.times().unwrap_or_default();
    let mut page = Page::new(&format!("Report {day}"), &format!("{from} to {to} on {}", origin.host), color::BAR);
    let total = &report.summary.total;
    let outages = report.figures.outages().count();
    let bad = |count: u64| if count > 0 { color::BAD } else { color::TEXT };
    page.tiles(&[
        (name(accounts, "account", "accounts"), grouped(accounts), color::TEXT),
        (name(total.logins, "login", "logins"), grouped(total.logins), color::GOOD),
        (name(total.failed, "failed login", "failed logins"), grouped(total.failed), bad(total.failed)),
        (name(outages, "outage", "outages"), grouped(outages), bad(outages)),
    ]);
    write_outages(report, &mut page);
    write_traffic(report, &mut page);
    write_accounts(report, &mut page);
    write_refused(report, &mut page);
    write_oddities(report, &mut page);
    page.finish(&origin.line())
}

fn write_outages(report: &Report<'_>, page: &mut Page) {
    let outages = report.figures.outages();
    if outages.count() == 0 {
        return;
    }
    page.heading("Outages");
    let rows = outages.list().map(|outage| vec![outage_name(outage, Medium::Html), outage_times(report, outage)]);
    page.table(&["", ""], rows);
}

fn write_traffic(report: &Report<'_>, page: &mut Page) {
    let Some(averages) = report.figures.traffic().total().averages() else { return };
    page.heading("Traffic");
    let mut rows = vec![
        ("Average requests by second", grouped(averages.requests)),
        ("Average bytes IN by second", grouped(averages.bytes_in)),
        ("Average bytes OUT by second", grouped(averages.bytes_out)),
        ("Average request duration by second", milliseconds(averages.request_seconds)),
    ];
    if let Some(since) = averages.since_1_8 {
        rows.push(("Average transactions by second", grouped(since.transactions)));
        rows.push(("Average wait by second", milliseconds(since.wait_seconds)));
    }
    page.table(&["", ""], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
    let hours = hours(report);
    page.small("Requests by second, on average over each hour");
    let columns: Vec<(String, u64, String)> = hours
        .iter()
        .map(|(hour, sums)| {
            let requests = sums.averages().map_or(0, |averages| averages.requests);
            (format!("{hour:02}:00"), requests, format!("{hour:02}:00 {}", grouped(requests)))
        })
        .collect();
    page.columns(&columns);
    if let Some((hour, highest, _)) = columns.iter().max_by_key(|column| column.1) {
        page.small(format_args!("Highest: {} at {hour}", grouped(*highest)));
    }
}

/// The last day of the period by the hour of the printed clock: (hour of the day, sums), also of quiet hours.
fn hours(report: &Report<'_>) -> Vec<(i64, Sums)> {
    const HOUR_MS: i64 = 3_600_000;
    let series = report.figures.traffic().series();
    let end = series.iter().next_back().map_or(0, |(minute, _)| minute + series.width());
    let mut hours: Vec<(i64, Sums)> = Vec::new();
    for (minute, sums) in series.iter().filter(|(minute, _)| *minute >= end - 24 * 60) {
        // Buckets of a long run are wider than an hour: each of its hours has its averages.
        for part in (minute..minute + series.width()).step_by(60) {
            let hour = (report.local)(part * 60_000).div_euclid(HOUR_MS);
            while let Some(&(last, _)) = hours.last()
                && last < hour
            {
                hours.push((last + 1, Sums::default()));
            }
            if hours.is_empty() {
                hours.push((hour, Sums::default()));
            }
            // An hour that the clock repeats is one.
            if let Some((_, sum)) = hours.iter_mut().rev().find(|(known, _)| *known == hour) {
                sum.merge(sums);
            }
        }
    }
    hours.into_iter().map(|(hour, sums)| (hour.rem_euclid(24), sums)).collect()
}

fn write_accounts(report: &Report<'_>, page: &mut Page) {
    let accounts = &report.summary.accounts;
    for account in accounts.iter().take(HTML_ROWS.0) {
        write_account(report, account, page);
    }
    let more = accounts.len().saturating_sub(HTML_ROWS.0);
    if more > 0 {
        page.small(format_args!("and {} in the plain text", plural(more as i64, "account", "accounts")));
    }
    write_others(report, page);
    for (name, nearest) in report.never_seen() {
        let nearest = nearest.map_or(String::new(), |name| format!(" (nearest name seen: {})", safe(name.as_bytes())));
        page.heading(format_args!("<span style=\"color:{}\">{}</span>", color::BAD, safe(name.as_bytes())));
        page.text(format_args!("watched for a whole window but never seen{nearest}"));
    }
    if report.cannot_tell_failures() {
        page.small("Failed logins are unknown, as the log has no closings (log_disconnections = 0)");
    }
}

/// What did not fit the tables.
fn write_others(report: &Report<'_>, page: &mut Page) {
    let others = &report.summary.others;
    if others.attempts + others.failed_later > 0 {
        page.heading("Other accounts");
        let (logins, failed, later) = (grouped(others.logins), grouped(others.failed), grouped(others.failed_later));
        page.text(format_args!(
            "logins: {logins}, failed logins: {failed}, of earlier reports that failed later: {later}"
        ));
    }
    if report.pushed_out() > 0 {
        let count = grouped(report.pushed_out());
        page.small(format_args!("Attempts decided by their age, as too many were open: {count}"));
    }
}

fn write_account(report: &Report<'_>, account: &AccountSummary<'_>, page: &mut Page) {
    page.heading(safe(account.user));
    if let (Some(first), Some(last)) = (account.first, account.last) {
        let (first, last) = (report.format.print(first.millis), report.format.print(last.millis));
        let logins = grouped(account.tally.logins);
        page.small(format_args!("logins: {logins}, the first {first}, the last {last}"));
    }
    let mut rows = rows(&account.from, |row| row.logins);
    let whole = rows.iter().map(|row| row.1).max().unwrap_or(0);
    page.bars(&rows, whole);
    if account.tally.failed > 0 {
        let failed = grouped(account.tally.failed);
        page.small(format_args!("<span style=\"color:{}\">failed logins: {failed}</span>", color::BAD));
        rows = self::rows(&account.reasons, |row| row.failed);
        page.table(&["reason", "failed"], rows.into_iter().map(|(reason, _, count)| vec![reason, count]));
    }
    if account.tally.failed_later > 0 {
        let count = grouped(account.tally.failed_later);
        page.small(format_args!("logins of earlier reports that failed later: {count}"));
    }
}

/// The most frequent ones, and the rest together: (name, count, the count as text).
fn rows(
    breakdown: &Breakdown<'_>,
    count: impl Fn(&crate::analysis::accounts::Row) -> u64,
) -> Vec<(String, u64, String)> {
    let mut named: Vec<(&[u8], u64)> = breakdown.rows().iter().map(|(name, row)| (*name, count(row))).collect();
    named.retain(|row| row.1 > 0);
    let shown = named.len().min(HTML_ROWS.1);
    let others = named[shown..].iter().map(|row| row.1).sum::<u64>() + count(&breakdown.others);
    let mut rows: Vec<(String, u64, String)> =
        named[..shown].iter().map(|(name, count)| (safe(name).to_string(), *count, grouped(*count))).collect();
    if others > 0 {
        rows.push(("others".to_owned(), others, grouped(others)));
    }
    rows
}

fn write_refused(report: &Report<'_>, page: &mut Page) {
    let refusals = report.figures.refusals();
    if refusals.total() == 0 {
        return;
    }
    page.heading(format_args!("Refused connections: {}", grouped(refusals.total())));
    let named = refusals.by_reason().into_iter().map(|(reason, count)| vec![safe(reason).to_string(), grouped(count)]);
    let others = (refusals.others() > 0).then(|| vec!["other reasons".to_owned(), grouped(refusals.others())]);
    page.table(&["reason", "refused"], named.chain(others));
}

/// What the log holds that could not be read, or does not hold any more.
fn write_oddities(report: &Report<'_>, page: &mut Page) {
    let (lines, gaps) = (report.figures.lines(), report.figures.gaps());
    if lines.unrecognised + lines.too_long + gaps == 0 {
        return;
    }
    page.heading("The log");
    if lines.unrecognised > 0 {
        page.text(format_args!("Lines not understood: {}. The first of them:", grouped(lines.unrecognised)));
        page.small(safe(report.figures.sample()));
    }
    if lines.too_long > 0 {
        page.text(format_args!("Lines too long: {}", grouped(lines.too_long)));
    }
    if gaps > 0 {
        page.text(format_args!("Gaps in the log: {}", grouped(gaps)));
    }
}

/// What so many are called.
fn name<'a>(count: u64, one: &'a str, many: &'a str) -> &'a str {
    if count == 1 { one } else { many }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1000.0)
}

/// `1,204`.
#[inline(never)]
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join(",")
}

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;
