//! Python's integers, which have no largest.

use std::sync::Arc;

use super::Value;
use super::repr::repr;

/// Python refuses to read longer decimal numbers; here the limit holds for all bases.
const LONGEST: usize = 4300;

/// Reads what PyYAML takes for an integer: binary, octal, hexadecimal, decimal or sexagesimal.
///
/// The error is Python's text.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let plain = text.replace('_', "");
    let (negative, digits) = match plain.as_bytes().first() {
        Some(b'-') => (true, &plain[1..]),
        Some(b'+') => (false, &plain[1..]),
        Some(_) => (false, plain.as_str()),
        None => return Err("string index out of range".to_owned()),
    };
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        Magnitude::parse(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        Magnitude::parse(hexadecimal, 16)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        // Python takes its own prefix, too.
        match digits.strip_prefix("0o") {
            Some(octal) => Magnitude::parse(octal, 8).map_err(|_| invalid(digits, 8))?,
            None => Magnitude::parse(digits, 8)?,
        }
    } else if digits.contains(':') {
        sexagesimal(digits)?
    } else {
        Magnitude::parse(digits, 10)?
    };
    Ok(magnitude.signed(negative))
}

fn sexagesimal(digits: &str) -> Result<Magnitude, String> {
    if digits.len() > LONGEST {
        return Err(too_long(digits));
    }
    let mut value = Magnitude(vec![0]);
    for part in digits.split(':') {
        value.multiply_add(60, 0);
        value.add(&Magnitude::parse(part, 10)?);
    }
    Ok(value)
}

fn too_long(digits: &str) -> String {
    format!(
        "Exceeds the limit ({LONGEST} digits) for integer string conversion: value has {} digits; use \
         sys.set_int_max_str_digits() to increase the limit",
        digits.len()
    )
}

fn invalid(digits: &str, base: u32) -> String {
    format!("invalid literal for int() with base {base}: {}", repr(digits))
}

/// A natural number in groups of nine decimal digits, the least first.
struct Magnitude(Vec<u32>);

const GROUP: u64 = 1_000_000_000;

impl Magnitude {
    fn parse(digits: &str, base: u32) -> Result<Self, String> {
        let trimmed = digits.trim();
        if trimmed.len() > LONGEST {
            return Err(too_long(trimmed));
        }
        let mut value = Self(vec![0]);
        for digit in trimmed.chars() {
            value.multiply_add(base, digit.to_digit(base).ok_or_else(|| invalid(digits, base))?);
        }
        if trimmed.is_empty() { Err(invalid(digits, base)) } else { Ok(value) }
    }

    fn multiply_add(&mut self, factor: u32, addend: u32) {
        let mut carry = u64::from(addend);
        for group in &mut self.0 {
            let product = u64::from(*group) * u64::from(factor) + carry;
            *group = (product % GROUP) as u32;
            carry = product / GROUP;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn add(&mut self, other: &Self) {
        let mut carry = 0;
        for at in 0..self.0.len().max(other.0.len()) {
            if at == self.0.len() {
                self.0.push(0);
            }
            let sum = u64::from(self.0[at]) + u64::from(other.0.get(at).copied().unwrap_or(0)) + carry;
            self.0[at] = (sum % GROUP) as u32;
            carry = sum / GROUP;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    fn signed(&self, negative: bool) -> Value {
        let mut groups = self.0.iter().rev();
        let mut text = if negative { "-".to_owned() } else { String::new() };
        text += &groups.next().unwrap_or(&0).to_string();
        for group in groups {
            text += &format!("{group:09}");
        }
        text.parse().map_or_else(|_| Value::BigInt(Arc::from(text)), Value::Int)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bases_and_sizes() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("1_000", 1000),
            ("0b101", 5),
            ("0644", 420),
            ("0x_ff", 255),
            ("1:30", 90),
            ("-1:00:00", -3600),
            ("1000000000:1", 60_000_000_001),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(parse(text), Ok(Value::Int(value)), "{text}");
        }
        assert_eq!(parse("0xffffffffffffffffff"), Ok(Value::BigInt("4722366482869645213695".into())));
        assert_eq!(parse("0b_"), Err("invalid literal for int() with base 2: ''".to_owned()));
        assert!(parse(&"9".repeat(5000)).is_err());
    }
}
