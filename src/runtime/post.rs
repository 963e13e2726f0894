//! What is mailed, and when: alerts as they come, the report of the day, and what is asked for.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::kept;
use jiff::tz::TimeZone;
use lettre::message::Mailbox;

use super::daily::Daily;
use super::outbox::{Class, Event, Letter, Outbox};
use super::world::{Output, World};
use crate::config::Config;
use crate::config::email::Email;
use crate::report::mail::{Mail, Origin};
use crate::report::notice::plural;

/// The mails of a daemon.
#[derive(Debug)]
pub struct Post {
    outbox: Outbox,
    origin: Origin,
    daily: Daily,
    pid: u32,
    /// Letters so far.
    count: u64,
    /// A letter was added since the state was saved.
    pub(super) is_unsaved: bool,
}

impl Post {
    /// Nothing to send yet. `now` is in milliseconds since 1970-01-01 UTC, `pid` the process' own number.
    pub fn new(world: &mut impl World, config: &Config, zone: &TimeZone, now: i64, pid: u32) -> Self {
        let origin = Origin { host: host(world), logs: logs(config) };
        let daily = Daily::new(zone.clone(), config.report_time, now);
        Self { outbox: Outbox::default(), origin, daily, pid, count: 0, is_unsaved: false }
    }

    /// The configuration has changed.
    pub fn reconfigure(&mut self, old: Option<&Email>, config: &Config) {
        self.origin.logs = logs(config);
        self.daily.set_time(config.report_time);
        if let Some(email) = config.email.as_ref().filter(|email| old != Some(*email)) {
            // What was wrong may be mended.
            self.outbox.hurry();
            self.outbox.readdress(&email.to);
        }
    }

    /// The clock was wrong until `now`: the report of the day is due by what it shows from here on.
    pub fn begin_anew(&mut self, now: i64) {
        self.daily.begin(now);
    }

    /// What a state file keeps of it.
    pub fn save(&self) -> SavedPost {
        let letters = self.outbox.waiting().map(SavedLetter::of).collect();
        let done = self.daily.done().map(|day| day.to_string());
        SavedPost { letters, untold: self.outbox.untold(), done, count: self.count, mails: self.outbox.counts() }
    }

    /// Goes on from what a state file has.
    pub fn restore(&mut self, saved: SavedPost, email: Option<&Email>) {
        let SavedPost { letters, untold, done, count, mails } = saved;
        self.outbox = Outbox::restore(letters.into_iter().map(SavedLetter::letter), untold, mails);
        if let Some(email) = email {
            self.outbox.readdress(&email.to);
        }
        self.daily.restore(done.and_then(|day| day.parse().ok()));
        self.count = count;
    }

    /// Where mails come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How many mails wait.
    pub fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// How many mails were taken, and how many were lost.
    pub fn mails(&self) -> (u64, u64) {
        self.outbox.counts()
    }

    /// Whether the report of the day is due, for once.
    pub fn is_daily_due(&mut self, now: i64) -> bool {
        self.daily.is_due(now)
    }

    /// A letter that goes to everybody.
    pub fn letter(&mut self, email: &Email, mail: Mail, class: Class, now: i64, is_printed: bool) -> Letter {
        self.count += 1;
        let id = format!("<{now}.{}.{}.loganalyzer@{}>", self.pid, self.count, self.origin.host);
        Letter { mail: Rc::new(mail), class, id, at: now, to: email.to.clone(), left: email.to.clone(), is_printed }
    }

    /// Puts a letter into the box.
    pub fn push(&mut self, world: &mut impl World, letter: Letter) {
        self.is_unsaved = true;
        let lost = self.outbox.push(letter);
        tell(world, lost);
    }

    /// Makes one attempt, if there is something to send and somebody to send it through. Says whether anything may have
    /// changed.
    pub fn attempt(&mut self, world: &mut impl World, email: Option<&Email>) -> bool {
        let mut has_tried = false;
        let events = match email {
            Some(email) => {
                let (now, host) = (world.elapsed(), &self.origin.host);
                let send = &mut |letter: &Letter| {
                    has_tried = true;
                    (world.send(email, letter, host), world.elapsed())
                };
                self.outbox.attempt(now, send).unwrap_or_default()
            }
            None => self.outbox.give_up("there is no configuration.alertingEmail any more"),
        };
        let has_changed = has_tried || !events.is_empty();
        tell(world, events);
        has_changed
    }

    /// Sends what is there before the program ends. Begins nothing more once so much time has passed as the server may
    /// take for one answer.
    /// What is left is printed, unless it stays in a state file (`keep`).
    pub fn flush(&mut self, world: &mut impl World, email: &Email, keep: bool) {
        let limit = i64::try_from(email.timeout.as_millis()).unwrap_or(i64::MAX);
        let begin = world.elapsed();
        let mut why = "there was no time".to_owned();
        self.outbox.last_chance();
        while world.elapsed() - begin < limit {
            let (now, host) = (world.elapsed(), &self.origin.host);
            let events = self.outbox.attempt(now, &mut |letter| {
                let result = world.send(email, letter, host);
                if let Err(refusal) = &result {
                    why.clone_from(&refusal.message);
                }
                (result, world.elapsed())
            });
            let Some(events) = events else { break };
            tell(
                world,
                events.into_iter().filter(|event| matches!(event, Event::Lost(..) | Event::Partly(..))).collect(),
            );
        }
        if !keep {
            let lost = self.outbox.give_up(&why);
            tell(world, lost);
        } else if !self.outbox.is_empty() {
            let count = self.outbox.len();
            let mails = plural(count as i64, "mail waits", "mails wait");
            world.print(Output::Error, &format!("loganalyzer: {mails} in the state file: {why}\n"));
        }
    }
}

/// What a state file keeps of [`Post`].
#[derive(Debug, Default)]
pub struct SavedPost {
    letters: Vec<SavedLetter>,
    untold: u64,
    /// The last day of which the report is done.
    done: Option<String>,
    count: u64,
    /// Mails that were taken, and that were lost.
    mails: (u64, u64),
}

kept!(SavedPost { letters, untold, done, count, mails });

#[derive(Debug)]
struct SavedLetter {
    subject: String,
    text: String,
    html: String,
    class: Class,
    id: String,
    at: i64,
    to: Vec<String>,
    left: Vec<String>,
    is_printed: bool,
    reached: bool,
}

kept!(SavedLetter { subject, text, html, class, id, at, to, left, is_printed, reached });

impl SavedLetter {
    fn of((letter, reached): (&Letter, bool)) -> Self {
        let Letter { mail, class, id, at, to, left, is_printed } = letter;
        let Mail { subject, text, html } = Mail::clone(mail);
        let texts = |mailboxes: &[Mailbox]| mailboxes.iter().map(ToString::to_string).collect();
        let (to, left) = (texts(to), texts(left));
        Self { subject, text, html, class: *class, id: id.clone(), at: *at, to, left, is_printed: *is_printed, reached }
    }

    fn letter(self) -> (Letter, bool) {
        let Self { subject, text, html, class, id, at, to, left, is_printed, reached } = self;
        let mailboxes = |texts: Vec<String>| texts.iter().filter_map(|text| text.parse().ok()).collect();
        let mail = Rc::new(Mail { subject, text, html });
        (Letter { mail, class, id, at, to: mailboxes(to), left: mailboxes(left), is_printed }, reached)
    }
}

/// Says what has become of mails; what one of them said is printed, if it was not yet.
fn tell(world: &mut impl World, events: Vec<Event>) {
    for event in events {
        let line = match event {
            Event::Failing(why) => format!("mail cannot be sent: {why}; trying again"),
            Event::Works => "mail is sent again".to_owned(),
            Event::Delayed(letter, why) => {
                format!("a mail to {} has to wait: {why}: {}", recipients(&letter), letter.mail.subject)
            }
            Event::Partly(letter, why) => {
                format!("a mail to {} was not delivered to them: {why}: {}", recipients(&letter), letter.mail.subject)
            }
            Event::Lost(letter, why) => {
                if !letter.is_printed {
                    world.print(Output::Standard, &format!("\n{}\n{}", letter.mail.subject, letter.mail.text));
                }
                format!("a mail to {} was not delivered: {why}: {}", recipients(&letter), letter.mail.subject)
            }
        };
        world.print(Output::Error, &format!("loganalyzer: {line}\n"));
    }
}

fn recipients(letter: &Letter) -> String {
    let to: Vec<String> = letter.left.iter().map(ToString::to_string).collect();
    to.join(", ")
}

fn logs(config: &Config) -> String {
    let name =
        |path: &PathBuf| if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let logs: Vec<String> = config.logs.iter().map(name).collect();
    logs.join(", ")
}

/// The host's name, as it may stand in a mail's header and in SMTP's EHLO.
pub(super) fn host(world: &mut impl World) -> String {
    let name = world.read_text("/proc/sys/kernel/hostname".as_ref()).unwrap_or_default();
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let name = name.trim();
    let good = !name.is_empty() && name.bytes().all(is_good) && !name.starts_with(['.', '-']) && !name.ends_with('.');
    if good { name.to_owned() } else { "localhost".to_owned() }
}
