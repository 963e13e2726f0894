//! Any split of a log into chunks gives the same lines, and the same knowledge by the shortest way as by the grammar.

use arbitrary::{Arbitrary, Unstructured};
use loganalyzer::limits::LINE_MAX;
use loganalyzer::pgbouncer::lines::{Kind, Line, Lines};

use crate::common::two_ways::{chunks, compare};

#[derive(Arbitrary)]
struct Input<'a> {
    sizes: [u8; 4],
    text: &'a [u8],
}

pub fn run(bytes: &[u8]) {
    let Ok(Input { sizes, text }) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    // A line that is too long is longer than what a fuzzer tries.
    let stretched = (sizes[3] >= 192).then(|| stretch(text));
    let text = stretched.as_deref().unwrap_or(text);
    let sizes = super::sizes(sizes);
    assert_eq!(lines(text, &sizes), plain_lines(text), "in chunks of {sizes:?}: {}", text.escape_ascii());
    compare(text, &sizes, "a fuzzed log");
}

/// A vertical tab stands for nearly as many bytes as a line may have.
fn stretch(text: &[u8]) -> Vec<u8> {
    let mut parts = text.splitn(3, |&byte| byte == 0x0b);
    let first = parts.next().unwrap_or_default();
    parts.fold(first.to_vec(), |stretched, part| [stretched, vec![b'x'; LINE_MAX - 10], part.to_vec()].concat())
}

/// Bytes, kind and offset of each line.
type Seen = Vec<(Vec<u8>, Kind, u64)>;

fn lines(text: &[u8], sizes: &[usize]) -> Seen {
    let (mut lines, mut seen) = (Lines::new(), Seen::new());
    let mut take = |line: &Line<'_>| seen.push((line.bytes.to_vec(), line.kind, offset(line.kind, line.offset)));
    for chunk in chunks(text, sizes) {
        lines.push(chunk);
        lines.drain(&mut take);
    }
    lines.finish(&mut take);
    seen
}

/// Where a line begins that is too long is forgotten before its end comes.
fn offset(kind: Kind, offset: u64) -> u64 {
    if kind == Kind::TooLong { 0 } else { offset }
}

/// The same without chunks: the text is cut at its newlines, and each line looks at the next one.
fn plain_lines(text: &[u8]) -> Seen {
    let is_more = |line: &[u8]| line.starts_with(b"\t") || line.starts_with(b" ");
    let all: Vec<&[u8]> = text.split(|&byte| byte == b'\n').collect();
    let (mut seen, mut begin) = (Seen::new(), 0);
    for (place, line) in all.iter().enumerate() {
        let kind = match all.get(place + 1) {
            _ if line.len() > LINE_MAX => Kind::TooLong,
            None => Kind::Unfinished,
            Some(_) if is_more(line) => Kind::Continuation,
            Some(next) if is_more(next) => Kind::Cut,
            Some(_) => Kind::Whole,
        };
        let kept = if kind == Kind::TooLong { &[][..] } else { line };
        if kind != Kind::Unfinished || !line.is_empty() {
            seen.push((kept.to_vec(), kind, offset(kind, begin)));
        }
        begin += line.len() as u64 + 1;
    }
    seen
}
