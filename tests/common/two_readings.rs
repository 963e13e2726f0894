//! The parser against a plain reading by regular expressions.

use loganalyzer::limits::READ_SIZE;
use loganalyzer::pgbouncer::lines::Kind;
use loganalyzer::pgbouncer::parser::{Parser, Reading};
use loganalyzer::pgbouncer::record::{Event, Record};

use super::regex_reading::RegexReader;

/// Compares the parser with the expressions on each line of a text; says how many attempts both have read.
pub fn compare(text: &[u8], what: &str) -> u64 {
    // In the year of the captures.
    const NOW: i64 = 1_795_478_400_000;
    let (mut parser, mut reader) = (Parser::new(NOW), RegexReader::new(NOW));
    let mut attempts = 0;
    super::each_line(text, READ_SIZE, |line| {
        let shown = || format!("{what}: {}", line.bytes.escape_ascii());
        if line.kind == Kind::Cut {
            assert_eq!(parser.parse_cut(line.bytes), reader.read_cut(line.bytes), "{}", shown());
        } else {
            let (read, expected) = (parser.parse(line.bytes), reader.read(line.bytes));
            assert_eq!(read, expected, "{}", shown());
            attempts += u64::from(matches!(read, Reading::Record(Record { event: Event::LoginAttempt(_), .. })));
        }
    });
    attempts
}
