//! Parts of logs: filters, compressed files, files out of order, and how far the reading is.

#![allow(clippy::expect_used, clippy::panic, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::number;
use flate2::Compression;
use flate2::write::GzEncoder;
use loganalyzer::pgbouncer::parser::{Parser, Reading};
use serde_json::Value;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/report.schema.json");

fn run(command: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
        .arg(command)
        .args(arguments)
        .current_dir(std::env::temp_dir())
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    // A command that does not read its input closes it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("the binary ends")
}

fn report(arguments: &[&str], input: &[u8]) -> Value {
    let output = run("report", &[&["--format", "json"], arguments].concat(), input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A folder of our own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loganalyzer-parts-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// What adds up: of all, and of each account by its name.
fn sums(report: &Value) -> BTreeMap<String, [u64; 3]> {
    let tally = |value: &Value| ["attempts", "logins", "failed"].map(|key| number(value, key));
    let mut sums = BTreeMap::from([
        ("all".to_owned(), tally(&report["logins"])),
        ("others".to_owned(), tally(&report["others"])),
        ("refused".to_owned(), [number(&report["refused"], "total"), 0, 0]),
        ("lines".to_owned(), ["total", "understood", "unrecognised"].map(|key| number(&report["lines"], key))),
        ("stats".to_owned(), [number(&report["stats"], "lines"), 0, 0]),
    ]);
    for account in report["accounts"].as_array().expect("accounts") {
        sums.insert(format!("account {}", account["user"]), tally(account));
    }
    sums
}

fn add(parts: &[BTreeMap<String, [u64; 3]>]) -> BTreeMap<String, [u64; 3]> {
    let mut sums: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for (name, more) in parts.iter().flatten() {
        let sum = sums.entry(name.clone()).or_default();
        sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    sums.retain(|name, sum| !name.starts_with("account ") || *sum != [0; 3]);
    sums
}

/// The times of a log's records, as they are written there.
fn times(log: &[u8]) -> Vec<String> {
    let mut parser = Parser::new(1_795_428_000_000);
    let mut times = Vec::new();
    for line in log.split(|byte| *byte == b'\n') {
        if let Reading::Record(record) = parser.parse(line) {
            let time = jiff::Timestamp::from_millisecond(record.stamp.millis).expect("a time");
            times.push(time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string());
        }
    }
    times
}

#[test]
fn the_parts_of_a_log_add_up_to_it() {
    for name in common::names() {
        let log = common::logs(&name).concat();
        let whole = sums(&report(&["-"], &log));
        let times = times(&log);
        // The clocks of those that are turned back show a moment twice.
        let quarter = |part: usize| times[times.len() * part / 4].clone();
        for (first, second) in [(quarter(1), quarter(2)), (quarter(2), quarter(3))] {
            if first >= second {
                continue;
            }
            let parts = [
                sums(&report(&["--to", &first, "-"], &log)),
                sums(&report(&["--from", &first, "--to", &second, "-"], &log)),
                sums(&report(&["--from", &second, "-"], &log)),
            ];
            assert_eq!(add(&parts), add(std::slice::from_ref(&whole)), "{name}: {first} and {second}");
        }
    }
}

#[test]
fn the_accounts_and_databases_of_a_log_add_up_to_it() {
    for name in ["1.25.2", "1.5.5"].into_iter().filter(|name| common::names().contains(&(*name).to_owned())) {
        let log = common::logs(name).concat();
        let whole = report(&["-"], &log);
        let mut databases: BTreeMap<String, u64> = BTreeMap::new();
        for account in whole["accounts"].as_array().expect("accounts") {
            for row in account["databases"].as_array().expect("databases") {
                let database = row["database"].as_str().expect("a name");
                *databases.entry(database.to_owned()).or_default() += number(row, "logins") + number(row, "failed");
            }
            // What is no text is shown escaped, and asked for as it is.
            let user = account["user"].as_str().expect("a name").replace("bad\\xff\\xfe\\x80name", "");
            if user.is_empty() {
                continue;
            }
            let user = user.as_str();
            let own = report(&["--user", user, "-"], &log);
            assert_eq!(own["accounts"], Value::from(vec![account.clone()]), "{name}: {user}");
            assert_eq!((&own["stats"], &own["lines"]), (&whole["stats"], &whole["lines"]));
            for row in account["databases"].as_array().expect("databases") {
                let database = row["database"].as_str().expect("a name");
                let both = report(&["--user", user, "--database", database, "-"], &log);
                assert_eq!(both["accounts"][0]["databases"], Value::from(vec![row.clone()]));
            }
        }
        assert!(databases.len() > 1);
        for (database, count) in databases {
            let logins = report(&["--database", &database, "-"], &log)["logins"].clone();
            assert_eq!(number(&logins, "attempts"), count, "{name}: {database}");
        }
    }
}

/// A client that came at ten, one that came at eleven and left at noon without a word, and stats each hour.
fn morning() -> String {
    let stats = "stats: 40 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us, wait 5 us";
    let client = "LOG C-0x1: app/web@10.0.0.7:1";
    let other = "LOG C-0x2: app/batch@10.0.0.8:1";
    let attempt = |user: &str| format!("login attempt: db=app user={user} tls=no");
    [
        format!("09:00:00.000 UTC [7] LOG {stats}"),
        format!("10:00:00.000 UTC [7] {client} {}", attempt("web")),
        format!("11:00:00.000 UTC [7] {other} {}", attempt("batch")),
        format!("11:00:00.001 UTC [7] LOG {stats}"),
        format!("12:00:00.000 UTC [7] {client} closing because: client close request (age=7200s)"),
        format!("12:00:00.000 UTC [7] {other} closing because: password authentication failed (age=3600s)"),
        "12:30:00.000 UTC [7] LOG C-0x3: app/(nouser)@10.0.0.9:1 closing because: no such user: x (age=0s)".to_owned(),
    ]
    .map(|line| format!("2026-11-23 {line}\n"))
    .concat()
}

#[test]
fn an_attempt_is_of_the_time_in_which_it_came_and_so_is_its_outcome() {
    let log = morning();
    let logins = |arguments: &[&str]| {
        let report = report(&[arguments, &["-"]].concat(), log.as_bytes());
        let logins = &report["logins"];
        (["attempts", "logins", "failed"].map(|key| number(logins, key)), report["period"]["to"].clone())
    };
    assert_eq!(logins(&[]).0, [2, 1, 1]);
    assert_eq!(logins(&["--to", "10:30"]), ([1, 1, 0], "2026-11-23 10:00:00".into()));
    assert_eq!(logins(&["--from", "10:30", "--to", "11:30"]), ([1, 0, 1], "2026-11-23 11:00:00".into()));
    assert_eq!(logins(&["--from", "11:30"]), ([0, 0, 0], "2026-11-23 12:30:00".into()));
    assert_eq!(logins(&["--from", "2026-11-23", "--to", "2026-11-23"]).0, [2, 1, 1], "a day is its whole day");
    assert_eq!(logins(&["--from", "2026-11-24"]), ([0, 0, 0], Value::Null));
    assert_eq!(logins(&["--to", "2026-11-22"]), ([0, 0, 0], Value::Null));
}

#[test]
fn a_report_says_what_it_is_on() {
    let log = morning();
    let text = run("report", &["--from", "2026-11-23", "--user", "web", "-"], log.as_bytes());
    let text = String::from_utf8(text.stdout).expect("UTF-8");
    let head = "Only : from 2026-11-23, user web; stats, lines and servers are of all accounts and databases\n\n\
                Stats for running periode from 2026-11-23 09:00:00 to 2026-11-23 12:30:00 : \n";
    assert!(
        text.starts_with(head) && text.contains("Account : web\n") && !text.contains("Account : batch\n"),
        "{text}"
    );
    let json = report(&["--database", "app", "-"], log.as_bytes());
    let schema: Value = serde_json::from_slice(&fs::read(SCHEMA).expect("the schema")).expect("JSON");
    assert_eq!(common::schema::errors(&schema, &json), [""; 0]);
    let note = "stats, lines and servers are of all accounts and databases";
    assert_eq!(
        json["filter"],
        serde_json::json!({"from": null, "to": null, "user": null, "database": "app", "note": note})
    );
    assert_eq!((number(&json["refused"], "total"), number(&json["stats"], "lines")), (1, 2));
    assert_eq!(number(&report(&["--user", "web", "-"], log.as_bytes())["refused"], "total"), 0);
    assert_eq!(report(&["-"], log.as_bytes()).get("filter"), None);
}

#[test]
fn a_time_of_the_day_is_refused_for_a_log_of_several() {
    let log = morning() + &morning().replace("2026-11-23", "2026-11-24");
    let output = run("report", &["--from", "10:30", "-"], log.as_bytes());
    let message = "loganalyzer: --from 10:30: the log is of several days, 2026-11-23 to 2026-11-24; write which one, such as \
                   \"2026-11-23 10:30\"\n";
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()),
        (Some(1), message.to_owned())
    );
}

/// A morning on which one account is silent from ten on.
#[test]
fn replay_judges_only_what_is_asked_for() {
    let folder = Folder::new("replay");
    let config = folder.write(
        "x.json",
        br#"{"configuration": {}, "file": {"fileName": "-", "usersToWatchAndThresholdInMinutes": "web:50"}}"#,
    );
    let mut log = String::new();
    for minute in 0..300 {
        let time = format!("2026-11-23 {:02}:{:02}:00", 8 + minute / 60, minute % 60);
        log += &format!(
            "{time}.000 UTC [7] LOG stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us\n"
        );
        if minute % 30 == 0 && minute <= 120 {
            log += &format!(
                "{time}.500 UTC [7] LOG C-0x{minute:x}: app/web@10.0.0.7:1 login attempt: db=app user=web tls=no\n"
            );
            log += &format!(
                "{time}.600 UTC [7] LOG C-0x{minute:x}: app/web@10.0.0.7:1 closing because: client close request (age=0s)\n"
            );
        }
    }
    let alerts = |arguments: &[&str]| -> Vec<String> {
        let output = run("replay", &[&["-c", &config], arguments, &["-"]].concat(), log.as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(|line| line.chars().take(19).collect()).collect()
    };
    let alert = |time: &str| -> Vec<String> { vec![format!("2026-11-23 {time}")] };
    assert_eq!(alerts(&[]).first().map(String::as_str), alert("10:50:01").first().map(String::as_str));
    assert_eq!(alerts(&["--to", "10:40"]), [""; 0]);
    assert_eq!(
        alerts(&["--from", "11:00"]).first().map(String::as_str),
        Some("2026-11-23 11:00:00"),
        "who was silent is so at once"
    );
}

/// The log of a capture that was rotated, a file for each piece.
fn rotated() -> Vec<Vec<u8>> {
    let files = common::logs("rotate-hup-1.25.2");
    assert!(files.len() > 1);
    files
}

#[test]
fn compressed_logs_are_read_as_they_are() {
    let folder = Folder::new("gzip");
    let log = rotated().concat();
    let plain = report(&["-"], &log);
    let half = log.len() / 2;
    // Two members, as who appends to a compressed file makes them: the second begins within a line.
    let members = [gzip(&log[..half]), gzip(&log[half..])].concat();
    for (name, bytes) in [("x.log.gz", gzip(&log)), ("x.log", members.clone()), ("plain.gz", log.clone())] {
        assert_eq!(report(&[&folder.write(name, &bytes)], b""), plain, "{name}");
    }
    assert_eq!(report(&["-"], &members), plain, "standard input");
    assert_eq!(report(&["-"], b"")["lines"]["total"], 0);
    assert_eq!(report(&["-"], &gzip(b""))["lines"]["total"], 0);
    let torn = folder.write("torn.gz", &members[..half / 50]);
    let output = run("report", &[&torn], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with(&format!("loganalyzer: {torn}: ")));
}

#[test]
fn files_in_any_order_are_read_in_the_order_of_time() {
    let folder = Folder::new("order");
    let files = rotated();
    let whole = report(&["-"], &files.concat());
    let mut names: Vec<String> = Vec::new();
    for (number, bytes) in files.iter().enumerate() {
        let packed = number % 2 == 0;
        let name = if packed { format!("{number}.gz") } else { format!("{number}.log") };
        names.push(folder.write(&name, &if packed { gzip(bytes) } else { bytes.clone() }));
    }
    // Sessions run on across them; that one has no record changes nothing.
    names.push(folder.write("empty.log", b""));
    for turn in 0..names.len() {
        let mut order: Vec<&str> = names.iter().map(String::as_str).collect();
        order.rotate_left(turn);
        assert_eq!(report(&order, b""), whole, "{order:?}");
        order.reverse();
        assert_eq!(report(&order, b""), whole, "{order:?}");
    }
}

/// A terminal of our own, by util-linux' script; the log comes through a pipe, slowly.
fn on_a_terminal(command: &str) -> String {
    let output = Command::new("script").args(["-qec", command, "/dev/null"]).stdin(Stdio::null()).output();
    String::from_utf8(output.expect("script").stdout).expect("UTF-8")
}

#[test]
fn a_terminal_is_told_how_far_the_reading_is_and_nobody_else() {
    if !Path::new("/usr/bin/script").exists() {
        return;
    }
    let folder = Folder::new("progress");
    let (log, report) = (folder.write("x.log", morning().as_bytes()), folder.0.join("out"));
    let binary = env!("CARGO_BIN_EXE_loganalyzer");
    let slowly = format!("(cat {log}; sleep 1.3; cat {log}) | {binary} report -");
    let text = on_a_terminal(&format!("{slowly} >{}", report.display()));
    let gone = format!("\r{}\r", " ".repeat("reading: 1 MB".len()));
    assert!(text.starts_with("\rreading: 1 MB") && text.ends_with(&gone), "{text:?}");
    assert!(!fs::read_to_string(&report).expect("the report").contains("reading"));
    assert_eq!(on_a_terminal(&format!("cat {log} | {binary} report - >/dev/null")), "", "it was done at once");
    assert_eq!(on_a_terminal(&format!("({slowly}) >/dev/null 2>{}", report.display())), "");
    assert_eq!(fs::read_to_string(&report).expect("a file"), "", "no terminal");
}
