//! A text with switches in it.

use std::ops::Range;

/// How the guard of an arm that has none begins.
pub const ARM: &str = " if !";

/// What stands in the place of an [`Edit`].
#[derive(Debug, Clone)]
pub enum Piece {
    /// This.
    Text(String),
    /// This, which is there for one mutant.
    Of(usize, String),
    /// What stood there, with the edits within.
    Source(Range<usize>),
}

/// A place with switches.
#[derive(Debug, Clone)]
pub struct Edit {
    pub range: Range<usize>,
    pub mutants: Vec<usize>,
    pub pieces: Vec<Piece>,
}

/// A text with its edits, of which each is either within another or apart from it.
#[derive(Debug)]
pub struct Source<'a> {
    text: &'a str,
    edits: Vec<Edit>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Woven {
    pub text: String,
    /// Which mutants are where.
    places: Vec<(Range<usize>, Vec<usize>)>,
}

impl<'a> Source<'a> {
    /// Outer edits come before those that are within them.
    pub fn new(text: &'a str, mut edits: Vec<Edit>) -> Self {
        edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
        Self { text, edits }
    }

    pub fn weave(&self) -> Woven {
        let mut woven = Woven::default();
        self.render(0..self.text.len(), 0, &mut woven);
        woven
    }

    /// Writes a part of the text with its edits, of which the first has the number `from` or a higher one.
    fn render(&self, range: Range<usize>, from: usize, woven: &mut Woven) {
        let mut at = range.start;
        for (number, edit) in self.edits.iter().enumerate().skip(from) {
            if edit.range.start < at {
                continue;
            }
            if edit.range.end > range.end {
                break;
            }
            woven.text.push_str(&self.text[at..edit.range.start]);
            self.render_edit(number, woven);
            at = edit.range.end;
        }
        woven.text.push_str(&self.text[at..range.end]);
    }

    fn render_edit(&self, number: usize, woven: &mut Woven) {
        let edit = &self.edits[number];
        let start = woven.text.len();
        for piece in &edit.pieces {
            let before = woven.text.len();
            match piece {
                Piece::Text(text) => woven.text.push_str(text),
                Piece::Of(mutant, text) => {
                    woven.text.push_str(text);
                    woven.places.push((before..woven.text.len(), vec![*mutant]));
                }
                Piece::Source(range) => self.render(range.clone(), number + 1, woven),
            }
        }
        woven.places.push((start..woven.text.len(), edit.mutants.clone()));
    }
}

impl Woven {
    /// The mutants of the least place that has all of this range. Where there is none, what is matched there is not matched
    /// by all arms without one of them, and that is the next of those with a guard of ours.
    pub fn mutants_at(&self, range: &Range<usize>) -> Option<&[usize]> {
        let around = self.places.iter().filter(|(place, _)| place.start <= range.start && range.end <= place.end);
        let least = around.min_by_key(|(place, _)| place.len());
        let is_arm = |place: &Range<usize>| place.start >= range.end && self.text[place.clone()].starts_with(ARM);
        let arms = self.places.iter().filter(|(place, _)| is_arm(place));
        let found = least.or_else(|| arms.min_by_key(|(place, _)| place.start));
        found.map(|(_, mutants)| &mutants[..])
    }
}
