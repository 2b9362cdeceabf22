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

/// A unit of 1024: its letter, its power, and its name for bytes and for bits.
type Unit = (char, i32, &'static str, &'static str);

/// The units, the largest first (`module_utils/common/text/formatters.py`, whose `zetabyte` it is).
const UNITS: &[Unit] = &[
    ('Y', 8, "yottabyte", "yottabit"),
    ('Z', 7, "zetabyte", "zetabit"),
    ('E', 6, "exabyte", "exabit"),
    ('P', 5, "petabyte", "petabit"),
    ('T', 4, "terabyte", "terabit"),
    ('G', 3, "gigabyte", "gigabit"),
    ('M', 2, "megabyte", "megabit"),
    ('K', 1, "kilobyte", "kilobit"),
    ('B', 0, "byte", "bit"),
];

fn human_readable(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [isbits, unit] = bind(args, ["isbits", "unit"])?;
    let bits = flag(isbits.as_ref())?;
    let unit = unit.filter(|unit| !unit.is_none()).map(|unit| text(&unit)).transpose()?;
    ops::defined(&value)?;
    let size = ops::as_float(&value).ok_or_else(|| {
        let kind = value.type_name();
        let problem = match unit {
            None => format!("'>=' not supported between instances of '{kind}' and 'int'"),
            Some(_) => format!("unsupported operand type(s) for /: '{kind}' and 'int'"),
        };
        Error::type_error(format!("human_readable() failed on bad input: {problem}"))
    })?;
    let limit = |power: i32| 1024_f64.powi(power);
    let chosen = UNITS.iter().find(|(letter, power, ..)| match &unit {
        Some(unit) => unit.to_uppercase() == letter.to_string(),
        None => size >= limit(*power),
    });
    let (letter, power) = chosen.map_or(('B', 0), |(letter, power, ..)| (*letter, *power));
    let suffix = match (power, bits) {
        (0, true) => "bits".to_owned(),
        (0, false) => "Bytes".to_owned(),
        (_, true) => format!("{letter}b"),
        (_, false) => format!("{letter}B"),
    };
    Ok(Value::from(format!("{:.2} {suffix}", size / limit(power))))
}

fn human_to_bytes(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [default_unit, isbits] = bind(args, ["default_unit", "isbits"])?;
    let bits = flag(isbits.as_ref())?;
    let source = text(&value)?;
    let default_unit = default_unit.filter(|unit| !unit.is_none()).map(|unit| text(&unit)).transpose()?;
    size(&source, default_unit, bits)
        .ok_or_else(|| Error::plugin(format!("human_to_bytes() can't interpret following string: {source}")))
}

/// `1.5 GB` as a number of bytes, or of bits; none when it is no such text.
pub(crate) fn size(source: &str, default_unit: Option<String>, bits: bool) -> Option<Value> {
    let (number, unit) = amount(source)?;
    let Some(unit) = unit.map(ToOwned::to_owned).or(default_unit) else {
        return Some(whole(number));
    };
    let letter = unit.chars().next()?.to_ascii_uppercase();
    let (_, power, bytes_name, bits_name) = UNITS.iter().find(|(known, ..)| *known == letter)?;
    if unit.len() > 1 {
        let (name, mark) = if bits { (bits_name, 'b') } else { (bytes_name, 'B') };
        let short = if *power == 0 { mark.to_string() } else { format!("{letter}{mark}") };
        if unit.to_lowercase() != **name && unit != short {
            return None;
        }
    }
    Some(whole(number * 1024_f64.powi(*power)))
}

/// A number, and the letters behind it.
fn amount(source: &str) -> Option<(f64, Option<&str>)> {
    let end = source.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(source.len());
    let (number, rest) = source.split_at(end);
    if !number.ends_with(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
        return None;
    }
    let unit = rest.trim();
    let letters = unit.chars().all(|c| c.is_ascii_alphabetic());
    letters.then_some((number.parse().ok()?, Some(unit).filter(|unit| !unit.is_empty())))
}

/// `int(round(number))`.
fn whole(number: f64) -> Value {
    let rounded = number.round_ties_even();
    <num_bigint::BigInt as num_traits::FromPrimitive>::from_f64(rounded).map_or(Value::None, Value::from)
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
