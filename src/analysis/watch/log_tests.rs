//! What the watch makes of a log that falls silent, and of a clock that is set.

use super::*;

#[test]
fn while_the_log_is_silent_nobody_is_missed_and_then_from_when_it_speaks() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.period = Some(MINUTE);
    let last = at("2026-11-23T08:04:00");
    case.heart.record(last);
    case.heart.stats(last);
    // Due at 08:05:00; the stats are overdue by half a period at 08:05:30.
    case.login(at("2026-11-23T08:00:40"));
    let told = case.run("2026-11-23T08:04:00", "2026-11-23T08:30:00");
    assert_eq!(told, [(181, "log silent", 3)]);
    case.heart.record(at("2026-11-23T08:30:00"));
    case.heart.stats(at("2026-11-23T08:30:00"));
    assert_eq!(case.run("2026-11-23T08:30:01", "2026-11-23T08:31:30"), [(0, "recovered", 26)]);
    case.heart.record(at("2026-11-23T08:35:00"));
    case.heart.stats(at("2026-11-23T08:35:00"));
    assert_eq!(case.run("2026-11-23T08:35:00", "2026-11-23T08:36:00"), [(1, "silent", 5)]);
}

#[test]
fn the_log_is_alerted_only_while_some_window_is_open() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T03:00:00");
    case.heart.record(at("2026-11-23T04:00:00"));
    case.heart.over(at("2026-11-23T04:00:00"));
    assert_eq!(case.run("2026-11-23T04:00:00", "2026-11-23T09:00:00"), [(4 * 3600 + 1, "pgbouncer down", 240)]);
}

#[test]
fn a_log_that_is_missing_is_told_once() {
    let mut case = Case::new((8, 0), (19, 0), 1, "2026-11-23T08:00:00");
    case.heart.trouble(Some(Trouble::Missing), at("2026-11-23T08:00:00"));
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T12:00:00"), [(181, "log missing", 3)]);
    case.heart.trouble(None, at("2026-11-23T12:00:00"));
    let told = case.run("2026-11-23T12:00:00", "2026-11-23T12:02:00");
    assert_eq!(told, [(0, "recovered", 240), (61, "silent", 1)]);
}

#[test]
fn a_clock_that_is_set_forward_raises_no_alert_and_swallows_none() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.login(at("2026-11-23T09:00:00"));
    assert_eq!(case.run("2026-11-23T09:00:00", "2026-11-23T09:04:00"), []);
    case.watch.shift(3600 * SECOND, (at("2026-11-23T10:04:00") - (3600 * SECOND), at("2026-11-23T10:04:00")));
    assert_eq!(case.run("2026-11-23T10:04:00", "2026-11-23T10:10:00"), [(61, "silent", 5)]);
}

#[test]
fn a_clock_that_is_set_back_raises_no_alert_and_swallows_none() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.login(at("2026-11-23T10:00:00"));
    assert_eq!(case.run("2026-11-23T10:00:00", "2026-11-23T10:04:00"), []);
    case.watch.shift(-3600 * SECOND, (at("2026-11-23T09:04:00") - (-3600 * SECOND), at("2026-11-23T09:04:00")));
    assert_eq!(case.run("2026-11-23T09:04:00", "2026-11-23T09:10:00"), [(61, "silent", 5)]);
}

#[test]
fn a_clock_that_is_set_over_the_opening_opens_the_window_then() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T07:00:00");
    assert_eq!(case.run("2026-11-23T07:00:00", "2026-11-23T07:30:00"), []);
    case.watch.shift(3600 * SECOND, (at("2026-11-23T08:30:00") - (3600 * SECOND), at("2026-11-23T08:30:00")));
    assert_eq!(case.run("2026-11-23T08:30:00", "2026-11-23T08:36:00"), [(301, "silent", 5)]);
}

/// What is known of an entry has the new time behind it: its last login, its failures, its outage.
#[test]
fn a_clock_that_is_set_moves_what_is_known_of_an_entry() {
    let begin = at("2026-11-23T09:00:00");
    for by in [30 * MINUTE, -10 * MINUTE] {
        let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:58:00");
        case.tick(begin - SECOND);
        case.login(begin);
        case.failure(begin + MINUTE);
        case.watch.shift(by, (begin + MINUTE, begin + MINUTE + by));
        assert_eq!(case.tick(begin + 5 * MINUTE + by), []);
        let told = case.tick(begin + 5 * MINUTE + SECOND + by);
        let [Notice::Alert(alert)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((alert.since, alert.failures.at, alert.minutes), (begin + by, begin + MINUTE + by, 5));
        assert_eq!(alert.last.as_ref().map(|login| login.at), Some(begin + by));
        // Set once more while it is out, and when it is back but that is not told yet.
        case.watch.shift(by, (begin + 6 * MINUTE + by, begin + 6 * MINUTE + 2 * by));
        case.login(begin + 7 * MINUTE + 2 * by);
        case.watch.shift(by, (begin + 7 * MINUTE + 2 * by, begin + 7 * MINUTE + 3 * by));
        let told = case.tick(begin + 8 * MINUTE + 3 * by);
        let [Notice::Recovered(recovery)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((recovery.since, recovery.at), (begin + 3 * by, begin + 7 * MINUTE + 3 * by));
        assert_eq!(recovery.minutes, 7);
    }
}

/// What failed before the log fell silent says nothing of the time since it speaks again.
#[test]
fn failures_from_before_the_log_was_silent_do_not_count_behind_it() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.failure(at("2026-11-23T08:01:00"));
    let states = &mut case.watch.states;
    states[0].log_spoke(at("2026-11-23T08:01:00"));
    assert_eq!(states[0].failures_since_login(at("2026-11-23T08:00:00")).count, 1, "it came as the log spoke");
    states[0].log_spoke(at("2026-11-23T08:01:00") + 1);
    assert_eq!(states[0].failures_since_login(at("2026-11-23T08:00:00")).count, 0);
}

/// The clock is set while a log's outage is told: it has lasted no longer than before.
#[test]
fn a_clock_that_is_set_moves_the_outage_of_a_log() {
    for by in [600 * MINUTE, -3 * MINUTE] {
        let mut case = Case::new((0, 0), (0, 0), 5, "2026-11-23T08:00:00");
        let begin = at("2026-11-23T08:00:00");
        case.heart.record(begin);
        case.heart.over(begin);
        let told = case.run("2026-11-23T08:00:00", "2026-11-23T08:02:00");
        assert_eq!(told.last().map(|told| told.1), Some("pgbouncer down"));
        case.heart.shift(by);
        case.watch.shift(by, (begin + 2 * MINUTE, begin + 2 * MINUTE + by));
        case.heart.record(begin + 4 * MINUTE + by);
        let told = case.tick(begin + 4 * MINUTE + SECOND + by);
        let [Notice::Recovered(recovery)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((recovery.since, recovery.minutes), (begin + by, 4), "{by}");
    }
}

/// A log that is not followed any more and one that is called like it later: its outage is told anew.
#[test]
fn the_outage_of_a_log_that_is_not_followed_any_more_is_forgotten() {
    let mut case = Case::new((8, 0), (19, 0), 500, "2026-11-23T08:00:00");
    let begin = at("2026-11-23T08:00:00");
    for forgets in [false, true] {
        case.heart = Heartbeat::default();
        case.heart.record(begin);
        case.heart.over(begin);
        let told = case.run("2026-11-23T08:00:00", "2026-11-23T08:02:00").len();
        assert_eq!(told, 1, "forgotten before: {forgets}");
        case.heart = Heartbeat::default();
        assert_eq!(case.run("2026-11-23T08:03:00", "2026-11-23T08:04:00"), []);
        case.watch.forget_log(0);
        case.watch.forget_log(7);
    }
}

/// The clock showed the very moment of the opening when somebody last looked: the window was said to have been open since then,
/// for as long as the clock was set forward.
#[test]
fn a_clock_that_is_set_at_the_very_opening_opens_the_window_then() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T07:00:00");
    assert_eq!(case.run("2026-11-23T07:59:00", "2026-11-23T08:00:00"), []);
    case.watch.shift(3600 * SECOND, (at("2026-11-23T08:00:00"), at("2026-11-23T09:00:01")));
    assert_eq!(case.run("2026-11-23T09:00:01", "2026-11-23T09:06:00"), [(301, "silent", 5)]);
}
