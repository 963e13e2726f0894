//! The daemon in the simulated world, against the exact model: the bytes decide what happens there, from the version of
//! pgbouncer and the zone to each rotation, exit and kill.

use arbitrary::{Arbitrary, Unstructured};

use crate::common::random::Random;
use crate::simulator::run::run_script;
use crate::simulator::script::{HOUR, make_with};

#[derive(Arbitrary)]
struct Input<'a> {
    /// Chance, for what is only noise: when within its gap a client comes, and from which port.
    seed: u8,
    hours: u8,
    /// What the mail server does, and when it is killed.
    mail: [u8; 16],
    world: &'a [u8],
}

/// A simulated day takes too long for a fuzzer: it is some hours.
const HOURS: i64 = 6;

pub fn run(bytes: &[u8]) {
    let Ok(Input { seed, hours, mail, world }) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let seed = u64::from(seed);
    let chance = [Random::deciding(seed, world), Random::deciding(!seed, &mail)];
    let length = HOUR * (1 + i64::from(hours) % HOURS);
    run_script(make_with(seed, chance, length, None));
}
