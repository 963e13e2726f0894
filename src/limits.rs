//! Every bound of the program, in one place, each with its reason.
//!
//! A log is written by whoever can reach pgbouncer's port, so nothing in memory may grow with it. What does not fit
//! is counted in an "others" slot and said in the report.

/// Bytes read from a log at a time. Large enough that the system call is lost in the reading, small enough to stay
/// in the second-level cache.
pub const READ_SIZE: usize = 64 * 1024;

/// Longest line that is read, in bytes without its newline. pgbouncer cuts a message at 2,047 bytes; a syslog daemon
/// may write each of them as four (`#ooo`) behind a header of its own. Longer lines are counted as `tooLong`.
pub const LINE_MAX: usize = 16 * 1024;

/// Database names are shorter than this (pgbouncer: `MAX_DBNAME`, 64 bytes with the terminating zero).
pub const DATABASE_NAME_MAX: usize = 64;

/// User names are shorter than this (pgbouncer since 1.10: `MAX_USERNAME`, 128 bytes with the terminating zero).
pub const USER_NAME_MAX: usize = 128;

/// Longest address with its port: `[` + 45 bytes of IPv6 + `]:65535`, or `unix(` + a pid + `):65535`.
pub const ADDRESS_MAX: usize = 56;

/// Longest `D/U@A ` that stands before a client's message.
pub const SOCKET_PREFIX_MAX: usize = DATABASE_NAME_MAX + USER_NAME_MAX + ADDRESS_MAX + 1;

/// Accounts with an entry of their own. More than a thousand accounts on one pgbouncer is already an attack or a
/// directory service, and a report of more is read by nobody.
pub const ACCOUNTS: usize = 1024;

/// Of the accounts, those that are kept for watched names that have not been seen yet.
pub const ACCOUNTS_RESERVED: usize = WATCHED;

/// Different names (users, databases, addresses, reasons) that are remembered.
pub const NAMES: usize = 16 * 1024;

/// Bytes that all remembered names may take together.
pub const NAME_BYTES: usize = 512 * 1024;

/// Counters of (account, address), (account, database) and (account, reason) together.
pub const PAIRS: usize = 16 * 1024;

/// Of those, how many one account may take for its addresses; the rest of its addresses are its "others".
pub const PAIRS_PER_ACCOUNT: u32 = 1024;

/// Reasons of refused connections that are told apart.
pub const REFUSAL_REASONS: usize = 64;

/// Client sockets that may be open at once. pgbouncer's `max_client_conn` seldom exceeds 10,000 on one host.
pub const SESSIONS: usize = 16 * 1024;

/// (database, user) pools that are remembered as proven to welcome their clients at once.
pub const PROVEN_POOLS: usize = 4096;

/// Failed attempts of a watched account that are remembered one by one: a login that is decided later than they were
/// takes back those that came before it.
pub const RECENT_FAILURES: usize = 64;

/// Logins of an account that were taken for such by their age, and those behind them, that `replay --propose` can take
/// back.
pub const UNDECIDED_LOGINS: usize = 64;

/// pgbouncer processes that write into one log at once (`so_reuseport`), and their predecessors.
pub const PROCESSES: usize = 64;

/// Refused clients of which both the closing and the `login failed` line may still come.
pub const RECENT_REFUSALS: usize = 8;

/// Watched entries of a configuration.
pub const WATCHED: usize = 256;

/// Outages of a period that are listed; older ones are counted, but for those that last.
pub const OUTAGES: usize = 2 * WATCHED;

/// Mails that wait for a server that does not take them: a day of hourly alerts, and then some. A restart of the mail
/// server is over long before.
pub const OUTBOX: usize = 64;

/// Bytes that these mails may take together. A report of full tables with the worst of names takes two and a half MiB
/// (`the_largest_report_fits_the_outbox`).
pub const OUTBOX_BYTES: usize = 4 * 1024 * 1024;

/// How long a mail may be refused for now before that is for good, in milliseconds: a day.
pub const OUTBOX_AGE_MS: i64 = 24 * 60 * 60_000;

/// The longest pause between two attempts to send, in milliseconds.
pub const OUTBOX_PAUSE_MS: i64 = 5 * 60_000;

/// Characters of a mail's subject; a longer one is cut. Mail programs show about 70.
pub const SUBJECT_MAX: usize = 200;

/// Accounts, and addresses of each, in the HTML part of a mail; the plain text has them all.
pub const HTML_ROWS: (usize, usize) = (100, 10);

/// Rows of a table of the HTML page, and accounts in it; CSV has them all.
pub const PAGE_ROWS: usize = 200;

/// Addresses, databases and reasons of each account in that page.
pub const PAGE_PARTS: usize = 8;

/// Accounts in that page with their logins by the hour of the day, and watched entries with a picture.
pub const PAGE_HEAT: usize = 40;

/// See there. A picture of an entry whose windows fill a year takes 30 kB.
pub const PAGE_TIMELINES: usize = 40;

/// Accounts with series of their own in `prometheusFile`, beside the watched ones: the first that came. A client chooses its
/// name, and each series is paid for by whoever keeps them all.
pub const PROMETHEUS_ACCOUNTS: usize = 200;

/// Reasons of failures that are told apart there for each account: the first that came.
pub const PROMETHEUS_REASONS: usize = 8;

/// How often that file is written, in milliseconds: Prometheus asks for it every 15 seconds to every minute.
pub const PROMETHEUS_MS: i64 = 15_000;

/// Saving the state takes one part in so many of the time at most.
pub const STATE_SHARE: i64 = 100;

/// The state is saved so often though nothing seems to have changed, in milliseconds: what changes with time alone is
/// found again after a restart, but for an alert that waits while its window closes.
pub const STATE_MS: i64 = 60_000;

/// Buckets of stats of a period: by the minute the longest day, on which summer time ends, whose ends can be parts of a
/// minute. 80 bytes each, for the run and for the day.
pub const MINUTES: usize = 25 * 60 + 1;

/// Hours of logins of a period: a month of them, before they become days.
pub const HOURS: usize = 31 * 24 + 1;

/// Accounts whose logins are counted by the hour of the day as well, 384 bytes each: a picture of more is looked at by
/// nobody. The rest is counted together.
pub const HOURLY_ACCOUNTS: usize = 128;

/// Buckets of a watched entry's timeline, of 24 bytes: as many as a picture on a phone has room for.
pub const TIMELINE: usize = 100;

/// Kinds of warnings and errors that are told apart: a busy pgbouncer has ten.
pub const WARNING_KINDS: usize = 64;

/// Bytes of the text of a kind.
pub const WARNING_BYTES: usize = 96;

/// Reasons for which server connections were closed that are told apart; pgbouncer has some forty, and the servers'
/// own texts come to them.
pub const SERVER_REASONS: usize = 64;

/// Commands of administrators, and comings and goings of processes, of which the time is kept: the newest.
pub const LIFE_EVENTS: usize = 100;

/// Service windows that a report lists for a watched entry: more than a year of days.
pub const LISTED_WINDOWS: usize = 400;

/// Idents of syslog lines, other than `pgbouncer…`, that are taken for pgbouncer's.
pub const SYSLOG_IDENTS: usize = 8;

/// Lines per tick that the user's own regular expressions are tried on. They are a thousand times slower than the
/// built-in parser; a flood of unknown lines must not make the tail fall behind.
pub const FALLBACK_LINES_PER_TICK: u32 = 10_000;

/// Bytes of a line that nobody understands which the report shows as a sample.
pub const SAMPLE_BYTES: usize = 200;

/// Logs that are followed at once.
pub const LOGS: usize = 64;

/// How often it is looked whether a pattern has more logs, in milliseconds.
pub const LOGS_MS: i64 = 10_000;

/// Bytes of an existing log that are read at the start for what judging needs.
pub const LOOK_BACK_BYTES: u64 = 256 * 1024 * 1024;

/// Bytes of a complete log in which its first record is looked for, to put several into their order.
pub const ORDER_BYTES: u64 = 1024 * 1024;

/// Renamed files of one log that are read on.
pub const OLD_FILES: usize = 2;

/// Renamed files of one log that are not read any more, and are known not to be new.
pub const DONE_FILES: usize = 64;

/// Bytes just before the place in a log that identify the place when the log may have been truncated or copied. An idle
/// pgbouncer writes the same line again and again, but for its time: several lines of more than 170 bytes must fit.
pub const DIGEST_BYTES: usize = 1024;

/// Age from which a socket that still lives counts as logged in, in milliseconds: pgbouncer's default
/// `client_login_timeout` (60 s) and one round of its janitor.
pub const ASSUMED_AFTER_MS: i64 = 65_000;

/// Age from which a close that could be before or after the login is taken as after it, in seconds: pgbouncer's
/// default `client_login_timeout`.
pub const LOGIN_TIMEOUT_SECONDS: u64 = 60;

/// Between two messages to the service manager, in milliseconds: often enough that its status is of use, seldom enough
/// that nobody notices.
pub const BEAT_MS: i64 = 10_000;

/// What the service manager's watchdog has to wait for besides a mail, in milliseconds: the next message, what is to be
/// read of the log, and the disk.
pub const WATCHDOG_ROOM_MS: i64 = 60_000;

/// Time between two stats lines until the log has shown its own, in milliseconds (`stats_period`, 60 s).
pub const STATS_PERIOD_MS: i64 = 60_000;

/// A difference between two clocks over one tick from which the host's clock was set, in milliseconds: slewing it and
/// a busy host make less.
pub const CLOCK_STEP_MS: i64 = 2000;

/// How far a record may lie before the one that stands above it, in milliseconds, without the clock having been set:
/// several processes write into one log, and syslog daemons change the order.
pub const DISORDER_MS: i64 = 5000;

/// A jump from which `replay` judges no further, in milliseconds: a pgbouncer that was away for a month is judged by what
/// comes after.
pub const REPLAY_JUMP_MS: i64 = 31 * 24 * 60 * 60_000;

/// A jump from which a date is broken, or the clock was: ten years, in milliseconds.
pub const REPLAY_ABSURD_MS: i64 = 3650 * 24 * 60 * 60_000;

/// After so many stats periods without a line a process, or a log, counts as silent.
pub const SILENT_PERIODS: i64 = 3;

/// So many attempts without one closing, and `log_disconnections` must be off.
pub const ATTEMPTS_TO_TELL: u64 = 100;

const _: () = assert!(READ_SIZE >= LINE_MAX, "a whole line must fit what one read brings");
const _: () = assert!(LINE_MAX > 4 * 2047 + 256, "an escaped message of syslog must fit");
const _: () = assert!(ACCOUNTS_RESERVED < ACCOUNTS, "some accounts must be left for those that nobody watches");
const _: () = assert!(NAMES > ACCOUNTS, "every account needs a name");
const _: () = assert!(NAME_BYTES >= WATCHED * USER_NAME_MAX, "the watched names must fit");
const _: () = assert!(PAIRS > PAIRS_PER_ACCOUNT as usize, "one account must not take all counters");
const _: () = assert!(NAMES <= u32::MAX as usize, "names are numbered in 32 bits");
const _: () = assert!(PAIRS < u16::MAX as usize, "a session remembers its counters in 16 bits each");
const _: () = assert!(ACCOUNTS < PAIRS, "and its account");
const _: () = assert!(HOURLY_ACCOUNTS < ACCOUNTS, "the hours of an account have its number");
const _: () = assert!(MINUTES > 25 * 60, "a day of minutes must fit, whatever the clock does");
const _: () = assert!(HOURS > 24 && TIMELINE > 24, "a series must end somewhere: its widest buckets are few");
const _: () = assert!(OUTAGES > WATCHED + 1, "all entries and the log may be out at once");
const _: () = assert!(WATCHED < u16::MAX as usize, "a session remembers its watched entries in 16 bits each");
