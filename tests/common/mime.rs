//! A mail, read as the standards have it and no more generously: RFC 5322 (headers), 2045 and 2046 (parts and their
//! encodings), 2047 (words that are not ASCII in headers).

/// A mail, or a part of one.
#[derive(Debug)]
pub struct Part {
    /// Name, in lower case, and value, unfolded and decoded.
    pub headers: Vec<(String, String)>,
    /// Decoded.
    pub body: Vec<u8>,
}

impl Part {
    /// Reads it; panics where it is none.
    pub fn read(bytes: &[u8]) -> Self {
        let end = find(bytes, b"\r\n\r\n").expect("headers and a body");
        let headers = read_headers(&bytes[..end + 2]);
        let mut part = Self { headers, body: Vec::new() };
        part.body = decode_body(&bytes[end + 4..], part.get("content-transfer-encoding").unwrap_or("7bit"));
        part
    }

    /// The value of a header that may be there once.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| &value[..]);
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice");
        value
    }

    /// The parts of a `multipart`.
    pub fn parts(&self) -> Vec<Self> {
        let kind = self.get("content-type").expect("a type");
        assert!(kind.starts_with("multipart/"), "{kind}");
        let (_, boundary) = kind.split_once("boundary=\"").expect("a boundary");
        let boundary = format!("--{}", boundary.split('"').next().expect("its end"));
        let body = [b"\r\n", &self.body[..]].concat();
        let mut pieces = split(&body, format!("\r\n{boundary}").as_bytes()).into_iter();
        assert_eq!(pieces.next(), Some(&b""[..]), "nothing before the first part");
        let pieces: Vec<&[u8]> = pieces.collect();
        let (last, parts) = pieces.split_last().expect("an end");
        assert!(last.starts_with(b"--"), "the end: {}", last.escape_ascii());
        parts.iter().map(|part| Self::read(part.strip_prefix(b"\r\n").expect("a line of its own"))).collect()
    }

    /// What a `text` part says.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8").replace("\r\n", "\n")
    }
}

/// What every mail must be on its way: lines that end with CRLF, and are short enough.
pub fn check_lines(bytes: &[u8]) {
    for line in split(bytes, b"\r\n") {
        assert!(line.len() <= 998, "a line of {} bytes", line.len());
        let is_bare = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        assert!(!line.iter().any(is_bare), "{}", line.escape_ascii());
    }
}

fn read_headers(bytes: &[u8]) -> Vec<(String, String)> {
    assert!(bytes.is_ascii(), "{}", bytes.escape_ascii());
    let text = String::from_utf8_lossy(bytes).replace("\r\n ", " ").replace("\r\n\t", "\t");
    let lines = text.strip_suffix("\r\n").expect("whole lines").split("\r\n");
    lines
        .map(|line| {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no header: {line:?}"));
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()), "{line:?}");
            (name.to_ascii_lowercase(), decode_words(value.trim()))
        })
        .collect()
}

/// `=?utf-8?b?…?=`; blanks between two of them are not there.
fn decode_words(value: &str) -> String {
    let mut decoded = Vec::new();
    let mut rest = value;
    let mut was_word = false;
    while let Some((before, behind)) = rest.split_once("=?") {
        if !was_word || !before.trim().is_empty() {
            decoded.extend_from_slice(before.as_bytes());
        }
        let mut fields = behind.splitn(3, '?');
        let mut field = || fields.next().expect("an encoded word");
        let (charset, encoding, text) = (field(), field(), field());
        let (text, behind) = text.split_once("?=").expect("its end");
        assert!(charset.eq_ignore_ascii_case("utf-8"), "{charset}");
        decoded.extend(match encoding {
            "b" | "B" => base64(text.as_bytes()),
            "q" | "Q" => quoted_printable(text.replace('_', " ").as_bytes()),
            _ => panic!("{encoding}"),
        });
        (rest, was_word) = (behind, true);
    }
    decoded.extend_from_slice(rest.as_bytes());
    String::from_utf8(decoded).expect("UTF-8")
}

fn decode_body(body: &[u8], encoding: &str) -> Vec<u8> {
    match encoding.to_ascii_lowercase().as_str() {
        "7bit" => {
            assert!(body.is_ascii(), "7bit: {}", body.escape_ascii());
            body.to_vec()
        }
        "8bit" => body.to_vec(),
        "quoted-printable" => quoted_printable(body),
        "base64" => base64(body),
        _ => panic!("{encoding}"),
    }
}

fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'=' {
            decoded.push(byte);
        } else if let Some(behind) = rest.strip_prefix(b"\r\n") {
            rest = behind;
        } else {
            let digits = std::str::from_utf8(rest.get(..2).expect("two digits")).expect("ASCII");
            decoded.push(u8::from_str_radix(digits, 16).expect("hexadecimal"));
            rest = &rest[2..];
        }
    }
    decoded
}

fn base64(text: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | b'=')).collect();
    let digit = |byte: &u8| DIGITS.iter().position(|known| known == byte).expect("a digit of base64") as u32;
    let groups = text.chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, byte| bits << 6 | digit(byte)) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    });
    groups.collect()
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, word)
}

/// The pieces between the places at which `word` stands.
fn split<'a>(text: &'a [u8], word: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(place) = find(rest, word) {
        pieces.push(&rest[..place]);
        rest = &rest[place + word.len()..];
    }
    pieces.push(rest);
    pieces
}
