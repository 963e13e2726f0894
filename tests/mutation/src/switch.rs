//! The switches of the mutants: a module of the copy of the engine.
//!
//! `MUTANT` in the environment is the number of the mutant that is alive, if one is. Where `MUTANT_REACHED` names a file,
//! the number of each switch that is asked goes there, once.

use std::fs::File;
use std::io::Write;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

static ALIVE: LazyLock<usize> =
    LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(usize::MAX));

static REACHED_FILE: LazyLock<Option<File>> = LazyLock::new(|| {
    let name = std::env::var_os("MUTANT_REACHED")?;
    File::options().create(true).append(true).open(name).ok()
});

static REACHED: [AtomicBool; MUTANTS] = [const { AtomicBool::new(false) }; MUTANTS];

/// Whether this mutant is alive.
pub fn is(mutant: usize) -> bool {
    if let Some(mut file) = REACHED_FILE.as_ref()
        && !REACHED[mutant].swap(true, Ordering::Relaxed)
    {
        let _ = writeln!(file, "{mutant}");
    }
    mutant == *ALIVE
}

/// What a function of one operand gives, or its mutant.
pub fn one<A, R>(mutant: usize, a: A, right: impl FnOnce(A) -> R, wrong: impl FnOnce(A) -> R) -> R {
    if is(mutant) { wrong(a) } else { right(a) }
}

/// What a function of two operands gives, or its mutant.
pub fn two<A, B, R>(
    mutants: [usize; 1],
    a: A,
    b: B,
    right: impl FnOnce(A, B) -> R,
    wrong: impl FnOnce(A, B) -> R,
) -> R {
    if is(mutants[0]) { wrong(a, b) } else { right(a, b) }
}

/// The same, with two mutants.
pub fn two_two<A, B, R>(
    mutants: [usize; 2],
    a: A,
    b: B,
    right: impl FnOnce(A, B) -> R,
    wrong: impl FnOnce(A, B) -> R,
    other: impl FnOnce(A, B) -> R,
) -> R {
    match mutants.map(is) {
        [true, _] => wrong(a, b),
        [_, true] => other(a, b),
        _ => right(a, b),
    }
}

/// The same, with three mutants.
pub fn two_three<A, B, R>(
    mutants: [usize; 3],
    a: A,
    b: B,
    right: impl FnOnce(A, B) -> R,
    wrong: impl FnOnce(A, B) -> R,
    other: impl FnOnce(A, B) -> R,
    third: impl FnOnce(A, B) -> R,
) -> R {
    match mutants.map(is) {
        [true, ..] => wrong(a, b),
        [_, true, _] => other(a, b),
        [.., true] => third(a, b),
        _ => right(a, b),
    }
}
