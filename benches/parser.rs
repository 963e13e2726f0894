//! Lines to records: the cutting, and the grammar.

#![allow(missing_docs, unused_crate_dependencies, reason = "criterion writes the main function")]

mod mix;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loganalyzer::pgbouncer::lines::Lines;
use loganalyzer::pgbouncer::parser::Parser;

fn benches(criterion: &mut Criterion) {
    let log = mix::log(mix::Mix::BUSY, 3_000_000);
    let lines: Vec<&[u8]> = log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let mut group = criterion.benchmark_group("parser");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("lines", |bencher| {
        bencher.iter(|| {
            let mut lines = Lines::new();
            for chunk in log.chunks(64 * 1024) {
                lines.push(chunk);
                while let Some(line) = lines.next_line() {
                    black_box(line);
                }
            }
        });
    });
    group.bench_function("grammar", |bencher| {
        let mut parser = Parser::new(0);
        bencher.iter(|| {
            for line in &lines {
                black_box(parser.parse(line));
            }
        });
    });
    group.finish();
}

criterion_group!(parser, benches);
criterion_main!(parser);
