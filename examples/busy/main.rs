//! Writes the log of a busy pgbouncer to standard output, for measuring.
//!
//! ```text
//! cargo run --release --example busy -- 300 > busy.log                   300 MB, as pgbouncer 1.21 writes it
//! cargo run --release --example busy -- 300 before-1.11 > busy.log       as 1.10 does
//! cargo run --release --example busy -- 300 users=1000 addresses=1000000 name=60 clients=10000
//! ```

#[path = "../../benches/mix/mod.rs"]
mod mix;

use std::io::{BufWriter, Write, stdout};
use std::process::ExitCode;

use mix::{Format, Log, Mix};

/// The mix that the arguments ask for, and its megabytes.
fn parse(arguments: impl Iterator<Item = String>) -> Result<(Mix, u64), String> {
    let (mut mix, mut megabytes) = (Mix::BUSY, 300);
    for argument in arguments {
        let wrong = || format!("busy: {argument}: neither a number of megabytes, before-1.11, nor NAME=NUMBER");
        let (name, number) = argument.split_once('=').unwrap_or(("megabytes", &argument));
        if argument == "before-1.11" {
            mix.format = Format::Before111;
            continue;
        }
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match name {
            "megabytes" => megabytes = number,
            "users" => mix.users = number.max(1),
            "databases" => mix.databases = number.max(1),
            "addresses" => mix.addresses = number.max(1),
            "name" => mix.name = number as usize,
            "clients" => mix.clients = number.max(1) as usize,
            _ => return Err(wrong()),
        }
    }
    Ok((mix, megabytes))
}

fn main() -> ExitCode {
    let (mix, megabytes) = match parse(std::env::args().skip(1)) {
        Ok(wanted) => wanted,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let mut out = BufWriter::new(stdout().lock());
    let written = Log::new(mix).write(megabytes * 1_000_000, &mut out).and_then(|()| out.flush());
    written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}
