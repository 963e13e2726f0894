//! See [`loganalyzer::program`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    loganalyzer::program::main()
}
