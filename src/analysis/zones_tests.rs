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
        assert_eq!(zones.instant(stamp("2026-10-25T02:30:00", Zone::Unknown)), instant(expected), "{before} {live:?}");
    }
}

/// Each against what the host's database of time zones has for a place that uses it.
#[test]
fn abbreviations_are_as_far_east_as_the_places_that_use_them() {
    let places = [
        ("Etc/UTC", "UTC UTC"),
        ("Etc/GMT", "GMT GMT"),
        ("Atlantic/Canary", "WET WEST"),
        ("Europe/Berlin", "CET CEST"),
        ("Europe/Berlin", "MEZ MESZ"),
        ("Europe/Helsinki", "EET EEST"),
        ("Europe/Moscow", "MSK MSK"),
        ("America/New_York", "EST EDT"),
        ("America/Chicago", "- CDT"),
        ("America/Denver", "MST MDT"),
        ("America/Los_Angeles", "PST PDT"),
        ("America/Anchorage", "AKST AKDT"),
        ("Pacific/Honolulu", "HST HST"),
        ("Asia/Tokyo", "JST JST"),
        ("Asia/Seoul", "KST KST"),
        ("Asia/Hong_Kong", "HKT HKT"),
        ("Africa/Johannesburg", "SAST SAST"),
        ("Australia/Sydney", "AEDT AEST"),
        ("Australia/Perth", "AWST AWST"),
        ("Pacific/Auckland", "NZDT NZST"),
    ];
    let mut seen = Vec::new();
    for (place, names) in places {
        let zone = TimeZone::get(place).expect("the host's time zones");
        for (day, name) in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"].into_iter().zip(names.split(' ')) {
            let at: Timestamp = day.parse().expect("an instant");
            let there = zone.to_offset_info(at);
            // German hosts with old C libraries have these two.
            assert!(name.starts_with("ME") || name == "-" || there.abbreviation() == name, "{place} {name}");
            if ABBREVIATIONS.iter().any(|(known, _)| *known == name.as_bytes()) {
                // In a log of a zone that has no such name.
                let mut bytes = [0; 6];
                bytes[..name.len()].copy_from_slice(name.as_bytes());
                let noon = stamp("2026-11-22T12:00:00", Zone::Abbreviation(bytes));
                let mut zones = Zones::new(TimeZone::get("Asia/Kolkata").expect("the host's time zones"));
                let east = (noon.millis - zones.instant(noon)) / 1000;
                assert_eq!(east, i64::from(there.offset().seconds()), "{place} {name}");
                seen.push(name);
            }
        }
    }
    assert!(ABBREVIATIONS.iter().all(|(name, _)| seen.iter().any(|seen| seen.as_bytes() == *name)), "{seen:?}");
}

/// `CST` is Chicago's and Shanghai's: it means what it means in the log's own zone, and tells the two passes there.
#[test]
fn an_abbreviation_of_the_logs_own_zone_means_what_it_means_there() {
    let zone = |name: &str| Zones::new(TimeZone::get(name).expect("the host's time zones"));
    let named = |name: &str| {
        let mut bytes = [0; 6];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Zone::Abbreviation(bytes)
    };
    for (place, time, name, expected) in [
        ("America/Chicago", "2026-11-01T01:30:00", "CDT", "2026-11-01T06:30:00Z"),
        ("America/Chicago", "2026-11-01T01:30:00", "CST", "2026-11-01T07:30:00Z"),
        ("Asia/Shanghai", "2026-11-01T01:30:00", "CST", "2026-10-31T17:30:00Z"),
        ("Asia/Kolkata", "2026-11-01T01:30:00", "IST", "2026-10-31T20:00:00Z"),
        ("Europe/London", "2026-10-25T01:30:00", "BST", "2026-10-25T00:30:00Z"),
        ("Europe/London", "2026-10-25T01:30:00", "GMT", "2026-10-25T01:30:00Z"),
        // A name that nobody knows says nothing.
        ("Europe/Paris", "2026-11-01T01:30:00", "XYZ", "2026-11-01T00:30:00Z"),
    ] {
        assert_eq!(zone(place).instant(stamp(time, named(name))), instant(expected), "{place} {time} {name}");
    }
}

/// Local time skips it; a clock that is not set by then shows it all the same.
#[test]
fn a_time_that_is_skipped_is_told_by_the_clock_from_before() {
    assert_eq!(paris().instant(stamp("2026-03-29T02:30:00", Zone::Unknown)), instant("2026-03-29T01:30:00Z"));
}
