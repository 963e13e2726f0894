//! Standard input as the log: `journalctl -fu pgbouncer -o short-iso | loganalyzer`.
//!
//! All that comes is new, and nothing of it can be found again: there is no place to keep. Its end is the end of the run.

use std::path::{Path, PathBuf};

use super::Daemon;
use super::reader::Reader;
use crate::pgbouncer::lines::{Lines, Taker};
use crate::runtime::world::{Output, World};

/// What `fileName` is then.
pub(super) const NAME: &str = "-";

/// What was read of it.
#[derive(Debug, Default)]
pub(super) struct Input {
    lines: Lines,
    pub(super) is_over: bool,
}

/// Whether standard input is to be followed.
pub(super) fn is_input(logs: &[PathBuf]) -> bool {
    logs.iter().any(|log| log == Path::new(NAME))
}

impl<F> Daemon<F> {
    /// Follows standard input, or does not any more, as the configuration says.
    pub(super) fn find_input(&mut self) {
        let known = self.input.take();
        self.input = is_input(&self.config.logs).then(|| known.unwrap_or_default());
    }

    /// Whether standard input was the log, and has come to its end.
    pub(super) fn is_over(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.is_over)
    }

    pub(super) fn poll_input(&mut self, world: &mut impl World<File = F>) {
        let Self { input: Some(input), analyzer, options, .. } = self else { return };
        let mut said = String::new();
        analyzer.switch_log(0);
        let told = options.verbose.then_some((&mut said, options.style));
        let mut reader = Reader { analyzer, has_lines: false, said: told };
        let mut has_bytes = false;
        input.is_over = world.read_input(&mut |bytes| {
            has_bytes = true;
            input.lines.push(bytes);
            input.lines.drain(&mut reader);
        });
        if input.is_over {
            input.lines.finish(&mut reader);
        } else if !has_bytes && let Some(line) = input.lines.last_line() {
            // It has waited for its next byte for long enough.
            reader.line(&line);
        }
        if has_bytes {
            // It may tell of the time before, as `journalctl -f` does.
            analyzer.begin_watch_with_log();
        }
        world.print(Output::Standard, &said);
    }

    /// A whole line that is there and not taken yet.
    pub(super) fn foresee_input(&mut self) {
        let Self { input, analyzer, .. } = self;
        if let Some(line) = input.as_ref().and_then(|input| input.lines.waiting()) {
            analyzer.foresee(&line);
        }
    }
}
