use super::*;
use crate::analysis::watch::Verdict;
use jiff::civil::Time;

const MINUTE: i64 = 60_000;
const BEGIN: i64 = 1_000 * 86_400_000;

fn at(minute: i64) -> i64 {
    BEGIN + minute * MINUTE
}

fn silences() -> Silences {
    let always = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    let mut silences = Silences::new(TimeZone::UTC, always, Vec::new());
    silences.begin(BEGIN);
    silences
}

/// Of account 0: how long it was silent, from when, until when, and how many logins there were.
fn longest(silences: &mut Silences, end: i64) -> (i64, i64, i64, u64) {
    let (_, silence) = silences.finish(end).next().expect("an account");
    let minute = |at: i64| (at - BEGIN) / MINUTE;
    (silence.longest / MINUTE, minute(silence.from), minute(silence.to), silence.logins)
}

#[test]
fn the_longest_silence_lies_between_logins_and_not_attempts() {
    let mut silences = silences();
    for (sequence, minute, login) in [(0, 10, true), (1, 20, false), (2, 40, true), (3, 50, true)] {
        silences.attempt(sequence, 0, b"web", at(minute));
        silences.decide(sequence, Some(0), login);
        silences.tick(at(minute));
    }
    assert_eq!(longest(&mut silences, at(60)), (30, 10, 40, 3));
}

/// It is taken for a login after 65 s, and taken back when it turns out to have failed.
#[test]
fn a_login_that_was_only_assumed_is_taken_back() {
    for (login, expected) in [(true, (20, 0, 20, 2)), (false, (40, 0, 40, 1))] {
        let mut silences = silences();
        silences.attempt(0, 0, b"web", at(20));
        silences.tick(at(20) + ASSUMED_AFTER_MS - 1);
        assert_eq!(silences.waiting.len(), 1, "too young");
        silences.tick(at(20) + ASSUMED_AFTER_MS);
        assert_eq!(silences.waiting.len(), 0);
        silences.attempt(1, 0, b"web", at(40));
        silences.decide(1, Some(0), true);
        silences.tick(at(40));
        silences.decide(0, Some(0), login);
        assert_eq!(longest(&mut silences, at(41)), expected);
    }
}

#[test]
fn a_clock_that_is_set_makes_no_silence_longer() {
    for by in [600 * MINUTE, -5 * MINUTE] {
        let mut silences = silences();
        silences.attempt(0, 0, b"web", at(10));
        silences.decide(0, Some(0), true);
        silences.tick(at(10));
        // One is waiting, and one is assumed.
        silences.attempt(1, 0, b"web", at(12));
        silences.tick(at(14));
        silences.attempt(2, 0, b"web", at(14));
        silences.shift(by);
        silences.decide(1, Some(0), true);
        silences.decide(2, Some(0), true);
        let (minutes, _, _, logins) = longest(&mut silences, at(20) + by);
        assert_eq!((minutes, logins), (10, 3), "{by}");
    }
}

#[test]
fn nobody_is_missed_while_the_log_is_silent() {
    let mut silences = silences();
    silences.attempt(0, 0, b"web", at(10));
    silences.decide(0, Some(0), true);
    silences.tick(at(10));
    let outage = Outage { verdict: Verdict::LogSilent, since: at(12), doubt: at(13) };
    silences.spoke(at(100), outage);
    assert_eq!(longest(&mut silences, at(104)), (10, 0, 10, 1));
}

/// With as many waiting as there can be open sessions, the oldest is taken for a login; and of too many that are only
/// assumed, the oldest is counted for good.
#[test]
fn what_waits_is_bounded_and_every_login_counts() {
    let mut silences = silences();
    let count = SESSIONS as u64 + 5;
    for sequence in 0..count {
        silences.attempt(sequence, 0, b"web", BEGIN + sequence as i64);
    }
    assert_eq!(silences.waiting.len(), SESSIONS);
    silences.tick(BEGIN + count as i64 + ASSUMED_AFTER_MS);
    let recent = silences.accounts[0].as_ref().map(|silence| silence.recent.len());
    assert_eq!(recent, Some(UNDECIDED_LOGINS.min(count as usize)));
    assert_eq!(longest(&mut silences, at(1)).3, count);
}

/// The second login proves itself, the first one does not: only that one can be taken back.
#[test]
fn each_login_is_decided_by_itself() {
    let mut silences = silences();
    silences.attempt(0, 0, b"web", at(20));
    silences.attempt(1, 0, b"web", at(30));
    silences.tick(at(30) + ASSUMED_AFTER_MS);
    silences.decide(1, Some(0), true);
    silences.decide(0, Some(0), false);
    assert_eq!(longest(&mut silences, at(31)), (30, 0, 30, 1));
}

/// An alert is told in the second that is more than so many minutes behind the login: the last second counts.
#[test]
fn a_threshold_is_enough_if_the_last_second_does_not_exceed_it() {
    for (seconds, minutes) in [(59, 1), (60, 1), (61, 2), (120, 2), (300, 5), (301, 6)] {
        let mut silences = silences();
        silences.attempt(0, 0, b"web", BEGIN);
        silences.decide(0, Some(0), true);
        let (_, silence) = silences.finish(BEGIN + seconds * SECOND_MS).next().expect("an account");
        assert_eq!((silence.minutes(), silence.longest), (minutes, seconds * SECOND_MS), "{seconds} s");
    }
}

/// What does not fit the table of accounts has no name, and so no threshold.
#[test]
fn nothing_is_measured_of_accounts_that_did_not_fit() {
    let mut silences = silences();
    silences.attempt(0, ACCOUNTS, b"", at(1));
    silences.decide(0, Some(ACCOUNTS), true);
    silences.tick(at(2));
    assert_eq!(silences.finish(at(3)).count(), 0);
    silences.attempt(1, ACCOUNTS - 1, b"last", at(4));
    assert_eq!(silences.finish(at(5)).map(|(number, _)| number).collect::<Vec<_>>(), [ACCOUNTS - 1]);
}

/// An account with a window of its own is missed inside that only, and no other one is.
#[test]
fn each_account_is_measured_by_its_own_window() {
    let window = |close| Window { open: Time::midnight(), close, days: [true; 7] };
    let own = vec![(b"web".to_vec(), window(Time::constant(1, 0, 0, 0)))];
    let mut silences = Silences::new(TimeZone::UTC, window(Time::midnight()), own);
    silences.begin(BEGIN);
    for (sequence, user) in [(0, b"web"), (1, b"job")] {
        silences.attempt(sequence, sequence as usize, user, BEGIN);
        silences.decide(sequence, Some(sequence as usize), true);
    }
    let longest: Vec<i64> = silences.finish(at(180)).map(|(_, silence)| silence.longest / MINUTE).collect();
    assert_eq!(longest, [60, 180]);
}
