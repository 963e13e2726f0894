//! Tables of the report as HTML: what CSV has, of a bounded number of rows.

use std::fmt::{self, Display};

use super::{Page, grouped, safe};
use crate::limits::PAGE_ROWS;
use crate::report::Report;
use crate::report::tables::{self, Sheet, Table};

/// Columns of figures, which stand on the right.
const FIGURES: [&str; 4] = ["count", "refused", "closed", "minutes"];
pub(super) const FIGURE: &str = " class=\"n\"";

struct Rows<'a> {
    page: &'a mut Page,
    /// What stands in an empty cell: of the first column, of another one.
    empty: (&'a str, &'a str),
    cells: usize,
    rows: usize,
}

/// A table with its caption. `empty` is what stands in an empty cell: of the first column, of another one.
pub(super) fn table(report: &Report<'_>, table: Table, caption: &str, empty: (&str, &str), page: &mut Page) {
    page.add(format_args!("<div class=\"scroll\"><table><caption>{caption}</caption>"));
    let mut rows = Rows { page, empty, cells: 0, rows: 0 };
    // Writing to a String cannot fail.
    let _ = tables::write(report, table, &mut rows);
    let more = rows.rows.saturating_sub(PAGE_ROWS);
    page.put("</tbody></table></div>\n");
    if more > 0 {
        let name = Table::ALL.iter().find(|known| known.1 == table).map_or("", |known| known.0);
        page.note(format_args!("{more} more are in <code>--format csv:{name}</code>."));
    }
}

impl Rows<'_> {
    /// A cell of HTML; the first one of a row is what the row is about.
    fn cell(&mut self, html: &str, class: &str) {
        if self.rows < PAGE_ROWS {
            let (begin, end, empty) = match self.cells {
                0 => ("<tr><th scope=\"row\"", "</th>", self.empty.0),
                _ => ("<td", "</td>", self.empty.1),
            };
            self.page.put(begin).put(class).put(">").put(if html.is_empty() { empty } else { html }).put(end);
        }
        self.cells += 1;
    }
}

impl Sheet for Rows<'_> {
    fn head(&mut self, names: &[&str]) -> fmt::Result {
        self.page.put("<thead><tr>");
        for name in names {
            let class = if FIGURES.contains(name) { FIGURE } else { "" };
            self.page.head(class, name);
        }
        self.page.put("</tr></thead><tbody>\n");
        Ok(())
    }

    fn number(&mut self, value: &dyn Display) -> fmt::Result {
        let text = value.to_string();
        match text.parse() {
            Ok(count) => self.cell(&grouped(count).to_string(), FIGURE),
            Err(_) if text.is_empty() => self.cell("&#160;", ""),
            Err(_) => self.cell(&text, ""),
        }
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> fmt::Result {
        self.cell(&safe(bytes).to_string(), "");
        Ok(())
    }

    fn end(&mut self) -> fmt::Result {
        if self.rows < PAGE_ROWS {
            self.page.put("</tr>\n");
        }
        self.cells = 0;
        self.rows += 1;
        Ok(())
    }
}
