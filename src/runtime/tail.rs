//! Follows one log, whatever happens to its file.
//!
//! *Rename*: the old file is read on until the new one has bytes and the old one has been quiet for some stats
//! periods, because each pgbouncer goes on writing to it until it is told to reopen. *copytruncate* (Debian's way) is
//! noticed by the size, or by the bytes just before the place; what had not been read is read from the copy, which
//! is found by these same bytes.

mod packed;
mod place;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::world::{Status, World};
use crate::limits::{DIGEST_BYTES, DONE_FILES, OLD_FILES, SILENT_PERIODS};
use crate::pgbouncer::lines::{Line, Lines, Taker};

pub use place::Place;

/// Who takes the lines.
pub type Take<'a> = &'a mut dyn Taker;

/// Something that a DBA should know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// There is no file at the path.
    Missing,
    /// There is a file again, or at last.
    Appeared,
    /// The file cannot be read.
    Unreadable(ErrorKind),
    /// What had been written before the file was truncated is lost.
    Gap,
}

/// Takes all lines but the first: that of the last bytes of a file is seldom whole.
struct ButFirst<'a> {
    first: bool,
    take: Take<'a>,
}

impl Taker for ButFirst<'_> {
    fn line(&mut self, line: &Line<'_>) {
        if !std::mem::take(&mut self.first) {
            self.take.line(line);
        }
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        if self.first { 0 } else { self.take.usual(text, length) }
    }
}

#[derive(Debug)]
struct Source<F> {
    file: F,
    id: (u64, u64),
    owner: u32,
    lines: Lines,
    /// The bytes just before the place.
    digest: Vec<u8>,
    last_bytes: i64,
    /// When it was written to last, as of its opening.
    modified: i64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Tail<F> {
    path: PathBuf,
    current: Option<Source<F>>,
    old: Vec<Source<F>>,
    trouble: Option<Mishap>,
    /// A place that was not found again, as long as there is no file that could be it.
    unresolved: Option<Place>,
    /// So often that is looked for again though there is a file at the path.
    patience: u32,
    /// How files begin that are not read any more, hashed: the newest of them.
    done: VecDeque<u64>,
    /// Which of the logs it is, as long as it is followed and over restarts.
    pub(super) number: u32,
}

impl<F> Tail<F> {
    /// A tail of the file at `path`, which may not be there yet.
    pub fn new(path: PathBuf, number: u32) -> Self {
        Self {
            path,
            number,
            current: None,
            old: Vec::new(),
            trouble: None,
            unresolved: None,
            patience: place::PATIENCE,
            done: VecDeque::new(),
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The user whose file it is.
    pub fn owner(&self) -> Option<u32> {
        self.current.as_ref().map(|source| source.owner)
    }

    /// Whole lines that are not taken yet, because the byte behind them is not known.
    pub fn waiting(&self) -> impl Iterator<Item = Line<'_>> {
        self.old.iter().chain(&self.current).filter_map(|source| source.lines.waiting())
    }

    /// What is wrong with the file.
    pub fn trouble(&self) -> Option<Mishap> {
        self.trouble
    }

    /// Reads what is there already, at most its last `most` bytes, up to the place `until`, which is the end of a line.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn begin(
        &mut self,
        world: &mut impl World<File = F>,
        (most, until): (u64, u64),
        take: Take<'_>,
    ) -> io::Result<()> {
        let mut source = Source::open(world, &self.path, 0)?;
        let skip = until.saturating_sub(most);
        source.lines.restart(skip);
        // With the byte behind it, if there is one.
        source.read_until(world, until + 1, &mut ButFirst { first: skip > 0, take })?;
        if let Some(line) = source.lines.last_line() {
            take.line(&line);
        }
        self.current = Some(source);
        Ok(())
    }

    /// Reads what is new at `now`. `period` is how often the log has stats, both in milliseconds.
    pub fn poll(
        &mut self,
        world: &mut impl World<File = F>,
        now: i64,
        period: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) {
        self.poll_old(world, now, period, take);
        let trouble = self.look(world, now, take, tell).err().map(|error| match error.kind() {
            ErrorKind::NotFound => Mishap::Missing,
            kind => Mishap::Unreadable(kind),
        });
        if trouble != self.trouble {
            tell(trouble.unwrap_or(Mishap::Appeared));
            self.trouble = trouble;
        }
        self.poll_current(world, now, take);
    }

    /// Gives out what waits for a byte that will not come any more.
    pub fn finish(&mut self, take: Take<'_>) {
        for source in self.old.iter_mut().chain(self.current.as_mut()) {
            if let Some(line) = source.lines.last_line() {
                take.line(&line);
            }
        }
    }

    /// Looks which file is at the path, and follows it.
    fn look(
        &mut self,
        world: &mut impl World<File = F>,
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) -> io::Result<()> {
        let status = world.status_of(&self.path)?;
        match &mut self.current {
            Some(source) if source.id == status.id => {
                if source.is_truncated(world, status.size)? {
                    self.truncated(world, now, take, tell);
                }
            }
            Some(_) => {
                let new = Source::open(world, &self.path, now)?;
                self.poll_current(world, now, take);
                if status.size > 0
                    && let Some(source) = &mut self.current
                {
                    // It is the new file that is written to by now: what is in the old one comes before that.
                    let _ = source.read(world, take);
                    if let Some(line) = source.lines.last_line() {
                        take.line(&line);
                    }
                }
                let left = self.current.as_ref().map(|source| source.id);
                let modified = self.current.as_ref().and_then(|source| world.status(&source.file).ok());
                self.retire(world);
                if let Some((id, status)) = left.zip(modified) {
                    // There may have been others in between.
                    self.read_between(world, (id, status.modified), now, take, tell);
                }
                self.current = Some(new);
            }
            None => {
                let new = Source::open(world, &self.path, now)?;
                match self.unresolved.take() {
                    Some(place) => {
                        self.resume(world, &place, now, take, tell);
                        if self.current.is_none() && self.unresolved.is_none() {
                            self.current = Some(new);
                        }
                    }
                    None => self.current = Some(new),
                }
            }
        }
        Ok(())
    }

    /// The file at the path is another one: goes on with the old one for a while.
    fn retire(&mut self, world: &mut impl World<File = F>) {
        if self.old.len() == OLD_FILES {
            let source = self.old.remove(0);
            self.is_done(place::beginning(world, &source.file));
        }
        self.old.extend(self.current.take());
    }

    /// A file is not read any more.
    fn is_done(&mut self, begin: u64) {
        if self.done.len() == DONE_FILES {
            self.done.pop_front();
        }
        self.done.push_back(begin);
    }

    fn poll_old(&mut self, world: &mut impl World<File = F>, now: i64, period: i64, take: Take<'_>) {
        if self.old.is_empty() {
            // The usual case: a quiet log costs no call for what is not there.
            return;
        }
        let current = self.current.as_ref().and_then(|source| world.status(&source.file).ok());
        let has_bytes = current.is_some_and(|status| status.size > 0);
        let mut done = Vec::new();
        self.old.retain_mut(|source| {
            source.poll(world, now, take);
            if has_bytes && let Some(line) = source.lines.last_line() {
                // What is in the new file comes after it.
                take.line(&line);
            }
            let quiet = now - source.last_bytes > SILENT_PERIODS * period;
            if quiet && has_bytes {
                done.push(place::beginning(world, &source.file));
            }
            !(quiet && has_bytes)
        });
        done.into_iter().for_each(|begin| self.is_done(begin));
    }

    fn poll_current(&mut self, world: &mut impl World<File = F>, now: i64, take: Take<'_>) {
        if let Some(source) = &mut self.current {
            source.poll(world, now, take);
        }
    }

    /// The file was truncated: what had not been read of it is read from its copy, if there is one.
    fn truncated(&mut self, world: &mut impl World<File = F>, now: i64, take: Take<'_>, tell: &mut dyn FnMut(Mishap)) {
        let Some(source) = &mut self.current else { return };
        let copy = find_copy(world, &self.path, source);
        let found = copy.as_ref().and_then(|copy| world.status(copy).ok());
        let begin = copy.as_ref().map(|copy| place::beginning(world, copy));
        match copy {
            Some(mut copy) => {
                std::mem::swap(&mut source.file, &mut copy);
                let read = source.read(world, take);
                std::mem::swap(&mut source.file, &mut copy);
                if read.is_err() {
                    tell(Mishap::Gap);
                }
            }
            None => tell(Mishap::Gap),
        }
        if let Some(line) = source.lines.last_line() {
            take.line(&line);
        }
        source.lines.restart(0);
        source.digest.clear();
        if let Some((status, begin)) = found.zip(begin) {
            // It may have been copied and truncated more than once.
            self.is_done(begin);
            self.read_between(world, (status.id, status.modified), now, take, tell);
        }
    }
}

impl<F> Source<F> {
    fn open(world: &mut impl World<File = F>, path: &Path, now: i64) -> io::Result<Self> {
        let file = world.open(path)?;
        let Status { id, owner, modified, .. } = world.status(&file)?;
        let (lines, digest) = (Lines::new(), Vec::with_capacity(DIGEST_BYTES));
        Ok(Self { file, id, owner, lines, digest, last_bytes: now, modified })
    }

    /// Reads what is new; where nothing is, the line that waited for its next byte has waited long enough.
    fn poll(&mut self, world: &mut impl World<File = F>, now: i64, take: Take<'_>) {
        match self.read(world, take) {
            Ok(0) | Err(_) => {
                if let Some(line) = self.lines.last_line() {
                    take.line(&line);
                }
            }
            Ok(_) => self.last_bytes = now,
        }
    }

    /// Reads to the end; says how many bytes.
    fn read(&mut self, world: &mut impl World<File = F>, take: Take<'_>) -> io::Result<u64> {
        self.read_until(world, u64::MAX, take)
    }

    fn read_until(&mut self, world: &mut impl World<File = F>, until: u64, take: Take<'_>) -> io::Result<u64> {
        let begin = self.lines.end_offset();
        loop {
            let offset = self.lines.end_offset();
            let room = self.lines.room();
            let left = until.saturating_sub(offset).min(room.len() as u64) as usize;
            let room = &mut room[..left];
            let count = world.read_at(&self.file, offset, room)?;
            if count == 0 {
                return Ok(offset - begin);
            }
            remember(&mut self.digest, &room[..count]);
            self.lines.filled(count);
            self.lines.drain(take);
        }
    }

    /// Whether the file is not any more what was read of it.
    fn is_truncated(&mut self, world: &mut impl World<File = F>, size: u64) -> io::Result<bool> {
        let place = self.lines.end_offset();
        if size <= place || self.digest.is_empty() {
            return Ok(size < place);
        }
        Ok(!self.is_same(world, None)?)
    }

    /// Whether this file, or `other`, has the bytes that were read just before the place.
    fn is_same(&mut self, world: &mut impl World<File = F>, other: Option<&F>) -> io::Result<bool> {
        let mut bytes = [0; DIGEST_BYTES];
        let bytes = &mut bytes[..self.digest.len()];
        let from = self.lines.end_offset() - bytes.len() as u64;
        let count = world.read_at(other.unwrap_or(&self.file), from, bytes)?;
        Ok(count == bytes.len() && *bytes == *self.digest)
    }
}

/// Keeps the last bytes of what was read.
fn remember(digest: &mut Vec<u8>, read: &[u8]) {
    let keep = DIGEST_BYTES.saturating_sub(read.len()).min(digest.len());
    digest.drain(..digest.len() - keep);
    digest.extend_from_slice(&read[read.len().saturating_sub(DIGEST_BYTES)..]);
}

/// The copy that logrotate made before it truncated the file: beside it, under its name with something behind, with
/// the same bytes before the place.
fn find_copy<F>(world: &mut impl World<File = F>, path: &Path, source: &mut Source<F>) -> Option<F> {
    if source.digest.is_empty() {
        return None;
    }
    let siblings = place::siblings(world, path);
    let copies = siblings.iter().filter_map(|other| {
        let file = world.open(other).ok()?;
        let Status { id, size, .. } = world.status(&file).ok()?;
        let same = id != source.id && source.is_same(world, Some(&file)).ok()?;
        same.then_some((size, file))
    });
    // Somebody may have made a copy of his own before.
    copies.max_by_key(|copy| copy.0).map(|copy| copy.1)
}
