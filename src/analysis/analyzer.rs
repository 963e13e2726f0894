//! Lines in, figures out: the one place that sees every line.

use crate::kept;
use jiff::tz::TimeZone;

use super::accounts::{Moment, Outcome};
use super::clock::Step;
use super::figures::{Periods, Sort};
use super::heartbeat::Heartbeat;
use super::logs::Logs;
use super::read::Read;
use super::refusals::{RefusalLine, UNKNOWN_REASON};
use super::repeats::{Known, Repeats};
use super::session_table::{Key, NOT_WATCHED, Session, watched_entries};
use super::sessions::{Arrival, Decided, Looked, Origin, Sessions};
use super::traffic::StatsPeriod;
use super::watch::{OpenLogin, Watch};
use super::zones::Zones;
use crate::limits::FALLBACK_LINES_PER_TICK;
use crate::pgbouncer::fallback::Fallback;
use crate::pgbouncer::lines::{Kind, Line};
use crate::pgbouncer::parser::{Parser, Reading};
use crate::pgbouncer::reasons::{self, Class};
use crate::pgbouncer::record::{Event, Format, LoginAttempt, Record, Stamp, Stats};

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
    pub(super) periods: Periods,
    pub(super) period: StatsPeriod,
    pub(super) sessions: Sessions,
    pub(super) watch: Watch,
    /// The first record's time, and its instant.
    pub(super) first: Option<(Stamp, i64)>,
    pub(super) last: Option<Stamp>,
    /// The first and the last record's time as of when counting ended.
    pub(super) counted: Option<(Stamp, Stamp)>,
    /// The instant of the last record; `i64::MIN` before the first.
    pub(super) last_at: i64,
    pub(super) format: Option<Format>,
    pub(super) sequence: u64,
    pub(super) heart: Heartbeat,
    pub(super) logs: Logs,
    /// How far the open sessions have been looked at.
    pub(super) looked: Looked,
    /// The clock was set since the last tick, and records may still have its old time.
    pub(super) step: Option<Step>,
    /// What was found for the attempts of the last pools.
    pub(super) repeats: Repeats,
    /// Entries of which an attempt is there that is not taken yet.
    pub(super) foreseen: Vec<usize>,
    /// Client sockets of which a line is there that is not taken yet.
    pub(super) foreseen_sockets: Vec<Key>,
    /// How far the log's clock is east of Greenwich, in milliseconds, as of its last record.
    pub(super) east: i64,
}

kept!(Analyzer {
    parser, zones, periods, period, sessions, watch, first, last, last_at, format, sequence, heart, logs, looked, step, east;
    fallback = None, fallback_left = 0, counted = None, repeats = Repeats::default(), foreseen = Vec::new(),
    foreseen_sockets = Vec::new()
});

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
            periods: Periods::new(watch.entries().iter().map(|entry| &entry.user[..])),
            period: StatsPeriod::default(),
            sessions: Sessions::new(),
            watch,
            first: None,
            last: None,
            counted: None,
            last_at: i64::MIN,
            format: None,
            sequence: 0,
            heart: Heartbeat::default(),
            logs: Logs::default(),
            looked: Looked::NOT,
            step: None,
            repeats: Repeats::default(),
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
        match line.kind {
            Kind::Whole => self.read_whole(bytes),
            Kind::Cut => Read { bytes, sort: Sort::Continuation, record: self.parser.parse_cut(bytes) },
            Kind::Continuation => Read::nothing(bytes, Sort::Continuation),
            Kind::TooLong => Read::nothing(bytes, Sort::TooLong),
            Kind::Unfinished => self.read_unfinished(bytes),
        }
    }

    /// A record has 160 bytes, which the compiler moves one by one: so it goes from hand to hand as seldom as can be.
    #[inline]
    fn read_whole<'a>(&mut self, bytes: &'a [u8]) -> Read<'a> {
        match self.parser.parse(bytes) {
            Reading::Record(record) => {
                let sort = if matches!(record.event, Event::Cut) { Sort::Continuation } else { Sort::Understood };
                Read { bytes, sort, record: Some(record) }
            }
            Reading::Foreign => Read::nothing(bytes, Sort::Foreign),
            Reading::Unrecognised => match self.fall_back(bytes) {
                Some(record) => Read { bytes, sort: Sort::Fallback, record: Some(record) },
                None => Read::nothing(bytes, Sort::Unrecognised),
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
    fn read_unfinished<'a>(&mut self, bytes: &'a [u8]) -> Read<'a> {
        match self.parser.parse(bytes) {
            Reading::Record(record) => {
                let sort = if is_whole(&record.event) { Sort::Understood } else { Sort::Unfinished };
                Read { bytes, sort, record: Some(record) }
            }
            Reading::Foreign | Reading::Unrecognised => Read::nothing(bytes, Sort::Unfinished),
        }
    }

    /// Takes a line that was read.
    #[inline]
    pub fn take<'a>(&mut self, read: &Read<'a>) -> Seen<'a> {
        self.periods.line(read.sort, read.bytes);
        let believed = read.record.as_ref().filter(|_| read.sort != Sort::Unfinished);
        believed.map_or(Seen::Nothing, |record| self.record(record, read.bytes))
    }

    /// A record of this time comes: its instant, in milliseconds since 1970-01-01 UTC.
    #[inline]
    pub(super) fn arrive(&mut self, stamp: Stamp, format: Format) -> i64 {
        let mut at = self.zones.instant(stamp);
        self.east = stamp.millis - at;
        self.periods.clock(stamp.millis);
        if let Some(step) = &self.step {
            at = step.mend(at);
        }
        if self.first.is_none() {
            self.first = Some((stamp, at));
        }
        self.last = Some(stamp);
        self.last_at = at;
        self.format = Some(format);
        at
    }

    fn record<'a>(&mut self, record: &Record<'a>, line: &[u8]) -> Seen<'a> {
        let at = self.arrive(record.stamp, record.format);
        if record.event != Event::ProcessOver {
            self.heart.record(at);
        }
        match &record.event {
            Event::LoginAttempt(attempt) => {
                let &Record { stamp, pid, socket, .. } = record;
                self.attempt(&Origin { stamp, pid, socket, repeat: None }, attempt, at)
            }
            Event::Stats(stats) => {
                self.stats(record, stats, at);
                Seen::Stats(*stats)
            }
            event => {
                self.refusal(record, event);
                self.happened(record, line);
                let Self { periods, watch, .. } = self;
                self.sessions.record(record, at, &mut |decided| settle(periods, watch, decided));
                self.life(event, record.pid, at);
                Seen::Nothing
            }
        }
    }

    /// A login attempt came.
    pub(super) fn attempt<'a>(&mut self, origin: &Origin<'_>, attempt: &LoginAttempt<'a>, at: i64) -> Seen<'a> {
        if self.sessions.is_taking_over(origin.pid) {
            self.sessions.hand_over(origin, attempt.prefix);
            return Seen::Nothing;
        }
        let arrival = self.count(attempt, origin);
        if let Some(silences) = self.watch.silences() {
            let account = arrival.tickets.run.map_or(usize::MAX, |ticket| usize::from(ticket.account()));
            silences.attempt(arrival.moment.sequence, account, attempt.user, at);
        }
        let Self { periods, watch, .. } = self;
        if attempt.hopeless {
            arrived(&arrival, attempt, at).for_each(|login| watch.failure(&login, HOPELESS));
        }
        match &origin.socket {
            Some(socket) => {
                let decide = &mut |decided: &Decided<'_>| settle(periods, watch, decided);
                self.sessions.attempt(origin.pid, socket, attempt, at, &arrival, decide);
            }
            None => settle_at_once(periods, watch, &arrival, attempt, at),
        }
        Seen::Login(*attempt)
    }

    /// Counts an attempt, and says where its outcome will be counted.
    fn count(&mut self, attempt: &LoginAttempt<'_>, origin: &Origin<'_>) -> Arrival {
        let moment = self.next_moment(origin.stamp);
        let (tickets, is_watched) = self.periods.attempt(attempt);
        let mut watched = [NOT_WATCHED; 2];
        if is_watched {
            let entries = self.watch.entries_of(attempt.database, attempt.user);
            watched.iter_mut().zip(entries).for_each(|(slot, entry)| *slot = entry as u16);
        }
        let pool = self.sessions.hash_pool(attempt);
        let (is_proven, proven) = self.sessions.is_pool_proven(pool, None);
        if let Some(repeat) = origin.repeat
            && tickets.are_lasting()
        {
            self.repeats.set(repeat, Known { tickets, watched, pool, proven });
        }
        Arrival { moment, tickets, watched, pool, is_proven }
    }

    /// The place in the log of the attempt that comes.
    #[inline]
    pub(super) fn next_moment(&mut self, stamp: Stamp) -> Moment {
        let sequence = self.sequence;
        self.sequence += 1;
        Moment { sequence, stamp }
    }

    /// What a process' coming and going means for the log's own life.
    fn life(&mut self, event: &Event<'_>, pid: u32, at: i64) {
        match event {
            Event::ProcessOver if self.sessions.is_anyone_alive(pid) => self.heart.record(at),
            Event::ProcessOver => self.heart.over(at),
            Event::ProcessUp(_) => self.heart.stats(at),
            _ => {}
        }
    }

    fn stats(&mut self, record: &Record<'_>, stats: &Stats, at: i64) {
        self.periods.stats(stats, at);
        self.heart.stats(at);
        let Self { periods, watch, .. } = self;
        let decide = &mut |decided: &Decided<'_>| settle(periods, watch, decided);
        self.sessions.record(record, at, decide);
        self.sessions.stats(record.pid, at, &mut self.period, decide);
        self.periods.volumes.add(stats, self.period.milliseconds());
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
            let mark = self.sessions.mark(prefix);
            self.periods.refusals(prefix).for_each(|refusals| refusals.count(key, mark, line, reason.text));
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
#[inline]
pub(super) fn settle(periods: &mut Periods, watch: &mut Watch, decided: &Decided<'_>) {
    let Decided { session, outcome, lasted } = decided;
    if let (Some(millis), Outcome::Login { .. }) = (lasted, outcome) {
        periods.lasted(session.tickets, *millis);
    }
    periods.decide(session.tickets, session.moment, outcome);
    if let Some(silences) = watch.silences() {
        let account = session.tickets.run.map(|ticket| usize::from(ticket.account()));
        silences.decide(session.moment.sequence, account, matches!(outcome, Outcome::Login { .. }));
    }
    for login in watched_logins(session) {
        match outcome {
            Outcome::Login { assumed } => watch.login(&login, *assumed),
            Outcome::Failed { reason } if session.is_hopeless() => watch.refine_failure(&login, reason),
            Outcome::Failed { reason } => watch.failure(&login, reason),
        }
    }
}

/// The same, of a login beyond doubt that is closed at `at`.
#[inline]
pub(super) fn settle_login(periods: &mut Periods, watch: &mut Watch, session: &Session, at: i64) {
    let lasted = at - session.at();
    if watch.silences().is_none() && session.watched == [NOT_WATCHED; 2] {
        periods.decide_login(session.tickets, session.moment);
        periods.lasted(session.tickets, lasted);
    } else {
        settle(periods, watch, &Decided { session, outcome: Outcome::Login { assumed: false }, lasted: Some(lasted) });
    }
}

/// Counts a login of which nothing more will be seen: the user's own expressions do not say which socket it is.
fn settle_at_once(periods: &mut Periods, watch: &mut Watch, arrival: &Arrival, attempt: &LoginAttempt<'_>, at: i64) {
    periods.decide(arrival.tickets, arrival.moment, &Outcome::Login { assumed: true });
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
        at: session.at(),
        stamp,
        host: session.prefix.host(),
    })
}
