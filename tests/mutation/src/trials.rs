//! Which tests come by which mutant, and what they say of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::compile::Binary;
use crate::outcomes::Outcome;
use crate::process::{self, End};

/// A test, how long it takes, and the switches that it asks.
#[derive(Debug)]
pub struct Test {
    binary: Binary,
    name: String,
    takes: Duration,
    asks: BTreeSet<usize>,
}

/// How long tests may take: one that takes longer by itself is left out, and of those that come by a mutant the quickest
/// are asked, as many as fit into this.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub jobs: usize,
    pub all: Duration,
}

/// Tests of one process.
const BATCH: usize = 12;

/// Does this for each item, with so many threads.
fn side_by_side<T: Sync, R: Send>(jobs: usize, items: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some((number, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|number| Some((number, items.get(number)?)))
                {
                    let result = act(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).insert(number, result);
                    if number % 100 == 99 {
                        eprintln!("mutation: {} of {}", number + 1, items.len());
                    }
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// Runs each test by itself. One that fails without a mutant, or takes too long, is left out, and that is said.
pub fn look(binaries: &[Binary], work: &Path, bounds: Bounds) -> Result<Vec<Test>, String> {
    let mut names = Vec::new();
    for binary in binaries {
        names.extend(process::list(binary)?.into_iter().map(|name| (binary.clone(), name)));
    }
    let numbered: Vec<_> = names.iter().enumerate().collect();
    let tests = side_by_side(bounds.jobs, &numbered, |(number, (binary, name))| {
        look_at(binary, name, &work.join(format!("reached-{number}")), bounds.all)
    });
    tests.into_iter().filter_map(Result::transpose).collect()
}

fn look_at(binary: &Binary, name: &str, file: &Path, bound: Duration) -> Result<Option<Test>, String> {
    let _ = std::fs::remove_file(file);
    let path = file.to_str().ok_or("a path that is no text")?;
    let (end, takes) = process::run(binary, &[name], &[("MUTANT_REACHED", path)], bound)?;
    let asks = process::numbers(file).into_iter().collect();
    let _ = std::fs::remove_file(file);
    if end != End::Passed {
        eprintln!("mutation: LEFT OUT: {} {name}: without a mutant: {end:?}", binary.name);
        return Ok(None);
    }
    Ok(Some(Test { binary: binary.clone(), name: name.to_owned(), takes, asks }))
}

/// Tries these mutants, by their numbers, and tells what came of each.
pub fn try_all(
    mutants: &[usize],
    tests: &[Test],
    bounds: Bounds,
    tell: impl Fn(usize, Outcome) -> Result<(), String> + Sync,
) -> Result<(), String> {
    let mut by_time: Vec<&Test> = tests.iter().collect();
    by_time.sort_by_key(|test| test.takes);
    let told = side_by_side(bounds.jobs, mutants, |&mutant| {
        let asking = by_time.iter().copied().filter(|test| test.asks.contains(&mutant));
        tell(mutant, try_one(mutant, asking, bounds.all)?)
    });
    told.into_iter().collect()
}

fn try_one<'a>(mutant: usize, tests: impl Iterator<Item = &'a Test>, mut left: Duration) -> Result<Outcome, String> {
    let tests: Vec<&Test> = tests
        .take_while(|test| {
            let fits = test.takes <= left;
            left = left.saturating_sub(test.takes);
            fits
        })
        .collect();
    if tests.is_empty() {
        return Ok(Outcome::Unreached);
    }
    let number = mutant.to_string();
    for batch in batches(&tests) {
        let names: Vec<&str> = batch.iter().map(|test| &*test.name).collect();
        let usual: Duration = batch.iter().map(|test| test.takes).sum();
        let bound = usual * 8 + Duration::from_secs(4);
        match process::run(&batch[0].binary, &names, &[("MUTANT", &number)], bound)?.0 {
            End::Passed => {}
            End::Failed => return Ok(Outcome::Caught),
            End::TimedOut => return Ok(Outcome::TimedOut),
        }
    }
    Ok(Outcome::Missed)
}

/// Tests that stand one behind the other and are in one binary.
fn batches<'a, 't>(tests: &'t [&'a Test]) -> impl Iterator<Item = &'t [&'a Test]> {
    tests.chunk_by(|one, other| one.binary.path == other.binary.path).flat_map(|same| same.chunks(BATCH))
}
