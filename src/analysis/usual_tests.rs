use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::figures::Period;
use crate::analysis::watch::Watch;
use crate::limits::READ_SIZE;
use crate::pgbouncer::lines::{Line, Lines, Taker};
use crate::pgbouncer::usual_attempt::blank_behind;
use crate::words::Window;
use jiff::tz::TimeZone;

/// Counts the bytes that go the shortest way; or lets none go there.
struct Counting<'a> {
    analyzer: &'a mut Analyzer,
    usual: Option<usize>,
}

impl Taker for Counting<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.analyzer.line(line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let Some(usual) = &mut self.usual else { return 0 };
        let taken = self.analyzer.usual(text, length);
        *usual += taken;
        taken
    }
}

fn analyzer() -> Analyzer {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 })
}

/// How many bytes of a log go the shortest way.
fn feed(lines: &mut Lines, text: &str, analyzer: &mut Analyzer, may_be_usual: bool) -> usize {
    let mut counting = Counting { analyzer, usual: may_be_usual.then_some(0) };
    for chunk in text.as_bytes().chunks(READ_SIZE) {
        lines.push(chunk);
        lines.drain(&mut counting);
    }
    counting.usual.unwrap_or_default()
}

/// All that is counted by account: name, attempts, logins and failures, and the same by address and database.
fn counted(analyzer: &Analyzer) -> Vec<String> {
    let summary = analyzer.summary_of(Period::Run, analyzer.last_instant().expect("a record"));
    let account = |one: &crate::analysis::summary::AccountSummary<'_>| {
        let names = |rows: Vec<(&[u8], crate::analysis::tally::Row)>| format!("{rows:?}");
        let (first, last) = (one.first, one.last);
        format!(
            "{:?} {:?} {first:?} {last:?} {} {}",
            one.user,
            one.tally,
            names(one.from.rows()),
            names(one.databases.rows())
        )
    };
    summary.accounts.iter().map(account).chain([format!("{:?}", summary.total)]).collect()
}

struct Client {
    database: String,
    user: String,
    address: String,
    suffix: &'static str,
    age: &'static str,
}

/// Clients with names, addresses, ports, suffixes and ages of all lengths that are usual.
fn clients() -> Vec<Client> {
    let mut chance = 7u64;
    let mut below = |end: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) as usize % end
    };
    let hosts = [
        "1.2.3.4",
        "10.0.0.7",
        "10.0.0.77",
        "192.168.1.20",
        "192.168.10.200",
        "255.255.255.255",
        "[2001:db8::1]",
        "unix(12)",
        "unix(345678)",
    ];
    let suffixes = ["", " tls=no", " tls=TLSv1.3/TLS_AES_256_GCM_SHA384", " tls=no replication=no"];
    let mut client = || Client {
        database: [
            "d",
            "stock77",
            "bank5678",
            "a-database",
            "x.y",
            "d_of_a_name_of_fifty_bytes_which_is_longer_than_48",
        ][below(6)]
        .repeat(1 + below(2)),
        user: ["u", "web4567", "batch678", "billing-9", "dba@tenant", "a_user_of_forty_bytes_as_they_are_not_rare"]
            [below(6)]
        .repeat(1 + below(3)),
        address: format!("{}:{}", hosts[below(hosts.len())], [1, 22, 333, 4444, 55555, 65535][below(6)]),
        suffix: suffixes[below(suffixes.len())],
        age: ["0", "7", "12", "345", "6789", "1234567"][below(6)],
    };
    let clients: Vec<Client> = (0..600).map(|_| client()).collect();
    clients.into_iter().filter(|client| client.database.len() < 64 && client.user.len() < 128).collect()
}

/// An attempt and a closing of each, from three processes, some in a second.
fn log(clients: &[Client], since_1_11: bool, hour: usize) -> String {
    let line = |number: usize, message: String| {
        let (second, pid) = (number / 5, [7, 4711, 99999][number % 3]);
        let time = format!("2026-11-22 {hour:02}:{:02}:{:02}.{:03}", second / 60, second % 60, number % 5 * 199);
        let process = if since_1_11 { format!("UTC [{pid}]") } else { pid.to_string() };
        format!("{time} {process} LOG C-0x55d0{:08x}: {message}\n", hour * 100_000 + number)
    };
    let both = |(number, client): (usize, &Client)| {
        let Client { database, user, address, suffix, age } = client;
        let who = format!("{database}/{user}@{address}");
        let unit = if since_1_11 { "s" } else { "" };
        let attempt = line(number, format!("{who} login attempt: db={database} user={user}{suffix}"));
        attempt + &line(number, format!("{who} closing because: client close request (age={age}{unit})"))
    };
    clients.iter().enumerate().map(both).collect()
}

/// Whatever is read the long way though it need not be costs ten times as much, and nobody would notice.
#[test]
fn usual_lines_go_the_shortest_way_and_mean_the_same() {
    let clients = clients();
    for since_1_11 in [true, false] {
        let (mut plain, mut quick) = (analyzer(), analyzer());
        let (mut plain_lines, mut quick_lines) = (Lines::new(), Lines::new());
        for hour in 0..3 {
            let text = log(&clients, since_1_11, hour);
            feed(&mut plain_lines, &text, &mut plain, false);
            let usual = feed(&mut quick_lines, &text, &mut quick, true);
            assert_eq!(counted(&quick), counted(&plain), "since 1.11: {since_1_11}, hour {hour}");
            // The last line of one text is the first of the next, which knows what follows.
            let known = text.len() - text.lines().last().map_or(0, |line| line.len() + 1);
            assert!(hour == 0 || usual >= known, "{usual} of {known}, since 1.11: {since_1_11}, hour {hour}");
        }
    }
}

/// What looks nearly like a usual line is read by the grammar, and counts as the grammar says.
#[test]
fn a_line_that_differs_in_one_byte_means_what_the_grammar_says() {
    let clients =
        [("app", "web", "10.0.0.7:51234"), ("d_of_a_name_of_fifty_bytes_which_is_longer_than_48", "u@x", "1.2.3.4:1")]
            .map(|(database, user, address)| Client {
                database: database.to_owned(),
                user: user.to_owned(),
                address: address.to_owned(),
                suffix: " tls=no",
                age: "7",
            });
    let (before, line) = (log(&clients, true, 0), log(&clients, true, 1));
    for (place, old) in line.bytes().enumerate().filter(|(_, byte)| *byte != b'\n') {
        for new in [b' ', b'0', b'9', b'a', b'@', b'/', b':', b'=', old.wrapping_add(1)] {
            let mut changed = line.clone().into_bytes();
            changed[place] = new;
            let Ok(changed) = String::from_utf8(changed) else { continue };
            let text = before.clone() + &changed + "x";
            let counts = [false, true].map(|may_be_usual| {
                let mut analyzer = analyzer();
                feed(&mut Lines::new(), &text, &mut analyzer, may_be_usual);
                counted(&analyzer)
            });
            assert_eq!(counts[0], counts[1], "{}", &text[before.len()..]);
        }
    }
}

/// What a login proves of its pool it proves only until the servers are connected anew.
#[test]
fn a_reload_between_attempt_and_closing_is_seen_on_the_shortest_way_as_well() {
    let line = |second: usize, message: &str| format!("2026-11-22 05:00:{second:02}.000 UTC [7] LOG {message}\n");
    let client = |port: usize, text: &str| format!("C-0x{port}: app/web@10.0.0.7:{port} {text}");
    let attempt = |second, port| line(second, &client(port, "login attempt: db=app user=web tls=no"));
    let good = |second, port| line(second, &client(port, "closing because: client close request (age=1s)"));
    let eof = |second, port| line(second, &client(port, "closing because: client unexpected eof (age=1s)"));
    let reload = line(12, "RELOAD command issued");
    let up = line(0, "process up: PgBouncer 1.25.2, libevent 2.1");
    let begin = up + &attempt(1, 1) + &good(2, 1) + &attempt(3, 2) + &good(4, 2);
    for (between, failed) in [
        (reload.clone() + &good(13, 3), 1),
        (good(13, 3), 0),
        (reload + &eof(13, 3) + &attempt(13, 4) + &good(14, 4), 1),
    ] {
        let text = begin.clone() + &attempt(11, 3) + &between + &attempt(15, 5) + &eof(16, 5) + "x";
        let counts = [false, true].map(|may_be_usual| {
            let mut analyzer = analyzer();
            let usual = feed(&mut Lines::new(), &text, &mut analyzer, may_be_usual);
            assert_eq!(usual > 300, may_be_usual, "{usual} bytes");
            (analyzer.summary(analyzer.last_instant().expect("a record")).total.failed, counted(&analyzer))
        });
        assert_eq!(counts[0], counts[1]);
        assert_eq!(counts[0].0, failed, "{between}");
    }
}

/// They are remembered by their first 48 bytes and found by their first and last eight; what is between is compared as well.
#[test]
fn long_names_that_differ_only_in_the_middle_are_not_taken_for_each_other() {
    let database = "d_of_a_name_of_fifty_bytes_which_is_longer_than_48";
    let client = |number: usize| Client {
        database: database.to_owned(),
        user: format!("{}{number:02}_with_the_same_end", ["web", "job"][number % 2]),
        address: format!("10.0.0.7:{}", 1000 + number),
        suffix: " tls=no",
        age: "7",
    };
    let clients: Vec<Client> = (0..40).map(|number| client(number % 20)).collect();
    let (mut plain, mut quick) = (analyzer(), analyzer());
    let text = log(&clients, true, 0) + "x";
    feed(&mut Lines::new(), &text, &mut plain, false);
    assert!(feed(&mut Lines::new(), &text, &mut quick, true) > text.len() / 2);
    assert_eq!(counted(&quick), counted(&plain));
    assert_eq!(counted(&quick).len(), 21, "twenty accounts and all together");
}

/// Where an attempt counts is remembered of its pool; to find it anew costs as much as all the rest of the line.
#[test]
fn of_a_pool_that_came_before_it_is_known_where_it_counts() {
    let mut analyzer = analyzer();
    let known = |analyzer: &mut Analyzer, text: &str| {
        let mut bytes = [b'~'; crate::words::WINDOW];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        analyzer.parser.turn(Window(&bytes));
        let client = analyzer.parser.usual_client(Window(&bytes))?;
        let attempt = analyzer.parser.usual_attempt(&client, blank_behind(Window(&bytes), client.who)?)?;
        Some(analyzer.repeats.get(attempt.pool).is_some())
    };
    let clients = clients();
    // The first line of all is the grammar's.
    feed(&mut Lines::new(), &(log(&clients, true, 0) + &log(&clients, true, 1) + "x"), &mut analyzer, true);
    let text = log(&clients, true, 2);
    let attempts = text.lines().filter(|line| line.contains("login attempt"));
    for line in attempts {
        assert_eq!(known(&mut analyzer, &format!("{line}\n2")), Some(true), "{line}");
    }
}

/// `log_disconnections = 0`: an attempt under the pointer of one before says that that client has left. It was read the long
/// way, and such logs took three times as long. The same where only some closings are missing.
#[test]
fn attempts_under_the_pointer_of_a_client_that_has_left_go_the_shortest_way() {
    let clients = clients();
    let pointer = |line: &str, number: usize| {
        let (before, rest) = line.split_once("C-0x").expect("a client's");
        format!("{before}C-0x55d0{:08x}:{}\n", number % 7, rest.split_once(':').expect("its end").1)
    };
    for (name, keeps) in [
        ("none", &(|_: usize, line: &str| line.contains("login attempt")) as &dyn Fn(usize, &str) -> bool),
        ("some", &|number, _| number % 3 > 0),
    ] {
        let (mut plain, mut quick) = (analyzer(), analyzer());
        let (mut plain_lines, mut quick_lines) = (Lines::new(), Lines::new());
        for hour in 0..3 {
            let text = log(&clients, true, hour);
            let kept = text.lines().enumerate().filter(|(number, line)| keeps(*number, line));
            let text: String = kept.map(|(number, line)| pointer(line, number)).collect();
            feed(&mut plain_lines, &text, &mut plain, false);
            let usual = feed(&mut quick_lines, &text, &mut quick, true);
            assert_eq!(counted(&quick), counted(&plain), "{name}, hour {hour}");
            assert_eq!(quick.open_sessions(), plain.open_sessions(), "{name}, hour {hour}");
            let share = if name == "none" { text.len() * 99 / 100 } else { text.len() / 2 };
            assert!(hour == 0 || usual >= share, "{name}: {usual} of {}, hour {hour}", text.len());
        }
    }
}

/// One byte says whether it is a closing: without it, each such line was looked at three times.
#[test]
fn the_same_clients_attempt_again_goes_the_shortest_way() {
    let line = |millis: usize| {
        let who = "C-0x55d0: app/web@10.0.0.7:5";
        format!("2026-11-22 05:00:00.{millis:03} UTC [7] LOG {who} login attempt: db=app user=web tls=no\n")
    };
    let text: String = (0..400).map(line).collect::<String>() + "x";
    let (mut plain, mut quick) = (analyzer(), analyzer());
    feed(&mut Lines::new(), &text, &mut plain, false);
    let usual = feed(&mut Lines::new(), &text, &mut quick, true);
    assert!(usual > text.len() * 99 / 100, "{usual} of {}", text.len());
    assert_eq!((counted(&quick), quick.open_sessions()), (counted(&plain), plain.open_sessions()));
}

/// Of fifty lines of a busy log one is a server's. It was read the long way, and so was the client's behind it.
#[test]
fn a_servers_record_goes_a_short_way_and_means_the_same() {
    let line = |number: usize, text: &str| {
        format!("2026-11-22 05:00:{:02}.{:03} UTC [7] LOG {text}\n", number / 50, number % 50)
    };
    let message = |number: usize| match number % 10 {
        0 => "S-0x5500: app/web@127.0.0.1:5432 closing because: server lifetime over (age=3600s)".to_owned(),
        1 => "S-0x5501: app/web@127.0.0.1:5432 new connection to server (from 127.0.0.1:33333)".to_owned(),
        // Whoever had this pointer has left: what is written of it is not for the short way.
        2 if number > 100 => format!("S-0x{:04x}: a/b@127.0.0.1:5432 new connection to server", number - 5),
        _ if !number.is_multiple_of(3) => {
            format!("C-0x{number:04x}: app/web@10.0.0.7:5 login attempt: db=app user=web tls=no")
        }
        _ => format!("C-0x{:04x}: app/web@10.0.0.7:5 closing because: client close request (age=1s)", number - 1),
    };
    let text = (0..400).map(|number| line(number, &message(number))).collect::<String>() + "x";
    let servers = |analyzer: &Analyzer| {
        let figures = analyzer.figures();
        let servers = figures.happenings().servers();
        format!("{servers:?} {:?} {:?}", figures.lines(), analyzer.last_instant())
    };
    let both = [false, true].map(|may_be_usual| {
        let mut analyzer = analyzer();
        let usual = feed(&mut Lines::new(), &text, &mut analyzer, may_be_usual);
        // Every fifth is a server's; some are not for the short ways.
        assert!(!may_be_usual || usual > text.len() * 4 / 5, "{usual} of {}", text.len());
        (counted(&analyzer), servers(&analyzer), analyzer.open_sessions())
    });
    assert_eq!(both[0], both[1]);
    assert!(both[0].1.contains("opened: 70"), "{}", both[0].1);
}

#[path = "usual_time_tests.rs"]
mod time;
