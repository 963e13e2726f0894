//! The service window of an entry: when it is open, as instants.
//!
//! ```text
//! open < now < close           strictly
//! close < open                 it closes on the next day, and belongs to the day on which it opened
//! close = open                 always open; with days, from the first of the days that follow one another
//! ```
//!
//! An edge that the clock shows twice (the end of summer time) is its first time; one that it skips is the moment of
//! the change. So a window opens once and closes once, whatever the clock does in between.

use crate::kept;
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// When an entry is expected to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// It opens after this local time.
    pub open: Time,
    /// It closes at this local time; on the next day where that is earlier. Equal edges: it is always open.
    pub close: Time,
    /// The days on which it opens, Monday first.
    pub days: [bool; 7],
}

kept!(Window { open, close, days });

/// A stretch of time within which a window is either open or closed all along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Since when, in milliseconds since 1970-01-01 UTC; `i64::MIN` where it always was so.
    pub from: i64,
    /// Until when; `i64::MAX` where it always will be so.
    pub to: i64,
    /// Whether it is open strictly between these two.
    pub open: bool,
}

kept!(Span { from, to, open });

impl Span {
    /// Nothing: for a cache that is still empty.
    pub const NONE: Self = Self { from: 0, to: 0, open: false };

    /// Whether `now` is in it: an open one has neither of its edges, a closed one has both.
    pub fn holds(&self, now: i64) -> bool {
        if self.open { self.from < now && now < self.to } else { self.from <= now && now <= self.to }
    }
}

impl Window {
    /// The stretch that `now` (milliseconds since 1970-01-01 UTC) is in, by the local time of `zone`.
    pub fn span(&self, zone: &TimeZone, now: i64) -> Span {
        let forever = |open| Span { from: i64::MIN, to: i64::MAX, open };
        if self.days == [false; 7] {
            return forever(false);
        }
        if self.open == self.close && self.days == [true; 7] {
            return forever(true);
        }
        // At the end of time: closed now, and to be asked again.
        self.find(zone, now).unwrap_or(Span { from: now, to: now, open: false })
    }

    /// Looks at the openings of the days around `now`; `None` at the ends of time.
    fn find(&self, zone: &TimeZone, now: i64) -> Option<Span> {
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(zone.clone()).date();
        let mut closed_since = i64::MIN;
        let mut day = today;
        // A week back finds the last closing, and a week of days that follow one another.
        for _ in 0..8 {
            day = day.yesterday().ok()?;
        }
        for _ in 0..18 {
            if let Some(mut open) = self.opening(zone, day) {
                while let Some(more) = self.follows(zone, open, &mut day) {
                    open.to = more;
                }
                if open.holds(now) {
                    return Some(open);
                }
                if now <= open.from {
                    return Some(Span { from: closed_since, to: open.from, open: false });
                }
                closed_since = open.to;
            }
            day = day.tomorrow().ok()?;
        }
        None
    }

    /// The window that opens on `day`, if one does.
    fn opening(&self, zone: &TimeZone, day: Date) -> Option<Span> {
        if !self.days[day.weekday().to_monday_zero_offset().unsigned_abs() as usize] {
            return None;
        }
        let last = if self.close <= self.open { day.tomorrow().ok()? } else { day };
        let (from, to) = (first_showing(zone, day, self.open)?, first_showing(zone, last, self.close)?);
        (from < to).then_some(Span { from, to, open: true })
    }

    /// With equal edges a window that is followed by the next day's does not close between them.
    fn follows(&self, zone: &TimeZone, open: Span, day: &mut Date) -> Option<i64> {
        let next = self.opening(zone, day.tomorrow().ok()?)?;
        // All days: that window is always open, and never asked for here.
        (self.open == self.close && next.from <= open.to).then(|| {
            *day = day.tomorrow().unwrap_or(*day);
            next.to
        })
    }
}

/// The instant at which the local clock shows a time, in milliseconds since 1970-01-01 UTC: the first one, or the change
/// that skips it.
pub fn first_showing(zone: &TimeZone, day: Date, time: Time) -> Option<i64> {
    let civil = day.to_datetime(time);
    let at = |offset: Offset| offset.to_timestamp(civil).ok();
    let instant = match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => at(offset)?,
        AmbiguousOffset::Fold { before, .. } => at(before)?,
        AmbiguousOffset::Gap { before, .. } => {
            // The change itself is one of those before the next moment, also where the edge is the first time skipped.
            let behind = at(before)?.checked_add(SignedDuration::from_nanos(1)).ok()?;
            zone.preceding(behind).next()?.timestamp()
        }
    };
    Some(instant.as_millisecond())
}

/// The days of a week, Monday first, as `windowDays` names them.
pub const WEEKDAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn paris() -> TimeZone {
        TimeZone::get("Europe/Paris").expect("the host's time zones: Debian's package tzdata")
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("an instant").as_millisecond()
    }

    fn window(open: (i8, i8), close: (i8, i8), days: &str) -> Window {
        let time = |(hour, minute)| Time::constant(hour, minute, 0, 0);
        let mut open_on = [false; 7];
        days.chars().zip(&mut open_on).for_each(|(mark, day)| *day = mark == '+');
        Window { open: time(open), close: time(close), days: open_on }
    }

    fn span(window: &Window, now: &str) -> (String, String, bool) {
        let Span { from, to, open } = window.span(&paris(), at(now));
        let text = |instant| Timestamp::from_millisecond(instant).map_or("-".to_owned(), |instant| instant.to_string());
        let text = |instant: i64| if [i64::MIN, i64::MAX].contains(&instant) { "-".to_owned() } else { text(instant) };
        (text(from), text(to), open)
    }

    fn expect(window: &Window, now: &str, from: &str, to: &str, open: bool) {
        assert_eq!(span(window, now), (from.to_owned(), to.to_owned(), open), "{now}");
    }

    #[test]
    fn edges_are_strict() {
        let day = window((8, 0), (19, 0), "+++++++");
        expect(&day, "2026-11-23T07:00:00Z", "2026-11-22T18:00:00Z", "2026-11-23T07:00:00Z", false);
        expect(&day, "2026-11-23T07:00:00.001Z", "2026-11-23T07:00:00Z", "2026-11-23T18:00:00Z", true);
        expect(&day, "2026-11-23T18:00:00Z", "2026-11-23T18:00:00Z", "2026-11-24T07:00:00Z", false);
    }

    #[test]
    fn across_midnight_it_belongs_to_the_day_on_which_it_opened() {
        // 2026-11-28 is a Saturday.
        let night = window((22, 0), (2, 0), "+++++--");
        expect(&night, "2026-11-28T00:30:00Z", "2026-11-27T21:00:00Z", "2026-11-28T01:00:00Z", true);
        expect(&night, "2026-11-28T21:30:00Z", "2026-11-28T01:00:00Z", "2026-11-30T21:00:00Z", false);
    }

    #[test]
    fn equal_edges_are_always_open_and_never_reopen() {
        let always = window((8, 0), (8, 0), "+++++++");
        expect(&always, "2026-11-23T07:00:00Z", "-", "-", true);
        let weekdays = window((0, 0), (0, 0), "+++++--");
        expect(&weekdays, "2026-11-25T12:00:00Z", "2026-11-22T23:00:00Z", "2026-11-27T23:00:00Z", true);
        expect(&weekdays, "2026-11-25T23:00:00Z", "2026-11-22T23:00:00Z", "2026-11-27T23:00:00Z", true);
        expect(&weekdays, "2026-11-28T12:00:00Z", "2026-11-27T23:00:00Z", "2026-11-29T23:00:00Z", false);
        assert!(!window((8, 0), (9, 0), "-------").span(&paris(), 0).open);
    }

    /// The window was taken to have opened at the change of the autumn before.
    #[test]
    fn an_edge_at_the_very_moment_of_the_change() {
        let opens = window((2, 0), (14, 26), "+++++++");
        expect(&opens, "2026-03-28T20:00:00Z", "2026-03-28T13:26:00Z", "2026-03-29T01:00:00Z", false);
        expect(&opens, "2026-03-29T05:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T12:26:00Z", true);
    }

    /// A clock that once showed the year 9999 closed the window for ever.
    #[test]
    fn the_end_of_time_is_not_kept() {
        let end = at("9999-12-29T23:59:59Z");
        let span = window((8, 0), (19, 0), "+++++++").span(&TimeZone::UTC, end - 86_400_000);
        assert!(!span.open || span.to <= end);
        let span = window((8, 0), (19, 0), "+++++++").span(&paris(), Timestamp::MAX.as_millisecond());
        assert!(!span.open && span.to - span.from < 86_400_000);
    }

    #[test]
    fn an_edge_that_the_clock_shows_twice_is_its_first_time() {
        // 2026-10-25: 03:00 CEST becomes 02:00 CET.
        let window_of_the_night = window((2, 30), (5, 0), "+++++++");
        for now in ["2026-10-25T00:45:00Z", "2026-10-25T01:15:00Z", "2026-10-25T03:59:00Z"] {
            expect(&window_of_the_night, now, "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z", true);
        }
    }

    #[test]
    fn an_edge_that_the_clock_skips_is_the_moment_of_the_change() {
        // 2026-03-29: 02:00 CET becomes 03:00 CEST, at 01:00 UTC.
        let opens = window((2, 30), (5, 0), "+++++++");
        expect(&opens, "2026-03-29T01:10:00Z", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z", true);
        let within = window((2, 10), (2, 50), "+++++++");
        assert!(!within.span(&paris(), at("2026-03-29T01:10:00Z")).open, "it does not come that day");
    }

    /// An edge that comes once a day and is followed at once by the next: it closes and opens at the moment of the change.
    #[test]
    fn a_window_that_closes_just_before_it_opens_again_does_not_stay_open() {
        let nearly_always = window((2, 30), (2, 20), "+++++++");
        expect(&nearly_always, "2026-03-28T12:00:00Z", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", true);
        expect(&nearly_always, "2026-03-29T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:20:00Z", true);
    }

    /// Both edges are skipped: of that day's window nothing is left, and it cuts no pause in two.
    #[test]
    fn a_window_that_is_skipped_does_not_come_that_day() {
        let within = window((2, 10), (2, 50), "+++++++");
        let (closed, opens) = ("2026-03-28T01:50:00Z", "2026-03-30T00:10:00Z");
        for now in ["2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z", "2026-03-29T12:00:00Z"] {
            expect(&within, now, closed, opens, false);
        }
    }
}
