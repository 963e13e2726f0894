//! What happens in a simulated run, all of it from one seed: accounts with moods, rotations, torn lines, a log that is
//! away, clocks that are set, configurations that change, restarts of both programs.

use std::path::PathBuf;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::bouncer::Bouncer;
use super::clock::Clock;
use super::model_entry::Entry;
use super::world::{LOG, STATE, Simulation};
use crate::common::random::Random;

pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

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
    /// `kill -9`, soon.
    Kill,
    /// SIGUSR1.
    Report,
    /// The mail server changes its mind.
    MailServer,
    /// The next of the rare things.
    Mishap,
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Silent,
    Failing,
    LeavesSilently,
    Unknown,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub user: String,
    pub database: String,
    /// How often it logs in.
    pub gap: i64,
    pub mood: Mood,
    pub moods: u64,
}

/// How the mail server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailServer {
    Well,
    /// It refuses connections.
    Away,
    /// It accepts them, and says nothing.
    Silent,
    /// It refuses every mail for now.
    Later,
    /// It refuses every mail for good.
    Never,
}

/// The plan, and the chance that it is made of.
#[derive(Debug, Clone)]
pub struct Script {
    pub random: Random,
    /// Chance for mail, so that mail changes nothing else.
    pub mail_random: Random,
    pub mail_server: MailServer,
    /// The only time at which it is away, instead of what chance says.
    pub mail_outage: Option<(i64, i64)>,
    /// Since when it has been well.
    pub well_since: i64,
    pub report_time: Time,
    zone_name: &'static str,
    /// When it ends.
    length: i64,
    pub delay: i64,
    pub accounts: Vec<Account>,
    pub entries: Vec<Entry>,
    pub good_config: bool,
    /// The daemon keeps its state in a file.
    pub has_state: bool,
    pub rotations: u32,
    /// No restart and no exit before this: what the simulation cannot say by what a daemon knows.
    pub calm_until: i64,
}

/// Zones with all kinds of changes of the clock, and dates shortly before one.
const ZONES: [(&str, &[&str]); 5] = [
    ("Europe/Paris", &["2026-10-23", "2026-03-27", "2026-07-01"]),
    ("America/New_York", &["2026-10-30", "2026-03-06"]),
    ("Asia/Kolkata", &["2026-05-01"]),
    ("Australia/Lord_Howe", &["2026-04-03", "2026-10-02"]),
    ("UTC", &["2026-12-30", "2028-02-27"]),
];

/// Makes the run of a seed; with an outage of the mail server, that is all that it does.
pub fn make(seed: u64, days: i64, mail_outage: Option<(i64, i64)>) -> Simulation {
    make_with(seed, [Random::new(seed), Random::new(!seed)], days * DAY, mail_outage)
}

/// Makes a run in which these decide what happens, the second one for mail.
pub fn make_with(seed: u64, chance: [Random; 2], length: i64, mail_outage: Option<(i64, i64)>) -> Simulation {
    let [mut random, mut mail_random] = chance;
    let (name, dates) = ZONES[random.choose(ZONES.len())];
    let zone = TimeZone::get(name).expect("the host's time zones: Debian's package tzdata");
    let date: jiff::civil::Date = dates[random.choose(dates.len())].parse().expect("a date");
    let start = date.to_zoned(zone.clone()).expect("in range").timestamp().as_millisecond();
    let start = start + random.choose(24 * 3600) as i64 * SECOND + random.choose(1000) as i64;
    let minor = [7, 10, 18, 18, 21, 23][random.choose(6)];
    let period = [30 * SECOND, MINUTE, MINUTE, 2 * MINUTE][random.choose(4)];
    let delay = [5, 10, 20, 30, 45][random.choose(5)] * SECOND;
    let accounts = (0..2 + random.choose(4)).map(|number| account(&mut random, number, minor)).collect();
    let report_time = Time::constant(0, 0, 0, 0) + jiff::Span::new().minutes(mail_random.choose(24 * 60) as i64);
    let has_state = mail_outage.is_none() && mail_random.choose(2) == 0;
    let mut script = Script {
        random,
        mail_random,
        mail_server: MailServer::Well,
        mail_outage,
        well_since: 0,
        report_time,
        zone_name: name,
        length,
        delay,
        accounts,
        entries: Vec::new(),
        good_config: true,
        has_state,
        rotations: 0,
        calm_until: 0,
    };
    script.entries = script.make_entries();
    let bouncer = Bouncer::new(minor, zone.clone(), PathBuf::from(LOG), period);
    Simulation::new(seed, script, bouncer, zone, Clock::new(start))
}

fn account(random: &mut Random, number: usize, _: u32) -> Account {
    let user = ["web", "batch", "odd user", "a@b", "x/y", "noise"][number % 6].to_owned();
    let database = ["app", "other db"][random.choose(2)].to_owned();
    let gap = (20 + random.choose(1800) as i64) * SECOND;
    Account { user, database, gap, mood: Mood::Well, moods: 0 }
}

impl Script {
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What happens from the start on.
    pub fn begin(&mut self) -> Vec<(i64, Action)> {
        // Rare things begin after an hour, or sooner in a run of some hours.
        let calm = self.length.min(DAY) / 24;
        let mut plan = vec![(0, Action::Start), (self.length, Action::End)];
        for number in 0..self.accounts.len() {
            plan.push((self.random.choose(60_000) as i64, Action::Try(number, 0)));
            plan.push((self.random.choose(DAY as usize / 2) as i64, Action::Mood(number)));
        }
        plan.push((self.random.choose(DAY as usize / 4) as i64 + calm, Action::Mishap));
        match self.mail_outage {
            Some((from, to)) => plan.extend([(from, Action::MailServer), (to, Action::MailServer)]),
            None => plan.push((self.mail_random.choose(DAY as usize) as i64, Action::MailServer)),
        }
        plan.push((self.mail_random.choose(2 * DAY as usize) as i64, Action::Report));
        if self.has_state {
            plan.push((self.mail_random.choose(DAY as usize / 4) as i64 + calm, Action::Kill));
        }
        plan
    }

    /// Watches some of the accounts, and now and then one that there is not.
    pub fn make_entries(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for account in self.accounts.clone() {
            if self.random.choose(5) == 0 {
                continue;
            }
            // A name with a slash is read as database and user.
            let by_database = account.user.contains('/') || self.random.choose(3) == 0;
            let name =
                if by_database { format!("{}/{}", account.database, account.user) } else { account.user.clone() };
            let near = 1 + account.gap / MINUTE;
            let minutes = match self.random.choose(4) {
                0 => near,
                1 => near * 2,
                _ => near + 1 + self.random.choose(30) as i64,
            };
            entries.push(self.entry(name, minutes));
        }
        if self.random.choose(4) == 0 || entries.is_empty() {
            entries.push(self.entry("nobody".to_owned(), 45));
        }
        entries
    }

    fn entry(&mut self, name: String, minutes: i64) -> Entry {
        let mut time = || Time::constant(0, 0, 0, 0) + jiff::Span::new().minutes(self.random.choose(24 * 60) as i64);
        let (open, mut close) = (time(), time());
        if self.random.choose(4) == 0 {
            close = open;
        }
        let days = if self.random.choose(3) == 0 { [true, true, false, true, true, false, true] } else { [true; 7] };
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
        let state = if self.has_state { format!("\"stateFile\": {STATE:?}, ") } else { String::new() };
        let (delay, zone, report) = (self.delay as f64 / 1000.0, self.zone_name, self.report_time);
        format!(
            "{{\"configuration\": {{{state}\"trailingDelay\": {delay}, \"logTimeZone\": \"{zone}\", \
             \"timeToSendEmailInformation\": \"{report}\", \"alertingEmail\": {{\"emailFrom\": \"la@db1\", \
             \"emailTo\": \"dba@example.org\", \"emailServer\": \"mx\"}}}}, \"file\": {{\"fileName\": \"{LOG}\", \
             \"alertingToUse\": \"print|email\", \"usersToWatchAndThresholdInMinutes\": {{{}}}}}}}",
            entries.join(", ")
        )
    }
}
