//! The client's address in a login attempt, read from its end, where that is known.
//!
//! What was read before is remembered with its bytes, and only compared. New ones are read at once, without a branch for each
//! byte: of a million addresses nearly each is new.

use super::address;
use super::record::{REPEATS, Repeat};
use crate::limits::ADDRESS_MAX;
use crate::words::{self, Window, first_bytes, padded};

/// Addresses that are remembered.
pub(super) const HOSTS: usize = REPEATS;
/// Those of other kinds than IPv4.
pub(super) const OTHER_HOSTS: usize = 256;
/// The longest of these.
const OTHER_HOST: usize = 48;
/// One in each byte, and the highest bit of each.
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;
const ZEROS: u64 = u64::from_le_bytes(*b"00000000");

/// An address of IPv4 that was read before: its bytes, at most fifteen, the colon behind it, zeros, and, in another word, when it
/// came here, among all that ever did. Zeros where there is none: those that nobody has touched take no memory.
type Host = [u64; 3];

/// Another address that was read before, without its port (`unix`, whatever the pid): its bytes, zeros, how many it has, and when
/// it came here, among all that ever did.
pub(super) type OtherHost = ([u8; OTHER_HOST], u32);

/// The numbers of what is remembered anew, from 1 on.
#[derive(Debug, Default)]
pub(super) struct Epochs(u32);

impl Epochs {
    /// A repeat that there has never been; `None` after four thousand millions.
    pub(super) fn next(&mut self, place: usize) -> Option<Repeat> {
        self.0 = self.0.checked_add(1)?;
        Some(Repeat { place: place as u16, epoch: self.0 })
    }

    /// How many there were.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.0 as usize
    }
}

/// The places at which something may be remembered whose hash this is. Whoever chooses names so that they meet here only
/// makes them be read anew.
#[inline]
pub(super) fn probe(home: usize, places: usize) -> impl Iterator<Item = usize> {
    (0..4).map(move |step| home.wrapping_add(step) % places)
}

/// The addresses that were read before, each where its own bits say.
#[derive(Debug)]
pub(super) struct Hosts {
    ipv4: Box<[Host]>,
    pub(super) others: Box<[OtherHost]>,
    pub(super) epochs: Epochs,
}

impl Default for Hosts {
    fn default() -> Self {
        Self { ipv4: vec![[0; 3]; HOSTS].into_boxed_slice(), others: Box::default(), epochs: Epochs::default() }
    }
}

impl Hosts {
    /// Where the address is remembered that ends, with its port, at `blank`, of a `D/U@A` from `who` on; and where the `@`
    /// before it is.
    #[inline]
    pub(super) fn find(&mut self, text: Window<'_>, who: usize, blank: usize) -> Option<(Repeat, usize)> {
        self.ipv4(text, blank).or_else(|| self.other(text, who, blank))
    }

    /// Where the address of IPv4 is remembered that ends, with its port, at `blank`; and where the `@` before it is. Read from its
    /// end, because that is known: ninety instructions less than to look for each part from the start of the line.
    #[inline]
    fn ipv4(&mut self, text: Window<'_>, blank: usize) -> Option<(Repeat, usize)> {
        let colon = text.last_of_sixteen(blank, b':')?;
        if !is_port(before(text, blank), blank.wrapping_sub(colon + 1)) {
            return None;
        }
        // No such address has more than fifteen bytes.
        let at = text.last_of_sixteen(colon, b'@')?;
        // With the colon behind it, so that zero bytes in it are not those behind it, and there is no address of none.
        let bits = text.masked(at + 1, colon - at);
        let home = words::fold(bits[0] ^ bits[1].rotate_left(32), 0x9e37_79b9_7f4a_7c15) as usize;
        for place in probe(home, HOSTS) {
            let [start, end, epoch] = self.ipv4[place];
            if [start, end] == bits {
                return Some((Repeat { place: place as u16, epoch: epoch as u32 }, at));
            }
        }
        self.new_host(text, (colon, colon - at - 1), bits, home).map(|repeat| (repeat, at))
    }

    #[cold]
    fn new_host(
        &mut self,
        text: Window<'_>,
        (colon, length): (usize, usize),
        bits: [u64; 2],
        home: usize,
    ) -> Option<Repeat> {
        if !is_ipv4(text, colon, length) {
            return None;
        }
        let place = probe(home, HOSTS).find(|&place| self.ipv4[place][2] == 0).unwrap_or(home % HOSTS);
        let repeat = self.epochs.next(place)?;
        self.ipv4[place] = [bits[0], bits[1], u64::from(repeat.epoch)];
        Some(repeat)
    }

    /// The same of an address of another kind, in a `D/U@A` from `who` to `blank`.
    #[cold]
    fn other(&mut self, text: Window<'_>, who: usize, blank: usize) -> Option<(Repeat, usize)> {
        let at = who + memchr::memrchr(b'@', text.slice(who, blank))?;
        let address = text.slice(at + 1, blank);
        // As long as the grammar takes it (`attempt::parse_at`).
        if blank - at > ADDRESS_MAX || memchr::memchr(b'\n', address).is_some() {
            return None;
        }
        Some((self.other_address(address)?, at))
    }

    /// Where an address of another kind is remembered.
    fn other_address(&mut self, address: &[u8]) -> Option<Repeat> {
        let (host, _) = address::split(address)?;
        // A unix socket's has a pid, which is another each time.
        let host = if host.starts_with(b"unix") { address::parse(address)?.host } else { host };
        let mut key = padded(host)?;
        // With its length, so that zero bytes in it are not those behind it.
        *key.last_mut().filter(|last| **last == 0)? = host.len() as u8;
        let word = |bits, word: &[u8; 8]| words::fold(bits ^ u64::from_le_bytes(*word), 0x9e37_79b9_7f4a_7c15);
        let home = key.as_chunks().0.iter().fold(0, word) as usize;
        let known = |&place: &usize| self.others.get(place).is_some_and(|known| known.1 > 0 && known.0 == key);
        match probe(home, OTHER_HOSTS).find(known) {
            Some(place) => Some(Repeat { place: place as u16, epoch: self.others[place].1 }),
            None => self.new_other_host(address, key, home),
        }
    }

    #[cold]
    fn new_other_host(&mut self, address: &[u8], key: [u8; OTHER_HOST], home: usize) -> Option<Repeat> {
        address::parse(address)?;
        if self.others.is_empty() {
            self.others = vec![([0; OTHER_HOST], 0); OTHER_HOSTS].into_boxed_slice();
        }
        let free = probe(home, OTHER_HOSTS).find(|&place| self.others[place].1 == 0);
        let place = free.unwrap_or(home % OTHER_HOSTS);
        let repeat = self.epochs.next(place)?;
        self.others[place] = (key, repeat.epoch);
        Some(repeat)
    }
}

/// The eight bytes before a place, the last of them the lowest.
#[inline]
fn before(text: Window<'_>, end: usize) -> u64 {
    text.word(end.wrapping_sub(8)).swap_bytes()
}

/// Whether the `length` bytes before `colon` are four numbers of one to three digits, at most 255, with points between: in a
/// hundred instructions, and without a branch for each byte.
fn is_ipv4(text: Window<'_>, colon: usize, length: usize) -> bool {
    if length > 15 {
        return false;
    }
    let bits = [before(text, colon), before(text, colon.wrapping_sub(8))];
    let masks = [first_bytes(length), first_bytes(length.saturating_sub(8))];
    // All that is no digit is a point.
    let [low, high] = [0, 1].map(|half| bits[half] & masks[half]).map(points);
    let others = [0, 1].map(|half| not_digits(bits[half]) & masks[half]);
    if others != [low, high] {
        return false;
    }
    let mut points = packed(low) | packed(high) << 8 | 1 << length;
    let mut start = 0;
    let mut is_one = true;
    for _ in 0..4 {
        let end = points.trailing_zeros() as usize;
        let digits = end.wrapping_sub(start);
        // The first digit is the highest, so these are in the order of numbers.
        let number = before(text, colon.wrapping_sub(start)) & first_bytes(digits);
        is_one &= (1..=3).contains(&digits) && number <= u64::from_be_bytes([0, 0, 0, 0, 0, b'2', b'5', b'5']);
        points &= points.wrapping_sub(1);
        start = end + 1;
    }
    is_one && points == 0
}

/// The highest bit of each byte that is a point.
fn points(word: u64) -> u64 {
    let difference = word ^ (ONES * u64::from(b'.'));
    !((difference & !HIGH).wrapping_add(!HIGH) | difference) & HIGH
}

/// The highest bit of each byte that is no digit.
fn not_digits(word: u64) -> u64 {
    let digits = word ^ ZEROS;
    ((digits & !HIGH).wrapping_add(ONES * 0x76) | digits) & HIGH
}

/// The highest bits of all bytes, one beside the other.
fn packed(marks: u64) -> u32 {
    ((marks >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
}

/// Whether the lowest bytes of a word, `count` of them, are a port, its last digit the lowest: one to five, at most 65535.
#[inline]
fn is_port(word: u64, count: usize) -> bool {
    let digits = (word ^ ZEROS) & first_bytes(count);
    let are_digits = (digits | digits.wrapping_add(ONES * 0x76)) & HIGH == 0;
    (1..=5).contains(&count) && are_digits && digits <= u64::from_be_bytes([0, 0, 0, 6, 5, 5, 3, 5])
}

#[cfg(test)]
#[path = "usual_host_tests.rs"]
mod tests;
