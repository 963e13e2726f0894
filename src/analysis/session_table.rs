//! The table of open client sockets: found by process and pointer, in the order in which they came.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::BuildHasher;
use std::net::IpAddr;

use super::accounts::Moment;
use super::figures::Tickets;
use super::index::{Index, mix};
use super::saved::Secret;
use crate::limits::{ADDRESS_MAX, SESSIONS};

/// A client socket, while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// The process.
    pub(super) pid: u32,
    /// Its `PgSocket`.
    pub(super) pointer: u64,
}

impl Key {
    fn hash(self) -> u64 {
        mix(self.pointer ^ u64::from(self.pid) << 44)
    }
}

/// Bytes of a prefix that are kept as they are: nearly every `D/U@A ` fits.
const KEPT: usize = 72;

const _: () = assert!(KEPT > ADDRESS_MAX, "the address must be among the bytes that are kept");

/// A `D/U@A `, for comparing byte for byte. Of a long one the end is kept as it is and the rest as a hash with a
/// secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PrefixMark {
    length: u16,
    #[serde(with = "kept")]
    end: [u8; KEPT],
    rest: u64,
}

impl PrefixMark {
    /// The mark of a prefix (of less than 64 KiB).
    pub(super) fn new(prefix: &[u8], hasher: &Secret) -> Self {
        let (rest, kept) = prefix.split_at(prefix.len().saturating_sub(KEPT));
        let mut end = [0; KEPT];
        end[..kept.len()].copy_from_slice(kept);
        let rest = if rest.is_empty() { 0 } else { hasher.hash_one(rest) };
        Self { length: prefix.len() as u16, end, rest }
    }

    /// How long the prefix is.
    pub(super) fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Whether `text` begins with the prefix.
    #[inline]
    pub(super) fn begins(&self, text: &[u8], hasher: &Secret) -> bool {
        let Some(text) = text.get(..self.length()) else { return false };
        let (rest, kept) = text.split_at(text.len().saturating_sub(KEPT));
        kept == &self.end[..kept.len()] && (rest.is_empty() || hasher.hash_one(rest) == self.rest)
    }

    /// The client's address and its port, as they are printed.
    fn address(&self) -> (&[u8], &[u8]) {
        let kept = &self.end[..self.length().min(KEPT)];
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

/// The bytes that are kept, without the zeros behind them.
mod kept {
    use super::KEPT;
    use crate::analysis::saved::bytes;
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(end: &[u8; KEPT], to: S) -> Result<S::Ok, S::Error> {
        let length = end.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        bytes::serialize(&end[..length], to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; KEPT], D::Error> {
        let kept: Vec<u8> = bytes::deserialize(from)?;
        let mut end = [0; KEPT];
        end.get_mut(..kept.len()).ok_or_else(|| D::Error::custom("a prefix is too long"))?.copy_from_slice(&kept);
        Ok(end)
    }
}

/// No watched entry.
pub(crate) const NOT_WATCHED: u16 = u16::MAX;

/// The watched entries of a session, without the empty places.
pub(super) fn watched_entries(watched: [u16; 2]) -> impl Iterator<Item = usize> {
    watched.into_iter().filter(|&entry| entry != NOT_WATCHED).map(usize::from)
}

/// An open attempt, and what is known of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) key: Key,
    pub(super) moment: Moment,
    /// When it came, in milliseconds since 1970-01-01 UTC.
    pub(super) at: i64,
    pub(super) prefix: PrefixMark,
    /// Where it counts.
    pub(super) tickets: Tickets,
    /// The watched entries that it is of.
    pub(super) watched: [u16; 2],
    /// Its database and user, hashed with a secret.
    pub(super) pool: u64,
    /// How often the servers had been reloaded when it came.
    pub(super) reloads: u32,
    /// `(nodb)/U`: it cannot succeed.
    pub(super) hopeless: bool,
    /// It has succeeded.
    pub(super) proven: bool,
    #[serde(skip)]
    older: u32,
    #[serde(skip)]
    newer: u32,
}

const NONE: u32 = u32::MAX;

/// The sessions, at most [`SESSIONS`] of them.
#[derive(Debug)]
pub(super) struct SessionTable {
    slots: Vec<Session>,
    free: Vec<u32>,
    index: Index,
    oldest: u32,
    newest: u32,
}

/// What a new session is made of.
pub(super) struct NewSession {
    pub(super) key: Key,
    pub(super) moment: Moment,
    pub(super) at: i64,
    pub(super) prefix: PrefixMark,
    pub(super) tickets: Tickets,
    pub(super) watched: [u16; 2],
    pub(super) pool: u64,
    pub(super) reloads: u32,
    pub(super) hopeless: bool,
}

impl SessionTable {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::with_capacity(SESSIONS),
            free: Vec::with_capacity(SESSIONS),
            index: Index::new(SESSIONS),
            oldest: NONE,
            newest: NONE,
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<u32> {
        self.index.find(key.hash(), |number| self.slots[number as usize].key == key)
    }

    pub(super) fn get(&self, number: u32) -> &Session {
        &self.slots[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Session {
        &mut self.slots[number as usize]
    }

    /// Adds a session as the newest; where there is no room, the oldest has to go and is returned.
    pub(super) fn add(&mut self, new: NewSession) -> Option<Session> {
        let pushed_out = (self.len() == SESSIONS).then(|| self.remove(self.oldest));
        let NewSession { key, moment, at, prefix, tickets, watched, pool, reloads, hopeless } = new;
        let (older, newer, proven) = (NONE, NONE, false);
        self.push(Session { key, moment, at, prefix, tickets, watched, pool, reloads, hopeless, proven, older, newer });
        pushed_out
    }

    /// Puts a session in as the newest.
    fn push(&mut self, session: Session) {
        let (older, key) = (self.newest, session.key);
        let session = Session { older, newer: NONE, ..session };
        let number = if let Some(number) = self.free.pop() {
            self.slots[number as usize] = session;
            number
        } else {
            self.slots.push(session);
            (self.slots.len() - 1) as u32
        };
        self.link(older, number, NONE);
        self.index.insert(key.hash(), number);
    }

    /// Takes a session out.
    pub(super) fn remove(&mut self, number: u32) -> Session {
        let session = self.slots[number as usize];
        self.unindex(session.key, number);
        let Session { older, newer, .. } = session;
        match self.slots.get_mut(older as usize) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
        self.free.push(number);
        session
    }

    /// Gives a session another key, as an online restart does.
    pub(super) fn rename(&mut self, number: u32, key: Key) {
        self.unindex(self.slots[number as usize].key, number);
        self.slots[number as usize].key = key;
        self.index.insert(key.hash(), number);
    }

    /// All numbers, the oldest first. The session of the last number may be removed or renamed meanwhile.
    pub(super) fn next(&self, after: Option<u32>) -> Option<u32> {
        let next = after.map_or(self.oldest, |number| self.slots[number as usize].newer);
        (next != NONE).then_some(next)
    }

    /// All sessions, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        std::iter::successors(self.next(None), |number| self.next(Some(*number))).map(|number| self.get(number))
    }

    /// All numbers, the newest first.
    fn numbers_newest_first(&self) -> impl Iterator<Item = u32> {
        let older = |number: &u32| Some(self.slots[*number as usize].older).filter(|&older| older != NONE);
        std::iter::successors((self.newest != NONE).then_some(self.newest), older)
    }

    /// All sessions, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Session> {
        self.numbers_newest_first().map(|number| self.get(number))
    }

    /// The session of an attempt.
    pub(super) fn number_of(&self, sequence: u64) -> Option<u32> {
        self.numbers_newest_first().find(|&number| self.get(number).moment.sequence == sequence)
    }

    fn unindex(&mut self, key: Key, number: u32) {
        let slots = &self.slots;
        self.index.remove(key.hash(), number, |other| slots[other as usize].key.hash());
    }

    fn link(&mut self, older: u32, number: u32, newer: u32) {
        match self.slots.get_mut(older as usize) {
            Some(older) => older.newer = number,
            None => self.oldest = number,
        }
        match self.slots.get_mut(newer as usize) {
            Some(newer) => newer.older = number,
            None => self.newest = number,
        }
    }
}

/// As its sessions, the oldest first.
impl Serialize for SessionTable {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for SessionTable {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let sessions = Vec::<Session>::deserialize(from)?;
        if sessions.len() > SESSIONS {
            return Err(D::Error::custom("too many sessions"));
        }
        let mut table = Self::new();
        for session in sessions {
            table.push(session);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbouncer::record::{Stamp, Zone};

    fn session(pointer: u64) -> NewSession {
        NewSession {
            key: Key { pid: 7, pointer },
            moment: Moment { sequence: pointer, stamp: Stamp { millis: 0, zone: Zone::Unknown } },
            at: 0,
            prefix: PrefixMark::new(b"app/web@10.0.0.1:5 ", &Secret::new()),
            tickets: Tickets::default(),
            watched: [NOT_WATCHED; 2],
            pool: 0,
            reloads: 0,
            hopeless: false,
        }
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut table = SessionTable::new();
        let count = SESSIONS as u64;
        assert!((0..count).all(|pointer| table.add(session(pointer * 16)).is_none()));
        let middle = table.find(Key { pid: 7, pointer: 32 }).expect("it is open");
        table.remove(middle);
        assert!(table.add(session(count * 16)).is_none(), "there was room again");
        let out = table.add(session(count * 16 + 16)).expect("no room");
        assert_eq!(out.key.pointer, 0);
        let order: Vec<u64> = table.iter().take(2).map(|session| session.key.pointer).collect();
        assert_eq!(order, [16, 48]);
        assert_eq!(table.len(), SESSIONS);
    }

    #[test]
    fn a_renamed_session_is_found_under_its_new_key_only() {
        let mut table = SessionTable::new();
        table.add(session(16));
        let number = table.find(Key { pid: 7, pointer: 16 }).expect("it is open");
        table.rename(number, Key { pid: 8, pointer: 32 });
        assert_eq!(table.find(Key { pid: 7, pointer: 16 }), None);
        assert_eq!(table.find(Key { pid: 8, pointer: 32 }), Some(number));
    }

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
