//! The lines that nearly all are, read by comparing them with what was read before.
//!
//! Of a busy log 98 lines of 100 are a client's login attempt or closing, in pgbouncer's own file. Their first 19 bytes
//! are those of the line before but once a second, zone, pid and level are the same all day, and so on. Whatever is
//! not like that is nobody's business here: `None`, and the whole grammar is asked ([`super::parser`]). What is read
//! here is read as it would be there; a test compares the two on every line of every capture, whole and mangled
//! (`tests/differential.rs`).
//!
//! It takes a fifth of the instructions of the grammar (callgrind: 1,000 for a line and all that it means, instead of
//! 5,500), because nothing is looked for that can be compared, eight bytes at a time, and because no newline has to be
//! found before: where a line ends is known when it has been read.

use super::header::{DateCache, Header};
use super::record::{Format, Level, Pointer, Stamp, Zone};
use crate::words::{self, Window, first_bytes, place, word};

/// A client's record, whose end is not known yet: what stands before its `D/U@A `.
#[derive(Debug, Clone, Copy)]
pub struct Client<'a> {
    /// The text from the start of the line on.
    pub text: Window<'a>,
    /// Where the `D/U@A ` begins in it, with the message behind.
    pub who: usize,
    /// When it was written.
    pub stamp: Stamp,
    /// Which process wrote it.
    pub pid: u32,
    /// Which of pgbouncer's own.
    pub format: Format,
    /// Which socket it is about, if these are digits: what is the pointer of an open session is one.
    pub pointer: Pointer,
    /// Which bytes of the pointer are its digits.
    digits: [u64; 2],
    /// Which tail it has.
    tail: usize,
    /// Whether the line before was of the same second, process and zone.
    pub is_next: bool,
}

impl Client<'_> {
    /// Whether the pointer's digits are such, and lower-case as pgbouncer writes them.
    #[inline]
    pub(super) fn has_pointer(&self) -> bool {
        let is_number = |half: usize| words::are_hexadecimal(self.pointer.0[half] | ZEROS & !self.digits[half]);
        is_number(0) && is_number(1)
    }
}

const ZEROS: u64 = u64::from_le_bytes(*b"00000000");

/// Where the zone or the pid begins, with the blank before it: behind the date, `.` and three digits.
const TAIL: usize = 23;
/// The longest tail that is remembered: ` +0545 [4194304] LOG C-0x`.
const TAIL_WORDS: usize = 4;
/// How many tails: those of the processes of a `so_reuseport` take turns.
const TAILS: usize = 4;
/// What stands before the digits of a client's pointer.
const CLIENT: &[u8] = b"C-0x";

/// What stands between the milliseconds and a client's pointer: ` UTC [4711] LOG C-0x`, ` 4711 LOG C-0x`.
#[derive(Debug, Clone, Copy)]
struct Tail {
    words: [u64; TAIL_WORDS],
    masks: [u64; TAIL_WORDS],
    length: usize,
    /// How many digits a pointer has, and the masks of two words that hold them.
    digits: usize,
    digit_masks: [u64; 2],
    zone: Zone,
    pid: u32,
    format: Format,
}

impl Tail {
    /// What no line has.
    const NONE: Self = Self {
        words: [u64::MAX; TAIL_WORDS],
        masks: [0; TAIL_WORDS],
        length: 0,
        digits: 0,
        digit_masks: [0; 2],
        zone: Zone::Unknown,
        pid: 0,
        format: Format::FileSince111,
    };

    #[inline]
    fn is(&self, words: [u64; TAIL_WORDS]) -> bool {
        let difference = |place: usize| (words[place] & self.masks[place]) ^ self.words[place];
        difference(0) | difference(1) | difference(2) | difference(3) == 0
    }
}

/// The tails that the last lines had.
#[derive(Debug)]
pub(super) struct Tails {
    known: [Tail; TAILS],
    /// Where the next new one goes.
    next: usize,
    /// That of the last client's line.
    last: usize,
    /// Whether that was the last line of all, and was taken.
    is_next: bool,
}

impl Default for Tails {
    fn default() -> Self {
        Self { known: [Tail::NONE; TAILS], next: 0, last: 0, is_next: false }
    }
}

impl Tails {
    /// A line comes that is not usual.
    pub(super) fn interrupt(&mut self) {
        self.is_next = false;
    }

    /// Remembers the tail of a client's line of pgbouncer's own.
    pub(super) fn learn(&mut self, line: &[u8], header: &Header<'_>) {
        let Header { stamp: Stamp { zone, .. }, pid, format, message, .. } = *header;
        let length = line.len() - message.len() - TAIL + CLIENT.len();
        let Some(digits) = message.strip_prefix(CLIENT) else { return };
        let Some(count @ 1..=16) = memchr::memchr(b':', digits) else { return };
        let Some(words) = tail_words(|at| word(line, at)) else { return };
        if header.level != Some(Level::Log) || length > 8 * TAIL_WORDS || Pointer::new(&digits[..count]).is_none() {
            return;
        }
        let masks = [0, 8, 16, 24].map(|from| first_bytes(length.saturating_sub(from)));
        let words = [0, 1, 2, 3].map(|place| words[place] & masks[place]);
        let digit_masks = [first_bytes(count), first_bytes(count.saturating_sub(8))];
        let place = self.known.iter().position(|known| known.words == words).unwrap_or(self.next);
        self.known[place] = Tail { words, masks, length, digits: count, digit_masks, zone, pid, format };
        (self.next, self.last) = ((place + 1) % TAILS, place);
    }

    /// Which tail a line has.
    #[inline]
    fn find(&self, text: Window<'_>) -> Option<usize> {
        let words = tail_words(|at| Some(text.word(at)))?;
        let last = self.last % TAILS;
        if self.known[last].is(words) { Some(last) } else { self.known.iter().position(|known| known.is(words)) }
    }

    /// The line of this client was taken: one whose end is not there yet is read once more.
    #[inline]
    pub(super) fn take(&mut self, client: &Client<'_>) {
        (self.last, self.is_next) = (client.tail, true);
    }
}

#[inline]
fn tail_words(word: impl Fn(usize) -> Option<u64>) -> Option<[u64; TAIL_WORDS]> {
    Some([word(TAIL)?, word(TAIL + 8)?, word(TAIL + 16)?, word(TAIL + 24)?])
}

/// Reads what stands before a client's message at LOG.
#[inline]
pub(super) fn client<'a>(text: Window<'a>, date: &DateCache, tails: &Tails) -> Option<Client<'a>> {
    let millis = date.known([text.word(0), text.word(8), text.word(12)])?;
    // The last three bytes of the word; what stands before them has been compared with the date.
    let millis = millis + i64::from(words::decimal(text.word(TAIL - 8) >> 40, 3)?);
    let place = tails.find(text)?;
    let tail = &tails.known[place];
    let at = TAIL + tail.length;
    let who = at + tail.digits + 2;
    let pointer = Pointer([text.word(at) & tail.digit_masks[0], text.word(at + 8) & tail.digit_masks[1]]);
    let stamp = Stamp { millis, zone: tail.zone };
    let client = Client {
        text,
        who,
        stamp,
        pid: tail.pid,
        format: tail.format,
        pointer,
        digits: tail.digit_masks,
        tail: place,
        is_next: tails.is_next && tails.last == place,
    };
    // The last digit is none of the zero bytes that stand behind a shorter pointer.
    let end = text.word(who - 3);
    (end as u8 != 0 && (end >> 8) as u16 == u16::from_le_bytes(*b": ")).then_some(client)
}

/// Where the line ends whose newline must stand at `at`, behind it; `None` where none does, or a record goes on there.
#[inline]
pub(super) fn end(text: Window<'_>, at: usize) -> Option<usize> {
    let both = text.word(at);
    let is_end = both as u8 == b'\n' && !matches!((both >> 8) as u8, b'\t' | b' ');
    is_end.then_some(at + 1)
}

/// `closing because: client close request (age=7s)`, which nine closings of ten are, at `at`: the age, and where the
/// line ends.
#[inline]
pub(super) fn close_request(text: Window<'_>, at: usize) -> Option<(u64, usize)> {
    const START: &[u8; 43] = b"closing because: client close request (age=";
    if !text.has(at, START) {
        return None;
    }
    let digits = text.word(at + START.len());
    let bracket = place(digits, b')');
    // Versions from 1.10 on say that these are seconds.
    let unit = usize::from(text.word(at + START.len() + bracket - 1) as u8 == b's');
    if bracket == 8 {
        return None;
    }
    let age = words::decimal(digits, bracket - unit.min(bracket))?;
    Some((u64::from(age), end(text, at + START.len() + bracket + 1)?))
}
