//! What Prometheus reads: the file, and the rules and the dashboard that go with it.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::{Entry, Watch, Window};
use loganalyzer::limits::{PROMETHEUS_ACCOUNTS, PROMETHEUS_REASONS};
use loganalyzer::pgbouncer::lines::Lines;
use loganalyzer::report::prometheus::{self, Counters, Program};

use common::run::{NO_EMAIL, Run, attempt, closing};

const GOLDEN: &str = "tests/data/prometheus/loganalyzer.prom";
/// 2026-11-23 10:00:00 UTC.
const START: i64 = 1_795_428_000_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn entry(name: &str, database: Option<&str>, user: &str) -> Entry {
    let window = Window { open: Time::midnight(), close: Time::midnight(), days: [true; 7] };
    let database = database.map(|name| name.as_bytes().to_vec());
    Entry { name: name.to_owned(), database, user: user.as_bytes().to_vec(), minutes: 5, window }
}

fn analyzer(entries: Vec<Entry>, now: i64) -> Analyzer {
    let watch = Watch::new(entries, TimeZone::UTC, now);
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now })
}

fn feed(analyzer: &mut Analyzer, text: &[u8]) {
    let mut lines = Lines::new();
    for chunk in text.chunks(64 * 1024) {
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            analyzer.line(&line);
        }
    }
    lines.finish(&mut |line: &loganalyzer::pgbouncer::lines::Line<'_>| {
        analyzer.line(line);
    });
}

fn write(analyzer: &Analyzer, now: i64, counters: &mut Counters) -> String {
    let program = Program { version: "0.1.0", start: START, now, waiting: 2, mails: (7, 1) };
    prometheus::write(analyzer, &program, counters)
}

/// A minute and a second behind ten o'clock, and what a client does then.
fn client(at: &str, client: u32, name: &str, matter: &str) -> String {
    format!("2026-11-23 10:{at} UTC [7] LOG C-0x{client:x}: app/{name}@10.0.0.7:{client} {matter}\n")
}

fn attempts(at: &str, number: u32, name: &str) -> String {
    client(at, number, name, &format!("login attempt: db=app user={name} tls=no"))
}

/// A quarter of an hour in which everything happens that has a series.
fn quarter() -> Vec<u8> {
    let mut log = String::from("2026-11-23 10:00:00.000 UTC [7] LOG process up: PgBouncer 1.23.1, libevent 2.1.12\n");
    let stats = "stats: 40 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us, wait 5 us";
    log.extend((1..=14).map(|minute| format!("2026-11-23 10:{minute:02}:00.000 UTC [7] LOG {stats}\n")));
    log += &attempts("14:01.000", 1, "web");
    log += &client("14:01.500", 1, "web", "closing because: client close request (age=0s)");
    log += &attempts("14:02.000", 2, "batch");
    log += &client("14:02.100", 2, "batch", "closing because: password authentication failed (age=0s)");
    for (number, name) in [(3, "say \"hi\""), (4, "CORP\\jos\u{e9}")] {
        log += &attempts("14:03.000", number, name);
        log += &client("14:03.100", number, name, "closing because: client unexpected eof (age=0s)");
    }
    // One that is open for so long that it counts, and one that is not.
    log += &attempts("13:30.000", 5, "pool");
    log += &attempts("14:59.000", 6, "pool");
    log += "2026-11-23 10:14:04.000 UTC [7] LOG C-0x7: (nodb)/(nouser)@10.0.0.8:1 closing because: no such user (age=0s)\n";
    log += "2026-11-23 10:14:05.000 UTC [7] LOG C-0x8: app/x@10.0.0.8 logged in for a reason that nobody knows\n";
    let mut log = log.into_bytes();
    for name in [&b"caf\xe9"[..], b"caf\\xe9"] {
        log.extend_from_slice(b"2026-11-23 10:14:06.000 UTC [7] LOG C-0x9: app/");
        log.extend_from_slice(name);
        log.extend_from_slice(b"@10.0.0.7:9 login attempt: db=app user=");
        log.extend_from_slice(name);
        log.extend_from_slice(b" tls=no\n");
    }
    log
}

fn golden() -> String {
    let mut analyzer = analyzer(vec![entry("web", None, "web"), entry("app/batch", Some("app"), "batch")], START);
    let end = START + 15 * 60_000;
    feed(&mut analyzer, &quarter());
    analyzer.tick(end);
    write(&analyzer, end, &mut Counters::default())
}

#[test]
fn the_file_is_what_it_was() {
    let text = golden();
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        fs::write(root().join(GOLDEN), &text).expect("the golden file");
    }
    assert_eq!(text, fs::read_to_string(root().join(GOLDEN)).expect(GOLDEN), "WRITE_GOLDEN=1 writes it anew");
}

/// Each series of a file once, with its value in its smallest unit.
fn series(text: &str) -> BTreeMap<String, u64> {
    let mut series = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let before = series.insert(name.to_owned(), value.replace('.', "").parse().expect("a number"));
        assert_eq!(before, None, "{name} is there twice");
    }
    series
}

#[test]
fn two_names_that_look_the_same_are_not_one_series_twice() {
    let series = series(&golden());
    assert_eq!(series.get(r#"pgbouncer_log_login_attempts_total{user="caf\\xe9"}"#), Some(&1));
    assert_eq!(series.get(r#"pgbouncer_log_login_attempts_total{user=""}"#), Some(&1));
    assert_eq!(series.get("pgbouncer_log_other_users"), Some(&1));
}

#[test]
fn a_counter_never_falls() {
    for name in common::names() {
        for log in common::logs(&name) {
            let (mut analyzer, mut counters) = (common::analyzer(), Counters::default());
            let mut before = BTreeMap::new();
            for chunk in log.chunk_by(|byte, _| *byte != b'\n').collect::<Vec<_>>().chunks(23) {
                feed(&mut analyzer, &chunk.concat());
                // Later and later: what is open becomes a login, and a failure may take it back.
                let now = analyzer.last_instant().unwrap_or(0) + 70_000;
                analyzer.tick(now);
                let now = series(&write(&analyzer, now, &mut counters));
                for (name, value) in before.iter().filter(|(name, _): &(&String, _)| name.contains("_total")) {
                    assert!(now.get(name).is_some_and(|now| now >= value), "{name}: {value}, then {:?}", now.get(name));
                }
                before = now;
            }
        }
    }
}

#[test]
fn a_login_that_is_taken_back_stands_still_until_the_next() {
    let (mut analyzer, mut counters) = (analyzer(Vec::new(), START), Counters::default());
    let logins = |analyzer: &mut Analyzer, counters: &mut Counters, minutes: i64| {
        analyzer.tick(START + minutes * 60_000);
        let text = write(analyzer, START + minutes * 60_000, counters);
        (series(&text)["pgbouncer_log_logins_total{user=\"web\"}"], text)
    };
    feed(&mut analyzer, attempts("00:00.000", 1, "web").as_bytes());
    assert_eq!(logins(&mut analyzer, &mut counters, 1).0, 0, "too young");
    let (assumed, told) = logins(&mut analyzer, &mut counters, 2);
    feed(
        &mut analyzer,
        client("02:00.000", 1, "web", "closing because: password authentication failed (age=120s)").as_bytes(),
    );
    assert_eq!((assumed, logins(&mut analyzer, &mut counters, 3).0), (1, 1));
    assert_eq!(logins(&mut analyzer, &mut Counters::default(), 3).0, 0, "it has failed");
    // Also by a life of the same run that began in the meantime.
    assert_eq!(logins(&mut analyzer, &mut Counters::read(&told), 3).0, 1);
}

#[test]
fn the_number_of_series_is_bounded_whatever_clients_are_called() {
    let mut log = String::new();
    for number in 0..5000 {
        let (name, reason) = (format!("user{}", number % 700), format!("server login failed: reason {}", number % 77));
        log += &attempts("00:00.000", number, &name);
        log += &client("00:00.100", number, &name, &format!("closing because: {reason} (age=0s)"));
    }
    let mut analyzer = analyzer(vec![entry("web", None, "web")], START);
    feed(&mut analyzer, log.as_bytes());
    let series = series(&write(&analyzer, START, &mut Counters::default()));
    let of = |name: &'static str| series.iter().filter(move |(series, _)| series.starts_with(name));
    assert_eq!(
        of("pgbouncer_log_login_attempts_total{").count(),
        PROMETHEUS_ACCOUNTS + 2,
        "the watched one and the others"
    );
    assert_eq!(of("pgbouncer_log_login_attempts_total{").map(|(_, value)| value).sum::<u64>(), 5000);
    assert_eq!(of("pgbouncer_log_login_failures_total{").map(|(_, value)| value).sum::<u64>(), 5000);
    assert!(of("pgbouncer_log_login_failures_total{").count() <= (PROMETHEUS_ACCOUNTS + 2) * (PROMETHEUS_REASONS + 1));
    assert_eq!(series["pgbouncer_log_other_users"], 500);
}

/// The names of metrics in a text: all words that begin as ours do.
fn metrics(text: &str) -> BTreeSet<&str> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let words = text.split(|character| !is_part(character));
    words.filter(|word| word.starts_with("pgbouncer_log_") || word.starts_with("loganalyzer_")).collect()
}

#[test]
fn rules_dashboard_and_description_know_the_metrics_that_there_are() {
    let golden = text(GOLDEN);
    let there: BTreeSet<&str> =
        golden.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(there.len() > 30, "{there:?}");
    for file in ["loganalyzer.rules.yml", "loganalyzer.rules.test.yml", "loganalyzer.dashboard.json"] {
        let text = text(&format!("packaging/prometheus/{file}"));
        let used = metrics(&text);
        assert!(used.len() > 5, "{file}: {used:?}");
        assert!(used.is_subset(&there), "{file}: {:?}", used.difference(&there));
    }
    let description = text("docs/METRICS.md");
    let described: BTreeSet<&str> =
        description.lines().filter(|line| line.starts_with("| `")).flat_map(metrics).collect();
    assert_eq!(described, there, "docs/METRICS.md");
}

/// Every query of the dashboard, and the names of its panels.
fn panels(value: &serde_json::Value, queries: &mut Vec<String>, titles: &mut Vec<String>) {
    for panel in value["panels"].as_array().into_iter().flatten() {
        titles.push(panel["title"].as_str().expect("a title").to_owned());
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(target["expr"].as_str().expect("a query").to_owned());
        }
        panels(panel, queries, titles);
    }
}

#[test]
fn the_dashboard_is_json_and_every_panel_asks_something() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&text("packaging/prometheus/loganalyzer.dashboard.json")).expect("JSON");
    let (mut queries, mut titles) = (Vec::new(), Vec::new());
    panels(&dashboard, &mut queries, &mut titles);
    assert!(titles.len() >= 10 && queries.len() >= titles.len(), "{titles:?}");
    assert_eq!(titles.iter().collect::<BTreeSet<_>>().len(), titles.len(), "each has a name of its own");
    if let Some(promtool) = promtool() {
        for query in queries {
            // As Grafana sends it.
            let query = query.replace("$__rate_interval", "5m").replace("$instance", ".*");
            let rules = format!("groups: [{{name: x, rules: [{{record: x, expr: {}}}]}}]", serde_json::json!(query));
            let file = std::env::temp_dir().join(format!("loganalyzer-query-{}.yml", std::process::id()));
            fs::write(&file, rules).expect("a file");
            let output = Command::new(&promtool).args(["check", "rules"]).arg(&file).output().expect("promtool");
            let _ = fs::remove_file(&file);
            assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Debian's package prometheus has it; `tests/run` says so where it is missing.
fn promtool() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin/promtool");
    path.exists().then_some(path)
}

#[test]
fn promtool_finds_nothing_in_the_file_nor_in_the_rules() {
    let Some(promtool) = promtool() else { return };
    let mut child = Command::new(&promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool");
    child.stdin.take().expect("a pipe").write_all(golden().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    let folder = root().join("packaging/prometheus");
    for (words, file) in [("check", "loganalyzer.rules.yml"), ("test", "loganalyzer.rules.test.yml")] {
        let output =
            Command::new(&promtool).args([words, "rules", file]).current_dir(&folder).output().expect("promtool");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "promtool {words} rules {file}: {said}");
    }
}

fn configure(run: &Run, keys: &str) -> PathBuf {
    let file = run.folder.join("loganalyzer.prom");
    run.configure_with(
        "web:1",
        "\"00:00:00\"",
        "print",
        &format!("{NO_EMAIL}, \"prometheusFile\": \"{}\"{keys}", file.display()),
    );
    file
}

fn until(file: &Path, line: &str) -> String {
    let begin = std::time::Instant::now();
    loop {
        let text = fs::read_to_string(file).unwrap_or_default();
        if text.lines().any(|found| found == line) {
            return text;
        }
        assert!(begin.elapsed().as_secs() < 30, "waited in vain for {line}: {text}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn the_file_is_there_for_everybody_and_says_at_once_what_is_told() {
    let mut run = Run::new("prometheus");
    let file = configure(&run, "");
    let other = run.folder.join("other");
    fs::write(&other, "untouched").expect("a file");
    std::os::unix::fs::symlink(&other, run.folder.join("loganalyzer.prom.new")).expect("a link");
    run.append(&(attempt("web", 1, 300) + &closing("web", 1, "client close request")));
    run.start(&[]);
    let text = until(&file, "loganalyzer_watch_state{entry=\"web\",state=\"silent\"} 1");
    assert!(text.ends_with('\n') && text.contains("loganalyzer_watch_last_login_timestamp_seconds{entry=\"web\"} 1"));
    run.append(&(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    until(&file, "loganalyzer_watch_state{entry=\"web\",state=\"ok\"} 1");
    run.append(&(attempt("web", 3, 0) + &closing("web", 3, "client close request")));
    run.stop("TERM");
    // The last figures stay.
    until(&file, "pgbouncer_log_logins_total{user=\"web\"} 2");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o644);
    assert_eq!(fs::read_to_string(&other).expect("the file"), "untouched", "a link is not written through");
}

#[test]
fn check_says_where_the_figures_go() {
    let run = Run::new("prometheus-check");
    let file = configure(&run, "");
    run.append("");
    let check = || {
        let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
        String::from_utf8(output.expect("check").stdout).expect("UTF-8")
    };
    let line = format!("Prometheus : {}, every 15 seconds and with every alert\n", file.display());
    assert!(check().contains(&line) && !check().contains("there is no folder"), "{}", check());
    let text = run.text("LogAnalyzer.json").replace("loganalyzer.prom", "away/loganalyzer.prom");
    fs::write(run.folder.join("LogAnalyzer.json"), text).expect("a configuration");
    assert!(check().contains("WARNING : prometheusFile : there is no folder "), "{}", check());
}

#[test]
fn counters_go_on_through_kill_9_and_begin_anew_with_a_run() {
    let mut run = Run::new("prometheus-kill");
    let state = format!(", \"stateFile\": \"{}\"", run.folder.join("state.json").display());
    let file = configure(&run, &state);
    run.append("");
    run.start(&[]);
    run.append(&(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    std::thread::sleep(std::time::Duration::from_millis(500));
    run.child.take().expect("it runs").kill().expect("it can be killed");
    let _ = fs::remove_file(&file);
    fs::write(&file, "pgbouncer_log_logins_total{user=\"web\"} 9\n").expect("what was told");
    run.start(&[]);
    until(&file, "pgbouncer_log_logins_total{user=\"web\"} 9");
    until(&file, "pgbouncer_log_login_attempts_total{user=\"web\"} 1");
    run.stop("TERM");
    run.start(&[]);
    until(&file, "pgbouncer_log_logins_total{user=\"web\"} 0");
    run.stop("TERM");
}

/// The node exporter is installed later, and then elsewhere.
#[test]
fn a_file_that_cannot_be_written_is_said_once_and_when_it_can_again_and_when_it_moves() {
    let mut run = Run::new("prometheus-away");
    let file = configure(&run, "");
    let folder = run.folder.join("away");
    let away = folder.join("loganalyzer.prom");
    let move_to = |from: &Path, to: &Path| {
        let text = run.text("LogAnalyzer.json").replace(&from.display().to_string(), &to.display().to_string());
        fs::write(run.folder.join("LogAnalyzer.json"), text).expect("a configuration");
    };
    move_to(&file, &away);
    run.append(&(attempt("web", 1, 300) + &closing("web", 1, "client close request")));
    run.start(&[]);
    run.until("err", "the figures for Prometheus are not written");
    fs::create_dir(&folder).expect("a folder");
    run.append(&(attempt("web", 2, 0) + &closing("web", 2, "client close request")));
    run.until("err", "the figures for Prometheus are written again");
    until(&away, "loganalyzer_watch_state{entry=\"web\",state=\"ok\"} 1");
    let text = run.text("LogAnalyzer.json").replace(&away.display().to_string(), &file.display().to_string());
    fs::write(run.folder.join("LogAnalyzer.json"), text).expect("a configuration");
    run.signal("HUP");
    run.until("err", &format!("{}: it is not written any more; remove it", away.display()));
    until(&file, "pgbouncer_log_logins_total{user=\"web\"} 1");
    run.stop("TERM");
    assert_eq!(run.text("err").matches("are not written").count(), 1, "{}", run.text("err"));
}
