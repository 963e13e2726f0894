//! Captures with their truth, and what an analyzer makes of a log.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::pgbouncer::lines::{Line, Lines};
use loganalyzer::report::Report;
use loganalyzer::report::time::TimeFormat;
use serde_json::Value;

/// The folder of the captures.
pub fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures")
}

/// Reads a file of a capture, compressed or not.
pub fn read(path: &Path) -> Vec<u8> {
    let packed = PathBuf::from(format!("{}.gz", path.display()));
    let mut bytes = Vec::new();
    if packed.exists() {
        let file = std::fs::File::open(&packed).expect("the capture");
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
    } else {
        bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    bytes
}

/// The truth of a capture.
pub fn truth(name: &str) -> Value {
    let text = std::fs::read(captures().join(name).join("truth.json")).expect("truth.json");
    serde_json::from_slice(&text).expect("JSON")
}

/// The log files of a capture in the order of time, pgbouncer's own ones.
pub fn logs(name: &str) -> Vec<Vec<u8>> {
    let folder = captures().join(name);
    let rotated = ["pgbouncer.log.2", "pgbouncer.log.1", "pgbouncer.log"];
    let there = |file: &&&str| folder.join(file).exists() || folder.join(format!("{file}.gz")).exists();
    rotated.iter().filter(there).map(|file| read(&folder.join(file))).collect()
}

/// The same run in the files of syslog daemons, where a capture has them.
pub fn syslogs(name: &str) -> Vec<Vec<u8>> {
    let files = ["syslog_iso.log", "syslog_rfc5424.log", "syslog_traditional.log"];
    let paths = files.iter().map(|file| captures().join(name).join(file));
    let there = |path: &PathBuf| path.exists() || PathBuf::from(format!("{}.gz", path.display())).exists();
    paths.filter(there).map(|path| read(&path)).collect()
}

/// The names of all captures.
pub fn names() -> Vec<String> {
    let entries = std::fs::read_dir(captures()).expect("tests/data/captures");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// An analyzer that watches nothing, for a log in UTC, in the year of the captures.
pub fn analyzer() -> Analyzer {
    let now = "2026-11-23T00:00:00Z".parse::<jiff::Timestamp>().expect("a time").as_millisecond();
    let watch = Watch::new(Vec::new(), TimeZone::UTC, now);
    Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now })
}

/// Gives every line of `text` to `take`, in chunks of `size` bytes.
pub fn each_line(text: &[u8], size: usize, mut take: impl FnMut(&Line<'_>)) {
    let mut lines = Lines::new();
    for chunk in text.chunks(size) {
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            take(&line);
        }
    }
    lines.finish(&mut take);
}

/// Feeds an analyzer with whole files.
pub fn feed(analyzer: &mut Analyzer, files: &[Vec<u8>]) {
    for file in files {
        each_line(file, 64 * 1024, |line| {
            analyzer.line(line);
        });
    }
}

/// The JSON report on whole files.
pub fn report(files: &[Vec<u8>]) -> Value {
    let mut analyzer = analyzer();
    feed(&mut analyzer, files);
    json(&analyzer)
}

/// The JSON report of an analyzer on complete logs.
pub fn json(analyzer: &Analyzer) -> Value {
    let format = TimeFormat::default();
    let text = loganalyzer::report::json::write(&Report::complete(analyzer, &format));
    serde_json::from_str(&text).expect("the report is JSON")
}

/// (attempts, logins, failed) by something.
pub type Figures = BTreeMap<(String, String), (u64, u64)>;

/// A number of a JSON object.
pub fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} in {value}"))
}

/// A string of a JSON object.
pub fn string(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}")).to_owned()
}

/// What the truth has by user and `key`: (logins, failed).
pub fn expected(truth: &Value, key: &str) -> Figures {
    let mut figures = Figures::new();
    for row in truth["byKey"].as_array().expect("byKey") {
        let figure = figures.entry((string(row, "user"), string(row, key))).or_default();
        figure.0 += number(row, "logins");
        figure.1 += number(row, "failed");
    }
    figures.retain(|_, figure| *figure != (0, 0));
    figures
}

/// What a report has by user and `key` in its list `list`: (logins, failed).
pub fn reported(report: &Value, list: &str, key: &str) -> Figures {
    let mut figures = Figures::new();
    for account in report["accounts"].as_array().expect("accounts") {
        for row in account[list].as_array().expect(list) {
            figures.insert((string(account, "user"), string(row, key)), (number(row, "logins"), number(row, "failed")));
        }
    }
    figures
}
