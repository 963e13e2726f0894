//! The whole way, from the bytes of a log to its figures: the shortest way, the same by the grammar alone, and how the
//! cost of a byte changes with what is in the log.

#![allow(missing_docs, unused_crate_dependencies, reason = "criterion writes the main function")]

mod mix;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::pgbouncer::lines::{Line, Lines, Taker};
use mix::{Format, Mix};

/// Has no shortest way.
struct Grammar<'a>(&'a mut Analyzer);

impl Taker for Grammar<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.0.line(line);
    }
}

fn analyzer() -> Analyzer {
    let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 })
}

fn feed(log: &[u8], lines: &mut Lines, take: &mut dyn Taker) {
    for chunk in log.chunks(64 * 1024) {
        lines.push(chunk);
        lines.drain(take);
    }
}

type Group<'a> = BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn bench(group: &mut Group<'_>, name: &str, log: &[u8]) {
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function(name, |bencher| {
        let (mut analyzer, mut lines) = (analyzer(), Lines::new());
        bencher.iter(|| feed(log, &mut lines, &mut analyzer));
    });
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    let log = mix::log(Mix::BUSY, 3_000_000);
    bench(&mut group, "since 1.11", &log);
    bench(&mut group, "before 1.11", &mix::log(Mix { format: Format::Before111, ..Mix::BUSY }, 3_000_000));
    group.bench_function("by the grammar", |bencher| {
        let (mut analyzer, mut lines) = (analyzer(), Lines::new());
        bencher.iter(|| feed(&log, &mut lines, &mut Grammar(&mut analyzer)));
    });
    group.finish();
}

/// The cost of a byte must not grow with what is in the log.
fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("growth");
    let mut mixed = |name: &str, mix: Mix| bench(&mut group, name, &mix::log(mix, 3_000_000));
    mixed("one account, one address", Mix { users: 1, databases: 1, addresses: 1, ..Mix::BUSY });
    mixed("more accounts than fit", Mix { users: 5000, databases: 300, ..Mix::BUSY });
    mixed("a million addresses", Mix { addresses: 1_000_000, ..Mix::BUSY });
    mixed("long names", Mix { name: 60, ..Mix::BUSY });
    mixed("ten thousand clients", Mix { clients: 20_000, ..Mix::BUSY });
    let head = b"2026-11-01 00:00:00.496 UTC [4711] LOG C-0x55d0a1b5a680: ";
    for (name, fill) in [("all @", b"@".repeat(90)), ("all /", b"/".repeat(90)), ("4 KiB of @", b"@".repeat(4000))] {
        bench(&mut group, name, &[&head[..], &fill, b"\n"].concat().repeat(3_000_000 / (head.len() + fill.len())));
    }
    bench(
        &mut group,
        "nobody's lines",
        &b"nobody knows what this is: it has some words in it, and no header\n".repeat(45_000),
    );
    group.finish();
}

criterion_group!(benches, pipeline, growth);
criterion_main!(benches);
