//! The page for people in a real browser, Debian's Chromium without a screen: what its DOM holds, what it writes to the
//! console, how wide it is on a phone, and how well it is to be read in light and dark.

#![allow(clippy::expect_used, reason = "a test may fail")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::page::{Both, both, element, report, tags, text};
use common::printer::STYLES;
use common::random::Random;
use common::{charts, clients};
use serde_json::Value;

const CHROMIUM: &str = "/usr/bin/chromium";

/// Chromium with a folder of its own.
struct Browser {
    folder: PathBuf,
}

/// What it made of a page.
struct Seen {
    dom: String,
    /// The lines of its console.
    console: Vec<String>,
}

impl Browser {
    fn new(name: &str) -> Option<Self> {
        if !Path::new(CHROMIUM).exists() {
            eprintln!("SKIPPED: the page in a browser: Debian's package chromium is missing");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("loganalyzer-browser-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Some(Self { folder })
    }

    fn open(&self, html: &str, more: &[&str]) -> Seen {
        let page = self.folder.join("page.html");
        fs::write(&page, html).expect("a page");
        let output = Command::new("timeout")
            .args(["60", CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-dev-shm-usage",
            ])
            .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", self.folder.join("profile").display()))
            .args(more)
            .arg(format!("file://{}", page.display()))
            .env("TZ", "America/New_York")
            .output();
        let output = output.expect("chromium");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect();
        Seen { dom: String::from_utf8(output.stdout).expect("UTF-8"), console }
    }

    /// What `look.js` finds of pages, each in a frame as wide as a phone, and in one as wide as a screen.
    fn look(&self, pages: &[(&str, &str)], more: &[&str]) -> (Vec<Value>, Vec<String>) {
        let list: Vec<Value> =
            pages.iter().map(|(title, html)| serde_json::json!({"title": title, "html": html})).collect();
        let list = Value::from(list).to_string().replace('<', "\\u003c");
        let script = include_str!("browser/look.js");
        let wrapper = format!(
            "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body><script>const pages = {list};\n{script}</script></body></html>"
        );
        let seen = self.open(&wrapper, more);
        let begin = seen.dom.find("<pre id=\"found\">").expect("what was found");
        let found = seen.dom[begin..].split(['<', '>']).nth(2).expect("it").replace("&lt;", "<").replace("&gt;", ">");
        (serde_json::from_str(&found.replace("&amp;", "&")).expect("JSON"), seen.console)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn morning() -> Both {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/replay");
    let log = fs::read(folder.join("morning.log")).expect("the log");
    both(&["-c", folder.join("LogAnalyzer.json").to_str().expect("UTF-8")], &log)
}

/// A page that does log shows that the console is heard.
#[test]
fn every_point_in_the_browser_is_a_figure_of_the_json_and_its_console_is_silent() {
    let Some(browser) = Browser::new("dom") else { return };
    let Both { json, html, .. } = morning();
    let seen = browser.open(&html, &[]);
    assert_eq!(seen.console, [""; 0]);
    let dom = tags(&seen.dom.replacen("<!DOCTYPE html>\n", "<!DOCTYPE html>", 1));
    assert!(charts::check_all(&dom, &json, 1) > 500);
    assert!(charts::check_watched(&dom, &json) > 50);
    let place = dom.iter().position(|tag| tag.is("p", "lead")).expect("the sentence");
    assert!(text(element(&dom, place)).starts_with("6 outages, "));
    // The same page with a script that its policy does not know, and one that writes to the console.
    let other = html.replacen("<body>", "<body><script>document.title = \"run\"</script>", 1);
    let refused = browser.open(&other, &[]);
    assert!(refused.console.iter().any(|line| line.contains("Content Security Policy")), "{:?}", refused.console);
    assert!(!refused.dom.contains("<title>run</title>"), "it ran");
}

#[test]
fn pages_are_as_wide_as_a_phone_and_have_contrast_in_light_and_dark() {
    let Some(browser) = Browser::new("look") else { return };
    let log = clients::log(STYLES[4], 120, &mut Random::new(7));
    let page = |log: &[u8]| report(&["--format", "html"], log);
    let (hostile, capture, empty) = (page(&log.text), page(&common::logs("1.25.2").concat()), page(b""));
    let Both { json, html, .. } = morning();
    let pages = [("morning", &html[..]), ("hostile", &hostile), ("capture", &capture), ("empty", &empty)];
    for (is_dark, setting) in
        [(false, "--blink-settings=preferredColorScheme=1"), (true, "--blink-settings=preferredColorScheme=0")]
    {
        let (found, console) = browser.look(&pages, &[setting]);
        assert_eq!(console, [""; 0]);
        assert_eq!(found.len(), 8);
        for page in &found {
            assert_eq!(page["isDark"], is_dark, "{page}");
            assert_eq!(page["scrolls"], 0, "{page}");
            assert!(page["faintest"][0].as_f64().expect("a contrast") >= 4.5, "{page}");
            assert!(page["smallest"].as_f64().expect("a size") > 200.0, "{page}");
        }
        let last = json["series"]["points"].as_array().and_then(|points| points.last()).expect("a point");
        let at = &last["at"].as_str().expect("a time")[..16];
        let said = format!(
            "{at}: requests {} /s, transactions {} /s",
            last["requestsPerSecond"], last["transactionsPerSecond"]
        );
        for page in &found[..2] {
            assert_eq!(page["hover"], serde_json::json!({"at": said, "isBack": true}), "{page}");
        }
    }
}
