//! Any bytes as a log: nothing panics, and a login is only believed when the printing of what was read gives the line
//! back.

use loganalyzer::limits::{DATABASE_NAME_MAX, READ_SIZE, USER_NAME_MAX};
use loganalyzer::pgbouncer::fallback::{DOCUMENTED, Fallback};
use loganalyzer::pgbouncer::parser::{Parser, Reading};
use loganalyzer::pgbouncer::record::{Event, LoginAttempt, Record};
use loganalyzer::report::mail::{Origin, of_report};
use loganalyzer::report::paint::Style as Paint;
use loganalyzer::report::time::TimeFormat;
use loganalyzer::report::{Report, text};

use crate::common;
use crate::common::printer::Style;

pub fn run(bytes: &[u8]) {
    let mut parser = Parser::new(1_795_478_400_000);
    let fallback = Fallback::new(DOCUMENTED, "%Y-%m-%d %H:%M:%S.%f").expect("the documented ones");
    common::each_line(bytes, READ_SIZE, |line| {
        let first = parser.parse(line.bytes);
        assert_eq!(first, parser.parse(line.bytes), "what was read before changes it: {}", line.bytes.escape_ascii());
        if let Reading::Record(record) = first {
            check(&record, line.bytes);
        }
        let _ = parser.parse_cut(line.bytes);
        let _ = fallback.parse(line.bytes);
    });
    show(bytes);
}

/// What was read of an attempt is printed as pgbouncer prints it, and that must be what stands behind the pointer.
fn check(record: &Record<'_>, line: &[u8]) {
    let Event::LoginAttempt(attempt) = &record.event else { return };
    let shown = || format!("{attempt:?}: {}", line.escape_ascii());
    let rest = record.socket.expect("of a client").rest;
    assert!(line.ends_with(rest), "{}", shown());
    assert!(attempt.database.len() < DATABASE_NAME_MAX && attempt.user.len() < USER_NAME_MAX, "{}", shown());
    let database = if attempt.hopeless { b"(nodb)" } else { attempt.database };
    let who = database.len() + 1 + attempt.user.len() + 1;
    let address = attempt.prefix.get(who..attempt.prefix.len() - 1).expect("an address");
    let address = std::str::from_utf8(address).expect("it is ASCII");
    assert!(is_address(address, attempt), "{}", shown());
    let tls = attempt.tls.map(|tls| std::str::from_utf8(tls).expect("it is ASCII"));
    let of_replication = [Some("yes"), Some("database"), Some("logical"), Some("physical")];
    let kinds = if attempt.replication { &of_replication[..] } else { &[None, Some("no")] };
    let printed = kinds.iter().any(|&kind| {
        let message = Style::attempt_with(attempt.database, attempt.user, tls, kind);
        Style::behind_pointer(database, attempt.user, address, &message) == rest
    });
    assert!(printed, "{}", shown());
}

/// Whether this is how an address is printed.
fn is_address(printed: &str, attempt: &LoginAttempt<'_>) -> bool {
    let Some((host, port)) = printed.rsplit_once(':') else { return false };
    let read = std::str::from_utf8(attempt.address.host).expect("it is ASCII");
    let pid = host.strip_prefix("unix(").and_then(|rest| rest.strip_suffix(')'));
    let is_host = host == read
        || host == format!("[{read}]")
        || read == "unix" && pid.is_some_and(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()));
    is_host && port.parse() == Ok(attempt.address.port)
}

/// Whatever a log holds, it can be told.
fn show(bytes: &[u8]) {
    let mut analyzer = common::analyzer();
    common::feed(&mut analyzer, &[bytes.to_vec()]);
    let format = TimeFormat::default();
    let report = Report::complete(&analyzer, &format);
    let _ = text::write(&report, Paint { colors: true, terminal: true });
    let origin = Origin { host: "db1".to_owned(), logs: "pgbouncer.log".to_owned() };
    let _ = of_report(&report, "2026-11-23", &origin);
    common::json(&analyzer);
}
