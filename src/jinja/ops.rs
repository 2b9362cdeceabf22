//! Python's operators over values, with Python's error texts.

use std::cmp::Ordering;
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::{Pow, Signed, ToPrimitive, Zero};

use super::error::Error;
use super::value::{Key, Value, ViewKind};

/// The most items or characters that one operation may create.
pub(super) const MAX_SIZE: usize = 100_000_000;

/// The message that using this missing value raises, as an error.
#[must_use]
pub fn undefined_error(value: &Value) -> Error {
    match value {
        Value::Undefined(why) => Error::undefined(why.message()),
        _ => Error::undefined("value is undefined"),
    }
}

/// Refuses a missing value.
///
/// # Errors
/// The value is missing.
pub fn defined(value: &Value) -> Result<(), Error> {
    if value.is_strict_undefined() { Err(undefined_error(value)) } else { Ok(()) }
}

/// Checks every value in a structure that is not a list or dict.
///
/// # Errors
/// The first one that a check finds.
pub fn every(value: &Value, check: fn(&Value) -> Result<(), Error>) -> Result<(), Error> {
    fn walk(value: &Value, depth: usize, check: fn(&Value) -> Result<(), Error>) -> Result<(), Error> {
        let mut each = |item: &Value| walk(item, depth + 1, check);
        match value {
            _ if depth > 200 => Ok(()),
            Value::List(list) => list.read().iter().try_for_each(each),
            Value::Tuple(items) => items.iter().try_for_each(each),
            Value::Dict(dict) => dict.read().values().try_for_each(&mut each),
            other => check(other),
        }
    }
    walk(value, 0, check)
}

/// `bool(value)`.
///
/// # Errors
/// The value is missing.
pub fn truthy(value: &Value) -> Result<bool, Error> {
    defined(value)?;
    Ok(truthy_or_false(value))
}

/// `bool(value)`, where a missing value is false.
#[must_use]
pub fn truthy_or_false(value: &Value) -> bool {
    match value {
        Value::Undefined(_) | Value::None => false,
        Value::Bool(flag) => *flag,
        Value::Int(number) => *number != 0,
        Value::Float(number) => *number != 0.0,
        Value::Str(text) => !text.as_str().is_empty(),
        Value::Bytes(bytes) => !bytes.is_empty(),
        Value::List(list) => !list.read().is_empty(),
        Value::Tuple(items) => !items.is_empty(),
        Value::Dict(dict) => !dict.read().is_empty(),
        Value::Range(range) => !range.is_empty(),
        Value::View(view) => !view.dict.read().is_empty(),
        Value::TimeDelta(micros) => *micros != 0,
        Value::BigInt(_)
        | Value::Sealed(_)
        | Value::Iterator(_)
        | Value::DateTime(_)
        | Value::Date(_)
        | Value::Object(_) => true,
    }
}

/// A number of Python's tower, for arithmetic.
enum Number {
    Int(i64),
    Big(BigInt),
    Float(f64),
}

fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Bool(flag) => Some(Number::Int(i64::from(*flag))),
        Value::Int(number) => Some(Number::Int(*number)),
        Value::BigInt(number) => Some(Number::Big(number.as_ref().clone())),
        Value::Float(number) => Some(Number::Float(*number)),
        _ => None,
    }
}

impl Number {
    fn float(&self) -> f64 {
        match self {
            Number::Int(number) => *number as f64,
            Number::Big(number) => number.to_f64().unwrap_or(f64::INFINITY),
            Number::Float(number) => *number,
        }
    }

    fn big(self) -> BigInt {
        match self {
            Number::Int(number) => BigInt::from(number),
            Number::Big(number) => number,
            Number::Float(number) => BigInt::from(number as i64),
        }
    }
}

/// The value as a float, if it is a number.
#[must_use]
pub fn as_float(value: &Value) -> Option<f64> {
    number(value).map(|number| number.float())
}

fn unsupported(op: &str, left: &Value, right: &Value) -> Error {
    if let Some(missing) = [left, right].into_iter().find(|value| value.is_undefined()) {
        return undefined_error(missing);
    }
    let (left, right) = (left.tp_name(), right.tp_name());
    Error::type_error(format!("unsupported operand type(s) for {op}: '{left}' and '{right}'"))
}

fn arithmetic(
    left: &Value,
    right: &Value,
    small: fn(i64, i64) -> Option<i64>,
    big: fn(BigInt, BigInt) -> BigInt,
    float: fn(f64, f64) -> f64,
) -> Option<Value> {
    let (left, right) = (number(left)?, number(right)?);
    Some(match (left, right) {
        (Number::Int(a), Number::Int(b)) => match small(a, b) {
            Some(result) => Value::Int(result),
            None => Value::from(big(BigInt::from(a), BigInt::from(b))),
        },
        (a @ Number::Float(_), b) | (a, b @ Number::Float(_)) => Value::Float(float(a.float(), b.float())),
        (a, b) => Value::from(big(a.big(), b.big())),
    })
}

/// `left + right`.
///
/// # Errors
/// The types do not add.
pub fn add(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    if let Some(sum) = arithmetic(left, right, i64::checked_add, |a, b| a + b, |a, b| a + b) {
        return Ok(sum);
    }
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => {
            let text: String = [a.as_str(), b.as_str()].concat();
            let sum = super::value::Str::new(text);
            Ok(Value::Str(if a.is_unsafe() || b.is_unsafe() { sum.into_unsafe() } else { sum }))
        }
        (Value::List(a), Value::List(b)) => {
            let mut items = a.items();
            items.extend(b.items());
            Ok(Value::list(items))
        }
        (Value::Tuple(a), Value::Tuple(b)) => Ok(Value::Tuple(a.iter().chain(b.iter()).cloned().collect())),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Value::Bytes([a.as_ref(), b.as_ref()].concat().into())),
        (Value::TimeDelta(a), Value::TimeDelta(b)) => Ok(Value::TimeDelta(a.saturating_add(*b))),
        (Value::DateTime(_) | Value::Date(_), Value::TimeDelta(micros)) => {
            super::datetime::shift(left, *micros)
        }
        (Value::TimeDelta(micros), Value::DateTime(_) | Value::Date(_)) => {
            super::datetime::shift(right, *micros)
        }
        (Value::Str(_), _) => Err(concatenation("str", right)),
        (Value::List(_), _) => Err(concatenation("list", right)),
        (Value::Tuple(_), _) => Err(concatenation("tuple", right)),
        _ => Err(unsupported("+", left, right)),
    }
}

fn concatenation(kind: &str, right: &Value) -> Error {
    Error::type_error(format!("can only concatenate {kind} (not \"{}\") to {kind}", right.tp_name()))
}

/// `left - right`.
///
/// # Errors
/// The types do not subtract.
pub fn sub(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    if let Some(difference) = arithmetic(left, right, i64::checked_sub, |a, b| a - b, |a, b| a - b) {
        return Ok(difference);
    }
    match (left, right) {
        (Value::TimeDelta(a), Value::TimeDelta(b)) => Ok(Value::TimeDelta(a.saturating_sub(*b))),
        (Value::DateTime(_) | Value::Date(_), Value::TimeDelta(micros)) => {
            super::datetime::shift(left, micros.saturating_neg())
        }
        (Value::DateTime(_), Value::DateTime(_)) | (Value::Date(_), Value::Date(_)) => {
            super::datetime::difference(left, right)
        }
        _ => Err(unsupported("-", left, right)),
    }
}

/// `left * right`.
///
/// # Errors
/// The types do not multiply, or the result would be too large.
pub fn mul(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    if let Some(product) = arithmetic(left, right, i64::checked_mul, |a, b| a * b, |a, b| a * b) {
        return Ok(product);
    }
    match (left, right) {
        (sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_)), times)
        | (times, sequence @ (Value::Str(_) | Value::List(_) | Value::Tuple(_))) => match times.as_int() {
            Some(times) => repeat(sequence, times),
            None => Err(Error::type_error(format!(
                "can't multiply sequence by non-int of type '{}'",
                times.tp_name()
            ))),
        },
        (Value::TimeDelta(micros), times) | (times, Value::TimeDelta(micros))
            if as_float(times).is_some() =>
        {
            Ok(Value::TimeDelta((*micros as f64 * as_float(times).unwrap_or(0.0)).round_ties_even() as i64))
        }
        _ => Err(unsupported("*", left, right)),
    }
}

fn repeat(sequence: &Value, times: i64) -> Result<Value, Error> {
    let times = usize::try_from(times).unwrap_or(0);
    let size = len(sequence)?;
    if size.saturating_mul(times) > MAX_SIZE {
        return Err(Error::value_error("the result of the repetition is too large"));
    }
    Ok(match sequence {
        Value::Str(text) => Value::from(text.as_str().repeat(times)),
        Value::List(list) => {
            let items = list.items();
            Value::list(std::iter::repeat_n(&items, times).flatten().cloned().collect())
        }
        Value::Tuple(items) => {
            Value::Tuple(std::iter::repeat_n(items, times).flat_map(|items| items.iter()).cloned().collect())
        }
        other => other.clone(),
    })
}

/// `left / right`.
///
/// # Errors
/// The types do not divide, or the divisor is zero.
pub fn div(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    match (number(left), number(right)) {
        (Some(a), Some(b)) => {
            let float = matches!(a, Number::Float(_)) || matches!(b, Number::Float(_));
            let divisor = b.float();
            if divisor == 0.0 {
                return Err(zero_division(if float { "float division by zero" } else { "division by zero" }));
            }
            // Smaller integers are floats as they are.
            let exact = |number: f64| number.abs() < 2.0_f64.powi(f64::MANTISSA_DIGITS as i32);
            let dividend = a.float();
            Ok(Value::Float(match float || exact(dividend) && exact(divisor) {
                true => dividend / divisor,
                false => quotient(&a.big(), &b.big()),
            }))
        }
        _ => match (left, right) {
            (Value::TimeDelta(a), Value::TimeDelta(b)) if *b != 0 => Ok(Value::Float(*a as f64 / *b as f64)),
            _ => Err(unsupported("/", left, right)),
        },
    }
}

/// The quotient of two integers of any size, rounded once.
fn quotient(a: &BigInt, b: &BigInt) -> f64 {
    let bits = |number: &BigInt| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    // Some bits more than a float has, the last one set if there is a rest.
    let shift = i64::from(f64::MANTISSA_DIGITS) + 4 - (bits(a) - bits(b));
    let scale = |number: &BigInt, by: i64| number.magnitude() << u64::try_from(by).unwrap_or(0);
    let (dividend, divisor) = (scale(a, shift), scale(b, -shift));
    let (whole, rest) = (&dividend / &divisor, &dividend % &divisor);
    let whole = whole.to_u64().unwrap_or(u64::MAX) | u64::from(!rest.is_zero());
    let half = i32::try_from(shift / 2).unwrap_or(i32::MAX);
    let other = i32::try_from(shift - shift / 2).unwrap_or(i32::MAX);
    let size = whole as f64 * 2.0_f64.powi(-half) * 2.0_f64.powi(-other);
    if a.is_negative() == b.is_negative() { size } else { -size }
}

/// CPython's `float_floor_div`: from the exact remainder, as the quotient is rounded already.
fn float_floor_div(a: f64, b: f64) -> f64 {
    let rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        quotient -= 1.0;
    }
    match quotient.floor() {
        _ if quotient == 0.0 => 0.0_f64.copysign(a / b),
        floor if quotient - floor > 0.5 => floor + 1.0,
        floor => floor,
    }
}

fn zero_division(message: &str) -> Error {
    Error::exception(message)
}

/// `left // right`.
///
/// # Errors
/// The types do not divide, or the divisor is zero.
pub fn floor_div(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    match (number(left), number(right)) {
        (Some(a @ Number::Float(_)), Some(b)) | (Some(a), Some(b @ Number::Float(_))) => {
            let divisor = b.float();
            if divisor == 0.0 {
                return Err(zero_division("float floor division by zero"));
            }
            Ok(Value::Float(float_floor_div(a.float(), divisor)))
        }
        (Some(a), Some(b)) => {
            let (a, b) = (a.big(), b.big());
            if b.is_zero() {
                return Err(zero_division("integer division or modulo by zero"));
            }
            Ok(Value::from(floor_parts(&a, &b).0))
        }
        _ => Err(unsupported("//", left, right)),
    }
}

/// The quotient of two integers, rounded down, and what remains.
pub(super) fn floor_parts(a: &BigInt, b: &BigInt) -> (BigInt, BigInt) {
    let (quotient, rest) = (a / b, a % b);
    if !rest.is_zero() && (rest.is_negative() != b.is_negative()) {
        (quotient - 1, rest + b)
    } else {
        (quotient, rest)
    }
}

/// `left % right`: the remainder of numbers, formatting of text.
///
/// # Errors
/// The types have no remainder, the divisor is zero, or formatting fails.
pub fn rem(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    if let Value::Str(format) = left {
        return super::format::percent(format.as_str(), right).map(|text| {
            let text = super::value::Str::new(text);
            Value::Str(if format.is_unsafe() { text.into_unsafe() } else { text })
        });
    }
    defined(right)?;
    match (number(left), number(right)) {
        (Some(a @ Number::Float(_)), Some(b)) | (Some(a), Some(b @ Number::Float(_))) => {
            let (a, b) = (a.float(), b.float());
            if b == 0.0 {
                return Err(zero_division("float modulo"));
            }
            let rest = a % b;
            Ok(Value::Float(match rest {
                0.0 => rest.copysign(b),
                rest if (rest < 0.0) != (b < 0.0) => rest + b,
                rest => rest,
            }))
        }
        (Some(a), Some(b)) => {
            let (a, b) = (a.big(), b.big());
            if b.is_zero() {
                return Err(zero_division("integer modulo by zero"));
            }
            Ok(Value::from(floor_parts(&a, &b).1))
        }
        _ => Err(unsupported("%", left, right)),
    }
}

/// `left ** right`.
///
/// # Errors
/// The types have no power, or the result would be too large.
pub fn pow(left: &Value, right: &Value) -> Result<Value, Error> {
    defined(left)?;
    defined(right)?;
    match (number(left), number(right)) {
        (Some(a @ Number::Float(_)), Some(b)) | (Some(a), Some(b @ Number::Float(_))) => {
            let (base, exponent) = (a.float(), b.float());
            let power = base.powf(exponent);
            if power.is_infinite() && base.is_finite() && exponent.is_finite() {
                return Err(match base {
                    0.0 => zero_division("0.0 cannot be raised to a negative power"),
                    _ => Error::exception("(34, 'Numerical result out of range')"),
                });
            }
            Ok(Value::Float(power))
        }
        (Some(a), Some(b)) => {
            let exponent = b.big();
            if exponent.is_negative() {
                return match a.float() {
                    0.0 => Err(zero_division("0.0 cannot be raised to a negative power")),
                    base => Ok(Value::Float(base.powf(exponent.to_f64().unwrap_or(f64::NEG_INFINITY)))),
                };
            }
            let base = a.big();
            let exponent = exponent.to_u32().filter(|e| base.bits() * u64::from(*e) < 1_000_000);
            let exponent = exponent.ok_or_else(|| Error::value_error("the power is too large"))?;
            Ok(Value::from(base.pow(exponent)))
        }
        _ => Err(unsupported("** or pow()", left, right)),
    }
}

/// `-value`.
///
/// # Errors
/// The type has no negative.
pub fn neg(value: &Value) -> Result<Value, Error> {
    defined(value)?;
    match number(value) {
        Some(Number::Int(number)) => {
            Ok(number.checked_neg().map_or_else(|| Value::from(-BigInt::from(number)), Value::Int))
        }
        Some(Number::Big(number)) => Ok(Value::from(-number)),
        Some(Number::Float(number)) => Ok(Value::Float(-number)),
        None => match value {
            Value::TimeDelta(micros) => Ok(Value::TimeDelta(-micros)),
            _ => Err(Error::type_error(format!("bad operand type for unary -: '{}'", value.tp_name()))),
        },
    }
}

/// `+value`.
///
/// # Errors
/// The type has no sign.
pub fn pos(value: &Value) -> Result<Value, Error> {
    defined(value)?;
    match value {
        Value::Bool(flag) => Ok(Value::Int(i64::from(*flag))),
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) | Value::TimeDelta(_) => Ok(value.clone()),
        _ => Err(Error::type_error(format!("bad operand type for unary +: '{}'", value.tp_name()))),
    }
}

/// How deep two values are compared.
const MAX_COMPARE_DEPTH: usize = 500;

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        equal(self, other, 0)
    }
}

fn equal(left: &Value, right: &Value, depth: usize) -> bool {
    if depth > MAX_COMPARE_DEPTH {
        return false;
    }
    let all =
        |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, depth + 1));
    match (left, right) {
        (Value::None, Value::None) => true,
        (Value::Undefined(a), Value::Undefined(b)) => Arc::ptr_eq(a, b),
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.same(b) || all(&a.items(), &b.items()),
        (Value::Tuple(a), Value::Tuple(b)) => all(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            a.same(b) || {
                let (a, b) = (a.entries(), b.entries());
                a.len() == b.len()
                    && a.iter()
                        .all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other, depth + 1)))
            }
        }
        (Value::Range(a), Value::Range(b)) => a == b,
        (Value::View(a), Value::View(b)) => {
            let (a, b) = (a.items(), b.items());
            a.len() == b.len() && a.iter().all(|item| b.contains(item))
        }
        (Value::Iterator(a), Value::Iterator(b)) => Arc::ptr_eq(a, b),
        (Value::DateTime(a), Value::DateTime(b)) => super::datetime::compare(a, b) == Some(Ordering::Equal),
        (Value::Date(a), Value::Date(b)) => a == b,
        (Value::TimeDelta(a), Value::TimeDelta(b)) => a == b,
        (Value::Object(a), Value::Object(b)) if Arc::ptr_eq(a, b) => true,
        (Value::Object(a), Value::Object(b)) => match (a.items(), b.items()) {
            (Some(a), Some(b)) => all(a, b),
            _ => false,
        },
        (Value::Object(a), Value::Tuple(b)) | (Value::Tuple(b), Value::Object(a)) => {
            a.items().is_some_and(|a| all(a, b))
        }
        _ => numeric_order(left, right) == Some(Some(Ordering::Equal)),
    }
}

/// The order of two numbers: none if either is no number, some none for NaN.
fn numeric_order(left: &Value, right: &Value) -> Option<Option<Ordering>> {
    Some(match (number(left)?, number(right)?) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (a @ Number::Float(_), b) | (a, b @ Number::Float(_)) => a.float().partial_cmp(&b.float()),
        (a, b) => Some(a.big().cmp(&b.big())),
    })
}

/// The order of two values, for `<`, `<=`, `>`, `>=`: none when they are not ordered (NaN).
///
/// # Errors
/// The types have no order; `op` is named in the message.
pub fn compare(left: &Value, right: &Value, op: &str) -> Result<Option<Ordering>, Error> {
    defined(left)?;
    defined(right)?;
    if let Some(order) = numeric_order(left, right) {
        return Ok(order);
    }
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => Ok(Some(a.as_str().cmp(b.as_str()))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Value::List(a), Value::List(b)) => compare_items(&a.items(), &b.items(), op),
        (Value::Tuple(a), Value::Tuple(b)) => compare_items(a, b, op),
        (Value::Date(a), Value::Date(b)) => Ok(Some(a.cmp(b))),
        (Value::TimeDelta(a), Value::TimeDelta(b)) => Ok(Some(a.cmp(b))),
        (Value::DateTime(a), Value::DateTime(b)) => super::datetime::compare(a, b)
            .map(Some)
            .ok_or_else(|| Error::type_error("can't compare offset-naive and offset-aware datetimes")),
        _ => Err(Error::type_error(format!(
            "'{op}' not supported between instances of '{}' and '{}'",
            left.tp_name(),
            right.tp_name()
        ))),
    }
}

fn compare_items(left: &[Value], right: &[Value], op: &str) -> Result<Option<Ordering>, Error> {
    for (a, b) in left.iter().zip(right) {
        if a != b {
            return compare(a, b, op);
        }
    }
    Ok(Some(left.len().cmp(&right.len())))
}

/// Where an item is first among others; a comparison with one that is missing is refused.
///
/// # Errors
/// A value is missing that the search comes to.
pub fn position(items: &[Value], item: &Value) -> Result<Option<usize>, Error> {
    for (at, other) in items.iter().enumerate() {
        if other == item {
            return Ok(Some(at));
        }
        defined(other)?;
        defined(item)?;
    }
    Ok(None)
}

/// `item in container`.
///
/// # Errors
/// The container has no members, or text is asked for something that is no text.
pub fn contains(container: &Value, item: &Value) -> Result<bool, Error> {
    defined(container)?;
    match container {
        Value::Str(text) => match item {
            Value::Str(part) => Ok(text.as_str().contains(part.as_str())),
            other => Err(Error::type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                other.tp_name()
            ))),
        },
        Value::Dict(dict) => Ok(dict.read().contains_key(&Key::new(item.clone())?)),
        Value::View(view) if view.kind == ViewKind::Keys => {
            Ok(view.dict.read().contains_key(&Key::new(item.clone())?))
        }
        Value::View(view) if view.kind == ViewKind::Items => match item {
            Value::Tuple(pair) => match pair.as_ref() {
                [key, value] => Ok(view.dict.read().get(&Key::new(key.clone())?) == Some(value)),
                _ => Ok(false),
            },
            _ => Ok(false),
        },
        Value::Range(range) => {
            if !range.is_empty() {
                defined(item)?;
            }
            Ok(item.as_big_int().is_some_and(|number| range.contains(&number)))
        }
        Value::List(_) | Value::Tuple(_) | Value::View(_) | Value::Iterator(_) => {
            position(&iterate(container)?, item).map(|at| at.is_some())
        }
        Value::Object(object) => match (object.keys(), object.items()) {
            (Some(keys), _) => Ok(keys.contains(item)),
            (_, Some(items)) => position(items, item).map(|at| at.is_some()),
            _ => Err(not_iterable_argument(container)),
        },
        other => Err(not_iterable_argument(other)),
    }
}

fn not_iterable_argument(value: &Value) -> Error {
    Error::type_error(format!("argument of type '{}' is not iterable", value.tp_name()))
}

/// `len(value)`.
///
/// # Errors
/// The type has no length.
pub fn len(value: &Value) -> Result<usize, Error> {
    match value {
        Value::Str(text) => Ok(text.as_str().chars().count()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        Value::List(list) => Ok(list.read().len()),
        Value::Tuple(items) => Ok(items.len()),
        Value::Dict(dict) => Ok(dict.read().len()),
        Value::Range(range) => range.len(),
        Value::View(view) => Ok(view.dict.read().len()),
        Value::Undefined(why) if why.lenient => Ok(0),
        Value::Undefined(_) => Err(undefined_error(value)),
        Value::Object(object) if object.keys().is_some() => Ok(object.keys().map_or(0, |keys| keys.len())),
        Value::Object(object) if object.items().is_some() => Ok(object.items().map_or(0, <[Value]>::len)),
        other => Err(Error::type_error(format!("object of type '{}' has no len()", other.tp_name()))),
    }
}

/// The items that a `for` over the value meets: characters of text, keys of a dict.
///
/// # Errors
/// The type cannot be iterated.
pub fn iterate(value: &Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::List(list) => Ok(list.items()),
        Value::Tuple(items) | Value::Iterator(items) => Ok(items.to_vec()),
        Value::Dict(dict) => Ok(dict.read().keys().map(|key| key.value().clone()).collect()),
        Value::View(view) => Ok(view.items()),
        Value::Range(range) => {
            range.items().ok_or_else(|| Error::exception("Python int too large to convert to C ssize_t"))
        }
        Value::Str(text) => Ok(text.as_str().chars().map(|c| Value::from(c.to_string())).collect()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect()),
        Value::Undefined(why) if why.lenient => Ok(Vec::new()),
        Value::Undefined(_) => Err(undefined_error(value)),
        Value::Object(object) if object.keys().is_some() => Ok(object.keys().unwrap_or_default()),
        Value::Object(object) if object.items().is_some() => Ok(object.items().unwrap_or_default().to_vec()),
        other => Err(Error::type_error(format!("'{}' object is not iterable", other.tp_name()))),
    }
}

/// A list, tuple, view, range or generator as the list that Ansible makes of a generator.
#[must_use]
pub fn unroll(value: Value) -> Value {
    match value {
        Value::Iterator(items) => Value::list(items.to_vec()),
        Value::View(view) => Value::list(view.items()),
        Value::Range(range) => range.items().map_or(Value::Range(range), Value::list),
        other => other,
    }
}

/// `value[start:stop:step]`.
///
/// # Errors
/// The type has no slices, or a bound is no integer.
pub fn slice(
    value: &Value,
    start: Option<i64>,
    stop: Option<i64>,
    step: Option<i64>,
) -> Result<Value, Error> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value_error("slice step cannot be zero"));
    }
    match value {
        Value::Str(text) => {
            let chars: Vec<char> = text.as_str().chars().collect();
            let part: String = picks(chars.len(), start, stop, step).into_iter().map(|i| chars[i]).collect();
            let part = super::value::Str::new(part);
            Ok(Value::Str(if text.is_unsafe() { part.into_unsafe() } else { part }))
        }
        Value::Bytes(bytes) => {
            Ok(Value::Bytes(picks(bytes.len(), start, stop, step).into_iter().map(|i| bytes[i]).collect()))
        }
        Value::List(list) => {
            let items = list.read();
            Ok(Value::list(
                picks(items.len(), start, stop, step).into_iter().map(|i| items[i].clone()).collect(),
            ))
        }
        Value::Tuple(items) => Ok(Value::Tuple(
            picks(items.len(), start, stop, step).into_iter().map(|i| items[i].clone()).collect(),
        )),
        Value::Range(range) => Ok(Value::Range(Arc::new(range.slice(start, stop, step)))),
        Value::Object(object) if object.items().is_some() => {
            let items: Arc<[Value]> = object.items().unwrap_or_default().into();
            self::slice(&Value::Tuple(items), start, stop, Some(step))
        }
        other => Err(Error::type_error(format!("'{}' object is not subscriptable", other.tp_name()))),
    }
}

fn picks(len: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<usize> {
    let len = i64::try_from(len).unwrap_or(i64::MAX);
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let clamp = |bound: i64| if bound < 0 { (bound.saturating_add(len)).max(low) } else { bound.min(high) };
    let mut at = start.map_or(if step > 0 { 0 } else { len - 1 }, clamp);
    let stop = stop.map_or(if step > 0 { len } else { -1 }, clamp);
    let mut picked = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.push(usize::try_from(at).unwrap_or(0));
        at = at.saturating_add(step);
    }
    picked
}
