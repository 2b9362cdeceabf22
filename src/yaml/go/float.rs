//! Text of floats, as Go's `strconv` and `encoding/json` write it.

/// The text of `%g` with the shortest digits that read back (`strconv.FormatFloat(f, 'g', -1, 64)`): an
/// exponent below 1e-4 and from 1e6 on.
#[must_use]
pub fn format_shortest(float: f64) -> String {
    match special(float) {
        Some(text) => text.to_owned(),
        None => Decimal::of(&serde_json::to_string(&float).unwrap_or_default()).general(),
    }
}

/// [`format_shortest`] of a number that is rounded to `float32` first.
pub(super) fn format_shortest_32(float: f64) -> String {
    let rounded = float as f32;
    match special(f64::from(rounded)) {
        Some(text) => text.to_owned(),
        None => Decimal::of(&serde_json::to_string(&rounded).unwrap_or_default()).general(),
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
    let decimal = Decimal::of(&serde_json::to_string(&float).ok()?);
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

/// The shortest decimal number that reads back as a float. (Rust's own formatting does not round ties to
/// even as Go does, the one of JSON does.)
struct Decimal {
    negative: bool,
    /// At least one digit; no zeros at the ends unless it is the only digit.
    digits: String,
    /// The power of ten of the first digit.
    exponent: i32,
}

impl Decimal {
    /// Takes a text of digits with a point or an exponent apart.
    fn of(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let leading = (all.len() - significant.len()) as i32;
        let digits = significant.trim_end_matches('0');
        match digits {
            "" => Self { negative, digits: "0".to_owned(), exponent: 0 },
            _ => Self {
                negative,
                digits: digits.to_owned(),
                exponent: exponent + whole.len() as i32 - 1 - leading,
            },
        }
    }

    fn general(&self) -> String {
        if (-4..6).contains(&self.exponent) {
            return self.positional();
        }
        let exponent_sign = if self.exponent < 0 { '-' } else { '+' };
        format!("{}e{exponent_sign}{:02}", self.mantissa(), self.exponent.abs())
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// One digit before the point.
    fn mantissa(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{}{first}{point}{rest}", self.sign())
    }

    /// Without an exponent.
    fn positional(&self) -> String {
        let (sign, digits) = (self.sign(), &self.digits);
        let Ok(exponent) = usize::try_from(self.exponent) else {
            let zeros = self.exponent.unsigned_abs() as usize - 1;
            return format!("{sign}0.{:0<zeros$}{digits}", "");
        };
        let whole = exponent + 1;
        if digits.len() <= whole {
            return format!("{sign}{digits:0<whole$}");
        }
        format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
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
