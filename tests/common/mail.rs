//! Mail servers for the tests: aiosmtpd, one of Debian's, and those that do not do what they should.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::run::Run;

/// Debian's Python, which has Debian's aiosmtpd.
const PYTHON: &str = "/usr/bin/python3";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mail").join(name)
}

/// Whether aiosmtpd is there; says so where it is not.
pub fn is_there(test: &str) -> bool {
    let status = Command::new(PYTHON).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
    let there = status.is_ok_and(|status| status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{test}: Debian's package python3-aiosmtpd is missing");
        eprintln!("SKIPPED: {test}: Debian's package python3-aiosmtpd is missing");
    }
    there
}

/// Certificates for `localhost`, made anew.
pub fn certificates(folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let status = Command::new(script("certificates")).arg(folder).status();
    assert!(status.expect("openssl").success(), "{}", fs::read_to_string(folder.join("log")).unwrap_or_default());
}

/// aiosmtpd, and the folder into which it puts what it is given.
pub struct Server {
    pub folder: PathBuf,
    pub port: u16,
    child: Child,
}

impl Server {
    pub fn start(folder: &Path, options: &[&str]) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let mut command = Command::new(PYTHON);
        command.arg(script("server.py")).arg(folder).args(options).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("python");
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        out.read_line(&mut line).expect("its port");
        Self { folder: folder.to_owned(), port: line.trim().parse().expect("a port"), child }
    }

    /// What it says at a stage from now on, such as `RCPT 451 4.7.1 later`; nothing ends it.
    pub fn fault(&self, fault: &str) {
        fs::write(self.folder.join("fault"), fault).expect("written");
    }

    /// The mails that have come, in the order in which they came.
    pub fn mails(&self) -> Vec<Mail> {
        read(&self.folder)
    }

    pub fn until(&self, count: usize) -> Vec<Mail> {
        until(count, || self.mails())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until so many mails have come.
pub fn until(count: usize, mails: impl Fn() -> Vec<Mail>) -> Vec<Mail> {
    let begin = Instant::now();
    loop {
        let mails = mails();
        if mails.len() >= count {
            return mails;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain for {count} mails: {mails:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A mail, as Python's `email` reads it.
#[derive(Debug)]
pub struct Mail {
    /// What `tests/mail/read.py` says.
    pub read: Value,
    /// What the server knows of its way, where it is the tests' own.
    pub way: Value,
}

impl Mail {
    pub fn get(&self, key: &str) -> String {
        super::string(&self.read, key)
    }
}

fn read(folder: &Path) -> Vec<Mail> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    files.sort();
    let way = |file: &PathBuf| fs::read_to_string(file.with_extension("json")).ok();
    let ways = files.iter().map(|file| way(file).map_or(Value::Null, |way| serde_json::from_str(&way).expect("JSON")));
    let ways: Vec<Value> = ways.collect();
    parse(&files).into_iter().zip(ways).map(|(read, way)| Mail { read, way }).collect()
}

/// The mails of an mbox.
pub fn read_mbox(file: &Path) -> Vec<Mail> {
    if !file.exists() {
        return Vec::new();
    }
    parse(&[file.to_owned()]).into_iter().map(|read| Mail { read, way: Value::Null }).collect()
}

fn parse(files: &[PathBuf]) -> Vec<Value> {
    if files.is_empty() {
        return Vec::new();
    }
    let output = Command::new(PYTHON).arg(script("read.py")).args(files).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// What a mail server does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It accepts the connection and says nothing.
    Silent,
    /// It greets late, and is well then.
    LateGreeting,
    /// It greets, and closes.
    ClosesAtOnce,
    /// It closes in the middle of the mail.
    ClosesInData,
    /// It takes a mail after more time than any other answer may take.
    SlowAnswer,
    /// Its answer to EHLO begins with a blank line.
    BlankEhlo,
    /// It says 4xx or 5xx to this command, and to no other.
    Says(&'static str, &'static str),
    /// It takes the mail, and what it says to QUIT is no answer.
    BadQuit,
}

/// A mail server that does something wrong with its first connections, and nothing with those that come after.
pub struct BadServer {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<String>,
    connections: usize,
}

impl BadServer {
    pub fn start(fault: Fault, times: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut known = shared.lock().expect("nobody panicked");
                known.connections += 1;
                let fault = Some(fault).filter(|_| known.connections <= times);
                drop(known);
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream.expect("a connection"), fault, &shared));
            }
        });
        Self { port, state }
    }

    pub fn connections(&self) -> usize {
        self.state.lock().expect("nobody panicked").connections
    }

    /// The raw mails.
    pub fn mails(&self) -> Vec<String> {
        self.state.lock().expect("nobody panicked").mails.clone()
    }

    pub fn until(&self, count: usize) -> Vec<String> {
        let begin = Instant::now();
        while self.mails().len() < count {
            assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain for {count} mails: {:?}", self.mails());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.mails()
    }
}

/// One connection; whatever breaks, ends it.
fn serve(stream: TcpStream, fault: Option<Fault>, state: &Mutex<State>) -> Option<()> {
    let mut out = stream.try_clone().ok()?;
    let mut say = |text: &str| out.write_all(text.as_bytes()).ok();
    let mut lines = BufReader::new(stream);
    match fault {
        Some(Fault::Silent) => {
            let _ = lines.read(&mut [0; 1]);
            return None;
        }
        Some(Fault::LateGreeting) => std::thread::sleep(Duration::from_millis(600)),
        _ => {}
    }
    say("220 mail.test ESMTP\r\n")?;
    if fault == Some(Fault::ClosesAtOnce) {
        return None;
    }
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let verb = line.split([' ', '\r', ':']).next().unwrap_or_default().to_uppercase();
        match fault {
            Some(Fault::Says(stage, answer)) if stage == verb => {
                say(&format!("{answer}\r\n"))?;
                continue;
            }
            Some(Fault::BlankEhlo) if verb == "EHLO" => {
                say("\r\n250 mail.test\r\n")?;
                continue;
            }
            Some(Fault::BadQuit) if verb == "QUIT" => {
                say("\r\n\r\n")?;
                continue;
            }
            _ => {}
        }
        match verb.as_str() {
            "EHLO" => say("250-mail.test\r\n250 8BITMIME\r\n")?,
            "DATA" => {
                say("354 go on\r\n")?;
                let mail = data(&mut lines, fault == Some(Fault::ClosesInData))?;
                if let Some(Fault::Says("END", answer)) = fault {
                    say(&format!("{answer}\r\n"))?;
                    continue;
                }
                state.lock().ok()?.mails.push(mail);
                if fault == Some(Fault::SlowAnswer) {
                    std::thread::sleep(Duration::from_millis(1500));
                }
                say("250 taken\r\n")?;
            }
            "QUIT" => return say("221 bye\r\n"),
            _ => say("250 OK\r\n")?,
        }
    }
}

/// The mail up to its dot; nothing where the server goes away within it.
fn data(lines: &mut BufReader<TcpStream>, closes: bool) -> Option<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 || closes && mail.len() > 200 {
            return None;
        }
        if line == ".\r\n" {
            return Some(mail);
        }
        mail += &line;
    }
}

/// exim4 on a port of its own, which delivers everything into one mbox.
pub struct Exim {
    pub port: u16,
    pub mbox: PathBuf,
    child: Child,
}

impl Exim {
    pub fn start(folder: &Path) -> Self {
        for name in ["", "spool", "box"] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let config = fs::read_to_string(script("exim.conf")).expect("a configuration");
        let file = folder.join("exim.conf");
        let config = config.replace("FOLDER", &folder.display().to_string()).replace("PORT", &port.to_string());
        fs::write(&file, config).expect("a configuration");
        // What exim is not as root, it may write to.
        let mut owned = Command::new("chown");
        owned.arg("-R").arg("Debian-exim:").arg(folder.join("spool")).arg(folder.join("box"));
        assert!(owned.status().expect("chown").success());
        let mut command = Command::new("/usr/sbin/exim4");
        command.arg("-C").arg(&file).args(["-bdf", "-q1m"]).stdout(Stdio::null());
        let child = command.spawn().expect("exim4");
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = fs::read_to_string(folder.join("spool/mainlog")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(20), "exim4 does not come up: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { port, mbox: folder.join("box/all.mbox"), child }
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The section for mail, with more keys.
pub fn email(port: u16, more: &str) -> String {
    let addresses = "\"emailFrom\": \"pgbouncer host <la@db1.test>\", \"emailTo\": [\"dba@example.org\", \"Zoë <zoe@example.org>\"]";
    format!(
        "\"alertingEmail\": {{{addresses}, \"emailServer\": \"localhost\", \"emailPort\": {port}, \"emailTimeoutInSeconds\": 1{more}}}"
    )
}

/// Asks `check` to send a mail: (exit status, what it printed).
pub fn check(run: &Run) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    let output = command.args(["check", "--send-test-mail"]).current_dir(&run.folder).output().expect("the binary");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("UTF-8");
    (output.status.code().expect("a status"), text)
}

/// A run with mail, whose log is there.
pub fn run(name: &str, alerting: &str, email: &str) -> Run {
    let run = Run::new(name);
    run.configure_with("web:1", "\"00:00:00\"", alerting, email);
    run.append("");
    run
}
