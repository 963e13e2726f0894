//! Sorting, by one piece of code for all that is sorted: the standard library's is several KB for each type and each
//! order that it is used with, and nothing here is sorted often.

use std::cmp::Ordering;

/// Sorts; what is equal stays in its order.
pub fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut order: Vec<u32> = (0..items.len() as u32).collect();
    sort_numbers(&mut order, &|left, right| compare(&items[left as usize], &items[right as usize]));
    // The item for each place is somewhere, and from there on so is the next one: in circles.
    for start in 0..order.len() {
        let mut place = start;
        loop {
            let from = std::mem::replace(&mut order[place], place as u32) as usize;
            if from == start || from == place {
                break;
            }
            items.swap(place, from);
            place = from;
        }
    }
}

/// The same by what items have of their own.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |left, right| key(left).cmp(&key(right)));
}

#[inline(never)]
fn sort_numbers(order: &mut [u32], compare: &dyn Fn(u32, u32) -> Ordering) {
    order.sort_unstable_by(|left, right| compare(*left, *right).then(left.cmp(right)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts_as_the_standard_library_does() {
        let mut number = 7u32;
        for length in (0..40).chain([1000]) {
            let mut next = || {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                number >> 24
            };
            let items: Vec<(u32, usize)> = (0..length).map(|place| (next() % 50, place)).collect();
            let (mut ours, mut theirs) = (items.clone(), items);
            sort_by_key(&mut ours, |item| item.0);
            theirs.sort_by_key(|item| item.0);
            assert_eq!(ours, theirs);
        }
    }
}
