use super::*;
use crate::config::Config;

/// The configuration with these keys in its section for mail.
fn with(keys: &str) -> Result<Config, Error> {
    let section =
        format!("{{\"emailFrom\": \"la@db1\", \"emailTo\": \"dba@example.org\", \"emailServer\": \"mx\"{keys}}}");
    Config::parse(
        "x.json",
        &format!(
            r#"{{"configuration": {{"alertingEmail": {section}}},
                 "file": {{"fileName": "x.log", "usersToWatchAndThresholdInMinutes": "web:1"}}}}"#
        ),
    )
}

fn email(keys: &str) -> Email {
    with(keys).expect("a configuration").email.expect("with mail")
}

#[test]
fn what_is_not_said_is_as_it_was_in_2017() {
    let email = email("");
    assert_eq!((email.port, email.security, email.timeout.as_secs()), (25, Security::None, 10));
    assert_eq!((email.login, email.ca_file), (None, None));
}

#[test]
fn one_or_many_to_write_to() {
    let to = |value: &str| -> Vec<String> {
        email(&format!(", \"emailTo\": {value}")).to.iter().map(ToString::to_string).collect()
    };
    assert_eq!(to("\"a@b.c\""), ["a@b.c"]);
    assert_eq!(to("\"A B <a@b.c>, d@e.f\""), ["A B <a@b.c>", "d@e.f"]);
    assert_eq!(to("[\"a@b.c\", \"José <j@e.f>\"]"), ["a@b.c", "José <j@e.f>"]);
    assert_eq!(to("[\"a@b.c\", \"A <a@b.c>\"]"), ["a@b.c"], "nobody gets it twice");
    assert_eq!(to("\"root\""), ["root@localhost"], "a user of this host");
}

/// Found by fuzzing: in a debug build idna_adapter asserts that it is given no upper-case letters, and idna gives it some.
#[test]
fn a_domain_that_nobody_can_have_is_refused_in_whatever_case() {
    for address in ["a@b.c%N\u{e6c69}", "a@b.c%\u{e6c69}"] {
        let error = with(&format!(", \"emailTo\": \"{address}\"")).expect_err(address).to_string();
        assert!(error.contains("configuration.alertingEmail.emailTo: found"), "{error}");
    }
}

#[test]
fn each_security_has_its_port() {
    #[cfg(feature = "tls")]
    for (security, port) in [("none", 25), ("starttls", 587), ("tls", 465)] {
        assert_eq!(email(&format!(", \"emailSecurity\": {security:?}")).port, port);
    }
    #[cfg(not(feature = "tls"))]
    {
        let error = with(", \"emailSecurity\": \"tls\"").expect_err("there is no TLS").to_string();
        assert!(error.contains("was built without TLS"), "{error}");
    }
    assert_eq!(email(", \"emailPort\": 2525").port, 2525);
}

#[test]
fn what_is_wrong_names_the_key_and_the_mend() {
    for (keys, message) in [
        (", \"emailTo\": []", "emailTo: found []; write an address"),
        (", \"emailTo\": [\"a@b.c\", 7]", "emailTo: found [\"a@b.c\",7]; write an address"),
        (", \"emailFrom\": \"a b c\"", "emailFrom: found \"a b c\"; write an address"),
        (", \"emailFrom\": \"a@b.c, d@e.f\"", "emailFrom: found"),
        (", \"emailPort\": 0", "emailPort: found 0; write a port"),
        (", \"emailPort\": 25.5", "emailPort: found 25.5; write a port"),
        (", \"emailSecurity\": \"ssl\"", "emailSecurity: found \"ssl\"; write \"none\", \"starttls\" or \"tls\""),
        (", \"emailUser\": \"u\"", "emailPasswordFile: it is missing; write the path"),
        (", \"emailPasswordFile\": \"/p\"", "emailUser: it is missing; write who"),
        (", \"emailTimeoutInSeconds\": 0", "emailTimeoutInSeconds: found 0; write seconds"),
        (", \"emailServer\": \"\"", "emailServer: found \"\"; write the mail server's name"),
    ] {
        let error = with(keys).expect_err(keys).to_string();
        let expected = format!("x.json: configuration.alertingEmail.{message}");
        assert!(error.starts_with(&expected), "{error}");
    }
}

/// lettre 0.11.23 panics when it writes such a header; it never comes to that.
#[test]
fn a_line_break_in_a_display_name_is_an_error() {
    for name in ["a\\r\\nBcc: x@y.z", "a\\nb", "a\\rb"] {
        assert!(with(&format!(", \"emailFrom\": \"{name} <a@b.c>\"")).is_err());
        assert!(with(&format!(", \"emailTo\": \"\\\"{name}\\\" <a@b.c>\"")).is_err());
    }
}

#[test]
fn a_password_in_the_clear_is_a_warning() {
    let keys = ", \"emailUser\": \"u\", \"emailPasswordFile\": \"/p\"";
    let warnings = with(keys).expect("a configuration").warnings;
    assert_eq!(
        warnings,
        [
            "x.json: configuration.alertingEmail.emailSecurity: the password goes to mx in the clear; write \"starttls\" or \"tls\""
        ]
    );
    let own = with(&format!("{keys}, \"emailServer\": \"127.0.0.1\"")).expect("a configuration");
    assert_eq!(own.warnings, [""; 0]);
}
