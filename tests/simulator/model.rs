//! What has to be told, and when: the exact model. It is written for clarity and in true time, keeps everything, and
//! shares nothing with the product but the names.
//!
//! It knows the lines as the pgbouncer of the simulation wrote them, and not as text.

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::bouncer::{Bouncer, What};
use super::clock::Clock;
use super::files::Files;
use super::model_entry::{Entry, State, Step, opened_at};
use super::model_heart::Heart;
use super::model_mail::Mailing;
use super::model_tail::Followed;

#[path = "model_judge.rs"]
mod judge;

pub const MINUTE: i64 = 60_000;
const ASSUMED: i64 = 65_000;
pub const NEVER: i64 = i64::MIN / 4;

/// What is told: (entry or log, verdict or "recovered", for how many minutes).
pub type Told = (String, String, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Open,
    Login,
    Failed,
    /// Left before the log has shown any closing: failed, if it ever does.
    Left,
}

#[derive(Debug, Clone)]
pub struct Known {
    pub session: usize,
    pub time: i64,
    pub fate: Fate,
    /// It was taken for a login by its age.
    pub counted: bool,
    /// What the host's clock, as it was set when the attempt was decided, had shown when it came; and when that was.
    pub decided: (i64, i64),
}

#[derive(Debug, Clone)]
pub struct Model {
    pub zone: TimeZone,
    pub states: Vec<State>,
    pub sessions: Vec<Known>,
    pub heart: Heart,
    pub spoke: i64,
    pub followed: Vec<Followed>,
    /// Lines that were whole at the tick before.
    pub waited: BTreeSet<usize>,
    pub pending_line: Option<usize>,
    pub closings: bool,
    pub has_begun: bool,
    /// How the clock was set last.
    pub step_seen: Option<Step>,
    /// What the host's clock showed at the last tick.
    last_wall: i64,
    /// When this daemon began: it knows of no setting before.
    pub start: i64,
    pub mailing: Mailing,
    /// Lines that were there when it began: they are known, and not counted.
    uncounted: BTreeSet<usize>,
}

/// What the model looks at.
pub struct View<'a> {
    pub bouncer: &'a Bouncer,
    pub files: &'a Files,
    pub clock: &'a Clock,
    pub path: &'a std::path::Path,
}

impl Model {
    /// Begins to watch, and knows what the log at the path says already.
    pub fn new(entries: &[Entry], zone: TimeZone, report_time: Time, view: &View<'_>) -> Self {
        let states = entries.iter().map(|entry| State::new(entry.clone(), view.clock.now)).collect();
        let mailing = Mailing::new(zone.clone(), report_time, view.clock.wall());
        let mut model = Self {
            zone,
            states,
            sessions: Vec::new(),
            heart: Heart::default(),
            spoke: NEVER,
            followed: Vec::new(),
            waited: BTreeSet::new(),
            pending_line: None,
            closings: false,
            has_begun: false,
            step_seen: None,
            last_wall: view.clock.wall(),
            start: view.clock.now,
            mailing,
            uncounted: BTreeSet::new(),
        };
        model.follow(view);
        model.read(view, true);
        model.uncounted.clone_from(&model.waited);
        model
    }

    pub fn reconfigure(&mut self, entries: &[Entry], now: i64) {
        let old = std::mem::take(&mut self.states);
        let gone = old.iter().filter(|state| entries.iter().all(|entry| entry.name != state.entry.name));
        gone.for_each(|state| self.mailing.no_longer_watched(&state.entry.name));
        for entry in entries {
            let same = old.iter().find(|state| state.entry.name == entry.name);
            let mut state = same.cloned().unwrap_or_else(|| State::new(entry.clone(), now));
            let window = |entry: &Entry| (entry.open, entry.close, entry.days);
            if window(&state.entry) != window(entry) {
                (state.opened, state.due, state.alerted) = (None, None, None);
                state.days.clear();
                state.window_since = now;
            }
            state.entry = entry.clone();
            self.states.push(state);
        }
    }

    /// One look at the log, and what has to be told.
    pub fn tick(&mut self, view: &View<'_>) -> Vec<Told> {
        if let Some((_, _, when)) = view.clock.step
            && when >= self.start
            && self.step_seen.is_none_or(|known| known.when != when)
        {
            self.step_seen = Some(Step { when, seen: view.clock.now, before: self.last_wall });
        }
        self.last_wall = view.clock.wall();
        self.look_for_trouble(view);
        self.read(view, false);
        if !self.has_begun {
            self.has_begun = true;
        }
        self.judge(view)
    }

    pub fn take(&mut self, number: usize, view: &View<'_>, at_start: bool) {
        let line = &view.bouncer.lines[number];
        // Nobody tells a daemon that starts how the clock was set before.
        let time = if at_start { view.clock.true_at(line.stamp) } else { line.time };
        if !self.has_begun {
            self.has_begun = true;
            self.states.iter_mut().for_each(|state| state.start = state.start.min(time));
        }
        if line.what != What::Over {
            self.heart.alive(time);
        }
        match line.what {
            What::Stats => {
                self.heart.stats = Some(time);
                self.heart.is_period_known |= !self.heart.stats_by.insert(line.pid);
            }
            What::Over => {
                self.heart.over(time);
                let pid = line.pid;
                self.end_all(|known| view.bouncer.sessions[known.session].pid == pid, view);
            }
            What::Attempt(session) => {
                self.left(session, view);
                let hopeless = view.bouncer.sessions[session].hopeless;
                if !at_start && !self.uncounted.contains(&number) {
                    self.mailing.attempt(session, &view.bouncer.sessions[session].user);
                }
                self.sessions.push(Known { session, time, fate: Fate::Open, counted: false, decided: (0, 0) });
                if hopeless {
                    self.decide(self.sessions.len() - 1, Fate::Failed, view);
                }
            }
            What::Closing(session, login) => self.closed(session, login, view),
            What::Up => {
                // Its first stats are due one period later.
                self.heart.stats = Some(time);
                self.settle_left(if self.closings { Fate::Failed } else { Fate::Login }, view);
            }
            What::Reloaded => self.settle_left(if self.closings { Fate::Failed } else { Fate::Login }, view),
            What::Other => {}
        }
    }

    /// The process is over: what was open in it counts.
    fn end_all(&mut self, which: impl Fn(&Known) -> bool, view: &View<'_>) {
        for place in 0..self.sessions.len() {
            let known = &self.sessions[place];
            if known.fate == Fate::Open && which(known) {
                let hopeless = view.bouncer.sessions[known.session].hopeless;
                self.decide(place, if hopeless { Fate::Failed } else { Fate::Login }, view);
            }
        }
    }

    /// Another client has the pointer of one that never said goodbye.
    fn left(&mut self, session: usize, view: &View<'_>) {
        let key = |session: usize| (view.bouncer.sessions[session].pid, view.bouncer.sessions[session].pointer);
        let same = |known: &Known| known.fate == Fate::Open && key(known.session) == key(session);
        if let Some(place) = self.sessions.iter().position(same) {
            let hopeless = view.bouncer.sessions[self.sessions[place].session].hopeless;
            let left = self.sessions.iter().filter(|known| known.fate == Fate::Left).count();
            let fate = match (self.closings || hopeless, left) {
                (true, _) => Fate::Failed,
                // So many without one closing: pgbouncer does not write them.
                (false, 100..) => Fate::Login,
                (false, _) => Fate::Left,
            };
            self.decide(place, fate, view);
        }
    }

    fn closed(&mut self, session: usize, login: bool, view: &View<'_>) {
        if !self.closings {
            self.closings = true;
            self.settle_left(Fate::Failed, view);
        }
        let open = |known: &Known| known.fate == Fate::Open && known.session == session;
        if let Some(place) = self.sessions.iter().position(open) {
            self.decide(place, if login { Fate::Login } else { Fate::Failed }, view);
        }
    }

    fn settle_left(&mut self, fate: Fate, view: &View<'_>) {
        for place in 0..self.sessions.len() {
            if self.sessions[place].fate == Fate::Left {
                self.decide(place, fate, view);
            }
        }
    }

    fn decide(&mut self, place: usize, fate: Fate, view: &View<'_>) {
        let known = &mut self.sessions[place];
        known.fate = fate;
        known.decided = (view.clock.wall_at(known.time), view.clock.now);
        self.mailing.decide(known.session, fate);
        if fate == Fate::Login {
            self.came_back(place, view);
        }
    }

    /// The first login after an alert.
    fn came_back(&mut self, place: usize, view: &View<'_>) {
        let Known { session, time, .. } = self.sessions[place];
        let who = &view.bouncer.sessions[session];
        for state in self.states.iter_mut().filter(|state| state.entry.matches(&who.user, &who.database)) {
            let first = state.returned.is_none_or(|(other, _)| session < other);
            if first && state.outage.is_some_and(|since| time > since) {
                state.returned = Some((session, time));
            }
        }
    }
}
