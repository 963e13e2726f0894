//! The fuzz targets without a fuzzer: what each has found (`fuzz/corpus`), and the words of its dictionary.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;
mod fuzzing;
#[path = "simulator/mod.rs"]
mod simulator;

use std::path::{Path, PathBuf};

use fuzzing::TARGETS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The bytes of each entry: what stands in quotes, with its escapes.
fn dictionary() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(folder().join("pgbouncer.dict")).expect("the dictionary");
    let entries = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    entries.map(unescape).collect()
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let (byte, length) = match behind {
            [b'x', ..] if byte == b'\\' => {
                (u8::from_str_radix(&text[text.len() - behind.len() + 1..][..2], 16).expect("hexadecimal"), 3)
            }
            [quoted, ..] if byte == b'\\' => (*quoted, 1),
            _ => (byte, 0),
        };
        bytes.push(byte);
        rest = &behind[length..];
    }
    bytes
}

#[test]
fn every_target_on_what_it_has_found() {
    for (name, run) in TARGETS {
        let entries = std::fs::read_dir(folder().join("corpus").join(name)).expect("its corpus");
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        files.sort();
        assert!(files.len() >= 10, "{name}: {} files", files.len());
        // The daemon takes its time without optimisation.
        let step = if cfg!(debug_assertions) && name == "daemon" { 12 } else { 1 };
        for file in files.iter().step_by(step) {
            println!("{}", file.display());
            run(&std::fs::read(file).expect("a file"));
        }
    }
}

#[test]
fn every_target_on_the_words_of_the_log() {
    let words = dictionary();
    assert!(words.len() > 80 && words.contains(&b"\n\t".to_vec()) && words.contains(&b"\"file\"".to_vec()));
    for (name, run) in TARGETS.iter().filter(|(name, _)| *name != "daemon") {
        println!("{name}");
        for word in &words {
            run(word);
            // As its structured input.
            run(&[b"\xff", &word[..]].concat());
        }
    }
}
