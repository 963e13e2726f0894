//! How long something took, in a fixed number of steps: from 8 ms on each step is an eighth of a power of two wide, so a
//! quantile is known to an eighth of itself, of milliseconds as of years.

use crate::kept;

/// Steps for each power of two.
const EIGHTHS: u64 = 8;
/// Up to 2^42 milliseconds, 139 years; what took longer is in the last step.
const STEPS: usize = 320;

/// Durations, by how long they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durations {
    steps: Box<[u64; STEPS]>,
    longest: u64,
}

kept!(Durations { steps, longest });

impl Default for Durations {
    fn default() -> Self {
        Self { steps: Box::new([0; STEPS]), longest: 0 }
    }
}

/// The step of so many milliseconds.
#[inline]
fn step(millis: u64) -> usize {
    let power = (millis | EIGHTHS).ilog2() - EIGHTHS.ilog2();
    (u64::from(power) * EIGHTHS + (millis >> power)) as usize
}

/// The most milliseconds of a step.
fn end(step: usize) -> u64 {
    let step = step as u64;
    let power = (step / EIGHTHS).saturating_sub(1);
    ((step - power * EIGHTHS + 1) << power) - 1
}

impl Durations {
    /// One that took so many milliseconds; a clock that went back makes it none.
    #[inline]
    pub(super) fn add(&mut self, millis: i64) {
        let millis = millis.max(0).cast_unsigned();
        self.steps[step(millis).min(STEPS - 1)] += 1;
        self.longest = self.longest.max(millis);
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.steps.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The longest, in milliseconds.
    pub fn longest(&self) -> u64 {
        self.longest
    }

    /// The least step's end that `percent` of a hundred did not exceed, in milliseconds.
    pub fn quantile(&self, percent: u64) -> Option<u64> {
        let all = self.count();
        let wanted = (u128::from(all) * u128::from(percent)).div_ceil(100).max(1);
        let mut below = 0;
        let step = self.steps.iter().position(|count| {
            below += u128::from(*count);
            below >= wanted
        })?;
        Some(end(step).min(self.longest))
    }

    /// By powers of two, from the first to the last in which there is one: (all are shorter than so many milliseconds,
    /// and none of those before; how many).
    pub fn by_power(&self) -> Vec<(u64, u64)> {
        let sums = self.steps.chunks(EIGHTHS as usize).enumerate();
        let mut powers: Vec<(u64, u64)> = sums
            .map(|(power, steps)| (EIGHTHS << power, steps.iter().sum()))
            .skip_while(|power| power.1 == 0)
            .collect();
        let length = powers.iter().rposition(|power| power.1 > 0).map_or(0, |last| last + 1);
        powers.truncate(length);
        powers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_is_in_a_step_that_is_at_most_an_eighth_longer() {
        let mut before = 0;
        for millis in (0..5000).chain((0..40).flat_map(|power| [(1 << power) - 1, 1 << power, (1 << power) + 1])) {
            let step = step(millis);
            assert!(millis <= end(step) && end(step) - millis <= millis / 8, "{millis} in {step}, to {}", end(step));
            before = before.max(step);
        }
        assert!(before < STEPS, "{before}");
        assert!((0..STEPS - 1).all(|step| end(step) < end(step + 1)));
    }

    #[test]
    fn quantiles_are_those_of_the_durations() {
        let mut durations = Durations::default();
        assert_eq!(durations.quantile(50), None);
        (1..=1000).for_each(|millis| durations.add(millis));
        durations.add(i64::MIN);
        assert_eq!((durations.count(), durations.longest()), (1001, 1000));
        for (percent, exact) in [(50, 500u64), (90, 900), (99, 990), (100, 1000)] {
            let known = durations.quantile(percent).expect("there are some");
            assert!(known >= exact && known <= exact + exact / 8, "{percent}: {known}");
        }
        assert_eq!(durations.by_power().iter().map(|power| power.1).sum::<u64>(), 1001);
        assert_eq!(durations.by_power().last(), Some(&(1024, 489)));
        durations.add(i64::MAX);
        assert_eq!(durations.longest(), i64::MAX as u64);
    }
}
