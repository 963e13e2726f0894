//! Every capture of a real pgbouncer against the truth that was counted beside it.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use std::collections::BTreeMap;

use common::{expected, logs, names, number, report, reported, string, truth};
use serde_json::Value;

#[test]
fn lines_stats_and_attempts_of_every_capture() {
    for name in names() {
        let (report, truth) = (report(&logs(&name)), truth(&name));
        let lines = &report["lines"];
        let sample = &lines["unrecognisedSample"];
        assert_eq!(number(lines, "unrecognised"), 0, "{name}: {sample}");
        assert_eq!(number(lines, "tooLong") + number(lines, "unfinished") + number(lines, "foreign"), 0, "{name}");
        assert_eq!(number(lines, "continuation"), number(&truth, "continuationLines"), "{name}: continuation lines");
        assert_eq!(number(&report["stats"], "lines"), number(&truth, "statsLines"), "{name}: stats lines");
        assert_eq!(number(&report["logins"], "attempts"), number(&truth, "attempts"), "{name}: attempts");
        assert_eq!(number(lines, "total"), number(lines, "understood") + number(lines, "continuation"), "{name}");
    }
}

#[test]
fn logins_and_failures_of_every_capture() {
    for name in names() {
        let (report, truth) = (report(&logs(&name)), truth(&name));
        assert_eq!(number(&report["logins"], "logins"), number(&truth, "logins"), "{name}: logins");
        assert_eq!(number(&report["logins"], "failed"), number(&truth, "failed"), "{name}: failed");
        assert_eq!(reported(&report, "from", "address"), expected(&truth, "address"), "{name}: by address");
        assert_eq!(reported(&report, "databases", "database"), expected(&truth, "database"), "{name}: by database");
    }
}

/// The syslog daemon's files hold the same records, but for those that it added or dropped itself.
#[test]
fn the_same_run_from_three_syslog_files() {
    let own = common::report(&logs("syslog-1.18.0"));
    for file in ["syslog_iso.log", "syslog_rfc5424.log", "syslog_traditional.log"] {
        let text = common::read(&common::captures().join("syslog-1.18.0").join(file));
        let escaped =
            text.split(|byte| *byte == b'\n').filter(|line| line.windows(4).any(|part| part == b"#012")).count();
        let report = report(&[text]);
        let lines = &report["lines"];
        assert_eq!(number(lines, "unrecognised"), 0, "{file}: {}", lines["unrecognisedSample"]);
        assert_eq!(number(lines, "foreign"), 1, "{file}: rsyslogd's own line");
        assert_eq!(number(lines, "continuation"), escaped as u64, "{file}");
        assert_eq!(report["stats"]["lines"], own["stats"]["lines"], "{file}");
        for key in ["attempts", "logins", "failed"] {
            assert_eq!(report["logins"][key], own["logins"][key], "{file}: {key}");
        }
        assert_eq!(reported(&report, "from", "address"), expected(&truth("syslog-1.18.0"), "address"), "{file}");
    }
}

/// `web-api`, `a@b`, `odd user`, `josé`: the regular expressions of 2017 lost all of them.
#[test]
fn users_that_the_old_expressions_lost_are_counted_as_themselves() {
    let report = report(&logs("1.25.2"));
    let users: Vec<String> = report["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .map(|account| common::string(account, "user"))
        .collect();
    for user in ["web-api", "a@b", "odd user", "josé", "svc.report"] {
        assert!(users.iter().any(|known| known == user), "{user} in {users:?}");
    }
}

/// Names that read like lines: nothing is ever counted for an address or a user that stood only in a name.
#[test]
fn nobody_logs_in_by_a_name() {
    for name in names() {
        let report = report(&logs(&name));
        for ((user, address), figures) in reported(&report, "from", "address") {
            assert!(!address.starts_with("10.0.0."), "{name}: {user} from {address}: {figures:?}");
        }
    }
    let report = report(&logs("newline-head-1.18.0"));
    assert!(!report.to_string().contains("\"user\":\"batch\""), "nobody named batch ever connected: {report}");
}

/// What the clients themselves counted, by user and address.
fn client_logins(truth: &Value) -> BTreeMap<(String, String), u64> {
    let mut logins = BTreeMap::new();
    for row in truth["byKey"].as_array().expect("byKey") {
        *logins.entry((string(row, "user"), string(row, "address"))).or_default() += number(row, "clientLogins");
    }
    logins
}

/// How many closings the log cannot decide, by user and address.
fn undecidable(truth: &Value) -> BTreeMap<(String, String), u64> {
    let mut closings = BTreeMap::new();
    for row in truth["either"].as_array().expect("either") {
        *closings.entry((string(row, "user"), string(row, "address"))).or_default() += 1;
    }
    closings
}

/// The report differs from what the clients counted only where a closing can be on both sides of the login, where
/// `log_connections` was off, where a peer wrote the attempt into its own log, and for the console login of the new
/// process of an online restart. And never does it take a failure for a login.
#[test]
fn every_difference_from_what_the_clients_counted_is_explained() {
    for name in names() {
        let (truth, report) = (truth(&name), report(&logs(&name)));
        let (clients, either) = (client_logins(&truth), undecidable(&truth));
        let reported = reported(&report, "from", "address");
        for (key, &counted) in &clients {
            let logins = reported.get(key).map_or(0, |figures| figures.0);
            let (user, address) = (&key.0[..], &key.1[..]);
            let console = name.starts_with("takeover-") && (user, address) == ("pgbouncer", "unix");
            assert!(logins <= counted + u64::from(console), "{name}: {logins} of {counted} logins of {key:?}");
            let missing = counted.saturating_sub(logins);
            let peer = name.starts_with("peers-") && (user, address, missing) == ("appuser", "127.0.0.2", 1);
            let quiet = name.starts_with("quiet-") && logins == 0;
            let allowed = either.get(key).copied().unwrap_or(0);
            assert!(missing <= allowed || peer || quiet, "{name}: {logins} of {counted} logins of {key:?}");
        }
        assert!(reported.keys().all(|key| clients.contains_key(key)), "{name}: somebody who never connected");
    }
}
