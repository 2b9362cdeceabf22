//! `version`: comparison of versions (`LooseVersion`, `StrictVersion`, `SemanticVersion`).

use std::cmp::Ordering;

use super::pep440;

use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::filters::{bind, needed, text_arg};
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Test;
use crate::jinja::value::Value;

/// The tests of this family.
pub(super) const TESTS: &[(&str, Test)] = &[("version", version), ("version_compare", version)];

/// Whether an order fits an operator.
type Holds = fn(Ordering) -> bool;

/// The words for an operator.
const OPERATORS: &[(&str, Holds)] = &[
    ("==", Ordering::is_eq),
    ("=", Ordering::is_eq),
    ("eq", Ordering::is_eq),
    ("<", Ordering::is_lt),
    ("lt", Ordering::is_lt),
    ("<=", Ordering::is_le),
    ("le", Ordering::is_le),
    (">", Ordering::is_gt),
    ("gt", Ordering::is_gt),
    (">=", Ordering::is_ge),
    ("ge", Ordering::is_ge),
    ("!=", Ordering::is_ne),
    ("<>", Ordering::is_ne),
    ("ne", Ordering::is_ne),
];

fn version(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<bool, Error> {
    let [version, operator, strict, kind] = bind(args, ["version", "operator", "strict", "version_type"])?;
    let version = needed(version, "version")?;
    if !ops::truthy(&value)? {
        return Err(Error::plugin("Input version value cannot be empty"));
    }
    if !ops::truthy(&version)? {
        return Err(Error::plugin("Version parameter to compare against cannot be empty"));
    }
    let strict = strict.filter(|strict| !strict.is_none());
    let kind = kind.filter(|kind| !kind.is_none()).map(|kind| text_arg(&kind)).transpose()?;
    if strict.is_some() && kind.is_some() {
        return Err(Error::plugin("Cannot specify both 'strict' and 'version_type'"));
    }
    let kind = match (strict.as_ref().is_some_and(ops::truthy_or_false), kind.as_deref()) {
        (true, _) => "strict".to_owned(),
        (false, kind) => kind.unwrap_or("loose").to_owned(),
    };
    let operator = operator.map_or(Ok("eq".to_owned()), |operator| text_arg(&operator))?;
    let holds = OPERATORS.iter().find(|(word, _)| *word == operator).ok_or_else(|| {
        let words: Vec<String> = OPERATORS.iter().map(|(word, _)| format!("'{word}'")).collect();
        Error::plugin(format!("Invalid operator type ({operator}). Must be one of {}", words.join(", ")))
    })?;
    let (left, right) = (text_arg(&value)?, text_arg(&version)?);
    let order = match kind.as_str() {
        "loose" => loose(&left, &right),
        "strict" => strict_parts(&left).and_then(|left| strict_parts(&right).map(|right| left.cmp(&right))),
        "semver" | "semantic" => {
            semantic(&left).and_then(|left| semantic(&right).map(|right| left.cmp(&right)))
        }
        "pep440" => pep440::compare(&left, &right)
            .map_err(|wrong| format!("Invalid version: {}", crate::jinja::repr::quote(wrong))),
        _ => {
            return Err(Error::plugin(format!(
                "Invalid version type ({kind}). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'"
            )));
        }
    };
    order.map(holds.1).map_err(|error| Error::plugin(format!("Version comparison failed: {error}")))
}

/// A part of a loose version: digits, or letters.
#[derive(PartialEq)]
enum Part {
    Number(u128),
    Word(String),
}

/// The parts of a loose version: runs of digits and of letters; dots separate.
fn loose_parts(version: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        let (digits, lower) = (first.is_ascii_digit(), first.is_ascii_lowercase());
        if first == '.' {
            rest = &rest[1..];
            continue;
        }
        let same = |c: char| {
            if digits {
                c.is_ascii_digit()
            } else if lower {
                c.is_ascii_lowercase()
            } else {
                !c.is_ascii_digit() && !c.is_ascii_lowercase() && c != '.'
            }
        };
        let end = rest.find(|c: char| !same(c)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(part.parse().map_or_else(|_| Part::Word(part.to_owned()), Part::Number));
        rest = after;
    }
    parts
}

fn loose(left: &str, right: &str) -> Result<Ordering, String> {
    let (left, right) = (loose_parts(left), loose_parts(right));
    for (a, b) in left.iter().zip(&right) {
        let order = match (a, b) {
            (Part::Number(a), Part::Number(b)) => a.cmp(b),
            (Part::Word(a), Part::Word(b)) => a.cmp(b),
            (Part::Number(_), Part::Word(_)) => return Err(not_ordered("int", "str")),
            (Part::Word(_), Part::Number(_)) => return Err(not_ordered("str", "int")),
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(left.len().cmp(&right.len()))
}

fn not_ordered(left: &str, right: &str) -> String {
    format!("'<' not supported between instances of '{left}' and '{right}'")
}

type Strict = (u64, u64, u64, u8, u64);

/// `1.2`, `1.2.3`, `1.2a1`: major, minor, patch, and a pre-release before the release.
fn strict_parts(version: &str) -> Result<Strict, String> {
    let invalid = || format!("invalid version number '{version}'");
    let number = |text: &str| text.parse::<u64>().map_err(|_| invalid());
    let (base, stage, pre) = match version.find(['a', 'b']) {
        Some(at) => {
            (&version[..at], if version.as_bytes()[at] == b'a' { 0 } else { 1 }, number(&version[at + 1..])?)
        }
        None => (version, 2, 0),
    };
    match base.split('.').collect::<Vec<_>>().as_slice() {
        [major, minor] => Ok((number(major)?, number(minor)?, 0, stage, pre)),
        [major, minor, patch] => Ok((number(major)?, number(minor)?, number(patch)?, stage, pre)),
        _ => Err(invalid()),
    }
}

fn semantic(version: &str) -> Result<semver::Version, String> {
    let parsed =
        semver::Version::parse(version).map_err(|_| format!("invalid semantic version '{version}'"))?;
    Ok(semver::Version { build: semver::BuildMetadata::EMPTY, ..parsed })
}
