//! Logins by the hour: of all accounts as a chart, and of each by the hour of the day as a table whose cells are the
//! warmer the more there are.

use super::chart::{Chart, Line, Units};
use super::{Page, grouped, safe};
use crate::analysis::hours::{Attempts, Day};
use crate::limits::PAGE_HEAT;
use crate::report::Report;

const COUNTS: &Units = &[("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9)];
const HOUR: i64 = 3_600_000;
/// Colours of cells, but for that of none.
const SHADES: u64 = 8;

/// Writes the section.
pub(super) fn write(report: &Report<'_>, page: &mut Page) {
    page.section("hours", "Logins by the hour");
    if report.summary.total.attempts == 0 {
        page.say("There is no login attempt in this log: nobody came, or <code>log_connections</code> is off.");
        return;
    }
    let hours = report.hours();
    let series = hours.all.total();
    let width = series.width();
    let (logins, failed) = series.iter().map(|(_, all)| (Some(all.logins() as f64), Some(all.failed as f64))).unzip();
    let chart = Chart {
        title: if width == 1 { "Logins and failed logins of each hour" } else { "Logins and failed logins" },
        units: COUNTS,
        at: series.iter().map(|(hour, _)| hour * HOUR).collect(),
        width: width * HOUR,
        longest: width * HOUR,
        lines: vec![
            Line { name: "logins", key: "logins", class: "a", values: logins },
            Line { name: "failed", key: "failed", class: "f", values: failed },
        ],
    };
    page.put("<div class=\"figures wide\">");
    chart.write(report.period, page);
    page.put("</div>\n");
    if width > 1 {
        let days = width / 24;
        page.note(format_args!("Each point stands for {days} × 24 hours."));
    }
    let accounts: Vec<(String, &Day)> =
        hours.accounts.iter().map(|(name, day)| (safe(name).to_string(), day)).collect();
    let rest = (hours.all.others().iter().any(|hour| hour.all > 0)).then(|| ("others".to_owned(), hours.all.others()));
    let shown: Vec<(String, &Day)> = accounts.into_iter().take(PAGE_HEAT).chain(rest).collect();
    let more = hours.accounts.len().saturating_sub(PAGE_HEAT);
    write_table(&shown, page);
    if more > 0 {
        page.note(format_args!("{more} more accounts are in <code>--format json</code>."));
    }
}

fn write_table(accounts: &[(String, &Day)], page: &mut Page) {
    page.put(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Logins by account and hour of the day\" tabindex=\"0\">\
         <table class=\"heat\"><caption>By account and hour of the day: logins, and below them in red what failed\
         </caption><thead><tr><th scope=\"col\">account</th>",
    );
    (0..24).for_each(|hour| page.add(format_args!("<th scope=\"col\">{hour:02}</th>")));
    page.put("</tr></thead><tbody>\n");
    let most = accounts.iter().flat_map(|(_, day)| day.iter().map(Attempts::logins)).max().unwrap_or(0).max(1);
    for (name, day) in accounts {
        page.add(format_args!("<tr><th scope=\"row\" title=\"{name}\">{name}</th>"));
        for (hour, attempts) in day.iter().enumerate() {
            let (logins, failed) = (attempts.logins(), attempts.failed);
            if attempts.all == 0 {
                page.put("<td></td>");
                continue;
            }
            let (all, wrong) = (grouped(logins), grouped(failed));
            page.add(format_args!(
                "<td class=\"h{}\" title=\"{name} from {hour:02}:00 on: {all} logins, {wrong} failed\">{}",
                shade(logins, most),
                short(logins)
            ));
            if failed > 0 {
                page.add(format_args!("<i>{}</i>", short(failed)));
            }
            page.put("</td>");
        }
        page.put("</tr>\n");
    }
    page.put("</tbody></table></div>\n");
}

/// Which colour: by the square root, so that a batch of ten is to be seen beside a thousand logins.
fn shade(logins: u64, most: u64) -> u64 {
    (SHADES as f64 * (logins as f64 / most as f64).sqrt()).ceil() as u64
}

/// What a cell has room for.
fn short(count: u64) -> String {
    let units = [("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let (unit, size) = units.into_iter().rev().find(|unit| count >= unit.1).unwrap_or(units[0]);
    if size > 1 && count / size < 10 {
        return format!("{}.{}{unit}", count / size, count % size * 10 / size);
    }
    format!("{}{unit}", count / size)
}
