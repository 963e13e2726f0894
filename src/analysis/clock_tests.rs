use super::Step;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::watch::{Alert, Entry, Notice, Verdict, Watch, Window};
use crate::limits::ASSUMED_AFTER_MS;
use crate::pgbouncer::lines::{Kind, Line, Lines};
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

/// At a second, of a process.
fn take_of(analyzer: &mut Analyzer, second: i64, pid: u32, message: &str) {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!("1970-01-01 {hour:02}:{minute:02}:{second:02}.000 UTC [{pid}] LOG {message}");
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
}

fn alert(told: &[Notice]) -> &Alert {
    let [Notice::Alert(alert)] = told else { panic!("{told:?}") };
    alert
}

const UP: &str = "process up: PgBouncer 1.25.2, libevent 2.1";
const STATS: &str = "stats: 1 xacts/s, 1 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, in 1 B/s, out 1 B/s, \
                     xact 1 us, query 1 us, wait 1 us";
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

/// The clock was set by so much when it showed minute 501, a minute behind a record; and what it shows now.
fn set_at_501(by: i64) -> (Analyzer, i64) {
    let mut analyzer = watching_web();
    take(&mut analyzer, 500, "listening on 127.0.0.1:6432");
    let now = 501 * MINUTE + by;
    analyzer.clock_was_set(by, (501 * MINUTE, now));
    (analyzer, now)
}

/// A line waits for its next byte for a tick, and then has the time of a clock that was set since.
#[test]
fn a_line_that_waited_while_the_clock_was_set_is_told_by_the_new_one() {
    for by in [100 * MINUTE, -100 * MINUTE] {
        let (mut analyzer, now) = set_at_501(by);
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

/// Records that were written just before the clock was set have its old time, and a second more or less decides.
#[test]
fn a_record_of_the_old_time_is_moved_and_no_other() {
    let forward = Step { old_now: 100_000, now: 400_000, by: 300_000, ticks: 2 };
    for (at, moved) in [(0, 300_000), (101_000, 401_000), (101_001, 101_001), (400_000, 400_000)] {
        assert_eq!(forward.mend(at), moved, "forward: {at}");
    }
    let back = Step { old_now: 400_000, now: 100_000, by: -300_000, ticks: 2 };
    for (at, moved) in [(0, 0), (101_000, 101_000), (101_001, -198_999), (400_000, 100_000)] {
        assert_eq!(back.mend(at), moved, "back: {at}");
    }
    let once = forward.fade().expect("a line can wait for a tick");
    assert_eq!((once, once.fade()), (Step { ticks: 1, ..forward }, None));
}

#[test]
fn a_record_of_the_new_time_is_not_moved_in_the_tick_in_which_the_clock_is_set() {
    for by in [100 * MINUTE, -100 * MINUTE] {
        let (mut analyzer, now) = set_at_501(by);
        take(&mut analyzer, 501 + by / MINUTE, ATTEMPT);
        assert_eq!(analyzer.last_record(), Some(now));
    }
}

/// `replay` jumps there: a moment later, and something is told too late.
#[test]
fn the_next_change_is_the_first_of_all() {
    let mut analyzer = watching_web();
    analyzer.begin_watch(0);
    assert_eq!(analyzer.next_change(MINUTE), 5 * MINUTE + 1, "it is missed");
    take_of(&mut analyzer, 70, 7, ATTEMPT);
    assert_eq!(analyzer.next_change(70_000), 70_000 + ASSUMED_AFTER_MS, "it has become a login by its age");
    let silent = 70_000 + 3 * MINUTE + 1;
    assert_eq!(analyzer.next_change(70_000 + ASSUMED_AFTER_MS), silent, "always behind now");
}

#[test]
fn a_log_that_ends_within_a_process_last_words_is_not_alive_because_of_them() {
    let mut analyzer = watching_web();
    let foresee = |analyzer: &mut Analyzer, message: &str| {
        let text = format!("1970-01-01 00:03:00.000 UTC [7] LOG {message}");
        analyzer.foresee(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
        analyzer.heart.last_record()
    };
    assert_eq!(foresee(&mut analyzer, "got SIGTERM, fast exit"), None);
    assert_eq!(foresee(&mut analyzer, "listening on 127.0.0.1:6432"), Some(3 * MINUTE));
}

#[test]
fn an_alert_says_what_its_account_has_open() {
    let mut analyzer = watching_web();
    take(&mut analyzer, 0, UP);
    for (pointer, user) in [(1, "web"), (2, "web"), (3, "batch")] {
        let client = format!("C-0x{pointer}: app/{user}@10.0.0.1:{pointer}");
        take(&mut analyzer, 1, &format!("{client} login attempt: db=app user={user} tls=no"));
    }
    analyzer.tick(2 * MINUTE + ASSUMED_AFTER_MS);
    take_of(&mut analyzer, 300, 7, "C-0x4: app/web@10.0.0.1:4 login attempt: db=app user=web tls=no");
    // That one waits for 65 s, and is dropped before it has become a login.
    take_of(&mut analyzer, 360, 7, "C-0x4: app/web@10.0.0.1:4 closing because: no such user (age=60s)");
    take_of(&mut analyzer, 361, 7, "C-0x5: app/web@10.0.0.1:5 login attempt: db=app user=web tls=no");
    take_of(&mut analyzer, 421, 7, "C-0x5: app/web@10.0.0.1:5 closing because: no such user (age=60s)");
    take_of(&mut analyzer, 424, 7, "C-0x6: app/web@10.0.0.1:6 login attempt: db=app user=web tls=no");
    let told = analyzer.tick(7 * MINUTE + 6 * 1000);
    let alert = alert(&told);
    assert_eq!((alert.verdict, alert.open), (Verdict::Failing, 2));
    assert_eq!((alert.failures.count, alert.attempts), (2, 3), "one attempt is not decided yet");
}

/// It was told as failed when it came; its closing says why, and does not count it once more.
#[test]
fn a_hopeless_attempt_of_a_watched_account_fails_once() {
    let mut analyzer = watching_web();
    take(&mut analyzer, 0, UP);
    let client = "C-0x1: (nodb)/web@10.0.0.1:5";
    take(&mut analyzer, 4, &format!("{client} login attempt: db=app user=web tls=no"));
    take(&mut analyzer, 4, &format!("{client} closing because: no such user (age=0s)"));
    let told = analyzer.tick(5 * MINUTE + 1000);
    let alert = alert(&told);
    assert_eq!((alert.failures.count, &alert.failures.reason[..]), (1, &b"no such user"[..]));
}

/// `so_reuseport`: several processes write to one log, and take turns when they are restarted.
#[test]
fn the_end_of_one_process_of_two_is_not_that_of_pgbouncer() {
    for (both, verdict) in [(false, Verdict::Silent), (true, Verdict::PgbouncerDown)] {
        let mut analyzer = watching_web();
        take_of(&mut analyzer, 1, 7, UP);
        take_of(&mut analyzer, 1, 8, UP);
        take_of(&mut analyzer, 290, 7, "got SIGTERM, fast exit");
        if both {
            take_of(&mut analyzer, 290, 8, "got SIGTERM, fast exit");
        }
        let told = analyzer.tick(5 * MINUTE + 1000);
        let alerts =
            told.iter().filter_map(|notice| if let Notice::Alert(alert) = notice { Some(alert) } else { None });
        assert_eq!(alerts.map(|alert| alert.verdict).next(), Some(verdict), "both: {both}");
    }
}

/// Stats come a period after the start: they are not overdue because there were none while nobody ran.
#[test]
fn a_process_that_comes_up_has_a_period_for_its_first_stats() {
    let mut analyzer = watching_web();
    take_of(&mut analyzer, 0, 7, UP);
    (1..=3).for_each(|minute| take_of(&mut analyzer, minute * 60, 7, STATS));
    take_of(&mut analyzer, 265, 8, UP);
    let changes: Vec<i64> = analyzer.heart.changes(analyzer.period.known()).collect();
    assert!(changes.contains(&(265_000 + 90_000)), "{changes:?}");
}

/// What the shortest way takes is told to the watch as well: by its closing, and before that by its age.
#[test]
fn a_login_that_goes_the_shortest_way_ends_an_alert() {
    for (closes, assumed) in [(true, false), (false, true)] {
        let mut analyzer = watching_web();
        let mut lines = Lines::new();
        let mut feed = |analyzer: &mut Analyzer, second: i64, message: &str| {
            let time = format!("00:{:02}:{:02}.000", second / 60, second % 60);
            lines.push(format!("1970-01-01 {time} UTC [7] LOG {message}\n").as_bytes());
            lines.drain(analyzer);
        };
        let attempt = |port: u32| format!("C-0x{port}: app/web@10.0.0.1:{port} login attempt: db=app user=web tls=no");
        let closing =
            |port: u32| format!("C-0x{port}: app/web@10.0.0.1:{port} closing because: client close request (age=1s)");
        feed(&mut analyzer, 0, UP);
        for port in 1..5 {
            feed(&mut analyzer, 1, &attempt(port));
            feed(&mut analyzer, 2, &closing(port));
        }
        feed(&mut analyzer, 3, "listening on 127.0.0.1:6432");
        assert_eq!(alert(&analyzer.tick(5 * MINUTE + 4000)).verdict, Verdict::Silent);
        feed(&mut analyzer, 310, &attempt(6));
        if closes {
            feed(&mut analyzer, 311, &closing(6));
        }
        feed(&mut analyzer, 311, "listening on 127.0.0.1:6432");
        let told = analyzer.tick(311_000 + if closes { 0 } else { ASSUMED_AFTER_MS });
        let [Notice::Recovered(recovery)] = &told[..] else { panic!("{told:?}") };
        assert_eq!(recovery.login.as_ref().map(|login| (login.assumed, login.at)), Some((assumed, 310_000)));
    }
}

/// A client is open while the configuration is read again, and the entries have other numbers: it is of its own still.
#[test]
fn an_open_session_is_of_its_entry_though_that_has_another_number() {
    let mut analyzer = watching_web();
    let web = analyzer.watch().entries()[0].clone();
    let batch = Entry { name: "batch".to_owned(), user: b"batch".to_vec(), ..web.clone() };
    take(&mut analyzer, 1, ATTEMPT);
    analyzer.reconfigure(vec![batch.clone(), web], TimeZone::UTC, None, MINUTE);
    analyzer.tick(MINUTE + ASSUMED_AFTER_MS);
    let last = |analyzer: &Analyzer, entry| analyzer.last_login(entry).map(|login| login.at);
    assert_eq!((last(&analyzer, 0), last(&analyzer, 1)), (None, Some(MINUTE)));
    take(&mut analyzer, 3, "C-0x2: app/web@10.0.0.1:6 login attempt: db=app user=web tls=no");
    analyzer.reconfigure(vec![batch], TimeZone::UTC, None, 3 * MINUTE);
    analyzer.tick(3 * MINUTE + ASSUMED_AFTER_MS);
    assert_eq!(last(&analyzer, 0), None, "nobody watches that one any more");
}

/// In the hour that the clock repeats a log without zones was quiet: which pass it is says the moment of reading.
#[test]
fn what_is_read_as_it_is_written_is_of_the_pass_in_which_it_is_read() {
    let pass = |now: Option<&str>| {
        let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
        let zone = TimeZone::get("Europe/Paris").expect("tzdata");
        let mut analyzer = Analyzer::new(Settings { zone, fallback: None, watch, now: 0 });
        let record = |analyzer: &mut Analyzer, time: &str| {
            let text = format!("2026-10-25 {time}.000 7 LOG listening on 127.0.0.1:6432");
            analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
            analyzer.last_instant().expect("a record")
        };
        let before = record(&mut analyzer, "01:00:00");
        let now = now.map(|now| now.parse::<jiff::Timestamp>().expect("an instant").as_millisecond());
        now.into_iter().for_each(|now| analyzer.read_live(now));
        (record(&mut analyzer, "02:30:00") - before) / MINUTE
    };
    assert_eq!(pass(None), 90);
    assert_eq!(pass(Some("2026-10-25T00:30:01Z")), 90);
    assert_eq!(pass(Some("2026-10-25T01:30:01Z")), 150);
}
