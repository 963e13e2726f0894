//! How what is known is kept in a state file: as JSON, every field in its place, written and read by one description.
//!
//! ```
//! use loganalyzer_engine::kept::{self, Kept};
//!
//! struct Moment {
//!     at: i64,
//!     names: Vec<String>,
//! }
//! loganalyzer_engine::kept!(Moment { at, names });
//!
//! let text = kept::text(&Moment { at: -5, names: vec!["web".to_owned()] });
//! assert_eq!(text, r#"{"at":-5,"names":["web"]}"#);
//! assert_eq!(kept::read::<Moment>(&text).map(|read| read.at), Some(-5));
//! assert!(kept::read::<Moment>(r#"{"names":["web"],"at":-5}"#).is_none());
//! ```
//!
//! Only what was written so is read, and anything else is refused as a whole: another order, another name, a number
//! beyond its type. A [`Reader`] goes on with zeros once something is wrong, and what comes of it is thrown away: so
//! there is no way out in the middle of anything, and the code for it, of some sixty structures, stays small. Nor is any of
//! it inlined, though it is compiled with what has to be fast: it would be three times as large.

mod reader;
mod types;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

/// What can be kept.
pub trait Kept: Sized {
    /// Writes it.
    fn save(&self, to: &mut Writer);

    /// Reads it; anything at all where the text is not what was written, of which the reader knows.
    fn load(from: &mut Reader<'_>) -> Self;

    /// Writes some of them: as a list. Bytes are a text.
    #[inline(never)]
    fn save_all(all: &[Self], to: &mut Writer) {
        to.list(all);
    }

    /// Reads what [`Kept::save_all`] has written.
    #[inline(never)]
    fn load_all(from: &mut Reader<'_>) -> Vec<Self> {
        let mut all = Vec::new();
        let outer = from.open("]");
        while from.has_more() {
            all.push(Self::load(from));
        }
        from.close(outer);
        all
    }
}

/// As a text.
pub fn text(what: &impl Kept) -> String {
    let mut to = Writer::new(String::new());
    what.save(&mut to);
    to.text
}

/// What a text says; `None` where it is not one that was written so.
pub fn read<T: Kept>(text: &str) -> Option<T> {
    let mut from = Reader::new(text);
    let what = T::load(&mut from);
    from.is_done().then_some(what)
}

/// Says how a structure is kept, by the names of its fields: in braces with their names, in brackets, where there are
/// many of it, without them. What is not kept follows with what it is when it is read; and `then` what makes that of
/// the rest, and says whether it can have been written.
///
/// A choice without fields (`Colour: Red | Green`) is kept as its name.
#[macro_export]
macro_rules! kept {
    ($type:ident: $($name:ident)|*) => {
        impl $crate::kept::Kept for $type {
            #[inline(never)]
            fn save(&self, to: &mut $crate::kept::Writer) {
                to.name(concat!($(stringify!($name), ","),*), *self as usize);
            }

            #[inline(never)]
            fn load(from: &mut $crate::kept::Reader<'_>) -> Self {
                const ALL: &[$type] = &[$($type::$name),*];
                ALL[from.name(concat!($(stringify!($name), ","),*))]
            }
        }
    };
    (@ [$($generic:tt)*] [$type:ty] [$names:expr] [$($field:tt),*] [$($left:ident = $value:expr),*] [$($then:path)?]) => {
        impl<$($generic)*> $crate::kept::Kept for $type {
            #[inline(never)]
            fn save(&self, to: &mut $crate::kept::Writer) {
                let outer = to.open($names);
                $($crate::kept::Kept::save(&self.$field, to.field());)*
                to.close(outer);
            }

            #[inline(never)]
            fn load(from: &mut $crate::kept::Reader<'_>) -> Self {
                let outer = from.open($names);
                let read = Self {
                    $($field: $crate::kept::Kept::load(from.field()),)*
                    $($left: $value,)*
                };
                from.close(outer);
                $(
                    let mut read = read;
                    from.check($then(&mut read));
                )?
                read
            }
        }
    };
    ($type:ty $(where [$($generic:tt)*])? {
        $($field:tt),* $(; $($left:ident = $value:expr),+)?
    } $(then $then:path)?) => {
        $crate::kept!(@ [$($($generic)*)?] [$type] [concat!($(stringify!($field), ",",)* "}")]
            [$($field),*] [$($($left = $value),+)?] [$($then)?]);
    };
    ($type:ty [ $($field:tt),* ]) => {
        $crate::kept!(@ [] [$type] ["]"] [$($field),*] [] []);
    };
}

#[cfg(test)]
mod tests;
