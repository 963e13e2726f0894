//! The watched entries: each with its windows, its logins and failures by time, and its outages, as a picture and in
//! words.

use super::chart::Axis;
use super::rows::table;
use super::{Page, grouped, safe};
use crate::analysis::outages::Outage;
use crate::analysis::timelines::Timeline;
use crate::limits::PAGE_TIMELINES;
use crate::report::Report;
use crate::report::notice::plural;
use crate::report::parts::Watched;
use crate::report::tables::Table;
use crate::report::text::outage_times;

/// Where the logins stand, where the failures hang, and where the outages lie.
const TOP: f64 = 4.0;
const BASE: f64 = 40.0;
const LOW: f64 = 56.0;
const BOTTOM: f64 = 66.0;

/// Outages of an entry that are told below its picture; the table has more.
const OUTAGES_IN_WORDS: usize = 3;

/// Writes the section.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    page.section("watched", "Watched accounts");
    let watched = report.watched();
    if watched.is_empty() {
        page.say("Nobody is watched: a configuration (<code>--config</code>) says who must log in, and when.");
        return;
    }
    for (name, nearest) in report.never_seen() {
        let nearest = nearest
            .map_or(String::new(), |name| format!(" The nearest name that was is <b>{}</b>.", safe(name.as_bytes())));
        page.add(format_args!("<p class=\"bad\"><b>{}</b> was never seen.{nearest}</p>\n", safe(name.as_bytes())));
    }
    if report.figures.outages().count() > 0 {
        table(report, Table::Outages, "Outages", ("pgbouncer", "lasts"), page);
    } else {
        page.say("There was no outage.");
    }
    page.put(
        "<p class=\"note keys\"><span><i class=\"window\"></i>window in which it is expected</span> \
         <span><i class=\"login\"></i>logins</span> <span><i class=\"failure\"></i>failed</span> \
         <span><i class=\"outage\"></i>outage</span></p>\n<div class=\"figures\">\n",
    );
    watched.iter().take(PAGE_TIMELINES).for_each(|entry| write_entry(report, entry, page));
    page.put("</div>\n");
    let more = watched.len().saturating_sub(PAGE_TIMELINES);
    if more > 0 {
        page.note(format_args!("{more} more are in <code>--format json</code>."));
    }
}

fn write_entry(report: &Report<'_>, entry: &Watched<'_>, page: &mut Page) {
    let local = |instant: i64| (report.local)(instant);
    let width = entry.timeline.width() * 60_000;
    let axis = Axis::new(report.period, entry.timeline.iter().map(|(minute, _)| local(minute * 60_000)), width);
    let outages: Vec<&Outage> =
        report.figures.outages().list().filter(|outage| outage.entry.as_deref() == Some(entry.name)).collect();
    let name = safe(entry.name.as_bytes());
    let words = words(report, entry, &outages);
    page.add(format_args!(
        "<figure class=\"entry\"><figcaption>{name} <small>at least every {}</small></figcaption>\n\
         <svg class=\"timeline\" viewBox=\"0 0 360 82\" role=\"img\" data-x=\"{} {}\" data-entry=\"{name}\">\
         <title>{name}</title><desc>{words}</desc><path class=\"window\" d=\"",
        plural(entry.minutes.into(), "minute", "minutes"),
        axis.from,
        axis.to
    ));
    for (from, to) in &entry.windows {
        let (begin, end) = (axis.x(local(*from)), axis.x(local(*to)));
        page.add(format_args!("M{begin:.1} {TOP}H{end:.1}V{LOW}H{begin:.1}z"));
    }
    page.put("\"/>");
    write_columns(report, &entry.timeline, axis, page);
    for outage in outages {
        let end = outage.until.map_or(axis.to, local);
        let (begin, end) = (axis.x(local(outage.since)), axis.x(end));
        page.add(format_args!(
            "<rect class=\"outage\" x=\"{begin:.1}\" y=\"{}\" width=\"{:.1}\" height=\"5\"><title>{}</title></rect>",
            LOW + 3.0,
            (end - begin).max(2.0),
            safe(outage_times(report, outage).as_bytes())
        ));
    }
    axis.write(BOTTOM, page);
    page.add(format_args!("</svg><p class=\"now\">{words}</p></figure>\n"));
}

/// A column for each stretch of time: logins above the line, failures below it, by the square root.
fn write_columns(report: &Report<'_>, timeline: &Timeline, axis: Axis, page: &mut Page) {
    let most = timeline.iter().map(|(_, stretch)| stretch.logins.max(stretch.failed)).max().unwrap_or(0).max(1);
    let width = timeline.width() * 60_000;
    for (minute, stretch) in timeline.iter() {
        let (at, instant) = ((report.local)(minute * 60_000), minute * 60_000);
        let (begin, end) = (axis.x(at), axis.x(at.saturating_add(width)));
        page.add(format_args!(
            "<g><title>{}: {} logins, {} failed</title>",
            safe(report.time(instant).as_bytes()),
            grouped(stretch.logins),
            grouped(stretch.failed)
        ));
        let columns = [("login", stretch.logins, BASE, TOP + 2.0), ("failure", stretch.failed, BASE, LOW - 1.0)];
        for (class, count, base, far) in columns {
            if count > 0 {
                let part = (count as f64 / most as f64).sqrt().max(0.15);
                let end_y = base + (far - base) * part;
                page.add(format_args!(
                    "<rect class=\"{class}\" x=\"{begin:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                    base.min(end_y),
                    (end - begin - 0.4).max(0.8),
                    (base - end_y).abs()
                ));
            }
        }
        page.put("</g>");
    }
}

/// The picture in words.
fn words(report: &Report<'_>, entry: &Watched<'_>, outages: &[&Outage]) -> String {
    let (logins, failed) = entry.timeline.iter().fold((0u64, 0u64), |(logins, failed), (_, stretch)| {
        (logins.saturating_add(stretch.logins), failed.saturating_add(stretch.failed))
    });
    let windows = plural(entry.windows.len() as i64, "window", "windows");
    let times = outages.iter().map(|outage| safe(outage_times(report, outage).as_bytes()).to_string());
    let more = outages.len().saturating_sub(OUTAGES_IN_WORDS);
    let more = (more > 0).then(|| format!("and {more} more"));
    let times: Vec<String> = times.take(OUTAGES_IN_WORDS).chain(more).collect();
    let out = if times.is_empty() { "no outage".to_owned() } else { format!("out {}", times.join("; ")) };
    format!("{} logins and {} failed, in {windows}; {out}.", grouped(logins), grouped(failed))
}
