//! A line between its reading and its taking.

use super::figures::Sort;
use crate::pgbouncer::record::{Record, Stamp};

/// A line that was read, and is not taken yet.
#[derive(Debug, Clone, Copy)]
pub struct Read<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) sort: Sort,
    /// What it says; of an unfinished line only the time counts.
    pub(super) record: Option<Record<'a>>,
}

impl<'a> Read<'a> {
    pub(super) fn nothing(bytes: &'a [u8], sort: Sort) -> Self {
        Self { bytes, sort, record: None }
    }

    /// Its time, if it is a record.
    pub fn stamp(&self) -> Option<Stamp> {
        self.record.as_ref().map(|record| record.stamp)
    }
}
