//! Places in a log that outlive the program, and how the file of one is found again: by its number and by the bytes
//! just before the place, under whatever name.

use std::path::{Path, PathBuf};

use crate::kept;

use super::{Mishap, Source, Tail, Take, packed};
use std::hash::BuildHasher;

use crate::analysis::Unkeyed;
use crate::limits::{DIGEST_BYTES, LINE_MAX};
use crate::order;
use crate::runtime::world::World;

/// Where the reading of one log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The log.
    pub path: PathBuf,
    /// Its renamed files that are still read, the oldest first, and the one at the path.
    files: Vec<FilePlace>,
    /// How files begin that are not read any more, hashed.
    done: Vec<u64>,
    /// Which of the logs it is.
    pub(in crate::runtime) number: u32,
}

kept!(Place { path, files, done, number });

/// So often a file that is not found is looked for again, as logrotate gives them all other names one after the other.
pub(super) const PATIENCE: u32 = 8;

impl Place {
    /// Where the next line of the file at the path begins.
    pub fn offset(&self) -> u64 {
        self.files.last().map_or(0, |file| file.offset)
    }
}

/// Where the reading of one file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilePlace {
    /// Device and inode.
    id: (u64, u64),
    /// Where the next line begins.
    offset: u64,
    /// Within a line that is too long.
    skipping: bool,
    /// How far it was read.
    pub(super) end: u64,
    /// The bytes just before that.
    pub(super) digest: Vec<u8>,
    /// When something was read last, in milliseconds since 1970-01-01 UTC.
    last_bytes: i64,
    /// When it was written to last, as of its opening, in nanoseconds since any moment.
    modified: i64,
}

kept!(FilePlace { id, offset, skipping, end, digest, last_bytes, modified });

impl<F> Tail<F> {
    /// Where the reading stands.
    pub fn place(&self) -> Place {
        let read = self.old.iter().chain(&self.current).map(Source::place);
        let files = read.chain(self.unresolved.iter().flat_map(|place| place.files.clone())).collect();
        Place { path: self.path.clone(), files, done: self.done.iter().copied().collect(), number: self.number }
    }

    /// The place behind the last whole line that is there now, before anything was read.
    pub fn end_place(&self, world: &mut impl World<File = F>, now: i64) -> Place {
        let file = Source::open(world, &self.path, now).ok().and_then(|source| source.end_place(world));
        Place { path: self.path.clone(), files: file.into_iter().collect(), done: Vec::new(), number: self.number }
    }

    /// Whether the file at the path is the last one of a place, and still holds that.
    pub fn is_at_path(&self, world: &mut impl World<File = F>, place: &Place) -> bool {
        let id = world.status_of(&self.path).ok().map(|status| status.id);
        let is_same = |world: &mut _, file: &FilePlace| Source::reopen(world, &self.path, file).is_some();
        // What holds nothing may be anything.
        place.files.last().is_none_or(|file| Some(file.id) == id && file.end > 0 && is_same(world, file))
    }

    /// Whoever ends does not look again for what is not found.
    pub fn lose_patience(&mut self) {
        self.patience = 0;
    }

    /// Goes on from a place: what was written since is taken, also from files that were rotated in the meantime.
    pub fn resume(
        &mut self,
        world: &mut impl World<File = F>,
        place: &Place,
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) {
        let at_path = world.open(&self.path).and_then(|file| world.status(&file)).map(|status| status.id);
        self.done.extend(&place.done);
        for (number, file) in place.files.iter().enumerate() {
            let is_last = number + 1 == place.files.len();
            match find(world, &self.path, file) {
                Some(source) if at_path.as_ref().is_ok_and(|id| *id == source.id) => {
                    if file.end == 0 {
                        // No bytes tell whether it was copied and truncated: what is newer was written since.
                        self.read_between(world, (file.id, file.modified), now, take, tell);
                    }
                    self.current = Some(source);
                }
                Some(source) => {
                    let (id, modified) = (source.id, source.modified);
                    self.catch_up(world, source, take);
                    if is_last {
                        self.read_between(world, (id, modified), now, take, tell);
                    }
                }
                // One that was renamed before has been read to its end, as far as anybody knows.
                None if !is_last => {}
                None if self.resume_packed(world, file, now, take, tell).is_some() => {}
                None if file.end == 0 && at_path.is_ok() => {
                    // It was empty, and is compressed by now: what is newer was written since.
                    self.read_between(world, (file.id, file.modified), now, take, tell);
                }
                // Its folder may not be there yet.
                None if at_path.is_err() => {
                    let (path, files) = (self.path.clone(), vec![file.clone()]);
                    self.unresolved = Some(Place { path, files, done: Vec::new(), number: self.number });
                }
                // logrotate may be giving it another name just now.
                None if self.patience > 0 => {
                    self.patience -= 1;
                    let (path, files) = (self.path.clone(), vec![file.clone()]);
                    self.unresolved = Some(Place { path, files, done: Vec::new(), number: self.number });
                }
                None => tell(Mishap::Gap),
            }
        }
    }

    /// The same where the file was compressed in the meantime; `None` if there is no such file.
    fn resume_packed(
        &mut self,
        world: &mut impl World<File = F>,
        place: &FilePlace,
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) -> Option<()> {
        let siblings = siblings(world, &self.path);
        let path = packed::find(world, &siblings, place)?;
        let status = world.status_of(&path).ok()?;
        packed::read(world, &path, (place.offset, place.skipping), take).ok()?;
        self.read_between(world, (status.id, status.modified), now, take, tell);
        Some(())
    }

    /// Reads a file that was renamed, and keeps it: somebody may go on writing to it.
    fn catch_up(&mut self, world: &mut impl World<File = F>, mut source: Source<F>, take: Take<'_>) {
        let _ = source.read(world, take);
        if let Some(line) = source.lines.last_line() {
            take.line(&line);
        }
        self.current = Some(source);
        self.retire(world);
    }

    /// Reads the files that were rotated after one, in the order in which they were written to. While logrotate gives them
    /// other names they are looked for again.
    pub(super) fn read_between(
        &mut self,
        world: &mut impl World<File = F>,
        after: ((u64, u64), i64),
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) {
        if !(0..PATIENCE).any(|_| self.try_between(world, after, now, take, tell)) {
            tell(Mishap::Gap);
        }
    }

    /// The same once; `false` if a name has become another file's meanwhile.
    fn try_between(
        &mut self,
        world: &mut impl World<File = F>,
        (id, modified): ((u64, u64), i64),
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let siblings = siblings(world, &self.path);
        let mut between: Vec<(i64, (u64, u64), &PathBuf)> = siblings
            .iter()
            .filter(|path| is_logrotates(&name, path) && !is_being_packed(path, &siblings))
            .filter_map(|path| Some((path, world.status_of(path).ok()?)))
            .filter(|(_, status)| status.is_file && status.modified > modified && status.id != id)
            .map(|(path, status)| (status.modified, status.id, path))
            .collect();
        order::sort_by(&mut between, Ord::cmp);
        for (_, id, path) in between {
            if !self.read_one_between(world, (path, id), now, take, tell) {
                return false;
            }
        }
        true
    }

    /// Reads a file, unless it was read already; `false` if there is another one of its name by now.
    fn read_one_between(
        &mut self,
        world: &mut impl World<File = F>,
        (path, id): (&Path, (u64, u64)),
        now: i64,
        take: Take<'_>,
        tell: &mut dyn FnMut(Mishap),
    ) -> bool {
        let begin = beginning_of(world, path);
        if !world.status_of(path).is_ok_and(|status| status.id == id) {
            return false;
        }
        let Some(begin) = begin else {
            tell(Mishap::Gap);
            return true;
        };
        if self.is_known(world, begin) {
            return true;
        }
        if !packed::is_packed(path) {
            match Source::open(world, path, now) {
                Ok(source) if source.id == id => self.catch_up(world, source, take),
                _ => return false,
            }
            return true;
        }
        self.is_done(begin);
        if packed::read(world, path, (0, false), take).is_err() {
            tell(Mishap::Gap);
        }
        true
    }

    /// Whether a file that begins so was read already, or is read, under this name or as what it is a copy of.
    fn is_known(&mut self, world: &mut impl World<File = F>, begin: u64) -> bool {
        let is_read = self.old.iter().chain(&self.current).any(|source| beginning(world, &source.file) == begin);
        is_read || self.done.contains(&begin) || beginning_of(world, &self.path) == Some(begin)
    }
}

/// A hash of how a file begins.
pub(super) fn beginning<F>(world: &mut impl World<File = F>, file: &F) -> u64 {
    let mut bytes = vec![0; DIGEST_BYTES];
    let count = world.read_at(file, 0, &mut bytes).unwrap_or(0);
    hash(&bytes[..count])
}

/// The same of the file at a path, which may be compressed; `None` if it cannot be read.
fn beginning_of<F>(world: &mut impl World<File = F>, path: &Path) -> Option<u64> {
    if packed::is_packed(path) {
        return packed::beginning(world, path).ok().map(|bytes| hash(&bytes));
    }
    let file = world.open(path).ok()?;
    Some(beginning(world, &file))
}

fn hash(bytes: &[u8]) -> u64 {
    Unkeyed.hash_one(bytes)
}

/// `x.log.1.gz` beside `x.log.1`: what is in it is in the other one as well, and it may not be whole.
fn is_being_packed(path: &Path, siblings: &[PathBuf]) -> bool {
    packed::is_packed(path) && siblings.contains(&path.with_extension(""))
}

/// Whether logrotate gives such a name to a file of this log: a number or a date behind it, and perhaps `.gz`. Who keeps a
/// copy for himself calls it otherwise.
fn is_logrotates(log: &str, path: &Path) -> bool {
    let Some(rest) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_prefix(log)) else {
        return false;
    };
    let number = rest.strip_suffix(".gz").or_else(|| backup_hour(rest)).unwrap_or(rest);
    let is_digit = |byte: u8| byte.is_ascii_digit() || b"-_.T:".contains(&byte);
    number.len() > 1 && number.bytes().all(is_digit)
}

/// `-2026112606` of `x.log-2026112606.backup`: so logrotate calls a log that pgbouncer made between the rename and the
/// making of the new one, because it was told to reopen by the rotation before (`createOutputFile` in logrotate.c).
fn backup_hour(rest: &str) -> Option<&str> {
    rest.strip_suffix(".backup").filter(|hour| hour.starts_with('-') && hour.len() == "-YYYYMMDDHH".len())
}

impl<F> Source<F> {
    fn place(&self) -> FilePlace {
        let Self { id, lines, digest, last_bytes, modified, .. } = self;
        let (offset, skipping, end) = (lines.offset(), lines.is_skipping(), lines.end_offset());
        FilePlace {
            id: *id,
            offset,
            skipping,
            end,
            digest: digest.clone(),
            last_bytes: *last_bytes,
            modified: *modified,
        }
    }

    fn end_place(&self, world: &mut impl World<File = F>) -> Option<FilePlace> {
        let size = world.status(&self.file).ok()?.size;
        let from = size.saturating_sub(LINE_MAX as u64 + DIGEST_BYTES as u64);
        let mut bytes = vec![0; (size - from) as usize];
        let count = world.read_at(&self.file, from, &mut bytes).ok()?;
        let last = memchr::memrchr(b'\n', &bytes[..count]).map(|newline| newline + 1);
        let end = last.unwrap_or(if from == 0 { 0 } else { count });
        let digest = bytes[end.saturating_sub(DIGEST_BYTES)..end].to_vec();
        let (offset, skipping) = (from + end as u64, last.is_none() && from > 0);
        Some(FilePlace {
            id: self.id,
            offset,
            skipping,
            end: offset,
            digest,
            last_bytes: self.last_bytes,
            modified: self.modified,
        })
    }

    /// The same file again, if it still holds the place.
    fn reopen(world: &mut impl World<File = F>, path: &Path, place: &FilePlace) -> Option<Self> {
        let mut source = Self::open(world, path, place.last_bytes).ok()?;
        source.lines.restart(place.end);
        source.digest.clone_from(&place.digest);
        if world.status(&source.file).ok()?.size < place.end || !source.is_same(world, None).ok()? {
            return None;
        }
        source.lines.resume(place.offset, place.skipping);
        let from = place.offset.saturating_sub(DIGEST_BYTES as u64);
        source.digest.resize((place.offset - from) as usize, 0);
        let count = world.read_at(&source.file, from, &mut source.digest).ok()?;
        (count == source.digest.len()).then_some(source)
    }
}

/// The file of a place: the one with its number, if that holds the place, else whichever does.
fn find<F>(world: &mut impl World<File = F>, path: &Path, place: &FilePlace) -> Option<Source<F>> {
    let mut paths = vec![path.to_owned()];
    paths.extend(siblings(world, path));
    let has_id = |world: &mut dyn FnMut(&Path) -> Option<(u64, u64)>, path: &PathBuf| world(path) == Some(place.id);
    let mut id_of = |path: &Path| world.status_of(path).ok().map(|status| status.id);
    let (own, others): (Vec<PathBuf>, Vec<PathBuf>) = paths.into_iter().partition(|path| has_id(&mut id_of, path));
    let own = own.iter().find_map(|path| Source::reopen(world, path, place));
    // Without bytes to tell it by, any file would do.
    let others = || others.iter().filter(|_| !place.digest.is_empty());
    // Somebody may have made a copy of his own before logrotate did.
    let mut longest = || {
        let found = others().filter_map(|path| Source::reopen(world, path, place)).collect::<Vec<_>>();
        let sized =
            found.into_iter().map(|source| (world.status(&source.file).map_or(0, |status| status.size), source));
        sized.max_by_key(|(size, _)| *size).map(|(_, source)| source)
    };
    own.or_else(&mut longest)
}

/// The files beside a log that logrotate has made of it: its name, and a number or a date behind it.
pub(super) fn siblings<F>(world: &mut impl World<File = F>, path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let is_rotated = |other: &PathBuf| {
        let other = other.file_name().and_then(|other| other.to_str()).and_then(|other| other.strip_prefix(name));
        other.is_some_and(|rest| rest.starts_with(['.', '-']))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut files = world.list(folder).unwrap_or_default();
    files.retain(|file| is_rotated(file) && world.status_of(file).is_ok_and(|status| status.is_file));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_logrotate_calls_a_file_and_what_somebody_else_does() {
        let own = ["x.log.1", "x.log.12.gz", "x.log-20261123", "x.log-20261123-1795454173", "x.log.2026-11-23_05.gz"];
        for name in own.into_iter().chain(["x.log-2026112606.backup"]) {
            assert!(is_logrotates("x.log", Path::new(name)), "{name}");
        }
        let others = ["x.log", "x.log.bak", "x.log.1~", "x.log.", "x.log.gz", "x.log.1.old", "x.logs.1", "y.log.1"];
        for name in others.into_iter().chain(["x.log.1.backup", "x.log-20261126.backup", "x.log.backup"]) {
            assert!(!is_logrotates("x.log", Path::new(name)), "{name}");
        }
    }
}
