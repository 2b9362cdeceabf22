//! Semantic versions (sprig `semver.go`; Masterminds/semver 3.5, which coerces `1`, `v1.2` and the like).

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::Outcome;
use super::args::{bytes, fail, fixed};
use super::semver_constraint::matches;
use crate::gotmpl::strconv::quote;
use crate::gotmpl::{Elem, FuncContext, FuncDef, FuncError, List, Object, Param, Signature, Value};

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("semver", &[Param::Str], semver),
    fixed("semverCompare", &[Param::Str, Param::Str], |_, args| {
        matches(bytes(args, 0), bytes(args, 1)).map(Value::Bool).map_err(|error| fail(error.to_string()))
    }),
];

/// A version, of which the parts that are not given are 0 or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    pub(super) pre: String,
    metadata: String,
    original: String,
}

/// Why text is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VersionError {
    /// Longer than [`MAX_LENGTH`].
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
    /// Not written as a version.
    #[error("invalid semantic version")]
    Invalid,
    /// A numeric part of a pre-release begins with 0.
    #[error("version segment starts with 0")]
    LeadingZero,
    /// A pre-release that is none.
    #[error("invalid prerelease string")]
    Prerelease,
    /// Build metadata that is none.
    #[error("invalid metadata string")]
    Metadata,
    /// A number that does not fit.
    #[error("error parsing version segment: strconv.ParseUint: parsing {0}: value out of range")]
    Range(String),
}

const MAX_LENGTH: usize = 256;

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// The length of what `belongs` accepts at the start.
fn run(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| belongs(*byte)).count()
}

/// Cuts `SIGN identifier(.identifier)*` off, if it is there: what follows the sign, and the rest.
pub(super) fn cut_identifiers(text: &str, sign: char) -> (Option<&str>, &str) {
    let Some(body) = text.strip_prefix(sign) else { return (None, text) };
    let mut length = run(body, is_identifier);
    if length == 0 {
        return (None, text);
    }
    while let Some(next) = body[length..].strip_prefix('.') {
        match run(next, is_identifier) {
            0 => break,
            more => length += 1 + more,
        }
    }
    (Some(&body[..length]), &body[length..])
}

impl Version {
    /// Reads a version as `semver.NewVersion` does.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, VersionError> {
        if text.len() > MAX_LENGTH {
            return Err(VersionError::TooLong);
        }
        let original = std::str::from_utf8(text).map_err(|_| VersionError::Invalid)?;
        let mut rest = original.strip_prefix('v').unwrap_or(original);
        let mut numbers = [""; 3];
        for (index, number) in numbers.iter_mut().enumerate() {
            let body = if index == 0 { Some(rest) } else { rest.strip_prefix('.') };
            let Some(body) = body else { break };
            let digits = run(body, |byte| byte.is_ascii_digit());
            if digits == 0 {
                break;
            }
            (*number, rest) = body.split_at(digits);
        }
        let (pre, rest) = cut_identifiers(rest, '-');
        let (metadata, rest) = cut_identifiers(rest, '+');
        if numbers[0].is_empty() || !rest.is_empty() {
            return Err(VersionError::Invalid);
        }
        let [major, minor, patch] = numbers.map(segment);
        let (pre, metadata) = (pre.unwrap_or_default(), metadata.unwrap_or_default());
        let version = Self {
            major: major?,
            minor: minor?,
            patch: patch?,
            pre: pre.to_owned(),
            metadata: metadata.to_owned(),
            original: original.to_owned(),
        };
        check_prerelease(pre)?;
        Ok(version)
    }

    /// The order of versions; build metadata does not count.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prerelease(&self.pre, &other.pre))
    }

    /// The version after `change`, which also renews the original text.
    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{next}");
        next
    }

    fn increment(&self, part: &str) -> Result<Self, FuncError> {
        let overflow = || fail(format!("{part} version increment would overflow uint64"));
        let add = |number: u64| number.checked_add(1).ok_or_else(overflow);
        let (major, minor, patch) = match part {
            "major" => (add(self.major)?, 0, 0),
            "minor" => (self.major, add(self.minor)?, 0),
            _ if self.pre.is_empty() => (self.major, self.minor, add(self.patch)?),
            _ => (self.major, self.minor, self.patch),
        };
        Ok(self.changed(|next| {
            (next.major, next.minor, next.patch) = (major, minor, patch);
            next.pre.clear();
            next.metadata.clear();
        }))
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

fn segment(digits: &str) -> Result<u64, VersionError> {
    if digits.is_empty() {
        return Ok(0);
    }
    let quoted = || String::from_utf8_lossy(&quote(digits.as_bytes())).into_owned();
    digits.parse().map_err(|_| VersionError::Range(quoted()))
}

fn is_numeric(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

fn check_prerelease(pre: &str) -> Result<(), VersionError> {
    for part in pre.split('.').filter(|_| !pre.is_empty()) {
        if part.is_empty() || !part.bytes().all(is_identifier) {
            return Err(VersionError::Prerelease);
        }
        if is_numeric(part) && part.len() > 1 && part.starts_with('0') {
            return Err(VersionError::LeadingZero);
        }
    }
    Ok(())
}

fn check_metadata(metadata: &str) -> Result<(), VersionError> {
    let is_good = |part: &str| !part.is_empty() && part.bytes().all(is_identifier);
    if metadata.is_empty() || metadata.split('.').all(is_good) { Ok(()) } else { Err(VersionError::Metadata) }
}

/// A release is newer than its pre-releases.
pub(super) fn compare_prerelease(left: &str, right: &str) -> Ordering {
    match (left.is_empty(), right.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let (a, b) = (left.next(), right.next());
        if a.is_none() && b.is_none() {
            return Ordering::Equal;
        }
        let order = compare_part(a.unwrap_or_default(), b.unwrap_or_default());
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// A missing part is the smallest, a number smaller than a word.
fn compare_part(left: &str, right: &str) -> Ordering {
    let number = |part: &str| part.parse::<u64>().ok().filter(|_| is_numeric(part));
    if left == right {
        return Ordering::Equal;
    }
    match (left.is_empty(), right.is_empty()) {
        (true, _) => return Ordering::Less,
        (_, true) => return Ordering::Greater,
        _ => {}
    }
    match (number(left), number(right)) {
        // Equal numbers written differently: the original has no third outcome.
        (Some(a), Some(b)) => a.cmp(&b).then(Ordering::Less),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => left.cmp(right),
    }
}

fn semver(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let version = Version::parse(bytes(args, 0)).map_err(|error| fail(error.to_string()))?;
    Ok(Value::Object(Rc::new(VersionObject { version, pointer: true })))
}

/// A `*semver.Version` in a template, or a `semver.Version`, which has no methods of the pointer.
#[derive(Debug)]
struct VersionObject {
    version: Version,
    pointer: bool,
}

const NO_ARGUMENTS: Signature = Signature { params: &[], variadic: None };
const ONE_STRING: Signature = Signature { params: &[Param::Str], variadic: None };
const ONE_VERSION: Signature = Signature { params: &[Param::Object("*semver.Version")], variadic: None };

impl VersionObject {
    fn value(version: Version) -> Value {
        Value::Object(Rc::new(Self { version, pointer: false }))
    }

    fn order(&self, args: &[Value]) -> Result<Ordering, FuncError> {
        if let Some(Value::Object(object)) = args.first()
            && let Some(other) = object.as_any().downcast_ref::<Self>().filter(|other| other.pointer)
        {
            return Ok(self.version.compare(&other.version));
        }
        Err(super::args::nil_dereference())
    }
}

impl Object for VersionObject {
    fn type_name(&self) -> Cow<'_, str> {
        if self.pointer { "*semver.Version".into() } else { "semver.Version".into() }
    }

    fn kind(&self) -> &'static str {
        if self.pointer { "ptr" } else { "struct" }
    }

    fn display(&self) -> Cow<'_, str> {
        self.version.to_string().into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "String" | "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "IncMajor" | "IncMinor"
            | "IncPatch" | "MarshalJSON" | "MarshalText" | "Value" => Some(NO_ARGUMENTS),
            "SetPrerelease" | "SetMetadata" => Some(ONE_STRING),
            "Original" if self.pointer => Some(NO_ARGUMENTS),
            "Compare" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual" | "Equal"
                if self.pointer =>
            {
                Some(ONE_VERSION)
            }
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Outcome> {
        self.method(name)?;
        Some(self.invoke(name, args))
    }

    fn to_plain(&self) -> Value {
        Value::from(self.version.to_string())
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl VersionObject {
    fn invoke(&self, name: &str, args: &[Value]) -> Outcome {
        let version = &self.version;
        let text = |text: &str| Ok(Value::from(text));
        match name {
            "Major" => Ok(Value::Uint64(version.major)),
            "Minor" => Ok(Value::Uint64(version.minor)),
            "Patch" => Ok(Value::Uint64(version.patch)),
            "Prerelease" => text(&version.pre),
            "Metadata" => text(&version.metadata),
            "Original" => text(&version.original),
            "MarshalJSON" => Ok(byte_list(&format!("\"{version}\""))),
            "MarshalText" => Ok(byte_list(&version.to_string())),
            "IncMajor" => version.increment("major").map(Self::value),
            "IncMinor" => version.increment("minor").map(Self::value),
            "IncPatch" => version.increment("patch").map(Self::value),
            "SetPrerelease" => {
                let pre = String::from_utf8_lossy(bytes(args, 0)).into_owned();
                check_prerelease(&pre).map_err(|error| fail(error.to_string()))?;
                Ok(Self::value(version.changed(|next| next.pre = pre)))
            }
            "SetMetadata" => {
                let metadata = String::from_utf8_lossy(bytes(args, 0)).into_owned();
                check_metadata(&metadata).map_err(|error| fail(error.to_string()))?;
                Ok(Self::value(version.changed(|next| next.metadata = metadata)))
            }
            "Compare" => Ok(Value::Int(self.order(args)? as i64)),
            "LessThan" => Ok(Value::Bool(self.order(args)?.is_lt())),
            "LessThanEqual" => Ok(Value::Bool(self.order(args)?.is_le())),
            "GreaterThan" => Ok(Value::Bool(self.order(args)?.is_gt())),
            "GreaterThanEqual" => Ok(Value::Bool(self.order(args)?.is_ge())),
            "Equal" => Ok(Value::Bool(self.order(args)?.is_eq())),
            _ => Ok(Value::from(version.to_string())),
        }
    }
}

fn byte_list(text: &str) -> Value {
    Value::List(List::new(Elem::Byte, text.bytes().map(Value::Uint8).collect()))
}
