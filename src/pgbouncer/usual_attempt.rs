//! A login attempt as nearly all are, read from the blank behind its address.
//!
//! Where neither name holds a blank, and the database no slash, there is only one place for each separator: the first
//! slash, the first blank, and the last `@` before that. Names, addresses and suffixes repeat, and need to be looked at only
//! once: what was read of them before stands in a line or two of the cache, and is compared as it is, 16 bytes at a time.

use super::attempt::{MARK, fits, parse_suffix};
use super::record::{LoginAttempt, REPEATS, Repeat};
use super::usual_host::{Epochs, Hosts, probe};
use super::{address, usual};
use crate::limits::{ADDRESS_MAX, DATABASE_NAME_MAX, USER_NAME_MAX};
use crate::words::{self, Window, first_bytes, padded};

/// Places for the numbers of pools: so many that few of them meet, and few bytes for each.
const HOMES: usize = 4 * REPEATS;
/// Bytes of a `D/U` that are compared at once.
const WHO: usize = 48;
/// The longest `D/U`.
const WHO_MAX: usize = DATABASE_NAME_MAX + USER_NAME_MAX;
/// Bytes of ` login attempt: db=D user=U` that are compared at once.
const DETAIL: usize = 64;
const USER: &[u8] = b" user=";
/// Bytes of a suffix that is remembered, with its newline.
const SUFFIX: usize = 64;

/// An attempt that was read: where its parts are. What is remembered of them need not be cut out of the line again.
#[derive(Debug, Clone, Copy)]
pub struct UsualAttempt<'a> {
    text: Window<'a>,
    /// Where `D/U@A ` begins, where its slash and its `@` are, and the blank behind it.
    who: usize,
    slash: usize,
    at: usize,
    blank: usize,
    /// Where its line ends, behind the newline.
    pub end: usize,
    /// Where the parser remembers this database and user.
    pub pool: Repeat,
    /// The same of the client's address, without the port.
    pub host: Repeat,
}

impl<'a> UsualAttempt<'a> {
    /// How many bytes `D/U@A ` has.
    #[inline]
    pub fn prefix_length(&self) -> usize {
        self.blank + 1 - self.who
    }

    /// The client's address, with the port.
    #[inline]
    pub fn address(&self) -> &'a [u8] {
        self.text.slice(self.at + 1, self.blank)
    }

    /// Where its parts are, for [`Places::read`].
    #[inline]
    pub fn places(&self) -> Places {
        let Self { who, slash, at, blank, .. } = *self;
        Places([who, slash, at, blank].map(|place| place as u16))
    }
}

/// Where the parts of an attempt are, in few bytes: of what is given by its address every part is stored, for all attempts.
#[derive(Debug, Clone, Copy)]
pub struct Places([u16; 4]);

impl Places {
    /// All that the attempt says but its suffix, by which nobody counts.
    pub fn read(self, text: Window<'_>) -> Option<LoginAttempt<'_>> {
        let [who, slash, at, blank] = self.0.map(usize::from);
        Some(LoginAttempt {
            database: text.slice(who, slash),
            user: text.slice(slash + 1, at),
            address: address::parse_known(text.slice(at + 1, blank))?,
            prefix: text.slice(who, blank + 1),
            hopeless: false,
            is_plain: true,
            tls: None,
            replication: false,
        })
    }
}

/// The address of an attempt that was read, without its port.
pub fn without_port(address: &[u8]) -> &[u8] {
    address::parse_known(address).map_or(address, |address| address.host)
}

/// A `D/U` that was read before: two lines of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(128))]
struct Pool {
    /// Its first bytes, with zeros behind it.
    who: [u8; WHO],
    /// What stands behind the address, if it is not longer: the same names once more.
    detail: [u8; DETAIL],
    /// How many bytes `D/U` has (at least one, where there is any), and D, and the detail.
    length: u8,
    database: u8,
    /// When it came here, among all that ever did.
    epoch: u32,
}

const _: () = assert!(MARK.len() + WHO_MAX + USER.len() <= u8::MAX as usize && REPEATS < u16::MAX as usize);

/// A ` tls=…` that was read before, with its newline, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Suffix {
    text: [u8; SUFFIX],
    length: usize,
}

/// What was read before.
#[derive(Debug)]
pub(super) struct Known {
    /// Where its own bits say: the number of a pool plus one, 0 where there is none.
    homes: Box<[u16]>,
    /// As they came, until there is no room for more.
    pools: Vec<Pool>,
    /// Of the pools that are longer, the bytes behind the first, [`WHO_MAX`] for each: touched only if there are such.
    /// (Not as arrays: the standard library would write the zeros of these.)
    rests: Box<[u8]>,
    hosts: Hosts,
    epochs: Epochs,
    /// Those with TLS, those without, and those of neither kind are in places of their own.
    suffixes: [Suffix; 4],
}

impl Default for Known {
    fn default() -> Self {
        Self {
            homes: vec![0; HOMES].into_boxed_slice(),
            pools: Vec::with_capacity(REPEATS),
            rests: vec![0; REPEATS * WHO_MAX].into_boxed_slice(),
            hosts: Hosts::default(),
            epochs: Epochs::default(),
            suffixes: [Suffix { text: [0; SUFFIX], length: 0 }; 4],
        }
    }
}

impl Known {
    /// Reads the attempt whose `D/U@A ` begins at `who`.
    #[inline]
    pub(super) fn parse<'a>(&mut self, text: Window<'a>, who: usize, blank: usize) -> Option<UsualAttempt<'a>> {
        let (host, at) = self.hosts.find(text, who, blank)?;
        let (place, pool) = self.pool(text, who, at)?;
        let known = &self.pools[place];
        let slash = who + usize::from(known.database);
        // Both names once more, but no slash: known before the pool is found, so the next line need not wait for that.
        let detail = MARK.len() + (at - who - 1) + USER.len();
        let suffix = blank + detail;
        let is_same = text.is(blank, detail, &known.detail);
        if !is_same && !is_long_detail(text, [who, slash, at, blank]) {
            return None;
        }
        let end = self.suffix(text, suffix)?;
        Some(UsualAttempt { text, who, slash, at, blank, end, pool, host })
    }

    /// Where the `D/U` from `who` to `at` is remembered.
    #[inline]
    fn pool(&mut self, text: Window<'_>, who: usize, at: usize) -> Option<(usize, Repeat)> {
        let length = at.checked_sub(who)?;
        // Of `warehouse/team01_readonly` and `warehouse/team02_readonly` only the middle differs.
        let first = text.word(who);
        let bits = if length < 8 {
            first & first_bytes(length)
        } else {
            first ^ (text.word(at - 8) ^ text.word(who + length / 2 - 4).rotate_left(13)).rotate_left(32)
        };
        let bits = bits ^ length as u64;
        let home = (words::fold(bits, 0x9e37_79b9_7f4a_7c15) >> 20) as usize;
        for home in probe(home, HOMES) {
            let place = usize::from(self.homes[home]).wrapping_sub(1);
            if let Some(known) = self.pools.get(place)
                && usize::from(known.length) == length
                && text.is(who, length.min(WHO), &known.who)
                && (length <= WHO || self.is_rest(text, who, length, place))
            {
                return Some((place, Repeat { place: place as u16, epoch: known.epoch }));
            }
        }
        self.new_pool(text, (who, at), home)
    }

    /// Whether a long `D/U` goes on as the one that is remembered.
    fn is_rest(&self, text: Window<'_>, who: usize, length: usize, place: usize) -> bool {
        self.rests[place * WHO_MAX..].get(..length - WHO).is_some_and(|rest| text.holds(who + WHO, rest))
    }

    #[cold]
    fn new_pool(&mut self, text: Window<'_>, (from, to): (usize, usize), home: usize) -> Option<(usize, Repeat)> {
        let who = text.slice(from, to);
        let slash = memchr::memchr(b'/', who)?;
        let (database, user) = (&who[..slash], &who[slash + 1..]);
        // A name that holds a blank, or anything below as a newline, is for others to read.
        let is_graphic = who.iter().copied().fold(u8::MAX, u8::min) > b' ';
        if !is_graphic || who.starts_with(b"(") || !fits(database, user) {
            return None;
        }
        let place = self.new_place(home);
        let repeat = self.epochs.next(place)?;
        if let Some(rest) = who.get(WHO..) {
            self.rests[place * WHO_MAX..][..rest.len()].copy_from_slice(rest);
        }
        let parts = [MARK, database, USER, user];
        let pool = Pool {
            who: text.padded(from, who.len()),
            // Of a longer one it is never asked.
            detail: joined(parts).unwrap_or([0; DETAIL]),
            length: who.len() as u8,
            database: slash as u8,
            epoch: repeat.epoch,
        };
        match self.pools.get_mut(place) {
            Some(known) => *known = pool,
            None => self.pools.push(pool),
        }
        Some((place, repeat))
    }

    /// The number of a pool that is new: where there is no room, another's, whose homes it is then found not to be at.
    fn new_place(&mut self, home: usize) -> usize {
        let place = if self.pools.len() < REPEATS { self.pools.len() } else { home % REPEATS };
        let free = probe(home, HOMES).find(|&home| self.homes[home] == 0);
        self.homes[free.unwrap_or(home % HOMES)] = place as u16 + 1;
        place
    }

    /// Where the line ends whose suffix is at `at`.
    #[inline]
    fn suffix(&mut self, text: Window<'_>, at: usize) -> Option<usize> {
        // ` tls=TLSv…`, ` tls=no`, or nothing: chosen by the place, because no branch would be guessed.
        let start = text.word(at) as usize;
        let place = start >> 1 & 1 | start >> 40 & 2;
        let known = &self.suffixes[place];
        if known.length > 0 && text.is(at, known.length, &known.text) {
            let end = at + known.length;
            // With its newline. Behind that stands a digit, or what is to be looked at more closely.
            return (text.word(end) as u8 > b' ').then_some(end);
        }
        self.new_suffix(text, at, place)
    }

    #[cold]
    fn new_suffix(&mut self, text: Window<'_>, at: usize, place: usize) -> Option<usize> {
        let newline = text.find(at, 8 * WHO_MAX, b'\n')?;
        let end = usual::end(text, newline)?;
        parse_suffix(text.slice(at, newline))?;
        if let Some(text) = padded(text.slice(at, end)) {
            self.suffixes[place] = Suffix { text, length: end - at };
        }
        Some(end)
    }
}

/// Bytes of the shortest `D/U@A`: a blank before that is one of a name that nobody remembers.
const SHORTEST: usize = b"d/u@::1:".len();

/// The blank behind the `D/U@A` that begins at `who`.
#[inline]
pub fn blank_behind(text: Window<'_>, who: usize) -> Option<usize> {
    text.first::<WHO>(who + SHORTEST, b' ').or_else(|| far_blank(text, who))
}

/// The same where that is a long one.
#[cold]
fn far_blank(text: Window<'_>, who: usize) -> Option<usize> {
    text.find(who + SHORTEST + WHO, WHO_MAX + ADDRESS_MAX, b' ')
}

/// The same in the line behind the one that ends at `end`, from its own start on, if its `D/U@A` begins as far from that as the
/// one of this line; 0 where it is not near. Beyond the window it is nonsense: what is read by it must be compared.
#[inline]
pub fn blank_ahead(text: Window<'_>, end: usize, who: usize) -> usize {
    text.first::<WHO>(end + who + SHORTEST, b' ').map_or(0, |blank| blank - end)
}

/// Texts one behind the other, with zeros behind them; `None` where they do not fit.
fn joined<const N: usize>(parts: [&[u8]; 4]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut rest = &mut bytes[..];
    for part in parts {
        rest.split_off_mut(..part.len())?.copy_from_slice(part);
    }
    Some(bytes)
}

/// Whether a detail that is too long to be remembered stands behind the blank of a line whose `D/U@` is known.
#[cold]
fn is_long_detail(text: Window<'_>, [who, slash, at, blank]: [usize; 4]) -> bool {
    let (named, database) = (blank + MARK.len(), slash - who);
    let user = named + database + USER.len();
    text.holds(blank, MARK)
        && text.holds(named, text.slice(who, slash))
        && text.holds(named + database, USER)
        && text.holds(user, text.slice(slash + 1, at))
}

#[cfg(test)]
#[path = "usual_attempt_tests.rs"]
mod tests;
