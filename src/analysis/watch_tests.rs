use super::*;
use crate::pgbouncer::record::Zone;

const MINUTE: i64 = 60_000;

fn at(text: &str) -> i64 {
    let zone = TimeZone::get("Europe/Paris").expect("the host's time zones: Debian's package tzdata");
    let civil: DateTime = text.parse().expect("a date");
    zone.to_timestamp(civil).expect("in range").as_millisecond()
}

fn watch(open: (i8, i8), close: (i8, i8), minutes: u32, since: &str) -> Watch {
    let time = |(hour, minute)| Time::constant(hour, minute, 0, 0);
    let window = Window { open: time(open), close: time(close), days: [true, true, true, true, true, false, true] };
    let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes, window };
    Watch::new(vec![entry], TimeZone::get("Europe/Paris").expect("tzdata"), at(since))
}

fn login(at: i64, pending: bool) -> OpenLogin<'static> {
    OpenLogin { entry: 0, at, stamp: Stamp { millis: at, zone: Zone::Unknown }, host: b"10.0.0.1", pending }
}

/// What is told from `begin` to `end`, minute by minute: (minute, what).
fn run(watch: &mut Watch, begin: &str, end: &str) -> Vec<(i64, &'static str, i64)> {
    let (begin, end) = (at(begin), at(end));
    let mut told = Vec::new();
    for now in (begin..=end).step_by(MINUTE as usize) {
        for notice in watch.tick(now, std::iter::empty()) {
            let minute = (now - begin) / MINUTE;
            told.push(match notice {
                Notice::Alert { verdict, minutes, .. } => (minute, verdict.name(), minutes),
                Notice::Recovered { minutes, .. } => (minute, "recovered", minutes),
            });
        }
    }
    told
}

#[test]
fn one_alert_per_silence_and_again_after_the_next_login() {
    let mut watch = watch((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    assert_eq!(run(&mut watch, "2026-11-23T08:00:00", "2026-11-23T08:30:00"), [(6, "silent", 6)]);
    watch.login(&login(at("2026-11-23T08:30:30"), false));
    let told = run(&mut watch, "2026-11-23T08:31:00", "2026-11-23T08:50:00");
    assert_eq!(told, [(0, "recovered", 30), (5, "silent", 5)]);
}

#[test]
fn outside_the_window_nobody_is_missed_but_a_recovery_is_told() {
    let mut watch = watch((8, 0), (19, 0), 5, "2026-11-23T00:00:00");
    assert_eq!(run(&mut watch, "2026-11-23T00:00:00", "2026-11-23T08:00:00"), []);
    assert_eq!(run(&mut watch, "2026-11-23T18:50:00", "2026-11-23T19:30:00"), [(0, "silent", 650)]);
    watch.login(&login(at("2026-11-23T20:00:00"), false));
    assert_eq!(run(&mut watch, "2026-11-23T20:00:00", "2026-11-23T21:00:00"), [(0, "recovered", 720)]);
}

#[test]
fn silence_that_lasts_is_told_again_in_the_next_window() {
    let mut watch = watch((8, 0), (9, 0), 5, "2026-11-23T00:00:00");
    let told = run(&mut watch, "2026-11-23T00:00:00", "2026-11-24T23:00:00");
    assert_eq!(told, [(8 * 60 + 6, "silent", 6), (32 * 60 + 6, "silent", 6)]);
}

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_opened() {
    // It does not open on Saturdays: 2026-11-28 is one.
    let mut watch = watch((22, 0), (2, 0), 60, "2026-11-27T12:00:00");
    let told = run(&mut watch, "2026-11-27T12:00:00", "2026-11-29T23:59:00");
    let expected = [(11 * 60 + 1, "silent", 61), (59 * 60 + 1, "silent", 61)];
    assert_eq!(told, expected, "on Friday night and on Sunday night");
}

#[test]
fn a_pending_attempt_holds_the_alert_back() {
    let mut watch = watch((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    let due = at("2026-11-23T08:06:00");
    assert_eq!(watch.tick(due, [login(due - 10_000, true)].into_iter()), []);
    assert_eq!(watch.tick(due, std::iter::empty()).len(), 1);
    // And an assumed one is a login.
    let told = watch.tick(due + MINUTE, [login(due - 10_000, false)].into_iter());
    assert!(matches!(told[..], [Notice::Recovered { .. }]), "{told:?}");
}

#[test]
fn failures_since_the_last_login_make_the_verdict() {
    let mut watch = watch((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    watch.failure(&login(at("2026-11-23T08:01:00"), false), b"password authentication failed");
    let told = watch.tick(at("2026-11-23T08:06:00"), std::iter::empty());
    let [Notice::Alert { verdict: Verdict::Failing, failures, last: None, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((failures.count, &failures.reason[..]), (1, &b"password authentication failed"[..]));
}

#[test]
fn the_hours_of_a_day_with_a_change_of_clocks_are_counted_as_they_pass() {
    // 2026-10-25: 03:00 becomes 02:00 again in Paris, so 01:00 to 04:00 are four hours.
    let mut watch = watch((1, 0), (12, 0), 200, "2026-10-25T00:00:00");
    assert_eq!(run(&mut watch, "2026-10-25T01:00:00", "2026-10-25T12:00:00"), [(201, "silent", 201)]);
}

#[test]
fn entries_that_stay_keep_what_is_known_of_them() {
    let mut watch = watch((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    watch.login(&login(5, false));
    let mut other = watch.entries()[0].clone();
    (other.name, other.user) = ("batch".to_owned(), b"batch".to_vec());
    let both = vec![other, watch.entries()[0].clone()];
    assert_eq!(watch.reconfigure(both), [Some(1)]);
    assert_eq!((watch.last_login(0), watch.last_login(1).map(|login| login.at)), (None, Some(5)));
}
