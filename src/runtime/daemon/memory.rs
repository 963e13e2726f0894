//! What a daemon remembers from one run to the next.

use std::path::Path;

use super::{Daemon, logs};
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::limits::{CLOCK_STEP_MS, REPLAY_JUMP_MS};
use crate::pgbouncer::lines::Taker;
use crate::runtime::state::{self, Saver, State, Unusable};
use crate::runtime::tail::{Place, Tail};
use crate::runtime::world::{Output, World};

impl<F> Daemon<F> {
    /// Goes on from the state file, if there is one that can be used; else reads what is in the logs already. `settings`
    /// makes the analyzer's, which are needed once more where the state's cannot be used.
    pub(super) fn remember(&mut self, world: &mut impl World<File = F>, settings: Settings) {
        let Some(path) = self.config.state_file.clone() else {
            self.find_logs(world, &[]);
            self.look_back(world, &[]);
            return;
        };
        self.saver = Some(Saver::new(path.clone()));
        match state::load(world, &path) {
            Ok(None) => self.begin(world),
            Ok(Some((state, analyzer))) => match self.fits(&state, analyzer, settings) {
                Ok(analyzer) => self.go_on(world, state, analyzer),
                Err(why) => self.begin_in_spite_of(world, &path, why),
            },
            Err(Unusable::Bad(why)) => self.begin_in_spite_of(world, &path, &why),
            Err(Unusable::Unread(why)) => {
                // It may be good, and is not overwritten.
                self.saver = None;
                let path = path.display();
                let text = format!("loganalyzer: {path}: {why}; this run begins anew, and its state is not saved\n");
                world.print(Output::Error, &text);
                self.find_logs(world, &[]);
                self.look_back(world, &[]);
            }
        }
    }

    /// What was known as the configuration now has it, or why it is of no use.
    fn fits(&self, state: &State, analyzer: Analyzer, settings: Settings) -> Result<Analyzer, &'static str> {
        if !state.places.iter().any(|place| self.is_configured(&place.path)) {
            return Err("it is of another log");
        }
        analyzer.restored(settings).ok_or("it is damaged")
    }

    fn begin_in_spite_of(&mut self, world: &mut impl World<File = F>, path: &Path, why: &str) {
        let aside = match state::put_aside(world, path) {
            Ok(aside) => format!("it is now {}", aside.display()),
            Err(error) => format!("it cannot be put aside: {error}"),
        };
        let path = path.display();
        world.print(Output::Error, &format!("loganalyzer: {path}: {why}; {aside}, and this run begins anew\n"));
        self.begin(world);
    }

    /// The first run: where it begins is saved before anything is read.
    fn begin(&mut self, world: &mut impl World<File = F>) {
        self.find_logs(world, &[]);
        let now = world.now();
        let places: Vec<Place> = self.tails.iter().map(|tail| tail.end_place(world, now)).collect();
        self.save(world, Some(places.clone()), false);
        self.look_back(world, &places);
        self.changed();
    }

    fn go_on(&mut self, world: &mut impl World<File = F>, state: State, analyzer: Analyzer) {
        let State { is_over, at, start, day_start, knows_nothing, places, post } = state;
        (self.analyzer, self.day_start) = (analyzer, day_start);
        self.post.restore(post, self.config.email.as_ref());
        self.find_logs(world, &places);
        if is_over {
            self.analyzer.begin_run();
        } else {
            self.start = start;
        }
        self.notice_clock_set_back(world, at);
        self.keep_day(world);
        let mut is_there = |tail: &Tail<F>, place: &Place| place.path == tail.path() && tail.is_at_path(world, place);
        if knows_nothing && self.tails.iter().zip(&places).all(|(tail, place)| is_there(tail, place)) {
            self.look_back(world, &places);
            return;
        }
        let now = world.now();
        let mut mishaps = Vec::new();
        for tail in &mut self.tails {
            let analyzer = &mut self.analyzer;
            analyzer.switch_log(tail.number);
            let take: &mut dyn Taker = analyzer;
            match places.iter().find(|place| place.path == tail.path()) {
                Some(place) => tail.resume(world, place, now, take, &mut |mishap| {
                    mishaps.push((place.path.display().to_string(), mishap));
                }),
                // As at the start: only what comes from now on is counted.
                None => logs::skip(tail, world, now),
            }
        }
        for (path, mishap) in mishaps {
            self.tell(world, &path, mishap);
        }
    }

    /// A clock that shows less than when the state was saved was set back in the meantime. How far, nobody knows; but
    /// nothing may lie in the future. (One that was set forward cannot be told from a long pause.)
    fn notice_clock_set_back(&mut self, world: &mut impl World<File = F>, at: i64) {
        let now = world.now();
        if now < at - CLOCK_STEP_MS {
            let by = now - at;
            self.analyzer.shift(by, (at, now));
            (self.start, self.day_start) = (self.start.saturating_add(by), self.day_start.saturating_add(by));
            if -by > REPLAY_JUMP_MS {
                self.post.begin_anew(now);
            }
        }
    }

    /// The configuration names another state file: what is there is put aside, and the old one is no state any more.
    pub(super) fn move_state(&mut self, world: &mut impl World<File = F>, old: Option<&Path>, new: Option<&Path>) {
        for path in [old, new].into_iter().flatten() {
            if let Ok(aside) = state::put_aside(world, path) {
                let (path, aside) = (path.display(), aside.display());
                world.print(Output::Error, &format!("loganalyzer: {path}: it is now {aside}\n"));
            }
        }
        self.saver = new.map(|path| Saver::new(path.to_owned()));
    }

    /// Where mail is configured, the figures of the day are kept.
    pub(super) fn keep_day(&mut self, world: &mut impl World<File = F>) {
        if self.config.email.is_some() && !self.analyzer.has_day() {
            self.analyzer.begin_first_day();
            self.day_start = world.now();
        }
    }

    /// Saves the state if it is time.
    pub(super) fn save_if_due(&mut self, world: &mut impl World<File = F>) {
        let now = world.elapsed();
        if self.saver.as_ref().is_some_and(|saver| saver.is_due(now)) {
            self.save(world, None, false);
        }
    }

    /// Saves the state if there is a new letter, before that is sent: so it has the same id when it is sent again.
    pub(super) fn save_letters(&mut self, world: &mut impl World<File = F>) {
        if std::mem::take(&mut self.post.is_unsaved) {
            self.save(world, None, false);
        }
    }

    /// Saves the state: of before anything was read, if it says where that begins.
    pub(super) fn save(&mut self, world: &mut impl World<File = F>, begin: Option<Vec<Place>>, is_over: bool) {
        let Some(saver) = &mut self.saver else { return };
        let state = State {
            is_over,
            at: world.now(),
            start: self.start,
            day_start: self.day_start,
            knows_nothing: begin.is_some(),
            places: begin.unwrap_or_else(|| self.tails.iter().map(Tail::place).collect()),
            post: self.post.save(),
        };
        if let Some(said) = saver.save(world, &state, &self.analyzer) {
            world.print(Output::Error, &format!("loganalyzer: {said}\n"));
        }
    }

    /// Something has changed that has to be saved.
    pub(super) fn changed(&mut self) {
        if let Some(saver) = &mut self.saver {
            saver.changed();
        }
    }
}
