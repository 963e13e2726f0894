//! How numbers, texts, lists and the like are kept.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use jiff::civil::Time;

use super::{Kept, Reader, Writer};

macro_rules! numbers {
    ($($type:ident),*) => {$(
        #[allow(clippy::cast_lossless, reason = "of usize it is none")]
        impl Kept for $type {
            #[inline(never)]
            fn save(&self, to: &mut Writer) {
                to.number(false, *self as u64);
            }

            #[inline(never)]
            fn load(from: &mut Reader<'_>) -> Self {
                from.number(0, Self::MAX as u64) as Self
            }
        }
    )*};
}

macro_rules! signed_numbers {
    ($($type:ident),*) => {$(
        impl Kept for $type {
            #[inline(never)]
            fn save(&self, to: &mut Writer) {
                to.number(*self < 0, i64::from(*self).unsigned_abs());
            }

            #[inline(never)]
            fn load(from: &mut Reader<'_>) -> Self {
                from.number(Self::MIN.into(), Self::MAX as u64) as Self
            }
        }
    )*};
}

numbers!(u16, u32, u64, usize);
signed_numbers!(i8, i32, i64);

/// A byte is a number, and bytes are a text of as many characters, U+0000 to U+00FF.
impl Kept for u8 {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.number(false, u64::from(*self));
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        from.number(0, Self::MAX.into()) as Self
    }

    #[inline(never)]
    fn save_all(all: &[Self], to: &mut Writer) {
        to.bytes(all);
    }

    #[inline(never)]
    fn load_all(from: &mut Reader<'_>) -> Vec<Self> {
        let bytes: Option<Vec<u8>> = from.text().chars().map(|char| u8::try_from(char).ok()).collect();
        from.check(bytes.is_some());
        bytes.unwrap_or_default()
    }
}

impl Kept for bool {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.begin(if *self { "true" } else { "false" });
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        from.begin();
        let is_so = from.takes("true");
        if !is_so {
            from.expect("false");
        }
        is_so
    }
}

impl Kept for () {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.begin("null");
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) {
        from.begin();
        from.expect("null");
    }
}

impl Kept for String {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.quoted(self);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        from.text()
    }
}

/// As its bytes, whatever they are.
impl Kept for PathBuf {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.bytes(self.as_os_str().as_bytes());
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        OsString::from_vec(u8::load_all(from)).into()
    }
}

/// Hours, minutes and seconds.
impl Kept for Time {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        [self.hour(), self.minute(), self.second()].save(to);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        let [hour, minute, second] = Kept::load(from);
        let time = Self::new(hour, minute, second, 0);
        from.check(time.is_ok());
        time.unwrap_or_default()
    }
}

impl<T: Kept> Kept for Option<T> {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        match self {
            Some(one) => one.save(to),
            None => to.begin("null"),
        }
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        from.begin();
        if from.takes("null") { None } else { Some(T::load(from)) }
    }
}

impl<T: Kept> Kept for Vec<T> {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        T::save_all(self, to);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        T::load_all(from)
    }
}

impl<T: Kept> Kept for VecDeque<T> {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        let outer = to.open("]");
        self.iter().for_each(|one| one.save(to));
        to.close(outer);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        T::load_all(from).into()
    }
}

impl<T: Kept, const N: usize> Kept for [T; N] {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        to.list(self);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        let outer = from.open("]");
        let all = std::array::from_fn(|_| T::load(from));
        from.close(outer);
        all
    }
}

impl<T: Kept, U: Kept> Kept for (T, U) {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        let outer = to.open("]");
        self.0.save(to);
        self.1.save(to);
        to.close(outer);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        let outer = from.open("]");
        let both = (T::load(from), U::load(from));
        from.close(outer);
        both
    }
}

/// Numbers of which nearly all are zero: only the others are kept, with their places.
impl<const N: usize> Kept for Box<[u64; N]> {
    #[inline(never)]
    fn save(&self, to: &mut Writer) {
        save_few(&**self, to);
    }

    #[inline(never)]
    fn load(from: &mut Reader<'_>) -> Self {
        let mut all = Box::new([0; N]);
        load_few(from, &mut *all);
        all
    }
}

#[inline(never)]
fn save_few(all: &[u64], to: &mut Writer) {
    let outer = to.open("]");
    all.iter().copied().enumerate().filter(|(_, number)| *number != 0).for_each(|one| one.save(to));
    to.close(outer);
}

#[inline(never)]
fn load_few(from: &mut Reader<'_>, all: &mut [u64]) {
    let outer = from.open("]");
    while from.has_more() {
        let (place, number) = <(usize, u64)>::load(from);
        from.check(place < all.len());
        if let Some(known) = all.get_mut(place) {
            *known = number;
        }
    }
    from.close(outer);
}
