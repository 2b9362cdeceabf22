//! Dates (sprig `date.go`; Go `time`). Integers are seconds since the Unix epoch; anything that is no time is
//! now. Zones come from this machine's database, or from the one in the binary where it has none.

use std::borrow::Cow;
use std::rc::Rc;

use super::args::{bytes, fail, fixed, int, text};
use super::numbers::parse_int;
use super::time::{Civil, Time, Zone};
use super::{Outcome, duration, layout};
use crate::gotmpl::fmt::type_name;
use crate::gotmpl::{FuncContext, FuncDef, FuncError, Object, Param, Signature, Value};

const ANY: &[Param] = &[Param::Any];
const IN_ZONE: &[Param] = &[Param::Str, Param::Any, Param::Str];
const TIME: Param = Param::Object("time.Time");
const MODIFY: &[Param] = &[Param::Str, TIME];

pub(super) const FUNCTIONS: &[FuncDef] = &[
    fixed("now", &[], |_, _| Ok(time_value(Time::now()))),
    fixed("date", &[Param::Str, Param::Any], |_, args| {
        text(layout::format(&time_of(&args[1]).in_zone(Zone::Local), bytes(args, 0)))
    }),
    fixed("dateInZone", IN_ZONE, date_in_zone),
    fixed("date_in_zone", IN_ZONE, date_in_zone),
    fixed("htmlDate", ANY, |_, args| {
        text(layout::format(&time_of(&args[0]).in_zone(Zone::Local), b"2006-01-02"))
    }),
    fixed("htmlDateInZone", &[Param::Any, Param::Str], |_, args| {
        text(layout::format(&time_of(&args[0]).in_zone(Zone::load(bytes(args, 1))), b"2006-01-02"))
    }),
    fixed("dateModify", MODIFY, date_modify),
    fixed("date_modify", MODIFY, date_modify),
    fixed("mustDateModify", MODIFY, must_date_modify),
    fixed("must_date_modify", MODIFY, must_date_modify),
    fixed("toDate", &[Param::Str, Param::Str], |_, args| {
        Ok(time_value(layout::parse(bytes(args, 0), bytes(args, 1)).unwrap_or_else(|_| Time::zero())))
    }),
    fixed("mustToDate", &[Param::Str, Param::Str], |_, args| {
        let parsed = layout::parse(bytes(args, 0), bytes(args, 1));
        parsed.map(time_value).map_err(|error| fail(error.to_string()))
    }),
    fixed("ago", ANY, |_, args| {
        let elapsed = Time::now().since(&instant_of(&args[0]));
        text(duration::format(duration::round(elapsed, SECOND)))
    }),
    fixed("duration", ANY, |_, args| {
        let seconds = match &args[0] {
            Value::Int64(seconds) => *seconds,
            Value::Str(digits) => match parse_int(digits, 10) {
                Ok(seconds) => seconds,
                Err(super::numbers::NotInt::Range(nearest)) => nearest,
                Err(super::numbers::NotInt::Syntax) => 0,
            },
            _ => 0,
        };
        text(duration::format(seconds.wrapping_mul(SECOND)))
    }),
    fixed("durationRound", ANY, |_, args| text(duration_round(&args[0]))),
    fixed("unixEpoch", &[TIME], |_, args| text(asserted(&args[0])?.seconds.to_string())),
];

const SECOND: i64 = 1_000_000_000;

/// A time as a value of templates.
pub(super) fn time_value(time: Time) -> Value {
    Value::Object(Rc::new(TimeObject(time)))
}

/// The time that a value is.
pub(super) fn as_time(value: &Value) -> Option<&Time> {
    match value {
        Value::Object(object) => object.as_any().downcast_ref::<TimeObject>().map(|object| &object.0),
        _ => None,
    }
}

/// A parameter of type `time.Time`.
fn asserted(value: &Value) -> Result<&Time, FuncError> {
    as_time(value).ok_or_else(|| fail("argument is no time"))
}

/// The time that a value stands for in `date` and the like: now, if it is neither a time nor seconds.
fn time_of(value: &Value) -> Time {
    match value {
        Value::Int32(seconds) => Time::unix(i64::from(*seconds)),
        _ => instant_of(value),
    }
}

/// As [`time_of`], for `ago`, which does not know 32-bit seconds.
fn instant_of(value: &Value) -> Time {
    match value {
        Value::Int(seconds) | Value::Int64(seconds) => Time::unix(*seconds),
        _ => as_time(value).cloned().unwrap_or_else(Time::now),
    }
}

fn date_in_zone(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    text(layout::format(&time_of(&args[1]).in_zone(Zone::load(bytes(args, 2))), bytes(args, 0)))
}

fn date_modify(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let time = asserted(&args[1])?;
    Ok(match duration::parse(bytes(args, 0)) {
        Ok(change) => time_value(time.add(change)),
        Err(_) => args[1].clone(),
    })
}

fn must_date_modify(_: &mut dyn FuncContext, args: &[Value]) -> Outcome {
    let time = asserted(&args[1])?;
    let change = duration::parse(bytes(args, 0)).map_err(|error| fail(error.to_string()))?;
    Ok(time_value(time.add(change)))
}

/// Units of `durationRound`, the largest first.
const ROUND_UNITS: &[(i64, &str)] = &[
    (365 * 24 * 3600 * SECOND, "y"),
    (30 * 24 * 3600 * SECOND, "mo"),
    (24 * 3600 * SECOND, "d"),
    (3600 * SECOND, "h"),
    (60 * SECOND, "m"),
    (SECOND, "s"),
];

/// The duration in its largest unit; more than one of a unit's length counts, exactly one does not.
fn duration_round(value: &Value) -> String {
    let duration = match value {
        Value::Str(written) => duration::parse(written).unwrap_or(0),
        Value::Int64(nanos) => *nanos,
        _ => as_time(value).map_or(0, |time| Time::now().since(time)),
    };
    let magnitude = duration.unsigned_abs();
    let unit = ROUND_UNITS.iter().find(|(unit, _)| magnitude > unit.unsigned_abs());
    unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", magnitude / unit.unsigned_abs()))
}

/// A `time.Time` in a template.
#[derive(Debug)]
struct TimeObject(Time);

const NO_ARGUMENTS: Signature = Signature { params: &[], variadic: None };

impl Object for TimeObject {
    fn type_name(&self) -> Cow<'_, str> {
        "time.Time".into()
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn display(&self) -> Cow<'_, str> {
        let text = layout::format(&self.0, b"2006-01-02 15:04:05.999999999 -0700 MST");
        String::from_utf8_lossy(&text).into_owned().into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let params: &'static [Param] = match name {
            "Format" => &[Param::Str],
            "AddDate" => &[Param::Int, Param::Int, Param::Int],
            "Sub" | "Before" | "After" | "Equal" | "Compare" => &[TIME],
            "Add" | "Truncate" | "Round" => ANY,
            "String" | "Year" | "Month" | "Day" | "Weekday" | "Hour" | "Minute" | "Second" | "Nanosecond"
            | "YearDay" | "Unix" | "UnixMilli" | "UnixMicro" | "UnixNano" | "UTC" | "Local" | "IsZero"
            | "IsDST" | "Location" => return Some(NO_ARGUMENTS),
            _ => return None,
        };
        Some(Signature { params, variadic: None })
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Outcome> {
        self.method(name)?;
        Some(self.invoke(name, args))
    }

    fn to_plain(&self) -> Value {
        Value::from(layout::format(&self.0, b"2006-01-02T15:04:05.999999999Z07:00"))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl TimeObject {
    fn invoke(&self, name: &str, args: &[Value]) -> Outcome {
        let time = &self.0;
        let civil = time.civil();
        Ok(match name {
            "Format" => Value::from(layout::format(time, bytes(args, 0))),
            "Year" => Value::Int(civil.year),
            "Month" => named_int("time.Month", civil.month, layout::month_name(civil.month)),
            "Day" => Value::Int(civil.day),
            "Weekday" => named_int("time.Weekday", civil.weekday(), layout::weekday_name(civil.weekday())),
            "Hour" => Value::Int(civil.hour),
            "Minute" => Value::Int(civil.minute),
            "Second" => Value::Int(civil.second),
            "Nanosecond" => Value::Int(i64::from(time.nanos)),
            "YearDay" => Value::Int(civil.year_day()),
            "Unix" => Value::Int64(time.seconds),
            "UnixMilli" => Value::Int64(time.unix_nanos().div_euclid(1_000_000) as i64),
            "UnixMicro" => Value::Int64(time.unix_nanos().div_euclid(1_000) as i64),
            "UnixNano" => Value::Int64(time.unix_nanos() as i64),
            "UTC" => time_value(time.in_zone(Zone::Utc)),
            "Local" => time_value(time.in_zone(Zone::Local)),
            "Location" => Value::from(time.zone.name()),
            "IsZero" => Value::Bool(time.is_zero()),
            "IsDST" => Value::Bool(time.offset().2),
            "AddDate" => {
                let (year, month, day) =
                    (civil.year + int(args, 0), civil.month + int(args, 1), civil.day + int(args, 2));
                let changed = Civil { year, month, day, ..civil };
                time_value(Time::from_civil(changed, time.nanos, time.zone.clone()))
            }
            "Add" => time_value(time.add(nanos_of(&args[0])?)),
            "Truncate" => time_value(time.truncated(nanos_of(&args[0])?)),
            "Round" => time_value(time.rounded(nanos_of(&args[0])?)),
            "Sub" => Value::Object(Rc::new(DurationObject(time.since(asserted(&args[0])?)))),
            "Before" => Value::Bool(time.unix_nanos() < asserted(&args[0])?.unix_nanos()),
            "After" => Value::Bool(time.unix_nanos() > asserted(&args[0])?.unix_nanos()),
            "Equal" => Value::Bool(time.unix_nanos() == asserted(&args[0])?.unix_nanos()),
            "Compare" => Value::Int(time.unix_nanos().cmp(&asserted(&args[0])?.unix_nanos()) as i64),
            _ => Value::from(self.display().into_owned()),
        })
    }
}

/// A parameter of type `time.Duration`.
fn nanos_of(value: &Value) -> Result<i64, FuncError> {
    let nanos = match value {
        Value::Int(nanos) => Some(*nanos),
        Value::Object(object) => object.as_any().downcast_ref::<DurationObject>().map(|duration| duration.0),
        _ => None,
    };
    nanos.ok_or_else(|| {
        fail(format!("wrong type for value; expected time.Duration; got {}", type_name(value)))
    })
}

fn named_int(ty: &'static str, number: i64, name: &'static str) -> Value {
    Value::Object(Rc::new(NamedInt { ty, number, name }))
}

/// A `time.Month` or `time.Weekday`.
#[derive(Debug)]
struct NamedInt {
    ty: &'static str,
    number: i64,
    name: &'static str,
}

impl Object for NamedInt {
    fn type_name(&self) -> Cow<'_, str> {
        self.ty.into()
    }

    fn kind(&self) -> &'static str {
        "int"
    }

    fn display(&self) -> Cow<'_, str> {
        self.name.into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "String").then_some(NO_ARGUMENTS)
    }

    fn call(&self, name: &str, _: &[Value]) -> Option<Outcome> {
        (name == "String").then(|| Ok(Value::from(self.name)))
    }

    fn truth(&self) -> bool {
        self.number != 0
    }

    fn to_plain(&self) -> Value {
        Value::Int(self.number)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// A `time.Duration`, in nanoseconds.
#[derive(Debug)]
struct DurationObject(i64);

impl Object for DurationObject {
    fn type_name(&self) -> Cow<'_, str> {
        "time.Duration".into()
    }

    fn kind(&self) -> &'static str {
        "int64"
    }

    fn display(&self) -> Cow<'_, str> {
        duration::format(self.0).into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Round" | "Truncate" => Some(Signature { params: ANY, variadic: None }),
            "String" | "Nanoseconds" | "Microseconds" | "Milliseconds" | "Seconds" | "Minutes" | "Hours"
            | "Abs" => Some(NO_ARGUMENTS),
            _ => None,
        }
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Outcome> {
        self.method(name)?;
        let nanos = self.0;
        let in_units = |unit: i64| (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64;
        let duration = |nanos| Value::Object(Rc::new(Self(nanos)));
        Some(Ok(match name {
            "Nanoseconds" => Value::Int64(nanos),
            "Microseconds" => Value::Int64(nanos / 1_000),
            "Milliseconds" => Value::Int64(nanos / 1_000_000),
            "Seconds" => Value::Float(in_units(SECOND)),
            "Minutes" => Value::Float(in_units(60 * SECOND)),
            "Hours" => Value::Float(in_units(3600 * SECOND)),
            "Abs" => duration(nanos.saturating_abs()),
            "String" => Value::from(duration::format(nanos)),
            _ => match nanos_of(&args[0]) {
                Err(error) => return Some(Err(error)),
                Ok(multiple) if name == "Round" => duration(duration::round(nanos, multiple)),
                Ok(multiple) if multiple <= 0 => duration(nanos),
                Ok(multiple) => duration(nanos - nanos % multiple),
            },
        }))
    }

    fn truth(&self) -> bool {
        self.0 != 0
    }

    fn to_plain(&self) -> Value {
        Value::Int64(self.0)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
