//! `usersToWatchAndThresholdInMinutes`: who is watched, for how long they may be silent, and when.

use serde_json::{Map, Value};

use super::Error;
use super::section::Section;
use crate::analysis::watch::{Entry, WEEKDAYS, Window};
use crate::limits::WATCHED;

const KEY: &str = "usersToWatchAndThresholdInMinutes";
const MEND: &str = "write \"postgres:1,app/poc:5\", or an object such as {\"postgres\": 1}, with whole minutes \
                    from 1 to 525600";
/// What an entry may have of its own.
pub(super) const KEYS: &[&str] = &["minutes", "open", "close", "days"];
pub(super) const DAYS_MEND: &str = "write days such as \"Mon-Fri\" or \"Sat,Sun\"";

/// The watched entries; `window` is for those that have none of their own.
pub(super) fn parse(
    files: &Section<'_>,
    window: &Window,
    times: &Section<'_>,
    warnings: &mut Vec<String>,
) -> Result<Vec<Entry>, Error> {
    if !files.has(KEY) {
        return Ok(Vec::new());
    }
    let entries = match files.required(KEY, MEND)? {
        Value::String(text) => parse_text(text, window),
        Value::Object(map) => parse_map(map, window, times, files, warnings)?,
        _ => None,
    };
    let entries = last_of_each(entries.ok_or_else(|| files.wrong(KEY, MEND))?, files, warnings);
    if entries.len() > WATCHED {
        return Err(files.wrong(KEY, &format!("watch at most {WATCHED} entries")));
    }
    Ok(entries)
}

/// Where a name is there twice the last one counts, as in the script of 2017.
fn last_of_each(entries: Vec<Entry>, files: &Section<'_>, warnings: &mut Vec<String>) -> Vec<Entry> {
    let mut kept: Vec<Entry> = Vec::new();
    for entry in entries {
        if let Some(place) = kept.iter().position(|other| other.name == entry.name) {
            warnings.push(format!("{}: {:?} is there twice; the last one counts", files.place(KEY), entry.name));
            kept.remove(place);
        }
        kept.push(entry);
    }
    kept
}

/// `postgres:1,app/poc:5`.
fn parse_text(text: &str, window: &Window) -> Option<Vec<Entry>> {
    let tokens = text.split(',').map(str::trim).filter(|token| !token.is_empty());
    let parse = |token: &str| {
        let (name, minutes) = token.rsplit_once(':')?;
        entry(name.trim(), minutes.trim().parse().ok()?, *window)
    };
    tokens.map(parse).collect()
}

/// `{"postgres": 1, "batch": {"minutes": 90, "open": "01:00:00", "close": "05:00:00", "days": "Mon-Fri"}}`.
fn parse_map(
    map: &Map<String, Value>,
    window: &Window,
    times: &Section<'_>,
    files: &Section<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<Vec<Entry>>, Error> {
    let mut entries = Vec::new();
    let section = files.section(KEY)?;
    for (name, value) in map {
        let parsed = match value {
            Value::Number(minutes) => minutes.as_u64().and_then(|minutes| entry(name, minutes, *window)),
            Value::Object(_) => {
                let own = section.section(name)?;
                own.warn_unknown(KEYS, warnings);
                parse_own(&own, name, *window, times)?
            }
            _ => None,
        };
        entries.push(parsed.ok_or_else(|| section.wrong(name, MEND))?);
    }
    Ok(Some(entries))
}

fn parse_own(own: &Section<'_>, name: &str, mut window: Window, times: &Section<'_>) -> Result<Option<Entry>, Error> {
    let format = times.optional_string("windowDateTimeFormat")?;
    for (key, edge) in [("open", &mut window.open), ("close", &mut window.close)] {
        if let Some(text) = own.optional_string(key)? {
            let time = jiff::civil::Time::strptime(format.unwrap_or("%H:%M:%S"), text);
            *edge = time.map_err(|_| own.wrong(key, "write a time as windowDateTimeFormat has it"))?;
        }
    }
    if let Some(days) = own.optional_string("days")? {
        window.days = parse_days(days).ok_or_else(|| own.wrong("days", DAYS_MEND))?;
    }
    let minutes = own.optional_number("minutes")?.filter(|minutes| minutes.fract() == 0.0 && *minutes >= 1.0);
    let minutes = minutes.ok_or_else(|| own.wrong("minutes", "write whole minutes from 1 to 525600"))?;
    // In range: 1 or more, and a float's cast saturates.
    Ok(entry(name, minutes as u64, window))
}

fn entry(name: &str, minutes: u64, window: Window) -> Option<Entry> {
    if name.is_empty() || !(1..=525_600).contains(&minutes) {
        return None;
    }
    let (database, user) = match name.split_once('/') {
        Some((database, user)) => (Some(database.as_bytes().to_vec()), user),
        None => (None, name),
    };
    if user.is_empty() || database.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let (name, user) = (name.to_owned(), user.as_bytes().to_vec());
    Some(Entry { name, database, user, minutes: u32::try_from(minutes).ok()?, window })
}

/// `Mon-Fri`, `Sat,Sun`, `Fri-Mon`.
pub(super) fn parse_days(text: &str) -> Option<[bool; 7]> {
    let day = |name: &str| WEEKDAYS.iter().position(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (mut place, last) = (day(first)?, day(last)?);
        days[place] = true;
        while place != last {
            place = (place + 1) % 7;
            days[place] = true;
        }
    }
    Some(days)
}
