//! The whole daemon in a simulated world, against an exact model: it must tell what the model says, at the very tick.
//!
//! `SIMULATOR_SEEDS=200 SIMULATOR_DAYS=50 cargo test --release --test simulator` runs ten thousand days;
//! `SIMULATOR_FIRST=n` begins with another seed, and a difference names its own.

#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::type_complexity,
    clippy::items_after_statements,
    reason = "a test may fail, and is read from top to bottom"
)]

mod common;
#[path = "simulator/mod.rs"]
mod simulator;

use std::collections::BTreeMap;

use simulator::run::{Run, run_script};
use simulator::script::{self, DAY};

/// Runs a seed.
fn run(seed: u64, days: i64) -> Run {
    run_script(script::make(seed, days, None))
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_alert_and_recovery_comes_when_the_model_says() {
    let (first, seeds) =
        (number("SIMULATOR_FIRST", 1), number("SIMULATOR_SEEDS", if cfg!(debug_assertions) { 4 } else { 12 }));
    let days = number("SIMULATOR_DAYS", if cfg!(debug_assertions) { 2 } else { 4 }).cast_signed();
    let (mut told, mut ticks, mut daemons, mut mails, mut lost) = (0, 0, 0, 0, 0);
    let mut killed_at = BTreeMap::new();
    let mut verdicts = BTreeMap::new();
    for seed in first..first + seeds {
        let run = run(seed, days);
        told += run.history.len();
        ticks += run.ticks;
        daemons += run.daemons;
        mails += run.mails;
        lost += run.lost;
        for (step, count) in run.killed_at {
            *killed_at.entry(step).or_insert(0) += count;
        }
        for (_, (_, verdict, _)) in run.history {
            *verdicts.entry(verdict).or_insert(0u64) += 1;
        }
    }
    let all = seeds.cast_signed() * days;
    println!("{seeds} seeds, {all} days, {ticks} ticks, {daemons} daemons, {told} notices: {verdicts:?}");
    println!("killed: {killed_at:?}");
    if killed_at.values().sum::<u32>() > 200 {
        let steps = ["before reading", "while writing", "before renaming", "after renaming", "after sending"];
        assert!(steps.iter().all(|step| killed_at.contains_key(step)), "{killed_at:?}");
    }
    println!("{mails} mails arrived, {lost} were refused for good or were left over and printed");
}

#[test]
fn the_same_seed_gives_the_same_output_twice() {
    for seed in [3, 7] {
        assert_eq!(run(seed, 1), run(seed, 1), "seed {seed}");
    }
}

/// The model compares every mail as it is sent: what it says, its figures, and its place in the order.
#[test]
fn a_mail_server_that_is_away_for_an_hour_costs_no_line_and_no_alert_and_nothing_comes_twice() {
    use simulator::script::HOUR;
    for seed in [2, 5] {
        let all = run_script(script::make(seed, 3, Some((4 * DAY, 5 * DAY))));
        let outage = run_script(script::make(seed, 3, Some((DAY, DAY + HOUR))));
        assert_eq!(outage.history, all.history, "seed {seed}: the watch does not depend on mail");
        assert_eq!((outage.mails, outage.lost), (all.mails, 0), "seed {seed}");
        assert!(all.mails > 10, "seed {seed}: {}", all.mails);
    }
}
