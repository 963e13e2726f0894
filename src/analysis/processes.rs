//! The pgbouncer processes that write into the log, and when one of them is over without saying so.

use super::traffic::StatsPeriod;
use crate::kept;
use crate::limits::{PROCESSES, SILENT_PERIODS};
use crate::pgbouncer::parser::log_of;

#[derive(Debug, Clone, Copy)]
struct Process {
    pid: u32,
    last_line: i64,
    last_stats: Option<i64>,
    /// It has said that it is up, and not only what `pgbouncer -d` says before it goes on under another pid.
    is_up: bool,
    /// When another process came up.
    other_up: Option<i64>,
}

kept!(Process { pid, last_line, last_stats, is_up, other_up });

/// The processes, the newest of at most [`PROCESSES`].
#[derive(Debug, Default)]
pub(super) struct Processes {
    known: Vec<Process>,
    /// Where in `known` the last record's process is: most records have the pid of the one before.
    last: usize,
}

kept!(Processes { known, last });

impl Processes {
    /// A process wrote a record at `at`, in milliseconds.
    #[inline]
    pub(super) fn wrote(&mut self, pid: u32, at: i64) {
        if let Some(process) = self.known.get_mut(self.last)
            && process.pid == pid
        {
            process.last_line = at;
            return;
        }
        let place = self.place(pid, at);
        self.known[place].last_line = at;
        self.last = place;
    }

    /// The process of the last record wrote stats.
    pub(super) fn wrote_stats(&mut self, pid: u32, at: i64, period: &mut StatsPeriod) {
        let place = self.place(pid, at);
        let process = &mut self.known[place];
        if let Some(before) = process.last_stats.replace(at) {
            period.learn(at - before);
        }
    }

    /// A process says that it is up.
    pub(super) fn up(&mut self, pid: u32, at: i64) {
        let place = self.place(pid, at);
        self.known[place] = Process { pid, last_line: at, last_stats: None, is_up: true, other_up: None };
        for other in &mut self.known {
            if other.pid != pid && log_of(other.pid) == log_of(pid) {
                other.other_up = Some(at);
            }
        }
    }

    /// A process is over.
    pub(super) fn over(&mut self, pid: u32) {
        self.known.retain(|process| process.pid != pid);
        self.last = 0;
    }

    /// A process that has written nothing for some stats periods since another came up.
    pub(super) fn silent(&self, now: i64, period: i64) -> Option<u32> {
        let silent = |process: &&Process| {
            let since = process.other_up.map(|up| up.max(process.last_line));
            since.is_some_and(|since| now - since > SILENT_PERIODS * period)
        };
        self.known.iter().find(silent).map(|process| process.pid)
    }

    /// Whether a process of the same log is known that is up, or has written stats.
    pub(super) fn any_alive(&self, pid: u32) -> bool {
        let own = self.known.iter().filter(|process| log_of(process.pid) == log_of(pid));
        own.into_iter().any(|process| process.is_up || process.last_stats.is_some())
    }

    /// The clock was set forward by so many milliseconds.
    pub(super) fn shift(&mut self, by: i64) {
        for process in &mut self.known {
            process.last_line += by;
            process.last_stats = process.last_stats.map(|at| at + by);
            process.other_up = process.other_up.map(|at| at + by);
        }
    }

    fn place(&mut self, pid: u32, at: i64) -> usize {
        if let Some(place) = self.known.iter().position(|process| process.pid == pid) {
            return place;
        }
        if self.known.len() == PROCESSES {
            let oldest = self.known.iter().enumerate().min_by_key(|(_, process)| process.last_line);
            self.known.swap_remove(oldest.map_or(0, |(place, _)| place));
        }
        self.known.push(Process { pid, last_line: at, last_stats: None, is_up: false, other_up: None });
        self.known.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stats_period_is_learned_by_process() {
        let (mut processes, mut period) = (Processes::default(), StatsPeriod::default());
        for at in [0, 5000, 10_000] {
            processes.wrote_stats(1, at, &mut period);
            processes.wrote_stats(2, at + 100, &mut period);
        }
        assert_eq!(period.milliseconds(), 5000);
    }

    #[test]
    fn a_process_is_silent_only_after_another_came_up() {
        let mut processes = Processes::default();
        processes.wrote(1, 0);
        assert_eq!(processes.silent(1_000_000, 1000), None);
        processes.up(2, 1_000_000);
        assert_eq!(processes.silent(1_003_000, 1000), None);
        assert_eq!(processes.silent(1_003_001, 1000), Some(1));
        processes.wrote(1, 1_003_001);
        assert_eq!(processes.silent(1_005_000, 1000), None);
        processes.over(1);
        assert_eq!(processes.silent(9_000_000, 1000), None);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut processes = Processes::default();
        for pid in 0..1000 {
            processes.wrote(pid, i64::from(pid));
        }
        assert_eq!(processes.known.len(), PROCESSES);
        assert!(processes.known.iter().any(|process| process.pid == 999));
    }

    /// Who was silent for so long before the clock was set is so behind it, and the stats have the period that they had.
    #[test]
    fn a_clock_that_is_set_moves_all_that_is_known() {
        for by in [3_600_000, -500_000] {
            let (mut processes, mut period) = (Processes::default(), StatsPeriod::default());
            processes.wrote_stats(1, 1_000_000, &mut period);
            processes.up(2, 1_001_000);
            processes.wrote(1, 1_001_500);
            processes.shift(by);
            assert_eq!(processes.silent(1_004_500 + by, 1000), None);
            assert_eq!(processes.silent(1_004_501 + by, 1000), Some(1));
            for at in [1_005_000, 1_010_000] {
                processes.wrote_stats(1, at + by, &mut period);
            }
            assert_eq!(period.milliseconds(), 5000);
            // The one that came up is that late as well.
            processes.up(3, 2_000_000 + by);
            processes.shift(1000);
            assert_eq!(processes.silent(2_004_000 + by, 1000), None);
            assert!(processes.silent(2_004_001 + by, 1000).is_some());
        }
    }
}
