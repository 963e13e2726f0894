//! What becomes of sessions when a process comes up, is over, or is taken over, and when the clock is set.

use super::*;

#[test]
fn the_end_of_a_process_decides_its_own_sessions() {
    for end in ["got SIGTERM, fast exit", "server connections dropped, exiting", "process up: PgBouncer 1.18.0, x"] {
        let lines = UP.to_owned() + CLOSED + &attempt(1, 1, 5) + &format!("2 1 {end}\n") + &attempt(3, 1, 6);
        assert_eq!(total(&lines), tally(2, 0, 1, 1), "{end}");
    }
    let other = "2 2 process up: PgBouncer 1.18.0, x\n";
    let lines = UP.to_owned() + CLOSED + &attempt(1, 1, 5) + other + &attempt(3, 1, 6);
    assert_eq!(total(&lines), tally(2, 1, 1, 0), "another process of so_reuseport came up");
}

#[test]
fn clients_that_are_taken_over_have_logged_in_once_and_go_on_under_the_new_process() {
    let client = |pid: u32, pointer: u32, port: u32, text: &str| {
        format!("{pid} C-0x{pointer}: app/web@10.0.0.1:{port} {text}\n")
    };
    let attempt_of = |pid, pointer, port| client(pid, pointer, port, "login attempt: db=app user=web tls=no");
    let at = |second: u32, text: String| format!("{second} {text}");
    for resumed in [2, 3] {
        let lines = UP.to_owned()
            + CLOSED
            + &attempt(1, 1, 5)
            + &attempt(1, 2, 6)
            + "5 2 SUSPEND finished, sending SHOW FDS\n"
            + &at(5, attempt_of(2, 8, 6))
            + &at(5, attempt_of(2, 7, 5))
            // Of this one nothing was known: it is none of those that are counted.
            + &at(5, attempt_of(2, 9, 77))
            + "6 2 SHOW FDS finished\n"
            + &format!("6 {resumed} old process killed, resuming work\n")
            + &format!("6 {resumed} process up: PgBouncer 1.18.0, libevent 2.1\n")
            + &at(7, client(resumed, 7, 5, "closing because: client unexpected eof (age=6s)"));
        let analyzer = analyze(true, &lines);
        assert_eq!(summary(&analyzer).total, tally(2, 0, 0, 0), "{resumed}: they have proved themselves");
        assert_eq!(analyzer.figures().durations().count(), 1, "{resumed}: it was its own closing");
        assert_eq!(analyzer.open_sessions(), 1);
        let gone = lines + &at(8, client(resumed, 8, 6, "closing because: client unexpected eof (age=7s)"));
        assert_eq!(analyze(true, &gone).open_sessions(), 0);
    }
}

#[test]
fn a_clock_that_is_set_does_not_make_an_attempt_older() {
    for by in [600_000, -600_000] {
        let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
        let now = analyzer.last_instant().unwrap();
        analyzer.shift(by, (now, now + by));
        let total = |late: i64| analyzer.summary(now + by + late).total;
        assert_eq!(total(64_000), tally(1, 0, 1, 0));
        assert_eq!(total(65_000), tally(1, 0, 0, 1));
    }
}

#[test]
fn a_process_that_has_gone_without_a_word_is_over() {
    let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
    let start = analyzer.last_instant().unwrap();
    let text = "2026-11-22 00:00:02.000 UTC [2] LOG process up: PgBouncer 1.18.0, libevent 2.1";
    analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
    analyzer.tick(start + 180_000);
    assert_eq!(analyzer.open_sessions(), 1);
    analyzer.tick(start + 182_000);
    assert_eq!((analyzer.open_sessions(), summary(&analyzer).total), (0, tally(1, 0, 0, 1)));
}

#[test]
fn the_end_of_a_process_makes_no_login_of_what_cannot_be_one() {
    let hopeless = "1 1 C-0x1: (nodb)/eve@10.0.0.1:5 login attempt: db=app user=eve tls=no\n";
    let over = "9 1 got SIGTERM, fast exit\n";
    assert_eq!(total(&(UP.to_owned() + CLOSED + hopeless + over)), tally(1, 1, 0, 0));
    let mut analyzer = analyze(true, &(UP.to_owned() + CLOSED + &attempt(1, 1, 5)));
    take(&mut analyzer, 2, "DEBUG C-0x1: app/web@10.0.0.1:5 logged in");
    take(&mut analyzer, 3, "LOG got SIGTERM, fast exit");
    assert_eq!(summary(&analyzer).total, tally(1, 0, 0, 0), "it was seen to log in");
}

#[test]
fn the_ports_on_which_it_listens_are_the_newest_of_a_few() {
    use crate::limits::PROCESSES;
    let listening = |port: usize| format!("1 1 listening on 127.0.0.1:{port}\n");
    let lines: String = (1..=PROCESSES + 3).map(listening).collect();
    let analyzer = analyze(true, &(UP.to_owned() + &lines));
    let ports: Vec<u16> = (4..=PROCESSES as u16 + 3).rev().collect();
    assert_eq!(analyzer.sessions.listening, ports);
}

/// Two of `so_reuseport`: only the clients of the one that is taken over go on under another process.
#[test]
fn clients_of_another_process_stay_with_it() {
    let other = "1 9 C-0x5: app/web@10.0.0.1:55 login attempt: db=app user=web tls=no\n";
    let lines = UP.to_owned()
        + CLOSED
        + "0 9 process up: PgBouncer 1.18.0, libevent 2.1\n"
        + &attempt(1, 1, 5)
        + other
        + "5 2 SUSPEND finished, sending SHOW FDS\n"
        + "5 2 C-0x8: app/web@10.0.0.1:5 login attempt: db=app user=web tls=no\n"
        + "6 2 SHOW FDS finished\n"
        + "6 3 old process killed, resuming work\n";
    let closing = |pid: u32, pointer: u32, port: u32| {
        format!("7 {pid} C-0x{pointer}: app/web@10.0.0.1:{port} closing because: client close request (age=6s)\n")
    };
    for (line, open) in [(closing(9, 5, 55), 1), (closing(3, 5, 55), 2), (closing(3, 8, 5), 1), (closing(2, 8, 5), 2)] {
        assert_eq!(analyze(true, &(lines.clone() + &line)).open_sessions(), open, "{line}");
    }
}

/// An online restart can be written down at any moment of it.
#[test]
fn every_step_of_a_restart_is_read_back() {
    use crate::analysis::takeover::Takeover;
    for step in [Takeover::None, Takeover::Taking(7), Takeover::Taken(8), Takeover::Done(9)] {
        assert_eq!(crate::kept::read::<Takeover>(&crate::kept::text(&step)), Some(step));
    }
    assert!(crate::kept::read::<Takeover>("[4,7]").is_none());
}
