//! Command line → command → exit status: 0 done, 1 failed, 2 wrong usage or configuration.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::filter::Filter;
use crate::analysis::watch::Watch;
use crate::cli::{self, Arguments, Command, Format};
use crate::config::{Config, zone};
use crate::report::paint::Style;
use crate::report::time::TimeFormat;
use crate::report::{Report, csv, json, page, text};
use crate::runtime::batch::Logs;
use crate::runtime::daemon::{Daemon, Options};
use crate::runtime::replay::{self, Replay};
use crate::runtime::span::{self, Moment};
use crate::runtime::system::System;
use crate::runtime::world::World;
use crate::runtime::{check, pattern};

/// Why the program ends without having done its work.
enum Failure {
    /// It could not.
    Failed(String),
    /// It was asked or configured wrongly.
    Wrong(String),
}

/// The whole program.
pub fn main() -> ExitCode {
    let result = cli::parse(std::env::args_os().skip(1))
        .map_err(|message| Failure::Wrong(format!("{message}\n{}", cli::HELP.trim_end())))
        .and_then(|arguments| run(&arguments));
    let (message, status) = match result {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => (message, 1),
        Err(Failure::Wrong(message)) => (message, 2),
    };
    // Nobody to tell where standard error is closed.
    let _ = writeln!(io::stderr(), "loganalyzer: {message}");
    ExitCode::from(status)
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Help => print(cli::HELP),
        Command::Version => print(&format!("loganalyzer {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Follow => follow(arguments),
        Command::Report(files) => report(arguments, files),
        Command::Replay(files) => replay(arguments, files),
        Command::Check => run_check(arguments),
    }
}

/// A reader that has closed its end (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Failed(error.to_string())),
        _ => Ok(()),
    }
}

/// A report as text, part by part.
fn print_text(report: &Report<'_>) -> Result<(), Failure> {
    let mut result = Ok(());
    text::write_parts(report, style(), &mut |part| {
        if result.is_ok() {
            result = print(part);
        }
    });
    result
}

/// What is written into a text as a whole.
fn print_whole(write: impl FnOnce(&mut String) -> std::fmt::Result) -> Result<(), Failure> {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text);
    print(&text)
}

fn follow(arguments: &Arguments) -> Result<(), Failure> {
    let config = load(arguments)?;
    warn(&config.warnings);
    let mut system = system()?;
    let options = Options { verbose: arguments.verbose, style: style(), pid: std::process::id() };
    Daemon::start(&mut system, config, &zone::local(), options).run(&mut system);
    Ok(())
}

fn report(arguments: &Arguments, files: &[PathBuf]) -> Result<(), Failure> {
    // A report needs no configuration, but honours one that is there.
    let config = load_if(files.is_empty(), arguments)?;
    let is_configured = files.is_empty();
    let files = match (&config, files) {
        (Some(config), []) => &config.logs,
        _ => files,
    };
    let mut system = system()?;
    let now = system.now();
    // What is named is a name, and no pattern.
    let files = if is_configured { pattern::expand(&mut system, files) } else { files.to_vec() };
    if files.is_empty() {
        return Err(Failure::Failed("there is no file of the name that file.fileName has".to_owned()));
    }
    let (zone, fallback, format, mut watched) = match config {
        Some(config) => (config.log_time_zone, config.fallback, config.date_time_format, config.watched),
        None => (zone::local(), None, TimeFormat::default(), Vec::new()),
    };
    if arguments.format == Format::Text {
        // The text has always been without.
        watched.clear();
    }
    let filter = filter(arguments);
    watched.retain(|entry| filter.wants_entry(entry));
    let is_watched = !watched.is_empty();
    let mut watch = Watch::new(watched, zone::local(), i64::MAX);
    watch.keep_timelines();
    let mut analyzer = Analyzer::new(Settings { zone: zone.clone(), fallback, watch, now });
    analyzer.filter(filter);
    let logs = Logs { paths: &files, zone: &zone, now, span: &arguments.span };
    let read = if is_watched { replay::observe } else { span::count };
    read(&mut analyzer, &logs).map_err(Failure::Failed)?;
    let report = Report::complete(&analyzer, &format);
    match arguments.format {
        Format::Text => print_text(&report),
        Format::Json => print(&json::write(&report)),
        Format::Html => print(&page::write(&report)),
        Format::Csv(table) => print_whole(|out| csv::write(&report, table, out)),
    }
}

/// What of a log is to be counted.
fn filter(arguments: &Arguments) -> Filter {
    let text = |moment: &Option<Moment>| moment.as_ref().map(|moment| moment.text().to_owned());
    let Arguments { span, user, database, .. } = arguments;
    Filter { from: text(&span.from), to: text(&span.to), user: user.clone(), database: database.clone() }
}

/// What a log would have raised. Without a configuration only thresholds can be proposed, for windows that are always
/// open.
fn replay(arguments: &Arguments, files: &[PathBuf]) -> Result<(), Failure> {
    let config = load_if(!arguments.propose || files.is_empty(), arguments)?;
    let is_json = arguments.format == Format::Json;
    let setup = Replay::new(config, files, arguments.propose, is_json).within(arguments.span.clone());
    warn(&setup.warnings);
    let text = setup.run(&zone::local(), system()?.now()).map_err(Failure::Failed)?;
    print(&text)
}

fn run_check(arguments: &Arguments) -> Result<(), Failure> {
    let (text, failure) = check::check(load(arguments)?, &zone::local(), &mut system()?, arguments.send_test_mail);
    print(&text)?;
    failure.map_or(Ok(()), |failure| Err(Failure::Failed(failure.to_owned())))
}

fn system() -> Result<System, Failure> {
    System::new().map_err(|error| Failure::Failed(error.to_string()))
}

fn style() -> Style {
    let terminal = io::stdout().is_terminal();
    let colors = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { colors, terminal }
}

/// The configuration that is there where none was named.
fn find() -> Option<PathBuf> {
    const PLACES: [&str; 2] = ["LogAnalyzer.json", "/etc/loganalyzer/LogAnalyzer.json"];
    PLACES.iter().map(PathBuf::from).find(|path| path.exists())
}

/// The configuration, if it is needed or there is one.
fn load_if(needed: bool, arguments: &Arguments) -> Result<Option<Config>, Failure> {
    let wanted = needed || arguments.config.is_some() || find().is_some();
    if wanted { load(arguments).map(Some) } else { Ok(None) }
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(io::stderr(), "loganalyzer: {warning}");
    }
}

fn load(arguments: &Arguments) -> Result<Config, Failure> {
    let none = "there is no ./LogAnalyzer.json and no /etc/loganalyzer/LogAnalyzer.json; name one with --config FILE";
    let path = arguments.config.clone().or_else(find).ok_or_else(|| Failure::Wrong(none.to_owned()))?;
    let name = path.display().to_string();
    let text = std::fs::read_to_string(&path).map_err(|error| Failure::Wrong(format!("{name}: {error}")))?;
    Config::parse(&name, &text).map_err(|error| Failure::Wrong(error.to_string()))
}
