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

/// Those of which the first `length` bytes are compared, at most 64.
#[inline]
fn masks<const N: usize>(length: usize) -> &'static [u8; N] {
    MASKS[ASKED - length.min(ASKED)..].first_chunk().unwrap_or(&[0; N])
}

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
        same_where(self.bytes(at), known, masks(length))
    }

    /// The first `length` of the `N` bytes from `at` on, at most 64, with zeros behind them.
    #[inline]
    pub fn padded<const N: usize>(self, at: usize, length: usize) -> [u8; N] {
        let mut bytes = *self.bytes(at);
        for (byte, mask) in bytes.iter_mut().zip(masks::<N>(length)) {
            *byte &= mask;
        }
        bytes
    }

    /// The first `length` of the sixteen bytes from `at` on, as words, with zeros behind them.
    #[inline]
    pub fn masked(self, at: usize, length: usize) -> [u64; 2] {
        let (bytes, masks) = (self.bytes::<16>(at), masks::<16>(length));
        [half(bytes, 0) & half(masks, 0), half(bytes, 8) & half(masks, 8)]
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
        let mut first = N;
        let finder = sixteen(byte)?;
        for (number, chunk) in text.as_chunks::<16>().0.iter().enumerate().rev() {
            first = finder.find(chunk).map_or(first, |place| 16 * number + place);
        }
        (first < N).then(|| at + first)
    }

    /// Where `byte` stands last in the sixteen bytes before `end`, which is at least sixteen: the date alone has more.
    #[inline]
    pub fn last_of_sixteen(self, end: usize, byte: u8) -> Option<usize> {
        let from = end.wrapping_sub(16);
        Some(from + sixteen(byte)?.rfind(self.bytes::<16>(from))?)
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

/// What looks for a byte in sixteen at once, and always can: five instructions.
#[cfg(target_arch = "x86_64")]
#[inline]
fn sixteen(byte: u8) -> Option<memchr::arch::x86_64::sse2::memchr::One> {
    memchr::arch::x86_64::sse2::memchr::One::new(byte)
}

/// The same of another processor.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn sixteen(byte: u8) -> Option<memchr::arch::all::memchr::One> {
    Some(memchr::arch::all::memchr::One::new(byte))
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
#[path = "words_tests.rs"]
mod tests;
