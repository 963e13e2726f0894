//! The real binary, following a log.

use std::fs::{self, File};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use super::run::{NO_EMAIL, config};
use super::servers::{signal, until};

/// The real binary, following a log.
pub struct Follower {
    child: Option<Child>,
    out: PathBuf,
}

impl Follower {
    pub fn start(log: &Path, folder: &Path, watched: &str) -> Self {
        Self::start_with(log, folder, watched, NO_EMAIL)
    }

    /// The same with a state file: it goes on from there.
    pub fn resume(log: &Path, folder: &Path, watched: &str) -> Self {
        let state = format!("{NO_EMAIL}, \"stateFile\": \"{}\"", folder.join("state.json").display());
        Self::start_with(log, folder, watched, &state)
    }

    fn start_with(log: &Path, folder: &Path, watched: &str, keys: &str) -> Self {
        let config = config(log, watched, "\"00:00:00\"", keys);
        let (file, out) = (folder.join("LogAnalyzer.json"), folder.join("out"));
        fs::write(&file, config).expect("a configuration");
        let manager = folder.join("manager");
        let _ = fs::remove_file(&manager);
        let service = UnixDatagram::bind(&manager).expect("a socket");
        let child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
            .arg("-c")
            .arg(&file)
            .env("NOTIFY_SOCKET", &manager)
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(folder.join("err")).expect("a file"))
            .spawn()
            .expect("the binary");
        let follower = Self { child: Some(child), out };
        until("the start line", || follower.text().contains("Start date"));
        wait_until_ready(&service);
        follower
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("it can be killed");
        let _ = child.wait();
    }

    pub fn text(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Waits until it has seen everything, stops it, and gives its final report.
    pub fn stop(mut self) -> String {
        std::thread::sleep(Duration::from_millis(500));
        let mut child = self.child.take().expect("it runs");
        signal(child.id(), "TERM");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0));
        self.text()
    }
}

/// Waits until a service says that it is ready: the log has been read, and all that comes after that is counted. On a busy
/// machine that took longer than any pause that was made for it.
fn wait_until_ready(service: &UnixDatagram) {
    let mut said = [0; 4096];
    service.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
    loop {
        let length = service.recv(&mut said).expect("it says that it is ready");
        if said[..length].starts_with(b"READY=1") || said[..length].windows(8).any(|line| line == b"\nREADY=1") {
            return;
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "TERM");
            let _ = child.wait();
        }
    }
}

/// The figures of an account in a text report, by the line's label.
pub fn figure(report: &str, account: &str, label: &str) -> u64 {
    let after = report.split_once(&format!("Account : {account}\n")).map_or("", |(_, after)| after);
    let own = after.split("Account : ").next().unwrap_or("");
    let line = own.lines().find_map(|line| line.strip_prefix(&format!("{label} : ")));
    line.map_or(0, |value| value.parse().expect("a number"))
}
