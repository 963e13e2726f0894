use super::*;

fn texts() -> impl Iterator<Item = Vec<u8>> {
    (0..40usize).map(|length| (0..length).map(|place| b'a' + (place * 7 % 23) as u8).collect())
}

#[test]
fn same_and_begins_are_those_of_slices() {
    for text in texts() {
        for start in 0..=text.len() {
            assert!(begins(&text, &text[..start]));
            assert_eq!(same(&text, &text[..start]), start == text.len());
            for place in 0..start {
                let mut other = text[..start].to_vec();
                other[place] ^= 0x20;
                assert!(!begins(&text, &other), "{start}: byte {place}");
            }
        }
        assert!(!begins(&text, &[&text[..], b"x"].concat()));
    }
}

#[test]
fn the_place_of_a_byte_is_that_of_slices() {
    for bytes in [[0, 1, 0, 1, 0, 1, 0, 1], [1, 0, 1, 0, 1, 0, 1, 0], [0xff, 0x80, 0x7f, 0, 1, 0x81, 2, 3]] {
        for byte in 0..=255 {
            let expected = bytes.iter().position(|&other| other == byte);
            assert_eq!(place(u64::from_le_bytes(bytes), byte), expected.unwrap_or(8), "{byte} in {bytes:?}");
        }
    }
}

#[test]
fn a_window_says_what_slices_say() {
    let bytes: [u8; WINDOW] = std::array::from_fn(|place| b"ab@cdefgh/ij"[place % 12]);
    let window = Window(&bytes);
    for at in [0, 1, 7, 100, 400, Window::LAST] {
        let found = bytes[at..].iter().position(|&byte| byte == b'@').map(|place| at + place);
        assert!(at == Window::LAST || window.find(at, 100, b'@') == found);
        assert_eq!(window.find(at, 100, b'x'), None);
        for length in 0..=48 {
            let known: [u8; 48] = padded(&bytes[at..at + length]).expect("it fits");
            assert!(window.is(at, length, &known) && window.holds(at, &bytes[at..at + length]), "{length} at {at}");
            for place in 0..length {
                let mut other = known;
                other[place] ^= 1;
                assert!(!window.is(at, length, &other), "{length} at {at}: byte {place}");
            }
        }
    }
    assert!(padded::<8>(b"123456789").is_none() && padded(b"12345678") == Some(*b"12345678"));
}

#[test]
fn decimal_digits_are_those_of_the_standard_library() {
    for (count, place, byte) in (1..=8)
        .flat_map(|count| (0..8).map(move |place| (count, place)))
        .flat_map(|(count, place)| (0..=255u8).map(move |byte| (count, place, byte)))
    {
        let mut bytes = *b"09182736";
        bytes[place] = byte;
        let expected = place >= count || byte.is_ascii_digit();
        assert_eq!(are_decimal(u64::from_le_bytes(bytes), count), expected, "{count} of {bytes:?}");
    }
    assert!(!are_decimal(u64::MAX, 0) && !are_decimal(ONES * 0x30, 9));
}

#[test]
fn what_is_behind_a_text_that_is_kept_is_zeros() {
    let bytes: [u8; WINDOW] = std::array::from_fn(|place| place as u8 | 1);
    for length in 0..=48 {
        let kept = Window(&bytes).padded::<48>(100, length);
        assert_eq!((&kept[..length], &kept[length..]), (&bytes[100..100 + length], &[0; 48][length..]));
    }
}

#[test]
fn the_first_of_some_bytes_is_found_wherever_it_stands() {
    for (place, again) in (0..70).flat_map(|place| [(place, place + 1), (place, 200), (place, 47)]) {
        let mut bytes = [b'a'; WINDOW];
        (bytes[100 + place], bytes[100 + again], bytes[99]) = (b' ', b' ', b' ');
        let first = place.min(again);
        let found = (first < 48).then_some(100 + first);
        assert_eq!(Window(&bytes).first::<48>(100, b' '), found, "{place} {again}");
        assert_eq!(Window(&bytes).first::<64>(100, b' '), (first < 64).then_some(100 + first), "{place} {again}");
    }
    assert_eq!(Window(&[0; WINDOW]).first::<48>(0, 0), Some(0));
}

#[test]
fn the_last_of_sixteen_bytes_is_found_wherever_it_stands() {
    for (place, before) in (0..20).flat_map(|place| [(place, place + 1), (place, 15), (place, 16)]) {
        let mut bytes = [b'a'; WINDOW];
        (bytes[99 - place], bytes[99 - before], bytes[100]) = (b'@', b'@', b'@');
        let last = place.min(before);
        assert_eq!(Window(&bytes).last_of_sixteen(100, b'@'), (last < 16).then(|| 99 - last), "{place} {before}");
    }
    assert_eq!(Window(&[0; WINDOW]).last_of_sixteen(16, 0), Some(15));
    assert_eq!(Window(&[0; WINDOW]).last_of_sixteen(16, 1), None);
}

#[test]
fn of_sixteen_bytes_the_first_are_words_with_zeros_behind_them() {
    let bytes: [u8; WINDOW] = std::array::from_fn(|place| place as u8 | 1);
    for length in 0..=16 {
        let mut expected = [0; 16];
        expected[..length].copy_from_slice(&bytes[100..100 + length]);
        let words = Window(&bytes).masked(100, length);
        assert_eq!([words[0].to_le_bytes(), words[1].to_le_bytes()].concat(), expected, "{length}");
    }
}

#[test]
fn only_lower_case_hexadecimal_digits_are() {
    for (byte, place) in (0..=255u8).flat_map(|byte| (0..16).map(move |place| (byte, place))) {
        let (mut text, mut masks) = (*b"0123456789abcdef", [0xff; 16]);
        text[place] = byte;
        let expected = byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        assert_eq!(are_hexadecimal(&text, &masks), expected, "{byte:#x} at {place}");
        masks[place] = 0;
        assert!(are_hexadecimal(&text, &masks), "nobody asks what {byte:#x} is");
    }
}

/// With each secret as many of 20,000 slots are taken as by chance. (With one product of two it was a tenth less for
/// some secrets, so `Distinct` estimated 47,138 names for 50,000.)
#[test]
fn names_that_differ_in_a_digit_are_spread_by_every_secret() {
    const SLOTS: usize = 1 << 15;
    let next = |state: u64| fold(state ^ 0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93);
    let mut state = 1;
    for _ in 0..100 {
        let secret = [next(state), next(next(state) ^ 1)];
        state = next(secret[1] ^ 2);
        let mut taken = vec![false; SLOTS];
        for number in 0..20_000 {
            taken[hash(format!("user{number}").as_bytes(), secret) as usize % SLOTS] = true;
        }
        let count = taken.iter().filter(|taken| **taken).count() as f64;
        let expected = SLOTS as f64 * (1.0 - (-20_000.0 / SLOTS as f64).exp());
        // Six times the standard deviation of chance.
        assert!((count - expected).abs() < 400.0, "{count} of {expected} with {secret:x?}");
    }
}

/// Every bit of a text and of the secret changes about half of the bits of its hash.
#[test]
fn every_bit_counts_in_a_hash() {
    let secret = [0x1234_5678_9abc_def0, 0x0fed_cba9_8765_4321];
    for text in texts().skip(1) {
        let before = hash(&text, secret);
        for bit in 0..text.len() * 8 {
            let mut other = text.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            let changed = (before ^ hash(&other, secret)).count_ones();
            assert!((10..=54).contains(&changed), "{} bytes, bit {bit}: {changed}", text.len());
        }
        assert_ne!(before, hash(&text, [secret[0] ^ 1, secret[1]]));
        assert_ne!(before, hash(&text[1..], secret));
    }
}
