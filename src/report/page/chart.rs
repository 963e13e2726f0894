//! Line charts as SVG: round ticks with their unit, lines that end where there is no data, and their names beside them.
//!
//! What stands in the attributes is for the script that shows the figures under the mouse, and for the tests, which read
//! each point back: `data-x` is the time at both ends of the axis, `data-y` the figure at its top, `data-t` the times of
//! the buckets (minutes of the log's clock, each but the first as the difference to the one before it), `data-width` how
//! many minutes they are wide, and `data-v` of a line its figures.

use std::fmt::Write;

use super::Page;
use crate::order;
use crate::report::time::TimeFormat;

/// The sides of what is drawn, in the units of the view box.
pub(super) const LEFT: f64 = 36.0;
pub(super) const RIGHT: f64 = 354.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 120.0;

/// A ring around a point that has no neighbours: a line of one point is not to be seen.
const DOT: &str = "m-1 0a1 1 0 1 0 2 0a1 1 0 1 0-2 0";

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// Units of a figure, the least first, each with what it is worth.
pub(super) type Units = [(&'static str, f64)];

/// A line: its name, the key that JSON has it under, and its figures.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) key: &'static str,
    /// Its colour: `a`, `b`, or `f` for failures.
    pub(super) class: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

/// A chart of lines that have their times in common.
pub(super) struct Chart<'a> {
    pub(super) title: &'a str,
    pub(super) units: &'a Units,
    /// Where the buckets begin, in milliseconds of the log's clock.
    pub(super) at: Vec<i64>,
    /// How wide they are.
    pub(super) width: i64,
    /// A longer way from one to the next is a gap.
    pub(super) longest: i64,
    pub(super) lines: Vec<Line>,
}

/// The axis of time, in milliseconds of the log's clock.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Axis {
    /// The period, and what reaches beyond it.
    pub(super) fn new(period: Option<(i64, i64)>, buckets: impl Iterator<Item = i64>, width: i64) -> Self {
        let (mut from, mut to) = period.unwrap_or((i64::MAX, i64::MIN));
        for begin in buckets {
            from = from.min(begin);
            to = to.max(begin.saturating_add(width));
        }
        Self { from, to: to.max(from.saturating_add(1)) }
    }

    pub(super) fn x(self, at: i64) -> f64 {
        let part = (at.saturating_sub(self.from)) as f64 / (self.to.saturating_sub(self.from)) as f64;
        LEFT + part.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    /// Between two ticks: the least round time of which there are at most six.
    fn step(self) -> i64 {
        const MINUTES: [i64; 17] =
            [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7 * 1440, 14 * 1440, 30 * 1440, 91 * 1440];
        let length = self.to.saturating_sub(self.from);
        let round = MINUTES.into_iter().map(|minutes| minutes * MINUTE).find(|step| length / step < 6);
        round.unwrap_or((length / 6 / DAY + 1) * DAY)
    }

    /// Ticks below `y`, each with its time.
    pub(super) fn write(self, y: f64, page: &mut Page) {
        let step = self.step();
        let format = TimeFormat::short(step < DAY, step < 300 * DAY);
        let of_days = TimeFormat::short(false, true);
        page.put("<g class=\"x\">");
        let mut at = self.from.div_euclid(step).saturating_mul(step);
        while at <= self.to {
            if at >= self.from {
                let format = if at % DAY == 0 { &of_days } else { &format };
                let (x, below) = (self.x(at), y + 11.0);
                let side = if x > RIGHT - 12.0 { " class=\"end\"" } else { "" };
                page.add(format_args!(
                    "<path d=\"M{x:.1} {y}v3\"/><text{side} x=\"{x:.1}\" y=\"{below}\">{}</text>",
                    format.print(at)
                ));
            }
            at = at.saturating_add(step);
        }
        page.put("</g>");
    }
}

/// The axis of figures, from zero.
struct Scale {
    unit: &'static str,
    factor: f64,
    /// Between two ticks, in that unit.
    step: f64,
    decimals: usize,
    ticks: u32,
}

impl Scale {
    /// For figures up to `most`.
    fn new(most: f64, units: &Units) -> Self {
        let (unit, factor) =
            units.iter().rev().find(|unit| unit.1 <= most).or(units.first()).copied().unwrap_or(("", 1.0));
        let wanted = most / factor / 4.0;
        let (mut power, mut decimals) = (1.0, 0);
        while power * 10.0 <= wanted {
            power *= 10.0;
        }
        // What is counted has no parts.
        while power > wanted && decimals < 3 && factor < 1.0 {
            power /= 10.0;
            decimals += 1;
        }
        let step = [1.0, 2.0, 5.0].into_iter().map(|digit| digit * power).find(|step| *step >= wanted);
        let step = step.unwrap_or(10.0 * power);
        let ticks = ((most / factor / step).ceil() as u32).clamp(1, 9);
        Self { unit, factor, step, decimals, ticks }
    }

    fn top(&self) -> f64 {
        self.step * f64::from(self.ticks) * self.factor
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - value / self.top() * (BOTTOM - TOP)
    }

    /// A figure with its unit, of three digits or more.
    fn say(&self, value: f64) -> String {
        let value = value / self.factor;
        let decimals = [100.0, 10.0].iter().filter(|least| value < **least).count();
        let text = format!("{value:.decimals$}");
        let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        format!("{text} {}", self.unit).trim_end().to_owned()
    }

    fn write(&self, page: &mut Page) {
        page.put("<path class=\"grid\" d=\"");
        let y = |tick: u32| self.y(self.step * f64::from(tick) * self.factor);
        (0..=self.ticks).for_each(|tick| page.add(format_args!("M{LEFT} {:.1}H{RIGHT}", y(tick))));
        page.put("\"/><g class=\"y\">");
        for tick in 0..=self.ticks {
            let (value, decimals) = (self.step * f64::from(tick), self.decimals);
            page.add(format_args!("<text x=\"{}\" y=\"{:.1}\">{value:.decimals$}</text>", LEFT - 4.0, y(tick) + 3.0));
        }
        page.add(format_args!("<text class=\"unit\" x=\"{}\" y=\"6\">{}</text></g>", LEFT - 4.0, self.unit));
    }
}

/// A figure with the unit that fits it.
pub(super) fn said(value: f64, units: &Units) -> String {
    Scale::new(value, units).say(value)
}

impl Chart<'_> {
    /// Writes the chart as a figure.
    pub(super) fn write(&self, period: Option<(i64, i64)>, page: &mut Page) {
        let axis = Axis::new(period, self.at.iter().copied(), self.width);
        let most = self.lines.iter().flat_map(|line| line.values.iter().flatten()).copied().fold(0.0, f64::max);
        let scale = Scale::new(most, self.units);
        let highest: Vec<String> = self.lines.iter().filter_map(|line| self.highest(line, &scale)).collect();
        let said = highest.join("; ");
        page.add(format_args!(
            "<figure><figcaption>{0}</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 360 136\" role=\"img\" \
             data-x=\"{1} {2}\" data-y=\"{3}\" data-width=\"{6}\" data-unit=\"{4}\" data-factor=\"{5}\" data-t=\"",
            self.title,
            axis.from,
            axis.to,
            scale.top(),
            scale.unit,
            scale.factor,
            self.width / MINUTE
        ));
        self.write_times(page);
        page.add(format_args!("\"><title>{}</title><desc>{said}</desc>", self.title));
        scale.write(page);
        axis.write(BOTTOM, page);
        self.lines.iter().for_each(|line| self.write_line(line, axis, &scale, page));
        self.write_names(&scale, page);
        page.add(format_args!("</svg><p class=\"now\">{said}</p></figure>\n"));
    }

    fn write_times(&self, page: &mut Page) {
        let mut before = 0;
        for at in &self.at {
            let minute = at.div_euclid(MINUTE);
            let blank = if before == 0 { "" } else { " " };
            page.add(format_args!("{blank}{}", minute - before));
            before = minute;
        }
    }

    fn write_line(&self, line: &Line, axis: Axis, scale: &Scale, page: &mut Page) {
        page.add(format_args!(
            "<path class=\"line {}\" data-name=\"{}\" data-key=\"{}\" data-v=\"",
            line.class, line.name, line.key
        ));
        let mut path = String::new();
        // The point before this one, and whether it stands alone.
        let (mut before, mut alone) = (None, false);
        for (at, value) in self.at.iter().zip(&line.values) {
            let Some(value) = *value else {
                page.put("- ");
                continue;
            };
            page.add(format_args!("{value} "));
            let joined = before.is_some_and(|before: i64| at.saturating_sub(before) <= self.longest);
            let dot = if alone && !joined { DOT } else { "" };
            let (begin, x, y) = (if joined { 'L' } else { 'M' }, axis.x(at + self.width / 2), scale.y(value));
            let _ = write!(path, "{dot}{begin}{x:.1} {y:.1}");
            (before, alone) = (Some(*at), !joined);
        }
        page.put("\" d=\"").put(&path).put(if alone { DOT } else { "" }).put("\"/>");
    }

    /// The lines' names, where they end: above the upper one and below the lower one, where there is room, and apart.
    fn write_names(&self, scale: &Scale, page: &mut Page) {
        // A name is as long as a sixth of the chart.
        let ends = |line: &Line| {
            let known = line.values.iter().rev().take(line.values.len() / 6 + 1).flatten();
            let (least, most) =
                known.fold((f64::MAX, f64::MIN), |(least, most), value| (value.min(least), value.max(most)));
            (least <= most).then(|| (scale.y(most), scale.y(least)))
        };
        let mut names: Vec<((f64, f64), &Line)> =
            self.lines.iter().filter_map(|line| Some((ends(line)?, line))).collect();
        order::sort_by(&mut names, |one, other| one.0.0.total_cmp(&other.0.0));
        let lowest = BOTTOM - if names.len() > 1 { 15.0 } else { 4.0 };
        let mut before = None;
        for ((top, bottom), line) in names {
            let y = match before {
                None => (top - 5.0).clamp(TOP + 7.0, lowest),
                Some(before) if bottom + 11.0 <= BOTTOM - 2.0 => (bottom + 11.0).max(before + 11.0),
                Some(before) => (top - 5.0).max(before + 11.0),
            };
            before = Some(y);
            page.add(format_args!(
                "<text class=\"name {}\" x=\"{RIGHT}\" y=\"{y:.1}\">{}</text>",
                line.class, line.name
            ));
        }
    }

    /// `requests: highest 176 /s at 2026-11-23 12:00`.
    fn highest(&self, line: &Line, scale: &Scale) -> Option<String> {
        let known = self.at.iter().zip(&line.values).filter_map(|(at, value)| Some((*at, (*value)?)));
        let (at, most) = known.reduce(|one, other| if other.1 > one.1 { other } else { one })?;
        Some(format!("{}: highest {} at {}", line.name, scale.say(most), TimeFormat::minutes().print(at)))
    }
}
