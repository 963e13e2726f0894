//! What the daemon sees of the simulated world.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use loganalyzer::config::email::Email;
use loganalyzer::runtime::outbox::{Letter, Refusal};
use loganalyzer::runtime::world::{Manager, Output, Signals, Status, World};

use super::super::files::Handle;
use super::Simulation;

/// The world that a daemon is given: it outlives the daemon.
#[derive(Debug, Clone)]
pub struct Shared(pub Rc<RefCell<Simulation>>);

impl World for Shared {
    type File = Handle;

    fn now(&mut self) -> i64 {
        self.0.borrow().clock.wall()
    }

    fn elapsed(&mut self) -> i64 {
        self.0.borrow().clock.now
    }

    fn open(&mut self, path: &Path) -> io::Result<Handle> {
        self.0.borrow().files.open(path)
    }

    fn status(&mut self, file: &Handle) -> io::Result<Status> {
        Ok(self.0.borrow().files.status(*file))
    }

    fn status_of(&mut self, path: &Path) -> io::Result<Status> {
        let simulation = self.0.borrow();
        let file = simulation.files.at(path).ok_or(ErrorKind::NotFound)?;
        Ok(simulation.files.status(file))
    }

    fn read_at(&mut self, file: &Handle, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().crash_now("before reading", |_, _| {});
        Ok(self.0.borrow().files.read_at(*file, offset, buffer))
    }

    fn list(&mut self, _: &Path) -> io::Result<Vec<PathBuf>> {
        Ok(self.0.borrow().files.list())
    }

    /// A file as it is after this, or after a crash in the middle of it.
    fn read_input(&mut self, _: &mut dyn FnMut(&[u8])) -> bool {
        true
    }

    fn publish(&mut self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().crash_now("while writing", |simulation, chance| {
            let part = bytes.len() * chance / 100;
            simulation.state_files.insert(path.to_owned(), bytes[..part].to_vec());
        });
        let mut simulation = self.0.borrow_mut();
        simulation.state_files.insert(path.to_owned(), bytes.to_vec());
        simulation.crash_now("before renaming", |_, _| {});
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let mut simulation = self.0.borrow_mut();
        let file = simulation.state_files.remove(from).ok_or(ErrorKind::NotFound)?;
        simulation.state_files.insert(to.to_owned(), file.clone());
        simulation.saved(&file);
        simulation.crash_now("after renaming", |_, _| {});
        Ok(())
    }

    /// The state, or the configuration; there is no kernel to ask.
    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        if path.starts_with("/proc") {
            return Err(ErrorKind::NotFound.into());
        }
        if path.starts_with("/state") {
            let simulation = self.0.borrow();
            let bytes = simulation.state_files.get(path).cloned().ok_or(ErrorKind::NotFound)?;
            return String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into());
        }
        Ok(self.0.borrow().script.config_on_disk())
    }

    fn send(&mut self, _: &Email, letter: &Letter, _: &str) -> Result<String, Refusal> {
        let result = self.0.borrow_mut().send(letter);
        self.0.borrow_mut().crash_now("after sending", |_, _| {});
        result
    }

    fn wait(&mut self, time: Duration) -> Signals {
        let mut simulation = self.0.borrow_mut();
        simulation.compare();
        let mut signals = std::mem::take(&mut simulation.held);
        if signals == Signals::default() {
            let end = simulation.clock.now + i64::try_from(time.as_millis()).expect("short");
            signals = simulation.run_until(end);
        }
        simulation.is_ticking = !signals.stop;
        if signals.stop {
            // What waits for its next byte is whole, and the report of the end is written.
            simulation.finish();
            let lost = simulation.model.as_mut().expect("begun").mailing.report(None);
            simulation.lost += lost;
        }
        signals
    }

    /// Started by hand.
    fn manager(&mut self) -> Option<Manager> {
        None
    }

    fn notify(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn print(&mut self, output: Output, text: &str) {
        let mut simulation = self.0.borrow_mut();
        simulation.output += text;
        if output == Output::Standard {
            simulation.printed += text;
        }
    }
}
