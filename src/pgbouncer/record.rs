//! What one record of the log says: pgbouncer's own words, as types.

use crate::kept;
use crate::kept::{Kept, Reader, Writer};

use crate::words;

/// A time as the log has it: what the clock on the wall showed, and what the log says of its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Milliseconds between 1970-01-01 00:00:00 and the printed date and time, both without a zone.
    pub millis: i64,
    /// What stands beside it.
    pub zone: Zone,
}

kept!(Stamp [millis, zone]);

/// What a record says of its time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Nothing: pgbouncer up to 1.10, traditional syslog.
    Unknown,
    /// Seconds east of Greenwich: ISO times of syslog, and the C library's `-03`, `+0545`.
    Offset(i32),
    /// The C library's abbreviation (`UTC`, `CEST`), filled with zero bytes.
    Abbreviation([u8; 6]),
}

impl Kept for Zone {
    fn save(&self, to: &mut Writer) {
        let (offset, name) = match self {
            Self::Unknown => (None, None),
            Self::Offset(offset) => (Some(*offset), None),
            Self::Abbreviation(name) => (None, Some(*name)),
        };
        (offset, name).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        match Kept::load(from) {
            (Some(offset), _) => Self::Offset(offset),
            (None, Some(name)) => Self::Abbreviation(name),
            (None, None) => Self::Unknown,
        }
    }
}

/// How much a record matters to pgbouncer, as its own file says it or as syslog's priority does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The process ends.
    Fatal,
    /// Something failed.
    Error,
    /// Something is odd; `pooler error` comes at this level.
    Warning,
    /// What an administrator wants to know: logins, closings, stats.
    Log,
    /// With `verbose = 1`.
    Debug,
    /// With `verbose = 2`.
    Noise,
}

kept!(Level: Fatal | Error | Warning | Log | Debug | Noise);

impl Level {
    /// As pgbouncer's own file has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warning => "WARNING",
            Self::Log => "LOG",
            Self::Debug => "DEBUG",
            Self::Noise => "NOISE",
        }
    }
}

/// Where a record comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// pgbouncer's own file up to 1.10: a bare pid, no zone.
    FileBefore111,
    /// pgbouncer's own file since 1.11: the zone, and the pid in brackets.
    FileSince111,
    /// A syslog daemon's file or `journalctl -o short`: no year, no zone.
    SyslogTraditional,
    /// A syslog daemon's file or `journalctl -o short-iso`, with ISO 8601 times.
    SyslogIso,
    /// RFC 5424.
    Syslog5424,
    /// Read by the user's own regular expressions.
    Fallback,
}

kept!(Format: FileBefore111 | FileSince111 | SyslogTraditional | SyslogIso | Syslog5424 | Fallback);

impl Format {
    /// Whether pgbouncer wrote the file itself.
    pub fn is_own_file(self) -> bool {
        matches!(self, Self::FileBefore111 | Self::FileSince111)
    }

    /// The name that `check` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::FileBefore111 => "pgbouncer's own file, before 1.11",
            Self::FileSince111 => "pgbouncer's own file, since 1.11",
            Self::SyslogTraditional => "syslog or journalctl -o short (traditional time)",
            Self::SyslogIso => "syslog or journalctl -o short-iso (ISO time)",
            Self::Syslog5424 => "syslog (RFC 5424)",
            Self::Fallback => "the configuration's regular expressions",
        }
    }
}

/// A version of pgbouncer: (1, 18, 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

kept!(Version [0, 1, 2]);

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One record of pgbouncer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Record<'a> {
    /// When it was written.
    pub stamp: Stamp,
    /// Which process wrote it.
    pub pid: u32,
    /// At which level; `None` in a syslog file that does not say.
    pub level: Option<Level>,
    /// Which socket it is about.
    pub socket: Option<Socket<'a>>,
    /// What happened.
    pub event: Event<'a>,
    /// Where it was read.
    pub format: Format,
}

/// `C-0x…: ` or `S-0x…: ` and all that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Socket<'a> {
    /// Client or server side.
    pub side: Side,
    /// It names a socket while it is open, and is taken again at once.
    pub pointer: Pointer,
    /// The record behind the pointer: `D/U@A ` and the message.
    pub rest: &'a [u8],
}

/// The address of pgbouncer's `PgSocket`, as it is printed behind `0x`: its digits, and zero bytes behind them. What it
/// is as a number does not matter, only whether two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer(pub(super) [u64; 2]);

kept!(Pointer[0]);

/// As it is printed.
impl From<u64> for Pointer {
    fn from(number: u64) -> Self {
        let mut text = [0; 16];
        let digits = number.checked_ilog2().map_or(1, |bits| bits as usize / 4 + 1);
        for (place, byte) in text[..digits].iter_mut().rev().enumerate() {
            *byte = b"0123456789abcdef"[(number >> (4 * place) & 15) as usize];
        }
        let half = |at| words::word(&text, at).unwrap_or_default();
        Self([half(0), half(8)])
    }
}

impl Pointer {
    /// No pointer at all.
    pub const NONE: Self = Self([0; 2]);

    /// The pointer with these digits; `None` if they are not up to 16 hexadecimal ones.
    pub fn new(digits: &[u8]) -> Option<Self> {
        let mut text = [0; 16];
        text.get_mut(..digits.len())?.copy_from_slice(digits);
        let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        let half = |at| words::word(&text, at).unwrap_or_default();
        is_number.then(|| Self([half(0), half(8)]))
    }

    /// A number that is different for most pointers.
    #[inline]
    pub fn bits(self) -> u64 {
        self.0[0] ^ self.0[1].rotate_left(29)
    }
}

/// Which side of pgbouncer a socket is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Between a client and pgbouncer.
    Client,
    /// Between pgbouncer and PostgreSQL.
    Server,
}

/// Where a socket's other end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address<'a> {
    /// `10.0.0.7`, `::1` (without brackets), `unix` (also of `unix(1234)`), `(bad-af)`.
    pub host: &'a [u8],
    /// The port; pgbouncer's own for a unix socket.
    pub port: u16,
}

/// `D/U@A login attempt: db=D user=U[ tls=…][ replication=…]` (`finish_set_pool()`), read in exactly one way.
///
/// It is written before the password is checked: it says who wants in, not who is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginAttempt<'a> {
    /// The database that was asked for.
    pub database: &'a [u8],
    /// The account.
    pub user: &'a [u8],
    /// The client's address.
    pub address: Address<'a>,
    /// `D/U@A ` as it stands before every message of this client.
    pub prefix: &'a [u8],
    /// Whether pgbouncer already knew that it cannot succeed (`(nodb)/U`: unknown user since 1.15, unknown database
    /// since 1.17).
    pub hopeless: bool,
    /// Whether no line that begins with this prefix can be read in two ways: no name in it holds a blank, nor the database a
    /// slash or a bracket at its start.
    pub is_plain: bool,
    /// The rest of the line names the kind of TLS (1.7 on); `None` up to 1.6.
    pub tls: Option<&'a [u8]>,
    /// `replication=…` (1.23 on), other than `no`.
    pub replication: bool,
}

/// How many pools the parser remembers at a time: 128 KiB.
pub const REPEATS: usize = 1024;

/// Something that the parser remembers, as a database with a user, or an address: as long as it is the same, they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeat {
    pub(super) place: u16,
    /// From 1 on.
    pub(super) epoch: u32,
}

impl Repeat {
    #[cfg(test)]
    pub(crate) fn new(place: u16, epoch: u32) -> Self {
        Self { place, epoch }
    }

    /// Less than [`REPEATS`].
    #[inline]
    pub fn place(self) -> usize {
        usize::from(self.place) % REPEATS
    }

    /// When it was remembered, from 1 on: nothing else has the same.
    #[inline]
    pub fn epoch(self) -> u32 {
        self.epoch
    }
}

/// `closing because: REASON (age=N)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing<'a> {
    /// Why, as pgbouncer wrote it.
    pub reason: &'a [u8],
    /// Seconds since the socket was accepted; `None` where the line does not say.
    pub age: Option<u64>,
}

/// What a server's record says that is worth a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// `new connection to server`.
    Opened,
    /// `closing because: …`.
    Closed(Closing<'a>),
}

/// One line of stats: averages over the last `stats_period`, per second, as pgbouncer computed them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Requests (`req/s`) up to 1.7, `queries/s` since 1.8.
    pub requests: u64,
    /// Bytes from clients, per second.
    pub bytes_in: u64,
    /// Bytes to clients, per second.
    pub bytes_out: u64,
    /// Duration of a request, in microseconds.
    pub request_us: u64,
    /// Transactions per second (1.8 on).
    pub transactions: Option<u64>,
    /// Duration of a transaction, in microseconds (1.8 on).
    pub transaction_us: Option<u64>,
    /// Time that clients waited for a server, in microseconds per second (1.8 on).
    pub wait_us: Option<u64>,
}

/// What a record says happened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'a> {
    /// A client asks to be let in.
    LoginAttempt(LoginAttempt<'a>),
    /// A client's socket is closed. Whose, only the attempt's own prefix can say: see [`Closing`] and
    /// [`super::parser::closing_behind`].
    ClientClosing {
        /// `D/U@A ` in the first way in which it can be read.
        prefix: &'a [u8],
        /// Reason and age in that reading.
        closing: Closing<'a>,
    },
    /// A server's socket is closed: the log has closings (`log_disconnections`).
    ServerClosing,
    /// `login failed: db=D[ user=U]`: refused before it came to an attempt, or beside a hopeless one.
    LoginFailed {
        /// `D/U@A ` in the first way in which it can be read.
        prefix: &'a [u8],
    },
    /// DEBUG's `logged in`: proof.
    LoggedIn,
    /// A line of stats.
    Stats(Stats),
    /// `process up: PgBouncer 1.18.0, …`.
    ProcessUp(Version),
    /// `listening on 127.0.0.1:6432` (`pooler.c`): the TCP port.
    Listening(u16),
    /// The process' last words.
    ProcessOver,
    /// `RELOAD`, `RECONNECT` or SIGHUP: servers may have to be connected anew, so clients may have to wait again.
    Reloaded,
    /// Online restart: the new process begins to take over the old one's clients (`SUSPEND finished, sending SHOW FDS`).
    TakeoverBegins,
    /// Online restart: it has them all (`SHOW FDS finished`).
    TakeoverEnds,
    /// Online restart: the process that took over goes on, maybe under another pid (`old process killed, resuming work`).
    TakeoverDone,
    /// The head of a record that goes on behind a newline: nothing in it can be believed but its pid and pointer.
    Cut,
    /// A record of pgbouncer with nothing to count.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_from_a_number_has_its_digits() {
        for number in [0, 7, 15, 16, 255, 256, 0x55d0_a1b2_c000, u64::MAX] {
            assert_eq!(Some(Pointer::from(number)), Pointer::new(format!("{number:x}").as_bytes()), "{number:x}");
        }
    }
}
