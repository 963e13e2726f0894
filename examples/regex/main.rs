//! The log read line by line with regular expressions, as most log analysers do it: `cargo run --release --example regex --
//! FILE` says how many records of each sort there are. It is the tests' oracle (`tests/common/regex_reading.rs`), and here
//! for `benches/compare`: what the hand-written reading buys.

#![allow(clippy::expect_used, reason = "an example may fail")]

#[allow(dead_code, unreachable_pub, reason = "the tests use all of it")]
#[path = "../../tests/common/regex_reading.rs"]
mod regex_reading;

use std::fs::File;
use std::io::{BufRead, BufReader};

use loganalyzer::pgbouncer::parser::Reading;
use loganalyzer::pgbouncer::record::Event;
use regex_reading::RegexReader;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).expect("which file?");
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut reader = RegexReader::new(0);
    let (mut line, mut attempts, mut closings, mut stats, mut others) = (Vec::new(), 0u64, 0u64, 0u64, 0u64);
    while file.read_until(b'\n', &mut line)? > 0 {
        let bytes = line.strip_suffix(b"\n").unwrap_or(&line);
        *match reader.read(bytes) {
            Reading::Record(record) => match record.event {
                Event::LoginAttempt(_) => &mut attempts,
                Event::ClientClosing { .. } => &mut closings,
                Event::Stats(_) => &mut stats,
                _ => &mut others,
            },
            Reading::Foreign | Reading::Unrecognised => &mut others,
        } += 1;
        line.clear();
    }
    println!("{attempts} attempts, {closings} closings, {stats} lines of stats, {others} others");
    Ok(())
}
