//! `daytwo.core.schedule`: what a cron expression says about now.
//! The operator comes back by itself at the next time ([`super::COME_BACK`]).

use async_trait::async_trait;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Doc, Opt, Spec};

/// The module.
pub(super) struct Schedule;

pub(super) static SPEC: Spec = Spec {
    doc: Doc {
        text: "Tells whether a cron schedule is due, and when it is next.\n\n\
            Due means that a time of the schedule has passed since the last run. Times that passed while \
            nobody looked make one run, not many. Under an operator the resource is reconciled again at the \
            next time by itself; of several schedules in one run the earliest counts. The last run is what \
            the role remembers, most simply in the status of its resource. With none, the schedule counts \
            from `since`, and without that it is due at once.",
        returns: &[
            ("due", "whether a run is due now"),
            ("scheduled", "the latest time of the schedule that has passed, if it is due"),
            ("next", "the next time of the schedule after now, RFC 3339"),
            ("seconds", "how long that is from now"),
        ],
        examples: "- name: Is it time for a backup?\n  \
            daytwo.core.schedule:\n    \
              cron: \"30 2 * * *\"\n    \
              time_zone: Europe/Zurich\n    \
              last_run: \"{{ last_backup | default('') }}\"\n    \
              since: \"2026-01-01T00:00:00Z\"\n  \
            register: nightly\n",
    },
    ..Spec::new(
        "daytwo.core.schedule",
        &[
            Opt::str("cron").required().doc(
                "Five fields (minute, hour, day of month, month, day of week), or `@hourly`, `@daily`, …",
            ),
            Opt::str("time_zone")
                .default("UTC")
                .doc("The zone of the IANA database in which the fields are read."),
            Opt::str("last_run").default("").doc("When it last ran, RFC 3339; empty when it never did."),
            Opt::str("since").default("").doc(
                "From when a schedule counts that never ran, such as the creation of the resource, RFC 3339.",
            ),
        ],
    )
};

#[async_trait]
impl Module for Schedule {
    async fn run(&self, _: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let cron = pattern(args.str("cron").unwrap_or_default())?;
        let zone = args.str("time_zone").unwrap_or("UTC");
        let zone = TimeZone::get(zone)
            .map_err(|error| ModuleError::new(format!("time_zone: there is no {zone:?}: {error}")))?;
        let last = time("last_run", &args)?.or(time("since", &args)?);
        let told = tell(&cron, &zone, last, Timestamp::now())?;
        let mut result = TaskResult::changed(false)
            .with("due", told.scheduled.is_some())
            .with("next", told.next.to_string())
            .with("seconds", told.seconds)
            .with(super::COME_BACK, told.next.as_second());
        if let Some(scheduled) = told.scheduled {
            result = result.with("scheduled", scheduled.to_string());
        }
        Ok(result)
    }
}

struct Told {
    scheduled: Option<Timestamp>,
    next: Timestamp,
    /// From now to the next time, rounded up.
    seconds: i64,
}

fn pattern(text: &str) -> Result<Cron, ModuleError> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    parser.parse(text).map_err(|error| ModuleError::new(format!("cron: {text:?}: {error}")))
}

/// A time argument; nothing when it is empty.
fn time(name: &str, args: &Args) -> Result<Option<Timestamp>, ModuleError> {
    let text = args.str(name).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |error| ModuleError::new(format!("{name}: {text:?} is no RFC 3339 time: {error}"));
    text.parse().map(Some).map_err(wrong)
}

fn tell(cron: &Cron, zone: &TimeZone, last: Option<Timestamp>, now: Timestamp) -> Result<Told, ModuleError> {
    let never = |error| ModuleError::new(format!("cron: {}: {error}", cron.as_str()));
    let local: Zoned = now.to_zoned(zone.clone());
    let next = cron.find_next_occurrence(&local, false).map_err(never)?.timestamp();
    let scheduled = match last {
        None => Some(now),
        // A schedule that begins only later has no time before now.
        Some(last) => cron
            .find_previous_occurrence(&local, true)
            .ok()
            .map(|time| time.timestamp())
            .filter(|passed| *passed > last),
    };
    let whole = |time: Timestamp| time.as_second();
    let seconds = whole(next) - whole(now);
    Ok(Told { scheduled, next, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(cron: &str, zone: &str, last: Option<&str>, now: &str) -> (Option<String>, String, i64) {
        let zone = TimeZone::get(zone).unwrap();
        let last = last.map(|text| text.parse().unwrap());
        let told = tell(&pattern(cron).unwrap(), &zone, last, now.parse().unwrap()).unwrap();
        (told.scheduled.map(|time| time.to_string()), told.next.to_string(), told.seconds)
    }

    #[test]
    fn due_when_a_time_has_passed_since_the_last_run() {
        let at = |last, now| told("30 2 * * *", "UTC", Some(last), now);
        let next = "2026-05-02T02:30:00Z".to_owned();
        assert_eq!(at("2026-05-01T02:31:00Z", "2026-05-01T12:00:00Z"), (None, next.clone(), 52200));
        let passed = Some("2026-05-01T02:30:00Z".to_owned());
        assert_eq!(at("2026-04-20T00:00:00Z", "2026-05-01T02:30:00Z"), (passed.clone(), next.clone(), 86400));
        assert_eq!(at("2026-04-30T02:30:01Z", "2026-05-01T12:00:00Z"), (passed, next, 52200));
    }

    #[test]
    fn the_first_run_is_due_at_once() {
        let (scheduled, next, _) = told("@hourly", "UTC", None, "2026-05-01T12:10:00Z");
        assert_eq!((scheduled.is_some(), next.as_str()), (true, "2026-05-01T13:00:00Z"));
    }

    #[test]
    fn fields_are_read_in_the_zone_also_where_clocks_change() {
        // In Zurich clocks go from 2:00 to 3:00 on 29 March 2026.
        let (_, next, _) =
            told("0 8 * * *", "Europe/Zurich", Some("2026-03-28T07:00:00Z"), "2026-03-28T12:00:00Z");
        assert_eq!(next, "2026-03-29T06:00:00Z");
    }

    #[test]
    fn nonsense_is_named() {
        let wrong = pattern("61 * * * *").err().map(|error| error.to_string()).unwrap_or_default();
        assert!(wrong.starts_with("cron: \"61 * * * *\": "), "{wrong}");
        assert!(pattern("* * * * * *").is_err());
    }
}
