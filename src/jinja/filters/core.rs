//! The filters of `ansible.builtin` (`plugins/filter/core.py`) that convert and choose.

use crate::jinja::error::Error;
use crate::jinja::ops;
use crate::jinja::value::Value;

/// The `bool` filter: none for `None`.
///
/// # Errors
/// The value is missing.
pub fn bool_filter(value: &Value) -> Result<Value, Error> {
    ops::defined(value)?;
    Ok(match value {
        Value::None | Value::Bool(_) => value.clone(),
        Value::Str(text) => {
            Value::Bool(matches!(text.as_str().to_lowercase().as_str(), "yes" | "on" | "1" | "true"))
        }
        Value::Int(number) => Value::Bool(*number == 1),
        Value::Float(number) => Value::Bool(*number == 1.0),
        _ => Value::Bool(false),
    })
}

/// A boolean by Ansible's words (`module_utils/parsing/convert_bool.py`); none for any other value.
#[must_use]
pub fn to_bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Int(number @ (0 | 1)) => Some(*number == 1),
        Value::Float(number) if *number == 0.0 || *number == 1.0 => Some(*number == 1.0),
        Value::Str(text) => match text.as_str().to_lowercase().trim() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
