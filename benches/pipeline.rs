//! The whole way, from the bytes of a log to its figures: the shortest way, the same by the grammar alone, and how the
//! cost of a byte changes with what is in the log.

#![allow(missing_docs, unused_crate_dependencies, reason = "criterion writes the main function")]

mod mix;

use criterion::{BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
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
    measure(group, name, log);
}

fn measure(group: &mut Group<'_>, name: &str, log: &[u8]) {
    group.bench_function(name, |bencher| {
        bencher.iter_batched_ref(fresh, |(analyzer, lines)| feed(log, lines, analyzer), BatchSize::PerIteration);
    });
}

/// For each time anew: a log that is read twice is one whose clock was set back.
fn fresh() -> (Analyzer, Lines) {
    (analyzer(), Lines::new())
}

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    let log = mix::log(Mix::BUSY, 3_000_000);
    bench(&mut group, "since 1.11", &log);
    bench(&mut group, "before 1.11", &mix::log(Mix { format: Format::Before111, ..Mix::BUSY }, 3_000_000));
    group.bench_function("by the grammar", |bencher| {
        let feed = |(analyzer, lines): &mut _| feed(&log, lines, &mut Grammar(analyzer));
        bencher.iter_batched_ref(fresh, feed, BatchSize::PerIteration);
    });
    group.finish();
}

/// So much of each log that tables are full and stay so.
const BYTES: usize = 12_000_000;

/// The cost must grow with bytes and lines only, not with what is in them: `benches/growth` prints it as a table.
fn growth(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("growth");
    group.sample_size(20);
    let mut mixed = |name: &str, mix: Mix| bench_lines(&mut group, name, &mix::log(mix, BYTES as u64));
    mixed("busy", Mix::BUSY);
    mixed("one account", Mix { users: 1, databases: 1, ..Mix::BUSY });
    mixed("a full table of accounts", Mix { users: 1000, databases: 1, ..Mix::BUSY });
    mixed("more accounts than fit", Mix { users: 5000, databases: 300, ..Mix::BUSY });
    mixed("one address", Mix { addresses: 1, ..Mix::BUSY });
    mixed("a million addresses", Mix { addresses: 1_000_000, ..Mix::BUSY });
    mixed("short names", Mix { name: 1, users: 9, databases: 9, ..Mix::BUSY });
    mixed("long names", Mix { name: 60, ..Mix::BUSY });
    mixed("ten thousand open sessions", Mix { clients: 20_000, ..Mix::BUSY });
    for (name, line) in attacks() {
        bench_lines(&mut group, name, &line.repeat(BYTES / line.len()));
    }
    group.finish();
}

/// With the throughput in lines.
fn bench_lines(group: &mut Group<'_>, name: &str, log: &[u8]) {
    let lines = memchr::memchr_iter(b'\n', log).count();
    group.throughput(Throughput::ElementsAndBytes { elements: lines as u64, bytes: log.len() as u64 });
    measure(group, name, log);
}

/// Lines of who wants the reader to be busy.
fn attacks() -> Vec<(&'static str, Vec<u8>)> {
    let line = |fill: &[u8], length: usize| {
        [
            b"2026-11-01 00:00:00.496 UTC [4711] LOG C-0x55d0a1b5a680: ",
            &*fill.repeat((length / fill.len()).max(1)),
            b"\n",
        ]
        .concat()
    };
    let attempt = |fill: &[u8], length: usize| {
        let name = fill.repeat(length);
        line(&[b"d/", &*name, b"@10.0.0.1:1 login attempt: db=d user=", &*name, b" tls=no"].concat(), 1)
    };
    vec![
        ("unrecognised lines", line(b"nobody knows this ", 90)),
        ("lines without a head", b"nobody knows what this is: it has some words in it, and no header\n".to_vec()),
        ("all @", line(b"@", 90)),
        ("all /", line(b"/", 90)),
        ("a name of 100 @", attempt(b"@", 100)),
        ("a name of 100 /", attempt(b"/", 100)),
        ("4 KiB unrecognised", line(b"nobody knows this ", 4096)),
        ("4 KiB of @", line(b"@", 4096)),
        ("4 KiB of /", line(b"/", 4096)),
        ("4 KiB of login attempt", line(b"d/u@1.1.1.1:1 login attempt: db=d user=u ", 4096)),
        ("4 KiB of closing because", line(b"d/u@1.1.1.1:1 closing because: x (age=1s) ", 4096)),
    ]
}

criterion_group!(benches, pipeline, growth);
criterion_main!(benches);
