#[path = "log_tests.rs"]
mod log;

use super::*;
use crate::analysis::heartbeat::{Heartbeat, Trouble};
use crate::pgbouncer::record::Zone;
use jiff::civil::{DateTime, Time};

const MINUTE: i64 = 60_000;
const SECOND: i64 = 1000;

fn at(text: &str) -> i64 {
    let zone = TimeZone::get("Europe/Paris").expect("the host's time zones: Debian's package tzdata");
    let civil: DateTime = text.parse().expect("a date");
    zone.to_timestamp(civil).expect("in range").as_millisecond()
}

/// A watch of one entry, and the log that it hangs on.
struct Case {
    watch: Watch,
    heart: Heartbeat,
    period: Option<i64>,
    sequence: u64,
    pending: bool,
}

impl Case {
    fn new(open: (i8, i8), close: (i8, i8), minutes: u32, since: &str) -> Self {
        let time = |(hour, minute)| Time::constant(hour, minute, 0, 0);
        let window = Window { open: time(open), close: time(close), days: [true, true, true, true, true, false, true] };
        let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes, window };
        let watch = Watch::new(vec![entry], TimeZone::get("Europe/Paris").expect("tzdata"), at(since));
        Self { watch, heart: Heartbeat::default(), period: None, sequence: 0, pending: false }
    }

    fn session(&mut self, at: i64) -> OpenLogin<'static> {
        self.sequence += 1;
        let stamp = Stamp { millis: at, zone: Zone::Unknown };
        OpenLogin { entry: 0, sequence: self.sequence, at, stamp, host: b"10.0.0.1" }
    }

    fn login(&mut self, at: i64) {
        let session = self.session(at);
        self.watch.login(&session, false);
    }

    fn failure(&mut self, at: i64) {
        let session = self.session(at);
        self.watch.failure(&session, b"password authentication failed");
    }

    fn tick(&mut self, now: i64) -> Vec<Notice> {
        self.watch.begin_tick();
        if self.pending {
            self.watch.pending(0);
        }
        let counts = |_| OpenCounts { logins: 0, pending: u64::from(self.pending) };
        self.heart.period = self.period;
        self.watch.tick(now, std::slice::from_mut(&mut self.heart), &[], &counts)
    }

    /// What is told from `begin` to `end`, second by second: (seconds since `begin`, what, for how many minutes).
    fn run(&mut self, begin: &str, end: &str) -> Vec<(i64, &'static str, i64)> {
        let (begin, end) = (at(begin), at(end));
        let mut told = Vec::new();
        for now in (begin..=end).step_by(SECOND as usize) {
            for notice in self.tick(now) {
                let second = (now - begin) / SECOND;
                told.push(match notice {
                    Notice::Alert(alert) => (second, alert.verdict.name(), alert.minutes),
                    Notice::Recovered(recovery) => (second, "recovered", recovery.minutes),
                });
            }
        }
        told
    }
}

#[test]
fn one_alert_per_silence_and_again_after_the_next_login() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:30:00"), [(301, "silent", 5)]);
    case.login(at("2026-11-23T08:30:30"));
    let told = case.run("2026-11-23T08:31:00", "2026-11-23T08:50:00");
    assert_eq!(told, [(0, "recovered", 30), (271, "silent", 5)]);
}

#[test]
fn outside_the_window_nobody_is_missed_but_a_recovery_is_told() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T00:00:00");
    assert_eq!(case.run("2026-11-23T00:00:00", "2026-11-23T08:00:00"), []);
    assert_eq!(case.run("2026-11-23T18:50:00", "2026-11-23T19:30:00"), [(0, "silent", 650)]);
    case.login(at("2026-11-23T20:00:00"));
    assert_eq!(case.run("2026-11-23T20:00:00", "2026-11-23T21:00:00"), [(0, "recovered", 720)]);
}

#[test]
fn silence_that_lasts_is_told_again_in_the_next_window() {
    let mut case = Case::new((8, 0), (9, 0), 5, "2026-11-23T00:00:00");
    let told = case.run("2026-11-23T00:00:00", "2026-11-24T23:00:00");
    assert_eq!(told, [(8 * 3600 + 301, "silent", 5), (32 * 3600 + 301, "silent", 5)]);
    case.login(at("2026-11-24T23:00:30"));
    let told = case.run("2026-11-24T23:01:00", "2026-11-24T23:02:00");
    assert_eq!(told, [(0, "recovered", 39 * 60)], "from the first of the two");
}

#[test]
fn a_window_across_midnight_belongs_to_the_day_on_which_it_opened() {
    // It does not open on Saturdays: 2026-11-28 is one.
    let mut case = Case::new((22, 0), (2, 0), 60, "2026-11-27T12:00:00");
    let told = case.run("2026-11-27T12:00:00", "2026-11-29T23:59:00");
    let expected = [(11 * 3600 + 1, "silent", 60), (59 * 3600 + 1, "silent", 60)];
    assert_eq!(told, expected, "on Friday night and on Sunday night");
}

#[test]
fn a_pending_attempt_holds_the_alert_back_until_it_is_decided() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.pending = true;
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:05:30"), []);
    let session = case.session(at("2026-11-23T08:04:50"));
    case.watch.login(&session, false);
    case.pending = false;
    assert_eq!(case.run("2026-11-23T08:05:31", "2026-11-23T08:09:50"), [], "it was the login that was missed");
}

#[test]
fn pending_attempts_hold_an_alert_back_for_65_seconds_at_most() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.pending = true;
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:30:00"), [(366, "silent", 6)]);
}

#[test]
fn an_alert_that_was_held_back_is_told_though_the_window_has_closed() {
    let mut case = Case::new((8, 0), (8, 6), 5, "2026-11-23T08:00:00");
    case.pending = true;
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:06:02"), []);
    case.failure(at("2026-11-23T08:05:20"));
    case.pending = false;
    assert_eq!(case.run("2026-11-23T08:06:03", "2026-11-23T09:00:00"), [(0, "failing", 6)]);
}

#[test]
fn an_assumed_login_that_was_none_is_taken_back_and_missed_anew() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.login(at("2026-11-23T08:01:00"));
    assert_eq!(case.run("2026-11-23T08:06:00", "2026-11-23T08:10:00"), [(1, "silent", 5)]);
    let assumed = case.session(at("2026-11-23T08:09:00"));
    case.watch.assume(&assumed, true);
    assert_eq!(case.run("2026-11-23T08:10:05", "2026-11-23T08:13:00"), [(0, "recovered", 8)]);
    case.watch.failure(&assumed, b"left at the password prompt");
    assert!(case.watch.must_rescan(), "an older one may be open still");
    assert_eq!(case.run("2026-11-23T08:13:00", "2026-11-23T08:20:00"), [(0, "failing", 12)]);
}

#[test]
fn failures_since_the_last_login_make_the_verdict() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.failure(at("2026-11-23T08:01:00"));
    let told = case.tick(at("2026-11-23T08:06:00"));
    let [Notice::Alert(alert)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((alert.verdict, alert.attempts, alert.failures.count), (Verdict::Failing, 1, 1));
    assert_eq!(alert.failures.reason, b"password authentication failed");
}

#[test]
fn failures_before_a_login_that_was_decided_later_do_not_count() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.failure(at("2026-11-23T08:00:10"));
    let assumed = case.session(at("2026-11-23T08:00:20"));
    case.failure(at("2026-11-23T08:00:30"));
    case.watch.assume(&assumed, true);
    let told = case.tick(at("2026-11-23T08:06:00"));
    let [Notice::Alert(alert)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((alert.verdict, alert.attempts, alert.failures.count), (Verdict::Failing, 1, 1));
}

#[test]
fn failures_before_the_window_opened_are_no_attempts_in_it() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T00:00:00");
    case.failure(at("2026-11-23T03:00:00"));
    assert_eq!(case.run("2026-11-23T07:00:00", "2026-11-23T09:00:00"), [(3901, "silent", 5)]);
}

#[test]
fn the_hours_of_a_day_with_a_change_of_clocks_are_counted_as_they_pass() {
    // 2026-10-25: 03:00 becomes 02:00 again in Paris, so 01:00 to 04:00 are four hours.
    let mut case = Case::new((1, 0), (12, 0), 200, "2026-10-25T00:00:00");
    assert_eq!(case.run("2026-10-25T01:00:00", "2026-10-25T12:00:00"), [(12_001, "silent", 200)]);
}

#[test]
fn a_name_that_no_login_matches_for_a_whole_window_is_never_seen() {
    let mut case = Case::new((8, 0), (9, 0), 5, "2026-11-23T08:30:00");
    case.run("2026-11-23T08:30:00", "2026-11-23T09:30:00");
    assert_eq!(case.watch.never_seen().count(), 0, "not the whole of that window");
    case.run("2026-11-24T07:30:00", "2026-11-24T08:30:00");
    case.run("2026-11-24T08:31:00", "2026-11-24T09:30:00");
    assert_eq!(case.watch.never_seen().count(), 1);
    case.login(at("2026-11-24T10:00:00"));
    assert_eq!(case.watch.never_seen().count(), 0);
}

#[test]
fn entries_that_stay_keep_what_is_known_of_them() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    case.login(5);
    let watch = &mut case.watch;
    let mut other = watch.entries()[0].clone();
    (other.name, other.user) = ("batch".to_owned(), b"batch".to_vec());
    let both = vec![other, watch.entries()[0].clone()];
    assert_eq!(watch.reconfigure(both, at("2026-11-23T08:00:00")), [Some(1)]);
    assert_eq!((watch.last_login(0), watch.last_login(1).map(|login| login.at)), (None, Some(5)));
}

#[test]
fn the_windows_of_a_stretch_of_time_are_cut_where_it_ends() {
    // It does not open on Saturdays: 2026-11-28 is one.
    let case = Case::new((8, 0), (19, 0), 5, "2026-11-23T00:00:00");
    let windows = |from: &str, to: &str, most| case.watch.windows(0, (at(from), at(to)), most);
    let hours = |day: &str| (at(&format!("{day}T08:00:00")), at(&format!("{day}T19:00:00")));
    let week = windows("2026-11-27T00:00:00", "2026-11-30T23:00:00", 9);
    assert_eq!(week, [hours("2026-11-27"), hours("2026-11-29"), hours("2026-11-30")]);
    assert_eq!(windows("2026-11-27T00:00:00", "2026-11-30T23:00:00", 2), week[..2]);
    let part = windows("2026-11-27T12:00:00", "2026-11-27T13:00:00", 9);
    assert_eq!(part, [(at("2026-11-27T12:00:00"), at("2026-11-27T13:00:00"))]);
    assert_eq!(windows("2026-11-27T19:00:00", "2026-11-27T23:00:00", 9), []);
    assert_eq!(windows("2026-11-27T08:00:00", "2026-11-27T08:00:00", 9), [], "no time at all");
    let always = Case::new((0, 0), (0, 0), 5, "2026-11-23T00:00:00");
    let sunday = (at("2026-11-29T00:00:00"), at("2026-11-29T12:00:00"));
    assert_eq!(always.watch.windows(0, sunday, 9), [sunday]);
}

/// An open session is taken for a login by its age; that it has proved to be one is known better, and is told so.
#[test]
fn a_login_that_proves_itself_is_not_assumed_any_more() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    let (first, second) = (case.session(at("2026-11-23T08:01:00")), case.session(at("2026-11-23T08:02:00")));
    let last = |case: &Case| case.watch.last_login(0).map(|login| (login.sequence, login.assumed));
    case.watch.assume(&second, true);
    case.watch.assume(&first, false);
    assert_eq!(last(&case), Some((2, true)), "an older one changes nothing");
    case.watch.assume(&second, false);
    assert_eq!(last(&case), Some((2, false)));
    case.watch.assume(&second, true);
    assert_eq!(last(&case), Some((2, false)), "what is known is not forgotten");
}

/// Two come back after an alert; the one that came first ends the outage, in whatever order they are decided.
#[test]
fn the_first_login_behind_an_alert_ends_the_outage() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:06:00").len(), 1);
    let since = case.session(at("2026-11-23T08:00:00"));
    let (first, second) = (case.session(at("2026-11-23T08:07:00")), case.session(at("2026-11-23T08:08:00")));
    case.watch.login(&since, false);
    assert_eq!(case.tick(at("2026-11-23T08:08:00")), [], "that was no later than the silence");
    case.watch.login(&second, false);
    case.watch.login(&first, false);
    let told = case.tick(at("2026-11-23T08:09:00"));
    let [Notice::Recovered(recovery)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(recovery.at, at("2026-11-23T08:07:00"));
    assert_eq!(case.watch.last_login(0).map(|login| login.sequence), Some(second.sequence));
}

/// An entry whose window is another one from now on: the old one's alert is not its alert.
#[test]
fn an_entry_with_another_window_is_alerted_anew() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    assert_eq!(case.run("2026-11-23T08:00:00", "2026-11-23T08:06:00"), [(301, "silent", 5)]);
    let mut entry = case.watch.entries()[0].clone();
    entry.window.close = Time::constant(20, 0, 0, 0);
    case.watch.reconfigure(vec![entry], at("2026-11-23T08:06:00"));
    assert_eq!(case.run("2026-11-23T08:06:01", "2026-11-23T08:12:00").len(), 1);
    assert!(case.watch.is_open(0) && case.watch.is_out(0));
    case.run("2026-11-23T20:00:00", "2026-11-23T20:00:01");
    assert!(!case.watch.is_open(0));
}

/// Only an alert that is due waits, and only for an attempt that is not decided: the kernel is asked for that.
#[test]
fn an_alert_waits_for_a_pending_attempt_only_when_it_is_due() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    let mut waits = |pending, now: &str| {
        case.pending = pending;
        assert_eq!(case.tick(at(now)), []);
        case.watch.waits_for_pending(0)
    };
    assert!(!waits(false, "2026-11-23T08:01:00"));
    assert!(!waits(true, "2026-11-23T08:05:00"));
    assert!(waits(true, "2026-11-23T08:05:01"));
    case.pending = false;
    assert_eq!(case.tick(at("2026-11-23T08:05:02")).len(), 1);
    assert!(!case.watch.waits_for_pending(0));
}

/// Decided late: an attempt of an earlier window, or from before the log was silent, or from before the last login.
#[test]
fn a_failure_that_is_decided_late_does_not_count_where_it_does_not_belong() {
    let mut case = Case::new((8, 0), (9, 0), 5, "2026-11-23T00:00:00");
    let [before, login, after, next] =
        ["2026-11-23T08:01:00", "2026-11-23T08:02:00", "2026-11-23T08:03:00", "2026-11-24T08:01:00"]
            .map(|time| case.session(at(time)));
    let count =
        |case: &Case, day: &str| case.watch.states[0].failures_since_login(at(&format!("{day}T08:00:00"))).count;
    case.watch.login(&login, false);
    case.watch.failure(&before, b"x");
    assert_eq!(count(&case, "2026-11-23"), 0, "it came before the login");
    case.watch.failure(&after, b"x");
    assert_eq!(count(&case, "2026-11-23"), 1);
    case.watch.failure(&next, b"x");
    case.watch.failure(&after, b"x");
    assert_eq!((count(&case, "2026-11-23"), count(&case, "2026-11-24")), (0, 1), "the window is another one");
    case.watch.spoke = at("2026-11-24T08:02:00");
    let silent = case.session(at("2026-11-24T08:01:30"));
    case.watch.failure(&silent, b"x");
    assert_eq!(count(&case, "2026-11-24"), 1, "the log was silent then");
}

/// The reason that comes with the closing is that of the attempt that was told as failed, and of no other.
#[test]
fn a_better_reason_is_of_its_own_failure() {
    let mut case = Case::new((8, 0), (19, 0), 5, "2026-11-23T08:00:00");
    let [first, second] = ["2026-11-23T08:01:00", "2026-11-23T08:02:00"].map(|time| case.session(at(time)));
    case.watch.failure(&first, b"a");
    case.watch.failure(&second, b"b");
    case.watch.refine_failure(&first, b"c");
    assert_eq!(case.watch.states[0].failures.reason, b"b");
    case.watch.refine_failure(&second, b"d");
    assert_eq!(case.watch.states[0].failures.reason, b"d");
}
