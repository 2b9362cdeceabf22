//! `!!timestamp` scalars: dates, and times of day with or without an offset.

use jiff::civil::{Date, DateTime, Time};

use super::Value;

/// A timestamp whose fields need not exist in a calendar.
#[derive(Default)]
pub(super) struct Fields {
    year: i16,
    month: i8,
    day: i8,
    /// Both the month and the day have two digits.
    full: bool,
    time: Option<TimeFields>,
}

#[derive(Default)]
struct TimeFields {
    hour: i8,
    minute: i8,
    second: i8,
    microsecond: i32,
    offset: Option<i32>,
}

/// Reads the text that PyYAML's constructor reads.
pub(super) fn parse(text: &str) -> Option<Fields> {
    let mut rest = Digits(text);
    let year = rest.exactly(4)?;
    rest.expect('-')?;
    let (month, month_digits) = rest.up_to_two()?;
    rest.expect('-')?;
    let (day, day_digits) = rest.up_to_two()?;
    let mut fields = Fields {
        year: i16::try_from(year).ok()?,
        month: month as i8,
        day: day as i8,
        full: month_digits + day_digits == 4,
        time: None,
    };
    if !rest.0.is_empty() {
        fields.time = Some(parse_time(rest)?);
    }
    Some(fields)
}

fn parse_time(mut rest: Digits<'_>) -> Option<TimeFields> {
    let trimmed = rest.0.trim_start_matches([' ', '\t']);
    rest.0 = if trimmed.len() < rest.0.len() { trimmed } else { rest.0.strip_prefix(['T', 't'])? };
    let hour = rest.up_to_two()?.0;
    rest.expect(':')?;
    let minute = rest.exactly(2)?;
    rest.expect(':')?;
    let second = rest.exactly(2)?;
    let mut microsecond = 0;
    if rest.expect('.').is_some() {
        let digits = rest.all();
        microsecond = digits.chars().chain("000000".chars()).take(6).collect::<String>().parse().ok()?;
    }
    rest.0 = rest.0.trim_start_matches([' ', '\t']);
    let offset = parse_offset(rest.0)?;
    Some(TimeFields { hour: hour as i8, minute: minute as i8, second: second as i8, microsecond, offset })
}

/// The seconds east of UTC; `Some(None)` when the text is empty.
fn parse_offset(text: &str) -> Option<Option<i32>> {
    let sign = match text.as_bytes().first() {
        None => return Some(None),
        Some(b'Z') => return (text.len() == 1).then_some(Some(0)),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let mut rest = Digits(&text[1..]);
    let hours = rest.up_to_two()?.0;
    let minutes = if rest.expect(':').is_some() { rest.exactly(2)? } else { 0 };
    rest.0.is_empty().then_some(Some(sign * (hours * 3600 + minutes * 60)))
}

impl Fields {
    /// Whether a plain scalar of this text is a timestamp without a tag.
    pub(super) fn is_implicit(&self) -> bool {
        self.full || self.time.is_some()
    }

    /// The date or the time. The error is Python's text.
    pub(super) fn construct(&self) -> Result<Value, &'static str> {
        if self.year == 0 {
            return Err("year 0 is out of range");
        }
        if !(1..=12).contains(&self.month) {
            return Err("month must be in 1..12");
        }
        let date = Date::new(self.year, self.month, self.day).map_err(|_| "day is out of range for month")?;
        let Some(time) = &self.time else { return Ok(Value::Date(date)) };
        if time.hour > 23 {
            return Err("hour must be in 0..23");
        }
        if time.minute > 59 {
            return Err("minute must be in 0..59");
        }
        if time.offset.is_some_and(|seconds| seconds.abs() >= 86_400) {
            return Err(
                "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24).",
            );
        }
        let clock = Time::new(time.hour, time.minute, time.second, time.microsecond * 1000)
            .map_err(|_| "second must be in 0..59")?;
        Ok(Value::DateTime(DateTime::from_parts(date, clock), time.offset))
    }
}

/// Takes numbers off the start of a text.
struct Digits<'a>(&'a str);

impl<'a> Digits<'a> {
    fn all(&mut self) -> &'a str {
        let (digits, rest) = self.0.split_at(self.0.bytes().take_while(u8::is_ascii_digit).count());
        self.0 = rest;
        digits
    }

    fn take(&mut self, count: usize) -> Option<i32> {
        let digits = self.0.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    fn exactly(&mut self, count: usize) -> Option<i32> {
        self.take(count)
    }

    /// One or two digits, and how many they are.
    fn up_to_two(&mut self) -> Option<(i32, usize)> {
        self.take(2).map(|number| (number, 2)).or_else(|| self.take(1).map(|number| (number, 1)))
    }

    fn expect(&mut self, character: char) -> Option<()> {
        self.0 = self.0.strip_prefix(character)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    #[test]
    fn dates_and_times() {
        let read = |text| parse(text).map(|fields| fields.construct());
        assert_eq!(read("2020-01-02"), Some(Ok(Value::Date(date(2020, 1, 2)))));
        assert_eq!(
            read("2001-12-14t21:59:43.10-05:00"),
            Some(Ok(Value::DateTime(datetime(2001, 12, 14, 21, 59, 43, 100_000_000), Some(-18_000))))
        );
        assert_eq!(
            read("2001-1-1  1:59:43."),
            Some(Ok(Value::DateTime(datetime(2001, 1, 1, 1, 59, 43, 0), None)))
        );
        assert_eq!(read("2020-13-02"), Some(Err("month must be in 1..12")));
        assert_eq!(read("2020-01-02x"), None);
        assert!(!parse("2020-1-02").is_some_and(|fields| fields.is_implicit()));
    }
}
