use super::*;

fn all(chunks: &[&[u8]]) -> Vec<(Vec<u8>, Kind, u64)> {
    let mut lines = Lines::new();
    let mut seen = Vec::new();
    for chunk in chunks {
        lines.push(chunk);
        while let Some(line) = lines.next_line() {
            seen.push((line.bytes.to_vec(), line.kind, line.offset));
        }
    }
    if let Some(line) = lines.last_line() {
        seen.push((line.bytes.to_vec(), line.kind, line.offset));
    }
    if let Some(line) = lines.unfinished() {
        seen.push((line.bytes.to_vec(), line.kind, line.offset));
    }
    seen
}

#[test]
fn any_split_into_chunks_gives_the_same_lines() {
    let text = b"a\nbb\n\tc\n\td\r\x0b\n\nlast\n  indented\nend\nno newline";
    let whole = all(&[text]);
    assert_eq!(whole.len(), 9);
    for first in 0..text.len() {
        for second in first..text.len() {
            let split = all(&[&text[..first], &text[first..second], &text[second..]]);
            assert_eq!(split, whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn the_last_line_waits_for_the_byte_behind_it() {
    let mut lines = Lines::new();
    lines.push(b"head\n");
    assert_eq!(lines.next_line(), None);
    lines.push(b"\ttail\nx");
    assert_eq!(lines.next_line().map(|line| line.kind), Some(Kind::Cut));
}

#[test]
fn a_line_that_is_too_long_is_counted_once_and_not_kept() {
    let mut text = vec![b'x'; 5 * READ_SIZE];
    text.extend_from_slice(b"\nnext\n");
    let chunks: Vec<&[u8]> = text.chunks(READ_SIZE).collect();
    let seen = all(&chunks);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].1, Kind::TooLong);
    assert_eq!(seen[1], (b"next".to_vec(), Kind::Whole, 5 * READ_SIZE as u64 + 1));
}

#[test]
fn the_longest_line_is_kept_and_one_byte_more_is_not() {
    let mut text = vec![b'x'; LINE_MAX];
    text.extend_from_slice(b"\n");
    text.extend(vec![b'y'; LINE_MAX + 1]);
    text.extend_from_slice(b"\nz\n");
    let kinds: Vec<Kind> = all(&text.chunks(1000).collect::<Vec<_>>()).iter().map(|line| line.1).collect();
    assert_eq!(kinds, [Kind::Whole, Kind::TooLong, Kind::Whole]);
}

#[test]
fn offsets_tell_what_was_given_out_and_what_is_held() {
    let mut lines = Lines::new();
    lines.restart(100);
    lines.push(b"one\ntw");
    assert_eq!(lines.next_line().map(|line| line.offset), Some(100));
    assert_eq!((lines.offset(), lines.end_offset()), (104, 106));
}

#[test]
fn a_line_of_which_the_next_byte_has_not_come_is_seen_and_not_given_out() {
    let mut lines = Lines::new();
    lines.restart(10);
    for (chunk, waiting) in
        [(&b""[..], None), (b"one", None), (b" more\n", Some(&b"one more"[..])), (b"two\n", Some(b"two"))]
    {
        lines.push(chunk);
        while lines.next_line().is_some() {}
        assert_eq!(lines.waiting().map(|line| line.bytes), waiting, "{chunk:?}");
    }
    assert_eq!(lines.waiting().map(|line| (line.kind, line.offset)), Some((Kind::Whole, 19)));
}

/// A state file says that it was within one when the program ended.
#[test]
fn within_a_line_that_is_too_long_it_goes_on_behind_it() {
    for skipping in [true, false] {
        let mut lines = Lines::new();
        lines.resume(5000, skipping);
        assert_eq!(lines.is_skipping(), skipping);
        lines.push(b"the rest of it\nnext\nx");
        let kind = if skipping { Kind::TooLong } else { Kind::Whole };
        assert_eq!(lines.next_line().map(|line| line.kind), Some(kind));
        assert_eq!(lines.next_line().map(|line| (line.bytes, line.kind)), Some((&b"next"[..], Kind::Whole)));
        assert!(!lines.is_skipping());
    }
}

/// Nothing is waited for where the rest of a line is thrown away anyhow.
#[test]
fn the_newline_of_a_line_that_is_too_long_is_its_end() {
    for length in [LINE_MAX, LINE_MAX + 1] {
        let mut lines = Lines::new();
        for chunk in [&vec![b'x'; length][..], b"\n"].concat().chunks(READ_SIZE) {
            lines.push(chunk);
        }
        let kind = lines.next_line().map(|line| line.kind);
        assert_eq!(kind, (length > LINE_MAX).then_some(Kind::TooLong), "{length}");
    }
}

/// Behind what is held stands what was there before.
#[test]
fn a_newline_of_an_older_line_is_none() {
    let mut lines = Lines::new();
    lines.push(b"ab\n");
    assert_eq!(lines.next_line(), None);
    assert!(lines.last_line().is_some());
    lines.push(b"cd");
    assert_eq!(lines.next_line(), None);
    assert_eq!(lines.waiting(), None);
    assert_eq!(lines.last_line(), None);
    lines.push(b"e\n");
    assert_eq!(lines.waiting(), None, "nobody has looked for it yet");
    assert_eq!(lines.next_line(), None);
    assert_eq!(lines.last_line().map(|line| (line.bytes.to_vec(), line.offset)), Some((b"cde".to_vec(), 3)));
}

#[test]
fn the_longest_line_waits_for_its_newline() {
    for length in [LINE_MAX, LINE_MAX + 1] {
        let mut lines = Lines::new();
        for chunk in [vec![b'x'; length], b"\ny".to_vec()].iter().flat_map(|text| text.chunks(READ_SIZE)) {
            assert_eq!(lines.next_line(), None);
            lines.push(chunk);
        }
        let expected = if length > LINE_MAX { (0, Kind::TooLong) } else { (length, Kind::Whole) };
        assert_eq!(lines.next_line().map(|line| (line.bytes.len(), line.kind)), Some(expected));
    }
}
