//! What a warning or an error is about, without what is different each time.
//!
//! Names, addresses and other people's texts stand in quotes or behind a colon; a pooler's error is a reason of
//! [`super::reasons`].

use super::reasons;
use crate::limits::WARNING_BYTES;

/// A text that fits what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed {
    bytes: [u8; WARNING_BYTES],
    length: usize,
}

impl Fixed {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn add(mut self, text: &[u8]) -> Self {
        let room = &mut self.bytes[self.length..];
        let length = text.len().min(room.len());
        room[..length].copy_from_slice(&text[..length]);
        self.length += length;
        self
    }
}

/// Texts behind which the matter itself stands.
const INTRODUCTIONS: [&[u8]; 4] =
    [b"pooler error: ", b"Pooler Error: ", b"server login failed: FATAL ", b"server login failed: "];

/// The fixed part of a message.
///
/// ```
/// use loganalyzer_engine::pgbouncer::warnings::fixed_part;
///
/// let fixed = fixed_part(b"Pooler Error: No such user: bob");
/// assert_eq!(fixed.as_bytes(), b"pooler error: no such user");
/// let fixed = fixed_part(b"server login failed: FATAL role \"bob\" does not exist");
/// assert_eq!(fixed.as_bytes(), "server login failed: FATAL role \"…\" does not exist".as_bytes());
/// ```
pub fn fixed_part(message: &[u8]) -> Fixed {
    let none = Fixed { bytes: [0; WARNING_BYTES], length: 0 };
    let introduction = INTRODUCTIONS.into_iter().find(|start| message.starts_with(start)).unwrap_or_default();
    let text = &message[introduction.len()..];
    let introduction = if introduction.starts_with(b"P") { INTRODUCTIONS[0] } else { introduction };
    let reason = reasons::classify(text);
    if reason.is_known {
        return none.add(introduction).add(reason.text);
    }
    add_unquoted(none.add(introduction), text)
}

/// Without what is between the first and the last quote, and behind a colon.
fn add_unquoted(fixed: Fixed, text: &[u8]) -> Fixed {
    let quote = text.iter().find(|byte| **byte == b'"' || **byte == b'\'');
    let Some(&quote) = quote else { return fixed.add(before_colon(text)) };
    let first = memchr::memchr(quote, text).unwrap_or(0);
    let last = memchr::memrchr(quote, text).unwrap_or(first);
    let (head, tail) = (&text[..first], &text[last..]);
    if before_colon(head).len() < head.len() {
        return fixed.add(before_colon(head));
    }
    let closed = if last > first { tail } else { &text[first..=first] };
    fixed.add(head).add(&[quote]).add("…".as_bytes()).add(before_colon(closed))
}

fn before_colon(text: &[u8]) -> &[u8] {
    let colon = memchr::memmem::find(text, b": ").or_else(|| text.ends_with(b":").then(|| text.len() - 1));
    &text[..colon.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixed(message: &str) -> String {
        String::from_utf8_lossy(fixed_part(message.as_bytes()).as_bytes()).into_owned()
    }

    #[test]
    fn what_is_different_each_time_is_left_out() {
        for (message, text) in [
            ("pooler error: password authentication failed", "pooler error: password authentication failed"),
            ("Pooler Error: Auth failed", "pooler error: auth failed"),
            ("pooler error: no such database: x'y", "pooler error: no such database"),
            ("pooler error: database \"a \"b\" does not exist", "pooler error: database \"…\" does not exist"),
            ("got packet 'E' from server when not linked", "got packet '…' from server when not linked"),
            ("DNS lookup failed: nosuchhost.invalid: result=3", "DNS lookup failed"),
            ("TLS handshake error: handshake failed: error:0A", "TLS handshake error"),
            ("too long db name: it's", "too long db name"),
            ("server login failed: FATAL database \"x", "server login failed: FATAL database \"…\""),
            ("unsupported startup parameter: x", "unsupported startup parameter"),
            ("taking connection from reserve_pool", "taking connection from reserve_pool"),
            ("", ""),
            (":", ""),
            ("\"", "\"…\""),
        ] {
            assert_eq!(fixed(message), text, "{message}");
        }
    }

    #[test]
    fn it_is_bounded() {
        assert_eq!(fixed(&"x".repeat(500)).len(), WARNING_BYTES);
        assert!(fixed(&format!("{}\"a\"{}", "x".repeat(90), "y".repeat(90))).len() <= WARNING_BYTES + 3);
    }
}
