//! Reads HTML: its tags, as they come.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

/// A tag with its attributes, and the text that follows it.
#[derive(Debug, Clone, Default)]
pub struct Tag {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub is_end: bool,
    /// It ends itself: `<path/>`.
    pub is_whole: bool,
    pub text: String,
}

impl Tag {
    pub fn is(&self, name: &str, class: &str) -> bool {
        let has = |classes: &str| classes.split(' ').any(|known| known == class);
        self.name == name && !self.is_end && (class.is_empty() || has(self.get("class")))
    }

    pub fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// The numbers of an attribute.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.get(name).split_whitespace().map(|number| number.parse().expect(name)).collect()
    }
}

fn plain(html: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#160;", " "), ("&nbsp;", " ")];
    entities
        .iter()
        .fold(html.to_owned(), |text, (entity, character)| text.replace(entity, character))
        .replace("&amp;", "&")
}

/// The tags of a page, as long as it is made as ours are: attributes in double quotes, and no comments.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a page");
    while let Some(place) = rest.find('<') {
        let mut inside = &rest[place + 1..];
        let mut tag = Tag { is_end: inside.starts_with('/'), ..Tag::default() };
        inside = inside.trim_start_matches('/');
        let end = inside.find(|character: char| !character.is_ascii_alphanumeric()).expect("the end of a name");
        inside[..end].clone_into(&mut tag.name);
        assert!(!tag.name.is_empty(), "a name: {}", &inside[..inside.len().min(60)]);
        inside = inside[end..].trim_start();
        while !inside.starts_with(['>', '/']) {
            let (name, value) = inside.split_once("=\"").expect("an attribute");
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
            assert!(is_name, "{name:?} is no name of an attribute");
            let (value, after) = value.split_once('"').expect("its end");
            assert!(!value.contains('<'), "{value}");
            assert!(tag.attributes.insert(name.to_owned(), plain(value)).is_none(), "twice {name}");
            inside = after.trim_start();
        }
        tag.is_whole = inside.starts_with('/');
        inside = inside.trim_start_matches('/').strip_prefix('>').expect("the end of a tag");
        // What is in them is no HTML.
        let end = match tag.name.as_str() {
            name @ ("style" | "script") if !tag.is_end => inside.find(&format!("</{name}>")).expect("its end"),
            _ => inside.find('<').unwrap_or(inside.len()),
        };
        tag.text = plain(&inside[..end]);
        rest = &inside[end..];
        tags.push(tag);
    }
    tags
}

/// Panics where a tag is not ended, or by another one's end.
pub fn assert_well_formed(html: &str, tags: &[Tag]) {
    let mut open: Vec<&str> = Vec::new();
    for tag in tags {
        if tag.is_end {
            assert_eq!(open.pop(), Some(tag.name.as_str()));
        } else if !tag.is_whole {
            open.push(&tag.name);
        }
    }
    assert_eq!(open, [""; 0], "they are not ended");
    let bare = html.match_indices('&').filter(|(place, _)| {
        let end = html[*place..].find(';').unwrap_or(99);
        !(2..=6).contains(&end)
    });
    let script = html.rfind("<script>").expect("the script");
    assert_eq!(bare.filter(|(place, _)| *place < script).count(), 0, "an & that begins no entity");
}

/// What the real binary prints: its report on standard input.
pub fn report(arguments: &[&str], log: &[u8]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    command.current_dir(std::env::temp_dir()).env("TZ", "UTC").arg("report").args(arguments).arg("-");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary");
    let mut input = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(log).expect("it reads"));
        let output = child.wait_with_output().expect("the binary ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    })
}

/// A log with its JSON and its page.
pub struct Both {
    pub json: serde_json::Value,
    pub html: String,
    pub tags: Vec<Tag>,
}

/// Both reports on a log, with arguments that they have in common.
pub fn both(arguments: &[&str], log: &[u8]) -> Both {
    let json = report(&[arguments, &["--format", "json"]].concat(), log);
    let html = report(&[arguments, &["--format", "html"]].concat(), log);
    let tags = tags(&html);
    Both { json: serde_json::from_str(&json).expect("JSON"), html, tags }
}

/// What is in the element that begins at a place, with its own tag.
pub fn element(tags: &[Tag], place: usize) -> &[Tag] {
    let mut depth = 0;
    let is_end = |tag: &Tag| {
        let step = i32::from(!tag.is_end && !tag.is_whole) - i32::from(tag.is_end);
        depth += step;
        depth == 0
    };
    let end = tags[place..].iter().position(is_end).expect("its end");
    &tags[place..=place + end]
}

/// The elements of a name and a class.
pub fn elements<'a>(tags: &'a [Tag], name: &str, class: &str) -> Vec<&'a [Tag]> {
    (0..tags.len()).filter(|place| tags[*place].is(name, class)).map(|place| element(tags, place)).collect()
}

/// The text of an element, without tags.
pub fn text(tags: &[Tag]) -> String {
    // What follows its end is not its own.
    tags[..(tags.len() - 1).max(1)].iter().map(|tag| tag.text.as_str()).collect()
}
