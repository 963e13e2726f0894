//! Mail from the real binary: to aiosmtpd, and to one of Debian's MTAs.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use common::mail::{BadServer, Fault, Mail, Server, certificates, check, email, is_there, read_mbox, run, until};
use common::run::{Run, attempt, closing, good};
use common::{number, string};
use loganalyzer::report::safe::{Medium, shown};
use serde_json::Value;

#[test]
fn a_test_mail_says_what_the_server_answered() {
    if !is_there("a test mail") {
        return;
    }
    let run = run("mail-check", "print", "");
    let server = Server::start(&run.folder.join("mails"), &[]);
    run.configure_with("web:1", "\"00:00:00\"", "print", &email(server.port, ""));
    let (status, text) = check(&run);
    assert_eq!(status, 0, "{text}");
    let port = server.port;
    let mail = format!(
        "Mail : the report of the day at 19:00:00, to dba@example.org, Zoë <zoe@example.org> through localhost:{port}\n"
    );
    assert!(text.contains(&mail), "{text}");
    assert!(text.contains(&format!("Test mail : taken by localhost:{port}: 250 OK: queued as 0001\n")), "{text}");
    let mails = server.mails();
    assert_eq!(mails[0].get("subject"), "[LogAnalyzer] Test");
    assert_eq!(mails[0].way["to"].to_string(), r#"["dba@example.org","zoe@example.org"]"#);
    server.fault("RCPT 550 5.1.1 nobody of that name");
    let (status, text) = check(&run);
    assert_eq!(status, 1);
    let said = format!("ERROR : the test mail was not taken: localhost:{port}: permanent error (550): 5.1.1 nobody");
    assert!(text.contains(&said), "{text}");
}

#[test]
fn every_way_to_protect_the_way_and_who_may_come() {
    if !is_there("TLS and AUTH") {
        return;
    }
    let run = run("mail-tls", "print", "");
    let keys = run.folder.join("keys");
    certificates(&keys);
    let key = |name: &str| keys.join(name).display().to_string();
    let password = run.folder.join("password");
    fs::write(&password, "s3cret word\n").expect("a password");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("set");
    let (certificate, secret) = (key("server.pem"), key("server.key"));
    let login = ["--login", "dba", "s3cret word"];
    let implicit = ["--tls", "implicit", &certificate, &secret];
    let starttls = ["--tls", "starttls", &certificate, &secret, "--login", "dba", "s3cret word"];
    let plain = Server::start(&run.folder.join("plain"), &login);
    let implicit = Server::start(&run.folder.join("implicit"), &implicit);
    let starttls = Server::start(&run.folder.join("starttls"), &starttls);
    let ca = format!(", \"emailCaFile\": {:?}", key("ca.pem"));
    let user = format!(", \"emailUser\": \"dba\", \"emailPasswordFile\": {:?}", password.display().to_string());
    let tls = |kind: &str| format!(", \"emailSecurity\": {kind:?}");
    let send = |port: u16, more: &str| {
        run.configure_with("web:1", "\"00:00:00\"", "print", &email(port, more));
        check(&run)
    };
    let taken = |(status, text): (i32, String)| assert!(status == 0 && text.contains("Test mail : taken"), "{text}");
    let refused = |(status, text): (i32, String), why: &str| {
        assert!(status == 1 && text.contains("ERROR : ") && !text.contains("Test mail : taken"), "{text}");
        assert!(text.contains(why) && !text.contains("s3cret"), "{why:?} in {text}");
    };
    taken(send(plain.port, &user));
    refused(send(plain.port, ""), "530");
    fs::write(&password, "wrong s3cret\n").expect("a password");
    refused(send(plain.port, &user), "535");
    fs::write(&password, "s3cret word\n").expect("a password");
    refused(send(plain.port, &(user.clone() + &tls("starttls") + &ca)), "STARTTLS is not supported");
    taken(send(implicit.port, &(tls("tls") + &ca)));
    refused(send(implicit.port, &tls("tls")), "certificate");
    let other = format!(", \"emailCaFile\": {:?}", key("other.pem"));
    refused(send(implicit.port, &(tls("tls") + &other)), "certificate");
    refused(
        send(implicit.port, &(tls("tls") + ", \"emailCaFile\": \"/nowhere.pem\"")),
        "emailCaFile /nowhere.pem: No such",
    );
    taken(send(starttls.port, &(tls("starttls") + &ca + &user)));
    refused(send(starttls.port, &user), "");
    refused(send(starttls.port, &(tls("starttls") + &other + &user)), "certificate");
    fs::remove_file(&password).expect("removed");
    refused(send(starttls.port, &(tls("starttls") + &ca + &user)), "emailPasswordFile");
    let way = |server: &Server| {
        let mails = server.mails();
        assert_eq!(mails.len(), 1, "only what was protected as it should be has come");
        (mails[0].way["tls"].clone(), mails[0].way["login"].clone())
    };
    assert_eq!(way(&plain), (false.into(), "dba".into()));
    assert_eq!(way(&implicit), (true.into(), Value::Null));
    assert_eq!(way(&starttls), (true.into(), "dba".into()));
}

/// What every mail must have.
fn check_headers(mail: &Mail) {
    assert_eq!(mail.read["defects"].to_string(), "[]");
    assert_eq!(mail.get("from"), "pgbouncer host <la@db1.test>");
    assert_eq!(mail.get("to"), "dba@example.org, Zoë <zoe@example.org>");
    assert_eq!(mail.get("auto"), "auto-generated");
    assert_eq!(mail.get("type"), "multipart/alternative");
    assert_eq!(mail.read["types"].to_string(), r#"["text/plain","text/html"]"#);
    assert!(mail.get("id").starts_with('<') && mail.get("id").contains(".loganalyzer@"), "{}", mail.get("id"));
    let age = jiff::Timestamp::now().as_second() as f64 - mail.read["date"].as_f64().expect("a date");
    assert!(age.abs() < 120.0);
    assert!(!mail.get("text").contains('\u{1b}'), "no colours");
}

fn subjects(mails: &[Mail]) -> Vec<String> {
    mails.iter().map(|mail| mail.get("subject")).collect()
}

/// Local time in a moment, for a report of the day that is about to be due.
fn soon(seconds: i64) -> String {
    let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    time.strftime("\"%H:%M:%S\"").to_string()
}

fn with_report_at(run: &Run, time: &str) {
    let file = run.folder.join("LogAnalyzer.json");
    let text = fs::read_to_string(&file).expect("a configuration");
    let old = "\"timeToSendEmailInformation\": \"19:00:00\"";
    assert!(text.contains(old));
    fs::write(file, text.replace(old, &format!("\"timeToSendEmailInformation\": {time}"))).expect("written");
}

#[test]
fn alert_recovery_the_days_report_usr1_and_the_last_one_arrive() {
    if !is_there("all mails of a daemon") {
        return;
    }
    let mut run = run("mail-daemon", "print", "");
    let server = Server::start(&run.folder.join("mails"), &[]);
    run.configure_with("web:1", "\"00:00:00\"", "email", &email(server.port, ""));
    with_report_at(&run, &soon(3));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    server.until(1);
    run.append(&(good("web", 2, 0) + &good("batch", 3, 0) + &attempt("batch", 4, 0)));
    run.append(&closing("batch", 4, "password authentication failed"));
    let mails = server.until(3);
    run.signal("USR1");
    server.until(4);
    run.append(&good("web", 5, 0));
    let out = run.stop("TERM");
    let all = server.until(5);
    mails.iter().chain(&all).for_each(check_headers);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let subjects = subjects(&all);
    assert_eq!(subjects[0], "[LogAnalyzer] ALERT web: no login for 5 minutes (silent)");
    assert!(subjects[1].starts_with("[LogAnalyzer] RECOVERED web: logged in at "), "{subjects:?}");
    let report = |logins: u32| format!("[LogAnalyzer] Report {today}: 2 accounts, {logins} logins, 1 outage");
    assert_eq!(subjects[2..], [report(2), report(2), report(3)]);
    assert!(!out.contains("ALERT"), "alerts are mailed only: {out}");
    assert!(out.contains("Number of logins : 2\n"), "the last report is printed as well: {out}");
    assert_eq!(run.text("err"), "");
    assert!(all[0].get("text").contains("ALERT web: no login for 5 minutes (silent), since "));
    let log = run.log().display().to_string();
    assert!(all[0].get("text").contains(&format!("\nLog : {log}\n")) && all[0].get("html").contains(&log));
    assert!(all[1].get("text").contains(" from 10.0.0.7, after 5 minutes\n"));
    assert!(all[2].get("text").contains("Outage of web : from "), "{}", all[2].get("text"));
    // The last one is what was printed.
    let printed = out.split_once("Stats for running").map(|(_, rest)| rest.trim().to_owned());
    let mailed = all[4].get("text").split_once("Stats for running").map(|(_, rest)| rest.trim().to_owned());
    assert_eq!(printed, mailed);
    let ids: std::collections::BTreeSet<String> = all.iter().map(|mail| mail.get("id")).collect();
    assert_eq!(ids.len(), 5);
}

/// The report of the day has the figures since the last one, as `report --format json` has them of the same lines.
#[test]
fn the_figures_of_a_mail_are_those_of_the_json_report() {
    if !is_there("a report's figures") {
        return;
    }
    let mut run = run("mail-figures", "print", "");
    let server = Server::start(&run.folder.join("mails"), &[]);
    run.configure_with("web:5", "\"00:00:00\"", "print", &email(server.port, ""));
    run.start(&[]);
    fs::write(run.log(), common::logs("1.25.2").concat()).expect("a capture");
    run.stop("TERM");
    let mail = &server.until(1)[0];
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer"))
        .args(["report", "--format", "json"])
        .arg(run.log())
        .env("TZ", "UTC")
        .output()
        .expect("a report");
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let (text, html) = (mail.get("text"), mail.get("html"));
    for account in json["accounts"].as_array().expect("accounts") {
        let as_shown = |medium| shown(string(account, "user").as_bytes(), medium).to_string();
        let (name, in_html) = (as_shown(Medium::Terminal), as_shown(Medium::Html));
        let block = text.split("Account : ").find(|block| block.starts_with(&format!("{name}\n")));
        let block = block.unwrap_or_else(|| panic!("{name} in {text}"));
        let logins = number(account, "logins");
        if logins > 0 {
            assert!(block.contains(&format!("Number of logins : {logins}\n")), "{name}: {block}");
            assert!(block.contains(&format!("Last login time : {}\n", string(account, "lastLogin"))));
        }
        for from in account["from"].as_array().expect("addresses").iter().filter(|from| number(from, "logins") > 0) {
            let line = format!("Number of logins from {} : {}\n", string(from, "address"), number(from, "logins"));
            assert!(block.contains(&line), "{name}: {line:?} in {block}");
        }
        let shown =
            html.split("bold;overflow-wrap:anywhere\">").find(|part| part.starts_with(&format!("{in_html}</td>")));
        assert!(shown.is_some_and(|part| part.contains(&format!("logins: {logins}, "))) || logins == 0, "{name}");
    }
    let logins = number(&json["logins"], "logins");
    assert!(mail.get("subject").contains(&format!(" {logins} logins, ")), "{}", mail.get("subject"));
    assert!(
        html.contains(&format!(">{logins}</div>"))
            && html.contains(&format!(">{}</div>", number(&json["logins"], "failed")))
    );
}

#[test]
fn a_file_that_mail_needs_and_cannot_be_read_is_an_error() {
    let run = run("mail-files", "print", "");
    let keys = ", \"emailUser\": \"u\", \"emailPasswordFile\": \"/nowhere/password\"";
    run.configure_with("web:1", "\"00:00:00\"", "print", &email(25, keys));
    let mut command = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
    let output = command.arg("check").current_dir(&run.folder).output().expect("the binary");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("ERROR : emailPasswordFile /nowhere/password: No such file"), "{text}");
}

/// Before the service has been started for the first time `check` would have called it an error.
#[test]
fn a_credential_of_a_service_that_does_not_run_is_a_warning() {
    let run = run("mail-credential", "print", "");
    let file = "/run/credentials/nobody.service/mail_password";
    let keys = format!(", \"emailUser\": \"u\", \"emailPasswordFile\": {file:?}");
    run.configure_with("web:1", "\"00:00:00\"", "print", &email(25, &keys));
    let output = Command::new(env!("CARGO_BIN_EXE_loganalyzer")).arg("check").current_dir(&run.folder).output();
    let text = String::from_utf8(output.expect("the binary").stdout).expect("UTF-8");
    assert!(
        text.contains(&format!("WARNING : emailPasswordFile {file}: it is there only while the service runs")),
        "{text}"
    );
    let (status, text) = check(&run);
    assert!(status == 1 && text.contains(&format!("ERROR : emailPasswordFile {file}: No such file")), "{text}");
}

/// At the start, by `check`, at SIGHUP, and for each mail.
#[test]
fn a_password_that_others_may_read_is_refused_with_the_mend() {
    let mut run = run("mail-password", "print|email", "");
    let password = run.folder.join("password");
    let file = password.display().to_string();
    let set_mode = |mode| fs::set_permissions(&password, fs::Permissions::from_mode(mode)).expect("set");
    fs::write(&password, "s3cret\n").expect("a password");
    let server = BadServer::start(Fault::ClosesAtOnce, 0);
    let keys = format!(", \"emailUser\": \"dba\", \"emailPasswordFile\": {file:?}");
    run.configure_with("web:1", "\"00:00:00\"", "print|email", &email(server.port, &keys));
    run.append(&good("web", 1, 300));
    let fault = "so not only its owner may use it; chmod 600";
    let said = format!(
        "loganalyzer: LogAnalyzer.json: configuration.alertingEmail.emailPasswordFile: found {file:?}, which has mode 640, \
         {fault} {file}\n"
    );
    set_mode(0o640);
    for command in [&[][..], &["check"]] {
        let mut binary = Command::new(env!("CARGO_BIN_EXE_loganalyzer"));
        let output = binary.args(command).current_dir(&run.folder).output().expect("the binary");
        let text = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!((output.status.code(), text), (Some(2), said.clone()));
    }
    set_mode(0o600);
    run.configure_with("web:900", "\"00:00:00\"", "print|email", &email(server.port, &keys));
    run.start(&[]);
    set_mode(0o604);
    run.signal("HUP");
    run.until("err", "the old configuration is kept");
    run.signal("USR1");
    run.until("err", &format!("emailPasswordFile {file}: which has mode 604, {fault} {file}; trying again\n"));
    assert_eq!(server.connections(), 0, "nothing is said to the mail server");
    run.stop("TERM");
}

/// exim4, as Debian has it, delivers into a mailbox.
#[test]
fn one_of_debians_mtas_delivers_it() {
    if !std::path::Path::new("/usr/sbin/exim4").exists() {
        assert!(std::env::var_os("CI").is_none(), "Debian's package exim4-daemon-light is missing");
        eprintln!("SKIPPED: a real MTA: Debian's package exim4-daemon-light is missing");
        return;
    }
    let mut run = run("mail-exim", "print", "");
    let exim = common::mail::Exim::start(&run.folder.join("exim"));
    run.configure_with("web:1", "\"00:00:00\"", "print|email", &email(exim.port, ""));
    run.append(&good("web", 1, 300));
    run.start(&[]);
    let mbox = exim.mbox.clone();
    until(1, || read_mbox(&mbox));
    run.append(&good("web", 2, 0));
    until(2, || read_mbox(&mbox));
    run.stop("TERM");
    let mails = until(6, || read_mbox(&mbox));
    mails.iter().for_each(check_headers);
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let mut subjects = subjects(&mails);
    subjects.dedup();
    assert_eq!(subjects.len(), 3, "each to both: {subjects:?}");
    assert_eq!(subjects[0], "[LogAnalyzer] ALERT web: no login for 5 minutes (silent)");
    assert_eq!(subjects[2], format!("[LogAnalyzer] Report {today}: 1 account, 1 login, 1 outage"));
    assert!(mails[5].get("html").contains("</html>"));
}

/// An address that is not ASCII needs a server that says SMTPUTF8 (RFC 6531); another one refuses it for good.
#[test]
fn an_address_beyond_ascii_goes_to_servers_that_take_it() {
    if !is_there("SMTPUTF8") {
        return;
    }
    let run = run("mail-utf8", "print", "");
    for (name, options, said) in [
        ("all", &[][..], "250 OK: queued as 0001\n"),
        ("ascii", &["--ascii"], "it takes no addresses beyond ASCII (SMTPUTF8)"),
    ] {
        let server = Server::start(&run.folder.join(name), options);
        let section = email(server.port, "").replace("dba@example.org", "zoë@example.org");
        run.configure_with("web:1", "\"00:00:00\"", "print", &section);
        let (status, text) = check(&run);
        assert_eq!(status, i32::from(!options.is_empty()), "{text}");
        assert!(text.contains(said), "{text}");
        assert_eq!(server.mails().len(), usize::from(options.is_empty()));
    }
}
