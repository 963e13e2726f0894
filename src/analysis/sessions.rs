//! From attempts to logins: the life of every client socket.
//!
//! pgbouncer writes `login attempt` before the password is checked and nothing when it was right, so a login is
//! inferred from what comes after, in this order:
//!
//! | what the log shows next | the attempt was |
//! |---|---|
//! | DEBUG's `logged in`, or the socket being handed over by an online restart | a login, proven |
//! | `closing because:` a reason of after the login | a login |
//! | … a reason of before it | failed |
//! | … a reason of either side | a login from 60 s on, else failed |
//! | … `client unexpected eof`, up to 1.14 | a login from 1 s on, else failed |
//! | … `client unexpected eof`, since 1.15 | a login where the pool has proved to welcome at once, else as either |
//! | another client under the same pointer (1.15 on) | failed: the client left at the password prompt |
//! | the end of its process | assumed |
//! | nothing, for 65 s | assumed, until something else is shown |
//!
//! A closing belongs to an attempt only if it begins with the attempt's own `D/U@A `, byte for byte.

use crate::kept;

use super::accounts::{Moment, Outcome};
use super::departures::by_age;
use super::figures::Tickets;
use super::pools::Pools;
use super::prefix::PrefixMark;
use super::processes::Processes;
use super::saved::Secret;
use super::session_table::{Key, NOT_WATCHED, PROVEN, Prospect, Session, SessionTable, east_of, watched_entries};
use super::summary::OpenState;
use super::takeover::Takeover;
use super::traffic::StatsPeriod;
use crate::limits::{ASSUMED_AFTER_MS, ATTEMPTS_TO_TELL};
use crate::pgbouncer::reasons::LEFT_AT_PROMPT;
use crate::pgbouncer::record::{Event, LoginAttempt, Record, Repeat, Socket, Stamp, Version};

/// The reason of an attempt that had to be decided because the table of sessions was full.
const TOO_MANY: &[u8] = b"too many open sessions to follow";

/// An attempt that is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) session: &'a Session,
    pub(super) outcome: Outcome<'a>,
    /// How long it was open, in milliseconds, if it was closed.
    pub(super) lasted: Option<i64>,
}

/// What is done with an attempt that is decided.
pub(super) type Decide<'a> = &'a mut dyn FnMut(&Decided<'_>);

/// How far the open sessions have been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Looked {
    /// All that came until this moment had become logins by their age.
    pub(super) at: i64,
    /// How many attempts had been read.
    pub(super) sequence: u64,
}

kept!(Looked { at, sequence });

impl Looked {
    /// Not at all.
    pub(super) const NOT: Self = Self { at: i64::MIN, sequence: 0 };

    /// Whether a session has not become a login by its age yet, or was not there.
    pub(super) fn is_behind(self, session: &Session) -> bool {
        session.at() > self.at || session.moment.sequence >= self.sequence
    }
}

/// What the caller knows of a new attempt.
pub(super) struct Arrival {
    pub(super) moment: Moment,
    pub(super) tickets: Tickets,
    pub(super) watched: [u16; 2],
    /// The hash of its pool.
    pub(super) pool: u64,
    /// Whether that has proved itself already.
    pub(super) is_proven: bool,
}

/// Where a login attempt comes from.
pub(super) struct Origin<'a> {
    pub(super) stamp: Stamp,
    pub(super) pid: u32,
    /// `None` where only the user's own expressions have read it.
    pub(super) socket: Option<Socket<'a>>,
    /// Where the parser remembers its database and user, if it does.
    pub(super) repeat: Option<Repeat>,
}

/// The open sessions and what decides them.
#[derive(Debug)]
pub(super) struct Sessions {
    pub(super) table: SessionTable,
    pub(super) processes: Processes,
    pub(super) hasher: Secret,
    pub(super) takeover: Takeover,
    /// (database, user) pools that had a proven login since the servers were last reloaded.
    pub(super) proven: Pools,
    pub(super) reloads: u32,
    /// The TCP ports that pgbouncer said it listens on.
    pub(super) listening: Vec<u16>,
    pub(super) version: Option<Version>,
    /// Something that only versions before 1.15 write.
    pub(super) looks_before_1_15: bool,
    pub(super) has_closings: bool,
    /// Attempts whose pointer was taken by another client before the log has shown any closing: were it not for
    /// `log_disconnections = 0`, they have failed. At most [`ATTEMPTS_TO_TELL`].
    pub(super) left_early: Vec<Session>,
    /// Attempts before this one came before a gap in the log.
    pub(super) gap_before: u64,
    pushed_out: u64,
}

kept!(Sessions {
    table,
    processes,
    hasher,
    takeover,
    proven,
    reloads,
    listening,
    version,
    looks_before_1_15,
    has_closings,
    left_early,
    gap_before,
    pushed_out
});

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            table: SessionTable::new(),
            processes: Processes::default(),
            hasher: Secret::new(),
            takeover: Takeover::None,
            proven: Pools::new(),
            reloads: 0,
            listening: Vec::new(),
            version: None,
            looks_before_1_15: false,
            has_closings: false,
            left_early: Vec::with_capacity(ATTEMPTS_TO_TELL as usize),
            gap_before: 0,
            pushed_out: 0,
        }
    }

    /// The version that the last `process up` named.
    pub(super) fn version(&self) -> Option<Version> {
        self.version
    }

    /// The TCP ports that pgbouncer said it listens on.
    pub(super) fn listening(&self) -> &[u16] {
        &self.listening
    }

    /// Whether the log has shown a closing.
    pub(super) fn has_closings(&self) -> bool {
        self.has_closings
    }

    /// Attempts that were decided by their age because too many were open.
    pub(super) fn pushed_out(&self) -> u64 {
        self.pushed_out
    }

    /// Those that are not decided: the open ones, the oldest first, and those that were left before any closing.
    pub(super) fn undecided(&self) -> impl Iterator<Item = &Session> {
        self.table.iter().chain(&self.left_early)
    }

    /// Those that are not decided and came after `since`, or were read after it: the newest first, and those that were
    /// left before any closing.
    pub(super) fn recent(&self, since: Looked) -> impl Iterator<Item = &Session> {
        self.table.newest_first().take_while(move |session| since.is_behind(session)).chain(&self.left_early)
    }

    /// Whether a pgbouncer process may still write into the log of this one.
    pub(super) fn is_anyone_alive(&self, pid: u32) -> bool {
        self.processes.any_alive(pid) || self.takeover != Takeover::None
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        self.processes.shift(by);
        self.change_all(&mut |session| session.shift(by));
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Counting begins: what is open now was not counted.
    pub(super) fn forget_tickets(&mut self) {
        self.change_all(&mut |session| session.tickets = Tickets::default());
    }

    /// Whether a session is of an entry that there is not.
    pub(super) fn watches_beyond(&self, entries: usize) -> bool {
        self.undecided().any(|session| watched_entries(session.watched).any(|entry| entry >= entries))
    }

    /// The watched entries are numbered anew: each goes where `moved` says, or nowhere.
    pub(super) fn rewatch(&mut self, moved: &[Option<usize>]) {
        self.change_all(&mut |session| {
            for entry in &mut session.watched {
                let new = moved.get(usize::from(*entry)).copied().flatten();
                *entry = new.map_or(NOT_WATCHED, |new| new as u16);
            }
        });
    }

    pub(super) fn change_all(&mut self, change: &mut dyn FnMut(&mut Session)) {
        let mut next = self.table.next(None);
        while let Some(number) = next {
            change(self.table.get_mut(number));
            next = self.table.next(next);
        }
        self.left_early.iter_mut().for_each(change);
    }

    /// Lines are missing here; `sequence` is the number of the next attempt.
    pub(super) fn gap(&mut self, sequence: u64) {
        self.gap_before = sequence;
    }

    /// Any record of pgbouncer but an attempt, at `at` milliseconds.
    #[inline]
    pub(super) fn record(&mut self, record: &Record<'_>, at: i64, decide: Decide<'_>) {
        self.wrote(record.pid, record.format, at);
        match &record.event {
            Event::ProcessUp(version) => self.process_up(record.pid, *version, at, decide),
            Event::ProcessOver => self.process_over(record.pid, decide),
            Event::Reloaded => self.reloaded(decide),
            Event::Listening(port) => self.listens(*port),
            Event::ServerClosing => self.closing_seen(decide),
            Event::TakeoverBegins => self.takeover = Takeover::Taking(record.pid),
            Event::TakeoverEnds => self.takeover = Takeover::Taken(record.pid),
            Event::TakeoverDone => self.taken_over(record.pid),
            _ => self.client_record(record, at, decide),
        }
    }

    /// A process wrote stats: learns how often it does, and looks whether another is over.
    pub(super) fn stats(&mut self, pid: u32, at: i64, period: &mut StatsPeriod, decide: Decide<'_>) {
        self.processes.wrote_stats(pid, at, period);
        self.sweep(at, period.milliseconds(), decide);
    }

    /// Ends the processes that have been silent since another came up.
    pub(super) fn sweep(&mut self, now: i64, period: i64, decide: Decide<'_>) {
        while let Some(pid) = self.processes.silent(now, period) {
            self.process_over(pid, decide);
        }
    }

    /// Whether the attempts of this process are those of clients that it takes over: an online restart writes those of
    /// the living again.
    #[inline]
    pub(super) fn is_taking_over(&self, pid: u32) -> bool {
        matches!(self.takeover, Takeover::Taking(taking) if taking == pid)
    }

    /// Whether a pool has proved itself since the servers were last reloaded; `known` and what is returned is how often
    /// they had been reloaded when that was found.
    #[inline]
    pub(super) fn is_pool_proven(&self, pool: u64, known: Option<u32>) -> (bool, Option<u32>) {
        if known == Some(self.reloads) {
            return (true, known);
        }
        let is_proven = self.proven.contains(pool);
        (is_proven, is_proven.then_some(self.reloads))
    }

    /// The hash of the pool of an attempt.
    pub(super) fn hash_pool(&self, attempt: &LoginAttempt<'_>) -> u64 {
        self.hasher.hash_pool(attempt.database, attempt.user)
    }

    /// A new login attempt, at `at` milliseconds.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        pid: u32,
        socket: &Socket<'_>,
        attempt: &LoginAttempt<'_>,
        at: i64,
        arrival: &Arrival,
        decide: Decide<'_>,
    ) {
        self.processes.wrote(pid, at);
        let key = Key { pid, pointer: socket.pointer };
        if attempt.hopeless && attempt.database != b"(nodb)" {
            self.looks_before_1_15 = false;
        }
        self.make_room(self.table.find(key), at, decide);
        let (session, hasher) = self.open(key, key.hash(), arrival.is_proven);
        session.open(arrival, east_of(arrival.moment.stamp.millis, at));
        session.prefix = PrefixMark::new(attempt.prefix, hasher);
        session.prospect = match attempt {
            LoginAttempt { hopeless: true, .. } => Prospect::Hopeless,
            LoginAttempt { is_plain: true, .. } => Prospect::Plain,
            _ => Prospect::Open,
        };
    }

    /// Opens a session under this key, whose hash is known: all is to be set in it. And what its `D/U@A ` is hashed with.
    /// There is room for it.
    #[inline]
    pub(super) fn open(&mut self, key: Key, hash: u64, is_pool_proven: bool) -> (&mut Session, &Secret) {
        let session = self.table.open(key, hash);
        session.reloads = if is_pool_proven { PROVEN } else { self.reloads };
        (session, &self.hasher)
    }

    /// Whether there is no room for one more.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.table.is_full()
    }

    /// Makes room for the session of a pointer whose client before, if there is one, is `gone`.
    #[inline(never)]
    pub(super) fn make_room(&mut self, gone: Option<u32>, at: i64, decide: Decide<'_>) {
        match gone {
            Some(gone) => self.left(gone, at, decide),
            None if self.is_full() => self.push_out(at, decide),
            None => {}
        }
    }

    /// There is no room: the oldest is decided by its age.
    #[cold]
    fn push_out(&mut self, at: i64, decide: Decide<'_>) {
        if let Some(session) = self.table.take_oldest() {
            self.pushed_out += 1;
            conclude(&session, by_age((at - session.at()) / 1000, TOO_MANY), decide);
        }
    }

    /// The mark of a prefix, for comparing with others'.
    pub(super) fn mark(&self, prefix: &[u8]) -> PrefixMark {
        PrefixMark::new(prefix, &self.hasher)
    }

    /// Whether an attempt of this very client is open.
    pub(super) fn is_open(&self, key: Key, rest: &[u8]) -> bool {
        self.table.find(key).is_some_and(|number| self.table.get(number).prefix.begins(rest, &self.hasher))
    }

    pub(super) fn is_before_1_15(&self) -> bool {
        self.version.map_or(self.looks_before_1_15, |version| version < Version(1, 15, 0))
    }
}

/// What is thought of an open session at `now` milliseconds.
pub(super) fn state(session: &Session, now: i64) -> OpenState {
    if session.is_hopeless() {
        OpenState::Hopeless
    } else if session.proven {
        OpenState::Proven
    } else if now - session.at() >= ASSUMED_AFTER_MS {
        OpenState::Assumed
    } else {
        OpenState::Pending
    }
}

/// Decides an attempt of which no closing will come.
pub(super) fn conclude(session: &Session, outcome: Outcome<'_>, decide: Decide<'_>) {
    let outcome = match outcome {
        _ if session.is_hopeless() => Outcome::Failed { reason: LEFT_AT_PROMPT },
        _ if session.proven => Outcome::Login { assumed: false },
        outcome => outcome,
    };
    decide(&Decided { session, outcome, lasted: None });
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
