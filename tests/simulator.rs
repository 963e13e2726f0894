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
mod simulator {
    pub mod actions;
    pub mod bouncer;
    pub mod clock;
    pub mod files;
    pub mod model;
    pub mod model_entry;
    pub mod model_heart;
    pub mod model_mail;
    pub mod model_tail;
    pub mod script;
    pub mod world;
}

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use loganalyzer::config::Config;
use loganalyzer::report::paint::Style;
use loganalyzer::runtime::daemon::{Daemon, Options};
use simulator::model::Told;
use simulator::world::{Killed, Shared};

/// What a run came to.
#[derive(Debug, PartialEq)]
struct Run {
    history: Vec<(i64, Told)>,
    output: String,
    ticks: u64,
    daemons: u32,
    mails: usize,
    lost: usize,
    killed_at: BTreeMap<&'static str, u32>,
}

/// Runs a seed: daemon after daemon, until the script ends.
fn run(seed: u64, days: i64) -> Run {
    run_with(seed, days, None)
}

fn run_with(seed: u64, days: i64, mail_outage: Option<(i64, i64)>) -> Run {
    let simulation = simulator::script::make(seed, days, mail_outage);
    let zone = simulation.zone.clone();
    let shared = Shared(Rc::new(RefCell::new(simulation)));
    let mut daemons = 0;
    // pgbouncer has been there for a while.
    shared.0.borrow_mut().run_until(5 * 60_000);
    while !shared.0.borrow().is_over {
        let config = shared.0.borrow().script.config();
        let config = Config::parse("LogAnalyzer.json", &config).expect("a configuration");
        shared.0.borrow_mut().begin_daemon();
        let options = Options { verbose: false, style: Style::default(), pid: 1 };
        let ended = catch_unwind(AssertUnwindSafe(|| {
            Daemon::start(&mut shared.clone(), config, &zone, options).run(&mut shared.clone());
        }));
        daemons += 1;
        match ended {
            Ok(()) => shared.0.borrow_mut().end_daemon(),
            Err(panic) if panic.is::<Killed>() => shared.0.borrow_mut().be_down(),
            Err(panic) => resume_unwind(panic),
        }
    }
    let simulation = shared.0.borrow();
    let (mails, lost) = (simulation.mails, simulation.lost);
    Run {
        history: simulation.history.clone(),
        output: simulation.output.clone(),
        ticks: simulation.ticks,
        daemons,
        mails,
        lost,
        killed_at: simulation.killed_at.clone(),
    }
}

/// A killed daemon says nothing.
fn keep_quiet_when_killed() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Killed>() {
            hook(info);
        }
    }));
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn every_alert_and_recovery_comes_when_the_model_says() {
    keep_quiet_when_killed();
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
    use simulator::script::{DAY, HOUR};
    for seed in [2, 5] {
        let all = run_with(seed, 3, Some((4 * DAY, 5 * DAY)));
        let outage = run_with(seed, 3, Some((DAY, DAY + HOUR)));
        assert_eq!(outage.history, all.history, "seed {seed}: the watch does not depend on mail");
        assert_eq!((outage.mails, outage.lost), (all.mails, 0), "seed {seed}");
        assert!(all.mails > 10, "seed {seed}: {}", all.mails);
    }
}
