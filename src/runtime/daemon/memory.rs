//! What a daemon remembers from one run to the next.

use std::path::Path;

use super::Daemon;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::pgbouncer::lines::Line;
use crate::runtime::state::{self, Saver, State};
use crate::runtime::tail::{Place, Tail};
use crate::runtime::world::{Output, World};

impl<F> Daemon<F> {
    /// Goes on from the state file, if there is one that can be used; else reads what is in the logs already. `settings`
    /// makes the analyzer's, which are needed once more where the state's cannot be used.
    pub(super) fn remember(&mut self, world: &mut impl World<File = F>, settings: Settings) {
        let Some(path) = self.config.state_file.clone() else {
            self.look_back(world, &[]);
            return;
        };
        self.saver = Some(Saver::new(path.clone()));
        match state::load(world, &path) {
            Ok(None) => self.begin(world),
            Ok(Some(state)) => match self.fits(state, settings) {
                Ok(state) => self.go_on(world, state),
                Err(why) => self.begin_in_spite_of(world, &path, why),
            },
            Err(why) => self.begin_in_spite_of(world, &path, &why),
        }
    }

    /// The same state with the analyzer as the configuration now has it, or why it is of no use.
    fn fits(&self, state: State, settings: Settings) -> Result<State, &'static str> {
        if !state.places.iter().any(|place| self.config.logs.contains(&place.path)) {
            return Err("it is of another log");
        }
        let analyzer = state.analyzer.restored(settings).ok_or("it is damaged")?;
        Ok(State { analyzer, ..state })
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
        let now = world.now();
        let places: Vec<Place> = self.tails.iter().map(|tail| tail.end_place(world, now)).collect();
        self.save(world, Some(places.clone()), false);
        self.look_back(world, &places);
    }

    fn go_on(&mut self, world: &mut impl World<File = F>, state: State) {
        let State { is_over, start, day_start, knows_nothing, places, analyzer, post } = state;
        (self.analyzer, self.day_start) = (analyzer, day_start);
        self.post.restore(post);
        if is_over {
            self.analyzer.begin_run();
        } else {
            self.start = start;
        }
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
            let take = &mut |line: &Line<'_>| _ = analyzer.line(line);
            match places.iter().find(|place| place.path == tail.path()) {
                Some(place) => tail.resume(world, place, now, take, &mut |mishap| {
                    mishaps.push((place.path.display().to_string(), mishap));
                }),
                // As at the start: only what comes from now on is counted.
                None => _ = tail.begin(world, 0, &mut |_| {}),
            }
        }
        for (path, mishap) in mishaps {
            self.tell(world, &path, mishap);
        }
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
        if self.count_from.is_empty() && self.saver.as_ref().is_some_and(|saver| saver.is_due(now)) {
            self.save(world, None, false);
        }
    }

    /// Saves the state if there is a new letter, before that is sent: so it has the same id when it is sent again.
    pub(super) fn save_letters(&mut self, world: &mut impl World<File = F>) {
        if self.count_from.is_empty() && std::mem::take(&mut self.post.is_unsaved) {
            self.save(world, None, false);
        }
    }

    /// Saves the state: of before anything was read, if it says where that begins.
    pub(super) fn save(&mut self, world: &mut impl World<File = F>, begin: Option<Vec<Place>>, is_over: bool) {
        let Some(saver) = &mut self.saver else { return };
        let state: State<&Analyzer> = State {
            is_over,
            start: self.start,
            day_start: self.day_start,
            knows_nothing: begin.is_some(),
            places: begin.unwrap_or_else(|| self.tails.iter().map(Tail::place).collect()),
            analyzer: &self.analyzer,
            post: self.post.save(),
        };
        if let Some(said) = saver.save(world, &state) {
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
