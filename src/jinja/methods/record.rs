//! Tuples whose items have names: the week of a date, the parts of a time.

use std::sync::Arc;

use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Object;
use crate::jinja::repr;
use crate::jinja::value::Value;

/// A tuple of a class of its own.
#[derive(Debug)]
pub(super) struct Record {
    module: &'static str,
    class: &'static str,
    names: &'static [&'static str],
    items: Vec<Value>,
}

impl Record {
    /// What `isocalendar()` returns.
    pub(super) fn week(year: i64, week: i64, weekday: i64) -> Value {
        Value::Object(Arc::new(Record {
            module: "datetime",
            class: "IsoCalendarDate",
            names: &["year", "week", "weekday"],
            items: [year, week, weekday].map(Value::Int).to_vec(),
        }))
    }

    /// What `timetuple()` returns, of nine numbers.
    pub(super) fn time(numbers: [i64; 9]) -> Value {
        Value::Object(Arc::new(Record {
            module: "time",
            class: "struct_time",
            names: &[
                "tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday",
                "tm_isdst",
            ],
            items: numbers.map(Value::Int).to_vec(),
        }))
    }
}

impl Object for Record {
    fn type_name(&self) -> &'static str {
        self.class
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        let place = match name {
            Value::Str(name) => self.names.iter().position(|own| *own == name.as_str()),
            other => other.as_int().and_then(|place| {
                let len = i64::try_from(self.items.len()).unwrap_or(0);
                usize::try_from(if place < 0 { place + len } else { place }).ok()
            }),
        };
        Ok(place.and_then(|place| self.items.get(place).cloned()))
    }

    fn items(&self) -> Option<&[Value]> {
        Some(&self.items)
    }

    fn text(&self) -> String {
        let parts = self.names.iter().zip(&self.items);
        let parts: Vec<String> = parts.map(|(name, item)| format!("{name}={}", repr::repr(item))).collect();
        format!("{}.{}({})", self.module, self.class, parts.join(", "))
    }
}
