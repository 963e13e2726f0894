//! The address in `D/U@A `: what pgbouncer's `log_socket_prefix()` can write there, and nothing else.

use super::cursor::{Cursor, decimal};
use super::record::Address;
use crate::words;

/// Reads the whole of `text` as an address with its port.
///
/// ```text
/// address = host ":" port
/// host    = IPv4 | "[" IPv6 "]" | IPv6 (1.5) | "unix" | "unix(" pid ")" | "(bad-af)"
/// ```
#[inline]
pub(super) fn parse(text: &[u8]) -> Option<Address<'_>> {
    let (host, port) = split(text)?;
    Some(Address { host: parse_host(host)?, port })
}

/// What stands before the port, and the port.
#[inline]
pub(super) fn split(text: &[u8]) -> Option<(&[u8], u16)> {
    // Nearly always among the last eight bytes, which are looked at without a call.
    let near = text.last_chunk().map(|last| words::place(u64::from_be_bytes(*last), b':')).filter(|digits| *digits < 8);
    let (host, port) = text.split_at(match near {
        Some(digits) => text.len() - 1 - digits,
        None => memchr::memrchr(b':', text)?,
    });
    Some((host, u16::try_from(decimal(&port[1..])?).ok()?))
}

/// The same of what is known to be an address, but for its port: 200 instructions less.
pub(super) fn parse_known(text: &[u8]) -> Option<Address<'_>> {
    let (host, port) = split(text)?;
    let host = if host.first().is_some_and(u8::is_ascii_digit) { host } else { parse_host(host)? };
    Some(Address { host, port })
}

fn parse_host(host: &[u8]) -> Option<&[u8]> {
    match host.first()? {
        b'u' => parse_unix(host),
        b'(' => (host == b"(bad-af)").then_some(host),
        b'[' => host.strip_prefix(b"[")?.strip_suffix(b"]").filter(|inner| is_ipv6(inner)),
        _ => (is_ipv4(host) || is_ipv6(host)).then_some(host),
    }
}

/// `unix`, and `unix(1234)` with the client's pid (1.6 on): both are address `unix`.
fn parse_unix(host: &[u8]) -> Option<&[u8]> {
    let (name, pid) = host.split_at_checked(4)?;
    if name != b"unix" {
        return None;
    }
    if !pid.is_empty() {
        decimal(pid.strip_prefix(b"(")?.strip_suffix(b")")?)?;
    }
    Some(name)
}

#[inline]
pub(super) fn is_ipv4(host: &[u8]) -> bool {
    let mut cursor = Cursor(host);
    for part in 0..4 {
        if part > 0 && cursor.eat(b".").is_none() {
            return false;
        }
        if !matches!(cursor.number(), Some(0..=255)) {
            return false;
        }
    }
    cursor.0.is_empty()
}

fn is_ipv6(host: &[u8]) -> bool {
    std::str::from_utf8(host).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_pgbouncer_writes() {
        for (text, host, port) in [
            ("10.0.0.7:51234", "10.0.0.7", 51234),
            ("[::1]:5678", "::1", 5678),
            ("::1:59218", "::1", 59218),
            ("[2001:db8::10.0.0.1]:1", "2001:db8::10.0.0.1", 1),
            ("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8", 9),
            ("unix:16432", "unix", 16432),
            ("unix(31979):16432", "unix", 16432),
            ("(bad-af):0", "(bad-af)", 0),
        ] {
            let address = Some(Address { host: host.as_bytes(), port });
            assert_eq!((parse(text.as_bytes()), parse_known(text.as_bytes())), (address, address), "{text}");
        }
    }

    #[test]
    fn nothing_else_is_an_address() {
        for text in [
            "",
            ":",
            "1.2.3.4",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "1.2.3:4",
            "1.2.3.256:4",
            "1.2.3.4.5:6",
            "unix(x):1",
            "unix():1",
            "unix(1:1",
            "unixx:1",
            "[::1:5",
            "[1.2.3.4]:5",
            "(bad-af):x",
            "(nodb):1",
            "host:1",
            ".1.2.3:4",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
