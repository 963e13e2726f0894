//! The host's time zones, each read from its own file: jiff walks all of their folder to find the first, which is most of
//! what a start costs. What is not found this way is left to jiff.

use std::path::Path;

use jiff::tz::TimeZone;

const FOLDER: &str = "/usr/share/zoneinfo/";

/// The host's own: `TZ`, else the name that `/etc/localtime` links to.
pub fn local() -> TimeZone {
    let name = match std::env::var("TZ") {
        // Any other name without a slash may be a rule, such as EST5EDT.
        Ok(name) => Some(name).filter(|name| name == "UTC" || name.contains('/')),
        Err(std::env::VarError::NotPresent) => linked(Path::new("/etc/localtime")),
        Err(std::env::VarError::NotUnicode(_)) => None,
    };
    name.and_then(|name| read(&name)).unwrap_or_else(TimeZone::system)
}

/// The one of an IANA name, if there is one.
pub fn named(name: &str) -> Option<TimeZone> {
    read(name).or_else(|| TimeZone::get(name).ok())
}

/// The name of a zone, from a link to its file.
fn linked(path: &Path) -> Option<String> {
    let target = std::fs::read_link(path).ok()?;
    target.to_str()?.split_once("zoneinfo/").map(|(_, name)| name.to_owned())
}

/// A zone from the file of its name, where that is the usual one.
fn read(name: &str) -> Option<TimeZone> {
    if name == "UTC" {
        return Some(TimeZone::UTC);
    }
    let is_usual = |part: &str| part.starts_with(|first: char| first.is_ascii_uppercase());
    if std::env::var_os("TZDIR").is_some() || !name.split('/').all(is_usual) {
        return None;
    }
    let bytes = std::fs::read(Path::new(FOLDER).join(name)).ok()?;
    TimeZone::tzif(name, &bytes).ok()
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_the_same_as_jiffs() {
        for name in ["Europe/Paris", "Etc/UTC", "America/Argentina/Ushuaia", "UTC", "EST5EDT", "europe/paris"] {
            assert_eq!(named(name), TimeZone::get(name).ok(), "{name}");
        }
        assert_eq!(local(), TimeZone::system());
    }

    #[test]
    fn what_is_no_zone_is_none() {
        for name in ["Europe/Nowhere", "../../../etc/passwd", "Europe/../../passwd", "/etc/passwd", "Europe", ""] {
            assert_eq!(read(name), None, "{name}");
            assert_eq!(named(name), None, "{name}");
        }
    }

    #[test]
    fn the_name_of_the_local_zone_is_in_the_link() {
        let link = std::env::temp_dir().join(format!("loganalyzer-zone-{}", std::process::id()));
        for (target, name) in [
            ("/usr/share/zoneinfo/Europe/Paris", Some("Europe/Paris")),
            ("../share/zoneinfo/UTC", Some("UTC")),
            ("/x", None),
        ] {
            std::os::unix::fs::symlink(target, &link).expect("a link of our own");
            assert_eq!(linked(&link).as_deref(), name);
            std::fs::remove_file(&link).expect("the link of our own");
        }
    }
}
