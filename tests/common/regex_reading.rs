//! A line read as slowly and plainly as can be: the grammar of the log as regular expressions, and every reading that
//! an attempt can have tried one by one. What the parser makes of a line must be the same.
//!
//! It shares with the parser the types of what is read, the bounds, and nothing else: the calendar is jiff's, addresses
//! of IPv6 are the standard library's.

use std::sync::LazyLock;

use loganalyzer::limits::{ADDRESS_MAX, DATABASE_NAME_MAX, SOCKET_PREFIX_MAX, SYSLOG_IDENTS, USER_NAME_MAX};
use loganalyzer::pgbouncer::parser::Reading;
use loganalyzer::pgbouncer::record::{
    Address, Closing, Event, Level, LoginAttempt, Pointer, Record, Side, Socket, Stats, Version,
};
use regex::bytes::{Captures, Regex};

/// A regular expression over bytes, in which `.` is any of them; one part of it a line.
macro_rules! regex {
    ($name:ident, $($part:expr),+) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(concat!("(?s-u)", $($part),+)).expect("a regular expression"));
    };
}

#[path = "regex_header.rs"]
mod header;

use header::{Header, own_header, syslog_header};

regex!(CUT_IN_SYSLOG, r"#012| \t");
regex!(SOCKET, r"^([CS])-0x([0-9A-Fa-f]{1,16}): (.*)$");
regex!(
    ADDRESS,
    r"^(?:(\d+\.\d+\.\d+\.\d+)|\[([0-9A-Fa-f:.]+)\]|([0-9A-Fa-f:.]+)|(unix)(?:\((\d+)\))?|(\(bad-af\))):(\d+)$"
);
regex!(AT, r"@([^ @]*) ");
regex!(
    SUFFIX,
    r"^(?: tls=(no|(?:TLS|SSL)v[A-Za-z0-9_./=-]{0,91})(?: replication=(no|yes|database|logical|physical))?)?$"
);
regex!(AGE, r"^(.*) \(age=(\d+)s?\)$");
regex!(SERVER_CLOSING, r"\(age=[^(]*$");
regex!(
    OTHER_OF_CLIENT,
    r"^(?:no such user: |registered new auto-database|pgbouncer access from unix socket|SSL established: |",
    r"auth_mode=any: |logged in)"
);
regex!(STATS, r"^[Ss]tats: (.*)$");
regex!(STATS_ITEM, r"^(?:(\d+) ([A-Za-z][A-Za-z _-]*)/s|([A-Za-z][A-Za-z _-]*) (\d+) [A-Za-z/%]+)(, |,| |$)(.*)$");
regex!(PROCESS_UP, r"^process up: (?i-u:pgbouncer) (\d+)\.(\d+)(?:\.(\d+))?");
regex!(LISTENING, r"^listening on (?:.*[:/])?(\d+)$");
regex!(LISTENING_ON_UNIX, r"^listening on unix");
regex!(OVER, r"^(?:(?:server|client) connections dropped, exiting|SHUTDOWN command issued|[Gg]ot SIG.*, fast exit)$");
regex!(RELOADED, r"^(?:(?:RELOAD|RECONNECT|RECONNECT '.*') command issued$|[Gg]ot SIGHUP)");
regex!(TAKEOVER_BEGINS, r"^SUSPEND finished, sending SHOW FDS$");
regex!(TAKEOVER_ENDS, r"^SHOW FDS finished$");
regex!(TAKEOVER_DONE, r"^(?:old process killed, resuming work|old process not found, try to continue normally)$");

/// What goes from line to line: whose lines a syslog file holds.
#[derive(Debug, Default)]
pub struct RegexReader {
    /// The time that the years of traditional syslog are guessed by, as in the parser.
    pub now: i64,
    idents: Vec<Vec<u8>>,
}

impl RegexReader {
    pub fn new(now: i64) -> Self {
        Self { now, idents: Vec::new() }
    }

    /// Reads one whole line, without its newline.
    pub fn read<'a>(&mut self, line: &'a [u8]) -> Reading<'a> {
        if let Some(header) = own_header(line) {
            return message(&header).map_or(Reading::Unrecognised, Reading::Record);
        }
        let Some(header) = syslog_header(line, self.now) else { return Reading::Unrecognised };
        let is_ours = header.ident.starts_with(b"pgbouncer") || self.idents.iter().any(|known| known == header.ident);
        let record = match () {
            // pgbouncer's own header within the syslog daemon's: nothing of it is believed.
            () if own_header(header.message).is_some() => None,
            () if CUT_IN_SYSLOG.is_match(header.message) => Some(cut(&header)),
            () => message(&header),
        };
        match record {
            Some(record) if is_ours || self.is_proved(header.ident, &record.event) => Reading::Record(record),
            None if is_ours => Reading::Unrecognised,
            _ => Reading::Foreign,
        }
    }

    /// Reads the first line of a record that goes on behind a newline.
    pub fn read_cut<'a>(&self, line: &'a [u8]) -> Option<Record<'a>> {
        let is_ours = |header: &Header<'_>| {
            header.ident.starts_with(b"pgbouncer") || self.idents.iter().any(|known| known == header.ident)
        };
        own_header(line).or_else(|| syslog_header(line, self.now).filter(is_ours)).map(|header| cut(&header))
    }

    /// Whether what only pgbouncer writes shows that lines of this ident are its own, from now on.
    fn is_proved(&mut self, ident: &[u8], event: &Event<'_>) -> bool {
        use Event::{ClientClosing, LoginAttempt, ProcessUp};
        let proves = matches!(event, ProcessUp(_) | Event::Stats(_) | LoginAttempt(_) | ClientClosing { .. });
        let is_new = proves && self.idents.len() < SYSLOG_IDENTS;
        if is_new {
            self.idents.push(ident.to_vec());
        }
        is_new
    }
}

fn text<'a>(captures: &Captures<'a>, group: usize) -> Option<&'a str> {
    std::str::from_utf8(captures.get(group)?.as_bytes()).ok()
}

fn bytes<'a>(captures: &Captures<'a>, group: usize) -> &'a [u8] {
    captures.get(group).map_or(&[], |found| found.as_bytes())
}

fn number<T: std::str::FromStr>(captures: &Captures<'_>, group: usize) -> Option<T> {
    // Where any text may stand, `+7` is no number.
    text(captures, group).filter(|text| !text.starts_with('+'))?.parse().ok()
}

fn socket(message: &[u8]) -> Option<Socket<'_>> {
    let captures = SOCKET.captures(message)?;
    let side = if bytes(&captures, 1) == b"C" { Side::Client } else { Side::Server };
    Some(Socket { side, pointer: Pointer::new(bytes(&captures, 2))?, rest: bytes(&captures, 3) })
}

fn record<'a>(header: &Header<'a>, event: Event<'a>) -> Record<'a> {
    let Header { stamp, pid, level, format, message, .. } = *header;
    Record { stamp, pid, level, socket: socket(message), event, format }
}

fn cut<'a>(header: &Header<'a>) -> Record<'a> {
    record(header, Event::Cut)
}

fn message<'a>(header: &Header<'a>) -> Option<Record<'a>> {
    let is_log = matches!(header.level, None | Some(Level::Log));
    let event = match socket(header.message) {
        Some(Socket { side: Side::Client, rest, .. }) => client(rest, header.level, is_log)?,
        Some(Socket { rest, .. }) if is_log && SERVER_CLOSING.is_match(rest) => Event::ServerClosing,
        Some(_) => Event::Other,
        None => plain(header.message, header.level, is_log)?,
    };
    Some(record(header, event))
}

/// An address with its port.
fn address(text: &[u8]) -> Option<Address<'_>> {
    let captures = ADDRESS.captures(text)?;
    let group = (1..=6).find(|&group| group != 5 && captures.get(group).is_some())?;
    let host = bytes(&captures, group);
    let is_host = match group {
        1 => std::str::from_utf8(host).ok()?.split('.').all(|part| part.parse::<u64>().is_ok_and(|part| part < 256)),
        2 | 3 => std::str::from_utf8(host).ok()?.parse::<std::net::Ipv6Addr>().is_ok(),
        4 => captures.get(5).is_none() || number::<u64>(&captures, 5).is_some(),
        _ => true,
    };
    let port = number(&captures, 7)?;
    (is_host && text.len() <= ADDRESS_MAX).then_some(Address { host, port })
}

/// All ways to cut `D/U@A ` off what follows a client's pointer: where the blank is.
fn prefixes(rest: &[u8]) -> impl Iterator<Item = usize> {
    let places = (0..rest.len().min(SOCKET_PREFIX_MAX)).filter(|&place| rest[place] == b'@');
    places.filter_map(|place| {
        let captures =
            AT.captures_at(rest, place).filter(|found| found.get(0).is_some_and(|all| all.start() == place))?;
        address(bytes(&captures, 1))?;
        captures.get(0).map(|all| all.end() - 1)
    })
}

fn client(rest: &[u8], level: Option<Level>, is_log: bool) -> Option<Event<'_>> {
    let readings = || prefixes(rest).map(|blank| rest.split_at(blank + 1));
    if !is_log {
        let logged_in = level == Some(Level::Debug) && readings().any(|(_, message)| message == b"logged in");
        return Some(if logged_in { Event::LoggedIn } else { Event::Other });
    }
    if let [only] = attempts(rest)[..] {
        return Some(Event::LoginAttempt(only));
    }
    let found = readings().find_map(|(prefix, message)| {
        if let Some(text) = message.strip_prefix(b"closing because: ") {
            return Some(Event::ClientClosing { prefix, closing: closing(text) });
        }
        if message.starts_with(b"login failed: db=") {
            return Some(Event::LoginFailed { prefix });
        }
        OTHER_OF_CLIENT.is_match(message).then_some(Event::Other)
    });
    let is_else = || readings().any(|(_, message)| !message.starts_with(b"login attempt: "));
    found.or_else(|| (level.is_none() && is_else()).then_some(Event::Other))
}

/// `REASON (age=N)`, for which the text is one whole reason where it has no age.
fn closing(text: &[u8]) -> Closing<'_> {
    let with_age = AGE
        .captures(text)
        .and_then(|captures| Some(Closing { reason: bytes(&captures, 1), age: Some(number(&captures, 2)?) }));
    with_age.unwrap_or(Closing { reason: text, age: None })
}

/// Every way in which this reads as an attempt.
fn attempts(rest: &[u8]) -> Vec<LoginAttempt<'_>> {
    const MARK: &[u8] = b" login attempt: db=";
    let mut all: Vec<LoginAttempt<'_>> = Vec::new();
    for blank in prefixes(rest).filter(|&blank| rest[blank..].starts_with(MARK)) {
        let Some(at) = rest[..blank].iter().rposition(|&byte| byte == b'@') else { continue };
        let (who, detail) = (&rest[..at], &rest[blank + MARK.len()..]);
        for (end, suffix) in suffixes(detail) {
            let slashes = (0..at).filter(|&slash| who[slash] == b'/');
            let readings = slashes.filter_map(|slash| names(who, slash, &detail[..end]));
            all.extend(readings.filter_map(|names| attempt(rest, (at, blank), names, &suffix)));
        }
    }
    all
}

/// The places at which a suffix can begin.
fn suffixes(detail: &[u8]) -> impl Iterator<Item = (usize, Captures<'_>)> {
    (0..=detail.len()).filter_map(|end| Some((end, SUFFIX.captures(&detail[end..])?)))
}

/// `D/U` with the slash here against `D user=U`: database, user, and whether it cannot succeed. A database that is
/// really called `(nodb)` is taken for none.
fn names<'a>(who: &'a [u8], slash: usize, named: &'a [u8]) -> Option<(&'a [u8], &'a [u8], bool)> {
    let (shown, user) = (&who[..slash], &who[slash + 1..]);
    let database = named.strip_suffix(user)?.strip_suffix(b" user=")?;
    let hopeless = shown == b"(nodb)";
    let is_reading =
        database.len() < DATABASE_NAME_MAX && user.len() < USER_NAME_MAX && (hopeless || shown == database);
    is_reading.then_some((database, user, hopeless))
}

fn attempt<'a>(
    rest: &'a [u8],
    (at, blank): (usize, usize),
    (database, user, hopeless): (&'a [u8], &'a [u8], bool),
    suffix: &Captures<'a>,
) -> Option<LoginAttempt<'a>> {
    let has_blank = [database, user].concat().contains(&b' ');
    let is_plain = !has_blank && !database.starts_with(b"(") && !database.contains(&b'/');
    Some(LoginAttempt {
        database,
        user,
        address: address(&rest[at + 1..blank])?,
        prefix: &rest[..=blank],
        hopeless,
        is_plain,
        tls: suffix.get(1).map(|tls| tls.as_bytes()),
        replication: suffix.get(2).is_some_and(|kind| kind.as_bytes() != b"no"),
    })
}

fn plain(message: &[u8], level: Option<Level>, is_log: bool) -> Option<Event<'_>> {
    if level == Some(Level::Fatal) {
        return Some(Event::ProcessOver);
    }
    if !is_log {
        return Some(Event::Other);
    }
    if let Some(captures) = STATS.captures(message) {
        return stats(bytes(&captures, 1)).map(Event::Stats);
    }
    if let Some(captures) = PROCESS_UP.captures(message)
        && let (Some(major), Some(minor)) = (number(&captures, 1), number(&captures, 2))
    {
        return Some(Event::ProcessUp(Version(major, minor, number(&captures, 3).unwrap_or(0))));
    }
    if let Some(captures) = LISTENING.captures(message).filter(|_| !LISTENING_ON_UNIX.is_match(message)) {
        return Some(number(&captures, 1).map_or(Event::Other, Event::Listening));
    }
    let life = [
        (&OVER, Event::ProcessOver),
        (&RELOADED, Event::Reloaded),
        (&TAKEOVER_BEGINS, Event::TakeoverBegins),
        (&TAKEOVER_ENDS, Event::TakeoverEnds),
        (&TAKEOVER_DONE, Event::TakeoverDone),
    ];
    let found = life.iter().find(|(regex, _)| regex.is_match(message));
    Some(found.map_or(Event::Other, |(_, event)| *event))
}

fn stats(mut rest: &[u8]) -> Option<Stats> {
    let mut stats = Stats::default();
    let mut seen = [false; 4];
    loop {
        let captures = STATS_ITEM.captures(rest)?;
        let rate = captures.get(1).is_some();
        let (name, value) = if rate { (2, 1) } else { (3, 4) };
        let (name, value) = (text(&captures, name)?, number(&captures, value)?);
        match (rate, name) {
            (true, "req" | "queries") => (stats.requests, seen[0]) = (value, true),
            (true, "xacts") => stats.transactions = Some(value),
            (false, "in") => (stats.bytes_in, seen[1]) = (value, true),
            (false, "out") => (stats.bytes_out, seen[2]) = (value, true),
            (false, "query") => (stats.request_us, seen[3]) = (value, true),
            (false, "xact") => stats.transaction_us = Some(value),
            (false, "wait" | "wait time") => stats.wait_us = Some(value),
            _ => {}
        }
        rest = bytes(&captures, 6);
        if bytes(&captures, 5).is_empty() {
            return seen.iter().all(|&seen| seen).then_some(stats);
        }
    }
}
