//! What is counted of attempts: how many, what became of them, and which were the first and the last.

use crate::kept;

use crate::pgbouncer::record::Stamp;

/// A place in the log: its time, and how many attempts came before it. Clocks go back; the order of lines does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The number of attempts before.
    pub sequence: u64,
    /// The time as the log has it.
    pub stamp: Stamp,
}

kept!(Moment [sequence, stamp]);

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is in.
    Login {
        /// Nothing proves it but that it lived on.
        assumed: bool,
    },
    /// It did not get in.
    Failed {
        /// Why, by the fixed part.
        reason: &'a [u8],
    },
}

/// Attempts and what became of them. `logins = attempts − failed`; `pending` and `assumed` are parts of `logins`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Login attempts.
    pub attempts: u64,
    /// Those that were not found failed.
    pub logins: u64,
    /// Those that were.
    pub failed: u64,
    /// Those of the logins that are not decided yet.
    pub pending: u64,
    /// Those of the logins that nothing proves but that they lived on.
    pub assumed: u64,
    /// Failures of attempts that were told as logins of an earlier period, and are none of this one's.
    pub failed_later: u64,
}

kept!(Tally [attempts, logins, failed, pending, assumed, failed_later]);

impl Tally {
    #[inline]
    pub(super) fn decide(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Login { assumed } => {
                self.logins += 1;
                self.assumed += u64::from(*assumed);
            }
            Outcome::Failed { .. } => self.failed += 1,
        }
    }
}

/// Logins and failures by something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Logins.
    pub logins: u64,
    /// Failed attempts.
    pub failed: u64,
}

kept!(Row [logins, failed]);

impl Row {
    #[inline]
    pub(super) fn decide(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Login { .. } => self.logins += 1,
            Outcome::Failed { .. } => self.failed += 1,
        }
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Widens first and last so that they hold this moment as well.
#[inline]
pub(super) fn extend(first: &mut Option<Moment>, last: &mut Option<Moment>, moment: Moment) {
    if first.is_none_or(|first| moment.sequence < first.sequence) {
        *first = Some(moment);
    }
    if last.is_none_or(|last| moment.sequence > last.sequence) {
        *last = Some(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pgbouncer::record::Zone;

    /// Attempts are decided in another order than that in which they came.
    #[test]
    fn first_and_last_are_those_that_came_first_and_last() {
        let moment = |sequence| Moment { sequence, stamp: Stamp { millis: 0, zone: Zone::Unknown } };
        let (mut first, mut last) = (None, None);
        for (sequence, expected) in [(5, (5, 5)), (7, (5, 7)), (6, (5, 7)), (3, (3, 7)), (9, (3, 9))] {
            extend(&mut first, &mut last, moment(sequence));
            assert_eq!((first, last), (Some(moment(expected.0)), Some(moment(expected.1))));
        }
    }
}
