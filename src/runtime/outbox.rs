//! Mails that are to be sent: bounded, alerts before reports, the oldest first.
//!
//! ```text
//! sent                 out of the box
//! the server is away   everything waits, longer each time, five minutes at most
//! refused for now      this mail waits, and whatever else is for the same recipients behind it; when it is refused
//!                      again, each recipient's is tried alone
//! refused for good     out of the box, and printed; with several recipients each is tried alone first
//! no room              the oldest report goes, else the oldest alert: printed, and counted in the next mail
//! ```
//!
//! What one recipient's mailbox refuses holds nobody else's mail back, and nobody gets an alert after its recovery.

use std::collections::VecDeque;

use lettre::message::Mailbox;

use crate::limits::{OUTBOX, OUTBOX_BYTES, OUTBOX_PAUSE_MS};
use crate::report::mail::Mail;

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MS: i64 = 2000;

/// What kind of mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An alert, or that it is over: it overtakes reports.
    Alert,
    /// A report.
    Report,
}

/// A mail on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it says.
    pub mail: Mail,
    /// What kind it is.
    pub class: Class,
    /// `Message-ID:`, with its brackets: the same at every attempt, so that what arrives twice can be known for it.
    pub id: String,
    /// When it was written, in milliseconds since 1970-01-01 UTC.
    pub at: i64,
    /// To whom it is addressed.
    pub to: Vec<Mailbox>,
    /// Those of them who have not got it yet.
    pub left: Vec<Mailbox>,
    /// It was printed as well when it was written.
    pub is_printed: bool,
}

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What can be done about it.
    pub kind: RefusalKind,
    /// What the server said, or what went wrong.
    pub message: String,
}

/// What can be done about a mail that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// No mail can be sent now.
    Server,
    /// This mail cannot be sent now.
    Temporary,
    /// This mail can never be sent.
    Permanent,
}

/// What came of an attempt, for the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Mail cannot be sent, for this reason. Said once, until it can.
    Failing(String),
    /// It can be sent again.
    Works,
    /// This mail is refused for now, for this reason. Said once of each mail.
    Delayed(Box<Letter>, String),
    /// This mail goes out of the box without having arrived, for this reason.
    Lost(Box<Letter>, String),
}

#[derive(Debug)]
struct Waiting {
    letter: Letter,
    /// Not before this time, in milliseconds of the clock that nobody sets.
    until: i64,
    pause: i64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Alerts before reports, and each the oldest first.
    waiting: VecDeque<Waiting>,
    /// The server is not tried before this time.
    until: i64,
    pause: i64,
    /// The last attempt has failed.
    is_failing: bool,
    /// Mails that were lost and of which no mail has told yet.
    untold: u64,
}

impl Outbox {
    /// Adds a letter; returns those that there is no room for any more.
    pub fn push(&mut self, letter: Letter) -> Vec<Event> {
        let place = match letter.class {
            Class::Alert => self.waiting.iter().filter(|waiting| waiting.letter.class == Class::Alert).count(),
            Class::Report => self.waiting.len(),
        };
        self.waiting.insert(place, Waiting { letter, until: i64::MIN, pause: 0 });
        let mut lost = Vec::new();
        while self.len() > OUTBOX || self.bytes() > OUTBOX_BYTES && self.len() > 1 {
            let oldest_report = self.waiting.iter().position(|waiting| waiting.letter.class == Class::Report);
            lost.extend(self.lose(oldest_report.unwrap_or(0), "there is no room for it"));
        }
        lost
    }

    /// The letters, also of those that go to each recipient alone only one.
    fn letters(&self) -> impl Iterator<Item = &Letter> {
        let is_first = |place: usize, id: &str| self.waiting.iter().take(place).all(|other| other.letter.id != id);
        let letters = self.waiting.iter().map(|waiting| &waiting.letter).enumerate();
        letters.filter(move |(place, letter)| is_first(*place, &letter.id)).map(|(_, letter)| letter)
    }

    fn bytes(&self) -> usize {
        self.letters().map(|letter| letter.mail.size()).sum()
    }

    fn lose(&mut self, place: usize, why: &str) -> Option<Event> {
        let letter = self.waiting.remove(place)?.letter;
        self.untold += 1;
        Some(Event::Lost(Box::new(letter), why.to_owned()))
    }

    /// How many letters wait.
    pub fn len(&self) -> usize {
        self.letters().count()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Makes one attempt, if one is due at `now` (milliseconds of the clock that nobody sets); `None` if not.
    pub fn attempt(
        &mut self,
        now: i64,
        send: &mut dyn FnMut(&Letter) -> Result<String, Refusal>,
    ) -> Option<Vec<Event>> {
        let place = if now < self.until { None } else { self.choose(now) }?;
        let untold = self.untold;
        let mut letter = self.waiting[place].letter.clone();
        if untold > 0 {
            letter.mail = letter.mail.with_note(&note(untold));
        }
        Some(match send(&letter) {
            Ok(_) => self.sent(place, untold),
            Err(refusal) => self.refused(place, refusal, now),
        })
    }

    /// The first letter that need not wait, and for whose recipients no letter before it waits. Where that is so for
    /// some of them only, they get it by themselves.
    fn choose(&mut self, now: i64) -> Option<usize> {
        let mut blocked: Vec<Mailbox> = Vec::new();
        for place in 0..self.waiting.len() {
            let waiting = &mut self.waiting[place];
            if waiting.until > now {
                blocked.extend(waiting.letter.left.iter().cloned());
                continue;
            }
            let (held, free): (Vec<_>, Vec<_>) = waiting.letter.left.drain(..).partition(|to| blocked.contains(to));
            if free.is_empty() {
                waiting.letter.left = held;
                continue;
            }
            waiting.letter.left = free;
            if !held.is_empty() {
                self.split(place, held);
            }
            return Some(place);
        }
        None
    }

    /// Puts a letter to some of its recipients behind the one to the others.
    fn split(&mut self, place: usize, left: Vec<Mailbox>) {
        let letter = Letter { left, ..self.waiting[place].letter.clone() };
        self.waiting.insert(place + 1, Waiting { letter, until: i64::MIN, pause: 0 });
    }

    /// Makes a letter of each recipient of one.
    fn split_all(&mut self, place: usize) -> Vec<Event> {
        while let Some(to) = self.waiting[place].letter.left.pop() {
            if self.waiting[place].letter.left.is_empty() {
                self.waiting[place].letter.left.push(to);
                break;
            }
            self.split(place, vec![to]);
        }
        let waiting = &mut self.waiting[place];
        (waiting.until, waiting.pause) = (i64::MIN, 0);
        Vec::new()
    }

    fn sent(&mut self, place: usize, told: u64) -> Vec<Event> {
        self.waiting.remove(place);
        self.untold -= told;
        (self.until, self.pause) = (i64::MIN, 0);
        if std::mem::take(&mut self.is_failing) { vec![Event::Works] } else { Vec::new() }
    }

    fn refused(&mut self, place: usize, refusal: Refusal, now: i64) -> Vec<Event> {
        let waiting = &self.waiting[place];
        let several = waiting.letter.left.len() > 1;
        // The first time it may be over soon, and go to all of them at once.
        let is_first = waiting.pause == 0;
        match refusal.kind {
            RefusalKind::Server => {
                self.pause = longer(self.pause);
                self.until = now + self.pause;
                let is_new = !std::mem::replace(&mut self.is_failing, true);
                if is_new { vec![Event::Failing(refusal.message)] } else { Vec::new() }
            }
            // One of them may be the reason.
            RefusalKind::Permanent if several => self.split_all(place),
            RefusalKind::Temporary if several && !is_first => self.split_all(place),
            RefusalKind::Temporary => {
                let waiting = &mut self.waiting[place];
                waiting.pause = longer(waiting.pause);
                waiting.until = now + waiting.pause;
                let delayed = || Event::Delayed(Box::new(waiting.letter.clone()), refusal.message);
                if is_first { vec![delayed()] } else { Vec::new() }
            }
            RefusalKind::Permanent => self.lose(place, &refusal.message).into_iter().collect(),
        }
    }

    /// Forgets all pauses: the next attempt is the last one, or nothing is known of the server yet.
    pub fn hurry(&mut self) {
        self.until = i64::MIN;
        self.waiting.iter_mut().for_each(|waiting| waiting.until = i64::MIN);
    }

    /// Takes everything out, without having sent it.
    pub fn give_up(&mut self, why: &str) -> Vec<Event> {
        let lost = self.waiting.drain(..).map(|waiting| Event::Lost(Box::new(waiting.letter), why.to_owned()));
        lost.collect()
    }
}

fn longer(pause: i64) -> i64 {
    (pause * 2).clamp(FIRST_PAUSE_MS, OUTBOX_PAUSE_MS)
}

fn note(count: u64) -> String {
    let mails = if count == 1 { "1 mail" } else { &format!("{count} mails") };
    format!("{mails} before this one could not be delivered; loganalyzer has printed what was in them.")
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
