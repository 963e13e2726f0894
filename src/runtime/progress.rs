//! How far the reading of complete logs is, on one line of standard error, where that is a terminal and it takes longer than
//! a second. The line is short, so that it fits any terminal, and is gone at the end.

use std::io::{self, IsTerminal, Read, Write};
use std::time::{Duration, Instant};

/// Nothing is said before so much time has passed, nor more often than this.
const PATIENCE: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_millis(200);

/// See the module.
#[derive(Debug)]
pub(super) struct Progress {
    /// When it is to be said next; never, where nobody looks.
    next: Option<Instant>,
    /// Bytes to be read, where that is known.
    total: Option<u64>,
    done: u64,
    /// How long the line is that stands there.
    shown: usize,
}

impl Progress {
    pub(super) fn new(total: Option<u64>) -> Self {
        let next = io::stderr().is_terminal().then(|| Instant::now() + PATIENCE);
        Self { next, total, done: 0, shown: 0 }
    }

    fn add(&mut self, count: usize) {
        self.done += count as u64;
        if self.next.is_some_and(|next| Instant::now() >= next) {
            self.show(&line(self.done, self.total));
            self.next = Some(Instant::now() + PAUSE);
        }
    }

    /// Writes over the line that stands there.
    fn show(&mut self, text: &str) {
        let blanks = " ".repeat(self.shown.saturating_sub(text.len()));
        let back = if text.is_empty() { "\r" } else { "" };
        // Nobody to tell where standard error is closed.
        let _ = io::stderr().write_all(["\r", text, &blanks, back].concat().as_bytes());
        self.shown = text.len();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown > 0 {
            self.show("");
        }
    }
}

/// `reading: 42 % of 1234 MB`.
fn line(done: u64, total: Option<u64>) -> String {
    let megabytes = |bytes: u64| bytes.div_ceil(1_000_000).to_string();
    match total.filter(|total| *total >= done && *total > 0) {
        Some(total) => {
            let percent = u128::from(done) * 100 / u128::from(total);
            ["reading: ", &percent.to_string(), " % of ", &megabytes(total), " MB"].concat()
        }
        None => ["reading: ", &megabytes(done), " MB"].concat(),
    }
}

/// Counts what is read of a file, as it is on the disk.
pub(super) struct Counted<'a> {
    pub(super) input: &'a mut dyn Read,
    pub(super) progress: &'a mut Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.progress.add(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_short() {
        assert_eq!(line(420_000, Some(1_000_000)), "reading: 42 % of 1 MB");
        assert_eq!(line(1, None), "reading: 1 MB");
        // A file that grows while it is read, or one of no size (/proc).
        assert_eq!(
            (line(7_000_001, Some(5)), line(0, Some(0))),
            ("reading: 8 MB".to_owned(), "reading: 0 MB".to_owned())
        );
        assert!(line(u64::MAX - 1, Some(u64::MAX)).len() < 40);
    }
}
