//! The copy of the tree with all switches in it, as far as it compiles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::listed::Mutant;
use crate::weave;
use crate::woven::{Source, Woven};

/// The tests that are asked: those of the rooms, and those of the program that have no need of other programs and are
/// not about the sources.
const TESTS: &[&str] = &[
    "captures",
    "csv",
    "differential",
    "figures",
    "fuzz",
    "logs",
    "names",
    "page",
    "parts",
    "prometheus",
    "replay",
    "reports",
    "simulator",
    "state",
];
/// Errors that one compilation tells may hide others.
const ROUNDS: usize = 40;

/// The copy, and which mutants are in it.
pub struct Copy {
    pub tree: PathBuf,
    /// Those with switches.
    pub woven: BTreeSet<usize>,
    /// Those with which it does not compile.
    pub refused: BTreeSet<usize>,
}

/// An executable with tests, and where they run.
#[derive(Debug, Clone)]
pub struct Binary {
    pub name: String,
    pub path: PathBuf,
    pub folder: PathBuf,
}

/// Copies what git knows of into `work/tree`.
fn copy_tree(root: &Path, tree: &Path) -> Result<(), String> {
    let script = r#"rm -rf "$1" && mkdir -p "$1" && git ls-files -z --cached --others --exclude-standard |
        xargs -0 cp --parents --no-dereference -t "$1" --"#;
    let status = Command::new("bash").args(["-c", script, "copy"]).arg(tree).current_dir(root).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("the copy of the tree: {other:?}")),
    }
}

/// Weaves the mutants in, and leaves out those with which it does not compile.
pub fn copy(root: &Path, work: &Path, mutants: &[Mutant]) -> Result<Copy, String> {
    let tree = work.join("tree");
    copy_tree(root, &tree)?;
    add_module(&tree, mutants.len())?;
    let mut copy = Copy { tree, woven: BTreeSet::new(), refused: BTreeSet::new() };
    for round in 1..=ROUNDS {
        let woven = copy.weave(root, mutants)?;
        let errors = copy.errors()?;
        eprintln!("mutation: round {round}: {} switches, {} errors", copy.woven.len(), errors.len());
        if errors.is_empty() {
            return Ok(copy);
        }
        copy.leave_out(&woven, &errors)?;
    }
    Err(format!("it does not compile after {ROUNDS} rounds"))
}

fn add_module(tree: &Path, mutants: usize) -> Result<(), String> {
    let engine = tree.join("src/engine.rs");
    let text = fs::read_to_string(&engine).map_err(|error| format!("{}: {error}", engine.display()))?;
    let switch = format!("{}\nconst MUTANTS: usize = {mutants};\n", include_str!("switch.rs"));
    fs::write(&engine, format!("{text}\npub mod mutant;\n"))
        .and_then(|()| fs::write(tree.join("src/mutant.rs"), switch))
        .map_err(|error| format!("{}: {error}", tree.display()))
}

impl Copy {
    /// Writes each file that has mutants.
    fn weave(&mut self, root: &Path, mutants: &[Mutant]) -> Result<BTreeMap<String, Woven>, String> {
        let mut files: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
        for (number, mutant) in mutants.iter().enumerate().filter(|(number, _)| !self.refused.contains(number)) {
            files.entry(&mutant.file).or_default().push((number, mutant));
        }
        self.woven.clear();
        let mut all = BTreeMap::new();
        for (file, mutants) in files {
            let tell = |error: String| format!("{file}: {error}");
            let text = fs::read_to_string(root.join(file)).map_err(|error| tell(error.to_string()))?;
            let edits = weave::edits(&text, &mutants).map_err(tell)?;
            self.woven.extend(edits.iter().flat_map(|edit| edit.mutants.iter().copied()));
            let woven = Source::new(&text, edits).weave();
            fs::write(self.tree.join(file), &woven.text).map_err(|error| tell(error.to_string()))?;
            all.insert(file.to_owned(), woven);
        }
        Ok(all)
    }

    fn cargo(&self, arguments: &[&str]) -> Result<Output, String> {
        let target = self.tree.with_file_name("build");
        Command::new("cargo")
            .args(arguments)
            .args(["--quiet", "--locked", "--message-format=json"])
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", target)
            .envs([("RUSTFLAGS", "--cap-lints=allow"), ("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_INCREMENTAL", "0")])
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
            .output()
            .map_err(|error| format!("cargo: {error}"))
    }

    /// Where the compiler finds errors: file and bytes.
    fn errors(&self) -> Result<Vec<(String, Range<usize>)>, String> {
        let output = self.cargo(&["check", "--package", "loganalyzer-engine", "--lib"])?;
        let errors: Vec<_> = messages(&output).filter_map(|message| error(&message)).collect();
        if errors.is_empty() && !output.status.success() {
            return Err(format!("cargo check: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(errors)
    }

    fn leave_out(&mut self, woven: &BTreeMap<String, Woven>, errors: &[(String, Range<usize>)]) -> Result<(), String> {
        for (file, range) in errors {
            let at = woven.get(file).and_then(|woven| woven.mutants_at(range));
            let Some(mutants) = at else { return Err(format!("{file}: an error that is no mutant's, at {range:?}")) };
            self.refused.extend(mutants);
        }
        Ok(())
    }

    /// Builds the tests.
    pub fn tests(&self) -> Result<Vec<Binary>, String> {
        let of_rooms = ["--package", "loganalyzer-engine", "--package", "loganalyzer-shell", "--lib"];
        let of_rooms = self.built(&[&["test", "--no-run"][..], &of_rooms].concat())?;
        let mut arguments = vec!["test", "--no-run", "--package", "loganalyzer", "--bins"];
        arguments.extend(TESTS.iter().flat_map(|name| ["--test", *name]));
        Ok([of_rooms, self.built(&arguments)?].concat())
    }

    fn built(&self, arguments: &[&str]) -> Result<Vec<Binary>, String> {
        let output = self.cargo(arguments)?;
        if !output.status.success() {
            let errors: Vec<String> = messages(&output)
                .filter_map(|message| Some(message["message"]["rendered"].as_str()?.to_owned()))
                .collect();
            return Err(format!("cargo test: {} {}", errors.concat(), String::from_utf8_lossy(&output.stderr)));
        }
        Ok(messages(&output).filter_map(|message| binary(&message)).collect())
    }
}

fn messages(output: &Output) -> impl Iterator<Item = Value> {
    output.stdout.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

fn error(message: &Value) -> Option<(String, Range<usize>)> {
    let message = &message["message"];
    let spans = message["spans"].as_array().filter(|_| message["level"] == "error")?;
    let span = spans.iter().find(|span| span["is_primary"] == true)?;
    let number = |key: &str| Some(span[key].as_u64()? as usize);
    let file = span["file_name"].as_str()?;
    let file = file.rfind("src/").map_or(file, |place| &file[place..]);
    Some((file.to_owned(), number("byte_start")?..number("byte_end")?))
}

fn binary(message: &Value) -> Option<Binary> {
    let path = PathBuf::from(message["executable"].as_str().filter(|_| message["profile"]["test"] == true)?);
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?.to_owned();
    Some(Binary { name: message["target"]["name"].as_str()?.to_owned(), path, folder })
}
