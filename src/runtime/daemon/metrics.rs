//! The file for Prometheus: written whole every 15 seconds, and at once with whatever is told.

use std::path::{Path, PathBuf};

use super::Daemon;
use crate::limits::PROMETHEUS_MS;
use crate::report::prometheus::{self, Counters, Program};
use crate::runtime::world::{Output, World};

/// Where the figures are written to, and when next.
#[derive(Debug)]
pub(super) struct Metrics {
    path: PathBuf,
    /// Not before this time, in milliseconds of the clock that nobody sets.
    until: i64,
    counters: Counters,
    is_failing: bool,
}

impl Metrics {
    fn new(path: PathBuf, counters: Counters) -> Self {
        Self { path, until: i64::MIN, counters, is_failing: false }
    }

    /// Writes; returns what is to be said of it.
    fn write(&mut self, world: &mut impl World, text: &str) -> Option<String> {
        let result = world.publish(&self.path, text.as_bytes());
        self.until = world.elapsed() + PROMETHEUS_MS;
        let was_failing = std::mem::replace(&mut self.is_failing, result.is_err());
        let path = self.path.display();
        match result {
            Err(error) if !was_failing => Some(format!("{path}: {error}; the figures for Prometheus are not written")),
            Ok(()) if was_failing => Some(format!("{path}: the figures for Prometheus are written again")),
            _ => None,
        }
    }
}

impl<F> Daemon<F> {
    /// Writes the file from now on, if one is configured. Where the run goes on, its counters go on from what was told.
    pub(super) fn begin_metrics(&mut self, world: &mut impl World<File = F>, goes_on: bool) {
        self.metrics = self.config.prometheus_file.clone().map(|path| {
            let told = if goes_on { world.read_text(&path).ok() } else { None };
            Metrics::new(path, told.map_or_else(Counters::default, |text| Counters::read(&text)))
        });
    }

    /// The configuration was read again.
    pub(super) fn move_metrics(&mut self, world: &mut impl World<File = F>, old: Option<&Path>) {
        if old == self.config.prometheus_file.as_deref() {
            return;
        }
        if let Some(old) = old {
            let text = format!("loganalyzer: {}: it is not written any more; remove it\n", old.display());
            world.print(Output::Error, &text);
        }
        let counters = self.metrics.take().map(|metrics| metrics.counters).unwrap_or_default();
        self.metrics = self.config.prometheus_file.clone().map(|path| Metrics::new(path, counters));
    }

    /// Something was told: whoever reads the file is to know of it as well.
    pub(super) fn hurry_metrics(&mut self) {
        if let Some(metrics) = &mut self.metrics {
            metrics.until = i64::MIN;
        }
    }

    /// Writes the file, if it is time.
    pub(super) fn write_metrics(&mut self, world: &mut impl World<File = F>) {
        let Some(metrics) = &mut self.metrics else { return };
        if world.elapsed() < metrics.until {
            return;
        }
        let (waiting, mails) = (self.post.waiting() as u64, self.post.mails());
        let (version, start, now) = (env!("CARGO_PKG_VERSION"), self.start, world.now());
        let program = Program { version, start, now, waiting, mails };
        let text = prometheus::write(&self.analyzer, &program, &mut metrics.counters);
        if let Some(said) = metrics.write(world, &text) {
            world.print(Output::Error, &format!("loganalyzer: {said}\n"));
        }
    }
}
