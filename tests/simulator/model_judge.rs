//! What the model says must be told at a tick.

use super::*;

impl Model {
    pub(super) fn judge(&mut self, view: &View<'_>) -> Vec<Told> {
        let now = view.clock.now;
        for place in 0..self.sessions.len() {
            let Known { session, time, fate, counted, .. } = self.sessions[place];
            let open = matches!(fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[session].hopeless;
            if open && !counted && !self.is_foreseen(session, view) && now - time >= ASSUMED {
                self.sessions[place].counted = true;
                self.came_back(place, view);
            }
        }
        let period = view.bouncer.period;
        let mut told = Vec::new();
        if let Some((at, since)) = self.heart.judge(now, period) {
            self.spoke = at;
            if self.heart.told.take().is_some() {
                told.push(("pgbouncer".to_owned(), "recovered".to_owned(), (at - since) / MINUTE));
            }
        }
        let doubt = self.heart.is_in_doubt(now, period);
        let mut any_open = false;
        for place in 0..self.states.len() {
            any_open |= self.judge_entry(place, doubt, view, &mut told);
        }
        if let Some((verdict, since)) = self.heart.outage.filter(|_| any_open && self.heart.told.is_none()) {
            self.heart.told = self.heart.outage;
            // That it has exited is told without a length.
            let minutes = if verdict == "pgbouncer down" { 0 } else { (now - since) / MINUTE };
            told.push(("pgbouncer".to_owned(), verdict.to_owned(), minutes));
        }
        self.forget(view);
        told
    }

    /// Whether its window is open.
    pub(super) fn judge_entry(&mut self, place: usize, doubt: bool, view: &View<'_>, told: &mut Vec<Told>) -> bool {
        let (now, zone) = (view.clock.now, self.zone.clone());
        let mut state = self.states[place].clone();
        if let Some((_, time)) = state.returned.take()
            && let Some(since) = state.outage.take()
        {
            told.push((state.entry.name.clone(), "recovered".to_owned(), (time - since) / MINUTE));
            state.alerted = None;
        }
        let opening = state.opening(view.clock.wall(), &zone);
        if state.opened.map(|(opening, _)| opening) != opening {
            state.opened = opening.map(|opening| (opening, opened_at(opening, view.clock, self.step_seen)));
        }
        let since = |opened: i64| {
            let login = self.last_login(&state.entry, view).map_or(NEVER, |(_, time)| time);
            login.max(state.start).max(opened).max(self.spoke)
        };
        let limit = state.entry.minutes * MINUTE;
        let mut due = state.due;
        if let Some((opening, opened)) = state.opened
            && due.is_none()
            && state.alerted != Some(opening)
            && now - since(opened) > limit
        {
            due = Some((opening, opened));
        }
        if let Some((opening, opened)) = due {
            let overdue = now - since(opened) - limit;
            let held = self.is_pending(&state.entry, view) && overdue <= ASSUMED;
            if overdue <= 0 {
                due = None;
            } else if !doubt && !held {
                let verdict = if self.has_failed(&state, opening, view) { "failing" } else { "silent" };
                told.push((state.entry.name.clone(), verdict.to_owned(), (now - since(opened)) / MINUTE));
                state.outage = state.outage.or(Some(since(opened)));
                state.alerted = Some(opening);
                due = None;
            }
        }
        state.due = due;
        let open = opening.is_some();
        self.states[place] = state;
        open
    }

    /// A line about this session's socket is there, and not taken yet.
    pub(super) fn is_foreseen(&self, session: usize, view: &View<'_>) -> bool {
        let key = |session: usize| (view.bouncer.sessions[session].pid, view.bouncer.sessions[session].pointer);
        match self.pending_line.map(|line| view.bouncer.lines[line].what) {
            Some(What::Closing(other, _) | What::Attempt(other)) => key(other) == key(session),
            _ => false,
        }
    }

    pub(super) fn of<'a>(&'a self, entry: &'a Entry, view: &'a View<'_>) -> impl DoubleEndedIterator<Item = &'a Known> {
        self.sessions.iter().filter(move |known| {
            let session = &view.bouncer.sessions[known.session];
            entry.matches(&session.user, &session.database)
        })
    }

    pub(super) fn last_login(&self, entry: &Entry, view: &View<'_>) -> Option<(usize, i64)> {
        let login = |known: &&Known| {
            let open = matches!(known.fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[known.session].hopeless;
            let old =
                view.clock.now - known.time >= ASSUMED && (known.counted || !self.is_foreseen(known.session, view));
            known.fate == Fate::Login || open && old
        };
        self.of(entry, view).rfind(login).map(|known| (known.session, known.time))
    }

    pub(super) fn is_pending(&self, entry: &Entry, view: &View<'_>) -> bool {
        let young = |known: &Known| {
            let open = matches!(known.fate, Fate::Open | Fate::Left) && !view.bouncer.sessions[known.session].hopeless;
            let waits = !known.counted && self.is_foreseen(known.session, view);
            open && (view.clock.now - known.time < ASSUMED || waits)
        };
        let line = self.pending_line.map(|line| view.bouncer.lines[line].what);
        let foreseen = match line {
            Some(What::Attempt(session)) => {
                let session = &view.bouncer.sessions[session];
                entry.matches(&session.user, &session.database)
            }
            _ => false,
        };
        foreseen || self.of(entry, view).any(young)
    }

    /// Whether an attempt has failed since the last login, in the window of this opening.
    pub(super) fn has_failed(&self, state: &State, opening: i64, view: &View<'_>) -> bool {
        let last = self.last_login(&state.entry, view).map(|(session, _)| session);
        let mut state = state.clone();
        self.of(&state.entry.clone(), view).any(|known| {
            known.fate == Fate::Failed
                && last.is_none_or(|last| known.session > last)
                && known.time >= self.spoke
                && known.time >= state.start
                && known.decided.1 >= state.window_since
                && state.opening(known.decided.0, &self.zone) == Some(opening)
        })
    }

    /// Forgets what can matter no more, so that a long run stays quick.
    pub(super) fn forget(&mut self, view: &View<'_>) {
        if self.sessions.len() > 400 {
            let failed: Vec<usize> =
                self.sessions.iter().filter(|known| known.fate == Fate::Failed).map(|known| known.session).collect();
            let many = failed.len().saturating_sub(200);
            // What is assumed may be taken back, so the last one that is decided matters.
            let decided = |state: &State| {
                let last = self.of(&state.entry, view).rfind(|known| known.fate == Fate::Login);
                last.map(|known| known.session)
            };
            let last: Vec<Option<usize>> = self.states.iter().map(decided).collect();
            let matters = |known: &Known| {
                let session = &view.bouncer.sessions[known.session];
                known.fate == Fate::Open
                    || known.fate == Fate::Left
                    || (known.fate == Fate::Login || failed[many..].contains(&known.session))
                        && self.states.iter().zip(&last).any(|(state, last)| {
                            state.entry.matches(&session.user, &session.database)
                                && last.is_none_or(|last| known.session >= last)
                        })
            };
            let keep: Vec<bool> = self.sessions.iter().map(matters).collect();
            let mut keep = keep.into_iter();
            self.sessions.retain(|_| keep.next().unwrap_or(true));
        }
    }
}
