//! How often something of each kind came, and when first and last, for a bounded number of kinds.

use crate::kept;
use crate::kept::Kept;

use crate::order;
use crate::words;

/// One kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind<T> {
    /// What it is of.
    pub of: T,
    /// Its text.
    pub text: Vec<u8>,
    /// How often.
    pub count: u64,
    /// The first one's time, in the sense of [`crate::pgbouncer::record::Stamp::millis`].
    pub first: i64,
    /// The last one's.
    pub last: i64,
}

kept!(Kind<T> where [T: Kept] { of, text, count, first, last });

/// The kinds, at most `MOST`, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds<T, const MOST: usize> {
    rows: Vec<Kind<T>>,
    others: u64,
}

kept!(Kinds<T, MOST> where [T: Kept, const MOST: usize] { rows, others });

impl<T, const MOST: usize> Default for Kinds<T, MOST> {
    fn default() -> Self {
        Self { rows: Vec::new(), others: 0 }
    }
}

impl<T: PartialEq, const MOST: usize> Kinds<T, MOST> {
    /// One of a kind came.
    pub(super) fn count(&mut self, of: T, text: &[u8], at: i64) {
        if self.count_again(&of, text, at) {
            return;
        }
        if self.rows.len() < MOST {
            self.rows.push(Kind { of, text: text.to_vec(), count: 1, first: at, last: at });
        } else {
            self.others += 1;
        }
    }

    /// One of a kind that is known came, if it is.
    pub(super) fn count_again(&mut self, of: &T, text: &[u8], at: i64) -> bool {
        let known = self.rows.iter_mut().find(|kind| kind.of == *of && words::same(&kind.text, text));
        known.is_some_and(|kind| {
            kind.count += 1;
            kind.last = at;
            true
        })
    }

    /// The kinds, the most frequent first.
    pub fn by_count(&self) -> Vec<&Kind<T>> {
        let mut rows: Vec<&Kind<T>> = self.rows.iter().collect();
        order::sort_by(&mut rows, |left, right| right.count.cmp(&left.count).then_with(|| left.text.cmp(&right.text)));
        rows
    }

    /// How many came whose kind did not fit.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// How many came.
    pub fn total(&self) -> u64 {
        self.rows.iter().fold(self.others, |sum, kind| sum.saturating_add(kind.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_bounded_and_the_rest_is_counted() {
        let mut kinds = Kinds::<u8, 3>::default();
        for (number, text) in [b"a", b"b", b"a", b"c", b"d", b"a", b"b"].into_iter().enumerate() {
            kinds.count(0, text, number as i64);
        }
        kinds.count(1, b"a", 9);
        let rows: Vec<(&[u8], u64, i64, i64)> =
            kinds.by_count().iter().map(|kind| (&kind.text[..], kind.count, kind.first, kind.last)).collect();
        assert_eq!(rows, [(&b"a"[..], 3, 0, 5), (b"b", 2, 1, 6), (b"c", 1, 3, 3)]);
        assert_eq!((kinds.others(), kinds.total()), (2, 8));
    }
}
