//! The supply chain: what is compiled in is what docs/DEPENDENCIES.md lists, under licences that deny.toml allows.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// A crate as cargo sees it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate {
    name: String,
    version: String,
    licence: String,
    features: String,
}

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect(file)
}

/// What the binary needs, by these kinds of dependencies.
fn tree(edges: &str) -> BTreeSet<Crate> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--package",
            "loganalyzer",
            "--target",
            TARGET,
            "--edges",
            edges,
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .args(["--format", "{p}|{l}|{f}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().filter(|line| !line.starts_with("loganalyzer")).map(parse).collect()
}

/// `serde v1.0.229|MIT OR Apache-2.0|derive,std`.
fn parse(line: &str) -> Crate {
    let mut parts = line.split('|');
    let mut words = parts.next().expect("a package").split(' ');
    let mut text = || parts.next().expect("a part").to_owned();
    let (licence, features) = (text(), text());
    let mut word = || words.next().expect("a word").to_owned();
    Crate { name: word(), version: word(), licence, features }
}

/// The names in the tables of the list, with their features.
fn listed() -> BTreeMap<String, String> {
    let text = read("docs/DEPENDENCIES.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")).filter(|row| !row.starts_with("crate "));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.map(|cells| (cells[0].to_owned(), cells[2].replace(", ", ","))).collect()
}

#[test]
fn the_tree_is_what_the_list_says() {
    let crates = tree("normal,build");
    let found = crates.iter().map(|found| (found.name.clone(), found.features.clone())).collect::<BTreeMap<_, _>>();
    let listed = listed();
    for (name, features) in &found {
        let known = listed.get(name);
        assert!(known.is_some(), "{name} is not in docs/DEPENDENCIES.md: say there what it is for");
        assert_eq!(known, Some(features), "the features of {name}");
    }
    let gone: Vec<&String> = listed.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(gone.is_empty(), "these are in docs/DEPENDENCIES.md, and not in the tree: {gone:?}");
    assert_eq!(crates.len(), found.len(), "a crate has two versions: {crates:?}");
    let section = |file: &str| {
        let text = read(file);
        let section = text.split("\n[dependencies]\n").nth(1).and_then(|text| text.split("\n[").next());
        section.expect("a section").to_owned()
    };
    let direct: String = ["Cargo.toml", "engine/Cargo.toml", "shell/Cargo.toml"].map(section).join("\n");
    let direct = direct.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(" = ").next());
    let direct = direct.filter(|name| !name.is_empty() && !name.starts_with("loganalyzer-"));
    let direct = direct.map(str::to_owned).collect::<Vec<_>>();
    assert!(direct.len() > 5 && direct.iter().all(|name| found.contains_key(name)), "{direct:?}");
}

/// Whether an SPDX expression can be satisfied.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    // Weakest first, outside of brackets.
    for (word, of_all) in [(" OR ", false), ("/", false), (" AND ", true)] {
        let parts = split(expression, word);
        if parts.len() > 1 {
            let mut parts = parts.into_iter().map(|part| is_allowed(part, allowed));
            return if of_all { parts.all(|allowed| allowed) } else { parts.any(|allowed| allowed) };
        }
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(&expression),
    }
}

/// Splits at a word that is not in brackets.
fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    for (place, _) in text.match_indices(word) {
        let before = &text[..place];
        if before.matches('(').count() == before.matches(')').count() {
            parts.push(&text[begin..place]);
            begin = place + word.len();
        }
    }
    parts.push(&text[begin..]);
    parts
}

#[test]
fn every_licence_is_one_that_is_allowed() {
    let text = read("deny.toml");
    let list = text.split_once("\nallow = [").and_then(|(_, rest)| rest.split_once(']')).expect("a list").0;
    let allowed: Vec<&str> = list.split(',').map(|word| word.trim().trim_matches('"')).collect();
    for used in tree("normal,build") {
        assert!(is_allowed(&used.licence, &allowed), "{} {}: {:?}", used.name, used.version, used.licence);
    }
    assert!(is_allowed("(GPL-3.0 OR MIT) AND Apache-2.0", &allowed));
    assert!(!is_allowed("MIT AND GPL-3.0-only", &allowed) && !is_allowed("", &allowed));
}

#[test]
fn every_crate_comes_from_crates_io_with_its_hash() {
    let lock = read("Cargo.lock");
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    assert!(packages.len() > 50, "{}", packages.len());
    for package in packages.iter().filter(|package| !package.contains("name = \"loganalyzer")) {
        let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"";
        assert!(package.contains(source), "{package}");
    }
}
