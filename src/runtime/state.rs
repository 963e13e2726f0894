//! The state file: everything of one moment in one file, so that after `kill -9` the log is read on from exactly there.
//!
//! ```text
//! {"loganalyzer":3,"check":"0123456789abcdef","state":{…},"known":{…}}
//! ```
//!
//! It is written whole under another name, synced, and renamed. What is damaged, of another version or of another log is
//! put aside, and the run starts fresh.

use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::post::SavedPost;
use super::tail::Place;
use super::world::{World, beside};
use crate::analysis::analyzer::Analyzer;
use crate::kept;
use crate::kept::{Kept, Reader, Writer};
use crate::limits::{STATE_MS, STATE_SHARE};

/// The version of the format.
const HEAD: &str = "{\"loganalyzer\":3,\"check\":\"";
const MIDDLE: &str = "\",\"state\":";
const KNOWN: &str = ",\"known\":";

/// What is written beside what is known.
#[derive(Debug)]
pub struct State {
    /// The run has ended: its figures have been told.
    pub is_over: bool,
    /// When it was saved, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// When the run began, in the same sense.
    pub start: i64,
    /// When the day of the next daily report began.
    pub day_start: i64,
    /// What was in the logs at the start is not known yet: the places are those where counting begins.
    pub knows_nothing: bool,
    /// Where the logs are read on.
    pub places: Vec<Place>,
    /// What is to be mailed.
    pub post: SavedPost,
}

kept!(State { is_over, at, start, day_start, knows_nothing, places, post });

/// Why a state file is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It could not be read, but may be good.
    Unread(String),
    /// It is no state of this version.
    Bad(String),
}

/// Reads a state file; `None` if there is none.
///
/// # Errors
///
/// What is wrong with it.
pub fn load(world: &mut impl World, path: &Path) -> Result<Option<(State, Analyzer)>, Unusable> {
    let text = match world.read_text(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(Unusable::Bad(error.to_string())),
        Err(error) => return Err(Unusable::Unread(error.to_string())),
    };
    let damaged = || Unusable::Bad("it is damaged, or of another version".to_owned());
    let body = text.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix('}')).ok_or_else(damaged)?;
    let (check, body) = body.split_once(MIDDLE).ok_or_else(damaged)?;
    if check != digest(body) {
        return Err(damaged());
    }
    let mut from = Reader::new(body);
    let state = State::load(&mut from);
    from.expect(KNOWN);
    let analyzer = Analyzer::load(&mut from);
    if from.is_done() { Ok(Some((state, analyzer))) } else { Err(Unusable::Bad("it is of another version".to_owned())) }
}

/// What is written: the digest goes to its place when all is there, for it is as long as everything else together.
fn text(state: &State, analyzer: &Analyzer) -> String {
    let mut to = Writer::new(format!("{HEAD}{:016x}{MIDDLE}", 0));
    state.save(&mut to);
    to.push(KNOWN);
    analyzer.save(&mut to);
    let mut text = to.into_text();
    let body = HEAD.len() + 16 + MIDDLE.len();
    let check = digest(&text[body..]);
    text.replace_range(HEAD.len()..HEAD.len() + 16, &check);
    text.push('}');
    text
}

/// Against damage, and not against anybody: a hash without a secret.
fn digest(text: &str) -> String {
    let mut hasher = crate::analysis::Unkeyed.build_hasher();
    hasher.write(text.as_bytes());
    format!("{:016x}", hasher.finish())
}

/// Puts a state file aside; says under which name.
///
/// # Errors
///
/// The operating system's.
pub fn put_aside(world: &mut impl World, path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, ".bad");
    world.rename(path, &aside)?;
    Ok(aside)
}

/// When the state is saved, and whether that works.
#[derive(Debug)]
pub struct Saver {
    path: PathBuf,
    /// Not before this time, in milliseconds of the clock that nobody sets.
    until: i64,
    /// At the latest at this time, also if nothing seems to have changed.
    latest: i64,
    has_changed: bool,
    is_failing: bool,
}

impl Saver {
    /// Saves to `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, until: i64::MIN, latest: i64::MIN, has_changed: true, is_failing: false }
    }

    /// Something has changed since the last time.
    pub fn changed(&mut self) {
        self.has_changed = true;
    }

    /// Whether it is time: saving takes a hundredth of the time at most.
    pub fn is_due(&self, now: i64) -> bool {
        now >= self.until && (self.has_changed || now >= self.latest)
    }

    /// Saves; returns what is to be said of it.
    pub fn save(&mut self, world: &mut impl World, state: &State, analyzer: &Analyzer) -> Option<String> {
        let begin = world.elapsed();
        let result = self.write(world, state, analyzer);
        let now = world.elapsed();
        (self.until, self.latest) = (now + STATE_SHARE * (now - begin), now + STATE_MS);
        self.has_changed = result.is_err();
        let was_failing = std::mem::replace(&mut self.is_failing, result.is_err());
        let path = self.path.display();
        match result {
            Err(error) if !was_failing => Some(format!("{path}: {error}; the state is not saved")),
            Ok(()) if was_failing => Some(format!("{path}: the state is saved again")),
            _ => None,
        }
    }

    fn write(&self, world: &mut impl World, state: &State, analyzer: &Analyzer) -> io::Result<()> {
        let text = text(state, analyzer);
        let new = beside(&self.path, ".new");
        world.write(&new, text.as_bytes())?;
        world.rename(&new, &self.path)
    }
}
