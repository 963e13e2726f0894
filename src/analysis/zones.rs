//! From a time as the log has it to an instant.
//!
//! A log that says its zone is believed: `CEST` and `CET` tell the two passes of the hour that a clock repeats, and a
//! UTC log on a host in Paris is common. A log that says nothing is in `logTimeZone`, else in TZ.

use crate::kept;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::pgbouncer::record::{Stamp, Zone};

/// Abbreviations that mean the same wherever they are used, in hours and minutes east of Greenwich. Those that do not
/// (`IST`, `CST`, `BST`) are only known through the log's own zone.
const ABBREVIATIONS: &[(&[u8], i32)] = &[
    (b"UTC", 0),
    (b"GMT", 0),
    (b"WET", 0),
    (b"WEST", 100),
    (b"CET", 100),
    (b"CEST", 200),
    (b"MEZ", 100),
    (b"MESZ", 200),
    (b"EET", 200),
    (b"EEST", 300),
    (b"MSK", 300),
    (b"EST", -500),
    (b"EDT", -400),
    (b"CDT", -500),
    (b"MST", -700),
    (b"MDT", -600),
    (b"PST", -800),
    (b"PDT", -700),
    (b"AKST", -900),
    (b"AKDT", -800),
    (b"HST", -1000),
    (b"JST", 900),
    (b"KST", 900),
    (b"HKT", 800),
    (b"SAST", 200),
    (b"AEST", 1000),
    (b"AEDT", 1100),
    (b"AWST", 800),
    (b"NZST", 1200),
    (b"NZDT", 1300),
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
            Some(&(_, hours)) => hours / 100 * 3600 + hours % 100 * 60,
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
mod tests {
    use super::*;

    fn paris() -> Zones {
        Zones::new(TimeZone::get("Europe/Paris").expect("the host's time zones: Debian's package tzdata"))
    }

    fn stamp(text: &str, zone: Zone) -> Stamp {
        let civil: DateTime = text.parse().expect("a date");
        let millis = Offset::UTC.to_timestamp(civil).expect("in range").as_millisecond();
        Stamp { millis, zone }
    }

    fn instant(text: &str) -> i64 {
        text.parse::<Timestamp>().expect("an instant").as_millisecond()
    }

    #[test]
    fn what_the_log_says_of_its_zone_is_believed() {
        let mut zones = paris();
        for (zone, expected) in [
            (Zone::Unknown, "2026-11-22T11:00:00Z"),
            (Zone::Abbreviation(*b"CET\0\0\0"), "2026-11-22T11:00:00Z"),
            (Zone::Abbreviation(*b"UTC\0\0\0"), "2026-11-22T12:00:00Z"),
            (Zone::Abbreviation(*b"JST\0\0\0"), "2026-11-22T03:00:00Z"),
            (Zone::Abbreviation(*b"XYZ\0\0\0"), "2026-11-22T11:00:00Z"),
            (Zone::Offset(5 * 3600 + 2700), "2026-11-22T06:15:00Z"),
        ] {
            assert_eq!(zones.instant(stamp("2026-11-22T12:00:00", zone)), instant(expected), "{zone:?}");
        }
    }

    #[test]
    fn the_hour_that_comes_twice_is_told_by_its_name() {
        let mut zones = paris();
        let summer = stamp("2026-10-25T02:30:00", Zone::Abbreviation(*b"CEST\0\0"));
        let winter = stamp("2026-10-25T02:30:00", Zone::Abbreviation(*b"CET\0\0\0"));
        assert_eq!(zones.instant(summer), instant("2026-10-25T00:30:00Z"));
        assert_eq!(zones.instant(winter), instant("2026-10-25T01:30:00Z"));
    }

    #[test]
    fn the_hour_that_comes_twice_without_a_name_goes_on() {
        let mut zones = paris();
        for (text, expected) in [
            ("2026-10-25T01:59:59", "2026-10-24T23:59:59Z"),
            ("2026-10-25T02:00:01", "2026-10-25T00:00:01Z"),
            ("2026-10-25T02:59:59", "2026-10-25T00:59:59Z"),
            ("2026-10-25T02:00:01", "2026-10-25T01:00:01Z"),
            ("2026-10-25T02:59:59", "2026-10-25T01:59:59Z"),
            ("2026-10-25T03:00:01", "2026-10-25T02:00:01Z"),
        ] {
            assert_eq!(zones.instant(stamp(text, Zone::Unknown)), instant(expected), "{text}");
        }
    }

    #[test]
    fn the_hour_that_comes_twice_after_a_quiet_time_is_told_by_when_it_is_read() {
        for (now, expected) in
            [("2026-10-25T00:30:01Z", "2026-10-25T00:30:00Z"), ("2026-10-25T01:30:01Z", "2026-10-25T01:30:00Z")]
        {
            let mut zones = paris();
            zones.instant(stamp("2026-10-24T23:00:00", Zone::Unknown));
            zones.read_live(instant(now));
            assert_eq!(zones.instant(stamp("2026-10-25T02:30:00", Zone::Unknown)), instant(expected), "{now}");
        }
    }

    #[test]
    fn a_time_that_lies_behind_is_the_last_one_that_the_clock_showed_so() {
        let zones = paris();
        for (now, expected) in
            [("2026-10-25T00:40:00Z", "2026-10-25T00:30:00Z"), ("2026-10-25T09:00:00Z", "2026-10-25T01:30:00Z")]
        {
            let stamp = stamp("2026-10-25T02:30:00", Zone::Unknown);
            assert_eq!(zones.looked_back(stamp, instant(now)), instant(expected), "{now}");
        }
    }

    /// A log that began within that hour overflowed, and was taken for the second time round.
    #[test]
    fn a_log_that_begins_in_the_hour_that_comes_twice_begins_the_first_time() {
        let first = paris().instant(stamp("2026-10-25T02:30:05", Zone::Unknown));
        assert_eq!(first, instant("2026-10-25T00:30:05Z"));
    }

    #[test]
    fn an_abbreviation_that_means_two_things_is_the_log_zones_own() {
        let india = TimeZone::get("Asia/Kolkata").expect("tzdata");
        let time = stamp("2026-11-22T12:00:00", Zone::Abbreviation(*b"IST\0\0\0"));
        assert_eq!(Zones::new(india).instant(time), instant("2026-11-22T06:30:00Z"));
    }

    /// What a name means everywhere is known without the log's own zone; hours and minutes of either sign.
    #[test]
    fn every_known_name_is_so_far_east() {
        for &(name, hours) in ABBREVIATIONS {
            let mut bytes = [0; 6];
            bytes[..name.len()].copy_from_slice(name);
            let noon = stamp("2026-11-22T12:00:00", Zone::Abbreviation(bytes));
            let mut zones = Zones::new(TimeZone::get("Asia/Kolkata").expect("tzdata"));
            assert_eq!(noon.millis - zones.instant(noon), i64::from(hours / 100) * 3_600_000, "{hours}");
        }
    }

    #[test]
    fn what_the_log_would_show_is_the_instant_the_other_way_round() {
        let mut zones = paris();
        for text in ["2026-11-22T12:00:00", "2026-07-01T12:00:00", "1970-01-01T00:00:00"] {
            let stamp = stamp(text, Zone::Unknown);
            let instant = zones.instant(stamp);
            assert_eq!(zones.civil(instant), stamp.millis, "{text}");
        }
        assert_eq!(zones.civil(i64::MAX), i64::MAX, "no such time");
    }

    /// Each quarter of an hour is looked up by itself: a change within an hour is noticed, and so is another zone.
    #[test]
    fn nothing_is_known_of_another_quarter_or_another_zone() {
        let mut zones = paris();
        for (text, expected) in [
            ("2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
            ("2026-03-29T03:00:00", "2026-03-29T01:00:00Z"),
            ("2026-03-29T01:59:59", "2026-03-29T00:59:59Z"),
            ("2026-03-29T03:14:59", "2026-03-29T01:14:59Z"),
            ("2026-03-29T03:15:00", "2026-03-29T01:15:00Z"),
        ] {
            assert_eq!(zones.instant(stamp(text, Zone::Unknown)), instant(expected), "{text}");
        }
        zones.set_zone(TimeZone::UTC);
        let noon = stamp("2026-03-29T03:15:00", Zone::Unknown);
        assert_eq!(zones.instant(noon), noon.millis);
    }

    /// Logs of two hosts are in the hour that comes twice each by its own records.
    #[test]
    fn the_last_time_of_another_log_says_nothing_of_the_hour_that_comes_twice() {
        let mut zones = paris();
        let half = |zones: &mut Zones| zones.instant(stamp("2026-10-25T02:30:00", Zone::Unknown));
        let late = zones.instant(stamp("2026-10-25T02:59:00", Zone::Unknown));
        let mut other = i64::MIN;
        zones.swap_last(&mut other);
        assert_eq!((other, half(&mut zones)), (late, instant("2026-10-25T00:30:00Z")));
        zones.swap_last(&mut other);
        assert_eq!(half(&mut zones), instant("2026-10-25T01:30:00Z"), "this one's clock was set back");
        // The same where usual lines have gone on meanwhile.
        zones.was_asked(instant("2026-10-25T00:20:00Z"));
        assert_eq!(half(&mut zones), instant("2026-10-25T00:30:00Z"));
    }

    /// A record may be a second older than the one before; and after ten quiet minutes the time of reading decides.
    #[test]
    fn a_second_of_disorder_is_not_the_second_pass() {
        for (before, live, again) in [
            ("2026-10-25T00:30:01Z", None, false),
            ("2026-10-25T00:30:01.001Z", None, true),
            ("2026-10-25T00:20:00Z", Some("2026-10-25T01:29:59Z"), false),
            ("2026-10-25T00:19:59Z", Some("2026-10-25T01:29:59Z"), true),
            ("2026-10-25T00:19:59Z", Some("2026-10-25T01:29:58.999Z"), false),
        ] {
            let mut zones = paris();
            zones.was_asked(instant(before));
            live.into_iter().for_each(|now| zones.read_live(instant(now)));
            let expected = if again { "2026-10-25T01:30:00Z" } else { "2026-10-25T00:30:00Z" };
            assert_eq!(
                zones.instant(stamp("2026-10-25T02:30:00", Zone::Unknown)),
                instant(expected),
                "{before} {live:?}"
            );
        }
    }
}
