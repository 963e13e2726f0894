//! The real binary, following a file of its own.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A log, a configuration and the binary that follows it, in a folder of their own.
pub struct Run {
    pub folder: PathBuf,
    pub child: Option<Child>,
}

impl Run {
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("loganalyzer-follow-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let run = Self { folder, child: None };
        run.configure("web:1", "\"00:00:00\"");
        run
    }

    /// Writes a configuration in which the window opens and closes at the same time: always. There is no mail.
    pub fn configure(&self, watched: &str, edge: &str) {
        self.configure_with(watched, edge, "print", NO_EMAIL);
    }

    /// The same with other alerting, and with a section `"alertingEmail": …`.
    pub fn configure_with(&self, watched: &str, edge: &str, alerting: &str, email: &str) {
        let text = config(&self.log(), watched, edge, email)
            .replace("\"alertingToUse\": \"print\"", &format!("\"alertingToUse\": {alerting:?}"));
        fs::write(self.folder.join("LogAnalyzer.json"), text).expect("a configuration");
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("pgbouncer.log")
    }

    pub fn start(&mut self, arguments: &[&str]) {
        self.start_with(arguments, &[]);
    }

    /// The same with more in its environment.
    pub fn start_with(&mut self, arguments: &[&str], environment: &[(&str, String)]) {
        let file = |name| File::create(self.folder.join(name)).expect("a file");
        let child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("TZ", "UTC")
            .env_remove("NOTIFY_SOCKET")
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn();
        self.child = Some(child.expect("the binary"));
        self.until("out", "Start date : ");
        std::thread::sleep(Duration::from_millis(300));
    }

    pub fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap_or_default()
    }

    pub fn until(&self, file: &str, word: &str) {
        let begin = Instant::now();
        while !self.text(file).contains(word) {
            let text = self.text(file);
            assert!(begin.elapsed() < Duration::from_secs(20), "waited in vain for {word:?} in {file}: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn append(&self, text: &str) {
        let mut log = OpenOptions::new().append(true).create(true).open(self.log()).expect("the log");
        log.write_all(text.as_bytes()).expect("it can be written");
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().expect("it runs").id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().expect("kill").success());
    }

    pub fn stop(&mut self, signal: &str) -> String {
        std::thread::sleep(Duration::from_millis(200));
        self.signal(signal);
        let status = self.child.take().expect("it runs").wait().expect("it ends");
        assert_eq!(status.code(), Some(0));
        self.text("out")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The seed's configuration for another log and other names, with another section for mail.
pub fn config(log: &Path, watched: &str, edge: &str, email: &str) -> String {
    let seed = include_str!("../../LogAnalyzer.json");
    let begin = seed.find("\"alertingEmail\"").expect("the section");
    let end = begin + seed[begin..].find('}').expect("its end") + 1;
    format!("{}{email}{}", &seed[..begin], &seed[end..])
        .replace("/var/log/postgresql/pgbouncer.log", &log.display().to_string())
        .replace("postgres:1,poc:5", watched)
        .replace("\"08:00:00\"", edge)
        .replace("\"windowCloseServiceDateTime\": \"19:00:00\"", &format!("\"windowCloseServiceDateTime\": {edge}"))
        .replace("1.0,", "0.05,")
}

/// No mail.
pub const NO_EMAIL: &str = "\"alertingEmail\": null";

/// An attempt of a user, so many seconds ago.
pub fn attempt(user: &str, port: u32, ago: i64) -> String {
    let time = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(ago);
    let time = time.strftime("%Y-%m-%d %H:%M:%S.000 UTC [7]");
    format!("{time} LOG C-0x{port:x}: app/{user}@10.0.0.7:{port} login attempt: db=app user={user} tls=no\n")
}

pub fn closing(user: &str, port: u32, reason: &str) -> String {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.000 UTC [7]").to_string();
    format!("{time} LOG C-0x{port:x}: app/{user}@10.0.0.7:{port} closing because: {reason} (age=0s)\n")
}

/// A login, so many seconds ago.
pub fn good(user: &str, port: u32, ago: i64) -> String {
    attempt(user, port, ago) + &closing(user, port, "client close request")
}
