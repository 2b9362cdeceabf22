//! The filters of `ansible.builtin` that convert and choose (`plugins/filter/core.py`).

use super::bind::{bind, flag, int, needed, text};
use super::combine;
use super::sequence;
use crate::jinja::ast::CmpOp;
use crate::jinja::error::Error;
use crate::jinja::eval::{Interpreter, compare};
use crate::jinja::object::Args;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Key, Value};
use crate::jinja::{ops, repr};

/// The filters of this family.
pub const FILTERS: &[(&str, Filter)] = &[
    ("default", default),
    ("d", default),
    ("bool", |_, value, _| bool_filter(&value)),
    ("ternary", ternary),
    ("combine", combine_filter),
    ("mandatory", mandatory),
    ("type_debug", |_, value, _| Ok(Value::from(value.type_name()))),
    ("quote", |_, value, _| {
        let text = if value.is_none() { String::new() } else { text(&value)? };
        Ok(Value::from(quote(&text)))
    }),
    ("comment", comment),
];

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

fn default(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [default, boolean] = bind(args, ["default_value", "boolean"])?;
    if value.is_undefined() || (flag(boolean.as_ref())? && !ops::truthy(&value)?) {
        return Ok(default.unwrap_or_else(|| Value::from("")));
    }
    Ok(value)
}

fn ternary(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [yes, no, none] = bind(args, ["true_val", "false_val", "none_val"])?;
    let (yes, no) = (needed(yes, "true_val")?, needed(no, "false_val")?);
    match none.filter(|none| !none.is_none()) {
        Some(none) if value.is_none() => Ok(none),
        _ => Ok(if ops::truthy(&value)? { yes } else { no }),
    }
}

fn combine_filter(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let (mut recursive, mut list_merge) = (Value::Bool(false), Value::from("replace"));
    for (name, value) in args.named {
        match name.as_str() {
            "recursive" => recursive = value,
            "list_merge" => list_merge = value,
            _ => {
                return Err(Error::plugin(
                    "'recursive' and 'list_merge' are the only valid keyword arguments",
                ));
            }
        }
    }
    let mut terms = vec![value];
    terms.extend(args.positional);
    let mut dicts = Vec::new();
    sequence::flatten(&terms, Some(1), true, &mut dicts, 0)?;
    dicts.iter().try_for_each(|dict| combine::defined(dict, 0))?;
    let Some(mut result) = dicts.pop() else { return Ok(Value::Dict(Dict::default())) };
    for low in dicts.into_iter().rev() {
        let list_merge = combine::list_merge(&list_merge)?;
        let (Value::Dict(low), Value::Dict(high)) = (&low, &result) else {
            return Err(Error::ansible(format!(
                "failed to combine variables, expected dicts but got a '{}' and a '{}'.",
                low.type_name(),
                result.type_name()
            )));
        };
        let differ = !low.read().is_empty() && !high.read().is_empty() && low.entries() != high.entries();
        result = combine::merge(low, high, differ && ops::truthy(&recursive)?, list_merge);
    }
    Ok(result)
}

fn mandatory(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [msg] = bind(args, ["msg"])?;
    let Value::Undefined(why) = &value else { return Ok(value) };
    match (msg.filter(|msg| !msg.is_none()), &why.name) {
        (Some(msg), _) => Err(Error::plugin(msg.to_string())),
        (None, Some(name)) => Err(Error::plugin(format!("Mandatory variable '{name}'  not defined."))),
        (None, None) => Err(Error::plugin("Mandatory variable  not defined.")),
    }
}

/// `shlex.quote`.
#[must_use]
pub fn quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if text.is_empty() {
        return "''".to_owned();
    }
    if text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

/// The looks of a comment: beginning, decoration, end.
const COMMENT_STYLES: &[(&str, &str, &str, &str)] = &[
    ("plain", "", "# ", ""),
    ("erlang", "", "% ", ""),
    ("c", "", "// ", ""),
    ("cblock", "/*", " * ", " */"),
    ("xml", "<!--", " - ", "-->"),
];

fn comment(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<Value, Error> {
    let style = args.get(0, "style")?.unwrap_or_else(|| Value::from("plain"));
    let named = Key::new(style)?;
    let found = COMMENT_STYLES.iter().find(|(name, ..)| named.value().as_str() == Some(name));
    let (_, beginning, decoration, end) = found.ok_or_else(|| Error::exception(repr::repr(named.value())))?;
    let given =
        |name: &str| args.named.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone());
    let decoration = given("decoration").unwrap_or_else(|| Value::from(*decoration));
    let Some(stripped) = decoration.as_str().map(str::trim_end) else {
        return Err(no_attribute(&decoration, "rstrip"));
    };
    let param = |name: &str, default: &str| given(name).unwrap_or_else(|| Value::from(default));
    let (newline, end) = (param("newline", "\n"), param("end", end));
    let (beginning, prefix) = (param("beginning", beginning), param("prefix", stripped));
    let mut out = String::new();
    if ops::truthy(&beginning)? {
        out.push_str(&(text(&beginning)? + &text(&newline)?));
    }
    if ops::truthy(&prefix)? {
        let line = if compare(CmpOp::Eq, &prefix, &newline)? { String::new() } else { text(&prefix)? };
        let count = given("prefix_count").map_or(Ok(1), |count| whole(&count))?;
        out.push_str(&repeated(&(line + &text(&newline)?), count)?);
    }
    let Some(source) = value.as_str() else { return Err(no_attribute(&value, "replace")) };
    ops::defined(&newline)?;
    let newline = newline.as_str().ok_or_else(|| {
        Error::type_error(format!("replace() argument 1 must be str, not {}", newline.type_name()))
    })?;
    let decoration = decoration.as_str().unwrap_or_default();
    let body = format!("{decoration}{}", source.replace(newline, &format!("{newline}{decoration}")));
    out.push_str(&body.replace(&format!("{decoration}{newline}"), &format!("{stripped}{newline}")));
    let count = given("postfix_count").map_or(Ok(1), |count| int(&count))?;
    let postfix = param("postfix", stripped);
    if count > 0 {
        ops::defined(&postfix)?;
        let kind = postfix.type_name();
        let postfix = postfix.as_str().ok_or_else(|| {
            Error::type_error(format!("sequence item 1: expected str instance, {kind} found"))
        })?;
        out.push_str(&repeated(&format!("{newline}{postfix}"), count)?);
    }
    if ops::truthy(&end)? {
        out.push_str(&format!("{newline}{end}"));
    }
    Ok(Value::from(out))
}

/// What a value that is no text raises when a method of text is called.
fn no_attribute(value: &Value, name: &str) -> Error {
    let kind = value.type_name();
    ops::defined(value)
        .err()
        .unwrap_or_else(|| Error::exception(format!("'{kind}' object has no attribute '{name}'")))
}

/// `text * count`.
fn repeated(text: &str, count: i64) -> Result<String, Error> {
    ops::mul(&Value::from(text), &Value::Int(count)).map(|text| text.to_string())
}

/// `int(value)`.
fn whole(value: &Value) -> Result<i64, Error> {
    ops::defined(value)?;
    let number = match value {
        Value::Str(text) => text.as_str().trim().parse().ok(),
        Value::Float(number) => Some(*number as i64),
        other => other.as_int(),
    };
    number.ok_or_else(|| {
        Error::value_error(format!("invalid literal for int() with base 10: {}", repr::repr(value)))
    })
}
