//! What an alert says: the headline is all that a phone's lock screen shows, the details are what a DBA asks next.
//!
//! ```text
//! ALERT batch: no login for 15 minutes (failing), since 2026-11-23 13:54:30
//!     last login : 2026-11-23 13:54:30 from 10.0.0.30
//!     attempts since : 3, failed : 3, the last one from 10.0.0.30: password authentication failed
//!     log : last line at 2026-11-23 14:09:30
//! ```
//!
//! Several alerts of one tick are one message, and so are several recoveries.

use super::paint::Color;
use super::safe::{Medium, shown};
use super::time::TimeFormat;
use crate::analysis::watch::{Alert, Entry, Login, Notice, Recovery, Verdict};

/// Names in the headline of a digest; the others are counted.
const NAMES_IN_HEADLINE: usize = 4;

/// What is told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether it is an alert, and not a recovery.
    pub is_alert: bool,
    /// What it is about and how it stands, in few words and without a newline: `web: no login for 5 minutes (silent)`.
    pub matter: String,
    /// What belongs to that: `, since 2026-11-23 13:54:30`.
    pub addition: String,
    /// Further lines.
    pub details: Vec<String>,
    /// When the log was written last.
    pub log: Option<String>,
}

impl Message {
    /// `ALERT web: no login for 5 minutes (silent)`.
    pub fn subject(&self) -> String {
        format!("{} {}", if self.is_alert { "ALERT" } else { "RECOVERED" }, self.matter)
    }

    /// The same, and since when.
    pub fn headline(&self) -> String {
        self.subject() + &self.addition
    }

    /// All further lines.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.details.iter().chain(&self.log).map(String::as_str)
    }

    /// Its colour on a terminal.
    pub fn color(&self) -> Color {
        if self.is_alert { Color::Red } else { Color::Green }
    }
}

/// What the texts need to know beside the notices. Instants are milliseconds since 1970-01-01 UTC.
pub struct Context<'a> {
    /// The watched entries.
    pub entries: &'a [Entry],
    /// How times are printed.
    pub format: &'a TimeFormat,
    /// What the local clock shows at an instant.
    pub local: &'a dyn Fn(i64) -> i64,
    /// When the log's last record was written.
    pub last_record: Option<i64>,
}

/// The message of one notice.
pub fn message(notice: &Notice, context: &Context<'_>) -> Message {
    context.message(notice)
}

/// The messages of one tick: the log's own, the recoveries, the alerts.
pub fn messages(notices: &[Notice], context: &Context<'_>) -> Vec<Message> {
    let (mut of_log, mut recovered, mut alerts) = (Vec::new(), Vec::new(), Vec::new());
    for notice in notices {
        match notice {
            Notice::Alert(Alert { entry: None, .. }) | Notice::Recovered(Recovery { entry: None, .. }) => {
                of_log.push(context.message(notice));
            }
            Notice::Recovered(_) => recovered.push(notice),
            Notice::Alert(_) => alerts.push(notice),
        }
    }
    let digests = [recovered, alerts].into_iter().filter_map(|same| context.digest(&same));
    of_log.into_iter().chain(digests).collect()
}

impl Context<'_> {
    fn message(&self, notice: &Notice) -> Message {
        match notice {
            Notice::Alert(alert) => Message {
                is_alert: true,
                matter: self.alert(alert),
                addition: format!(", since {}", self.time(alert.since)),
                details: self.alert_details(alert),
                log: self.last_record.map(|at| format!("log : last line at {}", self.time(at))),
            },
            Notice::Recovered(recovery) => {
                let (matter, addition) = self.recovery(recovery);
                Message { is_alert: false, matter, addition, details: Vec::new(), log: None }
            }
        }
    }

    /// One message of several notices of the same kind.
    fn digest(&self, notices: &[&Notice]) -> Option<Message> {
        let (first, rest) = notices.split_first()?;
        let mut message = self.message(first);
        if rest.is_empty() {
            return Some(message);
        }
        let all: Vec<Message> = notices.iter().map(|notice| self.message(notice)).collect();
        let names = self.names(notices);
        message.matter = if message.is_alert {
            format!("{names}: no login ({})", count_verdicts(notices))
        } else {
            format!("{names}: logged in")
        };
        message.addition.clear();
        message.details = all.iter().flat_map(lines_in_digest).collect();
        Some(message)
    }

    /// `3 entries: batch, poc, web`.
    fn names(&self, notices: &[&Notice]) -> String {
        let mut names: Vec<String> = notices.iter().filter_map(|notice| self.entry_name(notice)).collect();
        let more = names.len().saturating_sub(NAMES_IN_HEADLINE);
        names.truncate(NAMES_IN_HEADLINE);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{} entries: {}{more}", notices.len(), names.join(", "))
    }

    fn entry_name(&self, notice: &Notice) -> Option<String> {
        let (Notice::Alert(Alert { entry, .. }) | Notice::Recovered(Recovery { entry, .. })) = notice;
        entry.map(|entry| self.name(entry))
    }

    fn name(&self, entry: usize) -> String {
        shown(self.entries[entry].name.as_bytes(), Medium::Terminal).to_string()
    }

    /// Prints an instant.
    pub fn time(&self, instant: i64) -> String {
        self.format.print((self.local)(instant))
    }

    fn alert(&self, alert: &Alert) -> String {
        let (verdict, minutes) = (alert.verdict, plural(alert.minutes, "minute", "minutes"));
        let log = log_name(alert.log.as_deref());
        let matter = match (alert.entry, verdict) {
            (Some(entry), _) => format!("{}: no login for {minutes}", self.name(entry)),
            (None, Verdict::PgbouncerDown) => format!("{log}: it has exited"),
            (None, Verdict::LogMissing) => format!("{log}: no log file for {minutes}"),
            (None, Verdict::LogUnreadable) => format!("{log}: its log cannot be read for {minutes}"),
            (None, _) => format!("{log}: nothing written for {minutes}"),
        };
        format!("{matter} ({})", verdict.name())
    }

    fn alert_details(&self, alert: &Alert) -> Vec<String> {
        if alert.log.is_some() {
            return vec!["alerts of accounts wait only where no other log is heard".to_owned()];
        }
        if alert.entry.is_none() {
            let entries = plural(
                self.entries.len() as i64,
                "watched entry : its alert waits",
                "watched entries : their alerts wait",
            );
            return vec![format!("{entries} until the log speaks")];
        }
        let open = (alert.open > 0).then(|| format!("open sessions : {}", alert.open));
        let attempts = (alert.attempts > 0).then(|| attempts(alert));
        let never = || format!("last login : never seen since {}", self.time(alert.watched_since));
        let last = alert.last.as_ref().map_or_else(never, |last| self.last_login(last));
        [Some(last), attempts, open].into_iter().flatten().collect()
    }

    fn last_login(&self, last: &Login) -> String {
        let (time, host) = (self.format.print(last.stamp.millis), shown(&last.host, Medium::Terminal));
        let assumed = if last.assumed { " (assumed: it is not closed, and nothing else proves it)" } else { "" };
        format!("last login : {time} from {host}{assumed}")
    }

    /// The matter, and what belongs to it.
    fn recovery(&self, recovery: &Recovery) -> (String, String) {
        let minutes = plural(recovery.minutes, "minute", "minutes");
        match (recovery.entry, &recovery.login) {
            (Some(entry), Some(login)) => {
                let (time, host) = (self.format.print(login.stamp.millis), shown(&login.host, Medium::Terminal));
                let assumed = if login.assumed { ", as it seems" } else { "" };
                let name = self.name(entry);
                (format!("{name}: logged in at {time}"), format!(" from {host}{assumed}, after {minutes}"))
            }
            _ => {
                let (time, verdict) = (self.time(recovery.at), recovery.verdict.name());
                let matter = format!("{}: the log speaks again since {time}", log_name(recovery.log.as_deref()));
                (matter, format!(", after {minutes} ({verdict})"))
            }
        }
    }
}

/// `pgbouncer`, and its log where there are several.
pub(super) fn log_name(log: Option<&str>) -> String {
    log.map_or_else(|| "pgbouncer".to_owned(), |log| format!("pgbouncer ({})", shown(log.as_bytes(), Medium::Terminal)))
}

/// `1 minute`, `5 minutes`.
pub fn plural(count: i64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn attempts(alert: &Alert) -> String {
    let failures = &alert.failures;
    if failures.count == 0 {
        return format!("attempts since : {}", alert.attempts);
    }
    let (host, reason) = (shown(&failures.host, Medium::Terminal), shown(&failures.reason, Medium::Terminal));
    format!("attempts since : {}, failed : {}, the last one from {host}: {reason}", alert.attempts, failures.count)
}

/// `2 silent, 1 failing`.
fn count_verdicts(notices: &[&Notice]) -> String {
    let count = |verdict: Verdict| {
        let same = |notice: &&&Notice| matches!(notice, Notice::Alert(alert) if alert.verdict == verdict);
        let count = notices.iter().filter(same).count();
        (count > 0).then(|| format!("{count} {}", verdict.name()))
    };
    let counts: Vec<String> = [Verdict::Silent, Verdict::Failing].into_iter().filter_map(count).collect();
    counts.join(", ")
}

/// A message within a digest: its headline without the first word, and its details behind it. The digest itself says
/// when the log was written last.
fn lines_in_digest(message: &Message) -> impl Iterator<Item = String> {
    let details = message.details.iter().map(|line| format!("    {line}"));
    std::iter::once(format!("{}{}", message.matter, message.addition)).chain(details)
}

#[cfg(test)]
#[path = "notice_tests.rs"]
mod tests;
