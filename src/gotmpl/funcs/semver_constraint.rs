//! Version constraints (Masterminds/semver 3.5 `constraints.go`): alternatives (`||`) of conditions that all
//! hold (space or comma), wildcards, hyphen ranges. A pre-release is only looked at by an alternative that
//! names one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::semver::{Version, VersionError, compare_prerelease, cut_identifiers};
use crate::gotmpl::strconv::quote;

/// Why a constraint or the version to check cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConstraintError {
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    #[error("too many constraint groups (max {MAX_ALTERNATIVES})")]
    TooMany,
    #[error("improper constraint: {0}")]
    Improper(String),
    #[error("constraint parser error")]
    Parser,
    #[error(transparent)]
    Version(#[from] VersionError),
}

const MAX_LENGTH: usize = 512;
const MAX_ALTERNATIVES: usize = 32;

/// A parsed constraint: alternatives of conditions.
type Alternatives = Vec<Alternative>;

struct Alternative {
    conditions: Vec<Condition>,
    names_prerelease: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

/// The operators as they are written; one that begins another stands after it.
const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
    ("", Operator::Equal),
];

/// Which part of a condition's version is a wildcard or missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wild {
    None,
    Patch,
    Minor,
    Major,
}

struct Condition {
    operator: Operator,
    version: Version,
    wild: Wild,
}

/// Parsed constraints that a thread keeps; a chart has a few.
const CACHE_LIMIT: usize = 512;

type Parsed = Result<Rc<Alternatives>, ConstraintError>;

thread_local! {
    static CACHE: RefCell<HashMap<Box<[u8]>, Parsed>> = RefCell::default();
}

/// Whether a version fulfils a constraint (`semverCompare`).
pub(crate) fn matches(constraint: &[u8], version: &[u8]) -> Result<bool, ConstraintError> {
    let known = CACHE.with_borrow(|cache| cache.get(constraint).cloned());
    let alternatives = known.unwrap_or_else(|| {
        let parsed = parse(constraint).map(Rc::new);
        CACHE.with_borrow_mut(|cache| {
            if cache.len() >= CACHE_LIMIT {
                cache.clear();
            }
            cache.insert(constraint.into(), parsed.clone());
        });
        parsed
    })?;
    let version = Version::parse(version)?;
    Ok(alternatives.iter().any(|alternative| {
        (version.pre.is_empty() || alternative.names_prerelease)
            && alternative.conditions.iter().all(|condition| condition.holds(&version))
    }))
}

fn parse(constraint: &[u8]) -> Result<Alternatives, ConstraintError> {
    if constraint.len() > MAX_LENGTH {
        return Err(ConstraintError::TooLong);
    }
    let Ok(text) = std::str::from_utf8(constraint) else { return Err(improper(constraint)) };
    let rewritten = rewrite_ranges(text);
    if rewritten.split("||").count() > MAX_ALTERNATIVES {
        return Err(ConstraintError::TooMany);
    }
    rewritten.split("||").map(alternative).collect()
}

fn improper(text: &[u8]) -> ConstraintError {
    ConstraintError::Improper(String::from_utf8_lossy(&quote(text)).into_owned())
}

/// `\s` of Go's regular expressions.
fn is_space(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\u{c}' | '\r' | ' ')
}

/// Conditions separated by space or a comma.
fn alternative(text: &str) -> Result<Alternative, ConstraintError> {
    let mut conditions = Vec::new();
    let mut rest = text;
    loop {
        let Some((condition, after)) = condition(rest) else { return Err(improper(text.as_bytes())) };
        conditions.push(condition);
        let trimmed = after.trim_start_matches(is_space);
        if trimmed.is_empty() {
            break;
        }
        rest = match trimmed.strip_prefix(',') {
            Some(rest) => rest,
            None if trimmed.len() < after.len() => trimmed,
            None => return Err(improper(text.as_bytes())),
        };
    }
    let conditions = conditions.into_iter().collect::<Result<Vec<_>, _>>()?;
    let names_prerelease = conditions.iter().any(|condition| !condition.version.pre.is_empty());
    Ok(Alternative { conditions, names_prerelease })
}

/// An operator and a version; `None` when the text begins with neither.
fn condition(text: &str) -> Option<(Result<Condition, ConstraintError>, &str)> {
    let text = text.trim_start_matches(is_space);
    let (sign, operator) = OPERATORS.iter().find(|(sign, _)| text.starts_with(sign))?;
    let body = text[sign.len()..].trim_start_matches(is_space);
    let (parts, after) = Parts::cut(body)?;
    let written = &body[..body.len() - after.len()];
    let condition =
        parts.version(written).map(|(version, wild)| Condition { operator: *operator, version, wild });
    Some((condition, after))
}

/// The pieces of a version in a constraint, wildcards allowed.
struct Parts<'a> {
    numbers: [&'a str; 3],
    pre: &'a str,
}

impl<'a> Parts<'a> {
    fn cut(text: &'a str) -> Option<(Self, &'a str)> {
        let is_number = |byte: u8| byte.is_ascii_digit() || b"xX*|".contains(&byte);
        let mut rest = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = [""; 3];
        for (index, number) in numbers.iter_mut().enumerate() {
            let body = if index == 0 { Some(rest) } else { rest.strip_prefix('.') };
            let Some(body) = body else { break };
            let length = body.bytes().take_while(|byte| is_number(*byte)).count();
            if length == 0 {
                break;
            }
            (*number, rest) = body.split_at(length);
        }
        if numbers[0].is_empty() {
            return None;
        }
        let (pre, rest) = cut_identifiers(rest, '-');
        let (_, rest) = cut_identifiers(rest, '+');
        Some((Self { numbers, pre: pre.unwrap_or_default() }, rest))
    }

    /// The version with zeros for wildcards.
    fn version(&self, written: &str) -> Result<(Version, Wild), ConstraintError> {
        let is_wild = |number: &str| matches!(number, "" | "x" | "X" | "*");
        let [major, minor, patch] = self.numbers;
        let dash = if self.pre.is_empty() { "" } else { "-" };
        let (text, wild) = if is_wild(major) {
            (format!("0.0.0{dash}{}", self.pre), Wild::Major)
        } else if is_wild(minor) {
            (format!("{major}.0.0{dash}{}", self.pre), Wild::Minor)
        } else if is_wild(patch) {
            (format!("{major}.{minor}.0{dash}{}", self.pre), Wild::Patch)
        } else {
            (written.to_owned(), Wild::None)
        };
        let version = Version::parse(text.as_bytes()).map_err(|_| ConstraintError::Parser)?;
        Ok((version, wild))
    }
}

/// Writes `1.2 - 1.4` as `>= 1.2, <= 1.4`.
fn rewrite_ranges(text: &str) -> String {
    let mut rewritten = text.to_owned();
    let mut at = 0;
    while at < text.len() {
        match range(&text[at..]) {
            Some((low, high, length)) => {
                let range = &text[at..at + length];
                rewritten = rewritten.replacen(range, &format!(">= {low}, <= {high} "), 1);
                at += length;
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    rewritten
}

/// A hyphen range at the start of the text: its ends and its length with the space around it.
fn range(text: &str) -> Option<(&str, &str, usize)> {
    let spaced = |text: &'_ str| text.len() - text.trim_start_matches(is_space).len();
    let body = &text[spaced(text)..];
    let (_, after_low) = Parts::cut(body)?;
    let low = &body[..body.len() - after_low.len()];
    let before_hyphen = spaced(after_low);
    let after_hyphen = after_low[before_hyphen..].strip_prefix('-').filter(|_| before_hyphen > 0)?;
    let before_high = spaced(after_hyphen);
    let body = &after_hyphen[before_high..];
    let (_, rest) = Parts::cut(body).filter(|_| before_high > 0)?;
    let high = &body[..body.len() - rest.len()];
    Some((low, high, text.len() - rest.len() + spaced(rest)))
}

impl Condition {
    /// Whether a version, if a pre-release one that may be looked at, fulfils the condition.
    fn holds(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.operator {
            Operator::Equal if self.wild == Wild::None => version.compare(own).is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => self.greater(version),
            Operator::Less => version.compare(own).is_lt(),
            Operator::GreaterEqual => version.compare(own).is_ge(),
            Operator::LessEqual if self.wild == Wild::None => version.compare(own).is_le(),
            Operator::LessEqual => {
                version.major < own.major
                    || version.major == own.major && (version.minor <= own.minor || self.wild == Wild::Minor)
            }
            Operator::Caret => self.caret(version),
        }
    }

    fn tilde(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own).is_lt() {
            return false;
        }
        let is_zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        if is_zero && matches!(self.wild, Wild::None | Wild::Major) {
            return true;
        }
        version.major == own.major && (version.minor == own.minor || self.wild == Wild::Minor)
    }

    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.wild == Wild::None {
            return version.compare(own).is_ne();
        }
        if own.major != version.major {
            return true;
        }
        if self.wild == Wild::Minor {
            return false;
        }
        if own.minor != version.minor {
            return true;
        }
        match self.wild {
            Wild::Patch if !version.pre.is_empty() || !own.pre.is_empty() => {
                // Compared part by part, an empty pre-release being one empty part.
                version.pre != own.pre && prereleases_differ(&version.pre, &own.pre)
            }
            Wild::Patch => false,
            _ => own.patch != version.patch || version.compare(own).is_ne(),
        }
    }

    fn greater(&self, version: &Version) -> bool {
        let own = &self.version;
        match self.wild {
            Wild::None => version.compare(own).is_gt(),
            _ if version.major != own.major => version.major > own.major,
            Wild::Minor => false,
            Wild::Patch => version.minor > own.minor,
            Wild::Major => version.compare(own).is_gt(),
        }
    }

    fn caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if version.compare(own).is_lt() {
            return false;
        }
        if own.major > 0 || self.wild == Wild::Minor {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.wild == Wild::Patch {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}

fn prereleases_differ(left: &str, right: &str) -> bool {
    left.is_empty() || right.is_empty() || compare_prerelease(left, right).is_ne()
}
