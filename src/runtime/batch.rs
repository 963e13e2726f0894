//! Complete logs, line by line.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use super::tail::Take;
use crate::pgbouncer::lines::Lines;

/// Reads logs one after the other; `-` is standard input.
///
/// # Errors
///
/// The path that could not be read, and why.
pub fn read_logs(paths: &[PathBuf], take: Take<'_>) -> Result<(), String> {
    let mut lines = Lines::new();
    for path in paths {
        let result = if path.as_os_str() == "-" {
            read_log(take, &mut lines, &mut io::stdin().lock())
        } else {
            File::open(path).and_then(|mut file| read_log(take, &mut lines, &mut file))
        };
        result.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn read_log(take: Take<'_>, lines: &mut Lines, input: &mut dyn Read) -> io::Result<()> {
    lines.restart(0);
    loop {
        let count = match input.read(lines.room()) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count == 0 {
            break;
        }
        lines.filled(count);
        lines.drain(take);
    }
    lines.finish(take);
    Ok(())
}
