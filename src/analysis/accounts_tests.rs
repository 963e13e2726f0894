use super::super::summary::{Open, OpenState};
use super::*;
use crate::pgbouncer::parser::Parser;
use crate::pgbouncer::record::{Address, Stamp, Zone};
use crate::pgbouncer::usual_attempt::blank_behind;
use crate::words::{WINDOW, Window};

fn attempt<'a>(user: &'a [u8], host: &'a [u8]) -> LoginAttempt<'a> {
    let address = Address { host, port: 1 };
    LoginAttempt {
        database: b"app",
        user,
        address,
        prefix: b"",
        hopeless: false,
        is_plain: true,
        tls: None,
        replication: false,
    }
}

fn moment(sequence: u64) -> Moment {
    Moment { sequence, stamp: Stamp { millis: sequence.cast_signed() * 1000, zone: Zone::Unknown } }
}

const LOGIN: Outcome<'_> = Outcome::Login { assumed: false };
const FAILED: Outcome<'_> = Outcome::Failed { reason: b"no such user" };

#[test]
fn counts_by_address_database_and_reason() {
    let mut accounts = Accounts::new(std::iter::empty());
    let (first, _) = accounts.attempt(&attempt(b"web", b"10.0.0.1"));
    let (second, _) = accounts.attempt(&attempt(b"web", b"10.0.0.2"));
    let (open, _) = accounts.attempt(&attempt(b"web", b"10.0.0.2"));
    accounts.decide(second, moment(1), &FAILED);
    accounts.decide(first, moment(0), &LOGIN);
    let open = Open { ticket: open, moment: moment(2), state: OpenState::Pending };
    let summary = accounts.summary([open].into_iter());
    assert_eq!(summary.total, Tally { attempts: 3, logins: 2, failed: 1, pending: 1, ..Tally::default() });
    let web = &summary.accounts[0];
    assert_eq!((web.first, web.last), (Some(moment(0).stamp), Some(moment(2).stamp)));
    let row = |logins, failed| Row { logins, failed };
    assert_eq!(web.from.rows(), [(&b"10.0.0.2"[..], row(1, 1)), (b"10.0.0.1", row(1, 0))]);
    assert_eq!(web.databases.rows(), [(&b"app"[..], row(2, 1))]);
    // Tests compare summaries by this.
    assert_eq!(
        format!("{:?}", web.databases),
        format!("Breakdown {{ rows: {:?}, others: {:?} }}", web.databases.rows(), row(0, 0))
    );
    assert_eq!(web.reasons.rows(), [(&b"no such user"[..], row(0, 1))]);
    // Without the open one everything is as if it had never come but for the attempt itself.
    let without = accounts.summary(std::iter::empty());
    assert_eq!(without.accounts[0].last, Some(moment(0).stamp));
    assert_eq!(without.accounts[0].from.rows()[1], (&b"10.0.0.2"[..], row(0, 1)));
}

#[test]
fn a_full_table_counts_among_the_others_and_keeps_the_watched_ones_place() {
    let mut accounts = Accounts::new([&b"late"[..]].into_iter());
    for number in 0..2 * ACCOUNTS {
        let user = format!("user{number}");
        let (ticket, watched) = accounts.attempt(&attempt(user.as_bytes(), b"10.0.0.1"));
        assert!(!watched);
        accounts.decide(ticket, moment(number as u64), &FAILED);
    }
    let (ticket, watched) = accounts.attempt(&attempt(b"late", b"10.0.0.1"));
    assert!(watched);
    accounts.decide(ticket, moment(9999), &LOGIN);
    let summary = accounts.summary(std::iter::empty());
    assert_eq!(summary.accounts[0].user, b"late");
    assert_eq!(summary.accounts.len(), ACCOUNTS - ACCOUNTS_RESERVED + 1);
    let others = 2 * ACCOUNTS - (ACCOUNTS - ACCOUNTS_RESERVED);
    assert_eq!((summary.others.attempts as usize, summary.others.failed as usize), (others, others));
    assert_eq!(summary.total.failed as usize, 2 * ACCOUNTS);
    assert_eq!(summary.total.logins, 1);
}

#[test]
fn a_flood_of_addresses_is_counted_among_the_accounts_others() {
    let mut accounts = Accounts::new(std::iter::empty());
    let flood = u64::from(PAIRS_PER_ACCOUNT) + 500;
    for number in 0..flood {
        let host = format!("10.{}.{}.1", number / 256, number % 256);
        let (ticket, _) = accounts.attempt(&attempt(b"web", host.as_bytes()));
        accounts.decide(ticket, moment(number), &LOGIN);
    }
    let summary = accounts.summary(std::iter::empty());
    assert_eq!(summary.accounts[0].from.rows().len(), PAIRS_PER_ACCOUNT as usize);
    assert_eq!(summary.accounts[0].from.others, Row { logins: 500, failed: 0 });
    assert_eq!(summary.accounts[0].databases.rows()[0].1.logins, flood);
}

#[test]
fn a_new_period_begins_with_nothing_but_the_watched_names() {
    let mut accounts = Accounts::new([&b"web"[..]].into_iter());
    let (ticket, _) = accounts.attempt(&attempt(b"web", b"10.0.0.1"));
    accounts.decide(ticket, moment(0), &LOGIN);
    let mut accounts = accounts.successor();
    let summary = accounts.summary(std::iter::empty());
    assert!(summary.accounts.is_empty() && (summary.total, summary.others) == (Tally::default(), Tally::default()));
    drop(summary);
    assert!(accounts.attempt(&attempt(b"web", b"10.0.0.1")).1);
}

/// It no longer takes a place from those that nobody watches.
#[test]
fn an_account_that_becomes_a_watched_one_leaves_its_place_to_another() {
    let mut accounts = Accounts::new(std::iter::empty());
    for number in 0..=ACCOUNTS - ACCOUNTS_RESERVED {
        accounts.attempt(&attempt(format!("user{number}").as_bytes(), b"10.0.0.1"));
    }
    assert_eq!(accounts.summary(std::iter::empty()).others.attempts, 1, "there is no place left");
    accounts.watch(b"user0");
    accounts.watch(b"user0");
    accounts.attempt(&attempt(b"late", b"10.0.0.1"));
    accounts.attempt(&attempt(b"later", b"10.0.0.1"));
    assert_eq!(accounts.summary(std::iter::empty()).others.attempts, 2, "for one of them there is");
}

#[test]
fn a_quarter_of_the_counters_is_for_the_watched_ones() {
    let mut accounts = Accounts::new([&b"late"[..]].into_iter());
    let flood = |accounts: &mut Accounts, user: &str| {
        for number in 0..u32::from(u8::MAX) * 4 {
            let host = format!("10.{}.{}.1", number / 256, number % 256);
            let (ticket, _) = accounts.attempt(&attempt(user.as_bytes(), host.as_bytes()));
            accounts.decide(ticket, moment(number.into()), &LOGIN);
        }
    };
    (0..20).for_each(|user| flood(&mut accounts, &format!("user{user}")));
    let summary = accounts.summary(std::iter::empty());
    let rows: usize = summary.accounts.iter().map(|one| one.from.rows().len() + one.databases.rows().len()).sum();
    assert_eq!(rows, PAIRS / 4 * 3);
    drop(summary);
    flood(&mut accounts, "late");
    let summary = accounts.summary(std::iter::empty());
    let late = summary.accounts.iter().find(|one| one.user == b"late").expect("it came");
    assert_eq!(late.from.rows().len(), 4 * usize::from(u8::MAX));
}

/// `(nodb)/U` is open until its closing says why: it counts as failed wherever it will, but under no reason yet.
#[test]
fn an_open_attempt_that_cannot_succeed_is_failed_everywhere() {
    let mut accounts = Accounts::new(std::iter::empty());
    let (known, _) = accounts.attempt(&attempt(b"web", b"10.0.0.1"));
    let (failed, _) = accounts.attempt(&attempt(b"web", b"10.0.0.1"));
    accounts.decide(failed, moment(1), &FAILED);
    let nowhere = Ticket::new(known.account(), OTHERS, OTHERS);
    let nobody = Ticket::new(OTHERS, OTHERS, OTHERS);
    let open = |ticket, state| Open { ticket, moment: moment(9), state };
    let all = [
        open(known, OpenState::Hopeless),
        open(known, OpenState::Hopeless),
        open(nowhere, OpenState::Hopeless),
        open(nowhere, OpenState::Hopeless),
        open(nowhere, OpenState::Assumed),
        open(nobody, OpenState::Hopeless),
    ];
    let summary = accounts.summary(all.into_iter());
    let web = &summary.accounts[0];
    let row = |logins, failed| Row { logins, failed };
    assert_eq!(web.from.rows(), [(&b"10.0.0.1"[..], row(0, 3))]);
    assert_eq!((web.from.others, web.databases.others), (row(1, 2), row(1, 2)));
    assert_eq!((web.reasons.others, web.reasons.rows().len()), (row(0, 4), 1));
    assert_eq!((web.tally.failed, web.tally.logins, web.last), (5, 1, Some(moment(9).stamp)));
    assert_eq!((summary.others.failed, summary.total.failed), (1, 6));
}

/// Each number that points somewhere, as it cannot have been written; and what can be has room for all and is found.
#[test]
fn accounts_that_cannot_have_been_written_are_not_sound() {
    let read_back = |change: fn(&mut Accounts)| {
        let mut accounts = Accounts::new([&b"web"[..]].into_iter());
        accounts.attempt(&attempt(b"batch", b"10.0.0.1"));
        // As it comes from a state file: without what finds the rest.
        (accounts.by_name, accounts.pair_index, accounts.unwatched) = (Vec::new(), Index::new(PAIRS), 0);
        accounts.accounts.shrink_to_fit();
        accounts.pairs.shrink_to_fit();
        change(&mut accounts);
        accounts.find_all().then_some(accounts)
    };
    let names = |accounts: &Accounts| accounts.names.len() as u32;
    let mut sound = read_back(|_| {}).expect("as it was written");
    assert_eq!((sound.accounts.capacity(), sound.pairs.capacity()), (ACCOUNTS, PAIRS));
    let (ticket, _) = sound.attempt(&attempt(b"batch", b"10.0.0.1"));
    assert_eq!((ticket.account(), sound.accounts.len(), sound.pairs.len(), sound.unwatched), (1, 2, 2, 1));
    assert!(read_back(|accounts| accounts.pairs[1].item = NameId(accounts.names.len() as u32 - 1)).is_some());
    assert!(read_back(|accounts| accounts.pairs[0].account = 1).is_some());
    for change in [
        |accounts: &mut Accounts| accounts.accounts[1].user = NameId(accounts.names.len() as u32),
        |accounts: &mut Accounts| accounts.pairs[0].item = NameId(accounts.names.len() as u32),
        |accounts: &mut Accounts| accounts.pairs[1].account = 2,
    ] {
        assert!(read_back(change).is_none(), "{} names", names(&sound));
    }
    let pair =
        |number: usize| Pair { account: 0, kind: Kind::Address, item: NameId(number as u32 % 2), row: Row::default() };
    for (count, is_sound) in [(PAIRS, true), (PAIRS + 1, false)] {
        let mut many = Accounts::new([&b"web"[..], b"batch"].into_iter());
        (many.pair_index, many.pairs) = (Index::new(count), (0..count).map(pair).collect());
        assert_eq!(many.find_all(), is_sound, "{count} pairs");
    }
}

/// What is not counted by itself took a name from the table, and one who is watched later must not be told to count among the
/// others for ever.
#[test]
fn what_has_no_room_takes_no_name_and_is_asked_again_once_it_is_watched() {
    let line = b"2026-11-22 05:10:05.550 UTC [1] LOG C-0x55d0a1b2c000: app/web@10.0.0.7:5 login attempt: db=app user=web tls=no";
    let mut bytes = [b'~'; WINDOW];
    bytes[..line.len()].copy_from_slice(line);
    bytes[line.len()] = b'\n';
    let mut parser = Parser::new(0);
    let _ = parser.parse(line);
    let client = parser.usual_client(Window(&bytes)).expect("it begins as the one before");
    let blank = blank_behind(Window(&bytes), client.who).expect("it has an address");
    let usual = parser.usual_attempt(&client, blank).expect("it is an attempt");

    let mut accounts = Accounts::new(std::iter::empty());
    for number in 0..PAIRS {
        let (user, host) = (format!("user{}", number / 1000), format!("10.1.{}.{}", number / 250 % 4, number % 250));
        accounts.attempt(&attempt(user.as_bytes(), host.as_bytes()));
    }
    let (known, _) = accounts.attempt(&attempt(b"web", b"10.0.0.7"));
    let names = accounts.names.len();
    assert_eq!((known.from, accounts.attempt_again(known, usual).from), (OTHERS, OTHERS));
    assert_eq!(accounts.hosts.get(known.account(), usual.host), Some(OTHERS), "it is remembered");
    accounts.attempt(&attempt(b"web", b"10.9.9.9"));
    assert_eq!(accounts.names.len(), names);
    accounts.watch(b"web");
    assert_ne!(accounts.attempt_again(known, usual).from, OTHERS);
}

/// The names of ten thousand accounts without room were in the table, and no new address of those that have some.
#[test]
fn an_account_without_room_takes_no_name_either() {
    let mut accounts = Accounts::new([&b"watched"[..]].into_iter());
    for number in 0..ACCOUNTS - ACCOUNTS_RESERVED {
        accounts.attempt(&attempt(format!("user{number}").as_bytes(), b"10.0.0.7"));
    }
    let names = accounts.names.len();
    for number in 0..100 {
        let (ticket, _) = accounts.attempt(&attempt(format!("another{number}").as_bytes(), b"10.0.0.7"));
        assert_eq!(ticket.account(), OTHERS);
    }
    assert_eq!((accounts.names.len(), accounts.others.attempts), (names, 100));
    accounts.watch(b"another7");
    assert_ne!(accounts.attempt(&attempt(b"another7", b"10.0.0.7")).0.account(), OTHERS);
}
