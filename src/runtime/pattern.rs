//! Patterns for the names of logs: `/var/log/pgbouncer/*.log`. `*` is any text and `?` any character of a file's name; the
//! folder stands as it is.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::world::World;
use crate::order;

/// Whether a log of the configuration is a pattern.
pub fn is_pattern(log: &Path) -> bool {
    name(log).iter().any(|byte| matches!(byte, b'*' | b'?'))
}

fn name(path: &Path) -> &[u8] {
    path.file_name().map_or(&[], OsStrExt::as_bytes)
}

/// Whether a file is one that a pattern means: a hidden or a rotated one is not.
pub fn matches(pattern: &Path, path: &Path) -> bool {
    let (own, found) = (name(pattern), name(path));
    let is_hidden = found.first() == Some(&b'.') && own.first() != Some(&b'.');
    is_pattern(pattern) && pattern.parent() == path.parent() && !is_hidden && !is_rotated(found) && fits(own, found)
}

/// The logs of a configuration, each pattern replaced by the files that are there, by name.
pub fn expand(world: &mut impl World, logs: &[PathBuf]) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for log in logs {
        let mut found = vec![log.clone()];
        if is_pattern(log) {
            let folder = log.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // A bare name is beside us, and so is what is found for it.
            let bare =
                |path: PathBuf| log.parent().map_or(path.clone(), |own| own.join(path.file_name().unwrap_or_default()));
            found = world
                .list(folder)
                .unwrap_or_default()
                .into_iter()
                .map(bare)
                .filter(|path| matches(log, path))
                .collect();
            order::sort_by(&mut found, Ord::cmp);
        }
        found.retain(|path| !paths.contains(path));
        paths.extend(found);
    }
    paths
}

/// `*` takes as little as it can, and more where what is behind it does not fit.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while at < name.len() {
        match pattern.get(place) {
            Some(b'*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(b'?') => (at, place) = (at + 1, place + 1),
            Some(byte) if *byte == name[at] => (at, place) = (at + 1, place + 1),
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                (place, at) = (back + 1, taken + 1);
            }
        }
    }
    pattern[place..].iter().all(|byte| *byte == b'*')
}

/// What logrotate calls what it puts aside: `x.log.1`, `x.log-20261123`, `x.log.2.gz`, `x.log-2026112306.backup`, and with
/// the option `extension` `x-20261123.log`.
fn is_rotated(name: &[u8]) -> bool {
    const ENDS: [&[u8]; 6] = [b".gz", b".xz", b".bz2", b".zst", b".lz4", b".backup"];
    if ENDS.iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let stem = name.strip_suffix(b".log").unwrap_or(name);
    let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    match stem[..stem.len() - digits].last() {
        Some(b'.') => (1..=3).contains(&digits) || digits >= 8,
        Some(b'-' | b'_') => digits >= 8,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_the_logs_and_not_of_what_was_rotated() {
        let pattern = Path::new("/var/log/pgbouncer/*.log");
        for (name, fits) in [
            ("/var/log/pgbouncer/a.log", true),
            ("/var/log/pgbouncer/pgbouncer-6432.log", true),
            ("/var/log/pgbouncer/.log", false),
            ("/var/log/pgbouncer/.a.log", false),
            ("/var/log/pgbouncer/a.log.1", false),
            ("/var/log/pgbouncer/a-20261123.log", false),
            ("/var/log/pgbouncer/a.1.log", false),
            ("/var/log/other/a.log", false),
        ] {
            assert_eq!(matches(pattern, Path::new(name)), fits, "{name}");
        }
        for name in
            ["a.log.1", "a.log-20261123", "a.log-2026112314", "a.log.2.gz", "a.log.zst", "a.log-2026112306.backup"]
        {
            assert!(!matches(Path::new("a*"), Path::new(name)), "{name}");
        }
        assert!(matches(Path::new("a*"), Path::new("a.log")) && !matches(Path::new("a.log"), Path::new("a.log")));
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name, expected) in [
            ("*", "x", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a*b*", "xxayyabz", true),
            ("*ab", "aab", true),
            ("*ab", "abx", false),
            ("a*b*c", "abbbbd", false),
            ("", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
        // Long names with many stars take no longer than their lengths multiplied.
        assert!(!fits(&b"*a".repeat(100), &b"a".repeat(99)));
    }
}
