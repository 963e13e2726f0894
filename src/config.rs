//! `LogAnalyzer.json`: the configuration of 2017 as it is, and what came since.
//!
//! An error names the file, the key, what was found, and the mend; a key that nobody knows is a warning that names
//! the nearest known one.

pub mod email;
pub mod secret;
mod section;
mod watched;
pub mod zone;

use std::fmt::{self, Display};
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::analysis::watch::{Entry, Window};
use crate::limits::LOGS;
use crate::pgbouncer::fallback::{DOCUMENTED, Fallback, NAMES};
use crate::report::time::TimeFormat;
use email::Email;
use section::Section;

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The file.
    pub file: String,
    /// The key, with the sections before it: `configuration.trailingDelay`.
    pub key: String,
    /// What was found there.
    pub found: String,
    /// What to write instead.
    pub mend: String,
}

impl Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, key, found, mend } = self;
        let key = if key.is_empty() { String::new() } else { format!(" {key}:") };
        write!(out, "{file}:{key} {found}; {mend}")
    }
}

impl std::error::Error for Error {}

/// A configuration that can be used.
#[derive(Debug)]
pub struct Config {
    /// The file that it was read from.
    pub file: String,
    /// The log files.
    pub logs: Vec<PathBuf>,
    /// How times are printed.
    pub date_time_format: TimeFormat,
    /// How long to sleep between two looks at the log.
    pub trailing_delay: Duration,
    /// When the daily report is sent, in local time.
    pub report_time: Time,
    /// The window of the entries that have none of their own.
    pub window: Window,
    /// What is watched.
    pub watched: Vec<Entry>,
    /// Whether alerts are printed.
    pub alert_by_print: bool,
    /// Whether alerts are mailed.
    pub alert_by_email: bool,
    /// How mail goes, where there is a section `alertingEmail`.
    pub email: Option<Email>,
    /// The zone of a log that does not say.
    pub log_time_zone: TimeZone,
    /// The user's own regular expressions, where they are not the documented ones.
    pub fallback: Option<Fallback>,
    /// Where the state is kept, if it is.
    pub state_file: Option<PathBuf>,
    /// Where the figures are written for Prometheus, if they are.
    pub prometheus_file: Option<PathBuf>,
    /// What is odd, but no error.
    pub warnings: Vec<String>,
}

const CONFIGURATION_KEYS: &[&str] = &[
    "dateTimeFormat",
    "windowDateTimeFormat",
    "windowOpenServiceDateTime",
    "windowCloseServiceDateTime",
    "timeToSendEmailInformation",
    "trailingDelay",
    "alertingEmail",
    "windowDays",
    "logTimeZone",
    "stateFile",
    "prometheusFile",
];
const FILE_KEYS: &[&str] = &[
    "fileName",
    "logFileDateTimeFormat",
    "regexp",
    "usersToWatchAndThresholdInMinutes",
    "alertingType",
    "alertingToUse",
];

impl Config {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Error> {
        let root: Value = serde_json::from_str(text).map_err(|error| Error {
            file: file.to_owned(),
            key: String::new(),
            found: format!("it is not JSON ({error})"),
            mend: "look for a missing quote, comma or brace there".to_owned(),
        })?;
        let root = Section::root(file, &root)?;
        let mut warnings = Vec::new();
        root.warn_unknown(&["configuration", "file"], &mut warnings);
        let configuration = root.section("configuration")?;
        configuration.warn_unknown(CONFIGURATION_KEYS, &mut warnings);
        let files = root.section("file")?;
        files.warn_unknown(FILE_KEYS, &mut warnings);
        let email = email::parse(&configuration, &mut warnings)?;
        let (alert_by_print, alert_by_email) = parse_alerting(&files, email.is_some())?;
        let window = parse_window(&configuration)?;
        Ok(Self {
            file: file.to_owned(),
            logs: parse_logs(&files)?,
            date_time_format: parse_format(&configuration)?,
            trailing_delay: parse_delay(&configuration)?,
            report_time: parse_time(&configuration, "timeToSendEmailInformation", "19:00:00")?,
            window,
            watched: watched::parse(&files, &window, &configuration, &mut warnings)?,
            alert_by_print,
            alert_by_email,
            email,
            log_time_zone: parse_zone(&configuration)?,
            fallback: parse_fallback(&files)?,
            state_file: parse_state_file(&configuration, &parse_logs(&files)?)?,
            prometheus_file: parse_prometheus_file(&configuration)?,
            warnings,
        })
    }
}

fn parse_logs(files: &Section<'_>) -> Result<Vec<PathBuf>, Error> {
    const MEND: &str = "write the path of pgbouncer's log, such as \"/var/log/postgresql/pgbouncer.log\"";
    let paths = match files.required("fileName", MEND)? {
        Value::String(path) => vec![PathBuf::from(path)],
        Value::Array(paths) => paths.iter().filter_map(Value::as_str).map(PathBuf::from).collect(),
        _ => Vec::new(),
    };
    if paths.len() > 1 && paths.contains(&PathBuf::from("-")) {
        return Err(files.wrong("fileName", "write \"-\", which is standard input, alone"));
    }
    let whole = (1..=LOGS).contains(&paths.len()) && paths.iter().all(|path| !path.as_os_str().is_empty());
    if whole { Ok(paths) } else { Err(files.wrong("fileName", MEND)) }
}

fn parse_state_file(configuration: &Section<'_>, logs: &[PathBuf]) -> Result<Option<PathBuf>, Error> {
    let Some(path) = configuration.optional_string("stateFile")?.map(PathBuf::from) else { return Ok(None) };
    if logs.contains(&PathBuf::from("-")) {
        let mend = "leave it out: what standard input has had cannot be found again";
        return Err(configuration.wrong("stateFile", mend));
    }
    if path.as_os_str().is_empty() || path.is_dir() || logs.contains(&path) {
        let mend = "write the path of a file that is nothing else, such as \"/var/lib/loganalyzer/state.json\"";
        return Err(configuration.wrong("stateFile", mend));
    }
    Ok(Some(path))
}

/// The node exporter reads files of this name only.
fn parse_prometheus_file(configuration: &Section<'_>) -> Result<Option<PathBuf>, Error> {
    let Some(path) = configuration.optional_string("prometheusFile")?.map(PathBuf::from) else { return Ok(None) };
    if path.extension().is_none_or(|end| end != "prom") || path.is_dir() {
        let mend = "write the path of a file whose name ends with .prom, in the folder of the node exporter's textfile \
                    collector, such as \"/var/lib/prometheus/node-exporter/loganalyzer.prom\"";
        return Err(configuration.wrong("prometheusFile", mend));
    }
    Ok(Some(path))
}

fn parse_format(configuration: &Section<'_>) -> Result<TimeFormat, Error> {
    let Some(text) = configuration.optional_string("dateTimeFormat")? else { return Ok(TimeFormat::default()) };
    let mend = |error| format!("write a format of strftime, such as \"%Y-%m-%d %H:%M:%S\" ({error})");
    TimeFormat::new(text).map_err(|error| configuration.wrong("dateTimeFormat", &mend(error)))
}

fn parse_delay(configuration: &Section<'_>) -> Result<Duration, Error> {
    let seconds = configuration.optional_number("trailingDelay")?.unwrap_or(1.0);
    if !(0.01..=3600.0).contains(&seconds) {
        return Err(configuration.wrong("trailingDelay", "write seconds between 0.01 and 3600, such as 1.0"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// A time of the day in `windowDateTimeFormat`.
fn parse_time(configuration: &Section<'_>, key: &str, default: &str) -> Result<Time, Error> {
    let format = configuration.optional_string("windowDateTimeFormat")?;
    let (text, format) = match configuration.optional_string(key)? {
        Some(text) => (text, format.unwrap_or("%H:%M:%S")),
        None => (default, "%H:%M:%S"),
    };
    let mend = || format!("write a time as windowDateTimeFormat ({format:?}) has it");
    Time::strptime(format, text).map_err(|_| configuration.wrong(key, &mend()))
}

fn parse_window(configuration: &Section<'_>) -> Result<Window, Error> {
    let days = match configuration.optional_string("windowDays")? {
        Some(text) => watched::parse_days(text).ok_or_else(|| configuration.wrong("windowDays", watched::DAYS_MEND))?,
        None => [true; 7],
    };
    let open = parse_time(configuration, "windowOpenServiceDateTime", "00:00:00")?;
    let close = parse_time(configuration, "windowCloseServiceDateTime", "00:00:00")?;
    Ok(Window { open, close, days })
}

fn parse_zone(configuration: &Section<'_>) -> Result<TimeZone, Error> {
    let Some(name) = configuration.optional_string("logTimeZone")? else { return Ok(zone::local()) };
    let mend = "write an IANA name, such as \"Europe/Paris\" (Debian's package tzdata has them)";
    zone::named(name).ok_or_else(|| configuration.wrong("logTimeZone", mend))
}

fn parse_alerting(files: &Section<'_>, has_email: bool) -> Result<(bool, bool), Error> {
    let text = files.optional_string("alertingToUse")?.unwrap_or("print");
    let words: Vec<&str> = text.split('|').map(str::trim).collect();
    if words.iter().any(|word| !["print", "email"].contains(word)) {
        return Err(files.wrong("alertingToUse", "write \"print\", \"email\" or \"print|email\""));
    }
    let by_email = words.contains(&"email");
    if by_email && !has_email {
        return Err(files.wrong("alertingToUse", "add the section configuration.alertingEmail, or write \"print\""));
    }
    Ok((words.contains(&"print"), by_email))
}

/// The user's expressions; those that are documented read nothing that the parser does not.
fn parse_fallback(files: &Section<'_>) -> Result<Option<Fallback>, Error> {
    if !files.has("regexp") {
        return Ok(None);
    }
    let section = files.section("regexp")?;
    let mut texts = DOCUMENTED;
    for (text, name) in texts.iter_mut().zip(NAMES) {
        *text = section.optional_string(name)?.unwrap_or(text);
    }
    if texts == DOCUMENTED {
        return Ok(None);
    }
    let format = files.optional_string("logFileDateTimeFormat")?.unwrap_or("%Y-%m-%d %H:%M:%S.%f");
    let fallback = Fallback::new(texts, format);
    let mend = "mend the expression, or leave the section out: the built-in parser knows every version of pgbouncer";
    fallback.map(Some).map_err(|error| Error { found: error.message, ..section.wrong(error.name, mend) })
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
