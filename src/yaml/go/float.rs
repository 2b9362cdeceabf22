//! Text of floats, as Go's `strconv` and `encoding/json` write it.

use crate::yaml::decimal::Decimal;

/// The text of `%g` with the shortest digits that read back (`strconv.FormatFloat(f, 'g', -1, 64)`): an
/// exponent below 1e-4 and from 1e6 on.
#[must_use]
pub fn format_shortest(float: f64) -> String {
    match special(float) {
        Some(text) => text.to_owned(),
        None => Decimal::of(float).general(-4..6),
    }
}

/// [`format_shortest`] of a number that is rounded to `float32` first.
pub(super) fn format_shortest_32(float: f64) -> String {
    let rounded = float as f32;
    match special(f64::from(rounded)) {
        Some(text) => text.to_owned(),
        None => Decimal::of_single(rounded).general(-4..6),
    }
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
    let decimal = Decimal::of(float);
    if (-6..21).contains(&decimal.exponent) {
        return Some(decimal.positional());
    }
    let exponent_sign = if decimal.exponent < 0 { '-' } else { '+' };
    Some(format!("{}e{exponent_sign}{}", decimal.mantissa(), decimal.exponent.abs()))
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
            (755416967246451.2, "7.554169672464512e+14"),
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
