//! Short texts compared, searched and hashed eight bytes at a time.
//!
//! The names of a log have 5 to 40 bytes. For such a text a call of the C library's `memcmp` costs more than the
//! comparison: musl's goes byte by byte, and on a line of 145 bytes these calls were 500 instructions.
//!
//! ```
//! use loganalyzer_engine::words;
//!
//! assert!(words::same(b"app/web@10.0.0.7", b"app/web@10.0.0.7"));
//! assert!(words::begins(b"closing because: x", b"closing"));
//! assert_eq!(words::place(u64::from_le_bytes(*b"app/web@"), b'@'), 7);
//! ```

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// Whether two texts are the same.
#[inline]
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len() && begins(left, right)
}

/// Whether `text` begins with `start`.
#[inline]
pub fn begins(text: &[u8], start: &[u8]) -> bool {
    let Some(text) = text.get(..start.len()) else { return false };
    if start.len() < 8 {
        return short(text) == short(start);
    }
    let (left, right) = (text.as_chunks::<8>().0, start.as_chunks::<8>().0);
    if left.iter().zip(right).any(|(one, other)| u64::from_le_bytes(*one) != u64::from_le_bytes(*other)) {
        return false;
    }
    // The last eight bytes, of which some have been compared already.
    text.last_chunk::<8>() == start.last_chunk::<8>()
}

/// A text of less than eight bytes as a number; texts of the same length have the same only if they are the same.
#[inline]
fn short(text: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last));
    }
    text.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// The eight bytes from `at` on, the first of them the lowest; `None` where there are not so many.
#[inline]
pub fn word(text: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*text.get(at..)?.first_chunk()?))
}

/// Where `byte` stands first in eight bytes; 8 where it does not.
#[inline]
pub fn place(word: u64, byte: u8) -> usize {
    marks(word, byte).trailing_zeros() as usize / 8
}

/// A bit in each byte that is `byte`. The lowest is right; those above it may be wrong by the borrow.
#[inline]
fn marks(word: u64, byte: u8) -> u64 {
    let difference = word ^ (ONES * u64::from(byte));
    difference.wrapping_sub(ONES) & !difference & (ONES << 7)
}

/// A mask of the first bytes of a word.
#[inline]
pub fn first_bytes(count: usize) -> u64 {
    const MASKS: [u64; 9] =
        [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];
    MASKS[count.min(8)]
}

/// Bytes of a [`Window`] from which on can be asked.
const SPAN: usize = 1024;
/// The most bytes that are asked for at once.
const ASKED: usize = 64;
/// How far a byte of a [`Window`] is looked for word by word.
const NEAR: usize = 48;
/// Bytes of a [`Window`] in all.
pub const WINDOW: usize = SPAN + ASKED;

/// Which bytes of a text are compared: ones, and zeros behind them.
static MASKS: [u8; 2 * ASKED] = {
    let mut masks = [0; 2 * ASKED];
    let mut place = 0;
    while place < ASKED {
        masks[place] = 0xff;
        place += 1;
    }
    masks
};

/// A text of fixed length, of which any bytes can be read without asking whether they are there: places beyond
/// [`Window::LAST`] begin anew, so whoever has read that far has read nonsense, and must say so.
#[derive(Debug, Clone, Copy)]
pub struct Window<'a>(pub &'a [u8; WINDOW]);

impl<'a> Window<'a> {
    /// The last place at which what is read is what stands there.
    pub const LAST: usize = SPAN - 1;

    /// The eight bytes from `at` on, the first of them the lowest.
    #[inline]
    pub fn word(self, at: usize) -> u64 {
        word(self.0, at % SPAN).unwrap_or_default()
    }

    /// The `N` bytes from `at` on, at most 64.
    #[inline]
    pub fn bytes<const N: usize>(self, at: usize) -> &'a [u8; N] {
        self.0[at % SPAN..].first_chunk().unwrap_or(&[0; N])
    }

    /// Whether the first `length` of the `N` bytes from `at` on, at most 64, are those of `known`: see [`same_where`].
    #[inline]
    pub fn is<const N: usize>(self, at: usize, length: usize, known: &[u8; N]) -> bool {
        let masks = MASKS[ASKED - length.min(ASKED)..].first_chunk().unwrap_or(&[0; N]);
        same_where(self.bytes(at), known, masks)
    }

    /// The first `length` of the `N` bytes from `at` on, at most 64, with zeros behind them.
    #[inline]
    pub fn padded<const N: usize>(self, at: usize, length: usize) -> [u8; N] {
        let masks: &[u8; N] = MASKS[ASKED - length.min(ASKED)..].first_chunk().unwrap_or(&[0; N]);
        let mut bytes = *self.bytes(at);
        for (byte, mask) in bytes.iter_mut().zip(masks) {
            *byte &= mask;
        }
        bytes
    }

    /// The bytes from one place up to another; none where there are none.
    #[inline]
    pub fn slice(self, from: usize, to: usize) -> &'a [u8] {
        self.0.get(from..to).unwrap_or_default()
    }

    /// Whether the bytes from one place on are `text`.
    #[inline]
    pub fn holds(self, at: usize, text: &[u8]) -> bool {
        same(self.slice(at, at + text.len()), text)
    }

    /// Where `byte` stands first in the `N` bytes from `at` on, at most 64: at one price wherever it stands, and without a
    /// branch that may be guessed wrong.
    #[inline]
    pub fn first<const N: usize>(self, at: usize, byte: u8) -> Option<usize> {
        let text: &[u8; N] = self.bytes(at);
        // The greatest number is that of the first.
        let mut most = 0;
        for (place, &here) in text.iter().enumerate() {
            most = most.max(if here == byte { u8::MAX - place as u8 } else { 0 });
        }
        (most > 0).then(|| at + usize::from(u8::MAX - most))
    }

    /// Where `byte` stands first, from `at` on and within the next `most` bytes or soon behind them.
    #[inline]
    pub fn find(self, at: usize, most: usize, byte: u8) -> Option<usize> {
        let mut from = at;
        while from < at + most.min(NEAR) {
            let marks = marks(self.word(from), byte);
            if marks != 0 {
                return Some(from + marks.trailing_zeros() as usize / 8);
            }
            from += 8;
        }
        self.find_far(from, at + most, byte)
    }

    /// The same, farther on: there the call is less than what it saves, 200 instructions where a line of 145 bytes has no `@`.
    #[cold]
    fn find_far(self, from: usize, to: usize, byte: u8) -> Option<usize> {
        memchr::memchr(byte, self.slice(from, to.min(SPAN))).map(|place| from + place)
    }
}

/// Whether two texts are the same in all bits of `masks`. All bytes are compared, whatever they are: three instructions for
/// sixteen of them, and no branch that may be guessed wrong. (Of words instead of bytes the compiler makes branches.)
#[inline]
pub fn same_where<const N: usize>(text: &[u8; N], known: &[u8; N], masks: &[u8; N]) -> bool {
    let mut difference = 0;
    for place in 0..N {
        difference |= (text[place] ^ known[place]) & masks[place];
    }
    difference == 0
}

/// Whether all bytes that have a mask are lower-case hexadecimal digits.
#[inline]
pub fn are_hexadecimal(text: &[u8; 16], masks: &[u8; 16]) -> bool {
    let is_none = |byte: u8| u8::from(byte.wrapping_sub(b'0') > 9) & u8::from(byte.wrapping_sub(b'a') > 5);
    let mut none = 0;
    for place in 0..16 {
        none |= is_none(text[place]) & masks[place];
    }
    none == 0
}

/// A text with zeros behind it; `None` where it does not fit.
pub const fn padded<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() > N {
        return None;
    }
    let mut place = 0;
    while place < text.len() {
        bytes[place] = text[place];
        place += 1;
    }
    Some(bytes)
}

/// A hash of a text with a secret that is never shown and never kept: whoever chooses the text cannot choose the
/// hash. It is the multiplication of wyhash (Wang Yi) and its followers, and no cryptography.
#[inline]
pub fn hash(text: &[u8], secret: [u64; 2]) -> u64 {
    let mut seed = secret[0] ^ text.len() as u64;
    let mut rest = text;
    while let Some((chunk, behind)) = rest.split_first_chunk::<16>()
        && !behind.is_empty()
    {
        seed = fold(half(chunk, 0) ^ secret[1], half(chunk, 8) ^ seed);
        rest = behind;
    }
    let (first, last) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        // The last sixteen bytes, of which some may have been taken already.
        (Some(first), Some(last)) => {
            let first = text.last_chunk::<16>().map_or(*first, |both| half(both, 0).to_le_bytes());
            (u64::from_le_bytes(first), u64::from_le_bytes(*last))
        }
        _ => (short(text), 0),
    };
    // Once more: where a secret happens to have few bits, the first product spreads little.
    fold(fold(first ^ secret[1], last ^ seed) ^ secret[0], text.len() as u64 ^ secret[1])
}

#[inline]
fn half(chunk: &[u8; 16], at: usize) -> u64 {
    word(chunk, at).unwrap_or_default()
}

/// The two halves of a product, one upon the other.
#[inline]
pub fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// Whether the first `count` bytes of a word are decimal digits, one to eight.
#[inline]
pub fn are_decimal(word: u64, count: usize) -> bool {
    // Behind zero bytes, in which there are none that are not.
    let digits = (word ^ (ONES * 0x30)).checked_shl(64 - 8 * count.min(8) as u32);
    let are_digits = |digits: u64| (digits | digits.wrapping_add(ONES * 0x76)) & ONES << 7 == 0;
    (1..=8).contains(&count) && digits.is_some_and(are_digits)
}

#[cfg(test)]
mod tests {
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
}
