//! What is counted: once for the whole run, and once for the day since the last daily report.

use super::accounts::{Accounts, Moment, Outcome, Ticket};
use super::durations::Durations;
use super::filter::Filter;
use super::happenings::Happenings;
use super::hours::{Hours, hour_of};
use super::outages::Outages;
use super::refusals::Refusals;
use super::session_table::Session;
use super::traffic::Traffic;
use super::volumes::Volumes;
use crate::kept;
use crate::limits::SAMPLE_BYTES;
use crate::pgbouncer::record::{LoginAttempt, Stats};
use crate::pgbouncer::usual_attempt::UsualAttempt;

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

kept!(LineCounts { total, understood, fallback, continuation, foreign, unrecognised, too_long, unfinished });

impl LineCounts {
    #[inline]
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
pub(super) enum Sort {
    Understood,
    Fallback,
    Continuation,
    Foreign,
    Unrecognised,
    TooLong,
    Unfinished,
}

/// The figures of one period.
#[derive(Debug)]
pub struct Figures {
    pub(super) lines: LineCounts,
    sample: Vec<u8>,
    pub(super) accounts: Accounts,
    pub(super) refusals: Refusals,
    pub(super) traffic: Traffic,
    pub(super) outages: Outages,
    pub(super) hours: Hours,
    durations: Durations,
    happenings: Happenings,
    gaps: u64,
    /// How many attempts had been decided by their age before, because too many were open.
    pushed_out_before: u64,
}

kept! { Figures {
    lines, sample, accounts, refusals, traffic, outages, hours, durations, happenings, gaps, pushed_out_before
} }

impl Figures {
    fn new(accounts: Accounts) -> Self {
        Self {
            lines: LineCounts::default(),
            sample: Vec::with_capacity(SAMPLE_BYTES),
            accounts,
            refusals: Refusals::default(),
            traffic: Traffic::default(),
            outages: Outages::default(),
            hours: Hours::new(None),
            durations: Durations::default(),
            happenings: Happenings::default(),
            gaps: 0,
            pushed_out_before: 0,
        }
    }

    /// An empty period behind this one.
    fn successor(&self, pushed_out: u64) -> Self {
        Self {
            refusals: self.refusals.successor(),
            outages: self.outages.successor(),
            hours: self.hours.successor(),
            pushed_out_before: pushed_out,
            ..Self::new(self.accounts.successor())
        }
    }

    #[inline]
    fn line(&mut self, sort: Sort, bytes: &[u8]) {
        self.lines.count(sort);
        if sort == Sort::Unrecognised && self.sample.is_empty() {
            self.sample.extend_from_slice(&bytes[..bytes.len().min(SAMPLE_BYTES)]);
        }
    }

    /// How many lines there were.
    pub fn lines(&self) -> &LineCounts {
        &self.lines
    }

    /// The first line that nobody understood, cut to [`SAMPLE_BYTES`].
    pub fn sample(&self) -> &[u8] {
        &self.sample
    }

    /// Clients that were turned away.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The stats.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What was alerted.
    pub fn outages(&self) -> &Outages {
        &self.outages
    }

    /// How long the sessions lasted that were closed: from the attempt to the closing.
    pub fn durations(&self) -> &Durations {
        &self.durations
    }

    /// What is no client's: servers, warnings, restarts.
    pub fn happenings(&self) -> &Happenings {
        &self.happenings
    }

    fn decide(&mut self, ticket: Ticket, moment: Moment, outcome: &Outcome<'_>) {
        if let Outcome::Failed { .. } = outcome
            && !ticket.is_told()
        {
            self.hours.failed(ticket.account(), moment.stamp.millis);
        }
        self.accounts.decide(ticket, moment, outcome);
    }

    /// How often lines are missing.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// How many attempts were decided by their age because too many were open, of all so far.
    pub(super) fn pushed_out(&self, all: u64) -> u64 {
        all.saturating_sub(self.pushed_out_before)
    }
}

/// Which period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Since the start.
    Run,
    /// Since the last daily report.
    Day,
}

/// Where an attempt's outcome is to be counted; nowhere, if it came before counting began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tickets {
    pub(super) run: Option<Ticket>,
    pub(super) day: Option<Ticket>,
}

kept!(Tickets [run, day]);

impl Tickets {
    /// [`Ticket::is_lasting`], of both.
    pub(super) fn are_lasting(&self) -> bool {
        [self.run, self.day].into_iter().flatten().all(Ticket::is_lasting)
    }
}

/// The figures of both periods. Where nobody asks for the day's, they are not kept.
#[derive(Debug)]
pub(super) struct Periods {
    pub(super) run: Figures,
    day: Option<Figures>,
    /// What went through since the start.
    pub(super) volumes: Volumes,
    /// The hour that the log's clock shows.
    hour: Option<i64>,
    /// Only this is counted.
    pub(super) filter: Option<Box<Filter>>,
    /// What comes from now on is not counted for the run.
    pub(super) is_over: bool,
}

kept!(Periods { run, day, volumes, hour; filter = None, is_over = false });

impl Periods {
    /// Nothing, with places for the watched accounts.
    pub(super) fn new<'a>(watched: impl Iterator<Item = &'a [u8]>) -> Self {
        Self {
            run: Figures::new(Accounts::new(watched)),
            day: None,
            volumes: Volumes::default(),
            hour: None,
            filter: None,
            is_over: false,
        }
    }

    /// The figures of a period; of the run where the day's are not kept.
    pub(super) fn of(&self, period: Period) -> &Figures {
        match period {
            Period::Run => &self.run,
            Period::Day => self.day.as_ref().unwrap_or(&self.run),
        }
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Figures> {
        let run = (!self.is_over).then_some(&mut self.run);
        run.into_iter().chain(&mut self.day)
    }

    /// Whether an attempt is to be counted.
    fn wants(&self, attempt: &LoginAttempt<'_>) -> bool {
        !self.is_over && self.filter.as_ref().is_none_or(|filter| filter.wants(attempt))
    }

    /// The run begins anew, and the day with it. All tickets are worthless.
    pub(super) fn begin_run(&mut self, pushed_out: u64) {
        self.each().for_each(|figures| *figures = figures.successor(pushed_out));
        self.volumes = Volumes::default();
    }

    /// The run begins anew, and the day goes on. All tickets of the run are worthless.
    pub(super) fn begin_only_run(&mut self, pushed_out: u64) {
        self.run = self.run.successor(pushed_out);
        self.volumes = Volumes::default();
    }

    /// Whether the day's figures are kept.
    pub(super) fn has_day(&self) -> bool {
        self.day.is_some()
    }

    /// A day begins. What is open was told as a login; the returned function gives it its new ticket.
    pub(super) fn begin_day(&mut self, pushed_out: u64) -> impl FnMut(&mut Session) {
        let new = self.of(Period::Day).successor(pushed_out);
        let old = self.day.replace(new);
        let accounts = self.day.as_mut().map(|day| &mut day.accounts);
        let mut both = old.zip(accounts);
        move |session| {
            let told = session.tickets.day.filter(|_| !session.is_hopeless());
            session.tickets.day = both.as_mut().zip(told).map(|((old, new), ticket)| new.told(&old.accounts, ticket));
        }
    }

    /// Watches an account: it has its place whatever else comes.
    pub(super) fn watch(&mut self, user: &[u8]) {
        self.each().for_each(|figures| figures.accounts.watch(user));
    }

    #[inline]
    pub(super) fn line(&mut self, sort: Sort, bytes: &[u8]) {
        self.each().for_each(|figures| figures.line(sort, bytes));
    }

    /// So many lines were understood.
    pub(super) fn understood(&mut self, lines: u64) {
        for figures in self.each() {
            figures.lines.total += lines;
            figures.lines.understood += lines;
        }
    }

    /// Counts an attempt; says where its outcome will be counted, and whether its account is watched.
    #[inline]
    pub(super) fn attempt(&mut self, attempt: &LoginAttempt<'_>) -> (Tickets, bool) {
        if !self.wants(attempt) {
            // An entry sees all of its logins, whether they are counted or not.
            return (Tickets::default(), true);
        }
        let (run, watched) = self.run.accounts.attempt(attempt);
        let day = self.day.as_mut().map(|day| day.accounts.attempt(attempt).0);
        (Tickets { run: Some(run), day }, watched)
    }

    /// Counts one more attempt of an account and a database whose last one counted as `known` says.
    #[inline]
    pub(super) fn attempt_again(&mut self, known: Tickets, attempt: UsualAttempt<'_>) -> Tickets {
        let run = known.run.map(|ticket| self.run.accounts.attempt_again(ticket, attempt));
        let day = self.day.as_mut().zip(known.day).map(|(day, ticket)| day.accounts.attempt_again(ticket, attempt));
        Tickets { run, day }
    }

    /// Counts what became of an attempt.
    #[inline]
    pub(super) fn decide(&mut self, tickets: Tickets, moment: Moment, outcome: &Outcome<'_>) {
        if let Some(ticket) = tickets.run {
            self.run.decide(ticket, moment, outcome);
        }
        if let Some((day, ticket)) = self.day.as_mut().zip(tickets.day) {
            day.decide(ticket, moment, outcome);
        }
    }

    /// Counts that an attempt was a login, beyond doubt.
    #[inline]
    pub(super) fn decide_login(&mut self, tickets: Tickets, moment: Moment) {
        if let Some(ticket) = tickets.run {
            self.run.accounts.decide_login(ticket, moment);
        }
        if let Some((day, ticket)) = self.day.as_mut().zip(tickets.day) {
            day.accounts.decide_login(ticket, moment);
        }
    }

    pub(super) fn stats(&mut self, stats: &Stats, at: i64) {
        self.each().for_each(|figures| figures.traffic.add(stats, at));
    }

    /// The log's clock shows this time.
    #[inline]
    pub(super) fn clock(&mut self, millis: i64) {
        if self.hour != Some(hour_of(millis)) {
            self.turn_hour(hour_of(millis));
        }
    }

    #[cold]
    fn turn_hour(&mut self, hour: i64) {
        self.hour = Some(hour);
        self.each().for_each(|figures| figures.hours.turn(hour, &figures.accounts));
    }

    /// A session was closed that lasted so many milliseconds: counted where its attempt is.
    #[inline]
    pub(super) fn lasted(&mut self, tickets: Tickets, millis: i64) {
        if tickets.run.is_some() {
            self.run.durations.add(millis);
        }
        if let Some(day) = self.day.as_mut().filter(|_| tickets.day.is_some()) {
            day.durations.add(millis);
        }
    }

    pub(super) fn happenings(&mut self) -> impl Iterator<Item = &mut Happenings> {
        self.each().map(|figures| &mut figures.happenings)
    }

    /// Where a client is counted that was turned away, if it is asked for.
    pub(super) fn refusals(&mut self, prefix: &[u8]) -> impl Iterator<Item = &mut Refusals> {
        let wanted = self.filter.as_ref().is_none_or(|filter| filter.wants_prefix(prefix));
        self.each().filter(move |_| wanted).map(|figures| &mut figures.refusals)
    }

    pub(super) fn outages(&mut self) -> impl Iterator<Item = &mut Outages> {
        self.each().map(|figures| &mut figures.outages)
    }

    /// Lines are missing here.
    pub(super) fn gap(&mut self) {
        self.each().for_each(|figures| figures.gaps += 1);
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
