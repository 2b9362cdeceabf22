//! Filters that operators ship with their roles in Python, so that these roles need none: awx-operator's
//! `cpu_string_to_decimal`; kiali-operator's `stripnone`, `parse_selectors` and `only_accessible_namespaces`.

use super::bind::{bind, text};
use super::regex::{compile, failed};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Entries, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("cpu_string_to_decimal", cpu_string_to_decimal),
    ("only_accessible_namespaces", only_accessible_namespaces),
    ("parse_selectors", parse_selectors),
    ("stripnone", |_, value, _| {
        ops::defined(&value)?;
        Ok(strip_none(&value, 0))
    }),
];

/// `500m` as whole processors.
fn cpu_string_to_decimal(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    let value = text(&value)?;
    let cores = match value.strip_suffix('m') {
        Some(millis) => millis.parse::<i64>().map(|millis| millis / 1000),
        None => value.parse::<f64>().map(|cores| cores as i64).or_else(|_| value.parse()),
    };
    cores
        .map(Value::Int)
        .map_err(|_| Error::value_error(format!("invalid literal for int() with base 10: '{value}'")))
}

/// A copy without `None`, in dicts and lists at any depth.
fn strip_none(value: &Value, depth: usize) -> Value {
    if depth > 200 {
        return value.clone();
    }
    match value {
        Value::Dict(dict) => {
            let kept = dict.entries().into_iter().filter(|(_, value)| !value.is_none());
            let kept: Entries = kept.map(|(key, value)| (key, strip_none(&value, depth + 1))).collect();
            Value::Dict(Dict::new(kept))
        }
        Value::List(list) => {
            let kept = list.items().into_iter().filter(|item| !item.is_none());
            Value::list(kept.map(|item| strip_none(&item, depth + 1)).collect())
        }
        other => other.clone(),
    }
}

/// The names that one of the patterns matches as a whole.
fn only_accessible_namespaces(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [patterns] = bind(args, ["accessible_namespaces"])?;
    let patterns = patterns.map_or(Ok(Vec::new()), |patterns| ops::iterate(&patterns))?;
    let patterns = patterns.iter().map(|pattern| compile(&format!("^{}$", text(pattern)?), false, false));
    let patterns = patterns.collect::<Result<Vec<_>, Error>>()?;
    let mut accessible = Vec::new();
    for namespace in ops::iterate(&value)? {
        let name = text(&namespace)?;
        for pattern in &patterns {
            if pattern.is_match(&name).map_err(|error| failed(&error))? {
                accessible.push(namespace);
                break;
            }
        }
    }
    Ok(Value::list(accessible))
}

/// Selectors of labels (`matchLabels`, `matchExpressions`), each as the list of texts that `label_selectors` takes.
fn parse_selectors(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    let selectors = ops::iterate(&value)?;
    selectors
        .iter()
        .map(|selector| requirements(selector).map(Value::list))
        .collect::<Result<_, _>>()
        .map(Value::list)
}

fn requirements(selector: &Value) -> Result<Vec<Value>, Error> {
    let wrong = |what: &str| Error::ansible(format!("Selector {what}"));
    let of = |object: &Value, key: &str| object.as_dict().and_then(|object| object.get(key));
    let mut found = Vec::new();
    if let Some(labels) = of(selector, "matchLabels") {
        let labels = labels.as_dict().map(Dict::entries).filter(|labels| !labels.is_empty());
        for (key, value) in labels.ok_or_else(|| wrong("matchLabels is empty"))? {
            found.push(ops::add(&Value::from(format!("{}=", key.text())), &value)?.to_string());
        }
    }
    let expressions = of(selector, "matchExpressions").map_or(Ok(Vec::new()), |list| ops::iterate(&list))?;
    for expression in &expressions {
        let needed = |key: &str| {
            let value =
                of(expression, key).ok_or_else(|| wrong(&format!("matchExpression is missing '{key}'")))?;
            text(&value)
        };
        let (key, operator) = (needed("key")?, needed("operator")?.to_lowercase());
        let values = of(expression, "values").filter(|values| !values.is_none());
        let values = values.map_or(Ok(Vec::new()), |values| ops::iterate(&values))?;
        let texts = values.iter().map(|value| ops::add(&Value::from(""), value).map(|text| text.to_string()));
        let values = texts.collect::<Result<Vec<_>, Error>>()?;
        found.push(match operator.as_str() {
            "in" | "notin" if values.is_empty() => {
                return Err(wrong("matchExpression is missing a non-empty 'values'"));
            }
            "in" | "notin" => format!("{key} {operator} ({})", values.join(",")),
            "exists" => key,
            "doesnotexist" => format!("!{key}"),
            _ => return Err(wrong(&format!("matchExpression has invalid operator: {operator}"))),
        });
    }
    Ok(found.into_iter().map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::jinja::{Environment, Plugins, Templar, Value, Vars, convert};

    fn filtered(template: &str) -> Result<serde_json::Value, String> {
        let environment = Environment::new(Arc::new(Plugins::builtin()));
        let templar = Templar::new(Arc::new(environment), Arc::new(Vars::default()));
        templar
            .template(&Value::from(template))
            .map(|value| convert::to_json(&value))
            .map_err(|error| error.to_string())
    }

    /// As the filters of kiali-operator's roles say it under ansible-core 2.18.19.
    #[test]
    fn selectors_become_the_texts_of_label_selectors() {
        let both = "{{ [{'matchLabels': {'sport': 'golf'}, 'matchExpressions': [{'key': 'a', 'operator': 'In', \
            'values': ['x', 'y']}, {'key': 'b', 'operator': 'NotIn', 'values': ['z']}]}, {'matchExpressions': \
            [{'key': 'c', 'operator': 'Exists'}, {'key': 'd', 'operator': 'DoesNotExist'}]}, {}] | parse_selectors }}";
        let expected = serde_json::json!([["sport=golf", "a in (x,y)", "b notin (z)"], ["c", "!d"], []]);
        assert_eq!(filtered(both).unwrap(), expected);
        for (selector, error) in [
            ("{'matchLabels': {}}", "Selector matchLabels is empty"),
            ("{'matchExpressions': [{'operator': 'In'}]}", "Selector matchExpression is missing 'key'"),
            ("{'matchExpressions': [{'key': 'a'}]}", "Selector matchExpression is missing 'operator'"),
            (
                "{'matchExpressions': [{'key': 'a', 'operator': 'In', 'values': []}]}",
                "Selector matchExpression is missing a non-empty 'values'",
            ),
            ("{'matchLabels': {'a': 1}}", "can only concatenate str (not \"int\") to str"),
            (
                "{'matchExpressions': [{'key': 'a', 'operator': 'Near'}]}",
                "Selector matchExpression has invalid operator: near",
            ),
        ] {
            let failed = filtered(&format!("{{{{ [{selector}] | parse_selectors }}}}")).unwrap_err();
            assert!(failed.contains(error), "{selector}: {failed}");
        }
    }

    #[test]
    fn namespaces_that_a_pattern_matches_as_a_whole_are_accessible() {
        let text = "{{ ['shop', 'shop-test', 'bank'] | only_accessible_namespaces(accessible_namespaces=['shop', 'b.*']) }}";
        assert_eq!(filtered(text).unwrap(), serde_json::json!(["shop", "bank"]));
        assert_eq!(filtered("{{ ['shop'] | only_accessible_namespaces }}").unwrap(), serde_json::json!([]));
    }
}
