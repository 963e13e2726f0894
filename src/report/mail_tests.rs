use super::*;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::figures::Period;
use crate::analysis::watch::Watch;
use crate::pgbouncer::lines::{Kind, Line};
use crate::report::time::TimeFormat;
use jiff::tz::TimeZone;

fn origin() -> Origin {
    Origin { host: "db1".to_owned(), logs: "/var/log/postgresql/pgbouncer.log".to_owned() }
}

fn message(is_alert: bool, matter: &str) -> Message {
    let details = vec!["last login : 2026-11-23 13:54:30 from 10.0.0.30".to_owned()];
    Message { is_alert, matter: matter.to_owned(), addition: ", since 13:54".to_owned(), details, log: None }
}

#[test]
fn the_subject_says_the_matter() {
    let alert = message(true, "postgres: no login for 5 minutes (silent)");
    let mail = of_messages(std::slice::from_ref(&alert), "14:00", &origin()).expect("a mail");
    assert_eq!(mail.subject, "[LogAnalyzer] ALERT postgres: no login for 5 minutes (silent)");
    let text = "ALERT postgres: no login for 5 minutes (silent), since 13:54\n    last login : 2026-11-23 13:54:30 from \
                10.0.0.30\n\nTime : 14:00\nHost : db1\nLog : /var/log/postgresql/pgbouncer.log\n";
    assert_eq!(mail.text, text);
    let both = of_messages(&[message(false, "web: logged in"), alert], "14:00", &origin()).expect("a mail");
    let subject = "[LogAnalyzer] RECOVERED web: logged in; ALERT postgres: no login for 5 minutes (silent)";
    assert_eq!(both.subject, subject);
    assert_eq!(of_messages(&[], "14:00", &origin()), None);
}

#[test]
fn a_name_cannot_add_a_header_nor_be_decoded_nor_hide_the_matter() {
    for (name, safe) in [
        ("a\r\nBcc: x@y.z", r"a\x0d\x0aBcc: x@y.z"),
        ("=?utf-8?B?Z29vZA==?=", r"=\x3futf-8?B?Z29vZA==\x3f="),
        ("x\u{202e}y", r"x\xe2\x80\xaey"),
        // Found by fuzzing: two blanks between names that are not ASCII were none.
        ("ü  ü   ü", r"ü \x20ü \x20 ü"),
    ] {
        assert_eq!(subject(name), format!("[LogAnalyzer] {safe}"));
    }
    assert_eq!(subject(&"ü".repeat(500)).chars().count(), SUBJECT_MAX + 1);
}

/// Found by fuzzing.
#[test]
fn a_path_cannot_add_lines_to_a_text() {
    let origin = Origin { logs: "x\nHost : db2\u{1b}".to_owned(), ..origin() };
    assert!(of_test(&origin, "14:00").text.ends_with("\nHost : db1\nLog : x\\x0aHost : db2\\x1b\n"));
}

/// An analyzer that has read a client of this user name, from minute to minute of a day.
fn analyzer(user: &str) -> Analyzer {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let mut take = |minute: u32, message: &str| {
        let text = format!("2026-11-22 {:02}:{:02}:00.000 UTC [7] LOG {message}", minute / 60, minute % 60);
        analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
    };
    for minute in 0..24 * 60 {
        let client = format!("C-0x{minute:x}: app/{user}@10.0.0.{}:5", minute % 20);
        take(minute, &format!("{client} login attempt: db=app user={user} tls=no"));
        let reason = if minute % 100 == 0 { "password authentication failed" } else { "client close request" };
        take(minute, &format!("{client} closing because: {reason} (age=1s)"));
        let requests = minute / 60 * 10;
        take(
            minute,
            &format!("stats: 1 xacts/s, {requests} queries/s, in 2 B/s, out 3 B/s, xact 4 us, query 5 us, wait 6 us"),
        );
    }
    analyzer
}

#[test]
fn a_report_has_the_same_figures_in_all_its_parts() {
    let (analyzer, format) = (analyzer("web"), TimeFormat::default());
    let mail = of_report(&Report::complete(&analyzer, &format), "2026-11-22", &origin());
    assert_eq!(mail.subject, "[LogAnalyzer] Report 2026-11-22: 1 account, 1,425 logins, 0 outages");
    assert!(mail.text.contains("Number of logins : 1425\n") && mail.text.contains("Number of failed logins : 15\n"));
    for part in ["1,425</div>", "logins: 1,425", "failed logins: 15", ">password authentication failed<", ">others<"] {
        assert!(mail.html.contains(part), "{part}");
    }
    assert_eq!(mail.html.matches("height=\"72\" title=").count(), 24, "a column for every hour");
    assert!(mail.html.contains("title=\"23:00 230\"") && mail.html.contains("Highest: 230 at 23:00"));
}

#[test]
fn names_from_the_log_cannot_become_html() {
    let user = "<img src=x onerror=alert(1)>";
    let (analyzer, format) = (analyzer(user), TimeFormat::default());
    let mail = of_report(&Report::complete(&analyzer, &format), "2026-11-22", &origin());
    assert!(!mail.html.contains("<img") && mail.html.contains("&lt;img src=x onerror=alert(1)&gt;"));
    assert!(mail.text.contains(&format!("Account : {user}\n")));
}

#[test]
fn an_hour_that_the_clock_repeats_is_one_and_a_quiet_one_is_there() {
    let analyzer = analyzer("web");
    let format = TimeFormat::default();
    // The clock is set back by an hour at noon, and forward by one at 20 h.
    let local = |instant: i64| match instant.rem_euclid(86_400_000) / 3_600_000 {
        12..20 => instant - 3_600_000,
        _ => instant,
    };
    let now = analyzer.last_instant().expect("lines");
    let report = Report::running(&analyzer, Period::Run, &format, (0, now), Box::new(local));
    let hours: Vec<(i64, u64)> = hours(&report).iter().map(|(hour, sums)| (*hour, sums.lines)).collect();
    assert_eq!((hours[11], hours[12], hours[19]), ((11, 120), (12, 60), (19, 0)));
    assert_eq!(hours.len(), 24);
}

#[test]
fn a_note_is_in_both_parts() {
    let mail = of_messages(&[message(true, "x")], "14:00", &origin()).expect("a mail").with_note("2 mails were <lost>");
    assert!(mail.text.ends_with("\n2 mails were <lost>\n"));
    assert!(mail.html.contains("2 mails were &lt;lost&gt;"));
}

#[test]
fn numbers_are_grouped() {
    let grouped: Vec<String> = [0, 999, 1000, 1_204, 1_234_567].map(grouped).to_vec();
    assert_eq!(grouped, ["0", "999", "1,000", "1,204", "1,234,567"]);
}

/// Whoever can reach pgbouncer's port can fill its tables with the longest of names, all to be escaped.
#[test]
fn the_largest_report_fits_the_outbox() {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let user = |number: usize| format!("{number:04}{}", "\u{1}<&\u{7f}".repeat(30));
    for number in 0..40_000 {
        let (user, host) = (user(number % 1024), format!("[2001:db8:ffff:ffff:ffff:ffff:ffff:{:x}]", number % 9000));
        let client = format!("2026-11-22 08:00:00.000 UTC [7] LOG C-0x{number:x}: app/{user}@{host}:50000");
        let reason = if number % 2 == 0 { "client close request" } else { "password authentication failed" };
        for message in
            [format!("login attempt: db=app user={user} tls=no"), format!("closing because: {reason} (age=1s)")]
        {
            let text = format!("{client} {message}");
            analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
        }
    }
    let format = TimeFormat::default();
    let mail = of_report(&Report::complete(&analyzer, &format), "2026-11-22", &origin());
    assert!(mail.size() > 1_000_000 && mail.size() < crate::limits::OUTBOX_BYTES * 3 / 4, "{}", mail.size());
}

#[test]
fn the_largest_figure_has_the_largest_column() {
    let mut page = Page::new("x", "", color::BAR);
    page.columns(&[("00:00".to_owned(), u64::MAX, String::new()), ("01:00".to_owned(), u64::MAX / 2, String::new())]);
    let html = page.finish("");
    assert!(html.contains("height:72px") && html.contains("height:36px"));
}
