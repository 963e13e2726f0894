//! The figures of the run in Prometheus' text format, for the textfile collector of the node exporter.
//!
//! What the log says is called `pgbouncer_log_…`, and where prometheus-community's pgbouncer_exporter has the same figure,
//! as there behind `pgbouncer_`; what this program says of itself is called `loganalyzer_…`. No series has a time of its
//! own: the collector refuses files that have. A file with the same series twice is refused as a whole, so names that look
//! the same, once made safe, are counted among the others.

use std::collections::{BTreeMap, BTreeSet};

use super::safe::{Medium, shown};
use crate::analysis::analyzer::Analyzer;
use crate::analysis::outages::Outage;
use crate::analysis::settled::Settled;
use crate::analysis::watch::{Entry, Verdict};
use crate::limits::{PROMETHEUS_ACCOUNTS, PROMETHEUS_REASONS};

/// What the program says of itself. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Its version.
    pub version: &'a str,
    /// When the run began.
    pub start: i64,
    /// When the log was looked at last: now.
    pub now: i64,
    /// Mails that wait.
    pub waiting: u64,
    /// Mails that somebody has got, and mails that were lost.
    pub mails: (u64, u64),
}

/// What was told of each counter. A login that is taken back, or a refusal that finds its better reason, would make one
/// fall, and a counter that falls is taken for one that began anew: so it stands still instead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters(BTreeMap<String, u64>);

impl Counters {
    /// What a file told that was written before, by an earlier life of the same run.
    pub fn read(text: &str) -> Self {
        let counter = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            let name = series.split('{').next()?;
            // Each has always the same number of decimals.
            let value: u64 = value.replace('.', "").parse().ok()?;
            name.ends_with("_total").then(|| (series.to_owned(), value))
        };
        Self(text.lines().filter_map(counter).collect())
    }

    fn rise(&mut self, series: &str, value: u64) -> u64 {
        match self.0.get_mut(series) {
            Some(told) => {
                *told = value.max(*told);
                *told
            }
            None => {
                self.0.insert(series.to_owned(), value);
                value
            }
        }
    }
}

/// What a value counts in.
#[derive(Clone, Copy)]
enum Unit {
    One = 0,
    Milliseconds = 3,
    Microseconds = 6,
}

/// The series of one name: labels and values, in the order of the labels.
type Rows = BTreeMap<String, u64>;

/// Writes one name after the other.
struct Writer<'a> {
    out: String,
    counters: &'a mut Counters,
}

impl Writer<'_> {
    /// All series of a name; `_total` is a counter.
    fn family(&mut self, name: &str, unit: Unit, help: &str, rows: Rows) {
        if rows.is_empty() {
            return;
        }
        let is_counter = name.ends_with("_total");
        let kind = if is_counter { " counter\n" } else { " gauge\n" };
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, kind] {
            self.out.push_str(part);
        }
        for (labels, value) in rows {
            let series = [name, &labels].concat();
            let value = if is_counter { self.counters.rise(&series, value) } else { value };
            self.out.push_str(&series);
            self.out.push(' ');
            self.out.push_str(&number(value, unit));
            self.out.push('\n');
        }
    }

    /// A name with one series without labels.
    fn single(&mut self, name: &str, unit: Unit, help: &str, value: u64) {
        self.family(name, unit, help, Rows::from([(String::new(), value)]));
    }
}

fn number(value: u64, unit: Unit) -> String {
    let decimals = unit as usize;
    let mut digits = value.to_string();
    if decimals > 0 {
        digits = "0".repeat((decimals + 1).saturating_sub(digits.len())) + &digits;
        digits.insert(digits.len() - decimals, '.');
    }
    digits
}

fn time(instant: i64) -> u64 {
    u64::try_from(instant).unwrap_or(0)
}

/// A label's value: nothing in it can end it, and control characters are seen.
fn safe(bytes: &[u8]) -> String {
    shown(bytes, Medium::Terminal).to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

/// `{name="value",…}`, of values that are safe already.
fn labels(labels: &[(&str, &str)]) -> String {
    let mut text = String::from("{");
    for (name, value) in labels {
        let comma = if text.len() > 1 { "," } else { "" };
        for part in [comma, name, "=\"", value, "\""] {
            text.push_str(part);
        }
    }
    text.push('}');
    text
}

fn add(rows: &mut Rows, key: String, value: u64) {
    *rows.entry(key).or_default() += value;
}

/// Writes the figures.
pub fn write(analyzer: &Analyzer, program: &Program<'_>, counters: &mut Counters) -> String {
    let mut writer = Writer { out: String::new(), counters };
    write_program(&mut writer, program, analyzer);
    write_watch(&mut writer, analyzer);
    write_log(&mut writer, analyzer);
    write_volumes(&mut writer, analyzer);
    write_accounts(&mut writer, analyzer, program.now);
    write_refused(&mut writer, analyzer);
    writer.out
}

fn write_program(writer: &mut Writer<'_>, program: &Program<'_>, analyzer: &Analyzer) {
    use Unit::{Milliseconds, One};
    let version = Rows::from([(labels(&[("version", &safe(program.version.as_bytes()))]), 1)]);
    writer.family("loganalyzer_build_info", One, "The version of loganalyzer.", version);
    let (start, now) = (time(program.start), time(program.now));
    writer.single("loganalyzer_start_time_seconds", Milliseconds, "When the run began that is counted.", start);
    writer.single("loganalyzer_last_tick_timestamp_seconds", Milliseconds, "When the log was last looked at.", now);
    writer.single("loganalyzer_outbox_mails", One, "Mails that wait for the mail server.", program.waiting);
    let (sent, lost) = program.mails;
    writer.single("loganalyzer_mails_sent_total", One, "Mails that the mail server took.", sent);
    writer.single("loganalyzer_mails_lost_total", One, "Mails that reached nobody.", lost);
    let outages = analyzer.figures().outages().count();
    writer.single("loganalyzer_outages_total", One, "Outages of entries and of the log that were alerted.", outages);
}

/// How an entry stands: of what was alerted and has not recovered, why.
fn state<'a>(lasting: &[&'a Outage], entry: &Entry, is_out: bool) -> &'a str {
    let own = lasting.iter().find(|outage| outage.entry.as_ref() == Some(&entry.name));
    if is_out { own.map_or(Verdict::Silent, |outage| outage.verdict).name() } else { "ok" }
}

fn write_watch(writer: &mut Writer<'_>, analyzer: &Analyzer) {
    let watch = analyzer.watch();
    let lasting: Vec<&Outage> = analyzer.figures().outages().list().filter(|outage| outage.until.is_none()).collect();
    let [mut thresholds, mut open, mut states, mut logins] = [(); 4].map(|()| Rows::new());
    for (number, entry) in watch.entries().iter().enumerate() {
        let name = safe(entry.name.as_bytes());
        let own = labels(&[("entry", &name)]);
        thresholds.insert(own.clone(), u64::from(entry.minutes) * 60);
        open.insert(own.clone(), u64::from(watch.is_open(number)));
        let is = state(&lasting, entry, watch.is_out(number));
        for state in ["ok", Verdict::Silent.name(), Verdict::Failing.name()] {
            states.insert(labels(&[("entry", &name), ("state", state)]), u64::from(is == state));
        }
        logins.extend(watch.last_login(number).map(|login| (own, time(login.at))));
    }
    let help = "How long a watched entry may be without a login inside its window.";
    writer.family("loganalyzer_watch_threshold_seconds", Unit::One, help, thresholds);
    writer.family("loganalyzer_watch_window_open", Unit::One, "Whether alerts can be raised for it now.", open);
    let help = "Which of its states is the entry's: silent and failing were alerted and have not recovered.";
    writer.family("loganalyzer_watch_state", Unit::One, help, states);
    let help = "The last login of a watched entry, also one from before the run.";
    writer.family("loganalyzer_watch_last_login_timestamp_seconds", Unit::Milliseconds, help, logins);
}

fn write_log(writer: &mut Writer<'_>, analyzer: &Analyzer) {
    let version = analyzer.version().map(|version| (labels(&[("version", &version.to_string())]), 1));
    let help = "The version that pgbouncer named when it came up.";
    writer.family("pgbouncer_log_version_info", Unit::One, help, version.into_iter().collect());
    let outages = [Verdict::LogSilent, Verdict::PgbouncerDown, Verdict::LogMissing, Verdict::LogUnreadable];
    let mut rows: Rows = outages.into_iter().map(|verdict| (labels(&[("verdict", verdict.name())]), 0)).collect();
    for (log, outage) in analyzer.log_outages() {
        let log = log.map(|log| safe(log.as_bytes()));
        let parts = [("log", log.as_deref().unwrap_or_default()), ("verdict", outage.verdict.name())];
        rows.insert(labels(&parts[usize::from(log.is_none())..]), 1);
    }
    let help = "Whether a log says nothing, and why: then nothing is known of its accounts.";
    writer.family("pgbouncer_log_outage", Unit::One, help, rows);
    let name_of = |log: Option<&str>| log.map_or_else(String::new, |log| labels(&[("log", &safe(log.as_bytes()))]));
    let last = analyzer.last_records().map(|(log, at)| (name_of(log), time(at)));
    let help = "When the log's last record was written.";
    let name = "pgbouncer_log_last_record_timestamp_seconds";
    writer.family(name, Unit::Milliseconds, help, last.collect());
    let lines = analyzer.figures().lines();
    let kinds = [
        ("understood", lines.understood),
        ("fallback", lines.fallback),
        ("continuation", lines.continuation),
        ("foreign", lines.foreign),
        ("unrecognised", lines.unrecognised),
        ("too_long", lines.too_long),
        ("unfinished", lines.unfinished),
    ];
    let kinds = kinds.map(|(kind, count)| (labels(&[("kind", kind)]), count));
    writer.family("pgbouncer_log_lines_total", Unit::One, "Lines by what they turned out to be.", kinds.into());
    let gaps = analyzer.figures().gaps();
    writer.single("pgbouncer_log_gaps_total", Unit::One, "How often lines of the log are missing.", gaps);
}

fn write_volumes(writer: &mut Writer<'_>, analyzer: &Analyzer) {
    use Unit::{Microseconds, One};
    let sums = analyzer.volumes();
    writer.single(
        "pgbouncer_log_stats_lines_total",
        One,
        "Stats lines: the figures below are summed up from them.",
        sums.lines,
    );
    for (name, unit, help, value) in [
        ("queries_pooled_total", One, "Queries.", sums.queries),
        ("queries_duration_seconds_total", Microseconds, "Time that servers spent on queries.", sums.query_us),
        ("received_bytes_total", One, "Bytes from clients.", sums.bytes_in),
        ("sent_bytes_total", One, "Bytes to clients.", sums.bytes_out),
        ("sql_transactions_pooled_total", One, "Transactions.", sums.transactions),
        ("server_in_transaction_seconds_total", Microseconds, "Time spent in transactions.", sums.transaction_us),
        ("client_wait_seconds_total", Microseconds, "Time that clients waited for a server.", sums.wait_us),
    ] {
        writer.single(&["pgbouncer_log_stats_", name].concat(), unit, help, value);
    }
}

/// What an account's series are called: nothing for those that count among the others.
fn account_labels(analyzer: &Analyzer, accounts: &[Settled<'_>]) -> Vec<String> {
    let watched: BTreeSet<&[u8]> = analyzer.watch().entries().iter().map(|entry| &entry.user[..]).collect();
    let (mut taken, mut room) = (BTreeSet::new(), PROMETHEUS_ACCOUNTS);
    let label = |account: &Settled<'_>| {
        let label = safe(account.user);
        let is_watched = watched.contains(account.user);
        if !is_watched && (room == 0 || account.attempts == 0) || !taken.insert(label.clone()) {
            return String::new();
        }
        room -= usize::from(!is_watched);
        label
    };
    accounts.iter().map(label).collect()
}

fn write_accounts(writer: &mut Writer<'_>, analyzer: &Analyzer, now: i64) {
    let accounts = analyzer.settled(now);
    let users = account_labels(analyzer, &accounts);
    let [mut attempts, mut logins, mut failures, mut last] = [(); 4].map(|()| Rows::new());
    let mut others = analyzer.other_accounts();
    for (account, user) in accounts.iter().zip(&users) {
        let own = labels(&[("user", user)]);
        others += u64::from(user.is_empty() && account.attempts > 0 && !account.user.is_empty());
        add(&mut attempts, own.clone(), account.attempts);
        add(&mut logins, own.clone(), account.logins);
        if !user.is_empty() {
            last.extend(account.last.map(|at| (own, time(at))));
        }
        add_failures(&mut failures, account, user);
    }
    let help = "Login attempts; without a user: of all other accounts.";
    writer.family("pgbouncer_log_login_attempts_total", Unit::One, help, attempts);
    let help = "Logins: attempts that got in, as soon as that is certain, or after 65 seconds.";
    writer.family("pgbouncer_log_logins_total", Unit::One, help, logins);
    let help = "Failed attempts; without a reason: for all other reasons.";
    writer.family("pgbouncer_log_login_failures_total", Unit::One, help, failures);
    let help = "The last login of an account in this run.";
    writer.family("pgbouncer_log_last_login_timestamp_seconds", Unit::Milliseconds, help, last);
    writer.single("pgbouncer_log_other_users", Unit::One, "How many accounts count as the others, about.", others);
    let open = analyzer.open_sessions() as u64;
    writer.single("pgbouncer_log_open_sessions", Unit::One, "Clients that are there, as far as the log says.", open);
}

fn add_failures(failures: &mut Rows, account: &Settled<'_>, user: &str) {
    let known = if user.is_empty() { 0 } else { account.reasons.len().min(PROMETHEUS_REASONS) };
    let mut left = account.failed;
    for (reason, count) in &account.reasons[..known] {
        left = left.saturating_sub(*count);
        add(failures, labels(&[("user", user), ("reason", &safe(reason))]), *count);
    }
    if left > 0 {
        add(failures, labels(&[("user", user), ("reason", "")]), left);
    }
}

fn write_refused(writer: &mut Writer<'_>, analyzer: &Analyzer) {
    let refusals = analyzer.figures().refusals();
    let mut rows = Rows::new();
    for (reason, count) in refusals.by_reason() {
        add(&mut rows, labels(&[("reason", &safe(reason))]), count);
    }
    add(&mut rows, labels(&[("reason", "")]), refusals.others());
    let help = "Clients that were turned away before they came to an attempt; without a reason: for all other reasons.";
    writer.family("pgbouncer_log_refused_connections_total", Unit::One, help, rows);
}
