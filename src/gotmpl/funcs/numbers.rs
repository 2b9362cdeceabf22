//! Numbers (sprig `numeric.go`): integers by wrapping `int64` arithmetic, floats through exact decimals.

use super::Outcome;
use super::args::{bytes, fail, fixed, float, int, variadic};
use super::cast::{to_float, to_int};
use super::decimal::Decimal;
use crate::gotmpl::fmt::sprint;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, Param, Value};

const ANY: &[Param] = &[Param::Any];
const TWO: &[Param] = &[Param::Any, Param::Any];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("int", ANY, |_, args| Ok(Value::Int(to_int(&args[0])))),
    fixed("int64", ANY, |_, args| Ok(Value::Int64(to_int(&args[0])))),
    fixed("float64", ANY, |_, args| Ok(Value::Float(to_float(&args[0])))),
    fixed("atoi", &[Param::Str], |_, args| Ok(Value::Int(atoi(bytes(args, 0))))),
    fixed("toDecimal", ANY, |_, args| Ok(Value::Int64(parse_int(&sprint(&args[0]), 8).unwrap_or(0)))),
    fixed("add1", ANY, |_, args| Ok(Value::Int64(to_int(&args[0]).wrapping_add(1)))),
    variadic("add", &[], Param::Any, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).fold(0, i64::wrapping_add)))
    }),
    fixed("sub", TWO, |_, args| Ok(Value::Int64(to_int(&args[0]).wrapping_sub(to_int(&args[1]))))),
    fixed("div", TWO, |_, args| divide(args, i64::wrapping_div)),
    fixed("mod", TWO, |_, args| divide(args, i64::wrapping_rem)),
    variadic("mul", ANY, Param::Any, |_, args| {
        Ok(Value::Int64(args.iter().map(to_int).fold(1, i64::wrapping_mul)))
    }),
    variadic("max", ANY, Param::Any, |_, args| reduce_int(args, i64::max)),
    variadic("biggest", ANY, Param::Any, |_, args| reduce_int(args, i64::max)),
    variadic("min", ANY, Param::Any, |_, args| reduce_int(args, i64::min)),
    variadic("maxf", ANY, Param::Any, |_, args| reduce_float(args, go_max)),
    variadic("minf", ANY, Param::Any, |_, args| reduce_float(args, go_min)),
    fixed("add1f", ANY, |_, args| decimal(&[args[0].clone(), Value::Int(1)], |a, b| Ok(a.add(b)))),
    variadic("addf", &[], Param::Any, |_, args| {
        let mut all = vec![Value::Float(0.0)];
        all.extend_from_slice(args);
        decimal(&all, |a, b| Ok(a.add(b)))
    }),
    variadic("subf", ANY, Param::Any, |_, args| decimal(args, |a, b| Ok(a.sub(b)))),
    variadic("mulf", ANY, Param::Any, |_, args| decimal(args, |a, b| Ok(a.mul(b)))),
    variadic("divf", ANY, Param::Any, |_, args| {
        decimal(args, |a, b| a.div(b).ok_or_else(|| fail("decimal division by 0")))
    }),
    fixed("floor", ANY, |_, args| Ok(Value::Float(to_float(&args[0]).floor()))),
    fixed("ceil", ANY, |_, args| Ok(Value::Float(to_float(&args[0]).ceil()))),
    variadic("round", &[Param::Any, Param::Int], Param::Float, round),
];

fn divide(args: &[Value], operation: fn(i64, i64) -> i64) -> Outcome {
    let divisor = to_int(&args[1]);
    if divisor == 0 {
        return Err(fail("runtime error: integer divide by zero"));
    }
    Ok(Value::Int64(operation(to_int(&args[0]), divisor)))
}

fn reduce_int(args: &[Value], choose: fn(i64, i64) -> i64) -> Outcome {
    Ok(Value::Int64(args.iter().map(to_int).reduce(choose).unwrap_or(0)))
}

fn reduce_float(args: &[Value], choose: fn(f64, f64) -> f64) -> Outcome {
    Ok(Value::Float(args.iter().map(to_float).reduce(choose).unwrap_or(0.0)))
}

/// `math.Max`: infinity wins over NaN, NaN over numbers, 0 over -0.
fn go_max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

/// `math.Min`, the mirror of [`go_max`].
fn go_min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { a } else { b }
    } else {
        a.min(b)
    }
}

/// `execDecimalOp`: the operands as shortest decimals, the result as the nearest float.
fn decimal(args: &[Value], operation: impl Fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>) -> Outcome {
    let operand = |value: &Value| {
        let float = to_float(value);
        Decimal::from_float(float).ok_or_else(|| {
            fail(format!(
                "Cannot create a Decimal from {}",
                if float.is_nan() {
                    "NaN"
                } else if float > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                }
            ))
        })
    };
    let mut result = operand(&args[0])?;
    for value in &args[1..] {
        result = operation(&result, &operand(value)?)?;
    }
    Ok(Value::Float(result.to_float()))
}

fn round(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let round_on = if args.len() > 2 { float(args, 2) } else { 0.5 };
    let power = power_of_ten(int(args, 1));
    let scaled = power * to_float(&args[0]);
    let up = scaled - scaled.trunc() >= round_on;
    let rounded = if up { scaled.ceil() } else { scaled.floor() };
    Ok(Value::Float(rounded / power))
}

/// `math.Pow(10, places)`, by Go's squaring of a scaled mantissa, whose rounding is visible from 10^23 on.
fn power_of_ten(places: i64) -> f64 {
    let (mut factor, mut factor_exponent) = (0.625_f64, 4_i64);
    let (mut power, mut power_exponent) = (1.0_f64, 0_i64);
    let mut remaining = places.unsigned_abs().min(1 << 20);
    while remaining != 0 {
        if factor_exponent > 1 << 12 {
            power_exponent += factor_exponent;
            break;
        }
        if remaining & 1 == 1 {
            power *= factor;
            power_exponent += factor_exponent;
        }
        factor *= factor;
        factor_exponent <<= 1;
        if factor < 0.5 {
            factor += factor;
            factor_exponent -= 1;
        }
        remaining >>= 1;
    }
    if places < 0 {
        (power, power_exponent) = (1.0 / power, -power_exponent);
    }
    scale_binary(power, power_exponent)
}

/// `strconv.Atoi` with its error ignored: out of range gives the nearest integer, no number gives 0.
fn atoi(text: &[u8]) -> i64 {
    match parse_int(text, 10) {
        Ok(number) => number,
        Err(NotInt::Range(nearest)) => nearest,
        Err(NotInt::Syntax) => 0,
    }
}

/// Why text is no integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotInt {
    /// It is not written as one.
    Syntax,
    /// It does not fit; the nearest integer that does.
    Range(i64),
}

/// `strconv.ParseInt(text, base, 64)`; base 0 reads prefixes and underscores as Go source does.
pub(super) fn parse_int(text: &[u8], base: u32) -> Result<i64, NotInt> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits, underscores) = match (base, digits) {
        (0, [b'0', b'x' | b'X', rest @ ..]) => (16, rest, true),
        (0, [b'0', b'b' | b'B', rest @ ..]) => (2, rest, true),
        (0, [b'0', b'o' | b'O', rest @ ..]) => (8, rest, true),
        (0, [b'0', rest @ ..]) if !rest.is_empty() => (8, rest, true),
        (0, _) => (10, digits, true),
        _ => (base, digits, false),
    };
    if digits.is_empty() || underscores && !underscores_valid(text) {
        return Err(NotInt::Syntax);
    }
    let mut magnitude: Option<u64> = Some(0);
    for byte in digits.iter().filter(|byte| !(underscores && **byte == b'_')) {
        let digit = char::from(*byte).to_digit(base).ok_or(NotInt::Syntax)?;
        magnitude = magnitude
            .and_then(|sum| sum.checked_mul(u64::from(base)))
            .and_then(|sum| sum.checked_add(u64::from(digit)));
    }
    let limit = i64::MIN.unsigned_abs() - u64::from(!negative);
    match magnitude {
        Some(magnitude) if magnitude <= limit => {
            Ok(if negative { (magnitude as i64).wrapping_neg() } else { magnitude as i64 })
        }
        _ => Err(NotInt::Range(if negative { i64::MIN } else { i64::MAX })),
    }
}

/// Whether underscores stand only between digits or after a base prefix (`strconv.underscoreOK`).
fn underscores_valid(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let prefixed =
        text.len() >= 2 && text[0] == b'0' && matches!(text[1].to_ascii_lowercase(), b'b' | b'o' | b'x');
    let (body, hex) =
        if prefixed { (&text[2..], text[1].eq_ignore_ascii_case(&b'x')) } else { (text, false) };
    // A base prefix counts as a digit for the underscore that follows it.
    let mut after_digit = prefixed;
    let mut after_underscore = false;
    for byte in body {
        match byte {
            b'_' if !after_digit => return false,
            b'_' => (after_digit, after_underscore) = (false, true),
            _ if byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit() => {
                (after_digit, after_underscore) = (true, false);
            }
            _ if after_underscore => return false,
            _ => (after_digit, after_underscore) = (false, false),
        }
    }
    !after_underscore
}

/// `strconv.ParseFloat(text, 64)`; `None` for bad syntax and for what is out of range.
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    let number = std::str::from_utf8(text).ok()?;
    if let Some(special) = special_float(number) {
        return Some(special);
    }
    let unsigned = number.strip_prefix(['+', '-']).unwrap_or(number);
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        if !underscores_valid(text) {
            return None;
        }
        let magnitude = hex_float(&unsigned[2..])?;
        return Some(if number.starts_with('-') { -magnitude } else { magnitude });
    }
    if !unsigned.bytes().all(|byte| byte.is_ascii_digit() || b"._eE+-".contains(&byte)) {
        return None;
    }
    if number.contains('_') {
        let plain = underscores_valid(text).then(|| number.replace('_', ""))?;
        return plain.parse().ok().filter(|float: &f64| float.is_finite());
    }
    number.parse().ok().filter(|float: &f64| float.is_finite())
}

fn special_float(number: &str) -> Option<f64> {
    let (sign, word) = match number.as_bytes() {
        [b'-', ..] => (-1.0, &number[1..]),
        [b'+', ..] => (1.0, &number[1..]),
        _ => (1.0, number),
    };
    if word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity") {
        return Some(sign * f64::INFINITY);
    }
    number.eq_ignore_ascii_case("nan").then_some(f64::NAN)
}

/// A hexadecimal float after its `0x`; the exponent is mandatory.
fn hex_float(body: &str) -> Option<f64> {
    let (mantissa, exponent) = body.split_once(['p', 'P'])?;
    let exponent = &exponent.replace('_', "");
    let exponent_digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if exponent_digits.is_empty() || !exponent_digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Beyond this every number is zero or infinite.
    const FAR: i64 = 100_000;
    let far = if exponent.starts_with('-') { -FAR } else { FAR };
    let exponent = exponent.parse().unwrap_or(far).clamp(-FAR, FAR);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole.replace('_', ""), fraction.replace('_', "")].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let fraction_digits = fraction.bytes().filter(|byte| *byte != b'_').count() as i64;
    let mut value: u64 = 0;
    let mut dropped: i64 = 0;
    let mut sticky = false;
    for digit in digits.chars().filter_map(|digit| digit.to_digit(16)) {
        if value >> 60 == 0 {
            value = value << 4 | u64::from(digit);
        } else {
            dropped += 4;
            sticky |= digit != 0;
        }
    }
    value |= u64::from(sticky);
    let scale = exponent - 4 * fraction_digits + dropped;
    let scaled = scale_binary(value as f64, scale);
    scaled.is_finite().then_some(scaled)
}

/// `value * 2^scale` in steps that stay exact until the last one.
fn scale_binary(mut value: f64, mut scale: i64) -> f64 {
    while scale != 0 && value != 0.0 && value.is_finite() {
        let step = scale.clamp(-500, 500);
        value *= 2_f64.powi(step as i32);
        scale -= step;
    }
    value
}
