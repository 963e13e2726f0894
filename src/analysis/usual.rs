//! The shortest way for the lines that nearly all are: the attempt of a new client, and the closing of an open one.
//!
//! It ends where the long way ends: [`Analyzer::attempt`] and [`Sessions::close_for`] do what there is to do. It only
//! spares the questions to which a usual line has the usual answer. Whose closing it is, the session's own `D/U@A `
//! says, which the line begins with: no name in it has to be read again. And where a line ends is known when it has
//! been read: nobody has to look for its newline before.

use super::analyzer::{Analyzer, settle};
use super::session_table::Key;
use super::sessions::{Decided, Origin, Sessions};
use crate::pgbouncer::lines::{Line, Taker};
use crate::pgbouncer::parser::usual_closing;
use crate::pgbouncer::reasons::Reason;
use crate::pgbouncer::record::{Closing, Format, Side, Socket};
use crate::pgbouncer::usual::Client;
use crate::words::Window;

/// Takes all lines, where nobody wants to see what each of them says.
impl Taker for Analyzer {
    fn line(&mut self, line: &Line<'_>) {
        let _ = Self::line(self, line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let mut taken = 0;
        while let Some(window) = text.get(taken..).and_then(|rest| rest.first_chunk())
            && let Some(line) = self.usual_line(Window(window), length - taken)
        {
            taken += line;
        }
        taken
    }
}

impl Analyzer {
    /// Takes the line at the start of `text`, of which the first `length` bytes are the log's, if it is a usual one, and
    /// says how many bytes it has; else nothing has been done.
    #[inline]
    fn usual_line(&mut self, text: Window<'_>, length: usize) -> Option<usize> {
        let client = self.parser.usual_client(text)?;
        let key = Key { pid: client.pid, pointer: client.pointer };
        // The byte behind the newline is the log's as well, and nothing was read that a window does not have.
        let most = length.min(Window::LAST);
        match self.sessions.table.find(key) {
            Some(number) => self.usual_closing(&client, number, most),
            None => self.usual_attempt(&client, most),
        }
    }

    /// A client's record comes: its instant, in milliseconds since 1970-01-01 UTC.
    #[inline]
    fn client_arrives(&mut self, client: &Client<'_>) -> i64 {
        self.parser.take_usual(client);
        let at = match &mut self.last {
            // Of the same second as the record before, it is as far east of Greenwich.
            Some(last) if client.is_next && self.step.is_none() => {
                last.millis = client.stamp.millis;
                self.last_at = last.millis - self.east;
                self.zones.was_asked(self.last_at);
                self.last_at
            }
            _ => self.arrive(client.stamp, client.format),
        };
        self.heart.record(at);
        at
    }

    fn usual_closing(&mut self, client: &Client<'_>, number: u32, most: usize) -> Option<usize> {
        let (closing, reason, end) = self.sessions.usual_closing(client, number)?;
        if end >= most {
            return None;
        }
        self.periods.understood();
        let at = self.client_arrives(client);
        let Self { periods, watch, sessions, .. } = self;
        sessions.wrote(client.pid, client.format, at);
        sessions.closing_seen(&mut |decided: &Decided<'_>| settle(periods, watch, decided));
        sessions.close_for(number, &closing, &reason, at, |decided| settle(periods, watch, decided));
        Some(end)
    }

    #[inline]
    fn usual_attempt(&mut self, client: &Client<'_>, most: usize) -> Option<usize> {
        let (attempt, end) = self.parser.usual_attempt(client)?;
        if end >= most {
            return None;
        }
        self.periods.understood();
        let at = self.client_arrives(client);
        let &Client { stamp, pid, pointer, text, who, .. } = client;
        let socket = Some(Socket { side: Side::Client, pointer, rest: text.slice(who, Window::LAST) });
        self.attempt(&Origin { stamp, pid, socket }, &attempt, at);
        Some(end)
    }
}

impl Sessions {
    /// The closing of an open session, if the client's line is it and can be nothing else; and where the line ends.
    #[inline]
    fn usual_closing<'a>(&self, client: &Client<'a>, number: u32) -> Option<(Closing<'a>, Reason<'a>, usize)> {
        let session = self.table.get(number);
        if !session.is_plain || !session.prefix.stands_at(client.text, client.who) {
            return None;
        }
        usual_closing(client.text, client.who + session.prefix.length())
    }

    /// A process wrote a record.
    #[inline]
    pub(super) fn wrote(&mut self, pid: u32, format: Format, at: i64) {
        self.processes.wrote(pid, at);
        self.looks_before_1_15 |= format == Format::FileBefore111;
    }
}
