//! What has to be told, and when: the exact model. It is written for clarity and in true time, keeps everything, and
//! shares nothing with the product but the names.
//!
//! It knows the lines as the pgbouncer of the simulation wrote them, and not as text.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::bouncer::{Bouncer, What};
use super::clock::{Clock, first_showing};
use super::files::{Files, Handle};

const MINUTE: i64 = 60_000;
const ASSUMED: i64 = 65_000;
const NEVER: i64 = i64::MIN / 4;

/// A watched entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub minutes: i64,
    pub open: Time,
    pub close: Time,
    pub days: [bool; 7],
}

impl Entry {
    fn matches(&self, user: &str, database: &str) -> bool {
        self.name == user || self.name == format!("{database}/{user}")
    }
}

/// What is told: (entry or log, verdict or "recovered", for how many minutes).
pub type Told = (String, String, i64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Login,
    Failed,
    /// Left before the log has shown any closing: failed, if it ever does.
    Left,
}

#[derive(Debug, Clone)]
struct Known {
    session: usize,
    time: i64,
    fate: Fate,
    /// It was taken for a login by its age.
    counted: bool,
    /// What the host's clock, as it was set when the attempt was decided, had shown when it came; and when that was.
    decided: (i64, i64),
}

#[derive(Debug, Clone)]
struct State {
    entry: Entry,
    start: i64,
    /// The opening of the window that is open, and since when it is so.
    opened: Option<(i64, i64)>,
    due: Option<(i64, i64)>,
    alerted: Option<i64>,
    outage: Option<i64>,
    returned: Option<(usize, i64)>,
    /// Since when the configuration has this window.
    window_since: i64,
    /// What is known of the days whose edges were looked for: date, opening, closing.
    days: Vec<(Date, i64, i64)>,
}

#[derive(Debug)]
struct Followed {
    file: Handle,
    truncated: usize,
    /// The next of all lines to look at.
    next: usize,
}

/// The log's own life.
#[derive(Debug, Default)]
struct Heart {
    last: Option<i64>,
    stats: Option<i64>,
    /// Processes that have written stats, and whether one has done so twice: then the period is known.
    stats_by: BTreeSet<u32>,
    is_period_known: bool,
    down: Option<i64>,
    trouble: Option<(&'static str, i64)>,
    outage: Option<(&'static str, i64)>,
    spoke: Option<i64>,
    told: Option<(&'static str, i64)>,
}

#[derive(Debug)]
pub struct Model {
    zone: TimeZone,
    states: Vec<State>,
    sessions: Vec<Known>,
    heart: Heart,
    spoke: i64,
    followed: Vec<Followed>,
    /// Lines that were whole at the tick before.
    waited: BTreeSet<usize>,
    pending_line: Option<usize>,
    closings: bool,
    has_begun: bool,
    /// When the clock was set last, and when that could be seen: at the tick after it.
    step_seen: Option<(i64, i64)>,
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
    pub fn new(entries: &[Entry], zone: TimeZone, view: &View<'_>) -> Self {
        let states = entries.iter().map(|entry| State::new(entry.clone(), view.clock.now)).collect();
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
            step_seen: view.clock.step.map(|(_, _, when)| (when, when)),
        };
        model.follow(view);
        model.read(view, true);
        model
    }

    pub fn reconfigure(&mut self, entries: &[Entry], now: i64) {
        let old = std::mem::take(&mut self.states);
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
            && self.step_seen.is_none_or(|(known, _)| known != when)
        {
            self.step_seen = Some((when, view.clock.now));
        }
        self.look_for_trouble(view);
        self.read(view, false);
        if !self.has_begun {
            self.has_begun = true;
        }
        self.judge(view)
    }

    fn look_for_trouble(&mut self, view: &View<'_>) {
        let trouble = match view.files.at(view.path) {
            None => Some("log missing"),
            Some(file) => {
                let known = self.followed.last().is_some_and(|followed| followed.file == file);
                (!known && !view.files.is_readable(file)).then_some("log unreadable")
            }
        };
        let since = self.heart.trouble.map_or(view.clock.now, |(_, since)| since);
        self.heart.trouble = trouble.map(|trouble| (trouble, since));
        self.follow(view);
    }

    /// Follows the file at the path, beside those that were there before.
    fn follow(&mut self, view: &View<'_>) {
        if let Some(file) = view.files.at(view.path)
            && view.files.is_readable(file)
            && self.followed.last().is_none_or(|followed| followed.file != file)
        {
            let truncated = view.bouncer.truncated.get(file).copied().unwrap_or(0);
            self.followed.push(Followed { file, truncated, next: 0 });
        }
    }

    /// Takes every line of which it is known that it is whole.
    fn read(&mut self, view: &View<'_>, at_start: bool) {
        self.pending_line = None;
        let mut waited = BTreeSet::new();
        for number in 0..self.followed.len() {
            let newer = self.followed.get(number + 1..).unwrap_or_default();
            let newer_has_bytes = newer.iter().any(|newer| view.files.size(newer.file) > 0);
            let Followed { file, truncated, mut next } = self.followed[number];
            while let Some(line) = view.bouncer.lines.get(next) {
                let Some((in_file, epoch, end)) = line.place else { break };
                if in_file != file || epoch < truncated {
                    next += 1;
                    continue;
                }
                let file_epoch = view.bouncer.truncated[file];
                let more_follows = epoch < file_epoch || view.files.size(file) > end;
                if more_follows || newer_has_bytes || self.waited.contains(&next) {
                    self.take(next, view, at_start);
                    next += 1;
                } else {
                    waited.insert(next);
                    if !at_start {
                        self.pending_line = Some(next);
                    }
                    break;
                }
            }
            self.followed[number].next = next;
        }
        self.waited = waited;
        if let Some(line) = self.pending_line.map(|line| &view.bouncer.lines[line])
            && line.what != What::Over
        {
            self.heart.alive(line.time);
        }
    }

    fn take(&mut self, number: usize, view: &View<'_>, at_start: bool) {
        let line = &view.bouncer.lines[number];
        // Nobody tells a daemon that starts how the clock was set before.
        let time = if at_start { view.clock.true_at(line.stamp) } else { line.time };
        if !self.has_begun {
            self.has_begun = true;
            self.states.iter_mut().for_each(|state| state.start = state.start.min(time));
        }
        self.heart.alive(time);
        match line.what {
            What::Stats => {
                self.heart.stats = Some(time);
                self.heart.is_period_known |= !self.heart.stats_by.insert(line.pid);
            }
            What::Over => {
                (self.heart.down, self.heart.spoke) = (Some(time), None);
                let pid = line.pid;
                self.end_all(|known| view.bouncer.sessions[known.session].pid == pid, view);
            }
            What::Attempt(session) => {
                self.left(session, view);
                self.sessions.push(Known { session, time, fate: Fate::Open, counted: false, decided: (0, 0) });
            }
            What::Closing(session, login) => self.closed(session, login, view),
            What::Up | What::Reloaded => self.settle_left(if self.closings { Fate::Failed } else { Fate::Login }, view),
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
            let fate = if self.closings || hopeless { Fate::Failed } else { Fate::Left };
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

    fn judge(&mut self, view: &View<'_>) -> Vec<Told> {
        let now = view.clock.now;
        for place in 0..self.sessions.len() {
            let Known { session, time, fate, counted, .. } = self.sessions[place];
            let open = matches!(fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[session].hopeless;
            if open && !counted && !self.is_foreseen(session, view) && now - time >= ASSUMED {
                self.sessions[place].counted = true;
                self.came_back(place, view);
            }
        }
        let period = view.bouncer.period;
        let mut told = Vec::new();
        if let Some((at, since)) = self.heart.judge(now, period) {
            self.spoke = at;
            if self.heart.told.take().is_some() {
                told.push(("pgbouncer".to_owned(), "recovered".to_owned(), (at - since) / MINUTE));
            }
        }
        let doubt = self.heart.is_in_doubt(now, period);
        let mut any_open = false;
        for place in 0..self.states.len() {
            any_open |= self.judge_entry(place, doubt, view, &mut told);
        }
        if let Some((verdict, since)) = self.heart.outage.filter(|_| any_open && self.heart.told.is_none()) {
            self.heart.told = self.heart.outage;
            // That it has exited is told without a length.
            let minutes = if verdict == "pgbouncer down" { 0 } else { (now - since) / MINUTE };
            told.push(("pgbouncer".to_owned(), verdict.to_owned(), minutes));
        }
        self.forget(view);
        told
    }

    /// Whether its window is open.
    fn judge_entry(&mut self, place: usize, doubt: bool, view: &View<'_>, told: &mut Vec<Told>) -> bool {
        let (now, zone) = (view.clock.now, self.zone.clone());
        let mut state = self.states[place].clone();
        if let Some((_, time)) = state.returned.take()
            && let Some(since) = state.outage.take()
        {
            told.push((state.entry.name.clone(), "recovered".to_owned(), (time - since) / MINUTE));
            state.alerted = None;
        }
        let opening = state.opening(view.clock.wall(), &zone);
        if state.opened.map(|(opening, _)| opening) != opening {
            state.opened = opening.map(|opening| (opening, opened_at(opening, view.clock, self.step_seen)));
        }
        let since = |opened: i64| {
            let login = self.last_login(&state.entry, view).map_or(NEVER, |(_, time)| time);
            login.max(state.start).max(opened).max(self.spoke)
        };
        let limit = state.entry.minutes * MINUTE;
        let mut due = state.due;
        if let Some((opening, opened)) = state.opened
            && due.is_none()
            && state.alerted != Some(opening)
            && now - since(opened) > limit
        {
            due = Some((opening, opened));
        }
        if let Some((opening, opened)) = due {
            let overdue = now - since(opened) - limit;
            let held = self.is_pending(&state.entry, view) && overdue <= ASSUMED;
            if overdue <= 0 {
                due = None;
            } else if !doubt && !held {
                let verdict = if self.has_failed(&state, opening, view) { "failing" } else { "silent" };
                told.push((state.entry.name.clone(), verdict.to_owned(), (now - since(opened)) / MINUTE));
                state.outage = state.outage.or(Some(since(opened)));
                state.alerted = Some(opening);
                due = None;
            }
        }
        state.due = due;
        let open = opening.is_some();
        self.states[place] = state;
        open
    }

    /// A line about this session's socket is there, and not taken yet.
    fn is_foreseen(&self, session: usize, view: &View<'_>) -> bool {
        let key = |session: usize| (view.bouncer.sessions[session].pid, view.bouncer.sessions[session].pointer);
        match self.pending_line.map(|line| view.bouncer.lines[line].what) {
            Some(What::Closing(other, _) | What::Attempt(other)) => key(other) == key(session),
            _ => false,
        }
    }

    fn of<'a>(&'a self, entry: &'a Entry, view: &'a View<'_>) -> impl DoubleEndedIterator<Item = &'a Known> {
        self.sessions.iter().filter(move |known| {
            let session = &view.bouncer.sessions[known.session];
            entry.matches(&session.user, &session.database)
        })
    }

    fn last_login(&self, entry: &Entry, view: &View<'_>) -> Option<(usize, i64)> {
        let login = |known: &&Known| {
            let open = matches!(known.fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[known.session].hopeless;
            let old =
                view.clock.now - known.time >= ASSUMED && (known.counted || !self.is_foreseen(known.session, view));
            known.fate == Fate::Login || open && old
        };
        self.of(entry, view).rfind(login).map(|known| (known.session, known.time))
    }

    fn is_pending(&self, entry: &Entry, view: &View<'_>) -> bool {
        let young = |known: &Known| {
            let open = matches!(known.fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[known.session].hopeless;
            let waits = !known.counted && self.is_foreseen(known.session, view);
            open && (view.clock.now - known.time < ASSUMED || waits)
        };
        let line = self.pending_line.map(|line| view.bouncer.lines[line].what);
        let foreseen = match line {
            Some(What::Attempt(session)) => {
                let session = &view.bouncer.sessions[session];
                entry.matches(&session.user, &session.database)
            }
            _ => false,
        };
        foreseen || self.of(entry, view).any(young)
    }

    /// Whether an attempt has failed since the last login, in the window of this opening.
    fn has_failed(&self, state: &State, opening: i64, view: &View<'_>) -> bool {
        let last = self.last_login(&state.entry, view).map(|(session, _)| session);
        let mut state = state.clone();
        self.of(&state.entry.clone(), view).any(|known| {
            known.fate == Fate::Failed
                && last.is_none_or(|last| known.session > last)
                && known.time > self.spoke
                && known.decided.1 >= state.window_since
                && state.opening(known.decided.0, &self.zone) == Some(opening)
        })
    }

    /// Forgets what can matter no more, so that a long run stays quick.
    fn forget(&mut self, view: &View<'_>) {
        if self.sessions.len() > 400 {
            // What is assumed may be taken back, so the last one that is decided matters.
            let decided = |state: &State| {
                let last = self.of(&state.entry, view).rfind(|known| known.fate == Fate::Login);
                last.map(|known| known.session)
            };
            let last: Vec<Option<usize>> = self.states.iter().map(decided).collect();
            let matters = |known: &Known| {
                let session = &view.bouncer.sessions[known.session];
                known.fate == Fate::Open
                    || known.fate == Fate::Left
                    || self.states.iter().zip(&last).any(|(state, last)| {
                        state.entry.matches(&session.user, &session.database)
                            && last.is_none_or(|last| known.session >= last)
                    })
            };
            let keep: Vec<bool> = self.sessions.iter().map(matters).collect();
            let mut keep = keep.into_iter();
            self.sessions.retain(|_| keep.next().unwrap_or(true));
        }
    }
}

/// The true time since when a window is open: its opening, or when it was seen that the clock was set over it.
fn opened_at(opening: i64, clock: &Clock, step_seen: Option<(i64, i64)>) -> i64 {
    if opening == NEVER {
        return NEVER;
    }
    match clock.step.zip(step_seen) {
        Some(((before, after, _), (_, seen))) if before < opening && opening <= after => seen,
        _ => clock.true_at(opening),
    }
}

impl Heart {
    fn alive(&mut self, time: i64) {
        self.last = Some(time);
        if self.down.is_some() || self.outage.is_some() {
            self.down = None;
            self.spoke = self.spoke.or(Some(time));
        }
    }

    /// When the log spoke again, and since when it had not.
    fn judge(&mut self, now: i64, period: i64) -> Option<(i64, i64)> {
        let found = self.find(now, period);
        let spoke = self.spoke;
        match (self.outage, found) {
            (Some((_, since)), None) => {
                self.outage = None;
                self.spoke = None;
                Some((spoke.unwrap_or(now), since))
            }
            (Some((_, since)), Some(new)) if spoke.is_some() && new.1 > since => {
                self.outage = found;
                self.spoke = None;
                Some((spoke.unwrap_or(now), since))
            }
            (None, Some(_)) => {
                self.outage = found;
                self.spoke = None;
                None
            }
            _ => None,
        }
    }

    fn is_overdue(&self, now: i64, period: i64) -> bool {
        let Some(stats) = self.stats.filter(|_| self.is_period_known) else { return false };
        let overdue = stats + period + period / 2;
        now > overdue && self.last.is_none_or(|last| last <= overdue)
    }

    fn find(&self, now: i64, period: i64) -> Option<(&'static str, i64)> {
        if let Some(since) = self.down {
            return Some(("pgbouncer down", since));
        }
        let known = if self.is_period_known { period } else { MINUTE };
        let silent = self.last.filter(|last| self.is_overdue(now, period) && now - last > 3 * known);
        match self.trouble {
            Some((trouble, since)) if now - since > 3 * known || silent.is_some() => Some((trouble, since)),
            _ => silent.map(|since| ("log silent", since)),
        }
    }

    fn is_in_doubt(&self, now: i64, period: i64) -> bool {
        let blind = self.trouble.is_some_and(|(_, since)| self.last.is_none_or(|last| last <= since));
        let mute = self.outage.is_some_and(|(verdict, _)| verdict == "log silent" || verdict == "pgbouncer down");
        blind || mute || self.is_overdue(now, period)
    }
}

impl State {
    fn new(entry: Entry, start: i64) -> Self {
        let (opened, due, alerted) = (None, None, None);
        Self { entry, start, opened, due, alerted, outage: None, returned: None, window_since: NEVER, days: Vec::new() }
    }

    /// The opening of the window that is open when the host's clock shows this.
    fn opening(&mut self, wall: i64, zone: &TimeZone) -> Option<i64> {
        let Entry { open, close, days, .. } = self.entry;
        if open == close && days == [true; 7] {
            return Some(NEVER);
        }
        let today = Timestamp::from_millisecond(wall).expect("in range").to_zoned(zone.clone()).date();
        let mut found = None;
        let mut date = today;
        for _ in 0..9 {
            let (opens, closes) = self.edges(date, zone);
            let on_this_day = days[date.weekday().to_monday_zero_offset() as usize] && opens < closes;
            let begun: Option<i64> = found;
            match begun {
                // With equal edges the day before may have been open as well, without a break.
                Some(later) if on_this_day && open == close && closes >= later => found = Some(opens),
                Some(_) => return found,
                None if on_this_day && opens < wall && (wall < closes) => found = Some(opens),
                None if on_this_day && open == close && wall == closes && self.is_open_after(date, zone) => {
                    found = Some(opens);
                }
                None => {}
            }
            if found.is_some() && open != close {
                return found;
            }
            date = date.yesterday().expect("in range");
        }
        found
    }

    /// With equal edges: whether the next day is open as well.
    fn is_open_after(&self, date: Date, _: &TimeZone) -> bool {
        let next = date.tomorrow().expect("in range");
        self.entry.days[next.weekday().to_monday_zero_offset() as usize]
    }

    /// The edges of the window of a day.
    fn edges(&mut self, date: Date, zone: &TimeZone) -> (i64, i64) {
        if let Some(&(_, opens, closes)) = self.days.iter().find(|(known, ..)| *known == date) {
            return (opens, closes);
        }
        let Entry { open, close, .. } = self.entry;
        let last = if close <= open { date.tomorrow().expect("in range") } else { date };
        let (opens, closes) = (first_showing(zone, date, open), first_showing(zone, last, close));
        if self.days.len() > 20 {
            self.days.remove(0);
        }
        self.days.push((date, opens, closes));
        (opens, closes)
    }
}
