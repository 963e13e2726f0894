use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::watch::{Entry, Notice, Watch, Window};
use crate::pgbouncer::lines::{Kind, Line};
use jiff::civil::Time;
use jiff::tz::TimeZone;

const MINUTE: i64 = 60_000;

fn watching_web() -> Analyzer {
    let window = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes: 5, window };
    let watch = Watch::new(vec![entry], TimeZone::UTC, 0);
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 })
}

fn take(analyzer: &mut Analyzer, minute: i64, message: &str) {
    let text = format!("1970-01-01 {:02}:{:02}:00.000 UTC [7] LOG {message}", minute / 60, minute % 60);
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
}

const ATTEMPT: &str = "C-0x1: app/web@10.0.0.1:5 login attempt: db=app user=web tls=no";

/// What is read late is older than what the tick before looked at, and was never taken for a login.
#[test]
fn an_open_attempt_that_is_read_late_becomes_an_assumed_login() {
    let mut analyzer = watching_web();
    assert!(matches!(analyzer.tick(10 * MINUTE)[..], [Notice::Alert(_)]));
    take(&mut analyzer, 8, ATTEMPT);
    let told = analyzer.tick(10 * MINUTE + 1000);
    let [Notice::Recovered(recovery)] = &told[..] else { panic!("{told:?}") };
    assert!(recovery.login.as_ref().is_some_and(|login| login.assumed && login.at == 8 * MINUTE));
}

/// A line waits for its next byte for a tick, and then has the time of a clock that was set since.
#[test]
fn a_line_that_waited_while_the_clock_was_set_is_told_by_the_new_one() {
    for by in [100 * MINUTE, -100 * MINUTE] {
        let mut analyzer = watching_web();
        take(&mut analyzer, 500, "listening on 127.0.0.1:6432");
        let now = 501 * MINUTE + by;
        analyzer.clock_was_set(by, (501 * MINUTE, now));
        analyzer.read_live(now);
        analyzer.tick(now);
        analyzer.read_live(now + 1000);
        take(&mut analyzer, 501, ATTEMPT);
        assert_eq!(analyzer.last_record(), Some(501 * MINUTE + by));
        analyzer.tick(now + 1000);
        analyzer.tick(now + 2000);
        take(&mut analyzer, 501 + by / MINUTE, ATTEMPT);
        assert_eq!(analyzer.last_record(), Some(501 * MINUTE + by), "and the next ones as they are");
    }
}

/// A whole line may be the head of a longer record, so it is not taken yet; but it may be the login that is missed.
#[test]
fn an_attempt_that_waits_for_its_next_byte_holds_the_alert_back() {
    let mut analyzer = watching_web();
    let text = format!("1970-01-01 00:04:59.000 UTC [7] LOG {ATTEMPT}");
    analyzer.foresee(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
    assert_eq!(analyzer.tick(5 * MINUTE + 1000), []);
    assert_eq!(analyzer.tick(5 * MINUTE + 2000).len(), 1, "it was another line's head");
}

/// The first record's instant was asked for anew when counting began; that set the log's clock back to it, and a
/// record of the hour that the clock repeats was taken for one of the first time round.
#[test]
fn beginning_to_count_does_not_set_the_logs_clock_back() {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let zone = TimeZone::get("Europe/Paris").expect("tzdata");
    let mut analyzer = Analyzer::new(Settings { zone, fallback: None, watch, now: 0 });
    let record = |analyzer: &mut Analyzer, time: &str| {
        let text = format!("2026-10-25 {time}.000 7 LOG listening on 127.0.0.1:6432");
        analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
        analyzer.last_instant().expect("a record")
    };
    record(&mut analyzer, "01:30:00");
    record(&mut analyzer, "02:59:00");
    let second_time = record(&mut analyzer, "02:01:00");
    analyzer.begin_counting();
    assert_eq!(record(&mut analyzer, "02:02:00") - second_time, MINUTE);
}

/// The clock is set within a tick, and its window opens in the same one: it was said to have been open for as long as
/// the clock was set forward.
#[test]
fn a_window_that_opens_in_the_tick_in_which_the_clock_is_set_is_open_since_then() {
    let window = Window { open: Time::constant(8, 0, 0, 0), close: Time::constant(19, 0, 0, 0), days: [true; 7] };
    let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes: 5, window };
    let watch = Watch::new(vec![entry], TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let (opening, second) = (8 * 60 * MINUTE, 1000);
    let before = opening - 10 * second;
    analyzer.tick(before);
    // Twelve seconds later, and seventeen minutes ahead.
    let now = opening + 2 * second + 17 * MINUTE;
    analyzer.clock_was_set(17 * MINUTE, (before, now));
    assert_eq!(analyzer.tick(now), []);
    assert_eq!(analyzer.tick(now + 5 * MINUTE), []);
    assert_eq!(analyzer.tick(now + 5 * MINUTE + second).len(), 1);
}
