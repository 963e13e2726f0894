//! The word that was probably meant.

use crate::analysis::summary::Summary;

/// The known word that is nearest, if it is near at all.
///
/// ```
/// use loganalyzer_shell::report::nearest::nearest;
///
/// assert_eq!(nearest("postgers", ["poc", "postgres"].into_iter()), Some("postgres"));
/// assert_eq!(nearest("postgers", ["web"].into_iter()), None);
/// ```
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|other| (distance(word, other), other)).min()?;
    (near.0 <= 1 + word.chars().count() / 3).then_some(near.1)
}

/// The account of these figures whose name is nearest to a watched one that is not among them.
pub fn nearest_account<'a>(user: &[u8], summary: &'a Summary) -> Option<&'a str> {
    let user = String::from_utf8_lossy(user);
    let names = summary.accounts.iter().filter_map(|account| std::str::from_utf8(account.user).ok());
    nearest(&user, names.filter(|name| *name != user))
}

/// How many letters have to be changed, added or left out (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (place, letter) in left.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], place + 1);
        for (column, other) in right.iter().enumerate() {
            let change = before + usize::from(letter != *other);
            before = row[column + 1];
            row[column + 1] = change.min(before + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}
