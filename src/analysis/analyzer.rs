//! Lines in, figures out: the one place that sees every line.

use jiff::tz::TimeZone;

use super::accounts::{Accounts, Moment, Outcome};
use super::clock::Step;
use super::heartbeat::Heartbeat;
use super::refusals::{RefusalLine, Refusals, UNKNOWN_REASON};
use super::session_table::{Key, NOT_WATCHED, Session, watched_entries};
use super::sessions::{Arrival, Decided, Looked, Sessions};
use super::traffic::{StatsPeriod, Traffic};
use super::watch::{OpenLogin, Watch};
use super::zones::Zones;
use crate::limits::{FALLBACK_LINES_PER_TICK, SAMPLE_BYTES};
use crate::pgbouncer::fallback::Fallback;
use crate::pgbouncer::lines::{Kind, Line};
use crate::pgbouncer::parser::{Parser, Reading};
use crate::pgbouncer::reasons::{self, Class};
use crate::pgbouncer::record::{Event, Format, LoginAttempt, Record, Stamp, Stats};

/// How many lines there were, by what they turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineCounts {
    /// All of them.
    pub total: u64,
    /// Records of pgbouncer.
    pub understood: u64,
    /// Understood by the configuration's own regular expressions only.
    pub fallback: u64,
    /// Of records that hold a newline: neither login nor closing.
    pub continuation: u64,
    /// Other programs', in a syslog file.
    pub foreign: u64,
    /// Nobody's that is known here.
    pub unrecognised: u64,
    /// Longer than any line that pgbouncer writes.
    pub too_long: u64,
    /// The last one, where it has no newline and does not read as a whole record.
    pub unfinished: u64,
}

impl LineCounts {
    fn count(&mut self, sort: Sort) {
        self.total += 1;
        *match sort {
            Sort::Understood => &mut self.understood,
            Sort::Fallback => &mut self.fallback,
            Sort::Continuation => &mut self.continuation,
            Sort::Foreign => &mut self.foreign,
            Sort::Unrecognised => &mut self.unrecognised,
            Sort::TooLong => &mut self.too_long,
            Sort::Unfinished => &mut self.unfinished,
        } += 1;
    }
}

/// What a line turned out to be: the fields of [`LineCounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Understood,
    Fallback,
    Continuation,
    Foreign,
    Unrecognised,
    TooLong,
    Unfinished,
}

/// A line that was read, and is not taken yet.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    bytes: &'a [u8],
    sort: Sort,
    /// What it says; of an unfinished line only the time counts.
    pub(super) record: Option<Record<'a>>,
}

/// The reason of an attempt that cannot succeed, until its closing says more.
const HOPELESS: &[u8] = b"no such user or database";

/// What a line says that somebody may want to see at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen<'a> {
    /// Nothing.
    Nothing,
    /// A login attempt.
    Login(LoginAttempt<'a>),
    /// Stats.
    Stats(Stats),
}

/// What an analyzer has to know beforehand.
#[derive(Debug)]
pub struct Settings {
    /// The zone of a log that does not say.
    pub zone: TimeZone,
    /// The user's own regular expressions, for lines that the parser does not know.
    pub fallback: Option<Fallback>,
    /// What is watched.
    pub watch: Watch,
    /// The time, in milliseconds since 1970-01-01 UTC.
    pub now: i64,
}

/// Everything that is known of a log.
#[derive(Debug)]
pub struct Analyzer {
    pub(super) parser: Parser,
    pub(super) fallback: Option<Fallback>,
    pub(super) fallback_left: u32,
    pub(super) zones: Zones,
    pub(super) lines: LineCounts,
    pub(super) sample: Vec<u8>,
    pub(super) accounts: Accounts,
    pub(super) refusals: Refusals,
    pub(super) traffic: Traffic,
    pub(super) period: StatsPeriod,
    pub(super) sessions: Sessions,
    pub(super) watch: Watch,
    /// The first record's time, and its instant.
    pub(super) first: Option<(Stamp, i64)>,
    pub(super) last: Option<Stamp>,
    /// The instant of the last record; `i64::MIN` before the first.
    pub(super) last_at: i64,
    pub(super) format: Option<Format>,
    pub(super) sequence: u64,
    pub(super) gaps: u64,
    pub(super) heart: Heartbeat,
    /// How far the open sessions have been looked at.
    pub(super) looked: Looked,
    /// The clock was set since the last tick, and records may still have its old time.
    pub(super) step: Option<Step>,
    /// Entries of which an attempt is there that is not taken yet.
    pub(super) foreseen: Vec<usize>,
    /// Client sockets of which a line is there that is not taken yet.
    pub(super) foreseen_sockets: Vec<Key>,
    /// How far the log's clock is east of Greenwich, in milliseconds, as of its last record.
    pub(super) east: i64,
}

impl Analyzer {
    /// One that has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        let Settings { zone, fallback, watch, now } = settings;
        let zones = Zones::new(zone);
        Self {
            parser: Parser::new(zones.civil(now)),
            fallback,
            fallback_left: FALLBACK_LINES_PER_TICK,
            zones,
            lines: LineCounts::default(),
            sample: Vec::with_capacity(SAMPLE_BYTES),
            accounts: Accounts::new(watch.entries().iter().map(|entry| &entry.user[..])),
            refusals: Refusals::default(),
            traffic: Traffic::default(),
            period: StatsPeriod::default(),
            sessions: Sessions::new(),
            watch,
            first: None,
            last: None,
            last_at: i64::MIN,
            format: None,
            sequence: 0,
            gaps: 0,
            heart: Heartbeat::default(),
            looked: Looked::NOT,
            step: None,
            foreseen: Vec::new(),
            foreseen_sockets: Vec::new(),
            east: 0,
        }
    }

    /// Takes one line.
    #[inline]
    pub fn line<'a>(&mut self, line: &Line<'a>) -> Seen<'a> {
        let read = self.read(line);
        self.take(&read)
    }

    /// Reads one line, and does not take it yet.
    #[inline]
    pub fn read<'a>(&mut self, line: &Line<'a>) -> Read<'a> {
        let bytes = line.bytes;
        let (sort, record) = match line.kind {
            Kind::Whole => self.read_whole(bytes),
            Kind::Cut => (Sort::Continuation, self.parser.parse_cut(bytes)),
            Kind::Continuation => (Sort::Continuation, None),
            Kind::TooLong => (Sort::TooLong, None),
            Kind::Unfinished => self.read_unfinished(bytes),
        };
        Read { bytes, sort, record }
    }

    #[inline]
    fn read_whole<'a>(&mut self, line: &'a [u8]) -> (Sort, Option<Record<'a>>) {
        match self.parser.parse(line) {
            Reading::Record(record) if record.event == Event::Cut => (Sort::Continuation, Some(record)),
            Reading::Record(record) => (Sort::Understood, Some(record)),
            Reading::Foreign => (Sort::Foreign, None),
            Reading::Unrecognised => match self.fall_back(line) {
                Some(record) => (Sort::Fallback, Some(record)),
                None => (Sort::Unrecognised, None),
            },
        }
    }

    /// Tries the user's own expressions.
    fn fall_back<'a>(&mut self, line: &'a [u8]) -> Option<Record<'a>> {
        let fallback = self.fallback.as_ref().filter(|_| self.fallback_left > 0)?;
        self.fallback_left -= 1;
        fallback.parse(line)
    }

    /// The end of a file that ends within a line: what is there of it may be a whole record, or the head of one.
    fn read_unfinished<'a>(&mut self, line: &'a [u8]) -> (Sort, Option<Record<'a>>) {
        match self.parser.parse(line) {
            Reading::Record(record) if is_whole(&record.event) => (Sort::Understood, Some(record)),
            Reading::Record(record) => (Sort::Unfinished, Some(record)),
            Reading::Foreign | Reading::Unrecognised => (Sort::Unfinished, None),
        }
    }

    /// Takes a line that was read.
    #[inline]
    pub fn take<'a>(&mut self, read: &Read<'a>) -> Seen<'a> {
        self.lines.count(read.sort);
        if read.sort == Sort::Unrecognised && self.sample.is_empty() {
            self.sample.extend_from_slice(&read.bytes[..read.bytes.len().min(SAMPLE_BYTES)]);
        }
        let believed = read.record.as_ref().filter(|_| read.sort != Sort::Unfinished);
        believed.map_or(Seen::Nothing, |record| self.record(record))
    }

    #[inline]
    fn record<'a>(&mut self, record: &Record<'a>) -> Seen<'a> {
        let mut at = self.zones.instant(record.stamp);
        self.east = record.stamp.millis - at;
        if let Some(step) = &self.step {
            at = step.mend(at);
        }
        self.first.get_or_insert((record.stamp, at));
        self.last = Some(record.stamp);
        self.last_at = at;
        self.format = Some(record.format);
        if record.event != Event::ProcessOver {
            self.heart.record(at);
        }
        match &record.event {
            Event::LoginAttempt(attempt) => self.attempt(record, attempt, at),
            Event::Stats(stats) => {
                self.stats(record, stats, at);
                Seen::Stats(*stats)
            }
            event => {
                self.refusal(record, event);
                let Self { accounts, watch, .. } = self;
                self.sessions.record(record, at, &mut |decided| settle(accounts, watch, decided));
                self.life(event, at);
                Seen::Nothing
            }
        }
    }

    #[inline]
    fn attempt<'a>(&mut self, record: &Record<'a>, attempt: &LoginAttempt<'a>, at: i64) -> Seen<'a> {
        if !self.sessions.is_new(record, attempt) {
            return Seen::Nothing;
        }
        let (ticket, watched) = self.accounts.attempt(attempt);
        let moment = Moment { sequence: self.sequence, stamp: record.stamp };
        self.sequence += 1;
        if let Some(silences) = self.watch.silences() {
            silences.attempt(moment.sequence, ticket.account as usize, attempt.user, at);
        }
        let mut arrival = Arrival { moment, ticket, watched: [NOT_WATCHED; 2] };
        if watched {
            let entries = self.watch.entries_of(attempt.database, attempt.user);
            arrival.watched.iter_mut().zip(entries).for_each(|(slot, entry)| *slot = entry as u16);
        }
        let Self { accounts, watch, .. } = self;
        if attempt.hopeless {
            arrived(&arrival, attempt, at).for_each(|login| watch.failure(&login, HOPELESS));
        }
        if record.socket.is_none() {
            settle_at_once(accounts, watch, &arrival, attempt, at);
        } else {
            self.sessions.attempt(record, attempt, at, &arrival, &mut |decided| settle(accounts, watch, decided));
        }
        Seen::Login(*attempt)
    }

    /// What a process' coming and going means for the log's own life.
    fn life(&mut self, event: &Event<'_>, at: i64) {
        match event {
            Event::ProcessOver if self.sessions.is_anyone_alive() => self.heart.record(at),
            Event::ProcessOver => self.heart.over(at),
            Event::ProcessUp(_) => self.heart.stats(at),
            _ => {}
        }
    }

    fn stats(&mut self, record: &Record<'_>, stats: &Stats, at: i64) {
        self.traffic.add(stats, at);
        self.heart.stats(at);
        let Self { accounts, watch, .. } = self;
        let decide = &mut |decided: &Decided<'_>| settle(accounts, watch, decided);
        self.sessions.record(record, at, decide);
        self.sessions.stats(record.pid, at, &mut self.period, decide);
    }

    /// Counts a client that was turned away before it came to an attempt.
    fn refusal(&mut self, record: &Record<'_>, event: &Event<'_>) {
        let (prefix, line, reason) = match *event {
            Event::ClientClosing { prefix, closing } => (prefix, RefusalLine::Closing, closing.reason),
            Event::LoginFailed { prefix } => (prefix, RefusalLine::LoginFailed, UNKNOWN_REASON),
            _ => return,
        };
        let Some(socket) = record.socket else { return };
        let key = Key { pid: record.pid, pointer: socket.pointer };
        let nobody = prefix.starts_with(b"(nodb)/") || memchr::memmem::find(prefix, b"/(nouser)@").is_some();
        let reason = reasons::classify(reason);
        if reason.class == Class::Cancel || self.sessions.is_open(key, socket.rest) {
            return;
        }
        if nobody || line == RefusalLine::LoginFailed {
            self.refusals.count(key, self.sessions.mark(prefix), line, reason.text);
        }
    }
}

/// Whether an event is whole where its line has no newline: one that ends with what pgbouncer writes last.
fn is_whole(event: &Event<'_>) -> bool {
    match event {
        Event::LoginAttempt(_) | Event::Stats(_) | Event::ProcessOver => true,
        Event::ClientClosing { closing, .. } => closing.age.is_some(),
        _ => false,
    }
}

/// Counts a decision, and tells the watch.
pub(super) fn settle(accounts: &mut Accounts, watch: &mut Watch, decided: &Decided<'_>) {
    let Decided { session, outcome } = decided;
    if let Some(ticket) = session.ticket {
        accounts.decide(ticket, session.moment, outcome);
    }
    if let Some(silences) = watch.silences() {
        let account = session.ticket.map(|ticket| ticket.account as usize);
        silences.decide(session.moment.sequence, account, matches!(outcome, Outcome::Login { .. }));
    }
    for login in watched_logins(session) {
        match outcome {
            Outcome::Login { assumed } => watch.login(&login, *assumed),
            Outcome::Failed { reason } if session.hopeless => watch.refine_failure(&login, reason),
            Outcome::Failed { reason } => watch.failure(&login, reason),
        }
    }
}

/// Counts a login of which nothing more will be seen: the user's own expressions do not say which socket it is.
fn settle_at_once(accounts: &mut Accounts, watch: &mut Watch, arrival: &Arrival, attempt: &LoginAttempt<'_>, at: i64) {
    accounts.decide(arrival.ticket, arrival.moment, &Outcome::Login { assumed: true });
    arrived(arrival, attempt, at).for_each(|login| watch.login(&login, true));
}

/// An attempt as the watch is told of it.
fn arrived<'a>(arrival: &Arrival, attempt: &LoginAttempt<'a>, at: i64) -> impl Iterator<Item = OpenLogin<'a>> {
    let (Moment { sequence, stamp }, host) = (arrival.moment, attempt.address.host);
    watched_entries(arrival.watched).map(move |entry| OpenLogin { entry, sequence, at, stamp, host })
}

/// A session as the watch is told of it: once for each entry that it is of.
pub(super) fn watched_logins(session: &Session) -> impl Iterator<Item = OpenLogin<'_>> {
    let Moment { sequence, stamp } = session.moment;
    watched_entries(session.watched).map(move |entry| OpenLogin {
        entry,
        sequence,
        at: session.at,
        stamp,
        host: session.prefix.host(),
    })
}
