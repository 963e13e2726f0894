//! The report as one JSON object. Its keys are stable: an added one is not a break.

use super::Report;
use super::filter;
use super::json_parts;
use super::json_writer::{Json, Text, text};
use crate::analysis::accounts::Tally;
use crate::analysis::summary::{AccountSummary, Breakdown, Summary};
use crate::pgbouncer::record::Stamp;

/// Writes the report, with a newline at its end.
pub fn write(report: &Report<'_>) -> String {
    let mut json = Json::default();
    json.object(|json| {
        write_period(json, report);
        filter::write_json(report, json);
        write_lines(json, report);
        write_stats(json, report);
        let total = &report.summary.total;
        json.key("logins").object(|json| {
            write_tally(json, total);
            json.key("failedUnknown").value(report.cannot_tell_failures());
            json.key("decidedByAge").value(report.pushed_out());
        });
        write_refused(json, report);
        json.key("accounts").array(&report.summary.accounts, |json, account| write_account(json, report, account));
        write_others(json, &report.summary);
        json.key("neverSeen").array(&report.never_seen(), |json, (name, nearest)| {
            json.object(|json| {
                json.key("entry").value(Text((*name).to_owned()));
                json.key("nearest").optional(nearest.clone().map(Text));
            });
        });
        json.key("gaps").value(report.figures.gaps());
        json_parts::write(json, report);
    });
    json.finish()
}

fn write_period(json: &mut Json, report: &Report<'_>) {
    let (from, to) = report.times().unzip();
    json.key("period").object(|json| {
        json.key("from").optional(from.map(Text));
        json.key("to").optional(to.map(Text));
    });
}

fn write_lines(json: &mut Json, report: &Report<'_>) {
    let lines = report.figures.lines();
    json.key("lines").object(|json| {
        json.key("total").value(lines.total);
        json.key("understood").value(lines.understood);
        json.key("fallback").value(lines.fallback);
        json.key("continuation").value(lines.continuation);
        json.key("foreign").value(lines.foreign);
        json.key("unrecognised").value(lines.unrecognised);
        json.key("tooLong").value(lines.too_long);
        json.key("unfinished").value(lines.unfinished);
        let sample = (lines.unrecognised > 0).then(|| Text(text(report.figures.sample())));
        json.key("unrecognisedSample").optional(sample);
    });
}

fn write_stats(json: &mut Json, report: &Report<'_>) {
    let total = report.figures.traffic().total();
    let averages = total.averages();
    let since = averages.and_then(|averages| averages.since_1_8);
    json.key("stats").object(|json| {
        json.key("lines").value(total.lines);
        json.key("averageRequestsPerSecond").optional(averages.map(|averages| averages.requests));
        json.key("averageBytesInPerSecond").optional(averages.map(|averages| averages.bytes_in));
        json.key("averageBytesOutPerSecond").optional(averages.map(|averages| averages.bytes_out));
        json.key("averageRequestSeconds").optional(averages.map(|averages| averages.request_seconds));
        json.key("averageTransactionsPerSecond").optional(since.map(|since| since.transactions));
        json.key("averageTransactionSeconds").optional(since.map(|since| since.transaction_seconds));
        json.key("averageWaitSeconds").optional(since.map(|since| since.wait_seconds));
    });
}

fn write_tally(json: &mut Json, tally: &Tally) {
    json.key("attempts").value(tally.attempts);
    json.key("logins").value(tally.logins);
    json.key("failed").value(tally.failed);
    json.key("pending").value(tally.pending);
    json.key("assumed").value(tally.assumed);
}

fn write_refused(json: &mut Json, report: &Report<'_>) {
    let refusals = report.figures.refusals();
    json.key("refused").object(|json| {
        json.key("total").value(refusals.total());
        json.key("byReason").array(&refusals.by_reason(), |json, (reason, count)| write_reason(json, reason, *count));
        if refusals.others() > 0 {
            json.key("others").value(refusals.others());
        }
    });
}

fn write_reason(json: &mut Json, reason: &[u8], count: u64) {
    json.object(|json| {
        json.key("reason").value(Text(text(reason)));
        json.key("count").value(count);
    });
}

fn write_account(json: &mut Json, report: &Report<'_>, account: &AccountSummary<'_>) {
    let time = |stamp: Option<Stamp>| stamp.map(|stamp| Text(report.format.print(stamp.millis)));
    json.object(|json| {
        json.key("user").value(Text(text(account.user)));
        json.key("firstLogin").optional(time(account.first));
        json.key("lastLogin").optional(time(account.last));
        write_tally(json, &account.tally);
        json.key("failedByReason")
            .array(&account.reasons.rows(), |json, (reason, row)| write_reason(json, reason, row.failed));
        write_breakdown(json, "from", "address", &account.from);
        write_breakdown(json, "databases", "database", &account.databases);
        write_account_others(json, account);
    });
}

fn write_breakdown(json: &mut Json, key: &str, name: &str, breakdown: &Breakdown<'_>) {
    json.key(key).array(&breakdown.rows(), |json, (item, row)| {
        json.object(|json| {
            json.key(name).value(Text(text(item)));
            json.key("logins").value(row.logins);
            json.key("failed").value(row.failed);
        });
    });
}

/// What did not fit a table of this account, where there is any.
fn write_account_others(json: &mut Json, account: &AccountSummary<'_>) {
    let parts = [("from", &account.from), ("databases", &account.databases), ("failedByReason", &account.reasons)];
    if parts.iter().all(|(_, part)| part.others.is_empty()) {
        return;
    }
    json.key("others").object(|json| {
        for (key, part) in parts {
            json.key(key).object(|json| {
                json.key("logins").value(part.others.logins);
                json.key("failed").value(part.others.failed);
            });
        }
    });
}

fn write_others(json: &mut Json, summary: &Summary) {
    let others = &summary.others;
    json.key("others").object(|json| {
        json.key("accounts").value(summary.other_accounts);
        json.key("attempts").value(others.attempts);
        json.key("logins").value(others.logins);
        json.key("failed").value(others.failed);
    });
}
