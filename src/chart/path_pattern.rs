//! Patterns of path names as `.helmignore` and `--show-only` take them: Go's `path/filepath.Match`.
//!
//! Follows `internal/filepathlite/match.go` of Go 1.26, to the order in which it looks for a match.

use std::iter::Peekable;
use std::str::Chars;

/// A pattern of whole path names: `*`, `?`, `[a-z]`, `[^a-z]`, `\`.
#[derive(Debug, Clone)]
pub struct PathPattern(Vec<Chunk>);

/// The pattern breaks the syntax of its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// What stands between two stars.
#[derive(Debug, Clone, Default)]
struct Chunk {
    /// Whether a star stands before it.
    star: bool,
    items: Vec<Item>,
}

/// What matches one character.
#[derive(Debug, Clone)]
enum Item {
    /// This one.
    Literal(char),
    /// `?`: any but the separator.
    AnyOne,
    /// One in these ranges, or not in them.
    Class { negated: bool, ranges: Vec<(char, char)> },
}

const SEPARATOR: char = '/';

impl PathPattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        let mut chunks = vec![Chunk::default()];
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            let item = match c {
                '*' => {
                    // Stars that follow each other are one.
                    while chars.next_if_eq(&'*').is_some() {}
                    chunks.push(Chunk { star: true, items: Vec::new() });
                    continue;
                }
                '?' => Item::AnyOne,
                '[' => class(&mut chars)?,
                '\\' => Item::Literal(chars.next().ok_or(BadPattern)?),
                c => Item::Literal(c),
            };
            if let Some(chunk) = chunks.last_mut() {
                chunk.items.push(item);
            }
        }
        Ok(Self(chunks))
    }

    /// Whether the whole of `path` matches.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let mut rest = path;
        for (index, chunk) in self.0.iter().enumerate() {
            let is_last = index + 1 == self.0.len();
            if chunk.star && chunk.items.is_empty() {
                return !rest.contains(SEPARATOR);
            }
            match chunk.find(rest, is_last) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

impl Chunk {
    /// The text after the first place where the chunk matches, which is at the very start unless it
    /// follows a star; the last chunk must reach the end.
    fn find<'t>(&self, text: &'t str, is_last: bool) -> Option<&'t str> {
        let mut skipped = text.chars();
        loop {
            let after = self.matched(skipped.as_str()).filter(|after| !is_last || after.is_empty());
            if after.is_some() || !self.star || skipped.next().is_none_or(|c| c == SEPARATOR) {
                return after;
            }
        }
    }

    /// The text after the chunk, if it begins with what matches.
    fn matched<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut rest = text.chars();
        let matches = self.items.iter().all(|item| rest.next().is_some_and(|c| item.matches(c)));
        matches.then_some(rest.as_str())
    }
}

impl Item {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => c == *literal,
            Self::AnyOne => c != SEPARATOR,
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// The rest of `[…]`: several characters or ranges, `\` escapes. A range that is the wrong way round is
/// accepted and holds nothing.
fn class(chars: &mut Peekable<Chars>) -> Result<Item, BadPattern> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        ranges.push((low, high));
    }
    Ok(Item::Class { negated, ranges })
}

fn class_char(chars: &mut Peekable<Chars>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(c) => Ok(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, name, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a*", "a/b", false),
            ("a*/b", "abc/b", true),
            ("a*/b", "a/c/b", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("a**b", "acb", true),
            ("ab[c]", "abc", true),
            ("ab[^b-d]", "abe", true),
            ("a[^a][^a]b", "a☺☻b", true),
            ("a[^b]c", "a/c", true),
            ("a\\*b", "a*b", true),
            ("*x", "xxx", true),
            ("[\\-]", "-", true),
            ("[z-a]", "b", false),
            ("a?b", "a/b", false),
            ("*ab", "/ab", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(PathPattern::new(pattern).map(|p| p.matches(name)), Ok(expected), "{pattern} {name}");
        }
        for bad in ["[", "[]a]", "[-]", "[x-]", "a[", "[a", "\\", "[^"] {
            assert!(PathPattern::new(bad).is_err(), "{bad}");
        }
    }
}
