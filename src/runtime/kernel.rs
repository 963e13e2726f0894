//! The kernel's tables of TCP connections, `/proc/self/net/tcp` and `tcp6`.
//!
//! ```text
//!   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
//!    0: 0100007F:1920 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 12345 …
//! ```
//!
//! Addresses are words of 32 bits in the host's byte order, each printed as a number (`net/ipv4/tcp_ipv4.c`,
//! `get_tcp4_sock()`). A state of 01 is established, 08 is closed by the other end only, 0A listens.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::world::World;
use crate::analysis::witness::Connections;

/// Reads both tables; listeners count only where they are `owner`'s. A host without IPv6 has no second table.
///
/// # Errors
///
/// The operating system's, where there is no table at all.
pub fn connections(world: &mut impl World, owner: Option<u32>) -> io::Result<Connections> {
    let mut connections = Connections::default();
    read(&world.read_text(Path::new("/proc/self/net/tcp"))?, owner, &mut connections);
    if let Ok(table) = world.read_text(Path::new("/proc/self/net/tcp6")) {
        read(&table, owner, &mut connections);
    }
    Ok(connections)
}

fn read(table: &str, owner: Option<u32>, connections: &mut Connections) {
    for line in table.lines().skip(1) {
        let mut words = line.split_ascii_whitespace().skip(1);
        let (Some(local), Some(remote), Some(state)) = (words.next(), words.next(), words.next()) else { continue };
        let uid = words.nth(3).and_then(|uid| uid.parse().ok());
        match state {
            "01" | "08" => connections.remotes.extend(endpoint(remote)),
            "0A" if uid == owner => connections.listening.extend(endpoint(local).map(|(_, port)| port)),
            _ => {}
        }
    }
}

/// `0100007F:1920`.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |place: usize| u32::from_str_radix(address.get(place * 8..place * 8 + 8)?, 16).ok();
    if address.len() == 8 {
        return Some((Ipv4Addr::from(word(0)?.to_ne_bytes()).into(), port));
    }
    let mut bytes = [0; 16];
    for (place, part) in bytes.chunks_exact_mut(4).enumerate() {
        part.copy_from_slice(&word(place)?.to_ne_bytes());
    }
    // A client over IPv4 of a listener on `::` is `::ffff:10.0.0.7` here, and 10.0.0.7 in the log.
    Some((Ipv6Addr::from(bytes).to_canonical(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn table(rows: &[(&str, &str, &str)]) -> Connections {
        let rows = rows.iter().map(|(local, remote, state)| {
            format!(
                "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000   101        0 1 1 0 100 0\n"
            )
        });
        let mut connections = Connections::default();
        read(&(HEAD.to_owned() + &rows.collect::<String>()), Some(101), &mut connections);
        connections
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn addresses_of_both_families() {
        let connections = table(&[
            ("0100007F:1920", "00000000:0000", "0A"),
            ("0100007F:1920", "0700000A:C35A", "01"),
            ("0000000000000000FFFF00000100007F:1920", "0000000000000000FFFF00000800000A:C35B", "08"),
            ("00000000000000000000000001000000:1920", "B80D0120000000000000000007000000:0005", "01"),
            ("0100007F:1920", "0900000A:C35C", "06"),
        ]);
        let mut remotes: Vec<String> = connections.remotes.iter().map(|(ip, port)| format!("{ip} {port}")).collect();
        remotes.sort();
        assert_eq!(remotes, ["10.0.0.7 50010", "10.0.0.8 50011", "2001:db8::7 5"], "not the one in TIME_WAIT");
        assert_eq!(connections.listening.into_iter().collect::<Vec<_>>(), [6432]);
    }

    #[test]
    fn anybody_elses_listener_and_broken_rows_are_passed_over() {
        let mut connections = Connections::default();
        let rows = "0: 0100007F:1920 00000000:0000 0A 0:0 0:0 0 0 0 1\nx\n1: 0100007F 01 01\n2: 0:0 7:99999 01\n";
        read(&(HEAD.to_owned() + rows), Some(101), &mut connections);
        assert!(connections.listening.is_empty() && connections.remotes.is_empty());
    }

    #[test]
    fn the_tables_of_this_host_can_be_read() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("Linux"));
        let mut connections = Connections::default();
        read(&table, Some(owner), &mut connections);
        assert!(connections.listening.contains(&port));
        let client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let _accepted = listener.accept().expect("a client");
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
        read(&table, Some(owner), &mut connections);
        let endpoint = client.local_addr().expect("connected");
        assert!(connections.remotes.contains(&(endpoint.ip(), endpoint.port())));
    }
}
