//! One line in, one [`Record`] out: a hand-written state machine over the bytes, one pass, nothing copied.
//!
//! ```text
//! line    = header message
//! header  = pgbouncer's own, or a syslog daemon's     (the grammar is above the code in header.rs)
//! message = [ socket who ] event                      (message.rs, attempt.rs, stats.rs, address.rs)
//! ```
//!
//! The parser knows every line that counts, of pgbouncer 1.5 to the development head of 2026. Of the other lines it
//! asks only that they carry pgbouncer's header: their texts change with each version and count for nothing. But a
//! login, a closing or a line of stats that cannot be read is *unrecognised*, never passed over.

use crate::kept;

use super::header::{self, DateCache, Header};
use super::message;
use super::reasons::{self, Reason};
use super::record::{Closing, Event, Record, ServerEvent};
use super::usual::{self, Head, Starts};
use super::usual_attempt::{Known, UsualAttempt};
use crate::limits::{LOGS, SYSLOG_IDENTS};
use crate::words::Window;

/// What a line turned out to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading<'a> {
    /// pgbouncer's.
    Record(Record<'a>),
    /// Another program's, in a syslog file.
    Foreign,
    /// Nobody's that is known here.
    Unrecognised,
}

/// The state that goes from line to line: the last date, and whose lines a syslog file holds.
#[derive(Debug)]
pub struct Parser {
    now: i64,
    date: DateCache,
    starts: Starts,
    attempts: Known,
    idents: Vec<Vec<u8>>,
    /// Which log the lines are of, where there are several.
    log: u32,
}

kept!(Parser { now, idents; date = DateCache::default(), starts = Starts::default(), attempts = Known::default(), log = 0 });

/// Process numbers of Linux are smaller than two to the power of this; above it stands which log they are of.
const PID_BITS: u32 = 22;

/// The log of a process.
pub fn log_of(pid: u32) -> u32 {
    pid >> PID_BITS
}

/// The process' own number, of whatever log.
pub fn process_id(pid: u32) -> u32 {
    if pid >> PID_BITS <= LOGS as u32 { pid & ((1 << PID_BITS) - 1) } else { pid }
}

impl Parser {
    /// A parser for which it is `now`, in the sense of [`super::record::Stamp::millis`]: traditional syslog has no
    /// year, and takes the one that makes its time nearest before now.
    pub fn new(now: i64) -> Self {
        Self {
            now,
            date: DateCache::default(),
            starts: Starts::default(),
            attempts: Known::default(),
            idents: Vec::new(),
            log: 0,
        }
    }

    /// The lines that come now are of the log of this number, below [`LOGS`]: its processes are others than those of the same
    /// number in another log, which may be of another container.
    pub fn switch_log(&mut self, log: u32) {
        if log != self.log {
            (self.log, self.starts) = (log, Starts::default());
        }
    }

    #[inline]
    fn of_log<'a>(&self, header: Header<'a>) -> Header<'a> {
        let pid = if self.log == 0 { header.pid } else { process_id(header.pid) | self.log << PID_BITS };
        Header { pid, ..header }
    }

    /// Says what time it is, for the years of traditional syslog.
    pub fn set_now(&mut self, now: i64) {
        self.now = now;
    }

    /// Reads one whole line, without its newline.
    #[inline]
    pub fn parse<'a>(&mut self, line: &'a [u8]) -> Reading<'a> {
        self.starts.interrupt();
        if let Some(header) = self.starts.header(line) {
            return read_message(&header);
        }
        if let Some(header) = header::parse_own(line, &mut self.date) {
            let header = self.of_log(header);
            self.starts.learn(line, &header);
            return read_message(&header);
        }
        match header::parse_syslog(line, self.now) {
            Some(header) => self.parse_syslog(&self.of_log(header)),
            None => Reading::Unrecognised,
        }
    }

    /// The message of a line that is a record: what stands behind its header.
    pub fn message<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let own = header::parse_own(line, &mut self.date);
        own.or_else(|| header::parse_syslog(line, self.now)).map(|header| header.message)
    }

    /// Reads what stands before a client's message, if the line at the start of `text` begins as the last client's did.
    #[inline]
    pub fn usual_client<'a>(&self, text: Window<'a>) -> Option<Head<'a>> {
        self.starts.client(text)
    }

    /// The same of a server's record: what stands before its message, this from the `D/U@A ` on, and where its line ends.
    pub fn usual_server<'a>(&self, text: Window<'a>) -> Option<(Head<'a>, &'a [u8], usize)> {
        let head = self.starts.server(text).filter(|_| self.starts.has_pointer(text))?;
        let newline = text.find(head.who, Window::LAST, b'\n')?;
        Some((head, text.slice(head.who, newline), usual::end(text, newline)?))
    }

    /// Whether it was not read because another process or second is remembered that it begins with; from now on it is
    /// these that lines are asked for.
    pub fn turn(&mut self, text: Window<'_>) -> bool {
        self.starts.turn(text)
    }

    /// Whether a line that begins as the last follows one of the same second, process and zone.
    #[inline]
    pub fn is_next(&self) -> bool {
        self.starts.is_next()
    }

    /// The process that wrote the last of these.
    pub fn usual_pid(&self) -> u32 {
        self.starts.pid()
    }

    /// A line that begins so is taken.
    pub fn take_usual(&mut self) {
        self.starts.take();
    }

    /// Reads the attempt of such a client up to the end of its line, if it is as nearly all are: no name in it holds
    /// what could be read in another way.
    #[inline]
    pub fn usual_attempt<'a>(&mut self, client: &Head<'a>, blank: usize) -> Option<UsualAttempt<'a>> {
        if self.starts.has_pointer(client.text) { self.attempts.parse(client.text, client.who, blank) } else { None }
    }

    /// Reads the first line of a record that goes on behind a newline: only its header and pointer are pgbouncer's.
    pub fn parse_cut<'a>(&mut self, line: &'a [u8]) -> Option<Record<'a>> {
        self.starts.interrupt();
        let own = header::parse_own(line, &mut self.date);
        let header =
            own.or_else(|| header::parse_syslog(line, self.now).filter(|header| self.is_ours(header.ident)))?;
        Some(cut(&self.of_log(header)))
    }

    fn parse_syslog<'a>(&mut self, header: &Header<'a>) -> Reading<'a> {
        if is_nested(header.message) {
            // What pgbouncer writes to standard error, with journald's header: there the head of a cut record cannot
            // be told from a whole one, so nothing of it is believed, and that must be noticed.
            return if self.is_ours(header.ident) { Reading::Unrecognised } else { Reading::Foreign };
        }
        let is_cut = is_cut_in_syslog(header.message);
        let reading = if is_cut { Reading::Record(cut(header)) } else { read_message(header) };
        if self.is_ours(header.ident) {
            return reading;
        }
        match reading {
            Reading::Record(record) if proves_pgbouncer(&record.event) && self.adopt(header.ident) => reading,
            _ => Reading::Foreign,
        }
    }

    /// Whether lines of this ident are pgbouncer's: `pgbouncer`, `pgbouncer-app`, or one that has proved it.
    fn is_ours(&self, ident: &[u8]) -> bool {
        ident.starts_with(b"pgbouncer") || self.idents.iter().any(|known| known == ident)
    }

    /// Takes an ident (pgbouncer's `syslog_ident`) for pgbouncer's from now on.
    fn adopt(&mut self, ident: &[u8]) -> bool {
        let room = self.idents.len() < SYSLOG_IDENTS;
        if room {
            self.idents.push(ident.into());
        }
        room
    }
}

/// The events that no other program writes by chance.
fn proves_pgbouncer(event: &Event<'_>) -> bool {
    matches!(event, Event::ProcessUp(_) | Event::Stats(_) | Event::LoginAttempt(_) | Event::ClientClosing { .. })
}

/// Syslog daemons write the newline + TAB of a longer record as `#012#011` (rsyslog), or as blank + TAB (busybox).
fn is_cut_in_syslog(message: &[u8]) -> bool {
    memchr::memmem::find(message, b"#012").is_some() || memchr::memmem::find(message, b" \t").is_some()
}

/// Whether a syslog message has pgbouncer's own prefix too.
fn is_nested(message: &[u8]) -> bool {
    message.first().is_some_and(u8::is_ascii_digit) && header::parse_own(message, &mut DateCache::default()).is_some()
}

#[inline(never)]
fn read_message<'a>(header: &Header<'a>) -> Reading<'a> {
    let Header { stamp, pid, level, format, message, .. } = *header;
    let socket = message::parse_socket(message);
    let event = match &socket {
        Some(socket) => message::parse_socket_event(socket, level),
        None => message::parse_plain(message, level),
    };
    match event {
        Some(event) => Reading::Record(Record { stamp, pid, level, socket, event, format }),
        None => Reading::Unrecognised,
    }
}

fn cut<'a>(header: &Header<'a>) -> Record<'a> {
    let socket = message::parse_socket(header.message);
    let Header { stamp, pid, level, format, .. } = *header;
    Record { event: Event::Cut, socket, stamp, pid, level, format }
}

/// The closing of a client whose records begin with a `D/U@A ` of `prefix_length` bytes, if `rest` is one of its
/// closings. The caller has compared these bytes with the attempt's: this is how a closing is bound to its attempt,
/// whatever the names hold.
///
/// ```
/// use loganalyzer_engine::pgbouncer::parser::closing_behind;
///
/// let prefix = b"app/web@10.0.0.7:51234 ";
/// let rest = b"app/web@10.0.0.7:51234 closing because: client close request (age=3s)";
/// assert!(rest.starts_with(prefix));
/// let closing = closing_behind(rest, prefix.len()).unwrap();
/// assert_eq!((closing.reason, closing.age), (&b"client close request"[..], Some(3)));
/// assert_eq!(closing_behind(b"app/web@10.0.0.7:51234 pooler error: x", prefix.len()), None);
/// ```
#[inline]
pub fn closing_behind(rest: &[u8], prefix_length: usize) -> Option<Closing<'_>> {
    message::closing_behind(rest, prefix_length)
}

/// What a server's record at LOG says, from what stands behind its pointer: nothing counts for anybody by it.
pub fn server_event(rest: &[u8]) -> Option<ServerEvent<'_>> {
    message::server_event(rest)
}

/// The message of a record about a socket, from what stands behind the pointer, in the first way in which it can be read.
pub fn message_behind(rest: &[u8]) -> &[u8] {
    message::message_behind(rest)
}

/// Where the line ends, if `closing because: client close request (age=…)` stands at `at`.
#[inline]
pub fn close_request(text: Window<'_>, at: usize) -> Option<usize> {
    usual::close_request(text, at)
}

/// The closing at `at`, whose reason is one of pgbouncer's, to the letter, and whose age stands behind it; and where its
/// line ends.
pub fn usual_closing(text: Window<'_>, at: usize) -> Option<(Closing<'_>, Reason<'_>, usize)> {
    const MESSAGE_MAX: usize = 128;
    let newline = text.find(at, MESSAGE_MAX, b'\n')?;
    let end = usual::end(text, newline)?;
    let closing = message::usual_closing(text.slice(at, newline))?;
    let reason = reasons::classify(closing.reason);
    (reason.is_known && reason.text.len() == closing.reason.len()).then_some((closing, reason, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_programs_lines_are_foreign_and_pgbouncers_ident_can_be_any() {
        let mut parser = Parser::new(0);
        let attempt = b"Nov 22 05:24:25 vm pooler[7]: C-0x1: a/u@1.2.3.4:5 login attempt: db=a user=u tls=no";
        let chatter = b"Nov 22 05:24:25 vm pooler[7]: listening on 127.0.0.1:6432";
        assert_eq!(parser.parse(b"Nov 22 05:24:25 vm sshd[1]: hello: there"), Reading::Foreign);
        assert_eq!(parser.parse(chatter), Reading::Foreign);
        assert!(matches!(parser.parse(attempt), Reading::Record(_)));
        assert!(matches!(parser.parse(chatter), Reading::Record(_)), "the ident has proved itself");
        assert_eq!(parser.parse(b"nonsense"), Reading::Unrecognised);
    }

    #[test]
    fn a_syslog_record_with_an_escaped_newline_is_cut() {
        let mut parser = Parser::new(0);
        for text in ["#012#011/x@1.2.3.4:5 login attempt: db=a user=u", " \t/x@1.2.3.4:5 pooler error: y"] {
            let line =
                format!("Nov 22 05:24:25 vm pgbouncer[7]: C-0x1: a/u@1.2.3.4:5 login attempt: db=a user=u{text}");
            let Reading::Record(record) = parser.parse(line.as_bytes()) else { panic!("{line}") };
            assert_eq!(record.event, Event::Cut, "{line}");
        }
    }

    #[test]
    fn standard_error_in_the_journal_is_not_believed_and_noticed() {
        let mut parser = Parser::new(0);
        let own = "2026-11-22 05:06:00.289 UTC [7] LOG C-0x1: a/u@1.2.3.4:5 login attempt: db=a user=u tls=no";
        let line = format!("Nov 22 05:24:25 vm pgbouncer[7]: {own}");
        assert_eq!(parser.parse(line.as_bytes()), Reading::Unrecognised);
        let line = format!("Nov 22 05:24:25 vm cat[7]: {own}");
        assert_eq!(parser.parse(line.as_bytes()), Reading::Foreign);
    }

    #[test]
    fn such_bytes_in_a_name_cut_nothing_in_pgbouncers_own_file() {
        let mut parser = Parser::new(0);
        let line = b"2026-11-22 05:10:05.550 1 LOG C-0x1: a/x#012 \ty@1.2.3.4:5 login attempt: db=a user=x#012 \ty";
        let Reading::Record(record) = parser.parse(line) else { panic!("pgbouncer's") };
        let Event::LoginAttempt(attempt) = record.event else { panic!("an attempt") };
        assert_eq!(attempt.user, b"x#012 \ty");
    }

    #[test]
    fn a_process_is_known_by_its_log_and_its_number() {
        let mut parser = Parser::new(0);
        for log in [0, 1, LOGS as u32] {
            parser.switch_log(log);
            for pid in [1, 4711, (1 << PID_BITS) - 1] {
                let line = format!("2026-11-22 05:10:05.550 {pid} LOG listening on 127.0.0.1:6432");
                let Reading::Record(record) = parser.parse(line.as_bytes()) else { panic!("{line}") };
                assert_eq!((log_of(record.pid), process_id(record.pid)), (log, pid));
                assert_eq!(parser.message(line.as_bytes()), Some(&b"listening on 127.0.0.1:6432"[..]));
            }
        }
        assert_eq!(process_id(u32::MAX), u32::MAX, "no number of Linux, so as the log has it");
    }

    #[test]
    fn the_year_of_syslog_changes_with_the_time() {
        let mut parser = Parser::new(0);
        let mut year = |now: i64| {
            parser.set_now(now);
            let line = b"Jan 10 00:00:00 vm pgbouncer[7]: listening on 127.0.0.1:6432";
            let Reading::Record(record) = parser.parse(line) else { panic!("a record") };
            record.stamp.millis / 86_400_000 / 365
        };
        assert_eq!((year(20 * 86_400_000), year(385 * 86_400_000)), (0, 1));
    }

    /// What is not read here is read by the grammar, which costs more, so nothing else notices.
    #[test]
    fn a_usual_closing_has_one_of_pgbouncers_reasons_to_the_letter() {
        let read = |message: &str| {
            let mut bytes = [b'~'; crate::words::WINDOW];
            bytes[..message.len()].copy_from_slice(message.as_bytes());
            let is_request = close_request(Window(&bytes), 0).is_some();
            assert_eq!(is_request, message.starts_with("closing because: client close request (age="), "{message}");
            usual_closing(Window(&bytes), 0).map(|(closing, reason, end)| (closing.age, reason.text.to_vec(), end))
        };
        for (reason, age) in [("client unexpected eof", 7), ("client close request", 12), ("server conn crashed?", 60)]
        {
            let message = format!("closing because: {reason} (age={age}s)\n");
            let expected = Some((Some(age), reason.as_bytes().to_vec(), message.len()));
            assert_eq!(read(&(message + "2026")), expected, "{reason}");
        }
        for message in [
            "closing because: client unexpected eof of another kind (age=7s)\n2026",
            "closing because: no such user: bob (age=7s)\n2026",
            "closing because: client unexpected eof (age=7s)\n\tmore",
            "closing because: client unexpected eof (age=7s)",
            "closing because: client unexpected eof\n2026",
        ] {
            assert_eq!(read(message), None, "{message}");
        }
    }

    #[test]
    fn so_many_idents_can_prove_to_be_pgbouncers() {
        let mut parser = Parser::new(0);
        let line = |number: usize, message: &str| format!("Nov 22 05:24:25 vm pool{number}[7]: {message}");
        for number in 0..=SYSLOG_IDENTS {
            let up = line(number, "process up: PgBouncer 1.18.0, libevent 2.1");
            let is_ours = matches!(parser.parse(up.as_bytes()), Reading::Record(_));
            assert_eq!(is_ours, number < SYSLOG_IDENTS, "{number}");
        }
        let chatter = |number| line(number, "listening on 127.0.0.1:6432");
        assert!(matches!(parser.parse(chatter(0).as_bytes()), Reading::Record(_)));
        assert_eq!(parser.parse(chatter(SYSLOG_IDENTS).as_bytes()), Reading::Foreign);
    }
}
