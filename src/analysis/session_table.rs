//! The table of open client sockets: found by process and pointer, in the order in which they came.

use super::accounts::Moment;
use super::figures::Tickets;
use super::index::{Index, mix};
use super::prefix::PrefixMark;
use super::sessions::Arrival;
use crate::kept;
use crate::kept::{Kept, Reader, Writer};
use crate::limits::SESSIONS;
use crate::pgbouncer::record::{Pointer, Stamp, Zone};

/// A client socket, while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    /// The process.
    pub(super) pid: u32,
    /// Its `PgSocket`.
    pub(super) pointer: Pointer,
}

kept!(Key [pid, pointer]);

impl Key {
    #[inline]
    pub(super) fn hash(self) -> u64 {
        mix(self.pointer.bits() ^ u64::from(self.pid) << 44)
    }
}

/// No watched entry.
pub(crate) const NOT_WATCHED: u16 = u16::MAX;

/// The watched entries of a session, without the empty places.
pub(super) fn watched_entries(watched: [u16; 2]) -> impl Iterator<Item = usize> {
    watched.into_iter().filter(|&entry| entry != NOT_WATCHED).map(usize::from)
}

/// An open attempt, and what is known of it. It fills two lines of the processor's cache, and begins with one.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Session {
    /// The process, and its `PgSocket`: the [`Key`].
    pid: u32,
    pointer: Pointer,
    pub(super) moment: Moment,
    /// How far the clock of the log was ahead of UTC, in milliseconds: at most 24 days. A clock that was set forward while
    /// it was open lessens it, by as many at most.
    east: i32,
    pub(super) prefix: PrefixMark,
    /// Where it counts.
    pub(super) tickets: Tickets,
    /// The watched entries that it is of.
    pub(super) watched: [u16; 2],
    /// Its database and user, hashed with a secret.
    pub(super) pool: u64,
    /// How often the servers had been reloaded when it came; [`PROVEN`] if its pool had proved itself by then.
    pub(super) reloads: u32,
    pub(super) prospect: Prospect,
    /// It has succeeded.
    pub(super) proven: bool,
}

kept!(Session [pid, pointer, moment, east, prefix, tickets, watched, pool, reloads, prospect, proven]);

// Ten thousand of them take a third of the memory that the program may take.
const _: () = assert!(size_of::<Session>() == 128);

/// What [`Session::reloads`] is where nobody has to ask: more often nothing is ever reloaded.
pub(super) const PROVEN: u32 = u32::MAX;

/// What an attempt can come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prospect {
    /// A login; no name makes its lines look like anything else ([`crate::pgbouncer::record::LoginAttempt::is_plain`]).
    Plain,
    /// A login.
    Open,
    /// Nothing: `(nodb)/U`.
    Hopeless,
}

kept!(Prospect: Plain | Open | Hopeless);

impl Session {
    const EMPTY: Self = Self {
        pid: 0,
        pointer: Pointer::NONE,
        moment: Moment { sequence: 0, stamp: Stamp { millis: 0, zone: Zone::Unknown } },
        east: 0,
        prefix: PrefixMark::EMPTY,
        tickets: Tickets { run: None, day: None },
        watched: [NOT_WATCHED; 2],
        pool: 0,
        reloads: 0,
        prospect: Prospect::Open,
        proven: false,
    };

    /// Where it is found.
    #[inline]
    pub(super) fn key(&self) -> Key {
        Key { pid: self.pid, pointer: self.pointer }
    }

    #[inline]
    fn set_key(&mut self, key: Key) {
        (self.pid, self.pointer) = (key.pid, key.pointer);
    }

    /// When it came, in milliseconds since 1970-01-01 UTC.
    #[inline]
    pub(super) fn at(&self) -> i64 {
        self.moment.stamp.millis - i64::from(self.east)
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        self.came(self.at().saturating_add(by));
    }

    fn came(&mut self, at: i64) {
        self.east = east_of(self.moment.stamp.millis, at);
    }

    /// `(nodb)/U`: it cannot succeed.
    pub(super) fn is_hopeless(&self) -> bool {
        self.prospect == Prospect::Hopeless
    }

    /// Sets what is known of an attempt that came with the log's clock so many milliseconds ahead of UTC ([`east_of`]).
    #[inline]
    pub(super) fn open(&mut self, arrival: &Arrival, east: i32) {
        self.moment = arrival.moment;
        self.east = east;
        self.tickets = arrival.tickets;
        self.watched = arrival.watched;
        self.pool = arrival.pool;
        self.proven = false;
    }
}

/// How far the log's clock is ahead of UTC when it shows `millis` at the instant `at`, as far as a session keeps it.
pub(super) fn east_of(millis: i64, at: i64) -> i32 {
    millis.saturating_sub(at).clamp(i32::MIN.into(), i32::MAX.into()) as i32
}

const NONE: u16 = u16::MAX;

const _: () = assert!(SESSIONS < NONE as usize);

/// The sessions that came just before and behind one.
#[derive(Debug, Clone, Copy)]
struct Link {
    older: u16,
    newer: u16,
}

/// The sessions, at most [`SESSIONS`] of them.
#[derive(Debug)]
pub(super) struct SessionTable {
    slots: Vec<Session>,
    /// Of each slot. They are together: those of ten thousand sessions fit a cache that the sessions do not.
    links: Vec<Link>,
    index: Index,
    len: usize,
    oldest: u16,
    newest: u16,
    /// The first of the free places; each names the next one as the newer.
    free: u16,
}

impl SessionTable {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::with_capacity(SESSIONS),
            links: Vec::with_capacity(SESSIONS),
            index: Index::new(SESSIONS),
            len: 0,
            oldest: NONE,
            newest: NONE,
            free: NONE,
        }
    }

    /// How many are open.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn find(&self, key: Key) -> Option<u32> {
        self.find_hashed(key, key.hash())
    }

    /// The session of this key, whose hash is known.
    #[inline]
    pub(super) fn find_hashed(&self, key: Key, hash: u64) -> Option<u32> {
        self.index.find(hash, |number| self.slots[number as usize].key() == key)
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> &Session {
        &self.slots[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Session {
        &mut self.slots[number as usize]
    }

    /// Whether there is no room for one more.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.len() == SESSIONS
    }

    /// Opens a session as the newest: its place, in which all is to be set but its key, whose hash is known. There is room
    /// for it.
    #[expect(clippy::inline_always, reason = "what it is given stays in registers: 30 instructions per attempt")]
    #[inline(always)]
    pub(super) fn open(&mut self, key: Key, hash: u64) -> &mut Session {
        let number = match self.links.get(usize::from(self.free)) {
            Some(link) => std::mem::replace(&mut self.free, link.newer),
            None => self.grow(),
        };
        self.len += 1;
        let Self { index, slots, .. } = self;
        index.insert(hash, u32::from(number), |number| slots[number as usize].key().hash());
        let older = std::mem::replace(&mut self.newest, number);
        match self.links.get_mut(usize::from(older)) {
            Some(older) => older.newer = number,
            None => self.oldest = number,
        }
        self.links[usize::from(number)] = Link { older, newer: NONE };
        let session = &mut self.slots[usize::from(number)];
        session.set_key(key);
        session
    }

    /// One more place.
    #[cold]
    fn grow(&mut self) -> u16 {
        self.slots.push(Session::EMPTY);
        self.links.push(Link { older: NONE, newer: NONE });
        (self.slots.len() - 1) as u16
    }

    /// Takes the oldest session out.
    pub(super) fn take_oldest(&mut self) -> Option<Session> {
        self.next(None).map(|oldest| self.take(oldest))
    }

    /// Takes a session out.
    pub(super) fn take(&mut self, number: u32) -> Session {
        let session = self.slots[number as usize];
        self.remove(number);
        session
    }

    /// The same, where nobody asks what it was.
    pub(super) fn remove(&mut self, number: u32) {
        self.remove_hashed(number, self.slots[number as usize].key().hash());
    }

    /// The same of a session the hash of whose key is known.
    #[inline]
    pub(super) fn remove_hashed(&mut self, number: u32, hash: u64) {
        self.index.remove(hash, number);
        self.unlink(number);
    }

    #[inline]
    fn unlink(&mut self, number: u32) {
        let link = &mut self.links[number as usize];
        let Link { older, newer } = *link;
        link.newer = std::mem::replace(&mut self.free, number as u16);
        self.len -= 1;
        match self.links.get_mut(usize::from(older)) {
            Some(older) => older.newer = newer,
            None => self.oldest = newer,
        }
        match self.links.get_mut(usize::from(newer)) {
            Some(newer) => newer.older = older,
            None => self.newest = older,
        }
    }

    /// Gives a session another key, as an online restart does.
    pub(super) fn rename(&mut self, number: u32, key: Key) {
        self.index.remove(self.slots[number as usize].key().hash(), number);
        self.slots[number as usize].set_key(key);
        let Self { index, slots, .. } = self;
        index.insert(key.hash(), number, |number| slots[number as usize].key().hash());
    }

    /// All numbers, the oldest first. The session of the last number may be removed or renamed meanwhile.
    pub(super) fn next(&self, after: Option<u32>) -> Option<u32> {
        let next = after.map_or(self.oldest, |number| self.links[number as usize].newer);
        (next != NONE).then_some(u32::from(next))
    }

    /// All sessions, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        std::iter::successors(self.next(None), |number| self.next(Some(*number))).map(|number| self.get(number))
    }

    /// All numbers, the newest first.
    fn numbers_newest_first(&self) -> impl Iterator<Item = u32> {
        let some = |number: u16| (number != NONE).then_some(u32::from(number));
        std::iter::successors(some(self.newest), move |number| some(self.links[*number as usize].older))
    }

    /// All sessions, the newest first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = &Session> {
        self.numbers_newest_first().map(|number| self.get(number))
    }

    /// The session of an attempt.
    pub(super) fn number_of(&self, sequence: u64) -> Option<u32> {
        self.numbers_newest_first().find(|&number| self.get(number).moment.sequence == sequence)
    }
}

/// As its sessions, the oldest first.
impl Kept for SessionTable {
    fn save(&self, to: &mut Writer) {
        let outer = to.open("]");
        self.iter().for_each(|session| session.save(to));
        to.close(outer);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        let mut table = Self::new();
        let outer = from.open("]");
        while from.has_more() && !table.is_full() {
            let session = Session::load(from);
            *table.open(session.key(), session.key().hash()) = session;
        }
        from.close(outer);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(table: &mut SessionTable, pointer: u64) -> Option<Session> {
        let out = if table.is_full() { table.take_oldest() } else { None };
        let key = Key { pid: 7, pointer: pointer.into() };
        table.open(key, key.hash()).moment.sequence = pointer;
        out
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut table = SessionTable::new();
        let count = SESSIONS as u64;
        assert!((0..count).all(|pointer| add(&mut table, pointer * 16).is_none()));
        let middle = table.find(Key { pid: 7, pointer: 32.into() }).expect("it is open");
        table.remove(middle);
        assert!(add(&mut table, count * 16).is_none(), "there was room again");
        let out = add(&mut table, count * 16 + 16).expect("no room");
        assert_eq!(out.pointer, 0.into());
        let order: Vec<u64> = table.iter().take(2).map(|session| session.moment.sequence).collect();
        assert_eq!(order, [16, 48]);
        assert_eq!(table.len(), SESSIONS);
    }

    #[test]
    fn a_renamed_session_is_found_under_its_new_key_only() {
        let mut table = SessionTable::new();
        add(&mut table, 16);
        let number = table.find(Key { pid: 7, pointer: 16.into() }).expect("it is open");
        table.rename(number, Key { pid: 8, pointer: 32.into() });
        assert_eq!(table.find(Key { pid: 7, pointer: 16.into() }), None);
        assert_eq!(table.find(Key { pid: 8, pointer: 32.into() }), Some(number));
    }
}
