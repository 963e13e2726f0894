//! Clients that put any bytes into their names: the log that pgbouncer makes of them, and what must be read of it.

use std::collections::BTreeMap;

use loganalyzer::analysis::analyzer::Analyzer;
use loganalyzer::pgbouncer::lines::Lines;

use super::printer::Style;
use super::random::Chance;

/// (user, address, database) → (logins, failed).
type Truth = BTreeMap<(Vec<u8>, Vec<u8>, Vec<u8>), (u64, u64)>;

const WORDS: &[&[u8]] = &[
    b"login attempt",
    b" login attempt: db=app user=batch tls=no",
    b" login attempt: db=",
    b" user=",
    b" tls=no",
    b" tls=TLSv1.3/TLS_AES_256_GCM_SHA384",
    b" replication=no",
    b"closing because",
    b" closing because: client close request (age=9s)",
    b"@10.0.0.9:1",
    b"@10.0.0.9:1 ",
    b"app/batch@10.0.0.9:1 login attempt: db=app user=batch tls=no",
    b"app/batch@10.0.0.9:1 closing because: client close request (age=99s)",
    b"2026-11-22 05:00:00.000 UTC [1] LOG C-0x1: app/batch@10.0.0.9:1 login attempt: db=app user=batch tls=no",
    b"2026-11-22 05:00:00.000 1 LOG C-0x1: app/batch@10.0.0.9:1 login attempt: db=app user=batch",
    b"Nov 22 05:00:00 host pgbouncer[1]: C-0x1: app/batch@10.0.0.9:1 login attempt: db=app user=batch tls=no",
    b"\n2026-11-22 05:00:00.000 UTC [1] LOG stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us",
    b"\n2026-11-22 05:00:00.000 UTC [1] LOG got SIGTERM, fast exit",
    b"\n2026-11-22 05:00:00.000 UTC [1] FATAL x",
    b"(nodb)",
    b"(nouser)",
    b"unix(1):6432",
    b"app",
    b"batch",
    b"#012",
    b" \t",
];

const SEPARATORS: &[u8] = b"/@:= \t\n()[].,#0129";

/// A name of 1 to `most` bytes; `before` is what stands before it in the line, so that it can repeat it.
pub fn name(random: &mut impl Chance, most: usize, before: &[u8], last: &[u8]) -> Vec<u8> {
    let mut name = if random.one_in(12) { last.to_vec() } else { Vec::new() };
    for _ in 0..=random.below(5) {
        match random.below(10) {
            0..=2 => name.push(*random.pick(SEPARATORS)),
            3 => name.push(random.below(255) as u8 + 1),
            4 => name.extend_from_slice(before),
            5 => name.extend_from_slice(&name.clone()),
            6 => name.push(b'a' + random.below(3) as u8),
            _ => {
                let word: &&[u8] = random.pick(WORDS);
                name.extend_from_slice(word);
            }
        }
    }
    name.truncate(1 + random.below(most));
    name
}

/// What a syslog daemon does to a name before it is in the file; other control characters are not sent here.
fn for_syslog(name: &mut Vec<u8>) {
    name.retain(|&byte| byte == b'\n' || !byte.is_ascii_control());
    if name.is_empty() {
        name.push(b'x');
    }
}

/// Few of them, so that they are taken again at once.
const POINTERS: [u64; 3] = [0x5500_0000, 0x5500_0190, 0x5500_0320];

const LEFT: [&[u8]; 2] = [b"left at the password prompt", b"closing that holds a newline"];

/// A log that is being written, and what must be read of it.
pub struct Log {
    style: Style,
    pub text: Vec<u8>,
    truth: Truth,
    second: u32,
    /// How the records of the last client began: the best head for a forgery.
    last: Vec<u8>,
}

impl Log {
    fn write(&mut self, level: &str, message: &[u8]) {
        let record = self.style.record(self.second, 77, level, message);
        self.text.extend(record);
    }

    /// The life of one client, and what must be read of it.
    fn client(&mut self, random: &mut impl Chance) {
        let style = self.style;
        let mut database = name(random, 63, b"", &self.last);
        let mut user = name(random, 127, &[&database[..], b"/"].concat(), b"");
        if style.is_syslog() {
            for_syslog(&mut database);
            for_syslog(&mut user);
        }
        let address = style.address(random.below(4), 1024 + random.below(60_000) as u16);
        let pointer = *random.pick(&POINTERS);
        // Since 1.15 an unknown user, and since 1.17 an unknown database, come to an attempt without a pool.
        let hopeless = style.minor() >= 15 && random.one_in(4);
        let failed = hopeless || random.one_in(3);
        let shown: &[u8] = if hopeless { b"(nodb)" } else { &database };
        let record = |message: &[u8]| Style::client(pointer, shown, &user, &address, message);
        self.second += 1;
        let attempt = record(&style.attempt(&database, &user, random.below(12)));
        self.write("LOG", &attempt);
        // Since 1.15 a client that leaves at the password prompt is written nowhere, and the next has its pointer.
        let silent = (15..18).contains(&style.minor()) && random.one_in(6);
        if silent {
            self.second += random.below(100) as u32;
        } else if failed {
            let (reason, _) = style.wrong_password();
            self.write("WARNING", &record(format!("pooler error: {reason}").as_bytes()));
            self.write("LOG", &record(&style.closing(reason.as_bytes(), 0)));
        } else {
            let age = random.below(100) as u32;
            self.second += age;
            self.write("LOG", &record(&style.closing(b"client close request", age)));
        }
        self.last = [shown, b"/", &user[..], b"@", address.printed.as_bytes(), b" "].concat();
        if is_cut(style, &attempt) {
            return;
        }
        // `(nodb)` as a database's real name cannot be told from none, and is never a login.
        let login = !failed && !silent && database != b"(nodb)";
        let figures = self.truth.entry((user, address.host.as_bytes().to_vec(), database)).or_default();
        figures.0 += u64::from(login);
        figures.1 += u64::from(!login);
    }
}

/// Whether such a name cuts the record.
fn is_cut(style: Style, name: &[u8]) -> bool {
    let holds = |word: &[u8]| name.windows(word.len()).any(|part| part == word);
    name.contains(&b'\n') || style.is_syslog() && (holds(b"#012") || holds(b" \t"))
}

fn read(text: &[u8], random: &mut impl Chance) -> Analyzer {
    let mut analyzer = super::analyzer();
    let mut lines = Lines::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.len().min(1 + random.below(4000)));
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            analyzer.line(&line);
        }
        rest = behind;
    }
    if let Some(line) = lines.last_line() {
        analyzer.line(&line);
    }
    analyzer
}

/// By user, and by address or database: (logins, failed).
type Figures = BTreeMap<(Vec<u8>, Vec<u8>), (u64, u64)>;

/// What is in one of them only, for a person to read.
fn differences(read: &Figures, truth: &Figures) -> String {
    let only = |one: &Figures, other: &Figures| -> Vec<String> {
        let rows = one.iter().filter(|(key, figures)| other.get(key) != Some(figures));
        rows.map(|((user, item), figures)| format!("{} | {} {figures:?}", user.escape_ascii(), item.escape_ascii()))
            .collect()
    };
    format!("read {:#?}, but it was {:#?}", only(read, truth), only(truth, read))
}

fn summed<'a>(rows: impl Iterator<Item = (&'a [u8], &'a [u8], (u64, u64))>) -> Figures {
    let mut figures = Figures::new();
    for (user, item, (logins, failed)) in rows {
        let figure = figures.entry((user.to_vec(), item.to_vec())).or_default();
        *figure = (figure.0 + logins, figure.1 + failed);
    }
    figures
}

/// The log of so many clients, one after the other, of one pgbouncer.
pub fn log(style: Style, clients: u32, chance: &mut impl Chance) -> Log {
    let mut log = Log { style, text: Vec::new(), truth: Truth::new(), second: 0, last: Vec::new() };
    log.write("LOG", format!("process up: PgBouncer 1.{}.0, libevent 2.1", style.minor()).as_bytes());
    let known = style.address(0, 9);
    log.write("LOG", &Style::client(0x10, b"app", b"x", &known, &style.closing(b"client close request", 9)));
    for _ in 0..clients {
        log.client(chance);
    }
    for pointer in POINTERS {
        let message = style.closing(b"client close request", 9);
        log.write("LOG", &Style::client(pointer, b"app", b"x", &known, &message));
    }
    log
}

/// Reads a log, and compares all that is counted with the truth; `what` says which log it is.
pub fn check(log: &Log, chance: &mut impl Chance, what: &str) {
    let analyzer = read(&log.text, chance);
    let case = || format!("{:?}, {what}:\n{}", log.style, String::from_utf8_lossy(&log.text));
    let summary = analyzer.summary(analyzer.last_instant().expect("a record"));
    let rows = summary.accounts.iter().flat_map(|account| {
        account.from.rows().into_iter().map(|(item, row)| (account.user, item, (row.logins, row.failed)))
    });
    let truth = log.truth.iter().map(|((user, host, _), figures)| (&user[..], &host[..], *figures));
    compare(&summed(rows), &summed(truth), "address", case);
    let rows = summary.accounts.iter().flat_map(|account| {
        account.databases.rows().into_iter().map(|(item, row)| (account.user, item, (row.logins, row.failed)))
    });
    let truth = log.truth.iter().map(|((user, _, database), figures)| (&user[..], &database[..], *figures));
    compare(&summed(rows), &summed(truth), "database", case);
    let total = summary.total;
    assert_eq!((total.assumed, total.pending, summary.others.attempts), (0, 0, 0), "{}", case());
    check_that_nothing_else_was_made(&analyzer, log.style, case);
}

fn compare(read: &Figures, truth: &Figures, what: &str, case: impl Fn() -> String) {
    assert!(read == truth, "by {what}: {}\n{}", case(), differences(read, truth));
}

/// Of names nobody has made reasons, stats, or lines that nobody knows.
fn check_that_nothing_else_was_made(analyzer: &Analyzer, style: Style, case: impl Fn() -> String) {
    let summary = analyzer.summary(analyzer.last_instant().expect("a record"));
    let known = style.wrong_password().1.as_bytes();
    let is_real = |reason: &[u8]| reason == known || reason == b"client close request" || LEFT.contains(&reason);
    let reasons =
        summary.accounts.iter().flat_map(|account| account.reasons.rows().into_iter().map(|(reason, _)| reason));
    reasons.for_each(|reason| assert!(is_real(reason), "{}: {}", reason.escape_ascii(), case()));
    let figures = analyzer.figures();
    assert_eq!(figures.traffic().total().lines, 0, "a name made stats: {}", case());
    assert_eq!(figures.lines().unrecognised, 0, "{}: {}", figures.sample().escape_ascii(), case());
}
