//! Text of floats, as Go's `strconv` and `encoding/json` write it.

/// The text of `%g` with the shortest digits that read back (`strconv.FormatFloat(f, 'g', -1, 64)`): an
/// exponent below 1e-4 and from 1e6 on.
#[must_use]
pub fn format_shortest(float: f64) -> String {
    general(&format!("{float:e}"), special(float))
}

/// [`format_shortest`] of a number that is rounded to `float32` first.
pub(super) fn format_shortest_32(float: f64) -> String {
    let rounded = float as f32;
    general(&format!("{rounded:e}"), special(f64::from(rounded)))
}

/// The text of a float in YAML.
pub(super) fn format_yaml(float: f64) -> String {
    match float {
        f if f.is_nan() => ".nan".to_owned(),
        f64::INFINITY => ".inf".to_owned(),
        f64::NEG_INFINITY => "-.inf".to_owned(),
        _ => format_shortest(float),
    }
}

/// The text of a number in JSON: an exponent below 1e-6 and from 1e21 on; `None` for what JSON cannot say.
#[must_use]
pub fn format_json(float: f64) -> Option<String> {
    if !float.is_finite() {
        return None;
    }
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let scientific = format!("{float:e}");
        let (digits, exponent) = scientific.split_once('e')?;
        let sign = if exponent.starts_with('-') { "" } else { "+" };
        return Some(format!("{digits}e{sign}{exponent}"));
    }
    Some(format!("{float}"))
}

/// Go's text of what is not a number of digits.
pub(super) fn special(float: f64) -> Option<&'static str> {
    match float {
        f if f.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// Turns Rust's shortest scientific text into Go's `%g`.
fn general(scientific: &str, special: Option<&'static str>) -> String {
    if let Some(text) = special {
        return text.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    if (-4..6).contains(&exponent) {
        return format!("{sign}{}", positional(&digits, exponent));
    }
    let fraction = if digits.len() > 1 { format!(".{}", &digits[1..]) } else { String::new() };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{}{fraction}e{exponent_sign}{:02}", &digits[..1], exponent.abs())
}

/// The digits with the point after the first `exponent + 1` of them.
fn positional(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{}.{}", &digits[..whole], &digits[whole..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest() {
        for (float, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (123456.0, "123456"),
            (1234567.0, "1.234567e+06"),
            (1e6, "1e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-12.25e-10, "-1.225e-09"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(format_shortest(float), text);
        }
        assert_eq!(format_shortest_32(0.1), "0.1");
    }

    #[test]
    fn json() {
        for (float, text) in [
            (-0.0, "-0"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (0.1, "0.1"),
        ] {
            assert_eq!(format_json(float).as_deref(), Some(text));
        }
        assert_eq!(format_json(f64::NAN), None);
    }
}
