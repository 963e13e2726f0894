//! From a time as the log has it to an instant.
//!
//! A log that says its zone is believed: `CEST` and `CET` tell the two passes of the hour that a clock repeats, and a
//! UTC log on a host in Paris is common. A log that says nothing is in `logTimeZone`, else in TZ.

use crate::kept;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::pgbouncer::record::{Stamp, Zone};

/// Abbreviations that mean the same wherever they are used, in hours east of Greenwich. Those that do not
/// (`IST`, `CST`, `BST`) are only known through the log's own zone.
const ABBREVIATIONS: &[(&[u8], i32)] = &[
    (b"UTC", 0),
    (b"GMT", 0),
    (b"WET", 0),
    (b"WEST", 1),
    (b"CET", 1),
    (b"CEST", 2),
    (b"MEZ", 1),
    (b"MESZ", 2),
    (b"EET", 2),
    (b"EEST", 3),
    (b"MSK", 3),
    (b"EST", -5),
    (b"EDT", -4),
    (b"CDT", -5),
    (b"MST", -7),
    (b"MDT", -6),
    (b"PST", -8),
    (b"PDT", -7),
    (b"AKST", -9),
    (b"AKDT", -8),
    (b"HST", -10),
    (b"JST", 9),
    (b"KST", 9),
    (b"HKT", 8),
    (b"SAST", 2),
    (b"AEST", 10),
    (b"AEDT", 11),
    (b"AWST", 8),
    (b"NZST", 12),
    (b"NZDT", 13),
];

/// Where the log's clock hangs.
#[derive(Debug, Clone)]
pub struct Zones {
    zone: TimeZone,
    /// When the last quarter of an hour began that was asked for, and how far east of Greenwich it was.
    cached: Option<(i64, Zone, i64)>,
    last: i64,
    /// When the records are read that come now, if that is as they are written.
    live: Option<i64>,
}

kept!(Zones { last; zone = TimeZone::UTC, cached = None, live = None });

const QUARTER_MS: i64 = 15 * 60_000;

/// A log that was quiet for so long does not say by itself that the clock was set back meanwhile.
const QUIET_MS: i64 = 10 * 60_000;

impl Zones {
    /// For a log whose times without a zone are in `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self { zone, cached: None, last: i64::MIN, live: None }
    }

    /// The log's times without a zone are in another zone from now on.
    pub fn set_zone(&mut self, zone: TimeZone) {
        (self.zone, self.cached) = (zone, None);
    }

    /// The records that come now are read at `now`, as they are written: that tells the two passes of an hour that the
    /// clock repeats, where the log was quiet.
    pub fn read_live(&mut self, now: i64) {
        self.live = Some(now);
    }

    /// The instant of a time, in milliseconds since 1970-01-01 UTC. Offsets change at full quarters of an hour only.
    #[inline]
    pub fn instant(&mut self, stamp: Stamp) -> i64 {
        let east = match self.cached {
            Some((begin, zone, east)) if (0..QUARTER_MS).contains(&(stamp.millis - begin)) && zone == stamp.zone => {
                east
            }
            _ => self.look_up(stamp),
        };
        self.last = stamp.millis - east;
        self.last
    }

    /// The last time that was asked for was this instant.
    #[inline]
    pub(super) fn was_asked(&mut self, instant: i64) {
        self.last = instant;
    }

    /// The instant of a time that lies before `now`: of an hour that the clock repeats the second pass, unless that is still
    /// to come.
    pub fn looked_back(&self, stamp: Stamp, now: i64) -> i64 {
        Self { zone: self.zone.clone(), cached: None, last: i64::MIN, live: Some(now) }.instant(stamp)
    }

    /// Another log's last instant, for this one's.
    pub(super) fn swap_last(&mut self, last: &mut i64) {
        std::mem::swap(&mut self.last, last);
    }

    /// A time of the log's own zone at an instant: what a record without a zone would show.
    pub fn civil(&self, instant: i64) -> i64 {
        let Ok(timestamp) = Timestamp::from_millisecond(instant) else { return instant };
        instant + i64::from(self.zone.to_offset(timestamp).seconds()) * 1000
    }

    #[cold]
    fn look_up(&mut self, stamp: Stamp) -> i64 {
        let (east, certain) = match stamp.zone {
            Zone::Offset(seconds) => (seconds, true),
            Zone::Abbreviation(name) => (self.of_abbreviation(name, stamp.millis), true),
            Zone::Unknown => self.of_local(stamp.millis),
        };
        let east = i64::from(east) * 1000;
        if certain {
            let begin = stamp.millis.div_euclid(QUARTER_MS) * QUARTER_MS;
            self.cached = Some((begin, stamp.zone, east));
        }
        east
    }

    /// Seconds east of Greenwich, and whether there is no doubt. An hour that the clock repeats is taken the first
    /// time round, unless that would go back behind the record before.
    fn of_local(&self, millis: i64) -> (i32, bool) {
        match self.ambiguous(millis) {
            AmbiguousOffset::Unambiguous { offset } => (offset.seconds(), true),
            AmbiguousOffset::Gap { before, .. } => (before.seconds(), true),
            AmbiguousOffset::Fold { before, after } => {
                let first = millis - i64::from(before.seconds()) * 1000;
                let second = millis - i64::from(after.seconds()) * 1000;
                let was_quiet = first.saturating_sub(self.last) > QUIET_MS;
                let again = first < self.last.saturating_sub(1000)
                    || was_quiet && self.live.is_some_and(|now| second <= now + 1000);
                (if again { after.seconds() } else { before.seconds() }, false)
            }
        }
    }

    fn of_abbreviation(&self, name: [u8; 6], millis: i64) -> i32 {
        let name = &name[..name.iter().position(|&byte| byte == 0).unwrap_or(name.len())];
        let candidates = match self.ambiguous(millis) {
            AmbiguousOffset::Unambiguous { offset } => [offset, offset],
            AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => [before, after],
        };
        let own = candidates.into_iter().find(|offset| self.is_called(*offset, millis, name));
        if let Some(offset) = own {
            return offset.seconds();
        }
        match ABBREVIATIONS.iter().find(|(known, _)| *known == name) {
            Some(&(_, hours)) => hours * 3600,
            None => self.of_local(millis).0,
        }
    }

    /// Whether the log's own zone uses this name for this offset at that time.
    fn is_called(&self, offset: Offset, millis: i64, name: &[u8]) -> bool {
        let instant = millis - i64::from(offset.seconds()) * 1000;
        let Ok(timestamp) = Timestamp::from_millisecond(instant) else { return false };
        self.zone.to_offset_info(timestamp).abbreviation().as_bytes() == name
    }

    fn ambiguous(&self, millis: i64) -> AmbiguousOffset {
        let civil = Timestamp::from_millisecond(millis).map_or(DateTime::MIN, |utc| Offset::UTC.to_datetime(utc));
        self.zone.to_ambiguous_timestamp(civil).offset()
    }
}

#[cfg(test)]
#[path = "zones_tests.rs"]
mod tests;
