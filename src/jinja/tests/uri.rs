//! Tests of URIs (`plugins/test/uri.py`).

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

fn is_uri(value: &Value, schemes: Option<&Value>) -> Result<bool, Error> {
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
    Ok(split(value).is_some_and(|parts| !parts.netloc.is_empty() || parts.scheme == "file"))
}
