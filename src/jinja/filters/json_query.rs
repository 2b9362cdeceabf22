//! `json_query`: JMESPath over values (`community.general`).

use super::bind::{bind, needed, text};
use crate::jinja::convert;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("json_query", json_query)];

fn json_query(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [expression] = bind(args, ["expr"])?;
    let expression = text(&needed(expression, "expr")?)?;
    ops::defined(&value)?;
    let compiled = jmespath::compile(&expression)
        .map_err(|error| Error::plugin(format!("JMESPathError in json_query filter plugin:\n{error}")))?;
    let data = jmespath::Variable::from_serializable(convert::to_json(&value)).map_err(|error| {
        Error::plugin(format!("Error in jmespath.search in json_query filter plugin:\n{error}"))
    })?;
    let found = compiled.search(data).map_err(|error| {
        Error::plugin(format!("Error in jmespath.search in json_query filter plugin:\n{error}"))
    })?;
    let json = serde_json::to_value(&*found).map_err(|error| Error::plugin(error.to_string()))?;
    Ok(convert::from_json(json))
}
