//! What can be asked of an analyzer.

use super::analyzer::{Analyzer, watched_logins};
use super::figures::{Figures, Period, Tickets};
use super::hours::Hours;
use super::sessions;
use super::summary::{Open, Summary};
use super::timelines::Timeline;
use super::traffic::StatsPeriod;
use super::volumes::Volumes;
use super::watch::{Login, Watch};
use crate::pgbouncer::record::{Format, Stamp, Version};

impl Analyzer {
    /// The figures of the accounts since the start, at `now`, in milliseconds since 1970-01-01 UTC.
    pub fn summary(&self, now: i64) -> Summary<'_> {
        self.summary_of(Period::Run, now)
    }

    /// The figures of the accounts of a period.
    pub fn summary_of(&self, period: Period, now: i64) -> Summary<'_> {
        self.periods.of(period).accounts.summary(self.sessions.undecided().filter_map(|session| {
            let state = sessions::state(session, now);
            let Tickets { run, day } = session.tickets;
            let ticket = if period == Period::Run { run } else { day };
            ticket.map(|ticket| Open { ticket, moment: session.moment, state })
        }))
    }

    /// The logins of a period by the hour.
    pub fn hours_of(&self, period: Period) -> Hours {
        let figures = self.periods.of(period);
        let hopeless = self.sessions.undecided().filter(|session| session.is_hopeless());
        let tickets = hopeless.filter_map(|session| {
            let Tickets { run, day } = session.tickets;
            let ticket = if period == Period::Run || !self.has_day() { run } else { day };
            ticket.filter(|ticket| !ticket.is_told()).map(|ticket| (ticket.account(), session.moment.stamp.millis))
        });
        figures.hours.current(&figures.accounts, tickets)
    }

    /// The name of the account of this number, in a period.
    pub fn account_name(&self, period: Period, number: usize) -> Option<Vec<u8>> {
        self.periods.of(period).accounts.name(number)
    }

    /// What came of a watched entry by time, where that is kept.
    pub fn timeline(&self, entry: usize) -> Option<Timeline> {
        let open = self.sessions.undecided().filter(|session| !session.is_hopeless());
        self.watch.timeline(entry, open.flat_map(watched_logins))
    }

    /// What was counted since the start.
    pub fn figures(&self) -> &Figures {
        self.figures_of(Period::Run)
    }

    /// What was counted in a period.
    pub fn figures_of(&self, period: Period) -> &Figures {
        self.periods.of(period)
    }

    /// Whether the figures of the day are kept.
    pub fn has_day(&self) -> bool {
        self.periods.has_day()
    }

    /// What went through pgbouncer since the start.
    pub fn volumes(&self) -> &Volumes {
        &self.periods.volumes
    }

    /// How often the log has stats.
    pub fn stats_period(&self) -> &StatsPeriod {
        &self.period
    }

    /// What is watched.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The last login of a watched entry, decided or assumed, as of the last tick.
    pub fn last_login(&self, entry: usize) -> Option<&Login> {
        self.watch.last_login(entry)
    }

    /// When the log's last record was written, in milliseconds since 1970-01-01 UTC as the clock now has it.
    pub fn last_record(&self) -> Option<i64> {
        self.hearts().filter_map(|(_, heart)| heart.last_record()).max()
    }

    /// The first and the last record's time, of those that are counted.
    pub fn period(&self) -> Option<(Stamp, Stamp)> {
        if self.periods.is_over { self.counted } else { self.first.map(|(first, _)| first).zip(self.last) }
    }

    /// The last record's time, whether it is counted or not.
    pub fn last_stamp(&self) -> Option<Stamp> {
        self.last
    }

    /// The first and the last record's instants, in milliseconds since 1970-01-01 UTC.
    pub fn instants(&self) -> Option<(i64, i64)> {
        self.first.map(|(_, at)| at).zip(self.last_instant())
    }

    /// The instant of the last record, in milliseconds since 1970-01-01 UTC.
    pub fn last_instant(&self) -> Option<i64> {
        (self.last_at != i64::MIN).then_some(self.last_at)
    }

    /// Which format the log has: its last record's.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// The version that pgbouncer named when it came up.
    pub fn version(&self) -> Option<Version> {
        self.sessions.version()
    }

    /// Whether the log has shown a closing, of a client or a server: it does not where `log_disconnections` is off.
    pub fn has_closings(&self) -> bool {
        self.sessions.has_closings()
    }

    /// Attempts of a period that were decided by their age because too many were open.
    pub fn pushed_out(&self, period: Period) -> u64 {
        self.periods.of(period).pushed_out(self.sessions.pushed_out())
    }

    /// Client sockets that are open now.
    pub fn open_sessions(&self) -> usize {
        self.sessions.len()
    }
}
