//! A folder with a log in it, as the kernel keeps it: paths that lead to files, and files that outlive their paths.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use loganalyzer::runtime::world::Status;

/// A file that is open.
pub type Handle = usize;

#[derive(Debug, Clone)]
struct File {
    bytes: Vec<u8>,
    readable: bool,
    /// How many writes there were before the last one.
    modified: i64,
}

/// The files, and where they are.
#[derive(Debug, Clone, Default)]
pub struct Files {
    writes: i64,
    files: Vec<File>,
    paths: BTreeMap<PathBuf, Handle>,
}

impl Files {
    /// The file at a path, which is made if there is none.
    pub fn create(&mut self, path: &Path) -> Handle {
        if let Some(&handle) = self.paths.get(path) {
            return handle;
        }
        self.writes += 1;
        self.files.push(File { bytes: Vec::new(), readable: true, modified: self.writes });
        self.paths.insert(path.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }

    pub fn append(&mut self, file: Handle, bytes: &[u8]) {
        self.writes += 1;
        self.files[file].modified = self.writes;
        self.files[file].bytes.extend_from_slice(bytes);
    }

    pub fn rename(&mut self, from: &Path, to: &Path) {
        if let Some(file) = self.paths.remove(from) {
            self.paths.insert(to.to_owned(), file);
        }
    }

    /// As logrotate's copytruncate.
    pub fn copy_and_truncate(&mut self, from: &Path, to: &Path) {
        let Some(&file) = self.paths.get(from) else { return };
        let bytes = std::mem::take(&mut self.files[file].bytes);
        self.paths.remove(to);
        let copy = self.create(to);
        self.files[copy].bytes = bytes;
    }

    pub fn set_readable(&mut self, path: &Path, readable: bool) {
        if let Some(&file) = self.paths.get(path) {
            self.files[file].readable = readable;
        }
    }

    pub fn at(&self, path: &Path) -> Option<Handle> {
        self.paths.get(path).copied()
    }

    pub fn is_readable(&self, file: Handle) -> bool {
        self.files[file].readable
    }

    pub fn size(&self, file: Handle) -> u64 {
        self.files[file].bytes.len() as u64
    }

    pub fn open(&self, path: &Path) -> io::Result<Handle> {
        let file = self.at(path).ok_or(ErrorKind::NotFound)?;
        if self.files[file].readable { Ok(file) } else { Err(ErrorKind::PermissionDenied.into()) }
    }

    pub fn status(&self, file: Handle) -> Status {
        Status {
            id: (1, file as u64),
            size: self.size(file),
            owner: 0,
            is_file: true,
            modified: self.files[file].modified,
        }
    }

    pub fn read_at(&self, file: Handle, offset: u64, buffer: &mut [u8]) -> usize {
        let bytes = self.files[file].bytes.get(offset as usize..).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        count
    }

    pub fn list(&self) -> Vec<PathBuf> {
        self.paths.keys().cloned().collect()
    }
}
