//! Methods of datetimes, dates and timedeltas.

use jiff::civil::{self, Date};

use super::clock::{Time, Zone, check_int, in_zone, zone_name};
use super::iso;
use super::record::Record;
use super::signature::{Given, Method, Names, Takes, bad_argument, parsed_int};
use super::str::single;
use crate::jinja::error::{Error, ErrorKind};
use crate::jinja::value::{Timestamp, Value};
use crate::jinja::{datetime, ops, repr};

const fn method<T>(
    name: &'static str,
    takes: Takes,
    run: fn(&T, &Given) -> Result<Value, Error>,
) -> Method<T> {
    Method { name, takes, run }
}

const fn parsed(
    names: &'static [&'static str],
    required: usize,
    check: fn(&Given) -> Result<(), Error>,
) -> Takes {
    Takes::Named(Names { names, required, by_position: names.len(), check: Some(check) })
}

/// What `strftime` takes.
pub(super) const fn strftime_format() -> Takes {
    parsed(&["format"], 1, |given| text_argument(given, 0, "strftime"))
}

/// What `fromisocalendar` takes.
const WEEK: Takes = parsed(&["year", "week", "day"], 3, |given| {
    all_ints(given, &[0, 1, 2]).map_err(|error| match error.kind() {
        ErrorKind::Exception => Error::value_error("ISO calendar component out of range"),
        _ => error,
    })
});

/// The methods of datetimes.
pub(super) const DATETIME: &[Method<Timestamp>] = &[
    method("astimezone", Takes::named(&["tz"]), |time, given| {
        let zone = given.get(0).map_or(Ok(None), Zone::offset)?;
        in_zone(time, zone).map(Value::DateTime)
    }),
    method("combine", parsed(&["date", "time", "tzinfo"], 2, check_combine), |_, given| combine(given)),
    method("ctime", Takes::Nothing, |time, _| ctime(time)),
    method("date", Takes::Nothing, |time, _| Ok(Value::Date(time.civil.date()))),
    method("dst", Takes::Nothing, |_, _| Ok(Value::None)),
    method("fromisocalendar", WEEK, |_, given| from_week(given).map(midnight)),
    method("fromisoformat", Takes::One, |_, given| {
        let text = iso_text(given)?;
        iso::datetime(text).map(Value::DateTime)
    }),
    method("fromordinal", Takes::Tuple(1, 1), |_, given| from_ordinal(given).map(midnight)),
    method("fromtimestamp", Takes::Named(EPOCH), |_, given| {
        let zone = given.get(1).map_or(Ok(None), Zone::offset)?;
        from_timestamp(given.at(0), zone, false).map(Value::DateTime)
    }),
    method("isocalendar", Takes::Nothing, |time, _| Ok(week(time.civil.date()))),
    method("isoformat", parsed(&["sep", "timespec"], 0, check_isoformat), isoformat),
    method("isoweekday", Takes::Nothing, |time, _| Ok(weekday(time.civil.date(), 1))),
    method("now", Takes::named(&["tz"]), |_, given| {
        let now = datetime::now(false);
        match given.get(0).map_or(Ok(None), Zone::offset)? {
            None => Ok(Value::DateTime(now)),
            zone => in_zone(&now, zone).map(Value::DateTime),
        }
    }),
    method("replace", Takes::Named(REPLACE), replace),
    method("strftime", strftime_format(), strftime),
    method("strptime", Takes::Tuple(2, 2), |_, given| strptime(given)),
    method("time", Takes::Nothing, |time, _| Ok(Time::value(time.civil.time(), None))),
    method("timestamp", Takes::Nothing, |time, _| timestamp(time)),
    method("timetuple", Takes::Nothing, |time, _| Ok(time_tuple(time, -1))),
    method("timetz", Takes::Nothing, |time, _| Ok(Time::value(time.civil.time(), time.offset))),
    method("today", Takes::Nothing, |_, _| Ok(Value::DateTime(datetime::now(false)))),
    method("toordinal", Takes::Nothing, |time, _| Ok(ordinal(time.civil.date()))),
    method("tzname", Takes::Nothing, |time, _| Ok(zone_name_of(time.offset))),
    method("utcfromtimestamp", Takes::Tuple(1, 1), |_, given| {
        from_timestamp(given.at(0), None, true).map(Value::DateTime)
    }),
    method("utcnow", Takes::Nothing, |_, _| Ok(Value::DateTime(datetime::now(true)))),
    method("utcoffset", Takes::Nothing, |time, _| Ok(offset(time.offset))),
    method("utctimetuple", Takes::Nothing, |time, _| {
        let utc = match time.offset {
            Some(_) => in_zone(time, Some(0))?,
            None => *time,
        };
        Ok(time_tuple(&utc, 0))
    }),
    method("weekday", Takes::Nothing, |time, _| Ok(weekday(time.civil.date(), 0))),
];

/// The methods of dates.
pub(super) const DATE: &[Method<Date>] = &[
    method("ctime", Takes::Nothing, |date, _| ctime(&at_midnight(*date))),
    method("fromisocalendar", WEEK, |_, given| from_week(given).map(Value::Date)),
    method("fromisoformat", Takes::One, |_, given| {
        let text = iso_text(given)?;
        iso::date(text).map(Value::Date)
    }),
    method("fromordinal", Takes::Tuple(1, 1), |_, given| from_ordinal(given).map(Value::Date)),
    method("fromtimestamp", Takes::One, |_, given| {
        from_timestamp(given.at(0), None, false).map(|time| Value::Date(time.civil.date()))
    }),
    method("isocalendar", Takes::Nothing, |date, _| Ok(week(*date))),
    method("isoformat", Takes::Nothing, |date, _| Ok(date.to_string().into())),
    method("isoweekday", Takes::Nothing, |date, _| Ok(weekday(*date, 1))),
    method(
        "replace",
        parsed(&["year", "month", "day"], 0, |given| all_ints(given, &[0, 1, 2])),
        |date, given| replaced_date(*date, given).map(Value::Date),
    ),
    method("strftime", strftime_format(), |date, given| strftime(&at_midnight(*date), given)),
    method("timetuple", Takes::Nothing, |date, _| Ok(time_tuple(&at_midnight(*date), -1))),
    method("today", Takes::Nothing, |_, _| Ok(Value::Date(datetime::now(false).civil.date()))),
    method("toordinal", Takes::Nothing, |date, _| Ok(ordinal(*date))),
    method("weekday", Takes::Nothing, |date, _| Ok(weekday(*date, 0))),
];

/// The methods of timedeltas.
pub(super) const TIMEDELTA: &[Method<i64>] =
    &[method("total_seconds", Takes::Nothing, |micros, _| seconds(*micros))];

const EPOCH: Names = Names { names: &["timestamp", "tz"], required: 1, by_position: 2, check: None };

const REPLACE: Names = Names {
    names: &["year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo", "fold"],
    required: 0,
    by_position: 8,
    check: Some(|given| all_ints(given, &[0, 1, 2, 3, 4, 5, 6, 8])),
};

/// Refuses arguments in these places that are no integers.
///
/// # Errors
/// The first one.
pub(super) fn all_ints(given: &Given, places: &[usize]) -> Result<(), Error> {
    places.iter().try_for_each(|place| check_int(given, *place))
}

/// Refuses an argument that is no text.
///
/// # Errors
/// It is none.
pub(super) fn text_argument(given: &Given, place: usize, name: &str) -> Result<(), Error> {
    match given.get(place) {
        None | Some(Value::Str(_)) => Ok(()),
        Some(other) => Err(bad_argument(name, &format!("argument {}", place + 1), "str", other)),
    }
}

/// What an argument that is no time zone raises.
pub(super) fn no_zone(value: &Value) -> Error {
    let kind = value.tp_name();
    Error::type_error(format!("tzinfo argument must be None or of a tzinfo subclass, not type '{kind}'"))
}

fn at_midnight(date: Date) -> Timestamp {
    Timestamp { civil: date.at(0, 0, 0, 0), offset: None }
}

fn midnight(date: Date) -> Value {
    Value::DateTime(at_midnight(date))
}

/// The difference from UTC, if there is one.
pub(super) fn offset(seconds: Option<i32>) -> Value {
    seconds.map_or(Value::None, |seconds| Value::TimeDelta(i64::from(seconds) * 1_000_000))
}

/// The name of the time zone, if there is one.
pub(super) fn zone_name_of(offset: Option<i32>) -> Value {
    offset.map_or(Value::None, |offset| zone_name(offset).into())
}

fn ctime(time: &Timestamp) -> Result<Value, Error> {
    datetime::strftime(time, "%c").map(Value::from)
}

/// `strftime(format)`.
///
/// # Errors
/// The time cannot be written so.
pub(super) fn strftime(time: &Timestamp, given: &Given) -> Result<Value, Error> {
    datetime::strftime(time, given.at(0).as_str().unwrap_or_default()).map(Value::from)
}

fn strptime(given: &Given) -> Result<Value, Error> {
    text_argument(given, 0, "strptime")?;
    text_argument(given, 1, "strptime")?;
    let text = |place| given.at(place).as_str().unwrap_or_default();
    datetime::strptime(text(0), text(1)).map(Value::DateTime)
}

fn weekday(date: Date, first: i64) -> Value {
    Value::Int(i64::from(date.weekday().to_monday_zero_offset()) + first)
}

fn week(date: Date) -> Value {
    let week = date.iso_week_date();
    let weekday = i64::from(week.weekday().to_monday_one_offset());
    Record::week(i64::from(week.year()), i64::from(week.week()), weekday)
}

/// How many days came before the first one of the first year, less one.
fn days(date: Date) -> i64 {
    date.duration_since(civil::date(1, 1, 1)).as_hours() / 24 + 1
}

fn ordinal(date: Date) -> Value {
    Value::Int(days(date))
}

fn from_ordinal(given: &Given) -> Result<Date, Error> {
    let ordinal = parsed_int(given.at(0))?;
    if ordinal < 1 {
        return Err(Error::value_error("ordinal must be >= 1"));
    }
    let last = days(civil::date(9999, 12, 31));
    if i64::from(ordinal) > last {
        // The year that the proleptic calendar would have.
        let ordinal = i64::from(ordinal) - 1;
        let (cycles, rest) = (ordinal / 146_097, ordinal % 146_097);
        let in_cycle = civil::date(1, 1, 1).saturating_add(jiff::SignedDuration::from_hours(rest * 24));
        let year = i64::from(in_cycle.year()) + cycles * 400;
        return Err(Error::value_error(format!("year {year} is out of range")));
    }
    let hours = jiff::SignedDuration::from_hours((i64::from(ordinal) - 1) * 24);
    Ok(civil::date(1, 1, 1).saturating_add(hours))
}

fn from_week(given: &Given) -> Result<Date, Error> {
    let number = |place: usize| parsed_int(given.at(place));
    iso::week_date(number(0)?, number(1)?, number(2)?)
}

/// What `fromisoformat` reads.
///
/// # Errors
/// It is no text.
pub(super) fn iso_text(given: &Given) -> Result<&str, Error> {
    given.at(0).as_str().ok_or_else(|| Error::type_error("fromisoformat: argument must be str"))
}

fn from_timestamp(value: &Value, zone: Option<i32>, utc: bool) -> Result<Timestamp, Error> {
    let time = datetime::from_epoch_value(value)?;
    Ok(match (zone, utc) {
        (Some(_), _) => datetime::from_micros(time, zone)?,
        (None, true) => Timestamp { offset: None, ..datetime::from_micros(time, Some(0))? },
        (None, false) => Timestamp { offset: None, ..datetime::from_micros(time, None)? },
    })
}

fn timestamp(time: &Timestamp) -> Result<Value, Error> {
    if time.offset.is_some() {
        return seconds(datetime::micros(time));
    }
    let micros = datetime::local_micros(time)?;
    Ok(Value::Float(micros.div_euclid(1_000_000) as f64 + micros.rem_euclid(1_000_000) as f64 / 1e6))
}

/// Microseconds as seconds, rounded once.
fn seconds(micros: i64) -> Result<Value, Error> {
    ops::div(&Value::Int(micros), &Value::Int(1_000_000))
}

fn time_tuple(time: &Timestamp, saving: i64) -> Value {
    let t = time.civil;
    Record::time([
        i64::from(t.year()),
        i64::from(t.month()),
        i64::from(t.day()),
        i64::from(t.hour()),
        i64::from(t.minute()),
        i64::from(t.second()),
        i64::from(t.weekday().to_monday_zero_offset()),
        i64::from(t.day_of_year()),
        saving,
    ])
}

fn check_isoformat(given: &Given) -> Result<(), Error> {
    if let Some(separator) = given.get(0)
        && separator.as_str().and_then(single).is_none()
    {
        return Err(bad_argument("isoformat", "argument 1", "a unicode character", separator));
    }
    text_argument(given, 1, "isoformat")
}

fn isoformat(time: &Timestamp, given: &Given) -> Result<Value, Error> {
    let separator = given.get(0).and_then(Value::as_str).unwrap_or("T");
    let spec = given.get(1).and_then(Value::as_str).unwrap_or("auto");
    let t = time.civil;
    let date = format!("{:04}-{:02}-{:02}", t.year(), t.month(), t.day());
    Ok(format!("{date}{separator}{}", written_time(time, spec)?).into())
}

/// The time of day as ISO 8601 writes it, as exact as a `timespec` says.
///
/// # Errors
/// There is no such one.
pub(super) fn written_time(time: &Timestamp, spec: &str) -> Result<String, Error> {
    let t = time.civil;
    let micros = t.subsec_nanosecond() / 1000;
    let (hour, minute, second) = (t.hour(), t.minute(), t.second());
    let mut out = match spec {
        "hours" => format!("{hour:02}"),
        "minutes" => format!("{hour:02}:{minute:02}"),
        "milliseconds" => format!("{hour:02}:{minute:02}:{second:02}.{:03}", micros / 1000),
        "microseconds" => format!("{hour:02}:{minute:02}:{second:02}.{micros:06}"),
        "auto" if micros != 0 => format!("{hour:02}:{minute:02}:{second:02}.{micros:06}"),
        "auto" | "seconds" => format!("{hour:02}:{minute:02}:{second:02}"),
        _ => return Err(Error::value_error("Unknown timespec value")),
    };
    if let Some(offset) = time.offset {
        out.push_str(&repr::offset(offset));
    }
    Ok(out)
}

fn check_combine(given: &Given) -> Result<(), Error> {
    match given.get(0) {
        None | Some(Value::Date(_) | Value::DateTime(_)) => {}
        Some(other) => return Err(bad_argument("combine", "argument 1", "datetime.date", other)),
    }
    match given.get(1) {
        Some(other) if Time::of(other).is_none() => {
            Err(bad_argument("combine", "argument 2", "datetime.time", other))
        }
        _ => Ok(()),
    }
}

fn combine(given: &Given) -> Result<Value, Error> {
    let date = match given.at(0) {
        Value::DateTime(time) => time.civil.date(),
        Value::Date(date) => *date,
        other => return Err(bad_argument("combine", "argument 1", "datetime.date", other)),
    };
    let time = Time::of(given.at(1))
        .ok_or_else(|| bad_argument("combine", "argument 2", "datetime.time", given.at(1)))?;
    let offset = given.get(2).map_or(Ok(time.offset), Zone::offset)?;
    Ok(Value::DateTime(Timestamp { civil: date.to_datetime(time.civil), offset }))
}

/// Refuses a `fold` that is none.
///
/// # Errors
/// It is none.
pub(super) fn check_fold(value: Option<&Value>) -> Result<(), Error> {
    match value.map_or(Ok(0), parsed_int)? {
        0 | 1 => Ok(()),
        _ => Err(Error::value_error("fold must be either 0 or 1")),
    }
}

fn replaced_date(date: Date, given: &Given) -> Result<Date, Error> {
    let number = |place: usize, own: i32| given.get(place).map_or(Ok(own), parsed_int);
    let year = number(0, i32::from(date.year()))?;
    let month = number(1, i32::from(date.month()))?;
    date_of(year, month, number(2, i32::from(date.day()))?)
}

/// A date, if there is such a day.
///
/// # Errors
/// What there is not.
pub(super) fn date_of(year: i32, month: i32, day: i32) -> Result<Date, Error> {
    let refuse = |message: &str| Err(Error::value_error(message));
    if !(1..=9999).contains(&year) {
        return Err(Error::value_error(format!("year {year} is out of range")));
    }
    if !(1..=12).contains(&month) {
        return refuse("month must be in 1..12");
    }
    let date = i16::try_from(year).ok().zip(i8::try_from(month).ok()).zip(i8::try_from(day).ok());
    match date.and_then(|((year, month), day)| Date::new(year, month, day).ok()) {
        Some(date) => Ok(date),
        None => refuse("day is out of range for month"),
    }
}

/// The parts of a time of day, which may not be one yet.
pub(super) struct TimeFields {
    /// Hour, minute, second and microsecond.
    pub(super) parts: [i32; 4],
}

impl TimeFields {
    /// The parts of a time.
    pub(super) fn of(time: civil::Time) -> Self {
        let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i32::from);
        TimeFields { parts: [hour, minute, second, time.subsec_nanosecond() / 1000] }
    }

    /// The parts with arguments in the place of some.
    ///
    /// # Errors
    /// An argument is no integer.
    pub(super) fn replaced(mut self, given: &Given, first: usize) -> Result<Self, Error> {
        for (i, part) in self.parts.iter_mut().enumerate() {
            *part = given.get(first + i).map_or(Ok(*part), parsed_int)?;
        }
        Ok(self)
    }

    /// The time, if there is such one.
    ///
    /// # Errors
    /// What is out of range.
    pub(super) fn time(&self) -> Result<civil::Time, Error> {
        let names = [("hour", 23), ("minute", 59), ("second", 59), ("microsecond", 999_999)];
        for ((name, last), part) in names.iter().zip(self.parts) {
            if !(0..=*last).contains(&part) {
                return Err(Error::value_error(format!("{name} must be in 0..{last}")));
            }
        }
        let [hour, minute, second, micros] = self.parts;
        let small = |part: i32| i8::try_from(part).unwrap_or(0);
        civil::Time::new(small(hour), small(minute), small(second), micros * 1000)
            .map_err(|error| Error::value_error(error.to_string()))
    }
}

fn replace(time: &Timestamp, given: &Given) -> Result<Value, Error> {
    check_fold(given.get(8))?;
    let date = replaced_date(time.civil.date(), given)?;
    let fields = TimeFields::of(time.civil.time()).replaced(given, 3)?.time()?;
    let offset = given.get(7).map_or(Ok(time.offset), Zone::offset)?;
    Ok(Value::DateTime(Timestamp { civil: date.to_datetime(fields), offset }))
}

/// An attribute of a time of day.
pub(super) fn time_property(time: civil::Time, offset: Option<i32>, name: &str) -> Option<Value> {
    Some(Value::Int(match name {
        "hour" => i64::from(time.hour()),
        "minute" => i64::from(time.minute()),
        "second" => i64::from(time.second()),
        "microsecond" => i64::from(time.subsec_nanosecond() / 1000),
        "fold" => 0,
        "tzinfo" => return Some(Zone::value(offset)),
        _ => return None,
    }))
}

/// An attribute of a datetime that is no method.
pub(super) fn datetime_property(time: &Timestamp, name: &str) -> Option<Value> {
    let extreme = |date: Date, time: civil::Time| {
        Some(Value::DateTime(Timestamp { civil: date.to_datetime(time), offset: None }))
    };
    match name {
        "min" => extreme(civil::date(1, 1, 1), civil::Time::midnight()),
        "max" => extreme(civil::date(9999, 12, 31), civil::time(23, 59, 59, 999_999_000)),
        "resolution" => Some(Value::TimeDelta(1)),
        _ => time_property(time.civil.time(), time.offset, name)
            .or_else(|| day_property(time.civil.date(), name)),
    }
}

fn day_property(date: Date, name: &str) -> Option<Value> {
    Some(Value::Int(match name {
        "year" => i64::from(date.year()),
        "month" => i64::from(date.month()),
        "day" => i64::from(date.day()),
        _ => return None,
    }))
}

/// An attribute of a date that is no method.
pub(super) fn date_property(date: Date, name: &str) -> Option<Value> {
    match name {
        "min" => Some(Value::Date(civil::date(1, 1, 1))),
        "max" => Some(Value::Date(civil::date(9999, 12, 31))),
        "resolution" => Some(Value::TimeDelta(86_400_000_000)),
        _ => day_property(date, name),
    }
}

/// An attribute of a timedelta that is no method.
pub(super) fn timedelta_property(micros: i64, name: &str) -> Option<Value> {
    let (days, seconds, micros) = repr::timedelta_parts(micros);
    Some(match name {
        "days" => Value::Int(days),
        "seconds" => Value::Int(seconds),
        "microseconds" => Value::Int(micros),
        "resolution" => Value::TimeDelta(1),
        _ => return None,
    })
}
