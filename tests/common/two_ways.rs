//! The shortest way for usual lines beside the grammar: what both know of a log.

use loganalyzer::analysis::analyzer::Analyzer;
use loganalyzer::kept;
use loganalyzer::limits::READ_SIZE;
use loganalyzer::pgbouncer::lines::{Line, Lines, Taker};

/// Has no shortest way: each line is read by the grammar.
struct Plain<'a>(&'a mut Analyzer);

impl Taker for Plain<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.0.line(line);
    }
}

/// Counts what goes the shortest way.
struct Counting<'a>(&'a mut Analyzer, u64);

impl Taker for Counting<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let _ = self.0.line(line);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let taken = self.0.usual(text, length);
        self.1 += taken as u64;
        taken
    }
}

/// Gives a text in chunks of these sizes, over and over.
fn feed(text: &[u8], sizes: &[usize], take: &mut dyn Taker) {
    let mut lines = Lines::new();
    for chunk in chunks(text, sizes) {
        lines.push(chunk);
        lines.drain(take);
    }
    lines.finish(take);
}

/// A text in chunks of these sizes, over and over; none is larger than a reader takes.
pub fn chunks<'a>(text: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = text;
    let mut chunks = Vec::new();
    for size in sizes.iter().cycle().map(|size| (*size).clamp(1, READ_SIZE)) {
        if rest.is_empty() {
            break;
        }
        let (chunk, behind) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = behind;
    }
    chunks
}

/// What an analyzer knows, as a state file has it, without its secrets.
fn known(analyzer: &Analyzer) -> serde_json::Value {
    let mut value = serde_json::from_str(&kept::text(analyzer)).expect("JSON");
    forget_secrets(&mut value);
    value
}

/// What is hashed with a secret is another number each time; how many there are is the same.
fn forget_secrets(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for secret in ["hasher", "bits"] {
                fields.remove(secret);
            }
            if let Some(serde_json::Value::Array(proven)) = fields.get_mut("proven") {
                *proven = vec![proven.len().into()];
            }
            fields.get_mut("prefix").map(forget_long_prefix);
            for list in ["table", "left_early"] {
                let sessions = fields.get_mut(list).and_then(serde_json::Value::as_array_mut);
                sessions.into_iter().flatten().for_each(forget_session);
            }
            fields.values_mut().for_each(forget_secrets);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(forget_secrets),
        _ => {}
    }
}

/// Its prefix, and its pool.
fn forget_session(session: &mut serde_json::Value) {
    assert_eq!(session.as_array().map(Vec::len), Some(11), "{session}");
    forget_long_prefix(&mut session[4]);
    session[7] = 0.into();
}

/// A length and bytes: of a long one, those of a hash.
fn forget_long_prefix(prefix: &mut serde_json::Value) {
    if prefix[0].as_u64().expect("a length") > 48 {
        prefix[1] = "".into();
    }
}

/// What the grammar makes of a text, and what the shortest way does; and how many bytes went that way.
fn both(text: &[u8], sizes: &[usize]) -> (serde_json::Value, serde_json::Value, u64) {
    let (mut plain, mut quick) = (super::analyzer(), super::analyzer());
    feed(text, &[READ_SIZE], &mut Plain(&mut plain));
    let mut counting = Counting(&mut quick, 0);
    feed(text, sizes, &mut counting);
    let usual = counting.1;
    (known(&plain), known(&quick), usual)
}

/// Where two values differ.
fn differences(left: &serde_json::Value, right: &serde_json::Value, at: &str) -> String {
    use serde_json::Value::{Array, Object};
    match (left, right) {
        (Object(left), Object(right)) => {
            left.iter().map(|(key, value)| differences(value, &right[key], &format!("{at}/{key}"))).collect()
        }
        (Array(left), Array(right)) if left.len() == right.len() => {
            let both = left.iter().zip(right).enumerate();
            both.map(|(place, (left, right))| differences(left, right, &format!("{at}/{place}"))).collect()
        }
        _ if left == right => String::new(),
        _ => format!("{at}: {left} and {right}; "),
    }
}

/// Compares what both know of a text that comes in chunks of these sizes; says how many bytes went the shortest way.
pub fn compare(text: &[u8], sizes: &[usize], what: &str) -> u64 {
    let (plain, quick, usual) = both(text, sizes);
    if plain != quick {
        // The line behind which they differ for the first time.
        let ends: Vec<usize> = memchr::memchr_iter(b'\n', text).map(|newline| newline + 1).collect();
        let first = ends.partition_point(|&end| {
            let (plain, quick, _) = both(&[&text[..end], b"x"].concat(), sizes);
            plain == quick
        });
        let end = ends.get(first).copied().unwrap_or(text.len());
        let begin = first.checked_sub(1).map_or(0, |before| ends[before]);
        let (plain, quick, _) = both(&[&text[..end], b"x"].concat(), sizes);
        let what = format!("{what}, in chunks of {sizes:?}: {}", differences(&plain, &quick, ""));
        panic!("{what}\n{}", String::from_utf8_lossy(&text[begin..end]));
    }
    usual
}
