//! What a client's record says of the attempt under its pointer: above all its closing.

use super::accounts::Outcome;
use super::session_table::{Key, Session};
use super::sessions::{Decide, Decided, Sessions};
use crate::limits::LOGIN_TIMEOUT_SECONDS;
use crate::pgbouncer::parser::closing_behind;
use crate::pgbouncer::reasons::{self, Class, Reason};
use crate::pgbouncer::record::{Closing, Event, Level, Record};

impl Sessions {
    /// A record about a client: it may close the attempt under its pointer, prove it, or prove that it was left.
    pub(super) fn client_record(&mut self, record: &Record<'_>, at: i64, decide: Decide<'_>) {
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
        if reloads == self.reloads {
            self.proven.insert(pool);
        }
    }

    fn close(&mut self, number: u32, closing: &Closing<'_>, at: i64, decide: Decide<'_>) {
        let reason = reasons::classify(closing.reason);
        self.close_for(number, closing, &reason, at, decide);
    }

    /// Closes the socket of a client that could log in and said good-bye: [`reasons::CLOSE_REQUEST`].
    #[inline]
    pub(super) fn close_on_request(&mut self, number: u32, hash: u64, settle: impl FnOnce(&Session)) {
        let session = self.table.get(number);
        if session.reloads == self.reloads && !session.proven {
            self.proven.insert(session.pool);
        }
        settle(session);
        self.table.remove_hashed(number, hash);
    }

    /// Closes a socket.
    #[inline]
    pub(super) fn close_for(
        &mut self,
        number: u32,
        closing: &Closing<'_>,
        reason: &Reason<'_>,
        at: i64,
        decide: impl FnOnce(&Decided<'_>),
    ) {
        let session = self.table.get(number);
        let age = closing.age.map_or((at - session.at()) / 1000, u64::cast_signed);
        let failed = Outcome::Failed { reason: reason.text };
        let login = Outcome::Login { assumed: false };
        let outcome =
            match reason.class {
                _ if session.proven => login,
                Class::Failed => failed,
                Class::AfterLogin => {
                    if session.reloads == self.reloads {
                        self.proven.insert(session.pool);
                    }
                    login
                }
                Class::UnexpectedEof if self.is_before_1_15() => {
                    if age >= 1 {
                        login
                    } else {
                        failed
                    }
                }
                Class::UnexpectedEof if self.proven.contains(session.pool) => login,
                Class::UnexpectedEof | Class::Either | Class::Cancel => {
                    if age.cast_unsigned() >= LOGIN_TIMEOUT_SECONDS { login } else { failed }
                }
            };
        let outcome = if session.is_hopeless() { failed } else { outcome };
        decide(&Decided { session, outcome, lasted: Some(at - session.at()) });
        self.table.remove(number);
    }
}

/// Closings that only versions before 1.15 write: since then a client that leaves before its password is written
/// nowhere, and an unknown user comes to an attempt. Only where no name can have made the line: it has one `@`.
fn is_before_1_15(rest: &[u8], prefix: &[u8], closing: &Closing<'_>) -> bool {
    memchr::memchr_iter(b'@', rest).take(2).count() == 1
        && prefix.starts_with(b"(nodb)/(nouser)@")
        && (closing.reason == b"client unexpected eof" || reasons::classify(closing.reason).text == b"no such user")
}
