//! The seam between the daemon and the world: whoever implements [`World`] owns time, files, signals and mail.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::outbox::{Letter, Refusal};
use crate::config::email::Email;

/// Which file a path or an open file is, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Device and inode.
    pub id: (u64, u64),
    /// Bytes.
    pub size: u64,
    /// The user whose file it is.
    pub owner: u32,
    /// Whether it is an ordinary file.
    pub is_file: bool,
    /// When it was written to last, in nanoseconds since any moment.
    pub modified: i64,
}

/// The signals that came while waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// SIGINT or SIGTERM: the final report, and the end.
    pub stop: bool,
    /// SIGUSR1: a report.
    pub report: bool,
    /// SIGHUP: the configuration is to be read again.
    pub reload: bool,
}

/// Whoever has started this program and wants to hear of it, such as systemd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manager {
    /// How long it waits for a sign of life, if it does.
    pub watchdog: Option<Duration>,
}

/// Where something is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Reports, alerts, and the start line.
    Standard,
    /// Everything else.
    Error,
}

/// The path with something behind its name.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// What the daemon needs of the world. Only [`World::wait`] and [`World::send`] take time, and
/// [`World::notify`] where the service manager has none.
pub trait World {
    /// An open file.
    type File;

    /// Milliseconds since 1970-01-01 UTC.
    fn now(&mut self) -> i64;

    /// Milliseconds since any moment, by a clock that nobody sets and that stops while the host sleeps.
    fn elapsed(&mut self) -> i64;

    /// Opens a file for reading.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn open(&mut self, path: &Path) -> io::Result<Self::File>;

    /// Gives out what has come on standard input since the last time, in chunks of at most
    /// [`crate::limits::READ_SIZE`] bytes, and says whether it has come to its end. Whoever waits is woken when there is more.
    fn read_input(&mut self, take: &mut dyn FnMut(&[u8])) -> bool;

    /// What an open file is now.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn status(&mut self, file: &Self::File) -> io::Result<Status>;

    /// What a path leads to now.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn status_of(&mut self, path: &Path) -> io::Result<Status>;

    /// Reads at a place of a file; 0 bytes at its end.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn read_at(&mut self, file: &Self::File, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;

    /// The files of a folder.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn list(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>>;

    /// Writes a whole file that only its owner may read, and does not return before the disk has it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Renames a file of a folder, and does not return before the disk knows.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;

    /// Writes a whole file that everybody may read and that is never seen in parts: under another name, and then renamed. It
    /// is written anew so often that the disk need not have it.
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn publish(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Reads a small text file.
    ///
    /// # Errors
    ///
    /// The operating system's, or that it is no UTF-8.
    fn read_text(&mut self, path: &Path) -> io::Result<String>;

    /// Sends a mail; `host` is this host's name. Returns what the mail server said.
    ///
    /// # Errors
    ///
    /// Why the mail was not taken.
    fn send(&mut self, email: &Email, letter: &Letter, host: &str) -> Result<String, Refusal>;

    /// Waits until a signal comes, or so long.
    fn wait(&mut self, time: Duration) -> Signals;

    /// Who wants to hear of this program, if anybody does.
    fn manager(&mut self) -> Option<Manager>;

    /// Tells that one something, in the words of sd_notify(3).
    ///
    /// # Errors
    ///
    /// The operating system's.
    fn notify(&mut self, text: &str) -> io::Result<()>;

    /// Prints a text.
    fn print(&mut self, output: Output, text: &str);
}
