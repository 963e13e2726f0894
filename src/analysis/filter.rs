//! Which part of a log is counted: of a time, of an account, of a database.
//!
//! An attempt belongs to the time in which it came, and so does its outcome, whenever that shows: the log is read from its
//! beginning, so that what is open is known, and to its end. So the reports on the parts of a log add up to the one on all
//! of it. Stats are of all accounts and databases together.

use super::analyzer::Analyzer;
use super::watch::Entry;
use crate::pgbouncer::record::LoginAttempt;

/// What is asked for; `None` is all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only from this moment on, as whoever asked has written it.
    pub from: Option<String>,
    /// Only before the end of this one.
    pub to: Option<String>,
    /// Only this account.
    pub user: Option<Vec<u8>>,
    /// Only logins into this database.
    pub database: Option<Vec<u8>>,
}

impl Filter {
    /// Whether all is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether logins that are asked for can be those of a watched entry.
    pub fn wants_entry(&self, entry: &Entry) -> bool {
        let of_other = self.database.as_ref().zip(entry.database.as_ref()).is_some_and(|(wanted, own)| wanted != own);
        self.user.as_ref().is_none_or(|user| *user == entry.user) && !of_other
    }

    /// Whether an attempt is one that is asked for.
    pub(super) fn wants(&self, attempt: &LoginAttempt<'_>) -> bool {
        let is = |wanted: &Option<Vec<u8>>, found: &[u8]| wanted.as_ref().is_none_or(|wanted| wanted == found);
        is(&self.user, attempt.user) && is(&self.database, attempt.database)
    }

    /// Whether a client that was turned away is: `D/U@A ` stands before what the log says of it, and `(nodb)` or `(nouser)` is
    /// no name that anybody asks for.
    pub(super) fn wants_prefix(&self, prefix: &[u8]) -> bool {
        let user = self.user.as_ref().map(|user| [b"/", &user[..], b"@"].concat());
        let database = self.database.as_ref().map(|database| [&database[..], b"/"].concat());
        match (database, user) {
            (None, None) => true,
            (Some(database), None) => prefix.starts_with(&database),
            (None, Some(user)) => memchr::memmem::find(prefix, &user).is_some(),
            (Some(database), Some(user)) => prefix.starts_with(&[&database[..], &user[1..]].concat()),
        }
    }
}

impl Analyzer {
    /// Counts only what is asked for.
    pub fn filter(&mut self, filter: Filter) {
        self.periods.filter = Some(Box::new(filter));
    }

    /// What is asked for, where that is not all.
    pub fn filtered(&self) -> Option<&Filter> {
        self.periods.filter.as_deref().filter(|filter| !filter.is_empty())
    }

    /// Counting ends: what comes from now on only says what has become of the attempts that were counted.
    pub fn end_counting(&mut self) {
        self.repeats.clear();
        self.counted = self.period();
        self.periods.is_over = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_was_turned_away_is_asked_for_by_what_the_log_knows_of_it() {
        let filter = |user: Option<&str>, database: Option<&str>| {
            let bytes = |name: &str| name.as_bytes().to_vec();
            Filter { user: user.map(bytes), database: database.map(bytes), ..Filter::default() }
        };
        for (prefix, user, database, both) in [
            (&b"app/bob@10.0.0.7:1 "[..], true, true, true),
            (b"(nodb)/bob@10.0.0.7:1 ", true, false, false),
            (b"app/(nouser)@10.0.0.7:1 ", false, true, false),
            (b"(nodb)/(nouser)@10.0.0.7:1 ", false, false, false),
            (b"apple/bobby@10.0.0.7:1 ", false, false, false),
        ] {
            assert_eq!(filter(Some("bob"), None).wants_prefix(prefix), user);
            assert_eq!(filter(None, Some("app")).wants_prefix(prefix), database);
            assert_eq!(filter(Some("bob"), Some("app")).wants_prefix(prefix), both);
            assert!(filter(None, None).wants_prefix(prefix));
        }
    }
}
