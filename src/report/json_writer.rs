//! JSON, written by hand: the order of keys is ours.

use super::safe::{Medium, shown};

/// A name from the log as text.
pub(super) fn text(bytes: &[u8]) -> String {
    shown(bytes, Medium::File).to_string()
}

/// A string value.
pub(super) struct Text(pub(super) String);

/// What JSON has one form of.
pub(super) trait Value {
    fn write(&self, out: &mut String);
}

impl Value for Text {
    fn write(&self, out: &mut String) {
        out.push_str(&serde_json::Value::from(self.0.as_str()).to_string());
    }
}

impl Value for u64 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Value for i64 {
    fn write(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}

impl Value for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Value for f64 {
    fn write(&self, out: &mut String) {
        out.push_str(&serde_json::Value::from(*self).to_string());
    }
}

/// A writer of JSON that keeps the order of keys, indented or on one line.
#[derive(Default)]
pub(super) struct Json {
    out: String,
    depth: usize,
    /// A value has been written on this level, so the next needs a comma.
    comma: bool,
    /// All on one line.
    compact: bool,
    /// A key has been written, so its value goes on the same line.
    after_key: bool,
}

impl Json {
    /// One that writes all on one line.
    pub(super) fn compact() -> Self {
        Self { compact: true, ..Self::default() }
    }

    pub(super) fn key(&mut self, key: &str) -> &mut Self {
        self.begin();
        Text(key.to_owned()).write(&mut self.out);
        self.out.push_str(": ");
        self.after_key = true;
        self
    }

    pub(super) fn value(&mut self, value: impl Value) {
        self.begin();
        value.write(&mut self.out);
        self.comma = true;
    }

    pub(super) fn optional(&mut self, value: Option<impl Value>) {
        match value {
            Some(value) => self.value(value),
            None => {
                self.begin();
                self.out.push_str("null");
                self.comma = true;
            }
        }
    }

    pub(super) fn object(&mut self, fill: impl FnOnce(&mut Self)) {
        self.nest('{', '}', fill);
    }

    pub(super) fn array<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.nest('[', ']', |json| items.iter().for_each(|item| each(json, item)));
    }

    /// An object on a line of its own.
    pub(super) fn row(&mut self, fill: impl FnOnce(&mut Self)) {
        self.begin();
        let was_compact = std::mem::replace(&mut self.compact, true);
        self.after_key = true;
        self.object(fill);
        self.compact = was_compact;
    }

    /// An array of such objects.
    pub(super) fn rows<T>(&mut self, items: impl Iterator<Item = T>, mut each: impl FnMut(&mut Self, T)) {
        self.nest('[', ']', |json| items.for_each(|item| json.row(|json| each(json, item))));
    }

    fn nest(&mut self, open: char, close: char, fill: impl FnOnce(&mut Self)) {
        self.begin();
        self.out.push(open);
        self.depth += 1;
        self.comma = false;
        fill(self);
        self.depth -= 1;
        if self.comma && !self.compact {
            self.line();
        }
        self.out.push(close);
        self.comma = true;
    }

    /// Goes to where the next key or value is to stand.
    fn begin(&mut self) {
        if std::mem::take(&mut self.after_key) || self.depth == 0 {
            return;
        }
        let comma = std::mem::take(&mut self.comma);
        if comma {
            self.out.push(',');
        }
        if !self.compact {
            self.line();
        } else if comma {
            self.out.push(' ');
        }
    }

    fn line(&mut self) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push('\n');
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_json_is_json() {
        let mut json = Json::default();
        json.object(|json| {
            json.key("a").value(1u64);
            json.key("b").array(&[1u64, 2], |json, item| json.value(*item));
            json.key("empty").array(&[0u64; 0], |json, item| json.value(*item));
            json.key("c").object(|json| json.key("d\"").value(Text("x\u{1b}\"\\".to_owned())));
            json.key("e").optional(None::<u64>);
            json.key("f").value(0.0);
            json.key("rows").rows([7u64, 8].iter(), |json, item| {
                json.key("a").array(&[*item], |json, item| json.value(*item));
                json.key("b").value(-1i64);
            });
            json.key("row").row(|json| json.key("g").value(true));
        });
        let text = json.finish();
        let read: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let expected = serde_json::json!({
            "a": 1, "b": [1, 2], "empty": [], "c": {"d\"": "x\u{1b}\"\\"}, "e": null, "f": 0.0,
            "rows": [{"a": [7], "b": -1}, {"a": [8], "b": -1}], "row": {"g": true}
        });
        assert!(text.contains("\n    {\"a\": [7], \"b\": -1},\n"), "{text}");
        assert_eq!(read, expected, "{text}");
    }
}
