//! What the lives of pgbouncer's processes mean for the sessions: a process comes up, listens, reloads, is over.

use super::accounts::Outcome;
use super::sessions::{Decide, Sessions, conclude};
use super::takeover::Takeover;
use crate::limits::PROCESSES;
use crate::pgbouncer::record::Version;

impl Sessions {
    /// The servers may have to be connected anew, and the settings may be others.
    pub(super) fn reloaded(&mut self, decide: Decide<'_>) {
        // `log_disconnections` may be another from now on.
        self.decide_left_early(decide);
        self.proven.clear();
        self.reloads = self.reloads.wrapping_add(1);
    }

    /// A process says on which TCP port it listens.
    pub(super) fn listens(&mut self, port: u16) {
        if !self.listening.contains(&port) {
            self.listening.truncate(PROCESSES - 1);
            self.listening.insert(0, port);
        }
    }

    /// A process says that it is up, and which version it is.
    pub(super) fn process_up(&mut self, pid: u32, version: Version, at: i64, decide: Decide<'_>) {
        self.version = Some(version);
        self.looks_before_1_15 = false;
        self.reloaded(decide);
        if let Takeover::Taken(_) = self.takeover {
            self.taken_over(pid);
        }
        if self.takeover == Takeover::Done(pid) {
            self.takeover = Takeover::None;
        } else {
            self.process_over(pid, decide);
        }
        self.processes.up(pid, at);
    }

    /// What is open in a process that is over is decided for good.
    pub(super) fn process_over(&mut self, pid: u32, decide: Decide<'_>) {
        self.processes.over(pid);
        let mut next = self.table.next(None);
        while let Some(number) = next {
            next = self.table.next(next);
            if self.table.get(number).key().pid == pid {
                let session = self.table.take(number);
                conclude(&session, Outcome::Login { assumed: true }, decide);
            }
        }
    }
}
