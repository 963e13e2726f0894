//! What is no client's: server connections, warnings and errors by kind, commands of administrators, and restarts.

use std::collections::VecDeque;

use crate::kept;

use super::analyzer::Analyzer;
use super::kinds::Kinds;
use super::servers::Servers;
use crate::limits::{LIFE_EVENTS, WARNING_KINDS};
use crate::pgbouncer::life::{Life, life};
use crate::pgbouncer::parser::{message_behind, process_id};
use crate::pgbouncer::record::{Event, Level, Record, Side};
use crate::pgbouncer::warnings::fixed_part;

/// What is said of a message of which only the first line is there.
const SEVERAL_LINES: &[u8] = b"(a message of several lines)";

/// Something that happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifeEvent {
    /// When, in the sense of [`crate::pgbouncer::record::Stamp::millis`].
    pub millis: i64,
    /// To which process.
    pub pid: u32,
    /// What.
    pub what: Life,
}

kept!(LifeEvent [millis, pid, what]);

/// What happened in a period.
#[derive(Debug)]
pub struct Happenings {
    servers: Servers,
    warnings: Kinds<Level, WARNING_KINDS>,
    /// The newest.
    lives: VecDeque<LifeEvent>,
    /// How many there were.
    life_events: u64,
}

kept!(Happenings { servers, warnings, lives, life_events });

impl Default for Happenings {
    fn default() -> Self {
        let (servers, warnings) = (Servers::default(), Kinds::default());
        Self { servers, warnings, lives: VecDeque::with_capacity(LIFE_EVENTS), life_events: 0 }
    }
}

impl Happenings {
    fn live(&mut self, event: LifeEvent) {
        if self.lives.len() >= LIFE_EVENTS {
            self.lives.pop_front();
        }
        self.lives.push_back(event);
        self.life_events += 1;
    }

    /// A server's record came, at LOG; see [`Servers::record`].
    pub(super) fn server(&mut self, rest: &[u8], at: i64) {
        self.servers.record(rest, at);
    }

    /// Connections to PostgreSQL.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Warnings and errors.
    pub fn warnings(&self) -> &Kinds<Level, WARNING_KINDS> {
        &self.warnings
    }

    /// The newest commands, comings and goings, the oldest of them first.
    pub fn lives(&self) -> impl Iterator<Item = &LifeEvent> {
        self.lives.iter()
    }

    /// How many of them there were.
    pub fn life_events(&self) -> u64 {
        self.life_events
    }
}

impl Analyzer {
    /// Counts what a record says, that is neither an attempt nor stats; `line` is the whole one.
    pub(super) fn happened(&mut self, record: &Record<'_>, line: &[u8]) {
        let at = record.stamp.millis;
        match (record.level, record.socket) {
            (Some(level @ (Level::Warning | Level::Error | Level::Fatal)), _) => self.warned(level, record, line),
            (None | Some(Level::Log), Some(socket)) if socket.side == Side::Server => {
                self.periods.happenings().for_each(|happenings| happenings.server(socket.rest, at));
            }
            (None | Some(Level::Log), None) => self.lived(record, line),
            _ => {}
        }
    }

    fn warned(&mut self, level: Level, record: &Record<'_>, line: &[u8]) {
        let message = match record.socket {
            Some(_) if record.event == Event::Cut => SEVERAL_LINES,
            Some(socket) => message_behind(socket.rest),
            None => self.parser.message(line).unwrap_or_default(),
        };
        let fixed = fixed_part(message);
        let at = record.stamp.millis;
        self.periods.happenings().for_each(|happenings| happenings.warnings.count(level, fixed.as_bytes(), at));
        if level == Level::Fatal {
            self.lived(record, line);
        }
    }

    fn lived(&mut self, record: &Record<'_>, line: &[u8]) {
        let Some(what) = self.parser.message(line).and_then(|message| life(&record.event, message)) else { return };
        let event = LifeEvent { millis: record.stamp.millis, pid: process_id(record.pid), what };
        self.periods.happenings().for_each(|happenings| happenings.live(event));
    }
}
