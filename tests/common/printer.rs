//! What each version of pgbouncer writes for a client, byte for byte, whatever its names hold.
//!
//! Written from the facts about pgbouncer, not from the parser: it shares no code with it.

/// Who writes the file, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// pgbouncer's own file: the minor version (5 is 1.5).
    Own(u32),
    /// rsyslog, traditional form.
    Traditional,
    /// rsyslog, ISO times.
    Iso,
    /// RFC 5424.
    Rfc5424,
    /// busybox' syslogd.
    Busybox,
}

/// All styles that differ.
pub const STYLES: [Style; 14] = [
    Style::Own(5),
    Style::Own(6),
    Style::Own(7),
    Style::Own(8),
    Style::Own(10),
    Style::Own(11),
    Style::Own(14),
    Style::Own(15),
    Style::Own(17),
    Style::Own(23),
    Style::Traditional,
    Style::Iso,
    Style::Rfc5424,
    Style::Busybox,
];

/// A client's address as the log has it, and as a report shows it.
#[derive(Debug, Clone)]
pub struct Address {
    pub printed: String,
    pub host: &'static str,
}

impl Style {
    /// The minor version of pgbouncer whose records are written.
    pub fn minor(self) -> u32 {
        match self {
            Self::Own(minor) => minor,
            _ => 18,
        }
    }

    pub fn is_syslog(self) -> bool {
        !matches!(self, Self::Own(_))
    }

    /// One record: the header, the message with its newlines as this writer writes them, and a newline. `second` is
    /// that of 2026-11-22.
    pub fn record(self, second: u32, pid: u32, level: &str, message: &[u8]) -> Vec<u8> {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        let (priority, name) = if level == "LOG" { (30, "info") } else { (28, "warn") };
        let header = match self {
            Self::Own(..=10) => format!("2026-11-22 {time}.123 {pid} {level} "),
            Self::Own(_) => format!("2026-11-22 {time}.123 UTC [{pid}] {level} "),
            Self::Traditional => format!("Nov 22 {time} host pgbouncer[{pid}]: "),
            Self::Iso => format!("2026-11-22T{time}.123456+00:00 host pgbouncer[{pid}]: "),
            Self::Rfc5424 => format!("<{priority}>1 2026-11-22T{time}.123456+00:00 host pgbouncer {pid} - -  "),
            Self::Busybox => format!("Nov 22 {time} host daemon.{name} pgbouncer[{pid}]: "),
        };
        let mut record = header.into_bytes();
        record.extend(self.message(message));
        record.push(b'\n');
        record
    }

    /// pgbouncer writes a newline as newline and TAB, and then cuts white space off the end; syslog daemons escape
    /// them.
    fn message(self, message: &[u8]) -> Vec<u8> {
        let message = &message[..message.len().min(2047)];
        if !message.contains(&b'\n') {
            return message.to_vec();
        }
        let newline: &[u8] = match self {
            Self::Own(_) => b"\n\t",
            Self::Busybox => b" \t",
            _ => b"#012#011",
        };
        let mut written = Vec::new();
        for &byte in message {
            if byte == b'\n' { written.extend_from_slice(newline) } else { written.push(byte) }
        }
        written.truncate(written.trim_ascii_end().len());
        written
    }

    /// An address, of the kinds that this version knows.
    pub fn address(self, kind: usize, port: u16) -> Address {
        let (printed, host) = match (kind % 4, self.minor()) {
            (0, _) => (format!("192.0.2.7:{port}"), "192.0.2.7"),
            (1, _) => (format!("192.0.2.200:{port}"), "192.0.2.200"),
            (2, 5) => (format!("2001:db8::7:{port}"), "2001:db8::7"),
            (2, _) => (format!("[2001:db8::7]:{port}"), "2001:db8::7"),
            (_, 5) => (format!("unix:{port}"), "unix"),
            (_, _) => (format!("unix({}):{port}", 1000 + u32::from(port)), "unix"),
        };
        Address { printed, host }
    }

    /// `D/U@A MESSAGE` of a client socket.
    pub fn client(pointer: u64, database: &[u8], user: &[u8], address: &Address, message: &[u8]) -> Vec<u8> {
        [format!("C-0x{pointer:x}: ").as_bytes(), &Self::behind_pointer(database, user, &address.printed, message)]
            .concat()
    }

    /// What follows a client's pointer.
    pub fn behind_pointer(database: &[u8], user: &[u8], address: &str, message: &[u8]) -> Vec<u8> {
        [database, b"/", user, b"@", address.as_bytes(), b" ", message].concat()
    }

    /// The message of an attempt (`finish_set_pool()`).
    pub fn attempt(self, database: &[u8], user: &[u8], variant: usize) -> Vec<u8> {
        let tls = ["no", "TLSv1.3/TLS_AES_256_GCM_SHA384", "TLSv1.2/ECDHE-RSA-CHACHA20-POLY1305/ECDH=X25519"];
        let replication = ["no", "no", "yes", "database"];
        let tls = (self.minor() >= 7).then(|| tls[variant % 3]);
        let replication = (self.minor() >= 23).then(|| replication[variant / 3 % 4]);
        Self::attempt_with(database, user, tls, replication)
    }

    /// The same with what the client has asked for.
    pub fn attempt_with(database: &[u8], user: &[u8], tls: Option<&str>, replication: Option<&str>) -> Vec<u8> {
        let tls = tls.map_or(String::new(), |tls| format!(" tls={tls}"));
        let replication = replication.map_or(String::new(), |kind| format!(" replication={kind}"));
        [b"login attempt: db=", database, b" user=", user, tls.as_bytes(), replication.as_bytes()].concat()
    }

    /// The message of a closing. The reason is cut at 127 bytes with what is before it.
    pub fn closing(self, reason: &[u8], age: u32) -> Vec<u8> {
        let mut text = b"closing because: ".to_vec();
        text.extend_from_slice(&reason[..reason.len().min(127)]);
        let unit = if self.minor() >= 10 { "s" } else { "" };
        text.extend_from_slice(format!(" (age={age}{unit})").as_bytes());
        text
    }

    /// The reason with which this version turns a wrong password away, and how a report shows it.
    pub fn wrong_password(self) -> (&'static str, &'static str) {
        match self.minor() {
            ..=8 => ("Auth failed", "auth failed"),
            9..=10 => ("auth failed", "auth failed"),
            _ => ("password authentication failed", "password authentication failed"),
        }
    }
}
