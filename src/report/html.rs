//! HTML as mail programs show it: tables and inline styles, nothing else, and everything from the log escaped.

use std::fmt::{Display, Write};

use super::safe::{Medium, shown};

/// The colours, on white.
pub(super) mod color {
    pub(crate) const TEXT: &str = "#1f2933";
    pub(crate) const QUIET: &str = "#616e7c";
    pub(crate) const LINE: &str = "#e4e7eb";
    pub(crate) const BACK: &str = "#f2f4f7";
    pub(crate) const GOOD: &str = "#1a7f4b";
    pub(crate) const BAD: &str = "#c22f2f";
    pub(crate) const BAR: &str = "#3a6ea5";
}

/// The height of the columns of [`Page::columns`], in pixels.
const COLUMN_HEIGHT: u128 = 72;

/// Where [`super::mail::Mail::with_note`] puts its line.
pub(super) const NOTE: &str = "<!-- note -->";

/// A page that is being written.
#[derive(Debug)]
pub(super) struct Page {
    html: String,
}

/// Bytes from the log, or from the configuration, as HTML.
pub(super) fn safe(bytes: &[u8]) -> impl Display + '_ {
    shown(bytes, Medium::Html)
}

impl Page {
    /// Begins a page with a title in a band of a colour.
    pub(super) fn new(title: &str, below: &str, band: &str) -> Self {
        let mut page = Self { html: String::new() };
        let (back, title) = (color::BACK, safe(title.as_bytes()));
        page.add(format_args!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light\"><title>{title}</title></head>\n\
             <body style=\"margin:0;padding:0;background:{back}\">\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" bgcolor=\"{back}\">\
             <tr><td align=\"center\" style=\"padding:12px\">\n\
             <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" bgcolor=\"#ffffff\" \
             style=\"max-width:640px;border-collapse:collapse;font-family:-apple-system,'Segoe UI',Roboto,Helvetica,\
             Arial,sans-serif;font-size:15px;line-height:1.4;color:{text}\">\n\
             <tr><td bgcolor=\"{band}\" style=\"padding:16px 20px;color:#ffffff\">\
             <div style=\"font-size:19px;font-weight:bold;overflow-wrap:anywhere\">{title}</div>\
             <div style=\"font-size:14px\">{below}</div></td></tr>\n",
            text = color::TEXT,
            below = safe(below.as_bytes()),
        ));
        page
    }

    fn add(&mut self, what: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(self.html, "{what}");
    }

    /// A heading; what comes until the next one is below it.
    pub(super) fn heading(&mut self, text: impl Display) {
        self.add(format_args!(
            "<tr><td style=\"padding:20px 20px 6px;font-size:16px;font-weight:bold;overflow-wrap:anywhere\">{text}</td></tr>\n"
        ));
    }

    /// A line of text, in HTML.
    pub(super) fn text(&mut self, html: impl Display) {
        self.add(format_args!("<tr><td style=\"padding:2px 20px;overflow-wrap:anywhere\">{html}</td></tr>\n"));
    }

    /// A line of small text, in HTML.
    pub(super) fn small(&mut self, html: impl Display) {
        let quiet = color::QUIET;
        self.text(format_args!("<span style=\"font-size:13px;color:{quiet}\">{html}</span>"));
    }

    /// Figures side by side, each with its name and its colour.
    pub(super) fn tiles(&mut self, tiles: &[(&str, String, &str)]) {
        self.add("<tr><td style=\"padding:14px 12px 0\"><table role=\"presentation\" width=\"100%\"><tr>");
        let width = 100 / tiles.len().max(1);
        for (name, value, color) in tiles {
            self.add(format_args!(
                "<td width=\"{width}%\" valign=\"top\" style=\"padding:4px 8px\">\
                 <div style=\"font-size:21px;font-weight:bold;color:{color}\">{value}</div>\
                 <div style=\"font-size:12px;color:{}\">{name}</div></td>",
                color::QUIET
            ));
        }
        self.add("</tr></table></td></tr>\n");
    }

    /// A table with a heading for each column; the cells are HTML.
    pub(super) fn table(&mut self, heads: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        self.add("<tr><td style=\"padding:0 20px\"><table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"border-collapse:collapse\"><tr>");
        for head in heads {
            self.add(format_args!(
                "<th align=\"left\" style=\"padding:4px 8px 4px 0;font-size:12px;font-weight:normal;color:{}\">{head}</th>",
                color::QUIET
            ));
        }
        self.add("</tr>\n");
        for row in rows {
            let cells: Vec<String> = row.iter().map(|text| cell(text)).collect();
            self.add(format_args!("<tr>{}</tr>\n", cells.concat()));
        }
        self.add("</table></td></tr>\n");
    }

    /// Bars, each with its name and its figure; `whole` is the longest one's.
    pub(super) fn bars(&mut self, rows: &[(String, u64, String)], whole: u64) {
        self.add("<tr><td style=\"padding:0 20px\"><table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\">\n");
        for (name, count, figure) in rows {
            self.add(format_args!(
                "<tr><td width=\"38%\" style=\"padding:3px 8px 3px 0;font-size:14px;overflow-wrap:anywhere\">{name}</td>\
                 <td width=\"38%\" style=\"padding:3px 0\">{}</td>\
                 <td width=\"24%\" align=\"right\" style=\"padding:3px 0 3px 8px;font-size:14px\">{figure}</td></tr>\n",
                bar(*count, whole)
            ));
        }
        self.add("</table></td></tr>\n");
    }

    /// Columns side by side: a figure, and what is said where the mouse is. Below every sixth its label.
    pub(super) fn columns(&mut self, columns: &[(String, u64, String)]) {
        let highest = columns.iter().map(|column| column.1).max().unwrap_or(0).max(1);
        self.add("<tr><td style=\"padding:4px 20px 0\"><table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" style=\"table-layout:fixed\"><tr>");
        for (_, value, said) in columns {
            let height = (u128::from(*value) * COLUMN_HEIGHT).div_ceil(highest.into());
            let color = if *value > 0 { color::BAR } else { color::LINE };
            self.add(format_args!(
                "<td valign=\"bottom\" height=\"{COLUMN_HEIGHT}\" title=\"{said}\" style=\"padding:0 1px\">\
                 <table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr>\
                 <td height=\"{0}\" bgcolor=\"{color}\" style=\"height:{0}px;font-size:1px;line-height:1px\">&nbsp;</td>\
                 </tr></table></td>",
                height.max(1)
            ));
        }
        self.add("</tr>\n<tr>");
        for labels in columns.chunks(6) {
            self.add(format_args!(
                "<td colspan=\"{}\" style=\"font-size:12px;color:{}\">{}</td>",
                labels.len(),
                color::QUIET,
                labels[0].0
            ));
        }
        self.add("</tr></table></td></tr>\n");
    }

    /// Ends the page with a line of where it comes from.
    pub(super) fn finish(mut self, origin: &str) -> String {
        self.add(NOTE);
        self.add(format_args!(
            "<tr><td style=\"padding:18px 20px 16px;font-size:12px;color:{};overflow-wrap:anywhere\">{}</td></tr>\n\
             </table></td></tr></table></body></html>\n",
            color::QUIET,
            safe(origin.as_bytes())
        ));
        self.html
    }
}

/// A cell of a table. What is short stays on its line; what is long may break anywhere, so that no name is wider than a
/// phone.
fn cell(html: &str) -> String {
    let wrap = if html.len() <= 16 { "white-space:nowrap" } else { "overflow-wrap:anywhere" };
    let line = color::LINE;
    format!(
        "<td valign=\"top\" style=\"padding:5px 8px 5px 0;border-top:1px solid {line};font-size:14px;{wrap}\">{html}</td>"
    )
}

/// A line for [`NOTE`].
pub(super) fn note(text: &str) -> String {
    let color = color::BAD;
    format!("<tr><td style=\"padding:12px 20px 0;color:{color}\">{}</td></tr>\n", safe(text.as_bytes()))
}

/// A bar out of two cells of a table.
fn bar(count: u64, whole: u64) -> String {
    let percent = (u128::from(count) * 100).div_ceil(whole.max(1).into()).min(100);
    let cell = |percent: u128, color: &str| {
        let style = "height:12px;font-size:1px;line-height:1px";
        format!("<td width=\"{percent}%\" height=\"12\" bgcolor=\"{color}\" style=\"{style}\">&nbsp;</td>")
    };
    let filled = if percent > 0 { cell(percent, color::BAR) } else { String::new() };
    let rest = if percent < 100 { cell(100 - percent, color::BACK) } else { String::new() };
    format!(
        "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\"><tr>{filled}{rest}</tr></table>"
    )
}
