//! What administrators tell pgbouncer, and how its processes come and go.

use crate::kept::{Kept, Reader, Writer};

use super::record::{Event, Version};

/// Something that happened to a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is up, and which version it is.
    Up(Version),
    /// It is over.
    Over,
    /// A command of the console, or a signal: its place in `NAMES`.
    Command(u8),
}

impl Kept for Life {
    fn save(&self, to: &mut Writer) {
        let (version, command) = match self {
            Self::Up(version) => (Some(*version), None),
            Self::Over => (None, None),
            Self::Command(command) => (None, Some(*command)),
        };
        (version, command).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        match Kept::load(from) {
            (Some(version), _) => Self::Up(version),
            (None, Some(command)) => Self::Command(command),
            (None, None) => Self::Over,
        }
    }
}

/// The commands of the console that are logged, and the signals. Longer ones before those that they begin with.
const NAMES: [&str; 16] = [
    "PAUSE",
    "RESUME",
    "RELOAD",
    "RECONNECT",
    "DISABLE",
    "ENABLE",
    "KILL_CLIENT",
    "KILL",
    "SUSPEND",
    "SHUTDOWN",
    "WAIT_CLOSE",
    "SIGHUP",
    "SIGINT",
    "SIGTERM",
    "SIGUSR1",
    "SIGUSR2",
];

impl Life {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up(_) => "process up",
            Self::Over => "exit",
            Self::Command(number) => NAMES.get(usize::from(number)).copied().unwrap_or("command"),
        }
    }

    /// The version that came up.
    pub fn version(self) -> Option<Version> {
        if let Self::Up(version) = self { Some(version) } else { None }
    }
}

/// What a record without a socket says of its process' life: its event, and its message.
///
/// ```
/// use loganalyzer_engine::pgbouncer::{life::life, record::Event};
///
/// let paused = life(&Event::Other, b"PAUSE 'app' command issued").unwrap();
/// assert_eq!(paused.name(), "PAUSE");
/// assert_eq!(life(&Event::Other, b"kernel file descriptor limit: 1024 (hard: 4096)"), None);
/// ```
pub fn life(event: &Event<'_>, message: &[u8]) -> Option<Life> {
    if let Event::ProcessUp(version) = event {
        return Some(Life::Up(*version));
    }
    let signal = message.strip_prefix(b"got ").or_else(|| message.strip_prefix(b"Got "));
    let command = signal.or_else(|| message.ends_with(b" command issued").then_some(message));
    let named = command.and_then(|text| NAMES.iter().position(|name| text.starts_with(name.as_bytes())));
    match named {
        Some(number) => Some(Life::Command(number as u8)),
        None => (*event == Event::ProcessOver).then_some(Life::Over),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_signals_and_exits() {
        for (message, event, name) in [
            ("RELOAD command issued", Event::Reloaded, Some("RELOAD")),
            ("KILL_CLIENT 7 command issued", Event::Other, Some("KILL_CLIENT")),
            ("KILL 'dbx' command issued", Event::Other, Some("KILL")),
            ("Got SIGHUP re-reading config", Event::Reloaded, Some("SIGHUP")),
            ("got SIGTERM, fast exit", Event::ProcessOver, Some("SIGTERM")),
            ("server connections dropped, exiting", Event::ProcessOver, Some("exit")),
            ("got packet 'N' from server when not linked", Event::Other, None),
            ("SHOW FDS finished", Event::TakeoverEnds, None),
        ] {
            assert_eq!(life(&event, message.as_bytes()).map(Life::name), name, "{message}");
        }
    }

    #[test]
    fn only_a_process_that_comes_up_says_its_version() {
        let version = Version(1, 18, 0);
        let up = life(&Event::ProcessUp(version), b"process up: PgBouncer 1.18.0, libevent 2.1");
        assert_eq!(up.map(|up| (up.name(), up.version())), Some(("process up", Some(version))));
        assert_eq!(life(&Event::ProcessOver, b"got SIGTERM, fast exit").and_then(Life::version), None);
    }
}
