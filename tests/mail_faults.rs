//! Mail from the real binary to servers that do not do what they should: nothing is lost, and nothing comes twice.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::time::{Duration, Instant};

use common::mail::{BadServer, Fault, Server, email, is_there, run};
use common::run::good;

/// One alert after the other while a server does something wrong: no line is lost, and every mail arrives once and in
/// order as soon as it is well.
fn survives(name: &str, fault: Fault, times: usize) -> Vec<String> {
    let server = BadServer::start(fault, times);
    let mut run = run(name, "print|email", &email(server.port, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    for round in 0..5 {
        for port in 0..200 {
            run.append(&good("batch", 100 + 200 * round + port, 0));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    run.append(&good("web", 2, 0));
    run.until("out", "RECOVERED web");
    let mails = server.until(2);
    run.append(&good("batch", 2000, 0));
    let out = run.stop("TERM");
    assert!(out.contains("Account : batch\n") && out.contains("Number of logins : 1001\n"), "{fault:?}: {out}");
    let mails = if mails.len() == 2 { server.until(3) } else { mails };
    let subject = |mail: &String| {
        let lines = mail.lines().skip_while(|line| !line.starts_with("Subject: "));
        lines.take(1).collect::<String>()
    };
    let subjects: Vec<String> = mails.iter().map(subject).collect();
    for (subject, word) in subjects.iter().zip(["ALERT web", "RECOVERED web", "Report "]) {
        assert!(subject.contains(word), "{fault:?}: {subjects:?}");
    }
    assert_eq!(subjects.len(), 3, "{fault:?}: none twice");
    run.text("err").lines().map(str::to_owned).collect()
}

#[test]
fn a_server_that_accepts_and_is_silent() {
    let said = survives("mail-silent", Fault::Silent, 2);
    assert!(said[0].starts_with("loganalyzer: mail cannot be sent: localhost:"), "{said:?}");
    assert_eq!(said[1..], ["loganalyzer: mail is sent again"]);
}

#[test]
fn a_server_that_greets_late_is_waited_for() {
    assert_eq!(survives("mail-late", Fault::LateGreeting, 9), [""; 0]);
}

#[test]
fn a_server_that_closes_at_once_or_within_a_mail() {
    // That the server is away, and is there again; that this mail has to wait.
    for (fault, lines) in [(Fault::ClosesAtOnce, 2), (Fault::ClosesInData, 1)] {
        let said = survives("mail-closes", fault, 2);
        assert_eq!(said.len(), lines, "{said:?}");
    }
}

/// A server that looks for viruses answers late; it got the same mail again and again.
#[test]
fn a_server_that_thinks_long_about_a_mail_gets_it_once() {
    assert_eq!(survives("mail-slow", Fault::SlowAnswer, 9), [""; 0]);
}

/// lettre 0.11.23 panics on it.
#[test]
fn a_blank_line_in_the_answer_to_ehlo_does_not_end_the_daemon() {
    let said = survives("mail-blank", Fault::BlankEhlo, 2);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(!said.concat().contains("panicked at"), "{said:?}");
}

/// What a server says after it has taken a mail cannot make that be sent once more.
#[test]
fn a_bad_answer_to_quit_sends_nothing_twice() {
    assert_eq!(survives("mail-quit", Fault::BadQuit, 9), [""; 0]);
}

#[test]
fn a_temporary_refusal_at_any_stage_is_tried_again() {
    for stage in ["EHLO", "MAIL", "RCPT", "DATA", "END"] {
        let said = survives("mail-4xx", Fault::Says(stage, "451 4.3.0 later"), 1);
        if stage == "EHLO" {
            assert_eq!(said.len(), 2, "{stage}: {said:?}");
        } else {
            let waits = "loganalyzer: a mail to dba@example.org, Zoë <zoe@example.org> has to wait: localhost:";
            assert!(said.len() == 1 && said[0].starts_with(waits), "{stage}: {said:?}");
        }
    }
}

/// At the greeting a refusal for good is one of the server, and not of the mail.
#[test]
fn a_server_that_wants_nobody_is_tried_again() {
    let said = survives("mail-5xx-ehlo", Fault::Says("EHLO", "554 5.3.2 not now"), 2);
    assert!(said[0].contains("554") || said[0].contains("not now"), "{said:?}");
}

#[test]
fn what_is_refused_for_good_is_printed_and_told_in_the_next_mail() {
    for stage in ["MAIL", "RCPT", "DATA", "END"] {
        // Once for both recipients, and then for each of them.
        let server = BadServer::start(Fault::Says(stage, "550 5.7.1 go away"), 3);
        let mut run = run("mail-5xx", "email", &email(server.port, ""));
        run.append(&good("web", 1, 300));
        run.start(&[]);
        run.until("err", "a mail to Zoë <zoe@example.org> was not delivered: ");
        let out = run.text("out");
        let subject = "\n[LogAnalyzer] ALERT web: no login for 5 minutes (silent)\nALERT web: no login for 5 minutes";
        assert_eq!(out.matches(subject).count(), 1, "{out}");
        run.append(&good("web", 2, 0));
        let mails = server.until(1);
        assert!(mails[0].contains("1 mail before this one could not be delivered"), "{stage}: {}", mails[0]);
        run.stop("TERM");
        let said = run.text("err");
        assert!(said.contains("550") && said.contains("5.7.1 go away: [LogAnalyzer] ALERT web"), "{said}");
    }
}

#[test]
fn one_recipient_who_is_unknown_keeps_no_mail_from_the_others() {
    if !is_there("one bad recipient") {
        return;
    }
    let mut run = run("mail-one-bad", "print", "");
    let server = Server::start(&run.folder.join("mails"), &[]);
    server.fault("RCPT/zoe@example.org 550 5.1.1 no such user");
    run.configure_with("web:1", "\"00:00:00\"", "email", &email(server.port, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    let mails = server.until(1);
    assert_eq!(mails[0].way["to"].to_string(), r#"["dba@example.org"]"#);
    assert_eq!(mails[0].get("to"), "dba@example.org, Zoë <zoe@example.org>");
    run.until("err", "a mail to Zoë <zoe@example.org> was not delivered to them: ");
    run.stop("TERM");
}

/// The configuration of 2017 names a server on the host itself, and there may be none.
#[test]
fn a_server_that_refuses_at_once_costs_no_delay_at_exit_and_one_line() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut run = run("mail-refused", "print", &email(port, ""));
    run.start(&[]);
    std::thread::sleep(Duration::from_millis(200));
    let begin = Instant::now();
    run.signal("TERM");
    let status = run.child.take().expect("it runs").wait().expect("it ends");
    assert!(begin.elapsed() < Duration::from_millis(900), "{:?}", begin.elapsed());
    assert_eq!(status.code(), Some(0));
    let said = run.text("err");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("was not delivered: localhost:") && said.contains("refused"), "{said}");
    assert_eq!(run.text("out").matches("End date : ").count(), 1, "it was printed already");
}

/// A server that hangs at the end gets as long as one answer may take, and what it does not take is printed.
#[test]
fn a_silent_server_at_the_end_costs_one_time_out_and_nothing_is_lost() {
    let server = BadServer::start(Fault::Silent, 99);
    let mut run = run("mail-hangs", "email", &email(server.port, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    run.until("err", "mail cannot be sent: ");
    let begin = Instant::now();
    let out = run.stop("TERM");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(out.contains("\n[LogAnalyzer] ALERT web: no login for 5 minutes (silent)\nALERT web"), "{out}");
    assert_eq!(run.text("err").matches("was not delivered").count(), 2, "alert and report");
    assert!(server.connections() >= 2);
}

/// The section for mail is gone and the end comes before anybody looks: what waited was neither sent nor printed.
#[test]
fn what_waits_when_mail_is_turned_off_is_printed() {
    let server = BadServer::start(Fault::Silent, 99);
    let mut run = run("mail-off", "email", &email(server.port, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    run.until("err", "mail cannot be sent: ");
    run.configure("web:1", "\"00:00:00\"");
    run.signal("STOP");
    run.signal("HUP");
    run.signal("TERM");
    run.signal("CONT");
    let status = run.child.take().expect("it runs").wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert!(
        run.text("out").contains("\n[LogAnalyzer] ALERT web: no login for 5 minutes (silent)\n"),
        "{}",
        run.text("err")
    );
}

/// The pauses had grown while the settings were wrong, and the mended ones waited for them to end.
#[test]
fn settings_that_were_mended_are_tried_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let mut run = run("mail-mended", "email", &email(free, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    run.until("err", "mail cannot be sent: ");
    // Until the pause is longer than the test waits.
    std::thread::sleep(Duration::from_secs(7));
    let server = BadServer::start(Fault::Silent, 0);
    run.configure_with("web:1", "\"00:00:00\"", "email", &email(server.port, ""));
    let begin = Instant::now();
    run.signal("HUP");
    server.until(1);
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    run.stop("TERM");
}
