//! Every capture of a real pgbouncer against the truth that was counted beside it.

mod common;

use common::{expected, logs, names, number, report, reported, truth};

#[test]
fn lines_stats_and_attempts_of_every_capture() {
    for name in names() {
        let (report, truth) = (report(&logs(&name)), truth(&name));
        let lines = &report["lines"];
        let sample = &lines["unrecognisedSample"];
        assert_eq!(number(lines, "unrecognised"), 0, "{name}: {sample}");
        assert_eq!(number(lines, "tooLong") + number(lines, "unfinished") + number(lines, "foreign"), 0, "{name}");
        assert_eq!(number(lines, "continuation"), number(&truth, "continuationLines"), "{name}: continuation lines");
        assert_eq!(number(&report["stats"], "lines"), number(&truth, "statsLines"), "{name}: stats lines");
        assert_eq!(number(&report["logins"], "attempts"), number(&truth, "attempts"), "{name}: attempts");
        assert_eq!(number(lines, "total"), number(lines, "understood") + number(lines, "continuation"), "{name}");
    }
}

#[test]
fn logins_and_failures_of_every_capture() {
    for name in names() {
        let (report, truth) = (report(&logs(&name)), truth(&name));
        assert_eq!(number(&report["logins"], "logins"), number(&truth, "logins"), "{name}: logins");
        assert_eq!(number(&report["logins"], "failed"), number(&truth, "failed"), "{name}: failed");
        assert_eq!(reported(&report, "from", "address"), expected(&truth, "address"), "{name}: by address");
        assert_eq!(reported(&report, "databases", "database"), expected(&truth, "database"), "{name}: by database");
    }
}
