//! What came of the mutants, kept from one run to the next.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What came of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A test fails.
    Caught,
    /// A test does not end, which it does without the mutant.
    TimedOut,
    /// All tests that come by it pass.
    Missed,
    /// No test comes by it.
    Unreached,
    /// With it, the tree does not compile.
    NotCompiled,
    /// It is where no switch can be: in a constant, a `const fn` or a condition with `let`.
    NotTried,
}

const NAMES: [(Outcome, &str); 6] = [
    (Outcome::Caught, "Caught"),
    (Outcome::TimedOut, "TimedOut"),
    (Outcome::Missed, "Missed"),
    (Outcome::Unreached, "Unreached"),
    (Outcome::NotCompiled, "NotCompiled"),
    (Outcome::NotTried, "NotTried"),
];

/// A file with an outcome and a mutant in each line; the last one of a mutant counts. A run that is ended loses nothing.
#[derive(Debug)]
pub struct Outcomes {
    path: PathBuf,
}

impl Outcomes {
    pub fn new(work: &Path) -> Self {
        Self { path: work.join("outcomes") }
    }

    /// What is known.
    pub fn known(&self) -> HashMap<String, Outcome> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        text.lines().filter_map(read).map(|(outcome, name)| (name.to_owned(), outcome)).collect()
    }

    /// Notes what came of a mutant, and says it if nobody has noticed it.
    pub fn add(&self, outcome: Outcome, name: &str) -> Result<(), String> {
        let line = format!("{outcome:?} {name}\n");
        if matches!(outcome, Outcome::Missed | Outcome::Unreached) {
            eprint!("{line}");
        }
        // One write for each line: several threads do not mix theirs.
        let written = File::options().create(true).append(true).open(&self.path);
        written.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| self.tell(&error))
    }

    /// Forgets all but these.
    pub fn keep(&self, names: &[(Outcome, &str)]) -> Result<(), String> {
        let lines: String = names.iter().map(|(outcome, name)| format!("{outcome:?} {name}\n")).collect();
        fs::write(&self.path, lines).map_err(|error| self.tell(&error))
    }

    fn tell(&self, error: &std::io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }
}

fn read(line: &str) -> Option<(Outcome, &str)> {
    let (word, name) = line.split_once(' ')?;
    let (outcome, _) = NAMES.into_iter().find(|(_, name)| *name == word)?;
    Some((outcome, name))
}

/// Prints how many there are of each outcome in each of these folders.
pub fn summary(folders: &[&str], names: &[(Outcome, &str)]) {
    println!("| room | {} |", NAMES.map(|(_, name)| name).join(" | "));
    println!("|---|{}", "---|".repeat(NAMES.len()));
    for folder in folders {
        let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
        for (outcome, _) in names.iter().filter(|(_, name)| name.starts_with(folder)) {
            *counts.entry(*outcome).or_default() += 1;
        }
        let cells = NAMES.map(|(outcome, _)| counts.get(&outcome).copied().unwrap_or_default().to_string());
        println!("| `{folder}` | {} |", cells.join(" | "));
    }
}
