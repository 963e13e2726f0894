//! The command line.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use crate::report::csv::Table;
use crate::runtime::span::{Moment, Span};

/// What `--help` prints.
pub const HELP: &str = "\
Usage: loganalyzer [OPTIONS]                    follow the log of the configuration
       loganalyzer [OPTIONS] report [FILE...]   report on complete logs (\"-\" is standard input; none: the configured file)
       loganalyzer [OPTIONS] replay [FILE...]   which alerts would complete logs have raised, by the log's own clock
       loganalyzer [OPTIONS] check              check configuration and log, say what would be watched
  -c, --config FILE   default: ./LogAnalyzer.json, then /etc/loganalyzer/LogAnalyzer.json
      --format FORMAT of a report or replay: text (default) or json; of a report also html, csv or csv:TABLE
      --from TIME     with report and replay: only from there on, by the clock: 2026-11-23, \"2026-11-23 14:00\", 14:00
      --to TIME       with report and replay: only before that, or to the end of that day
      --user NAME     with report: only this account's logins and refusals
      --database NAME with report: only those into this database
      --propose       with replay: for every account the least threshold that would have raised no alert
      --send-test-mail  with check: send a mail, and say what the mail server answered
  -V, --verbose       also print every stats line and login as it comes
  -v, --version
  -h, --help
";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Follow the log.
    Follow,
    /// Report on complete logs.
    Report(Vec<PathBuf>),
    /// Say which alerts complete logs would have raised.
    Replay(Vec<PathBuf>),
    /// Check configuration and log.
    Check,
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// As people know it.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For people: one page.
    Html,
    /// For spreadsheets: one table of the report.
    Csv(Table),
}

/// The command line, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// What is to be done.
    pub command: Command,
    /// The configuration that was named.
    pub config: Option<PathBuf>,
    /// `--verbose`.
    pub verbose: bool,
    /// `--format`.
    pub format: Format,
    /// `--from` and `--to`.
    pub span: Span,
    /// `--user`.
    pub user: Option<Vec<u8>>,
    /// `--database`.
    pub database: Option<Vec<u8>>,
    /// `--propose`.
    pub propose: bool,
    /// `--send-test-mail`.
    pub send_test_mail: bool,
}

/// Reads the arguments behind the program's name.
///
/// # Errors
///
/// What is wrong with them, as a sentence.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    use lexopt::prelude::{Long, Short, Value};
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut read = Arguments {
        command: Command::Follow,
        config: None,
        verbose: false,
        format: Format::Text,
        span: Span::default(),
        user: None,
        database: None,
        propose: false,
        send_test_mail: false,
    };
    let (mut from, mut to) = (None, None);
    while let Some(argument) = parser.next().map_err(told)? {
        match argument {
            Short('h') | Long("help") => return Ok(Arguments { command: Command::Help, ..read }),
            Short('v') | Long("version") => return Ok(Arguments { command: Command::Version, ..read }),
            Short('V') | Long("verbose") => read.verbose = true,
            Short('c') | Long("config") => {
                read.config = Some(parser.value().map_err(told)?.into());
            }
            Long("propose") => read.propose = true,
            Long("send-test-mail") => read.send_test_mail = true,
            Long("format") => read.format = parse_format(&parser.value().map_err(told)?)?,
            Long("from") => from = Some(parse_moment("--from", &parser.value().map_err(told)?)?),
            Long("to") => to = Some(parse_moment("--to", &parser.value().map_err(told)?)?),
            Long("user") => read.user = Some(parser.value().map_err(told)?.into_vec()),
            Long("database") => read.database = Some(parser.value().map_err(told)?.into_vec()),
            Value(value) => add_value(&mut read.command, value)?,
            other => return Err(other.unexpected().to_string()),
        }
    }
    read.span = Span::new(from, to)?;
    check(&read).map_or(Ok(read), |wrong| Err(wrong.to_owned()))
}

fn told(error: lexopt::Error) -> String {
    error.to_string()
}

/// An option of another command.
fn check(read: &Arguments) -> Option<&'static str> {
    let (is_report, is_replay) =
        (matches!(read.command, Command::Report(_)), matches!(read.command, Command::Replay(_)));
    let is_check = read.command == Command::Check;
    let wrong = [
        (read.format != Format::Text && !is_report && !is_replay, "--format goes with report and replay"),
        (matches!(read.format, Format::Csv(_) | Format::Html) && is_replay, "replay writes --format text or json"),
        (read.span.from.is_some() && !is_report && !is_replay, "--from goes with report and replay"),
        (read.span.to.is_some() && !is_report && !is_replay, "--to goes with report and replay"),
        (read.user.is_some() && !is_report, "--user goes with report"),
        (read.database.is_some() && !is_report, "--database goes with report"),
        (read.propose && !is_replay, "--propose goes with replay"),
        (read.send_test_mail && !is_check, "--send-test-mail goes with check"),
    ];
    wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, message)| message)
}

fn parse_moment(name: &str, value: &OsString) -> Result<Moment, String> {
    Moment::parse(&value.to_string_lossy()).map_err(|error| format!("{name}: {error}"))
}

fn parse_format(value: &OsString) -> Result<Format, String> {
    match value.to_str() {
        Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        Some("html") => Ok(Format::Html),
        Some("csv") => Ok(Format::Csv(Table::Accounts)),
        Some(name) if name.starts_with("csv:") => {
            let table = Table::named(&name["csv:".len()..]).map(Format::Csv);
            let names: Vec<&str> = Table::ALL.iter().map(|table| table.0).collect();
            table.ok_or_else(|| format!("--format {name}: write csv: and one of {}", names.join(", ")))
        }
        _ => Err(format!("--format {}: write text, json, html or csv", value.to_string_lossy())),
    }
}

fn add_value(command: &mut Command, value: OsString) -> Result<(), String> {
    match command {
        Command::Follow if value == "report" => *command = Command::Report(Vec::new()),
        Command::Follow if value == "replay" => *command = Command::Replay(Vec::new()),
        Command::Follow if value == "check" => *command = Command::Check,
        Command::Report(files) | Command::Replay(files) => files.push(value.into()),
        _ => {
            return Err(format!(
                "nobody knows the command {:?}: write report, replay or check",
                value.to_string_lossy()
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Arguments, String> {
        parse(words.iter().map(OsString::from))
    }

    #[test]
    fn commands_options_and_files_in_any_order() {
        let report = read(&["-c", "x.json", "report", "a.log", "--format", "json", "-"]).expect("right");
        assert_eq!(report.command, Command::Report(vec!["a.log".into(), "-".into()]));
        assert_eq!((report.config, report.format), (Some("x.json".into()), Format::Json));
        assert_eq!(read(&[]).map(|read| read.command), Ok(Command::Follow));
        assert_eq!(read(&["-V"]).map(|read| (read.command, read.verbose)), Ok((Command::Follow, true)));
        assert_eq!(read(&["-v"]).map(|read| read.command), Ok(Command::Version));
        let replay = read(&["replay", "--propose", "a.log"]).expect("right");
        assert_eq!((replay.command, replay.propose), (Command::Replay(vec!["a.log".into()]), true));
        assert_eq!(read(&["check", "--send-test-mail"]).map(|read| read.send_test_mail), Ok(true));
        let part = read(&["report", "--from", "2026-11-23", "--to", "14:00", "--user", "web", "--database=a b"])
            .expect("right");
        assert_eq!((part.user, part.database), (Some(b"web".to_vec()), Some(b"a b".to_vec())));
        assert_eq!(part.span.to.map(|to| to.text().to_owned()).as_deref(), Some("14:00"));
        assert_eq!(read(&["check"]).map(|read| read.command), Ok(Command::Check));
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (words, message) in [
            (&["reprot"][..], "nobody knows the command \"reprot\": write report, replay or check"),
            (&["--format", "xml"], "--format xml: write text, json, html or csv"),
            (
                &["--format", "csv:users"],
                "--format csv:users: write csv: and one of accounts, addresses, databases, failures, refused, series, hours, \
                 warnings, servers, events, outages",
            ),
            (&["--format", "csv", "replay"], "replay writes --format text or json"),
            (&["replay", "--format", "html"], "replay writes --format text or json"),
            (&["--format", "json"], "--format goes with report and replay"),
            (&["check", "--propose"], "--propose goes with replay"),
            (&["report", "--send-test-mail"], "--send-test-mail goes with check"),
            (
                &["report", "--from", "noon"],
                "--from: \"noon\" is no time; write 2026-11-23, \"2026-11-23 14:00\", \"2026-11-23 14:00:00\" or 14:00",
            ),
            (&["report", "--from", "14:00", "--to", "13:00"], "--from 14:00 is not before --to 13:00"),
            (&["check", "--to", "14:00"], "--to goes with report and replay"),
            (&["replay", "--user", "web"], "--user goes with report"),
            (&["--database", "app"], "--database goes with report"),
            (&["--frob"], "invalid option '--frob'"),
            (&["-c"], "missing argument for option '-c'"),
        ] {
            assert_eq!(read(words), Err(message.to_owned()));
        }
    }

    /// What `--help` knows: its options, long and short, and its commands.
    fn words_of_help() -> Vec<&'static str> {
        let words = HELP.split_whitespace().map(|word| word.trim_matches(['[', ']', ',']));
        let options = words.filter(|word| word.starts_with('-') && word.len() > 1);
        let mut words: Vec<&str> = options.chain(["report", "replay", "check"]).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    #[test]
    fn the_manual_and_every_completion_know_every_option() {
        let manual = include_str!("../packaging/loganalyzer.1").replace("\\-", "-");
        let bash = include_str!("../packaging/completions/loganalyzer.bash");
        let zsh = include_str!("../packaging/completions/_loganalyzer");
        let fish = include_str!("../packaging/completions/loganalyzer.fish");
        let has = |text: &str, word: &str| {
            text.split(|character: char| !character.is_ascii_alphanumeric() && character != '-').any(|w| w == word)
        };
        // With a letter before it, such as \fB, it is no word to split.
        let in_manual = |word: &str| manual.split(['\\', ' ', '\n']).any(|w| w.trim_start_matches("fB") == word);
        assert_eq!(words_of_help().len(), 18, "{:?}", words_of_help());
        for word in words_of_help() {
            assert!(in_manual(word), "{word} is not in packaging/loganalyzer.1");
            assert!(has(bash, word), "{word} is not in the completion of bash");
            assert!(has(zsh, word), "{word} is not in the completion of zsh");
            let option = match word.strip_prefix("--") {
                Some(long) => format!("-l {long} "),
                None => word.strip_prefix('-').map_or(format!("-a {word} "), |short| format!("-s {short} ")),
            };
            assert!(fish.contains(&option), "{word} is not in the completion of fish");
        }
        let version = concat!("\"loganalyzer ", env!("CARGO_PKG_VERSION"), "\"");
        let manuals = [manual.as_str(), include_str!("../packaging/LogAnalyzer.json.5")];
        assert!(manuals.iter().all(|manual| manual.contains(version)), "the manuals' version");
        let deb = concat!("loganalyzer (", env!("CARGO_PKG_VERSION"), "-1) ");
        assert!(include_str!("../packaging/deb/changelog").starts_with(deb), "the Debian package's version");
    }
}
