//! `--from` and `--to`: moments as the log's own clock shows them, and who counts only what lies between them.
//!
//! A log's clock may go back; what counts is the first time that it shows a moment.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::Offset;

use super::batch::{self, Logs};
use crate::analysis::analyzer::Analyzer;
use crate::pgbouncer::lines::{Line, Taker};

/// How a moment is written.
pub const FORMS: &str = "2026-11-23, \"2026-11-23 14:00\", \"2026-11-23 14:00:00\" or 14:00";

/// A moment as somebody has written it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    text: String,
    date: Option<Date>,
    time: Option<Time>,
}

impl Moment {
    /// Reads a moment.
    ///
    /// # Errors
    ///
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (date, time) = match (text.contains('-'), text.contains(':')) {
            (true, true) => text.parse().ok().map(|both: DateTime| (Some(both.date()), Some(both.time()))),
            // It would take the day of one with an hour behind it.
            (true, false) if text.len() > 10 => None,
            (true, false) => text.parse().ok().map(|date: Date| (Some(date), None)),
            (false, true) => text.parse().ok().map(|time: Time| (None, Some(time))),
            (false, false) => None,
        }
        .ok_or_else(|| format!("{text:?} is no time; write {FORMS}"))?;
        Ok(Self { text: text.to_owned(), date, time })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is of every day.
    fn has_no_date(&self) -> bool {
        self.date.is_none()
    }

    /// Its place on the log's clock, where that shows `today`; of a day alone its first moment, or the one behind its last.
    /// In the sense of [`crate::pgbouncer::record::Stamp::millis`].
    fn millis(&self, today: Date, is_end: bool) -> i64 {
        let date = self.date.unwrap_or(today);
        let date = if is_end && self.time.is_none() { date.tomorrow().unwrap_or(date) } else { date };
        let civil = date.to_datetime(self.time.unwrap_or(Time::midnight()));
        Offset::UTC.to_timestamp(civil).map_or(i64::MAX, jiff::Timestamp::as_millisecond)
    }
}

/// From when to when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Span {
    /// `--from`: this moment, or the beginning of this day.
    pub from: Option<Moment>,
    /// `--to`: before this moment, or to the end of this day.
    pub to: Option<Moment>,
}

impl Span {
    /// Both, if the first lies before the second.
    ///
    /// # Errors
    ///
    /// That it does not.
    pub fn new(from: Option<Moment>, mut to: Option<Moment>) -> Result<Self, String> {
        if let (Some(from), Some(to)) = (&from, &mut to) {
            // `--from "2026-11-23 13:00" --to 14:00`
            to.date = to.date.or(from.date);
            if from.date.is_some() == to.date.is_some() && edge(from, false) >= edge(to, true) {
                return Err(format!("--from {} is not before --to {}", from.text, to.text));
            }
        }
        Ok(Self { from, to })
    }

    /// The edges in milliseconds of the log's clock, where that shows `millis` first.
    fn edges(&self, millis: i64) -> (i64, i64) {
        let today = day(millis);
        let from = self.from.as_ref().map_or(i64::MIN, |from| from.millis(today, false));
        (from, self.to.as_ref().map_or(i64::MAX, |to| to.millis(today, true)))
    }

    /// Where a time of the day was asked for, the log must be of one day.
    fn check(&self, first: Option<i64>, last: Option<i64>) -> Result<(), String> {
        let option = |name, moment: &Option<Moment>| Some(format!("--{name} {}", moment.as_ref()?.text));
        let vague = [("from", &self.from), ("to", &self.to)].into_iter();
        let mut vague = vague.filter(|(_, moment)| moment.as_ref().is_some_and(Moment::has_no_date));
        let days = first.map(day).zip(last.map(day));
        match (days, vague.next()) {
            (Some((first, last)), Some((name, moment))) if first != last => Err(format!(
                "{}: the log is of several days, {first} to {last}; write which one, such as \"{first} {}\"",
                option(name, moment).unwrap_or_default(),
                moment.as_ref().map_or("", |moment| &moment.text),
            )),
            _ => Ok(()),
        }
    }
}

/// A moment's place where two are compared: on the same day, if none has one.
fn edge(moment: &Moment, is_end: bool) -> i64 {
    moment.millis(Date::constant(2000, 1, 1), is_end)
}

fn day(millis: i64) -> Date {
    jiff::Timestamp::from_millisecond(millis).map_or(Date::MIN, |utc| Offset::UTC.to_datetime(utc).date())
}

/// Where a reader of a log is in a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before it.
    Before,
    /// In it.
    Within,
    /// Behind it.
    Behind,
}

/// Follows the log's clock through a span.
#[derive(Debug)]
pub struct Walk {
    span: Span,
    /// The first record's time, and the edges.
    first: Option<(i64, i64, i64)>,
    place: Place,
}

impl Walk {
    /// Nothing has been read yet.
    pub fn new(span: Span) -> Self {
        let place = if span.from.is_some() { Place::Before } else { Place::Within };
        Self { span, first: None, place }
    }

    /// Whether no record can change anything any more.
    pub fn is_settled(&self) -> bool {
        self.place == Place::Behind || self.place == Place::Within && self.span.to.is_none()
    }

    /// Where it is.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The log's clock shows this; says where that is.
    pub fn pass(&mut self, millis: i64) -> Place {
        let span = &self.span;
        let (_, from, to) = *self.first.get_or_insert_with(|| {
            let (from, to) = span.edges(millis);
            (millis, from, to)
        });
        if self.place == Place::Before && millis >= from {
            self.place = Place::Within;
        }
        if self.place == Place::Within && millis >= to {
            self.place = Place::Behind;
        }
        self.place
    }

    /// The log ends.
    ///
    /// # Errors
    ///
    /// What was asked for can mean more than one time.
    pub fn finish(&self, last: Option<i64>) -> Result<Place, String> {
        self.span.check(self.first.map(|(first, ..)| first), last)?;
        Ok(self.place)
    }
}

/// Counting begins and ends where a span does.
pub(super) fn count_within(analyzer: &mut Analyzer, before: Place, now: Place) {
    if before == Place::Before && now != Place::Before {
        analyzer.begin_counting();
    }
    if before != Place::Behind && now == Place::Behind {
        analyzer.end_counting();
    }
}

/// Gives the lines of a log to an analyzer that counts what lies in a span.
#[derive(Debug)]
struct Within<'a> {
    analyzer: &'a mut Analyzer,
    walk: Walk,
    place: Place,
}

impl<'a> Within<'a> {
    fn new(analyzer: &'a mut Analyzer, span: Span) -> Self {
        let walk = Walk::new(span);
        Self { analyzer, place: walk.place, walk }
    }

    fn move_to(&mut self, place: Place) {
        count_within(self.analyzer, self.place, place);
        self.place = place;
    }

    /// The log ends.
    fn finish(mut self) -> Result<(), String> {
        let last = self.analyzer.last_stamp().map(|stamp| stamp.millis);
        if self.walk.finish(last)? == Place::Before {
            // It ends before that: nothing of it counts.
            self.move_to(Place::Behind);
        }
        Ok(())
    }
}

/// Reads complete logs, and counts what is asked for.
///
/// # Errors
///
/// The path that could not be read, and why; or that what was asked for can mean more than one time.
pub fn count(analyzer: &mut Analyzer, logs: &Logs<'_>) -> Result<(), String> {
    let mut reader = Within::new(analyzer, logs.span.clone());
    batch::read_logs(logs, &mut reader)?;
    reader.finish()
}

impl Taker for Within<'_> {
    fn line(&mut self, line: &Line<'_>) {
        let read = self.analyzer.read(line);
        if let Some(stamp) = read.stamp() {
            let place = self.walk.pass(stamp.millis);
            self.move_to(place);
        }
        self.analyzer.take(&read);
    }

    fn usual(&mut self, text: &[u8], length: usize) -> usize {
        if self.walk.is_settled() { self.analyzer.usual(text, length) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).expect(text)
    }

    fn millis(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().expect(text).as_millisecond()
    }

    #[test]
    fn moments_as_people_write_them() {
        let first = millis("2026-11-23T08:00:00Z");
        for (text, from, to) in [
            ("2026-11-23", "2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z"),
            ("2026-11-23 14:00", "2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
            ("2026-11-23T14:00:07", "2026-11-23T14:00:07Z", "2026-11-23T14:00:07Z"),
            ("2026-11-23 14:00:07.250", "2026-11-23T14:00:07.25Z", "2026-11-23T14:00:07.25Z"),
            ("14:00", "2026-11-23T14:00:00Z", "2026-11-23T14:00:00Z"),
            (" 14:00:07 ", "2026-11-23T14:00:07Z", "2026-11-23T14:00:07Z"),
        ] {
            let span = Span { from: Some(moment(text)), to: Some(moment(text)) };
            assert_eq!(span.edges(first), (millis(from), millis(to)), "{text}");
        }
        for text in ["", "yesterday", "23/11/2026", "14", "2026-13-01", "25:00", "2026-11-23 14"] {
            let error = Moment::parse(text).expect_err(text);
            assert!(
                error.ends_with("is no time; write 2026-11-23, \"2026-11-23 14:00\", \"2026-11-23 14:00:00\" or 14:00")
            );
        }
    }

    #[test]
    fn a_span_has_its_beginning_before_its_end() {
        for (from, to, is_one) in [
            ("2026-11-23", "2026-11-23", true),
            ("2026-11-23 14:00", "15:00", true),
            ("14:00", "15:00", true),
            ("15:00", "14:00", false),
            ("2026-11-23 14:00", "14:00", false),
            ("2026-11-24", "2026-11-23", false),
            ("14:00", "2026-11-23", true),
        ] {
            assert_eq!(Span::new(Some(moment(from)), Some(moment(to))).is_ok(), is_one, "{from} {to}");
        }
    }

    #[test]
    fn a_time_of_the_day_needs_a_log_of_one_day() {
        let walk = |last: &str| {
            let mut walk = Walk::new(Span { from: Some(moment("09:00")), to: Some(moment("10:00")) });
            let places = ["08:00:00", "09:00:00", "08:59:59", "10:00:00"]
                .map(|time| walk.pass(millis(&format!("2026-11-23T{time}Z"))));
            assert_eq!(places, [Place::Before, Place::Within, Place::Within, Place::Behind]);
            walk.finish(Some(millis(last)))
        };
        assert_eq!(walk("2026-11-23T23:59:59Z"), Ok(Place::Behind));
        let message = "--from 09:00: the log is of several days, 2026-11-23 to 2026-11-24; write which one, such as \
                       \"2026-11-23 09:00\"";
        assert_eq!(walk("2026-11-24T00:00:00Z"), Err(message.to_owned()));
    }
}
