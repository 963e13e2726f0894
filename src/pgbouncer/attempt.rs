//! `D/U@A login attempt: db=D user=U…`: believed only if the whole line reads so in exactly one way.
//!
//! ```text
//! attempt = who "@" address " login attempt: db=" D " user=" U [ " tls=" tls ] [ " replication=" kind ]
//! who     = D "/" U | "(nodb)/" U
//! tls     = "no" | "TLSv" … without blanks (tls_get_connection_info(), cut at 95 bytes)
//! kind    = "no" | "yes" | "database" | "logical" | "physical"
//! ```
//!
//! D and U are the client's bytes and may hold any of these words. They cannot make a line that reads as somebody
//! else's attempt, because D and U stand in it twice: once the place of ` login attempt: db=` is chosen, the last `@`
//! before it ends U (an address holds none), the length of `D/U` fixes where ` tls=` begins, and the first byte that
//! differs between `D/U` and `D user=U` is the slash. So there is at most one reading for each place, and the line is
//! believed only if exactly one place gives one.

use super::address;
use super::cursor::Cursor;
use super::record::LoginAttempt;
use crate::limits::{ADDRESS_MAX, DATABASE_NAME_MAX, SOCKET_PREFIX_MAX, USER_NAME_MAX};

pub(super) const MARK: &[u8; 19] = b" login attempt: db=";

/// Reads `rest`, what follows the pointer.
#[inline]
pub(super) fn parse(rest: &[u8]) -> Option<LoginAttempt<'_>> {
    // Who and address are bounded, so the mark can only begin this early: the search is bounded too.
    let head = &rest[..rest.len().min(SOCKET_PREFIX_MAX + MARK.len())];
    let mut only = None;
    // Found by its last byte: to make ready for the search of a word takes longer than this one.
    for end in memchr::memchr_iter(b'=', head) {
        let before = head[..=end].strip_suffix(MARK);
        if let Some(attempt) = before.and_then(|before| parse_at(rest, before.len())) {
            if only.is_some() {
                // No line is known that comes here: names within their bounds are too short to read in two ways.
                return None;
            }
            only = Some(attempt);
        }
    }
    only
}

/// The one reading in which the message begins at `place`.
fn parse_at(rest: &[u8], place: usize) -> Option<LoginAttempt<'_>> {
    let at = memchr::memrchr(b'@', &rest[..place])?;
    if place - at > ADDRESS_MAX {
        return None;
    }
    let address = address::parse(&rest[at + 1..place])?;
    let who = &rest[..at];
    let detail = &rest[place + MARK.len()..];
    let names = parse_names(who, detail)?;
    let (tls, replication) = parse_suffix(names.suffix)?;
    Some(LoginAttempt {
        database: names.database,
        user: names.user,
        address,
        prefix: &rest[..=place],
        hopeless: names.hopeless,
        is_plain: is_plain(names.database, names.user),
        tls,
        replication,
    })
}

struct Names<'a> {
    database: &'a [u8],
    user: &'a [u8],
    hopeless: bool,
    suffix: &'a [u8],
}

/// Who it is, in the one way in which it can be read.
///
/// A database that is really called `(nodb)` cannot be told from none, and no login may be made of that.
#[inline]
fn parse_names<'a>(who: &'a [u8], detail: &'a [u8]) -> Option<Names<'a>> {
    let known = parse_known(who, detail);
    let Some(hopeless) = parse_hopeless(who, detail) else { return known };
    match known.filter(|known| parse_suffix(known.suffix).is_some()) {
        Some(known) => (known.database == b"(nodb)").then_some(hopeless),
        None => Some(hopeless),
    }
}

/// `D/U` against `D user=U…`.
#[inline]
fn parse_known<'a>(who: &'a [u8], detail: &'a [u8]) -> Option<Names<'a>> {
    const USER: &[u8] = b" user=";
    let (named, suffix) = detail.split_at_checked(who.len() + USER.len() - 1)?;
    let slash = who.iter().zip(named).position(|(left, right)| left != right)?;
    let (database, user) = (&who[..slash], &who[slash + 1..]);
    let same = who[slash] == b'/' && named[slash..].starts_with(USER) && &named[slash + USER.len()..] == user;
    (same && fits(database, user)).then_some(Names { database, user, hopeless: false, suffix })
}

/// `(nodb)/U` against `D user=U…`: D stands on one side only, so where it ends is asked of every suffix there can be.
fn parse_hopeless<'a>(who: &'a [u8], detail: &'a [u8]) -> Option<Names<'a>> {
    let user = who.strip_prefix(b"(nodb)/")?;
    let reading = |suffix_at: usize| {
        let (named, suffix) = detail.split_at(suffix_at);
        let database = named.strip_suffix(user)?.strip_suffix(b" user=")?;
        parse_suffix(suffix)?;
        fits(database, user).then_some(Names { database, user, hopeless: true, suffix })
    };
    let mut readings = suffix_places(detail).into_iter().flatten().filter_map(reading);
    let only = readings.next()?;
    readings.next().is_none().then_some(only)
}

/// The places in `detail` at which a suffix can begin: the end, the last ` tls=`, and that before a ` replication=`.
fn suffix_places(detail: &[u8]) -> [Option<usize>; 2] {
    [Some(detail.len()), memchr::memmem::rfind(detail, b" tls=")]
}

/// Whether no line that begins with these names can be read in two ways: neither holds a blank, so what stands before the
/// first one is `D/U@A`, whatever `@` is in it; nor the database a slash, or a bracket at its start (`(nodb)` is no name).
pub(super) fn is_plain(database: &[u8], user: &[u8]) -> bool {
    let has_blank = database.contains(&b' ') || user.contains(&b' ');
    !has_blank && !database.starts_with(b"(") && !database.contains(&b'/')
}

pub(super) fn fits(database: &[u8], user: &[u8]) -> bool {
    database.len() < DATABASE_NAME_MAX && user.len() < USER_NAME_MAX
}

/// ` tls=…` and ` replication=…`, to the end: what they say.
#[inline]
pub(super) fn parse_suffix(suffix: &[u8]) -> Option<(Option<&[u8]>, bool)> {
    if suffix.is_empty() {
        return Some((None, false));
    }
    let mut cursor = Cursor(suffix);
    cursor.eat(b" tls=")?;
    let length = memchr::memchr(b' ', cursor.0).unwrap_or(cursor.0.len());
    let (tls, rest) = cursor.0.split_at(length);
    if tls != b"no" && !is_tls(tls) {
        return None;
    }
    let replication = match rest {
        b"" | b" replication=no" => false,
        b" replication=yes" | b" replication=database" | b" replication=logical" | b" replication=physical" => true,
        _ => return None,
    };
    Some((Some(tls), replication))
}

/// `TLSv1.3/TLS_AES_256_GCM_SHA384`, `TLSv1.2/ECDHE-RSA-CHACHA20-POLY1305/ECDH=X25519`: a version, and words of
/// letters, digits and `-_./=`.
fn is_tls(tls: &[u8]) -> bool {
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=".contains(byte);
    (tls.starts_with(b"TLSv") || tls.starts_with(b"SSLv")) && tls.len() < 96 && tls.iter().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rest: &str) -> Option<(String, String, String, bool)> {
        let attempt = parse(rest.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Some((text(attempt.database), text(attempt.user), text(attempt.address.host), attempt.hopeless))
    }

    fn printed(database: &str, user: &str, suffix: &str) -> String {
        format!("{database}/{user}@10.0.0.1:5 login attempt: db={database} user={user}{suffix}")
    }

    #[test]
    fn every_suffix_of_every_version() {
        for suffix in [
            "",
            " tls=no",
            " tls=TLSv1.3/TLS_AES_256_GCM_SHA384",
            " tls=TLSv1.2/ECDHE-RSA-CHACHA20-POLY1305/ECDH=X25519",
            " tls=no replication=no",
            " tls=no replication=database",
        ] {
            let expected = Some(("app".into(), "web-api".into(), "10.0.0.1".into(), false));
            assert_eq!(read(&printed("app", "web-api", suffix)), expected, "{suffix}");
        }
    }

    #[test]
    fn names_with_every_separator_are_read_as_themselves() {
        for user in ["a@b", "x/y", "odd user", "josé", "u tls=no", "u user=v", "@10.0.0.9:1 login attempt: db=x", "/"]
        {
            for database in ["app", "a/b", "app user=batch", "(nodb)", "a@1.1.1.1:1 closing because: x", ""] {
                for suffix in ["", " tls=no", " tls=no replication=no"] {
                    let line = printed(database, user, suffix);
                    let hopeless = database == "(nodb)";
                    let expected = Some((database.to_owned(), user.to_owned(), "10.0.0.1".to_owned(), hopeless));
                    assert_eq!(read(&line), expected, "{line}");
                }
            }
        }
    }

    #[test]
    fn hopeless_attempts_name_the_database_that_was_asked_for() {
        let line = "(nodb)/bob@[::1]:5 login attempt: db=nosuch user=bob tls=no replication=no";
        assert_eq!(read(line), Some(("nosuch".into(), "bob".into(), "::1".into(), true)));
    }

    /// It read as `(nodb)/` and `/` as well, but for what comes behind.
    #[test]
    fn a_hopeless_attempt_of_slashes() {
        let line = "(nodb)///@unix(27065):26065 login attempt: db=(nodb)/ user=// tls=no";
        assert_eq!(read(line), Some(("(nodb)/".into(), "//".into(), "unix".into(), true)));
    }

    #[test]
    fn both_sides_must_name_the_same() {
        for line in [
            "app/web@10.0.0.1:5 login attempt: db=app user=batch tls=no",
            "app/web@10.0.0.1:5 login attempt: db=other user=web tls=no",
            "(nodb)/web@10.0.0.1:5 login attempt: db=app user=batch tls=no",
            "app/web@10.0.0.1:5 login attempt: db=app user=web tls=maybe",
            "app/web@10.0.0.1:5 login attempt: db=app user=web tls=no more",
            "app/web@10.0.0.1:5 login attempt: db=app user=web replication=no",
            "app/web@nowhere:5 login attempt: db=app user=web tls=no",
            "app/web login attempt: db=app user=web",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn names_that_pgbouncer_cannot_have_are_not_believed() {
        assert!(read(&printed(&"d".repeat(63), &"u".repeat(127), "")).is_some());
        assert!(read(&printed(&"d".repeat(64), "u", "")).is_none());
        assert!(read(&printed("d", &"u".repeat(128), "")).is_none());
    }

    #[test]
    fn a_kind_of_tls_has_less_than_96_bytes() {
        for (length, is_read) in [(95, true), (96, false)] {
            let suffix = format!(" tls=TLSv{}", "x".repeat(length - 4));
            assert_eq!(read(&printed("app", "web", &suffix)).is_some(), is_read, "{length}");
        }
    }
}
