//! Filters over numbers (`plugins/filter/mathstuff.py`).

use super::bind::{bind, flag, needed, text};
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::Value;

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("log", log),
    ("pow", pow),
    ("root", root),
    ("human_readable", human_readable),
    ("human_to_bytes", human_to_bytes),
    ("cpu_string_to_decimal", cpu_string_to_decimal),
];

fn number(value: &Value, name: &str) -> Result<f64, Error> {
    ops::defined(value)?;
    let kind = value.type_name();
    ops::as_float(value).ok_or_else(|| {
        Error::type_error(format!("{name}() can only be used on numbers: must be real number, not {kind}"))
    })
}

fn log(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [base] = bind(args, ["base"])?;
    let value = number(&value, "log")?;
    if value <= 0.0 {
        return Err(Error::value_error("math domain error"));
    }
    Ok(Value::Float(match base {
        None => value.ln(),
        Some(base) => match number(&base, "log")? {
            10.0 => value.log10(),
            base => value.ln() / base.ln(),
        },
    }))
}

fn pow(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [exponent] = bind(args, ["y"])?;
    Ok(Value::Float(number(&value, "pow")?.powf(number(&needed(exponent, "y")?, "pow")?)))
}

fn root(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [base] = bind(args, ["base"])?;
    let value = number(&value, "root")?;
    let base = base.map_or(Ok(2.0), |base| number(&base, "root"))?;
    if base == 2.0 && value < 0.0 {
        return Err(Error::type_error("root() can only be used on numbers: math domain error"));
    }
    Ok(Value::Float(if base == 2.0 { value.sqrt() } else { value.powf(1.0 / base) }))
}

/// Units of 1024, the largest first (`module_utils/common/text/formatters.py`).
const UNITS: &[(char, u32)] =
    &[('Y', 8), ('Z', 7), ('E', 6), ('P', 5), ('T', 4), ('G', 3), ('M', 2), ('K', 1), ('B', 0)];

fn human_readable(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [isbits, unit] = bind(args, ["isbits", "unit"])?;
    let bits = flag(isbits.as_ref())?;
    let unit = unit.filter(|unit| !unit.is_none()).map(|unit| text(&unit)).transpose()?;
    let size = match &value {
        Value::Str(text) => text.as_str().trim().parse().ok(),
        other => ops::as_float(other),
    };
    let size = size.ok_or_else(|| {
        Error::plugin(format!("human_readable() can't interpret following string: {value}"))
    })?;
    let limit = |power: u32| 1024_f64.powi(power as i32);
    let chosen = UNITS.iter().find(|(letter, power)| match &unit {
        Some(unit) => unit.to_uppercase().starts_with(*letter),
        None => size >= limit(*power),
    });
    let (letter, power) = chosen.copied().unwrap_or(('B', 0));
    let base = if bits { "b" } else { "B" };
    let word = if bits { "bits" } else { "Bytes" };
    let suffix = if power == 0 { word.to_owned() } else { format!("{letter}{base}") };
    Ok(Value::from(format!("{:.2} {suffix}", size / limit(power))))
}

fn human_to_bytes(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [default_unit, isbits] = bind(args, ["default_unit", "isbits"])?;
    let bits = flag(isbits.as_ref())?;
    let source = text(&value)?;
    let failed = || Error::plugin(format!("human_to_bytes() can't interpret following string: {source}"));
    let trimmed = source.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let number: f64 = trimmed[..end].parse().map_err(|_| failed())?;
    let mut unit = trimmed[end..].trim().to_owned();
    if unit.is_empty() {
        unit = default_unit.filter(|unit| !unit.is_none()).map_or(Ok(String::new()), |unit| text(&unit))?;
    }
    if unit.is_empty() {
        return Ok(Value::Int(number.round_ties_even() as i64));
    }
    let letter = unit.chars().next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
    let (_, power) = UNITS.iter().find(|(known, _)| *known == letter).ok_or_else(failed)?;
    let rest: String = unit.chars().skip(1).collect();
    let wanted = if bits { "b" } else { "B" };
    let word = if bits { ["bit", "bits"] } else { ["byte", "bytes"] };
    let fits = rest.is_empty() || rest == wanted || word.contains(&unit.to_lowercase().as_str());
    if !fits {
        return Err(failed());
    }
    Ok(Value::Int((number * 1024_f64.powi(*power as i32)).round_ties_even() as i64))
}

/// `500m` as whole processors: a filter that awx-operator ships.
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
