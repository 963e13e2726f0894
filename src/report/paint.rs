//! Lines of a label and a value, in the colours of the script of 2017 or without.

use std::fmt::Display;

/// The colours: the numbers of the terminal's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Alerts.
    Red = 91,
    /// Names of accounts.
    Green = 92,
    /// Figures and times.
    Yellow = 93,
    /// Headings.
    Blue = 94,
    /// Labels.
    Cyan = 96,
}

/// How a text is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With colours.
    pub colors: bool,
    /// For a terminal: names from the log must not reach it as they are.
    pub terminal: bool,
}

impl Style {
    /// Where names from the log go.
    pub fn medium(self) -> super::safe::Medium {
        if self.terminal { super::safe::Medium::Terminal } else { super::safe::Medium::File }
    }
}

/// So much text is passed on at once, where it is.
const PASS_BYTES: usize = 16 * 1024;

/// A text that is being written.
#[derive(Debug)]
pub struct Paint {
    text: String,
    colors: bool,
}

impl Paint {
    /// An empty one.
    pub fn new(style: Style) -> Self {
        Self { text: String::new(), colors: style.colors }
    }

    /// Writes something in a colour.
    pub fn put(&mut self, color: Color, what: impl Display) -> &mut Self {
        use std::fmt::Write;
        // Writing to a String cannot fail.
        let _ =
            if self.colors { write!(self.text, "\x1b[{}m{what}", color as u8) } else { write!(self.text, "{what}") };
        self
    }

    /// Ends the line, and the colour with it.
    pub fn end(&mut self) {
        self.text.push_str(if self.colors { "\x1b[39m\n" } else { "\n" });
    }

    /// A line of a label, ` : ` and a value.
    pub fn line(&mut self, label: impl Display, value: impl Display) {
        self.put(Color::Cyan, format_args!("{label} : ")).put(Color::Yellow, value).end();
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Passes on what is written so far, once that is worth it.
    pub fn pass(&mut self, out: &mut dyn FnMut(&str)) {
        if self.text.len() >= PASS_BYTES {
            out(&self.text);
            self.text.clear();
        }
    }

    /// The text that was not passed on.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_only_when_they_are_wanted() {
        let write = |colors| {
            let mut paint = Paint::new(Style { colors, terminal: false });
            paint.line("Number of logins", 55);
            paint.finish()
        };
        assert_eq!(write(false), "Number of logins : 55\n");
        assert_eq!(write(true), "\x1b[96mNumber of logins : \x1b[93m55\x1b[39m\n");
    }
}
