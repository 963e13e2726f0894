//! What is settled of the accounts, for counters that others read and that may never fall: attempts, and the outcomes of
//! those that are decided or have lived on for so long that they are taken for logins.

use super::accounts::{Kind, Tally};
use super::analyzer::Analyzer;
use super::figures::Tickets;
use super::sessions;
use super::summary::OpenState;
use super::tally::Moment;

/// One account, or what did not fit the table of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled<'a> {
    /// Its name, as bytes; empty for the others.
    pub user: &'a [u8],
    /// Login attempts.
    pub attempts: u64,
    /// Logins.
    pub logins: u64,
    /// Failed attempts.
    pub failed: u64,
    /// The last login, in milliseconds since 1970-01-01 UTC.
    pub last: Option<i64>,
    /// Why attempts failed, and how many did, in the order in which it happened first.
    pub reasons: Vec<(&'a [u8], u64)>,
}

/// What is open of an account and counts as a login.
#[derive(Clone, Copy, Default)]
struct Open {
    logins: u64,
    last: Option<Moment>,
}

impl Analyzer {
    /// The accounts of the run in the order in which they came, the others behind them.
    pub fn settled(&self, now: i64) -> Vec<Settled<'_>> {
        let accounts = &self.periods.run.accounts;
        let open = self.open_logins(now, accounts.accounts.len());
        let mut rows: Vec<Settled<'_>> = accounts
            .accounts
            .iter()
            .zip(&open)
            .map(|(account, open)| {
                let newest = account.last.into_iter().chain(open.last).max_by_key(|moment| moment.sequence);
                let user = accounts.names.get(account.user);
                let last = newest.map(|moment| self.zones.looked_back(moment.stamp, now));
                Settled { last, ..settled(user, &account.tally, open.logins) }
            })
            .collect();
        for pair in accounts.pairs.iter().filter(|pair| pair.place().1 == Kind::Reason) {
            rows[usize::from(pair.place().0)].reasons.push((accounts.names.get(pair.item), pair.row.failed));
        }
        let others = open.last().map_or(0, |others| others.logins);
        rows.push(settled(b"", &accounts.others, others));
        rows
    }

    /// Open attempts that are taken for logins, by account; those of the others are the last.
    fn open_logins(&self, now: i64, accounts: usize) -> Vec<Open> {
        let mut open = vec![Open::default(); accounts + 1];
        for session in self.sessions.undecided() {
            let Tickets { run: Some(ticket), .. } = session.tickets else { continue };
            if matches!(sessions::state(session, now), OpenState::Proven | OpenState::Assumed) {
                let own = &mut open[usize::from(ticket.account()).min(accounts)];
                own.logins += 1;
                own.last = own.last.into_iter().chain([session.moment]).max_by_key(|moment| moment.sequence);
            }
        }
        open
    }

    /// How many accounts did not fit the table, about.
    pub fn other_accounts(&self) -> u64 {
        self.periods.run.accounts.other_names.estimate()
    }
}

fn settled<'a>(user: &'a [u8], tally: &Tally, open: u64) -> Settled<'a> {
    let Tally { attempts, logins, failed, .. } = *tally;
    Settled { user, attempts, logins: logins + open, failed, last: None, reasons: Vec::new() }
}
