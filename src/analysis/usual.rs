//! The shortest way for the lines that nearly all are: the attempt of a new client, and the closing of an open one.
//!
//! It ends where the long way ends: [`Analyzer::attempt`] and [`Sessions::close_for`] do what there is to do. It only
//! spares the questions to which a usual line has the usual answer. Whose closing it is, the session's own `D/U@A `
//! says, which the line begins with: no name in it has to be read again. And where a line ends is known when it has
//! been read: nobody has to look for its newline before.

use super::analyzer::{Analyzer, settle, settle_login};
use super::repeats::Known;
use super::session_table::{Key, Prospect};
use super::sessions::{Arrival, Decided, Origin, Sessions};
use crate::pgbouncer::lines::{Line, Taker};
use crate::pgbouncer::parser::{close_request, usual_closing};
use crate::pgbouncer::record::{Format, Side, Socket};
use crate::pgbouncer::usual::Client;
use crate::pgbouncer::usual_attempt::UsualAttempt;
use crate::words::Window;

/// Takes all lines, where nobody wants to see what each of them says.
impl Taker for Analyzer {
    fn line(&mut self, line: &Line<'_>) {
        let _ = Self::line(self, line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let mut taken = 0;
        let mut run = Run::default();
        while let Some(window) = text.get(taken..).and_then(|rest| rest.first_chunk())
            && let Some(line) = self.usual_line(Window(window), length - taken, &mut run)
        {
            taken += line;
            run.lines += 1;
        }
        self.note(&mut run);
        self.periods.understood(run.lines);
        taken
    }
}

/// Usual lines that were taken one behind the other.
#[derive(Debug, Default)]
struct Run {
    /// How many.
    lines: u64,
    /// When the last one was written and by whom, if nobody has noted that yet: of a thousand lines a second, only the
    /// last has to be known. 30 instructions per line.
    last: Option<(i64, u32)>,
}

impl Analyzer {
    /// Takes the line at the start of `text`, of which the first `length` bytes are the log's, if it is a usual one, and
    /// says how many bytes it has; else nothing has been done.
    #[inline]
    fn usual_line(&mut self, text: Window<'_>, length: usize, run: &mut Run) -> Option<usize> {
        let client = self.parser.usual_client(text)?;
        let key = Key { pid: client.pid, pointer: client.pointer };
        // The byte behind the newline is the log's as well, and nothing was read that a window does not have.
        let most = length.min(Window::LAST);
        let open = self.sessions.table.find_place(key);
        if let Some((number, place)) = open
            && let Some(at) = self.sessions.message_of(&client, number)
            && let Some(end) = self.usual_closing(client, (number, place), at, most, run)
        {
            return Some(end);
        }
        // Where one is open, no closing came of it: `log_disconnections = 0`, or it left at the password prompt.
        self.usual_attempt(client, open.map(|(number, _)| number), most, run)
    }

    /// A client's record comes: its instant, in milliseconds since 1970-01-01 UTC.
    #[inline]
    fn client_arrives(&mut self, client: Client<'_>, run: &mut Run) -> i64 {
        self.parser.take_usual(&client);
        // Of the same second as the record before, it is as far east of Greenwich.
        if client.is_next && self.last.is_some() && self.step.is_none() {
            run.last = Some((client.stamp.millis, client.pid));
            return client.stamp.millis - self.east;
        }
        self.client_arrives_anew(client, run)
    }

    /// The first of a process in a second.
    #[inline(never)]
    fn client_arrives_anew(&mut self, client: Client<'_>, run: &mut Run) -> i64 {
        self.note(run);
        let at = self.arrive(client.stamp, client.format);
        self.heart.record(at);
        self.sessions.processes.wrote(client.pid, at);
        at
    }

    /// Notes when the last line was written.
    fn note(&mut self, run: &mut Run) {
        if let (Some((millis, pid)), Some(last)) = (run.last.take(), &mut self.last) {
            last.millis = millis;
            self.last_at = millis - self.east;
            self.zones.was_asked(self.last_at);
            self.heart.record(self.last_at);
            self.sessions.processes.wrote(pid, self.last_at);
        }
    }

    #[inline]
    fn usual_closing(
        &mut self,
        client: Client<'_>,
        (number, place): (u32, usize),
        at: usize,
        most: usize,
        run: &mut Run,
    ) -> Option<usize> {
        let Some(end) = close_request(client.text, at).filter(|_| self.sessions.has_closings()) else {
            return self.other_closing(client, number, at, most, run);
        };
        if end >= most {
            return None;
        }
        let closed = self.client_arrives(client, run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.looks_before_1_15 |= client.format == Format::FileBefore111;
        sessions.close_on_request(number, place, |session| settle_login(periods, watch, session, closed));
        Some(end)
    }

    /// One for another reason, or the first of all.
    #[inline(never)]
    fn other_closing(
        &mut self,
        client: Client<'_>,
        number: u32,
        at: usize,
        most: usize,
        run: &mut Run,
    ) -> Option<usize> {
        let (closing, reason, end) = usual_closing(client.text, at).filter(|(_, _, end)| *end < most)?;
        let at = self.client_arrives(client, run);
        self.note(run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.wrote(client.pid, client.format, at);
        sessions.closing_seen(&mut |decided: &Decided<'_>| settle(periods, watch, decided));
        sessions.close_for(number, &closing, &reason, at, |decided| settle(periods, watch, decided));
        Some(end)
    }

    /// An attempt, under the pointer of a session that is `open` still, if there is one.
    #[inline]
    fn usual_attempt(&mut self, client: Client<'_>, open: Option<u32>, most: usize, run: &mut Run) -> Option<usize> {
        let attempt = self.parser.usual_attempt(&client)?;
        if attempt.end >= most {
            return None;
        }
        // Whose attempts are those of clients that are taken over, or are told one by one, does not come here.
        let is_new = self.sessions.is_taking_over(client.pid) || self.watch.silences().is_some();
        match self.repeats.get(attempt.pool).filter(|_| !is_new) {
            Some(&mut known) => self.attempt_again(client, attempt, (known, open), run),
            None => self.first_attempt(client, attempt, run)?,
        }
        Some(attempt.end)
    }

    /// An attempt of a pool of which another was counted.
    #[inline]
    fn attempt_again(
        &mut self,
        client: Client<'_>,
        attempt: UsualAttempt<'_>,
        (known, open): (Known, Option<u32>),
        run: &mut Run,
    ) {
        let at = self.client_arrives(client, run);
        let moment = self.next_moment(client.stamp);
        let (is_proven, proven) = self.sessions.is_pool_proven(known.pool, known.proven);
        if proven != known.proven {
            self.repeats.set(attempt.pool, Known { proven, ..known });
        }
        let tickets = self.periods.attempt_again(known.tickets, attempt);
        let key = Key { pid: client.pid, pointer: client.pointer };
        if let Some(gone) = open {
            self.left(gone, at, run);
        }
        if self.sessions.is_full() {
            self.push_out(at);
        }
        let (session, hasher) = self.sessions.open(key, is_proven);
        session.open(&Arrival { moment, tickets, watched: known.watched, pool: known.pool, is_proven }, at);
        session.prefix.set(client.text.slice(client.who, Window::LAST), attempt.prefix_length(), hasher);
        session.prospect = Prospect::Plain;
    }

    /// The client before, under the same pointer, has left.
    #[inline(never)]
    fn left(&mut self, gone: u32, at: i64, run: &mut Run) {
        self.note(run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.left(gone, at, &mut |decided| settle(periods, watch, decided));
    }

    #[cold]
    fn push_out(&mut self, at: i64) {
        let Self { periods, watch, sessions, .. } = self;
        sessions.push_out(at, &mut |decided: &Decided<'_>| settle(periods, watch, decided));
    }

    /// The first attempt of a pool, or one that is to be looked at more closely.
    #[cold]
    fn first_attempt(&mut self, client: Client<'_>, attempt: UsualAttempt<'_>, run: &mut Run) -> Option<()> {
        let Client { stamp, pid, pointer, text, who, .. } = client;
        let read = attempt.read()?;
        let at = self.client_arrives(client, run);
        self.note(run);
        let socket = Some(Socket { side: Side::Client, pointer, rest: text.slice(who, Window::LAST) });
        self.attempt(&Origin { stamp, pid, socket, repeat: Some(attempt.pool) }, &read, at);
        Some(())
    }
}

impl Sessions {
    /// Where the message of a client's line begins, if it is this session's, who could log in, and can be nobody else's.
    #[inline]
    fn message_of(&self, client: &Client<'_>, number: u32) -> Option<usize> {
        let session = self.table.get(number);
        let is_usual = session.prospect == Prospect::Plain;
        let is_its = is_usual && session.prefix.stands_at(client.text, client.who, &self.hasher);
        is_its.then(|| client.who + session.prefix.length())
    }

    /// A process wrote a record.
    #[inline]
    pub(super) fn wrote(&mut self, pid: u32, format: Format, at: i64) {
        self.processes.wrote(pid, at);
        self.looks_before_1_15 |= format == Format::FileBefore111;
    }
}

#[cfg(test)]
#[path = "usual_tests.rs"]
mod tests;
