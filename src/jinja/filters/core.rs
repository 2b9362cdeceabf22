//! The filters of `ansible.builtin` that convert and choose (`plugins/filter/core.py`).

use super::bind::{bind, flag, needed, text};
use super::combine;
use super::sequence;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Dict, Entries, Value};

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
    ("stripnone", |_, value, _| {
        ops::defined(&value)?;
        Ok(strip_none(&value, 0))
    }),
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
    let mut recursive = false;
    let mut list_merge = "replace".to_owned();
    for (name, value) in &args.named {
        match name.as_str() {
            "recursive" => recursive = ops::truthy(value)?,
            "list_merge" => list_merge = text(value)?,
            _ => {
                return Err(Error::plugin(
                    "'recursive' and 'list_merge' are the only valid keyword arguments",
                ));
            }
        }
    }
    let mut terms = vec![value];
    terms.extend(args.positional);
    for term in &terms {
        if term.is_undefined() {
            return Err(Error::plugin(format!("{} is undefined", ops::undefined_error(term))));
        }
    }
    let mut dicts = Vec::new();
    sequence::flatten(&terms, Some(1), true, &mut dicts, 0)?;
    let Some(mut result) = dicts.pop() else { return Ok(Value::Dict(Dict::default())) };
    for low in dicts.into_iter().rev() {
        result = match (&low, &result) {
            (Value::Dict(low), Value::Dict(high)) => combine::merge(low, high, recursive, &list_merge)?,
            _ => {
                return Err(Error::ansible(format!(
                    "failed to combine variables, expected dicts but got a '{}' and a '{}'.",
                    low.type_name(),
                    result.type_name()
                )));
            }
        };
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
    let style = args.get(0, "style")?.map_or(Ok("plain".to_owned()), |style| text(&style))?;
    let found = COMMENT_STYLES.iter().find(|(name, ..)| *name == style);
    let (_, beginning, decoration, end) = found.ok_or_else(|| Error::value_error(format!("'{style}'")))?;
    let given =
        |name: &str| args.named.iter().find(|(given, _)| given == name).map(|(_, value)| value.to_string());
    let decoration = given("decoration").unwrap_or_else(|| (*decoration).to_owned());
    let stripped = decoration.trim_end().to_owned();
    let newline = given("newline").unwrap_or_else(|| "\n".to_owned());
    let beginning = given("beginning").unwrap_or_else(|| (*beginning).to_owned());
    let end = given("end").unwrap_or_else(|| (*end).to_owned());
    let prefix = given("prefix").unwrap_or_else(|| stripped.clone());
    let postfix = given("postfix").unwrap_or_else(|| stripped.clone());
    let count = |name: &str| given(name).and_then(|count| count.parse::<usize>().ok()).unwrap_or(1).min(1000);
    ops::defined(&value)?;
    let Some(source) = value.as_str() else {
        let kind = value.type_name();
        return Err(Error::exception(format!("'{kind}' object has no attribute 'replace'")));
    };
    let body = source.replace(&newline, &format!("{newline}{decoration}"));
    let body = format!("{decoration}{body}")
        .replace(&format!("{decoration}{newline}"), &format!("{stripped}{newline}"));
    let mut out = if beginning.is_empty() { String::new() } else { format!("{beginning}{newline}") };
    if !prefix.is_empty() {
        let line = if prefix == newline { newline.clone() } else { format!("{prefix}{newline}") };
        out.push_str(&line.repeat(count("prefix_count")));
    }
    out.push_str(&body);
    for _ in 0..count("postfix_count") {
        out.push_str(&format!("{newline}{postfix}"));
    }
    if !end.is_empty() {
        out.push_str(&format!("{newline}{end}"));
    }
    Ok(Value::from(out))
}

/// A copy without `None`, in dicts and lists at any depth (a filter that several operators ship).
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
