//! The message behind the header: what happened.
//!
//! ```text
//! message = socket who MESSAGE | MESSAGE
//! socket  = ( "C-" | "S-" ) "0x" hex ": "
//! who     = ( D "/" U | "peer-" number ) "@" address " "
//! ```
//!
//! D and U may hold anything, also ` x@1.2.3.4:5 closing because: y`; so a socket's message has as many readings as
//! there are `@` with an address and a blank behind them. What counts for somebody is never taken from one of these:
//! an attempt must read in exactly one way ([`super::attempt`]), and a closing belongs to the attempt whose `D/U@A `
//! it begins with, byte for byte ([`closing_behind`]).

use super::cursor::{Cursor, decimal};
use super::record::{Closing, Event, Level, Pointer, ServerEvent, Side, Socket, Version};
use super::{address, attempt, stats};
use crate::limits::{ADDRESS_MAX, SOCKET_PREFIX_MAX};
use crate::words;

const CLOSING: &[u8] = b"closing because: ";
const ATTEMPT: &[u8] = b"login attempt: ";

/// Takes `C-0x…: ` or `S-0x…: ` off a message.
#[inline]
pub(super) fn parse_socket(message: &[u8]) -> Option<Socket<'_>> {
    let mut cursor = Cursor(message);
    let side = match cursor.byte()? {
        b'C' => Side::Client,
        b'S' => Side::Server,
        _ => return None,
    };
    cursor.eat(b"-0x")?;
    let pointer = Pointer::new(cursor.until(b':')?)?;
    cursor.eat(b" ")?;
    Some(Socket { side, pointer, rest: cursor.0 })
}

/// Whether a record of this level may be a login, a closing or stats: they come at LOG, or where nobody says.
fn is_log(level: Option<Level>) -> bool {
    matches!(level, None | Some(Level::Log))
}

/// What a socket's record says; `None` if no version of pgbouncer writes this.
#[inline]
pub(super) fn parse_socket_event<'a>(socket: &Socket<'a>, level: Option<Level>) -> Option<Event<'a>> {
    match socket.side {
        Side::Client => parse_client(socket.rest, level),
        Side::Server if is_log(level) => Some(parse_server(socket.rest)),
        Side::Server => Some(Event::Other),
    }
}

/// Only closings end with an age. Nothing counts for anybody here, so it does not matter that a name may hold it.
fn parse_server(rest: &[u8]) -> Event<'_> {
    let age = memchr::memrchr(b'(', rest).map_or(&[][..], |open| &rest[open..]);
    if age.starts_with(b"(age=") { Event::ServerClosing } else { Event::Other }
}

/// What a server's record at LOG says that is worth a figure.
pub(super) fn server_event(rest: &[u8]) -> Option<ServerEvent<'_>> {
    let at = memchr::memchr(b'@', rest)?;
    let behind = &rest[at + 1..];
    if memchr::memchr(b'@', behind).is_none() {
        let address = memchr::memchr(b' ', behind)?;
        return parse_server_message(&behind[address + 1..]);
    }
    // A name can read like a message; the text of one seldom holds an address.
    readings(rest).filter_map(|reading| parse_server_message(reading.message)).last()
}

fn parse_server_message(message: &[u8]) -> Option<ServerEvent<'_>> {
    if let Some(text) = message.strip_prefix(CLOSING) {
        return split_age(text).map(ServerEvent::Closed);
    }
    message.starts_with(b"new connection to server").then_some(ServerEvent::Opened)
}

/// What stands behind a socket's `D/U@A `, in the first way in which it can be read.
pub(super) fn message_behind(rest: &[u8]) -> &[u8] {
    readings(rest).next().map_or(rest, |reading| reading.message)
}

fn parse_client(rest: &[u8], level: Option<Level>) -> Option<Event<'_>> {
    if !is_log(level) {
        let logged_in = level == Some(Level::Debug) && readings(rest).any(|reading| reading.message == b"logged in");
        return Some(if logged_in { Event::LoggedIn } else { Event::Other });
    }
    if let Some(attempt) = attempt::parse(rest) {
        return Some(Event::LoginAttempt(attempt));
    }
    let mut only_attempts = true;
    for reading in readings(rest) {
        if let Some(event) = parse_client_message(&reading) {
            return Some(event);
        }
        only_attempts &= reading.message.starts_with(ATTEMPT);
    }
    // Without a level, warnings and DEBUG's lines of every shape come here too; of them only a login that cannot be
    // read is remarkable.
    (level.is_none() && !only_attempts).then_some(Event::Other)
}

/// The messages about a client at LOG: these are all that pgbouncer 1.5 to 1.25 and its development head write there.
fn parse_client_message<'a>(reading: &Reading<'a>) -> Option<Event<'a>> {
    let (prefix, message) = (reading.prefix, reading.message);
    if let Some(text) = message.strip_prefix(CLOSING) {
        return Some(Event::ClientClosing { prefix, closing: parse_closing(text) });
    }
    if message.starts_with(b"login failed: db=") {
        return Some(Event::LoginFailed { prefix });
    }
    let known: [&[u8]; 6] = [
        b"no such user: ",
        b"registered new auto-database",
        b"pgbouncer access from unix socket",
        b"SSL established: ",
        b"auth_mode=any: ",
        b"logged in",
    ];
    known.iter().any(|start| message.starts_with(start)).then_some(Event::Other)
}

/// One way to read what follows a pointer.
struct Reading<'a> {
    /// `D/U@A `.
    prefix: &'a [u8],
    message: &'a [u8],
}

/// All ways to read it, from the shortest prefix on: an address holds neither blank nor `@`, so it lies between a blank and
/// the last `@` before that. Each byte is looked at a few times, whoever writes `@` a hundred times, and words without one
/// are passed over: a line that nobody understands costs half of what it did when each blank was asked.
fn readings(rest: &[u8]) -> impl Iterator<Item = Reading<'_>> {
    let head = &rest[..rest.len().min(SOCKET_PREFIX_MAX + 1 + ADDRESS_MAX)];
    let mut from = 0;
    let words = std::iter::from_fn(move || {
        let first = from + memchr::memchr(b'@', &head[from..])?;
        let blank = first + memchr::memchr(b' ', &head[first..])?;
        from = blank + 1;
        Some((first + memchr::memrchr(b'@', &head[first..blank])?, blank))
    });
    words.filter_map(|(at, blank)| {
        let host = Some(&rest[at + 1..blank]).filter(|host| at < SOCKET_PREFIX_MAX && host.len() <= ADDRESS_MAX)?;
        address::parse(host)?;
        Some(Reading { prefix: &rest[..=blank], message: &rest[blank + 1..] })
    })
}

/// The closing of the client whose `D/U@A ` takes the first `prefix_length` bytes, if `rest` is that.
#[inline]
pub(super) fn closing_behind(rest: &[u8], prefix_length: usize) -> Option<Closing<'_>> {
    rest.get(prefix_length..)?.strip_prefix(CLOSING).map(parse_closing)
}

/// `REASON (age=N)` up to 1.9, `REASON (age=Ns)` since 1.10.
#[inline]
fn parse_closing(text: &[u8]) -> Closing<'_> {
    split_age(text).unwrap_or(Closing { reason: text, age: None })
}

#[inline]
fn split_age(text: &[u8]) -> Option<Closing<'_>> {
    let inner = text.strip_suffix(b")")?;
    let open = memchr::memrchr(b'(', inner)?;
    let age = inner[open + 1..].strip_prefix(b"age=")?;
    let age = decimal(age.strip_suffix(b"s").unwrap_or(age))?;
    Some(Closing { reason: text[..open].strip_suffix(b" ")?, age: Some(age) })
}

/// `closing because: REASON (age=N)`, read from its end.
#[inline]
pub(super) fn usual_closing(message: &[u8]) -> Option<Closing<'_>> {
    if !words::begins(message, CLOSING) {
        return None;
    }
    let text = &message[CLOSING.len()..];
    let (&[unit, b')'], before) = text.split_last_chunk::<2>().map(|(before, last)| (last, before))? else {
        return None;
    };
    let digits = if unit == b's' { before } else { text.split_last()?.1 };
    let count = digits.iter().rev().take_while(|byte| byte.is_ascii_digit()).take(9).count();
    let (head, number) = digits.split_at(digits.len() - count);
    let age = decimal(number)?;
    Some(Closing { reason: head.strip_suffix(b" (age=")?, age: Some(age) })
}

/// What a record without a socket says; `None` if it looks like stats and cannot be read.
pub(super) fn parse_plain(message: &[u8], level: Option<Level>) -> Option<Event<'_>> {
    if level == Some(Level::Fatal) {
        return Some(Event::ProcessOver);
    }
    if !is_log(level) {
        return Some(Event::Other);
    }
    if let Some(text) = strip_capital(message, b"stats: ") {
        return stats::parse(text).map(Event::Stats);
    }
    if let Some(text) = message.strip_prefix(b"process up: ") {
        return Some(parse_version(text).map_or(Event::Other, Event::ProcessUp));
    }
    if let Some(address) = message.strip_prefix(b"listening on ") {
        return Some(parse_listening(address).map_or(Event::Other, Event::Listening));
    }
    Some(parse_life(message))
}

/// `127.0.0.1:6432`, `[::1]:6432`, `::1/6432` (1.5); a unix socket has no port.
fn parse_listening(address: &[u8]) -> Option<u16> {
    let port = address.rsplit(|byte| b":/".contains(byte)).next()?;
    u16::try_from(decimal(port).filter(|_| !address.starts_with(b"unix"))?).ok()
}

/// What a process says of its own life.
fn parse_life(message: &[u8]) -> Event<'_> {
    match message {
        b"server connections dropped, exiting"
        | b"client connections dropped, exiting"
        | b"SHUTDOWN command issued" => Event::ProcessOver,
        b"RELOAD command issued" | b"RECONNECT command issued" => Event::Reloaded,
        b"SUSPEND finished, sending SHOW FDS" => Event::TakeoverBegins,
        b"SHOW FDS finished" => Event::TakeoverEnds,
        b"old process killed, resuming work" | b"old process not found, try to continue normally" => {
            Event::TakeoverDone
        }
        _ if message.starts_with(b"RECONNECT '") && message.ends_with(b"' command issued") => Event::Reloaded,
        _ => match strip_capital(message, b"got SIG") {
            Some(rest) if rest.ends_with(b", fast exit") => Event::ProcessOver,
            Some(rest) if rest.starts_with(b"HUP") => Event::Reloaded,
            _ => Event::Other,
        },
    }
}

/// Takes `start`, written with a capital up to 1.8, off a message.
fn strip_capital<'a>(message: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = message.split_at_checked(start.len())?;
    let same = head[0].eq_ignore_ascii_case(&start[0]) && head[1..] == start[1..];
    same.then_some(rest)
}

/// `PgBouncer 1.18.0, libevent …`, `pgbouncer 1.9.0, …`, `PgBouncer 1.24.0-dev, …`.
fn parse_version(text: &[u8]) -> Option<Version> {
    let mut cursor = Cursor(text);
    if !cursor.until(b' ')?.eq_ignore_ascii_case(b"pgbouncer") {
        return None;
    }
    let mut part = || {
        let value = cursor.number().and_then(|part| u16::try_from(part).ok());
        let _ = cursor.eat(b".");
        value
    };
    let (major, minor) = (part()?, part()?);
    Some(Version(major, minor, part().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(rest: &str) -> Option<Event<'_>> {
        parse_client(rest.as_bytes(), Some(Level::Log))
    }

    #[test]
    fn closings_with_and_without_s() {
        for (rest, reason, age) in [
            ("app/u@1.2.3.4:5 closing because: client close request (age=7)", "client close request", Some(7)),
            ("app/u@[::1]:5 closing because: client close request (age=70s)", "client close request", Some(70)),
            (
                "app/u@unix(1):5 closing because: no more (max_client_conn) (age=0s)",
                "no more (max_client_conn)",
                Some(0),
            ),
            (
                "app/u@1.2.3.4:5 closing because: Unsupported startup parameter: x",
                "Unsupported startup parameter: x",
                None,
            ),
        ] {
            let Some(Event::ClientClosing { closing, prefix }) = client(rest) else { panic!("{rest}") };
            assert_eq!(closing, Closing { reason: reason.as_bytes(), age }, "{rest}");
            assert_eq!(closing_behind(rest.as_bytes(), prefix.len()), Some(closing));
        }
    }

    #[test]
    fn a_login_line_of_a_future_version_is_noticed() {
        assert_eq!(client("app/u@1.2.3.4:5 login attempt: db=app user=u tls=no mood=good"), None);
        assert_eq!(client("app/u@1.2.3.4:5 somebody came in"), None);
        assert_eq!(parse_client(b"app/u@1.2.3.4:5 login attempt: who=u", None), None);
        assert_eq!(parse_plain(b"stats: 1 x/s", Some(Level::Log)), None);
    }

    #[test]
    fn a_closing_of_a_user_whose_name_holds_an_attempt_is_a_closing() {
        let rest =
            "app/batch@10.0.0.1:1 login attempt: db=app user=batch tls=no/svc@127.0.0.66:4 closing because: x (age=0s)";
        assert!(matches!(client(rest), Some(Event::ClientClosing { .. })));
    }

    /// Names of 63 and 127 bytes, and the longest address that there is: none of it is cut off, and nothing longer is read.
    #[test]
    fn the_longest_names_and_address_are_read() {
        let address = format!("[{}]:65535", ["ffff"; 8].join(":")).replace(":ffff:ffff]", ":255.255.255.255]");
        assert_eq!(address.len(), 53);
        for (database, user, fits) in [(63, 127, true), (64, 127, false), (63, 128, false)] {
            let (database, user) = ("d".repeat(database), "u".repeat(user));
            let who = format!("{database}/{user}@{address}");
            let attempt = client_of(&format!("{who} login attempt: db={database} user={user} tls=no"));
            let expected = fits.then(|| (database.clone().into_bytes(), user.clone().into_bytes()));
            assert_eq!(attempt, expected, "{who}");
        }
        let who = format!("{}/{}@{address} ", "d".repeat(63), "u".repeat(127));
        let reading = readings_of(&format!("{who}closing because: x (age=0s)"));
        assert_eq!(reading, [(who, "closing because: x (age=0s)".to_owned())]);
        for (length, count) in [(SOCKET_PREFIX_MAX - 1, 1), (SOCKET_PREFIX_MAX, 0)] {
            assert_eq!(readings_of(&format!("{}@1.2.3.4:5 x", "d".repeat(length))).len(), count, "{length}");
        }
    }

    fn client_of(rest: &str) -> Option<(Vec<u8>, Vec<u8>)> {
        let Some(Event::LoginAttempt(attempt)) = client(rest) else { return None };
        Some((attempt.database.to_vec(), attempt.user.to_vec()))
    }

    fn readings_of(rest: &str) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        readings(rest.as_bytes()).map(|reading| (text(reading.prefix), text(reading.message))).collect()
    }

    /// What ends with its age is read from there; all else is left to the grammar, which reads the same.
    #[test]
    fn a_closing_that_is_read_from_its_end_is_read_as_by_the_grammar() {
        let reason = "client close request";
        for (tail, is_usual) in [
            (" (age=7s)", true),
            (" (age=7)", true),
            (" (age=123456789s)", true),
            (" (age=s)", false),
            ("(age=7s)", false),
            (" (age=7s", false),
            (" (age=x7s)", false),
            ("", false),
        ] {
            let message = format!("closing because: {reason}{tail}");
            let usual = usual_closing(message.as_bytes());
            assert_eq!(usual.is_some(), is_usual, "{message}");
            if let Some(usual) = usual {
                assert_eq!(Some(usual), closing_behind(message.as_bytes(), 0), "{message}");
            }
        }
        assert_eq!(usual_closing(b"closing caused by: x (age=7s)"), None);
    }

    #[test]
    fn a_warning_is_no_login() {
        let rest = b"app/u@1.2.3.4:5 login attempt: db=app user=u tls=no";
        assert_eq!(parse_client(rest, Some(Level::Warning)), Some(Event::Other));
        assert_eq!(parse_client(b"app/u@1.2.3.4:5 logged in", Some(Level::Debug)), Some(Event::LoggedIn));
    }

    #[test]
    fn the_life_of_a_process() {
        let plain = |text: &'static str| parse_plain(text.as_bytes(), Some(Level::Log));
        assert_eq!(plain("process up: PgBouncer 1.18.0, libevent 2.1"), Some(Event::ProcessUp(Version(1, 18, 0))));
        assert_eq!(plain("process up: pgbouncer 1.9.0, libevent 2.1"), Some(Event::ProcessUp(Version(1, 9, 0))));
        assert_eq!(plain("process up: PgBouncer 1.26.0-dev, x"), Some(Event::ProcessUp(Version(1, 26, 0))));
        for text in [
            "got SIGTERM, fast exit",
            "Got SIGTERM, fast exit",
            "got SIGINT while shutting down, fast exit",
            "server connections dropped, exiting",
            "client connections dropped, exiting",
        ] {
            assert_eq!(plain(text), Some(Event::ProcessOver), "{text}");
        }
        for text in ["Got SIGHUP re-reading config", "got SIGHUP, re-reading config", "RECONNECT 'app' command issued"]
        {
            assert_eq!(plain(text), Some(Event::Reloaded), "{text}");
        }
        for text in ["listening on 127.0.0.1:6432", "listening on [::1]:6432", "listening on ::1/6432"] {
            assert_eq!(plain(text), Some(Event::Listening(6432)), "{text}");
        }
        assert_eq!(plain("listening on unix:/run/pgbouncer"), Some(Event::Other));
        assert_eq!(plain("got SIGTERM, shutting down, waiting for all clients disconnect"), Some(Event::Other));
    }
}
