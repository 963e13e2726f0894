//! `report --format html`: one page for people, self-contained, with the figures of [`super::json`] as charts and tables.
//!
//! Nothing is fetched and nothing has to run: a little script (`page/hover.js`) shows the figures under the mouse, and the
//! page's own policy allows that one alone, by its digest. All names are escaped, and all attributes are in double
//! quotes: a page is well-formed whatever a client has called itself.

mod accounts;
mod chart;
mod heat;
mod opening;
mod rows;
mod sections;
mod traffic;
mod watched;

use std::fmt::{self, Arguments, Write};

use super::Report;
use super::mail;
use super::safe::{Medium, Shown, shown};

const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/hover.js");
/// The digest of `SCRIPT`: `openssl dgst -sha256 -binary src/report/page/hover.js | base64`. A browser says on its console
/// if it is another one (`tests/browser.rs`).
const DIGEST: &str = include_str!("page/hover.sha256").trim_ascii();

/// A page that is being written.
#[derive(Default)]
struct Page {
    html: String,
}

/// Nobody waits for a page: what is called a hundred times is there once.
impl Page {
    /// HTML as it is.
    #[inline(never)]
    fn put(&mut self, html: &str) -> &mut Self {
        self.html.push_str(html);
        self
    }

    /// The same with figures and escaped names in it.
    #[inline(never)]
    fn add(&mut self, html: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.html.write_fmt(html);
    }

    /// A paragraph.
    #[inline(never)]
    fn say(&mut self, html: &str) {
        self.put("<p>").put(html).put("</p>\n");
    }

    /// A paragraph of what is less important, such as what is left out.
    #[inline(never)]
    fn note(&mut self, html: Arguments<'_>) {
        self.add(format_args!("<p class=\"note\">{html}</p>\n"));
    }

    /// A cell of a table with a figure.
    #[inline(never)]
    fn figure(&mut self, class: &str, figure: u64) {
        self.add(format_args!("<td class=\"n{class}\">{}</td>", grouped(figure)));
    }

    /// The heading of a column.
    #[inline(never)]
    fn head(&mut self, class: &str, name: &str) {
        self.add(format_args!("<th scope=\"col\"{class}>{name}</th>"));
    }

    /// Begins a section; the one before it ends.
    fn section(&mut self, id: &str, title: &str) {
        self.add(format_args!("</section>\n<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>\n"));
    }
}

/// `1,204`, without a string of its own wherever one is written.
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&mail::grouped(self.0))
    }
}

/// A figure as people read it.
fn grouped(figure: u64) -> Grouped {
    Grouped(figure)
}

/// A name from the log, or from the configuration.
fn safe(bytes: &[u8]) -> Shown<'_> {
    shown(bytes, Medium::Html)
}

/// Writes the page.
pub fn write(report: &Report<'_>) -> String {
    let mut page = Page::default();
    page.add(format_args!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'sha256-{DIGEST}'; base-uri 'none'; form-action 'none'\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>pgbouncer: "
    ));
    let (from, to) = report.times().unwrap_or_default();
    page.add(format_args!(
        "{} to {}</title>\n<style>\n{STYLE}</style></head>\n",
        safe(from.as_bytes()),
        safe(to.as_bytes())
    ));
    page.put("<body><main>\n<section>");
    opening::write(report, &mut page);
    watched::write(report, &mut page);
    traffic::write(report, &mut page);
    heat::write(report, &mut page);
    accounts::write(report, &mut page);
    sections::write(report, &mut page);
    page.put("</section>\n</main>\n");
    let version = env!("CARGO_PKG_VERSION");
    page.add(format_args!(
        "<footer>loganalyzer {version}. The same figures for programs and spreadsheets: \
         <code>loganalyzer report --format json</code>, <code>csv</code>.</footer>\n<script>{SCRIPT}</script>\n</body></html>\n"
    ));
    page.html
}
