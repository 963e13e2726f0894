//! A log with the mix of a busy pgbouncer: half attempts, half closings, one failure in a hundred, and now and then
//! stats and servers.

#![allow(dead_code, unreachable_pub, reason = "benches, an example and a test use their parts of it")]

use std::io::{self, Write};

/// Which pgbouncer writes the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Up to 1.10: a bare pid, no zone.
    Before111,
    /// Of 1.21: zone, pid in brackets, TLS in the attempt.
    Since111,
}

/// What the log is made of.
#[derive(Debug, Clone, Copy)]
pub struct Mix {
    /// Which pgbouncer writes it.
    pub format: Format,
    /// How many accounts there are.
    pub users: u64,
    /// How many databases.
    pub databases: u64,
    /// How many addresses.
    pub addresses: u64,
    /// Bytes of each account's and each database's name, at least.
    pub name: usize,
    /// How many clients there are at once; each is open half of the time.
    pub clients: usize,
}

impl Mix {
    /// As most are.
    pub const BUSY: Self =
        Self { format: Format::Since111, users: 20, databases: 15, addresses: 50, name: 8, clients: 500 };
}

/// About so many bytes of a log of this mix.
pub fn log(mix: Mix, bytes: u64) -> Vec<u8> {
    let mut text = Vec::new();
    // Writing to memory cannot fail.
    let _ = Log::new(mix).write(bytes, &mut text);
    text
}

/// Lines per second of the log's own time.
const RATE: u64 = 1000;

/// A client while it is open: `C-0x…: D/U@A`.
struct Client {
    who: String,
    detail: String,
    since: u64,
}

/// The log, line by line.
pub struct Log {
    mix: Mix,
    state: u64,
    number: u64,
    clients: Vec<Option<Client>>,
}

impl Log {
    /// A log of this mix, the same each time.
    pub fn new(mix: Mix) -> Self {
        Self { mix, state: 1, number: 0, clients: (0..mix.clients).map(|_| None).collect() }
    }

    /// Writes about so many bytes of it.
    pub fn write(&mut self, bytes: u64, out: &mut impl Write) -> io::Result<()> {
        let mut written = 0;
        let mut line = Vec::new();
        while written < bytes {
            line.clear();
            self.line(&mut line)?;
            out.write_all(&line)?;
            written += line.len() as u64;
        }
        Ok(())
    }

    /// splitmix64 by Sebastiano Vigna.
    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    fn line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        let seconds = self.number / RATE;
        self.header(seconds, line)?;
        self.number += 1;
        if self.number.is_multiple_of(60 * RATE) {
            return self.stats(line);
        }
        if self.number.is_multiple_of(50) {
            let server = 0x55d1_0000_0000 + self.below(50) * 704;
            return writeln!(
                line,
                "S-{server:#x}: app/web@127.0.0.1:5432 closing because: server lifetime over (age=3600s)"
            );
        }
        let place = self.below(self.mix.clients as u64) as usize;
        write!(line, "C-{:#x}: ", 0x55d0_a1b2_c000 + place as u64 * 704)?;
        match self.clients[place].take() {
            Some(client) => self.closing(&client, seconds, line),
            None => {
                let client = self.client(seconds);
                writeln!(line, "{} login attempt: {}", client.who, client.detail)?;
                self.clients[place] = Some(client);
                Ok(())
            }
        }
    }

    fn header(&mut self, seconds: u64, line: &mut Vec<u8>) -> io::Result<()> {
        let (day, second, minute, hour) = (1 + seconds / 86_400, seconds % 60, seconds / 60 % 60, seconds / 3600 % 24);
        let milli = self.number % RATE * 1000 / RATE;
        write!(line, "2026-11-{day:02} {hour:02}:{minute:02}:{second:02}.{milli:03} ")?;
        line.write_all(match self.mix.format {
            Format::Before111 => b"4711 LOG ",
            Format::Since111 => b"UTC [4711] LOG ",
        })
    }

    fn client(&mut self, since: u64) -> Client {
        let width = self.mix.name.saturating_sub(4);
        let user = format!("user{:0width$}", self.below(self.mix.users));
        let width = self.mix.name.saturating_sub(2);
        let database = format!("db{:0width$}", self.below(self.mix.databases));
        let host = self.below(self.mix.addresses);
        let [_, first, second, third] = ((10 << 24 | host) as u32).to_be_bytes();
        let who = format!("{database}/{user}@10.{first}.{second}.{third}:{}", 1024 + self.below(60_000));
        let tls = if self.mix.format == Format::Since111 { " tls=TLSv1.3/TLS_AES_256_GCM_SHA384" } else { " tls=no" };
        let detail = format!("db={database} user={user}{}", if self.below(2) == 0 { " tls=no" } else { tls });
        Client { who, detail, since }
    }

    fn closing(&mut self, client: &Client, now: u64, line: &mut Vec<u8>) -> io::Result<()> {
        let reason = match self.below(100) {
            0 => "password authentication failed",
            1..5 => "client unexpected eof",
            _ => "client close request",
        };
        let unit = if self.mix.format == Format::Since111 { "s" } else { "" };
        writeln!(line, "{} closing because: {reason} (age={}{unit})", client.who, now - client.since)
    }

    fn stats(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        line.write_all(match self.mix.format {
            Format::Before111 => b"stats: 96 xacts/s, 100 queries/s, in 17628 B/s, out 7835 B/s, xact 1500 us, query 1400 us, wait time 3 us\n",
            Format::Since111 => b"stats: 96 xacts/s, 100 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, in 17628 B/s, out 7835 B/s, xact 1500 us, query 1400 us, wait 3 us\n",
        })
    }
}
