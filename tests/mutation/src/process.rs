//! A test in a process of its own, with bounds.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::compile::Binary;

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Passed,
    Failed,
    TimedOut,
}

/// Runs these tests of a binary; says how they ended and how long that took. A mutant may ask for all memory, or write until
/// the disk is full, or for ever.
pub fn run(
    binary: &Binary,
    tests: &[&str],
    environment: &[(&str, &str)],
    bound: Duration,
) -> Result<(End, Duration), String> {
    let begin = Instant::now();
    // `timeout` ends whatever the tests have started as well.
    let status = Command::new("prlimit")
        .args(["--as=6000000000", "--fsize=400000000", "timeout", "--signal=KILL"])
        .arg(format!("{}", bound.as_secs_f64().ceil()))
        .arg(&binary.path)
        .args(["--quiet", "--exact", "--test-threads=1"])
        .args(tests)
        .current_dir(&binary.folder)
        .envs([("RUST_BACKTRACE", "0"), ("DIFFERENTIAL_CASES", "40"), ("NAMES_CASES", "3000")])
        .envs([("SIMULATOR_SEEDS", "3"), ("SIMULATOR_DAYS", "2")])
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("prlimit: {error}"))?;
    let end = match status.code() {
        Some(0) => End::Passed,
        // Of `timeout`, and of its death by its own signal.
        Some(124 | 137) | None => End::TimedOut,
        Some(_) => End::Failed,
    };
    Ok((end, begin.elapsed()))
}

/// The tests of a binary.
pub fn list(binary: &Binary) -> Result<Vec<String>, String> {
    let output = Command::new(&binary.path)
        .args(["--list", "--format", "terse"])
        .current_dir(&binary.folder)
        .output()
        .map_err(|error| format!("{}: {error}", binary.path.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter_map(|line| Some(line.strip_suffix(": test")?.to_owned())).collect())
}

/// The numbers in a file, one in a line; none where there is no file.
pub fn numbers(path: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}
