//! The simulated world: it owns time, files and signals, runs the script while the daemon waits, and compares what the
//! daemon prints with what the model says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use loganalyzer::limits::OUTBOX_PAUSE_MS;
use loganalyzer::runtime::outbox::{Letter, Refusal, RefusalKind};
use loganalyzer::runtime::world::Signals;

use super::bouncer::{Bouncer, What};
use super::clock::Clock;
use super::files::Files;
use super::model::{Model, Told, View};
use super::script::{Action, MailServer, Script};

pub const LOG: &str = "/log/pgbouncer.log";
pub const STATE: &str = "/state/loganalyzer.json";

#[path = "shared.rs"]
mod shared;

pub use shared::Shared;

/// What a daemon that is killed panics with.
pub struct Killed;

/// See the module.
#[derive(Debug)]
pub struct Simulation {
    pub seed: u64,
    pub clock: Clock,
    pub files: Files,
    pub bouncer: Bouncer,
    pub script: Script,
    pub zone: TimeZone,
    pub model: Option<Model>,
    /// What is to be done: when, in which order, what.
    queue: BTreeSet<(i64, u64, Action)>,
    count: u64,
    printed: String,
    /// All that was told.
    pub history: Vec<(i64, Told)>,
    /// What the daemon printed that was no alert, for the comparison of two runs.
    pub output: String,
    pub is_over: bool,
    /// The last rare things that happened.
    actions: Vec<(i64, Action)>,
    pub ticks: u64,
    /// The daemon has looked at the log, and what it told is not compared yet.
    is_ticking: bool,
    /// Signals that came while a mail was sent.
    held: Signals,
    /// SIGUSR1 has come, and the report is not written yet.
    pub wants_report: bool,
    /// What the daemon knew when its state was saved last.
    saved: Option<Model>,
    /// A state was saved that knows the log.
    pub has_saved: bool,
    /// It is to be killed, once its state is saved again.
    pub wants_kill: bool,
    /// Where it was killed, and how often.
    pub killed_at: BTreeMap<&'static str, u32>,
    /// After so many steps of saving the state comes a `kill -9`.
    pub crash_after: Option<u32>,
    pub state_files: BTreeMap<PathBuf, Vec<u8>>,
    pub mails: usize,
    /// Mails that were refused for good, that there was no room for, or that were left at the end.
    pub lost: usize,
}

impl Simulation {
    pub fn new(seed: u64, script: Script, bouncer: Bouncer, zone: TimeZone, clock: Clock) -> Self {
        let mut simulation = Self {
            seed,
            clock,
            files: Files::default(),
            bouncer,
            script,
            zone,
            model: None,
            queue: BTreeSet::new(),
            count: 0,
            printed: String::new(),
            history: Vec::new(),
            output: String::new(),
            is_over: false,
            actions: Vec::new(),
            ticks: 0,
            is_ticking: false,
            held: Signals::default(),
            wants_report: false,
            saved: None,
            has_saved: false,
            wants_kill: false,
            killed_at: BTreeMap::new(),
            crash_after: None,
            state_files: BTreeMap::new(),
            mails: 0,
            lost: 0,
        };
        let first = simulation.script.begin();
        first.into_iter().for_each(|(time, action)| simulation.at(time, action));
        simulation
    }

    /// Plans an action.
    pub fn at(&mut self, time: i64, action: Action) {
        self.count += 1;
        self.queue.insert((time.max(self.clock.now), self.count, action));
    }

    /// A daemon is about to start.
    pub fn begin_daemon(&mut self) {
        let entries = self.script.entries().to_vec();
        let view = View { bouncer: &self.bouncer, files: &self.files, clock: &self.clock, path: Path::new(LOG) };
        let fresh = || Model::new(&entries, self.zone.clone(), self.script.report_time, &view);
        let model = self.saved.clone().filter(|_| self.script.has_state).map(|mut model| {
            model.reconfigure(&entries, view.clock.now);
            model.resume(&view);
            // How long a mail has been refused is not kept.
            model.mailing.refused = None;
            model
        });
        self.model = Some(model.unwrap_or_else(fresh));
        // While nobody was there, nothing was sent.
        self.script.well_since = self.script.well_since.max(self.clock.now);
        self.printed.clear();
        (self.is_ticking, self.wants_report, self.held) = (true, false, Signals::default());
    }

    /// The daemon was killed, and is started again after a while.
    pub fn be_down(&mut self) {
        self.model = None;
        let end = self.clock.now + self.script.mail_random.choose(40 * 60_000) as i64;
        while self.clock.now < end && !self.is_over {
            // Nobody is there for signals.
            self.run_until(end);
        }
    }

    fn finish(&mut self) {
        let view = View { bouncer: &self.bouncer, files: &self.files, clock: &self.clock, path: Path::new(LOG) };
        self.model.as_mut().expect("begun").finish(&view);
    }

    /// The state is on the disk as of now.
    fn saved(&mut self, text: &[u8]) {
        let has = |word: &str| memchr::memmem::find(text, word.as_bytes()).is_some();
        if has("\"knows_nothing\":true") {
            return;
        }
        self.compare();
        self.has_saved = true;
        if std::mem::take(&mut self.wants_kill) {
            self.crash_after = Some(self.script.mail_random.choose(16) as u32);
        }
        let is_over = has("\"is_over\":true");
        if self.crash_after.is_none() && !is_over {
            // Nobody will ask for it.
            return;
        }
        self.saved.clone_from(&self.model);
        if let Some(model) = self.saved.as_mut().filter(|_| is_over) {
            model.mailing.begin_run();
        }
    }

    /// `kill -9`, if one is due: what was done to the state file so far stays as it is.
    fn crash_now(&mut self, step: &'static str, before: impl FnOnce(&mut Self, usize)) {
        if self.crash_after == Some(0) {
            self.crash_after = None;
            *self.killed_at.entry(step).or_insert(0) += 1;
            let part = self.script.mail_random.choose(101);
            before(self, part);
            std::panic::panic_any(Killed);
        }
        self.crash_after = self.crash_after.map(|steps| steps - 1);
    }

    /// A daemon has ended: what did not arrive was told, line by line.
    pub fn end_daemon(&mut self) {
        if self.script.has_state {
            return;
        }
        self.lost += self.model.as_ref().map_or(0, |model| model.mailing.len());
        let told = self.output.lines().filter(|line| line.contains(" was not delivered: ")).count();
        assert_eq!(told, self.lost, "seed {}", self.seed);
    }

    /// The mail server takes a mail, or does not; what that takes of time goes by.
    fn send(&mut self, letter: &Letter) -> Result<String, Refusal> {
        self.compare();
        let mailing = &mut self.model.as_mut().expect("begun").mailing;
        mailing.check(letter, self.seed);
        let refusal = |kind| Err(Refusal { kind, message: "not now".to_owned() });
        match self.script.mail_server {
            MailServer::Well => {
                mailing.is_gone(true);
                self.mails += 1;
                Ok("250 OK".to_owned())
            }
            MailServer::Away => {
                mailing.refused = None;
                refusal(RefusalKind::Server)
            }
            MailServer::Silent => {
                mailing.refused = None;
                let end = self.clock.now + 10_000;
                self.held = self.run_until(end);
                refusal(RefusalKind::Server)
            }
            MailServer::Later => {
                if mailing.is_refused_for_a_day(letter, self.clock.now) {
                    mailing.is_gone(false);
                    self.lost += 1;
                }
                refusal(RefusalKind::Temporary)
            }
            MailServer::Never => {
                mailing.is_gone(false);
                self.lost += 1;
                refusal(RefusalKind::Permanent)
            }
        }
    }

    /// A mail server that has been well for long has everything.
    fn check_that_all_has_arrived(&self) {
        let waits = self.model.as_ref().map_or(0, |model| model.mailing.len()) as i64;
        let well_for = self.clock.now - self.script.well_since;
        let long = OUTBOX_PAUSE_MS + 80 * self.script.delay;
        let is_well = self.script.mail_server == MailServer::Well && well_for > long;
        assert!(!is_well || waits <= 3, "seed {}: {waits} mails wait, {well_for} ms", self.seed);
    }

    /// Lets everything happen until a time, or until a signal comes.
    pub fn run_until(&mut self, end: i64) -> Signals {
        let mut signals = Signals::default();
        while let Some(first) = self.queue.first().copied()
            && first.0 <= end
        {
            self.queue.remove(&first);
            self.clock.now = first.0;
            if !matches!(first.2, Action::Try(..) | Action::Close(..) | Action::Stats(_) | Action::Leave(_)) {
                self.actions.push((first.0, first.2));
                let many = self.actions.len().saturating_sub(12);
                self.actions.drain(..many);
            }
            super::actions::perform(self, first.2, &mut signals);
            if signals != Signals::default() {
                return signals;
            }
        }
        self.clock.now = end;
        signals
    }

    /// A line for a person who looks for a difference.
    fn describe(&self, line: &super::bouncer::Line) -> String {
        let session = match line.what {
            What::Attempt(session) | What::Closing(session, _) => {
                let session = &self.bouncer.sessions[session];
                format!("{}/{} {:x}", session.database, session.user, session.pointer)
            }
            _ => String::new(),
        };
        format!("{} {} {:?} {session}", line.time, line.pid, line.what)
    }

    /// The daemon has ended a tick: what it told must be what the model says.
    fn compare(&mut self) {
        if !std::mem::take(&mut self.is_ticking) {
            return;
        }
        let view = View { bouncer: &self.bouncer, files: &self.files, clock: &self.clock, path: Path::new(LOG) };
        let mut expected = self.model.as_mut().expect("begun").tick(&view);
        let mut told = parse(&self.printed);
        self.printed.clear();
        expected.sort();
        told.sort();
        let context = || {
            let wall = jiff::Timestamp::from_millisecond(self.clock.wall()).expect("in range");
            let local = wall.to_zoned(self.zone.clone());
            let history: Vec<_> = self.history.iter().rev().take(6).collect();
            let lines: Vec<String> =
                self.bouncer.lines.iter().rev().take(400).rev().map(|line| self.describe(line)).collect();
            let lines = lines.join("\n");
            let (seed, now, script) = (self.seed, self.clock.now, &self.script);
            format!(
                "seed {seed}, true time {now}, {local}: before: {history:?}\n{script:?}\n{lines}\n{:?}\n",
                self.actions
            )
        };
        assert_eq!(told, expected, "{}", context());
        let now = self.clock.now;
        let wants_report = std::mem::take(&mut self.wants_report);
        let mailing = &mut self.model.as_mut().expect("begun").mailing;
        self.lost += mailing.tick(&told, &self.clock, wants_report);
        self.check_that_all_has_arrived();
        self.history.extend(told.into_iter().map(|told| (now, told)));
        self.ticks += 1;
    }
}

/// Reads alerts and recoveries back from what is printed.
pub fn parse(text: &str) -> Vec<Told> {
    let mut told = Vec::new();
    for line in text.lines() {
        let number = |text: &str| text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
        if let Some((_, rest)) = line.split_once(" ALERT ") {
            if rest.contains(" entries: ") {
                continue;
            }
            told.push(parse_alert(rest));
        } else if let Some((_, rest)) = line.split_once(" RECOVERED ") {
            if rest.contains(" entries: ") {
                continue;
            }
            let (name, rest) = rest.split_once(": ").expect("a name");
            let minutes = number(rest.rsplit_once("after ").expect("a length").1);
            told.push((name.to_owned(), "recovered".to_owned(), minutes));
        } else if line.starts_with("    ") && line.contains(": no login for ") {
            // Within a digest.
            told.push(parse_alert(line.trim()));
        } else if line.starts_with("    ") && line.contains(": logged in at ") {
            let (name, rest) = line.trim().split_once(": ").expect("a name");
            let minutes = number(rest.rsplit_once("after ").expect("a length").1);
            told.push((name.to_owned(), "recovered".to_owned(), minutes));
        }
    }
    told
}

fn parse_alert(text: &str) -> Told {
    let (name, rest) = text.split_once(": ").expect("a name");
    let verdict = rest.rsplit_once('(').and_then(|(_, rest)| rest.split_once(')')).expect("a verdict").0;
    let minutes = rest
        .split_once(" for ")
        .map_or(0, |(_, rest)| rest.split(' ').next().and_then(|word| word.parse().ok()).expect("minutes"));
    (name.to_owned(), verdict.to_owned(), minutes)
}
