//! Tests of URIs (`plugins/test/uri.py`).

use std::borrow::Cow;

use crate::jinja::encoding::keep_bytes;
use crate::jinja::error::Error;
use crate::jinja::filters::{Split, bind, url_text};
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Test;
use crate::jinja::value::Value;

/// The tests of this family.
pub(super) const TESTS: &[(&str, Test)] = &[
    ("uri", |_, value, args| {
        let [schemes] = bind(args, ["schemes"])?;
        is_uri(&value, schemes.as_ref())
    }),
    ("url", |_, value, args| is_url(&value, args)),
    ("urn", |_, value, _| is_uri(&value, Some(&Value::list(vec![Value::from("urn")])))),
];

fn split(value: &Value) -> Option<Split<'_>> {
    url_text(value).ok().and_then(Split::new)
}

/// The text of bytes; others as they are.
fn decoded(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::Bytes(bytes) => Cow::Owned(Value::from(keep_bytes(bytes))),
        other => Cow::Borrowed(other),
    }
}

fn is_uri(value: &Value, schemes: Option<&Value>) -> Result<bool, Error> {
    // No scheme that is bytes is among texts.
    let schemes = match value {
        Value::Bytes(_) => {
            schemes.filter(|given| ops::truthy_or_false(given)).map(|_| Value::list(vec![Value::None]))
        }
        _ => schemes.cloned(),
    };
    let (value, schemes) = (&*decoded(value), schemes.as_ref());
    let Some(parts) = split(value) else { return Ok(false) };
    // Whatever goes wrong, it is none.
    let allowed = |schemes: &Value| -> Result<bool, Error> {
        Ok(!ops::truthy(schemes)? || ops::contains(schemes, &Value::from(parts.scheme.as_str()))?)
    };
    Ok(schemes.is_none_or(|schemes| allowed(schemes).unwrap_or(false)))
}

fn is_url(value: &Value, args: Args) -> Result<bool, Error> {
    let [schemes] = bind(args, ["schemes"])?;
    if !is_uri(value, schemes.as_ref())? {
        return Ok(false);
    }
    Ok(split(&decoded(value)).is_some_and(|parts| !parts.netloc.is_empty() || parts.scheme == "file"))
}
