//! Going on from what a state file has.

use super::analyzer::{Analyzer, Settings};
use crate::limits::FALLBACK_LINES_PER_TICK;

impl Analyzer {
    /// One that was read back from a state file goes on, as the configuration now has it. `None` where what was read
    /// cannot be what was written.
    pub fn restored(mut self, settings: Settings) -> Option<Self> {
        let Settings { zone, fallback, watch, now } = settings;
        let entries = self.watch.restored(&watch)?;
        if self.sessions.watches_beyond(entries) || !self.logs.are_sound() {
            return None;
        }
        self.parser.switch_log(self.logs.current());
        self.parser.set_now(self.zones.civil(now));
        self.fallback_left = FALLBACK_LINES_PER_TICK;
        self.reconfigure(watch.entries().to_vec(), zone, fallback, now);
        Some(self)
    }
}
