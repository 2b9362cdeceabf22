//! Times of day and time zones (`datetime.time`, `datetime.timezone`), which only datetimes give.

use std::any::Any;
use std::sync::Arc;

use jiff::civil;

use super::date::{self, TimeFields, no_zone, strftime_format};
use super::iso;
use super::signature::{Given, Method, Names, Takes, parsed_int};
use crate::jinja::error::Error;
use crate::jinja::object::Object;
use crate::jinja::value::{Timestamp, Value};
use crate::jinja::{datetime, repr};

/// A `datetime.time`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    /// The time.
    pub(super) civil: civil::Time,
    /// The offset from UTC in seconds, if it has one.
    pub(super) offset: Option<i32>,
}

impl Time {
    /// The time as a value.
    pub(super) fn value(civil: civil::Time, offset: Option<i32>) -> Value {
        Value::Object(Arc::new(Time { civil, offset }))
    }

    /// The time that a value is.
    pub(super) fn of(value: &Value) -> Option<&Time> {
        match value {
            Value::Object(object) => (object.as_ref() as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// The time on the day that Python writes it with.
    fn timestamp(self) -> Timestamp {
        Timestamp { civil: civil::date(1900, 1, 1).to_datetime(self.civil), offset: self.offset }
    }

    /// An attribute that is no method.
    pub(super) fn property(&self, name: &str) -> Option<Value> {
        match name {
            "min" => Some(Time::value(civil::Time::midnight(), None)),
            "max" => Some(Time::value(civil::time(23, 59, 59, 999_999_000), None)),
            "resolution" => Some(Value::TimeDelta(1)),
            _ => date::time_property(self.civil, self.offset, name),
        }
    }
}

impl Object for Time {
    fn type_name(&self) -> &'static str {
        "time"
    }

    fn text(&self) -> String {
        date::written_time(&self.timestamp(), "auto").unwrap_or_default()
    }

    fn repr(&self) -> String {
        let (hour, minute) = (self.civil.hour(), self.civil.minute());
        let (second, micros) = (self.civil.second(), self.civil.subsec_nanosecond() / 1000);
        let mut out = format!("datetime.time({hour}, {minute}");
        if second != 0 || micros != 0 {
            out.push_str(&format!(", {second}"));
        }
        if micros != 0 {
            out.push_str(&format!(", {micros}"));
        }
        if let Some(offset) = self.offset {
            out.push_str(&format!(", tzinfo={}", repr::zone(offset)));
        }
        out + ")"
    }
}

/// The methods of times.
pub(super) const TIME: &[Method<Time>] = &[
    Method { name: "dst", takes: Takes::Nothing, run: |_, _| Ok(Value::None) },
    Method {
        name: "fromisoformat",
        takes: Takes::One,
        run: |_, given| iso::time(date::iso_text(given)?).map(|(time, offset)| Time::value(time, offset)),
    },
    Method {
        name: "isoformat",
        takes: Takes::Named(Names {
            names: &["timespec"],
            required: 0,
            by_position: 1,
            check: Some(timespec_first),
        }),
        run: |time, given| {
            let spec = given.get(0).and_then(Value::as_str).unwrap_or("auto");
            date::written_time(&time.timestamp(), spec).map(Value::from)
        },
    },
    Method {
        name: "replace",
        takes: Takes::Named(Names {
            names: &["hour", "minute", "second", "microsecond", "tzinfo", "fold"],
            required: 0,
            by_position: 5,
            check: Some(|given| date::all_ints(given, &[0, 1, 2, 3, 5])),
        }),
        run: replace,
    },
    Method {
        name: "strftime",
        takes: strftime_format(),
        run: |time, given| date::strftime(&time.timestamp(), given),
    },
    Method { name: "tzname", takes: Takes::Nothing, run: |time, _| Ok(date::zone_name_of(time.offset)) },
    Method { name: "utcoffset", takes: Takes::Nothing, run: |time, _| Ok(date::offset(time.offset)) },
];

fn timespec_first(given: &Given) -> Result<(), Error> {
    date::text_argument(given, 0, "isoformat")
}

fn replace(time: &Time, given: &Given) -> Result<Value, Error> {
    date::check_fold(given.get(5))?;
    let fields = TimeFields::of(time.civil).replaced(given, 0)?.time()?;
    let offset = given.get(4).map_or(Ok(time.offset), Zone::offset)?;
    Ok(Time::value(fields, offset))
}

/// A `datetime.timezone`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Zone(i32);

impl Zone {
    /// The time zone of an offset, or nothing.
    pub(super) fn value(offset: Option<i32>) -> Value {
        offset.map_or(Value::None, |offset| Value::Object(Arc::new(Zone(offset))))
    }

    /// The time zone that a value is.
    pub(super) fn of(value: &Value) -> Option<&Zone> {
        match value {
            Value::Object(object) => (object.as_ref() as &dyn Any).downcast_ref(),
            _ => None,
        }
    }

    /// An attribute that is no method.
    pub(super) fn property(name: &str) -> Option<Value> {
        /// How far a time zone may be from UTC, to the minute.
        const FAR: i32 = 86_340;
        match name {
            "min" => Some(Zone::value(Some(-FAR))),
            "max" => Some(Zone::value(Some(FAR))),
            "utc" => Some(Zone::value(Some(0))),
            _ => None,
        }
    }

    /// The offset of an argument that is a time zone or `None`.
    ///
    /// # Errors
    /// It is neither.
    pub(super) fn offset(value: &Value) -> Result<Option<i32>, Error> {
        match (value, Zone::of(value)) {
            (Value::None, _) => Ok(None),
            (_, Some(zone)) => Ok(Some(zone.0)),
            _ => Err(no_zone(value)),
        }
    }
}

impl Object for Zone {
    fn type_name(&self) -> &'static str {
        "timezone"
    }

    fn text(&self) -> String {
        zone_name(self.0)
    }

    fn repr(&self) -> String {
        repr::zone(self.0)
    }
}

/// The name of a time zone that has none.
pub(super) fn zone_name(offset: i32) -> String {
    match offset {
        0 => "UTC".to_owned(),
        offset => format!("UTC{}", repr::offset(offset)),
    }
}

/// The methods of time zones.
pub(super) const ZONE: &[Method<Zone>] = &[
    Method {
        name: "dst",
        takes: Takes::One,
        run: |_, given| time_or_none("dst", given).map(|()| Value::None),
    },
    Method {
        name: "tzname",
        takes: Takes::One,
        run: |zone, given| time_or_none("tzname", given).map(|()| zone_name(zone.0).into()),
    },
    Method {
        name: "utcoffset",
        takes: Takes::One,
        run: |zone, given| time_or_none("utcoffset", given).map(|()| date::offset(Some(zone.0))),
    },
];

fn time_or_none(name: &str, given: &Given) -> Result<(), Error> {
    match given.at(0) {
        Value::None | Value::DateTime(_) => Ok(()),
        other => {
            let kind = other.tp_name();
            let message = format!("{name}(dt) argument must be a datetime instance or None, not {kind}");
            Err(Error::type_error(message))
        }
    }
}

/// A moment in a time zone: in that of the system if none is given.
///
/// # Errors
/// It is out of range.
pub(super) fn in_zone(time: &Timestamp, zone: Option<i32>) -> Result<Timestamp, Error> {
    let micros = match time.offset {
        Some(_) => datetime::micros(time),
        None => datetime::local_micros(time)?,
    };
    datetime::from_micros(micros, zone)
}

/// Whether an argument is an integer, as `PyArg_Parse` reads it.
pub(super) fn check_int(given: &Given, place: usize) -> Result<(), Error> {
    given.get(place).map_or(Ok(()), |value| parsed_int(value).map(|_| ()))
}
