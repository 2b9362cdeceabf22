//! Dates and times as ISO 8601 writes them (`fromisoformat`, `fromisocalendar`), as CPython reads them.

use jiff::civil::{self, Date, ISOWeekDate, Weekday};

use super::date::{TimeFields, date_of};
use crate::jinja::error::Error;
use crate::jinja::repr;
use crate::jinja::value::Timestamp;

/// `date.fromisoformat`.
///
/// # Errors
/// The text is no date.
pub(super) fn date(text: &str) -> Result<Date, Error> {
    let invalid = || invalid(text);
    if !matches!(text.len(), 7 | 8 | 10) {
        return Err(invalid());
    }
    Reader { bytes: text.as_bytes(), at: 0 }.date(text.len()).ok_or_else(invalid)?
}

/// `datetime.fromisoformat`.
///
/// # Errors
/// The text is no date with a time.
pub(super) fn datetime(text: &str) -> Result<Timestamp, Error> {
    let invalid = || invalid(text);
    if text.len() < 7 {
        return Err(invalid());
    }
    let end = date_end(text.as_bytes()).ok_or_else(invalid)?;
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let date = reader.date(end).ok_or_else(invalid)?;
    let (fields, offset) = match text.get(end..) {
        Some("") => (TimeFields { parts: [0; 4] }, None),
        Some(rest) => {
            reader.at = end + rest.chars().next().map_or(0, char::len_utf8);
            reader.time().ok_or_else(invalid)?
        }
        None => return Err(invalid()),
    };
    let offset = checked(offset)?;
    Ok(Timestamp { civil: date?.to_datetime(fields.time()?), offset })
}

/// `time.fromisoformat`: the time, and its offset from UTC in seconds.
///
/// # Errors
/// The text is no time.
pub(super) fn time(text: &str) -> Result<(civil::Time, Option<i32>), Error> {
    let at = usize::from(text.starts_with('T'));
    let read = Reader { bytes: text.as_bytes(), at }.time();
    let (fields, offset) = read.ok_or_else(|| invalid(text))?;
    let offset = checked(offset)?;
    Ok((fields.time()?, offset))
}

/// An offset that is less than a day.
fn checked(offset: Option<i32>) -> Result<Option<i32>, Error> {
    match offset {
        Some(far) if far.abs() >= 86_400 => {
            let delta = repr::timedelta_repr(i64::from(far) * 1_000_000);
            Err(Error::value_error(format!(
                "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {delta}."
            )))
        }
        offset => Ok(offset),
    }
}

fn invalid(text: &str) -> Error {
    Error::value_error(format!("Invalid isoformat string: {}", repr::quote(text)))
}

/// Where the date ends (`_find_isoformat_datetime_separator`).
fn date_end(bytes: &[u8]) -> Option<usize> {
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let len = bytes.len();
    Some(match () {
        () if len == 7 => 7,
        () if is(4, b'-') && is(5, b'W') => match is(8, b'-') {
            true if len == 9 => return None,
            true if !digit(10) => 10,
            _ => 8,
        },
        () if is(4, b'-') => 10,
        () if is(4, b'W') => {
            let end = (7..len).find(|at| !digit(*at)).unwrap_or(len);
            match end {
                end if end < 9 => end,
                end if end.is_multiple_of(2) => 7,
                _ => 8,
            }
        }
        () => 8,
    })
}

/// Reads the parts of a date and of a time.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The byte that comes next; zero at the end.
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn digits(&mut self, count: usize) -> Option<i32> {
        let mut number = 0;
        for _ in 0..count {
            let digit = char::from(self.peek()).to_digit(10)?;
            number = number * 10 + i32::try_from(digit).ok()?;
            self.at += 1;
        }
        Some(number)
    }

    /// Takes a byte, if it comes next.
    fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == byte;
        self.at += usize::from(next);
        next
    }

    /// The date, which takes so many bytes; an error where there is no such day.
    fn date(&mut self, len: usize) -> Option<Result<Date, Error>> {
        let year = self.digits(4)?;
        let separated = self.eat(b'-');
        if self.eat(b'W') {
            let week = self.digits(2)?;
            let mut day = 1;
            if self.at < len {
                if separated && !self.eat(b'-') {
                    return None;
                }
                day = self.digits(1)?;
            }
            return week_date(year, week, day).ok().map(Ok);
        }
        let month = self.digits(2)?;
        if separated && !self.eat(b'-') {
            return None;
        }
        let day = self.digits(2)?;
        Some(date_of(year, month, day))
    }

    /// The time, and its offset from UTC in seconds.
    fn time(&mut self) -> Option<(TimeFields, Option<i32>)> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let zone = rest.iter().position(|byte| matches!(byte, b'+' | b'-' | b'Z')).map(|at| self.at + at);
        let (fields, more) = self.clock(zone.unwrap_or(self.bytes.len()))?;
        let Some(zone) = zone else {
            return (!more).then_some((fields, None));
        };
        self.at = zone + 1;
        let sign = match self.bytes.get(zone) {
            Some(b'Z') => return (self.peek() == 0).then_some((fields, Some(0))),
            Some(b'-') => -1,
            _ => 1,
        };
        let (offset, more) = self.clock(self.bytes.len())?;
        let [hours, minutes, seconds, _] = offset.parts;
        (!more).then_some((fields, Some(sign * (hours * 3600 + minutes * 60 + seconds))))
    }

    /// The parts of a time up to an end, and whether something follows (`parse_hh_mm_ss_ff`).
    fn clock(&mut self, end: usize) -> Option<(TimeFields, bool)> {
        let mut parts = [0; 4];
        let mut separated = true;
        for (i, part) in parts.iter_mut().take(3).enumerate() {
            *part = self.digits(2)?;
            let next = self.peek();
            self.at += 1;
            if i == 0 {
                separated = next == b':';
            }
            match next {
                _ if self.at >= end => return Some((TimeFields { parts }, next != 0)),
                b':' if separated => {}
                b'.' | b',' => break,
                _ if !separated => self.at -= 1,
                _ => return None,
            }
        }
        let digits = (end - self.at).min(6);
        let fraction = self.digits(digits)?;
        parts[3] = fraction * 10_i32.pow(u32::try_from(6 - digits).unwrap_or(0));
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        Some((TimeFields { parts }, self.peek() != 0))
    }
}

/// The day of a week of a year.
///
/// # Errors
/// There is no such one.
pub(super) fn week_date(year: i32, week: i32, day: i32) -> Result<Date, Error> {
    if !(1..=9999).contains(&year) {
        return Err(Error::value_error(format!("Year is out of range: {year}")));
    }
    let first = |week: i32| {
        let (year, week) = (i16::try_from(year).ok()?, i8::try_from(week).ok()?);
        ISOWeekDate::new(year, week, Weekday::Monday).ok()
    };
    let monday = first(week).ok_or_else(|| Error::value_error(format!("Invalid week: {week}")))?;
    if !(1..=7).contains(&day) {
        return Err(Error::value_error(format!("Invalid day: {day} (range is [1, 7])")));
    }
    let days = jiff::SignedDuration::from_hours(i64::from(day - 1) * 24);
    let date = monday.date().saturating_add(days);
    match date > civil::date(9999, 12, 31) || date.year() > 9999 {
        true => Err(Error::value_error(format!("year {} is out of range", date.year()))),
        false => Ok(date),
    }
}
