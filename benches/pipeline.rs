//! The whole way, from the bytes of a log to its figures.

#![allow(missing_docs, unused_crate_dependencies, reason = "criterion writes the main function")]

mod mix;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::pgbouncer::lines::Lines;

fn benches(criterion: &mut Criterion) {
    let log = mix::log(20_000);
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("figures", |bencher| {
        let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
        let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
        let mut lines = Lines::new();
        bencher.iter(|| {
            for chunk in log.chunks(64 * 1024) {
                lines.push(chunk);
                while let Some(line) = lines.next_line() {
                    analyzer.line(&line);
                }
            }
        });
    });
    group.finish();
}

criterion_group!(pipeline, benches);
criterion_main!(pipeline);
