//! The simulated world: it owns time, files and signals, runs the script while the daemon waits, and compares what the
//! daemon prints with what the model says.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use jiff::tz::TimeZone;
use loganalyzer::runtime::world::{Output, Signals, Status, World};

use super::bouncer::{Bouncer, What};
use super::clock::Clock;
use super::files::{Files, Handle};
use super::model::{Model, Told, View};
use super::script::{Action, Script};

pub const LOG: &str = "/log/pgbouncer.log";

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
        self.model = Some(Model::new(&entries, self.zone.clone(), &view));
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
        self.history.extend(told.into_iter().map(|told| (now, told)));
        self.ticks += 1;
    }
}

/// Reads alerts and recoveries back from what is printed.
fn parse(text: &str) -> Vec<Told> {
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

/// The world that a daemon is given: it outlives the daemon.
#[derive(Debug, Clone)]
pub struct Shared(pub Rc<RefCell<Simulation>>);

impl World for Shared {
    type File = Handle;

    fn now(&mut self) -> i64 {
        self.0.borrow().clock.wall()
    }

    fn elapsed(&mut self) -> i64 {
        self.0.borrow().clock.now
    }

    fn open(&mut self, path: &Path) -> io::Result<Handle> {
        self.0.borrow().files.open(path)
    }

    fn status(&mut self, file: &Handle) -> io::Result<Status> {
        Ok(self.0.borrow().files.status(*file))
    }

    fn status_of(&mut self, path: &Path) -> io::Result<Status> {
        let simulation = self.0.borrow();
        let file = simulation.files.at(path).ok_or(ErrorKind::NotFound)?;
        Ok(simulation.files.status(file))
    }

    fn read_at(&mut self, file: &mut Handle, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.borrow().files.read_at(*file, offset, buffer))
    }

    fn list(&mut self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.borrow().files.list())
    }

    /// The configuration; there is no kernel to ask.
    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        if path.starts_with("/proc") {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(self.0.borrow().script.config_on_disk())
    }

    fn wait(&mut self, time: Duration) -> Signals {
        let mut simulation = self.0.borrow_mut();
        simulation.compare();
        let end = simulation.clock.now + i64::try_from(time.as_millis()).expect("short");
        simulation.run_until(end)
    }

    fn print(&mut self, output: Output, text: &str) {
        let mut simulation = self.0.borrow_mut();
        simulation.output += text;
        if output == Output::Standard {
            simulation.printed += text;
        }
    }
}
