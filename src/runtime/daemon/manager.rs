//! What the service manager is told: that the log is followed, how things are, and that the loop is alive.
//!
//! The watchdog is fed by the loop itself, so one that hangs is noticed. What takes long in it is a mail server that takes
//! its time: where its time-outs may add up to more than the watchdog waits for, it is asked to wait longer.

use std::fmt::Write;
use std::time::Duration;

use super::Daemon;
use crate::limits::{BEAT_MS, WATCHDOG_ROOM_MS};
use crate::report::notice::plural;
use crate::report::safe::{Medium, shown};
use crate::runtime::smtp;
use crate::runtime::tail::{Mishap, Tail};
use crate::runtime::world::{Signals, World};

/// Who wants to hear of the daemon, and when next.
#[derive(Debug)]
pub(super) struct Manager {
    /// How long its watchdog waits, in milliseconds.
    watchdog: Option<i64>,
    /// It knows that the log is followed.
    is_told: bool,
    /// When the next message is due, in milliseconds of the clock that nobody sets.
    until: i64,
}

impl Manager {
    pub(super) fn new(world: &mut impl World) -> Option<Self> {
        let manager = world.manager()?;
        let watchdog = manager.watchdog.map(|time| milliseconds(time).max(2));
        Some(Self { watchdog, is_told: false, until: i64::MIN })
    }

    /// How long it may hear nothing: half of what its watchdog waits for at most.
    fn pause(&self) -> i64 {
        self.watchdog.map_or(BEAT_MS, |watchdog| (watchdog / 2).min(BEAT_MS))
    }

    /// A sign of life; `longest` is how long the loop may be busy between two of them.
    fn message(&self, status: &str, longest: i64) -> String {
        let mut text = String::new();
        if !self.is_told {
            text += "READY=1\n";
            if let Some(watchdog) = self.watchdog {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "WATCHDOG_USEC={}", watchdog.max(longest) * 1000);
            }
        }
        text + "WATCHDOG=1\nSTATUS=" + status + "\n"
    }
}

fn wait_until(world: &mut impl World, end: i64) -> Signals {
    let left = (end - world.elapsed()).max(1);
    world.wait(Duration::from_millis(left.unsigned_abs()))
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 2000)
}

impl<F> Daemon<F> {
    /// Waits until the next look at the log is due, or a signal comes.
    pub(super) fn wait(&mut self, world: &mut impl World<File = F>) -> Signals {
        let delay = self.config.trailing_delay;
        let end = world.elapsed() + milliseconds(delay);
        while let Some(next) = self.manager.as_ref().map(|manager| manager.until).filter(|next| *next < end) {
            let signals = wait_until(world, next);
            if signals != Signals::default() {
                return signals;
            }
            self.beat(world);
        }
        if self.manager.is_some() { wait_until(world, end) } else { world.wait(delay) }
    }

    /// Gives a sign of life, if one is due.
    pub(super) fn beat(&mut self, world: &mut impl World<File = F>) {
        let now = world.elapsed();
        if self.manager.as_ref().is_none_or(|manager| now < manager.until) {
            return;
        }
        let status = self.status();
        let longest = |email| milliseconds(smtp::longest(email)) + WATCHDOG_ROOM_MS;
        let longest = self.config.email.as_ref().map_or(0, longest);
        if let Some(manager) = &mut self.manager {
            let text = manager.message(&status, longest);
            manager.is_told |= world.notify(&text).is_ok();
            manager.until = now + manager.pause();
        }
    }

    /// The configuration is read again; that this has been done is said by the next sign of life.
    pub(super) fn say_reloading(&mut self, world: &mut impl World<File = F>) {
        if let Some(manager) = &mut self.manager {
            (manager.is_told, manager.until) = (false, i64::MIN);
            let _ = world.notify("RELOADING=1\nSTATUS=reading the configuration\n");
        }
    }

    pub(super) fn say_starting(&mut self, world: &mut impl World<File = F>) {
        if self.manager.is_some() {
            let _ = world.notify("STATUS=reading what is in the log\n");
        }
    }

    pub(super) fn say_stopping(&mut self, world: &mut impl World<File = F>) {
        if self.manager.is_some() {
            let _ = world.notify("STOPPING=1\nSTATUS=writing the last report\n");
        }
    }

    /// `following /var/log/postgresql/pgbouncer.log; 2 watched, 1 outage; last login: batch from 10.0.0.30 at …`
    fn status(&self) -> String {
        let input = self.input.as_ref().map(|_| "following standard input".to_owned());
        let logs: Vec<String> = self.tails.iter().map(log_status).chain(input).collect();
        let lasting = self.analyzer.figures().outages().list().filter(|outage| outage.until.is_none()).count();
        let mut text = format!("{}; {} watched", logs.join(", "), self.analyzer.watch().entries().len());
        if lasting > 0 {
            text += ", ";
            text += &plural(lasting as i64, "outage", "outages");
        }
        text += &self.last_login();
        let waiting = self.post.waiting();
        if waiting > 0 {
            text += "; ";
            text += &plural(waiting as i64, "mail waits", "mails wait");
        }
        // A newline of a name would begin another word of the protocol.
        shown(text.as_bytes(), Medium::Terminal).to_string()
    }

    /// Of the watched entries.
    fn last_login(&self) -> String {
        let entries = self.analyzer.watch().entries().iter().enumerate();
        let logins = entries.filter_map(|(number, entry)| Some((self.analyzer.last_login(number)?, entry)));
        let Some((login, entry)) = logins.max_by_key(|(login, _)| login.at) else { return String::new() };
        let time = self.config.date_time_format.print(self.local.civil(login.at));
        format!("; last login: {} from {} at {time}", entry.name, shown(&login.host, Medium::Terminal))
    }
}

fn log_status<F>(tail: &Tail<F>) -> String {
    let path = tail.path().display();
    match tail.trouble() {
        Some(Mishap::Missing) => format!("waiting for {path}, which is not there"),
        Some(Mishap::Unreadable(kind)) => format!("waiting for {path}, which cannot be read ({kind})"),
        _ => format!("following {path}"),
    }
}
