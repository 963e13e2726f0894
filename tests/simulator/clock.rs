//! Virtual time: true time that only goes forward, and the host's clock, which somebody sets.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Times are milliseconds. True time begins at 0.
#[derive(Debug, Clone)]
pub struct Clock {
    /// True time.
    pub now: i64,
    /// What the host's clock shows at true time 0, since 1970-01-01 UTC, as it is set now.
    offset: i64,
    /// The last setting: the host's clock before and behind it, and when.
    pub step: Option<(i64, i64, i64)>,
}

impl Clock {
    pub fn new(start: i64) -> Self {
        Self { now: 0, offset: start, step: None }
    }

    /// What the host's clock shows.
    pub fn wall(&self) -> i64 {
        self.now + self.offset
    }

    /// What the host's clock, as it is set now, shows at a true time.
    pub fn wall_at(&self, time: i64) -> i64 {
        time + self.offset
    }

    /// The true time at which the host's clock, as it is set now, shows this.
    pub fn true_at(&self, wall: i64) -> i64 {
        wall - self.offset
    }

    pub fn set(&mut self, by: i64) {
        let before = self.wall();
        self.offset += by;
        self.step = Some((before, self.wall(), self.now));
    }
}

/// The first instant at which a local clock shows a date's time, or more: found by looking.
pub fn first_showing(zone: &TimeZone, date: jiff::civil::Date, time: jiff::civil::Time) -> i64 {
    const MINUTE: i64 = 60_000;
    let wanted = date.to_datetime(time);
    let rough = wanted.to_zoned(TimeZone::UTC).expect("in range").timestamp().as_millisecond();
    let shows =
        |instant: i64| Timestamp::from_millisecond(instant).expect("in range").to_zoned(zone.clone()).datetime();
    // No zone is further than 14 hours from UTC, and edges and changes are at whole minutes.
    let mut instant = rough - 15 * 60 * MINUTE;
    while shows(instant) < wanted {
        instant += MINUTE;
    }
    instant
}
