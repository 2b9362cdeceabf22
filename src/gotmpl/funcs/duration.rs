//! Durations in nanoseconds (Go `time.Duration`): reading, writing and rounding them.

/// Why text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    #[error("time: invalid duration {0}")]
    Invalid(String),
    #[error("time: missing unit in duration {0}")]
    MissingUnit(String),
    #[error("time: unknown unit {0} in duration {1}")]
    UnknownUnit(String, String),
}

const UNITS: &[(&[u8], u64)] = &[
    (b"ns", 1),
    (b"us", 1_000),
    ("\u{b5}s".as_bytes(), 1_000),
    ("\u{3bc}s".as_bytes(), 1_000),
    (b"ms", 1_000_000),
    (b"s", 1_000_000_000),
    (b"m", 60_000_000_000),
    (b"h", 3_600_000_000_000),
];

const LIMIT: u64 = 1 << 63;

/// `time.ParseDuration`.
pub(super) fn parse(text: &[u8]) -> Result<i64, DurationError> {
    let invalid = || DurationError::Invalid(quote(text));
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = leading_digits(rest);
        let whole = number(whole).ok_or_else(invalid)?;
        let mut had_digits = after.len() != rest.len();
        rest = after;
        let mut fraction = &[][..];
        if let Some(after_point) = rest.strip_prefix(b".") {
            (fraction, rest) = leading_digits(after_point);
            had_digits |= !fraction.is_empty();
        }
        if !had_digits {
            return Err(invalid());
        }
        let length =
            rest.iter().position(|byte| *byte == b'.' || byte.is_ascii_digit()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(length);
        if name.is_empty() {
            return Err(DurationError::MissingUnit(quote(text)));
        }
        let unit = UNITS.iter().find(|(known, _)| *known == name);
        let (_, unit) = unit.ok_or_else(|| DurationError::UnknownUnit(quote(name), quote(text)))?;
        rest = after;
        let value = whole.checked_mul(*unit).filter(|value| *value <= LIMIT).ok_or_else(invalid)?;
        let (numerator, scale) = leading_fraction(fraction);
        let extra = (numerator as f64 * (*unit as f64 / scale)) as u64;
        let sum = value.checked_add(extra).and_then(|value| total.checked_add(value));
        total = sum.filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
    }
    match i64::try_from(total) {
        Ok(total) => Ok(if negative { -total } else { total }),
        Err(_) if negative => Ok(i64::MIN),
        Err(_) => Err(invalid()),
    }
}

fn leading_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// The value of digits up to 2^63.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')).filter(|sum| *sum <= LIMIT)
    })
}

/// A fraction as numerator and denominator; digits beyond an `int64` are dropped.
fn leading_fraction(digits: &[u8]) -> (u64, f64) {
    let (mut numerator, mut scale) = (0_u64, 1.0);
    for digit in digits {
        let next = numerator * 10 + u64::from(digit - b'0');
        if numerator > (LIMIT - 1) / 10 || next > LIMIT {
            break;
        }
        numerator = next;
        scale *= 10.0;
    }
    (numerator, scale)
}

/// The quoting of the `time` package: everything but printable ASCII as bytes.
pub(super) fn quote(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(*byte)]),
            b' '..=0x7f => out.push(char::from(*byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

/// `Duration.String`: hours, minutes and seconds, or a smaller unit below a second.
pub(super) fn format(duration: i64) -> String {
    let magnitude = duration.unsigned_abs();
    let sign = if duration < 0 { "-" } else { "" };
    let text = match magnitude {
        0 => "0s".to_owned(),
        1..1_000 => format!("{magnitude}ns"),
        1_000..1_000_000 => format!("{}\u{b5}s", decimal(magnitude, 1_000, 3)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(magnitude, 1_000_000, 6)),
        _ => {
            let seconds = magnitude / 1_000_000_000;
            let rest = decimal(magnitude % 60_000_000_000, 1_000_000_000, 9);
            match (seconds / 3600, seconds / 60 % 60) {
                (0, 0) => format!("{rest}s"),
                (0, minutes) => format!("{minutes}m{rest}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{rest}s"),
            }
        }
    };
    format!("{sign}{text}")
}

/// `value / unit` without trailing zeros.
fn decimal(value: u64, unit: u64, digits: usize) -> String {
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `Duration.Round`: the nearest multiple, halves away from zero.
pub(super) fn round(duration: i64, multiple: i64) -> i64 {
    if multiple <= 0 {
        return duration;
    }
    let (wide, multiple) = (i128::from(duration), i128::from(multiple));
    let rest = (wide % multiple).abs();
    let away = if rest + rest < multiple { -rest } else { multiple - rest };
    let rounded = if wide < 0 { wide - away } else { wide + away };
    i64::try_from(rounded).unwrap_or(if duration < 0 { i64::MIN } else { i64::MAX })
}
