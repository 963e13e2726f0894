//! What a close reason says of the login before it.
//!
//! From pgbouncer's source, 1.5.5 to 1.25.2 and the development head of 2026: every `disconnect_client()` was looked
//! at for the states in which it can be reached. Reasons are matched by their fixed part, the first letter in either
//! case (up to 1.8 they began with capitals), and shown by it.

use crate::words;

/// What is known of a socket that was closed for a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It never got in: the reason exists only before and during authentication.
    Failed,
    /// It was in.
    AfterLogin,
    /// Seen on both sides of the login.
    Either,
    /// `client unexpected eof`: depends on the version, and on what is known of the pool.
    UnexpectedEof,
    /// A cancel request: not a login's socket at all.
    Cancel,
}

/// A reason by its fixed part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason<'a> {
    /// The fixed part as the newest version spells it; the whole text where it is not in the table.
    pub text: &'a [u8],
    /// What it says.
    pub class: Class,
    /// Whether it is in the table.
    pub is_known: bool,
}

/// Whether the table's text is the whole reason or only its beginning.
#[derive(Clone, Copy, PartialEq)]
enum Match {
    Whole,
    Start,
}

use Class::{AfterLogin, Cancel, Either, Failed, UnexpectedEof};
use Match::{Start, Whole};

/// Longer ones before those that they begin with.
const TABLE: &[(&str, Match, Class)] = &[
    ("client close request", Whole, AfterLogin),
    ("client unexpected eof", Whole, UnexpectedEof),
    ("password authentication failed", Start, Failed),
    ("SASL authentication failed", Start, Failed),
    ("auth failed", Whole, Failed),
    ("\"trust\" authentication failed", Start, Failed),
    ("PAM authentication failed", Start, Failed),
    ("LDAP authentication failed", Start, Failed),
    ("certificate authentication failed", Start, Failed),
    ("empty password returned by client", Start, Failed),
    ("client selected an invalid SASL authentication mechanism", Start, Failed),
    ("login rejected", Start, Failed),
    ("unix socket login rejected", Start, Failed),
    ("login failed", Start, Failed),
    ("no authentication method is found", Start, Failed),
    ("no such user", Start, Failed),
    ("no such database", Start, Failed),
    ("authentication database \"", Start, Failed),
    ("database does not allow connections", Start, Failed),
    ("not allowed", Whole, Failed),
    ("client_login_timeout (server down)", Whole, Failed),
    ("client_login_timeout", Start, Failed),
    ("client connections exceeded (max_db_client_connections)", Whole, Failed),
    ("client connections exceeded (max_user_client_connections)", Whole, Failed),
    ("client connections exceeded", Start, Failed),
    ("no more connections allowed (max_client_conn)", Whole, Failed),
    ("no more connections allowed", Start, Failed),
    ("username too long", Start, Failed),
    ("password too long", Start, Failed),
    ("no username supplied", Start, Failed),
    ("no database supplied", Start, Failed),
    ("unsupported startup parameter in options", Start, Failed),
    ("unsupported startup parameter", Start, Failed),
    ("unsupported options startup parameter", Start, Failed),
    ("invalid startup packet layout", Start, Failed),
    ("old V2 protocol not supported", Start, Failed),
    ("bouncer config error", Start, Failed),
    ("TLS connection required", Start, Failed),
    ("TLS client certificate required", Start, Failed),
    ("TLS certificate name mismatch", Start, Failed),
    ("SSL required", Start, Failed),
    ("SSL req inside SSL", Start, Failed),
    ("failed to accept SSL", Start, Failed),
    ("received unencrypted data after SSL request", Start, Failed),
    ("received unencrypted data after GSSAPI encryption request", Start, Failed),
    ("client password pkt before startup packet", Start, Failed),
    ("client re-sent startup pkt", Start, Failed),
    ("client sent partial pkt in startup phase", Start, Failed),
    ("unrequested passwd pkt", Start, Failed),
    ("failed to send auth req", Start, Failed),
    ("failed to prepare welcome message", Start, Failed),
    ("failed to send welcome message", Start, Failed),
    ("ldap is not supported by this build", Start, Failed),
    ("auth_ldap_options is null", Start, Failed),
    ("no memory for pool", Start, Failed),
    ("no memory for authentication pool", Start, Failed),
    ("server login failed", Start, Failed),
    ("client_idle_timeout", Whole, AfterLogin),
    ("idle_timeout", Whole, AfterLogin),
    ("query timeout", Whole, AfterLogin),
    ("idle transaction timeout", Whole, AfterLogin),
    ("transaction timeout", Whole, AfterLogin),
    ("admin forced disconnect", Whole, AfterLogin),
    ("server conn crashed?", Whole, AfterLogin),
    ("PQexec disallowed", Whole, AfterLogin),
    ("prepared statement name is already in use", Start, AfterLogin),
    ("prepared statement did not exist", Start, AfterLogin),
    ("broken Parse packet", Start, AfterLogin),
    ("broken Bind packet", Start, AfterLogin),
    ("broken Describe packet", Start, AfterLogin),
    ("broken Close packet", Start, AfterLogin),
    ("suspend_timeout", Whole, Either),
    ("query_timeout", Whole, Either),
    ("query_wait_timeout", Whole, Either),
    ("server login has been failing", Start, Either),
    ("pgbouncer cannot connect to server", Start, Either),
    ("database removed", Whole, Either),
    ("pooler is shutting down", Start, Either),
    ("server shutting down", Start, Either),
    ("out of memory", Start, Either),
    ("bad packet header", Start, Either),
    ("bad packet", Start, Either),
    ("unknown pkt", Start, Either),
    ("failed cancel request", Start, Cancel),
    ("successfully sent cancel request", Start, Cancel),
    ("cancel request for idle client", Start, Cancel),
    ("cancel request", Start, Cancel),
    ("canceled", Start, Cancel),
    ("could not find peer to forward request to", Start, Cancel),
    ("no such client", Start, Cancel),
];

/// What nearly all clients leave for.
pub const CLOSE_REQUEST: Reason<'static> = Reason { text: b"client close request", class: AfterLogin, is_known: true };

/// The reason of an attempt whose client left without a word (1.15 on).
pub const LEFT_AT_PROMPT: &[u8] = b"left at the password prompt";

/// The reason of a refused client of which only the `login failed` line is known.
pub const LOGIN_FAILED: &[u8] = b"login failed";

/// Looks a reason up.
///
/// ```
/// use loganalyzer_engine::pgbouncer::reasons::{Class, classify};
///
/// let reason = classify(b"No such user: bob");
/// assert_eq!((reason.text, reason.class), (&b"no such user"[..], Class::Failed));
/// assert_eq!(classify(b"something new").class, Class::Either);
/// ```
pub fn classify(reason: &[u8]) -> Reason<'_> {
    let found = TABLE.iter().find(|(text, how, _)| matches(reason, text.as_bytes(), *how));
    match found {
        Some(&(text, _, class)) => Reason { text: fixed_part(text), class, is_known: true },
        None => Reason { text: reason, class: Either, is_known: false },
    }
}

#[inline]
fn matches(reason: &[u8], text: &[u8], how: Match) -> bool {
    let Some((&first, rest)) = reason.split_first() else { return false };
    let fits = if how == Whole { reason.len() == text.len() } else { reason.len() >= text.len() };
    fits && first.eq_ignore_ascii_case(&text[0]) && words::begins(rest, &text[1..])
}

/// What is shown: the text, without a quote that a name follows.
fn fixed_part(text: &'static str) -> &'static [u8] {
    text.strip_suffix(" \"").unwrap_or(text).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(reason: &str) -> Class {
        classify(reason.as_bytes()).class
    }

    #[test]
    fn either_case_and_with_parameters() {
        for (reason, text) in [
            ("Auth failed", "auth failed"),
            ("password authentication failed for user \"bob\"", "password authentication failed"),
            ("No such database: nosuch", "no such database"),
            ("database does not allow connections: dbx", "database does not allow connections"),
            ("no more connections allowed (max_client_conn)", "no more connections allowed (max_client_conn)"),
            ("Old V2 protocol not supported", "old V2 protocol not supported"),
            ("authentication database \"x\" is disabled", "authentication database"),
        ] {
            let found = classify(reason.as_bytes());
            assert_eq!((found.class, found.text), (Failed, text.as_bytes()), "{reason}");
        }
    }

    #[test]
    fn similar_reasons_are_told_apart() {
        assert_eq!(class("query timeout"), AfterLogin);
        assert_eq!(class("query_timeout"), Either);
        assert_eq!(class("client_idle_timeout"), AfterLogin);
        assert_eq!(class("client_login_timeout (server down)"), Failed);
        assert_eq!(class("database \"x\" is disabled"), Either);
        assert_eq!(class("database \"x\" does not exist"), Either);
        assert_eq!(class("client close request please"), Either);
        assert_eq!(class("successfully sent cancel request"), Cancel);
        assert_eq!(class(""), Either);
    }

    #[test]
    fn no_entry_hides_a_later_one() {
        for (place, (text, _, class)) in TABLE.iter().enumerate() {
            let first = TABLE.iter().position(|(other, how, _)| matches(text.as_bytes(), other.as_bytes(), *how));
            assert_eq!(first, Some(place), "{text} ({class:?})");
        }
    }
}
