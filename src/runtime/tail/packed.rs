//! Rotated files that logrotate has compressed: read when nothing else holds what is missing.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Take;
use super::place::FilePlace;
use crate::limits::DIGEST_BYTES;
use crate::pgbouncer::lines::Lines;
use crate::runtime::batch::{self, Unpacked};
use crate::runtime::world::World;

/// Whether a file is compressed, by its name.
pub(super) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "gz")
}

/// A file of the world as something to read from.
struct Reader<'a, W: World> {
    world: &'a mut W,
    file: W::File,
    offset: u64,
}

impl<W: World> Read for Reader<'_, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.world.read_at(&self.file, self.offset, buffer)?;
        self.offset += count as u64;
        Ok(count)
    }
}

fn unpack<'a, W: World>(world: &'a mut W, path: &Path) -> io::Result<Unpacked<'a>>
where
    W::File: 'a,
{
    let file = world.open(path)?;
    Ok(batch::unpack(Reader { world, file, offset: 0 }))
}

/// The compressed file that holds a place, if one does.
pub(super) fn find<W: World>(world: &mut W, paths: &[PathBuf], place: &FilePlace) -> Option<PathBuf> {
    let packed = paths.iter().filter(|path| is_packed(path) && !place.digest.is_empty());
    packed.into_iter().find(|path| holds(world, path, place).unwrap_or(false)).cloned()
}

/// Whether a compressed file has the bytes that were read just before the place.
fn holds<W: World>(world: &mut W, path: &Path, place: &FilePlace) -> io::Result<bool> {
    let mut text = unpack(world, path)?;
    let before = place.end.saturating_sub(place.digest.len() as u64);
    if io::copy(&mut text.by_ref().take(before), &mut io::sink())? < before {
        return Ok(false);
    }
    let mut bytes = Vec::with_capacity(DIGEST_BYTES);
    text.take(place.digest.len() as u64).read_to_end(&mut bytes)?;
    Ok(bytes == place.digest)
}

/// How a compressed file begins.
pub(super) fn beginning<W: World>(world: &mut W, path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(DIGEST_BYTES);
    unpack(world, path)?.take(DIGEST_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Takes the lines of a compressed file from an offset on, to its end.
pub(super) fn read<W: World>(
    world: &mut W,
    path: &Path,
    (offset, skipping): (u64, bool),
    take: Take<'_>,
) -> io::Result<()> {
    let mut text = unpack(world, path)?;
    io::copy(&mut text.by_ref().take(offset), &mut io::sink())?;
    let mut lines = Lines::new();
    lines.resume(offset, skipping);
    loop {
        let count = text.read(lines.room())?;
        if count == 0 {
            break;
        }
        lines.filled(count);
        lines.drain(take);
    }
    if let Some(line) = lines.last_line() {
        take.line(&line);
    }
    Ok(())
}
