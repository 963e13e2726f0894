//! A file that holds a password: nobody but its owner may read it.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Where systemd puts what `LoadCredential=` has loaded: in a folder that only the service may enter. The files have the
/// group's bit where that is done by an access control list, of which these bits are the mask.
pub const CREDENTIALS: &str = "/run/credentials/";

/// The longest password that is read.
const LONGEST: u64 = 64 * 1024;

/// What is wrong with the file, and the mend; a file that is not there yet is no matter.
pub(super) fn fault(file: &Path) -> Option<(String, String)> {
    fault_of(file, &fs::metadata(file).ok()?)
}

fn fault_of(file: &Path, metadata: &Metadata) -> Option<(String, String)> {
    if !metadata.is_file() {
        return Some((
            "which is no ordinary file".to_owned(),
            "write the path of a file that holds the password".to_owned(),
        ));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    let is_credential = || fs::canonicalize(file).is_ok_and(|file| file.starts_with(CREDENTIALS));
    let is_open = mode & 0o077 != 0 && (mode & 0o007 != 0 || !is_credential());
    let mend = || format!("chmod 600 {}", file.display());
    is_open.then(|| (format!("which has mode {mode:03o}, so not only its owner may use it"), mend()))
}

/// Reads a password, without the newline at its end.
///
/// # Errors
///
/// What is wrong with the file.
pub fn read(file: &Path) -> Result<String, String> {
    let said = |(fault, mend): (String, String)| Err(format!("{fault}; {mend}"));
    // Before it is opened: that of a pipe would wait for somebody who writes.
    fault(file).map_or(Ok(()), said)?;
    let open = File::open(file).map_err(|error| error.to_string())?;
    let metadata = open.metadata().map_err(|error| error.to_string())?;
    fault_of(file, &metadata).map_or(Ok(()), said)?;
    let mut text = String::new();
    open.take(LONGEST).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_mode(mode: u32) -> Result<String, String> {
        let file = std::env::temp_dir().join(format!("loganalyzer-secret-{mode:o}-{}", std::process::id()));
        fs::write(&file, "s3cret\n").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("set");
        let result = read(&file).map_err(|why| why.replace(&file.display().to_string(), "FILE"));
        fs::remove_file(&file).expect("removed");
        result
    }

    #[test]
    fn only_a_file_of_the_owner_alone_is_read() {
        assert_eq!(with_mode(0o600), Ok("s3cret".to_owned()));
        assert_eq!(with_mode(0o400), Ok("s3cret".to_owned()));
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o777] {
            let why = with_mode(mode).expect_err("others may use it");
            assert_eq!(why, format!("which has mode {mode:o}, so not only its owner may use it; chmod 600 FILE"));
        }
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        assert!(read(Path::new("/dev/null")).is_err_and(|why| why.starts_with("which is no ordinary file")));
        assert!(fault(Path::new("/nowhere/password")).is_none(), "it may come");
        assert!(read(Path::new("/nowhere/password")).is_err_and(|why| why.contains("No such file")));
    }
}
