use super::super::usual_host::{HOSTS, OTHER_HOSTS};
use super::*;
use crate::words::WINDOW;

/// A text with something behind it, as a window of a log has.
fn padded_text(text: &str) -> [u8; WINDOW] {
    let mut bytes = [b'~'; WINDOW];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// What stands before and behind the part that is looked at differs from line to line, as pointers and ports do.
fn line(round: usize, database: &str, user: &str, host: &str, suffix: &str) -> (usize, String) {
    let (before, port) = [("C-0x12345678: ", "1"), ("C-0xfedcba98: ", "60999"), ("C-0x0: ", "443")][round % 3];
    let detail = format!("login attempt: db={database} user={user}{suffix}");
    (before.len(), format!("{before}{database}/{user}@{host}:{port} {detail}\n2026"))
}

/// Reads what may be an attempt whose `D/U@A` begins at `who`.
fn parse<'a>(known: &mut Known, bytes: &'a [u8; WINDOW], who: usize) -> Option<UsualAttempt<'a>> {
    let text = Window(bytes);
    known.parse(text, who, blank_behind(text, who)?)
}

/// Reads an attempt; says where its pool and its host are remembered.
fn read(known: &mut Known, (who, text): &(usize, String)) -> Option<[Repeat; 2]> {
    let bytes = padded_text(text);
    let attempt = parse(known, &bytes, *who)?;
    assert_eq!(attempt.end, text.len() - 4, "{text}");
    attempt.places().read(Window(&bytes)).expect("what is taken can be read");
    Some([attempt.pool, attempt.host])
}

/// Names of all lengths; of each kind, some differ only in the first eight bytes of `D/U`, in the last eight, or between.
fn names() -> Vec<(String, String)> {
    let long = "which_is_not_a_short_name_at_all_but_one_of_many_bytes";
    let of = |number: usize| {
        [
            (format!("{number}"), "u".to_owned()),
            ("d".to_owned(), format!("{number}")),
            (format!("{number:03}app"), "web".to_owned()),
            (format!("{number:03}_database"), format!("user_{long}")),
            (long.to_owned(), format!("user{number:03}")),
            (format!("{number:03}{long}"), format!("{long}_and_{long}")),
            ("warehouse".to_owned(), format!("team{number:02}_readonly")),
            (format!("d@{}", number % 5), format!("user{number}@tenant@@{}", number % 40)),
            ("name".to_owned(), "again".repeat(number % 20 + 1) + ["", "x"][number / 20 % 2]),
        ]
    };
    let mut names: Vec<_> = (0..70).flat_map(of).collect();
    names.sort();
    names.dedup();
    names
}

/// Whatever is remembered and not found again costs ten times as much, and nobody would notice.
#[test]
fn what_was_read_once_is_found_again() {
    let mut known = Known::default();
    let names = names();
    let host = |number: usize| match number % 8 {
        5 => format!("255.255.255.{}", 100 + number),
        6 => format!("[2001:db8:{number}::1]"),
        7 => format!("::{number}"),
        _ => format!("{}.{number}.0.{}", number % 7 + 1, number * 3),
    };
    let hosts: Vec<String> = (0..80).map(host).chain(["unix(12)".to_owned()]).collect();
    // Each pool from another address each time.
    let mut round = |round: usize, suffix: &str| -> Vec<Option<Repeat>> {
        let lines = names.iter().zip(hosts.iter().cycle().skip(round));
        lines.map(|((d, u), host)| Some(read(&mut known, &line(round, d, u, host, suffix))?[0])).collect()
    };
    let first = round(0, " tls=no");
    assert!(first.iter().all(Option::is_some));
    assert!(round(1, " tls=TLSv1.3/TLS_AES_256_GCM_SHA384") == first, "all are found");
    assert!(round(2, "") == first, "all are found");
    assert_eq!(known.epochs.count() + known.hosts.epochs.count(), names.len() + hosts.len(), "each was new once");
    let is_other = |host: &&String| !host.contains('.');
    let others = known.hosts.others.iter().filter(|host| host.1 > 0).count();
    assert_eq!(others, hosts.iter().filter(is_other).count(), "those of IPv4 are where they are found quickly");
    assert!(known.suffixes.iter().filter(|suffix| suffix.length > 0).count() == 3, "the kinds are apart");
    for (pool, (database, user)) in known.pools.iter().zip(&names) {
        let detail = format!(" login attempt: db={database} user={user}");
        let kept = if detail.len() <= DETAIL { detail.as_bytes() } else { &[] };
        assert_eq!(pool.detail[..kept.len()], *kept, "{detail}");
        assert!(pool.detail[kept.len()..].iter().all(|&byte| byte == 0), "{detail}");
    }
    for suffix in known.suffixes.iter().filter(|suffix| suffix.length > 0) {
        assert_eq!(suffix.text[suffix.length - 1], b'\n');
    }
}

/// Of more than there is room for, the last ones are remembered, each in a place of its own, and none is taken for another.
#[test]
fn with_more_than_there_is_room_for_all_are_read_and_none_is_taken_for_another() {
    let mut known = Known::default();
    for number in 0..3 * REPEATS {
        let host = format!("10.{}.{}.1", number / 256, number % 256);
        let database = format!("{number}_database_of_fifty_bytes_which_is_longer_than");
        let (user, one) = (format!("u{number}"), number * 7);
        let [pool, at] = read(&mut known, &line(one, &database, &user, &host, "")).expect("a usual one");
        assert!(usize::from(pool.place) < REPEATS && usize::from(at.place) < HOSTS);
        assert_eq!(read(&mut known, &line(one + 1, &database, &user, &host, "")), Some([pool, at]), "{number}");
        let who = format!("{database}/{user}");
        let kept = &known.pools[usize::from(pool.place)];
        assert_eq!((kept.epoch, &kept.who[..]), (pool.epoch, &who.as_bytes()[..WHO]));
    }
    assert_eq!(known.pools.len(), REPEATS);
    assert_eq!(known.epochs.count() + known.hosts.epochs.count(), 6 * REPEATS);
}

#[test]
fn with_more_addresses_of_another_kind_than_there_is_room_for_none_is_taken_for_another() {
    let mut known = Known::default();
    let host = |number: usize| format!("[2001:db8::{number:x}]");
    for number in 0..4 * OTHER_HOSTS {
        let first = read(&mut known, &line(number, "app", "web", &host(number), "")).expect("a usual one");
        assert!(usize::from(first[1].place) < OTHER_HOSTS);
        assert_eq!(read(&mut known, &line(number + 1, "app", "web", &host(number), "")), Some(first), "{number}");
    }
    assert_eq!(known.epochs.count() + known.hosts.epochs.count(), 4 * OTHER_HOSTS + 1, "and one pool");
}

/// A name that could be read in another way is for the grammar, and so is a line that is nearly an attempt.
#[test]
fn what_is_not_usual_is_not_taken() {
    let mut known = Known::default();
    let host = "10.0.0.7";
    for (database, user) in [
        ("a b", "u"),
        ("app", "my user"),
        ("app", "tab\there"),
        ("(nodb)", "u"),
        ("d", &"u".repeat(USER_NAME_MAX)),
        (&"d".repeat(DATABASE_NAME_MAX), "u"),
    ] {
        assert_eq!(read(&mut known, &line(0, database, user, host, "")), None, "{database} {user}");
    }
    let usual = line(0, "app", "web", host, " tls=no");
    assert!(read(&mut known, &usual).is_some());
    for (old, new) in [
        ("app/web", "appweb"),
        ("10.0.0.7:", "10.0.0.7\0:"),
        ("10.0.0.7:", "10.0.0.7.9:"),
        ("10.0.0.7:", "host:"),
        ("10.0.0.7:", "255.255.255.2555:"),
        ("7:1 ", "7:x "),
        ("7:1 ", "7:\u{b0} "),
        ("7:1 ", "7:65536 "),
        ("user=web", "user=wep"),
        ("tls=no", "tls=maybe"),
        ("\n2", "\n\t"),
        ("\n2", "\n "),
        ("\n", ""),
    ] {
        let other = usual.1.replacen(old, new, 1);
        assert_eq!(parse(&mut known, &padded_text(&other), usual.0).map(|attempt| attempt.end), None, "{other:?}");
    }
}

/// Longer ones than are remembered are read as well.
#[test]
fn a_suffix_of_any_length_that_the_grammar_takes() {
    let mut known = Known::default();
    for length in [1, 40, 60, 87] {
        let suffix = format!(" tls=TLSv{} replication=physical", "x".repeat(length));
        for round in 0..2 {
            assert!(read(&mut known, &line(round, "app", "web", "10.0.0.7", &suffix)).is_some(), "{length}");
        }
    }
    let suffix = format!(" tls=TLSv{}", "x".repeat(92));
    assert_eq!(read(&mut known, &line(0, "app", "web", "10.0.0.7", &suffix)), None);
}

/// What is remembered is compared as it is: with nothing there, and with a zero byte behind it.
#[test]
fn nothing_is_no_address_of_another_kind_either() {
    let mut known = Known::default();
    for (host, is_one) in [
        ("", false),
        ("\0", false),
        ("::1", true),
        ("", false),
        ("\0", false),
        ("::1\0", false),
        ("[::1]", true),
        ("[::1]\0", false),
        ("unix", true),
        ("unix(7)", true),
        ("unix(7", false),
        ("unix\0", false),
        (&"1".repeat(47), false),
        (&"1".repeat(48), false),
        (&"\u{30}".repeat(49), false),
        ("::1", true),
    ] {
        let line = line(0, "app", "web", host, "");
        let attempt = parse(&mut known, &padded_text(&line.1), line.0).is_some();
        assert_eq!(attempt, is_one, "{host:?}");
    }
    let sockets =
        ["unix(7)", "unix(8)"].map(|host| read(&mut known, &line(0, "app", "web", host, "")).map(|both| both[1]));
    assert!(sockets[0] == sockets[1], "one address, whatever the pid");
}

/// Looked for up to the next blank, whatever its length, it was read where the grammar reads nothing.
#[test]
fn an_address_of_another_kind_is_no_longer_than_the_grammar_takes() {
    for digits in 1..80 {
        let who = format!("app/web@[::1]:{:0>digits$} ", 5);
        let text = format!("{who}login attempt: db=app user=web\n2026");
        let is_read = super::super::attempt::parse(text.trim_end_matches("\n2026").as_bytes()).is_some();
        assert_eq!(read(&mut Known::default(), &(0, text)).is_some(), is_read, "{who}");
    }
}

/// What was found ahead of a line means nothing where the line is another than was expected.
#[test]
fn an_attempt_is_read_by_the_blank_behind_its_address_and_by_no_other_place() {
    let mut known = Known::default();
    let (who, text) = line(0, "app", "web", "10.0.0.7", " tls=no");
    let blank = text.find(" login").expect("it is an attempt");
    assert!(read(&mut known, &(who, text.clone())).is_some());
    let twice = text.replace(" tls=no", " tls=no app/web@10.0.0.7:1 login attempt: db=app user=web tls=no");
    for (text, is_one) in [(&text, true), (&twice, false)] {
        for place in 0..WINDOW {
            let bytes = padded_text(text);
            let end = known.parse(Window(&bytes), who, place).map(|attempt| attempt.end);
            assert_eq!(end, (is_one && place == blank).then_some(text.len() - 4), "{place} of {text}");
        }
    }
}

#[test]
fn the_blank_of_the_next_line_is_found_from_its_own_start_on() {
    for length in [1, 20, 47, 48, 60] {
        let (first, next) =
            (line(0, "app", "web", "10.0.0.7", ""), line(0, "app", &"w".repeat(length), "10.0.0.8", ""));
        let bytes = padded_text(&[&first.1[..first.1.len() - 4], &next.1].concat());
        let expected = next.1.find(" login").expect("it is an attempt");
        let found = blank_ahead(Window(&bytes), first.1.len() - 4, first.0);
        let is_near = expected < next.0 + SHORTEST + WHO;
        assert_eq!(found, if is_near { expected } else { 0 }, "{length}");
        assert_eq!(blank_behind(Window(&padded_text(&next.1)), next.0), Some(expected), "{length}");
    }
}
