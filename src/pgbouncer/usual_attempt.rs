//! A login attempt as nearly all are, read in one pass from its start.
//!
//! Where neither name holds a blank, and the database no slash, there is only one place for each separator: the first
//! slash, the first blank, and the last `@` before that, which is nearly always the first as well. Names, addresses and suffixes repeat, and need to be looked at only once: what was
//! read of them before stands in a line or two of the cache, and is compared as it is, 16 bytes at a time.

use super::attempt::{MARK, fits, parse_suffix};
use super::record::{LoginAttempt, REPEATS, Repeat};
use super::{address, usual};
use crate::limits::{ADDRESS_MAX, DATABASE_NAME_MAX, USER_NAME_MAX};
use crate::words::{self, Window, first_bytes, padded, place};

/// Addresses that are remembered.
const HOSTS: usize = REPEATS;
/// Those of other kinds than IPv4.
const OTHER_HOSTS: usize = 256;
/// The longest of these.
const OTHER_HOST: usize = 48;
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
    /// Where `D/U@A ` begins, where its slash and its `@` are, the blank behind it, and where ` tls=…` begins.
    who: usize,
    slash: usize,
    at: usize,
    blank: usize,
    suffix: usize,
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

    /// The client's address, without the port.
    #[cold]
    pub fn address(&self) -> &'a [u8] {
        let address = self.text.slice(self.at + 1, self.blank);
        address::parse_known(address).map_or(address, |address| address.host)
    }

    /// All that it says.
    #[cold]
    pub fn read(&self) -> Option<LoginAttempt<'a>> {
        let Self { text, who, slash, at, blank, suffix, end, .. } = *self;
        let (tls, replication) = parse_suffix(text.slice(suffix, end - 1))?;
        Some(LoginAttempt {
            database: text.slice(who, slash),
            user: text.slice(slash + 1, at),
            address: address::parse_known(text.slice(at + 1, blank))?,
            prefix: text.slice(who, blank + 1),
            hopeless: false,
            is_plain: true,
            tls,
            replication,
        })
    }
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
    detail_length: u8,
    /// When it came here, among all that ever did.
    epoch: u32,
}

const _: () = assert!(MARK.len() + WHO_MAX + USER.len() <= u8::MAX as usize && REPEATS < u16::MAX as usize);

/// An address of IPv4 that was read before: its bytes, at most fifteen, zeros, how many bytes it has and a bit more, and, in another
/// word, when it came here, among all that ever did. Zeros where there is none: those that nobody has touched take no memory.
type Host = [u64; 3];

/// Another address that was read before, without its port (`unix`, whatever the pid): its bytes, zeros, how many it has, and when
/// it came here, among all that ever did.
type OtherHost = ([u8; OTHER_HOST], u32);

/// A ` tls=…` that was read before, with its newline, and how long it is.
#[derive(Debug, Clone, Copy)]
struct Suffix {
    text: [u8; SUFFIX],
    length: usize,
}

/// What can stand behind an `@`.
enum Other {
    /// The rest of a name (`user@tenant`): the last `@` before the next blank is there.
    At(usize),
    /// An address: where it is remembered, and where the blank behind it and its port is.
    Address((Repeat, usize)),
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
    /// Each where its own bits say.
    hosts: Box<[Host]>,
    other_hosts: Box<[OtherHost]>,
    epoch: u32,
    /// Those with TLS, those without, and those of neither kind are in places of their own.
    suffixes: [Suffix; 4],
}

impl Default for Known {
    fn default() -> Self {
        Self {
            homes: vec![0; HOMES].into_boxed_slice(),
            pools: Vec::with_capacity(REPEATS),
            rests: vec![0; REPEATS * WHO_MAX].into_boxed_slice(),
            hosts: vec![[0; 3]; HOSTS].into_boxed_slice(),
            other_hosts: Box::default(),
            epoch: 0,
            suffixes: [Suffix { text: [0; SUFFIX], length: 0 }; 4],
        }
    }
}

/// The places at which something may be remembered whose hash this is. Whoever chooses names so that they meet here only
/// makes them be read anew.
#[inline]
fn probe(home: usize, places: usize) -> impl Iterator<Item = usize> {
    (home..home.wrapping_add(4)).map(move |place| place % places)
}

impl Known {
    /// Reads the attempt whose `D/U@A ` begins at `who`.
    #[inline]
    pub(super) fn parse<'a>(&mut self, text: Window<'a>, who: usize) -> Option<UsualAttempt<'a>> {
        let mut at = text.find(who, WHO_MAX, b'@')?;
        let (host, blank) = loop {
            match self.address(text, at + 1) {
                Some(found) => break found,
                None => match self.other(text, at)? {
                    Other::At(last) => at = last,
                    Other::Address(found) => break found,
                },
            }
        };
        let (place, pool) = self.pool(text, who, at)?;
        let known = &self.pools[place];
        let (slash, suffix) = (who + usize::from(known.database), blank + usize::from(known.detail_length));
        let is_same = text.is(blank, suffix - blank, &known.detail);
        if !is_same && !is_long_detail(text, [who, slash, at, blank]) {
            return None;
        }
        let end = self.suffix(text, suffix)?;
        Some(UsualAttempt { text, who, slash, at, blank, suffix, end, pool, host })
    }

    /// Where the `D/U` from `who` to `at` is remembered.
    #[inline]
    fn pool(&mut self, text: Window<'_>, who: usize, at: usize) -> Option<(usize, Repeat)> {
        let length = at - who;
        // Of `warehouse/team01_readonly` and `warehouse/team02_readonly` only the middle differs.
        let rest = if length < 8 { 0 } else { text.word(at - 8) ^ text.word(who + length / 2 - 4).rotate_left(13) };
        let bits = (text.word(who) & first_bytes(length)) ^ rest.rotate_left(32) ^ length as u64;
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
        self.new_pool(text.slice(who, at), home)
    }

    /// Whether a long `D/U` goes on as the one that is remembered.
    fn is_rest(&self, text: Window<'_>, who: usize, length: usize, place: usize) -> bool {
        self.rests[place * WHO_MAX..].get(..length - WHO).is_some_and(|rest| text.holds(who + WHO, rest))
    }

    #[cold]
    fn new_pool(&mut self, who: &[u8], home: usize) -> Option<(usize, Repeat)> {
        let slash = memchr::memchr(b'/', who)?;
        let (database, user) = (&who[..slash], &who[slash + 1..]);
        // A name that holds a blank, or anything below as a newline, is for others to read.
        let is_graphic = who.iter().all(|&byte| byte > b' ');
        if !is_graphic || who.starts_with(b"(") || !fits(database, user) {
            return None;
        }
        let place = self.new_place(home);
        let repeat = self.new_repeat(place)?;
        let (first, rest) = who.split_at(who.len().min(WHO));
        self.rests[place * WHO_MAX..][..rest.len()].copy_from_slice(rest);
        let parts = [MARK, database, USER, user];
        let pool = Pool {
            who: padded(first)?,
            // Of a longer one it is never asked.
            detail: joined(parts).unwrap_or([0; DETAIL]),
            length: who.len() as u8,
            database: slash as u8,
            detail_length: parts.map(<[u8]>::len).iter().sum::<usize>() as u8,
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

    /// A repeat that there has never been.
    fn new_repeat(&mut self, place: usize) -> Option<Repeat> {
        self.epoch = self.epoch.checked_add(1)?;
        Some(Repeat { place: place as u16, epoch: self.epoch })
    }

    /// Where the address of IPv4 at `at` is remembered, and where the blank behind it and its port is.
    #[inline]
    fn address(&mut self, text: Window<'_>, at: usize) -> Option<(Repeat, usize)> {
        let first = place(text.word(at), b':');
        let length = if first < 8 { first } else { 8 + place(text.word(at + 8), b':') };
        let port = text.word(at + length + 1);
        let digits = place(port, b' ');
        if !is_port(port, digits) {
            return None;
        }
        // With its length and a bit more in the last byte, so that zero bytes in it are not those behind it, and an address of none
        // is not the one that nobody has put there.
        let end = text.word(at + 8) & first_bytes(length.saturating_sub(8)) | (length as u64 | 0x80) << 56;
        let bits = [text.word(at) & first_bytes(length), end];
        let home = words::fold(bits[0] ^ bits[1].rotate_left(32), 0x9e37_79b9_7f4a_7c15) as usize;
        let blank = at + length + 1 + digits;
        for place in probe(home, HOSTS) {
            let [start, end, epoch] = self.hosts[place];
            if [start, end] == bits {
                return Some((Repeat { place: place as u16, epoch: epoch as u32 }, blank));
            }
        }
        self.new_host(text.slice(at, at + length), bits, home).map(|repeat| (repeat, blank))
    }

    #[cold]
    fn new_host(&mut self, host: &[u8], bits: [u64; 2], home: usize) -> Option<Repeat> {
        if host.len() > 15 || !address::is_ipv4(host) {
            return None;
        }
        let place = probe(home, HOSTS).find(|&place| self.hosts[place][2] == 0).unwrap_or(home % HOSTS);
        let repeat = self.new_repeat(place)?;
        self.hosts[place] = [bits[0], bits[1], u64::from(repeat.epoch)];
        Some(repeat)
    }

    /// What stands behind an `@` if it is no address of IPv4: an address of another kind, or the rest of a name.
    #[cold]
    fn other(&mut self, text: Window<'_>, at: usize) -> Option<Other> {
        let behind = text.slice(at + 1, Window::LAST.min(at + WHO_MAX + ADDRESS_MAX));
        let blank = memchr::memchr2(b' ', b'\n', behind).filter(|&end| behind[end] == b' ')?;
        let (behind, blank) = (&behind[..blank], at + 1 + blank);
        if let Some(last) = memchr::memrchr(b'@', behind) {
            return Some(Other::At(at + 1 + last));
        }
        // As long as the grammar takes it (`attempt::parse_at`).
        if blank - at > ADDRESS_MAX {
            return None;
        }
        Some(Other::Address((self.other_address(behind)?, blank)))
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
        let known = |&place: &usize| self.other_hosts.get(place).is_some_and(|known| known.1 > 0 && known.0 == key);
        match probe(home, OTHER_HOSTS).find(known) {
            Some(place) => Some(Repeat { place: place as u16, epoch: self.other_hosts[place].1 }),
            None => self.new_other_host(address, key, home),
        }
    }

    #[cold]
    fn new_other_host(&mut self, address: &[u8], key: [u8; OTHER_HOST], home: usize) -> Option<Repeat> {
        address::parse(address)?;
        if self.other_hosts.is_empty() {
            self.other_hosts = vec![([0; OTHER_HOST], 0); OTHER_HOSTS].into_boxed_slice();
        }
        let free = probe(home, OTHER_HOSTS).find(|&place| self.other_hosts[place].1 == 0);
        let place = free.unwrap_or(home % OTHER_HOSTS);
        let repeat = self.new_repeat(place)?;
        self.other_hosts[place] = (key, repeat.epoch);
        Some(repeat)
    }

    /// Where the line ends whose suffix is at `at`.
    #[inline]
    fn suffix(&mut self, text: Window<'_>, at: usize) -> Option<usize> {
        // ` tls=TLSv…`, ` tls=no`, or nothing: chosen by the place, because no branch would be guessed.
        let start = text.word(at) as usize;
        let place = start >> 1 & 1 | start >> 40 & 2;
        let known = &self.suffixes[place];
        if known.length > 0 && text.is(at, known.length, &known.text) {
            return usual::end(text, at + known.length - 1);
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

/// Whether the first bytes of a word, `count` of them, are a port: one to five digits, at most 65535.
#[inline]
fn is_port(word: u64, count: usize) -> bool {
    const ZEROS: u64 = u64::from_le_bytes(*b"00000000");
    if count == 0 || count > 5 {
        return false;
    }
    // At the end of the word, and behind zero bytes that stand for none.
    let empty = 64 - 8 * count;
    let (text, digits) = (word << empty, (word ^ ZEROS) << empty);
    let are_digits = (digits | digits.wrapping_add(0x7676_7676_7676_7676)) & 0x8080_8080_8080_8080 == 0;
    are_digits && text.swap_bytes() <= u64::from_be_bytes([0, 0, 0, b'6', b'5', b'5', b'3', b'5'])
}

#[cfg(test)]
#[path = "usual_attempt_tests.rs"]
mod tests;
