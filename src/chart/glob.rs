//! Patterns of file names as `.Files.Glob` takes them: `github.com/gobwas/glob` with `/` as separator.
//!
//! A pattern becomes a regular expression, so that matching takes linear time whatever the pattern.

use std::iter::Peekable;
use std::str::Chars;

use regex_automata::meta::Regex;

use super::path_pattern::BadPattern;

/// A compiled pattern of whole path names.
#[derive(Debug, Clone)]
pub(super) struct Glob(Regex);

const ANY_BUT_SEPARATOR: &str = "[^/]*";
const ONE_BUT_SEPARATOR: &str = "[^/]";
const ANYTHING: &str = "(?s:.*)";

impl Glob {
    /// Compiles a pattern of gobwas: `*`, `**`, `?`, `[abc]`, `[a-z]`, `[!…]`, `{a,b}`, `\`.
    pub(super) fn new(pattern: &str) -> Result<Self, BadPattern> {
        let mut regex = String::new();
        let mut chars = pattern.chars().peekable();
        let mut depth = 0_usize;
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => regex.push_str(ANYTHING),
                '*' => regex.push_str(ANY_BUT_SEPARATOR),
                '?' => regex.push_str(ONE_BUT_SEPARATOR),
                '[' => files_class(&mut chars, &mut regex)?,
                '{' => {
                    depth += 1;
                    regex.push_str("(?:");
                }
                ',' if depth > 0 => regex.push('|'),
                '}' if depth > 0 => {
                    depth -= 1;
                    regex.push(')');
                }
                '\\' => chars.next().into_iter().for_each(|c| push_escaped(&mut regex, c)),
                c => push_escaped(&mut regex, c),
            }
        }
        // gobwas takes the end of the pattern for the missing braces.
        regex.extend(std::iter::repeat_n(')', depth));
        Self::compile(&regex)
    }

    /// Whether the whole of `name` matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    fn compile(regex: &str) -> Result<Self, BadPattern> {
        Regex::new(&format!(r"\A(?:{regex})\z")).map(Self).map_err(|_| BadPattern)
    }
}

/// The rest of `[…]` of gobwas: either one range or a list of characters.
fn files_class(chars: &mut Peekable<Chars>, regex: &mut String) -> Result<(), BadPattern> {
    regex.push_str(if chars.next_if_eq(&'!').is_some() { "[^" } else { "[" });
    let first = *chars.peek().ok_or(BadPattern)?;
    let mut ahead = chars.clone();
    ahead.next();
    if ahead.next_if_eq(&'-').is_some() {
        let high = ahead.next().ok_or(BadPattern)?;
        if high < first || ahead.next() != Some(']') {
            return Err(BadPattern);
        }
        push_range(regex, first, high);
        *chars = ahead;
    } else {
        let mut empty = true;
        while let Some(c) = chars.next_if(|c| *c != ']') {
            let c = if c == '\\' { chars.next().ok_or(BadPattern)? } else { c };
            push_range(regex, c, c);
            empty = false;
        }
        if empty || chars.next().is_none() {
            return Err(BadPattern);
        }
    }
    regex.push(']');
    Ok(())
}

fn push_range(regex: &mut String, low: char, high: char) {
    push_escaped(regex, low);
    regex.push('-');
    push_escaped(regex, high);
}

fn push_escaped(regex: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() {
        regex.push(c);
    } else {
        regex.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_patterns_match_as_in_gobwas() {
        for (pattern, name, expected) in [
            ("files/*", "files/a.txt", true),
            ("files/*", "files/a/b.txt", false),
            ("files/**", "files/a/b.txt", true),
            ("**.json", "a/b.json", true),
            ("{a,b/*}.txt", "b/c.txt", true),
            ("{a,b", "b", true),
            ("[!a]x", "bx", true),
            ("[a-c]x", "bx", true),
            ("[abc-]x", "-x", true),
            ("a,b", "a,b", true),
            ("\\*", "*", true),
            ("?", "/", false),
            ("", "", true),
        ] {
            assert_eq!(Glob::new(pattern).map(|g| g.matches(name)), Ok(expected), "{pattern} {name}");
        }
        for bad in ["[", "[]", "[a", "[a-cA]"] {
            assert!(Glob::new(bad).is_err(), "{bad}");
        }
    }
}
