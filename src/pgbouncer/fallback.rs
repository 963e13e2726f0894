//! The user's own regular expressions (`file.regexp`), tried on lines that the built-in parser does not know.
//!
//! They are those of the script of 2017: `iterLines` cuts a line into time, pid, type and detail; a detail of type
//! `Stats` goes to `iterLinesDetailStats`, one of type `C-0x…` to `iterLinesDetailLogin`. A login found this way has
//! no life that could be followed, so it counts as assumed.

use regex_lite::{Captures, Regex};

use super::cursor::decimal;
use super::record::{Address, Event, Format, LoginAttempt, Record, Stamp, Stats, Zone};

/// The three expressions of the configuration of 2017. Where they stand as they were documented, the built-in parser
/// reads all that they read, and there is no fallback.
pub const DOCUMENTED: [&str; 3] = [
    r"^(?P<lineLogTime>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}) (?P<linePid>\d+) LOG (?P<lineType>Stats|C-0x[0-9a-fA-F]+): (?P<lineDetail>.*)$",
    r"^(?P<lineReqBySec>\d+) req/s, in (?P<lineBytesInBySec>\d+) b/s, out (?P<lineBytesOutBySec>\d+) b/s,query (?P<lineReqMicroSec>\d+) us$",
    r"^(?P<lineDatabase>\w+)/(?P<lineUser>\w+)@(?P<lineIpFrom>\d{0,3}\.\d{0,3}\.\d{0,3}\.\d{0,3}):(?P<linePortFrom>\d+) (?P<lineActionType>closing|login) (?:because|attempt): (?:db=(?P<lineDbCx>\w+) user=(?P<lineUserCx>\w+) tls=(?P<lineTls>\w+)|).*$",
];

/// The names of the three expressions in the configuration.
pub const NAMES: [&str; 3] = ["iterLines", "iterLinesDetailStats", "iterLinesDetailLogin"];

/// The groups that each must have.
const GROUPS: [&[&str]; 3] = [
    &["lineLogTime", "lineType", "lineDetail"],
    &["lineReqBySec", "lineBytesInBySec", "lineBytesOutBySec", "lineReqMicroSec"],
    &["lineIpFrom", "lineActionType", "lineUserCx"],
];

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Which one: a name of [`NAMES`].
    pub name: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The three expressions, ready for use.
#[derive(Debug, Clone)]
pub struct Fallback {
    lines: Regex,
    stats: Regex,
    login: Regex,
    time_format: String,
}

impl Fallback {
    /// Makes them from their texts, in the order of [`NAMES`], and the format of their times (strftime).
    ///
    /// # Errors
    ///
    /// Where one is no regular expression, or lacks a group that the program needs.
    pub fn new(texts: [&str; 3], time_format: &str) -> Result<Self, Error> {
        let [lines, stats, login] = [compile(0, texts[0])?, compile(1, texts[1])?, compile(2, texts[2])?];
        Ok(Self { lines, stats, login, time_format: time_format.to_owned() })
    }

    /// Reads a line, if they match. Only lines in UTF-8 can be tried.
    pub fn parse<'a>(&self, line: &'a [u8]) -> Option<Record<'a>> {
        let captures = self.lines.captures(std::str::from_utf8(line).ok()?)?;
        let stamp = self.parse_time(captures.name("lineLogTime")?.as_str())?;
        let pid = captures.name("linePid").and_then(|pid| pid.as_str().parse().ok()).unwrap_or(0);
        let detail = captures.name("lineDetail")?.as_str();
        let event = match captures.name("lineType")?.as_str() {
            "Stats" | "stats" => Event::Stats(parse_stats(&self.stats.captures(detail)?)?),
            _ => parse_login(&self.login.captures(detail)?)?,
        };
        Some(Record { stamp, pid, level: None, socket: None, event, format: Format::Fallback })
    }

    fn parse_time(&self, text: &str) -> Option<Stamp> {
        let time = jiff::civil::DateTime::strptime(&self.time_format, text).ok()?;
        let seconds = jiff::tz::Offset::UTC.to_timestamp(time).ok()?;
        Some(Stamp { millis: seconds.as_millisecond(), zone: Zone::Unknown })
    }
}

fn compile(which: usize, text: &str) -> Result<Regex, Error> {
    let name = NAMES[which];
    let regex = Regex::new(text).map_err(|error| Error { name, message: error.to_string() })?;
    let missing = GROUPS[which].iter().find(|group| !regex.capture_names().flatten().any(|name| name == **group));
    match missing {
        Some(group) => Err(Error { name, message: format!("it has no group (?P<{group}>…)") }),
        None => Ok(regex),
    }
}

fn parse_stats(captures: &Captures<'_>) -> Option<Stats> {
    let figure = |group| decimal(captures.name(group)?.as_str().as_bytes());
    Some(Stats {
        requests: figure("lineReqBySec")?,
        bytes_in: figure("lineBytesInBySec")?,
        bytes_out: figure("lineBytesOutBySec")?,
        request_us: figure("lineReqMicroSec")?,
        ..Stats::default()
    })
}

fn parse_login<'a>(captures: &Captures<'a>) -> Option<Event<'a>> {
    let text = |group| captures.name(group).map(|found| found.as_str());
    if text("lineActionType")? != "login" {
        return Some(Event::Other);
    }
    let address = Address {
        host: text("lineIpFrom")?.as_bytes(),
        port: text("linePortFrom").and_then(|port| port.parse().ok()).unwrap_or(0),
    };
    Some(Event::LoginAttempt(LoginAttempt {
        database: text("lineDbCx").or(text("lineDatabase")).unwrap_or("").as_bytes(),
        user: text("lineUserCx")?.as_bytes(),
        address,
        prefix: b"",
        hopeless: false,
        is_plain: false,
        tls: text("lineTls").map(str::as_bytes),
        replication: false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: &str = "%Y-%m-%d %H:%M:%S.%f";

    #[test]
    fn the_expressions_of_2017_read_what_they_read_then() {
        let fallback = Fallback::new(DOCUMENTED, FORMAT).expect("the documented ones");
        let stats = b"2017-12-03 19:16:39.123 7298 LOG Stats: 41 req/s, in 17628 b/s, out 7835 b/s,query 69652 us";
        let record = fallback.parse(stats).expect("stats");
        assert_eq!((record.pid, record.stamp.millis), (7298, 1_512_328_599_123));
        let expected = Stats { requests: 41, bytes_in: 17628, bytes_out: 7835, request_us: 69652, ..Stats::default() };
        assert_eq!(record.event, Event::Stats(expected));
        let login = b"2017-12-03 19:16:39.123 7298 LOG C-0x1a: poc/postgres@192.168.1.16:5 login attempt: db=poc user=postgres tls=no";
        let Some(Event::LoginAttempt(attempt)) = fallback.parse(login).map(|record| record.event) else {
            panic!("a login")
        };
        assert_eq!(
            (attempt.database, attempt.user, attempt.address.host),
            (&b"poc"[..], &b"postgres"[..], &b"192.168.1.16"[..])
        );
        let closing =
            b"2017-12-03 19:16:39.123 7298 LOG C-0x1a: poc/postgres@192.168.1.16:5 closing because: x (age=1)";
        assert_eq!(fallback.parse(closing).map(|record| record.event), Some(Event::Other));
        assert_eq!(fallback.parse(b"something else"), None);
        assert_eq!(fallback.parse(b"\xff"), None);
    }

    /// Each group that is needed, and none that is not.
    #[test]
    fn every_missing_group_is_told_by_its_name() {
        for (which, groups) in GROUPS.iter().enumerate() {
            for group in *groups {
                let text = DOCUMENTED[which].replace(&format!("?P<{group}>"), "");
                let mut texts = DOCUMENTED;
                texts[which] = &text;
                let error = Fallback::new(texts, FORMAT).expect_err(group);
                assert_eq!((error.name, error.message), (NAMES[which], format!("it has no group (?P<{group}>…)")));
            }
        }
    }

    #[test]
    fn a_missing_group_and_a_broken_expression_are_told() {
        let error = Fallback::new(["x", DOCUMENTED[1], DOCUMENTED[2]], FORMAT).expect_err("no groups");
        assert_eq!((error.name, error.message.as_str()), ("iterLines", "it has no group (?P<lineLogTime>…)"));
        let error = Fallback::new([DOCUMENTED[0], "(", DOCUMENTED[2]], FORMAT).expect_err("broken");
        assert_eq!(error.name, "iterLinesDetailStats");
    }
}
