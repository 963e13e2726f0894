//! A pgbouncer, as far as its log shows it: a process that comes up, writes stats, and has clients.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::clock::Clock;
use super::files::{Files, Handle};
use crate::common::random::Random;

/// What a line says, beside what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The attempt of a session.
    Attempt(usize),
    /// Its closing, and whether that says that it had logged in.
    Closing(usize, bool),
    Stats,
    Up,
    /// The process' last word.
    Over,
    /// SIGHUP.
    Reloaded,
    Other,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct Line {
    pub what: What,
    pub pid: u32,
    /// What the host's clock showed when it was written.
    pub stamp: i64,
    /// The true time then.
    pub time: i64,
    /// The file that it is in, how often that had been truncated, and how long the file is with it; once it is there.
    pub place: Option<(Handle, usize, u64)>,
}

/// The life of a client socket.
#[derive(Debug, Clone)]
pub struct Session {
    pub user: String,
    pub database: String,
    pub pid: u32,
    pub pointer: u64,
    port: u16,
    /// `(nodb)/U`.
    pub hopeless: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Bouncer {
    /// The minor version: 18 is 1.18.
    pub minor: u32,
    zone: TimeZone,
    path: PathBuf,
    pub period: i64,
    pub pid: u32,
    pub is_up: bool,
    free: Vec<u64>,
    next_pointer: u64,
    out: Option<Handle>,
    /// How often each file was truncated.
    pub truncated: Vec<usize>,
    pub lines: Vec<Line>,
    pub sessions: Vec<Session>,
    /// The sessions that are open.
    pub open: Vec<usize>,
    /// What is written but not in the file yet: bytes, and the line that ends with them.
    backlog: Vec<(Vec<u8>, Option<usize>)>,
    /// Until when nothing gets into the file.
    pub stuck_until: Option<i64>,
}

impl Bouncer {
    pub fn new(minor: u32, zone: TimeZone, path: PathBuf, period: i64) -> Self {
        Self {
            minor,
            zone,
            path,
            period,
            pid: 1000,
            is_up: false,
            free: Vec::new(),
            next_pointer: 0x5500_0000,
            out: None,
            truncated: Vec::new(),
            lines: Vec::new(),
            sessions: Vec::new(),
            open: Vec::new(),
            backlog: Vec::new(),
            stuck_until: None,
        }
    }

    /// Comes up, as a new process that opens the log anew.
    pub fn start(&mut self, clock: &Clock, files: &mut Files) {
        self.pid += 17;
        (self.is_up, self.out) = (true, None);
        self.free.clear();
        self.open.clear();
        let up = format!("process up: PgBouncer 1.{}.0, libevent 2.1.12-stable", self.minor);
        self.write(What::Other, "listening on 127.0.0.1:6432", clock, files);
        self.write(What::Up, &up, clock, files);
    }

    /// Exits with a last word, or is killed without one.
    pub fn exit(&mut self, says_so: bool, clock: &Clock, files: &mut Files) {
        if says_so {
            self.write(What::Over, "got SIGTERM, fast exit", clock, files);
        }
        self.flush(files);
        self.is_up = false;
        self.open.clear();
    }

    /// SIGHUP: says so, and opens the log anew with its next line.
    pub fn reload(&mut self, clock: &Clock, files: &mut Files) {
        self.write(What::Reloaded, "got SIGHUP, re-reading config", clock, files);
        self.flush(files);
        self.out = None;
    }

    pub fn stats(&mut self, clock: &Clock, files: &mut Files) {
        let text = match self.minor {
            ..=7 => "Stats: 1 req/s, in 2 b/s, out 3 b/s,query 4 us",
            8..=20 => "stats: 1 xacts/s, 1 queries/s, in 2 B/s, out 3 B/s, xact 4 us, query 4 us, wait 5 us",
            _ => {
                "stats: 1 xacts/s, 1 queries/s, 0 client parses/s, 0 server parses/s, 0 binds/s, in 2 B/s, out 3 B/s, \
                 xact 4 us, query 4 us, wait 5 us"
            }
        };
        self.write(What::Stats, text, clock, files);
    }

    /// A client asks to be let in; its session's number.
    pub fn attempt(
        &mut self,
        (user, database, hopeless): (&str, &str, bool),
        random: &mut Random,
        clock: &Clock,
        files: &mut Files,
    ) -> usize {
        let pointer = self.free.pop().unwrap_or_else(|| {
            self.next_pointer += 400;
            self.next_pointer
        });
        let (user, database, port) = (user.to_owned(), database.to_owned(), 1024 + random.below(60_000) as u16);
        self.sessions.push(Session { user, database, pid: self.pid, pointer, port, hopeless });
        let number = self.sessions.len() - 1;
        self.open.push(number);
        let Session { user, database, .. } = &self.sessions[number];
        let tls = if self.minor >= 7 { " tls=no" } else { "" };
        let replication = if self.minor >= 23 { " replication=no" } else { "" };
        let message = format!("login attempt: db={database} user={user}{tls}{replication}");
        self.write_client(number, What::Attempt(number), &message, clock, files);
        number
    }

    /// A client's socket is closed for a reason that says whether it had logged in.
    pub fn close(&mut self, number: usize, reason: &str, login: bool, age: i64, clock: &Clock, files: &mut Files) {
        if !self.leave(number) {
            return;
        }
        let unit = if self.minor >= 10 { "s" } else { "" };
        let message = format!("closing because: {reason} (age={}{unit})", age / 1000);
        self.write_client(number, What::Closing(number, login), &message, clock, files);
    }

    /// A client leaves, and nothing is written. Whether it was still there.
    pub fn leave(&mut self, number: usize) -> bool {
        let place = self.open.iter().position(|&open| open == number);
        if let Some(place) = place {
            self.open.swap_remove(place);
            self.free.push(self.sessions[number].pointer);
        }
        place.is_some()
    }

    fn write_client(&mut self, number: usize, what: What, message: &str, clock: &Clock, files: &mut Files) {
        let Session { user, database, pointer, port, hopeless, .. } = &self.sessions[number];
        let database = if *hopeless { "(nodb)" } else { database };
        let text = format!("C-0x{pointer:x}: {database}/{user}@10.0.0.7:{port} {message}");
        self.write(what, &text, clock, files);
    }

    fn write(&mut self, what: What, message: &str, clock: &Clock, files: &mut Files) {
        let stamp = clock.wall();
        let local = Timestamp::from_millisecond(stamp).expect("in range").to_zoned(self.zone.clone());
        let time = local.strftime("%Y-%m-%d %H:%M:%S%.3f");
        let text = if self.minor < 11 {
            format!("{time} {} LOG {message}\n", self.pid)
        } else {
            format!("{time} {} [{}] LOG {message}\n", local.strftime("%Z"), self.pid)
        };
        self.lines.push(Line { what, pid: self.pid, stamp, time: clock.now, place: None });
        self.backlog.push((text.into_bytes(), Some(self.lines.len() - 1)));
        if self.stuck_until.is_none() {
            self.flush(files);
        }
    }

    /// From now on nothing gets into the file, but for the first part of the last line.
    pub fn stick(&mut self, until: i64, random: &mut Random, files: &mut Files, torn: &str, clock: &Clock) {
        self.flush(files);
        self.stuck_until = Some(until);
        self.write(What::Other, torn, clock, files);
        let (bytes, line) = self.backlog.pop().expect("just written");
        let (head, tail) = bytes.split_at(1 + random.below(bytes.len() - 1));
        let out = self.open_file(files);
        files.append(out, head);
        self.backlog.push((tail.to_vec(), line));
    }

    /// All that is written gets into the file.
    pub fn flush(&mut self, files: &mut Files) {
        self.stuck_until = None;
        for (bytes, line) in std::mem::take(&mut self.backlog) {
            let out = self.open_file(files);
            files.append(out, &bytes);
            if let Some(line) = line {
                self.lines[line].place = Some((out, self.truncated[out], files.size(out)));
            }
        }
    }

    fn open_file(&mut self, files: &mut Files) -> Handle {
        let out = *self.out.get_or_insert_with(|| files.create(&self.path));
        if self.truncated.len() <= out {
            self.truncated.resize(out + 1, 0);
        }
        out
    }
}
