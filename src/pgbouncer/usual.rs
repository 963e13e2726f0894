//! The lines that nearly all are, read by comparing them with what was read before.
//!
//! Of a busy log 98 lines of 100 are a client's login attempt or closing, in pgbouncer's own file. Their first 19 bytes
//! are those of the line before but once a second, zone, pid and level are the same all day, and so on. Whatever is
//! not like that is nobody's business here: `None`, and the whole grammar is asked ([`super::parser`]). What is read
//! here is read as it would be there; a test compares the two on every line of every capture, whole and mangled
//! (`tests/differential.rs`).
//!
//! It takes a tenth of the instructions of the grammar, because nothing is looked for that can be compared, sixteen
//! bytes at a time, and because no newline has to be found before: where a line ends is known when it has been read.

use super::header::{Header, parse_date};
use super::record::{Format, Level, Pointer, Stamp, Zone};
use crate::words::{self, Window, padded, place, same_where, word};

/// The head of a socket's record at LOG, whose end is not known yet: what stands before its `D/U@A `.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
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
}

/// Bytes of date and time. Behind them and the point: the milliseconds, and the zone or the pid with the blank before it.
const DATE: usize = 19;
const MILLIS: usize = 20;
const TAIL: usize = 23;
/// Bytes of a line up to the blank behind the pointer: `2026-11-22 05:10:05.550 UTC [4711] LOG C-0x55d0a1b2c000: `.
const START: usize = 64;
/// How many starts are remembered: the processes of a `so_reuseport` take turns.
const STARTS: usize = 4;
/// What stands before the digits of a client's pointer.
const CLIENT: &[u8] = b"C-0x";
/// What a server's has for the first of these.
const SERVER: u8 = b'S';
/// Bits that are the same in all lower-case hexadecimal digits, and others than in a zero byte.
const DIGIT_BITS: u8 = 0xa0;

/// What a client's lines of one process begin with, in one second.
#[derive(Debug, Clone, Copy)]
struct Start {
    /// The first bytes of one of them.
    text: [u8; START],
    /// What of these is compared.
    masks: [u8; START],
    /// The printed second, as [`Stamp::millis`].
    second: i64,
    /// Where the pointer's digits are, and what stands behind it.
    pointer: usize,
    who: usize,
    /// Which of the sixteen bytes from `pointer` on are its digits.
    digits: [u8; 16],
    zone: Zone,
    pid: u32,
    format: Format,
}

impl Start {
    /// What no line begins with.
    const NONE: Self = Self {
        text: [0; START],
        masks: [0xff; START],
        second: 0,
        pointer: 0,
        who: 0,
        digits: [0; 16],
        zone: Zone::Unknown,
        pid: 0,
        format: Format::FileSince111,
    };

    /// Whether a line begins so.
    #[inline]
    fn begins(&self, line: &[u8; START]) -> bool {
        same_where(line, &self.text, &self.masks)
    }

    /// Where `C` or `S` stands.
    fn side(&self) -> usize {
        self.pointer.wrapping_sub(CLIENT.len())
    }

    /// What a line that begins so says with it.
    #[inline]
    fn head<'a>(&self, text: Window<'a>) -> Option<Head<'a>> {
        let millis = milliseconds(text.word(MILLIS))?;
        let &Self { second, pointer: at, who, digits, zone, pid, format, .. } = self;
        let half = |from: usize| text.word(at + from) & word(&digits, from).unwrap_or_default();
        let stamp = Stamp { millis: second + millis, zone };
        let pointer = Pointer([half(0), half(8)]);
        Some(Head { text, who, stamp, pid, format, pointer })
    }

    /// Whether a line begins so but for its date and time, up to the point.
    fn begins_another_second(&self, line: &[u8; START]) -> bool {
        let mut masks = self.masks;
        masks[..DATE].fill(0);
        same_where(line, &self.text, &masks)
    }
}

/// What the last lines began with.
#[derive(Debug)]
pub(super) struct Starts {
    known: [Start; STARTS],
    /// Where the next new one goes.
    next: usize,
    /// That of the last client's line.
    last: usize,
    /// Whether a line with that was the last of all, and was taken.
    is_next: bool,
}

impl Default for Starts {
    fn default() -> Self {
        Self { known: [Start::NONE; STARTS], next: 0, last: 0, is_next: false }
    }
}

impl Starts {
    /// A line comes that is not usual.
    pub(super) fn interrupt(&mut self) {
        self.is_next = false;
    }

    /// The header of a client's line that begins as one that is remembered: 700 instructions less than to read it and to
    /// remember it once more.
    pub(super) fn header<'a>(&mut self, line: &'a [u8]) -> Option<Header<'a>> {
        let text = line.first_chunk()?;
        let place = self.known.iter().position(|known| known.begins(text))?;
        let Start { second, pointer, zone, pid, format, .. } = self.known[place];
        let stamp = Stamp { millis: second + milliseconds(words::word(line, MILLIS)?)?, zone };
        let message = line.get(pointer.checked_sub(CLIENT.len())?..)?;
        self.last = place;
        Some(Header { stamp, pid, level: Some(Level::Log), format, ident: b"", message })
    }

    /// Remembers what a client's line of pgbouncer's own begins with.
    pub(super) fn learn(&mut self, line: &[u8], header: &Header<'_>) {
        let Header { stamp: Stamp { millis, zone }, pid, format, message, .. } = *header;
        let Some(digits) = message.strip_prefix(CLIENT) else { return };
        let Some(count @ 1..=16) = memchr::memchr(b':', digits) else { return };
        let pointer = line.len() - digits.len();
        let who = pointer + count + 2;
        if header.level != Some(Level::Log) || who > START || Pointer::new(&digits[..count]).is_none() {
            return;
        }
        let mut masks = [0xff; START];
        masks[MILLIS..TAIL].fill(0);
        masks[pointer..pointer + count].fill(DIGIT_BITS);
        masks[who..].fill(0);
        let Some(mut text) = line.get(..who).filter(|text| text.ends_with(b": ")).and_then(padded) else { return };
        // Whatever they are here: of `A` to `F` the bits are those of a zero byte.
        text[pointer..pointer + count].fill(b'0');
        let mut are_digits = [0; 16];
        are_digits[..count].fill(0xff);
        let second = millis - millis.rem_euclid(1000);
        let start = Start { text, masks, second, pointer, who, digits: are_digits, zone, pid, format };
        let place = self.known.iter().position(|known| known.begins_another_second(&text)).unwrap_or(self.next);
        self.known[place] = start;
        (self.next, self.last) = ((place + 1) % STARTS, place);
    }

    /// What the last client's line began with.
    #[inline]
    fn last(&self) -> &Start {
        &self.known[self.last % STARTS]
    }

    /// Turns to what a client's line begins with if that is remembered, and is not what the last one began with: another
    /// process wrote it, or a second has gone by. Says whether it did.
    #[inline(never)]
    pub(super) fn turn(&mut self, text: Window<'_>) -> bool {
        let line = text.bytes(0);
        let is_servers = line.get(self.last().side()) == Some(&SERVER);
        if is_servers || self.last().begins(line) {
            return false;
        }
        let Some(place) = self.known.iter().position(|known| known.begins_another_second(line)) else { return false };
        let start = &mut self.known[place];
        if !start.begins(line) {
            let Some(second) = parse_date(&line[..DATE], b' ') else { return false };
            start.second = second;
            start.text[..DATE].copy_from_slice(&line[..DATE]);
        }
        (self.last, self.is_next) = (place, false);
        true
    }

    /// Reads what stands before a client's message at LOG, if it begins as the last one.
    #[inline]
    pub(super) fn client<'a>(&self, text: Window<'a>) -> Option<Head<'a>> {
        let start = self.last();
        if start.begins(text.bytes(0)) { start.head(text) } else { None }
    }

    /// The same before a server's message, where a client's with the same header would begin as the last one.
    pub(super) fn server<'a>(&self, text: Window<'a>) -> Option<Head<'a>> {
        let start = self.last();
        let mut line = *text.bytes::<START>(0);
        *line.get_mut(start.side()).filter(|side| **side == SERVER)? = CLIENT[0];
        if start.begins(&line) { start.head(text) } else { None }
    }

    /// Whether the pointer's digits are such, and lower-case as pgbouncer writes them, in a line that begins as the last.
    #[inline]
    pub(super) fn has_pointer(&self, text: Window<'_>) -> bool {
        let start = self.last();
        words::are_hexadecimal(text.bytes(start.pointer), &start.digits)
    }

    /// Whether the line before one that begins as the last was of the same second, process and zone, and was taken.
    #[inline]
    pub(super) fn is_next(&self) -> bool {
        self.is_next
    }

    /// Which process wrote the last client's line.
    pub(super) fn pid(&self) -> u32 {
        self.last().pid
    }

    /// A line that begins as the last was taken: one whose end is not there yet is read once more.
    pub(super) fn take(&mut self) {
        self.is_next = true;
    }
}

/// The value of the three digits that a word begins with.
#[inline]
fn milliseconds(word: u64) -> Option<i64> {
    let digits = word as u32 & 0x00ff_ffff ^ 0x0030_3030;
    let is_number = (digits | digits.wrapping_add(0x0076_7676)) & 0x0080_8080 == 0;
    is_number.then_some(i64::from((digits & 0xff) * 100 + (digits >> 8 & 0xff) * 10 + (digits >> 16)))
}

/// Where the line ends whose newline must stand at `at`, behind it; `None` where none does, or a record goes on there.
#[inline]
pub(super) fn end(text: Window<'_>, at: usize) -> Option<usize> {
    let both = text.word(at);
    // A digit stands behind it, or what is to be looked at more closely.
    (both as u8 == b'\n' && (both >> 8) as u8 > b' ').then_some(at + 1)
}

/// `closing because: client close request (age=7s)`, which nine closings of ten are, at `at`: where the line ends.
#[inline]
pub(super) fn close_request(text: Window<'_>, at: usize) -> Option<usize> {
    const LENGTH: usize = 43;
    closing(text, at, b"closing because: client close request (age=.....", LENGTH)
}

/// A closing of which the first `length` bytes are those of `start`, at `at`: where the line ends.
#[inline]
fn closing(text: Window<'_>, at: usize, start: &[u8; 48], length: usize) -> Option<usize> {
    if !text.is(at, length, start) {
        return None;
    }
    let age = text.word(at + length);
    let bracket = place(age, b')');
    // Versions from 1.10 on say that these are seconds.
    let unit = usize::from(text.word(at + length + bracket - 1) as u8 == b's');
    words::are_decimal(age, bracket.checked_sub(unit)?).then(|| end(text, at + length + bracket + 1))?
}

#[cfg(test)]
#[path = "usual_tests.rs"]
mod tests;
