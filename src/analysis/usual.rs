//! The shortest way for the lines that nearly all are: the attempt of a new client, and the closing of an open one.
//!
//! It ends where the long way ends: [`Analyzer::attempt`] and [`Sessions::close_for`] do what there is to do. It only
//! spares the questions to which a usual line has the usual answer. Whose closing it is, the session's own `D/U@A `
//! says, which the line begins with: no name in it has to be read again. And where a line ends is known when it has
//! been read: nobody has to look for its newline before.

use super::analyzer::{Analyzer, settle, settle_login};
use super::repeats::Known;
use super::session_table::{Key, Prospect, east_of};
use super::sessions::{Arrival, Decided, Origin, Sessions};
use super::takeover::Takeover;
use crate::pgbouncer::lines::{Line, Taker};
use crate::pgbouncer::parser::{close_request, usual_closing};
use crate::pgbouncer::record::{Format, Repeat, Side, Socket, Stamp, Zone};
use crate::pgbouncer::usual::Head;
use crate::pgbouncer::usual_attempt::{Places, UsualAttempt, blank_ahead, blank_behind};
use crate::words::Window;

/// Takes all lines, where nobody wants to see what each of them says.
impl Taker for Analyzer {
    fn line(&mut self, line: &Line<'_>) {
        let _ = Self::line(self, line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let mut taken = 0;
        let mut run = self.run();
        while let Some(window) = text.get(taken..).and_then(|rest| rest.first_chunk()) {
            let (window, length) = (Window(window), length - taken);
            let line = self.usual_line(window, length, &mut run).or_else(|| self.rarer_line(window, length, &mut run));
            match line {
                Some(line) => {
                    taken += line;
                    run.lines += 1;
                }
                None if self.turn(window, &mut run) => {}
                None => break,
            }
        }
        self.note(&mut run);
        self.periods.understood(run.lines);
        taken
    }
}

/// Usual lines that were taken one behind the other.
#[derive(Debug)]
struct Run {
    /// How many.
    lines: u64,
    /// When the last one was written, if nobody has noted that yet: of a thousand lines a second, only the last has to be
    /// known. 30 instructions per line.
    last: Option<i64>,
    /// Whether a record of the same second as the one before is as far east of Greenwich.
    is_steady: bool,
    /// It is, and one that begins as the last line is of the same second, process and zone.
    follows: bool,
    /// How far that was east of Greenwich, as a session keeps it.
    east: i32,
    /// Whether an attempt of a known pool is what those before were.
    may_repeat: bool,
    /// Where the blank behind the `D/U@A` of the next line stands, if it begins as the last one; 0 where that is not known.
    /// Found while that one is still counted, so that what kind of line comes is known before it is asked for: of two kinds
    /// in no order half are guessed wrong, and 10 ns later that was noticed. Whoever reads by it compares what stands there.
    ahead: usize,
}

impl Analyzer {
    /// Takes the line at the start of `text`, of which the first `length` bytes are the log's, if it is a usual one, and
    /// says how many bytes it has; else nothing has been done. What is asked for here stays in registers: whatever needs
    /// a call is for [`Analyzer::rarer_line`], which reads it anew.
    #[inline]
    fn usual_line(&mut self, text: Window<'_>, length: usize, run: &mut Run) -> Option<usize> {
        let ahead = std::mem::take(&mut run.ahead);
        let client = self.parser.usual_client(text)?;
        let blank = if ahead > 0 { ahead } else { blank_behind(text, client.who)? };
        // The byte behind the newline is the log's as well, and nothing was read that a window does not have.
        let most = length.min(Window::LAST);
        // A closing's message begins so, and an attempt's does not.
        if text.word(blank + 1) as u8 == b'c' {
            return self.usual_closing(client, blank, most, run);
        }
        self.usual_attempt(client, blank, most, run)
    }

    /// The same of a line of every fiftieth: a closing of a name that holds a blank, or a server's record.
    #[inline(never)]
    fn rarer_line(&mut self, text: Window<'_>, length: usize, run: &mut Run) -> Option<usize> {
        let most = length.min(Window::LAST);
        self.found_closing(text, most, run).or_else(|| self.usual_server(text, most, run))
    }

    /// Another process or second may begin, which is known: says whether it does.
    fn turn(&mut self, text: Window<'_>, run: &mut Run) -> bool {
        self.note(run);
        run.follows = false;
        self.parser.turn(text)
    }

    /// Nothing that was taken yet.
    fn run(&mut self) -> Run {
        let is_steady = self.step.is_none();
        Run {
            lines: 0,
            last: None,
            is_steady,
            follows: is_steady && self.parser.is_next(),
            east: east_of(self.east, 0),
            may_repeat: self.may_repeat(),
            ahead: 0,
        }
    }

    /// Not where attempts may be those of clients that are taken over, or where they are told one by one.
    fn may_repeat(&mut self) -> bool {
        !matches!(self.sessions.takeover, Takeover::Taking(_)) && self.watch.silences().is_none()
    }

    /// A socket's record comes: its instant, in milliseconds since 1970-01-01 UTC.
    #[inline]
    fn arrives(&mut self, head: &Head<'_>, run: &mut Run) -> i64 {
        if run.follows {
            run.last = Some(head.stamp.millis);
            return head.stamp.millis - self.east;
        }
        self.arrives_anew(head.stamp.millis, head.stamp.zone, (head.pid, head.format), run)
    }

    /// The first of a process in a second.
    #[inline(never)]
    fn arrives_anew(&mut self, millis: i64, zone: Zone, (pid, format): (u32, Format), run: &mut Run) -> i64 {
        self.note(run);
        self.parser.take_usual();
        let at = self.arrive(Stamp { millis, zone }, format);
        (run.follows, run.east) = (run.is_steady, east_of(millis, at));
        self.heart.record(at);
        self.sessions.processes.wrote(pid, at);
        at
    }

    /// Notes when the last line was written.
    fn note(&mut self, run: &mut Run) {
        if let (Some(millis), Some(last)) = (run.last.take(), &mut self.last) {
            last.millis = millis;
            self.last_at = millis - self.east;
            self.zones.was_asked(self.last_at);
            self.heart.record(self.last_at);
            self.sessions.processes.wrote(self.parser.usual_pid(), self.last_at);
        }
    }

    #[inline]
    fn usual_closing(&mut self, client: Head<'_>, blank: usize, most: usize, run: &mut Run) -> Option<usize> {
        let key = Key { pid: client.pid, pointer: client.pointer };
        let hash = key.hash();
        let number = self.sessions.table.find_hashed(key, hash)?;
        let message = blank + 1;
        if !self.sessions.is_of(number, &client, message - client.who) {
            return None;
        }
        let end = close_request(client.text, message).filter(|&end| end < most && self.sessions.has_closings());
        let Some(end) = end else { return self.other_closing(client.text, number, message, most, run) };
        run.ahead = blank_ahead(client.text, end, client.who);
        let closed = self.arrives(&client, run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.looks_before_1_15 |= client.format == Format::FileBefore111;
        sessions.close_on_request(number, hash, |session| settle_login(periods, watch, session, closed));
        Some(end)
    }

    /// The closing of an open session, wherever its message begins: a name may hold a blank.
    fn found_closing(&mut self, text: Window<'_>, most: usize, run: &mut Run) -> Option<usize> {
        let client = self.parser.usual_client(text)?;
        let number = self.sessions.table.find(Key { pid: client.pid, pointer: client.pointer })?;
        let length = self.sessions.table.get(number).prefix.length();
        let is_its = self.sessions.is_of(number, &client, length);
        if is_its { self.other_closing(text, number, client.who + length, most, run) } else { None }
    }

    /// A closing of this session for another reason, or the first of all, whose message begins at `message`.
    #[inline(never)]
    fn other_closing(
        &mut self,
        text: Window<'_>,
        number: u32,
        message: usize,
        most: usize,
        run: &mut Run,
    ) -> Option<usize> {
        let client = self.parser.usual_client(text)?;
        let (closing, reason, end) = usual_closing(text, message).filter(|(_, _, end)| *end < most)?;
        let at = self.arrives(&client, run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.looks_before_1_15 |= client.format == Format::FileBefore111;
        sessions.closing_seen(&mut |decided: &Decided<'_>| settle(periods, watch, decided));
        sessions.close_for(number, &closing, &reason, at, |decided| settle(periods, watch, decided));
        Some(end)
    }

    /// A server's record, for which it is enough to be counted.
    fn usual_server(&mut self, text: Window<'_>, most: usize, run: &mut Run) -> Option<usize> {
        let (server, rest, end) = self.parser.usual_server(text)?;
        let key = Key { pid: server.pid, pointer: server.pointer };
        // Where a client has this pointer, it has left; and the first closing of all decides about attempts.
        let is_counted_only = self.sessions.has_closings() && self.sessions.table.find(key).is_none();
        if !is_counted_only || end >= most {
            return None;
        }
        self.arrives(&server, run);
        self.sessions.looks_before_1_15 |= server.format == Format::FileBefore111;
        self.periods.happenings().for_each(|happenings| happenings.server(rest, server.stamp.millis));
        Some(end)
    }

    /// An attempt, under the pointer of a session that is `open` still, if there is one.
    #[inline]
    fn usual_attempt(&mut self, client: Head<'_>, blank: usize, most: usize, run: &mut Run) -> Option<usize> {
        let attempt = self.parser.usual_attempt(&client, blank)?;
        if attempt.end >= most {
            return None;
        }
        let key = Key { pid: client.pid, pointer: client.pointer };
        let hash = key.hash();
        let open = self.sessions.table.find_hashed(key, hash);
        match self.repeats.get(attempt.pool).filter(|_| run.may_repeat) {
            Some(&mut known) => {
                run.ahead = blank_ahead(client.text, attempt.end, client.who);
                self.attempt_again(client, attempt, known, (hash, open), run);
            }
            None => self.first_attempt(client.text, attempt.places(), attempt.pool, run)?,
        }
        Some(attempt.end)
    }

    /// An attempt of a pool of which another was counted.
    #[inline]
    fn attempt_again(
        &mut self,
        client: Head<'_>,
        attempt: UsualAttempt<'_>,
        known: Known,
        (hash, open): (u64, Option<u32>),
        run: &mut Run,
    ) {
        let at = self.arrives(&client, run);
        let moment = self.next_moment(client.stamp);
        let (is_proven, proven) = self.sessions.is_pool_proven(known.pool, known.proven);
        if proven != known.proven {
            self.repeats.set(attempt.pool, Known { proven, ..known });
        }
        let tickets = self.periods.attempt_again(known.tickets, attempt);
        let key = Key { pid: client.pid, pointer: client.pointer };
        if open.is_some() || self.sessions.is_full() {
            self.make_room(open, at, run);
        }
        let (session, hasher) = self.sessions.open(key, hash, is_proven);
        session.open(&Arrival { moment, tickets, watched: known.watched, pool: known.pool, is_proven }, run.east);
        session.prefix.set_from(client.text, client.who, attempt.prefix_length(), hasher);
        session.prospect = Prospect::Plain;
    }

    /// The client before, under the same pointer, has left; or there is no room.
    #[inline(never)]
    fn make_room(&mut self, gone: Option<u32>, at: i64, run: &mut Run) {
        self.note(run);
        let Self { periods, watch, sessions, .. } = self;
        sessions.make_room(gone, at, &mut |decided: &Decided<'_>| settle(periods, watch, decided));
    }

    /// The first attempt of a pool, or one that is to be looked at more closely.
    #[cold]
    fn first_attempt(&mut self, text: Window<'_>, places: Places, pool: Repeat, run: &mut Run) -> Option<()> {
        let client = self.parser.usual_client(text)?;
        let Head { stamp, pid, pointer, who, .. } = client;
        let read = places.read(text)?;
        let at = self.arrives(&client, run);
        self.note(run);
        let socket = Some(Socket { side: Side::Client, pointer, rest: text.slice(who, Window::LAST) });
        self.attempt(&Origin { stamp, pid, socket, repeat: Some(pool) }, &read, at);
        Some(())
    }
}

impl Sessions {
    /// Whether a client's line with a `D/U@A ` of `length` bytes is this session's, who could log in, and can be nobody else's.
    #[inline]
    fn is_of(&self, number: u32, client: &Head<'_>, length: usize) -> bool {
        let session = self.table.get(number);
        session.prospect == Prospect::Plain && session.prefix.is(client.text, client.who, length, &self.hasher)
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
