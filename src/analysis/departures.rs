//! Clients that are gone though no closing says so.
//!
//! Since 1.15 pgbouncer writes nothing when a client leaves at the password prompt (`disconnect_client(client, false,
//! NULL)`), and its pointer is the next client's. Any line of another client under the pointer proves it. That holds
//! only in a log that has closings at all: with `log_disconnections = 0` every client leaves without a word, so what
//! comes before the first closing waits for it.

use super::accounts::Outcome;
use super::session_table::Session;
use super::sessions::{Decide, Sessions, conclude};
use crate::limits::{ATTEMPTS_TO_TELL, LOGIN_TIMEOUT_SECONDS};
use crate::pgbouncer::reasons::LEFT_AT_PROMPT;

/// The reason of an attempt whose closing must have been lost.
const CLOSING_LOST: &[u8] = b"closing line lost";
/// The reason of an attempt whose closing holds a newline, so that nothing in it can be believed.
const CLOSING_CUT: &[u8] = b"closing that holds a newline";

impl Sessions {
    /// Whether this pgbouncer writes nothing of a client that leaves at the password prompt, though it writes closings.
    pub(super) fn may_leave_silently(&self) -> bool {
        self.has_closings && !self.is_before_1_15()
    }

    /// The log has shown that it has closings.
    pub(super) fn closing_seen(&mut self, decide: Decide<'_>) {
        if !self.has_closings {
            self.has_closings = true;
            self.decide_left_early(decide);
        }
    }

    /// Whether nothing is missing in the log since this attempt.
    pub(super) fn is_since_gap(&self, session: &Session) -> bool {
        session.moment.sequence >= self.gap_before
    }

    /// Another client writes under this attempt's pointer, and no closing came.
    pub(super) fn left(&mut self, number: u32, at: i64, decide: Decide<'_>) {
        let session = self.table.take(number);
        if !self.has_closings && !session.is_hopeless() && self.left_early.len() < ATTEMPTS_TO_TELL as usize {
            self.left_early.push(session);
            return;
        }
        let outcome = if !self.has_closings {
            // `log_disconnections = 0`: nothing can be found failed.
            Outcome::Login { assumed: true }
        } else if self.may_leave_silently() && self.is_since_gap(&session) {
            Outcome::Failed { reason: LEFT_AT_PROMPT }
        } else {
            by_age((at - session.at()) / 1000, CLOSING_LOST)
        };
        conclude(&session, outcome, decide);
    }

    /// pgbouncer writes a newline about this client at this level only into a closing with a server's error, and that
    /// comes before the login. Else it is another client, whose name begins with this one's prefix.
    pub(super) fn cut(&mut self, number: u32, decide: Decide<'_>) {
        let session = self.table.take(number);
        conclude(&session, Outcome::Failed { reason: CLOSING_CUT }, decide);
    }

    /// The log has shown its first closing, or may do so from now on for another reason.
    pub(super) fn decide_left_early(&mut self, decide: Decide<'_>) {
        for session in std::mem::take(&mut self.left_early) {
            let failed = self.may_leave_silently() && self.is_since_gap(&session);
            let outcome =
                if failed { Outcome::Failed { reason: LEFT_AT_PROMPT } } else { Outcome::Login { assumed: true } };
            conclude(&session, outcome, decide);
        }
    }
}

/// What an attempt must have been that lived so long and whose end says nothing.
pub(super) fn by_age(seconds: i64, reason: &'static [u8]) -> Outcome<'static> {
    if seconds >= LOGIN_TIMEOUT_SECONDS.cast_signed() {
        Outcome::Login { assumed: true }
    } else {
        Outcome::Failed { reason }
    }
}
