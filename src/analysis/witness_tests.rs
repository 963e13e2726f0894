use super::*;
use crate::analysis::analyzer::Settings;
use crate::analysis::watch::{Entry, Notice, Verdict, Watch, Window};
use crate::pgbouncer::lines::{Kind, Line};
use jiff::civil::Time;
use jiff::tz::TimeZone;

const MINUTE: i64 = 60_000;

/// One that watches `web`, and has read these messages: (minute, text).
fn analyzer(head: &str, messages: &[(u32, &str)]) -> Analyzer {
    let window = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    let entry = Entry { name: "web".to_owned(), database: None, user: b"web".to_vec(), minutes: 3, window };
    let watch = Watch::new(vec![entry], TimeZone::UTC, 0);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    messages.iter().for_each(|(minute, message)| take(&mut analyzer, head, *minute, message));
    analyzer
}

fn take(analyzer: &mut Analyzer, head: &str, minute: u32, message: &str) {
    let text = format!("{}{message}", head.replace("MM", &format!("{minute:02}")));
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
}

const OWN: &str = "1970-01-01 00:MM:00.000 UTC [7] LOG ";
const UP: &str = "process up: PgBouncer 1.18.0, libevent 2.1";
const LISTENING: &str = "listening on 0.0.0.0:6432";
/// Somebody else's, so that the log has shown closings.
const OPENED: &str = "C-0x9: app/x@10.0.0.9:9 login attempt: db=app user=x tls=no";
const CLOSED: &str = "C-0x9: app/x@10.0.0.9:9 closing because: client close request (age=1s)";
const WEB: &str = "C-0x1: app/web@10.0.0.1:5 login attempt: db=app user=web tls=no";
const BEGIN: [(u32, &str); 5] = [(0, UP), (0, LISTENING), (0, OPENED), (0, CLOSED), (1, WEB)];

fn connections(remotes: &[&str], listening: &[u16]) -> Connections {
    let endpoint = |text: &&str| {
        let address: std::net::SocketAddr = text.parse().expect("an address");
        (address.ip(), address.port())
    };
    Connections { remotes: remotes.iter().map(endpoint).collect(), listening: listening.iter().copied().collect() }
}

/// What is told four minutes on, when the kernel says this.
fn verdict(analyzer: &mut Analyzer, connections: &Connections) -> Option<Verdict> {
    let now = 5 * MINUTE;
    let attempts = analyzer.wants_witness(now).expect("a witness is wanted");
    analyzer.witness(connections, attempts, now);
    analyzer.tick(now).iter().find_map(|notice| match notice {
        Notice::Alert(alert) => Some(alert.verdict),
        Notice::Recovered(_) => None,
    })
}

#[test]
fn a_client_that_is_gone_without_a_word_has_failed() {
    let mut analyzer = analyzer(OWN, &BEGIN);
    assert_eq!(verdict(&mut analyzer, &connections(&[], &[6432])), Some(Verdict::Failing));
    assert_eq!(analyzer.summary(5 * MINUTE).accounts[1].reasons.rows()[0].0, LEFT_AT_PROMPT);
}

#[test]
fn a_client_that_is_still_there_is_in() {
    let mut analyzer = analyzer(OWN, &BEGIN);
    let known = connections(&["10.0.0.1:5"], &[]);
    let (attempts, now) = (analyzer.wants_witness(3 * MINUTE), 3 * MINUTE);
    analyzer.witness(&known, attempts.expect("a witness is wanted"), now);
    assert_eq!(analyzer.tick(now), []);
    assert!(analyzer.last_login(0).is_some_and(|login| !login.assumed), "the kernel has proved it");
}

/// pgbouncer in a container has a table of connections of its own.
#[test]
fn a_kernel_that_does_not_know_this_pgbouncer_is_no_witness() {
    let mut analyzer = analyzer(OWN, &BEGIN);
    analyzer.witness(&connections(&["10.0.0.8:1"], &[22]), 2, 3 * MINUTE);
    assert_eq!(analyzer.tick(3 * MINUTE), []);
    assert!(analyzer.last_login(0).is_some_and(|login| login.assumed));
}

/// Another client of this pgbouncer shows that the table is the right one.
#[test]
fn another_client_shows_that_it_is_the_right_kernel() {
    let mut analyzer = analyzer(OWN, &BEGIN);
    take(&mut analyzer, OWN, 2, "C-0x2: app/x@10.0.0.9:10 login attempt: db=app user=x tls=no");
    assert_eq!(verdict(&mut analyzer, &connections(&["10.0.0.9:10"], &[])), Some(Verdict::Failing));
}

/// A client that came after the kernel was asked cannot be in its answer.
#[test]
fn an_attempt_that_came_after_the_question_is_not_judged_by_the_answer() {
    let mut analyzer = analyzer(OWN, &BEGIN[..4]);
    let attempts = analyzer.sequence;
    take(&mut analyzer, OWN, 1, WEB);
    analyzer.witness(&connections(&[], &[6432]), attempts, 3 * MINUTE);
    analyzer.tick(3 * MINUTE);
    assert!(analyzer.last_login(0).is_some_and(|login| login.assumed));
}

/// Lines may be missing since: its closing may be among them.
#[test]
fn an_attempt_before_a_gap_is_not_judged() {
    let mut analyzer = analyzer(OWN, &BEGIN);
    analyzer.gap();
    analyzer.witness(&connections(&[], &[6432]), 2, 3 * MINUTE);
    analyzer.tick(3 * MINUTE);
    assert!(analyzer.last_login(0).is_some_and(|login| login.assumed));
}

#[test]
fn nobody_is_asked_where_clients_cannot_leave_silently_or_the_log_comes_late() {
    let old = [(0, "process up: PgBouncer 1.14.0, libevent 2.1"), (0, OPENED), (0, CLOSED), (1, WEB)];
    assert_eq!(analyzer(OWN, &old).wants_witness(5 * MINUTE), None, "1.14 writes a closing");
    let syslog = "1970-01-01T00:MM:00.000+00:00 host pgbouncer[7]: ";
    assert_eq!(analyzer(syslog, &BEGIN).wants_witness(5 * MINUTE), None, "a syslog daemon writes later");
    assert!(analyzer(OWN, &BEGIN).wants_witness(5 * MINUTE).is_some());
    assert_eq!(analyzer(OWN, &BEGIN).wants_witness(MINUTE + 1000), None, "nothing depends on it yet");
}

/// A connection proves nothing of a client that may still be at the password prompt.
#[test]
fn a_client_that_is_there_and_young_is_not_in_yet() {
    let mut analyzer = analyzer(OWN, &[(0, UP), (0, LISTENING), (0, OPENED), (0, CLOSED), (3, WEB)]);
    let now = 3 * MINUTE + 1000;
    assert_eq!(analyzer.tick(now), [], "its alert waits for it");
    let known = connections(&["10.0.0.1:5"], &[]);
    let judge = |analyzer: &mut Analyzer, now: i64| {
        let attempts = analyzer.wants_witness(now).expect("a witness is wanted");
        analyzer.witness(&known, attempts, now);
        analyzer.sessions.undecided().filter(|session| session.proven).count()
    };
    assert_eq!(judge(&mut analyzer, now), 0);
    assert_eq!(judge(&mut analyzer, 3 * MINUTE + ASSUMED_AFTER_MS - 1), 0);
    assert_eq!(judge(&mut analyzer, 3 * MINUTE + ASSUMED_AFTER_MS), 1);
}

/// Two are open: the one that is gone has failed, and the one that is there is in.
#[test]
fn each_client_is_judged_by_its_own_connection() {
    let now = 5 * MINUTE;
    for (remote, port) in [("10.0.0.1:5", 5), ("10.0.0.1:6", 6)] {
        let mut analyzer = analyzer(OWN, &BEGIN);
        take(&mut analyzer, OWN, 2, "C-0x2: app/web@10.0.0.1:6 login attempt: db=app user=web tls=no");
        let attempts = analyzer.wants_witness(now).expect("a witness is wanted");
        analyzer.witness(&connections(&[remote], &[]), attempts, now);
        let open = analyzer.sessions.undecided().filter_map(|session| session.prefix.endpoint());
        assert_eq!(open.map(|(_, port)| port).collect::<Vec<_>>(), [port], "the other one has failed");
    }
}
