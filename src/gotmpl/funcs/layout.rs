//! Go's reference layouts (`time/format.go`): `2006-01-02 15:04:05` and the like, to write a time and to read
//! one.

use std::rc::Rc;

use super::duration::quote;
use super::time::{Civil, Time, Zone, days_before, days_in, is_leap};

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    SpaceDay,
    ZeroDay,
    SpaceYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    ZoneName,
    Offset(Offset),
    /// Digits after the separator; with `trim` without trailing zeros.
    Fraction {
        separator: u8,
        digits: usize,
        trim: bool,
    },
}

/// How a numeric zone is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Offset {
    /// `Z` stands for UTC.
    iso: bool,
    colons: bool,
    minutes: bool,
    seconds: bool,
}

/// Numeric zones behind their `Z` or `-`, longer ones first.
const OFFSETS: &[(&str, bool, bool, bool)] = &[
    ("070000", false, true, true),
    ("07:00:00", true, true, true),
    ("0700", false, true, false),
    ("07:00", true, true, false),
    ("07", false, false, false),
];

/// Elements that are fixed texts, by their first byte; one that begins another stands after it.
const TEXTS: &[(&str, Element)] = &[
    ("January", Element::LongMonth),
    ("Monday", Element::LongWeekday),
    ("MST", Element::ZoneName),
    ("01", Element::ZeroMonth),
    ("02", Element::ZeroDay),
    ("03", Element::ZeroHour12),
    ("04", Element::ZeroMinute),
    ("05", Element::ZeroSecond),
    ("06", Element::Year),
    ("002", Element::ZeroYearDay),
    ("15", Element::Hour),
    ("1", Element::NumMonth),
    ("2006", Element::LongYear),
    ("2", Element::Day),
    ("__2", Element::SpaceYearDay),
    ("_2", Element::SpaceDay),
    ("3", Element::Hour12),
    ("4", Element::Minute),
    ("5", Element::Second),
    ("PM", Element::UpperPm),
    ("pm", Element::LowerPm),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// The English name of a month, 1 to 12.
pub(super) fn month_name(month: i64) -> &'static str {
    MONTHS[(month.clamp(1, 12) - 1) as usize]
}

/// The English name of a day, Sunday being 0.
pub(super) fn weekday_name(day: i64) -> &'static str {
    WEEKDAYS[day.clamp(0, 6) as usize]
}

/// The text before the first element of a layout, the element with its length, if there is one.
fn next_element(layout: &[u8]) -> (usize, Option<(Element, usize)>) {
    for at in 0..layout.len() {
        let rest = &layout[at..];
        if rest.starts_with(b"_2006") {
            return (at + 1, Some((Element::LongYear, 4)));
        }
        if let Some(found) = element_at(layout, at) {
            return (at, Some(found));
        }
    }
    (layout.len(), None)
}

fn element_at(layout: &[u8], at: usize) -> Option<(Element, usize)> {
    let rest = &layout[at..];
    match rest[0] {
        b'Z' | b'-' => {
            let (text, colons, minutes, seconds) =
                OFFSETS.iter().find(|(text, ..)| rest[1..].starts_with(text.as_bytes()))?;
            let iso = rest[0] == b'Z';
            let offset = Offset { iso, colons: *colons, minutes: *minutes, seconds: *seconds };
            return Some((Element::Offset(offset), text.len() + 1));
        }
        b'.' | b',' => return fraction_at(rest),
        _ => {}
    }
    if let Some((text, element)) = TEXTS.iter().find(|(text, _)| rest.starts_with(text.as_bytes())) {
        return Some((*element, text.len()));
    }
    let short = [(&b"Jan"[..], Element::Month), (b"Mon", Element::Weekday)];
    let (_, element) = short.into_iter().find(|(text, _)| rest.starts_with(text))?;
    // `Januar` and `Month` are no elements.
    (!rest.get(3).is_some_and(u8::is_ascii_lowercase)).then_some((element, 3))
}

/// `.000`, `,999` and the like, not followed by another digit.
fn fraction_at(rest: &[u8]) -> Option<(Element, usize)> {
    let digit = *rest.get(1).filter(|byte| matches!(byte, b'0' | b'9'))?;
    let digits = rest[1..].iter().take_while(|byte| **byte == digit).count();
    if rest.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Element::Fraction { separator: rest[0], digits, trim: digit == b'9' }, 1 + digits))
}

/// Appends a number with zeros up to a width, the sign not counted.
fn push_int(out: &mut Vec<u8>, number: i64, width: usize) {
    let sign = if number < 0 { "-" } else { "" };
    out.extend_from_slice(format!("{sign}{:0width$}", number.unsigned_abs()).as_bytes());
}

/// `Time.Format`.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let (name, offset, _) = time.offset();
    let civil = time.civil();
    let mut out = Vec::with_capacity(layout.len() + 8);
    let mut rest = layout;
    loop {
        let (prefix, element) = next_element(rest);
        out.extend_from_slice(&rest[..prefix]);
        let Some((element, length)) = element else { return out };
        rest = &rest[prefix + length..];
        match element {
            Element::ZoneName if name.is_empty() => {
                push_offset(
                    &mut out,
                    offset,
                    Offset { iso: false, colons: false, minutes: true, seconds: false },
                );
            }
            Element::ZoneName => out.extend_from_slice(name.as_bytes()),
            Element::Offset(style) => push_offset(&mut out, offset, style),
            Element::Fraction { separator, digits, trim } => {
                push_fraction(&mut out, time.nanos, separator, digits, trim);
            }
            _ => push_field(&mut out, civil, element),
        }
    }
}

fn push_field(out: &mut Vec<u8>, civil: Civil, element: Element) {
    let hour12 = if civil.hour % 12 == 0 { 12 } else { civil.hour % 12 };
    let is_pm = civil.hour >= 12;
    let (number, width, spaces) = match element {
        Element::LongMonth => return out.extend_from_slice(month_name(civil.month).as_bytes()),
        Element::Month => return out.extend_from_slice(&month_name(civil.month).as_bytes()[..3]),
        Element::LongWeekday => return out.extend_from_slice(weekday_name(civil.weekday()).as_bytes()),
        Element::Weekday => return out.extend_from_slice(&weekday_name(civil.weekday()).as_bytes()[..3]),
        Element::UpperPm => return out.extend_from_slice(if is_pm { b"PM" } else { b"AM" }),
        Element::LowerPm => return out.extend_from_slice(if is_pm { b"pm" } else { b"am" }),
        Element::NumMonth => (civil.month, 0, 0),
        Element::ZeroMonth => (civil.month, 2, 0),
        Element::Day => (civil.day, 0, 0),
        Element::SpaceDay => (civil.day, 0, 2),
        Element::ZeroDay => (civil.day, 2, 0),
        Element::SpaceYearDay => (civil.year_day(), 0, 3),
        Element::ZeroYearDay => (civil.year_day(), 3, 0),
        Element::Hour => (civil.hour, 2, 0),
        Element::Hour12 => (hour12, 0, 0),
        Element::ZeroHour12 => (hour12, 2, 0),
        Element::Minute => (civil.minute, 0, 0),
        Element::ZeroMinute => (civil.minute, 2, 0),
        Element::Second => (civil.second, 0, 0),
        Element::ZeroSecond => (civil.second, 2, 0),
        Element::LongYear => (civil.year, 4, 0),
        Element::Year => (civil.year.abs() % 100, 2, 0),
        Element::ZoneName | Element::Offset(_) | Element::Fraction { .. } => return,
    };
    let digits = number.to_string().len();
    out.resize(out.len() + usize::saturating_sub(spaces, digits), b' ');
    push_int(out, number, width);
}

fn push_offset(out: &mut Vec<u8>, offset: i64, style: Offset) {
    if style.iso && offset == 0 {
        out.push(b'Z');
        return;
    }
    let minutes = offset / 60;
    out.push(if minutes < 0 { b'-' } else { b'+' });
    push_int(out, minutes.abs() / 60, 2);
    if style.minutes {
        if style.colons {
            out.push(b':');
        }
        push_int(out, minutes.abs() % 60, 2);
    }
    if style.seconds {
        if style.colons {
            out.push(b':');
        }
        push_int(out, offset.abs() % 60, 2);
    }
}

fn push_fraction(out: &mut Vec<u8>, nanos: u32, separator: u8, digits: usize, trim: bool) {
    if trim && nanos == 0 {
        return;
    }
    let mut text = format!("{nanos:09}");
    text.truncate(digits.min(9));
    if trim {
        text.truncate(text.trim_end_matches('0').len());
        if text.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend_from_slice(text.as_bytes());
}

/// Why text is no time in a layout (`time.ParseError`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parsing time {value}{problem}")]
pub(super) struct ParseError {
    value: String,
    problem: String,
}

/// Why one element does not match.
enum Mismatch {
    /// The text is not of its form.
    Form,
    /// A number is out of range; what kind of number.
    Range(&'static str),
}

/// What has been read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanos: u32,
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone_name: Option<String>,
}

/// `time.ParseInLocation(layout, value, time.Local)`.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Result<Time, ParseError> {
    let problem = |problem: String| ParseError { value: quote(value), problem };
    let unlike = |rest: &[u8], element: &[u8]| {
        problem(format!(" as {}: cannot parse {} as {}", quote(layout), quote(rest), quote(element)))
    };
    let mut fields = Fields::default();
    let (mut pattern, mut rest) = (layout, value);
    loop {
        let (prefix, element) = next_element(pattern);
        let text = &pattern[..prefix];
        rest = skip(rest, text).map_err(|rest| unlike(rest, text))?;
        let Some((element, length)) = element else { break };
        let written = &pattern[prefix..prefix + length];
        pattern = &pattern[prefix + length..];
        match fields.read(element, rest, pattern) {
            Ok(after) => rest = after,
            Err(Mismatch::Form) => return Err(unlike(rest, written)),
            Err(Mismatch::Range(what)) => return Err(problem(format!(": {what} out of range"))),
        }
    }
    if !rest.is_empty() {
        return Err(problem(format!(": extra text: {}", quote(rest))));
    }
    fields.finish().map_err(|message| problem(format!(": {message}")))
}

fn trim_spaces(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

/// Skips literal text; spaces match any number of spaces, also none at the end. Fails with what is left.
fn skip<'a>(mut value: &'a [u8], mut text: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let Some(wanted) = text.first() {
        if *wanted == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            (text, value) = (trim_spaces(text), trim_spaces(value));
            continue;
        }
        if value.first() != Some(wanted) {
            return Err(value);
        }
        (text, value) = (&text[1..], &value[1..]);
    }
    Ok(value)
}

type Read<'a, T> = Result<(T, &'a [u8]), Mismatch>;

/// One or two digits, or exactly two.
fn two_digits(value: &[u8], exact: bool) -> Read<'_, i64> {
    let digit = |index: usize| {
        value.get(index).filter(|byte| byte.is_ascii_digit()).map(|byte| i64::from(byte - b'0'))
    };
    match (digit(0), digit(1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &value[2..])),
        (Some(ones), None) if !exact => Ok((ones, &value[1..])),
        _ => Err(Mismatch::Form),
    }
}

fn in_range(number: i64, high: i64, what: &'static str) -> Result<i64, Mismatch> {
    if (0..=high).contains(&number) { Ok(number) } else { Err(Mismatch::Range(what)) }
}

/// The index of the first name that the text begins with, in any case.
fn named<'a>(value: &'a [u8], names: &[&str], length: Option<usize>) -> Read<'a, i64> {
    for (index, name) in names.iter().enumerate() {
        let name = &name.as_bytes()[..length.unwrap_or(name.len())];
        if value.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name)) {
            return Ok((index as i64, &value[name.len()..]));
        }
    }
    Err(Mismatch::Form)
}

impl Fields {
    /// Reads one element; `after` is the layout behind it.
    fn read<'a>(&mut self, element: Element, value: &'a [u8], after: &[u8]) -> Result<&'a [u8], Mismatch> {
        match element {
            Element::Year | Element::LongYear => self.read_year(element, value),
            Element::Month | Element::LongMonth => {
                let (index, rest) = named(value, &MONTHS, (element == Element::Month).then_some(3))?;
                self.month = Some(index + 1);
                Ok(rest)
            }
            Element::NumMonth | Element::ZeroMonth => {
                let (month, rest) = two_digits(value, element == Element::ZeroMonth)?;
                if !(1..=12).contains(&month) {
                    return Err(Mismatch::Range("month"));
                }
                self.month = Some(month);
                Ok(rest)
            }
            Element::Weekday => Ok(named(value, &WEEKDAYS, Some(3))?.1),
            Element::LongWeekday => Ok(named(value, &WEEKDAYS, None)?.1),
            Element::Day | Element::SpaceDay | Element::ZeroDay => {
                let value = match value {
                    [b' ', rest @ ..] if element == Element::SpaceDay => rest,
                    _ => value,
                };
                let (day, rest) = two_digits(value, element == Element::ZeroDay)?;
                self.day = Some(day);
                Ok(rest)
            }
            Element::SpaceYearDay | Element::ZeroYearDay => self.read_year_day(element, value),
            Element::UpperPm | Element::LowerPm => {
                let (am, pm) = if element == Element::UpperPm { (b"AM", b"PM") } else { (b"am", b"pm") };
                let (head, rest) = value.split_at_checked(2).ok_or(Mismatch::Form)?;
                self.pm = Some(head == pm);
                if head == am || head == pm { Ok(rest) } else { Err(Mismatch::Form) }
            }
            Element::ZoneName => self.read_zone_name(value),
            Element::Offset(style) => self.read_offset(style, value),
            Element::Fraction { digits, trim: false, .. } => self.read_fraction(value, digits + 1),
            Element::Fraction { .. } => match fraction_length(value) {
                0 => Ok(value),
                length => self.read_fraction(value, length),
            },
            _ => self.read_clock(element, value, after),
        }
    }

    fn read_year<'a>(&mut self, element: Element, value: &'a [u8]) -> Result<&'a [u8], Mismatch> {
        let length = if element == Element::Year { 2 } else { 4 };
        let (digits, rest) = value.split_at_checked(length).ok_or(Mismatch::Form)?;
        if element == Element::LongYear && !digits[0].is_ascii_digit() {
            return Err(Mismatch::Form);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Mismatch::Form)?;
        let year: i64 = text.parse().map_err(|_| Mismatch::Form)?;
        self.year = match (element, year) {
            (Element::LongYear, _) => year,
            (_, 69..) => year + 1900,
            _ => year + 2000,
        };
        Ok(rest)
    }

    fn read_year_day<'a>(&mut self, element: Element, value: &'a [u8]) -> Result<&'a [u8], Mismatch> {
        let mut value = value;
        for _ in 0..2 {
            if element == Element::SpaceYearDay {
                value = value.strip_prefix(b" ").unwrap_or(value);
            }
        }
        let digits = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || element == Element::ZeroYearDay && digits != 3 {
            return Err(Mismatch::Form);
        }
        self.year_day = Some(value[..digits].iter().fold(0, |sum, byte| sum * 10 + i64::from(byte - b'0')));
        Ok(&value[digits..])
    }

    fn read_clock<'a>(
        &mut self,
        element: Element,
        value: &'a [u8],
        after: &[u8],
    ) -> Result<&'a [u8], Mismatch> {
        let exact = matches!(element, Element::ZeroHour12 | Element::ZeroMinute | Element::ZeroSecond);
        let (number, rest) = two_digits(value, exact)?;
        match element {
            Element::Hour => self.hour = in_range(number, 23, "hour")?,
            Element::Hour12 | Element::ZeroHour12 => self.hour = in_range(number, 12, "hour")?,
            Element::Minute | Element::ZeroMinute => self.minute = in_range(number, 59, "minute")?,
            _ => {
                self.second = in_range(number, 59, "second")?;
                // A fraction may follow though the layout has none.
                let expected = matches!(next_element(after).1, Some((Element::Fraction { .. }, _)));
                let length = fraction_length(rest);
                if length > 0 && !expected {
                    return self.read_fraction(rest, length);
                }
            }
        }
        Ok(rest)
    }

    /// Reads a separator and digits, `length` bytes in all.
    fn read_fraction<'a>(&mut self, value: &'a [u8], length: usize) -> Result<&'a [u8], Mismatch> {
        let (text, rest) = value.split_at_checked(length).ok_or(Mismatch::Form)?;
        let digits = &text[1..text.len().min(10)];
        if !matches!(text[0], b'.' | b',') {
            return Err(Mismatch::Form);
        }
        let text = std::str::from_utf8(digits).map_err(|_| Mismatch::Form)?;
        let number: i64 = text.parse().map_err(|_| Mismatch::Form)?;
        let number = u32::try_from(number).map_err(|_| Mismatch::Range("fractional second"))?;
        self.nanos = number * 10_u32.pow(9 - digits.len().min(9) as u32);
        Ok(rest)
    }

    fn read_offset<'a>(&mut self, style: Offset, value: &'a [u8]) -> Result<&'a [u8], Mismatch> {
        if style.iso
            && let Some(rest) = value.strip_prefix(b"Z")
        {
            self.utc = true;
            return Ok(rest);
        }
        let gap = usize::from(style.colons);
        let length = 3 + usize::from(style.minutes) * (2 + gap) + usize::from(style.seconds) * (2 + gap);
        let (text, rest) = value.split_at_checked(length).ok_or(Mismatch::Form)?;
        let mut parts = [0; 3];
        let mut well_formed = true;
        for (index, part) in parts.iter_mut().enumerate() {
            let at = 1 + index * (2 + gap);
            if at >= length {
                break;
            }
            if index > 0 && style.colons && text[at - 1] != b':' {
                return Err(Mismatch::Form);
            }
            match two_digits(&text[at..at + 2], true) {
                Ok((number, _)) if well_formed => *part = number,
                _ => well_formed = false,
            }
        }
        let [hours, minutes, seconds] = parts;
        let offset = (hours * 60 + minutes) * 60 + seconds;
        let limits = [
            (seconds, 60, "time zone offset second"),
            (minutes, 60, "time zone offset minute"),
            (hours, 24, "time zone offset hour"),
        ];
        for (number, high, what) in limits {
            in_range(number, high, what)?;
        }
        if !well_formed {
            return Err(Mismatch::Form);
        }
        self.offset = Some(match text[0] {
            b'+' => offset,
            b'-' => -offset,
            _ => return Err(Mismatch::Form),
        });
        Ok(rest)
    }

    fn read_zone_name<'a>(&mut self, value: &'a [u8]) -> Result<&'a [u8], Mismatch> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Ok(rest);
        }
        let length = zone_name_length(value).ok_or(Mismatch::Form)?;
        self.zone_name = Some(String::from_utf8_lossy(&value[..length]).into_owned());
        Ok(&value[length..])
    }

    fn finish(mut self) -> Result<Time, &'static str> {
        match self.pm {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.month_and_day()?;
        if day < 1 || day > days_in(month, self.year) {
            return Err("day out of range");
        }
        let civil =
            Civil { year: self.year, month, day, hour: self.hour, minute: self.minute, second: self.second };
        if self.utc {
            return Ok(Time::from_civil(civil, self.nanos, Zone::Utc));
        }
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            return Ok(self.at_offset(civil, offset));
        }
        match self.zone_name.take() {
            Some(name) => Ok(self.in_named_zone(civil, &name)),
            None => Ok(Time::from_civil(civil, self.nanos, Zone::Local)),
        }
    }

    fn month_and_day(&self) -> Result<(i64, i64), &'static str> {
        let Some(mut year_day) = self.year_day else {
            return Ok((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let mut found = None;
        if is_leap(self.year) {
            if year_day == 60 {
                found = Some((2, 29));
            } else if year_day > 60 {
                year_day -= 1;
            }
        }
        if !(1..=365).contains(&year_day) {
            return Err("day-of-year out of range");
        }
        let (month, day) = found.unwrap_or_else(|| {
            let mut month = (year_day - 1) / 31 + 1;
            if days_before(month + 1) < year_day {
                month += 1;
            }
            (month, year_day - days_before(month))
        });
        if self.month.is_some_and(|given| given != month) {
            return Err("day-of-year does not match month");
        }
        if self.day.is_some_and(|given| given != day) {
            return Err("day-of-year does not match day");
        }
        Ok((month, day))
    }

    /// The local zone when it has this offset then, else a zone of nothing but the offset.
    fn at_offset(&self, civil: Civil, offset: i64) -> Time {
        let seconds = civil.to_seconds() - offset;
        let (name, local, _) = Zone::Local.at(seconds);
        let wanted = self.zone_name.as_deref();
        let zone = if local == offset && wanted.is_none_or(|wanted| wanted == name) {
            Zone::Local
        } else {
            Zone::Fixed(Rc::from(wanted.unwrap_or_default()), offset)
        };
        Time { seconds, nanos: self.nanos, zone }
    }

    /// The local zone when it goes by the name then, else a made-up zone at UTC (or as `GMT+3` says).
    fn in_named_zone(&self, civil: Civil, name: &str) -> Time {
        let seconds = civil.to_seconds();
        let (known, offset, _) = Zone::Local.at(seconds);
        if known == name {
            return Time { seconds: seconds - offset, nanos: self.nanos, zone: Zone::Local };
        }
        let hours: i64 = name.strip_prefix("GMT").and_then(|hours| hours.parse().ok()).unwrap_or(0);
        Time { seconds, nanos: self.nanos, zone: Zone::Fixed(Rc::from(name), hours * 3600) }
    }
}

/// The length of a separator and the digits behind it; 0 when there is no fraction.
fn fraction_length(value: &[u8]) -> usize {
    match value {
        [b'.' | b',', digits @ ..] => match digits.iter().take_while(|byte| byte.is_ascii_digit()).count() {
            0 => 0,
            count => count + 1,
        },
        _ => 0,
    }
}

/// The length of a zone abbreviation (`time.parseTimeZone`).
fn zone_name_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours_length(rest));
    }
    if matches!(value[0], b'+' | b'-') {
        return Some(signed_hours_length(value)).filter(|length| *length > 0);
    }
    match value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count() {
        3 => Some(3),
        4 if value[3] == b'T' || value.starts_with(b"WITA") => Some(4),
        5 if value[4] == b'T' => Some(5),
        _ => None,
    }
}

fn signed_hours_length(value: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = value else { return 0 };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = std::str::from_utf8(&digits[..count]).ok().and_then(|hours| hours.parse::<u64>().ok());
    if hours.is_some_and(|hours| hours <= 23) { 1 + count } else { 0 }
}
