//! The section `configuration.alertingEmail`: through which server mail goes, from whom and to whom.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::{Mailbox, Mailboxes};
use serde_json::Value;

use super::section::Section;
use super::{Error, secret};

pub(super) const KEYS: &[&str] = &[
    "emailFrom",
    "emailTo",
    "emailServer",
    "emailPort",
    "emailSecurity",
    "emailUser",
    "emailPasswordFile",
    "emailCaFile",
    "emailTimeoutInSeconds",
];

/// How the way to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// The connection begins in the clear, and must be encrypted before anything is said.
    StartTls,
    /// The connection is encrypted from its first byte.
    Tls,
}

impl Security {
    /// The port that is used where none is named: 25 (RFC 5321), 587 (RFC 6409), 465 (RFC 8314).
    fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

/// Through which server mail goes, from whom and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// `From:`.
    pub from: Mailbox,
    /// `To:`, one or many.
    pub to: Vec<Mailbox>,
    /// The server's name or address.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// How the way is protected.
    pub security: Security,
    /// Who logs in there, and the file that holds the password.
    pub login: Option<(String, PathBuf)>,
    /// The certificates that are trusted, and no others; else the host's.
    pub ca_file: Option<PathBuf>,
    /// How long the server may take for an answer.
    pub timeout: Duration,
}

/// Reads the section, if there is one.
pub(super) fn parse(configuration: &Section<'_>, warnings: &mut Vec<String>) -> Result<Option<Email>, Error> {
    if !configuration.has("alertingEmail") {
        return Ok(None);
    }
    let section = configuration.section("alertingEmail")?;
    section.warn_unknown(KEYS, warnings);
    let security = parse_security(&section)?;
    let server = section.string("emailServer")?.trim().to_owned();
    if server.is_empty() || server.contains(|character: char| character.is_whitespace() || character.is_control()) {
        return Err(section.wrong("emailServer", "write the mail server's name, such as \"localhost\""));
    }
    let login = parse_login(&section)?;
    if login.is_some() && security == Security::None && !is_own_host(&server) {
        let place = section.place("emailSecurity");
        warnings.push(format!("{place}: the password goes to {server} in the clear; write \"starttls\" or \"tls\""));
    }
    Ok(Some(Email {
        from: parse_from(&section)?,
        to: parse_to(&section)?,
        server,
        port: parse_port(&section, security)?,
        security,
        login,
        ca_file: section.optional_string("emailCaFile")?.map(PathBuf::from),
        timeout: parse_timeout(&section)?,
    }))
}

fn is_own_host(server: &str) -> bool {
    server == "localhost" || server.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

const ADDRESS_MEND: &str = "write an address, such as \"dba@example.org\" or \"DBA <dba@example.org>\"";

fn parse_from(section: &Section<'_>) -> Result<Mailbox, Error> {
    let text = section.string("emailFrom")?;
    match mailboxes(text).as_deref() {
        Some([only]) => Ok(only.clone()),
        _ => Err(section.wrong("emailFrom", ADDRESS_MEND)),
    }
}

fn parse_to(section: &Section<'_>) -> Result<Vec<Mailbox>, Error> {
    const MEND: &str = "write an address, such as \"dba@example.org\", or a list of them";
    let texts = match section.required("emailTo", MEND)? {
        Value::String(text) => vec![text.as_str()],
        Value::Array(texts) => texts.iter().map(|text| text.as_str().unwrap_or_default()).collect(),
        _ => Vec::new(),
    };
    let all: Option<Vec<Vec<Mailbox>>> = texts.into_iter().map(mailboxes).collect();
    let mut all = all.map(|all| all.concat()).filter(|all| !all.is_empty());
    if let Some(all) = &mut all {
        let mut known = Vec::new();
        all.retain(|to| {
            !known.contains(&to.email) && {
                known.push(to.email.clone());
                true
            }
        });
    }
    all.ok_or_else(|| section.wrong("emailTo", MEND))
}

/// One or more addresses, with commas between them. A user of this host needs no `@`, as the mail server does not
/// need it either.
fn mailboxes(text: &str) -> Option<Vec<Mailbox>> {
    // lettre 0.11.23 panics on a display name with a line break.
    if text.contains(char::is_control) {
        return None;
    }
    let is_local = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let text = text.trim();
    let text = if is_local(text) { format!("{text}@localhost") } else { text.to_owned() };
    let mailboxes: Mailboxes = text.parse().ok()?;
    let mailboxes: Vec<Mailbox> = mailboxes.into_iter().collect();
    (!mailboxes.is_empty()).then_some(mailboxes)
}

fn parse_security(section: &Section<'_>) -> Result<Security, Error> {
    let security = match section.optional_string("emailSecurity")? {
        None | Some("none") => Security::None,
        Some("starttls") => Security::StartTls,
        Some("tls") => Security::Tls,
        Some(_) => return Err(section.wrong("emailSecurity", "write \"none\", \"starttls\" or \"tls\"")),
    };
    if security != Security::None && !cfg!(feature = "tls") {
        let mend = "this loganalyzer was built without TLS (cargo feature \"tls\"): write \"none\", or use one with it";
        return Err(section.wrong("emailSecurity", mend));
    }
    Ok(security)
}

fn parse_port(section: &Section<'_>, security: Security) -> Result<u16, Error> {
    let Some(port) = section.optional_number("emailPort")? else { return Ok(security.port()) };
    if port.fract() != 0.0 || !(1.0..=65535.0).contains(&port) {
        return Err(section.wrong("emailPort", "write a port between 1 and 65535, such as 25, 587 or 465"));
    }
    Ok(port as u16)
}

fn parse_login(section: &Section<'_>) -> Result<Option<(String, PathBuf)>, Error> {
    match (section.optional_string("emailUser")?, section.optional_string("emailPasswordFile")?) {
        (None, None) => Ok(None),
        (Some(user), Some(file)) => match secret::fault(file.as_ref()) {
            Some((fault, mend)) => {
                let error = section.wrong("emailPasswordFile", &mend);
                Err(Error { found: format!("{}, {fault}", error.found), ..error })
            }
            None => Ok(Some((user.to_owned(), PathBuf::from(file)))),
        },
        (Some(_), None) => Err(section.wrong("emailPasswordFile", "write the path of a file that holds the password")),
        (None, Some(_)) => Err(section.wrong("emailUser", "write who logs in at the mail server with that password")),
    }
}

fn parse_timeout(section: &Section<'_>) -> Result<Duration, Error> {
    let seconds = section.optional_number("emailTimeoutInSeconds")?.unwrap_or(10.0);
    if !(0.1..=300.0).contains(&seconds) {
        return Err(section.wrong("emailTimeoutInSeconds", "write seconds between 0.1 and 300, such as 10"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
#[path = "email_tests.rs"]
mod tests;
