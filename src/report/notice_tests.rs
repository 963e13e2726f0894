use super::*;
use crate::analysis::watch::{Failures, Window};
use crate::pgbouncer::record::{Stamp, Zone};
use jiff::civil::Time;

fn entry(name: &str) -> Entry {
    let window = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    Entry { name: name.to_owned(), database: None, user: name.as_bytes().to_vec(), minutes: 5, window }
}

fn login(assumed: bool) -> Login {
    let stamp = Stamp { millis: 60_000, zone: Zone::Unknown };
    Login { sequence: 0, at: 60_000, stamp, host: b"10.0.0.7".to_vec(), assumed }
}

fn alert(entry: Option<usize>, verdict: Verdict) -> Alert {
    let failures = Failures::default();
    Alert {
        entry,
        log: None,
        verdict,
        since: 60_000,
        minutes: 6,
        last: None,
        watched_since: 0,
        attempts: 0,
        failures,
        open: 0,
    }
}

fn write(notices: &[Notice]) -> Vec<Message> {
    let entries = ["web", "batch", "poc", "a\u{1b}[2J", "x", "y"].map(entry);
    let format = TimeFormat::default();
    let context = Context { entries: &entries, format: &format, local: &|at| at + 3_600_000, last_record: Some(0) };
    messages(notices, &context)
}

fn one(notice: Notice) -> Message {
    let mut messages = write(&[notice]);
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

#[test]
fn silent_says_that_it_was_never_seen() {
    let message = one(Notice::Alert(alert(Some(0), Verdict::Silent)));
    assert_eq!(message.headline(), "ALERT web: no login for 6 minutes (silent), since 1970-01-01 01:01:00");
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        ["last login : never seen since 1970-01-01 01:00:00", "log : last line at 1970-01-01 01:00:00"]
    );
    assert!(message.is_alert);
}

#[test]
fn failing_says_how_often_and_why() {
    let failures =
        Failures { count: 3, reason: b"no such user".to_vec(), host: b"::1".to_vec(), ..Failures::default() };
    let last = Some(login(true));
    let alert = Alert { last, attempts: 4, failures, open: 2, ..alert(Some(1), Verdict::Failing) };
    let message = one(Notice::Alert(alert));
    assert_eq!(message.headline(), "ALERT batch: no login for 6 minutes (failing), since 1970-01-01 01:01:00");
    let last = "last login : 1970-01-01 00:01:00 from 10.0.0.7 (assumed: it is not closed, and nothing else proves it)";
    let attempts = "attempts since : 4, failed : 3, the last one from ::1: no such user";
    assert_eq!(message.details[..3], [last, attempts, "open sessions : 2"]);
}

#[test]
fn the_log_has_texts_of_its_own() {
    for (verdict, headline) in [
        (Verdict::LogSilent, "ALERT pgbouncer: nothing written for 6 minutes (log silent), since 1970-01-01 01:01:00"),
        (Verdict::PgbouncerDown, "ALERT pgbouncer: it has exited (pgbouncer down), since 1970-01-01 01:01:00"),
        (Verdict::LogMissing, "ALERT pgbouncer: no log file for 6 minutes (log missing), since 1970-01-01 01:01:00"),
        (
            Verdict::LogUnreadable,
            "ALERT pgbouncer: its log cannot be read for 6 minutes (log unreadable), since 1970-01-01 01:01:00",
        ),
    ] {
        let message = one(Notice::Alert(alert(None, verdict)));
        assert_eq!(message.headline(), headline);
        assert_eq!(message.details[0], "6 watched entries : their alerts wait until the log speaks");
    }
    let verdict = Verdict::LogSilent;
    let recovery = Recovery {
        entry: None,
        log: None,
        at: 120_000,
        since: 0,
        minutes: 2,
        login: None,
        verdict,
        failures: Failures::default(),
    };
    let headline = "RECOVERED pgbouncer: the log speaks again since 1970-01-01 01:02:00, after 2 minutes (log silent)";
    assert_eq!(one(Notice::Recovered(recovery)).headline(), headline);
}

#[test]
fn a_recovery_says_from_where() {
    for (assumed, seems) in [(false, ""), (true, ", as it seems")] {
        let login = Some(login(assumed));
        let verdict = Verdict::Silent;
        let recovery = Recovery {
            entry: Some(0),
            log: None,
            at: 60_000,
            since: 0,
            minutes: 1,
            login,
            verdict,
            failures: Failures::default(),
        };
        let headline = format!("RECOVERED web: logged in at 1970-01-01 00:01:00 from 10.0.0.7{seems}, after 1 minute");
        assert_eq!(one(Notice::Recovered(recovery)).headline(), headline);
    }
}

#[test]
fn several_at_once_are_one_digest() {
    let alerts: Vec<Notice> = (0..6)
        .map(|number| {
            let verdict = if number == 1 { Verdict::Failing } else { Verdict::Silent };
            Notice::Alert(alert(Some(number), verdict))
        })
        .collect();
    let messages = write(&alerts);
    assert_eq!(messages.len(), 1);
    let headline = "ALERT 6 entries: web, batch, poc, a\\x1b[2J and 2 more: no login (5 silent, 1 failing)";
    assert_eq!(messages[0].headline(), headline);
    assert_eq!(messages[0].details.len(), 12);
    assert_eq!(messages[0].details[0], "web: no login for 6 minutes (silent), since 1970-01-01 01:01:00");
    assert_eq!(messages[0].details[1], "    last login : never seen since 1970-01-01 01:00:00");
}
