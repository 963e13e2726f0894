//! What stands before the message: pgbouncer's own prefix, or a syslog daemon's.
//!
//! ```text
//! file to 1.10   2026-11-22 05:10:05.550 5773 LOG MESSAGE
//! file from 1.11 2026-11-22 05:06:00.289 UTC [32642] LOG MESSAGE
//! syslog         Nov 22 05:24:25 host pgbouncer[32000]: MESSAGE
//! busybox        Nov 22 05:29:15 host daemon.info pgbouncer[924]: MESSAGE
//! ISO            2026-11-22T05:24:25.371495+00:00 host pgbouncer[32000]: MESSAGE
//! RFC 5424       <30>1 2026-11-22T05:24:25.476955+00:00 host pgbouncer 32000 - -  MESSAGE
//! ```
//!
//! The first three of the syslog forms may have a `<PRI>` before them.

use super::cursor::{Cursor, decimal};
use super::record::{Format, Level, Stamp, Zone};
use crate::words::word;

/// The header of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header<'a> {
    pub(super) stamp: Stamp,
    pub(super) pid: u32,
    pub(super) level: Option<Level>,
    pub(super) format: Format,
    /// The program's name in a syslog line.
    pub(super) ident: &'a [u8],
    pub(super) message: &'a [u8],
}

/// The date and time at the start of the last line, and what they are: a log has thousands of lines per second, and
/// their first 19 bytes differ once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct DateCache {
    /// Bytes 0 to 7, 8 to 15 and 12 to 19: the point behind the seconds as well.
    words: [u64; 3],
    millis: i64,
}

impl DateCache {
    /// What the first 19 bytes are, if they and the point behind them are those of the last line.
    #[inline]
    pub(super) fn known(&self, words: [u64; 3]) -> Option<i64> {
        let difference = |place: usize| words[place] ^ self.words[place];
        (difference(0) | difference(1) | difference(2) == 0).then_some(self.millis)
    }
}

#[inline]
fn date_words(line: &[u8]) -> Option<[u64; 3]> {
    Some([word(line, 0)?, word(line, 8)?, word(line, 12)?])
}

/// pgbouncer's own prefix.
#[inline(never)]
pub(super) fn parse_own<'a>(line: &'a [u8], cache: &mut DateCache) -> Option<Header<'a>> {
    let rest = line.get(19..)?;
    if rest.first() != Some(&b'.') {
        return None;
    }
    let mut cursor = Cursor(&rest[1..]);
    let fraction = cursor.digits(3)?;
    cursor.eat(b" ")?;
    let millis = cached_date(line, cache)? + i64::from(fraction);
    let word = cursor.until(b' ')?;
    let (zone, pid, format) = if word.first()?.is_ascii_digit() {
        (Zone::Unknown, word, Format::FileBefore111)
    } else {
        cursor.eat(b"[")?;
        let pid = cursor.until(b']')?;
        cursor.eat(b" ")?;
        (parse_zone(word)?, pid, Format::FileSince111)
    };
    let pid = u32::try_from(decimal(pid)?).ok()?;
    let level = parse_level(cursor.until(b' ')?)?;
    Some(Header { stamp: Stamp { millis, zone }, pid, level: Some(level), format, ident: b"", message: cursor.0 })
}

#[inline]
fn cached_date(line: &[u8], cache: &mut DateCache) -> Option<i64> {
    let words = date_words(line)?;
    if let Some(millis) = cache.known(words) {
        return Some(millis);
    }
    let millis = parse_date(&line[..19], b' ')?;
    *cache = DateCache { words, millis };
    Some(millis)
}

fn parse_level(word: &[u8]) -> Option<Level> {
    Some(match word {
        b"LOG" => Level::Log,
        b"WARNING" => Level::Warning,
        b"ERROR" => Level::Error,
        b"FATAL" => Level::Fatal,
        b"DEBUG" => Level::Debug,
        b"NOISE" => Level::Noise,
        _ => return None,
    })
}

/// The C library's `%Z`: letters, or a signed number of hours and minutes.
fn parse_zone(word: &[u8]) -> Option<Zone> {
    if matches!(word.first()?, b'+' | b'-') {
        return parse_offset(word).map(Zone::Offset);
    }
    let mut name = [0; 6];
    name.get_mut(..word.len())?.copy_from_slice(word);
    word.iter().all(u8::is_ascii_alphanumeric).then_some(Zone::Abbreviation(name))
}

/// `-03`, `+0545`, `+05:45`: seconds east of Greenwich.
fn parse_offset(word: &[u8]) -> Option<i32> {
    let mut cursor = Cursor(word);
    let sign = match cursor.byte()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = cursor.digits(2).filter(|&hours| hours < 24)?;
    let _ = cursor.eat(b":");
    let minutes = if cursor.0.is_empty() { 0 } else { cursor.digits(2).filter(|&minutes| minutes < 60)? };
    cursor.0.is_empty().then_some(sign * (hours * 3600 + minutes * 60).cast_signed())
}

/// A syslog daemon's or journalctl's header. `now` is the time, in the sense of [`Stamp::millis`], that years are
/// guessed by.
pub(super) fn parse_syslog(line: &[u8], now: i64) -> Option<Header<'_>> {
    let mut cursor = Cursor(line);
    let severity = parse_priority(&mut cursor)?;
    if severity.is_some() && cursor.eat(b"1 ").is_some() {
        return parse_5424(cursor, severity);
    }
    let (stamp, format) = match parse_traditional_date(&mut cursor, now) {
        Some(stamp) => (stamp, Format::SyslogTraditional),
        None => (parse_iso_date(&mut cursor)?, Format::SyslogIso),
    };
    let _host = cursor.until(b' ')?;
    let severity = severity.or_else(|| parse_busybox_priority(&mut cursor));
    let (ident, pid) = parse_tag(&mut cursor)?;
    let level = severity.and_then(level_of_severity);
    Some(Header { stamp, pid, level, format, ident, message: cursor.0 })
}

/// `HOST APP PID MSGID SD MESSAGE`, behind `<PRI>1 TIME`. rsyslog leaves a blank before the message.
fn parse_5424(mut cursor: Cursor<'_>, severity: Option<u64>) -> Option<Header<'_>> {
    let stamp = parse_iso_date(&mut cursor)?;
    let _host = cursor.until(b' ')?;
    let ident = cursor.until(b' ')?;
    let pid = parse_pid(cursor.until(b' ')?);
    let _message_id = cursor.until(b' ')?;
    if cursor.eat(b"- ").is_none() {
        cursor.eat(b"[")?;
        cursor.until(b']')?;
        cursor.eat(b" ")?;
    }
    let message = cursor.0.strip_prefix(b" ").unwrap_or(cursor.0);
    let level = severity.and_then(level_of_severity);
    Some(Header { stamp, pid, level, format: Format::Syslog5424, ident, message })
}

/// `<30>`: the severity in it, or `None` where there is no such thing. The outer `None` is a broken one.
#[expect(clippy::option_option, reason = "there is none, there is one, there is a broken one")]
fn parse_priority(cursor: &mut Cursor<'_>) -> Option<Option<u64>> {
    if cursor.eat(b"<").is_none() {
        return Some(None);
    }
    let priority = decimal(cursor.until(b'>')?).filter(|&priority| priority < 192)?;
    Some(Some(priority % 8))
}

/// busybox's `daemon.info `: the severity.
fn parse_busybox_priority(cursor: &mut Cursor<'_>) -> Option<u64> {
    let mut ahead = *cursor;
    let word = ahead.until(b' ')?;
    let dot = memchr::memchr(b'.', word)?;
    let severity = match &word[dot + 1..] {
        b"emerg" => 0,
        b"alert" => 1,
        b"crit" => 2,
        b"err" => 3,
        b"warn" => 4,
        b"notice" => 5,
        b"info" => 6,
        b"debug" => 7,
        _ => return None,
    };
    *cursor = ahead;
    Some(severity)
}

/// pgbouncer's levels in syslog (`lib/usual/logging.c`): FATAL is crit, ERROR err, WARNING warning, LOG info.
fn level_of_severity(severity: u64) -> Option<Level> {
    Some(match severity {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warning,
        5 | 6 => Level::Log,
        7 => Level::Debug,
        _ => return None,
    })
}

/// `pgbouncer[32000]: ` or `pgbouncer: `.
fn parse_tag<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], u32)> {
    let colon = memchr::memmem::find(cursor.0, b": ")?;
    let (tag, rest) = cursor.0.split_at(colon);
    cursor.0 = &rest[2..];
    let Some(bracket) = memchr::memchr(b'[', tag) else {
        return is_ident(tag).then_some((tag, 0));
    };
    let pid = tag[bracket + 1..].strip_suffix(b"]")?;
    is_ident(&tag[..bracket]).then(|| (&tag[..bracket], parse_pid(pid)))
}

fn is_ident(ident: &[u8]) -> bool {
    !ident.is_empty() && ident.iter().all(u8::is_ascii_graphic)
}

/// A pid, or 0 where syslog does not know it.
fn parse_pid(text: &[u8]) -> u32 {
    decimal(text).and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0)
}

/// `2026-11-22T05:24:25.371495+00:00 `, `2026-11-22T05:24:25+0000 `, `2026-11-22T05:24:25Z `.
fn parse_iso_date(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let (date, rest) = cursor.0.split_at_checked(19)?;
    let mut millis = parse_date(date, b'T')?;
    let mut ahead = Cursor(rest);
    if ahead.eat(b".").or_else(|| ahead.eat(b",")).is_some() {
        millis += parse_fraction(&mut ahead)?;
    }
    let word = ahead.until(b' ')?;
    let zone = match word {
        b"" => Zone::Unknown,
        b"Z" => Zone::Offset(0),
        offset => Zone::Offset(parse_offset(offset)?),
    };
    *cursor = ahead;
    Some(Stamp { millis, zone })
}

/// The digits behind a decimal point, as whole milliseconds.
fn parse_fraction(cursor: &mut Cursor<'_>) -> Option<i64> {
    let length = cursor.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = cursor.0.split_at(length);
    cursor.0 = rest;
    let first: [u8; 3] = std::array::from_fn(|place| digits.get(place).copied().unwrap_or(b'0'));
    (length > 0).then(|| decimal(&first).and_then(|millis| i64::try_from(millis).ok()))?
}

/// `Nov 22 05:24:25 `, with the day filled by a blank. The year is the one that makes it nearest before `now`, with a
/// day of grace for clocks that differ.
fn parse_traditional_date(cursor: &mut Cursor<'_>, now: i64) -> Option<Stamp> {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    let mut ahead = *cursor;
    let name = ahead.0.get(..3)?;
    let month = MONTHS.iter().position(|month| *month == name)? as i64 + 1;
    ahead.0 = &ahead.0[3..];
    ahead.eat(b" ")?;
    let day = if ahead.eat(b" ").is_some() { ahead.digits(1)? } else { ahead.digits(2)? };
    ahead.eat(b" ")?;
    let clock = parse_clock(ahead.0.get(..8)?)?;
    ahead.0 = &ahead.0[8..];
    ahead.eat(b" ")?;
    let in_year = |year: i64| Some(days_since_1970(year, month, i64::from(day))? * DAY_MS + clock);
    // 29 February exists every eighth year at the rarest.
    let this_year = year_of(now + DAY_MS);
    let millis = (0..9).filter_map(|back| in_year(this_year - back)).find(|&millis| millis <= now + DAY_MS)?;
    *cursor = ahead;
    Some(Stamp { millis, zone: Zone::Unknown })
}

const DAY_MS: i64 = 86_400_000;

/// `2026-11-22 05:10:05`, with `between` between date and time, as milliseconds without a zone.
pub(super) fn parse_date(text: &[u8], between: u8) -> Option<i64> {
    let mut cursor = Cursor(text);
    let year = cursor.digits(4)?;
    cursor.eat(b"-")?;
    let month = cursor.digits(2)?;
    cursor.eat(b"-")?;
    let day = cursor.digits(2)?;
    cursor.eat(&[between])?;
    let days = days_since_1970(year.into(), month.into(), day.into())?;
    Some(days * DAY_MS + parse_clock(cursor.0)?)
}

/// `05:10:05` (and a leap second's `60`), in milliseconds.
fn parse_clock(text: &[u8]) -> Option<i64> {
    let mut cursor = Cursor(text);
    let hour = cursor.digits(2).filter(|&hour| hour < 24)?;
    cursor.eat(b":")?;
    let minute = cursor.digits(2).filter(|&minute| minute < 60)?;
    cursor.eat(b":")?;
    let second = cursor.digits(2).filter(|&second| second <= 60)?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    cursor.0.is_empty().then_some(seconds * 1000)
}

/// Days between 1970-01-01 and a date of the Gregorian calendar, `None` where there is no such date.
///
/// The year begins in March here, so that a leap day is its last.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let before_month = (153 * ((month + 9) % 12) + 2) / 5;
    let before_year = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(before_year + before_month + day - 1 - 719_468)
}

/// The year of a time: the estimate by the mean length of a year, put right by the first of January.
fn year_of(millis: i64) -> i64 {
    let days = millis.div_euclid(DAY_MS);
    let estimate = 1970 + days.div_euclid(366);
    let begins = |year| days_since_1970(year, 1, 1).unwrap_or(i64::MAX);
    (estimate..=estimate + 40).take_while(|&year| begins(year) <= days).last().unwrap_or(estimate)
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
