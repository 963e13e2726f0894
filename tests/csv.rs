//! The tables for spreadsheets, from the real binary, against the JSON report of the same log.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use std::process::{Command, Stdio};

use common::string;
use serde_json::Value;

fn report(format: &str, log: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    command.current_dir(std::env::temp_dir()).env("TZ", "UTC").args(["report", "--format", format, "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    let mut input = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || std::io::Write::write_all(&mut input, log).expect("it reads"));
        let output = child.wait_with_output().expect("the binary ends");
        assert_eq!(output.status.code(), Some(0), "{format}");
        String::from_utf8(output.stdout).expect("UTF-8")
    })
}

/// The fields of each record, as RFC 4180 has them.
fn records(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '"' if quoted && rest.peek() == Some(&'"') => field.push(rest.next().expect("a quote")),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(rest.next(), Some('\n'), "a record ends with CR LF");
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            _ => field.push(character),
        }
    }
    assert!(!quoted && field.is_empty() && record.is_empty(), "the last record ends as well");
    records
}

fn list<'a>(report: &'a Value, path: &str) -> &'a [Value] {
    report.pointer(path).and_then(Value::as_array).expect(path)
}

#[test]
fn every_table_of_every_capture_has_the_rows_of_the_json() {
    for name in ["1.5.5", "1.25.2", "takeover-1.18.0", "verbose-1.25.2"] {
        let log = common::logs(name).concat();
        let json: Value = serde_json::from_str(&report("json", &log)).expect("JSON");
        for (table, path) in [
            ("accounts", "/accounts"),
            ("refused", "/refused/byReason"),
            ("series", "/series/points"),
            ("hours", "/loginsByHour/total"),
            ("warnings", "/warnings/byKind"),
            ("servers", "/servers/closedByReason"),
            ("events", "/events/newest"),
            ("outages", "/outages/newest"),
        ] {
            let rows = records(&report(&format!("csv:{table}"), &log));
            assert_eq!(rows.len() - 1, list(&json, path).len(), "{name}: {table}");
            assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{name}: {table}");
        }
        for (table, key) in [("addresses", "from"), ("databases", "databases"), ("failures", "failedByReason")] {
            let rows: usize =
                list(&json, "/accounts").iter().map(|account| list(account, &format!("/{key}")).len()).sum();
            assert_eq!(records(&report(&format!("csv:{table}"), &log)).len() - 1, rows, "{name}: {table}");
        }
        let accounts = records(&report("csv", &log));
        for (row, account) in accounts[1..].iter().zip(list(&json, "/accounts")) {
            assert_eq!(row[0].trim_start_matches('\''), string(account, "user").trim_start_matches('\''), "{name}");
            assert_eq!(row[4], account["logins"].to_string(), "{name}");
        }
    }
}

/// Whoever opens the file in a spreadsheet must not run what a client has chosen for its name.
#[test]
fn no_name_is_a_formula_nor_breaks_a_row() {
    for (user, cell) in [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("a,b", "a,b"),
        ("a\"b", "a\"b"),
        ("a\rb", "a\rb"),
    ] {
        let log = format!(
            "2026-11-23 09:00:00.000 UTC [7] LOG C-0x1: app/{user}@10.0.0.7:1 login attempt: db=app user={user} tls=no\n"
        );
        let rows = records(&report("csv", log.as_bytes()));
        assert_eq!((rows.len(), rows[1][0].as_str()), (2, cell), "{user}");
    }
}
