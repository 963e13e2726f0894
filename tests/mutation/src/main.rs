//! Tries the mutants of cargo-mutants, all of them in one build: see `tests/mutation/run`.

mod compile;
mod listed;
mod process;
mod trials;
mod weave;
mod woven;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use listed::Mutant;
use trials::{Bounds, Outcome};

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
    let before = known(&work);
    let wanted = wanted(&mutants, arguments, &before);
    eprintln!("mutation: {} mutants, {} to be tried", mutants.len(), wanted.len());
    let number = |name: &str, usual| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let bounds = Bounds { jobs: number("JOBS", 2) as usize, all: Duration::from_secs(number("TEST_SECONDS", 12)) };
    let found = find(&root, &work, &mutants, &wanted, bounds)?;
    let names: Vec<(Outcome, &str)> = mutants
        .iter()
        .enumerate()
        .filter_map(|(number, mutant)| {
            let outcome = found.get(&number).or_else(|| before.get(&mutant.name))?;
            Some((*outcome, &*mutant.name))
        })
        .collect();
    keep(&work, &names)?;
    summary(&names);
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

fn find(
    root: &Path,
    work: &Path,
    mutants: &[Mutant],
    wanted: &[usize],
    bounds: Bounds,
) -> Result<HashMap<usize, Outcome>, String> {
    let copy = compile::copy(root, work, mutants)?;
    let tests = trials::look(&copy.tests()?, work, bounds)?;
    eprintln!("mutation: {} tests", tests.len());
    let (woven, others): (Vec<usize>, Vec<usize>) = wanted.iter().partition(|number| copy.woven.contains(number));
    let mut found = trials::try_all(mutants, &woven, &tests, bounds)?;
    found.extend(others.iter().map(|number| {
        let outcome = if copy.refused.contains(number) { Outcome::NotCompiled } else { Outcome::NotTried };
        (*number, outcome)
    }));
    Ok(found)
}

const OUTCOMES: [(Outcome, &str); 6] = [
    (Outcome::Caught, "Caught"),
    (Outcome::TimedOut, "TimedOut"),
    (Outcome::Missed, "Missed"),
    (Outcome::Unreached, "Unreached"),
    (Outcome::NotCompiled, "NotCompiled"),
    (Outcome::NotTried, "NotTried"),
];

fn file(work: &Path, name: &str) -> PathBuf {
    work.join("outcomes").join(name)
}

/// What came of them the last time: a file for each outcome, a name in each line.
fn known(work: &Path) -> HashMap<String, Outcome> {
    let of = |(outcome, name): (Outcome, &str)| {
        let text = fs::read_to_string(file(work, name)).unwrap_or_default();
        text.lines().map(|line| (line.to_owned(), outcome)).collect::<Vec<_>>()
    };
    OUTCOMES.into_iter().flat_map(of).collect()
}

fn keep(work: &Path, names: &[(Outcome, &str)]) -> Result<(), String> {
    fs::create_dir_all(file(work, "")).map_err(|error| error.to_string())?;
    for (outcome, name) in OUTCOMES {
        let lines = names.iter().filter(|(other, _)| *other == outcome).map(|(_, name)| format!("{name}\n"));
        fs::write(file(work, name), lines.collect::<String>()).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn summary(names: &[(Outcome, &str)]) {
    println!("| room | {} |", OUTCOMES.map(|(_, name)| name).join(" | "));
    println!("|---|{}", "---|".repeat(OUTCOMES.len()));
    let mut rooms: BTreeMap<&str, BTreeMap<Outcome, usize>> = BTreeMap::new();
    for (outcome, name) in names {
        for room in FOLDERS.into_iter().filter(|room| name.starts_with(room)) {
            *rooms.entry(room).or_default().entry(*outcome).or_default() += 1;
        }
    }
    for (room, counts) in rooms {
        let cells = OUTCOMES.map(|(outcome, _)| counts.get(&outcome).copied().unwrap_or_default().to_string());
        println!("| `{room}` | {} |", cells.join(" | "));
    }
}
