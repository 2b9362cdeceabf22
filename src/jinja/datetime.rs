//! Dates and times of Python's `datetime` module.

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
    jiff::fmt::strtime::format(of_python(format, time), &zoned)
        .map_err(|error| Error::value_error(error.to_string()))
}

/// The conversions that jiff and the C library write alike.
const CONVERSIONS: &str = "%aAbBCdDeFgGhHIjklmMnpPRsStTuUVwWyYzZ";

/// A format of Python and the C library in jiff's terms: what is no conversion stays as it is.
fn of_python(format: &str, time: &Timestamp) -> String {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let conversion = after.trim_start_matches(['_', '-', '0', '^', '#']);
        let conversion = conversion.trim_start_matches(|c: char| c.is_ascii_digit());
        let flags = &after[..after.len() - conversion.len()];
        let conversion = conversion.strip_prefix(['E', 'O']).unwrap_or(conversion);
        let Some(letter) = conversion.chars().next() else { return out + "%%" + after };
        match letter {
            'f' => out.push_str(&format!("{:06}", time.civil.subsec_nanosecond() / 1000)),
            'z' | 'Z' if time.offset.is_none() => {}
            'c' => out.push_str("%a %b %e %H:%M:%S %Y"),
            'r' => out.push_str("%I:%M:%S %p"),
            'x' => out.push_str("%m/%d/%y"),
            'X' => out.push_str("%H:%M:%S"),
            _ if CONVERSIONS.contains(letter) => {
                out.push('%');
                out.push_str(flags);
                out.push(letter);
            }
            _ => {
                out.push_str("%%");
                out.push_str(&after[..after.len() - conversion.len() + letter.len_utf8()]);
            }
        }
        rest = &conversion[letter.len_utf8()..];
    }
    out + rest
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
    let parsed = jiff::fmt::strtime::parse(format, text).map_err(|_| mismatch())?;
    let date = match parsed.to_date() {
        Ok(date) => date,
        Err(_) => jiff::civil::date(1900, 1, 1),
    };
    let time = parsed.to_time().unwrap_or_else(|_| jiff::civil::Time::midnight());
    Ok(Timestamp { civil: date.to_datetime(time), offset: parsed.offset().map(jiff::tz::Offset::seconds) })
}
