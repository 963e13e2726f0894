//! A property: whatever bytes a client puts into its names, its own line is read back as exactly what it was, and
//! nobody else's is made.
//!
//! `NAMES_CASES=1000000 cargo test --release --test names` runs a million clients; `NAMES_SEED=n` begins elsewhere.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use common::clients;
use common::printer::STYLES;
use common::random::Random;

/// Clients that share a log.
const BATCH: u32 = 100;

#[test]
fn any_names_are_read_back_as_what_they_are() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let cases: u64 = number("NAMES_CASES").unwrap_or(6000);
    let first: u64 = number("NAMES_SEED").unwrap_or(1);
    for batch in 0..cases.div_ceil(u64::from(BATCH)) {
        let style = STYLES[(batch % STYLES.len() as u64) as usize];
        let seed = first + batch;
        let log = clients::log(style, BATCH, &mut Random::new(seed));
        clients::check(&log, &mut Random::new(!seed), &format!("seed {seed}"));
    }
}
