//! Lines to the analyzer, and what they say to the screen.

use crate::analysis::analyzer::{Analyzer, Seen};
use crate::pgbouncer::lines::{Line, Taker};
use crate::report::paint::Style;
use crate::report::verbose;

/// Takes the lines of a log.
pub(super) struct Reader<'a> {
    pub(super) analyzer: &'a mut Analyzer,
    /// Whether there were any.
    pub(super) has_lines: bool,
    /// What they say, where somebody wants to see that.
    pub(super) said: Option<(&'a mut String, Style)>,
}

impl Taker for Reader<'_> {
    fn line(&mut self, line: &Line<'_>) {
        self.has_lines = true;
        let seen = self.analyzer.line(line);
        if let Some((said, style)) = &mut self.said
            && seen != Seen::Nothing
        {
            verbose::write(&seen, *style, said);
        }
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        let taken = if self.said.is_none() { self.analyzer.usual(text, length) } else { 0 };
        self.has_lines |= taken > 0;
        taken
    }
}
