//! Versions of Python packages (PEP 440, `packaging.version`).

use std::cmp::Ordering;
use std::sync::LazyLock;

use fancy_regex::Regex;

/// The parts of a version: epoch, release, pre-release, post-release, development release, local label.
const PATTERN: &str = r"(?ix)^\s* v?
    (?:([0-9]+)!)?
    ([0-9]+(?:\.[0-9]+)*)
    (?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]+)?)?
    (?:-([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]+)?)?
    (?:[-_.]?(dev)[-_.]?([0-9]+)?)?
    (?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?
    \s*$";

/// What stands behind the release, in the order in which it comes: a development release is the oldest, the
/// release itself comes after its pre-releases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// A development release of the release itself.
    Development,
    /// `a`, `b` and `rc` by their place in the alphabet, and their number.
    Pre(u8, u64),
    Final,
}

/// A part of a local label; numbers come after words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    Word(String),
    Number(u64),
}

/// A version as something to compare.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    epoch: u64,
    release: Vec<u64>,
    stage: Stage,
    /// Without one it is older than with any.
    post: Option<u64>,
    /// Without one it is newer than with any.
    development: u64,
    local: Option<Vec<Label>>,
}

impl Version {
    fn parse(text: &str) -> Option<Version> {
        static REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(PATTERN).ok());
        let found = REGEX.as_ref()?.captures(text).ok().flatten()?;
        let part = |at: usize| found.get(at).map(|part| part.as_str());
        let number = |at: usize| part(at).map_or(Some(0), |text| text.parse().ok());
        let mut release: Vec<u64> =
            part(2)?.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        while release.len() > 1 && release.last() == Some(&0) {
            release.pop();
        }
        let pre = part(3).map(|word| match word.to_ascii_lowercase().as_str() {
            "a" | "alpha" => b'a',
            "b" | "beta" => b'b',
            _ => b'r',
        });
        let post = match (part(5), part(6)) {
            (Some(_), _) => Some(number(5)?),
            (None, Some(_)) => Some(number(7)?),
            (None, None) => None,
        };
        let development = part(8).map(|_| number(9)).map_or(Some(u64::MAX), |number| number)?;
        let stage = match pre {
            Some(letter) => Stage::Pre(letter, number(4)?),
            None if post.is_none() && part(8).is_some() => Stage::Development,
            None => Stage::Final,
        };
        let label = |word: &str| match word.parse() {
            Ok(number) => Label::Number(number),
            Err(_) => Label::Word(word.to_ascii_lowercase()),
        };
        let local = part(10).map(|local| local.split(['-', '_', '.']).map(label).collect());
        Some(Version { epoch: number(1)?, release, stage, post, development, local })
    }
}

/// The order of two versions, or the one that is none.
///
/// # Errors
/// The text that is no version.
pub(super) fn compare<'a>(left: &'a str, right: &'a str) -> Result<Ordering, &'a str> {
    let parse = |text| Version::parse(text).ok_or(text);
    Ok(parse(left)?.cmp(&parse(right)?))
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering;

    #[test]
    fn versions_in_their_order() {
        let ordered = [
            "1.0.dev1",
            "1.0a1.dev1",
            "1.0a1",
            "1.0b2",
            "1.0rc1",
            "1.0",
            "1.0+abc",
            "1.0+5",
            "1.0.post1.dev2",
            "1.0.post1",
            "1.1",
            "1!0.5",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ok(Ordering::Less), "{pair:?}");
        }
        assert_eq!(compare("v1.0.0", "1"), Ok(Ordering::Equal));
        assert_eq!(compare("1.0-1", "1.0.post1"), Ok(Ordering::Equal));
        assert_eq!(compare("x", "1"), Err("x"));
    }
}
