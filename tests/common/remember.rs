//! A run with a state file, for the tests of what is remembered.

use std::path::PathBuf;

use super::run::Run;

pub fn state(run: &Run) -> PathBuf {
    run.folder.join("state.json")
}

/// A run with a state file, and with this section for mail.
pub fn run(name: &str, alerting: &str, email: &str) -> Run {
    let run = Run::new(name);
    configure(&run, "web:1", alerting, email);
    run.append("");
    run
}

pub fn configure(run: &Run, watched: &str, alerting: &str, email: &str) {
    let keys = format!("{email}, \"stateFile\": \"{}\"", state(run).display());
    run.configure_with(watched, "\"00:00:00\"", alerting, &keys);
}

/// `kill -9`, once the state has this word.
pub fn kill(run: &mut Run, word: &str) {
    run.until("state.json", "\"knows_nothing\":false");
    run.until("state.json", word);
    let mut child = run.child.take().expect("it runs");
    child.kill().expect("it can be killed");
    let _ = child.wait();
}
