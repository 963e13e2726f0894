//! The rules of the house: the arrows between its rooms, and the size of its files.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};

/// The rooms from the outermost to the innermost: each may use those behind it, never one before it.
const ROOMS: [&str; 4] = ["runtime", "report", "analysis", "pgbouncer"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn the_arrows_between_the_rooms_go_one_way() {
    for (place, room) in ROOMS.iter().enumerate() {
        let forbidden: Vec<&str> = ROOMS[..place].iter().copied().chain(["config", "cli"]).collect();
        for file in sources(&source().join(room)) {
            let text = std::fs::read_to_string(&file).expect("a source");
            for other in forbidden.iter().filter(|other| place > 0 || !["config", "cli"].contains(other)) {
                assert!(!text.contains(&format!("crate::{other}")), "{} uses {other}", file.display());
            }
        }
    }
}

#[test]
fn the_inner_rooms_do_no_io_and_read_no_clock() {
    let world =
        ["std::fs", "std::io", "std::net::Tcp", "std::process", "SystemTime", "Instant::now", "::now()", "println!"];
    for file in ROOMS[1..].iter().flat_map(|room| sources(&source().join(room))) {
        let text = std::fs::read_to_string(&file).expect("a source");
        for word in world {
            assert!(!text.contains(word), "{} uses {word}", file.display());
        }
    }
}

/// Whoever follows the log does so in the simulator as well.
#[test]
fn the_loop_reaches_the_world_only_through_the_seam() {
    for file in [
        "daemon.rs",
        "daemon/manager.rs",
        "daemon/input.rs",
        "daemon/logs.rs",
        "daemon/memory.rs",
        "daemon/metrics.rs",
        "tail.rs",
        "kernel.rs",
    ] {
        let text = std::fs::read_to_string(source().join("runtime").join(file)).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["std::fs", "std::process", "std::env", "File::", "Stream", "SystemTime", "Instant", "println!"] {
            assert!(!text.contains(word), "{file} uses {word}");
        }
    }
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    for file in sources(&source()) {
        let lines = std::fs::read_to_string(&file).expect("a source").lines().count();
        assert!(lines <= 400, "{}: {lines} lines", file.display());
    }
}

/// The words in backquotes of a table's last column that can only be tests.
fn tests_of(row: &str) -> impl Iterator<Item = &str> {
    let shown = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
    let is_test = |word: &&str| {
        word.matches('_').count() > 0
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    shown.split('`').skip(1).step_by(2).filter(is_test)
}

#[test]
fn every_test_that_security_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = sources(&source());
    files.extend(sources(&root.join("tests")));
    files.push(root.join("tests/packages"));
    let code: String = files.iter().map(|file| std::fs::read_to_string(file).expect("a source")).collect();
    let text = std::fs::read_to_string(root.join("SECURITY.md")).expect("SECURITY.md");
    let names: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).flat_map(tests_of).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let is_there = code.contains(&format!("fn {name}()")) || code.contains(&format!("\n{name}() {{"));
        assert!(is_there, "SECURITY.md names {name}, and there is no such test");
    }
}

/// A rule that had moved to another file could not be broken there any more, and nobody noticed.
#[test]
fn every_rule_that_is_broken_by_the_mutants_stands_where_it_is_looked_for() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mutants");
    let output = std::process::Command::new(script).arg("check").output().expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
