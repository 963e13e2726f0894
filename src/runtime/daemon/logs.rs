//! The logs that are followed: which there are, and what is read of them.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::{Daemon, input};
use crate::analysis::heartbeat::Trouble;
use crate::limits::{LOGS, LOGS_MS, LOOK_BACK_BYTES};
use crate::order;
use crate::pgbouncer::lines::Line;
use crate::runtime::pattern;
use crate::runtime::tail::{Mishap, Place, Tail};
use crate::runtime::world::{Output, World};

impl<F> Daemon<F> {
    /// Follows what the configuration names, and what it named when a state was saved, at `places`.
    pub(super) fn find_logs(&mut self, world: &mut impl World<File = F>, places: &[Place]) {
        let mut paths = pattern::expand(world, &self.config.logs);
        let known = places.iter().map(|place| &place.path).filter(|path| self.is_configured(path));
        for path in known {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        paths.retain(|path| path != Path::new(input::NAME));
        paths.truncate(LOGS);
        self.find_input();
        self.tails.retain(|tail| paths.iter().any(|path| path == tail.path()));
        // Those that have a number keep it.
        for known in [true, false] {
            for path in &paths {
                let place = places.iter().find(|place| place.path == *path);
                if place.is_some() == known && !self.tails.iter().any(|tail| tail.path() == path) {
                    let number = place.map(|place| place.number).filter(|number| self.is_free(*number));
                    let number = number.unwrap_or_else(|| self.free_number());
                    self.tails.push(Tail::new(path.clone(), number));
                }
            }
        }
        order::sort_by_key(&mut self.tails, |tail| paths.iter().position(|path| path == tail.path()));
        self.name_logs();
        self.look_for_logs = world.elapsed() + LOGS_MS;
    }

    /// The analyzer knows which logs there are.
    fn name_logs(&mut self) {
        let names: Vec<(u32, String)> =
            self.tails.iter().map(|tail| (tail.number, tail.path().display().to_string())).collect();
        self.analyzer.follow_logs(names.iter().map(|(number, name)| (*number, &name[..])));
    }

    /// Whether the configuration names this log.
    pub(super) fn is_configured(&self, path: &Path) -> bool {
        self.config.logs.iter().any(|log| log == path || pattern::matches(log, path))
    }

    fn is_free(&self, number: u32) -> bool {
        (number as usize) < LOGS && self.tails.iter().all(|tail| tail.number != number)
    }

    fn free_number(&self) -> u32 {
        (0..LOGS as u32).find(|number| self.is_free(*number)).unwrap_or(0)
    }

    /// Where a pattern is configured, there may be logs that were not there before: all of them is new.
    pub(super) fn look_for_new_logs(&mut self, world: &mut impl World<File = F>) {
        if !self.config.logs.iter().any(|log| pattern::is_pattern(log)) || world.elapsed() < self.look_for_logs {
            return;
        }
        self.look_for_logs = world.elapsed() + LOGS_MS;
        for path in pattern::expand(world, &self.config.logs) {
            if self.tails.len() < LOGS && !self.tails.iter().any(|tail| tail.path() == path) {
                self.tails.push(Tail::new(path.clone(), self.free_number()));
                self.name_logs();
                self.tell(world, &path.display().to_string(), Mishap::Appeared);
            }
        }
    }

    /// The configuration was read again: of a log that it names now only what comes from now on is counted.
    pub(super) fn change_logs(&mut self, world: &mut impl World<File = F>) {
        let before: Vec<PathBuf> = self.tails.iter().map(|tail| tail.path().to_owned()).collect();
        self.find_logs(world, &[]);
        for tail in self.tails.iter_mut().filter(|tail| !before.iter().any(|path| path == tail.path())) {
            skip(tail, world, 0);
        }
    }

    /// Reads what is in the logs already, up to the places in `begin` where these are known. What comes behind is counted.
    pub(super) fn look_back(&mut self, world: &mut impl World<File = F>, begin: &[Place]) {
        let Self { tails, analyzer, .. } = self;
        for tail in tails {
            let known = begin.iter().find(|place| place.path == tail.path()).map(Place::offset);
            let until = known.unwrap_or_else(|| tail.end_place(world, 0).offset());
            analyzer.switch_log(tail.number);
            // A file that is not there, or cannot be read, is told by the first poll.
            let _ = tail.begin(world, (LOOK_BACK_BYTES, until), analyzer);
        }
        self.analyzer.begin_counting();
    }

    pub(super) fn poll(&mut self, world: &mut impl World<File = F>) {
        let (now, period) = (world.now(), self.analyzer.stats_period().milliseconds());
        self.look_for_new_logs(world);
        self.analyzer.read_live(now);
        self.poll_input(world);
        let mut mishaps: Vec<(PathBuf, Mishap)> = Vec::new();
        let mut said = String::new();
        let mut has_lines = false;
        let Self { tails, analyzer, options, .. } = self;
        for tail in tails {
            let mut found = Vec::new();
            let said = options.verbose.then_some((&mut said, options.style));
            analyzer.switch_log(tail.number);
            let mut reader = Reader { analyzer, has_lines: false, said };
            tail.poll(world, now, period, &mut reader, &mut |mishap| found.push(mishap));
            mishaps.extend(found.into_iter().map(|mishap| (tail.path().to_owned(), mishap)));
            has_lines |= reader.has_lines;
        }
        world.print(Output::Standard, &said);
        if has_lines || !mishaps.is_empty() {
            self.changed();
        }
        for (path, mishap) in mishaps {
            self.tell(world, &path.display().to_string(), mishap);
        }
        let Self { tails, analyzer, input, .. } = self;
        if tails.is_empty() && input.is_none() {
            // No file is called as the configuration says.
            analyzer.trouble(Some(Trouble::Missing), now);
        }
        for tail in tails {
            analyzer.switch_log(tail.number);
            analyzer.trouble(trouble(tail), now);
        }
    }

    pub(super) fn tell(&mut self, world: &mut impl World<File = F>, path: &str, mishap: Mishap) {
        let matter = match mishap {
            Mishap::Missing => "there is no such file; waiting for it".to_owned(),
            Mishap::Appeared => "following it".to_owned(),
            Mishap::Unreadable(kind) => format!("cannot be read ({kind}); trying again"),
            Mishap::Gap => {
                self.analyzer.gap();
                "was truncated, and no copy of it was found: lines may be missing".to_owned()
            }
        };
        world.print(Output::Error, &format!("loganalyzer: {path}: {matter}\n"));
    }
}

/// What is wrong with a file.
fn trouble<F>(tail: &Tail<F>) -> Option<Trouble> {
    match tail.trouble()? {
        Mishap::Missing => Some(Trouble::Missing),
        Mishap::Unreadable(_) => Some(Trouble::Unreadable),
        Mishap::Appeared | Mishap::Gap => None,
    }
}

/// Only what comes from now on is counted.
pub(super) fn skip<F>(tail: &mut Tail<F>, world: &mut impl World<File = F>, now: i64) {
    let until = tail.end_place(world, now).offset();
    let _ = tail.begin(world, (0, until), &mut |_: &Line<'_>| {});
}
