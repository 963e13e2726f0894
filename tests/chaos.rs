//! Nothing lost, nothing twice: the real binary is killed at random moments while a log is written and logrotate rotates it.
//!
//! `CHAOS_KILLS=1000 cargo test --release --test chaos` kills more often than the 40 times of each test.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::random::Random;
use common::run::{NO_EMAIL, config};

const ACCOUNTS: usize = 12;
const ADDRESSES: usize = 800;

/// How the log is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rotation {
    None,
    Create,
    /// The rotated file is compressed at once.
    CreateCompress,
    CopyTruncate,
}

struct Chaos {
    folder: PathBuf,
    random: Random,
    rotation: Rotation,
}

impl Chaos {
    fn new(name: &str, rotation: Rotation) -> Self {
        let folder = std::env::temp_dir().join(format!("loganalyzer-chaos-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let chaos = Self { folder, random: Random::new(1), rotation };
        let state = format!("{NO_EMAIL}, \"stateFile\": \"{}\"", chaos.path("state.json").display());
        let text =
            config(&chaos.path("pgbouncer.log"), "nobody:500000", "\"00:00:00\"", &state).replace("0.05,", "0.02,");
        fs::write(chaos.path("LogAnalyzer.json"), text).expect("a configuration");
        File::create(chaos.path("pgbouncer.log")).expect("a log");
        chaos
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn start(&self) -> Child {
        let append = |name| OpenOptions::new().append(true).create(true).open(self.path(name)).expect("a file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
        command.current_dir(&self.folder).env("TZ", "UTC").stdout(append("out")).stderr(append("err"));
        command.spawn().expect("the binary")
    }

    fn until_state_has(&self, word: &str) {
        let begin = Instant::now();
        while !fs::read_to_string(self.path("state.json")).is_ok_and(|state| state.contains(word)) {
            assert!(begin.elapsed() < Duration::from_secs(20), "no {word} in the state");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn rotate(&self) {
        let how = match self.rotation {
            Rotation::None => return,
            Rotation::Create | Rotation::CreateCompress => {
                let compress =
                    if self.rotation == Rotation::CreateCompress { "compress\n delaycompress\n" } else { "" };
                format!("{compress} create\n postrotate\n touch {}\n endscript", self.path("reopen").display())
            }
            Rotation::CopyTruncate => "copytruncate".to_owned(),
        };
        let log = self.path("pgbouncer.log");
        let text = format!("{} {{\n su root root\n rotate 100000\n missingok\n {how}\n}}\n", log.display());
        fs::write(self.path("logrotate.conf"), text).expect("written");
        let mut command = Command::new("/usr/sbin/logrotate");
        command.arg("-f").arg("-s").arg(self.path("logrotate.state")).arg(self.path("logrotate.conf"));
        let output = command.output().expect("logrotate");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Kills it so often while the log is written and rotated, and lets it finish: its last report.
    fn run(&mut self, kills: usize) -> String {
        let stop = Arc::new(AtomicBool::new(false));
        let (folder, told) = (self.folder.clone(), Arc::clone(&stop));
        // Where the run begins is saved before this line.
        let mut child = self.start();
        self.until_state_has("loganalyzer");
        // So that it writes until the last of them.
        let pause = Duration::from_micros(kills as u64 * 100_000 / (ACCOUNTS * ADDRESSES) as u64);
        let writer = std::thread::spawn(move || write(&folder, &told, pause));
        for kill in 0..kills {
            std::thread::sleep(Duration::from_millis(self.random.below(60) as u64));
            child.kill().expect("it runs");
            let _ = child.wait();
            if kill % 3 == 0 {
                self.rotate();
            }
            if self.random.one_in(3) {
                child = self.start();
                std::thread::sleep(Duration::from_millis(self.random.below(60) as u64));
                self.rotate();
                child.kill().expect("it runs");
                let _ = child.wait();
            }
            if self.random.one_in(4) {
                std::thread::sleep(Duration::from_millis(self.random.below(50) as u64));
                self.rotate();
            }
            child = self.start();
        }
        stop.store(true, Ordering::SeqCst);
        writer.join().expect("the writer");
        std::thread::sleep(Duration::from_millis(500));
        let status = Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).stdin(Stdio::null()).status();
        assert!(status.expect("kill").success());
        assert_eq!(child.wait().expect("it ends").code(), Some(0));
        fs::read_to_string(self.path("out")).expect("its output")
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn name(number: usize) -> (String, String) {
    let (account, address) = (number % ACCOUNTS, number / ACCOUNTS);
    (format!("user{account}"), format!("10.0.{}.{}", address / 250, address % 250))
}

/// Writes one login after the other, each of an account and address that no other has, until told to stop; reopens the
/// log when logrotate says so, as pgbouncer does.
fn write(folder: &Path, stop: &AtomicBool, pause: Duration) {
    let open = || OpenOptions::new().append(true).create(true).open(folder.join("pgbouncer.log")).expect("the log");
    let (mut log, reopen) = (open(), folder.join("reopen"));
    for number in 0..ACCOUNTS * ADDRESSES {
        let (user, host) = name(number);
        let time = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S.%3f UTC [7]").to_string();
        let client = format!("{time} LOG C-0x{:x}: app/{user}@{host}:5000", 0x1000 + number % 50 * 8);
        let attempt = format!("{client} login attempt: db=app user={user} tls=no\n");
        log.write_all(attempt.as_bytes()).expect("written");
        log.write_all(format!("{client} closing because: client close request (age=0s)\n").as_bytes())
            .expect("written");
        std::thread::sleep(pause);
        if reopen.exists() {
            fs::remove_file(&reopen).expect("removed");
            log = open();
        }
        if stop.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// How often each login is in the files that are there at the end.
fn written(folder: &Path) -> BTreeMap<(String, String), u64> {
    let mut logins = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if !path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("pgbouncer.log")) {
            continue;
        }
        let text = Command::new("zcat").arg("-f").arg(path).output().expect("zcat").stdout;
        for line in String::from_utf8(text).expect("UTF-8").lines() {
            if let Some((client, _)) = line.split_once(" login attempt: ") {
                let (_, client) = client.split_once("app/").expect("a client");
                let (user, host) = client.trim_end_matches(":5000").split_once('@').expect("an address");
                *logins.entry((user.to_owned(), host.to_owned())).or_insert(0) += 1;
            }
        }
    }
    logins
}

/// How often each login is in the last report.
fn reported(out: &str) -> BTreeMap<(String, String), u64> {
    let mut logins = BTreeMap::new();
    let mut user = String::new();
    let report = out.rsplit("Stats for logins, ").next().expect("a report");
    for line in report.lines() {
        if let Some(name) = line.strip_prefix("Account : ") {
            name.clone_into(&mut user);
        } else if let Some(row) = line.strip_prefix("Number of logins from ") {
            let (host, count) = row.split_once(" : ").expect("a count");
            logins.insert((user.clone(), host.to_owned()), count.parse().expect("a number"));
        }
    }
    logins
}

fn check(name: &str, rotation: Rotation) {
    if rotation != Rotation::None && !Path::new("/usr/sbin/logrotate").exists() {
        assert!(std::env::var_os("CI").is_none(), "Debian's package logrotate is missing");
        eprintln!("SKIPPED: {name}: Debian's package logrotate is missing");
        return;
    }
    let kills = std::env::var("CHAOS_KILLS").ok().map_or(40, |kills| kills.parse().expect("a number"));
    let mut chaos = Chaos::new(name, rotation);
    let out = chaos.run(kills);
    let (written, reported) = (written(&chaos.folder), reported(&out));
    let lost: Vec<_> = written.iter().filter(|(key, _)| !reported.contains_key(key)).collect();
    let wrong: Vec<_> = reported.iter().filter(|(key, count)| written.get(key) != Some(count)).collect();
    let said = fs::read_to_string(chaos.path("err")).unwrap_or_default();
    assert!(written.len() > 10 * kills, "{} logins", written.len());
    println!("{name}: {kills} kills, {} logins, {} lost, {} wrong", written.len(), lost.len(), wrong.len());
    let files: Vec<_> =
        fs::read_dir(&chaos.folder).expect("the folder").flatten().map(|file| file.file_name()).collect();
    assert!(lost.is_empty() && wrong.is_empty(), "lost {lost:?}\nwrong {wrong:?}\n{said}\n{files:?}");
}

#[test]
fn killed_while_the_log_grows() {
    check("grows", Rotation::None);
}

#[test]
fn killed_while_logrotate_renames_and_creates() {
    check("create", Rotation::Create);
}

#[test]
fn killed_while_logrotate_renames_and_compresses() {
    check("compress", Rotation::CreateCompress);
}

#[test]
fn killed_while_logrotate_copies_and_truncates() {
    check("copytruncate", Rotation::CopyTruncate);
}
