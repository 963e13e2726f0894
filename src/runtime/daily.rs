//! When the daily report is due: once a day at a local time, whatever the clock does and however late somebody looks.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::analysis::watch::first_showing;

/// See the module.
#[derive(Debug, Clone)]
pub struct Daily {
    zone: TimeZone,
    time: Time,
    /// The last day of which the report is done.
    done: Option<Date>,
}

impl Daily {
    /// Due at `time` on the local clock of `zone`; for the first time behind `now`, in milliseconds since 1970-01-01
    /// UTC.
    pub fn new(zone: TimeZone, time: Time, now: i64) -> Self {
        let mut daily = Self { zone, time, done: None };
        daily.done = daily.passed(now);
        daily
    }

    /// It is due at another local time from now on; one that has passed today is due at once, unless today's is done.
    pub fn set_time(&mut self, time: Time) {
        self.time = time;
    }

    /// Whatever was due until `now` is done.
    pub fn begin(&mut self, now: i64) {
        self.done = self.passed(now);
    }

    /// The last day of which the report is done.
    pub fn done(&self) -> Option<Date> {
        self.done
    }

    /// The same from a state file, where that knows.
    pub fn restore(&mut self, done: Option<Date>) {
        self.done = done.or(self.done);
    }

    /// Whether it is due at `now`; and if so, it is not due again on this day.
    pub fn is_due(&mut self, now: i64) -> bool {
        let (passed, done) = (self.passed(now), self.done);
        if passed > done {
            self.done = passed;
            return true;
        }
        // A clock that was set back by a day or less comes by the same report again; further back it had been wrong.
        let before = done.and_then(|done| done.yesterday().ok());
        if passed < before {
            self.done = passed;
        }
        false
    }

    /// The last day on which the clock has shown the time.
    fn passed(&self, now: i64) -> Option<Date> {
        let today = Timestamp::from_millisecond(now).ok()?.to_zoned(self.zone.clone()).date();
        let has_passed = |day: &Date| first_showing(&self.zone, *day, self.time).is_some_and(|at| at <= now);
        [Some(today), today.yesterday().ok()].into_iter().flatten().find(has_passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn at(zone: &TimeZone, text: &str) -> i64 {
        let civil: jiff::civil::DateTime = text.parse().expect("a time");
        civil.to_zoned(zone.clone()).expect("in range").timestamp().as_millisecond()
    }

    /// How often it is due in this time, looked at every so many minutes.
    fn count(daily: &mut Daily, from: i64, to: i64, every: i64) -> usize {
        (from..=to).step_by((every * MINUTE).unsigned_abs() as usize).filter(|&now| daily.is_due(now)).count()
    }

    #[test]
    fn once_a_day_also_when_the_tick_misses_the_second() {
        let zone = TimeZone::UTC;
        let start = at(&zone, "2026-11-23T19:00:01");
        let mut daily = Daily::new(zone.clone(), Time::constant(19, 0, 0, 0), start);
        assert!(!daily.is_due(start), "the one before was somebody else's");
        assert!(!daily.is_due(at(&zone, "2026-11-24T18:59:59")));
        assert!(daily.is_due(at(&zone, "2026-11-24T19:07:00")));
        assert_eq!(count(&mut daily, at(&zone, "2026-11-24T19:07:01"), at(&zone, "2026-12-24T19:07:01"), 7), 30);
    }

    #[test]
    fn a_host_that_slept_through_it_is_told_when_it_wakes() {
        let zone = TimeZone::UTC;
        let mut daily = Daily::new(zone.clone(), Time::constant(19, 0, 0, 0), at(&zone, "2026-11-23T20:00:00"));
        assert!(daily.is_due(at(&zone, "2026-11-27T08:00:00")), "the last one, and not one for each day");
        assert!(!daily.is_due(at(&zone, "2026-11-27T18:59:00")));
        assert!(daily.is_due(at(&zone, "2026-11-27T19:00:00")));
    }

    #[test]
    fn once_on_the_days_on_which_the_hour_is_skipped_or_comes_twice() {
        let zone = TimeZone::get("Europe/Paris").expect("tzdata");
        for (day, next) in [("2026-03-29", "2026-03-30"), ("2026-10-25", "2026-10-26")] {
            let (from, to) = (at(&zone, &format!("{day}T00:00:00")), at(&zone, &format!("{next}T00:00:00")));
            for time in ["02:00", "02:30", "03:00", "01:59"] {
                let mut daily = Daily::new(zone.clone(), time.parse().expect("a time"), from);
                assert_eq!(count(&mut daily, from, to, 1), 1, "{day} {time}");
            }
        }
    }

    #[test]
    fn another_time_makes_no_second_one_on_a_day_and_swallows_none() {
        let zone = TimeZone::UTC;
        let mut daily = Daily::new(zone.clone(), Time::constant(19, 0, 0, 0), at(&zone, "2026-11-23T12:00:00"));
        assert!(daily.is_due(at(&zone, "2026-11-23T19:00:00")));
        daily.set_time(Time::constant(20, 0, 0, 0));
        assert!(!daily.is_due(at(&zone, "2026-11-23T20:00:00")), "today's is done");
        assert!(!daily.is_due(at(&zone, "2026-11-24T19:00:00")));
        daily.set_time(Time::constant(18, 0, 0, 0));
        assert!(daily.is_due(at(&zone, "2026-11-24T19:00:01")));
    }

    #[test]
    fn a_clock_that_is_set_makes_no_second_one_and_swallows_none() {
        let zone = TimeZone::UTC;
        let mut daily = Daily::new(zone.clone(), Time::constant(19, 0, 0, 0), at(&zone, "2026-11-23T12:00:00"));
        assert!(daily.is_due(at(&zone, "2026-11-23T19:00:30")));
        // Back by an hour.
        assert_eq!(count(&mut daily, at(&zone, "2026-11-23T18:00:00"), at(&zone, "2026-11-24T18:59:00"), 1), 0);
        // Forward over it.
        assert!(daily.is_due(at(&zone, "2026-11-24T19:30:00")));
        // It was four years ahead, and is set right.
        assert!(daily.is_due(at(&zone, "2030-01-01T00:00:00")));
        assert_eq!(count(&mut daily, at(&zone, "2026-11-25T00:00:00"), at(&zone, "2026-11-26T00:00:00"), 1), 1);
    }
}
