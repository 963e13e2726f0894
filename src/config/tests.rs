use super::*;

const SEED: &str = include_str!("../../LogAnalyzer.json");

fn with(from: &str, to: &str) -> Result<Config, Error> {
    assert!(SEED.contains(from), "{from}");
    Config::parse("LogAnalyzer.json", &SEED.replace(from, to))
}

#[test]
fn the_configuration_of_2017_works_as_it_stands() {
    let config = Config::parse("LogAnalyzer.json", SEED).expect("it always did");
    assert_eq!(config.logs, [PathBuf::from("/var/log/postgresql/pgbouncer.log")]);
    assert_eq!(config.trailing_delay, Duration::from_secs(1));
    let watched: Vec<(&str, u32)> = config.watched.iter().map(|entry| (entry.name.as_str(), entry.minutes)).collect();
    assert_eq!(watched, [("postgres", 1), ("poc", 5)]);
    assert_eq!(config.watched[0].window.open, Time::constant(8, 0, 0, 0));
    assert!(config.alert_by_print && !config.alert_by_email && config.email.is_some());
    assert!(config.fallback.is_none(), "the documented expressions need none");
    assert_eq!(config.warnings, [""; 0]);
}

#[test]
fn an_error_names_file_key_what_was_found_and_the_mend() {
    for (from, to, message) in [
        ("1.0,", "\"x\",", "configuration.trailingDelay: found \"x\"; write a number without quotes"),
        ("1.0,", "-1,", "configuration.trailingDelay: found -1; write seconds between 0.01 and 3600, such as 1.0"),
        (
            "\"08:00:00\"",
            "\"8 o'clock\"",
            "configuration.windowOpenServiceDateTime: found \"8 o'clock\"; write a time as windowDateTimeFormat \
             (\"%H:%M:%S\") has it",
        ),
        (
            "\"alertingToUse\": \"print\"",
            "\"alertingToUse\": \"sms\"",
            "file.alertingToUse: found \"sms\"; write \"print\", \"email\" or \"print|email\"",
        ),
        (
            "postgres:1",
            "postgres",
            "file.usersToWatchAndThresholdInMinutes: found \"postgres,poc:5\"; write \"postgres:1,app/poc:5\", or an \
             object such as {\"postgres\": 1}, with whole minutes from 1 to 525600",
        ),
        (
            "\"trailingDelay\"",
            "\"prometheusFile\": \"/x/loganalyzer.txt\", \"trailingDelay\"",
            "configuration.prometheusFile: found \"/x/loganalyzer.txt\"; write the path of a file whose name ends with .prom, \
             in the folder of the node exporter's textfile collector, such as \
             \"/var/lib/prometheus/node-exporter/loganalyzer.prom\"",
        ),
        (
            "\"/var/log/postgresql/pgbouncer.log\"",
            "[\"a.log\", \"-\"]",
            "file.fileName: found [\"a.log\",\"-\"]; write \"-\", which is standard input, alone",
        ),
        ("\"file\"", "\"files\"", "file: it is missing; write a section: { … }"),
    ] {
        let error = with(from, to).expect_err(message);
        assert_eq!(error.to_string(), format!("LogAnalyzer.json: {message}"));
    }
    let error = Config::parse("x.json", "{").expect_err("no JSON");
    assert!(error.to_string().starts_with("x.json: it is not JSON (EOF"), "{error}");
}

#[test]
fn keys_that_do_not_go_together_are_an_error_with_the_mend() {
    let parse = |configuration: &str, file: &str| {
        let text = format!("{{\"configuration\": {{{configuration}}}, \"file\": {{{file}}}}}");
        Config::parse("x.json", &text).expect_err("it cannot be").to_string()
    };
    let watched = "\"usersToWatchAndThresholdInMinutes\": \"a:1\"";
    assert_eq!(
        parse("\"stateFile\": \"s.json\"", &format!("\"fileName\": \"-\", {watched}")),
        "x.json: configuration.stateFile: found \"s.json\"; leave it out: what standard input has had cannot be found again"
    );
    assert_eq!(
        parse("", &format!("\"fileName\": \"x\", \"alertingToUse\": \"email\", {watched}")),
        "x.json: file.alertingToUse: found \"email\"; add the section configuration.alertingEmail, or write \"print\""
    );
    let many: Vec<String> = (0..=crate::limits::WATCHED).map(|number| format!("user{number}:1")).collect();
    let error = parse("", &format!("\"fileName\": \"x\", \"usersToWatchAndThresholdInMinutes\": {:?}", many.join(",")));
    assert!(error.ends_with("; watch at most 256 entries"), "{error}");
}

#[test]
fn an_unknown_key_is_a_warning_that_names_the_nearest() {
    let config = with("\"trailingDelay\"", "\"trailingDelai\"").expect("only a warning");
    assert_eq!(
        config.warnings,
        ["LogAnalyzer.json: configuration.trailingDelai: nobody knows this key; did you mean \
          \"configuration.trailingDelay\"?"]
    );
}

/// What an entry has of its own was read without a look at what else stands there.
#[test]
fn an_unknown_key_of_a_watched_entry_is_a_warning() {
    let config = with("\"postgres:1,poc:5\"", r#"{"web": {"minutes": 90, "dayz": "Fri"}}"#).expect("only a warning");
    let key = "file.usersToWatchAndThresholdInMinutes.web";
    let warning = format!("LogAnalyzer.json: {key}.dayz: nobody knows this key; did you mean \"{key}.days\"?");
    assert_eq!(config.warnings, [warning]);
}

#[test]
fn watched_entries_of_every_form() {
    let config = with(
        "\"postgres:1,poc:5\"",
        r#"{"a,b:c": 2, "app/web": {"minutes": 90, "open": "23:00:00", "close": "05:00:00", "days": "Fri-Sun"}}"#,
    )
    .expect("an object");
    assert_eq!((config.watched[0].name.as_str(), config.watched[0].minutes), ("a,b:c", 2));
    let web = &config.watched[1];
    assert_eq!((web.database.as_deref(), &web.user[..], web.minutes), (Some(&b"app"[..]), &b"web"[..], 90));
    assert_eq!(web.window.days, [false, false, false, false, true, true, true]);
    assert!(with("\"postgres:1,poc:5\"", r#"{"web": 0}"#).is_err());
    assert!(with("\"postgres:1,poc:5\"", r#"{"web": {"minutes": 1.5}}"#).is_err());
}

#[test]
fn changed_expressions_become_the_fallback() {
    let config = with("LOG (?P<lineType>", "(?:LOG|INFO) (?P<lineType>").expect("still expressions");
    assert!(config.fallback.is_some());
    let error = with("(?P<lineReqBySec>\\\\d+)", "(\\\\d+)").expect_err("a group is missing");
    assert!(
        error.to_string().contains("file.regexp.iterLinesDetailStats: it has no group (?P<lineReqBySec>"),
        "{error}"
    );
}

#[test]
fn a_name_that_is_there_twice_counts_once() {
    let config = with("postgres:1,poc:5", "postgres:1,poc:5,postgres:7").expect("a configuration");
    let watched: Vec<(&str, u32)> = config.watched.iter().map(|entry| (entry.name.as_str(), entry.minutes)).collect();
    assert_eq!(watched, [("poc", 5), ("postgres", 7)]);
    let key = "LogAnalyzer.json: file.usersToWatchAndThresholdInMinutes";
    assert_eq!(config.warnings, [format!("{key}: \"postgres\" is there twice; the last one counts")]);
}

/// The manual as it is read: without the marks of its language.
const MANUAL: &str = include_str!("../../packaging/LogAnalyzer.json.5");

#[test]
fn every_key_is_in_the_manual() {
    let words: Vec<&str> = MANUAL.split(|character: char| !character.is_ascii_alphanumeric()).collect();
    let keys = [&["configuration", "file"], CONFIGURATION_KEYS, FILE_KEYS, email::KEYS, watched::KEYS, &NAMES];
    for key in keys.concat() {
        assert!(words.contains(&key), "{key} is not in packaging/LogAnalyzer.json.5");
    }
}

#[test]
fn the_examples_of_the_packages_are_configurations() {
    let begin = MANUAL.find(".nf\n").expect("an example") + 4;
    let end = begin + MANUAL[begin..].find(".fi\n").expect("its end");
    let config = Config::parse("the manual", &MANUAL[begin..end]);
    if cfg!(feature = "tls") {
        let config = config.expect("the manual's example");
        assert_eq!((config.warnings.len(), config.watched.len(), config.alert_by_email), (0, 2, true));
    } else {
        // It wants TLS: what a loganalyzer without it says has its own test.
        assert_eq!(config.expect_err("without TLS").key, "configuration.alertingEmail.emailSecurity");
    }
    let config = Config::parse("the package", include_str!("../../packaging/LogAnalyzer.json")).expect("the package's");
    assert_eq!((config.warnings.len(), config.watched.len(), config.email), (0, 0, None), "until somebody is named");
    assert_eq!(config.state_file, Some(PathBuf::from("/var/lib/loganalyzer/state.json")), "StateDirectory=");
}
