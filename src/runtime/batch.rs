//! Complete logs, line by line: compressed or not, and in the order of time.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use jiff::tz::TimeZone;

use super::progress::{Counted, Progress};
use super::span::Span;
use super::tail::Take;
use crate::analysis::zones::Zones;
use crate::limits::ORDER_BYTES;
use crate::order;
use crate::pgbouncer::lines::{Kind, Lines};
use crate::pgbouncer::parser::{Parser, Reading};

/// How gzip begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Something that is compressed. Of one type, whatever is read: the machine code of the reader is there once.
pub(super) type Unpacked<'a> = MultiGzDecoder<Box<dyn Read + 'a>>;

/// All that is compressed in `input`.
pub(super) fn unpack<'a>(input: impl Read + 'a) -> Unpacked<'a> {
    MultiGzDecoder::new(Box::new(input))
}

/// Complete logs.
#[derive(Debug, Clone, Copy)]
pub struct Logs<'a> {
    /// The files; `-` is standard input.
    pub paths: &'a [PathBuf],
    /// The zone of one that does not say.
    pub zone: &'a TimeZone,
    /// The time, in milliseconds since 1970-01-01 UTC.
    pub now: i64,
    /// The part of them that is asked for.
    pub span: &'a Span,
}

/// Reads logs one after the other: several in the order of their first records.
///
/// # Errors
///
/// The path that could not be read, and why.
pub fn read_logs(logs: &Logs<'_>, take: Take<'_>) -> Result<(), String> {
    let paths = in_order(logs.paths, logs.zone, logs.now);
    let size = |path: &&PathBuf| std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
    let mut progress = Progress::new(paths.iter().map(size).sum());
    let mut lines = Lines::new();
    for path in paths {
        let result = if is_standard_input(path) {
            read_log(take, &mut lines, &mut io::stdin().lock(), &mut progress)
        } else {
            File::open(path).and_then(|mut file| read_log(take, &mut lines, &mut file, &mut progress))
        };
        result.map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn read_log(take: Take<'_>, lines: &mut Lines, input: &mut dyn Read, progress: &mut Progress) -> io::Result<()> {
    let mut input = plain(Counted { input, progress })?;
    lines.restart(0);
    loop {
        let count = read_some(&mut input, lines.room())?;
        if count == 0 {
            break;
        }
        lines.filled(count);
        lines.drain(take);
    }
    lines.finish(take);
    Ok(())
}

/// What is in `input`, compressed or not: its name does not matter, and standard input has none.
fn plain<'a>(mut input: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut begin = Vec::with_capacity(GZIP.len());
    input.by_ref().take(GZIP.len() as u64).read_to_end(&mut begin)?;
    let is_packed = begin == GZIP;
    let whole = Cursor::new(begin).chain(input);
    Ok(if is_packed { Box::new(unpack(whole)) } else { Box::new(whole) })
}

fn read_some(input: &mut dyn Read, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(room) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// The files in the order of their first records. One that has none, or that can be read only once, stays where it is.
fn in_order<'a>(paths: &'a [PathBuf], zone: &TimeZone, now: i64) -> Vec<&'a PathBuf> {
    let mut order: Vec<&PathBuf> = paths.iter().collect();
    if order.len() < 2 {
        return order;
    }
    let begin = |path: &&'a PathBuf| Some((begin(path, zone, now)?, *path));
    let times: Vec<Option<(i64, &PathBuf)>> = order.iter().map(begin).collect();
    let mut known: Vec<(i64, &PathBuf)> = times.iter().flatten().copied().collect();
    order::sort_by_key(&mut known, |(at, _)| *at);
    let places = order.iter_mut().zip(&times).filter(|(_, time)| time.is_some()).map(|(place, _)| place);
    places.zip(known).for_each(|(place, (_, path))| *place = path);
    order
}

/// The instant of the first record of a file.
fn begin(path: &Path, zone: &TimeZone, now: i64) -> Option<i64> {
    let is_file = std::fs::metadata(path).is_ok_and(|file| file.is_file());
    let file = File::open(path).ok().filter(|_| is_file && !is_standard_input(path))?;
    let mut input = plain(file).ok()?.take(ORDER_BYTES);
    let mut zones = Zones::new(zone.clone());
    let (mut parser, mut lines) = (Parser::new(zones.civil(now)), Lines::new());
    loop {
        let count = read_some(&mut input, lines.room()).ok()?;
        lines.filled(count);
        loop {
            let line = if count > 0 { lines.next_line() } else { lines.last_line() };
            let Some(line) = line else { break };
            if let (Kind::Whole, Reading::Record(record)) = (line.kind, parser.parse(line.bytes)) {
                return Some(zones.instant(record.stamp));
            }
        }
        if count == 0 {
            return None;
        }
    }
}
