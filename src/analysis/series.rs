//! Something counted by time, in a bounded number of buckets: when there would be too many, all become wider and
//! neighbours are merged. Buckets in which nothing was counted are not there, so a pause takes no room.

use crate::kept;
use crate::kept::Kept;

/// What is counted in a bucket.
pub trait Bucket: Default {
    /// Adds what a neighbour has.
    fn merge(&mut self, other: &Self);

    /// The next width behind this one: a multiple of it.
    fn wider(width: i64) -> i64;
}

/// The buckets, at most `MOST`. A time is a number of units since 1970-01-01 00:00: of minutes, or of hours.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<T, const MOST: usize> {
    width: i64,
    /// By time: (its number among buckets of this width, what was counted).
    buckets: Vec<(i64, T)>,
}

kept!(Series<T, MOST> where [T: Kept, const MOST: usize] { width, buckets } then Self::is_sound);

impl<T, const MOST: usize> Series<T, MOST> {
    /// Whether one that was read back can be, which then has room for all.
    fn is_sound(&mut self) -> bool {
        let in_order = self.buckets.is_sorted_by(|one, next| one.0 < next.0);
        let in_time = self.buckets.iter().all(|(number, _)| number.checked_mul(self.width).is_some());
        let is_sound = self.width >= 1 && self.buckets.len() <= MOST && in_order && in_time;
        self.buckets.reserve_exact(MOST.saturating_sub(self.buckets.len()));
        is_sound
    }
}

impl<T, const MOST: usize> Default for Series<T, MOST> {
    fn default() -> Self {
        Self { width: 1, buckets: Vec::with_capacity(MOST) }
    }
}

impl<T: Bucket, const MOST: usize> Series<T, MOST> {
    /// The bucket of a time.
    pub(super) fn at(&mut self, time: i64) -> &mut T {
        let mut place = self.find(time);
        while place.is_err() && self.buckets.len() == MOST {
            self.widen();
            place = self.find(time);
        }
        let place = place.unwrap_or_else(|place| {
            self.buckets.insert(place, (time.div_euclid(self.width), T::default()));
            place
        });
        &mut self.buckets[place].1
    }

    /// Where it is, or would be: nearly always at the end.
    fn find(&self, time: i64) -> Result<usize, usize> {
        let number = time.div_euclid(self.width);
        match self.buckets.last() {
            Some((last, _)) if *last == number => Ok(self.buckets.len() - 1),
            Some((last, _)) if *last > number => self.buckets.binary_search_by_key(&number, |bucket| bucket.0),
            _ => Err(self.buckets.len()),
        }
    }

    fn widen(&mut self) {
        let by = T::wider(self.width) / self.width;
        self.width *= by;
        self.buckets.iter_mut().for_each(|bucket| bucket.0 = bucket.0.div_euclid(by));
        self.buckets.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1.merge(&later.1);
            }
            is_same
        });
    }

    /// How many units a bucket is wide.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// The buckets, by time: (where it begins, what was counted).
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (i64, &T)> {
        self.buckets.iter().map(|(number, bucket)| (number * self.width, bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Clone)]
    struct Count(u64);

    impl Bucket for Count {
        fn merge(&mut self, other: &Self) {
            self.0 += other.0;
        }

        fn wider(width: i64) -> i64 {
            width * 2
        }
    }

    fn counted(times: impl Iterator<Item = i64>) -> (i64, Vec<(i64, u64)>) {
        let mut series = Series::<Count, 4>::default();
        times.for_each(|time| series.at(time).0 += 1);
        (series.width(), series.iter().map(|(time, count)| (time, count.0)).collect())
    }

    #[test]
    fn neighbours_are_merged_when_there_are_too_many_and_nothing_is_lost() {
        assert_eq!(counted(0..4), (1, vec![(0, 1), (1, 1), (2, 1), (3, 1)]));
        assert_eq!(counted(0..5), (2, vec![(0, 2), (2, 2), (4, 1)]));
        assert_eq!(counted((0..5).rev()), counted(0..5));
        assert_eq!(counted([-3, -1, 7, 0, 1, 9].into_iter()), (4, vec![(-4, 2), (0, 2), (4, 1), (8, 1)]));
        assert_eq!(counted(0..1000).1.iter().map(|bucket| bucket.1).sum::<u64>(), 1000);
    }

    #[test]
    fn a_pause_and_an_absurd_time_take_no_room() {
        assert_eq!(counted([5, 1_000_000_000, 6].into_iter()).0, 1);
        let (width, buckets) = counted([i64::MIN / 60_000, 0, i64::MAX / 60_000, 7, 9].into_iter());
        assert!(width <= 16 && buckets.len() <= 4, "{width} {buckets:?}");
    }

    #[test]
    fn what_was_read_back_is_in_order_and_not_too_much() {
        let series = |width, numbers: &[i64]| Series::<Count, 4> {
            width,
            buckets: numbers.iter().map(|&number| (number, Count(1))).collect(),
        };
        for (width, numbers, is_sound) in [
            (1, &[][..], true),
            (24, &[-3, 0, 1, 9], true),
            (24, &[0, 1, 2, 3, 4], false),
            (0, &[0], false),
            (-1, &[0], false),
            (1, &[1, 0], false),
            (1, &[1, 1], false),
            (2, &[i64::MAX / 2], true),
            (2, &[i64::MAX / 2 + 1], false),
        ] {
            let mut series = series(width, numbers);
            assert_eq!(series.is_sound(), is_sound, "{width} {numbers:?}");
            assert!(series.buckets.capacity() >= 4);
        }
    }
}
