//! `check`: whether the configuration and the log are what the daemon needs.

use std::fmt::Write;
use std::path::Path;

use jiff::tz::TimeZone;

use super::outbox::Class;
use super::pattern;
use super::post::Post;
use super::system::System;
use super::tail::Tail;
use super::world::World;
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::watch::{Entry, WEEKDAYS, Watch};
use crate::analysis::zones::Zones;
use crate::config::Config;
use crate::config::email::Security;
use crate::config::secret;
use crate::config::zone as zones;
use crate::limits::{LOOK_BACK_BYTES, PROMETHEUS_MS};
use crate::report::mail;
use crate::report::nearest::nearest_account;
use crate::report::safe::{Medium, shown};

/// Writes what was found; the second part says what makes the daemon useless, if anything does.
pub fn check(
    mut config: Config,
    zone: &TimeZone,
    system: &mut System,
    send_test_mail: bool,
) -> (String, Option<&'static str>) {
    let mut out = format!("Configuration : {}\n", config.file);
    for warning in &config.warnings {
        add(&mut out, format_args!("WARNING : {warning}"));
    }
    let now = system.now();
    let watch = Watch::new(config.watched.clone(), zone.clone(), now);
    let mut analyzer =
        Analyzer::new(Settings { zone: config.log_time_zone.clone(), fallback: config.fallback.take(), watch, now });
    let mut well = true;
    let logs = pattern::expand(system, &config.logs);
    for (number, path) in logs.iter().enumerate() {
        if path == Path::new("-") {
            add(&mut out, format_args!("Log : standard input, when it is followed"));
            continue;
        }
        analyzer.switch_log(number as u32);
        well &= check_log((path, number as u32), &mut analyzer, system, &mut out);
    }
    for log in config.logs.iter().filter(|log| !logs.iter().any(|path| path == *log || pattern::matches(log, path))) {
        add(&mut out, format_args!("WARNING : {}: there is no such file yet", log.display()));
    }
    analyzer.tick(now);
    check_contents(&analyzer, now, &mut out);
    for (number, entry) in config.watched.iter().enumerate() {
        check_entry(&config, &analyzer, number, entry, now, &mut out);
    }
    if config.watched.is_empty() {
        add(&mut out, format_args!("WARNING : nobody is watched (file.usersToWatchAndThresholdInMinutes)"));
    }
    check_prometheus(&config, &mut out);
    let mailed = check_mail(&config, system, send_test_mail, now, &mut out);
    let unreadable = (!well).then_some("the log cannot be read");
    (out, unreadable.or(mailed.err()))
}

/// Where the figures go for Prometheus.
fn check_prometheus(config: &Config, out: &mut String) {
    let Some(path) = &config.prometheus_file else { return };
    add(
        out,
        format_args!("Prometheus : {}, every {} seconds and with every alert", path.display(), PROMETHEUS_MS / 1000),
    );
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let mend = "name the folder of the node exporter's textfile collector";
        add(out, format_args!("WARNING : prometheusFile : there is no folder {}; {mend}", folder.display()));
    }
}

/// How mail goes; and whether it does, if that is to be tried.
fn check_mail(
    config: &Config,
    system: &mut System,
    send: bool,
    now: i64,
    out: &mut String,
) -> Result<(), &'static str> {
    let Some(email) = &config.email else {
        add(out, format_args!("Mail : none (configuration.alertingEmail)"));
        return if send { Err("there is no configuration.alertingEmail to send a mail with") } else { Ok(()) };
    };
    let to: Vec<String> = email.to.iter().map(ToString::to_string).collect();
    let way = match email.security {
        Security::None => "",
        Security::StartTls => " with STARTTLS",
        Security::Tls => " with TLS",
    };
    let (server, port, time) = (&email.server, email.port, config.report_time);
    let alerts = if config.alert_by_email { "alerts, and the report of the day" } else { "the report of the day" };
    add(out, format_args!("Mail : {alerts} at {time}, to {} through {server}:{port}{way}", to.join(", ")));
    let text = |file: &Path| std::fs::read_to_string(file).map_err(|error| error.to_string());
    let login = email.login.as_ref().map(|(_, file)| file);
    let password = login.map_or(Ok(()), |file| check_password_file(file, send, out));
    let ca_file = email.ca_file.as_ref();
    let certificates = ca_file.map_or(Ok(()), |file| check_file("emailCaFile", file, text(file), out));
    password.and(certificates)?;
    if !send {
        return Ok(());
    }
    let zone = zones::local();
    let mut post = Post::new(system, config, &zone, now, std::process::id());
    let mail = mail::of_test(post.origin(), &config.date_time_format.print(Zones::new(zone).civil(now)));
    let letter = post.letter(email, mail, Class::Report, now, true);
    let host = post.origin().host.clone();
    match system.send(email, &letter, &host) {
        Ok(answer) => add(out, format_args!("Test mail : taken by {server}:{port}: {answer}")),
        Err(refusal) => {
            add(out, format_args!("ERROR : the test mail was not taken: {}", refusal.message));
            return Err("the test mail was not taken");
        }
    }
    Ok(())
}

/// What systemd hands to a service is there while that runs; before, it is no error that it is not.
fn check_password_file(file: &Path, is_needed: bool, out: &mut String) -> Result<(), &'static str> {
    if file.starts_with(secret::CREDENTIALS) && !file.exists() && !is_needed {
        let matter = "it is there only while the service runs; start it, and check again as root";
        add(out, format_args!("WARNING : emailPasswordFile {}: {matter}", file.display()));
        return Ok(());
    }
    check_file("emailPasswordFile", file, secret::read(file), out)
}

/// Whether a file that mail needs can be read.
fn check_file(key: &str, file: &Path, read: Result<String, String>, out: &mut String) -> Result<(), &'static str> {
    read.map(drop).map_err(|error| {
        add(out, format_args!("ERROR : {key} {}: {error}", file.display()));
        "a file that mail needs cannot be read"
    })
}

fn add(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{line}");
}

fn check_log((path, number): (&Path, u32), analyzer: &mut Analyzer, system: &mut System, out: &mut String) -> bool {
    let mut tail = Tail::new(path.to_owned(), number);
    let until = tail.end_place(system, 0).offset();
    match tail.begin(system, (LOOK_BACK_BYTES, until), analyzer) {
        Ok(()) => {
            tail.finish(analyzer);
            add(out, format_args!("Log : {}, can be read", path.display()));
            true
        }
        Err(error) => {
            let mend = "look whether pgbouncer writes there, and whether this user may read it";
            add(out, format_args!("ERROR : {}: {error}; {mend}", path.display()));
            false
        }
    }
}

fn check_contents(analyzer: &Analyzer, now: i64, out: &mut String) {
    let lines = analyzer.figures().lines();
    let version = analyzer.version().map_or("unknown (its start is not in the log)".to_owned(), |v| v.to_string());
    add(out, format_args!("pgbouncer : {version}"));
    let format = analyzer.format().map_or("unknown (no line yet)", |format| format.name());
    add(out, format_args!("Format : {format}"));
    let read = lines.understood + lines.fallback + lines.continuation + lines.foreign;
    let share = if lines.total == 0 { 100.0 } else { read as f64 * 100.0 / lines.total as f64 };
    add(out, format_args!("Lines : {}, of which {share:.2} % are understood", lines.total));
    if lines.unrecognised > 0 {
        let sample = shown(analyzer.figures().sample(), Medium::Terminal);
        add(out, format_args!("WARNING : {} lines are not understood; the first : {sample}", lines.unrecognised));
    }
    let total = analyzer.summary(now).total;
    let stats = analyzer.figures().traffic().total().lines;
    add(out, format_args!("Stats lines : {stats}"));
    add(
        out,
        format_args!(
            "Logins : {} of {} attempts, {} assumed, {} pending, {} failed",
            total.logins, total.attempts, total.assumed, total.pending, total.failed
        ),
    );
    if stats > 0 && total.attempts == 0 {
        add(out, format_args!("WARNING : stats but never a login: log_connections seems to be 0; set it to 1"));
    }
    if total.attempts > 0 && !analyzer.has_closings() {
        let matter = "logins but never a closing: log_disconnections seems to be 0, so no login can be found failed";
        add(out, format_args!("WARNING : {matter}; set it to 1"));
    }
    if analyzer.format().is_some_and(|format| !format.is_own_file()) {
        let matter =
            "the log is a syslog daemon's; if that does not escape control characters, a client can forge lines";
        add(out, format_args!("WARNING : {matter} (SECURITY.md)"));
    }
}

fn check_entry(config: &Config, analyzer: &Analyzer, number: usize, entry: &Entry, now: i64, out: &mut String) {
    let minutes = entry.minutes;
    let window = window(entry);
    add(out, format_args!("Watched : {}, at most {minutes} minutes without a login, {window}", entry.name));
    if let Some(login) = analyzer.last_login(number) {
        let time = config.date_time_format.print(login.stamp.millis);
        let host = shown(&login.host, Medium::Terminal);
        add(out, format_args!("  last login {time} from {host}"));
        return;
    }
    let summary = analyzer.summary(now);
    let hint = nearest_account(&entry.user, &summary).map_or(String::new(), |name| format!("; did you mean {name:?}?"));
    add(out, format_args!("  WARNING : never seen in this log{hint}"));
}

fn window(entry: &Entry) -> String {
    let window = &entry.window;
    let days: Vec<&str> =
        WEEKDAYS.iter().zip(window.days).filter(|(_, open)| *open).map(|((name, _), _)| *name).collect();
    let days = if days.len() == 7 { "every day".to_owned() } else { days.join(",") };
    if window.open == window.close {
        format!("always, {days}")
    } else {
        format!("from {} to {}, {days}", window.open, window.close)
    }
}
