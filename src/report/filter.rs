//! What a report is on, where that is not all of the log.

use super::Report;
use super::json_writer::{Json, Text, text};
use super::paint::{Color, Paint, Style};
use super::safe::shown;

/// What the filter does not reach.
const NOTE: &str = "stats, lines and servers are of all accounts and databases";

/// `Only : from 2026-11-23 14:00, user bob; …`, if there is a filter.
pub(super) fn write_text(report: &Report<'_>, style: Style, paint: &mut Paint) {
    let Some(filter) = report.analyzer.filtered() else { return };
    let name = |bytes: &Vec<u8>| shown(bytes, style.medium()).to_string();
    let parts = [
        ("from ", filter.from.clone()),
        ("to ", filter.to.clone()),
        ("user ", filter.user.as_ref().map(name)),
        ("database ", filter.database.as_ref().map(name)),
    ];
    let parts: Vec<String> = parts.into_iter().filter_map(|(word, part)| Some([word, &part?].concat())).collect();
    let is_of_names = filter.user.is_some() || filter.database.is_some();
    let note = if is_of_names { ["; ", NOTE].concat() } else { String::new() };
    paint.put(Color::Blue, "Only : ").put(Color::Yellow, [parts.join(", "), note].concat()).end();
    paint.blank();
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
