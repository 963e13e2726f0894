//! Hashes that are the same after a restart.

use std::hash::{BuildHasher, RandomState};

use crate::kept;
use crate::words;

/// A secret to hash a client's bytes with, that can be kept: [`RandomState`] cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Secret(u64, u64);

kept!(Secret [0, 1]);

impl Secret {
    /// A new one.
    pub(super) fn new() -> Self {
        Self(RandomState::new().hash_one(0), RandomState::new().hash_one(1))
    }

    /// The hash of a name.
    #[inline]
    pub(super) fn hash(self, name: &[u8]) -> u64 {
        words::hash(name, [self.0, self.1])
    }

    /// The hash of a database and a user together.
    #[inline]
    pub(super) fn hash_pool(self, database: &[u8], user: &[u8]) -> u64 {
        words::fold(self.hash(database), self.hash(user) ^ self.0)
    }
}

/// A hash without a secret, the same everywhere and for ever.
#[derive(Debug, Clone, Copy)]
pub struct Unkeyed;

#[expect(deprecated, reason = "the only hash of the standard library that is promised to stay the same")]
impl BuildHasher for Unkeyed {
    type Hasher = std::hash::SipHasher;

    fn build_hasher(&self) -> Self::Hasher {
        std::hash::SipHasher::new_with_keys(0, 0)
    }
}
