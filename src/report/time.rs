//! Times as the configuration wants them: Python's strftime, as the script of 2017 had it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::Offset;

/// A format for dates and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat(String);

impl Default for TimeFormat {
    /// `%Y-%m-%d %H:%M:%S`.
    fn default() -> Self {
        Self("%Y-%m-%d %H:%M:%S".to_owned())
    }
}

impl TimeFormat {
    /// A format of Python's `strftime`.
    ///
    /// # Errors
    ///
    /// Where it has a directive that is not known, or one that a time without a zone cannot fill.
    pub fn new(format: &str) -> Result<Self, String> {
        // Python's %f is always six digits.
        let format = Self(format.replace("%f", "%6f"));
        format.try_print(0).map(|_| format.clone()).map_err(|error| error.to_string())
    }

    /// What stands at a tick of an axis: a time of the day, a day, or a month.
    pub(super) fn short(is_of_minutes: bool, is_of_days: bool) -> Self {
        let format = match (is_of_minutes, is_of_days) {
            (true, _) => "%H:%M",
            (_, true) => "%-d %b",
            _ => "%b %Y",
        };
        Self(format.to_owned())
    }

    /// A moment to the minute.
    pub(super) fn minutes() -> Self {
        Self("%Y-%m-%d %H:%M".to_owned())
    }

    /// Prints a time in the sense of [`crate::pgbouncer::record::Stamp::millis`].
    pub fn print(&self, millis: i64) -> String {
        self.try_print(millis).unwrap_or_else(|_| millis.to_string())
    }

    fn try_print(&self, millis: i64) -> Result<String, jiff::Error> {
        strtime::format(&self.0, civil(millis)?)
    }
}

fn civil(millis: i64) -> Result<DateTime, jiff::Error> {
    Timestamp::from_millisecond(millis).map(|utc| Offset::UTC.to_datetime(utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_directives() {
        let millis = 1_512_328_599_123;
        for (format, printed) in [
            ("%Y-%m-%d %H:%M:%S", "2017-12-03 19:16:39"),
            ("%d/%m/%y %H:%M:%S.%f", "03/12/17 19:16:39.123000"),
            ("%A %j %p %%", "Sunday 337 PM %"),
        ] {
            assert_eq!(TimeFormat::new(format).map(|format| format.print(millis)).as_deref(), Ok(printed));
        }
        assert!(TimeFormat::new("%Ö").is_err());
        assert_eq!(TimeFormat::default().print(millis), "2017-12-03 19:16:39");
    }
}
