//! Several logs: the accounts are those of all of them, but each has a life of its own.

use crate::kept;

use super::analyzer::Analyzer;
use super::heartbeat::{Heartbeat, Outage};
use super::traffic::StatsPeriod;
use crate::limits::LOGS;

/// What is known of each log but for the one whose lines come now, by number.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// Whose lines come now.
    current: usize,
    hearts: Vec<Heartbeat>,
    /// How often it has stats, and the instant of its last record.
    rest: Vec<(StatsPeriod, i64)>,
    /// What they are called, where there are several.
    pub(super) names: Vec<Option<String>>,
}

kept!(Logs { current, hearts, rest; names = Vec::new() });

impl Logs {
    /// Whose lines come now.
    pub(super) fn current(&self) -> u32 {
        self.current as u32
    }

    /// Whether it can have been written.
    pub(super) fn are_sound(&self) -> bool {
        let known = self.hearts.len();
        known == self.rest.len() && known <= LOGS && (self.current == 0 || self.current < known)
    }
}

impl Analyzer {
    /// The lines that come now are of the log of this number.
    pub fn switch_log(&mut self, number: u32) {
        let number = number as usize;
        if number != self.logs.current {
            self.park(self.logs.current.max(number));
            self.unpark(number);
            self.parser.switch_log(number as u32);
        }
    }

    /// Puts what is known of the current log to the others, of which there are those up to `last`.
    fn park(&mut self, last: usize) {
        let Self { logs, heart, period, zones, .. } = self;
        if logs.hearts.len() <= last {
            logs.hearts.resize_with(last + 1, Heartbeat::default);
            logs.rest.resize_with(last + 1, || (StatsPeriod::default(), i64::MIN));
        }
        heart.period = period.known();
        std::mem::swap(heart, &mut logs.hearts[logs.current]);
        std::mem::swap(period, &mut logs.rest[logs.current].0);
        zones.swap_last(&mut logs.rest[logs.current].1);
    }

    fn unpark(&mut self, number: usize) {
        let Self { logs, heart, period, zones, .. } = self;
        logs.current = number;
        std::mem::swap(heart, &mut logs.hearts[number]);
        std::mem::swap(period, &mut logs.rest[number].0);
        zones.swap_last(&mut logs.rest[number].1);
    }

    /// These logs are followed: number and name. What was known of others is forgotten.
    pub fn follow_logs<'a>(&mut self, logs: impl ExactSizeIterator<Item = (u32, &'a str)>) {
        let is_one = logs.len() == 1;
        self.logs.names.clear();
        let mut is_followed = vec![false; self.logs.hearts.len()];
        for (number, name) in logs {
            let number = number as usize;
            self.logs.names.resize(self.logs.names.len().max(number + 1), None);
            self.logs.names[number] = (!is_one).then(|| name.to_owned());
            is_followed.resize(is_followed.len().max(number + 1), false);
            is_followed[number] = true;
        }
        for (number, _) in is_followed.iter().enumerate().filter(|(_, is_followed)| !**is_followed) {
            let heart = if number == self.logs.current { &mut self.heart } else { &mut self.logs.hearts[number] };
            *heart = Heartbeat::default();
            self.watch.forget_log(number);
        }
    }

    /// The hearts of all logs, by number, and their names, with what else a tick needs.
    pub(super) fn with_hearts<T>(&mut self, work: impl FnOnce(&mut Self, &mut [Heartbeat]) -> T) -> T {
        if self.logs.hearts.is_empty() {
            let mut heart = std::mem::take(&mut self.heart);
            heart.period = self.period.known();
            let result = work(self, std::slice::from_mut(&mut heart));
            self.heart = heart;
            return result;
        }
        let current = self.logs.current;
        self.park(current);
        let mut hearts = std::mem::take(&mut self.logs.hearts);
        let result = work(self, &mut hearts);
        self.logs.hearts = hearts;
        self.unpark(current);
        result
    }

    /// What is known of each log, with its number.
    pub(super) fn hearts(&self) -> impl Iterator<Item = (usize, &Heartbeat)> {
        let current = self.logs.current;
        let others = self.logs.hearts.iter().enumerate().filter(move |(number, _)| *number != current);
        std::iter::once((current, &self.heart)).chain(others)
    }

    /// The outages of logs that last, each with its log's name where there are several.
    pub fn log_outages(&self) -> impl Iterator<Item = (Option<&str>, Outage)> {
        self.hearts().filter_map(|(number, heart)| Some((self.log_name(number), heart.outage()?)))
    }

    /// When each log's last record was written, with its log's name where there are several.
    pub fn last_records(&self) -> impl Iterator<Item = (Option<&str>, i64)> {
        self.hearts().filter_map(|(number, heart)| Some((self.log_name(number), heart.last_record()?)))
    }

    fn log_name(&self, number: usize) -> Option<&str> {
        self.logs.names.get(number)?.as_deref()
    }

    /// How often the log has stats that has them most seldom, in milliseconds.
    pub(super) fn longest_period(&self) -> i64 {
        let current = self.logs.current;
        let others = self.logs.rest.iter().enumerate().filter(|(number, _)| *number != current);
        let others = others.filter_map(|(_, (period, _))| period.known()).max();
        others.map_or_else(|| self.period.milliseconds(), |others| others.max(self.period.milliseconds()))
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift_hearts(&mut self, by: i64) {
        self.heart.shift(by);
        self.logs.hearts.iter_mut().for_each(|heart| heart.shift(by));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::analyzer::Settings;
    use crate::analysis::watch::{Notice, Verdict, Watch};
    use crate::pgbouncer::lines::{Kind, Line};
    use jiff::tz::TimeZone;

    const STATS: &str = "stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us";

    fn two_logs() -> Analyzer {
        let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
        let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
        analyzer.follow_logs([(0, "a.log"), (1, "b.log")].into_iter());
        analyzer
    }

    fn take(analyzer: &mut Analyzer, log: u32, second: i64, message: &str) {
        analyzer.switch_log(log);
        let text = format!("1970-01-01 00:{:02}:{:02}.000 UTC [7] LOG {message}", second / 60, second % 60);
        analyzer.line(&Line { bytes: text.as_bytes(), kind: Kind::Whole, offset: 0 });
    }

    /// One has stats every 20 s, the other every 60 s: each is silent after three of its own periods.
    #[test]
    fn each_log_is_silent_by_its_own_period_and_by_its_name() {
        let mut analyzer = two_logs();
        for second in (0..=180).step_by(20) {
            take(&mut analyzer, 0, second, STATS);
            if second % 60 == 0 {
                take(&mut analyzer, 1, second, STATS);
            }
        }
        assert_eq!(analyzer.longest_period(), 60_000);
        analyzer.switch_log(0);
        assert_eq!(analyzer.longest_period(), 60_000);
        let last: Vec<_> = analyzer.last_records().collect();
        assert_eq!(last, [(Some("a.log"), 180_000), (Some("b.log"), 180_000)]);
        let told = |analyzer: &mut Analyzer, now: i64| {
            let notices = analyzer.tick(now);
            assert!(notices.iter().all(|notice| matches!(notice, Notice::Alert(_))));
            analyzer.log_outages().map(|(name, outage)| (name.map(str::to_owned), outage.verdict)).collect::<Vec<_>>()
        };
        assert_eq!(told(&mut analyzer, 241_000), [(Some("a.log".to_owned()), Verdict::LogSilent)]);
        assert_eq!(told(&mut analyzer, 361_000).len(), 2);
    }

    #[test]
    fn of_a_log_that_is_followed_no_more_nothing_is_known() {
        for current in [0, 1] {
            let mut analyzer = two_logs();
            take(&mut analyzer, 0, 10, STATS);
            take(&mut analyzer, 1, 20, STATS);
            analyzer.switch_log(current);
            analyzer.follow_logs([(1, "b.log")].into_iter());
            let last: Vec<_> = analyzer.last_records().collect();
            assert_eq!(last, [(None, 20_000)], "one log needs no name; the current one was {current}");
        }
    }

    #[test]
    fn a_state_of_logs_that_cannot_have_been_written_is_not_sound() {
        let logs = |current: usize, hearts: usize, rest: usize| Logs {
            current,
            hearts: vec![Heartbeat::default(); hearts],
            rest: (0..rest).map(|_| (StatsPeriod::default(), 0)).collect(),
            names: Vec::new(),
        };
        for (current, hearts, rest, is_sound) in [
            (0, 0, 0, true),
            (0, LOGS, LOGS, true),
            (0, LOGS + 1, LOGS + 1, false),
            (1, 2, 2, true),
            (2, 2, 2, false),
            (1, 0, 0, false),
            (0, 2, 1, false),
        ] {
            assert_eq!(logs(current, hearts, rest).are_sound(), is_sound, "{current} {hearts} {rest}");
        }
    }

    /// The processes of another log have the same numbers: an open session is of its log's, also after a restart.
    #[test]
    fn what_was_written_down_within_a_log_goes_on_within_it() {
        let client = "C-0x1: app/web@10.0.0.1:5";
        let attempt = format!("{client} login attempt: db=app user=web tls=no");
        let closing = format!("{client} closing because: client close request (age=1s)");
        for log in [0, 1] {
            let mut analyzer = two_logs();
            take(&mut analyzer, 1 - log, 1, STATS);
            take(&mut analyzer, log, 1, &attempt);
            let read: Analyzer = crate::kept::read(&crate::kept::text(&analyzer)).expect("what was written");
            let watch = Watch::new(Vec::new(), TimeZone::UTC, 0);
            let settings = Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 };
            let mut analyzer = read.restored(settings).expect("it is sound");
            take(&mut analyzer, log, 2, &closing);
            assert_eq!(analyzer.open_sessions(), 0, "{log}");
        }
    }

    /// A state of another shape than was written: entries that its sessions watch, or logs, are not there.
    #[test]
    fn a_state_that_points_nowhere_does_not_go_on() {
        let window = crate::analysis::watch::Window {
            open: jiff::civil::Time::midnight(),
            close: jiff::civil::Time::midnight(),
            days: [true; 7],
        };
        let entry = crate::analysis::watch::Entry {
            name: "web".to_owned(),
            database: None,
            user: b"web".to_vec(),
            minutes: 5,
            window,
        };
        let settings = || {
            let watch = Watch::new(vec![entry.clone()], TimeZone::UTC, 0);
            Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 }
        };
        let goes_on = |change: fn(&mut Analyzer)| {
            let mut analyzer = Analyzer::new(settings());
            take(&mut analyzer, 0, 1, "C-0x1: app/web@10.0.0.1:5 login attempt: db=app user=web tls=no");
            change(&mut analyzer);
            analyzer.restored(settings()).is_some()
        };
        assert!(goes_on(|_| {}));
        assert!(!goes_on(|analyzer| analyzer.sessions.change_all(&mut |session| session.watched[0] = 1)));
        assert!(!goes_on(|analyzer| analyzer.logs.current = 3));
    }
}
