//! Two readings of one log, which must be the same on every line of every capture and of made-up logs, whole and mangled:
//! the parser and the plain one by regular expressions; and the shortest way for usual lines and the grammar.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;
#[path = "../benches/mix/mod.rs"]
mod mix;

use common::random::Random;
use common::two_readings;
use common::two_ways::compare;
use loganalyzer::limits::READ_SIZE;

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
                usual += compare(&log, &[chunk], &name);
                all += log.len() as u64;
            }
            for case in 0..cases {
                // A part of it is enough, and takes less time.
                let from = random.below(log.len().max(1));
                let some = &log[from..(from + 20_000).min(log.len())];
                if !some.is_empty() {
                    compare(&mangle(some, &mut random), &[1 + random.below(5000)], &format!("{name}, case {case}"));
                }
            }
        }
    }
    for format in [mix::Format::Before111, mix::Format::Since111] {
        let log = mix::log(mix::Mix { format, ..mix::Mix::BUSY }, 3_000_000);
        let taken = compare(&log, &[READ_SIZE], "the busy mix");
        assert!(taken * 100 > log.len() as u64 * 90, "only {taken} of {} bytes went the shortest way", log.len());
        for case in 0..cases {
            compare(
                &mangle(&log[case * 100..case * 100 + 200_000], &mut random),
                &[READ_SIZE],
                "the busy mix, mangled",
            );
        }
    }
    assert!(usual * 4 > all, "only {usual} of {all} bytes went the shortest way");
}

#[test]
fn the_parser_reads_what_regular_expressions_read() {
    let cases = std::env::var("DIFFERENTIAL_CASES").map_or(5, |cases| cases.parse().expect("a number"));
    let mut random = Random::new(11);
    let mut attempts = 0;
    for name in common::names() {
        for log in common::logs(&name).into_iter().chain(common::syslogs(&name)) {
            attempts += two_readings::compare(&log, &name);
            for case in 0..cases {
                let from = random.below(log.len().max(1));
                let some = &log[from..(from + 10_000).min(log.len())];
                if !some.is_empty() {
                    attempts += two_readings::compare(&mangle(some, &mut random), &format!("{name}, case {case}"));
                }
            }
        }
    }
    assert!(attempts > 5000, "only {attempts} attempts");
}

/// Found by fuzzing: what has never been read was taken for a `D/U` of no bytes that had been, and so was an address.
#[test]
fn nothing_is_no_name_and_no_address_that_was_read_before() {
    let before =
        "2026-11-22 05:06:00.289 UTC [7] LOG C-0x1: app/web@10.0.0.7:5 login attempt: db=app user=web tls=no\n";
    for who in [
        "@10.0.0.7:5 login attempt: db= user= tls=no",
        "a/u@:5 login attempt: db=a user=u tls=no",
        "app/web@:5 login attempt: db=app user=web tls=no",
    ] {
        let log =
            before.repeat(2) + &format!("2026-11-22 05:06:00.289 UTC [7] LOG C-0x2: {who}\n") + &before.repeat(12);
        compare(log.as_bytes(), &[READ_SIZE], who);
    }
}
