//! The main loop: look at the log, judge, tell, sleep.

mod input;
mod logs;
mod manager;
mod memory;
mod metrics;
mod reader;

use jiff::tz::TimeZone;

use self::input::Input;
use self::manager::Manager;
use self::metrics::Metrics;
use super::kernel;
use super::outbox::Class;
use super::post::Post;
use super::state::Saver;
use super::tail::Tail;
use super::world::{Output, World};
use crate::analysis::analyzer::{Analyzer, Settings};
use crate::analysis::figures::Period;
use crate::analysis::watch::{Notice, Watch};
use crate::analysis::witness::Connections;
use crate::analysis::zones::Zones;
use crate::config::Config;
use crate::config::email::Email;
use crate::limits::{CLOCK_STEP_MS, REPLAY_JUMP_MS};
use crate::report::notice::Message;
use crate::report::paint::{Color, Paint, Style};
use crate::report::time::TimeFormat;
use crate::report::{Report, mail, notice, text};

const DAY_MS: i64 = 24 * 60 * 60_000;

/// How the daemon is to behave, beside its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Print every stats line and login as it comes.
    pub verbose: bool,
    /// How standard output is to look.
    pub style: Style,
    /// The process' own number, for the start line.
    pub pid: u32,
}

/// Follows the log until it is told to stop.
#[derive(Debug)]
pub struct Daemon<F> {
    config: Config,
    options: Options,
    /// The local zone: windows, and what is printed.
    local: Zones,
    analyzer: Analyzer,
    tails: Vec<Tail<F>>,
    /// What is read of standard input, where that is the log.
    input: Option<Input>,
    /// When there may be more of them, in milliseconds of the clock that nobody sets.
    look_for_logs: i64,
    start: i64,
    /// When the day of the next daily report began.
    day_start: i64,
    /// What both clocks showed at the last tick: the host's, and the one that nobody sets.
    clocks: (i64, i64),
    post: Post,
    /// SIGUSR1 has come.
    wants_report: bool,
    /// Where the state is kept, if it is.
    saver: Option<Saver>,
    /// Who has started this program, if he wants to hear of it.
    manager: Option<Manager>,
    /// Where the figures are written for Prometheus, if they are.
    metrics: Option<Metrics>,
}

impl<F> Daemon<F> {
    /// Begins to follow: prints the start line, and reads what is there already for what judging needs.
    pub fn start(world: &mut impl World<File = F>, mut config: Config, zone: &TimeZone, options: Options) -> Self {
        let start = world.now();
        let watch = Watch::new(config.watched.clone(), zone.clone(), start);
        let zone_of_log = config.log_time_zone.clone();
        let fallback = config.fallback.take();
        let settings =
            Settings { zone: zone_of_log.clone(), fallback: fallback.clone(), watch: watch.clone(), now: start };
        let analyzer = Analyzer::new(settings);
        let local = Zones::new(zone.clone());
        let post = Post::new(world, &config, zone, start, options.pid);
        let mut daemon = Self {
            config,
            options,
            local,
            analyzer,
            tails: Vec::new(),
            look_for_logs: i64::MIN,
            input: None,
            start,
            day_start: start,
            clocks: (start, world.elapsed()),
            post,
            wants_report: false,
            saver: None,
            manager: Manager::new(world),
            metrics: None,
        };
        daemon.keep_day(world);
        daemon.print_start(world);
        daemon.say_starting(world);
        daemon.remember(world, Settings { zone: zone_of_log, fallback, watch, now: start });
        daemon.begin_metrics(world, daemon.start < start);
        daemon
    }

    /// Runs until SIGINT or SIGTERM, or the end of standard input where that is the log; then prints the final report.
    pub fn run(&mut self, world: &mut impl World<File = F>) {
        loop {
            self.tick(world);
            if self.is_over() {
                self.stop(world);
                return;
            }
            let signals = self.wait(world);
            if signals.reload {
                self.reload(world);
            }
            if signals.stop {
                self.stop(world);
                return;
            }
            self.wants_report |= signals.report;
        }
    }

    /// The end: what waits for its next byte is whole, and the final report is printed and mailed.
    fn stop(&mut self, world: &mut impl World<File = F>) {
        self.say_stopping(world);
        self.tails.iter_mut().for_each(Tail::lose_patience);
        self.poll(world);
        let Self { tails, analyzer, .. } = self;
        for tail in tails {
            analyzer.switch_log(tail.number);
            tail.finish(analyzer);
        }
        self.print_report(world);
        match self.config.email.clone() {
            Some(email) => {
                self.mail_report(world, &email, Period::Run, true);
                self.post.flush(world, &email, self.saver.is_some());
            }
            // What still waits is printed.
            None => _ = self.post.attempt(world, None),
        }
        self.save(world, None, true);
        self.hurry_metrics();
        self.write_metrics(world);
    }

    /// Somebody may have asked for a report: by mail, where that is configured.
    fn report_if_wanted(&mut self, world: &mut impl World<File = F>) {
        if !std::mem::take(&mut self.wants_report) {
            return;
        }
        match self.config.email.clone() {
            Some(email) => self.mail_report(world, &email, Period::Run, false),
            None => self.print_report(world),
        }
    }

    fn print_start(&mut self, world: &mut impl World<File = F>) {
        let time = self.config.date_time_format.print(self.local.civil(self.start));
        let mut paint = Paint::new(self.options.style);
        paint.put(Color::Blue, "Start date : ").put(Color::Yellow, time);
        paint.put(Color::Blue, " with pid : ").put(Color::Yellow, self.options.pid).end();
        world.print(Output::Standard, &paint.finish());
    }

    /// One look at the log, and what follows from it.
    fn tick(&mut self, world: &mut impl World<File = F>) {
        self.notice_set_clock(world);
        let snapshot = self.ask_kernel(world);
        self.poll(world);
        let now = world.now();
        if let Some((connections, attempts)) = snapshot {
            self.analyzer.witness(&connections, attempts, now);
        }
        self.foresee_input();
        for tail in &self.tails {
            self.analyzer.switch_log(tail.number);
            tail.waiting().for_each(|line| self.analyzer.foresee(&line));
        }
        let notices = self.analyzer.tick(now);
        self.tell_notices(world, now, &notices);
        self.mail_daily(world, now);
        self.report_if_wanted(world);
        self.save_letters(world);
        self.beat(world);
        if self.post.attempt(world, self.config.email.as_ref()) {
            self.changed();
        }
        self.save_if_due(world);
        self.write_metrics(world);
    }

    /// Where the host's clock and the other one do not agree on how long the last tick was, the first was set.
    fn notice_set_clock(&mut self, world: &mut impl World<File = F>) {
        let now = (world.now(), world.elapsed());
        let by = (now.0 - self.clocks.0) - (now.1 - self.clocks.1);
        if by.abs() >= CLOCK_STEP_MS {
            self.analyzer.clock_was_set(by, (self.clocks.0, now.0));
            if by.abs() > REPLAY_JUMP_MS {
                // It had been wrong, and so is what was remembered by it.
                (self.start, self.day_start) = (self.start + by, self.day_start + by);
                self.post.begin_anew(now.0);
            }
        }
        self.clocks = now;
    }

    /// What the kernel knows of the clients, if that is needed: before the log is read to its end.
    fn ask_kernel(&mut self, world: &mut impl World<File = F>) -> Option<(Connections, u64)> {
        let now = world.now();
        let attempts = self.analyzer.wants_witness(now)?;
        // With several logs the owner of one is as good as that of another: pgbouncer's user.
        let owner = self.tails.iter().find_map(Tail::owner);
        Some((kernel::connections(world, owner).ok()?, attempts))
    }

    /// Prints and mails what has to be told.
    fn tell_notices(&mut self, world: &mut impl World<File = F>, now: i64, notices: &[Notice]) {
        if notices.is_empty() {
            return;
        }
        self.changed();
        self.hurry_metrics();
        let local = |instant| self.local.civil(instant);
        let context = notice::Context {
            entries: self.analyzer.watch().entries(),
            format: &self.config.date_time_format,
            local: &local,
            last_record: self.analyzer.last_record(),
        };
        let (messages, time) = (notice::messages(notices, &context), context.time(now));
        if self.config.alert_by_print {
            self.print_messages(world, &messages, &time);
        }
        let email = self.config.email.as_ref().filter(|_| self.config.alert_by_email);
        if let Some((email, mail)) = email.zip(mail::of_messages(&messages, &time, self.post.origin())) {
            let letter = self.post.letter(email, mail, Class::Alert, now, self.config.alert_by_print);
            self.post.push(world, letter);
        }
    }

    fn print_messages(&self, world: &mut impl World<File = F>, messages: &[Message], time: &str) {
        let mut paint = Paint::new(self.options.style);
        for message in messages {
            paint.put(Color::Yellow, format_args!("{time} ")).put(message.color(), message.headline()).end();
            for line in message.lines() {
                paint.put(Color::Yellow, format_args!("    {line}")).end();
            }
        }
        world.print(Output::Standard, &paint.finish());
    }

    /// Once a day, the report of the day.
    fn mail_daily(&mut self, world: &mut impl World<File = F>, now: i64) {
        let is_due = self.post.is_daily_due(now);
        if let Some(email) = self.config.email.clone().filter(|_| is_due) {
            self.mail_report(world, &email, Period::Day, false);
            self.analyzer.begin_day();
            self.day_start = now;
        }
    }

    fn mail_report(&mut self, world: &mut impl World<File = F>, email: &Email, of: Period, is_printed: bool) {
        let now = world.now();
        // The day of a report is the one that most of it lies in: one of midnight is on the day before.
        let (start, middle) = match of {
            Period::Run => (self.start, now),
            Period::Day => (self.day_start, self.day_start.clamp(now - DAY_MS, now).midpoint(now)),
        };
        let report = self.report(of, start, now);
        let day = TimeFormat::default().print(self.local.civil(middle));
        let mail = mail::of_report(&report, day.split(' ').next().unwrap_or_default(), self.post.origin());
        drop(report);
        self.changed();
        let letter = self.post.letter(email, mail, Class::Report, now, is_printed);
        self.post.push(world, letter);
    }

    fn report(&self, of: Period, start: i64, now: i64) -> Report<'_> {
        let local = Box::new(|instant| self.local.civil(instant));
        Report::running(&self.analyzer, of, &self.config.date_time_format, (start, now), local)
    }

    fn print_report(&mut self, world: &mut impl World<File = F>) {
        let report = self.report(Period::Run, self.start, world.now());
        let text = text::write(&report, self.options.style);
        world.print(Output::Standard, &format!("\n{text}"));
    }

    /// Reads the configuration again; a bad one is refused, and the old one kept.
    fn reload(&mut self, world: &mut impl World<File = F>) {
        self.say_reloading(world);
        let file = self.config.file.clone();
        let text = world.read_text(file.as_ref()).map_err(|error| format!("{file}: {error}"));
        let config = text.and_then(|text| Config::parse(&file, &text).map_err(|error| error.to_string()));
        match config {
            Ok(config) => self.apply(world, config),
            Err(error) => {
                world.print(
                    Output::Error,
                    &format!("loganalyzer: {error}\nloganalyzer: the old configuration is kept\n"),
                );
            }
        }
    }

    fn apply(&mut self, world: &mut impl World<File = F>, mut config: Config) {
        for warning in &config.warnings {
            world.print(Output::Error, &format!("loganalyzer: {warning}\n"));
        }
        self.analyzer.reconfigure(
            config.watched.clone(),
            config.log_time_zone.clone(),
            config.fallback.take(),
            world.now(),
        );
        self.post.reconfigure(self.config.email.as_ref(), &config);
        let old = std::mem::replace(&mut self.config, config);
        self.change_logs(world);
        if old.state_file != self.config.state_file {
            let new = self.config.state_file.clone();
            self.move_state(world, old.state_file.as_deref(), new.as_deref());
        }
        self.move_metrics(world, old.prometheus_file.as_deref());
        self.keep_day(world);
        self.changed();
        world.print(Output::Error, "loganalyzer: the configuration was read again\n");
    }
}
