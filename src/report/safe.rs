//! Names from the log, made safe for where they go.
//!
//! A user name is the client's choice: it can hold escape sequences that repaint a terminal, or bytes that are no
//! text at all.

use std::fmt::{self, Display, Write};

/// Where a name is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A file or a pipe: bytes that are not UTF-8 become `\xHH`, all else stays as it is.
    File,
    /// A terminal: control characters become `\xHH` as well.
    Terminal,
    /// The text of an HTML page, or an attribute in double quotes: as on a terminal, and the characters that are HTML's
    /// own become entities.
    Html,
}

/// Shows bytes as text.
///
/// ```
/// use loganalyzer_shell::report::safe::{Medium, shown};
///
/// assert_eq!(shown("josé".as_bytes(), Medium::Terminal).to_string(), "josé");
/// assert_eq!(shown(b"caf\xe9", Medium::File).to_string(), r"caf\xe9");
/// assert_eq!(shown(b"\x1b[2J", Medium::Terminal).to_string(), r"\x1b[2J");
/// ```
pub fn shown(bytes: &[u8], medium: Medium) -> Shown<'_> {
    Shown { bytes, medium }
}

/// See [`shown`].
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    bytes: &'a [u8],
    medium: Medium,
}

impl Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                write_character(out, character, self.medium)?;
            }
            chunk.invalid().iter().try_for_each(|byte| write!(out, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

fn write_character(out: &mut fmt::Formatter<'_>, character: char, medium: Medium) -> fmt::Result {
    if medium == Medium::Html
        && let Some(entity) = entity(character)
    {
        return out.write_str(entity);
    }
    if medium == Medium::File || !is_active(character) {
        return out.write_char(character);
    }
    let mut bytes = [0; 4];
    character.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(out, "\\x{byte:02x}"))
}

fn entity(character: char) -> Option<&'static str> {
    Some(match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// Control characters, and those that turn the direction of text, begin a line of their own, or cannot be seen.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_repaint_a_terminal() {
        for (name, safe) in [
            (&b"\x1b]0;owned\x07"[..], r"\x1b]0;owned\x07"),
            (b"a\rb\x7f", r"a\x0db\x7f"),
            ("\u{9b}2J".as_bytes(), r"\xc2\x9b2J"),
            ("x\u{202e}y".as_bytes(), r"x\xe2\x80\xaey"),
        ] {
            assert_eq!(shown(name, Medium::Terminal).to_string(), safe);
        }
    }

    #[test]
    fn names_cannot_become_html() {
        for (name, safe) in [
            (&b"<script>alert(1)</script>"[..], "&lt;script&gt;alert(1)&lt;/script&gt;"),
            (b"\" onmouseover=\"x", "&quot; onmouseover=&quot;x"),
            (b"a&lt;\n'", r"a&amp;lt;\x0a&#39;"),
            (b"\xff<", r"\xff&lt;"),
        ] {
            assert_eq!(shown(name, Medium::Html).to_string(), safe);
        }
    }

    #[test]
    fn in_a_file_only_what_is_no_text_is_changed() {
        assert_eq!(shown(b"a\xff\xfeb\tc", Medium::File).to_string(), "a\\xff\\xfeb\tc");
    }
}
