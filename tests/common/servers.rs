//! A real PostgreSQL and a real pgbouncer (Debian's packages) in a folder of their own.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PORT: u16 = 26_432;
const SERVER_PORT: u16 = 25_499;

/// Ends its process when it goes.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        signal(self.0.id(), "INT");
        let _ = self.0.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args(["-s", name, &pid.to_string()]).status();
}

/// PostgreSQL and pgbouncer in a folder of their own, run by the user postgres.
pub struct Servers {
    pub folder: PathBuf,
    pub pgbouncer: Running,
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

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(30), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Servers {
    pub fn start(name: &str, offset: u16) -> Option<Self> {
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
            "[databases]\napp = host=127.0.0.1 port={server_port} dbname=app user=postgres\n\
             down = host=127.0.0.1 port=1 dbname=app user=postgres\n[pgbouncer]\n\
             listen_addr = 127.0.0.1,::1\nlisten_port = {port}\nunix_socket_dir = {0}\nauth_type = md5\n\
             auth_file = {0}/users.txt\nlogfile = {0}/pgbouncer.log\npidfile = {0}/pgbouncer.pid\nstats_period = 2\n\
             max_client_conn = 200\nclient_login_timeout = 3\n",
            folder.display()
        );
        fs::write(folder.join("pgbouncer.ini"), text).expect("pgbouncer.ini");
        let errors = File::create(folder.join("pgbouncer.err")).expect("a file");
        let child = as_postgres(folder, Path::new("/usr/sbin/pgbouncer")).arg("pgbouncer.ini").stderr(errors).spawn();
        Running(child.expect("pgbouncer"))
    }

    pub fn log(&self) -> PathBuf {
        self.folder.join("pgbouncer.log")
    }

    /// psql on its way into a database, without a password at hand.
    pub fn client(host: &str, user: &str, database: &str, offset: u16) -> Command {
        let mut command = Command::new("psql");
        command.args(["-qXtw", "-h", host, "-p", &(PORT + offset).to_string(), "-U", user, "-d", database]);
        command.env_remove("PGPASSWORD").env("PGPASSFILE", "/nonexistent");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// One login of psql into the database app; whether it succeeded.
    pub fn psql(host: &str, user: &str, password: &str, offset: u16) -> bool {
        Self::psql_into("app", host, user, password, offset)
    }

    /// One login of psql; whether it succeeded.
    pub fn psql_into(database: &str, host: &str, user: &str, password: &str, offset: u16) -> bool {
        let mut command = Self::client(host, user, database, offset);
        command.args(["-c", "select 1"]).env("PGPASSWORD", password);
        command.status().expect("psql").success()
    }

    /// A client that says who it is, reads how it may prove it, and hangs up.
    pub fn hang_up_at_the_prompt(user: &str, database: &str, offset: u16) {
        let words = ["user", user, "database", database];
        let mut packet = vec![0, 3, 0, 0];
        words.iter().for_each(|word| packet.extend(word.bytes().chain([0])));
        packet.push(0);
        let mut stream = TcpStream::connect(("127.0.0.1", PORT + offset)).expect("pgbouncer listens");
        let length = u32::try_from(packet.len() + 4).expect("a short packet").to_be_bytes();
        stream.write_all(&[&length[..], &packet].concat()).expect("it takes the packet");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("it answers");
        assert_eq!(answer[0], b'R', "it asks for a password");
    }

    /// So many transactions of pgbench, with a login each.
    pub fn pgbench(&self, user: &str, count: u32, offset: u16) {
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
