//! A login attempt as nearly all are, read in one pass from its start.
//!
//! Where neither name holds a blank or an `@`, and the database no slash, there is only one place for each separator,
//! so the first that is found is it. Names, addresses and suffixes repeat, and need to be looked at only once.

use super::attempt::{MARK, fits, parse_suffix};
use super::record::{Address, LoginAttempt, REPEATS, Repeat};
use super::{address, usual};
use crate::words::{self, Window, first_bytes, place};

/// Addresses that are remembered.
const HOSTS: usize = REPEATS / 4;
/// Words of a suffix that is remembered.
const SUFFIX: usize = 8;
/// The longest `D/U` that is remembered, in words.
const WHO: usize = 6;
/// The longest that is looked for.
const WHO_MAX: usize = 192;
const USER: &[u8; 6] = b" user=";

/// A `D/U` that was read before: one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Pool {
    /// With zero bytes behind it.
    who: [u64; WHO],
    /// Of the whole, and of the database.
    lengths: [u8; 2],
    /// When it came here, among all that ever did.
    epoch: u32,
}

/// An address of IPv4 that was read before.
#[derive(Debug, Clone, Copy)]
struct Host {
    /// Its bytes, at most fifteen, zeros, and how many bytes it has.
    bits: [u64; 2],
    /// When it came here, among all that ever did.
    epoch: u32,
}

/// What was read before.
#[derive(Debug)]
pub(super) struct Known {
    /// Each where its own bits say.
    pools: Box<[Pool]>,
    /// In the same way.
    hosts: Box<[Host]>,
    epoch: u32,
    /// The last ` tls=…` that was read, with zero bytes behind it, and how long it is.
    suffix: [u64; SUFFIX],
    suffix_length: usize,
}

impl Default for Known {
    fn default() -> Self {
        // What nobody has: nothing is so long.
        let pools = vec![Pool { who: [0; WHO], lengths: [u8::MAX, 0], epoch: 0 }; REPEATS].into_boxed_slice();
        let hosts = vec![Host { bits: [u64::MAX; 2], epoch: 0 }; HOSTS].into_boxed_slice();
        Self { pools, hosts, epoch: 0, suffix: [0; SUFFIX], suffix_length: 0 }
    }
}

impl Known {
    /// Reads the attempt whose `D/U@A ` begins at `who`; and where its line ends.
    pub(super) fn parse<'a>(&mut self, text: Window<'a>, who: usize) -> Option<(LoginAttempt<'a>, usize)> {
        let at = text.find(who, WHO_MAX, b'@')?;
        let (slash, repeat) = self.pool(text, who, at)?;
        let (address, host_repeat, blank) = self.address(text, at + 1)?;
        let (database, user) = (slash - who, at - slash - 1);
        let named = blank + MARK.len();
        let suffix = named + database + USER.len() + user;
        let is_attempt = text.has(blank, MARK)
            && text.is_same(named, who, database)
            && text.has(named + database, USER)
            && text.is_same(suffix - user, slash + 1, user);
        if !is_attempt {
            return None;
        }
        let (tls, replication, end) = self.suffix(text, suffix)?;
        let attempt = LoginAttempt {
            database: text.slice(who, slash),
            user: text.slice(slash + 1, at),
            address,
            prefix: text.slice(who, blank + 1),
            hopeless: false,
            is_plain: true,
            repeat,
            host_repeat,
            tls,
            replication,
        };
        Some((attempt, end))
    }

    /// Where the slash of a `D/U` from `who` to `at` is, and where both are remembered.
    #[inline]
    fn pool(&mut self, text: Window<'_>, who: usize, at: usize) -> Option<(usize, Option<Repeat>)> {
        let length = at - who;
        let last = if length < 8 { 0 } else { text.word(at - 8) };
        let bits = (text.word(who) & first_bytes(length)) ^ last.rotate_left(32);
        // Who chooses names so that they meet here only makes them be read anew.
        let place = (words::fold(bits, 0x9e37_79b9_7f4a_7c15) >> 20) as usize % REPEATS;
        let known = &self.pools[place];
        if usize::from(known.lengths[0]) == length && text.begins(who, length, &known.who) {
            let repeat = Repeat { place: place as u16, epoch: known.epoch };
            return Some((who + usize::from(known.lengths[1]), Some(repeat)));
        }
        let (slash, repeat) = self.new_pool(text.slice(who, at), place)?;
        Some((who + slash, repeat))
    }

    #[cold]
    fn new_pool(&mut self, who: &[u8], place: usize) -> Option<(usize, Option<Repeat>)> {
        let slash = memchr::memchr(b'/', who)?;
        // A name that holds a blank, or anything below as a newline, is for others to read.
        let is_graphic = who.iter().all(|&byte| byte > b' ');
        if !is_graphic || who.starts_with(b"(") || !fits(&who[..slash], &who[slash + 1..]) {
            return None;
        }
        let Some(words) = words::padded(who) else { return Some((slash, None)) };
        let repeat = self.new_repeat(place);
        if let Some(Repeat { epoch, .. }) = repeat {
            self.pools[place] = Pool { who: words, lengths: [who.len() as u8, slash as u8], epoch };
        }
        Some((slash, repeat))
    }

    /// A repeat that there has never been.
    fn new_repeat(&mut self, place: usize) -> Option<Repeat> {
        self.epoch = self.epoch.checked_add(1)?;
        Some(Repeat { place: place as u16, epoch: self.epoch })
    }

    /// The address of IPv4 at `at`, its port, where it is remembered, and where the blank behind it is.
    #[inline]
    fn address<'a>(&mut self, text: Window<'a>, at: usize) -> Option<(Address<'a>, Option<Repeat>, usize)> {
        let first = place(text.word(at), b':');
        let length = if first < 8 { first } else { 8 + place(text.word(at + 8), b':') };
        let port = text.word(at + length + 1);
        let digits = place(port, b' ');
        let port = u16::try_from(words::decimal(port, digits)?).ok()?;
        // With its length in the last byte, so that zero bytes in it are not those behind it.
        let end = text.word(at + 8) & first_bytes(length.saturating_sub(8)) | (length as u64) << 56;
        let bits = [text.word(at) & first_bytes(length), end];
        let place = words::fold(bits[0] ^ bits[1].rotate_left(32), 0x9e37_79b9_7f4a_7c15) as usize % HOSTS;
        let known = &self.hosts[place];
        let host = text.slice(at, at + length);
        let repeat = if known.bits == bits {
            Some(Repeat { place: place as u16, epoch: known.epoch })
        } else {
            self.new_host(host, bits, place)?
        };
        Some((Address { host, port }, repeat, at + length + 1 + digits))
    }

    #[cold]
    #[expect(clippy::option_option, reason = "no address, one that is not remembered, one that is")]
    fn new_host(&mut self, host: &[u8], bits: [u64; 2], place: usize) -> Option<Option<Repeat>> {
        if host.len() > 15 || !address::is_ipv4(host) {
            return None;
        }
        let repeat = self.new_repeat(place);
        if let Some(Repeat { epoch, .. }) = repeat {
            self.hosts[place] = Host { bits, epoch };
        }
        Some(repeat)
    }

    /// The suffix at `at`: what it says, and where the line ends.
    #[inline]
    fn suffix<'a>(&mut self, text: Window<'a>, at: usize) -> Option<(Option<&'a [u8]>, bool, usize)> {
        const NO: u64 = u64::from_le_bytes(*b" tls=no\n");
        if text.word(at) == NO {
            return Some((Some(text.slice(at + 5, at + 7)), false, usual::end(text, at + 7)?));
        }
        let length = self.suffix_length;
        if length > 0
            && text.begins(at, length, &self.suffix)
            && let Some(end) = usual::end(text, at + length)
        {
            return Some((Some(text.slice(at + 5, at + length)), false, end));
        }
        self.new_suffix(text, at)
    }

    #[cold]
    fn new_suffix<'a>(&mut self, text: Window<'a>, at: usize) -> Option<(Option<&'a [u8]>, bool, usize)> {
        let newline = text.find(at, 8 * WHO_MAX, b'\n')?;
        let (suffix, end) = (text.slice(at, newline), usual::end(text, newline)?);
        let (tls, replication) = parse_suffix(suffix)?;
        if let Some(words) = words::padded(suffix)
            && tls.is_some_and(|tls| tls.len() + 5 == suffix.len())
        {
            (self.suffix, self.suffix_length) = (words, suffix.len());
        }
        Some((tls, replication, end))
    }
}
