//! What went through pgbouncer, by time.

use super::Page;
use super::chart::{Chart, Line, Units, said};
use crate::analysis::traffic::Averages;
use crate::report::Report;

const COUNTS: &Units = &[("/s", 1.0), ("k/s", 1e3), ("M/s", 1e6), ("G/s", 1e9)];
const BYTES: &Units = &[("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9)];
const SECONDS: &Units = &[("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
const WAITS: &Units = &[("µs/s", 1e-6), ("ms/s", 1e-3), ("s/s", 1.0)];

/// A figure of the stats: its name, its key in JSON, and where it is.
type Figure = (&'static str, &'static str, fn(&Averages) -> Option<f64>);

/// A chart: its title, its units and its lines.
const CHARTS: [(&str, &Units, &[Figure]); 4] = [
    (
        "Requests and transactions per second",
        COUNTS,
        &[
            ("requests", "requestsPerSecond", |averages| Some(averages.requests as f64)),
            ("transactions", "transactionsPerSecond", |averages| Some(averages.since_1_8?.transactions as f64)),
        ],
    ),
    (
        "Bytes per second, from and to clients",
        BYTES,
        &[
            ("bytes out", "bytesOutPerSecond", |averages| Some(averages.bytes_out as f64)),
            ("bytes in", "bytesInPerSecond", |averages| Some(averages.bytes_in as f64)),
        ],
    ),
    (
        "Duration of a request and of a transaction",
        SECONDS,
        &[
            ("request", "requestSeconds", |averages| Some(averages.request_seconds)),
            ("transaction", "transactionSeconds", |averages| Some(averages.since_1_8?.transaction_seconds)),
        ],
    ),
    (
        "Waiting for a server, of all clients, per second",
        WAITS,
        &[("wait", "waitSeconds", |averages| Some(averages.since_1_8?.wait_seconds))],
    ),
];

/// Writes the section.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    page.section("traffic", "Traffic");
    let Some(total) = report.figures.traffic().total().averages() else {
        page.say(
            "There are no stats in this log: <code>log_stats</code> is off, or the log is shorter than its period.",
        );
        return;
    };
    write_averages(&total, page);
    let series = report.figures.traffic().series();
    let minutes = series.width();
    page.put("<div class=\"figures\">\n");
    for (title, units, figures) in CHARTS {
        let values = |figure: &Figure| series.iter().map(|(_, sums)| figure.2(&sums.averages()?)).collect();
        let line = |(figure, class): (&Figure, &'static str)| {
            let (name, key, _) = *figure;
            Line { name, key, class, values: values(figure) }
        };
        let lines: Vec<Line> = figures.iter().zip(["a", "b"]).map(line).collect();
        let at = series.iter().map(|(minute, _)| (report.local)(minute * 60_000)).collect();
        // Where the stats come more seldom than the buckets, the next one is due a period later.
        let longest = (minutes * 60_000).max(report.analyzer.stats_period().milliseconds()) * 3 / 2;
        let chart = Chart { title, units, at, width: minutes * 60_000, longest, lines };
        chart.write(report.period, page);
    }
    page.put("</div>\n");
    if minutes > 1 {
        page.note(format_args!("Each point is the average over {minutes} minutes."));
    }
    if total.since_1_8.is_none() {
        page.say("This pgbouncer is older than 1.8 and says nothing of transactions and of waiting.");
    }
}

/// The averages over all of the period.
fn write_averages(total: &Averages, page: &mut Page) {
    page.put("<dl class=\"tiles small\">");
    for (_, units, figures) in CHARTS {
        for (name, _, figure) in figures {
            if let Some(figure) = figure(total) {
                page.add(format_args!("<div><dt>{name}, mean</dt><dd>{}</dd></div>", said(figure, units)));
            }
        }
    }
    page.put("</dl>\n");
}
