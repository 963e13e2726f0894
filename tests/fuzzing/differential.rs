//! The parser against the plain reading with regular expressions, on any text; and on the log of clients with any names,
//! of which the truth is known as well.

use arbitrary::Unstructured;

use crate::common::printer::STYLES;
use crate::common::random::Chance;
use crate::common::{clients, two_readings, two_ways};

/// More clients than this bring nothing new, and take time.
const CLIENTS: u32 = 12;

/// The first byte says which of the two.
pub fn run(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else { return };
    if kind.is_ascii() {
        two_readings::compare(rest, "a fuzzed log");
    } else {
        check_clients(Unstructured::new(rest));
    }
}

fn check_clients(mut input: Unstructured<'_>) {
    let style = *input.pick(&STYLES);
    let clients = 1 + input.below(CLIENTS as usize) as u32;
    let sizes = super::sizes(input.arbitrary().unwrap_or_default());
    let log = clients::log(style, clients, &mut input);
    clients::check(&log, &mut input, "fuzzed clients");
    two_readings::compare(&log.text, "fuzzed clients");
    two_ways::compare(&log.text, &sizes, "fuzzed clients");
}
