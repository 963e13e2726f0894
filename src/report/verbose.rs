//! What `--verbose` prints of every stats line and login, as the script did.

use super::paint::{Color, Paint, Style};
use super::safe::shown;
use crate::analysis::analyzer::Seen;

/// Adds what was seen to `out`.
pub fn write(seen: &Seen<'_>, style: Style, out: &mut String) {
    let mut paint = Paint::new(style);
    match seen {
        Seen::Nothing => return,
        Seen::Login(attempt) => {
            let name = |bytes| shown(bytes, style.medium());
            paint.put(Color::Green, "login : ").put(Color::Yellow, name(attempt.database));
            paint.put(Color::Cyan, "/").put(Color::Yellow, name(attempt.user));
            paint.put(Color::Cyan, " from : ").put(Color::Yellow, name(attempt.address.host)).end();
        }
        Seen::Stats(stats) => {
            paint.put(Color::Blue, "Stats for the last period : ");
            paint.put(Color::Cyan, "Average requests by second : ").put(Color::Yellow, stats.requests);
            paint.put(Color::Cyan, " Average bytes IN by second : ").put(Color::Yellow, stats.bytes_in);
            paint.put(Color::Cyan, " Average bytes OUT by second : ").put(Color::Yellow, stats.bytes_out);
            let seconds = stats.request_us as f64 / 1e6;
            paint.put(Color::Cyan, " Average request duration by second : ").put(Color::Yellow, seconds).end();
        }
    }
    out.push_str(&paint.finish());
}
