use super::*;
use std::collections::BTreeMap;

fn letter(number: u64, class: Class, to: &[&str]) -> Letter {
    let to: Vec<Mailbox> = to.iter().map(|to| to.parse().expect("an address")).collect();
    let mail = Mail { subject: format!("{number}"), text: "text\n".to_owned(), html: String::new() };
    Letter {
        mail: Rc::new(mail),
        class,
        id: format!("<{number}@x>"),
        at: 0,
        to: to.clone(),
        left: to,
        is_printed: false,
    }
}

fn refusal(kind: RefusalKind, now: i64) -> Sent {
    (Err(Refusal { kind, message: "no".to_owned() }), now)
}

fn taken() -> Sent {
    (Ok(String::new()), 0)
}

fn subject(letter: &Letter) -> u64 {
    letter.mail.subject.parse().expect("a number")
}

/// What is sent in order, at so many attempts, when the server takes everything.
fn drain(outbox: &mut Outbox, now: i64) -> Vec<u64> {
    let mut sent = Vec::new();
    while !outbox.is_empty() {
        outbox.attempt(now, &mut |letter| {
            sent.push(subject(letter));
            taken()
        });
    }
    sent
}

#[test]
fn alerts_overtake_reports_and_each_goes_in_its_order() {
    let mut outbox = Outbox::default();
    for (number, class) in [(1, Class::Report), (2, Class::Alert), (3, Class::Report), (4, Class::Alert)] {
        assert_eq!(outbox.push(letter(number, class, &["a@x"])), []);
    }
    assert_eq!(drain(&mut outbox, 0), [2, 4, 1, 3]);
}

#[test]
fn a_server_that_is_away_is_tried_less_and_less_often_and_said_once() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["a@x"]));
    let (mut tries, mut said) = (Vec::new(), Vec::new());
    for now in (0..3_600_000).step_by(1000) {
        let events = outbox.attempt(now, &mut |_| {
            tries.push(now / 1000);
            refusal(RefusalKind::Server, now)
        });
        said.extend(events.unwrap_or_default());
    }
    assert_eq!(tries[..9], [0, 2, 6, 14, 30, 62, 126, 254, 510]);
    assert_eq!((tries[9], tries[10], tries.len()), (810, 1110, 19), "five minutes at most");
    assert_eq!(said, [Event::Failing("no".to_owned())]);
    let works = outbox.attempt(3_900_000, &mut |_| taken()).expect("an attempt");
    assert_eq!((works, outbox.len()), (vec![Event::Works], 0));
}

#[test]
fn what_is_refused_for_good_is_lost_and_told_in_the_next_mail() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["a@x"]));
    outbox.push(letter(2, Class::Alert, &["a@x"]));
    let events = outbox.attempt(0, &mut |_| refusal(RefusalKind::Permanent, 0)).expect("an attempt");
    assert!(matches!(&events[..], [Event::Lost(letter, why)] if subject(letter) == 1 && why == "no"), "{events:?}");
    let mut text = String::new();
    outbox.attempt(0, &mut |letter| {
        text.clone_from(&letter.mail.text);
        refusal(RefusalKind::Server, 0)
    });
    assert!(text.contains("\n1 mail before this one could not be delivered"), "{text}");
    outbox.hurry();
    text.clear();
    outbox.attempt(0, &mut |letter| {
        text.clone_from(&letter.mail.text);
        taken()
    });
    assert!(text.contains("1 mail before"), "that one did not arrive");
    outbox.push(letter(3, Class::Alert, &["a@x"]));
    outbox.attempt(0, &mut |letter| {
        text.clone_from(&letter.mail.text);
        taken()
    });
    assert_eq!(text, "text\n", "it was told");
}

#[test]
fn one_recipient_who_is_refused_does_not_keep_the_mail_from_the_others() {
    for kind in [RefusalKind::Permanent, RefusalKind::Temporary] {
        let mut outbox = Outbox::default();
        outbox.push(letter(1, Class::Alert, &["a@x", "bad@x", "c@x"]));
        outbox.push(letter(2, Class::Alert, &["a@x", "bad@x", "c@x"]));
        let mut got: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for now in 0..20 {
            outbox.attempt(now * 1000, &mut |letter| {
                if letter.left.iter().any(|to| to.email.user() == "bad") {
                    return refusal(kind, now * 1000);
                }
                for to in &letter.left {
                    got.entry(to.to_string()).or_default().push(subject(letter));
                }
                taken()
            });
        }
        let both = vec![1, 2];
        assert_eq!(got, BTreeMap::from([("a@x".to_owned(), both.clone()), ("c@x".to_owned(), both)]));
        let left = if kind == RefusalKind::Permanent { 0 } else { 2 };
        assert_eq!(outbox.len(), left, "{kind:?}");
    }
}

/// At the end the daemon tried on for as long as it had time, though there was nothing that could be tried.
#[test]
fn where_all_have_to_wait_for_the_first_there_is_no_attempt() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["a@x"]));
    outbox.push(letter(2, Class::Alert, &["a@x"]));
    assert!(outbox.attempt(0, &mut |_| refusal(RefusalKind::Temporary, 0)).is_some());
    assert_eq!(outbox.attempt(0, &mut |_| panic!("there is nothing to try")), None);
}

#[test]
fn a_full_box_loses_the_oldest_report_first() {
    let mut outbox = Outbox::default();
    for number in 0..OUTBOX as u64 {
        let class = if number % 2 == 0 { Class::Alert } else { Class::Report };
        assert_eq!(outbox.push(letter(number, class, &["a@x"])), []);
    }
    let lost = |events: &[Event]| match events {
        [Event::Lost(letter, _)] => subject(letter),
        other => panic!("{other:?}"),
    };
    assert_eq!(lost(&outbox.push(letter(100, Class::Alert, &["a@x"]))), 1);
    for number in 0..OUTBOX as u64 / 2 - 1 {
        outbox.push(letter(200 + number, Class::Alert, &["a@x"]));
    }
    assert_eq!(lost(&outbox.push(letter(102, Class::Alert, &["a@x"]))), 0, "only alerts are left");
    let mut big = letter(103, Class::Report, &["a@x"]);
    big.mail = Rc::new(Mail { text: "x".repeat(OUTBOX_BYTES), ..Mail::clone(&big.mail) });
    assert_eq!(lost(&outbox.push(big.clone())), 103, "there is no room for it beside the alerts");
    let mut empty = Outbox::default();
    assert_eq!(empty.push(big), [], "but alone it has its chance");
}

/// One full mailbox kept its alerts in the box until there was room for no report to anybody.
#[test]
fn what_one_recipient_does_not_take_leaves_room_for_the_others() {
    let mut outbox = Outbox::default();
    let mut got = 0;
    for number in 0..2 * OUTBOX as i64 {
        let class = if number % 8 == 7 { Class::Report } else { Class::Alert };
        let lost = outbox.push(letter(number as u64, class, &["dba@x", "full@x"]));
        assert!(
            lost.iter().all(|event| matches!(event, Event::Partly(letter, _) if letter.left.len() == 1)),
            "{lost:?}"
        );
        for now in (number * 60_000..(number + 1) * 60_000).step_by(1000) {
            outbox.attempt(now, &mut |letter| {
                if letter.left.iter().any(|to| to.email.user() == "full") {
                    return refusal(RefusalKind::Temporary, now);
                }
                got += 1;
                taken()
            });
        }
    }
    assert_eq!(got, 2 * OUTBOX);
}

#[test]
fn a_mailbox_that_is_full_for_a_day_is_given_up() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["a@x"]));
    let mut said = Vec::new();
    for now in (0..=OUTBOX_AGE_MS + OUTBOX_PAUSE_MS).step_by(1000) {
        said.extend(outbox.attempt(now, &mut |_| refusal(RefusalKind::Temporary, now)).unwrap_or_default());
    }
    assert!(matches!(&said[..], [Event::Delayed(..), Event::Lost(..)]), "{said:?}");
}

/// A server that looks for viruses for longer than it may answered to nobody, and got the same mail for ever.
#[test]
fn what_is_never_answered_is_sent_three_times_at_most() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["a@x", "b@x"]));
    let (mut tries, mut said) = (0, Vec::new());
    for now in (0..3_600_000).step_by(1000) {
        let events = outbox.attempt(now, &mut |_| {
            tries += 1;
            refusal(RefusalKind::Unanswered, now)
        });
        said.extend(events.unwrap_or_default());
    }
    assert_eq!(tries, 3);
    assert!(
        matches!(&said[..], [Event::Delayed(..), Event::Lost(_, why)] if why == "no; it may have arrived"),
        "{said:?}"
    );
}

/// Who got a mail read in it that it could not be delivered, because somebody else did not get it.
#[test]
fn a_mail_that_reached_somebody_is_not_counted_as_lost() {
    for to in [["bad@x", "dba@x"], ["dba@x", "bad@x"]] {
        let mut outbox = Outbox::default();
        outbox.push(letter(1, Class::Alert, &to));
        outbox.push(letter(2, Class::Alert, &to));
        let (mut texts, mut said) = (Vec::new(), Vec::new());
        for now in 0..10 {
            let events = outbox.attempt(now, &mut |letter| {
                if letter.left.iter().any(|to| to.email.user() == "bad") {
                    return refusal(RefusalKind::Permanent, now);
                }
                texts.push(letter.mail.text.clone());
                taken()
            });
            said.extend(events.unwrap_or_default());
        }
        assert_eq!(texts, ["text\n", "text\n"]);
        assert!(matches!(&said[..], [Event::Partly(..), Event::Partly(..)]), "{said:?}");
    }
}

/// At the end the mail waited for a second attempt that never came.
#[test]
fn at_the_last_chance_each_recipient_is_tried_at_once() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Report, &["dba@x", "full@x"]));
    outbox.last_chance();
    let mut got = Vec::new();
    while outbox
        .attempt(0, &mut |letter| {
            if letter.left.iter().any(|to| to.email.user() == "full") {
                return refusal(RefusalKind::Temporary, 0);
            }
            got.extend(letter.left.iter().map(ToString::to_string));
            taken()
        })
        .is_some()
    {}
    assert_eq!(got, ["dba@x"]);
    assert!(matches!(&outbox.give_up("the end")[..], [Event::Partly(..)]));
}

#[test]
fn other_recipients_get_what_nobody_has_got() {
    let mut outbox = Outbox::default();
    outbox.push(letter(1, Class::Alert, &["old@x"]));
    outbox.attempt(0, &mut |_| refusal(RefusalKind::Server, 0));
    outbox.hurry();
    outbox.readdress(&["new@x".parse().expect("an address")]);
    let mut got = Vec::new();
    outbox.attempt(1, &mut |letter| {
        got.extend(letter.left.iter().chain(&letter.to).map(ToString::to_string));
        taken()
    });
    assert_eq!(got, ["new@x", "new@x"]);
}

/// Whatever server and mailboxes do: nobody gets a mail twice or an alert out of order, and in the end everybody has
/// everything.
#[test]
fn everybody_gets_everything_once_and_in_order() {
    let mut chance = 5u64;
    let mut below = |end: u64| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % end
    };
    for _ in 0..300 {
        let mut outbox = Outbox::default();
        let mut got: BTreeMap<(String, bool), Vec<u64>> = BTreeMap::new();
        let mut pushed: BTreeMap<(String, bool), Vec<u64>> = BTreeMap::new();
        let mut bad = [false; 4];
        let mut is_away = false;
        let mut count = 0;
        for now in (0..4_000_000).step_by(1000) {
            if now < 2_000_000 && below(100) == 0 && outbox.len() < OUTBOX / 4 {
                count += 1;
                let class = if below(3) == 0 { Class::Report } else { Class::Alert };
                let all = ["a@x", "b@x", "c@x"];
                let to = &all[..=below(3) as usize];
                for to in to {
                    pushed.entry(((*to).to_owned(), class == Class::Alert)).or_default().push(count);
                }
                assert_eq!(outbox.push(letter(count, class, to)), []);
            }
            if below(60) == 0 {
                is_away = now < 2_000_000 && below(2) == 0;
                bad = [(); 4].map(|()| now < 2_000_000 && below(3) == 0);
            }
            outbox.attempt(now, &mut |letter| {
                if is_away {
                    return refusal(RefusalKind::Server, now);
                }
                if letter.left.iter().any(|to| bad[usize::from(to.email.user().as_bytes()[0] - b'a')]) {
                    return refusal(RefusalKind::Temporary, now);
                }
                for to in &letter.left {
                    let key = (to.to_string(), letter.class == Class::Alert);
                    got.entry(key).or_default().push(subject(letter));
                }
                taken()
            });
        }
        assert_eq!(got, pushed);
        assert!(outbox.is_empty());
    }
}
