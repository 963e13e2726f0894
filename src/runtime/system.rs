//! The real world.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use super::notify::Notify;
use super::outbox::{Letter, Refusal};
use super::smtp;
use super::world::{Manager, Output, Signals, Status, World, beside};
use crate::config::email::Email;
use crate::config::secret;
use crate::limits::READ_SIZE;

/// The operating system, with its signals caught.
#[derive(Debug)]
pub struct System {
    /// A byte arrives here with every signal.
    pipe: UnixStream,
    /// How long a read of it waits.
    patience: Duration,
    start: Instant,
    stop: Arc<AtomicBool>,
    report: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    notify: Option<Notify>,
    /// Writes into the pipe.
    waker: UnixStream,
    /// Chunks of standard input, once somebody wants them.
    input: Option<Receiver<Vec<u8>>>,
}

/// Chunks of standard input that wait to be read.
const INPUT_CHUNKS: usize = 8;

impl System {
    /// Catches the signals.
    ///
    /// # Errors
    ///
    /// Where the operating system will not let it.
    pub fn new() -> io::Result<Self> {
        let (pipe, sender) = UnixStream::pair()?;
        let system = Self {
            pipe,
            patience: Duration::ZERO,
            start: Instant::now(),
            stop: Arc::default(),
            report: Arc::default(),
            reload: Arc::default(),
            waker: sender.try_clone()?,
            input: None,
            notify: Notify::find(|name| std::env::var_os(name), std::process::id()),
        };
        let flags =
            [(SIGINT, &system.stop), (SIGTERM, &system.stop), (SIGUSR1, &system.report), (SIGHUP, &system.reload)];
        for (signal, flag) in flags {
            // The flag first: whoever wakes must find it set.
            signal_hook::flag::register(signal, Arc::clone(flag))?;
            signal_hook::low_level::pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(system)
    }
}

fn status(metadata: &std::fs::Metadata) -> Status {
    let modified = metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec());
    Status {
        id: (metadata.dev(), metadata.ino()),
        size: metadata.size(),
        owner: metadata.uid(),
        is_file: metadata.is_file(),
        modified,
    }
}

/// Reads standard input to its end, and wakes who waits for it.
fn read_all(sender: &SyncSender<Vec<u8>>, mut waker: UnixStream) {
    let mut input = io::stdin().lock();
    loop {
        let mut bytes = vec![0; READ_SIZE];
        match input.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Ok(count) if count > 0 => bytes.truncate(count),
            _ => break,
        }
        if sender.send(bytes).is_err() {
            return;
        }
        let _ = waker.write_all(&[0]);
    }
}

/// A new file each time: one that stands there already, or a link that somebody has put there, is not written to.
fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let create = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match create() {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            create()?
        }
        result => result?,
    };
    file.write_all(bytes)?;
    Ok(file)
}

impl World for System {
    type File = File;

    fn now(&mut self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn elapsed(&mut self) -> i64 {
        i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Ordinary files only: opening a pipe would wait for somebody who writes. And never the service's own secrets: who may
    /// put a link in place of the log would find them in the next report.
    fn open(&mut self, path: &Path) -> io::Result<File> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::new(ErrorKind::InvalidInput, "it is no ordinary file"));
        }
        let file = File::open(path)?;
        let opened = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
        if opened.is_ok_and(|opened| opened.starts_with(secret::CREDENTIALS)) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        Ok(file)
    }

    /// From a thread of its own: nobody can read a pipe and wait for no longer than so long.
    fn read_input(&mut self, take: &mut dyn FnMut(&[u8])) -> bool {
        if self.input.is_none() {
            let Ok(waker) = self.waker.try_clone() else { return true };
            let (sender, receiver) = std::sync::mpsc::sync_channel(INPUT_CHUNKS);
            std::thread::spawn(move || read_all(&sender, waker));
            self.input = Some(receiver);
        }
        let Some(input) = &self.input else { return true };
        loop {
            match input.try_recv() {
                Ok(bytes) => take(&bytes),
                Err(error) => return error == TryRecvError::Disconnected,
            }
        }
    }

    fn status(&mut self, file: &File) -> io::Result<Status> {
        file.metadata().map(|metadata| status(&metadata))
    }

    fn status_of(&mut self, path: &Path) -> io::Result<Status> {
        std::fs::metadata(path).map(|metadata| status(&metadata))
    }

    fn read_at(&mut self, file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match file.read_at(buffer, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    fn list(&mut self, folder: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
    }

    fn write(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        write_new(path, bytes)?.sync_all()
    }

    /// Whatever the umask is: the node exporter is another user.
    fn publish(&mut self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let new = beside(path, ".new");
        write_new(&new, bytes)?.set_permissions(Permissions::from_mode(0o644))?;
        std::fs::rename(&new, path)
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }

    fn read_text(&mut self, path: &Path) -> io::Result<String> {
        let mut text = String::new();
        self.open(path)?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn send(&mut self, email: &Email, letter: &Letter, host: &str) -> Result<String, Refusal> {
        smtp::send(email, letter, host)
    }

    /// A read with a time-out on the pipe into which the signals write.
    fn wait(&mut self, time: Duration) -> Signals {
        let time = time.max(Duration::from_millis(1));
        if time != self.patience && self.pipe.set_read_timeout(Some(time)).is_ok() {
            self.patience = time;
        }
        let _ = self.pipe.read(&mut [0; 64]);
        let take = |flag: &AtomicBool| flag.swap(false, Ordering::SeqCst);
        Signals { stop: take(&self.stop), report: take(&self.report), reload: take(&self.reload) }
    }

    fn manager(&mut self) -> Option<Manager> {
        self.notify.as_ref().map(Notify::manager)
    }

    fn notify(&mut self, text: &str) -> io::Result<()> {
        self.notify.as_ref().map_or(Ok(()), |notify| notify.send(text))
    }

    /// A terminal or pipe that is gone is no reason to stop watching.
    fn print(&mut self, output: Output, text: &str) {
        let _ = match output {
            Output::Standard => {
                let mut out = io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
            Output::Error => io::stderr().write_all(text.as_bytes()),
        };
    }
}
