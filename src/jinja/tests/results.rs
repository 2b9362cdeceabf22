//! Tests of task results (`plugins/test/core.py`).

use crate::jinja::error::Error;
use crate::jinja::ops;
use crate::jinja::plugins::Test;
use crate::jinja::value::{Dict, Value};

/// The tests of this family.
pub(super) const TESTS: &[(&str, Test)] = &[
    ("failed", |_, value, _| flag(&value, "failed", "failed")),
    ("failure", |_, value, _| flag(&value, "failed", "failed")),
    ("succeeded", |_, value, _| flag(&value, "failed", "failed").map(|failed| !failed)),
    ("success", |_, value, _| flag(&value, "failed", "failed").map(|failed| !failed)),
    ("successful", |_, value, _| flag(&value, "failed", "failed").map(|failed| !failed)),
    ("unreachable", |_, value, _| flag(&value, "unreachable", "unreachable")),
    ("reachable", |_, value, _| flag(&value, "unreachable", "unreachable").map(|gone| !gone)),
    ("skipped", |_, value, _| flag(&value, "skipped", "skipped")),
    ("skip", |_, value, _| flag(&value, "skipped", "skipped")),
    ("changed", |_, value, _| changed(&value)),
    ("change", |_, value, _| changed(&value)),
    ("started", |_, value, _| state(&value, "started")),
    ("finished", |_, value, _| state(&value, "finished")),
    ("timedout", |_, value, _| {
        let period = result(&value, "timedout")?
            .get("timedout")
            .and_then(|it| it.as_dict().and_then(|it| it.get("period")));
        Ok(period.is_some_and(|period| ops::truthy_or_false(&period)))
    }),
];

fn result<'a>(value: &'a Value, test: &str) -> Result<&'a Dict, Error> {
    value.as_dict().ok_or_else(|| Error::plugin(format!("The '{test}' test expects a dictionary")))
}

fn flag(value: &Value, key: &str, test: &str) -> Result<bool, Error> {
    result(value, test)?.get(key).map_or(Ok(false), |flag| ops::truthy(&flag))
}

fn changed(value: &Value) -> Result<bool, Error> {
    let dict = result(value, "changed")?;
    if let Some(changed) = dict.get("changed") {
        return ops::truthy(&changed);
    }
    let Some(Value::List(results)) = dict.get("results") else { return Ok(false) };
    let results = results.items();
    match results.first() {
        None => Err(Error::exception("list index out of range")),
        Some(Value::Dict(_)) => {
            Ok(results.iter().any(|item| flag(item, "changed", "changed").unwrap_or(false)))
        }
        Some(_) => Ok(false),
    }
}

/// `started` and `finished` of an asynchronous task; any other task counts as both.
fn state(value: &Value, key: &str) -> Result<bool, Error> {
    Ok(result(value, key)?.get(key).is_none_or(|state| state == Value::Int(1)))
}
