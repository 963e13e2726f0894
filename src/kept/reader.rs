//! Reading the JSON that was written, and no other.

/// A text that is being read.
#[derive(Debug)]
pub struct Reader<'a> {
    /// What is still to be read: nothing, once something is wrong.
    rest: &'a str,
    /// The last byte that was read.
    last: u8,
    /// Of the structure that is being read, the fields that are still to come, and what closes it.
    names: &'static str,
    is_broken: bool,
}

impl<'a> Reader<'a> {
    /// Reads a text.
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, last: b':', names: "", is_broken: false }
    }

    /// Whether all was read, and nothing was wrong.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty() && !self.is_broken
    }

    /// What was read must be so, or all is refused.
    #[inline(never)]
    pub fn check(&mut self, is_sound: bool) {
        if !is_sound {
            (self.rest, self.is_broken) = ("", true);
        }
    }

    /// The same as of [`super::Writer::open`].
    #[inline(never)]
    pub fn open(&mut self, names: &'static str) -> &'static str {
        self.begin();
        self.expect(if names == "]" { "[" } else { "{" });
        std::mem::replace(&mut self.names, names)
    }

    /// The same as of [`super::Writer::close`].
    #[inline(never)]
    pub fn close(&mut self, outer: &'static str) {
        self.expect(self.names);
        self.names = outer;
    }

    /// The next name must stand here, where there are names.
    #[inline(never)]
    pub fn field(&mut self) -> &mut Self {
        if let Some((name, rest)) = self.names.split_once(',') {
            self.names = rest;
            self.begin();
            self.expect("\"");
            self.expect(name);
            self.expect("\":");
        }
        self
    }

    /// Whether the list goes on.
    #[inline(never)]
    pub fn has_more(&self) -> bool {
        !self.rest.is_empty() && !self.rest.starts_with(']')
    }

    /// Which of some names stands here.
    #[inline(never)]
    pub fn name(&mut self, names: &'static str) -> usize {
        let name = self.text();
        let number = names.split_terminator(',').position(|known| known == name);
        self.check(number.is_some());
        number.unwrap_or_default()
    }

    /// A number from `least` to `most`, as its bits.
    #[inline(never)]
    pub(super) fn number(&mut self, least: i64, most: u64) -> u64 {
        self.begin();
        let is_negative = self.takes("-");
        let end = self.rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at(end);
        (self.rest, self.last) = (rest, b'0');
        let most = if is_negative { least.unsigned_abs() } else { most };
        let magnitude: Option<u64> = digits.parse().ok().filter(|magnitude| *magnitude <= most);
        self.check(magnitude.is_some());
        let magnitude = magnitude.unwrap_or_default();
        if is_negative { magnitude.wrapping_neg() } else { magnitude }
    }

    /// A text.
    #[inline(never)]
    pub(super) fn text(&mut self) -> String {
        let mut text = String::new();
        self.begin();
        self.expect("\"");
        while let Some(end) = self.rest.find(['"', '\\']) {
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            self.rest = rest;
            if rest.starts_with('"') {
                break;
            }
            self.rest = &rest[1..];
            let char = self.escaped();
            self.check(char.is_some());
            text.extend(char);
        }
        self.expect("\"");
        text
    }

    /// What stands behind a backslash.
    #[inline(never)]
    fn escaped(&mut self) -> Option<char> {
        if self.takes("u") {
            let (digits, rest) = self.rest.split_at_checked(4)?;
            self.rest = rest;
            return char::from_u32(u32::from_str_radix(digits, 16).ok()?);
        }
        let char = self.rest.chars().next().filter(|char| matches!(char, '"' | '\\'))?;
        self.rest = &self.rest[1..];
        Some(char)
    }

    /// Nothing may stand here, and does.
    #[inline(never)]
    pub(super) fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                (self.rest, self.last) = (rest, text.as_bytes().last().copied().unwrap_or(self.last));
                true
            }
            None => false,
        }
    }

    /// This must stand here.
    #[inline(never)]
    pub fn expect(&mut self, text: &str) {
        let is_there = self.takes(text);
        self.check(is_there);
    }

    /// A comma, where there must be one.
    #[inline(never)]
    pub(super) fn begin(&mut self) {
        if !matches!(self.last, b'[' | b'{' | b':' | b',') {
            self.expect(",");
        }
    }
}
