//! Exact decimal numbers (shopspring/decimal 1.4), in which sprig calculates with floats.

use num_bigint::BigInt;

use crate::yaml::go::format_shortest;

/// Digits after the point that a quotient keeps.
const DIVISION_PRECISION: i32 = 16;

/// `value * 10^exponent`.
#[derive(Clone, Debug)]
pub(super) struct Decimal {
    value: BigInt,
    exponent: i32,
}

fn power_of_ten(exponent: i32) -> BigInt {
    BigInt::from(10).pow(exponent.unsigned_abs())
}

impl Decimal {
    /// The shortest decimal that reads back as the float; `None` for infinities and NaN.
    pub(super) fn from_float(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let shortest = format_shortest(float);
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let value = [whole, fraction].concat().parse().ok()?;
        let exponent: i32 = exponent.parse().ok()?;
        Some(Self { value, exponent: exponent - i32::try_from(fraction.len()).ok()? })
    }

    /// Both values at the smaller of the two exponents.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i32) {
        let exponent = self.exponent.min(other.exponent);
        let at = |number: &Self| &number.value * power_of_ten(number.exponent - exponent);
        (at(self), at(other), exponent)
    }

    pub(super) fn add(&self, other: &Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self { value: left + right, exponent }
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        let (left, right, exponent) = self.aligned(other);
        Self { value: left - right, exponent }
    }

    pub(super) fn mul(&self, other: &Self) -> Self {
        Self { value: &self.value * &other.value, exponent: self.exponent.saturating_add(other.exponent) }
    }

    /// The quotient, rounded half away from zero; `None` when dividing by zero.
    pub(super) fn div(&self, other: &Self) -> Option<Self> {
        let zero = BigInt::from(0);
        if other.value == zero {
            return None;
        }
        let shift = self.exponent - other.exponent + DIVISION_PRECISION;
        let (numerator, denominator) = if shift < 0 {
            (self.value.clone(), &other.value * power_of_ten(shift))
        } else {
            (&self.value * power_of_ten(shift), other.value.clone())
        };
        let mut value = &numerator / &denominator;
        let remainder = &numerator % &denominator;
        if remainder.magnitude() * 2_u8 >= *denominator.magnitude() {
            let same_sign = (numerator > zero) == (denominator > zero);
            value += if same_sign { 1 } else { -1 };
        }
        Some(Self { value, exponent: -DIVISION_PRECISION })
    }

    /// The nearest float; infinite when there is none.
    pub(super) fn to_float(&self) -> f64 {
        let float: f64 = format!("{}e{}", self.value, self.exponent).parse().unwrap_or(f64::NAN);
        // A fraction of big integers has no negative zero.
        if float == 0.0 { 0.0 } else { float }
    }
}
