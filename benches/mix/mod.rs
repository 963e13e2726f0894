//! A log with the mix of a busy pgbouncer: half attempts, half closings, one failure in a hundred, stats and server
//! lines; 20 users, 15 databases, 50 addresses.

use std::fmt::Write;

/// Writes a log of about `lines` lines, as pgbouncer 1.21 does.
pub(crate) fn log(lines: u32) -> Vec<u8> {
    let mut text = String::new();
    let mut state = 1u32;
    let mut below = |bound: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % bound
    };
    for line in 0..lines / 2 {
        let (second, milli) = (line / 400 % 60, line % 400 * 2);
        let time = format!(
            "2026-11-22 {:02}:{:02}:{second:02}.{milli:03} UTC [4711] LOG",
            line / 1_440_000 % 24,
            line / 24_000 % 60
        );
        let (user, database, host) = (below(20), below(15), below(50));
        let client = format!(
            "C-0x55d0{:08x}: db{database:02}/user{user:02}@10.0.0.{host}:{}",
            below(500) * 400,
            1024 + below(60_000)
        );
        let reason = if below(100) == 0 { "password authentication failed" } else { "client close request" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{time} {client} login attempt: db=db{database:02} user=user{user:02} tls=no");
        let _ = writeln!(text, "{time} {client} closing because: {reason} (age={}s)", below(90));
        if line % 500 == 0 {
            let _ = writeln!(
                text,
                "{time} S-0x55d100000000: db01/user01@127.0.0.1:5432 new connection to server (from 127.0.0.1:4000)"
            );
            let _ = writeln!(
                text,
                "{time} stats: 96 xacts/s, 100 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, in 17628 B/s, \
                 out 7835 B/s, xact 1500 us, query 1400 us, wait 3 us"
            );
        }
    }
    text.into_bytes()
}
