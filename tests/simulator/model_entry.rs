//! The model's entries: what is watched, and when its window is open.

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::clock::{Clock, first_showing};
use super::model::NEVER;

/// A watched entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub name: String,
    pub minutes: i64,
    pub open: Time,
    pub close: Time,
    pub days: [bool; 7],
}

impl Entry {
    pub fn matches(&self, user: &str, database: &str) -> bool {
        self.name == user || self.name == format!("{database}/{user}")
    }
}

#[derive(Debug, Clone)]
pub struct State {
    pub entry: Entry,
    pub start: i64,
    /// The opening of the window that is open, and since when it is so.
    pub opened: Option<(i64, i64)>,
    pub due: Option<(i64, i64)>,
    pub alerted: Option<i64>,
    pub outage: Option<i64>,
    pub returned: Option<(usize, i64)>,
    /// Since when the configuration has this window.
    pub window_since: i64,
    /// What is known of the days whose edges were looked for: date, opening, closing.
    pub days: Vec<(Date, i64, i64)>,
}

/// A setting of the clock: when, when that could be seen (at the tick after it), and what it showed at the tick before.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub when: i64,
    pub seen: i64,
    pub before: i64,
}

/// The true time since when a window is open: its opening, or when it was seen that the clock was set over it. Whether
/// it opened before or behind the setting, nobody can say who looks at the ticks only.
pub fn opened_at(opening: i64, clock: &Clock, step_seen: Option<Step>) -> i64 {
    if opening == NEVER {
        return NEVER;
    }
    match clock.step.zip(step_seen) {
        Some(((_, after, _), Step { seen, before, .. })) => {
            let until = after + (seen - clock.step.map_or(seen, |step| step.2));
            if before <= opening && opening <= until { seen } else { clock.true_at(opening) }
        }
        _ => clock.true_at(opening),
    }
}

impl State {
    pub fn new(entry: Entry, start: i64) -> Self {
        let (opened, due, alerted) = (None, None, None);
        Self { entry, start, opened, due, alerted, outage: None, returned: None, window_since: NEVER, days: Vec::new() }
    }

    /// The opening of the window that is open when the host's clock shows this.
    pub fn opening(&mut self, wall: i64, zone: &TimeZone) -> Option<i64> {
        let Entry { open, close, days, .. } = self.entry;
        if open == close && days == [true; 7] {
            return Some(NEVER);
        }
        let today = Timestamp::from_millisecond(wall).expect("in range").to_zoned(zone.clone()).date();
        let mut found = None;
        let mut date = today;
        for _ in 0..9 {
            let (opens, closes) = self.edges(date, zone);
            let on_this_day = days[date.weekday().to_monday_zero_offset() as usize] && opens < closes;
            let begun: Option<i64> = found;
            match begun {
                // With equal edges the day before may have been open as well, without a break.
                Some(later) if on_this_day && open == close && closes >= later => found = Some(opens),
                Some(_) => return found,
                None if on_this_day && opens < wall && (wall < closes) => found = Some(opens),
                None if on_this_day && open == close && wall == closes && self.is_open_after(date, zone) => {
                    found = Some(opens);
                }
                None => {}
            }
            if found.is_some() && open != close {
                return found;
            }
            date = date.yesterday().expect("in range");
        }
        found
    }

    /// With equal edges: whether the next day is open as well.
    fn is_open_after(&self, date: Date, _: &TimeZone) -> bool {
        let next = date.tomorrow().expect("in range");
        self.entry.days[next.weekday().to_monday_zero_offset() as usize]
    }

    /// The edges of the window of a day.
    fn edges(&mut self, date: Date, zone: &TimeZone) -> (i64, i64) {
        if let Some(&(_, opens, closes)) = self.days.iter().find(|(known, ..)| *known == date) {
            return (opens, closes);
        }
        let Entry { open, close, .. } = self.entry;
        let last = if close <= open { date.tomorrow().expect("in range") } else { date };
        let (opens, closes) = (first_showing(zone, date, open), first_showing(zone, last, close));
        if self.days.len() > 20 {
            self.days.remove(0);
        }
        self.days.push((date, opens, closes));
        (opens, closes)
    }
}
