//! Mails that are to be sent: bounded, alerts before reports, the oldest first.
//!
//! ```text
//! sent                 out of the box
//! the server is away   everything waits, longer each time, five minutes at most
//! refused for now      this mail waits, and whatever else is for the same recipients behind it; when it is refused
//!                      again, each recipient's is tried alone; after a day it is refused for good
//! no answer            as refused for now; the third time it is given up, for it may have arrived
//! refused for good     out of the box; with several recipients each is tried alone first
//! no room              what is left of a mail that others have got goes first, then the oldest report, then the oldest
//!                      alert
//! ```
//!
//! What one recipient's mailbox refuses holds nobody else's mail back, and nobody gets an alert after its recovery. A mail
//! that reaches nobody is printed, and counted in the next one that does.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::kept;
use lettre::message::Mailbox;

use crate::limits::{OUTBOX, OUTBOX_AGE_MS, OUTBOX_BYTES, OUTBOX_PAUSE_MS};
use crate::report::mail::Mail;

/// The first pause after a failure, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MS: i64 = 2000;

/// So often a mail is sent that the server does not answer to.
const UNANSWERED: u32 = 3;

/// What kind of mail it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// An alert, or that it is over: it overtakes reports.
    Alert,
    /// A report.
    Report,
}

kept!(Class: Alert | Report);

/// A mail on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What it says.
    pub mail: Rc<Mail>,
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
    /// The connection broke within this mail.
    Broken,
    /// All of this mail was sent, and nothing came back: it may have arrived.
    Unanswered,
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
    /// These recipients of a mail do not get it, for this reason; others have it, or still may.
    Partly(Box<Letter>, String),
    /// This mail goes out of the box without having reached anybody, for this reason.
    Lost(Box<Letter>, String),
}

/// What the server made of a letter, and what the clock that nobody sets showed then, in milliseconds.
pub type Sent = (Result<String, Refusal>, i64);

#[derive(Debug)]
struct Waiting {
    letter: Letter,
    /// Not before this time, in milliseconds of the clock that nobody sets.
    until: i64,
    pause: i64,
    /// When it was refused first.
    refused: Option<i64>,
    unanswered: u32,
    /// Somebody has got it.
    reached: bool,
}

impl Waiting {
    fn new(letter: Letter, reached: bool) -> Self {
        Self { letter, until: i64::MIN, pause: 0, refused: None, unanswered: 0, reached }
    }
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
    /// There will be no further attempt: each is made the best of.
    is_last_chance: bool,
    /// Mails that were lost and of which no mail has told yet.
    untold: u64,
    /// Mails that somebody has got, and mails that were lost.
    counts: (u64, u64),
}

impl Outbox {
    /// Adds a letter; returns those that there is no room for any more.
    pub fn push(&mut self, letter: Letter) -> Vec<Event> {
        let place = match letter.class {
            Class::Alert => self.waiting.iter().filter(|waiting| waiting.letter.class == Class::Alert).count(),
            Class::Report => self.waiting.len(),
        };
        self.waiting.insert(place, Waiting::new(letter, false));
        let mut lost = Vec::new();
        while self.len() > OUTBOX || self.bytes() > OUTBOX_BYTES && self.len() > 1 {
            lost.extend(self.lose_letter(self.least_missed(), "there is no room for it"));
        }
        lost
    }

    /// The place of the letter that has to go where there is no room.
    fn least_missed(&self) -> usize {
        let is_rest = |waiting: &Waiting| waiting.letter.left.len() < waiting.letter.to.len();
        let rest = self.waiting.iter().position(is_rest);
        let report = || self.waiting.iter().position(|waiting| waiting.letter.class == Class::Report);
        rest.or_else(report).unwrap_or(0)
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

    /// How many letters wait.
    pub fn len(&self) -> usize {
        self.letters().count()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Makes one attempt, if one is due at `now` (milliseconds of the clock that nobody sets); `None` if not.
    pub fn attempt(&mut self, now: i64, send: &mut dyn FnMut(&Letter) -> Sent) -> Option<Vec<Event>> {
        let place = if now < self.until { None } else { self.choose(now) }?;
        let untold = self.untold;
        let mut letter = self.waiting[place].letter.clone();
        if untold > 0 {
            letter.mail = Rc::new(letter.mail.with_note(&note(untold)));
        }
        Some(match send(&letter) {
            (Ok(_), _) => self.sent(place, untold),
            (Err(refusal), now) => self.refused(place, refusal, now),
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
        let waiting = &self.waiting[place];
        let rest = Waiting::new(Letter { left, ..waiting.letter.clone() }, waiting.reached);
        self.waiting.insert(place + 1, rest);
    }

    /// Makes a letter of each recipient of one.
    fn split_all(&mut self, place: usize) -> Vec<Event> {
        while self.waiting[place].letter.left.len() > 1
            && let Some(to) = self.waiting[place].letter.left.pop()
        {
            self.split(place, vec![to]);
        }
        let waiting = &mut self.waiting[place];
        (waiting.until, waiting.pause) = (i64::MIN, 0);
        Vec::new()
    }

    fn sent(&mut self, place: usize, told: u64) -> Vec<Event> {
        if let Some(sent) = self.waiting.remove(place) {
            self.counts.0 += u64::from(!sent.reached);
            let same = self.waiting.iter_mut().filter(|other| other.letter.id == sent.letter.id);
            same.for_each(|other| other.reached = true);
        }
        self.untold -= told;
        (self.until, self.pause) = (i64::MIN, 0);
        if std::mem::take(&mut self.is_failing) { vec![Event::Works] } else { Vec::new() }
    }

    fn refused(&mut self, place: usize, refusal: Refusal, now: i64) -> Vec<Event> {
        let waiting = &mut self.waiting[place];
        let several = waiting.letter.left.len() > 1;
        // The first time it may be over soon, and go to all of them at once.
        let may_be_over = waiting.pause == 0 && !self.is_last_chance;
        let since = *waiting.refused.get_or_insert(now);
        waiting.unanswered += u32::from(refusal.kind == RefusalKind::Unanswered);
        match refusal.kind {
            RefusalKind::Server => {
                waiting.refused = None;
                self.pause = longer(self.pause);
                self.until = now + self.pause;
                let is_new = !std::mem::replace(&mut self.is_failing, true);
                if is_new { vec![Event::Failing(refusal.message)] } else { Vec::new() }
            }
            RefusalKind::Unanswered if waiting.unanswered == UNANSWERED => {
                let why = format!("{}; it may have arrived", refusal.message);
                self.lose(place, &why).into_iter().collect()
            }
            // One of them may be the reason.
            RefusalKind::Permanent if several => self.split_all(place),
            RefusalKind::Temporary if several && !may_be_over => self.split_all(place),
            RefusalKind::Temporary | RefusalKind::Broken | RefusalKind::Unanswered if now - since < OUTBOX_AGE_MS => {
                waiting.pause = longer(waiting.pause);
                waiting.until = now + waiting.pause;
                let delayed = || Event::Delayed(Box::new(waiting.letter.clone()), refusal.message);
                if since == now { vec![delayed()] } else { Vec::new() }
            }
            _ => self.lose(place, &refusal.message).into_iter().collect(),
        }
    }

    /// Takes out a letter to some of its recipients.
    fn lose(&mut self, place: usize, why: &str) -> Option<Event> {
        let Waiting { letter, reached, .. } = self.waiting.remove(place)?;
        let is_last = self.waiting.iter().all(|other| other.letter.id != letter.id);
        if reached || !is_last {
            return Some(Event::Partly(Box::new(letter), why.to_owned()));
        }
        self.untold += 1;
        self.counts.1 += 1;
        Some(Event::Lost(Box::new(letter), why.to_owned()))
    }

    /// Takes out a letter to all who have not got it.
    fn lose_letter(&mut self, place: usize, why: &str) -> Option<Event> {
        let id = self.waiting.get(place)?.letter.id.clone();
        let mut left = Vec::new();
        self.waiting.retain(|other| {
            let gone = other.letter.id == id;
            if gone {
                left.push((other.letter.clone(), other.reached));
            }
            !gone
        });
        let (mut letter, reached) = left.first().cloned()?;
        letter.left = left.into_iter().flat_map(|(letter, _)| letter.left).collect();
        self.untold += u64::from(!reached);
        self.counts.1 += u64::from(!reached);
        let event = if reached { Event::Partly } else { Event::Lost };
        Some(event(Box::new(letter), why.to_owned()))
    }

    /// All that waits, in its order, and whether somebody has got it.
    pub fn waiting(&self) -> impl Iterator<Item = (&Letter, bool)> {
        self.waiting.iter().map(|waiting| (&waiting.letter, waiting.reached))
    }

    /// How many mails were lost of which no mail has told yet.
    pub fn untold(&self) -> u64 {
        self.untold
    }

    /// How many mails were taken by somebody, and how many were lost, so far.
    pub fn counts(&self) -> (u64, u64) {
        self.counts
    }

    /// What waited when the state was saved.
    pub fn restore(letters: impl Iterator<Item = (Letter, bool)>, untold: u64, counts: (u64, u64)) -> Self {
        let waiting = letters.map(|(letter, reached)| Waiting::new(letter, reached));
        Self { waiting: waiting.collect(), untold, counts, ..Self::default() }
    }

    /// Forgets all pauses: the server may be another one now.
    pub fn hurry(&mut self) {
        (self.until, self.pause) = (i64::MIN, 0);
        self.waiting.iter_mut().for_each(|waiting| (waiting.until, waiting.pause) = (i64::MIN, 0));
    }

    /// The same, and each attempt is the last one.
    pub fn last_chance(&mut self) {
        self.hurry();
        self.is_last_chance = true;
    }

    /// The configuration names others to write to: what nobody has got yet goes to them.
    pub fn readdress(&mut self, to: &[Mailbox]) {
        for Waiting { letter, reached, .. } in &mut self.waiting {
            if !*reached && letter.left == letter.to {
                (letter.to, letter.left) = (to.to_vec(), to.to_vec());
            }
            letter.left.retain(|left| to.contains(left));
        }
        self.waiting.retain(|waiting| !waiting.letter.left.is_empty());
    }

    /// Takes everything out, without having sent it.
    pub fn give_up(&mut self, why: &str) -> Vec<Event> {
        let mut lost = Vec::new();
        while let Some(event) = self.lose_letter(0, why) {
            lost.push(event);
        }
        lost
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
