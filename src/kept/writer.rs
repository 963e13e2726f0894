//! Writing JSON.

use super::Kept;

/// A text that is being written.
#[derive(Debug)]
pub struct Writer {
    /// So far.
    pub(super) text: String,
    /// Of the structure that is being written, the fields that are still to come, and what closes it.
    names: &'static str,
}

impl Writer {
    /// Goes on behind a text.
    pub fn new(text: String) -> Self {
        Self { text, names: "" }
    }

    /// All that was written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Writes this as it is.
    #[inline(never)]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Begins a structure with these names (`at,names,}`), or a list (`]`); gives what [`Writer::close`] needs.
    #[inline(never)]
    pub fn open(&mut self, names: &'static str) -> &'static str {
        self.begin(if names == "]" { "[" } else { "{" });
        std::mem::replace(&mut self.names, names)
    }

    /// Ends it.
    #[inline(never)]
    pub fn close(&mut self, outer: &'static str) {
        self.text.push_str(self.names);
        self.names = outer;
    }

    /// Writes the next name, where there are names.
    #[inline(never)]
    pub fn field(&mut self) -> &mut Self {
        if let Some((name, rest)) = self.names.split_once(',') {
            self.names = rest;
            self.quoted(name);
            self.text.push(':');
        }
        self
    }

    /// Writes a list.
    #[inline(never)]
    pub(super) fn list<T: Kept>(&mut self, all: &[T]) {
        let outer = self.open("]");
        all.iter().for_each(|one| one.save(self));
        self.close(outer);
    }

    /// Writes one of some names (`Up,Over,`).
    #[inline(never)]
    pub fn name(&mut self, names: &'static str, number: usize) {
        self.quoted(names.split(',').nth(number).unwrap_or_default());
    }

    /// Writes a number.
    #[inline(never)]
    pub(super) fn number(&mut self, is_negative: bool, mut magnitude: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (magnitude % 10) as u8;
            (magnitude, start) = (magnitude / 10, start - 1);
            if magnitude == 0 {
                break;
            }
        }
        self.begin(if is_negative { "-" } else { "" });
        self.text.extend(digits[start..].iter().map(|&digit| char::from(digit)));
    }

    /// Writes a text.
    #[inline(never)]
    pub(super) fn quoted(&mut self, text: &str) {
        self.begin("\"");
        if text.bytes().any(|byte| matches!(byte, 0..b' ' | b'"' | b'\\')) {
            text.chars().for_each(|char| self.char(char));
        } else {
            self.text.push_str(text);
        }
        self.text.push('"');
    }

    /// Writes bytes as a text of as many characters, U+0000 to U+00FF.
    #[inline(never)]
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        if let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii()) {
            return self.quoted(text);
        }
        self.begin("\"");
        bytes.iter().for_each(|&byte| self.char(byte.into()));
        self.text.push('"');
    }

    #[inline(never)]
    fn char(&mut self, char: char) {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        match char {
            '\0'..' ' => {
                self.text.push_str("\\u00");
                self.text.push(DIGITS[char as usize / 16]);
                self.text.push(DIGITS[char as usize % 16]);
            }
            '"' | '\\' => {
                self.text.push('\\');
                self.text.push(char);
            }
            _ => self.text.push(char),
        }
    }

    /// A comma where one is needed, and how something begins.
    #[inline(never)]
    pub(super) fn begin(&mut self, start: &str) {
        if !self.text.is_empty() && !self.text.ends_with(['[', '{', ':']) {
            self.text.push(',');
        }
        self.text.push_str(start);
    }
}
