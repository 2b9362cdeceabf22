//! What a scalar means to yaml.v2.

use std::borrow::Cow;

use super::number::{self, Number};
use super::{base64, timestamp, utf8};

/// A resolved scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// `.nan`, `.inf` and the like.
    NonFinite(f64),
    /// Text that looks like a time; it stays a string.
    Timestamp,
    Str(Cow<'a, str>),
}

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Resolves a scalar with its tag; `implicit` means plain, or tagged with a lone `!`.
///
/// The error is yaml.v2's text, without `yaml: `.
pub(super) fn resolve<'a>(tag: Option<&str>, text: &'a str, implicit: bool) -> Result<Scalar<'a>, String> {
    let Some(tag) = tag else {
        return Ok(if implicit { resolve_plain(text) } else { Scalar::Str(Cow::Borrowed(text)) });
    };
    let found = match tag.strip_prefix(TAG_PREFIX) {
        Some("binary") => {
            let bytes = base64::decode(text).ok_or("!!binary value contains invalid base64 data")?;
            // JSON cannot hold bytes: what is not UTF-8 is lost on the way through it.
            return Ok(Scalar::Str(Cow::Owned(utf8::replace_invalid(&bytes).into_owned())));
        }
        Some("bool" | "int" | "float" | "null" | "timestamp") => resolve_plain(text),
        _ => return Ok(Scalar::Str(Cow::Borrowed(text))),
    };
    let wanted = &tag[TAG_PREFIX.len()..];
    let found = match found {
        Scalar::Timestamp if wanted != "timestamp" => Scalar::Str(Cow::Borrowed(text)),
        found => found,
    };
    let name = found.tag_name();
    match found {
        Scalar::Number(Number::Int(int)) if wanted == "float" => {
            Ok(Scalar::Number(Number::Float(int as f64)))
        }
        found if name == wanted => Ok(found),
        _ => Err(format!("cannot decode !!{name} `{text}` as a !!{wanted}")),
    }
}

impl Scalar<'_> {
    fn tag_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Number(Number::Int(_) | Number::Uint(_)) => "int",
            Self::Number(Number::Float(_)) | Self::NonFinite(_) => "float",
            Self::Timestamp => "timestamp",
            Self::Str(_) => "str",
        }
    }
}

/// Resolves a plain scalar without a tag.
pub(super) fn resolve_plain(text: &str) -> Scalar<'_> {
    let resolved = match text.as_bytes().first() {
        None => Some(Scalar::Null),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => word(text),
        Some(b'.') => word(text).or_else(|| number::parse_fraction(text).map(Scalar::Number)),
        Some(b'0'..=b'9') if timestamp::is_timestamp(text) => Some(Scalar::Timestamp),
        Some(b'0'..=b'9') => number::parse(text).map(Scalar::Number),
        Some(b'+' | b'-') => word(text).or_else(|| number::parse(text).map(Scalar::Number)),
        Some(_) => None,
    };
    resolved.unwrap_or(Scalar::Str(Cow::Borrowed(text)))
}

fn word(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::NonFinite(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::NonFinite(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::NonFinite(f64::NEG_INFINITY),
        _ => return None,
    })
}
