//! Online restart (`-R`): a new process takes over the old one's clients.
//!
//! It writes an attempt for each of them, all between `SUSPEND finished, sending SHOW FDS` and `SHOW FDS finished`,
//! and may then go on under another pid with the same pointers. None of these is a login; the sessions live on, and
//! that they were handed over proves them.

use super::session_table::Key;
use super::sessions::{Origin, Sessions};
use crate::kept::{Kept, Reader, Writer};

/// An online restart, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takeover {
    None,
    /// The new process is writing an attempt for each client that it takes over.
    Taking(u32),
    /// It has them all, and may go on under another pid.
    Taken(u32),
    /// It goes on under this pid, and will say that it is up.
    Done(u32),
}

impl Kept for Takeover {
    fn save(&self, to: &mut Writer) {
        let (step, pid) = match self {
            Self::None => (0, 0),
            Self::Taking(pid) => (1, *pid),
            Self::Taken(pid) => (2, *pid),
            Self::Done(pid) => (3, *pid),
        };
        (step, pid).save(to);
    }

    fn load(from: &mut Reader<'_>) -> Self {
        match <(u8, u32)>::load(from) {
            (1, pid) => Self::Taking(pid),
            (2, pid) => Self::Taken(pid),
            (3, pid) => Self::Done(pid),
            (step, _) => {
                from.check(step == 0);
                Self::None
            }
        }
    }
}

impl Sessions {
    /// Finds the session of a client that the new process takes over, and gives it its new key.
    pub(super) fn hand_over(&mut self, origin: &Origin<'_>, prefix: &[u8]) {
        let Some(socket) = origin.socket else { return };
        let key = Key { pid: origin.pid, pointer: socket.pointer };
        let mut next = self.table.next(None);
        while let Some(number) = next {
            let session = self.table.get(number);
            let same = session.prefix.length() == prefix.len() && session.prefix.begins(prefix, &self.hasher);
            if same && session.key().pid != key.pid {
                self.table.get_mut(number).proven = true;
                self.table.rename(number, key);
                return;
            }
            next = self.table.next(next);
        }
    }

    /// The process that took over goes on under this pid.
    pub(super) fn taken_over(&mut self, pid: u32) {
        let Takeover::Taken(before) = self.takeover else { return };
        self.takeover = Takeover::Done(pid);
        let mut next = self.table.next(None);
        while let Some(number) = next {
            let key = self.table.get(number).key();
            if key.pid == before && before != pid {
                self.table.rename(number, Key { pid, pointer: key.pointer });
            }
            next = self.table.next(next);
        }
    }
}
