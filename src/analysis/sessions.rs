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

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::hash::BuildHasher;

use super::accounts::{Moment, Outcome};
use super::departures::by_age;
use super::figures::Tickets;
use super::processes::Processes;
use super::saved::Secret;
use super::session_table::{Key, NOT_WATCHED, NewSession, PrefixMark, Session, SessionTable, watched_entries};
use super::summary::OpenState;
use super::takeover::Takeover;
use super::traffic::StatsPeriod;
use crate::limits::{ASSUMED_AFTER_MS, ATTEMPTS_TO_TELL, LOGIN_TIMEOUT_SECONDS, PROVEN_POOLS};
use crate::pgbouncer::parser::closing_behind;
use crate::pgbouncer::reasons::{self, Class, LEFT_AT_PROMPT};
use crate::pgbouncer::record::{Closing, Event, Format, Level, LoginAttempt, Record, Version};

/// The reason of an attempt that had to be decided because the table of sessions was full.
const TOO_MANY: &[u8] = b"too many open sessions to follow";

/// An attempt that is decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) session: &'a Session,
    pub(super) outcome: Outcome<'a>,
}

/// What is done with an attempt that is decided.
pub(super) type Decide<'a> = &'a mut dyn FnMut(&Decided<'_>);

/// How far the open sessions have been looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looked {
    /// All that came until this moment had become logins by their age.
    pub(super) at: i64,
    /// How many attempts had been read.
    pub(super) sequence: u64,
}

impl Looked {
    /// Not at all.
    pub(super) const NOT: Self = Self { at: i64::MIN, sequence: 0 };

    /// Whether a session has not become a login by its age yet, or was not there.
    pub(super) fn is_behind(self, session: &Session) -> bool {
        session.at > self.at || session.moment.sequence >= self.sequence
    }
}

/// What the caller knows of a new attempt.
pub(super) struct Arrival {
    pub(super) moment: Moment,
    pub(super) tickets: Tickets,
    pub(super) watched: [u16; 2],
}

/// The open sessions and what decides them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sessions {
    pub(super) table: SessionTable,
    pub(super) processes: Processes,
    pub(super) hasher: Secret,
    pub(super) takeover: Takeover,
    /// (database, user) pools that had a proven login since the servers were last reloaded.
    pub(super) proven: HashSet<u64>,
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

impl Sessions {
    pub(super) fn new() -> Self {
        Self {
            table: SessionTable::new(),
            processes: Processes::default(),
            hasher: Secret::new(),
            takeover: Takeover::None,
            proven: HashSet::with_capacity(PROVEN_POOLS),
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
    pub(super) fn open(&self) -> impl Iterator<Item = &Session> {
        self.table.iter().chain(&self.left_early)
    }

    /// Those that are not decided and came after `since`, or were read after it: the newest first, and those that were
    /// left before any closing.
    pub(super) fn recent(&self, since: Looked) -> impl Iterator<Item = &Session> {
        self.table.newest_first().take_while(move |session| since.is_behind(session)).chain(&self.left_early)
    }

    /// Whether a pgbouncer process may still write into the log.
    pub(super) fn is_anyone_alive(&self) -> bool {
        self.processes.any_alive() || self.takeover != Takeover::None
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        self.processes.shift(by);
        self.change_all(&mut |session| session.at += by);
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
        self.open().any(|session| watched_entries(session.watched).any(|entry| entry >= entries))
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
        self.processes.wrote(record.pid, at);
        self.looks_before_1_15 |= record.format == Format::FileBefore111;
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

    /// A login attempt. Whether it is a new one: an online restart writes those of the living again.
    pub(super) fn is_new(&mut self, record: &Record<'_>, attempt: &LoginAttempt<'_>) -> bool {
        if self.takeover != Takeover::Taking(record.pid) {
            return true;
        }
        if let Some(socket) = record.socket {
            self.hand_over(Key { pid: record.pid, pointer: socket.pointer }, attempt.prefix);
        }
        false
    }

    /// A new login attempt, at `at` milliseconds.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        record: &Record<'_>,
        attempt: &LoginAttempt<'_>,
        at: i64,
        arrival: &Arrival,
        decide: Decide<'_>,
    ) {
        self.processes.wrote(record.pid, at);
        let Some(socket) = record.socket else { return };
        let key = Key { pid: record.pid, pointer: socket.pointer };
        if attempt.hopeless && attempt.database != b"(nodb)" {
            self.looks_before_1_15 = false;
        }
        if let Some(number) = self.table.find(key) {
            self.left(number, at, decide);
        }
        let pushed_out = self.table.add(NewSession {
            key,
            moment: arrival.moment,
            at,
            prefix: PrefixMark::new(attempt.prefix, &self.hasher),
            tickets: arrival.tickets,
            watched: arrival.watched,
            pool: self.hasher.hash_one((attempt.database, attempt.user)),
            reloads: self.reloads,
            hopeless: attempt.hopeless,
        });
        if let Some(session) = pushed_out {
            self.pushed_out += 1;
            let outcome = by_age((at - session.at) / 1000, TOO_MANY);
            conclude(&session, outcome, decide);
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

    /// A record about a client: it may close the attempt under its pointer, prove it, or prove that it was left.
    fn client_record(&mut self, record: &Record<'_>, at: i64, decide: Decide<'_>) {
        let Some(socket) = record.socket else { return };
        if let Event::ClientClosing { prefix, closing } = &record.event {
            self.looks_before_1_15 |= is_before_1_15(socket.rest, prefix, closing);
            self.closing_seen(decide);
        }
        let Some(number) = self.table.find(Key { pid: record.pid, pointer: socket.pointer }) else { return };
        let prefix = self.table.get(number).prefix;
        if !prefix.begins(socket.rest, &self.hasher) {
            self.left(number, at, decide);
            return;
        }
        match record.event {
            Event::LoggedIn => self.prove(number),
            Event::Cut if record.level == Some(Level::Log) => self.cut(number, decide),
            Event::ClientClosing { .. } => {
                if let Some(closing) = closing_behind(socket.rest, prefix.length()) {
                    self.close(number, &closing, at, decide);
                }
            }
            _ => {}
        }
    }

    fn prove(&mut self, number: u32) {
        let session = self.table.get_mut(number);
        session.proven = true;
        let (pool, reloads) = (session.pool, session.reloads);
        self.prove_pool(pool, reloads);
    }

    fn prove_pool(&mut self, pool: u64, reloads: u32) {
        if reloads == self.reloads && self.proven.len() < PROVEN_POOLS {
            self.proven.insert(pool);
        }
    }

    fn close(&mut self, number: u32, closing: &Closing<'_>, at: i64, decide: Decide<'_>) {
        let session = self.table.remove(number);
        let reason = reasons::classify(closing.reason);
        let age = closing.age.map_or((at - session.at) / 1000, u64::cast_signed);
        let failed = Outcome::Failed { reason: reason.text };
        let login = Outcome::Login { assumed: false };
        let outcome =
            match reason.class {
                _ if session.proven => login,
                Class::Failed => failed,
                Class::AfterLogin => {
                    self.prove_pool(session.pool, session.reloads);
                    login
                }
                Class::UnexpectedEof if self.is_before_1_15() => {
                    if age >= 1 {
                        login
                    } else {
                        failed
                    }
                }
                Class::UnexpectedEof if self.proven.contains(&session.pool) => login,
                Class::UnexpectedEof | Class::Either | Class::Cancel => {
                    if age.cast_unsigned() >= LOGIN_TIMEOUT_SECONDS { login } else { failed }
                }
            };
        let outcome = if session.hopeless { failed } else { outcome };
        decide(&Decided { session: &session, outcome });
    }

    pub(super) fn is_before_1_15(&self) -> bool {
        self.version.map_or(self.looks_before_1_15, |version| version < Version(1, 15, 0))
    }
}

/// What is thought of an open session at `now` milliseconds.
pub(super) fn state(session: &Session, now: i64) -> OpenState {
    if session.hopeless {
        OpenState::Hopeless
    } else if session.proven {
        OpenState::Proven
    } else if now - session.at >= ASSUMED_AFTER_MS {
        OpenState::Assumed
    } else {
        OpenState::Pending
    }
}

/// Decides an attempt of which no closing will come.
pub(super) fn conclude(session: &Session, outcome: Outcome<'_>, decide: Decide<'_>) {
    let outcome = match outcome {
        _ if session.hopeless => Outcome::Failed { reason: LEFT_AT_PROMPT },
        _ if session.proven => Outcome::Login { assumed: false },
        outcome => outcome,
    };
    decide(&Decided { session, outcome });
}

/// Closings that only versions before 1.15 write: since then a client that leaves before its password is written
/// nowhere, and an unknown user comes to an attempt. Only where no name can have made the line: it has one `@`.
fn is_before_1_15(rest: &[u8], prefix: &[u8], closing: &Closing<'_>) -> bool {
    memchr::memchr_iter(b'@', rest).take(2).count() == 1
        && prefix.starts_with(b"(nodb)/(nouser)@")
        && (closing.reason == b"client unexpected eof" || reasons::classify(closing.reason).text == b"no such user")
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
