//! What a report is on, where that is not all of the log.

use super::Report;
use super::json_writer::{Json, Text, text};
use super::paint::{Color, Paint, Style};
use super::safe::{Medium, shown};

/// What the filter does not reach.
const NOTE: &str = "stats, lines and servers are of all accounts and databases";

/// `from 2026-11-23 14:00, user bob; …`, if there is a filter.
pub(super) fn said(report: &Report<'_>, medium: Medium) -> Option<String> {
    let filter = report.analyzer.filtered()?;
    let name = |bytes: &[u8]| shown(bytes, medium).to_string();
    let parts = [
        ("from ", filter.from.as_ref().map(|from| name(from.as_bytes()))),
        ("to ", filter.to.as_ref().map(|to| name(to.as_bytes()))),
        ("user ", filter.user.as_ref().map(|user| name(user))),
        ("database ", filter.database.as_ref().map(|database| name(database))),
    ];
    let parts: Vec<String> = parts.into_iter().filter_map(|(word, part)| Some([word, &part?].concat())).collect();
    let is_of_names = filter.user.is_some() || filter.database.is_some();
    let note = if is_of_names { ["; ", NOTE].concat() } else { String::new() };
    Some([parts.join(", "), note].concat())
}

/// `Only : …`, if there is a filter.
pub(super) fn write_text(report: &Report<'_>, style: Style, paint: &mut Paint) {
    if let Some(said) = said(report, style.medium()) {
        paint.put(Color::Blue, "Only : ").put(Color::Yellow, said).end();
        paint.blank();
    }
}

/// The same as a key `filter`, which is not there otherwise.
pub(super) fn write_json(report: &Report<'_>, json: &mut Json) {
    let Some(filter) = report.analyzer.filtered() else { return };
    let name = |bytes: &Vec<u8>| Text(text(bytes));
    json.key("filter").object(|json| {
        json.key("from").optional(filter.from.clone().map(Text));
        json.key("to").optional(filter.to.clone().map(Text));
        json.key("user").optional(filter.user.as_ref().map(name));
        json.key("database").optional(filter.database.as_ref().map(name));
        json.key("note").value(Text(NOTE.to_owned()));
    });
}
