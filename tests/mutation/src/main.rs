//! Tries the mutants of cargo-mutants, all of them in one build: see `tests/mutation/run`.

mod compile;
mod listed;
mod outcomes;
mod process;
mod trials;
mod weave;
mod woven;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use listed::Mutant;
use outcomes::{Outcome, Outcomes};
use trials::Bounds;

const FOLDERS: [&str; 2] = ["src/pgbouncer", "src/analysis"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mutation: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let root = PathBuf::from(".").canonicalize().map_err(|error| error.to_string())?;
    let work = root.join("target/mutation");
    fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
    let mutants = listed::list(&root, &FOLDERS)?;
    let outcomes = Outcomes::new(&work);
    let wanted = wanted(&mutants, arguments, &outcomes.known());
    eprintln!("mutation: {} mutants, {} to be tried", mutants.len(), wanted.len());
    let number = |name: &str, usual| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let bounds = Bounds { jobs: number("JOBS", 2) as usize, all: Duration::from_secs(number("TEST_SECONDS", 12)) };
    find(&root, &work, &mutants, &wanted, bounds)?;
    let known = outcomes.known();
    let is_known = |mutant: &'_ Mutant| known.get(&mutant.name).copied();
    let names: Vec<(Outcome, &str)> =
        mutants.iter().filter_map(|mutant| Some((is_known(mutant)?, &*mutant.name))).collect();
    outcomes.keep(&names)?;
    outcomes::summary(&FOLDERS, &names);
    Ok(())
}

/// The numbers of the mutants to be tried.
fn wanted(mutants: &[Mutant], arguments: &[String], before: &HashMap<String, Outcome>) -> Vec<usize> {
    let is_open = |name: &String| matches!(before.get(name), None | Some(Outcome::Missed | Outcome::Unreached));
    let is_wanted = |mutant: &Mutant| match arguments {
        [] => true,
        [word] if word == "again" => is_open(&mutant.name),
        texts => texts.iter().any(|text| mutant.name.contains(text)),
    };
    mutants.iter().enumerate().filter(|(_, mutant)| is_wanted(mutant)).map(|(number, _)| number).collect()
}

fn find(root: &Path, work: &Path, mutants: &[Mutant], wanted: &[usize], bounds: Bounds) -> Result<(), String> {
    let copy = compile::copy(root, work, mutants)?;
    let tests = trials::look(&copy.tests()?, work, bounds)?;
    eprintln!("mutation: {} tests", tests.len());
    let (woven, others): (Vec<usize>, Vec<usize>) = wanted.iter().partition(|number| copy.woven.contains(number));
    let outcomes = Outcomes::new(work);
    for number in others {
        let outcome = if copy.refused.contains(&number) { Outcome::NotCompiled } else { Outcome::NotTried };
        outcomes.add(outcome, &mutants[number].name)?;
    }
    trials::try_all(&woven, &tests, bounds, |number, outcome| outcomes.add(outcome, &mutants[number].name))
}
