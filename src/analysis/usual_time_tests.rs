//! Of the shortest way: what depends on time, and on what was written before.

use super::{analyzer, counted, feed};
use crate::analysis::analyzer::Analyzer;
use crate::analysis::silences::Silences;
use crate::analysis::watch;
use crate::pgbouncer::lines::Lines;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// What a log says at LOG behind a time of the same second.
fn at_five(number: usize, pid: u32, text: &str) -> String {
    format!("2026-11-22 05:00:00.{number:03} UTC [{pid}] LOG {text}\n")
}

/// An attempt of a client that has its number for a port.
fn attempt_of(number: usize, pid: u32, port: usize) -> String {
    at_five(number, pid, &format!("C-0x{pid}{port}: app/web@10.0.0.7:{port} login attempt: db=app user=web tls=no"))
}

/// Of a line of the same second nothing is asked but its milliseconds; but one that waited while the clock was set has the old
/// time.
#[test]
fn a_line_that_waited_while_the_clock_was_set_is_moved_on_the_shortest_way_as_well() {
    let [before, behind] = [0, 50].map(|from| (from..from + 50).map(|at| attempt_of(at, 7, at)).collect::<String>());
    let moments = [false, true].map(|may_be_usual| {
        let (mut analyzer, mut lines) = (analyzer(), Lines::new());
        feed(&mut lines, &before, &mut analyzer, may_be_usual);
        let (now, unset) = (MIDNIGHT + 5 * 3_600_000, MIDNIGHT + 5 * 3_600_000 + 99);
        analyzer.clock_was_set(3_600_000, (now, now + 3_600_000));
        let usual = feed(&mut lines, &(behind.clone() + "x"), &mut analyzer, may_be_usual);
        assert_eq!(usual > behind.len() * 9 / 10, may_be_usual, "{usual} of {}", behind.len());
        analyzer.last_instant().expect("a record") - unset
    });
    assert_eq!(moments, [3_600_000; 2]);
}

/// An online restart writes an attempt of every client that it takes over; they have logged in before.
#[test]
fn clients_that_are_taken_over_are_not_counted_again_on_the_shortest_way_either() {
    let attempts = |pid: u32| (1..=20).map(|port| attempt_of(port, pid, port)).collect::<String>();
    let closed = attempt_of(0, 7, 99)
        + &at_five(0, 7, "C-0x799: app/web@10.0.0.7:99 closing because: client close request (age=1s)");
    let text = attempts(7) + &closed + &at_five(21, 8, "SUSPEND finished, sending SHOW FDS") + &attempts(8);
    let text = text + &at_five(30, 8, "SHOW FDS finished") + "x";
    let both = [false, true].map(|may_be_usual| {
        let mut analyzer = analyzer();
        let usual = feed(&mut Lines::new(), &text, &mut analyzer, may_be_usual);
        assert_eq!(usual > text.len() * 3 / 4, may_be_usual, "{usual} of {}", text.len());
        (counted(&analyzer), analyzer.summary(analyzer.last_instant().expect("a record")).total.attempts)
    });
    assert_eq!(both[0], both[1]);
    assert_eq!(both[0].1, 21);
}

/// 2026-11-22, in milliseconds.
const MIDNIGHT: i64 = 1_795_305_600_000;

/// Each attempt may end a silence, also of a pool that is known.
#[test]
fn silences_are_measured_on_the_shortest_way_as_well() {
    let text: String = (0..6).map(|number| attempt_of(number, 7, number)).collect();
    let text: String = (0..10).map(|hour| text.replace(" 05:", &format!(" {hour:02}:"))).collect();
    let always = watch::Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    let measured = [false, true].map(|may_be_usual| {
        let mut analyzer = analyzer();
        analyzer.watch.measure(Silences::new(TimeZone::UTC, always, Vec::new()));
        analyzer.begin_watch(MIDNIGHT);
        feed(&mut Lines::new(), &(text.clone() + "x"), &mut analyzer, may_be_usual);
        format!("{:?}", analyzer.silences(analyzer.last_instant().expect("a record")))
    });
    assert_eq!(measured[0], measured[1]);
}

/// What both ways make of a log: the figures, how long sessions lasted, and when the last record was written.
fn both(text: &str, least_usual: usize) -> [(Vec<String>, String, Option<i64>); 2] {
    [false, true].map(|may_be_usual| {
        let mut analyzer: Analyzer = analyzer();
        let usual = feed(&mut Lines::new(), &format!("{text}x"), &mut analyzer, may_be_usual);
        assert!(!may_be_usual || usual >= least_usual, "{usual} of {}", text.len());
        (counted(&analyzer), format!("{:?}", analyzer.figures().durations()), analyzer.last_instant())
    })
}

/// An attempt and, half a second later, its closing.
fn session(number: usize) -> [String; 2] {
    let closing = format!("C-0x7{number}: app/web@10.0.0.7:{number} closing because: client close request (age=0s)");
    [attempt_of(number, 7, number), at_five(number + 500, 7, &closing)]
}

/// A session lasts from the attempt to its closing, and the last record is as old as it is, however far the log's clock is from
/// Greenwich.
#[test]
fn in_a_log_of_another_zone_instants_are_those_of_greenwich_on_the_shortest_way_as_well() {
    let sessions: [String; 2] = [0, 1].map(|which| (1..=50).map(|number| session(number)[which].clone()).collect());
    let text = sessions.concat().replace(" UTC ", " +02 ");
    let [plain, quick] = both(&text, text.len() * 9 / 10);
    assert_eq!(quick, plain);
    assert_eq!(quick.2, Some(MIDNIGHT + 3 * 3_600_000 + 550));
}

/// Of the second before one line is of another zone, and no client's: the next one is not of that zone.
#[test]
fn a_zone_that_one_line_shows_is_not_the_next_ones() {
    let attempts = |from: usize| (from..from + 20).map(|number| attempt_of(number, 7, number)).collect::<String>();
    let other = at_five(30, 7, "kernel file descriptor limit: 1024").replace(" UTC ", " +02 ");
    let text = attempts(1) + &other + &attempts(40);
    let [plain, quick] = both(&text, text.len() * 3 / 4);
    assert_eq!(quick, plain);
    assert_eq!(quick.2, Some(MIDNIGHT + 5 * 3_600_000 + 59));
}

/// Up to 1.14 a client that said nothing for a second was logged in; that it is such a log, its first closing says.
#[test]
fn the_first_closing_of_an_old_log_is_read_as_one_of_an_old_log() {
    let closing = at_five(30, 7, "C-0x75: app/web@10.0.0.7:5 closing because: client unexpected eof (age=9)");
    let text = (1..=20).map(|number| attempt_of(number, 7, number)).collect::<String>() + &closing;
    let text = text.replace(" UTC [7] ", " 7 ");
    let [plain, quick] = both(&text, text.len() * 3 / 4);
    assert_eq!(quick, plain);
    assert!(quick.0.iter().any(|account| account.contains("failed: 0")), "{:?}", quick.0);
}
