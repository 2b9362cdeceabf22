//! Filters over numbers (`plugins/filter/mathstuff.py`).

use num_traits::{Signed as _, ToPrimitive as _};

use super::bind::{bind, flag, needed, text};
use crate::jinja::error::{Error, ErrorKind};
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
];

fn number(value: &Value, name: &str) -> Result<f64, Error> {
    ops::defined(value)?;
    let kind = value.type_name();
    match ops::as_float(value) {
        Some(number) if number.is_infinite() && matches!(value, Value::BigInt(_)) => {
            Err(Error::exception("int too large to convert to float"))
        }
        Some(number) => Ok(number),
        None => Err(Error::type_error(format!(
            "{name}() can only be used on numbers: must be real number, not {kind}"
        ))),
    }
}

/// An error of C's functions over numbers.
fn domain_error() -> Error {
    Error::value_error("math domain error")
}

fn log(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [base] = bind(args, ["base"])?;
    let Some(base) = base else { return logarithm(&value, f64::ln).map(Value::Float) };
    ops::defined(&base)?;
    if base == Value::Int(10) {
        return logarithm(&value, f64::log10).map(Value::Float);
    }
    let (value, base) = (logarithm(&value, f64::ln)?, logarithm(&base, f64::ln)?);
    if base == 0.0 {
        return Err(Error::exception("float division by zero"));
    }
    Ok(Value::Float(value / base))
}

/// A logarithm, of integers of any size.
fn logarithm(value: &Value, log: fn(f64) -> f64) -> Result<f64, Error> {
    if let Value::BigInt(big) = value
        && big.is_positive()
        && big.bits() > 1000
    {
        let lost = big.bits() - 64;
        let kept = (big.as_ref() >> lost).to_f64().unwrap_or(f64::INFINITY);
        return Ok(log(kept) + log(2.0) * lost as f64);
    }
    let number = number(value, "log")?;
    if number <= 0.0 { Err(domain_error()) } else { Ok(log(number)) }
}

fn pow(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [exponent] = bind(args, ["y"])?;
    let exponent = needed(exponent, "y")?;
    power(number(&value, "pow")?, number(&exponent, "pow")?).map(Value::Float)
}

/// `math.pow`.
fn power(base: f64, exponent: f64) -> Result<f64, Error> {
    let power = base.powf(exponent);
    match power {
        _ if !base.is_finite() || !exponent.is_finite() || power.is_finite() => Ok(power),
        _ if power.is_nan() || base == 0.0 => Err(domain_error()),
        _ => Err(Error::exception("math range error")),
    }
}

fn root(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [base] = bind(args, ["base"])?;
    let base = base.unwrap_or(Value::Int(2));
    ops::defined(&base)?;
    let square = base == Value::Int(2);
    let (value, base) = (number(&value, "root")?, number(&base, "root")?);
    if base == 0.0 {
        return Err(Error::exception("float division by zero"));
    }
    let root = match square {
        true if value < 0.0 => Err(domain_error()),
        true => Ok(value.sqrt()),
        false => power(value, 1.0 / base),
    };
    root.map(Value::Float).map_err(|error| match error.kind() {
        ErrorKind::Value => Error::type_error(format!("root() can only be used on numbers: {error}")),
        _ => error,
    })
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
