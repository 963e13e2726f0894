//! The kernel as witness: whether the client of an open attempt is still connected.
//!
//! Since 1.15 a client that leaves at the password prompt is written nowhere, and its attempt would be taken for a
//! login 65 s later. For a watched account the kernel's table of TCP connections knows better. It must have been read
//! *before* the log was read to its end: pgbouncer writes before it closes, so a client that was not there any more
//! and is still not closed in the log has left without a word.

use std::collections::HashSet;
use std::net::IpAddr;

use super::accounts::Outcome;
use super::analyzer::{Analyzer, settle};
use super::session_table::{Session, watched_entries};
use super::sessions::{self, Sessions, conclude};
use super::summary::OpenState;
use crate::limits::ASSUMED_AFTER_MS;
use crate::pgbouncer::reasons::LEFT_AT_PROMPT;
use crate::pgbouncer::record::Format;

/// What the kernel knows.
#[derive(Debug, Clone, Default)]
pub struct Connections {
    /// The other ends of connections that are not closed on this side.
    pub remotes: HashSet<(IpAddr, u16)>,
    /// Ports on which somebody who owns the log listens.
    pub listening: HashSet<u16>,
}

impl Analyzer {
    /// Whether some attempt of a watched account is to be decided at `now` (milliseconds since 1970-01-01 UTC) and the
    /// kernel can help. Says how many attempts there were: only these may be judged by what is read now.
    pub fn wants_witness(&self, now: i64) -> Option<u64> {
        let own_file = self.format.is_some_and(Format::is_own_file);
        let wanted = own_file && self.sessions.may_leave_silently() && self.undecided(now).next().is_some();
        wanted.then_some(self.sequence)
    }

    /// The watched sessions that will be taken for logins at `now`, or that an alert waits for.
    fn undecided(&self, now: i64) -> impl Iterator<Item = &Session> {
        self.sessions.recent(self.looked).filter(move |session| {
            let waited_for = |entry| self.watch.waits_for_pending(entry) || now - session.at() >= ASSUMED_AFTER_MS;
            let open = matches!(sessions::state(session, now), OpenState::Pending | OpenState::Assumed);
            open && watched_entries(session.watched).any(waited_for) && session.prefix.endpoint().is_some()
        })
    }

    /// Judges by what the kernel knew when there had been `attempts` attempts, after the log was read to its end.
    pub fn witness(&mut self, connections: &Connections, attempts: u64, now: i64) {
        if !self.covers_pgbouncer(connections) {
            return;
        }
        let judged = |session: &&Session| session.moment.sequence < attempts;
        let sequences: Vec<u64> = self.undecided(now).filter(judged).map(|session| session.moment.sequence).collect();
        let Self { periods, watch, sessions, .. } = self;
        for sequence in sequences {
            sessions.testify(sequence, connections, now, &mut |decided| settle(periods, watch, decided));
        }
    }

    /// Whether pgbouncer is in this kernel's tables, and not in a container's: they show its listener, or a client.
    fn covers_pgbouncer(&self, connections: &Connections) -> bool {
        let mut clients = self.sessions.undecided().filter_map(|session| session.prefix.endpoint());
        self.sessions.listening().iter().any(|port| connections.listening.contains(port))
            || clients.any(|endpoint| connections.remotes.contains(&endpoint))
    }
}

impl Sessions {
    /// Decides an open attempt by what the kernel knew.
    fn testify(&mut self, sequence: u64, connections: &Connections, now: i64, decide: sessions::Decide<'_>) {
        let Some(number) = self.table.number_of(sequence) else { return };
        let session = self.table.get_mut(number);
        let Some(endpoint) = session.prefix.endpoint() else { return };
        if connections.remotes.contains(&endpoint) {
            // It has outlived client_login_timeout, so it is in.
            session.proven |= now - session.at() >= ASSUMED_AFTER_MS;
        } else if self.is_since_gap(self.table.get(number)) {
            let session = self.table.take(number);
            conclude(&session, Outcome::Failed { reason: LEFT_AT_PROMPT }, decide);
        }
    }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
