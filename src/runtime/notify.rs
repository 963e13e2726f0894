//! The service manager that has started this program: systemd's protocol of sd_notify(3), a datagram for each message.
//!
//! ```text
//! NOTIFY_SOCKET   /run/systemd/notify, or @name for an abstract socket: where messages go
//! WATCHDOG_USEC   how long it waits for a sign of life, in microseconds
//! WATCHDOG_PID    whose life, where it is not every process'
//! ```

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use super::world::Manager;

/// A service manager that has no room for a message for so long does not get it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The way to a service manager.
#[derive(Debug)]
pub struct Notify {
    socket: UnixDatagram,
    address: SocketAddr,
    manager: Manager,
}

impl Notify {
    /// The one that the environment names, if it names one. `pid` is this process' number.
    pub fn find(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> Option<Self> {
        let address = address(&variable("NOTIFY_SOCKET")?)?;
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_write_timeout(Some(PATIENCE)).ok()?;
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_mine = number("WATCHDOG_PID").is_none_or(|own| own == u64::from(pid));
        let watchdog = number("WATCHDOG_USEC").filter(|micros| is_mine && *micros > 0).map(Duration::from_micros);
        Some(Self { socket, address, manager: Manager { watchdog } })
    }

    /// What the manager wants to hear.
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// Sends a message.
    ///
    /// # Errors
    ///
    /// The operating system's.
    pub fn send(&self, text: &str) -> io::Result<()> {
        self.socket.send_to_addr(text.as_bytes(), &self.address).map(drop)
    }
}

fn address(name: &OsStr) -> Option<SocketAddr> {
    match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name).ok(),
        [b'/', ..] => SocketAddr::from_pathname(name).ok(),
        // A virtual machine's `vsock:`, or something newer.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(socket: &str, variables: &[(&str, &str)]) -> Option<Notify> {
        let all = [("NOTIFY_SOCKET", socket)];
        let value = |name: &str| all.iter().chain(variables).find(|(known, _)| *known == name);
        Notify::find(|name| value(name).map(|(_, value)| value.into()), 7)
    }

    #[test]
    fn a_message_arrives_at_an_abstract_socket() {
        let name = format!("loganalyzer-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        find(&format!("@{name}"), &[]).expect("a manager").send("READY=1\n").expect("sent");
        let mut bytes = [0; 64];
        let count = socket.recv(&mut bytes).expect("received");
        assert_eq!(&bytes[..count], b"READY=1\n");
    }

    #[test]
    fn whose_watchdog_it_is() {
        let watchdog = |variables: &[_]| find("/run/x", variables).expect("a manager").manager().watchdog;
        assert_eq!(watchdog(&[]), None);
        assert_eq!(watchdog(&[("WATCHDOG_USEC", "3000000")]), Some(Duration::from_secs(3)));
        assert_eq!(watchdog(&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "7")]), Some(Duration::from_secs(3)));
        assert_eq!(watchdog(&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "8")]), None, "another process'");
        assert_eq!((watchdog(&[("WATCHDOG_USEC", "0")]), watchdog(&[("WATCHDOG_USEC", "x")])), (None, None));
    }

    #[test]
    fn what_is_no_socket_is_no_manager() {
        for name in ["", "vsock:2:1234", "relative"] {
            assert!(find(name, &[]).is_none(), "{name:?}");
        }
    }
}
