//! Tests of the usual lines' reading, beside the file because that would be too long with them.

use super::*;

#[test]
fn milliseconds_are_three_digits() {
    for number in 0..1000 {
        let text = format!("{number:03} UTC ");
        assert_eq!(milliseconds(words::word(text.as_bytes(), 0).expect("it fits")), Some(number));
    }
    for text in
        [b"/00 UTC ", b"0:0 UTC ", b"00: UTC ", b"0 0 UTC ", b"00\0 UTC ", b"1-1 UTC ", b"0\xb01 UTC ", b"01\xb9 UTC "]
    {
        assert_eq!(milliseconds(u64::from_le_bytes(*text)), None, "{text:?}");
    }
}

fn window(text: &str) -> [u8; words::WINDOW] {
    let mut bytes = [b'~'; words::WINDOW];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// What is not read here is read by the grammar, ten times as slowly, so nothing else notices.
#[test]
fn a_close_request_is_read_up_to_the_end_of_its_line() {
    for age in ["0", "7s", "12", "345s", "999999", "999999s", "1234567"] {
        for before in ["", "C-0x1: app/web@10.0.0.7:5 "] {
            let line = format!("{before}closing because: client close request (age={age})\n");
            let end = close_request(Window(&window(&(line.clone() + "2026"))), before.len());
            assert_eq!(end, Some(line.len()), "{line}");
        }
    }
    for other in [
        "closing because: client close request (age=)\n2",
        "closing because: client close request (age=s)\n2",
        "closing because: client close request (age=7x)\n2",
        "closing because: client close request (age=7)x\n2",
        "closing because: client close request (age=7)\n\t",
        "closing because: client close requesT (age=7)\n2",
        "closing because: client unexpected eof (age=7s)\n2",
    ] {
        assert_eq!(close_request(Window(&window(other)), 0), None, "{other}");
    }
}

/// What stands before a client's message, if that is remembered; and whether the line before was of the same second.
fn client<'a>(starts: &mut Starts, text: &'a [u8; words::WINDOW]) -> Option<(Head<'a>, bool)> {
    if starts.client(Window(text)).is_none() && !starts.turn(Window(text)) {
        return None;
    }
    assert!(!starts.turn(Window(text)), "it begins as the last now");
    Some((starts.client(Window(text))?, starts.is_next()))
}

fn learnt(starts: &mut Starts, line: &str) {
    let header = super::super::header::parse_own(line.as_bytes(), &mut super::super::header::DateCache::default())
        .expect("a header");
    starts.learn(line.as_bytes(), &header);
}

/// Of a record of the same second and process as the one before nothing has to be noted; of all others it has.
#[test]
fn a_line_is_the_next_only_behind_one_of_the_same_second_and_process() {
    let line =
        |second: usize, pid: usize| format!("2026-11-22 05:10:{second:02}.550 UTC [{pid}] LOG C-0x55d0: app/web@");
    let mut starts = Starts::default();
    for pid in 1..=5 {
        learnt(&mut starts, &line(0, pid));
    }
    let mut next = |second, pid, is_other: bool| {
        if is_other {
            starts.interrupt();
        }
        let bytes = window(&line(second, pid));
        let (client, is_next) = client(&mut starts, &bytes)?;
        assert_eq!((client.pid as usize, client.stamp.millis % 60_000), (pid, second as i64 * 1000 + 550));
        assert_eq!(client.who, line(second, pid).len() - "app/web@".len());
        starts.take();
        Some(is_next)
    };
    assert_eq!(next(0, 1, false), None, "four are remembered");
    assert_eq!(next(0, 5, false), Some(false));
    assert_eq!(next(0, 5, false), Some(true));
    assert_eq!(next(0, 5, true), Some(false), "another line has come between");
    assert_eq!(next(0, 4, false), Some(false), "another process");
    assert_eq!(next(0, 4, false), Some(true));
    assert_eq!(next(1, 4, false), Some(false), "another second");
    assert_eq!(next(1, 4, false), Some(true));
    assert_eq!(next(1, 5, false), Some(false));
    assert_eq!(next(1, 4, false), Some(false));
    assert_eq!((next(1, 2, false), next(1, 3, false)), (Some(false), Some(false)));
}

/// Its date, pid and level are not read again, so they must be the ones that would be.
#[test]
fn the_header_of_a_start_that_is_remembered_is_the_one_that_would_be_read() {
    let line = |start: &str| format!("{start}: nobody knows what this is, but it is long enough");
    let mut starts = Starts::default();
    learnt(&mut starts, &line("2026-11-22 05:10:05.550 CET [4711] LOG C-0x55d0a1b2c000"));
    for (start, is_known) in [
        ("2026-11-22 05:10:05.550 CET [4711] LOG C-0x55d0a1b2c000", true),
        ("2026-11-22 05:10:05.007 CET [4711] LOG C-0x7fffffffffff", true),
        ("2026-11-22 05:10:05.0x7 CET [4711] LOG C-0x55d0a1b2c000", false),
        ("2026-11-22 05:10:06.550 CET [4711] LOG C-0x55d0a1b2c000", false),
        ("2026-11-22 05:10:05.550 UTC [4711] LOG C-0x55d0a1b2c000", false),
        ("2026-11-22 05:10:05.550 CET [4712] LOG C-0x55d0a1b2c000", false),
        ("2026-11-22 05:10:05.550 CET [4711] WARNING C-0x55d0a1b2c0", false),
        ("2026-11-22 05:10:05.550 CET [4711] LOG S-0x55d0a1b2c000", false),
    ] {
        let line = line(start);
        let read = super::super::header::parse_own(line.as_bytes(), &mut super::super::header::DateCache::default());
        assert_eq!(starts.header(line.as_bytes()), read.filter(|_| is_known), "{start}");
    }
    assert_eq!(Starts::default().header(&[0; START]), None);
}

/// Behind a pointer with one digit more, which was upper-case, a zero byte was taken for such a digit, and the pointer for the
/// shorter one. (Found by mangled logs, in 1,500 cases.)
#[test]
fn a_zero_byte_is_no_digit_of_a_longer_pointer() {
    let line = |pointer: &str| format!("2026-11-22 05:10:05.550 1 LOG C-0x{pointer}: app/web@");
    for digit in ["0", "9", "a", "f", "A", "C", "F"] {
        let mut starts = Starts::default();
        learnt(&mut starts, &line(&format!("55d0a1b4f680{digit}")));
        for (last, is_read) in [("\0", false), (" ", true), ("A", false), ("b", true), ("7", true), ("\u{80}", false)] {
            let bytes = window(&line(&format!("55d0a1b6f080{last}")));
            assert_eq!(client(&mut starts, &bytes).is_some(), is_read, "{digit} {last:?}");
            assert!(last.as_bytes()[0].is_ascii_hexdigit() || !starts.has_pointer(Window(&bytes)), "{digit} {last:?}");
        }
    }
}

/// Up to the blank behind its pointer it has 64 bytes at most; what is longer is for the grammar.
#[test]
fn what_a_line_begins_with_fits_or_is_not_remembered() {
    for (zone, pid, is_remembered) in [
        ("UTC", "1", true),
        ("+0545", "41943", true),
        ("+05:45", "4194303", true),
        ("+05:45", "41943034", true),
        ("+05:45", "419430341", false),
    ] {
        let line = format!("2026-11-22 05:10:05.550 {zone} [{pid}] LOG C-0x55d0a1b2c000: app/web@");
        assert_eq!(line.len() - "app/web@".len() <= START, is_remembered, "{line}");
        let mut starts = Starts::default();
        learnt(&mut starts, &line);
        let bytes = window(&line);
        assert_eq!(client(&mut starts, &bytes).is_some(), is_remembered, "{line}");
    }
}

/// A server's record is read by the header of the last client's, and by no other.
#[test]
fn what_stands_before_a_servers_message_is_what_would_be_read() {
    let line =
        |start: &str| format!("{start}: app/web@127.0.0.1:5432 closing because: server lifetime over (age=9s)\n2");
    let mut starts = Starts::default();
    learnt(&mut starts, &line("2026-11-22 05:10:05.550 CET [4711] LOG C-0x55d0a1b2c000"));
    for (start, is_read) in [
        ("2026-11-22 05:10:05.551 CET [4711] LOG S-0x55d0a1b2c0f0", true),
        ("2026-11-22 05:10:05.551 CET [4711] LOG C-0x55d0a1b2c0f0", false),
        ("2026-11-22 05:10:05.551 CET [4711] LOG X-0x55d0a1b2c0f0", false),
        ("2026-11-22 05:10:06.551 CET [4711] LOG S-0x55d0a1b2c0f0", false),
        ("2026-11-22 05:10:05.5x1 CET [4711] LOG S-0x55d0a1b2c0f0", false),
        ("2026-11-22 05:10:05.551 CET [4712] LOG S-0x55d0a1b2c0f0", false),
        ("2026-11-22 05:10:05.551 CET [4711] WARNING S-0x55d0a1b2c", false),
    ] {
        let line = line(start);
        let bytes = window(&line);
        let read = starts.server(Window(&bytes));
        assert_eq!(read.is_some(), is_read, "{start}");
        if let Some(Head { who, stamp, pid, format, pointer, .. }) = read {
            let header =
                super::super::header::parse_own(line.as_bytes(), &mut super::super::header::DateCache::default());
            let header = header.expect("a header");
            assert_eq!((stamp, pid, format), (header.stamp, header.pid, header.format));
            assert_eq!(Some(pointer), Pointer::new(b"55d0a1b2c0f0"));
            assert!(line[who..].starts_with("app/web@"));
        }
        // It is not taken for a client's of another second, which would have to be learnt again.
        assert!(!start.contains(" S-") || !starts.turn(Window(&bytes)), "{start}");
    }
}
