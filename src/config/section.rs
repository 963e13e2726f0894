//! One JSON object of the configuration, and how to ask for its keys.

use serde_json::{Map, Value};

use super::Error;
use crate::report::nearest::nearest;

/// An object with its place: the file, and the keys that lead to it.
pub(super) struct Section<'a> {
    file: &'a str,
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    pub(super) fn root(file: &'a str, value: &'a Value) -> Result<Self, Error> {
        let mend = "write an object with the sections \"configuration\" and \"file\"".to_owned();
        let wrong = || Error { file: file.to_owned(), key: String::new(), found: found(Some(value)), mend };
        Ok(Self { file, path: String::new(), map: value.as_object().ok_or_else(wrong)? })
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// An object below this one.
    pub(super) fn section(&self, key: &str) -> Result<Self, Error> {
        let map = self.map.get(key).and_then(Value::as_object);
        let map = map.ok_or_else(|| self.wrong(key, "write a section: { … }"))?;
        Ok(Self { file: self.file, path: self.full(key), map })
    }

    pub(super) fn required(&self, key: &str, mend: &str) -> Result<&'a Value, Error> {
        self.map.get(key).ok_or_else(|| self.wrong(key, mend))
    }

    pub(super) fn string(&self, key: &str) -> Result<&'a str, Error> {
        let text = self.optional_string(key)?;
        text.ok_or_else(|| self.wrong(key, "write a text in double quotes"))
    }

    pub(super) fn optional_string(&self, key: &str) -> Result<Option<&'a str>, Error> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "write a text in double quotes")),
        }
    }

    pub(super) fn optional_number(&self, key: &str) -> Result<Option<f64>, Error> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or_else(|| self.wrong(key, "write a number without quotes")),
        }
    }

    /// The file and a key's full name.
    pub(super) fn place(&self, key: &str) -> String {
        format!("{}: {}", self.file, self.full(key))
    }

    /// The error of a key: what stands there now, and what to write instead.
    pub(super) fn wrong(&self, key: &str, mend: &str) -> Error {
        let found = found(self.map.get(key));
        Error { file: self.file.to_owned(), key: self.full(key), found, mend: mend.to_owned() }
    }

    /// Warns of keys that nobody knows.
    pub(super) fn warn_unknown(&self, known: &[&str], warnings: &mut Vec<String>) {
        for key in self.map.keys().filter(|key| !known.contains(&key.as_str())) {
            let nearest = nearest(key, known.iter().copied());
            let hint = nearest.map_or(String::new(), |nearest| format!("; did you mean {:?}?", self.full(nearest)));
            warnings.push(format!("{}: {}: nobody knows this key{hint}", self.file, self.full(key)));
        }
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn found(value: Option<&Value>) -> String {
    let Some(value) = value else { return "it is missing".to_owned() };
    let text = value.to_string();
    let short: String = text.chars().take(80).collect();
    if short.len() < text.len() { format!("found {short}…") } else { format!("found {short}") }
}
