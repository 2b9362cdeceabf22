//! Methods of integers and floats.

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive, Zero};

use super::bytes;
use super::signature::{Given, Method, Names, Takes, bad_argument, index, truth};
use crate::jinja::error::Error;
use crate::jinja::value::Value;

/// The methods of integers.
pub(super) const INT: &[Method<BigInt>] = &[
    Method {
        name: "as_integer_ratio",
        takes: Takes::Nothing,
        run: |number, _| Ok(Value::tuple(vec![number.clone().into(), Value::Int(1)])),
    },
    Method { name: "bit_count", takes: Takes::Nothing, run: |number, _| bit_count(number) },
    Method { name: "bit_length", takes: Takes::Nothing, run: |number, _| Ok(big(number.bits())) },
    Method { name: "conjugate", takes: Takes::Nothing, run: |number, _| Ok(number.clone().into()) },
    Method {
        name: "from_bytes",
        takes: Takes::Named(Names {
            names: &["bytes", "byteorder", "signed"],
            required: 1,
            by_position: 2,
            check: None,
        }),
        run: |_, given| from_bytes(given),
    },
    Method {
        name: "to_bytes",
        takes: Takes::Named(Names {
            names: &["length", "byteorder", "signed"],
            required: 0,
            by_position: 2,
            check: None,
        }),
        run: to_bytes,
    },
];

/// The methods of floats.
pub(super) const FLOAT: &[Method<f64>] = &[
    Method { name: "as_integer_ratio", takes: Takes::Nothing, run: |number, _| ratio(*number) },
    Method { name: "conjugate", takes: Takes::Nothing, run: |number, _| Ok(Value::Float(*number)) },
    Method { name: "fromhex", takes: Takes::One, run: |_, given| from_hex(given.at(0)) },
    Method { name: "hex", takes: Takes::Nothing, run: |number, _| Ok(hex(*number).into()) },
    Method { name: "is_integer", takes: Takes::Nothing, run: |number, _| Ok((number.fract() == 0.0).into()) },
];

fn big(number: u64) -> Value {
    Value::from(BigInt::from(number))
}

fn bit_count(number: &BigInt) -> Result<Value, Error> {
    Ok(big(number.magnitude().iter_u64_digits().map(|digit| u64::from(digit.count_ones())).sum()))
}

/// Whether bytes are in the order of their weight.
fn is_big(given: &Given, name: &str) -> Result<bool, Error> {
    let Some(order) = given.get(1) else { return Ok(true) };
    match order.as_str() {
        Some("big") => Ok(true),
        Some("little") => Ok(false),
        Some(_) => Err(Error::value_error("byteorder must be either 'little' or 'big'")),
        None => Err(bad_argument(name, "argument 'byteorder'", "str", order)),
    }
}

fn to_bytes(number: &BigInt, given: &Given) -> Result<Value, Error> {
    let length = given.get(0).map_or(Ok(1), index)?;
    // Its type is looked at before anything's value.
    if let Some(order) = given.get(1).filter(|order| order.as_str().is_none()) {
        return Err(bad_argument("to_bytes", "argument 'byteorder'", "str", order));
    }
    let signed = truth(given.get(2))?;
    let big = is_big(given, "to_bytes")?;
    let length =
        usize::try_from(length).map_err(|_| Error::value_error("length argument must be non-negative"))?;
    if number.is_negative() && !signed {
        return Err(Error::exception("can't convert negative int to unsigned"));
    }
    if length > crate::jinja::ops::MAX_SIZE {
        return Err(Error::value_error("the bytes would be too large"));
    }
    let mut bytes = match signed {
        true => number.to_signed_bytes_le(),
        false => number.to_bytes_le().1,
    };
    let fill = if number.is_negative() { 0xff } else { 0 };
    let zero = bytes.len() == 1 && number.is_zero();
    if bytes.len() > length && !zero {
        return Err(Error::exception("int too big to convert"));
    }
    bytes.resize(length, fill);
    if big {
        bytes.reverse();
    }
    Ok(Value::Bytes(bytes.into()))
}

fn from_bytes(given: &Given) -> Result<Value, Error> {
    if let Some(order) = given.get(1).filter(|order| order.as_str().is_none()) {
        return Err(bad_argument("from_bytes", "argument 'byteorder'", "str", order));
    }
    let signed = truth(given.get(2))?;
    let big = is_big(given, "from_bytes")?;
    let bytes = bytes::of_object(given.at(0))?;
    Ok(Value::from(match (big, signed) {
        (true, true) => BigInt::from_signed_bytes_be(&bytes),
        (false, true) => BigInt::from_signed_bytes_le(&bytes),
        (true, false) => BigInt::from_bytes_be(Sign::Plus, &bytes),
        (false, false) => BigInt::from_bytes_le(Sign::Plus, &bytes),
    }))
}

/// How many bits of a float's are its fraction's.
const FRACTION: i64 = 52;
/// What the exponent of a float is stored with.
const BIAS: i64 = 1023;

/// The fraction and the exponent of a float: it is the one times two to the power of the other.
fn parts(number: f64) -> (u64, i64) {
    let bits = number.to_bits();
    let fraction = bits & ((1 << FRACTION) - 1);
    let exponent = i64::try_from((bits >> FRACTION) & 0x7ff).unwrap_or(0);
    match exponent {
        0 => (fraction, 1 - BIAS - FRACTION),
        exponent => (fraction | 1 << FRACTION, exponent - BIAS - FRACTION),
    }
}

fn ratio(number: f64) -> Result<Value, Error> {
    if number.is_nan() {
        return Err(Error::value_error("cannot convert NaN to integer ratio"));
    }
    if number.is_infinite() {
        return Err(Error::exception("cannot convert Infinity to integer ratio"));
    }
    let (fraction, exponent) = parts(number);
    let even = if fraction == 0 { 0 } else { i64::from(fraction.trailing_zeros()) };
    let exponent = if fraction == 0 { 0 } else { exponent + even };
    let whole = BigInt::from(fraction >> even);
    let shift = |by: i64| usize::try_from(by).unwrap_or(0);
    let (above, below) = (whole << shift(exponent), BigInt::from(1) << shift(-exponent));
    let above = if number.is_sign_negative() { -above } else { above };
    Ok(Value::tuple(vec![above.into(), below.into()]))
}

fn hex(number: f64) -> String {
    if !number.is_finite() {
        return crate::jinja::repr::float(number);
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (fraction, exponent) = parts(number);
    let whole = fraction >> FRACTION;
    let fraction = fraction & ((1 << FRACTION) - 1);
    if whole == 0 && fraction == 0 {
        return format!("{sign}0x0.0p+0");
    }
    format!("{sign}0x{whole}.{fraction:013x}p{:+}", exponent + FRACTION)
}

/// `float.fromhex`.
fn from_hex(value: &Value) -> Result<Value, Error> {
    let text = value.as_str().ok_or_else(|| Error::type_error("bad argument type for built-in operation"))?;
    let text = text.trim_matches(super::chars::is_byte_space).to_ascii_lowercase();
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let size = match rest {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        digits => hex_size(digits)?,
    };
    Ok(Value::Float(if negative { -size } else { size }))
}

/// The float that hexadecimal digits with a point and an exponent are, rounded once.
fn hex_size(text: &str) -> Result<f64, Error> {
    let invalid = || Error::value_error("invalid hexadecimal floating-point string");
    let text = text.strip_prefix("0x").unwrap_or(text);
    let (digits, exponent) = match text.split_once('p') {
        Some((digits, exponent)) => {
            let plain = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if plain.is_empty() || !plain.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid());
            }
            let far = if exponent.starts_with('-') { i64::MIN / 4 } else { i64::MAX / 4 };
            (digits, exponent.parse::<i64>().unwrap_or(far).clamp(i64::MIN / 4, i64::MAX / 4))
        }
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let number = BigInt::parse_bytes(all.as_bytes(), 16).ok_or_else(invalid)?;
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX / 8);
    scaled(&number, exponent - 4 * places)
}

/// A whole number times two to the power of an exponent, rounded to the nearest float.
fn scaled(number: &BigInt, exponent: i64) -> Result<f64, Error> {
    let too_large = || Error::exception("hexadecimal value too large to represent as a float");
    let bits = i64::try_from(number.bits()).unwrap_or(i64::MAX / 4);
    if bits == 0 {
        return Ok(0.0);
    }
    // The exponent of the last bit that the float can hold.
    let last = (bits + exponent - FRACTION - 1).max(1 - BIAS - FRACTION);
    if last > BIAS - FRACTION {
        return Err(too_large());
    }
    if bits + exponent < last {
        return Ok(0.0);
    }
    let cut = last - exponent;
    let kept = match usize::try_from(cut) {
        Ok(cut) => {
            let kept: BigInt = number >> cut;
            let rest = number - (&kept << cut);
            let half = BigInt::from(1) << cut >> 1_u8;
            let up = cut > 0 && (rest > half || rest == half && kept.bit(0));
            kept + u8::from(up)
        }
        Err(_) => number << usize::try_from(-cut).unwrap_or(0),
    };
    let size = kept.to_f64().unwrap_or(f64::INFINITY);
    // In two steps, as neither power may be out of range.
    let half = i32::try_from(last / 2).unwrap_or(0);
    let other = i32::try_from(last - last / 2).unwrap_or(0);
    let size = size * 2.0_f64.powi(half) * 2.0_f64.powi(other);
    if size.is_finite() { Ok(size) } else { Err(too_large()) }
}
