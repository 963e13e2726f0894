//! The shortest way for usual lines against the grammar: whatever is taken by the first is what the second would have
//! made of it, on every line of every capture and of made-up logs, whole and mangled.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;
#[path = "../benches/mix/mod.rs"]
mod mix;

use common::random::Random;
use loganalyzer::analysis::analyzer::Analyzer;
use loganalyzer::limits::READ_SIZE;
use loganalyzer::pgbouncer::lines::{Line, Lines, Taker};

/// Has no shortest way: each line is read by the grammar.
struct Plain<'a>(&'a mut Analyzer);

impl Taker for Plain<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.0.line(line);
    }
}

/// Counts what goes the shortest way.
struct Counting<'a>(&'a mut Analyzer, u64);

impl Taker for Counting<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.0.line(line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let taken = self.0.usual(text, length);
        self.1 += taken as u64;
        taken
    }
}

/// All that is known of a log after `text`, which comes in chunks of at most `chunk` bytes; `after` looks at it.
fn feed(text: &[u8], chunk: usize, take: &mut dyn Taker) {
    let mut lines = Lines::new();
    for chunk in text.chunks(chunk.min(READ_SIZE)) {
        lines.push(chunk);
        lines.drain(take);
    }
    lines.finish(take);
}

/// What an analyzer knows, as a state file has it, without its secrets.
fn known(analyzer: &Analyzer) -> serde_json::Value {
    let mut value = serde_json::to_value(analyzer).expect("an analyzer can be kept");
    forget_secrets(&mut value);
    value
}

fn forget_secrets(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            // What is hashed with a secret is another number each time; how many there are is the same.
            for secret in ["hasher", "pool", "bits"] {
                fields.remove(secret);
            }
            if fields.get("length").and_then(serde_json::Value::as_u64).is_some_and(|length| length > 72) {
                fields.remove("kept");
            }
            if let Some(serde_json::Value::Array(proven)) = fields.get_mut("proven") {
                *proven = vec![proven.len().into()];
            }
            fields.values_mut().for_each(forget_secrets);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_secrets),
        _ => {}
    }
}

/// What the grammar makes of a text, and what the shortest way does; and how many bytes went that way.
fn both(text: &[u8], chunk: usize) -> (serde_json::Value, serde_json::Value, u64) {
    let (mut plain, mut quick) = (common::analyzer(), common::analyzer());
    feed(text, READ_SIZE, &mut Plain(&mut plain));
    let mut counting = Counting(&mut quick, 0);
    feed(text, chunk, &mut counting);
    let usual = counting.1;
    (known(&plain), known(&quick), usual)
}

/// Where two values differ.
fn differences(left: &serde_json::Value, right: &serde_json::Value, at: &str) -> String {
    use serde_json::Value::{Array, Object};
    match (left, right) {
        (Object(left), Object(right)) => {
            left.iter().map(|(key, value)| differences(value, &right[key], &format!("{at}/{key}"))).collect()
        }
        (Array(left), Array(right)) if left.len() == right.len() => {
            let both = left.iter().zip(right).enumerate();
            both.map(|(place, (left, right))| differences(left, right, &format!("{at}/{place}"))).collect()
        }
        _ if left == right => String::new(),
        _ => format!("{at}: {left} and {right}; "),
    }
}

/// Says how many bytes went the shortest way.
fn compare(text: &[u8], chunk: usize, what: &str) -> u64 {
    let (plain, quick, usual) = both(text, chunk);
    if plain != quick {
        // The line behind which they differ for the first time.
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', text).map(|newline| newline + 1).collect();
        let first = ends.partition_point(|&end| {
            let (plain, quick, _) = both(&[&text[..end], b"x"].concat(), chunk);
            plain == quick
        });
        let end = ends.get(first).copied().unwrap_or(text.len());
        let begin = first.checked_sub(1).map_or(0, |before| ends[before]);
        let (plain, quick, _) = both(&[&text[..end], b"x"].concat(), chunk);
        let what = format!("{what}, in chunks of {chunk}: {}", differences(&plain, &quick, ""));
        panic!("{what}\n{}", String::from_utf8_lossy(&text[begin..end]));
    }
    usual
}

/// Breaks some of the lines: bytes are changed, put in, taken out, or lines begin within others.
fn mangle(text: &[u8], random: &mut Random) -> Vec<u8> {
    const ODD: &[u8] = b"\n\n\t @/:(0s9af\0\xff)=C";
    let mut mangled = text.to_vec();
    for _ in 0..=text.len() / 400 {
        let place = random.below(mangled.len());
        let odd = ODD[random.below(ODD.len())];
        match random.below(5) {
            0 => mangled[place] = odd,
            1 => mangled.insert(place, odd),
            2 => _ = mangled.remove(place),
            3 => mangled[place] ^= 1 << random.below(8),
            _ => {
                let from = random.below(mangled.len());
                let some = mangled[from..(from + 40).min(mangled.len())].to_vec();
                mangled.splice(place..place, some);
            }
        }
    }
    mangled
}

#[test]
fn the_shortest_way_ends_where_the_grammar_ends() {
    let cases = std::env::var("DIFFERENTIAL_CASES").map_or(20, |cases| cases.parse().expect("a number"));
    let mut random = Random::new(7);
    let (mut usual, mut all) = (0, 0);
    for name in common::names() {
        for log in common::logs(&name) {
            for chunk in [READ_SIZE, 1000, 61] {
                usual += compare(&log, chunk, &name);
                all += log.len() as u64;
            }
            for case in 0..cases {
                // A part of it is enough, and takes less time.
                let from = random.below(log.len().max(1));
                let some = &log[from..(from + 20_000).min(log.len())];
                if !some.is_empty() {
                    compare(&mangle(some, &mut random), 1 + random.below(5000), &format!("{name}, case {case}"));
                }
            }
        }
    }
    for format in [mix::Format::Before111, mix::Format::Since111] {
        let log = mix::log(mix::Mix { format, ..mix::Mix::BUSY }, 3_000_000);
        let taken = compare(&log, READ_SIZE, "the busy mix");
        assert!(taken * 100 > log.len() as u64 * 90, "only {taken} of {} bytes went the shortest way", log.len());
        for case in 0..cases {
            compare(&mangle(&log[case * 100..case * 100 + 200_000], &mut random), READ_SIZE, "the busy mix, mangled");
        }
    }
    assert!(usual * 4 > all, "only {usual} of {all} bytes went the shortest way");
}
