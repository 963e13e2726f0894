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
    /// Which start it has.
    start: usize,
    /// Whether the line before was of the same second, process and zone.
    pub is_next: bool,
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
/// Bits that are the same in all hexadecimal digits, and others than in a zero byte.
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
    /// Whether that was the last line of all, and was taken.
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
        let Some(text) = line.get(..who).filter(|text| text.ends_with(b": ")).and_then(padded) else { return };
        let mut are_digits = [0; 16];
        are_digits[..count].fill(0xff);
        let second = millis - millis.rem_euclid(1000);
        let start = Start { text, masks, second, pointer, who, digits: are_digits, zone, pid, format };
        let place = self.known.iter().position(|known| known.begins_another_second(&text)).unwrap_or(self.next);
        self.known[place] = start;
        (self.next, self.last) = ((place + 1) % STARTS, place);
    }

    /// What a line begins with, and where that is remembered.
    #[inline]
    fn find(&mut self, text: Window<'_>) -> Option<(usize, &Start)> {
        let mut place = self.last % STARTS;
        if !self.known[place].begins(text.bytes(0)) {
            place = self.find_other(text)?;
        }
        Some((place, &self.known[place]))
    }

    /// The same, of a line that does not begin as the last one: another process wrote it, or a second has gone by.
    #[inline(never)]
    fn find_other(&mut self, text: Window<'_>) -> Option<usize> {
        let line = text.bytes(0);
        let place = self.known.iter().position(|known| known.begins_another_second(line))?;
        let start = &mut self.known[place];
        if !start.begins(line) {
            start.second = parse_date(&line[..DATE], b' ')?;
            start.text[..DATE].copy_from_slice(&line[..DATE]);
            self.is_next = false;
        }
        Some(place)
    }

    /// Reads what stands before a client's message at LOG.
    #[inline]
    pub(super) fn client<'a>(&mut self, text: Window<'a>) -> Option<Client<'a>> {
        let millis = milliseconds(text.word(MILLIS))?;
        let (was_next, last) = (self.is_next, self.last);
        let (place, start) = self.find(text)?;
        let &Start { second, pointer: at, who, digits, zone, pid, format, .. } = start;
        let half = |from: usize| text.word(at + from) & word(&digits, from).unwrap_or_default();
        let pointer = Pointer([half(0), half(8)]);
        let stamp = Stamp { millis: second + millis, zone };
        let is_next = was_next && last == place && self.is_next;
        Some(Client { text, who, stamp, pid, format, pointer, start: place, is_next })
    }

    /// Whether the pointer's digits are such, and lower-case as pgbouncer writes them.
    #[inline]
    pub(super) fn has_pointer(&self, client: &Client<'_>) -> bool {
        let start = &self.known[client.start % STARTS];
        words::are_hexadecimal(client.text.bytes(start.pointer), &start.digits)
    }

    /// The line of this client was taken: one whose end is not there yet is read once more.
    #[inline]
    pub(super) fn take(&mut self, client: &Client<'_>) {
        (self.last, self.is_next) = (client.start, true);
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
    let is_end = both as u8 == b'\n' && !matches!((both >> 8) as u8, b'\t' | b' ');
    is_end.then_some(at + 1)
}

/// `closing because: client close request (age=7s)`, which nine closings of ten are, at `at`: where the line ends.
#[inline]
pub(super) fn close_request(text: Window<'_>, at: usize) -> Option<usize> {
    // The five bytes behind it are not compared.
    const START: &[u8; 48] = b"closing because: client close request (age=.....";
    const LENGTH: usize = 43;
    if !text.is(at, LENGTH, START) {
        return None;
    }
    let age = text.word(at + LENGTH);
    let bracket = place(age, b')');
    // Versions from 1.10 on say that these are seconds.
    let unit = usize::from(text.word(at + LENGTH + bracket - 1) as u8 == b's');
    words::are_decimal(age, bracket.checked_sub(unit)?).then(|| end(text, at + LENGTH + bracket + 1))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_are_three_digits() {
        for number in 0..1000 {
            let text = format!("{number:03} UTC ");
            assert_eq!(milliseconds(words::word(text.as_bytes(), 0).expect("it fits")), Some(number));
        }
        for text in [
            b"/00 UTC ",
            b"0:0 UTC ",
            b"00: UTC ",
            b"0 0 UTC ",
            b"00\0 UTC ",
            b"1-1 UTC ",
            b"0\xb01 UTC ",
            b"01\xb9 UTC ",
        ] {
            assert_eq!(milliseconds(u64::from_le_bytes(*text)), None, "{text:?}");
        }
    }

    fn window(text: &str) -> [u8; words::WINDOW] {
        let mut bytes = [b'~'; words::WINDOW];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        bytes
    }

    /// What is not read here is read by the grammar, ten times as slowly, so nothing else notices.
    #[test]
    fn a_close_request_is_read_up_to_the_end_of_its_line() {
        for age in ["0", "7s", "12", "345s", "999999", "999999s", "1234567"] {
            for before in ["", "C-0x1: app/web@10.0.0.7:5 "] {
                let line = format!("{before}closing because: client close request (age={age})\n");
                let end = close_request(Window(&window(&(line.clone() + "2026"))), before.len());
                assert_eq!(end, Some(line.len()), "{line}");
            }
        }
        for other in [
            "closing because: client close request (age=)\n2",
            "closing because: client close request (age=s)\n2",
            "closing because: client close request (age=7x)\n2",
            "closing because: client close request (age=7)x\n2",
            "closing because: client close request (age=7)\n\t",
            "closing because: client close requesT (age=7)\n2",
            "closing because: client unexpected eof (age=7s)\n2",
        ] {
            assert_eq!(close_request(Window(&window(other)), 0), None, "{other}");
        }
    }

    fn client<'a>(starts: &mut Starts, text: &'a [u8; words::WINDOW]) -> Option<Client<'a>> {
        starts.client(Window(text))
    }

    fn learnt(starts: &mut Starts, line: &str) {
        let header = super::super::header::parse_own(line.as_bytes(), &mut super::super::header::DateCache::default())
            .expect("a header");
        starts.learn(line.as_bytes(), &header);
    }

    /// Of a record of the same second and process as the one before nothing has to be noted; of all others it has.
    #[test]
    fn a_line_is_the_next_only_behind_one_of_the_same_second_and_process() {
        let line =
            |second: usize, pid: usize| format!("2026-11-22 05:10:{second:02}.550 UTC [{pid}] LOG C-0x55d0: app/web@");
        let mut starts = Starts::default();
        for pid in 1..=5 {
            learnt(&mut starts, &line(0, pid));
        }
        let mut next = |second, pid, is_other: bool| {
            if is_other {
                starts.interrupt();
            }
            let bytes = window(&line(second, pid));
            let client = client(&mut starts, &bytes)?;
            assert_eq!((client.pid as usize, client.stamp.millis % 60_000), (pid, second as i64 * 1000 + 550));
            assert_eq!(client.who, line(second, pid).len() - "app/web@".len());
            let is_next = client.is_next;
            starts.take(&client);
            Some(is_next)
        };
        assert_eq!(next(0, 1, false), None, "four are remembered");
        assert_eq!(next(0, 5, false), Some(false));
        assert_eq!(next(0, 5, false), Some(true));
        assert_eq!(next(0, 5, true), Some(false), "another line has come between");
        assert_eq!(next(0, 4, false), Some(false), "another process");
        assert_eq!(next(0, 4, false), Some(true));
        assert_eq!(next(1, 4, false), Some(false), "another second");
        assert_eq!(next(1, 4, false), Some(true));
        assert_eq!(next(1, 5, false), Some(false));
        assert_eq!(next(1, 4, false), Some(false));
        assert_eq!((next(1, 2, false), next(1, 3, false)), (Some(false), Some(false)));
    }

    /// Its date, pid and level are not read again, so they must be the ones that would be.
    #[test]
    fn the_header_of_a_start_that_is_remembered_is_the_one_that_would_be_read() {
        let line = |start: &str| format!("{start}: nobody knows what this is, but it is long enough");
        let mut starts = Starts::default();
        learnt(&mut starts, &line("2026-11-22 05:10:05.550 CET [4711] LOG C-0x55d0a1b2c000"));
        for (start, is_known) in [
            ("2026-11-22 05:10:05.550 CET [4711] LOG C-0x55d0a1b2c000", true),
            ("2026-11-22 05:10:05.007 CET [4711] LOG C-0x7fffffffffff", true),
            ("2026-11-22 05:10:05.0x7 CET [4711] LOG C-0x55d0a1b2c000", false),
            ("2026-11-22 05:10:06.550 CET [4711] LOG C-0x55d0a1b2c000", false),
            ("2026-11-22 05:10:05.550 UTC [4711] LOG C-0x55d0a1b2c000", false),
            ("2026-11-22 05:10:05.550 CET [4712] LOG C-0x55d0a1b2c000", false),
            ("2026-11-22 05:10:05.550 CET [4711] WARNING C-0x55d0a1b2c0", false),
            ("2026-11-22 05:10:05.550 CET [4711] LOG S-0x55d0a1b2c000", false),
        ] {
            let line = line(start);
            let read =
                super::super::header::parse_own(line.as_bytes(), &mut super::super::header::DateCache::default());
            assert_eq!(starts.header(line.as_bytes()), read.filter(|_| is_known), "{start}");
        }
        assert_eq!(Starts::default().header(&[0; START]), None);
    }

    /// Up to the blank behind its pointer it has 64 bytes at most; what is longer is for the grammar.
    #[test]
    fn what_a_line_begins_with_fits_or_is_not_remembered() {
        for (zone, pid, is_remembered) in [
            ("UTC", "1", true),
            ("+0545", "41943", true),
            ("+05:45", "4194303", true),
            ("+05:45", "41943034", true),
            ("+05:45", "419430341", false),
        ] {
            let line = format!("2026-11-22 05:10:05.550 {zone} [{pid}] LOG C-0x55d0a1b2c000: app/web@");
            assert_eq!(line.len() - "app/web@".len() <= START, is_remembered, "{line}");
            let mut starts = Starts::default();
            learnt(&mut starts, &line);
            let bytes = window(&line);
            assert_eq!(client(&mut starts, &bytes).is_some(), is_remembered, "{line}");
        }
    }
}
