#![expect(clippy::format_push_string, reason = "a test may be slow")]

use super::*;
use crate::pgbouncer::lines::Lines;

/// What is told of a log, judging every second or only those in which something can happen.
fn told(log: &str, minutes: u32, every_second: bool) -> Vec<(i64, Notice)> {
    let time = |hour| Time::constant(hour, 0, 0, 0);
    let entry = |user: &str, open, close| {
        let window = Window { open: time(open), close: time(close), days: [true; 7] };
        Entry { name: user.to_owned(), database: None, user: user.as_bytes().to_vec(), minutes, window }
    };
    let entries = vec![entry("a", 0, 0), entry("b", 8, 19), entry("c", 22, 3)];
    let watch = Watch::new(entries, TimeZone::UTC, i64::MAX);
    let mut analyzer = Analyzer::new(Settings { zone: TimeZone::UTC, fallback: None, watch, now: 0 });
    let mut notices = Vec::new();
    let told: Told<'_> = &mut |_, at, notice| notices.push((at, notice.clone()));
    let mut player = Player { every_second, ..Player::new(&mut analyzer, told, Span::default()) };
    let mut lines = Lines::new();
    for line in log.lines() {
        lines.push(format!("{line}\n").as_bytes());
        while let Some(line) = lines.next_line() {
            player.take(&line);
        }
    }
    if let Some(line) = lines.last_line() {
        player.take(&line);
    }
    player.judge_until(None);
    notices
}

#[test]
fn skipping_the_seconds_in_which_nothing_can_happen_changes_nothing() {
    let mut chance = 7u64;
    for case in 0..8 {
        let (mut log, mut at) = (String::new(), 1_767_225_600_000i64);
        let mut below = |end: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((chance >> 33) % end).cast_signed()
        };
        for number in 0..60 {
            at += below([900, 61_000, 2_000_000, 20_000_000][number % 4]);
            let time = TimeFormat::new("%Y-%m-%d %H:%M:%S.%3f").map_or(String::new(), |format| format.print(at));
            let (user, pointer) = (["a", "b", "c"][below(3) as usize], below(3));
            let client = format!("C-0x{pointer}: app/{user}@10.0.0.1:{pointer}");
            let message = match below(8) {
                0 => "server connections dropped, exiting".to_owned(),
                1 => "process up: PgBouncer 1.18.0, x".to_owned(),
                2 | 3 => {
                    "stats: 1 xacts/s, 1 queries/s, in 1 B/s, out 1 B/s, xact 1 us, query 1 us, wait 1 us".to_owned()
                }
                4 => format!("{client} closing because: client close request (age=1s)"),
                5 => format!("{client} closing because: password authentication failed (age=1s)"),
                _ => format!("{client} login attempt: db=app user={user} tls=no"),
            };
            log += &format!("{time} UTC [7] LOG {message}\n");
        }
        let minutes = 1 + (case % 5) * 40;
        assert_eq!(told(&log, minutes, false), told(&log, minutes, true), "{minutes} minutes:\n{log}");
    }
}

/// A record of the second behind the setting of the clock was taken for one of before it, and moved once more.
#[test]
fn a_login_right_after_the_clock_was_set_back_is_a_login() {
    let mut log = String::new();
    for minute in 0..60 {
        let client = format!("2026-11-23 08:{minute:02}:00.000 UTC [7] LOG C-0x1: app/a@10.0.0.1:{}", 1000 + minute);
        log += &format!("{client} login attempt: db=app user=a tls=no\n");
        log += &format!("{client} closing because: client close request (age=0s)\n");
    }
    log += "2026-11-23 08:00:10.000 UTC [7] LOG listening on 127.0.0.1:6432\n";
    log += "2026-11-23 08:00:11.500 UTC [7] LOG C-0x1: app/a@10.0.0.1:5 login attempt: db=app user=a tls=no\n";
    log += "2026-11-23 08:04:00.500 UTC [7] LOG C-0x1: app/a@10.0.0.1:5 closing because: client close request (age=229s)\n";
    let of_a = |notice: &Notice| matches!(notice, Notice::Alert(alert) if alert.entry == Some(0));
    assert!(!told(&log, 10, false).iter().any(|(_, notice)| of_a(notice)));
}

/// The log was written again after seven weeks: nobody was silent for so long, for nobody knows what was.
#[test]
fn a_log_that_pauses_for_weeks_is_judged_on_both_sides_of_the_pause() {
    let login = |day: &str, port: u32| {
        let client = format!("2026-{day} 08:00:00.000 UTC [7] LOG C-0x1: app/a@10.0.0.1:{port}");
        format!(
            "{client} login attempt: db=app user=a tls=no\n{client} closing because: client close request (age=0s)\n"
        )
    };
    let told = told(&(login("09-01", 1) + &login("10-20", 2)), 10, false);
    let of_a: Vec<&Notice> = told
        .iter()
        .map(|(_, notice)| notice)
        .filter(|notice| match notice {
            Notice::Alert(alert) => alert.entry == Some(0),
            Notice::Recovered(recovery) => recovery.entry == Some(0),
        })
        .collect();
    let [Notice::Alert(alert), Notice::Recovered(recovery)] = of_a[..] else { panic!("{of_a:?}") };
    assert_eq!((alert.minutes, recovery.minutes), (10, REPLAY_JUMP_MS / 60_000));
}
