//! The parts of the JSON report that came after the first: what happened by time, and what is no client's.

use super::Report;
use super::json_writer::{Json, Text, text};
use crate::analysis::durations::Durations;
use crate::analysis::hours::Day;
use crate::analysis::kinds::Kinds;

fn quoted(text: &str) -> Text {
    Text(text.to_owned())
}

/// Writes them, as keys of the report's object.
pub(super) fn write(json: &mut Json, report: &Report<'_>) {
    json.key("pgbouncerVersion").optional(report.analyzer.version().map(|version| Text(version.to_string())));
    write_series(json, report);
    write_hours(json, report);
    json.key("sessions").object(|json| {
        json.key("closed").value(report.figures.durations().count());
        write_durations(json, report.figures.durations());
    });
    write_warnings(json, report);
    write_servers(json, report);
    write_events(json, report);
    write_outages(json, report);
    write_watched(json, report);
}

/// When it was, for people and for programs; an instant in milliseconds since 1970-01-01 UTC.
fn write_time(json: &mut Json, report: &Report<'_>, instant: i64) {
    json.key("at").value(Text(report.time(instant)));
    json.key("unixTime").value(instant.div_euclid(1000));
}

fn write_series(json: &mut Json, report: &Report<'_>) {
    let series = report.figures.traffic().series();
    json.key("series").object(|json| {
        json.key("minutes").value(series.width());
        json.key("points").rows(series.iter(), |json, (minute, sums)| {
            write_time(json, report, minute * 60_000);
            json.key("lines").value(sums.lines);
            let averages = sums.averages();
            let since = averages.and_then(|averages| averages.since_1_8);
            json.key("requestsPerSecond").optional(averages.map(|averages| averages.requests));
            json.key("bytesInPerSecond").optional(averages.map(|averages| averages.bytes_in));
            json.key("bytesOutPerSecond").optional(averages.map(|averages| averages.bytes_out));
            json.key("requestSeconds").optional(averages.map(|averages| averages.request_seconds));
            json.key("transactionsPerSecond").optional(since.map(|since| since.transactions));
            json.key("transactionSeconds").optional(since.map(|since| since.transaction_seconds));
            json.key("waitSeconds").optional(since.map(|since| since.wait_seconds));
        });
    });
}

fn write_hours(json: &mut Json, report: &Report<'_>) {
    let hours = report.hours();
    json.key("loginsByHour").object(|json| {
        json.key("hours").value(hours.all.total().width());
        json.key("total").rows(hours.all.total().iter(), |json, (hour, attempts)| {
            json.key("at").value(Text(report.format.print(hour * 3_600_000)));
            json.key("logins").value(attempts.logins());
            json.key("failed").value(attempts.failed);
        });
        json.key("accounts").rows(hours.accounts.iter(), |json, (user, day)| {
            json.key("user").value(Text(text(user)));
            write_day(json, day);
        });
        json.key("others").row(|json| write_day(json, hours.all.others()));
    });
}

/// The 24 hours of the day.
fn write_day(json: &mut Json, day: &Day) {
    json.key("logins").array(day, |json, hour| json.value(hour.logins()));
    json.key("failed").array(day, |json, hour| json.value(hour.failed));
}

fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn write_durations(json: &mut Json, durations: &Durations) {
    for (key, percent) in [("medianSeconds", 50), ("p90Seconds", 90), ("p99Seconds", 99)] {
        json.key(key).optional(durations.quantile(percent).map(seconds));
    }
    json.key("longestSeconds").optional((durations.count() > 0).then(|| seconds(durations.longest())));
    json.key("byDuration").rows(durations.by_power().into_iter(), |json, (below, count)| {
        json.key("belowSeconds").value(seconds(below));
        json.key("count").value(count);
    });
}

/// What is counted by kind: `first` and `last` are as the log has them.
fn write_kinds<T: PartialEq, const MOST: usize>(
    json: &mut Json,
    report: &Report<'_>,
    (list, name): (&str, &str),
    kinds: &Kinds<T, MOST>,
    of: impl Fn(&T) -> Option<&'static str>,
) {
    json.key(list).rows(kinds.by_count().into_iter(), |json, kind| {
        if let Some(of) = of(&kind.of) {
            json.key("level").value(quoted(of));
        }
        json.key(name).value(Text(text(&kind.text)));
        json.key("count").value(kind.count);
        json.key("first").value(Text(report.format.print(kind.first)));
        json.key("last").value(Text(report.format.print(kind.last)));
    });
    json.key("others").value(kinds.others());
}

fn write_warnings(json: &mut Json, report: &Report<'_>) {
    let warnings = report.figures.happenings().warnings();
    json.key("warnings").object(|json| {
        json.key("total").value(warnings.total());
        write_kinds(json, report, ("byKind", "text"), warnings, |level| Some(level.name()));
    });
}

fn write_servers(json: &mut Json, report: &Report<'_>) {
    let servers = report.figures.happenings().servers();
    json.key("servers").object(|json| {
        json.key("opened").value(servers.opened());
        json.key("closed").value(servers.reasons().total());
        write_kinds(json, report, ("closedByReason", "reason"), servers.reasons(), |()| None);
        json.key("lifetimes").object(|json| write_durations(json, servers.lifetimes()));
    });
}

fn write_events(json: &mut Json, report: &Report<'_>) {
    let happenings = report.figures.happenings();
    json.key("events").object(|json| {
        json.key("total").value(happenings.life_events());
        json.key("newest").rows(happenings.lives(), |json, event| {
            json.key("at").value(Text(report.format.print(event.millis)));
            json.key("pid").value(u64::from(event.pid));
            json.key("event").value(quoted(event.what.name()));
            json.key("version").optional(event.what.version().map(|version| Text(version.to_string())));
        });
    });
}

fn write_outages(json: &mut Json, report: &Report<'_>) {
    let outages = report.figures.outages();
    json.key("outages").object(|json| {
        json.key("total").value(outages.count());
        json.key("newest").rows(outages.list(), |json, outage| {
            json.key("entry").optional(outage.entry.as_deref().map(quoted));
            json.key("verdict").value(quoted(outage.verdict.name()));
            json.key("since").value(Text(report.time(outage.since)));
            json.key("until").optional(outage.until.map(|until| Text(report.time(until))));
            json.key("minutes").optional(outage.until.map(|_| outage.minutes));
        });
    });
}

fn write_watched(json: &mut Json, report: &Report<'_>) {
    json.key("watched").array(&report.watched(), |json, watched| {
        json.object(|json| {
            json.key("entry").value(quoted(watched.name));
            json.key("thresholdMinutes").value(u64::from(watched.minutes));
            json.key("windows").rows(watched.windows.iter(), |json, (from, to)| {
                json.key("from").value(Text(report.time(*from)));
                json.key("to").value(Text(report.time(*to)));
            });
            json.key("minutes").value(watched.timeline.width());
            json.key("points").rows(watched.timeline.iter(), |json, (minute, stretch)| {
                write_time(json, report, minute * 60_000);
                json.key("logins").value(stretch.logins);
                json.key("failed").value(stretch.failed);
            });
        });
    });
}
