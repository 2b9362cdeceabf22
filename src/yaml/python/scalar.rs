//! Which tag PyYAML gives a plain scalar.

use super::repr::repr;
use super::timestamp;

/// The tags of YAML 1.1 that scalars resolve to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Bool,
    Float,
    Int,
    Merge,
    Null,
    Str,
    Timestamp,
    /// `=`, the default value of a mapping.
    Value,
}

/// Resolves a plain scalar without a tag (`yaml/resolver.py`).
pub(super) fn resolve(text: &str) -> Tag {
    let first = text.bytes().next();
    match first {
        None => Tag::Null,
        Some(b'y' | b'Y' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') if boolean(text).is_some() => Tag::Bool,
        Some(b'n' | b'N') if boolean(text).is_some() => Tag::Bool,
        Some(b'n' | b'N' | b'~') if matches!(text, "~" | "null" | "Null" | "NULL") => Tag::Null,
        Some(b'-' | b'+' | b'.') if is_special_float(text) => Tag::Float,
        Some(b'-' | b'+' | b'.' | b'0'..=b'9') if is_float(text) => Tag::Float,
        Some(b'-' | b'+' | b'0'..=b'9') if is_int(text) => Tag::Int,
        Some(b'0'..=b'9') if timestamp::parse(text).is_some_and(|fields| fields.is_implicit()) => {
            Tag::Timestamp
        }
        Some(b'<') if text == "<<" => Tag::Merge,
        Some(b'=') if text == "=" => Tag::Value,
        Some(_) => Tag::Str,
    }
}

pub(super) fn boolean(text: &str) -> Option<bool> {
    Some(match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => true,
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => false,
        _ => return None,
    })
}

fn is_special_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(fraction) = text.strip_prefix('.') {
        let rest = after_digits(fraction);
        return fraction.len() > rest.len() && !fraction.starts_with('_') && is_exponent(rest);
    }
    if !unsigned.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let rest = after_digits(unsigned);
    let minutes = after_sexagesimal(rest);
    match minutes.strip_prefix('.') {
        Some(fraction) if minutes.len() == rest.len() => is_exponent(after_digits(fraction)),
        Some(fraction) => after_digits(fraction).is_empty(),
        None => false,
    }
}

fn is_int(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |digits: &str, allowed: fn(&u8) -> bool| {
        !digits.is_empty() && digits.bytes().all(|byte| byte == b'_' || allowed(&byte))
    };
    if let Some(digits) = unsigned.strip_prefix("0b") {
        return all(digits, |byte| matches!(byte, b'0' | b'1'));
    }
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return all(digits, u8::is_ascii_hexdigit);
    }
    if let Some(digits) = unsigned.strip_prefix('0') {
        return digits.is_empty() || all(digits, |byte| matches!(byte, b'0'..=b'7'));
    }
    unsigned.starts_with(|c: char| c.is_ascii_digit()) && after_sexagesimal(after_digits(unsigned)).is_empty()
}

/// The text after digits and underscores.
fn after_digits(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
}

/// The text after groups of `:` and a number below 60.
fn after_sexagesimal(mut text: &str) -> &str {
    loop {
        let group = match text.as_bytes() {
            [b':', b'0'..=b'5', b'0'..=b'9', ..] => 3,
            [b':', b'0'..=b'9', ..] => 2,
            _ => return text,
        };
        text = &text[group..];
    }
}

/// Nothing, or an exponent with its (necessary) sign.
fn is_exponent(text: &str) -> bool {
    match text.as_bytes() {
        [] => true,
        [b'e' | b'E', b'-' | b'+', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Reads what PyYAML takes for a float. The error is Python's text.
pub(super) fn parse_float(text: &str) -> Result<f64, String> {
    let plain = text.replace('_', "").to_lowercase();
    let (sign, digits) = match plain.as_bytes().first() {
        Some(b'-') => (-1.0, &plain[1..]),
        Some(b'+') => (1.0, &plain[1..]),
        Some(_) => (1.0, plain.as_str()),
        None => return Err("string index out of range".to_owned()),
    };
    let parse = |digits: &str| {
        let numeric = digits.trim();
        numeric.parse::<f64>().map_err(|_| format!("could not convert string to float: {}", repr(digits)))
    };
    match digits {
        ".inf" => Ok(sign * f64::INFINITY),
        ".nan" => Ok(f64::NAN),
        _ if digits.contains(':') => {
            let parts = digits.split(':').map(parse).collect::<Result<Vec<_>, _>>()?;
            let mut value = 0.0;
            let mut base = 1.0;
            for part in parts.into_iter().rev() {
                value += part * base;
                base *= 60.0;
            }
            Ok(sign * value)
        }
        _ => parse(digits).map(|value| sign * value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (tag, texts) in [
            (Tag::Bool, &["yes", "NO", "True", "off"][..]),
            (Tag::Float, &["1.0", "1.", "-1.5e+3", ".5", "1_0.0", "1:30.5", "-.inf", ".NaN"][..]),
            (Tag::Int, &["0", "-12", "+1", "0b1", "0644", "0x1F", "1_000", "1:30", "190:20:30", "0_"][..]),
            (Tag::Null, &["", "~", "null"][..]),
            (Tag::Timestamp, &["2020-01-01", "2020-1-1 10:00:00", "2020-01-01T1:00:00Z"][..]),
            (Tag::Merge, &["<<"][..]),
            (Tag::Value, &["="][..]),
            (
                Tag::Str,
                &["y", "n", "1e3", "1.5e3", "0o14", "08", "0x", "-.5", "1:60", "2020-1-1", "-", ".", "+.nan"]
                    [..],
            ),
        ] {
            for text in texts {
                assert_eq!(resolve(text), tag, "{text}");
            }
        }
    }
}
