//! Which hosts a pattern means (`inventory/manager.py`).

use std::collections::HashSet;
use std::path::Path;

use fancy_regex::Regex;
use indexmap::IndexSet;

use super::address::parse_address;
use super::error::InventoryError;
use super::hosts::{Inventory, LOCALHOST};

/// What a pattern means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matched {
    /// The hosts, each once, in order.
    pub hosts: Vec<String>,
    /// The parts of the pattern that mean no host and no group, for a warning.
    pub unknown: Vec<String>,
}

/// The single patterns of a text: between commas or, without any, between colons that are no part of a
/// range or of an IPv6 address (`split_host_pattern`).
#[must_use]
pub fn split_patterns(text: &str) -> Vec<String> {
    let parts: Vec<&str> = if text.contains(',') {
        text.split(',').collect()
    } else if parse_address(text, true).is_ok() {
        vec![text]
    } else {
        split_at_colons(text)
    };
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// Runs of characters other than white space, colons and lone brackets; `[…]` is one piece.
fn split_at_colons(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let length = match (c, text[at..].find(']')) {
            ('[', Some(end)) => end + 1,
            _ => c.len_utf8(),
        };
        if length == c.len_utf8() && (c.is_whitespace() || matches!(c, ':' | '[' | ']')) {
            parts.push(&text[start..at]);
            start = at + length;
        }
        at += length;
    }
    parts.push(&text[start..]);
    parts
}

impl Inventory {
    /// The hosts that a pattern means, within the limit: `a:b:!c:&d`, `web*`, `~web\d+`, `web[0]`, `web[1:3]`,
    /// `all`, and `localhost` also when the inventory does not list it.
    ///
    /// # Errors
    /// A regular expression does not parse, or no host has the position that a pattern asks for.
    pub fn hosts_matching(&self, pattern: &str) -> Result<Vec<String>, InventoryError> {
        self.matching(&[pattern]).map(|matched| matched.hosts)
    }

    /// The hosts that several patterns mean together, and which patterns mean nothing.
    ///
    /// # Errors
    /// As [`Inventory::hosts_matching`].
    pub fn matching<S: AsRef<str>>(&self, patterns: &[S]) -> Result<Matched, InventoryError> {
        let patterns: Vec<String> = patterns.iter().flat_map(|text| split_patterns(text.as_ref())).collect();
        let mut matched = self.evaluate(&patterns)?;
        if let Some(limit) = &self.limit {
            let within: HashSet<String> = self.evaluate(limit)?.hosts.into_iter().collect();
            matched.hosts.retain(|host| within.contains(host));
        }
        Ok(matched)
    }

    /// Limits the hosts of all plays to those that a pattern means (`--limit`); `@file` in it stands for the
    /// lines of the file.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn set_limit(&mut self, limit: &str) -> Result<(), InventoryError> {
        let mut patterns = Vec::new();
        for pattern in split_patterns(limit) {
            let Some(file) = pattern.strip_prefix('@') else {
                patterns.push(pattern);
                continue;
            };
            let path = Path::new(file);
            if !path.exists() {
                return Err(InventoryError::new(format!("Unable to find limit file {file}")));
            }
            if !path.is_file() {
                let message = format!("Limit starting with \"@\" must be a file, not a directory: {file}");
                return Err(InventoryError::new(message));
            }
            let text = std::fs::read_to_string(path)
                .map_err(|error| InventoryError::new(format!("could not read '{file}': {error}")))?;
            patterns.extend(text.split('\n').map(|line| line.trim().to_owned()));
        }
        self.limit = Some(patterns);
        Ok(())
    }

    /// What the limit means; none without a limit.
    ///
    /// # Errors
    /// As [`Inventory::hosts_matching`].
    pub fn limited(&self) -> Result<Option<Matched>, InventoryError> {
        self.limit.as_ref().map(|limit| self.evaluate(limit)).transpose()
    }

    /// Applies single patterns: first those that add, then those that intersect, then those that exclude.
    fn evaluate(&self, patterns: &[String]) -> Result<Matched, InventoryError> {
        let starting = |first: &[char]| {
            let matches = move |pattern: &&String| pattern.starts_with(first);
            patterns.iter().filter(matches).map(|pattern| &pattern[1..]).collect::<Vec<_>>()
        };
        let mut adding: Vec<&str> = patterns
            .iter()
            .map(String::as_str)
            .filter(|it| !it.is_empty() && !it.starts_with(['!', '&']))
            .collect();
        if adding.is_empty() {
            adding.push("all");
        }
        let mut unknown = Vec::new();
        let mut hosts = IndexSet::new();
        for pattern in adding {
            if self.hosts.contains_key(pattern) {
                hosts.insert(pattern.to_owned());
            } else {
                hosts.extend(self.match_one(pattern, &mut unknown)?);
            }
        }
        for pattern in starting(&['&']) {
            let those: HashSet<String> = self.match_one(pattern, &mut unknown)?.into_iter().collect();
            hosts.retain(|host| those.contains(host));
        }
        for pattern in starting(&['!']) {
            let those: HashSet<String> = self.match_one(pattern, &mut unknown)?.into_iter().collect();
            hosts.retain(|host| !those.contains(host));
        }
        Ok(Matched { hosts: hosts.into_iter().collect(), unknown })
    }

    fn match_one(&self, pattern: &str, unknown: &mut Vec<String>) -> Result<Vec<String>, InventoryError> {
        let (name, subscript) = split_subscript(pattern);
        let hosts = self.enumerate(name, unknown)?;
        let Some((start, end)) = subscript.filter(|_| !hosts.is_empty()) else { return Ok(hosts) };
        let length = i64::try_from(hosts.len()).unwrap_or(i64::MAX);
        let from_end = |index: i64| if index < 0 { index + length } else { index };
        let range = match end {
            // As in Python, an end of 0 counts as none.
            None | Some(0) => {
                let start = from_end(start);
                if !(0..length).contains(&start) {
                    let message = format!("No hosts matched the subscripted pattern '{pattern}'");
                    return Err(InventoryError::new(message));
                }
                start..start + 1
            }
            Some(-1) => from_end(start).clamp(0, length)..length,
            Some(end) => from_end(start).clamp(0, length)..from_end(end + 1).clamp(0, length),
        };
        let (start, end) =
            (usize::try_from(range.start).unwrap_or(0), usize::try_from(range.end).unwrap_or(0));
        Ok(hosts.get(start..end.max(start)).unwrap_or_default().to_vec())
    }

    fn enumerate(&self, name: &str, unknown: &mut Vec<String>) -> Result<Vec<String>, InventoryError> {
        let matcher = Matcher::new(name)?;
        let groups: Vec<&String> = self.groups.keys().filter(|group| matcher.is_match(group)).collect();
        let mut results: Vec<String> = groups.iter().flat_map(|group| self.hosts_of(group)).collect();
        if groups.is_empty() || name.starts_with('~') || name.contains(['.', '?', '*', '[']) {
            results.extend(self.hosts.keys().filter(|host| matcher.is_match(host)).cloned());
        }
        if results.is_empty() && LOCALHOST.contains(&name) {
            results.push(self.localhost(name));
        }
        if results.is_empty() && groups.is_empty() && name != "all" {
            unknown.push(name.to_owned());
        }
        Ok(results)
    }
}

/// A pattern without its `[1]`, `[1:3]` or `[1:]`, and that.
fn split_subscript(pattern: &str) -> (&str, Option<(i64, Option<i64>)>) {
    let none = (pattern, None);
    if pattern.starts_with('~') || !pattern.ends_with(']') {
        return none;
    }
    let Some((name, inside)) = pattern.rsplit_once('[') else { return none };
    let inside = &inside[..inside.len() - 1];
    if name.is_empty() {
        return none;
    }
    let digits = |text: &str| text.parse::<u32>().ok().filter(|_| !text.starts_with('+')).map(i64::from);
    if let Some(index) =
        inside.strip_prefix('-').map_or_else(|| digits(inside), |rest| digits(rest).map(|n| -n))
    {
        return (name, Some((index, None)));
    }
    let Some((start, end)) = inside.split_once([':', '-']) else { return none };
    match (digits(start), end.is_empty(), digits(end)) {
        (Some(start), true, _) => (name, Some((start, Some(-1)))),
        (Some(start), _, Some(end)) => (name, Some((start, Some(end)))),
        _ => none,
    }
}

/// A name, a glob or a regular expression.
enum Matcher<'a> {
    Name(&'a str),
    Regex(Box<Regex>),
}

impl<'a> Matcher<'a> {
    fn new(pattern: &'a str) -> Result<Self, InventoryError> {
        let expression = match pattern.strip_prefix('~') {
            Some(expression) => format!("^(?:{expression})"),
            None if !pattern.contains(['*', '?', '[']) => return Ok(Matcher::Name(pattern)),
            None => glob(pattern),
        };
        Regex::new(&expression)
            .map(|regex| Matcher::Regex(Box::new(regex)))
            .map_err(|_| InventoryError::new(format!("Invalid host list pattern: {pattern}")))
    }

    fn is_match(&self, name: &str) -> bool {
        match self {
            Matcher::Name(wanted) => *wanted == name,
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }
}

/// The regular expression of a glob (`fnmatch.translate`).
fn glob(pattern: &str) -> String {
    let mut expression = String::from("(?s)^");
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => {
                let skip = usize::from(rest.starts_with('!'));
                let skip = skip + usize::from(rest[skip..].starts_with(']'));
                match rest[skip..].find(']') {
                    Some(end) => {
                        let (inside, after) = rest.split_at(skip + end);
                        let inside = inside.replace('\\', "\\\\").replace('[', "\\[").replace('&', "\\&");
                        let negated = inside.strip_prefix('!').map(|inside| format!("^{inside}"));
                        let caret = inside.strip_prefix('^').map(|inside| format!("\\^{inside}"));
                        expression.push_str(&format!("[{}]", negated.or(caret).unwrap_or(inside)));
                        rest = &after[1..];
                    }
                    None => expression.push_str("\\["),
                }
            }
            c => expression.push_str(&fancy_regex::escape(&c.to_string())),
        }
    }
    expression.push_str("\\z");
    expression
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory() -> Inventory {
        let mut inventory = Inventory::default();
        for (host, groups) in [
            ("web1", ["web", "eu"]),
            ("web2", ["web", "us"]),
            ("db1", ["db", "eu"]),
            ("db2.example.com", ["db", "us"]),
        ] {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            inventory.add_host(host, &groups, std::iter::empty()).unwrap();
        }
        inventory
    }

    #[test]
    fn patterns() {
        let inventory = inventory();
        let hosts = |pattern: &str| inventory.hosts_matching(pattern).map(|hosts| hosts.join(" "));
        for (pattern, expected) in [
            ("all", "web1 web2 db1 db2.example.com"),
            ("*", "web1 web2 db1 db2.example.com"),
            ("web", "web1 web2"),
            ("web:db1", "web1 web2 db1"),
            ("web,db1", "web1 web2 db1"),
            ("all:!web", "db1 db2.example.com"),
            ("web:&eu", "web1"),
            ("!web", "db1 db2.example.com"),
            ("&eu:web", "web1"),
            ("web[0]", "web1"),
            ("web[-1]", "web2"),
            ("all[1:2]", "web2 db1"),
            ("all[2:]", "db1 db2.example.com"),
            ("web*", "web1 web2"),
            ("w[!a]b?", "web1 web2"),
            ("db[!1]*", "db2.example.com"),
            ("~(web|db)1", "web1 db1"),
            ("*.example.com", "db2.example.com"),
            ("localhost", "localhost"),
            ("127.0.0.1", "127.0.0.1"),
            ("nothing", ""),
        ] {
            assert_eq!(hosts(pattern).unwrap(), expected, "{pattern}");
        }
        assert!(hosts("web[7]").is_err() && hosts("w?b[12]").is_err());
        assert!(hosts("~(").is_err());
        assert_eq!(inventory.matching(&["nothing", "web1"]).unwrap().unknown, ["nothing"]);
    }

    #[test]
    fn limits() {
        let mut inventory = inventory();
        inventory.set_limit("eu").unwrap();
        assert_eq!(inventory.hosts_matching("all").unwrap(), ["web1", "db1"]);
        let file = std::env::temp_dir().join(format!("daytwo-limit-{}", std::process::id()));
        std::fs::write(&file, "db1\nweb2\n").unwrap();
        inventory.set_limit(&format!("@{}", file.display())).unwrap();
        assert_eq!(inventory.hosts_matching("all").unwrap(), ["web2", "db1"]);
        std::fs::remove_file(&file).unwrap();
        assert!(inventory.set_limit(&format!("@{}", file.display())).is_err());
    }

    #[test]
    fn splitting() {
        assert_eq!(split_patterns("a,b[1], c[2:3] , d"), ["a", "b[1]", "c[2:3]", "d"]);
        assert_eq!(split_patterns("a:b[1:2]:!c"), ["a", "b[1:2]", "!c"]);
        assert_eq!(split_patterns("2001:db8::1"), ["2001:db8::1"]);
        assert_eq!(split_patterns("a[:b"), ["a", "b"]);
    }
}
