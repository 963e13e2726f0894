use super::*;
use crate::analysis::accounts::Tally;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::filter::Filter;
use crate::analysis::watch::{Entry, Watch, Window};
use crate::pgbouncer::lines::{Kind, Line};
use jiff::tz::TimeZone;

fn analyzer() -> Analyzer {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    analyzer.begin_day();
    take(&mut analyzer, 0, "process up: PgBouncer 1.18.0, x");
    analyzer
}

fn take(analyzer: &mut Analyzer, second: u32, message: &str) {
    let text = format!("1970-01-01 00:{:02}:{:02}.000 UTC [7] LOG {message}", second / 60, second % 60);
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
}

fn attempt(analyzer: &mut Analyzer, second: u32, pointer: u32, user: &str) {
    let client = format!("C-0x{pointer:x}: app/{user}@10.0.0.1:{pointer}");
    take(analyzer, second, &format!("{client} login attempt: db=app user={user} tls=no"));
}

fn closing(analyzer: &mut Analyzer, second: u32, pointer: u32, user: &str, reason: &str) {
    let client = format!("C-0x{pointer:x}: app/{user}@10.0.0.1:{pointer}");
    take(analyzer, second, &format!("{client} closing because: {reason} (age=1s)"));
}

const GOOD: &str = "client close request";
const BAD: &str = "password authentication failed";

fn day(analyzer: &Analyzer, second: u32) -> Tally {
    analyzer.summary_of(Period::Day, i64::from(second) * 1000).total
}

#[test]
fn what_was_told_as_a_login_and_fails_is_said_as_failed_later() {
    let mut analyzer = analyzer();
    attempt(&mut analyzer, 1, 1, "web");
    attempt(&mut analyzer, 1, 2, "batch");
    let told = Tally { attempts: 2, logins: 2, pending: 2, ..Tally::default() };
    assert_eq!(day(&analyzer, 2), told);
    analyzer.begin_day();
    closing(&mut analyzer, 3, 1, "web", BAD);
    closing(&mut analyzer, 3, 2, "batch", GOOD);
    assert_eq!(day(&analyzer, 4), Tally { failed_later: 1, ..Tally::default() });
    let summary = analyzer.summary_of(Period::Day, 4000);
    assert_eq!(summary.accounts.len(), 1, "batch was told, and right");
    assert_eq!((summary.accounts[0].user, summary.accounts[0].tally.failed_later), (&b"web"[..], 1));
    let run = analyzer.summary(4000).total;
    assert_eq!(run, Tally { attempts: 2, logins: 1, failed: 1, ..Tally::default() });
}

/// It was told as failed, and its closing only says why.
#[test]
fn a_hopeless_attempt_fails_on_the_day_on_which_it_came() {
    let mut analyzer = analyzer();
    let client = "C-0x1: (nodb)/web@10.0.0.1:1";
    take(&mut analyzer, 1, &format!("{client} login attempt: db=app user=web tls=no"));
    assert_eq!(day(&analyzer, 1).failed, 1);
    analyzer.begin_day();
    take(&mut analyzer, 2, &format!("{client} closing because: no such user (age=1s)"));
    assert_eq!(day(&analyzer, 3), Tally::default());
}

/// A refused client can have two lines, and the report may be made between them: the second one was counted anew.
#[test]
fn a_refused_client_counts_on_one_day_only() {
    let mut analyzer = analyzer();
    let client = "C-0x1: (nodb)/(nouser)@10.0.0.1:1";
    take(
        &mut analyzer,
        1,
        &format!("{client} closing because: no more connections allowed (max_client_conn) (age=0s)"),
    );
    analyzer.begin_day();
    take(&mut analyzer, 1, &format!("{client} login failed: db=app user=web"));
    assert_eq!(analyzer.figures_of(Period::Day).refusals().total(), 0);
    analyzer.begin_day();
    take(&mut analyzer, 2, &format!("{} login failed: db=app user=web", client.replace(":1", ":2")));
    analyzer.begin_day();
    let closing = "closing because: no such user (age=0s)";
    take(&mut analyzer, 2, &format!("{} {closing}", client.replace(":1", ":2")));
    assert_eq!(analyzer.figures_of(Period::Day).refusals().total(), 0);
    assert_eq!(analyzer.figures().refusals().total(), 2);
}

/// Whatever happens and wherever the days are cut: all days together are the run.
#[test]
fn the_days_add_up_to_the_run() {
    let mut chance = 11u64;
    let mut below = |end: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((chance >> 33) % end) as u32
    };
    for _ in 0..40 {
        let mut analyzer = analyzer();
        let mut days = Tally::default();
        let (mut lines, mut gaps) = (0, 0);
        for second in 1..600 {
            let (pointer, user) = (1 + below(20), ["web", "batch", "poc"][below(3) as usize]);
            match below(9) {
                0..4 => attempt(&mut analyzer, second, pointer, user),
                4 | 5 => closing(&mut analyzer, second, pointer, user, GOOD),
                6 | 7 => closing(&mut analyzer, second, pointer, user, BAD),
                _ if below(20) == 0 => analyzer.gap(),
                _ => {
                    let told = day(&analyzer, second);
                    days.attempts += told.attempts;
                    days.logins += told.logins - told.failed_later.min(told.logins);
                    days.failed += told.failed + told.failed_later;
                    days.failed_later += told.failed_later.saturating_sub(told.logins);
                    let figures = analyzer.figures_of(Period::Day);
                    (lines, gaps) = (lines + figures.lines().total, gaps + figures.gaps());
                    analyzer.begin_day();
                }
            }
        }
        let (last, run) = (day(&analyzer, 600), analyzer.summary(600_000).total);
        assert_eq!(days.attempts + last.attempts, run.attempts);
        assert_eq!(days.logins + last.logins - last.failed_later - days.failed_later, run.logins);
        assert_eq!(days.failed + last.failed + last.failed_later, run.failed);
        let figures = analyzer.figures_of(Period::Day);
        assert_eq!(lines + figures.lines().total, analyzer.figures().lines().total);
        assert_eq!(gaps + figures.gaps(), analyzer.figures().gaps());
        assert!(run.failed > 20 && run.logins > 20, "{run:?}");
    }
}

/// An account that was no longer watched was said to be out for ever.
#[test]
fn an_outage_ends_when_nobody_watches_any_more() {
    let always = Window { open: jiff::civil::Time::midnight(), close: jiff::civil::Time::midnight(), days: [true; 7] };
    let entry = |name: &str| Entry {
        name: name.to_owned(),
        database: None,
        user: name.as_bytes().to_vec(),
        minutes: 5,
        window: always,
    };
    let watch = Watch::new(vec![entry("web"), entry("batch")], TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    analyzer.begin_first_day();
    assert_eq!(analyzer.tick(600_000).len(), 2);
    analyzer.reconfigure(vec![entry("batch")], TimeZone::UTC, None, 660_000);
    let ends: Vec<Option<i64>> = analyzer.figures().outages().list().map(|outage| outage.until).collect();
    assert_eq!(ends, [Some(660_000), None]);
    analyzer.begin_day();
    assert_eq!(analyzer.figures_of(Period::Day).outages().count(), 1);
}

/// What was open when mail was turned on was told by no report.
#[test]
fn the_first_day_takes_nothing_back() {
    let mut analyzer = analyzer();
    attempt(&mut analyzer, 1, 1, "web");
    analyzer.begin_first_day();
    closing(&mut analyzer, 2, 1, "web", BAD);
    assert_eq!(day(&analyzer, 3), Tally::default());
}

/// An hour is the log's own, whichever day it is counted on.
#[test]
fn a_new_day_goes_on_in_the_hour_that_the_log_shows() {
    let mut analyzer = analyzer();
    attempt(&mut analyzer, 1, 1, "web");
    analyzer.begin_day();
    attempt(&mut analyzer, 2, 2, "web");
    attempt(&mut analyzer, 3, 3, "web");
    let hours = analyzer.hours_of(Period::Day);
    let day: Vec<u64> = hours.accounts().map(|(_, day)| day[0].all).collect();
    assert_eq!(day, [2]);
    assert_eq!(analyzer.hours_of(Period::Run).accounts().map(|(_, day)| day[0].all).sum::<u64>(), 3);
}

/// Attempts that were decided by their age, because too many were open, are those of the period.
#[test]
fn what_was_pushed_out_before_is_not_pushed_out_again() {
    let mut figures = Figures::new(Accounts::new(std::iter::empty()));
    assert_eq!(figures.pushed_out(3), 3);
    figures = figures.successor(3);
    assert_eq!((figures.pushed_out(3), figures.pushed_out(5)), (0, 2));
}

/// It has its place though there is none left for others.
#[test]
fn an_account_that_is_watched_from_now_on_is_counted_by_itself_in_both_periods() {
    use crate::limits::{ACCOUNTS, ACCOUNTS_RESERVED};
    let mut analyzer = analyzer();
    let counted = |analyzer: &Analyzer, period| {
        let summary = analyzer.summary_of(period, 5000);
        summary.accounts.iter().filter(|account| account.user.starts_with(b"late")).count()
    };
    for number in 0..ACCOUNTS - ACCOUNTS_RESERVED {
        attempt(&mut analyzer, 1, number as u32 + 1, &format!("user{number}"));
    }
    analyzer.reconfigure(vec![entry(None, b"late")], TimeZone::UTC, None, 2000);
    attempt(&mut analyzer, 3, 9001, "late");
    attempt(&mut analyzer, 3, 9002, "later");
    assert_eq!((counted(&analyzer, Period::Run), counted(&analyzer, Period::Day)), (1, 1));
}

fn entry(database: Option<&[u8]>, user: &[u8]) -> Entry {
    let window = Window { open: jiff::civil::Time::midnight(), close: jiff::civil::Time::midnight(), days: [true; 7] };
    let database = database.map(<[u8]>::to_vec);
    Entry { name: "entry".to_owned(), database, user: user.to_vec(), minutes: 5, window }
}

#[test]
fn a_filter_wants_the_entries_whose_logins_it_may_have() {
    let filter = |user: Option<&str>, database: Option<&str>| {
        let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
        Filter { from: None, to: None, user: bytes(user), database: bytes(database) }
    };
    let (anywhere, app) = (entry(None, b"web"), entry(Some(b"app"), b"web"));
    for (user, database, wants_anywhere, wants_app) in [
        (None, None, true, true),
        (Some("web"), None, true, true),
        (Some("batch"), None, false, false),
        (None, Some("app"), true, true),
        (None, Some("other"), true, false),
        (Some("web"), Some("other"), true, false),
        (Some("batch"), Some("app"), false, false),
    ] {
        let filter = filter(user, database);
        let wants = (filter.wants_entry(&anywhere), filter.wants_entry(&app));
        assert_eq!(wants, (wants_anywhere, wants_app), "{user:?} {database:?}");
        assert_eq!(filter.is_empty(), user.is_none() && database.is_none());
    }
}

/// A line of a period at a level, whole or the first one of a record.
fn take_at(analyzer: &mut Analyzer, level: &str, message: &str, kind: Kind) {
    let text = format!("1970-01-01 00:00:09.000 UTC [7] {level} {message}");
    analyzer.line(&Line { bytes: text.as_bytes(), kind, offset: 0 });
}

#[test]
fn warnings_are_counted_by_what_is_the_same_in_all_of_a_kind() {
    let mut analyzer = analyzer();
    let client = "C-0x1: app/web@10.0.0.1:5";
    take_at(&mut analyzer, "WARNING", "S-0x1: app/web@10.0.0.2:5432 server login failed: FATAL x", Kind::Whole);
    take_at(&mut analyzer, "ERROR", "accept() failed: Too many open files", Kind::Whole);
    take_at(&mut analyzer, "ERROR", &format!("{client} pooler error: a"), Kind::Cut);
    take_at(&mut analyzer, "ERROR", "pooler: of two lines", Kind::Cut);
    take_at(&mut analyzer, "FATAL", "unix socket is in use, cannot continue", Kind::Whole);
    let figures = analyzer.figures_of(Period::Day);
    let kinds = figures.happenings().warnings().by_count();
    let texts: Vec<String> = kinds.iter().map(|kind| String::from_utf8_lossy(&kind.text).into_owned()).collect();
    assert_eq!(texts.iter().filter(|text| text.starts_with("(a message of several")).count(), 1, "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("server login failed")), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("accept() failed")), "{texts:?}");
    assert!(texts.iter().any(|text| text.starts_with("unix socket is in use")), "{texts:?}");
}

/// The newest are kept, and all are counted; what is fatal ends a process.
#[test]
fn what_happened_to_processes_is_counted_though_not_all_is_kept() {
    use crate::limits::LIFE_EVENTS;
    let mut analyzer = analyzer();
    for _ in 0..LIFE_EVENTS {
        take(&mut analyzer, 8, "RELOAD command issued");
    }
    take_at(&mut analyzer, "FATAL", "unix socket is in use, cannot continue", Kind::Whole);
    let happenings = analyzer.figures_of(Period::Day).happenings();
    assert_eq!((happenings.lives().count(), happenings.life_events()), (LIFE_EVENTS, LIFE_EVENTS as u64 + 2));
    let (first, last) = (happenings.lives().next(), happenings.lives().last());
    assert_eq!(first.map(|event| event.what.name()), Some("RELOAD"), "it came up before");
    assert_eq!(last.map(|event| event.what.name()), Some("exit"));
}

/// A watched account has its number before it comes.
#[test]
fn who_has_not_come_has_no_hours() {
    let watch = Watch::new(vec![entry(None, b"web")], TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    attempt(&mut analyzer, 1, 1, "batch");
    let hours = analyzer.hours_of(Period::Run);
    let names = hours.accounts().map(|(number, _)| analyzer.account_name(Period::Run, number));
    assert_eq!(names.collect::<Vec<_>>(), [Some(b"batch".to_vec())]);
}

/// It cannot succeed, so it is none of the logins of its hour, though it is not closed yet.
#[test]
fn an_open_attempt_that_cannot_succeed_has_failed_in_its_hour() {
    let mut analyzer = analyzer();
    attempt(&mut analyzer, 1, 1, "web");
    take(&mut analyzer, 1, "C-0x2: (nodb)/web@10.0.0.1:2 login attempt: db=app user=web tls=no");
    let first = |analyzer: &Analyzer, period| {
        let hours = analyzer.hours_of(period);
        hours.accounts().map(|(_, day)| (day[0].all, day[0].failed)).next()
    };
    assert_eq!((first(&analyzer, Period::Run), first(&analyzer, Period::Day)), (Some((2, 1)), Some((2, 1))));
    analyzer.begin_day();
    assert_eq!((first(&analyzer, Period::Run), first(&analyzer, Period::Day)), (Some((2, 1)), None), "it was told");
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    let mut only_run = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    take(&mut only_run, 1, "C-0x2: (nodb)/web@10.0.0.1:2 login attempt: db=app user=web tls=no");
    assert_eq!(first(&only_run, Period::Day), Some((1, 1)), "where no day is kept it is the run");
}

#[test]
fn a_timeline_has_the_logins_that_are_open_and_can_be_some() {
    let mut watch = Watch::new(vec![entry(None, b"web")], TimeZone::UTC, 0);
    watch.keep_timelines();
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    attempt(&mut analyzer, 1, 1, "web");
    attempt(&mut analyzer, 2, 2, "web");
    closing(&mut analyzer, 3, 2, "web", GOOD);
    attempt(&mut analyzer, 3, 4, "web");
    take(&mut analyzer, 4, "C-0x3: (nodb)/web@10.0.0.1:3 login attempt: db=app user=web tls=no");
    let timeline = analyzer.timeline(0).expect("it is kept");
    let sum = timeline.iter().fold((0, 0), |sum, (_, bucket)| (sum.0 + bucket.logins, sum.1 + bucket.failed));
    assert_eq!(sum, (3, 1));
}

/// Counters that others read go on with what did not fit.
#[test]
fn accounts_that_did_not_fit_are_counted_about() {
    use crate::limits::ACCOUNTS;
    let mut analyzer = analyzer();
    for number in 0..ACCOUNTS as u32 + 200 {
        attempt(&mut analyzer, 1, number, &format!("user{number}"));
    }
    let named = analyzer.settled(2000).len() - 1;
    let expected = ACCOUNTS as u64 + 200 - named as u64;
    let about = analyzer.other_accounts();
    assert!(about > expected * 3 / 4 && about < expected * 5 / 4, "{about} of {expected}");
}
