//! The `D/U@A ` of a client, kept to be compared byte for byte with what its later lines begin with.

use std::net::IpAddr;
use std::ops::Range;

use super::saved::Secret;
use crate::kept::{Kept, Reader, Writer};
use crate::words::{self, Window};

/// Bytes of a prefix that are kept, and compared at once: nearly every `D/U@A ` fits.
const KEPT: usize = 48;
/// Of a longer one the first bytes of its hash are kept, the client's address, and in the last two bytes its port.
const HASH: usize = 6;
const HOST: Range<usize> = HASH..KEPT - 2;

const _: () = assert!(HOST.end - HOST.start > "2001:db8:1111:2222:3333:4444:5555:6666".len());

/// A `D/U@A `, for comparing byte for byte; a long one by a hash with a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct PrefixMark {
    length: u16,
    /// What stands behind the first `length` of them means nothing.
    kept: [u8; KEPT],
}

impl PartialEq for PrefixMark {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length && self.kept() == other.kept()
    }
}

impl PrefixMark {
    /// Nobody's.
    pub(super) const EMPTY: Self = Self { length: 0, kept: [0; KEPT] };

    /// The mark of a prefix (of less than 64 KiB).
    pub(super) fn new(prefix: &[u8], hasher: &Secret) -> Self {
        let mut kept = [0; KEPT];
        match kept.get_mut(..prefix.len()) {
            Some(kept) => kept.copy_from_slice(prefix),
            None => {
                let (host, port) = address(prefix);
                let host = &host[..host.len().min(HOST.len())];
                kept[..HASH].copy_from_slice(&hash(prefix, hasher));
                kept[HOST][..host.len()].copy_from_slice(host);
                kept[HOST.end..].copy_from_slice(&port_number(port).unwrap_or_default().to_le_bytes());
            }
        }
        Self { length: prefix.len() as u16, kept }
    }

    /// Makes it that of the `length` bytes at `at`: a copy of fixed size spares a call of the C library.
    #[inline]
    pub(super) fn set_from(&mut self, text: Window<'_>, at: usize, length: usize, hasher: &Secret) {
        if length > KEPT {
            *self = Self::new(text.slice(at, at + length), hasher);
            return;
        }
        self.length = length as u16;
        self.kept = *text.bytes(at);
    }

    /// How long the prefix is.
    #[inline]
    pub(super) fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether `text` begins with the prefix.
    #[inline]
    pub(super) fn begins(&self, text: &[u8], hasher: &Secret) -> bool {
        match self.kept.get(..self.length()) {
            Some(kept) => words::begins(text, kept),
            None => text.get(..self.length()).is_some_and(|text| self.is_long(text, hasher)),
        }
    }

    /// Whether it is the `length` bytes of a text at `at`.
    #[inline]
    pub(super) fn is(&self, text: Window<'_>, at: usize, length: usize, hasher: &Secret) -> bool {
        if self.length() != length {
            return false;
        }
        if length > KEPT {
            return self.is_long(text.slice(at, at + length), hasher);
        }
        text.is(at, length, &self.kept)
    }

    #[inline(never)]
    fn is_long(&self, text: &[u8], hasher: &Secret) -> bool {
        text.len() == self.length() && hash(text, hasher) == self.kept[..HASH]
    }

    fn kept(&self) -> &[u8] {
        &self.kept[..self.length().min(KEPT)]
    }

    /// The client's end of its TCP connection; `None` for a unix socket.
    pub(super) fn endpoint(&self) -> Option<(IpAddr, u16)> {
        let port = if self.length() > KEPT {
            Some(u16::from_le_bytes([self.kept[HOST.end], self.kept[HOST.end + 1]]))
        } else {
            port_number(address(self.kept()).1)
        };
        Some((std::str::from_utf8(self.host()).ok()?.parse().ok()?, port?))
    }

    /// The client's address, without the port.
    pub(super) fn host(&self) -> &[u8] {
        if self.length() <= KEPT {
            return address(self.kept()).0;
        }
        let host = &self.kept[HOST];
        &host[..memchr::memchr(0, host).unwrap_or(host.len())]
    }
}

/// The client's address and its port in a `D/U@A `, as they are printed, without brackets; `unix` for a unix socket.
fn address(prefix: &[u8]) -> (&[u8], &[u8]) {
    let at = memchr::memrchr(b'@', prefix).map_or(0, |at| at + 1);
    let colon = memchr::memrchr(b':', prefix).unwrap_or(prefix.len()).max(at);
    let host = &prefix[at..colon];
    let bare = host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(host);
    let host = if bare.starts_with(b"unix(") { b"unix" } else { bare };
    (host, prefix.get(colon + 1..).unwrap_or_default())
}

fn port_number(port: &[u8]) -> Option<u16> {
    std::str::from_utf8(port).ok()?.trim_end().parse().ok()
}

fn hash(prefix: &[u8], hasher: &Secret) -> [u8; HASH] {
    let [hash @ .., _, _] = hasher.hash(prefix).to_le_bytes();
    hash
}

/// With the bytes that mean something.
impl Kept for PrefixMark {
    fn save(&self, to: &mut Writer) {
        (self.length, self.kept().to_vec()).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        let (length, bytes): (u16, Vec<u8>) = Kept::load(from);
        let mut mark = Self { length, kept: [0; KEPT] };
        let length = mark.kept().len();
        from.check(bytes.len() == length);
        mark.kept.iter_mut().zip(bytes).for_each(|(kept, byte)| *kept = byte);
        mark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_any_length_are_compared_whole() {
        let hasher = Secret::new();
        for length in [1, 47, 48, 49, 72, 150, 250] {
            let prefix: Vec<u8> = (0..length).map(|place| b'a' + (place % 26) as u8).collect();
            let mark = PrefixMark::new(&prefix, &hasher);
            let text = [&prefix[..], b"closing"].concat();
            assert!(mark.begins(&text, &hasher));
            for place in 0..prefix.len() {
                let mut other = text.clone();
                other[place] ^= 1;
                assert!(!mark.begins(&other, &hasher), "{length}: byte {place} differs");
            }
            assert!(!mark.begins(&prefix[..prefix.len() - 1], &hasher));
        }
    }

    #[test]
    fn the_host_is_read_back() {
        let hasher = Secret::new();
        for (prefix, host) in [
            ("app/web@10.0.0.1:5 ", "10.0.0.1"),
            ("app/a@b@[::1]:5 ", "::1"),
            ("app/web@::1:5 ", "::1"),
            ("app/web@unix(12):6432 ", "unix"),
            (&format!("app/{}@10.0.0.1:5 ", "u".repeat(120)), "10.0.0.1"),
            (&format!("app/{}@unix(12):5 ", "u".repeat(120)), "unix"),
            ("app/web@[2001:db8:1111:2222:3333:4444:5555:6666]:5 ", "2001:db8:1111:2222:3333:4444:5555:6666"),
        ] {
            let mark = PrefixMark::new(prefix.as_bytes(), &hasher);
            assert_eq!(mark.host(), host.as_bytes(), "{prefix}");
            let expected = (host != "unix").then(|| (host.parse().expect("an address"), 5));
            assert_eq!(mark.endpoint(), expected, "{prefix}");
        }
    }

    /// Names of every length around the one from which on a hash is kept.
    #[test]
    fn the_clients_end_is_read_back_from_a_prefix_of_any_length() {
        let hasher = Secret::new();
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        for length in [1, 20, 30, 31, 32, 33, 34, 40, 100] {
            for (address, end) in [
                ("10.0.0.1:5", Some((ip("10.0.0.1"), 5))),
                ("10.0.0.1:65535", Some((ip("10.0.0.1"), 65535))),
                ("[::1]:258", Some((ip("::1"), 258))),
                ("unix(12):6432", None),
            ] {
                let prefix = format!("{}@{address} ", "u".repeat(length));
                let mark = PrefixMark::new(prefix.as_bytes(), &hasher);
                assert_eq!(mark.endpoint(), end, "{prefix}");
                let mut set = PrefixMark::EMPTY;
                let text = prefix.clone() + &"x".repeat(2 * KEPT);
                let mut bytes = [b'~'; words::WINDOW];
                bytes[9..9 + text.len()].copy_from_slice(text.as_bytes());
                set.set_from(Window(&bytes), 9, prefix.len(), &hasher);
                assert!(set == mark && set != PrefixMark::new(&prefix.as_bytes()[1..], &hasher), "{prefix}");
                let other = prefix.replacen('u', "v", 1);
                assert!(set != PrefixMark::new(other.as_bytes(), &hasher), "{prefix}");
                assert_eq!((mark.length(), mark.begins(text.as_bytes(), &hasher)), (prefix.len(), true));
            }
        }
    }
}
