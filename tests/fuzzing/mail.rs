//! Mails with any names in them: headers stay headers, the parts read back as what was written, and the HTML has no
//! tags but ours.

use std::rc::Rc;

use arbitrary::Unstructured;
use jiff::tz::TimeZone;
use loganalyzer::analysis::analyzer::{Analyzer, Settings};
use loganalyzer::analysis::watch::Watch;
use loganalyzer::config::Config;
use loganalyzer::config::email::Email;
use loganalyzer::report::mail::{Mail, Origin, of_messages, of_report, of_test};
use loganalyzer::report::notice::{Context, messages};
use loganalyzer::report::time::TimeFormat;
use loganalyzer::report::{Report, notice};
use loganalyzer::runtime::outbox::{Class, Letter};
use loganalyzer::runtime::smtp;
use serde_json::json;

use crate::common::mime::{Part, check_lines};
use crate::common::printer::STYLES;
use crate::common::random::Chance;
use crate::common::{clients, feed};

/// The time of the clients' log.
const NOW: i64 = 1_795_305_600_000;

pub fn run(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let style = *input.pick(&STYLES);
    let host = ["db1", "localhost", "a-b.example.org"][input.below(3)].to_owned();
    let origin = Origin { host, logs: name(&mut input) };
    let Some(config) = config(&mut input) else { return };
    let count = 1 + input.below(4) as u32;
    let log = clients::log(style, count, &mut input);
    let zone = TimeZone::UTC;
    let watch = Watch::new(config.watched, zone.clone(), NOW);
    let mut analyzer = Analyzer::new(Settings { zone, fallback: None, watch, now: NOW });
    feed(&mut analyzer, &[log.text]);
    let mails = mails(&mut analyzer, &origin);
    let email = config.email.expect("mail");
    for mail in mails {
        check(&email, &origin, mail);
    }
}

/// Any text, such as a client has chosen it.
fn name(chance: &mut impl Chance) -> String {
    String::from_utf8_lossy(&clients::name(chance, 127, b"", b"")).into_owned()
}

/// A configuration with such names; `None` where one of them is refused.
fn config(chance: &mut impl Chance) -> Option<Config> {
    let (from, to) = (format!("{} <la@db1.test>", name(chance)), format!("{} <dba@example.org>", name(chance)));
    let email = json!({"emailFrom": from, "emailTo": [to, "zoe@example.org"], "emailServer": "mx"});
    let watched = json!({name(chance): 1, name(chance): 2, "batch": 5});
    let file = json!({"fileName": "x.log", "usersToWatchAndThresholdInMinutes": watched});
    let config = json!({"configuration": {"alertingEmail": email}, "file": file});
    Config::parse("x.json", &config.to_string()).ok()
}

/// What is mailed of all this: alerts, a report, a test, and a note in one of them.
fn mails(analyzer: &mut Analyzer, origin: &Origin) -> Vec<Mail> {
    let format = TimeFormat::default();
    let mut mails = vec![of_test(origin, "14:00")];
    for minute in [0, 1, 10] {
        let notices = analyzer.tick(NOW + minute * 3_600_000);
        let local = |instant| instant;
        let (entries, last_record) = (analyzer.watch().entries(), analyzer.last_record());
        let context = Context { entries, format: &format, local: &local, last_record };
        mails.extend(of_messages(&messages(&notices, &context), "14:00", origin));
        mails.extend(notices.iter().filter_map(|one| of_messages(&[notice::message(one, &context)], "14:00", origin)));
    }
    let report = of_report(&Report::complete(analyzer, &format), "2026-11-22", origin);
    mails.extend([report.with_note("2 mails before this one could not be delivered"), report]);
    mails
}

fn check(email: &Email, origin: &Origin, mail: Mail) {
    let letter = Letter {
        mail: Rc::new(mail),
        class: Class::Alert,
        id: format!("<1.2.3.loganalyzer@{}>", origin.host),
        at: NOW,
        to: email.to.clone(),
        left: email.to.clone(),
        is_printed: false,
    };
    let (envelope, bytes) = smtp::write(email, &letter).expect("a mail");
    let to: Vec<String> = envelope.to().iter().map(ToString::to_string).collect();
    assert_eq!(to, ["dba@example.org", "zoe@example.org"]);
    check_lines(&bytes);
    let read = Part::read(&bytes);
    let mut names: Vec<&str> = read.headers.iter().map(|(name, _)| &name[..]).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["auto-submitted", "content-type", "date", "from", "message-id", "mime-version", "subject", "to"]
    );
    assert_eq!(read.get("subject"), Some(&letter.mail.subject[..]));
    assert_eq!(read.get("message-id"), Some(&letter.id[..]));
    assert!(read.get("from").is_some_and(|from| from.ends_with("<la@db1.test>") || from == "la@db1.test"), "{read:?}");
    let [text, html] = &read.parts()[..] else { panic!("two parts") };
    for (part, kind, written) in [(text, "text/plain", &letter.mail.text), (html, "text/html", &letter.mail.html)] {
        assert_eq!(part.get("content-type"), Some(&format!("{kind}; charset=utf-8")[..]));
        assert_eq!(part.text().trim_end_matches('\n'), written.trim_end_matches('\n'));
        let is_active = |character: char| character.is_control() && character != '\n';
        assert!(!written.contains(is_active), "{written:?}");
    }
    check_html(&letter.mail.html);
}

/// The tags that our pages have; those with an end have it.
const TAGS: [&str; 11] = ["html", "head", "title", "body", "table", "tr", "td", "th", "div", "span", "meta"];
const ATTRIBUTES: [&str; 16] = [
    "lang",
    "charset",
    "name",
    "content",
    "style",
    "role",
    "width",
    "height",
    "cellpadding",
    "cellspacing",
    "bgcolor",
    "align",
    "valign",
    "colspan",
    "title",
    "http-equiv",
];
const ENTITIES: [&str; 7] = ["amp;", "lt;", "gt;", "quot;", "#39;", "nbsp;", "ensp;"];

/// The page is tags and text, and no name is more than text.
fn check_html(html: &str) {
    let page = html.strip_prefix("<!DOCTYPE html>\n").expect("a page").replace("<!-- note -->", "");
    let mut open: Vec<&str> = Vec::new();
    for piece in page.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').expect("the end of a tag");
        assert!(!text.contains('>'), "{piece}");
        check_entities(text);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{piece}");
            continue;
        }
        let name = check_tag(tag);
        if name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// A tag and its attributes; returns its name.
fn check_tag(tag: &str) -> &str {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    assert!(TAGS.contains(&name), "{tag}");
    while !rest.is_empty() {
        let (attribute, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{tag}"));
        let (value, behind) = value.split_once('"').expect("its end");
        assert!(ATTRIBUTES.contains(&attribute), "{attribute} in {tag}");
        check_entities(value);
        rest = behind.strip_prefix(' ').unwrap_or(behind);
    }
    name
}

fn check_entities(text: &str) {
    for behind in text.split('&').skip(1) {
        assert!(ENTITIES.iter().any(|entity| behind.starts_with(entity)), "{text}");
    }
}
