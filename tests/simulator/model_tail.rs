//! What the model knows of the log's files: which lines a daemon can have taken by now.

use std::collections::BTreeSet;

use super::bouncer::What;
use super::files::Handle;
use super::model::{Model, View};

#[derive(Debug, Clone)]
pub struct Followed {
    pub file: Handle,
    pub truncated: usize,
    /// The next of all lines to look at.
    pub next: usize,
}

impl Model {
    pub fn look_for_trouble(&mut self, view: &View<'_>) {
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

    /// A daemon goes on from what this model knew: follows the files that were there meanwhile, and nothing has waited.
    pub fn resume(&mut self, view: &View<'_>) {
        self.waited.clear();
        let files: BTreeSet<Handle> = view.bouncer.lines.iter().filter_map(|line| Some(line.place?.0)).collect();
        let last = self.followed.last().map_or(0, |followed| followed.file);
        for file in files.into_iter().filter(|&file| file > last) {
            self.followed.push(Followed { file, truncated: 0, next: 0 });
        }
        self.follow(view);
    }

    /// The daemon ends: no line waits any more.
    pub fn finish(&mut self, view: &View<'_>) {
        self.follow(view);
        self.waited = (0..view.bouncer.lines.len()).collect();
        self.read(view, false);
    }

    /// Follows the file at the path, beside those that were there before.
    pub fn follow(&mut self, view: &View<'_>) {
        if let Some(file) = view.files.at(view.path)
            && view.files.is_readable(file)
            && self.followed.last().is_none_or(|followed| followed.file != file)
        {
            let truncated = view.bouncer.truncated.get(file).copied().unwrap_or(0);
            self.followed.push(Followed { file, truncated, next: 0 });
        }
    }

    /// Takes every line of which it is known that it is whole.
    pub fn read(&mut self, view: &View<'_>, at_start: bool) {
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
}
