//! Clients that were turned away before it came to an attempt, by reason.

use super::prefix::PrefixMark;
use super::session_table::Key;
use crate::kept;
use crate::kept::{Kept, Reader, Writer};
use crate::limits::{RECENT_REFUSALS, REFUSAL_REASONS};
use crate::order;
use crate::pgbouncer::reasons::LOGIN_FAILED;

/// Refused clients: each counts once, though pgbouncer writes a closing, a `login failed`, or both, in either order
/// (the closing first up to 1.16).
#[derive(Debug, Default)]
pub struct Refusals {
    reasons: Vec<Reason>,
    others: u64,
    total: u64,
    /// The last few, of which the other line may still come.
    recent: [Option<Recent>; RECENT_REFUSALS],
    next: usize,
}

kept!(Refusals { reasons, others, total, recent, next } then Self::is_sound);

#[derive(Debug, Clone)]
struct Reason {
    text: Vec<u8>,
    count: u64,
}

kept!(Reason { text, count });

#[derive(Debug, Clone, Copy)]
struct Recent {
    key: Key,
    prefix: PrefixMark,
    /// Where it was counted.
    counted: Counted,
    /// The line that it was counted for.
    line: RefusalLine,
}

kept!(Recent { key, prefix, counted, line });

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    /// Under this reason.
    Reason(usize),
    /// Among the others.
    Others,
    /// In the period before.
    Before,
}

impl Kept for Counted {
    fn save(&self, to: &mut Writer) {
        let (is_here, place) = match self {
            Self::Reason(place) => (true, Some(*place)),
            Self::Others => (true, None),
            Self::Before => (false, None),
        };
        (is_here, place).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        match Kept::load(from) {
            (true, Some(place)) => Self::Reason(place),
            (true, None) => Self::Others,
            (false, _) => Self::Before,
        }
    }
}

/// Which of its two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalLine {
    Closing,
    LoginFailed,
}

kept!(RefusalLine: Closing | LoginFailed);

impl Refusals {
    /// Whether what was read back can be.
    fn is_sound(&mut self) -> bool {
        let is_reason =
            |recent: &Recent| !matches!(recent.counted, Counted::Reason(place) if place >= self.reasons.len());
        let all = self.reasons.iter().try_fold(self.others, |sum, reason| sum.checked_add(reason.count));
        let is_bounded = self.reasons.len() <= REFUSAL_REASONS && self.next < RECENT_REFUSALS;
        is_bounded && self.recent.iter().flatten().all(is_reason) && all == Some(self.total)
    }

    /// Counts a line about a refused client, for a reason by its fixed part, unless its other line was counted; the
    /// closing's reason is the better one.
    pub(super) fn count(&mut self, key: Key, prefix: PrefixMark, line: RefusalLine, reason: &[u8]) {
        let other = |recent: &Recent| recent.key == key && recent.prefix == prefix && recent.line != line;
        if let Some(place) = self.recent.iter().position(|recent| recent.as_ref().is_some_and(other)) {
            let known = self.recent[place].take();
            let counted = known.map_or(Counted::Before, |known| known.counted);
            if line == RefusalLine::Closing && counted != Counted::Before {
                self.uncount(counted);
                self.add(reason);
            }
            return;
        }
        let counted = self.add(reason);
        self.recent[self.next] = Some(Recent { key, prefix, counted, line });
        self.next = (self.next + 1) % RECENT_REFUSALS;
    }

    /// None of a new period, which knows of whom the other line may still come.
    pub(super) fn successor(&self) -> Self {
        let before = |recent: Recent| Recent { counted: Counted::Before, ..recent };
        Self { recent: self.recent.map(|recent| recent.map(before)), next: self.next, ..Self::default() }
    }

    fn add(&mut self, reason: &[u8]) -> Counted {
        self.total += 1;
        let known = self.reasons.iter().position(|known| known.text == reason);
        let place = known.or_else(|| self.new_reason(reason));
        let Some(place) = place else {
            self.others += 1;
            return Counted::Others;
        };
        self.reasons[place].count += 1;
        Counted::Reason(place)
    }

    fn new_reason(&mut self, reason: &[u8]) -> Option<usize> {
        if self.reasons.len() == REFUSAL_REASONS {
            return None;
        }
        self.reasons.push(Reason { text: reason.to_vec(), count: 0 });
        Some(self.reasons.len() - 1)
    }

    fn uncount(&mut self, counted: Counted) {
        let count = match counted {
            Counted::Reason(place) => &mut self.reasons[place].count,
            Counted::Others => &mut self.others,
            Counted::Before => return,
        };
        *count -= 1;
        self.total -= 1;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// By reason, the most frequent first, then by name.
    pub fn by_reason(&self) -> Vec<(&[u8], u64)> {
        let mut rows: Vec<(&[u8], u64)> =
            self.reasons.iter().filter(|row| row.count > 0).map(|row| (&row.text[..], row.count)).collect();
        order::sort_by(&mut rows, |left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        rows
    }

    /// Those whose reason did not fit.
    pub fn others(&self) -> u64 {
        self.others
    }
}

/// The reason under which a `login failed` line counts until its closing comes.
pub(super) const UNKNOWN_REASON: &[u8] = LOGIN_FAILED;

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(text: &[u8]) -> PrefixMark {
        PrefixMark::new(text, &super::super::saved::Secret::new())
    }

    #[test]
    fn a_client_counts_once_whichever_of_its_lines_comes_first() {
        let key = Key { pid: 1, pointer: 2.into() };
        let (first, second) = (mark(b"(nodb)/(nouser)@1.2.3.4:5 "), mark(b"(nodb)/(nouser)@1.2.3.4:6 "));
        let mut refusals = Refusals::default();
        refusals.count(key, first, RefusalLine::Closing, b"no such user");
        refusals.count(key, first, RefusalLine::LoginFailed, UNKNOWN_REASON);
        refusals.count(key, second, RefusalLine::LoginFailed, UNKNOWN_REASON);
        refusals.count(key, second, RefusalLine::Closing, b"no such database");
        refusals.count(key, first, RefusalLine::LoginFailed, UNKNOWN_REASON);
        assert_eq!(refusals.total(), 3);
        // Another one under the same pointer, with the same line.
        let mut both = Refusals::default();
        for client in [first, second] {
            both.count(key, client, RefusalLine::Closing, b"no such user");
        }
        assert_eq!(both.total(), 2);
        assert_eq!(refusals.by_reason(), [(&b"login failed"[..], 1), (b"no such database", 1), (b"no such user", 1)]);
    }

    #[test]
    fn reasons_that_do_not_fit_are_others() {
        let mut refusals = Refusals::default();
        for number in 0..REFUSAL_REASONS as u64 + 10 {
            let key = Key { pid: 1, pointer: number.into() };
            refusals.count(key, mark(b"x "), RefusalLine::Closing, number.to_string().as_bytes());
        }
        assert_eq!((refusals.others(), refusals.total()), (10, REFUSAL_REASONS as u64 + 10));
    }

    /// So many others may come between a client's two lines, and no more; a new day changes nothing in that.
    #[test]
    fn the_last_refused_clients_are_remembered_and_the_ones_before_are_not() {
        let secret = super::super::saved::Secret::new();
        let client = |number: usize| {
            let key = Key { pid: 1, pointer: (number as u64).into() };
            (key, PrefixMark::new(format!("(nodb)/(nouser)@1.2.3.4:{number} ").as_bytes(), &secret))
        };
        for (between, is_remembered) in [(0, true), (RECENT_REFUSALS - 1, true), (RECENT_REFUSALS, false)] {
            for before in 0..RECENT_REFUSALS {
                let mut refusals = Refusals::default();
                let closing = |refusals: &mut Refusals, number: usize| {
                    let (key, prefix) = client(number);
                    refusals.count(key, prefix, RefusalLine::Closing, b"no such user");
                };
                (0..before).for_each(|number| closing(&mut refusals, 1000 + number));
                closing(&mut refusals, 1);
                refusals = refusals.successor();
                (0..between).for_each(|number| closing(&mut refusals, 2000 + number));
                let (key, prefix) = client(1);
                refusals.count(key, prefix, RefusalLine::LoginFailed, UNKNOWN_REASON);
                let counted = between as u64 + u64::from(!is_remembered);
                assert_eq!(refusals.total(), counted, "{before} before, {between} between");
            }
        }
    }

    /// The other line of a client comes after the tables are full, after a new day, after a restart.
    #[test]
    fn a_client_counts_once_though_its_reason_does_not_fit() {
        let key = Key { pid: 1, pointer: 2.into() };
        let mut refusals = Refusals::default();
        for number in 0..REFUSAL_REASONS as u64 {
            let other = Key { pid: 1, pointer: (number + 9).into() };
            refusals.count(other, mark(b"x "), RefusalLine::Closing, number.to_string().as_bytes());
        }
        let before = refusals.total();
        refusals.count(key, mark(b"y "), RefusalLine::LoginFailed, UNKNOWN_REASON);
        assert_eq!((refusals.others(), refusals.total()), (1, before + 1));
        let mut again: Refusals = crate::kept::read(&crate::kept::text(&refusals)).expect("what was written");
        for refusals in [&mut refusals, &mut again] {
            refusals.count(key, mark(b"y "), RefusalLine::Closing, b"0");
            assert_eq!((refusals.others(), refusals.total()), (0, before + 1), "it has a better reason now");
        }
    }

    /// A pointer is taken again at once, and names repeat: only both together are the same client.
    #[test]
    fn the_other_line_is_of_the_same_client_only() {
        let secret = super::super::saved::Secret::new();
        let mark = |text: &[u8]| PrefixMark::new(text, &secret);
        let key = |pointer: u64| Key { pid: 1, pointer: pointer.into() };
        for (pointer, prefix, total) in [(1, b"a@1.2.3.4:5 ", 1), (1, b"b@1.2.3.4:5 ", 2), (2, b"a@1.2.3.4:5 ", 2)] {
            let mut refusals = Refusals::default();
            refusals.count(key(1), mark(b"a@1.2.3.4:5 "), RefusalLine::Closing, b"no such user");
            refusals.count(key(pointer), mark(prefix), RefusalLine::LoginFailed, UNKNOWN_REASON);
            assert_eq!(refusals.total(), total, "{pointer}");
        }
    }

    #[test]
    fn what_was_read_back_can_have_been_written_or_is_not_sound() {
        let reason = |count| Reason { text: b"x".to_vec(), count };
        let recent = |place| {
            let key = Key { pid: 1, pointer: 2.into() };
            let counted = Counted::Reason(place);
            let mut recent = [None; RECENT_REFUSALS];
            recent[1] = Some(Recent { key, prefix: PrefixMark::EMPTY, counted, line: RefusalLine::Closing });
            recent
        };
        let refusals = |reasons: Vec<Reason>, others, total, place, next| Refusals {
            reasons,
            others,
            total,
            recent: recent(place),
            next,
        };
        for (mut refusals, is_sound) in [
            (refusals(vec![reason(2), reason(3)], 4, 9, 1, 0), true),
            (refusals(vec![reason(0); REFUSAL_REASONS], 4, 4, 1, RECENT_REFUSALS - 1), true),
            (refusals(vec![reason(0); REFUSAL_REASONS + 1], 4, 4, 1, 0), false),
            (refusals(vec![reason(2), reason(3)], 4, 9, 1, RECENT_REFUSALS), false),
            (refusals(vec![reason(2), reason(3)], 4, 9, 2, 0), false),
            (refusals(vec![reason(2), reason(3)], 4, 8, 1, 0), false),
            (refusals(vec![reason(u64::MAX), reason(3)], 4, 8, 1, 0), false),
        ] {
            assert_eq!(refusals.is_sound(), is_sound, "{refusals:?}");
        }
    }
}
