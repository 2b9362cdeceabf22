//! Floats in decimal digits.

use std::ops::Range;

/// The shortest decimal number that reads back as a float. (Rust's own formatting does not round ties to
/// even as Go and Python do, the one of JSON does.)
pub(super) struct Decimal {
    negative: bool,
    /// At least one digit; no zeros at the ends unless it is the only digit.
    digits: String,
    /// The power of ten of the first digit.
    pub(super) exponent: i32,
}

impl Decimal {
    /// The digits of a finite number.
    pub(super) fn of(float: f64) -> Self {
        Self::parse(&serde_json::to_string(&float).unwrap_or_default())
    }

    /// The digits of a finite number in single precision.
    pub(super) fn of_single(float: f32) -> Self {
        Self::parse(&serde_json::to_string(&float).unwrap_or_default())
    }

    /// Takes a text of digits with a point or an exponent apart.
    fn parse(text: &str) -> Self {
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

    /// With an exponent of at least two digits, unless it lies in a range.
    pub(super) fn general(&self, positional: Range<i32>) -> String {
        if positional.contains(&self.exponent) {
            return self.positional();
        }
        let exponent_sign = if self.exponent < 0 { '-' } else { '+' };
        format!("{}e{exponent_sign}{:02}", self.mantissa(), self.exponent.abs())
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// One digit before the point.
    pub(super) fn mantissa(&self) -> String {
        let (first, rest) = self.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        format!("{}{first}{point}{rest}", self.sign())
    }

    /// Without an exponent.
    pub(super) fn positional(&self) -> String {
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
