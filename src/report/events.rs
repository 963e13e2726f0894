//! What `replay` prints: every alert and recovery that would have been told, one line each, as text or as JSON; and
//! the thresholds that would have raised none.

use super::json_writer::{Json, Text, text};
use super::notice::{Context, message, plural};
use super::safe::{Medium, shown};
use crate::analysis::silences::Silence;
use crate::analysis::watch::{Alert, Notice, Recovery};

/// A notice as one line of text, with the time at which it is told (an instant, as in [`Context`]).
pub fn write_text(at: i64, notice: &Notice, context: &Context<'_>) -> String {
    let message = message(notice, context);
    let parts: Vec<String> = std::iter::once(message.headline()).chain(message.details).collect();
    format!("{} {}\n", context.time(at), parts.join("; "))
}

/// A notice as one JSON object on a line.
pub fn write_json(at: i64, notice: &Notice, context: &Context<'_>) -> String {
    let mut json = Json::compact();
    let name = |entry: Option<usize>| entry.map(|entry| Text(context.entries[entry].name.clone()));
    json.object(|json| {
        json.key("time").value(Text(context.time(at)));
        match notice {
            Notice::Alert(Alert { entry, verdict, since, last, attempts, failures, .. }) => {
                json.key("event").value(Text("alert".to_owned()));
                json.key("entry").optional(name(*entry));
                json.key("verdict").value(Text(verdict.name().to_owned()));
                write_figures(
                    json,
                    context,
                    *since,
                    last.as_ref().map(|last| last.stamp.millis),
                    (*attempts, failures),
                );
            }
            Notice::Recovered(Recovery { entry, since, minutes, login, failures, .. }) => {
                json.key("event").value(Text("recovered".to_owned()));
                json.key("entry").optional(name(*entry));
                json.key("verdict").optional(None::<u64>);
                let last = login.as_ref().map(|login| login.stamp.millis);
                write_figures(json, context, *since, last, (failures.count, failures));
                json.key("outageMinutes").value(minutes.cast_unsigned());
            }
        }
    });
    json.finish()
}

fn write_figures(
    json: &mut Json,
    context: &Context<'_>,
    since: i64,
    last: Option<i64>,
    (attempts, failures): (u64, &crate::analysis::watch::Failures),
) {
    json.key("silentSince").value(Text(context.time(since)));
    json.key("lastLogin").optional(last.map(|last| Text(context.format.print(last))));
    json.key("attempts").value(attempts);
    json.key("failed").value(failures.count);
    json.key("lastReason").optional((failures.count > 0).then(|| Text(text(&failures.reason))));
}

/// The threshold that would have raised no alert for an account, as one line of text.
pub fn write_proposal_text(user: &[u8], silence: &Silence, context: &Context<'_>) -> String {
    let (name, minutes, logins) = (shown(user, Medium::Terminal), silence.minutes(), silence.logins);
    let (from, to) = (context.time(silence.from), context.time(silence.to));
    let gap = duration(silence.longest);
    let (minutes, logins) = (plural(minutes.into(), "minute", "minutes"), plural(logins as i64, "login", "logins"));
    format!("{name} : {minutes} (longest silence {gap}, from {from} to {to}; rests on {logins})\n")
}

/// The same as one JSON object on a line.
pub fn write_proposal_json(user: &[u8], silence: &Silence, context: &Context<'_>) -> String {
    let mut json = Json::compact();
    json.object(|json| {
        json.key("account").value(Text(text(user)));
        json.key("minutes").value(u64::from(silence.minutes()));
        json.key("longestSilenceSeconds").value(silence.longest as f64 / 1000.0);
        json.key("from").value(Text(context.time(silence.from)));
        json.key("to").value(Text(context.time(silence.to)));
        json.key("logins").value(silence.logins);
    });
    json.finish()
}

/// `1 h 2 min 3 s`, without what is nothing.
fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count} {unit}")).collect();
    if parts.is_empty() { "0 s".to_owned() } else { parts.join(" ") }
}
