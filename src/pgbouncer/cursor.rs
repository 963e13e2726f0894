//! A cursor over the bytes of a line: each step either takes what it names and goes on, or says `None`.

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Takes exactly `word`.
    #[inline]
    pub(super) fn eat(&mut self, word: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(word)?;
        Some(())
    }

    /// Takes one byte.
    #[inline]
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    /// Takes what stands before the first `end`, and `end` itself.
    #[inline]
    pub(super) fn until(&mut self, end: u8) -> Option<&'a [u8]> {
        let at = memchr::memchr(end, self.0)?;
        let taken = &self.0[..at];
        self.0 = &self.0[at + 1..];
        Some(taken)
    }

    /// Takes a decimal number of at least one digit that fits 64 bits.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        let value = decimal(digits)?;
        self.0 = rest;
        Some(value)
    }

    /// Takes exactly `count` digits.
    #[inline]
    pub(super) fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let value = decimal(digits)?;
        self.0 = rest;
        u32::try_from(value).ok()
    }
}

/// The value of a whole run of decimal digits: `None` where there is none, another byte, or no room in 64 bits.
#[inline]
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_take_what_they_name_or_nothing() {
        let mut cursor = Cursor(b"ab 12x");
        assert!(cursor.eat(b"ac").is_none());
        assert_eq!(cursor.eat(b"a"), Some(()));
        assert_eq!(cursor.until(b' '), Some(&b"b"[..]));
        assert_eq!(cursor.number(), Some(12));
        assert_eq!(cursor.number(), None);
        assert_eq!(cursor.0, b"x");
    }

    #[test]
    fn numbers_that_do_not_fit_are_none() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), None);
        assert_eq!(decimal(b""), None);
    }
}
