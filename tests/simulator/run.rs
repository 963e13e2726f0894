//! A script, run to its end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Once;

use loganalyzer::config::Config;
use loganalyzer::report::paint::Style;
use loganalyzer::runtime::daemon::{Daemon, Options};

use super::model::Told;
use super::world::{Killed, Shared, Simulation};

/// What a run came to.
#[derive(Debug, PartialEq)]
pub struct Run {
    pub history: Vec<(i64, Told)>,
    pub output: String,
    pub ticks: u64,
    pub daemons: u32,
    pub mails: usize,
    pub lost: usize,
    pub killed_at: BTreeMap<&'static str, u32>,
}

/// Runs daemon after daemon, until the script ends. What differs from the model panics.
pub fn run_script(simulation: Simulation) -> Run {
    static QUIET: Once = Once::new();
    QUIET.call_once(keep_quiet_when_killed);
    let zone = simulation.zone.clone();
    let shared = Shared(Rc::new(RefCell::new(simulation)));
    let mut daemons = 0;
    // pgbouncer has been there for a while.
    shared.0.borrow_mut().run_until(5 * 60_000);
    while !shared.0.borrow().is_over {
        let config = shared.0.borrow().script.config();
        let config = Config::parse("LogAnalyzer.json", &config).expect("a configuration");
        shared.0.borrow_mut().begin_daemon();
        let options = Options { verbose: false, style: Style::default(), pid: 1 };
        let ended = catch_unwind(AssertUnwindSafe(|| {
            Daemon::start(&mut shared.clone(), config, &zone, options).run(&mut shared.clone());
        }));
        daemons += 1;
        match ended {
            Ok(()) => shared.0.borrow_mut().end_daemon(),
            Err(panic) if panic.is::<Killed>() => shared.0.borrow_mut().be_down(),
            Err(panic) => resume_unwind(panic),
        }
    }
    let simulation = shared.0.borrow();
    let (mails, lost) = (simulation.mails, simulation.lost);
    Run {
        history: simulation.history.clone(),
        output: simulation.output.clone(),
        ticks: simulation.ticks,
        daemons,
        mails,
        lost,
        killed_at: simulation.killed_at.clone(),
    }
}

/// A killed daemon says nothing.
fn keep_quiet_when_killed() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Killed>() {
            hook(info);
        }
    }));
}
