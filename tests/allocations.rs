//! Line by line nothing is allocated once the names of a log are known, and nothing while it is quiet.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use loganalyzer::config::Config;
use loganalyzer::config::email::Email;
use loganalyzer::report::paint::Style;
use loganalyzer::runtime::daemon::{Daemon, Options};
use loganalyzer::runtime::outbox::{Letter, Refusal};
use loganalyzer::runtime::system::System as Real;
use loganalyzer::runtime::world::{Manager, Output, Signals, Status, World};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: it does what the system's allocator does, and counts.
#[allow(unsafe_code, reason = "an allocator is unsafe by its nature")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

#[test]
fn nothing_is_allocated_line_by_line_once_warm() {
    for name in ["1.5.5", "1.25.2", "rotate-hup-1.25.2", "verbose-1.25.2"] {
        let logs = common::logs(name);
        let mut analyzer = common::analyzer();
        let mut lines = loganalyzer::pgbouncer::lines::Lines::new();
        let mut feed = |text: &[u8]| {
            for chunk in text.chunks(60_000) {
                lines.push(chunk);
                while let Some(line) = lines.next_line() {
                    analyzer.line(&line);
                }
            }
        };
        logs.iter().for_each(|log| feed(log));
        let before = allocations();
        logs.iter().for_each(|log| feed(log));
        assert_eq!(allocations() - before, 0, "{name}");
    }
}

/// The real system, with a clock for whoever waits: it ends after some ticks.
struct Watched {
    system: Real,
    /// Allocations up to the end of each tick.
    counts: Vec<u64>,
}

const TICKS: usize = 20;

impl World for Watched {
    type File = File;

    fn now(&mut self) -> i64 {
        self.system.now()
    }

    fn elapsed(&mut self) -> i64 {
        self.system.elapsed()
    }

    fn open(&mut self, path: &Path) -> io::Result<File> {
        self.system.open(path)
    }

    fn status(&mut self, file: &File) -> io::Result<Status> {
        self.system.status(file)
    }

    fn status_of(&mut self, path: &Path) -> io::Result<Status> {
        self.system.status_of(path)
    }

    fn read_at(&mut self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.system.read_at(file, offset, buffer)
    }

    fn list(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        self.system.list(folder)
    }

    fn read_input(&mut self, take: &mut dyn FnMut(&[u8])) -> bool {
        self.system.read_input(take)
    }

    fn publish(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.system.publish(path, bytes)
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.system.write(path, bytes)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.system.rename(from, to)
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        self.system.read_text(path)
    }

    fn send(&mut self, email: &Email, letter: &Letter, host: &str) -> Result<String, Refusal> {
        self.system.send(email, letter, host)
    }

    fn wait(&mut self, _: Duration) -> Signals {
        self.counts.push(allocations());
        Signals { stop: self.counts.len() == TICKS, ..self.system.wait(Duration::from_millis(1)) }
    }

    fn manager(&mut self) -> Option<Manager> {
        None
    }

    fn notify(&mut self, text: &str) -> io::Result<()> {
        self.system.notify(text)
    }

    /// The reports of a test are nobody's matter.
    fn print(&mut self, _: Output, _: &str) {}
}

#[test]
fn a_tick_of_a_quiet_log_allocates_nothing() {
    let log = std::env::temp_dir().join(format!("loganalyzer-quiet-{}.log", std::process::id()));
    std::fs::write(&log, common::logs("1.25.2").concat()).expect("a file of our own");
    let text = format!(
        r#"{{"configuration": {{"trailingDelay": 1}},
            "file": {{"fileName": {log:?}, "usersToWatchAndThresholdInMinutes": "postgres:5",
                "alertingToUse": "print"}}}}"#
    );
    let config = Config::parse("a test", &text).expect("a configuration");
    let mut world = Watched { system: Real::new().expect("signals"), counts: Vec::with_capacity(TICKS) };
    let options = Options { verbose: false, style: Style::default(), pid: 1 };
    Daemon::start(&mut world, config, &TimeZone::UTC, options).run(&mut world);
    std::fs::remove_file(&log).expect("the file of our own");
    // The first ones alert.
    let last = &world.counts[TICKS / 2..];
    assert_eq!(last.last().expect("ticks") - last[0], 0, "{:?}", world.counts);
}
