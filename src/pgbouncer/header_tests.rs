use super::*;

fn own(line: &str) -> Option<Header<'_>> {
    parse_own(line.as_bytes(), &mut DateCache::default())
}

fn date(text: &str) -> i64 {
    parse_date(text.as_bytes(), b' ').expect("a date")
}

#[test]
fn both_prefixes_of_pgbouncers_own_file() {
    let old = own("2026-11-22 05:10:05.550 5773 LOG hello").expect("1.10");
    assert_eq!((old.stamp.millis, old.stamp.zone), (date("2026-11-22 05:10:05") + 550, Zone::Unknown));
    assert_eq!((old.pid, old.level, old.message), (5773, Some(Level::Log), &b"hello"[..]));
    let new = own("2026-11-22 05:06:00.289 CEST [32642] WARNING S-0x1: x").expect("1.11");
    assert_eq!(new.stamp.zone, Zone::Abbreviation(*b"CEST\0\0"));
    assert_eq!((new.pid, new.level, new.message), (32642, Some(Level::Warning), &b"S-0x1: x"[..]));
    let signed = own("2026-11-22 05:06:00.289 +0545 [1] LOG x").expect("a zone without letters");
    assert_eq!(signed.stamp.zone, Zone::Offset(5 * 3600 + 45 * 60));
}

#[test]
fn zones_without_letters_are_hours_and_minutes_of_either_sign() {
    for (text, minutes) in [
        ("+00", Some(0)),
        ("-03", Some(-180)),
        ("-0330", Some(-210)),
        ("+05:45", Some(345)),
        ("+2359", Some(24 * 60 - 1)),
        ("+2400", None),
        ("+0060", None),
        ("-3", None),
        ("05", None),
        ("+0545x", None),
    ] {
        assert_eq!(parse_offset(text.as_bytes()), minutes.map(|minutes: i32| minutes * 60), "{text}");
    }
}

/// The date is compared with that of the line before, and only where it is another is it read: a line that differs in any of
/// the 20 bytes has another time, or none.
#[test]
fn a_date_is_that_of_the_line_before_only_where_all_of_it_is() {
    let text = *b"2026-11-22 05:10:05.550 1 LOG x";
    for place in 0..20 {
        for other in b"0123456789-: .x" {
            let mut cache = DateCache::default();
            parse_own(&text, &mut cache).expect("a header");
            let mut changed = text;
            changed[place] = *other;
            let expected = parse_own(&changed, &mut DateCache::default()).map(|header| header.stamp);
            assert_eq!(parse_own(&changed, &mut cache).map(|header| header.stamp), expected, "{other} at {place}");
        }
    }
}

#[test]
fn what_is_not_the_prefix_is_none() {
    for line in [
        "",
        "2026-11-22 05:10:05",
        "2026-11-22 05:10:05.5 1 LOG x",
        "2026-13-22 05:10:05.550 1 LOG x",
        "2026-02-30 05:10:05.550 1 LOG x",
        "2026-11-22 24:10:05.550 1 LOG x",
        "2026-11-22 05:10:05.550 1 INFO x",
        "2026-11-22 05:10:05.550 UTC 1 LOG x",
        "2026-11-22 05:10:05.550 UTC [x] LOG x",
        "2026-11-22 05:10:05.550 TOOLONG [1] LOG x",
        "2026-11-22 05:10:05.550 UTC [99999999999] LOG x",
        "2026-11-22 05:10:05.550 UTC [1] LOG",
    ] {
        assert_eq!(own(line), None, "{line}");
    }
}

#[test]
fn every_prefix_of_a_line_is_read_without_a_panic() {
    for line in [
        "2026-11-22 05:06:00.289 UTC [32642] LOG hello",
        "2026-11-22 05:10:05.550 5773 LOG hello",
        "<30>1 2026-11-22T05:24:25.476955+00:00 vm pgbouncer 32000 - -  hello",
        "Nov 22 05:24:25 vm pgbouncer[1]: x",
    ] {
        for end in 0..line.len() {
            let _ = own(&line[..end]);
            let _ = parse_syslog(&line.as_bytes()[..end], 0);
        }
    }
}

#[test]
fn every_form_of_syslog() {
    let now = date("2026-11-23 00:00:00");
    for (line, format, millis, level) in [
        ("Nov 22 05:24:25 vm pgbouncer[32000]: hello", Format::SyslogTraditional, 0, None),
        ("<28>Nov 22 05:24:25 vm pgbouncer[32000]: hello", Format::SyslogTraditional, 0, Some(Level::Warning)),
        ("Nov 22 05:24:25 vm daemon.info pgbouncer[32000]: hello", Format::SyslogTraditional, 0, Some(Level::Log)),
        ("2026-11-22T05:24:25.371495+00:00 vm pgbouncer[32000]: hello", Format::SyslogIso, 371, None),
        ("2026-11-22T05:24:25+0000 vm pgbouncer[32000]: hello", Format::SyslogIso, 0, None),
        ("<30>1 2026-11-22T05:24:25.4+00:00 vm pgbouncer 32000 - -  hello", Format::Syslog5424, 400, Some(Level::Log)),
        ("<30>1 2026-11-22T05:24:25Z vm pgbouncer 32000 - [a b=\"c\"] hello", Format::Syslog5424, 0, Some(Level::Log)),
    ] {
        let header = parse_syslog(line.as_bytes(), now).expect(line);
        assert_eq!((header.ident, header.pid, header.message), (&b"pgbouncer"[..], 32000, &b"hello"[..]), "{line}");
        assert_eq!((header.format, header.level), (format, level), "{line}");
        assert_eq!(header.stamp.millis, date("2026-11-22 05:24:25") + millis, "{line}");
    }
}

/// pgbouncer's own words (`lib/usual/logging.c`): FATAL is crit, ERROR err, WARNING warning, LOG info, DEBUG debug.
#[test]
fn every_severity_is_a_level() {
    let busybox = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let (fatal, log) = (Level::Fatal, Level::Log);
    let levels = [fatal, fatal, fatal, Level::Error, Level::Warning, log, log, Level::Debug];
    for (severity, (word, level)) in busybox.into_iter().zip(levels).enumerate() {
        for line in [
            format!("<{}>Nov 22 05:24:25 vm pgbouncer[1]: x", 184 + severity),
            format!("Nov 22 05:24:25 vm daemon.{word} pgbouncer[1]: x"),
        ] {
            assert_eq!(parse_syslog(line.as_bytes(), 0).and_then(|header| header.level), Some(level), "{line}");
        }
    }
    for line in ["<192>Nov 22 05:24:25 vm pgbouncer[1]: x", "Nov 22 05:24:25 vm daemon.loud pgbouncer[1]: x"] {
        assert_eq!(parse_syslog(line.as_bytes(), 0).map(|header| header.level), None, "{line}");
    }
    assert_eq!(level_of_severity(8), None);
}

#[test]
fn a_time_needs_all_its_digits() {
    let time = |text: &str| {
        parse_date(format!("2026-11-22 {text}").as_bytes(), b' ').map(|time| time - date("2026-11-22 00:00:00"))
    };
    assert_eq!(time("23:59:60"), Some(DAY_MS), "a leap second");
    for text in ["24:00:00", "00:60:00", "00:00:61", "00:00:00 ", "0:00:00"] {
        assert_eq!(time(text), None, "{text}");
    }
    let fraction = |text: &str| parse_fraction(&mut Cursor(text.as_bytes()));
    assert_eq!((fraction("4Z"), fraction("0719"), fraction("Z")), (Some(400), Some(71), None));
}

#[test]
fn the_year_of_a_traditional_time_is_the_nearest_before_now() {
    let stamp = |line: &str, now: &str| {
        let line = format!("{line} vm pgbouncer[1]: x");
        parse_syslog(line.as_bytes(), date(now)).map(|header| header.stamp.millis)
    };
    assert_eq!(stamp("Dec 31 23:59:59", "2027-01-01 00:00:05"), Some(date("2026-12-31 23:59:59")));
    assert_eq!(stamp("Jan  1 00:00:01", "2027-01-01 00:00:05"), Some(date("2027-01-01 00:00:01")));
    assert_eq!(stamp("Jan  1 00:00:01", "2026-12-31 23:59:59"), Some(date("2027-01-01 00:00:01")));
    assert_eq!(stamp("Feb 29 12:00:00", "2026-11-23 00:00:00"), Some(date("2024-02-29 12:00:00")));
    assert_eq!(stamp("Nov 22 05:24:25", "2026-06-01 00:00:00"), Some(date("2025-11-22 05:24:25")));
    assert_eq!(stamp("Foo 22 05:24:25", "2026-06-01 00:00:00"), None);
}

#[test]
fn dates_agree_with_the_calendar() {
    for (text, days) in [("1970-01-01", 0), ("2000-02-29", 11_016), ("2026-11-22", 20_779), ("1969-12-31", -1)] {
        assert_eq!(date(&format!("{text} 00:00:00")), days * DAY_MS, "{text}");
    }
    // Each day of four centuries is the one behind the day before, and no month has more.
    let mut next = date("1999-12-31 00:00:00") / DAY_MS + 1;
    for year in 2000..2400 {
        for (month, length) in (1..).zip([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) {
            let leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for day in 1..=length + i64::from(leap) {
                assert_eq!(days_since_1970(year, month, day), Some(next), "{year}-{month}-{day}");
                next += 1;
            }
            assert_eq!(days_since_1970(year, month, length + i64::from(leap) + 1), None, "{year}-{month}");
        }
    }
    for (month, day) in [(0, 1), (13, 1), (1, 0), (1, -1)] {
        assert_eq!(days_since_1970(2026, month, day), None);
    }
    for year in [1970, 1999, 2000, 2026, 2100, 2400] {
        assert_eq!(year_of(date(&format!("{year}-01-01 00:00:00"))), year);
        assert_eq!(year_of(date(&format!("{year}-12-31 23:59:59"))), year);
    }
}

#[test]
fn a_level_is_called_as_pgbouncer_writes_it() {
    for name in ["FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE"] {
        let line = format!("2026-11-22 05:10:05.550 1 {name} x");
        assert_eq!(own(&line).and_then(|header| header.level).map(Level::name), Some(name));
    }
}

/// Eight or twelve bytes apart they differ in the same bits: what is compared must not cancel itself.
#[test]
fn dates_that_differ_in_two_places_are_two() {
    for (first, second) in
        [("2026-11-22 05:10:05", "2027-11-22 15:10:05"), ("2026-11-22 05:10:05", "2026-01-22 05:10:15")]
    {
        let mut cache = DateCache::default();
        let read = |cache: &mut DateCache, text: &str| {
            let line = format!("{text}.000 1 LOG x");
            parse_own(line.as_bytes(), cache).map(|header| header.stamp.millis)
        };
        assert_eq!(read(&mut cache, first), Some(date(first)));
        assert_eq!(read(&mut cache, second), Some(date(second)));
    }
}
