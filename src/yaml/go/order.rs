//! The order of keys in Go's YAML: natural, by letters, signs and the numbers in them.

use std::cmp::Ordering;

/// The two go-yaml versions differ where a letter meets another character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// `toYaml`: other characters come before letters.
    V2,
    /// `toYamlPretty`: letters come first after a digit.
    V3,
}

/// Compares keys as go-yaml sorts them: `a2` before `a10`, `_` before digits before letters.
#[must_use]
pub fn compare_keys(a: &str, b: &str, order: KeyOrder) -> Ordering {
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if common == a.len() || common == b.len() {
        return a.len().cmp(&b.len());
    }
    let mut at = common;
    while !a.is_char_boundary(at) || !b.is_char_boundary(at) {
        at -= 1;
    }
    differing(&a[..at], &a[at..], &b[at..], order)
}

/// Compares what differs in its first character, after what does not.
fn differing(same: &str, a: &str, b: &str, order: KeyOrder) -> Ordering {
    let (Some(x), Some(y)) = (a.chars().next(), b.chars().next()) else { return a.len().cmp(&b.len()) };
    match (is_letter(x), is_letter(y)) {
        (true, true) => return x.cmp(&y),
        (true, false) | (false, true) => {
            let after_digit = order == KeyOrder::V3 && same.chars().next_back().is_some_and(is_digit);
            let a_first = if after_digit { is_letter(x) } else { is_letter(y) };
            return if a_first { Ordering::Less } else { Ordering::Greater };
        }
        (false, false) => {}
    }
    // A zero belongs to a number that began before it, unless that is all zeros.
    let mut digits_before = same.chars().rev().take_while(|c| is_digit(*c));
    let start = i64::from((x == '0' || y == '0') && digits_before.any(|digit| digit != '0'));
    let ((a_number, a_digits), (b_number, b_digits)) = (number(a, start), number(b, start));
    a_number.cmp(&b_number).then(a_digits.cmp(&b_digits)).then(x.cmp(&y))
}

/// The number at the start of a text, with digits before it, and how many digits it has.
fn number(text: &str, start: i64) -> (i64, usize) {
    text.chars().take_while(|c| is_digit(*c)).fold((start, 0), |(number, digits), digit| {
        let value = i64::from(u32::from(digit)) - i64::from(u32::from('0'));
        (number.wrapping_mul(10).wrapping_add(value), digits + 1)
    })
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic() || (!character.is_ascii() && character.is_alphabetic())
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
        || (!character.is_ascii() && character.is_numeric() && !character.is_alphabetic())
}

/// Sorts entries by key. Unlike the standard sort it cannot panic, which matters because the order is not
/// transitive for all keys.
pub fn sort_by_key<T>(entries: &mut Vec<T>, order: KeyOrder, key: impl Fn(&T) -> &str) {
    let before = |a: &T, b: &T| compare_keys(key(a), key(b), order) == Ordering::Less;
    if entries.is_sorted_by(|a, b| !before(b, a)) {
        return;
    }
    let mut runs: Vec<Vec<T>> = entries.drain(..).map(|entry| vec![entry]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len() / 2 + 1);
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(left, right, &before),
                None => left,
            });
        }
        runs = merged;
    }
    entries.extend(runs.into_iter().flatten());
}

fn merge<T>(left: Vec<T>, right: Vec<T>, before: &impl Fn(&T, &T) -> bool) -> Vec<T> {
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if before(b, a) { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let sorted = ["", "-", "_", "9", "10", "10a", "A", "a", "a-", "a1", "a01", "a2", "a10", "ab", "é"];
        let mut keys: Vec<&str> = sorted.iter().rev().copied().collect();
        sort_by_key(&mut keys, KeyOrder::V2, |key| key);
        assert_eq!(keys, sorted);
        assert_eq!(compare_keys("1a", "1-", KeyOrder::V2), Ordering::Greater);
        assert_eq!(compare_keys("1a", "1-", KeyOrder::V3), Ordering::Less);
    }
}
