//! A real pgbouncer and a real PostgreSQL (Debian's packages), real clients, the real binary following the real log.
//!
//! Skipped, out loud, where they are not installed; in CI (`CI=true`) that is a failure.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{number, string};

const PORT: u16 = 26_432;
const SERVER_PORT: u16 = 25_499;

/// Ends its process when it goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        signal(self.0.id(), "INT");
        let _ = self.0.wait();
    }
}

fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
}

/// PostgreSQL and pgbouncer in a folder of their own, run by the user postgres.
struct Servers {
    folder: PathBuf,
    pgbouncer: Running,
    _postgres: Running,
}

fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folder = versions
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin"))
        .find(|bin| bin.join("initdb").exists())?;
    Path::new("/usr/sbin/pgbouncer").exists().then_some(folder)
}

/// A command run by the user postgres (servers refuse to run as root), in `folder`.
fn as_postgres(folder: &Path, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn succeed(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Servers {
    fn start(name: &str, offset: u16) -> Option<Self> {
        let Some(bin) = binaries() else {
            assert!(std::env::var_os("CI").is_none(), "CI must have Debian's postgresql and pgbouncer");
            eprintln!("SKIPPED: {name}: Debian's postgresql and pgbouncer are not installed (tests/run installs them)");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("loganalyzer-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("permissions");
        let data = folder.join("data");
        succeed(as_postgres(&folder, &bin.join("initdb")).args(["-A", "trust", "-U", "postgres", "-D"]).arg(&data));
        let server_port = SERVER_PORT + offset;
        let postgres = as_postgres(&folder, &bin.join("postgres"))
            .args(["-p", &server_port.to_string(), "-h", "127.0.0.1", "-c", "fsync=off", "-k"])
            .arg(&folder)
            .arg("-D")
            .arg(&data)
            .stderr(File::create(folder.join("postgres.err")).expect("a file"))
            .spawn()
            .expect("postgres");
        let postgres = Running(postgres);
        let sql = "create role app login password 'right'; create role \"web-api\" login; create role \"odd user\" login; \
                   create database app;";
        until("postgres", || {
            Command::new("psql")
                .args(["-qX", "-h", "127.0.0.1", "-p", &server_port.to_string(), "-U", "postgres", "-c", "select"])
                .output()
                .is_ok_and(|output| output.status.success())
        });
        for statement in sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            succeed(Command::new("psql").args([
                "-qX",
                "-h",
                "127.0.0.1",
                "-p",
                &server_port.to_string(),
                "-U",
                "postgres",
                "-c",
                statement,
            ]));
        }
        let pgbouncer = Self::start_pgbouncer(&folder, offset);
        let servers = Self { folder, pgbouncer, _postgres: postgres };
        until("pgbouncer", || {
            servers.log().exists() && fs::read_to_string(servers.log()).is_ok_and(|log| log.contains("process up"))
        });
        Some(servers)
    }

    fn start_pgbouncer(folder: &Path, offset: u16) -> Running {
        let users: String =
            ["app", "web-api", "odd user", "a@b"].iter().map(|user| format!("\"{user}\" \"right\"\n")).collect();
        fs::write(folder.join("users.txt"), users).expect("users");
        let (port, server_port) = (PORT + offset, SERVER_PORT + offset);
        let text = format!(
            "[databases]\napp = host=127.0.0.1 port={server_port} dbname=app user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1,::1\nlisten_port = {port}\nunix_socket_dir = {0}\nauth_type = md5\n\
             auth_file = {0}/users.txt\nlogfile = {0}/pgbouncer.log\npidfile = {0}/pgbouncer.pid\nstats_period = 2\n\
             max_client_conn = 200\n",
            folder.display()
        );
        fs::write(folder.join("pgbouncer.ini"), text).expect("pgbouncer.ini");
        let errors = File::create(folder.join("pgbouncer.err")).expect("a file");
        let child = as_postgres(folder, Path::new("/usr/sbin/pgbouncer")).arg("pgbouncer.ini").stderr(errors).spawn();
        Running(child.expect("pgbouncer"))
    }

    fn log(&self) -> PathBuf {
        self.folder.join("pgbouncer.log")
    }

    /// One login of psql; whether it succeeded.
    fn psql(host: &str, user: &str, password: &str, offset: u16) -> bool {
        let status = Command::new("psql")
            .args(["-qXtw", "-h", host, "-p", &(PORT + offset).to_string(), "-U", user, "-d", "app", "-c", "select 1"])
            .env("PGPASSWORD", password)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.expect("psql").success()
    }

    /// So many transactions of pgbench, with a login each.
    fn pgbench(&self, user: &str, count: u32, offset: u16) {
        let script = self.folder.join("select.sql");
        fs::write(&script, "select 1;\n").expect("a script");
        let mut command = Command::new("pgbench");
        command.args([
            "-nC",
            "-t",
            &count.to_string(),
            "-h",
            "127.0.0.1",
            "-p",
            &(PORT + offset).to_string(),
            "-U",
            user,
            "-f",
        ]);
        succeed(command.arg(script).arg("app").env("PGPASSWORD", "right"));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// The real binary, following a log.
struct Follower {
    child: Option<Child>,
    out: PathBuf,
}

impl Follower {
    fn start(log: &Path, folder: &Path, watched: &str) -> Self {
        let config = include_str!("../LogAnalyzer.json")
            .replace("/var/log/postgresql/pgbouncer.log", &log.display().to_string())
            .replace("postgres:1,poc:5", watched)
            .replace("1.0,", "0.05,");
        let (file, out) = (folder.join("LogAnalyzer.json"), folder.join("out"));
        fs::write(&file, config).expect("a configuration");
        let child = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
            .arg("-c")
            .arg(&file)
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(folder.join("err")).expect("a file"))
            .spawn()
            .expect("the binary");
        let follower = Self { child: Some(child), out };
        until("the start line", || follower.text().contains("Start date"));
        // Until it has read what is there; all that comes after that is counted.
        std::thread::sleep(Duration::from_millis(300));
        follower
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_default()
    }

    /// Waits until it has seen everything, stops it, and gives its final report.
    fn stop(mut self) -> String {
        std::thread::sleep(Duration::from_millis(500));
        let mut child = self.child.take().expect("it runs");
        signal(child.id(), "TERM");
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0));
        self.text()
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
fn figure(report: &str, account: &str, label: &str) -> u64 {
    let after = report.split_once(&format!("Account : {account}\n")).map_or("", |(_, after)| after);
    let own = after.split("Account : ").next().unwrap_or("");
    let line = own.lines().find_map(|line| line.strip_prefix(&format!("{label} : ")));
    line.map_or(0, |value| value.parse().expect("a number"))
}

#[test]
fn what_the_clients_counted_is_what_is_reported() {
    let Some(servers) = Servers::start("clients", 0) else { return };
    let folder = servers.folder.clone();
    let follower = Follower::start(&servers.log(), &folder, "app:1");
    let socket = folder.display().to_string();
    for (host, count) in [("127.0.0.1", 7), ("::1", 5), (&socket, 3)] {
        for _ in 0..count {
            assert!(Servers::psql(host, "app", "right", 0), "{host}");
        }
    }
    for user in ["web-api", "odd user", "a@b"] {
        assert!(Servers::psql("127.0.0.1", user, "right", 0), "{user}");
    }
    for _ in 0..4 {
        assert!(!Servers::psql("127.0.0.1", "app", "wrong", 0));
    }
    assert!(!Servers::psql("127.0.0.1", "nobody", "right", 0));
    servers.pgbench("web-api", 50, 0);
    let report = follower.stop();
    let expect =
        |account, label, count| assert_eq!(figure(&report, account, label), count, "{account}, {label}: {report}");
    expect("app", "Number of logins", 15);
    expect("app", "Number of logins from 127.0.0.1", 7);
    expect("app", "Number of logins from ::1", 5);
    expect("app", "Number of logins from unix", 3);
    expect("app", "Number of failed logins", 4);
    expect("app", "Number of failed logins because of password authentication failed", 4);
    expect("odd user", "Number of logins", 1);
    expect("a@b", "Number of logins", 1);
    expect("nobody", "Number of failed logins", 1);
    // pgbench makes one connection more, to look at the server.
    let benched = figure(&report, "web-api", "Number of logins");
    assert!((51..=53).contains(&benched), "{benched} logins of web-api: {report}");
    let complete = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
        .args(["--format", "json", "report"])
        .arg(servers.log())
        .output();
    let complete: serde_json::Value = serde_json::from_slice(&complete.expect("report").stdout).expect("JSON");
    assert_eq!(number(&complete["lines"], "unrecognised"), 0, "{}", complete["lines"]);
    let app =
        complete["accounts"].as_array().expect("accounts").iter().find(|account| string(account, "user") == "app");
    assert_eq!(app.map(|app| (number(app, "logins"), number(app, "failed"))), Some((15, 4)));
}

/// Logs in while `rotate` is called in between; says how many logins pgbouncer wrote, in all files together.
fn log_in_while(servers: &Servers, offset: u16, mut rotate: impl FnMut(u32)) -> u64 {
    for round in 0..6 {
        servers.pgbench("app", 40, offset);
        // Not twice within one tick: logrotate never does, and pgbouncer only makes the new file with its next line.
        std::thread::sleep(Duration::from_millis(200));
        rotate(round);
    }
    servers.pgbench("app", 40, offset);
    let files = fs::read_dir(&servers.folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let is_log = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("pgbouncer.log"))
    };
    let count = |path: PathBuf| {
        fs::read_to_string(&path).expect("a log").matches("login attempt: db=app user=app ").count() as u64
    };
    let attempts = files.filter(is_log).map(count).sum();
    assert!(attempts >= 280, "{attempts} attempts in all files");
    attempts
}

#[test]
fn rename_and_sighup_under_traffic_loses_nothing() {
    let Some(servers) = Servers::start("rename", 10) else { return };
    let follower = Follower::start(&servers.log(), &servers.folder.clone(), "app:1");
    let (log, pid) = (servers.log(), servers.pgbouncer.0.id());
    let attempts = log_in_while(&servers, 10, |round| {
        fs::rename(&log, log.with_extension(format!("log.{round}"))).expect("rename");
        signal(pid, "HUP");
    });
    let report = follower.stop();
    assert_eq!(figure(&report, "app", "Number of logins"), attempts, "{report}");
    assert!(!report.contains("Gaps"), "{report}");
}

#[test]
fn copytruncate_is_noticed_and_the_rest_is_read_from_the_copy() {
    let Some(servers) = Servers::start("copytruncate", 20) else { return };
    let follower = Follower::start(&servers.log(), &servers.folder.clone(), "app:1");
    let log = servers.log();
    let attempts = log_in_while(&servers, 20, |round| {
        // Quiet for a moment, so that nothing is written between copying and truncating: that is logrotate's own loss.
        std::thread::sleep(Duration::from_millis(100));
        fs::copy(&log, log.with_extension(format!("log.{round}"))).expect("copy");
        File::options().write(true).open(&log).and_then(|file| file.set_len(0)).expect("truncate");
    });
    let report = follower.stop();
    assert_eq!(figure(&report, "app", "Number of logins"), attempts, "{report}");
}
