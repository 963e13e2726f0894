//! What seldom comes, and what each output says of it: full tables, lines too long, gaps, failures that are known later.

#![allow(clippy::expect_used, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::figures::Period;
use loganalyzer::analysis::watch::{Entry, Watch, Window};
use loganalyzer::limits::{
    ACCOUNTS, LINE_MAX, PAGE_ROWS, PAGE_TIMELINES, PAIRS_PER_ACCOUNT, REFUSAL_REASONS, SESSIONS,
};
use loganalyzer::report::csv::Table;
use loganalyzer::report::mail::{self, Origin};
use loganalyzer::report::paint::Style;
use loganalyzer::report::time::TimeFormat;
use loganalyzer::report::{Report, csv, json, page, text};

fn entry(name: &str) -> Entry {
    let (open, close) = (jiff::civil::Time::midnight(), jiff::civil::Time::midnight());
    let window = Window { open, close, days: [true; 7] };
    Entry { name: name.to_owned(), database: None, user: name.as_bytes().to_vec(), minutes: 5, window }
}

fn analyzer(entries: Vec<Entry>) -> Analyzer {
    let mut watch = Watch::new(entries, TimeZone::UTC, BEGIN);
    watch.keep_timelines();
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: BEGIN })
}

/// 2026-11-22 00:00.
const BEGIN: i64 = 1_795_305_600_000;

fn line(minute: usize, message: &str) -> String {
    format!("2026-11-22 {:02}:{:02}:00.000 UTC [7] LOG {message}\n", minute / 60, minute % 60)
}

fn attempt(minute: usize, number: usize, user: &str, host: &str) -> String {
    line(minute, &format!("C-0x{number:x}: app/{user}@{host}:5 login attempt: db=app user={user} tls=no"))
}

fn closing(minute: usize, number: usize, user: &str, host: &str, reason: &str) -> String {
    line(minute, &format!("C-0x{number:x}: app/{user}@{host}:5 closing because: {reason} (age=1s)"))
}

fn both(minute: usize, number: usize, user: &str, host: &str, reason: &str) -> String {
    attempt(minute, number, user, host) + &closing(minute, number, user, host, reason)
}

const GOOD: &str = "client close request";
const BAD: &str = "password authentication failed";

fn feed(analyzer: &mut Analyzer, log: String) {
    common::feed(analyzer, &[log.into_bytes()]);
}

/// Every output of a period: the text, the JSON, the page, the mail's HTML.
fn outputs(analyzer: &Analyzer, period: Period) -> [String; 4] {
    let format = TimeFormat::default();
    let now = analyzer.last_instant().expect("a record");
    let report = Report::running(analyzer, period, &format, (BEGIN, now), Box::new(|instant| instant));
    let origin = Origin { host: "db1".to_owned(), logs: "pgbouncer.log".to_owned() };
    let html = mail::of_report(&report, "2026-11-22", &origin).html;
    let json: serde_json::Value = serde_json::from_str(&json::write(&report)).expect("JSON");
    [text::write(&report, Style::default()), json.to_string(), page::write(&report), html]
}

/// Each of the four says its part.
fn expect(analyzer: &Analyzer, period: Period, parts: [&str; 4]) {
    for (output, part) in outputs(analyzer, period).iter().zip(parts) {
        assert!(output.contains(part), "{part:?} in\n{output}");
    }
}

#[test]
fn lines_that_are_too_long_not_understood_or_missing() {
    let mut analyzer = analyzer(Vec::new());
    feed(
        &mut analyzer,
        both(1, 1, "web", "10.0.0.7", GOOD) + &"x".repeat(LINE_MAX + 1) + "\nnobodys <line>\n" + &line(2, "x"),
    );
    analyzer.gap();
    expect(
        &analyzer,
        Period::Run,
        [
            "Lines too long : 1\n",
            "\"tooLong\":1",
            "<th scope=\"row\">too long</th><td class=\"n\">1",
            "Lines too long: 1",
        ],
    );
    let gap = [
        "Gaps in the log : 1\n",
        "\"gaps\":1",
        "gaps, in which lines are missing</th><td class=\"n\">1",
        "Gaps in the log: 1",
    ];
    expect(&analyzer, Period::Run, gap);
    let escaped = "nobodys &lt;line&gt;";
    expect(&analyzer, Period::Run, ["The first of them : nobodys <line>\n", "nobodys <line>", escaped, escaped]);
}

#[test]
fn reasons_of_refusals_that_do_not_fit() {
    let mut analyzer = analyzer(Vec::new());
    let reasons = |number: usize| {
        let name: String = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
        line(
            1,
            &format!("C-0x{number:x}: (nodb)/(nouser)@10.0.0.7:{} closing because: reason {name} (age=0s)", number + 1),
        )
    };
    feed(&mut analyzer, (0..REFUSAL_REASONS + 3).map(reasons).collect());
    expect(
        &analyzer,
        Period::Run,
        [
            "Refused connections because of other reasons : 3\n",
            "\"others\":3",
            "others</th><td class=\"n\">3",
            "other reasons",
        ],
    );
}

#[test]
fn a_table_of_sessions_that_was_full() {
    let mut analyzer = analyzer(Vec::new());
    feed(&mut analyzer, (0..SESSIONS + 3).map(|number| attempt(1, number + 16, "web", "10.0.0.7")).collect());
    expect(
        &analyzer,
        Period::Run,
        [
            "Attempts decided by their age, as too many were open : 3\n",
            "\"decidedByAge\":3",
            "3 attempts were decided by their age, as too many were open.",
            "Attempts decided by their age, as too many were open: 3",
        ],
    );
    let unknown = [
        "log_disconnections",
        "\"failedUnknown\":true",
        "the log has no closings (log_disconnections is off), so no failure can be seen",
        "Failed logins are unknown, as the log has no closings (log_disconnections = 0)",
    ];
    expect(&analyzer, Period::Run, unknown);
}

#[test]
fn addresses_and_accounts_that_do_not_fit() {
    let mut analyzer = analyzer(Vec::new());
    let host = |number: usize| format!("10.{}.{}.7", number / 250, number % 250);
    let count = PAIRS_PER_ACCOUNT as usize + 5;
    let mut log: String = (0..count).map(|number| both(1, number + 16, "web", &host(number), GOOD)).collect();
    log += &(0..ACCOUNTS)
        .map(|number| both(2, number + 16, &format!("user{number}"), "10.0.0.7", GOOD))
        .collect::<String>();
    log += &both(3, 1, "one-too-many", "10.0.0.7", BAD);
    feed(&mut analyzer, log);
    expect(
        &analyzer,
        Period::Run,
        ["Number of logins from other addresses : 5\n", "\"others\":", ", others <var>", "Other accounts"],
    );
    let [_, _, page, _] = outputs(&analyzer, Period::Run);
    assert!(page.contains("were logins; 1 failed. "), "it failed, and its name is not known");
    assert!(page.contains("more are in <code>--format csv:"), "a table of more than {PAGE_ROWS} rows");
    let format = TimeFormat::default();
    let mut sheet = String::new();
    csv::write(&Report::complete(&analyzer, &format), Table::Addresses, &mut sheet).expect("a text");
    assert!(sheet.lines().any(|line| line == "web,,5,0"), "what did not fit has no name");
}

/// A day's report told them as logins, because they were open; on the next day they turn out to have failed.
#[test]
fn logins_of_an_earlier_report_that_failed_later() {
    let mut analyzer = analyzer(Vec::new());
    analyzer.begin_day();
    let users = (0..ACCOUNTS).map(|number| both(1, number + 16, &format!("user{number}"), "10.0.0.7", GOOD));
    feed(&mut analyzer, users.collect());
    feed(
        &mut analyzer,
        attempt(2, 1, "user1", "10.0.0.7") + &attempt(2, 2, "one-too-many", "10.0.0.7") + &line(2, "x"),
    );
    analyzer.begin_day();
    let closings = [("user1", 1), ("one-too-many", 2)].map(|(user, number)| closing(3, number, user, "10.0.0.7", BAD));
    feed(&mut analyzer, closings.concat() + &line(3, "x"));
    let day = Period::Day;
    expect(
        &analyzer,
        day,
        [
            "Number of logins of earlier reports that failed later : 1\n",
            "",
            "",
            "logins of earlier reports that failed later: 1",
        ],
    );
    expect(
        &analyzer,
        day,
        ["of earlier reports of other accounts that failed later : 1\n", "", "", "that failed later: 1"],
    );
}

#[test]
fn a_watched_account_that_never_came_and_more_than_a_page_shows() {
    let entries: Vec<Entry> = (0..PAGE_TIMELINES + 2).map(|number| entry(&format!("user{number}"))).collect();
    let mut analyzer = analyzer(entries);
    for hour in 0..24 {
        feed(&mut analyzer, both(hour * 60 + 59, 1, "user77", "10.0.0.7", GOOD) + &line(hour * 60 + 59, "x"));
        analyzer.tick(BEGIN + (hour as i64 + 1) * 3_600_000);
    }
    analyzer.tick(BEGIN + 25 * 3_600_000);
    expect(
        &analyzer,
        Period::Run,
        [
            "Watched for a whole window but never seen : user0 (nearest name seen: user77)\n",
            "\"neverSeen\":[{\"entry\":\"user0\",\"nearest\":\"user77\"}",
            "<b>user0</b> was never seen. The nearest name that was is <b>user77</b>.",
            "watched for a whole window but never seen (nearest name seen: user77)",
        ],
    );
    let [_, _, page, _] = outputs(&analyzer, Period::Run);
    assert!(page.contains("2 more are in <code>--format json</code>."));
}
