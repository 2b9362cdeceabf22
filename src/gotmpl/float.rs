//! Float text as Go's `strconv.FormatFloat` writes it.

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`: what printing a float gives.
#[must_use]
pub fn float_g(value: f64) -> String {
    format(value, b'g', None)
}

/// Go's `strconv.FormatFloat` for a `float64`: `verb` is one of `b e E f g G x X`, no precision is the
/// shortest text that reads back as the same number.
#[must_use]
pub fn format(value: f64, verb: u8, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let mut out = String::new();
    if value.is_sign_negative() {
        out.push('-');
    }
    let magnitude = value.abs();
    match verb {
        b'b' => binary(&mut out, magnitude),
        b'x' | b'X' => hexadecimal(&mut out, magnitude, verb == b'X', precision),
        b'e' | b'E' => {
            let digits = Digits::rounded(magnitude, precision.map(|p| p + 1));
            let precision = precision.unwrap_or(digits.text.len().max(1) - 1);
            digits.exponential(&mut out, precision, verb);
        }
        b'f' => match precision {
            None => {
                let digits = Digits::rounded(magnitude, None);
                let fraction = isize::try_from(digits.text.len()).unwrap_or(isize::MAX) - digits.point;
                digits.fixed(&mut out, usize::try_from(fraction).unwrap_or(0));
            }
            Some(precision) => {
                // Beyond 1074 digits a float64 has only zeros, and the standard formatter has a limit.
                let exact = precision.min(1100);
                out.push_str(&format!("{magnitude:.exact$}"));
                out.extend(std::iter::repeat_n('0', precision - exact));
            }
        },
        _ => general(&mut out, magnitude, verb, precision),
    }
    out
}

fn general(out: &mut String, magnitude: f64, verb: u8, precision: Option<usize>) {
    let digits = Digits::rounded(magnitude, precision.map(|p| p.max(1)));
    let count = digits.text.len();
    let precision_given = precision.map(|p| p.max(1));
    let signed = |n: usize| isize::try_from(n).unwrap_or(isize::MAX);
    let threshold = match precision_given {
        None => 6,
        Some(p) if p > count && signed(count) >= digits.point => signed(count),
        Some(p) => signed(p),
    };
    let precision = precision_given.unwrap_or(count);
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= threshold {
        digits.exponential(out, precision.min(count).max(1) - 1, verb - (b'g' - b'e'));
    } else {
        let precision = if signed(precision) > digits.point { count } else { precision };
        digits.fixed(out, usize::try_from(signed(precision) - digits.point).unwrap_or(0));
    }
}

/// The significant decimal digits of a number, without trailing zeros, and where its point stands.
struct Digits {
    text: Vec<u8>,
    point: isize,
}

impl Digits {
    /// The digits rounded to `count` of them, or the shortest that identify the number.
    fn rounded(magnitude: f64, count: Option<usize>) -> Self {
        if magnitude == 0.0 {
            return Self { text: Vec::new(), point: 0 };
        }
        let scientific = match count {
            None => format!("{magnitude:e}"),
            // A float64 has at most 767 significant digits, and the standard formatter has a limit.
            Some(count) => format!("{magnitude:.*e}", count.clamp(1, 800) - 1),
        };
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let mut text: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while text.last() == Some(&b'0') {
            text.pop();
        }
        Self { text, point: exponent.parse::<isize>().unwrap_or(0) + 1 }
    }

    fn digit(&self, index: isize) -> char {
        usize::try_from(index).ok().and_then(|i| self.text.get(i)).map_or('0', |&d| char::from(d))
    }

    fn exponential(&self, out: &mut String, precision: usize, verb: u8) {
        out.push(self.digit(0));
        if precision > 0 {
            out.push('.');
            out.extend((1..=precision).map(|i| self.digit(i.cast_signed())));
        }
        out.push(char::from(verb));
        let exponent = if self.text.is_empty() { 0 } else { self.point - 1 };
        out.push(if exponent < 0 { '-' } else { '+' });
        out.push_str(&format!("{:02}", exponent.abs()));
    }

    fn fixed(&self, out: &mut String, precision: usize) {
        if self.point > 0 {
            out.extend((0..self.point).map(|i| self.digit(i)));
        } else {
            out.push('0');
        }
        if precision > 0 {
            out.push('.');
            out.extend((0..precision.cast_signed()).map(|i| self.digit(self.point + i)));
        }
    }
}

/// Mantissa and exponent with `magnitude = mantissa * 2^(exponent - 52)`.
fn parts(magnitude: f64) -> (u64, i32) {
    let bits = magnitude.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match i32::try_from(bits >> 52 & 0x7ff).unwrap_or(0) {
        0 => (mantissa, -1022),
        exponent => (mantissa | 1 << 52, exponent - 1023),
    }
}

fn binary(out: &mut String, magnitude: f64) {
    let (mantissa, exponent) = parts(magnitude);
    out.push_str(&format!("{mantissa}p{:+}", exponent - 52));
}

fn hexadecimal(out: &mut String, magnitude: f64, upper: bool, precision: Option<usize>) {
    let (mut mantissa, mut exponent) = parts(magnitude);
    if mantissa == 0 {
        exponent = 0;
    } else {
        mantissa <<= 8;
        let shift = mantissa.leading_zeros().saturating_sub(3);
        mantissa <<= shift;
        exponent -= shift.cast_signed();
    }
    if let Some(precision) = precision.filter(|&p| p < 15) {
        let shift = precision * 4;
        let extra = (mantissa << shift) & ((1 << 60) - 1);
        mantissa >>= 60 - shift;
        if extra | (mantissa & 1) > 1 << 59 {
            mantissa += 1;
        }
        mantissa <<= 60 - shift;
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut text = format!("0x{}", mantissa >> 60 & 1);
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => {
            let fraction = fraction.trim_end_matches('0');
            if !fraction.is_empty() {
                text.push('.');
                text.push_str(fraction);
            }
        }
        Some(0) => {}
        Some(precision) => {
            text.push('.');
            text.extend(fraction.chars().chain(std::iter::repeat('0')).take(precision));
        }
    }
    text.push('p');
    text.push(if exponent < 0 { '-' } else { '+' });
    text.push_str(&format!("{:02}", exponent.abs()));
    out.push_str(&if upper { text.to_uppercase() } else { text });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn general_text() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e6, "1e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e21, "1e+21"),
            (12_345_678_901_234_567_890.0, "1.2345678901234567e+19"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(float_g(value), text);
        }
    }

    #[test]
    fn other_verbs() {
        assert_eq!(format(2.75, b'e', Some(1)), "2.8e+00");
        assert_eq!(format(1e6, b'f', Some(0)), "1000000");
        assert_eq!(format(100.0, b'g', Some(3)), "100");
        assert_eq!(format(100.0, b'g', Some(2)), "1e+02");
        assert_eq!(format(1.0, b'x', None), "0x1p+00");
        assert_eq!(format(3.5, b'X', Some(2)), "0X1.C0P+01");
        assert_eq!(format(1.0, b'b', None), "4503599627370496p-52");
        assert_eq!(format(0.1, b'f', None), "0.1");
    }
}
