//! What an alert says: its first line is all that a phone's lock screen shows.

use super::paint::Color;
use super::safe::{Medium, shown};
use super::time::TimeFormat;
use crate::analysis::watch::{Entry, Failures, Login, Notice, Verdict};

/// The text of a notice, on one line without a newline. `local` turns an instant (milliseconds since 1970-01-01 UTC)
/// into what the local clock shows.
pub fn write(notice: &Notice, entries: &[Entry], format: &TimeFormat, local: &dyn Fn(i64) -> i64) -> String {
    match notice {
        Notice::Alert { entry, verdict, minutes, since, last, failures } => {
            let name = name(&entries[*entry]);
            let since = format.print(local(*since));
            let matter = match verdict {
                Verdict::Silent => String::new(),
                Verdict::Failing => format!("; {}", failing(failures)),
            };
            let verdict = verdict.name();
            let last = last_login(last.as_ref(), format);
            format!("ALERT {name}: no login for {minutes} minutes ({verdict}), since {since}; {last}{matter}")
        }
        Notice::Recovered { entry, minutes, login } => {
            let name = name(&entries[*entry]);
            let time = format.print(login.stamp.millis);
            let host = shown(&login.host, Medium::Terminal);
            format!("RECOVERED {name}: logged in at {time} from {host}, after {minutes} minutes")
        }
    }
}

fn name(entry: &Entry) -> String {
    shown(entry.name.as_bytes(), Medium::Terminal).to_string()
}

fn last_login(last: Option<&Login>, format: &TimeFormat) -> String {
    match last {
        Some(login) => {
            let host = shown(&login.host, Medium::Terminal);
            format!("last login {} from {host}", format.print(login.stamp.millis))
        }
        None => "never seen".to_owned(),
    }
}

fn failing(failures: &Failures) -> String {
    let reason = shown(&failures.reason, Medium::Terminal);
    let host = shown(&failures.host, Medium::Terminal);
    format!("{} failed attempts since, the last one from {host}: {reason}", failures.count)
}

/// The colour of a notice on a terminal.
pub fn color(notice: &Notice) -> Color {
    match notice {
        Notice::Alert { .. } => Color::Red,
        Notice::Recovered { .. } => Color::Green,
    }
}
