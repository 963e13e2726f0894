//! The mutants, as cargo-mutants lists them.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What is mutated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Genre {
    /// A function gives this at once.
    FnValue,
    /// Another operator between two operands.
    BinaryOperator,
    /// An operator before one operand is gone.
    UnaryOperator,
    /// An arm of a match is gone.
    MatchArm,
    /// The condition of an arm is another one.
    MatchArmGuard,
    /// A field is that of the struct's base.
    StructField,
}

/// One mutant.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// As cargo-mutants calls it, from the project's root.
    pub name: String,
    /// Its file, from the project's root.
    pub file: String,
    pub genre: Genre,
    /// What stands there instead.
    pub replacement: String,
    /// Line and column, both from 1 on, of what is replaced.
    pub start: (usize, usize),
}

/// All mutants of these folders.
pub fn list(root: &Path, folders: &[&str]) -> Result<Vec<Mutant>, String> {
    let output = Command::new("cargo")
        .args(["mutants", "--list", "--json", "--package", "loganalyzer-engine"])
        .current_dir(root)
        .output()
        .map_err(|error| format!("cargo mutants: {error}"))?;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo mutants --list: {error}; {}", String::from_utf8_lossy(&output.stderr)))?;
    let mutants = all.iter().map(|value| read(value).ok_or(format!("cargo mutants --list: not understood: {value}")));
    let mutants: Vec<Mutant> = mutants.collect::<Result<_, _>>()?;
    Ok(mutants.into_iter().filter(|mutant| folders.iter().any(|folder| mutant.file.starts_with(folder))).collect())
}

fn read(value: &Value) -> Option<Mutant> {
    // The engine's files are beside it: `engine/../src/…`.
    let here = |text: &str| text.replace("engine/../", "");
    let start = &value["span"]["start"];
    let number = |key: &str| Some(start[key].as_u64()? as usize);
    Some(Mutant {
        name: here(value["name"].as_str()?),
        file: here(value["file"].as_str()?),
        genre: genre(value["genre"].as_str()?)?,
        replacement: value["replacement"].as_str()?.to_owned(),
        start: (number("line")?, number("column")?),
    })
}

fn genre(name: &str) -> Option<Genre> {
    Some(match name {
        "FnValue" => Genre::FnValue,
        "BinaryOperator" => Genre::BinaryOperator,
        "UnaryOperator" => Genre::UnaryOperator,
        "MatchArm" => Genre::MatchArm,
        "MatchArmGuard" => Genre::MatchArmGuard,
        "StructField" => Genre::StructField,
        _ => return None,
    })
}
