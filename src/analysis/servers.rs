//! Connections to PostgreSQL: how many were opened, why they were closed, and how long they lived.

use crate::kept;

use super::durations::Durations;
use super::kinds::Kinds;
use crate::limits::SERVER_REASONS;
use crate::pgbouncer::parser::server_event;
use crate::pgbouncer::record::ServerEvent;
use crate::pgbouncer::warnings::fixed_part;

/// The server connections of a period.
#[derive(Debug, Default)]
pub struct Servers {
    opened: u64,
    reasons: Kinds<(), SERVER_REASONS>,
    lifetimes: Durations,
}

kept!(Servers { opened, reasons, lifetimes });

impl Servers {
    /// What a server's record says behind its pointer, at LOG, written at a time in the sense of
    /// [`crate::pgbouncer::record::Stamp::millis`].
    pub(super) fn record(&mut self, rest: &[u8], at: i64) {
        match server_event(rest) {
            Some(ServerEvent::Opened) => self.opened += 1,
            Some(ServerEvent::Closed(closing)) => {
                // Nearly all are their own fixed part, and have been seen before.
                if !self.reasons.count_again(&(), closing.reason, at) {
                    self.reasons.count((), fixed_part(closing.reason).as_bytes(), at);
                }
                if let Some(seconds) = closing.age {
                    self.lifetimes.add(seconds.saturating_mul(1000).cast_signed());
                }
            }
            None => {}
        }
    }

    /// How many were opened.
    pub fn opened(&self) -> u64 {
        self.opened
    }

    /// Why they were closed.
    pub fn reasons(&self) -> &Kinds<(), SERVER_REASONS> {
        &self.reasons
    }

    /// How long they lived.
    pub fn lifetimes(&self) -> &Durations {
        &self.lifetimes
    }
}
