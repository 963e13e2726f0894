//! The page for people, from the real binary: what it holds, against the JSON of the same log. `tests/browser.rs` opens it.

#![allow(clippy::expect_used, clippy::format_push_string, reason = "a test may fail, and may be slow")]

mod common;

use std::io::Read;
use std::process::{Command, Stdio};

use common::page::{Both, Tag, assert_well_formed, both, elements, report, tags, text};
use common::printer::STYLES;
use common::random::Random;
use common::{charts, clients, number, string};
use loganalyzer::report::safe::{Medium, shown};
use serde_json::Value;

const SECTIONS: [&str; 9] =
    ["watched", "traffic", "hours", "accounts", "refused", "warnings", "events", "servers", "log"];

fn replayed(name: &str) -> String {
    format!("{}/tests/data/replay/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn morning() -> Both {
    let log = std::fs::read(replayed("morning.log")).expect("the log");
    both(&["-c", &replayed("LogAnalyzer.json")], &log)
}

/// `1,204` for 1204.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let comma = |(place, digit): (usize, char)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        [if comma { "," } else { "" }.to_owned(), digit.to_string()].concat()
    };
    digits.chars().enumerate().map(comma).collect()
}

fn list<'a>(report: &'a Value, path: &str) -> &'a [Value] {
    report.pointer(path).and_then(Value::as_array).expect(path)
}

/// The rows of the table with this caption: the text of each cell.
fn rows(tags: &[Tag], caption: &str) -> Vec<Vec<String>> {
    let has =
        |table: &&&[Tag]| elements(table, "caption", "").first().is_some_and(|said| text(said).starts_with(caption));
    let tables = elements(tags, "table", "");
    let Some(table) = tables.iter().find(has) else { return Vec::new() };
    let body = elements(table, "tbody", "")[0];
    let cells = |row: &&[Tag]| {
        (0..row.len())
            .filter(|place| row[*place].is("td", "") || row[*place].is("th", ""))
            .map(|place| text(common::page::element(row, place)))
            .collect()
    };
    elements(body, "tr", "").iter().map(cells).collect()
}

/// Nothing makes a browser fetch something, or run what is not ours.
fn assert_alone(tags: &[Tag]) {
    for tag in tags {
        let fetches = ["src", "href", "action", "data", "srcset", "poster", "background", "style"];
        let is_active = tag.attributes.keys().any(|name| name.starts_with("on") || fetches.contains(&name.as_str()));
        let is_element = ["link", "img", "iframe", "object", "form", "base"].contains(&tag.name.as_str());
        assert!(!is_active && !is_element, "{tag:?}");
        if ["style", "script"].contains(&tag.name.as_str()) {
            let words = ["http", "//", "url(", "@import", "fetch", "import", "XMLHttp", "eval", "innerHTML"];
            assert!(words.iter().all(|word| !tag.text.contains(word)), "{tag:?}");
        }
    }
    assert_eq!(tags.iter().filter(|tag| tag.is("script", "")).count(), 1, "scripts");
    let policy = tags.iter().find(|tag| !tag.get("http-equiv").is_empty()).expect("a policy").get("content");
    assert!(policy.starts_with("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"), "{policy}");
}

#[test]
fn every_captures_page_is_well_formed_and_has_the_figures_of_its_json() {
    let (mut figures, mut named) = (0, 0);
    for name in common::names() {
        let Both { json, html, tags } = both(&[], &common::logs(&name).concat());
        assert_well_formed(&html, &tags);
        assert_alone(&tags);
        let ids: Vec<&str> = tags.iter().filter(|tag| tag.is("h2", "")).map(|tag| tag.get("id")).collect();
        assert_eq!(ids, SECTIONS, "{name}");
        figures += charts::check_all(&tags, &json, 1);
        for (caption, path) in [
            ("By reason: clients", "/refused/byReason"),
            ("By kind", "/warnings/byKind"),
            ("Commands of", "/events/newest"),
            ("Closed, by reason", "/servers/closedByReason"),
        ] {
            let (rows, wanted) = (rows(&tags, caption), list(&json, path));
            let others =
                json.pointer(path.rsplit_once('/').expect("a path").0).and_then(|parent| parent["others"].as_u64());
            assert!(rows.len() == wanted.len() || others > Some(0), "{name}: {caption} {rows:?}");
            for (row, wanted) in rows.iter().zip(wanted) {
                let count = wanted.get("count").or(wanted.get("pid")).and_then(Value::as_u64).expect("a figure");
                assert!(
                    row.iter().any(|cell| *cell == grouped(count) || *cell == count.to_string()),
                    "{name}: {row:?}"
                );
                named += 1;
            }
        }
        check_accounts(&tags, &json);
        check_heat(&tags, &json);
    }
    assert!(figures > 200 && named > 500, "{figures} {named}");
}

/// The accounts' figures, and all that is behind them.
fn check_accounts(tags: &[Tag], json: &Value) {
    let accounts = list(json, "/accounts");
    let table = elements(tags, "table", "accounts");
    let bodies = table.first().map_or(Vec::new(), |table| elements(table, "tbody", ""));
    assert_eq!(bodies.len(), accounts.len().min(200));
    for (body, account) in bodies.iter().zip(accounts) {
        let cells: Vec<&str> =
            body.iter().filter(|tag| tag.is("td", "") || tag.is("th", "")).map(|tag| tag.text.as_str()).collect();
        let time = |key: &str| account[key].as_str().unwrap_or("never").to_owned();
        // Control characters are shown on a page, and are as they are in JSON.
        let shown = |name: &str| shown(name.as_bytes(), Medium::Terminal).to_string();
        let wanted = [
            shown(&string(account, "user")),
            grouped(number(account, "logins")),
            grouped(number(account, "failed")),
            time("firstLogin"),
            time("lastLogin"),
        ];
        assert_eq!(&cells[..5], &wanted);
        let all = text(body);
        for (list, key) in [("from", "address"), ("databases", "database"), ("failedByReason", "reason")] {
            for row in account[list].as_array().expect(list).iter().take(8) {
                let name = shown(&string(row, key));
                assert!(all.contains(&name), "{name} in {all}");
            }
        }
    }
}

/// Each cell of the heat map.
fn check_heat(tags: &[Tag], json: &Value) {
    let accounts = list(json, "/loginsByHour/accounts");
    let heat = elements(tags, "table", "heat");
    if accounts.is_empty() {
        return assert!(heat.is_empty());
    }
    let rows = elements(elements(heat[0], "tbody", "")[0], "tr", "");
    for (row, account) in rows.iter().zip(accounts) {
        let cells: Vec<&Tag> = row.iter().filter(|tag| tag.is("td", "")).collect();
        assert_eq!(cells.len(), 24);
        for (hour, cell) in cells.iter().enumerate() {
            let (logins, failed) = (account["logins"][hour].as_u64(), account["failed"][hour].as_u64());
            let (logins, failed) = (logins.expect("a figure"), failed.expect("a figure"));
            if logins + failed == 0 {
                assert_eq!((cell.get("title"), cell.text.as_str()), ("", ""));
            } else {
                let said = format!(" from {hour:02}:00 on: {} logins, {} failed", grouped(logins), grouped(failed));
                assert!(cell.get("title").ends_with(&said), "{cell:?}: {said}");
            }
        }
    }
    assert!(rows.len() >= accounts.len().min(40));
}

#[test]
fn watched_entries_have_their_picture_and_the_day_its_sentence() {
    let Both { json, html, tags } = morning();
    assert_well_formed(&html, &tags);
    assert_alone(&tags);
    assert!(charts::check_watched(&tags, &json) > 50);
    assert!(charts::check_all(&tags, &json, 1) > 500);
    let lead = text(elements(&tags, "p", "lead")[0]);
    assert_eq!(
        lead,
        "6 outages, the longest of postgers: since 2026-11-23 08:00:00 (silent). 80 of 90 attempts of 2 accounts were \
         logins; 10 failed, all of them of postgres (password authentication failed). "
    );
    let outages = rows(&tags, "Outages");
    assert_eq!(outages.len() as u64, number(&json["outages"], "total"));
    assert_eq!(outages[2], ["postgres", "failing", "2026-11-23 08:58:40", "2026-11-23 09:20:40", "22"]);
    let tiles: Vec<String> = elements(&tags, "dd", "").iter().take(4).map(|tile| text(tile)).collect();
    let wanted =
        [&json["logins"]["logins"], &json["logins"]["failed"], &json["refused"]["total"], &json["outages"]["total"]];
    assert_eq!(tiles, wanted.map(|figure| grouped(figure.as_u64().expect("a figure"))));
}

#[test]
fn what_a_log_does_not_have_is_said() {
    let client = "2026-11-23 09:00:00.000 UTC [7] LOG C-0x1: app/web@10.0.0.7:1";
    let attempt = format!("{client} login attempt: db=app user=web tls=no\n");
    let stats = "2026-11-23 09:00:00.000 UTC [7] LOG stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us\n";
    let old = "2026-11-23 09:00:00.123 7298 LOG Stats: 41 req/s, in 17628 b/s, out 7835 b/s,query 69652 us\n";
    let many: String = (0..200)
        .map(|port| attempt.replace("0x1:", &format!("0x{port:x}00:")).replace(":1 ", &format!(":{port} ")))
        .collect();
    for (log, said) in [
        ("", "There is no record of pgbouncer in this log."),
        (&attempt, "There are no stats in this log"),
        (stats, "There is no login attempt in this log"),
        (stats, "Nobody is watched"),
        (stats, "No account was seen."),
        (stats, "No connection was refused."),
        (stats, "There is no warning and no error."),
        (stats, "No connection to a server was opened or closed."),
        (old, "older than 1.8"),
        (&many, "the log has no closings (log_disconnections is off), so no failure can be seen"),
    ] {
        let html = report(&["--format", "html"], log.as_bytes());
        let tags = tags(&html);
        assert_well_formed(&html, &tags);
        assert!(text(&tags).contains(said), "{said}");
    }
}

/// Whatever clients call themselves, a page has the same elements and attributes, and nothing of theirs among them.
#[test]
fn no_name_becomes_html() {
    let known = tags(&morning().html);
    let mut names: Vec<&str> = known.iter().map(|tag| tag.name.as_str()).chain(["i", "pre", "code"]).collect();
    names.sort_unstable();
    for seed in 0..60 {
        let style = STYLES[seed as usize % STYLES.len()];
        let log = clients::log(style, 40, &mut Random::new(seed));
        let html = report(&["--format", "html"], &log.text);
        let tags = tags(&html);
        assert_well_formed(&html, &tags);
        assert_alone(&tags);
        for tag in &tags {
            assert!(names.binary_search(&tag.name.as_str()).is_ok(), "{tag:?}");
        }
        assert!(html.bytes().all(|byte| byte == b'\n' || byte >= b' '), "a control character");
    }
    for user in
        ["<script>alert(1)</script>", "\" onmouseover=\"x", "</td></tr></table>", "a&lt;'b", "-->", "</style><b>"]
    {
        let log = format!(
            "2026-11-23 09:00:00.000 UTC [7] LOG C-0x1: app/{user}@10.0.0.7:1 login attempt: db=app user={user} tls=no\n"
        );
        let Both { json, html, tags } = both(&[], log.as_bytes());
        assert_well_formed(&html, &tags);
        assert_alone(&tags);
        assert_eq!(string(&json["accounts"][0], "user"), user);
        assert_eq!(elements(elements(&tags, "table", "accounts")[0], "tbody", "")[0][2].text, user);
    }
}

/// A year of stats and of hours, and more accounts than are shown.
#[test]
fn a_year_and_a_thousand_accounts_make_a_page_that_opens() {
    let format = loganalyzer::report::time::TimeFormat::default();
    let mut log = String::new();
    for step in 0..365 * 24i64 {
        let time = format.print(1_764_547_200_000 + step * 3_600_000);
        let (port, user) = (step % 60_000 + 1, step % 1500);
        let client = format!(
            "{time}.000 UTC [7] LOG C-0x{port:x}: db{}/user{user}@10.0.{}.{}:{port}",
            step % 30,
            step % 200,
            step % 250
        );
        log += &format!("{client} login attempt: db=db{} user=user{user} tls=no\n", step % 30);
        log += &format!(
            "{time}.001 UTC [7] LOG stats: {step} xacts/s, {} queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us\n",
            step * 2
        );
    }
    let Both { json, html, tags } = both(&[], log.as_bytes());
    assert_well_formed(&html, &tags);
    assert!(html.len() < 500_000, "{}", html.len());
    assert!(charts::check_all(&tags, &json, 60) > 4000);
    check_accounts(&tags, &json);
    let (accounts, page) = (list(&json, "/accounts").len(), text(&tags));
    assert!(accounts > 700, "{accounts}");
    assert!(page.contains(&format!("{} more are in --format csv:accounts", accounts - 200)), "accounts");
    assert!(page.contains("88 more accounts are in --format json"), "hours");
}

#[test]
fn a_page_is_on_what_was_asked_for() {
    let log = common::logs("1.25.2").concat();
    let Both { json, html, tags } = both(&["--user", "appuser", "--from", "2026-11-22"], &log);
    assert_well_formed(&html, &tags);
    assert_eq!(list(&json, "/accounts").len(), 1);
    check_accounts(&tags, &json);
    let note = text(elements(&tags, "p", "note")[0]);
    assert_eq!(note, "Only from 2026-11-22, user appuser; stats, lines and servers are of all accounts and databases.");
    assert_eq!(text(elements(&tags, "dd", "")[0]), grouped(number(&json["logins"], "logins")));
    charts::check_all(&tags, &json, 1);
}

/// `| head`
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    let log = common::captures().join("1.25.2/pgbouncer.log.gz");
    command.args(["report", "--format", "html"]).arg(log).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut begin = [0; 15];
    child.stdout.take().expect("a pipe").read_exact(&mut begin).expect("the page");
    let output = child.wait_with_output().expect("the binary ends");
    assert_eq!(&begin, b"<!DOCTYPE html>");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()), (Some(0), String::new()));
}

/// With `stats_period = 300` a line goes from one to the next, and ends where one is missing.
#[test]
fn a_gap_is_where_stats_are_missing() {
    let stats = |minute: i64| {
        format!(
            "2026-11-23 {:02}:{:02}:00.000 UTC [7] LOG stats: {minute} xacts/s, 2 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us\n",
            minute / 60,
            minute % 60
        )
    };
    let log: String = (0..200).step_by(5).filter(|minute| !(100..120).contains(minute)).map(stats).collect();
    let Both { json, tags, .. } = both(&[], log.as_bytes());
    assert_eq!(charts::check_all(&tags, &json, 5), 36 * 7);
    let line = tags.iter().find(|tag| tag.get("data-key") == "transactionsPerSecond").expect("a line");
    assert_eq!(line.get("d").matches('M').count(), 2);
}
