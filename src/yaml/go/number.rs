//! Numbers in text, as Go's `strconv` accepts them where yaml.v2 asks it.

/// A number that yaml.v2 saw in a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
}

/// Resolves a plain scalar that starts with a digit or a sign.
pub(super) fn parse(text: &str) -> Option<Number> {
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    integer(plain).or_else(|| if is_yaml_float(plain) { finite(plain) } else { None })
}

/// Resolves a plain scalar that starts with a point.
pub(super) fn parse_fraction(text: &str) -> Option<Number> {
    if !text.contains('_') {
        return if is_yaml_float(text) { finite(text) } else { None };
    }
    // Go takes underscores between digits only.
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let separating =
        |at: usize| at > 0 && (digit(at - 1) || bytes[at - 1] == b'_') && digit(at + 1) && digit(at - 1);
    let valid = (0..bytes.len()).all(|at| bytes[at] != b'_' || separating(at));
    if valid { parse_fraction(&text.replace('_', "")) } else { None }
}

fn finite(text: &str) -> Option<Number> {
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Number::Float)
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: a base prefix, or a leading 0 for octal.
fn integer(text: &str) -> Option<Number> {
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let signed = unsigned.len() < text.len();
    let (base, digits) = split_base(unsigned);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    match (i64::try_from(magnitude), negative) {
        (Ok(value), false) => Some(Number::Int(value)),
        (Ok(value), true) => Some(Number::Int(-value)),
        (Err(_), true) if magnitude == i64::MIN.unsigned_abs() => Some(Number::Int(i64::MIN)),
        (Err(_), false) if !signed => Some(Number::Uint(magnitude)),
        (Err(_), _) => None,
    }
}

fn split_base(digits: &str) -> (u32, &str) {
    let bytes = digits.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'0'), Some(b'x' | b'X')) => (16, &digits[2..]),
        (Some(b'0'), Some(b'o' | b'O')) => (8, &digits[2..]),
        (Some(b'0'), Some(b'b' | b'B')) => (2, &digits[2..]),
        (Some(b'0'), Some(_)) => (8, &digits[1..]),
        _ => (10, digits),
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_yaml_float(text: &str) -> bool {
    let after_sign = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, rest) = split_digits(after_sign);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => split_digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return false;
    }
    match rest.strip_prefix(['e', 'E']) {
        None => rest.is_empty(),
        Some(exponent) => {
            let (digits, rest) = split_digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent));
            !digits.is_empty() && rest.is_empty()
        }
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_all_bases() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+1", 1),
            ("0777", 511),
            ("0o777", 511),
            ("0b11", 3),
            ("-0b11", -3),
            ("0x1F", 31),
            ("1_000", 1000),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse(text), Some(Number::Int(value)), "{text}");
        }
        assert_eq!(parse("18446744073709551615"), Some(Number::Uint(u64::MAX)));
        assert_eq!(parse("18446744073709551616"), Some(Number::Float(18_446_744_073_709_551_616.0)));
    }

    #[test]
    fn floats() {
        assert_eq!(parse("08"), Some(Number::Float(8.0)));
        assert_eq!(parse("1e3"), Some(Number::Float(1000.0)));
        assert_eq!(parse("1."), Some(Number::Float(1.0)));
        assert_eq!(parse_fraction(".5"), Some(Number::Float(0.5)));
        for text in ["1e400", "0o8", "0x", "+", "-", "1e", "1.2.3", "0x1p3", "1:30"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
