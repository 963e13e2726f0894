//! Users, databases, addresses and reasons, each kept once and named by a number from then on.

use super::index::Index;
use super::saved::Secret;
use crate::kept;
use crate::kept::{Kept, Reader, Writer};
use crate::limits::{NAME_BYTES, NAMES};
use crate::words;

/// The number of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NameId(pub(super) u32);

kept!(NameId[0]);

/// The names; their bytes lie in one block that never grows beyond [`NAME_BYTES`].
#[derive(Debug)]
pub(crate) struct Names {
    index: Index,
    secret: Secret,
    places: Vec<Place>,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    start: u32,
    length: u32,
}

impl Place {
    #[inline]
    fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..][..self.length as usize]
    }
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            index: Index::new(NAMES),
            secret: Secret::new(),
            places: Vec::with_capacity(NAMES),
            bytes: Vec::with_capacity(NAME_BYTES),
        }
    }

    /// The number of `name`, which is kept from now on; `None` where there is no room left. The last quarter of the
    /// room is for names that are `watched` or belong to such an account.
    #[inline]
    pub(super) fn intern(&mut self, name: &[u8], watched: bool) -> Option<NameId> {
        let hash = self.hash(name);
        self.find_hashed(hash, name).or_else(|| self.add(hash, name, watched))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The bytes of a name.
    #[inline]
    pub(crate) fn get(&self, id: NameId) -> &[u8] {
        self.places[id.0 as usize].of(&self.bytes)
    }

    /// The hash of a name, which whoever chose it does not know.
    #[inline]
    pub(super) fn hash(&self, name: &[u8]) -> u64 {
        self.secret.hash(name)
    }

    /// The number of a name that is known.
    #[inline]
    pub(super) fn find_hashed(&self, hash: u64, name: &[u8]) -> Option<NameId> {
        self.index.find(hash, |id| words::same(self.get(NameId(id)), name)).map(NameId)
    }

    /// Keeps a name, if there is room.
    #[cold]
    pub(super) fn add(&mut self, hash: u64, name: &[u8], watched: bool) -> Option<NameId> {
        let quarters = if watched { 4 } else { 3 };
        if self.places.len() >= NAMES / 4 * quarters || self.bytes.len() + name.len() > NAME_BYTES / 4 * quarters {
            return None;
        }
        let id = NameId(self.places.len() as u32);
        self.places.push(Place { start: self.bytes.len() as u32, length: name.len() as u32 });
        self.bytes.extend_from_slice(name);
        let Self { index, secret, places, bytes } = self;
        index.insert(hash, id.0, |id| secret.hash(places[id as usize].of(bytes)));
        Some(id)
    }
}

/// As a list.
impl Kept for Names {
    fn save(&self, to: &mut Writer) {
        let outer = to.open("]");
        (0..self.places.len() as u32).for_each(|id| u8::save_all(self.get(NameId(id)), to));
        to.close(outer);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        let mut names = Self::new();
        for (number, name) in Vec::<Vec<u8>>::load(from).iter().enumerate() {
            // No name is there twice, and there is room for all.
            let id = names.intern(name, true);
            from.check(id == Some(NameId(number as u32)));
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_once_and_the_bounds_hold() {
        let mut names = Names::new();
        let web = names.intern(b"web", true);
        assert_eq!(names.intern(b"web", false), web);
        assert_eq!(web.map(|id| names.get(id).to_vec()), Some(b"web".to_vec()));
        let mut kept = 1;
        for number in 0..2 * NAMES {
            kept += usize::from(names.intern(number.to_string().as_bytes(), number >= NAMES).is_some());
        }
        assert_eq!(kept, NAMES);
        assert_eq!(names.intern(b"web", false), web);
        assert_eq!(names.intern(b"never", true), None);
    }

    #[test]
    fn the_bytes_of_all_names_together_are_bounded() {
        let mut names = Names::new();
        let long = vec![b'x'; NAME_BYTES / 4 * 3];
        assert!(names.intern(&long, false).is_some());
        assert!(names.intern(b"a", false).is_none());
        assert!(names.intern(&long[..NAME_BYTES / 4], true).is_some());
        assert!(names.intern(b"a", true).is_none());
    }
}
