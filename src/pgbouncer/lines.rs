//! Chunks of a file in, whole lines out, from one reused buffer that holds one unfinished line.
//!
//! A line ends at `\n` and nowhere else. pgbouncer writes a newline within a message as newline + TAB, so a line is
//! only known to be a whole record once the byte behind its newline is known: the first line of a longer record can
//! be made, by the choice of a database name, to read exactly like a login (DESIGN: no forgery). `journalctl -o short`
//! indents the further lines of a message with blanks; no record of any format begins with one.
//!
//! ```
//! use loganalyzer_engine::pgbouncer::lines::{Kind, Lines};
//!
//! let mut lines = Lines::new();
//! lines.push(b"one\ntwo\n\tmore of two\nthr");
//! let mut kinds = Vec::new();
//! while let Some(line) = lines.next_line() {
//!     kinds.push((line.bytes.to_vec(), line.kind));
//! }
//! assert_eq!(kinds, [
//!     (b"one".to_vec(), Kind::Whole),
//!     (b"two".to_vec(), Kind::Cut),
//!     (b"\tmore of two".to_vec(), Kind::Continuation),
//! ]);
//! ```

use crate::limits::{LINE_MAX, READ_SIZE};
use crate::words::WINDOW;

/// A line of the processor's cache. What the kernel reads goes to the start of one: copied to elsewhere, 300 MB take 70
/// ms instead of 51.
const CACHE_LINE: usize = 64;
/// Bytes before those that a read brings: what is left of the last one is kept there.
const KEPT: usize = LINE_MAX + 2;

/// One line of the log, without its newline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its bytes; empty where it was too long.
    pub bytes: &'a [u8],
    /// What it is of its record.
    pub kind: Kind,
    /// Where it begins, in bytes since the reader was made or [`Lines::restart`]ed; of one that is too long, where what
    /// was left of it at its end begins.
    pub offset: u64,
}

/// What a line is of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All of it.
    Whole,
    /// Its first line; more follow.
    Cut,
    /// A further line of it.
    Continuation,
    /// Longer than [`LINE_MAX`]: not kept.
    TooLong,
    /// The last bytes of a finished file, without a newline.
    Unfinished,
}

/// Who takes the lines of a reader, one by one.
pub trait Taker {
    /// Takes a line.
    fn line(&mut self, line: &Line<'_>);

    /// Takes as many whole lines from the start of `text` as it can without asking where they end; says how many bytes
    /// they have. What is left is given to [`Taker::line`]. Only the first `length` bytes of the text are the log's; these
    /// may end anywhere, and behind them stands something that means nothing.
    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let _ = (text, length);
        0
    }
}

impl<F: FnMut(&Line<'_>)> Taker for F {
    fn line(&mut self, line: &Line<'_>) {
        self(line);
    }
}

/// The reader: see the [module](self).
#[derive(Debug)]
pub struct Lines {
    /// Behind what is held there is room for a [`crate::words::Window`] to end.
    buffer: Box<[u8]>,
    /// Where what is read goes: behind [`KEPT`] bytes, at the start of a line of the cache.
    read_at: usize,
    /// The first byte of the line that is to come next.
    start: usize,
    /// No newline stands between `start` and here.
    scanned: usize,
    end: usize,
    /// What `start` is in the file.
    offset: u64,
    /// Within a line that is already too long.
    skipping: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self::new()
    }
}

impl Lines {
    /// An empty reader at offset 0.
    pub fn new() -> Self {
        let buffer = vec![0; CACHE_LINE + KEPT + READ_SIZE + WINDOW].into_boxed_slice();
        let read_at = KEPT + buffer[KEPT..].as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
        Self { buffer, read_at, start: read_at, scanned: read_at, end: read_at, offset: 0, skipping: false }
    }

    /// Forgets what it holds and goes on at `offset` of another file.
    pub fn restart(&mut self, offset: u64) {
        (self.start, self.scanned, self.end) = (self.read_at, self.read_at, self.read_at);
        self.offset = offset;
        self.skipping = false;
    }

    /// The same, where that may be within a line that is too long.
    pub fn resume(&mut self, offset: u64, skipping: bool) {
        self.restart(offset);
        self.skipping = skipping;
    }

    /// Whether it is within a line that is already too long.
    pub fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Room for [`READ_SIZE`] bytes; what is read into it must be told to [`Lines::filled`], and all lines taken, before
    /// the next.
    pub fn room(&mut self) -> &mut [u8] {
        // All lines have been taken, so what is left is shorter than any that is too long.
        let start = self.read_at.saturating_sub(self.end - self.start);
        self.buffer.copy_within(self.start..self.end, start);
        self.scanned = self.scanned - self.start + start;
        (self.start, self.end) = (start, self.read_at);
        &mut self.buffer[self.read_at..self.read_at + READ_SIZE]
    }

    /// Says that the first `count` bytes of [`Lines::room`] now hold what follows in the file.
    pub fn filled(&mut self, count: usize) {
        self.end += count.min(READ_SIZE);
    }

    /// Copies `chunk`, of at most [`READ_SIZE`] bytes, into the room.
    ///
    /// # Panics
    ///
    /// When the chunk is larger than that.
    pub fn push(&mut self, chunk: &[u8]) {
        self.room()[..chunk.len()].copy_from_slice(chunk);
        self.filled(chunk.len());
    }

    /// Gives out all lines of which all that must be known is known.
    pub fn drain(&mut self, take: &mut dyn Taker) {
        loop {
            if !self.skipping {
                let taken = take.usual(&self.buffer[self.start..], self.end - self.start);
                self.start += taken;
                self.offset += taken as u64;
                self.scanned = self.scanned.max(self.start);
            }
            match self.next_line() {
                Some(line) => take.line(&line),
                None => return,
            }
        }
    }

    /// The next line of which all that must be known is known.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        let Some(ahead) = memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]) else {
            self.scanned = self.end;
            self.drop_if_too_long();
            return None;
        };
        let newline = self.scanned + ahead;
        let too_long = self.skipping || newline - self.start > LINE_MAX;
        if newline + 1 == self.end && !too_long {
            self.scanned = newline;
            return None;
        }
        let continued = matches!(self.buffer[newline + 1..self.end].first(), Some(b'\t' | b' '));
        Some(self.take(newline, continued))
    }

    /// The last whole line, whose following byte has not come: to be asked for when the file has been quiet for a
    /// tick, or is at its end.
    pub fn last_line(&mut self) -> Option<Line<'_>> {
        let waiting = self.scanned < self.end && self.buffer[self.scanned] == b'\n';
        waiting.then(|| self.take(self.scanned, false))
    }

    /// The last whole line, whose following byte has not come, without taking it.
    pub fn waiting(&self) -> Option<Line<'_>> {
        let waiting = self.scanned < self.end && self.buffer[self.scanned] == b'\n' && !self.skipping;
        let bytes = &self.buffer[self.start..self.scanned];
        waiting.then_some(Line { bytes, kind: Kind::Whole, offset: self.offset })
    }

    /// The bytes behind the last newline of a file that is finished.
    pub fn unfinished(&mut self) -> Option<Line<'_>> {
        if self.start == self.end && !self.skipping {
            return None;
        }
        let mut line = self.take(self.end, false);
        if line.kind != Kind::TooLong {
            line.kind = Kind::Unfinished;
        }
        Some(line)
    }

    /// What is left of a file that is finished.
    pub fn finish(&mut self, take: &mut dyn Taker) {
        if let Some(line) = self.last_line() {
            take.line(&line);
        }
        if let Some(line) = self.unfinished() {
            take.line(&line);
        }
    }

    /// Where the next line begins in the file: all before it has been given out.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// How far the file has been read: the bytes that are held included.
    pub fn end_offset(&self) -> u64 {
        self.offset + (self.end - self.start) as u64
    }

    /// The line from `start` to `newline`.
    fn take(&mut self, newline: usize, continued: bool) -> Line<'_> {
        let (start, offset) = (self.start, self.offset);
        let next = (newline + 1).min(self.end);
        self.start = next;
        self.scanned = next;
        self.offset += (next - start) as u64;
        let too_long = std::mem::take(&mut self.skipping) || newline - start > LINE_MAX;
        let bytes = if too_long { &[][..] } else { &self.buffer[start..newline] };
        let kind = match bytes.first() {
            _ if too_long => Kind::TooLong,
            Some(b'\t' | b' ') => Kind::Continuation,
            _ if continued => Kind::Cut,
            _ => Kind::Whole,
        };
        Line { bytes, kind, offset }
    }

    fn drop_if_too_long(&mut self) {
        if self.end - self.start > LINE_MAX {
            self.offset += (self.end - self.start) as u64;
            self.start = self.end;
            self.skipping = true;
        }
    }
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
