//! What happens in a simulated run, all of it from one seed: accounts with moods, rotations, torn lines, a log that is
//! away, clocks that are set, configurations that change, restarts of both programs.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use loganalyzer::runtime::world::Signals;

use super::bouncer::Bouncer;
use super::clock::Clock;
use super::model::Entry;
use super::world::{LOG, Simulation};
use crate::common::random::Random;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// An account's client does what its mood is; the number of the account and of the mood's change.
    Try(usize, u64),
    Mood(usize),
    /// A session is closed: its number, for how long it was open, whether it had logged in.
    Close(usize, i64, bool),
    Leave(usize),
    /// Stats, if the process still lives that was the so-manieth.
    Stats(u32),
    Stick,
    Flush,
    RotateByRename {
        create: bool,
        readable: bool,
    },
    RotateByCopy,
    Reload,
    MakeReadable,
    MoveAway,
    MoveBack,
    Exit {
        says_so: bool,
    },
    Start,
    SetClock(i64),
    Configure {
        good: bool,
    },
    Restart,
    /// The next of the rare things.
    Mishap,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Silent,
    Failing,
    LeavesSilently,
    Unknown,
}

#[derive(Debug, Clone)]
struct Account {
    user: String,
    database: String,
    /// How often it logs in.
    gap: i64,
    mood: Mood,
    moods: u64,
}

/// The plan, and the chance that it is made of.
#[derive(Debug, Clone)]
pub struct Script {
    random: Random,
    zone_name: &'static str,
    days: i64,
    pub delay: i64,
    accounts: Vec<Account>,
    entries: Vec<Entry>,
    good_config: bool,
    rotations: u32,
    /// No restart and no exit before this: what the simulation cannot say by what a daemon knows.
    calm_until: i64,
}

/// Zones with all kinds of changes of the clock, and dates shortly before one.
const ZONES: [(&str, &[&str]); 5] = [
    ("Europe/Paris", &["2026-10-23", "2026-03-27", "2026-07-01"]),
    ("America/New_York", &["2026-10-30", "2026-03-06"]),
    ("Asia/Kolkata", &["2026-05-01"]),
    ("Australia/Lord_Howe", &["2026-04-03", "2026-10-02"]),
    ("UTC", &["2026-12-30", "2028-02-27"]),
];

/// Makes the run of a seed.
pub fn make(seed: u64, days: i64) -> Simulation {
    let mut random = Random::new(seed);
    let (name, dates) = *random.pick(&ZONES);
    let zone = TimeZone::get(name).expect("the host's time zones: Debian's package tzdata");
    let date: jiff::civil::Date = random.pick(dates).parse().expect("a date");
    let start = date.to_zoned(zone.clone()).expect("in range").timestamp().as_millisecond();
    let start = start + random.below(24 * 3600) as i64 * SECOND + random.below(1000) as i64;
    let minor = *random.pick(&[7, 10, 18, 18, 21, 23]);
    let period = *random.pick(&[30 * SECOND, MINUTE, MINUTE, 2 * MINUTE]);
    let delay = *random.pick(&[5, 10, 20, 30, 45]) * SECOND;
    let accounts = (0..2 + random.below(4)).map(|number| account(&mut random, number, minor)).collect();
    let mut script = Script {
        random,
        zone_name: name,
        days,
        delay,
        accounts,
        entries: Vec::new(),
        good_config: true,
        rotations: 0,
        calm_until: 0,
    };
    script.entries = script.make_entries();
    let bouncer = Bouncer::new(minor, zone.clone(), PathBuf::from(LOG), period);
    Simulation::new(seed, script, bouncer, zone, Clock::new(start))
}

fn account(random: &mut Random, number: usize, _: u32) -> Account {
    let user = ["web", "batch", "odd user", "a@b", "x/y", "noise"][number % 6].to_owned();
    let database = random.pick(&["app", "other db"]).to_string();
    let gap = (20 + random.below(1800) as i64) * SECOND;
    Account { user, database, gap, mood: Mood::Well, moods: 0 }
}

impl Script {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What happens from the start on.
    pub fn begin(&mut self) -> Vec<(i64, Action)> {
        let mut plan = vec![(0, Action::Start), (self.days * DAY, Action::End)];
        for number in 0..self.accounts.len() {
            plan.push((self.random.below(60_000) as i64, Action::Try(number, 0)));
            plan.push((self.random.below(DAY as usize / 2) as i64, Action::Mood(number)));
        }
        plan.push((self.random.below(DAY as usize / 4) as i64 + HOUR, Action::Mishap));
        plan
    }

    /// Watches some of the accounts, and now and then one that there is not.
    fn make_entries(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for account in self.accounts.clone() {
            if self.random.one_in(5) {
                continue;
            }
            // A name with a slash is read as database and user.
            let by_database = account.user.contains('/') || self.random.one_in(3);
            let name =
                if by_database { format!("{}/{}", account.database, account.user) } else { account.user.clone() };
            let near = 1 + account.gap / MINUTE;
            let minutes = match self.random.below(4) {
                0 => near,
                1 => near * 2,
                _ => near + 1 + self.random.below(30) as i64,
            };
            entries.push(self.entry(name, minutes));
        }
        if self.random.one_in(4) || entries.is_empty() {
            entries.push(self.entry("nobody".to_owned(), 45));
        }
        entries
    }

    fn entry(&mut self, name: String, minutes: i64) -> Entry {
        let mut time = || Time::constant(0, 0, 0, 0) + jiff::Span::new().minutes(self.random.below(24 * 60) as i64);
        let (open, mut close) = (time(), time());
        if self.random.one_in(4) {
            close = open;
        }
        let days = if self.random.one_in(3) { [true, true, false, true, true, false, true] } else { [true; 7] };
        Entry { name, minutes, open, close, days }
    }

    /// The configuration as it is in the file: what is watched, or something that is no JSON.
    pub fn config_on_disk(&self) -> String {
        if self.good_config { self.config() } else { "{ \"configuration\": 7".to_owned() }
    }

    pub fn config(&self) -> String {
        let day = |days: [bool; 7]| {
            let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let names: Vec<&str> = names.iter().zip(days).filter(|(_, open)| *open).map(|(name, _)| *name).collect();
            names.join(",")
        };
        let entries: Vec<String> = self.entries.iter().map(|entry| {
            let Entry { name, minutes, open, close, days } = entry;
            let days = day(*days);
            format!("{name:?}: {{\"minutes\": {minutes}, \"open\": \"{open}\", \"close\": \"{close}\", \"days\": \"{days}\"}}")
        }).collect();
        let (delay, zone) = (self.delay as f64 / 1000.0, self.zone_name);
        format!(
            "{{\"configuration\": {{\"trailingDelay\": {delay}, \"logTimeZone\": \"{zone}\"}}, \"file\": {{\"fileName\": \"{LOG}\", \
             \"alertingToUse\": \"print\", \"usersToWatchAndThresholdInMinutes\": {{{}}}}}}}",
            entries.join(", ")
        )
    }
}

/// Lets an action happen.
pub fn perform(simulation: &mut Simulation, action: Action, signals: &mut Signals) {
    let now = simulation.clock.now;
    let log = Path::new(LOG);
    match action {
        Action::Try(number, moods) => try_to_log_in(simulation, number, moods),
        Action::Mood(number) => change_mood(simulation, number),
        Action::Close(session, age, login) => {
            let reason = match (login, age) {
                (true, _) => "client close request",
                (false, ..60_000) if simulation.bouncer.minor <= 8 => "Auth failed",
                (false, ..60_000) => "password authentication failed",
                (false, _) => "client_login_timeout (server down)",
            };
            simulation.bouncer.close(session, reason, login, age, &simulation.clock, &mut simulation.files);
        }
        Action::Leave(session) => _ = simulation.bouncer.leave(session),
        Action::Stats(pid) => {
            if simulation.bouncer.is_up && simulation.bouncer.pid == pid {
                simulation.bouncer.stats(&simulation.clock, &mut simulation.files);
                let next = now + simulation.bouncer.period;
                simulation.at(next, action);
            }
        }
        Action::Stick => stick(simulation),
        Action::Flush => simulation.bouncer.flush(&mut simulation.files),
        Action::RotateByRename { create, readable } => rotate(simulation, create, readable),
        Action::RotateByCopy => rotate_by_copy(simulation),
        Action::Reload => {
            if simulation.bouncer.is_up {
                simulation.bouncer.reload(&simulation.clock, &mut simulation.files);
            }
        }
        Action::MakeReadable => simulation.files.set_readable(log, true),
        Action::MoveAway => simulation.files.rename(log, Path::new("/log/away")),
        Action::MoveBack => simulation.files.rename(Path::new("/log/away"), log),
        Action::Exit { says_so } => {
            simulation.bouncer.exit(says_so, &simulation.clock, &mut simulation.files);
            let away = simulation.script.random.below(if says_so { 1800 } else { 1200 }) as i64;
            simulation.at(now + SECOND + away * SECOND, Action::Start);
        }
        Action::Start => {
            simulation.bouncer.start(&simulation.clock, &mut simulation.files);
            let first = now + simulation.bouncer.period;
            let pid = simulation.bouncer.pid;
            simulation.at(first, Action::Stats(pid));
        }
        Action::SetClock(by) => simulation.clock.set(by),
        Action::Configure { good } => {
            simulation.script.good_config = good;
            if good {
                configure(simulation);
            }
            signals.reload = true;
        }
        Action::Restart => signals.stop = true,
        Action::Mishap => plan_mishap(simulation),
        Action::End => (signals.stop, simulation.is_over) = (true, true),
    }
}

fn try_to_log_in(simulation: &mut Simulation, number: usize, moods: u64) {
    let now = simulation.clock.now;
    let Account { user, database, gap, mood, moods: current } = simulation.script.accounts[number].clone();
    if moods != current {
        return;
    }
    let random = &mut simulation.script.random;
    let jitter = random.below(gap as usize / 4) as i64;
    let next = now + gap - jitter;
    // A job that fails tries again soon.
    let next = if mood == Mood::Well { next } else { now + (next - now) / 3 + SECOND };
    let (long, short) = (random.one_in(6), random.below(3000) as i64);
    let open_for = if long { random.below(3 * HOUR as usize) as i64 } else { short };
    let stubborn = random.one_in(3);
    simulation.at(next, Action::Try(number, moods));
    if !simulation.bouncer.is_up || mood == Mood::Silent {
        return;
    }
    let attempt = |simulation: &mut Simulation, hopeless| {
        let who = (&user[..], &database[..], hopeless);
        let random = &mut simulation.script.random;
        simulation.bouncer.attempt(who, random, &simulation.clock, &mut simulation.files)
    };
    let minor = simulation.bouncer.minor;
    match mood {
        Mood::LeavesSilently if minor >= 15 => {
            let session = attempt(simulation, false);
            simulation.at(now + short, Action::Leave(session));
        }
        Mood::Unknown if minor >= 17 => {
            let session = attempt(simulation, true);
            simulation.at(now + short, Action::Close(session, short, false));
        }
        Mood::Well | Mood::Silent => {
            let session = attempt(simulation, false);
            simulation.at(now + open_for, Action::Close(session, open_for, true));
        }
        _ => {
            let session = attempt(simulation, false);
            let age = if stubborn { 60_000 } else { short };
            simulation.at(now + age, Action::Close(session, age, false));
        }
    }
}

fn change_mood(simulation: &mut Simulation, number: usize) {
    let now = simulation.clock.now;
    let random = &mut simulation.script.random;
    let well = simulation.script.accounts[number].mood == Mood::Well;
    let bad = [Mood::Silent, Mood::Failing, Mood::LeavesSilently, Mood::Unknown];
    let mood = if well { *random.pick(&bad) } else { Mood::Well };
    let lasts = if well { random.below(5 * HOUR as usize) } else { random.below(DAY as usize) } as i64;
    let begins = random.below(MINUTE as usize) as i64;
    let account = &mut simulation.script.accounts[number];
    (account.mood, account.moods) = (mood, account.moods + 1);
    let moods = account.moods;
    simulation.at(now + begins, Action::Try(number, moods));
    simulation.at(now + lasts + MINUTE, Action::Mood(number));
}

fn stick(simulation: &mut Simulation) {
    let now = simulation.clock.now;
    if !simulation.bouncer.is_up || simulation.bouncer.stuck_until.is_some() {
        return;
    }
    let delay = simulation.script.delay as usize;
    let random = &mut simulation.script.random;
    let until = now + random.below(2 * delay) as i64;
    let (files, clock) = (&mut simulation.files, &simulation.clock);
    simulation.bouncer.stick(until, random, files, "kernel file descriptor limit: 1024", clock);
    simulation.at(until, Action::Flush);
}

fn rotate(simulation: &mut Simulation, create: bool, readable: bool) {
    let now = simulation.clock.now;
    let log = Path::new(LOG);
    simulation.bouncer.flush(&mut simulation.files);
    simulation.script.rotations += 1;
    let old = PathBuf::from(format!("{LOG}.{}", simulation.script.rotations));
    simulation.files.rename(log, &old);
    if create {
        simulation.files.create(log);
        simulation.files.set_readable(log, readable);
        if !readable {
            let later = simulation.script.random.below(20 * MINUTE as usize) as i64;
            simulation.at(now + 5 * SECOND + later, Action::MakeReadable);
        }
    }
    let signalled = simulation.script.random.below(if create { 60_000 } else { 10_000 }) as i64;
    simulation.at(now + signalled, Action::Reload);
}

fn rotate_by_copy(simulation: &mut Simulation) {
    let log = Path::new(LOG);
    simulation.bouncer.flush(&mut simulation.files);
    simulation.script.rotations += 1;
    if let Some(file) = simulation.files.at(log)
        && file < simulation.bouncer.truncated.len()
    {
        let copy = PathBuf::from(format!("{LOG}.{}", simulation.script.rotations));
        simulation.files.copy_and_truncate(log, &copy);
        simulation.bouncer.truncated[file] += 1;
    }
}

fn configure(simulation: &mut Simulation) {
    let mut entries = simulation.script.entries.clone();
    if simulation.script.random.one_in(3) {
        entries = simulation.script.make_entries();
    } else if let Some(entry) = entries.first_mut() {
        entry.minutes = 1 + simulation.script.random.below(60) as i64;
    }
    simulation.script.entries.clone_from(&entries);
    let now = simulation.clock.now;
    if let Some(model) = &mut simulation.model {
        model.reconfigure(&entries, now);
    }
}

/// One rare thing, and when the next will be.
fn plan_mishap(simulation: &mut Simulation) {
    let now = simulation.clock.now;
    let calm = now >= simulation.script.calm_until && simulation.bouncer.is_up;
    let random = &mut simulation.script.random;
    let next = now + 30 * MINUTE + random.below(9 * HOUR as usize) as i64;
    let by = [1, -1][random.below(2)] * (150 + random.below(3 * 3600) as i64) * SECOND;
    let chosen = random.below(16);
    // The clock is not set while it changes for summer or winter, nor before a restart: a daemon that starts knows
    // nothing of it.
    let may_set = !is_near_change(simulation);
    let action = match chosen {
        0..=2 => Action::Stick,
        3 => Action::RotateByRename { create: true, readable: true },
        4 => Action::RotateByRename { create: false, readable: true },
        5 if calm => Action::RotateByRename { create: true, readable: false },
        6 | 7 => Action::RotateByCopy,
        8 if calm => {
            let back = now + simulation.script.random.below(30 * MINUTE as usize) as i64;
            simulation.at(back, Action::MoveBack);
            Action::MoveAway
        }
        9 if calm => Action::Exit { says_so: true },
        10 if calm => Action::Exit { says_so: false },
        11 if may_set => Action::SetClock(by),
        12 => Action::Configure { good: true },
        13 => Action::Configure { good: false },
        14 | 15 if calm => Action::Restart,
        _ => Action::Stick,
    };
    let quiet = match action {
        Action::SetClock(_) => 8 * HOUR,
        Action::Exit { .. } => 2 * HOUR,
        Action::RotateByRename { .. } | Action::MoveAway => HOUR,
        _ => 0,
    };
    simulation.script.calm_until = simulation.script.calm_until.max(now + quiet);
    simulation.at(now, action);
    simulation.at(next.max(if quiet > 0 { now + HOUR } else { next }), Action::Mishap);
}

/// Whether the clock changes for summer or winter within a few hours.
fn is_near_change(simulation: &Simulation) -> bool {
    let offset = |wall: i64| {
        let instant = Timestamp::from_millisecond(wall).expect("in range");
        simulation.zone.to_offset(instant)
    };
    let wall = simulation.clock.wall();
    offset(wall - 8 * HOUR) != offset(wall + 8 * HOUR)
}
