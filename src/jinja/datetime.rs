//! Dates and times of Python's `datetime` module.

use jiff::fmt::strtime::BrokenDownTime;
use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Zoned};

use super::error::Error;
use super::value::{Timestamp, Value};

/// `datetime.datetime.now()` or `utcnow()`.
#[must_use]
pub fn now(utc: bool) -> Timestamp {
    let now = Zoned::now();
    let now = if utc { now.with_time_zone(jiff::tz::TimeZone::UTC) } else { now };
    Timestamp { civil: truncate(now.datetime()), offset: None }
}

/// A time without what is finer than a microsecond.
fn truncate(time: DateTime) -> DateTime {
    let micros = time.subsec_nanosecond() / 1000 * 1000;
    time.with().subsec_nanosecond(micros).build().unwrap_or(time)
}

/// Microseconds since 1970 as if the wall time were UTC, less the offset.
#[must_use]
pub fn micros(time: &Timestamp) -> i64 {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let since = time.civil.duration_since(epoch).as_micros();
    i64::try_from(since).unwrap_or(0) - i64::from(time.offset.unwrap_or(0)) * 1_000_000
}

/// The order of two times; none if only one of them has an offset.
#[must_use]
pub fn compare(left: &Timestamp, right: &Timestamp) -> Option<Ordering> {
    (left.offset.is_some() == right.offset.is_some()).then(|| micros(left).cmp(&micros(right)))
}

/// A date or time moved by microseconds.
///
/// # Errors
/// The result is out of range.
pub fn shift(value: &Value, micros: i64) -> Result<Value, Error> {
    let overflow = |_| Error::value_error("date value out of range");
    match value {
        Value::DateTime(time) => {
            let civil = time.civil.checked_add(SignedDuration::from_micros(micros)).map_err(overflow)?;
            Ok(Value::DateTime(Timestamp { civil, offset: time.offset }))
        }
        Value::Date(date) => {
            let days = micros.div_euclid(86_400_000_000);
            let date: Date = date.checked_add(SignedDuration::from_hours(days * 24)).map_err(overflow)?;
            Ok(Value::Date(date))
        }
        other => Err(Error::type_error(format!("cannot move a '{}' in time", other.type_name()))),
    }
}

/// The timedelta between two dates or two times.
///
/// # Errors
/// Only one of two times has an offset.
pub fn difference(left: &Value, right: &Value) -> Result<Value, Error> {
    match (left, right) {
        (Value::DateTime(a), Value::DateTime(b)) if a.offset.is_some() == b.offset.is_some() => {
            Ok(Value::TimeDelta(micros(a) - micros(b)))
        }
        (Value::Date(a), Value::Date(b)) => {
            Ok(Value::TimeDelta(i64::try_from(a.duration_since(*b).as_micros()).unwrap_or(0)))
        }
        _ => Err(Error::type_error("can't subtract offset-naive and offset-aware datetimes")),
    }
}

/// `strftime` of a time.
///
/// # Errors
/// The format is not valid.
pub fn strftime(time: &Timestamp, format: &str) -> Result<String, Error> {
    let zone = time
        .offset
        .and_then(|seconds| jiff::tz::Offset::from_seconds(seconds).ok())
        .map_or_else(jiff::tz::TimeZone::system, jiff::tz::TimeZone::fixed);
    let zoned = time.civil.to_zoned(zone).map_err(|error| Error::value_error(error.to_string()))?;
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let (conversion, after) = Conversion::read(&rest[at + 1..]);
        let written = match conversion {
            Some(conversion) => conversion.write(time, &zoned)?,
            None => None,
        };
        // What is no conversion stays as it is.
        out.push_str(written.as_deref().unwrap_or(&rest[at..rest.len() - after.len()]));
        if out.len() > MAX_TEXT {
            return Err(Error::value_error("the formatted time would be too large"));
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The longest text that a format of a time may give, in bytes.
const MAX_TEXT: usize = 1 << 20;

/// The conversions of numbers; the C library fills these with zeros, what else there is with spaces.
const NUMBERS: &str = "CdeGgHIjklmMsSuUVwWyYz";
/// The conversions of text that jiff and the C library write alike.
const TEXTS: &str = "aAbBhDFpPRTZ";
/// What the C library makes of others, in jiff's terms.
const COMPOSED: &[(char, &str)] = &[
    ('c', "%a %b %e %H:%M:%S %Y"),
    ('r', "%I:%M:%S %p"),
    ('x', "%m/%d/%y"),
    ('X', "%H:%M:%S"),
    ('n', "\n"),
    ('t', "\t"),
    ('%', "%%"),
];

/// A conversion of a format: `%`, flags, a width, a modifier that changes nothing, a letter.
struct Conversion<'a> {
    flags: &'a str,
    width: &'a str,
    letter: char,
}

impl<'a> Conversion<'a> {
    /// The conversion that begins after a `%`, and what follows it.
    fn read(text: &'a str) -> (Option<Self>, &'a str) {
        let rest = text.trim_start_matches(['_', '-', '0', '^', '#', '+']);
        let flags = &text[..text.len() - rest.len()];
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let width = &rest[..rest.len() - after.len()];
        let after = after.strip_prefix(['E', 'O']).unwrap_or(after);
        let mut chars = after.chars();
        let conversion = chars.next().map(|letter| Conversion { flags, width, letter });
        (conversion, chars.as_str())
    }

    /// The text of the conversion; none if there is no such one.
    fn write(&self, time: &Timestamp, zoned: &Zoned) -> Result<Option<String>, Error> {
        let Conversion { flags, width, letter } = *self;
        let format = |format: &str| {
            jiff::fmt::strtime::format(format, zoned).map_err(|error| Error::value_error(error.to_string()))
        };
        // Python writes these itself, and only where nothing stands between.
        if letter == 'f' && flags.is_empty() && width.is_empty() {
            return Ok(Some(format!("{:06}", time.civil.subsec_nanosecond() / 1000)));
        }
        if matches!(letter, 'z' | 'Z') && time.offset.is_none() {
            return Ok(Some(String::new()));
        }
        let width: usize = width.parse().unwrap_or(if width.is_empty() { 0 } else { usize::MAX });
        if width > MAX_TEXT {
            return Err(Error::value_error("the formatted time would be too large"));
        }
        let composed = COMPOSED.iter().find(|(known, _)| *known == letter).map(|(_, format)| *format);
        let body = match composed {
            Some(composed) => format(composed)?,
            None if NUMBERS.contains(letter) || TEXTS.contains(letter) => {
                format(&format!("%{}{letter}", flags.replace('+', "")))?
            }
            None => return Ok(None),
        };
        let missing = width.saturating_sub(body.chars().count());
        let fill = match flags.rfind(['_', '-', '0', '+']).map(|at| flags.as_bytes()[at]) {
            Some(b'-') => "",
            Some(b'_') => " ",
            Some(_) => "0",
            None if NUMBERS.contains(letter) && !matches!(letter, 'e' | 'k' | 'l') => "0",
            None => " ",
        };
        Ok(Some(fill.repeat(missing) + &body))
    }
}

/// Microseconds since 1970 of a naive time, read as local time.
///
/// # Errors
/// The time is out of range.
pub fn local_micros(time: &Timestamp) -> Result<i64, Error> {
    let zoned = time
        .civil
        .to_zoned(jiff::tz::TimeZone::system())
        .map_err(|error| Error::value_error(error.to_string()))?;
    Ok(zoned.timestamp().as_microsecond())
}

/// A moment from microseconds since 1970, in the time zone of an offset, or else in that of the system.
///
/// # Errors
/// The time is out of range.
pub fn from_micros(micros: i64, offset: Option<i32>) -> Result<Timestamp, Error> {
    let out_of_range = || {
        let year = year_of(micros.div_euclid(86_400_000_000));
        Error::value_error(format!("year {year} is out of range"))
    };
    let timestamp = jiff::Timestamp::from_microsecond(micros).map_err(|_| out_of_range())?;
    let zone = match offset.map(jiff::tz::Offset::from_seconds) {
        Some(offset) => jiff::tz::TimeZone::fixed(offset.map_err(|_| out_of_range())?),
        None => jiff::tz::TimeZone::system(),
    };
    let zoned = timestamp.to_zoned(zone);
    match zoned.year() {
        1..=9999 => Ok(Timestamp { civil: zoned.datetime(), offset: Some(zoned.offset().seconds()) }),
        _ => Err(out_of_range()),
    }
}

/// The year of a day, counted from 1970 on, in the calendar that has no end.
fn year_of(day: i64) -> i64 {
    // Every four hundred years have the same days.
    let (cycles, rest) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let within = jiff::civil::date(1970, 1, 1).saturating_add(SignedDuration::from_hours(rest * 24));
    i64::from(within.year()) + cycles * 400
}

/// Microseconds since 1970 of a number of seconds, as Python reads one.
///
/// # Errors
/// It is no number, or out of range.
pub fn from_epoch_value(value: &Value) -> Result<i64, Error> {
    let too_large = || Error::exception("timestamp out of range for platform time_t");
    let far = || Error::exception("[Errno 75] Value too large for defined data type");
    let whole = match value {
        Value::Float(number) if number.is_nan() => {
            return Err(Error::value_error("Invalid value NaN (not a number)"));
        }
        Value::Float(number) if number.abs() >= 2.0_f64.powi(63) => return Err(too_large()),
        Value::Float(number) => {
            let micros = (number.fract() * 1e6).round_ties_even() as i64;
            return (number.trunc() as i64)
                .checked_mul(1_000_000)
                .and_then(|whole| whole.checked_add(micros))
                .ok_or_else(far);
        }
        Value::BigInt(_) => return Err(too_large()),
        other => other.as_int().ok_or_else(|| {
            Error::type_error(format!("'{}' object cannot be interpreted as an integer", other.tp_name()))
        })?,
    };
    whole.checked_mul(1_000_000).ok_or_else(far)
}

/// A time from seconds since 1970, as wall time here or in UTC.
///
/// # Errors
/// The time is out of range.
pub fn from_epoch(seconds: f64, utc: bool) -> Result<Timestamp, Error> {
    let timestamp = jiff::Timestamp::from_microsecond((seconds * 1e6) as i64);
    let timestamp = timestamp.map_err(|error| Error::value_error(error.to_string()))?;
    let zone = if utc { jiff::tz::TimeZone::UTC } else { jiff::tz::TimeZone::system() };
    Ok(Timestamp { civil: timestamp.to_zoned(zone).datetime(), offset: None })
}

/// `datetime.strptime`.
///
/// # Errors
/// The text does not fit the format.
pub fn strptime(text: &str, format: &str) -> Result<Timestamp, Error> {
    let mismatch = || {
        let (text, format) = (super::repr::quote(text), super::repr::quote(format));
        Error::value_error(format!("time data {text} does not match format {format}"))
    };
    let (parsed, end) = BrokenDownTime::parse_prefix(format, text).map_err(|_| mismatch())?;
    if let Some(rest) = text.get(end..).filter(|rest| !rest.is_empty()) {
        return Err(Error::value_error(format!("unconverted data remains: {rest}")));
    }
    let date = parsed.to_date().or_else(|_| {
        let (year, month) = (parsed.year().unwrap_or(1900), parsed.month().unwrap_or(1));
        jiff::civil::Date::new(year, month, parsed.day().unwrap_or(1))
    });
    let date = date.map_err(|_| Error::value_error("day is out of range for month"))?;
    let time = parsed.to_time().unwrap_or_else(|_| jiff::civil::Time::midnight());
    Ok(Timestamp { civil: date.to_datetime(time), offset: parsed.offset().map(jiff::tz::Offset::seconds) })
}
