//! The real binary with a service manager's socket: what it says of itself, and when.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

use common::mail::{BadServer, Fault};
use common::run::{NO_EMAIL, Run, attempt, closing};

/// What stands in for systemd: a socket, and all that came.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl Manager {
    fn new(run: &Run) -> Self {
        let path = run.folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        Self { socket, path, heard: Vec::new() }
    }

    fn environment(&self, watchdog: &str) -> Vec<(&'static str, String)> {
        vec![("NOTIFY_SOCKET", self.path.display().to_string()), ("WATCHDOG_USEC", watchdog.to_owned())]
    }

    fn next(&mut self) -> String {
        let mut bytes = [0; 4096];
        let count = self.socket.recv(&mut bytes).unwrap_or_else(|error| panic!("{error}; heard {:?}", self.heard));
        let text = String::from_utf8(bytes[..count].to_vec()).expect("UTF-8");
        self.heard.push(text.clone());
        text
    }

    fn until(&mut self, word: &str) -> String {
        loop {
            let text = self.next();
            if text.contains(word) {
                return text;
            }
        }
    }
}

#[test]
fn ready_is_said_once_the_log_is_followed_and_stopping_at_the_end() {
    let mut run = Run::new("notify");
    run.append(&(attempt("web", 1, 0) + &closing("web", 1, "client close request")));
    let mut manager = Manager::new(&run);
    run.start_with(&[], &manager.environment("2000000"));
    assert_eq!(manager.next(), "STATUS=reading what is in the log\n");
    let ready = manager.next();
    let status = format!("STATUS=following {}; 1 watched; last login: web from 10.0.0.7 at ", run.log().display());
    assert!(ready.starts_with(&format!("READY=1\nWATCHDOG_USEC=2000000\nWATCHDOG=1\n{status}")), "{ready}");
    run.stop("TERM");
    let stopping = manager.until("STOPPING=1");
    assert_eq!(stopping, "STOPPING=1\nSTATUS=writing the last report\n");
    assert_eq!(manager.heard.iter().filter(|text| text.contains("READY=1")).count(), 1, "{:?}", manager.heard);
}

/// Also while nobody looks at the log: the delay between two looks is ten minutes here.
#[test]
fn the_watchdog_is_fed_between_two_looks_at_the_log() {
    let mut run = Run::new("notify-watchdog");
    run.configure("web:1", "\"00:00:00\"");
    let file = run.folder.join("LogAnalyzer.json");
    let text = fs::read_to_string(&file).expect("it is there").replace("0.05,", "600,");
    fs::write(&file, text).expect("written");
    run.append("");
    let mut manager = Manager::new(&run);
    run.start_with(&[], &manager.environment("400000"));
    manager.until("READY=1");
    for _ in 0..5 {
        assert!(manager.next().starts_with("WATCHDOG=1\nSTATUS=following "), "{:?}", manager.heard);
    }
    run.stop("TERM");
}

#[test]
fn a_reload_is_said_and_so_is_a_log_that_is_away() {
    let mut run = Run::new("notify-reload");
    run.append("");
    let mut manager = Manager::new(&run);
    run.start_with(&[], &manager.environment("400000"));
    manager.until("READY=1");
    fs::remove_file(run.log()).expect("removed");
    manager.until("STATUS=waiting for ");
    run.configure("web:1,batch:1", "\"00:00:00\"");
    run.signal("HUP");
    manager.until("RELOADING=1");
    let again = manager.next();
    assert!(again.starts_with("READY=1\n") && again.contains(", which is not there; 2 watched"), "{again}");
    run.stop("TERM");
}

/// A newline in a name of the configuration, or of a client, would begin another word of the protocol: `MAINPID=1`.
#[test]
fn a_name_cannot_say_anything_to_the_service_manager() {
    let mut run = Run::new("notify-names");
    run.configure("web\\nMAINPID=1:1", "\"00:00:00\"");
    run.append("");
    let mut manager = Manager::new(&run);
    run.start_with(&[], &manager.environment("400000"));
    manager.until("READY=1");
    let login = attempt("web\u{1b}[2J", 1, 0);
    run.configure("web\\u001b[2J:1", "\"00:00:00\"");
    run.signal("HUP");
    manager.until("RELOADING=1");
    run.append(&login);
    run.append(&closing("web\u{1b}[2J", 1, "client close request"));
    let told = manager.until("last login: ");
    assert!(told.contains("last login: web\\x1b[2J from 10.0.0.7 at "), "{told}");
    for line in manager.heard.iter().flat_map(|text| text.lines()) {
        let key = line.split('=').next().unwrap_or_default();
        let known = ["READY", "WATCHDOG", "WATCHDOG_USEC", "STATUS", "RELOADING", "STOPPING"];
        assert!(known.contains(&key), "{line:?}");
    }
    run.stop("TERM");
}

/// The mail server takes all the time that it is given; the watchdog is told to wait for it, and not to kill.
#[test]
fn a_mail_server_that_hangs_is_waited_for_by_the_watchdog() {
    let mut run = Run::new("notify-mail");
    let bad = BadServer::start(Fault::Silent, 1000);
    let email = format!(
        "\"alertingEmail\": {{\"emailFrom\": \"a@example.org\", \"emailTo\": [\"b@example.org\", \"c@example.org\"], \
         \"emailServer\": \"127.0.0.1\", \"emailPort\": {}, \"emailTimeoutInSeconds\": 1}}",
        bad.port
    );
    run.configure_with("web:1", "\"00:00:00\"", "print|email", &email);
    run.append(&(attempt("web", 1, 300) + &closing("web", 1, "client close request")));
    let mut manager = Manager::new(&run);
    run.start_with(&[], &manager.environment("1000000"));
    let ready = manager.until("READY=1");
    // 26 answers of a second, a minute for the mail, one for the server's name, one for the rest, and half a second.
    assert!(ready.contains("WATCHDOG_USEC=206500000\n"), "{ready}");
    let waits = manager.until("1 mail waits");
    assert!(waits.starts_with("WATCHDOG=1\n") && bad.connections() > 0, "the first attempt is over: {waits}");
    run.configure_with("web:1", "\"00:00:00\"", "print", NO_EMAIL);
    run.signal("HUP");
    manager.until("RELOADING=1");
    let again = manager.until("READY=1");
    assert!(again.contains("WATCHDOG_USEC=1000000\n"), "{again}");
    run.stop("TERM");
}
