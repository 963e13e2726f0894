//! A line of stats, whichever version wrote it: a walk over its figures by their names.
//!
//! ```text
//! stats  = ("Stats: " | "stats: ") item { [","] [" "] item }
//! item   = number " " name "/s"           41 req/s, 96 xacts/s, 3 server parses/s
//!        | ("in" | "out") number " " unit in 17628 b/s, out 7835 B/s
//!        | name number " us"              query 69652 us, wait time 5 us
//! ```
//!
//! The commas come and go between the versions (1.2: `b/s,query`; 1.8: `us wait time`), and new figures came in the
//! middle (1.21, 1.26); so each is taken by its name, and one that nobody knows is passed over.

use super::cursor::Cursor;
use super::record::Stats;

/// Reads what follows `stats: `. `None` if it is not such a walk, or if a figure that every version has is missing.
pub(super) fn parse(text: &[u8]) -> Option<Stats> {
    let mut cursor = Cursor(text);
    let mut stats = Stats::default();
    let mut seen = Seen::default();
    loop {
        parse_item(&mut cursor, &mut stats, &mut seen)?;
        if cursor.0.is_empty() {
            break;
        }
        let separated = cursor.eat(b",").is_some() | cursor.eat(b" ").is_some();
        if !separated {
            return None;
        }
    }
    (seen == Seen { requests: true, bytes_in: true, bytes_out: true, request_us: true }).then_some(stats)
}

/// The figures that every version has.
#[derive(Default, PartialEq)]
struct Seen {
    requests: bool,
    bytes_in: bool,
    bytes_out: bool,
    request_us: bool,
}

fn parse_item(cursor: &mut Cursor<'_>, stats: &mut Stats, seen: &mut Seen) -> Option<()> {
    if let Some(value) = cursor.number() {
        cursor.eat(b" ")?;
        let name = cursor.until(b'/')?;
        cursor.eat(b"s")?;
        return is_name(name).then(|| set_rate(name, value, stats, seen));
    }
    let length = cursor.0.iter().position(u8::is_ascii_digit)?;
    let (name, rest) = cursor.0.split_at(length);
    cursor.0 = rest;
    let name = name.strip_suffix(b" ")?;
    let value = cursor.number()?;
    cursor.eat(b" ")?;
    let length = cursor.0.iter().position(|&byte| byte == b',' || byte == b' ').unwrap_or(cursor.0.len());
    let (unit, rest) = cursor.0.split_at(length);
    cursor.0 = rest;
    (is_name(name) && is_unit(unit)).then(|| set_named(name, value, stats, seen))
}

fn set_rate(name: &[u8], value: u64, stats: &mut Stats, seen: &mut Seen) {
    match name {
        b"req" | b"queries" => (stats.requests, seen.requests) = (value, true),
        b"xacts" => stats.transactions = Some(value),
        _ => {}
    }
}

fn set_named(name: &[u8], value: u64, stats: &mut Stats, seen: &mut Seen) {
    match name {
        b"in" => (stats.bytes_in, seen.bytes_in) = (value, true),
        b"out" => (stats.bytes_out, seen.bytes_out) = (value, true),
        b"query" => (stats.request_us, seen.request_us) = (value, true),
        b"xact" => stats.transaction_us = Some(value),
        b"wait" | b"wait time" => stats.wait_us = Some(value),
        _ => {}
    }
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(|byte| byte.is_ascii_alphabetic() || b" _-".contains(byte))
}

fn is_unit(unit: &[u8]) -> bool {
    !unit.is_empty() && unit.iter().all(|byte| byte.is_ascii_alphabetic() || b"/%".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_is_read() {
        let plain = Stats { requests: 41, bytes_in: 17628, bytes_out: 7835, request_us: 69652, ..Stats::default() };
        let full = Stats { transactions: Some(40), transaction_us: Some(70001), wait_us: Some(5), ..plain };
        for (text, expected) in [
            ("41 req/s, in 17628 b/s, out 7835 b/s, query 69652 us", plain),
            ("41 req/s, in 17628 b/s, out 7835 b/s,query 69652 us", plain),
            (
                "40 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us wait time 5 us",
                full,
            ),
            (
                "40 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us, wait time 5 us",
                full,
            ),
            ("40 xacts/s, 41 queries/s, in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us, wait 5 us", full),
            (
                "40 xacts/s, 41 queries/s, 1 client parses/s, 2 server parses/s, 3 binds/s, 4 client logins/s, \
                 in 17628 B/s, out 7835 B/s, xact 70001 us, query 69652 us, wait 5 us",
                full,
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_figure_of_a_future_version_is_passed_over() {
        let text = "1 xacts/s, 2 queries/s, 9 new things/s, in 3 B/s, out 4 B/s, cache hit 99 %, xact 5 us, query 6 us, \
                    wait 7 us, idle 8 ms";
        let stats = parse(text.as_bytes());
        assert_eq!(stats.map(|stats| (stats.requests, stats.bytes_in, stats.wait_us)), Some((2, 3, Some(7))));
    }

    #[test]
    fn what_is_not_such_a_line_is_none() {
        for text in [
            "",
            "1 req/s",
            "1 req/s, in 2 b/s, out 3 b/s",
            "1 req/s, in 2 b/s, out 3 b/s,query x us",
            "1 req/s, in 2 b/s, out 3 b/s,query 4 us and more",
            "1 req/s in 2 b/s, out 3 b/s,query 4 us,",
            "99999999999999999999 req/s, in 2 b/s, out 3 b/s,query 4 us",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
