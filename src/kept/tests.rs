use std::collections::VecDeque;

use super::*;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Colour {
    Red,
    Green,
}

kept!(Colour: Red | Green);

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point(i32, u16);

kept!(Point [0, 1]);

#[derive(Debug, Clone, PartialEq)]
struct All {
    text: String,
    bytes: Vec<u8>,
    colour: Option<Colour>,
    points: VecDeque<Point>,
    numbers: [i64; 3],
    is_so: bool,
    steps: Box<[u64; 5]>,
    nothing: Option<Vec<u8>>,
    forgotten: u8,
}

kept!(All { text, bytes, colour, points, numbers, is_so, steps, nothing; forgotten = 7 } then All::is_sound);

impl All {
    fn is_sound(&mut self) -> bool {
        self.forgotten += 1;
        self.text.len() < 100
    }
}

fn all() -> All {
    All {
        text: "a \"b\" \\ \u{1f}é\n€".to_owned(),
        bytes: (0..=255).collect(),
        colour: Some(Colour::Green),
        points: [Point(i32::MIN, u16::MAX), Point(0, 0)].into(),
        numbers: [i64::MIN, i64::MAX, -1],
        is_so: true,
        steps: Box::new([0, u64::MAX, 0, 0, 1]),
        nothing: None,
        forgotten: 8,
    }
}

#[test]
fn what_was_written_is_read_back() {
    let text = text(&all());
    assert_eq!(read(&text), Some(all()));
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(json["text"], all().text);
    assert_eq!(json["points"], serde_json::json!([[i32::MIN, 65535], [0, 0]]));
    assert_eq!(json["steps"], serde_json::json!([[1, u64::MAX], [4, 1]]));
    assert_eq!(json["colour"], "Green");
}

#[test]
fn anything_else_is_refused() {
    assert_eq!(read::<Vec<u16>>("[1,2]"), Some(vec![1, 2]));
    for text in
        ["[1,2", "[1 ,2]", "[1,,2]", "[1,2,]", "[,1]", "[1,2]]", "[65536]", "[-1]", "[]1", "", "[1.0]", "[\"1\"]"]
    {
        assert_eq!(read::<Vec<u16>>(text), None, "{text}");
    }
    for text in ["18446744073709551616", "-", "", "+1", "1e3", "0x1"] {
        assert_eq!(read::<u64>(text), None, "{text}");
    }
    assert_eq!((read::<i64>("-9223372036854775808"), read::<i64>("9223372036854775808")), (Some(i64::MIN), None));
    for text in ["\"", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\", "a", "\"a\"b"] {
        assert_eq!(read::<String>(text), None, "{text}");
    }
    assert_eq!(read::<Vec<u8>>("\"€\""), None);
    assert_eq!(read::<Colour>("\"Blue\""), None);
    assert_eq!(read::<[u64; 2]>("[1,2,3]").or(read("[1]")), None);
    assert_eq!(read::<Box<[u64; 2]>>("[[2,1]]"), None);
    assert_eq!(read::<All>(&text(&All { text: "x".repeat(100), ..all() })), None);
}

/// No text makes it panic, and what is read of one that was changed is written as that.
#[test]
fn every_byte_of_it_changed_or_left_out_does_no_harm() {
    let text = text(&all());
    for (place, char) in text.char_indices() {
        let (before, behind) = (&text[..place], &text[place + char.len_utf8()..]);
        for new in ["", "0", "9", "-", "\"", "\\", ",", "[", "]", "}", "u", "é", "€"] {
            let changed = format!("{before}{new}{behind}");
            if let Some(read) = read::<All>(&changed) {
                assert_eq!(read.forgotten, 8);
            }
        }
        assert_eq!(read::<All>(before), None);
    }
}
