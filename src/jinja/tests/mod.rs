//! The tests (`x is …`) of Jinja and of `ansible.builtin`.

mod files;
mod pep440;
mod results;
mod uri;
mod version;

use std::collections::HashSet;

use num_bigint::BigInt;

use super::ast::{CmpOp, PluginKind};
use super::error::Error;
use super::eval::{Interpreter, compare, unknown_by_value};
use super::filters::{bind, compile_regex, flag_arg, needed, pattern_text, regex_failed, text_arg};
use super::object::Args;
use super::ops;
use super::plugins::{Plugins, Test};
use super::value::{Key, Value};

/// Adds every test.
pub fn register(plugins: &mut Plugins) {
    plugins.add_tests(TESTS);
    plugins.add_tests(files::TESTS);
    plugins.add_tests(results::TESTS);
    plugins.add_tests(uri::TESTS);
    plugins.add_tests(version::TESTS);
}

const TESTS: &[(&str, Test)] = &[
    ("defined", |_, value, _| Ok(!value.is_undefined())),
    ("undefined", |_, value, _| Ok(value.is_undefined())),
    ("none", |_, value, _| Ok(value.is_none())),
    ("boolean", |_, value, _| Ok(matches!(value, Value::Bool(_)))),
    ("true", |_, value, _| Ok(matches!(value, Value::Bool(true)))),
    ("false", |_, value, _| Ok(matches!(value, Value::Bool(false)))),
    ("integer", |_, value, _| Ok(matches!(value, Value::Int(_) | Value::BigInt(_)))),
    ("float", |_, value, _| Ok(matches!(value, Value::Float(_)))),
    ("number", |_, value, _| Ok(value.is_number())),
    ("string", |_, value, _| Ok(matches!(value, Value::Str(_)))),
    ("mapping", |_, value, _| Ok(is_mapping(&value))),
    ("sequence", sequence),
    ("iterable", |_, value, _| {
        ops::defined(&value)?;
        Ok(ops::iterate(&value).is_ok())
    }),
    ("callable", |_, value, _| {
        Ok(value.is_undefined() || matches!(&value, Value::Object(object) if object.callable()))
    }),
    ("sameas", sameas),
    // Whatever is asked of a missing value, it has it.
    ("escaped", |_, value, _| Ok(value.is_undefined())),
    ("lower", |_, value, _| text_arg(&value).map(|text| has_case(&text) && text == text.to_lowercase())),
    ("upper", |_, value, _| text_arg(&value).map(|text| has_case(&text) && text == text.to_uppercase())),
    ("odd", |_, value, _| remainder(&value, 2).map(|rest| rest == Value::Int(1))),
    ("even", |_, value, _| remainder(&value, 2).map(|rest| rest == Value::Int(0))),
    ("divisibleby", |_, value, args| {
        let [number] = bind(args, ["num"])?;
        Ok(ops::rem(&value, &needed(number, "num")?)? == Value::Int(0))
    }),
    ("in", |_, value, args| {
        let [container] = bind(args, ["seq"])?;
        ops::defined(&value)?;
        ops::contains(&needed(container, "seq")?, &value)
    }),
    ("contains", |_, value, args| {
        let [item] = bind(args, ["value"])?;
        ops::contains(&value, &needed(item, "value")?)
    }),
    ("==", |_, a, args| comparison(CmpOp::Eq, &a, args)),
    ("eq", |_, a, args| comparison(CmpOp::Eq, &a, args)),
    ("equalto", |_, a, args| comparison(CmpOp::Eq, &a, args)),
    ("!=", |_, a, args| comparison(CmpOp::Ne, &a, args)),
    ("ne", |_, a, args| comparison(CmpOp::Ne, &a, args)),
    (">", |_, a, args| comparison(CmpOp::Gt, &a, args)),
    ("gt", |_, a, args| comparison(CmpOp::Gt, &a, args)),
    ("greaterthan", |_, a, args| comparison(CmpOp::Gt, &a, args)),
    (">=", |_, a, args| comparison(CmpOp::Gte, &a, args)),
    ("ge", |_, a, args| comparison(CmpOp::Gte, &a, args)),
    ("<", |_, a, args| comparison(CmpOp::Lt, &a, args)),
    ("lt", |_, a, args| comparison(CmpOp::Lt, &a, args)),
    ("lessthan", |_, a, args| comparison(CmpOp::Lt, &a, args)),
    ("<=", |_, a, args| comparison(CmpOp::Lte, &a, args)),
    ("le", |_, a, args| comparison(CmpOp::Lte, &a, args)),
    ("filter", |it, value, _| known(it, PluginKind::Filter, &value)),
    ("test", |it, value, _| known(it, PluginKind::Test, &value)),
    ("match", |_, value, args| regex(&value, args, true)),
    ("search", |_, value, args| regex(&value, args, false)),
    ("regex", regex_kind),
    ("truthy", |_, value, args| truthy(&value, args)),
    ("falsy", |_, value, args| truthy(&value, args).map(|yes| !yes)),
    ("all", |_, value, _| every(&value)),
    ("any", |_, value, _| {
        if let Value::Range(range) = &value {
            return Ok(
                range.get(1).is_some() || range.get(0).is_some_and(|first| ops::truthy_or_false(&first))
            );
        }
        for item in ops::iterate(&value)? {
            if ops::truthy(&item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }),
    ("subset", |_, value, args| inclusion(value, args, false)),
    ("issubset", |_, value, args| inclusion(value, args, false)),
    ("superset", |_, value, args| inclusion(value, args, true)),
    ("issuperset", |_, value, args| inclusion(value, args, true)),
    ("nan", |_, value, _| is_nan(&value)),
    ("isnan", |_, value, _| is_nan(&value)),
    ("vault_encrypted", |_, value, _| {
        ops::defined(&value)?;
        Ok(matches!(&value, Value::Sealed(_)) || matches!(&value, Value::Str(text) if text.is_vaulted()))
    }),
];

/// Whether a plugin exists; Ansible refuses the name of one that does not.
fn known(it: &Interpreter<'_>, kind: PluginKind, value: &Value) -> Result<bool, Error> {
    let name = value.as_str().ok_or_else(|| {
        Error::value_error(format!("key must be a string, got {} instead", value.class_name()))
    })?;
    if it.templar.env.plugins.has(kind, name) { Ok(true) } else { Err(unknown_by_value(name)) }
}

fn is_mapping(value: &Value) -> bool {
    match value {
        Value::Dict(_) => true,
        Value::Object(object) => object.keys().is_some(),
        _ => false,
    }
}

fn is_nan(value: &Value) -> Result<bool, Error> {
    ops::defined(value)?;
    Ok(matches!(value, Value::Float(number) if number.is_nan()))
}

fn sequence(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<bool, Error> {
    Ok(value.is_sequence() || matches!(value, Value::Str(_) | Value::Bytes(_) | Value::Dict(_)))
}

/// `is`: the same object; small values are the same when they are equal and of one type.
fn sameas(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<bool, Error> {
    let [other] = bind(args, ["other"])?;
    Ok(match (&value, &needed(other, "other")?) {
        (Value::List(a), Value::List(b)) => a.same(b),
        (Value::Dict(a), Value::Dict(b)) => a.same(b),
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b && (-5..=256).contains(a),
        (Value::Str(a), Value::Str(b)) => a == b,
        _ => false,
    })
}

fn has_case(text: &str) -> bool {
    text.chars().any(|c| c.is_lowercase() || c.is_uppercase())
}

fn remainder(value: &Value, by: i64) -> Result<Value, Error> {
    ops::rem(value, &Value::Int(by))
}

fn comparison(op: CmpOp, left: &Value, args: Args) -> Result<bool, Error> {
    let [right] = bind(args, ["other"])?;
    compare(op, left, &needed(right, "other")?)
}

fn regex(value: &Value, args: Args, anchored: bool) -> Result<bool, Error> {
    let [pattern, ignorecase, multiline] = bind(args, ["pattern", "ignorecase", "multiline"])?;
    let value = text_arg(value)?;
    let pattern = pattern.map_or(Ok(String::new()), |pattern| pattern_text(&pattern))?;
    let pattern = compile_regex(&pattern, flag_arg(ignorecase.as_ref())?, flag_arg(multiline.as_ref())?)?;
    let found = pattern.find(&value).map_err(|error| regex_failed(&error))?;
    if !anchored {
        return Ok(found.is_some());
    }
    match found {
        None => Ok(false),
        Some(found) if found.start() == 0 => Ok(true),
        // An earlier alternative may still match at the start.
        Some(_) => {
            let whole = format!(r"\A(?:{})", pattern.as_str());
            let whole = compile_regex(&whole, false, false)?;
            whole.is_match(&value).map_err(|error| regex_failed(&error))
        }
    }
}

fn regex_kind(_: &mut Interpreter<'_>, value: Value, mut args: Args) -> Result<bool, Error> {
    let kind = args.get(3, "match_type")?.map_or(Ok("search".to_owned()), |kind| text_arg(&kind))?;
    args.positional.truncate(3);
    match kind.as_str() {
        "match" => regex(&value, args, true),
        "fullmatch" => {
            if let Some(pattern) = args.positional.first_mut() {
                *pattern = Value::from(format!(r"(?:{pattern})\z"));
            }
            regex(&value, args, true)
        }
        _ => regex(&value, args, false),
    }
}

fn truthy(value: &Value, args: Args) -> Result<bool, Error> {
    let [convert] = bind(args, ["convert_bool"])?;
    if flag_arg(convert.as_ref())?
        && let Some(flag) = super::filters::core::to_bool(value)
    {
        return Ok(flag);
    }
    ops::truthy(value)
}

fn every(value: &Value) -> Result<bool, Error> {
    if let Value::Range(range) = value {
        return Ok(!range.contains(&BigInt::ZERO));
    }
    for item in ops::iterate(value)? {
        if !ops::truthy(&item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn inclusion(value: Value, args: Args, reversed: bool) -> Result<bool, Error> {
    let [other] = bind(args, ["b"])?;
    let set = |value: &Value| -> Result<HashSet<Key>, Error> {
        ops::iterate(value)?.into_iter().map(Key::new).collect()
    };
    let (mut small, mut large) = (set(&value)?, set(&needed(other, "b")?)?);
    if reversed {
        std::mem::swap(&mut small, &mut large);
    }
    Ok(small.is_subset(&large))
}
