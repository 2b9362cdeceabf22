//! Number literals: kept under every type that can hold them, as Go's untyped constants.

use super::complex::Complex;
use super::lex::Kind;
use super::strconv::{Char, quote, unquote_char};

/// A number literal.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<Complex>,
}

impl Number {
    /// Reads a literal, as Go's `parse.newNumber` does.
    pub(crate) fn parse(text: &[u8], kind: Kind) -> Result<Self, String> {
        match kind {
            Kind::CharConstant => Self::character(text),
            Kind::Complex => Self::complex_pair(text).ok_or_else(|| "expected complex number".to_owned()),
            _ => Self::real(text),
        }
    }

    fn character(text: &[u8]) -> Result<Self, String> {
        let (character, tail) = unquote_char(&text[1..], b'\'').map_err(|error| error.to_string())?;
        if tail != b"'" {
            return Err(format!("malformed character constant: {}", String::from_utf8_lossy(text)));
        }
        let code = match character {
            Char::Rune(rune) => u32::from(rune),
            Char::Byte(byte) => u32::from(byte),
        };
        let (int, uint, float) = (Some(code.into()), Some(code.into()), Some(code.into()));
        Ok(Self { int, uint, float, complex: None })
    }

    fn complex_pair(text: &[u8]) -> Option<Self> {
        let text = text.strip_suffix(b"i")?;
        let is_sign = |&at: &usize| {
            matches!(text[at], b'+' | b'-') && !matches!(text[at - 1], b'e' | b'E' | b'p' | b'P')
        };
        let sign = (1..text.len()).rev().find(is_sign)?;
        let real = parse_float(&text[..sign])?;
        let imaginary = parse_float(&text[sign..])?;
        Some(Self::from_complex(Complex { real, imaginary }))
    }

    fn from_complex(complex: Complex) -> Self {
        let mut number = Self { complex: Some(complex), ..Self::default() };
        if complex.imaginary == 0.0 {
            number.float = Some(complex.real);
            number.int = exact_int(complex.real);
            number.uint = exact_uint(complex.real);
        }
        number
    }

    fn real(text: &[u8]) -> Result<Self, String> {
        if let Some(imaginary) = text.strip_suffix(b"i").and_then(parse_float) {
            return Ok(Self::from_complex(Complex { real: 0.0, imaginary }));
        }
        let mut number = Self { int: parse_int(text), uint: parse_uint(text), ..Self::default() };
        if number.int == Some(0) {
            number.uint = Some(0);
        }
        number.float = number.int.map(|n| n as f64).or(number.uint.map(|n| n as f64));
        if number.float.is_some() {
            return Ok(number);
        }
        let shown = || String::from_utf8_lossy(&quote(text)).into_owned();
        let float = parse_float(text).ok_or_else(|| format!("illegal number syntax: {}", shown()))?;
        if !text.iter().any(|byte| b".eEpP".contains(byte)) {
            return Err(format!("integer overflow: {}", shown()));
        }
        Ok(Self { int: exact_int(float), uint: exact_uint(float), float: Some(float), complex: None })
    }

    /// Whether the literal is a `float64` where no type is asked for.
    pub(crate) fn is_float_literal(&self, text: &[u8]) -> bool {
        let hexadecimal =
            matches!(text, [b'0', b'x' | b'X', _, ..]) && !text.iter().any(|b| b"pP".contains(b));
        let marked = text.iter().any(|byte| b".eEpP".contains(byte));
        self.float.is_some() && !hexadecimal && !text.starts_with(b"'") && marked
    }
}

fn exact_int(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float != 9_223_372_036_854_775_808.0).then_some(int)
}

fn exact_uint(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float && float != 18_446_744_073_709_551_616.0).then_some(uint)
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', rest @ ..] => 0_i64.checked_sub_unsigned(parse_uint(rest)?),
        [b'+', rest @ ..] => i64::try_from(parse_uint(rest)?).ok(),
        _ => i64::try_from(parse_uint(text)?).ok(),
    }
}

/// Go's `strconv.ParseUint(text, 0, 64)`: a base prefix and underscores are understood.
pub(crate) fn parse_uint(text: &[u8]) -> Option<u64> {
    let (digits, radix) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, 16),
        [b'0', b'o' | b'O', rest @ ..] => (rest, 8),
        [b'0', b'b' | b'B', rest @ ..] => (rest, 2),
        [b'0', rest @ ..] if !rest.is_empty() => (rest, 8),
        _ => (text, 10),
    };
    if digits.is_empty() || !underscores_separate_digits(text) {
        return None;
    }
    digits.iter().filter(|&&byte| byte != b'_').try_fold(0_u64, |value, &byte| {
        let digit = char::from(byte).to_digit(radix)?;
        value.checked_mul(radix.into())?.checked_add(digit.into())
    })
}

/// Go's `strconv.ParseFloat(text, 64)` for the text of a literal; too large is an error there.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    if !underscores_separate_digits(text) {
        return None;
    }
    let text: String = text.iter().filter(|&&byte| byte != b'_').map(|&byte| char::from(byte)).collect();
    let (sign, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(&text)),
    };
    let value = match magnitude.strip_prefix("0x").or_else(|| magnitude.strip_prefix("0X")) {
        Some(hexadecimal) => hexadecimal_float(hexadecimal)?,
        None if magnitude.starts_with(|c: char| c.is_ascii_digit() || c == '.') => magnitude.parse().ok()?,
        None => return None,
    };
    f64::is_finite(value).then_some(sign * value)
}

/// A hexadecimal float without its prefix; it must have an exponent.
fn hexadecimal_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent: i32 = exponent.parse::<i32>().ok()?.clamp(-100_000, 100_000);
    let mut value = 0_u128;
    let mut scale = exponent;
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u128::from(digit.to_digit(16)?);
        let in_fraction = index >= whole.len();
        if value >> 120 == 0 {
            value = value << 4 | digit;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            // Digits that no longer fit only decide how a tie is rounded.
            value |= u128::from(digit != 0);
            scale += if in_fraction { 0 } else { 4 };
        }
    }
    Some(scaled(value, scale))
}

/// `value * 2^exponent`, rounded once, to the nearest even.
fn scaled(value: u128, exponent: i32) -> f64 {
    if value == 0 {
        return 0.0;
    }
    let bits = 128 - value.leading_zeros().cast_signed();
    // The bits that a float64 of this magnitude keeps.
    let kept = (bits + exponent + 1074).clamp(0, 53);
    let dropped = bits - kept;
    let mut mantissa = if dropped > 0 {
        let (kept, rest) = (value.checked_shr(dropped.cast_unsigned()).unwrap_or(0), dropped.cast_unsigned());
        let half = 1_u128.checked_shl(rest - 1).unwrap_or(0);
        let remainder = value & 1_u128.checked_shl(rest).map_or(u128::MAX, |bit| bit - 1);
        kept + u128::from(remainder > half || remainder == half && kept & 1 == 1)
    } else {
        value
    } as f64;
    let mut exponent = exponent + dropped.max(0);
    // Powers of two in two steps: each factor must itself be a float64.
    while exponent != 0 {
        let step = exponent.clamp(-1000, 1000);
        mantissa *= 2_f64.powi(step);
        exponent -= step;
        if mantissa == 0.0 || mantissa.is_infinite() {
            break;
        }
    }
    mantissa
}

/// Underscores may stand between digits, and between a base prefix and a digit.
fn underscores_separate_digits(text: &[u8]) -> bool {
    let text = match text {
        [b'+' | b'-', rest @ ..] => rest,
        _ => text,
    };
    let (digits, hexadecimal, mut after_digit) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (rest, true, true),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (rest, false, true),
        _ => (text, false, false),
    };
    let mut after_underscore = false;
    for &byte in digits {
        let digit = byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit();
        if byte == b'_' && !after_digit || after_underscore && !digit {
            return false;
        }
        after_underscore = byte == b'_';
        after_digit = digit;
    }
    !after_underscore
}
