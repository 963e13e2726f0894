//! How bytes from the log, and what is hashed with a secret, are kept in a state file.

use std::hash::{BuildHasher, RandomState};

use serde::{Deserialize, Serialize};

use crate::words;

/// Bytes as a text of as many characters, U+0000 to U+00FF: short, and read back as what they were.
pub mod bytes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    /// The text.
    pub fn text(bytes: &[u8]) -> String {
        bytes.iter().map(|&byte| char::from(byte)).collect()
    }

    /// For `serde(with)`.
    ///
    /// # Errors
    ///
    /// The serializer's.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(bytes))
    }

    /// For `serde(with)`.
    ///
    /// # Errors
    ///
    /// Where there is a character beyond U+00FF.
    pub fn deserialize<'de, D: Deserializer<'de>, B: From<Vec<u8>>>(from: D) -> Result<B, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes.map(B::from).map_err(|_| D::Error::custom("bytes beyond U+00FF"))
    }
}

/// The same where there may be none.
pub(super) mod optional_bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Bytes(#[serde(with = "super::bytes")] Vec<u8>);

    #[expect(clippy::ref_option, reason = "serde gives it so")]
    pub(in crate::analysis) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        bytes.clone().map(Bytes).serialize(to)
    }

    pub(in crate::analysis) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<Bytes>::deserialize(from)?.map(|bytes| bytes.0))
    }
}

/// Numbers of which nearly all are zero: only the others are kept, with their places.
pub(super) mod few {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::analysis) fn serialize<S: Serializer, const N: usize>(
        all: &[u64; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(all.iter().enumerate().filter(|(_, number)| **number != 0))
    }

    pub(in crate::analysis) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<Box<[u64; N]>, D::Error> {
        let mut all = Box::new([0; N]);
        for (place, number) in Vec::<(usize, u64)>::deserialize(from)? {
            if let Some(known) = all.get_mut(place) {
                *known = number;
            }
        }
        Ok(all)
    }
}

/// A time of the day as a text.
pub(super) mod time {
    use jiff::civil::Time;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
    pub(in crate::analysis) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(in crate::analysis) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Time, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// A secret to hash a client's bytes with, that can be kept: [`RandomState`] cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Secret(u64, u64);

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

#[expect(deprecated, reason = "the only keyed hash of the standard library; its keys are what is wanted")]
impl BuildHasher for Secret {
    type Hasher = std::hash::SipHasher;

    fn build_hasher(&self) -> Self::Hasher {
        std::hash::SipHasher::new_with_keys(self.0, self.1)
    }
}
