//! What stands before the message, read by regular expressions: pgbouncer's own header, or a syslog daemon's.

use std::sync::LazyLock;

use jiff::civil::Date;
use loganalyzer::pgbouncer::record::{Format, Level, Stamp, Zone};
use regex::bytes::Regex;

use super::{bytes, number, text};

regex!(
    OWN,
    r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{3}) ",
    r"(?:(\d+)|([A-Za-z][A-Za-z0-9]{0,5}|[+-]\d\d:?(?:\d\d)?) \[(\d+)\]) ",
    r"(LOG|WARNING|ERROR|FATAL|DEBUG|NOISE) (.*)$"
);
regex!(PRIORITY, r"^<(\d+)>(.*)$");
regex!(TRADITIONAL, r"^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (?: (\d)|(\d\d)) (\d\d:\d\d:\d\d) (.*)$");
regex!(ISO, r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?(?:\d\d)?)? (.*)$");
regex!(RFC5424, r"^[^ ]* ([^ ]*) ([^ ]*) [^ ]* (?:- |\[[^\]]*\] ) ?(.*)$");
regex!(HOST, r"^[^ ]* (.*)$");
regex!(BUSYBOX, r"^[^ .]*\.(emerg|alert|crit|err|warn|notice|info|debug) (.*)$");
regex!(TAG, r"^([!-Z\\-~]+)(?:\[(.*?)\])?: (.*)$");

/// What stands before a message.
pub struct Header<'a> {
    pub stamp: Stamp,
    pub pid: u32,
    pub level: Option<Level>,
    pub format: Format,
    pub ident: &'a [u8],
    pub message: &'a [u8],
}

/// Milliseconds between 1970-01-01 and a date, and a time of that day; a leap second's `60` is one more than `59`.
fn millis(date: Date, clock: &str) -> Option<i64> {
    let days = Date::constant(1970, 1, 1).until(date).ok()?.get_days();
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour @ 0..24, minute @ 0..60, second @ 0..=60] = parts[..] else { return None };
    Some((i64::from(days) * 86_400 + hour * 3600 + minute * 60 + second) * 1000)
}

/// `-03`, `+0545`, `+05:45`: seconds east of Greenwich.
fn offset(text: &str) -> Option<i32> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) = digits.split_at(2);
    let hours: i32 = hours.parse().ok().filter(|&hours| hours < 24)?;
    let minutes: i32 = if minutes.is_empty() { 0 } else { minutes.parse().ok().filter(|&minutes| minutes < 60)? };
    Some((hours * 3600 + minutes * 60) * if text.starts_with('-') { -1 } else { 1 })
}

pub fn own_header(line: &[u8]) -> Option<Header<'_>> {
    let captures = OWN.captures(line)?;
    let (date, clock) = text(&captures, 1)?.split_once(' ')?;
    let millis = millis(date.parse().ok()?, clock)? + number::<i64>(&captures, 2)?;
    let (zone, format) = match text(&captures, 4) {
        None => (Zone::Unknown, Format::FileBefore111),
        Some(word) if word.starts_with(['+', '-']) => (Zone::Offset(offset(word)?), Format::FileSince111),
        Some(word) => {
            let mut name = [0; 6];
            name[..word.len()].copy_from_slice(word.as_bytes());
            (Zone::Abbreviation(name), Format::FileSince111)
        }
    };
    let pid = number(&captures, 3).or_else(|| number(&captures, 5))?;
    let level = match text(&captures, 6)? {
        "LOG" => Level::Log,
        "WARNING" => Level::Warning,
        "ERROR" => Level::Error,
        "FATAL" => Level::Fatal,
        "DEBUG" => Level::Debug,
        _ => Level::Noise,
    };
    let stamp = Stamp { millis, zone };
    Some(Header { stamp, pid, level: Some(level), format, ident: b"", message: bytes(&captures, 7) })
}

pub fn syslog_header(line: &[u8], now: i64) -> Option<Header<'_>> {
    let (priority, rest) = match PRIORITY.captures(line) {
        Some(captures) => (Some(number::<u64>(&captures, 1).filter(|&priority| priority < 192)?), bytes(&captures, 2)),
        None => (None, line),
    };
    let severity = priority.map(|priority| priority % 8);
    if let Some(rest) = rest.strip_prefix(b"1 ").filter(|_| priority.is_some()) {
        let (stamp, rest) = iso_stamp(rest)?;
        let captures = RFC5424.captures(rest)?;
        let (ident, message) = (bytes(&captures, 1), bytes(&captures, 3));
        let pid = number(&captures, 2).unwrap_or(0);
        return Some(Header { stamp, pid, level: severity.map(level), format: Format::Syslog5424, ident, message });
    }
    let (stamp, rest, format) = match traditional_stamp(rest, now) {
        Some((stamp, rest)) => (stamp, rest, Format::SyslogTraditional),
        None => iso_stamp(rest).map(|(stamp, rest)| (stamp, rest, Format::SyslogIso))?,
    };
    let mut rest = bytes(&HOST.captures(rest)?, 1);
    let mut severity = severity;
    if let Some(captures) = BUSYBOX.captures(rest).filter(|_| severity.is_none()) {
        let names = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
        severity = names.iter().position(|name| Some(*name) == text(&captures, 1)).map(|place| place as u64);
        rest = bytes(&captures, 2);
    }
    let captures = TAG.captures(rest)?;
    if bytes(&captures, 2).windows(2).any(|two| two == b": ") {
        return None;
    }
    let (ident, message) = (bytes(&captures, 1), bytes(&captures, 3));
    Some(Header { stamp, pid: number(&captures, 2).unwrap_or(0), level: severity.map(level), format, ident, message })
}

fn level(severity: u64) -> Level {
    match severity {
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warning,
        5 | 6 => Level::Log,
        _ => Level::Debug,
    }
}

fn iso_stamp(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let captures = ISO.captures(line)?;
    let fraction = format!("{:0<3}", text(&captures, 3).unwrap_or(""));
    let millis = millis(number(&captures, 1)?, text(&captures, 2)?)? + fraction[..3].parse::<i64>().ok()?;
    let zone = match text(&captures, 4) {
        None => Zone::Unknown,
        Some("Z") => Zone::Offset(0),
        Some(text) => Zone::Offset(offset(text)?),
    };
    Some((Stamp { millis, zone }, bytes(&captures, 5)))
}

/// The year is the last in which there is such a day, and not after tomorrow.
fn traditional_stamp(line: &[u8], now: i64) -> Option<(Stamp, &[u8])> {
    const DAY: i64 = 86_400_000;
    let captures = TRADITIONAL.captures(line)?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| Some(*month) == text(&captures, 1))? as i8 + 1;
    let day = number::<i8>(&captures, 2).or_else(|| number(&captures, 3))?;
    let tomorrow = jiff::Timestamp::from_millisecond(now + DAY).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let clock = text(&captures, 4)?;
    let in_year = |back: i16| millis(Date::new(tomorrow.year() - back, month, day).ok()?, clock);
    let millis = (0..9).filter_map(in_year).find(|&millis| millis <= now + DAY)?;
    Some((Stamp { millis, zone: Zone::Unknown }, bytes(&captures, 5)))
}
