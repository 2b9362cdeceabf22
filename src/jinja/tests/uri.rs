//! Tests of URIs (`plugins/test/uri.py`).

use crate::jinja::error::Error;
use crate::jinja::filters::{Split, bind};
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
    value.as_str().and_then(Split::new)
}

fn is_uri(value: &Value, schemes: Option<&Value>) -> Result<bool, Error> {
    let Some(parts) = split(value) else { return Ok(false) };
    match schemes.filter(|schemes| ops::truthy_or_false(schemes)) {
        Some(schemes) => Ok(ops::contains(schemes, &Value::from(parts.scheme.as_str())).unwrap_or(false)),
        None => Ok(true),
    }
}

fn is_url(value: &Value, args: Args) -> Result<bool, Error> {
    let [schemes] = bind(args, ["schemes"])?;
    if !is_uri(value, schemes.as_ref())? {
        return Ok(false);
    }
    Ok(split(value).is_some_and(|parts| !parts.netloc.is_empty() || parts.scheme == "file"))
}
