//! The time.

use jiff::Zoned;

use super::Facts;
use crate::jinja::{Value, datetime, repr};
use crate::modules::ModuleError;

/// `ansible_date_time`.
pub(super) fn facts() -> Result<Facts, ModuleError> {
    let (now, utc) = (datetime::now(false), datetime::now(true));
    let local = |format: &str| datetime::strftime(&now, format).map(Value::from);
    let micros = repr::timestamp(&utc, 'T');
    let second = utc.civil.with().subsec_nanosecond(0).build().unwrap_or(utc.civil);
    let second = crate::jinja::value::Timestamp { civil: second, offset: None };
    let epoch = datetime::local_micros(&now)? / 1_000_000;
    let zoned = Zoned::now();
    let zone = zoned.strftime("%Z").to_string();
    let summer = zoned.time_zone().to_offset_info(zoned.timestamp()).dst().is_dst();
    let time = Value::dict([
        ("year", local("%Y")?),
        ("month", local("%m")?),
        ("weekday", local("%A")?),
        ("weekday_number", local("%w")?),
        ("weeknumber", local("%W")?),
        ("day", local("%d")?),
        ("hour", local("%H")?),
        ("minute", local("%M")?),
        ("second", local("%S")?),
        ("epoch", Value::from(epoch.to_string())),
        ("epoch_int", Value::from(epoch.to_string())),
        ("date", local("%Y-%m-%d")?),
        ("time", local("%H:%M:%S")?),
        ("iso8601_micro", Value::from(format!("{micros}Z"))),
        ("iso8601", Value::from(format!("{}Z", repr::timestamp(&second, 'T')))),
        ("iso8601_basic", local("%Y%m%dT%H%M%S%f")?),
        ("iso8601_basic_short", local("%Y%m%dT%H%M%S")?),
        ("tz", Value::from(zone.as_str())),
        ("tz_dst", Value::from(if summer { zone.as_str() } else { "UTC" })),
        ("tz_offset", Value::from(zoned.strftime("%z").to_string())),
    ]);
    Ok(vec![("date_time", time)])
}
