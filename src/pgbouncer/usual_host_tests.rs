use super::*;
use crate::words::WINDOW;

#[test]
fn a_port_is_what_the_grammar_takes_for_one() {
    let texts: [&[u8]; 18] = [
        b"0",
        b"1",
        b"00001",
        b"65535",
        b"65536",
        b"70000",
        b"99999",
        b"123456",
        b"",
        b"1x",
        b"x1",
        b"6553/",
        b":1",
        b"-1",
        b"\xb0",
        b"\xb9\xb0",
        b"1\xb5",
        b"\xff",
    ];
    // What stands before it means nothing.
    let is_one = |text: &[u8]| {
        let bytes = [b"10.0.0.1:", text].concat();
        is_port(u64::from_be_bytes(*bytes.last_chunk().expect("eight")), text.len())
    };
    for text in texts {
        let expected = address::parse(&[b"10.0.0.1:", text].concat()).is_some();
        assert_eq!(is_one(text), expected, "{text:?}");
    }
    for port in 0..=70_000u32 {
        assert_eq!(is_one(port.to_string().as_bytes()), port <= 65_535, "{port}");
    }
}

/// Whether a host is one of IPv4, by the way without branches.
fn is_one(host: &[u8]) -> bool {
    let mut bytes = [b'@'; WINDOW];
    let colon = 40;
    bytes[colon - host.len()..colon].copy_from_slice(host);
    is_ipv4(Window(&bytes), colon, host.len())
}

/// Each number of each length in each place, and each byte in each place of some.
#[test]
fn an_address_of_ipv4_is_what_the_standard_library_takes_for_one() {
    let same = |host: &[u8]| {
        let text = String::from_utf8_lossy(host).into_owned();
        // That takes no number that begins with a zero; pgbouncer writes none, and the grammar takes them.
        let bare: Vec<&str> = text.split('.').map(|number| number.trim_start_matches('0')).collect();
        let bare: Vec<&str> = bare.iter().map(|number| if number.is_empty() { "0" } else { number }).collect();
        let are_short = text.split('.').all(|number| (1..=3).contains(&number.len()));
        let expected = are_short && bare.join(".").parse::<std::net::Ipv4Addr>().is_ok();
        assert_eq!(is_one(host), expected, "{text:?}");
        expected
    };
    let numbers =
        ["", "0", "7", "00", "10", "99", "007", "100", "199", "249", "255", "256", "260", "300", "999", "1000"];
    let mut found = 0;
    for first in numbers {
        for second in numbers {
            for (third, last) in [("1", "1"), ("255", "255"), ("", "1"), ("22", "")] {
                found += usize::from(same(format!("{first}.{second}.{third}.{last}").as_bytes()));
                found += usize::from(same(format!("{third}.{last}.{first}.{second}").as_bytes()));
            }
        }
    }
    assert_eq!(found, 400, "ten numbers are such");
    for host in ["10.0.0.7", "192.168.100.200", "1.2.3.4", "..1.2", "1.2.3", "1.2.3.4.5", "1234", "....", "1.1.1.1."] {
        for (place, byte) in (0..host.len()).flat_map(|place| (0..=255u8).map(move |byte| (place, byte))) {
            let mut changed = host.as_bytes().to_vec();
            changed[place] = byte;
            same(&changed);
        }
    }
    assert!(!is_one(b"") && !is_one(b"100.100.100.1000") && !is_one(&[b'1'; 20]));
}
