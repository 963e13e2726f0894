//! What each action of the script does to the world.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use loganalyzer::runtime::world::Signals;

use super::script::{Account, Action, DAY, HOUR, MINUTE, MailServer, Mood, SECOND};
use super::world::{LOG, Simulation};

/// Lets an action happen.
pub fn perform(simulation: &mut Simulation, action: Action, signals: &mut Signals) {
    let now = simulation.clock.now;
    let log = Path::new(LOG);
    match action {
        Action::Try(number, moods) => try_to_log_in(simulation, number, moods),
        Action::Mood(number) => change_mood(simulation, number),
        Action::Close(session, age, login) => {
            let reason = match (login, age) {
                (true, _) => "client close request",
                (false, ..60_000) if simulation.bouncer.minor <= 8 => "Auth failed",
                (false, ..60_000) => "password authentication failed",
                (false, _) => "client_login_timeout (server down)",
            };
            simulation.bouncer.close(session, reason, login, age, &simulation.clock, &mut simulation.files);
        }
        Action::Leave(session) => _ = simulation.bouncer.leave(session),
        Action::Stats(pid) => {
            if simulation.bouncer.is_up && simulation.bouncer.pid == pid {
                simulation.bouncer.stats(&simulation.clock, &mut simulation.files);
                let next = now + simulation.bouncer.period;
                simulation.at(next, action);
            }
        }
        Action::Stick => stick(simulation),
        Action::Flush => simulation.bouncer.flush(&mut simulation.files),
        Action::RotateByRename { create, readable } => rotate(simulation, create, readable),
        Action::RotateByCopy => rotate_by_copy(simulation),
        Action::Reload => {
            if simulation.bouncer.is_up {
                simulation.bouncer.reload(&simulation.clock, &mut simulation.files);
            }
        }
        Action::MakeReadable => simulation.files.set_readable(log, true),
        Action::MoveAway => simulation.files.rename(log, Path::new("/log/away")),
        Action::MoveBack => simulation.files.rename(Path::new("/log/away"), log),
        Action::Exit { says_so } => {
            simulation.bouncer.exit(says_so, &simulation.clock, &mut simulation.files);
            let away = simulation.script.random.choose(if says_so { 1800 } else { 1200 }) as i64;
            simulation.at(now + SECOND + away * SECOND, Action::Start);
        }
        Action::Start => {
            simulation.bouncer.start(&simulation.clock, &mut simulation.files);
            let first = now + simulation.bouncer.period;
            let pid = simulation.bouncer.pid;
            simulation.at(first, Action::Stats(pid));
        }
        Action::SetClock(by) => simulation.clock.set(by),
        Action::Configure { good } => {
            simulation.script.good_config = good;
            if good {
                configure(simulation);
            }
            signals.reload = true;
        }
        Action::Restart => signals.stop = true,
        Action::Kill => {
            let next = now + MINUTE + simulation.script.mail_random.choose(6 * HOUR as usize) as i64;
            simulation.at(next, Action::Kill);
            let was_set = simulation.clock.step.is_some_and(|step| now - step.2 < 2 * HOUR);
            if !was_set && simulation.has_saved && now >= simulation.script.calm_until {
                simulation.wants_kill = true;
            }
        }
        Action::Report => {
            let next = simulation.script.mail_random.choose(4 * DAY as usize) as i64;
            simulation.at(now + next, Action::Report);
            simulation.wants_report = true;
            signals.report = true;
        }
        Action::MailServer => change_mail_server(simulation),
        Action::Mishap => plan_mishap(simulation),
        Action::End => (signals.stop, simulation.is_over) = (true, true),
    }
}

fn try_to_log_in(simulation: &mut Simulation, number: usize, moods: u64) {
    let now = simulation.clock.now;
    let Account { user, database, gap, mood, moods: current } = simulation.script.accounts[number].clone();
    if moods != current {
        return;
    }
    let random = &mut simulation.script.random;
    let jitter = random.below(gap as usize / 4) as i64;
    let next = now + gap - jitter;
    // A job that fails tries again soon.
    let next = if mood == Mood::Well { next } else { now + (next - now) / 3 + SECOND };
    let (long, short) = (random.one_in(6), random.below(3000) as i64);
    let open_for = if long { random.below(3 * HOUR as usize) as i64 } else { short };
    let stubborn = random.one_in(3);
    simulation.at(next, Action::Try(number, moods));
    if !simulation.bouncer.is_up || mood == Mood::Silent {
        return;
    }
    let attempt = |simulation: &mut Simulation, hopeless| {
        let who = (&user[..], &database[..], hopeless);
        let random = &mut simulation.script.random;
        simulation.bouncer.attempt(who, random, &simulation.clock, &mut simulation.files)
    };
    let minor = simulation.bouncer.minor;
    match mood {
        Mood::LeavesSilently if minor >= 15 => {
            let session = attempt(simulation, false);
            simulation.at(now + short, Action::Leave(session));
        }
        Mood::Unknown if minor >= 17 => {
            let session = attempt(simulation, true);
            simulation.at(now + short, Action::Close(session, short, false));
        }
        Mood::Well => {
            let session = attempt(simulation, false);
            simulation.at(now + open_for, Action::Close(session, open_for, true));
        }
        _ => {
            let session = attempt(simulation, false);
            let age = if stubborn { 60_000 } else { short };
            simulation.at(now + age, Action::Close(session, age, false));
        }
    }
}

fn change_mood(simulation: &mut Simulation, number: usize) {
    let now = simulation.clock.now;
    let random = &mut simulation.script.random;
    let well = simulation.script.accounts[number].mood == Mood::Well;
    let bad = [Mood::Silent, Mood::Failing, Mood::LeavesSilently, Mood::Unknown];
    let worse = well || random.choose(3) == 0;
    let mood = if worse { bad[random.choose(bad.len())] } else { Mood::Well };
    let lasts = if well { random.choose(5 * HOUR as usize) } else { random.choose(DAY as usize) } as i64;
    let begins = random.choose(MINUTE as usize) as i64;
    let account = &mut simulation.script.accounts[number];
    (account.mood, account.moods) = (mood, account.moods + 1);
    let moods = account.moods;
    simulation.at(now + begins, Action::Try(number, moods));
    simulation.at(now + lasts + MINUTE, Action::Mood(number));
}

fn change_mail_server(simulation: &mut Simulation) {
    let now = simulation.clock.now;
    let script = &mut simulation.script;
    if script.mail_outage.is_some() {
        let was_well = script.mail_server == MailServer::Well;
        script.mail_server = if was_well { MailServer::Away } else { MailServer::Well };
        script.well_since = now;
        return;
    }
    let bad = [MailServer::Away, MailServer::Away, MailServer::Silent, MailServer::Later, MailServer::Never];
    let lasts = if script.mail_server == MailServer::Well {
        script.mail_server = bad[script.mail_random.choose(bad.len())];
        let longest = if script.mail_server == MailServer::Silent { HOUR / 4 } else { 30 * HOUR };
        script.mail_random.choose(longest as usize)
    } else {
        (script.mail_server, script.well_since) = (MailServer::Well, now);
        script.mail_random.choose(2 * DAY as usize)
    };
    simulation.at(now + lasts as i64 + SECOND, Action::MailServer);
}

fn stick(simulation: &mut Simulation) {
    let now = simulation.clock.now;
    if !simulation.bouncer.is_up || simulation.bouncer.stuck_until.is_some() {
        return;
    }
    let delay = simulation.script.delay as usize;
    let random = &mut simulation.script.random;
    let until = now + random.choose(2 * delay) as i64;
    let (files, clock) = (&mut simulation.files, &simulation.clock);
    simulation.bouncer.stick(until, random, files, "kernel file descriptor limit: 1024", clock);
    simulation.at(until, Action::Flush);
}

fn rotate(simulation: &mut Simulation, create: bool, readable: bool) {
    let now = simulation.clock.now;
    let log = Path::new(LOG);
    simulation.bouncer.flush(&mut simulation.files);
    simulation.script.rotations += 1;
    let old = PathBuf::from(format!("{LOG}.{}", simulation.script.rotations));
    simulation.files.rename(log, &old);
    if create {
        simulation.files.create(log);
        simulation.files.set_readable(log, readable);
        if !readable {
            let later = simulation.script.random.choose(20 * MINUTE as usize) as i64;
            simulation.at(now + 5 * SECOND + later, Action::MakeReadable);
        }
    }
    let signalled = simulation.script.random.choose(if create { 60_000 } else { 10_000 }) as i64;
    simulation.at(now + signalled, Action::Reload);
}

fn rotate_by_copy(simulation: &mut Simulation) {
    let log = Path::new(LOG);
    simulation.bouncer.flush(&mut simulation.files);
    simulation.script.rotations += 1;
    if let Some(file) = simulation.files.at(log)
        && file < simulation.bouncer.truncated.len()
    {
        let copy = PathBuf::from(format!("{LOG}.{}", simulation.script.rotations));
        simulation.files.copy_and_truncate(log, &copy);
        simulation.bouncer.truncated[file] += 1;
    }
}

fn configure(simulation: &mut Simulation) {
    let mut entries = simulation.script.entries.clone();
    if simulation.script.random.choose(3) == 0 {
        entries = simulation.script.make_entries();
    } else if let Some(entry) = entries.first_mut() {
        entry.minutes = 1 + simulation.script.random.choose(60) as i64;
    }
    simulation.script.entries.clone_from(&entries);
    let now = simulation.clock.now;
    if let Some(model) = &mut simulation.model {
        model.reconfigure(&entries, now);
    }
}

/// One rare thing, and when the next will be.
fn plan_mishap(simulation: &mut Simulation) {
    let now = simulation.clock.now;
    if simulation.model.is_none() {
        // Nobody is there to notice.
        simulation.at(now + HOUR, Action::Mishap);
        return;
    }
    let calm = now >= simulation.script.calm_until && simulation.bouncer.is_up;
    let random = &mut simulation.script.random;
    let next = now + 30 * MINUTE + random.choose(9 * HOUR as usize) as i64;
    let by = [1, -1][random.choose(2)] * (150 + random.choose(3 * 3600) as i64) * SECOND;
    let chosen = random.choose(16);
    // The clock is not set while it changes for summer or winter, nor before a restart: a daemon that starts knows
    // nothing of it.
    let may_set = !is_near_change(simulation) && simulation.crash_after.is_none() && !simulation.wants_kill;
    let action = match chosen {
        3 => Action::RotateByRename { create: true, readable: true },
        4 => Action::RotateByRename { create: false, readable: true },
        5 if calm => Action::RotateByRename { create: true, readable: false },
        6 | 7 => Action::RotateByCopy,
        8 if calm => {
            let back = now + simulation.script.random.choose(30 * MINUTE as usize) as i64;
            simulation.at(back, Action::MoveBack);
            Action::MoveAway
        }
        9 if calm => Action::Exit { says_so: true },
        10 if calm => Action::Exit { says_so: false },
        11 if may_set => Action::SetClock(by),
        12 => Action::Configure { good: true },
        13 => Action::Configure { good: false },
        14 | 15 if calm => Action::Restart,
        _ => Action::Stick,
    };
    let quiet = match action {
        Action::SetClock(_) => 8 * HOUR,
        Action::Exit { .. } => 2 * HOUR,
        Action::RotateByRename { .. } | Action::MoveAway => HOUR,
        _ => 0,
    };
    simulation.script.calm_until = simulation.script.calm_until.max(now + quiet);
    simulation.at(now, action);
    simulation.at(next.max(if quiet > 0 { now + HOUR } else { next }), Action::Mishap);
}

/// Whether the clock changes for summer or winter within a few hours.
fn is_near_change(simulation: &Simulation) -> bool {
    let offset = |wall: i64| {
        let instant = Timestamp::from_millisecond(wall).expect("in range");
        simulation.zone.to_offset(instant)
    };
    let wall = simulation.clock.wall();
    offset(wall - 8 * HOUR) != offset(wall + 8 * HOUR)
}
