//! Which mails must be on their way: exactly, one after the other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use loganalyzer::limits::{OUTBOX, OUTBOX_AGE_MS};
use loganalyzer::runtime::outbox::{Class, Letter};

use super::clock::{Clock, first_showing};
use super::model::{Fate, Told};

/// A mail that must come.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    Alert(Vec<Told>),
    /// The one of the end has no figures: it counts what no tick has seen.
    Report {
        figures: Option<Figures>,
        is_day: bool,
    },
}

/// What a report says of the time since the last one.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    accounts: usize,
    logins: usize,
    outages: usize,
    failed_later: usize,
}

/// What happened since the last report of the day, or since the start.
#[derive(Debug, Clone, Default)]
struct Period {
    /// Attempts by number of session: whose, and what became of them.
    attempts: BTreeMap<usize, (String, Fate)>,
    /// Attempts that an earlier report has told as logins.
    told: BTreeMap<usize, String>,
    /// Who failed later.
    later: Vec<String>,
    /// What was alerted, and is not over.
    open: BTreeSet<String>,
    outages: usize,
}

impl Period {
    fn figures(&self) -> Figures {
        let users: BTreeSet<&String> = self.attempts.values().map(|(user, _)| user).chain(&self.later).collect();
        let logins = self.attempts.values().filter(|(_, fate)| *fate != Fate::Failed).count();
        Figures { accounts: users.len(), logins, outages: self.outages, failed_later: self.later.len() }
    }

    fn next(&mut self) {
        let attempts = std::mem::take(&mut self.attempts).into_iter();
        let undecided = attempts.filter(|(_, (_, fate))| matches!(fate, Fate::Open | Fate::Left));
        let told = undecided.map(|(session, (user, _))| (session, user));
        self.told.extend(told);
        self.later.clear();
        self.outages = self.open.len();
    }
}

#[derive(Debug, Clone)]
pub struct Mailing {
    zone: TimeZone,
    time: Time,
    /// When the clock shows it on the last days that were asked for.
    shown: BTreeMap<Date, i64>,
    done: Date,
    day: Period,
    run: Period,
    alerts: VecDeque<Expected>,
    reports: VecDeque<Expected>,
    /// Which letter is refused for now, and since when.
    pub refused: Option<(String, i64)>,
    /// Mails that were lost since the last one that arrived.
    pub untold: usize,
}

impl Mailing {
    pub fn new(zone: TimeZone, time: Time, wall: i64) -> Self {
        let mut mailing = Self {
            zone,
            time,
            shown: BTreeMap::new(),
            done: Date::MIN,
            day: Period::default(),
            run: Period::default(),
            alerts: VecDeque::new(),
            reports: VecDeque::new(),
            refused: None,
            untold: 0,
        };
        mailing.done = mailing.passed(wall);
        mailing
    }

    /// A clean exit has told the run; what waits, waits on.
    pub fn begin_run(&mut self) {
        let open = std::mem::take(&mut self.run.open);
        self.run = Period { outages: open.len(), open, ..Period::default() };
    }

    /// Nobody looks any more whether it is over.
    pub fn no_longer_watched(&mut self, name: &str) {
        self.day.open.remove(name);
        self.run.open.remove(name);
    }

    /// The first letter is refused for now; whether that is so for a day.
    pub fn is_refused_for_a_day(&mut self, letter: &Letter, now: i64) -> bool {
        let since = match &self.refused {
            Some((id, since)) if *id == letter.id => *since,
            _ => now,
        };
        self.refused = Some((letter.id.clone(), since));
        now - since >= OUTBOX_AGE_MS
    }

    /// An attempt was taken that is counted.
    pub fn attempt(&mut self, session: usize, user: &str) {
        for period in [&mut self.day, &mut self.run] {
            period.attempts.insert(session, (user.to_owned(), Fate::Open));
        }
    }

    pub fn decide(&mut self, session: usize, decided: Fate) {
        for period in [&mut self.day, &mut self.run] {
            if let Some((_, fate)) = period.attempts.get_mut(&session) {
                *fate = decided;
            } else if matches!(decided, Fate::Failed | Fate::Login)
                && let Some(user) = period.told.remove(&session)
                && decided == Fate::Failed
            {
                period.later.push(user);
            }
        }
    }

    /// The daemon has told this at a tick, and a report may be due; returns how many mails there was no room for.
    pub fn tick(&mut self, told: &[Told], clock: &Clock, wants_report: bool) -> usize {
        // What recovers and is out again at the same tick is two outages.
        let (over, begun): (Vec<&Told>, Vec<&Told>) = told.iter().partition(|(_, what, _)| what == "recovered");
        for (name, what, _) in over.into_iter().chain(begun) {
            for period in [&mut self.day, &mut self.run] {
                if what == "recovered" {
                    period.open.remove(name);
                } else if period.open.insert(name.clone()) {
                    period.outages += 1;
                }
            }
        }
        let mut lost = 0;
        if !told.is_empty() {
            let mut told = told.to_vec();
            told.sort();
            self.alerts.push_back(Expected::Alert(told));
            lost += self.shrink();
        }
        let passed = self.passed(clock.wall());
        let before = self.done.yesterday().expect("in range");
        if passed > self.done {
            self.reports.push_back(Expected::Report { figures: Some(self.day.figures()), is_day: true });
            lost += self.shrink();
            self.day.next();
        }
        if passed > self.done || passed < before {
            self.done = passed;
        }
        if wants_report {
            lost += self.report(Some(self.run.figures()));
        }
        lost
    }

    /// A report on the whole run; returns how many mails there was no room for.
    pub fn report(&mut self, figures: Option<Figures>) -> usize {
        self.reports.push_back(Expected::Report { figures, is_day: false });
        self.shrink()
    }

    /// Loses what there is no room for: the oldest report, else the oldest alert.
    fn shrink(&mut self) -> usize {
        let mut lost = 0;
        while self.len() > OUTBOX {
            let gone = if self.reports.is_empty() { self.alerts.pop_front() } else { self.reports.pop_front() };
            lost += usize::from(gone.is_some());
        }
        self.untold += lost;
        lost
    }

    pub fn len(&self) -> usize {
        self.alerts.len() + self.reports.len()
    }

    /// The daemon sends this: it must be the first of its class, and a report only where no alert waits.
    pub fn check(&self, letter: &Letter, seed: u64) {
        let class = if self.alerts.is_empty() { Class::Report } else { Class::Alert };
        let what = format!("seed {seed}: {}\n{}", letter.mail.subject, letter.mail.text);
        assert_eq!(letter.class, class, "{what}");
        let expected = self.alerts.front().or_else(|| self.reports.front()).expect("something to send");
        assert_eq!(&read(letter, expected), expected, "{what}");
        let note = letter.mail.text.lines().find_map(|line| line.split_once(" before this one could not be delivered"));
        let told =
            note.map_or(0, |(count, _)| count.split(' ').next().and_then(|count| count.parse().ok()).expect("so many"));
        assert_eq!(told, self.untold, "{what}");
    }

    /// The mail server has taken it, or has refused it for good.
    pub fn is_gone(&mut self, arrived: bool) {
        let _ = self.alerts.pop_front().or_else(|| self.reports.pop_front());
        self.untold = if arrived { 0 } else { self.untold + 1 };
    }

    /// The last day on which the clock has shown the time.
    fn passed(&mut self, wall: i64) -> Date {
        let at = jiff::Timestamp::from_millisecond(wall).expect("in range");
        let mut day = at.to_zoned(self.zone.clone()).date();
        while self.first_showing(day) > wall {
            day = day.yesterday().expect("in range");
        }
        day
    }

    fn first_showing(&mut self, day: Date) -> i64 {
        if self.shown.len() > 8 {
            self.shown.clear();
        }
        *self.shown.entry(day).or_insert_with(|| first_showing(&self.zone, day, self.time))
    }
}

/// What a mail says, in the form of what is expected of it.
fn read(letter: &Letter, expected: &Expected) -> Expected {
    let (subject, text) = (&letter.mail.subject, &letter.mail.text);
    let Expected::Report { figures, is_day } = expected else {
        let lines: String = text.lines().map(|line| format!("t {line}\n")).collect();
        let mut told = super::world::parse(&lines.replace("t     ", "    "));
        told.sort();
        return Expected::Alert(told);
    };
    let (_, counts) = subject.split_once(": ").expect("figures");
    let counts: Vec<usize> = counts
        .split(", ")
        .map(|count| {
            count.split(' ').next().map(|count| count.replace(',', "").parse().expect("a number")).expect("a count")
        })
        .collect();
    let later =
        text.lines().filter_map(|line| line.strip_prefix("Number of logins of earlier reports that failed later : "));
    let failed_later = later.map(|count| count.parse::<usize>().expect("a number")).sum();
    let read = Figures { accounts: counts[0], logins: counts[1], outages: counts[2], failed_later };
    Expected::Report { figures: figures.as_ref().map(|_| read), is_day: *is_day }
}
