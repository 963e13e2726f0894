//! A mail to the mail server, through lettre's blocking transport.
//!
//! The connection is made here, and not by lettre's `SmtpTransport`, because what a refusal means depends on when it
//! comes: a server that will not talk to us may do so later, a mail that it will not take it will never take.

use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::SmtpConnection;
#[cfg(feature = "tls")]
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::Response;
use lettre::{Address, Message, transport::smtp};

use super::outbox::{Letter, Refusal, RefusalKind};
use crate::config::email::Email;
#[cfg(feature = "tls")]
use crate::config::email::Security;
use crate::config::secret;
use crate::report::safe::{Medium, shown};

/// The least that any answer may take, whatever the others have taken.
const LEAST_TIMEOUT: Duration = Duration::from_millis(500);

/// The least that the answer to a whole mail may take: servers look for viruses before they give it, and who does not
/// wait for it sends twice (RFC 5321, 4.5.3.2.6, would wait for ten minutes).
const LEAST_TIMEOUT_OF_MAIL: Duration = Duration::from_secs(60);

/// The addresses of a mail server that are tried, one time-out each.
const ADDRESSES: u32 = 4;

/// The answers of a mail server that come once: its greeting, two to EHLO, to STARTTLS, three of TLS, eleven to AUTH
/// (as many as lettre listens to), to MAIL and to DATA.
const ANSWERS: u32 = 1 + 2 + 1 + 3 + 11 + 1 + 1;

/// How long looking up the mail server's name may take: some servers, each asked twice.
const TIME_FOR_NAME: Duration = Duration::from_secs(60);

/// How long one mail may take where every answer comes as late as it may. (One that comes a byte at a time knows no end.)
pub fn longest(email: &Email) -> Duration {
    let answers = ADDRESSES + ANSWERS + u32::try_from(email.to.len()).unwrap_or(u32::MAX / 2);
    email.timeout.saturating_mul(answers) + email.timeout.max(LEAST_TIMEOUT_OF_MAIL) + LEAST_TIMEOUT + TIME_FOR_NAME
}

/// Sends a letter to those who have not got it; returns what the server said.
///
/// # Errors
///
/// Why it was not taken. After a connection that broke behind the last byte the letter may have been taken all the same.
pub fn send(email: &Email, letter: &Letter, host: &str) -> Result<String, Refusal> {
    let (envelope, message) = contained(RefusalKind::Permanent, || write(email, letter))?;
    contained(RefusalKind::Server, || {
        let begin = Instant::now();
        let mut connection = connect(email, host)?;
        let left = email.timeout.saturating_sub(begin.elapsed()).max(LEAST_TIMEOUT);
        let _ = connection.set_timeout(Some(left));
        let response = converse(&mut connection, email, &envelope, &message)?;
        say_goodbye(connection);
        let text: Vec<&str> = response.message().collect();
        Ok(format!("{} {}", response.code(), text.join(" ")))
    })
}

/// One mail, command by command: so it is known whether all of it was sent.
fn converse(
    connection: &mut SmtpConnection,
    email: &Email,
    envelope: &Envelope,
    message: &[u8],
) -> Result<Response, Refusal> {
    let failed = |error: smtp::Error| refusal(mail_kind(&error), email, &error);
    let mut options = Vec::new();
    let is_ascii = |address: &Address| address.to_string().is_ascii();
    if !envelope.to().iter().chain(envelope.from()).all(is_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let message = "it takes no addresses beyond ASCII (SMTPUTF8)";
            return Err(Refusal { kind: RefusalKind::Permanent, ..away(email, message) });
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    connection.command(Mail::new(envelope.from().cloned(), options)).map_err(failed)?;
    for to in envelope.to() {
        connection.command(Rcpt::new(to.clone(), Vec::new())).map_err(failed)?;
    }
    connection.command(Data).map_err(failed)?;
    let _ = connection.set_timeout(Some(email.timeout.max(LEAST_TIMEOUT_OF_MAIL)));
    connection.message(message).map_err(|error| match mail_kind(&error) {
        RefusalKind::Server if is_timeout(&error) => refusal(RefusalKind::Unanswered, email, &error),
        // It went away within this mail, and may do so again: that holds back no other one.
        RefusalKind::Server => refusal(RefusalKind::Broken, email, &error),
        kind => refusal(kind, email, &error),
    })
}

/// lettre 0.11.23 panics on a blank line in the answer to EHLO, and on a line break in a display name: a panic of its
/// is a refusal here, and nothing of it is printed.
fn contained<T>(kind: RefusalKind, work: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(hook);
    let panicked = || Refusal { kind, message: "the mail library failed on it (a panic)".to_owned() };
    result.unwrap_or_else(|_| Err(panicked()))
}

/// Where mail is already taken, nothing that the server does may make it be sent again.
fn say_goodbye(mut connection: SmtpConnection) {
    let _ = contained(RefusalKind::Server, || {
        let _ = connection.set_timeout(Some(LEAST_TIMEOUT));
        let _ = connection.quit();
        Ok(())
    });
}

fn connect(email: &Email, host: &str) -> Result<SmtpConnection, Refusal> {
    let credentials = email.login.as_ref().map(|(user, file)| credentials(email, user, file)).transpose()?;
    let hello = ClientId::Domain(host.to_owned());
    let mut connection = open(email, &hello)?;
    if let Some(credentials) = credentials {
        let result = connection.auth(DEFAULT_MECHANISMS, &credentials);
        result.map_err(|error| refusal(RefusalKind::Server, email, &error))?;
    }
    Ok(connection)
}

#[cfg(feature = "tls")]
fn open(email: &Email, hello: &ClientId) -> Result<SmtpConnection, Refusal> {
    let failed = |error: smtp::Error| refusal(RefusalKind::Server, email, &error);
    let tls = if email.security == Security::None { None } else { Some(tls(email)?) };
    let at_once = tls.as_ref().filter(|_| email.security == Security::Tls);
    let server = (email.server.as_str(), email.port);
    let mut connection = SmtpConnection::connect(server, Some(email.timeout), hello, at_once, None).map_err(failed)?;
    if let Some(tls) = tls.as_ref().filter(|_| email.security == Security::StartTls) {
        // Never in the clear: without STARTTLS this is an error.
        connection.starttls(tls, hello).map_err(failed)?;
    }
    Ok(connection)
}

/// Without TLS a configuration that wants it is refused before it comes to this.
#[cfg(not(feature = "tls"))]
fn open(email: &Email, hello: &ClientId) -> Result<SmtpConnection, Refusal> {
    let server = (email.server.as_str(), email.port);
    let connection = SmtpConnection::connect(server, Some(email.timeout), hello, None, None);
    connection.map_err(|error| refusal(RefusalKind::Server, email, &error))
}

/// The password is read for each mail, so that it can be changed at any time.
fn credentials(email: &Email, user: &str, file: &Path) -> Result<Credentials, Refusal> {
    let password = secret::read(file);
    let password = password.map_err(|why| away(email, &format!("emailPasswordFile {}: {why}", file.display())))?;
    Ok(Credentials::new(user.to_owned(), password))
}

#[cfg(feature = "tls")]
fn tls(email: &Email) -> Result<TlsParameters, Refusal> {
    let mut builder = TlsParameters::builder(email.server.clone());
    if let Some(file) = &email.ca_file {
        let unusable = |error: &dyn std::fmt::Display| away(email, &format!("emailCaFile {}: {error}", file.display()));
        let pem = std::fs::read(file).map_err(|error| unusable(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| unusable(&error))?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificate);
    }
    builder.build().map_err(|error| refusal(RefusalKind::Server, email, &error))
}

fn away(email: &Email, message: &str) -> Refusal {
    Refusal { kind: RefusalKind::Server, message: format!("{}:{}: {message}", email.server, email.port) }
}

fn is_timeout(error: &smtp::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        }
        source = error.source();
    }
    false
}

fn refusal(kind: RefusalKind, email: &Email, error: &smtp::Error) -> Refusal {
    if is_timeout(error) {
        return Refusal { kind, ..away(email, "it does not answer in time (emailTimeoutInSeconds)") };
    }
    Refusal { kind, ..away(email, &shown(error.to_string().as_bytes(), Medium::Terminal).to_string()) }
}

/// What a failure after the greeting means for the mail.
fn mail_kind(error: &smtp::Error) -> RefusalKind {
    // Who must log in, or encrypt, before anything else has not been refused this mail.
    let wants_more = error.status().is_some_and(|code| ["530", "534", "538"].contains(&code.to_string().as_str()));
    if (error.is_permanent() || error.is_client()) && !wants_more {
        RefusalKind::Permanent
    } else if error.is_transient() {
        RefusalKind::Temporary
    } else {
        RefusalKind::Server
    }
}

/// No answer is wanted from another program (RFC 3834).
#[derive(Debug, Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The letter as it goes over the wire, and for whom.
///
/// # Errors
///
/// Where it cannot be written as a mail.
pub fn write(email: &Email, letter: &Letter) -> Result<(Envelope, Vec<u8>), Refusal> {
    let failed = |error: &dyn std::fmt::Display| Refusal { kind: RefusalKind::Permanent, message: error.to_string() };
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(letter.at.max(0).unsigned_abs());
    let mut builder = Message::builder().from(email.from.clone()).date(at).message_id(Some(letter.id.clone()));
    for to in &letter.to {
        builder = builder.to(to.clone());
    }
    let body = MultiPart::alternative_plain_html(letter.mail.text.clone(), letter.mail.html.clone());
    let builder = builder.subject(letter.mail.subject.clone()).header(AutoSubmitted);
    let message = builder.multipart(body).map_err(|error| failed(&error))?;
    let addresses = |mailboxes: &[Mailbox]| mailboxes.iter().map(|mailbox| mailbox.email.clone()).collect();
    let envelope = Envelope::new(Some(email.from.email.clone()), addresses(&letter.left));
    Ok((envelope.map_err(|error| failed(&error))?, message.formatted()))
}
