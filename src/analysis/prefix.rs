//! The `D/U@A ` of a client, kept to be compared byte for byte with what its later lines begin with.

use std::hash::BuildHasher;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::saved::Secret;
use crate::limits::ADDRESS_MAX;
use crate::words::{self, Window};

/// Bytes of a prefix that are compared at once: seldom are there more.
const COMPARED: usize = 48;
/// Bytes of a prefix that are kept: nearly every `D/U@A ` fits.
const KEPT: usize = 72;
/// Of a longer one, so many are kept as they are, behind the hash of the others.
const KEPT_OF_LONG: usize = KEPT - 8;

const _: () = assert!(KEPT_OF_LONG > ADDRESS_MAX, "the address must be among the bytes that are kept");

/// A `D/U@A `, for comparing byte for byte. Of a long one the end is kept as it is and the rest as a hash with a
/// secret.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(into = "SavedMark", try_from = "SavedMark")]
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
                let (rest, end) = prefix.split_at(prefix.len() - KEPT_OF_LONG);
                kept[..8].copy_from_slice(&hasher.hash_one(rest).to_le_bytes());
                kept[8..].copy_from_slice(end);
            }
        }
        Self { length: prefix.len() as u16, kept }
    }

    /// Makes it that of the first `length` bytes of a longer text: where that is long enough, a copy of fixed size spares
    /// a call of the C library.
    #[inline]
    pub(super) fn set(&mut self, text: &[u8], length: usize, hasher: &Secret) {
        match text.first_chunk() {
            Some(kept) if length <= KEPT => {
                self.length = length as u16;
                self.kept = *kept;
            }
            _ => *self = Self::new(&text[..length], hasher),
        }
    }

    /// How long the prefix is.
    #[inline]
    pub(super) fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether `text` begins with the prefix.
    #[inline]
    pub(super) fn begins(&self, text: &[u8], hasher: &Secret) -> bool {
        if let Some(kept) = self.kept.get(..self.length()) {
            return words::begins(text, kept);
        }
        self.begins_long(text, hasher)
    }

    /// Whether a text has the prefix at `at`. Of a long one nobody knows.
    #[inline]
    pub(super) fn stands_at(&self, text: Window<'_>, at: usize) -> bool {
        let length = self.length();
        let first: Option<&[u8; COMPARED]> = self.kept.first_chunk();
        first.is_some_and(|first| text.is(at, length.min(COMPARED), first))
            && (length <= COMPARED || self.goes_on_at(text, at + COMPARED))
    }

    fn goes_on_at(&self, text: Window<'_>, at: usize) -> bool {
        self.kept.get(COMPARED..self.length()).is_some_and(|rest| text.holds(at, rest))
    }

    fn begins_long(&self, text: &[u8], hasher: &Secret) -> bool {
        text.get(..self.length()).is_some_and(|text| Self::new(text, hasher) == *self)
    }

    fn kept(&self) -> &[u8] {
        &self.kept[..self.length().min(KEPT)]
    }

    /// The client's address and its port, as they are printed.
    fn address(&self) -> (&[u8], &[u8]) {
        let kept = self.kept();
        let at = memchr::memrchr(b'@', kept).map_or(0, |at| at + 1);
        let colon = memchr::memrchr(b':', kept).unwrap_or(kept.len()).max(at);
        (&kept[at..colon], kept.get(colon + 1..).unwrap_or_default())
    }

    /// The client's end of its TCP connection; `None` for a unix socket.
    pub(super) fn endpoint(&self) -> Option<(IpAddr, u16)> {
        let port = std::str::from_utf8(self.address().1).ok()?.trim_end().parse().ok()?;
        Some((std::str::from_utf8(self.host()).ok()?.parse().ok()?, port))
    }

    /// The client's address, without the port.
    pub(super) fn host(&self) -> &[u8] {
        let host = self.address().0;
        let bare = host.strip_prefix(b"[").and_then(|inner| inner.strip_suffix(b"]")).unwrap_or(host);
        if bare.starts_with(b"unix(") { b"unix" } else { bare }
    }
}

/// What a state file has of a [`PrefixMark`].
#[derive(Serialize, Deserialize)]
struct SavedMark {
    length: u16,
    #[serde(with = "super::saved::bytes")]
    kept: Vec<u8>,
}

impl From<PrefixMark> for SavedMark {
    fn from(mark: PrefixMark) -> Self {
        Self { length: mark.length, kept: mark.kept().to_vec() }
    }
}

impl TryFrom<SavedMark> for PrefixMark {
    type Error = &'static str;

    fn try_from(saved: SavedMark) -> Result<Self, Self::Error> {
        let mut mark = Self { length: saved.length, kept: [0; KEPT] };
        let length = mark.kept().len();
        mark.kept[..length].copy_from_slice(saved.kept.get(..length).ok_or("a prefix without its bytes")?);
        Ok(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_any_length_are_compared_whole() {
        let hasher = Secret::new();
        for length in [1, 60, 72, 73, 150, 250] {
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
        ] {
            let mark = PrefixMark::new(prefix.as_bytes(), &hasher);
            assert_eq!(mark.host(), host.as_bytes(), "{prefix}");
            let expected = (host != "unix").then(|| (host.parse().expect("an address"), 5));
            assert_eq!(mark.endpoint(), expected, "{prefix}");
        }
    }
}
