//! Reading records out of YAML as `sigs.k8s.io/yaml` does into Go structs.
//!
//! Names are matched without regard to case, null leaves a field as it is, and a number or boolean
//! where a string is wanted becomes its text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::gotmpl::float::float_g;

/// The fields of a record.
pub(super) struct Fields<'a> {
    /// The Go type, for error texts.
    owner: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The fields of a map; `None` for null, which leaves the record as it is.
    ///
    /// # Errors
    /// When the value is neither.
    pub(super) fn of(owner: &'static str, value: &'a Value) -> Result<Option<Self>, String> {
        match value {
            Value::Object(map) => Ok(Some(Self { owner, map })),
            Value::Null => Ok(None),
            other => Err(format!("cannot unmarshal {} into Go value of type {owner}", kind(other))),
        }
    }

    /// The value of a field, unless it is missing or null.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        let exact = self.map.get(name);
        let value =
            exact.or_else(|| self.map.iter().find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v));
        value.filter(|value| !value.is_null())
    }

    /// Sets `into` to a text.
    pub(super) fn text(&self, name: &str, into: &mut String) -> Result<(), String> {
        if let Some(value) = self.get(name) {
            *into = text(value).ok_or_else(|| self.mismatch(name, value, "string"))?;
        }
        Ok(())
    }

    /// Sets `into` to a boolean.
    pub(super) fn flag(&self, name: &str, into: &mut bool) -> Result<(), String> {
        if let Some(value) = self.get(name) {
            *into = value.as_bool().ok_or_else(|| self.mismatch(name, value, "bool"))?;
        }
        Ok(())
    }

    /// Sets `into` to a list of texts.
    pub(super) fn texts(&self, name: &str, into: &mut Vec<String>) -> Result<(), String> {
        self.list(name, into, |value| match value {
            Value::Null => Ok(String::new()),
            value => text(value).ok_or_else(|| self.mismatch(name, value, "string")),
        })
    }

    /// Sets `into` to a map of texts.
    pub(super) fn text_map(&self, name: &str, into: &mut BTreeMap<String, String>) -> Result<(), String> {
        let Some(value) = self.get(name) else { return Ok(()) };
        let map = value.as_object().ok_or_else(|| self.mismatch(name, value, "map[string]string"))?;
        for (key, value) in map {
            let text = match value {
                Value::Null => String::new(),
                value => text(value).ok_or_else(|| self.mismatch(name, value, "string"))?,
            };
            into.insert(key.clone(), text);
        }
        Ok(())
    }

    /// Sets `into` to a list whose items `read` reads.
    pub(super) fn list<T>(
        &self,
        name: &str,
        into: &mut Vec<T>,
        read: impl Fn(&'a Value) -> Result<T, String>,
    ) -> Result<(), String> {
        if let Some(value) = self.get(name) {
            let items = value.as_array().ok_or_else(|| self.mismatch(name, value, "[]"))?;
            *into = items.iter().map(read).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    fn mismatch(&self, name: &str, value: &Value, wanted: &str) -> String {
        format!(
            "cannot unmarshal {} into Go struct field {}.{name} of type {wanted}",
            kind(value),
            self.owner
        )
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(match number.as_i64().map(|i| i.to_string()) {
            Some(text) => text,
            None => {
                number.as_u64().map_or_else(|| float(number.as_f64().unwrap_or_default()), |u| u.to_string())
            }
        }),
        _ => None,
    }
}

/// A float as `strconv.FormatFloat(f, 'g', -1, 32)` writes it: with the digits that tell a `float32`.
#[allow(clippy::cast_possible_truncation)]
fn float(float: f64) -> String {
    let digits = (float as f32).to_string();
    digits.parse().map_or(digits, float_g)
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_become_texts_as_in_go() {
        for (value, expected) in [
            (json!(1), "1"),
            (json!(1.1), "1.1"),
            (json!(1e6), "1e+06"),
            (json!(1_234_567.5), "1.2345675e+06"),
            (json!(123_456.5), "123456.5"),
            (json!(1e-7), "1e-07"),
            (json!(0.1), "0.1"),
            (json!(16.04), "16.04"),
            (json!(true), "true"),
        ] {
            assert_eq!(text(&value).as_deref(), Some(expected));
        }
        assert_eq!(text(&json!([])), None);
    }

    #[test]
    fn names_match_without_regard_to_case() {
        let value = json!({"Name": "a", "kind": null});
        let fields = Fields::of("T", &value).unwrap().unwrap();
        assert_eq!(fields.get("name"), Some(&json!("a")));
        assert_eq!(fields.get("kind"), None);
    }
}
