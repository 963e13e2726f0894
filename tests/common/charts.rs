//! Reads the charts of a page back: every point is a figure of the JSON.

use serde_json::Value;

use super::page::{Tag, elements};

/// The sides of what is drawn, in the units of the view box.
const LEFT: f64 = 36.0;
const RIGHT: f64 = 354.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 120.0;

/// The points of a path, in its lines without a gap.
fn lines(path: &str) -> Vec<Vec<(f64, f64)>> {
    let point = |text: &str| {
        let (x, y) = text.split('m').next().and_then(|text| text.split_once(' ')).expect("a point");
        (x.parse().expect("x"), y.parse().expect("y"))
    };
    path.split('M').skip(1).map(|line| line.split('L').map(point).collect()).collect()
}

fn is_near(one: f64, other: f64, room: f64) -> bool {
    (one - other).abs() <= room
}

/// Where the ticks of the figures' axis stand, they must be what they say.
fn check_ticks(chart: &[Tag], top: f64) {
    let factor: f64 = chart[0].get("data-factor").parse().expect("a factor");
    let axis = elements(chart, "g", "y")[0];
    let ticks: Vec<&Tag> = axis.iter().filter(|tag| tag.is("text", "") && !tag.is("text", "unit")).collect();
    assert!((2..=10).contains(&ticks.len()), "{ticks:?}");
    for tick in ticks {
        let value = tick.text.parse::<f64>().expect("a figure") * factor;
        let y = tick.numbers("y")[0] - 3.0;
        assert!(is_near((BOTTOM - y) / (BOTTOM - TOP) * top, value, top * 0.001), "{tick:?}");
    }
    let unit = elements(axis, "text", "unit")[0];
    assert_eq!(unit[0].text, chart[0].get("data-unit"));
}

/// Each line of a chart against the points of the JSON: `time` is when a point's bucket begins, in minutes of the log's
/// clock; where the next bucket begins later than `longest` minutes after it, there must be a gap. Returns how many
/// figures there were.
pub fn check(chart: &[Tag], points: &[Value], time: &dyn Fn(&Value) -> i64, longest: i64) -> usize {
    let svg = &chart[0];
    let span = svg.numbers("data-x");
    let top = svg.numbers("data-y")[0];
    let half = svg.numbers("data-width")[0] * 30_000.0;
    let mut minute = 0;
    let times = svg.numbers("data-t").into_iter().map(|step| {
        minute += step as i64;
        minute
    });
    assert_eq!(times.collect::<Vec<i64>>(), points.iter().map(time).collect::<Vec<i64>>(), "the times");
    check_ticks(chart, top);
    let mut count = 0;
    for path in chart.iter().filter(|tag| tag.is("path", "line")) {
        let key = path.get("data-key");
        let known: Vec<(i64, f64)> =
            points.iter().filter_map(|point| Some((time(point), point[key].as_f64()?))).collect();
        let said: Vec<f64> = path
            .get("data-v")
            .split_whitespace()
            .filter(|value| *value != "-")
            .map(|value| value.parse().expect(key))
            .collect();
        // serde_json reads a figure's last bit as it comes.
        let is_same = said.iter().zip(&known).all(|(said, point)| is_near(*said, point.1, point.1 * 1e-15));
        assert!(is_same && said.len() == known.len(), "{key}: {said:?} {known:?}");
        let drawn = lines(path.get("d"));
        let gaps = known.windows(2).filter(|pair| pair[1].0 - pair[0].0 > longest).count();
        assert_eq!(drawn.len(), if known.is_empty() { 0 } else { gaps + 1 }, "{key}: gaps");
        for ((x, y), (minute, value)) in drawn.concat().into_iter().zip(&known) {
            let at = span[0] + (x - LEFT) / (RIGHT - LEFT) * (span[1] - span[0]);
            let wanted = *minute as f64 * 60_000.0 + half;
            assert!(is_near(at, wanted, (span[1] - span[0]) / 3000.0), "{key}: {at} for {wanted}");
            assert!(is_near((BOTTOM - y) / (BOTTOM - TOP) * top, *value, top / 1000.0), "{key}: {y} for {value}");
            count += 1;
        }
        assert_eq!(drawn.concat().len(), known.len(), "{key}");
    }
    count
}

/// The minutes of a time as it is printed, by the log's clock.
pub fn minutes(at: &Value) -> i64 {
    let at: jiff::civil::DateTime = at.as_str().expect("a time").parse().expect("a time");
    jiff::tz::Offset::UTC.to_timestamp(at).expect("a time").as_second().div_euclid(60)
}

/// All charts of a page against the JSON of the same log, whose stats come every `period` minutes. Returns how many
/// figures there were.
pub fn check_all(tags: &[Tag], json: &Value, period: i64) -> usize {
    let list = |path: &str| json.pointer(path).and_then(Value::as_array).expect(path);
    let charts = elements(tags, "svg", "chart");
    let (series, hours) = (list("/series/points"), list("/loginsByHour/total"));
    let wanted = if series.is_empty() { 0 } else { 4 } + usize::from(!hours.is_empty());
    assert_eq!(charts.len(), wanted, "the charts");
    let width = json["series"]["minutes"].as_i64().expect("a number");
    let hour = json["loginsByHour"]["hours"].as_i64().expect("a number") * 60;
    let mut count = 0;
    for chart in charts {
        let is_of_hours = chart.iter().any(|tag| tag.get("data-key") == "logins");
        let (points, longest) = if is_of_hours { (hours, hour) } else { (series, width.max(period)) };
        count += check(chart, points, &|point| minutes(&point["at"]), longest * 3 / 2);
    }
    count
}

/// The pictures of the watched entries against the JSON. Returns how many stretches of time there were.
pub fn check_watched(tags: &[Tag], json: &Value) -> usize {
    let pictures = elements(tags, "svg", "timeline");
    let watched = json["watched"].as_array().expect("watched");
    assert_eq!(pictures.len(), watched.len());
    let mut count = 0;
    for (picture, entry) in pictures.iter().zip(watched) {
        let span = picture[0].numbers("data-x");
        let x = |at: f64| LEFT + (at - span[0]) / (span[1] - span[0]) * (RIGHT - LEFT);
        assert_eq!(picture[0].get("data-entry"), entry["entry"].as_str().expect("a name"));
        let points = entry["points"].as_array().expect("points");
        let stretches: Vec<&[Tag]> =
            elements(picture, "g", "").into_iter().filter(|group| !group[0].is("g", "x")).collect();
        let said: Vec<String> = stretches.iter().map(|group| group[1].text.replace(',', "")).collect();
        let wanted = |point: &Value| {
            let (logins, failed) = (&point["logins"], &point["failed"]);
            format!("{}: {logins} logins {failed} failed", point["at"].as_str().expect("a time"))
        };
        assert_eq!(said, points.iter().map(wanted).collect::<Vec<String>>());
        for (group, point) in stretches.iter().zip(points) {
            let rect = |class: &str| group.iter().find(|tag| tag.is("rect", class));
            assert_eq!(rect("login").is_some(), point["logins"] != 0);
            assert_eq!(rect("failure").is_some(), point["failed"] != 0);
            let begin = x(point["unixTime"].as_f64().expect("a number") * 1000.0);
            let drawn = rect("login").or(rect("failure")).expect("something came").numbers("x")[0];
            assert!(is_near(begin, drawn, 0.06), "{drawn} for {begin}");
            count += 1;
        }
        let windows = picture.iter().find(|tag| tag.is("path", "window")).expect("windows").get("d");
        assert_eq!(windows.matches('z').count(), entry["windows"].as_array().expect("windows").len());
        let outages = json["outages"]["newest"].as_array().expect("outages");
        let own = outages.iter().filter(|outage| outage["entry"] == entry["entry"]);
        assert_eq!(picture.iter().filter(|tag| tag.is("rect", "outage")).count(), own.count());
    }
    count
}
