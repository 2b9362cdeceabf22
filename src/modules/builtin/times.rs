//! The times of a file that `file` sets.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::attributes::{Difference, errno};
use crate::jinja::{Value, datetime};
use crate::modules::{Args, ModuleError};

/// What one of the two times shall be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wanted {
    Preserve,
    Now,
    At(SystemTime),
}

/// What the two times of a file shall be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    modification: Wanted,
    access: Wanted,
}

impl Times {
    /// What the arguments of a task say; `touch` sets both to now unless told otherwise.
    ///
    /// # Errors
    /// A time is malformed.
    pub(super) fn of(args: &Args, state: &str) -> Result<Times, ModuleError> {
        let wanted = |name: &str| {
            let given = args.str(name).unwrap_or(if state == "touch" { "now" } else { "preserve" });
            let format = args.str(&format!("{name}_format")).unwrap_or_default().to_owned();
            match given {
                "preserve" => Ok(Wanted::Preserve),
                "now" => Ok(Wanted::Now),
                text => parse(text, &format).map(Wanted::At).map_err(|error| {
                    ModuleError::new(format!(
                        "Error while obtaining timestamp for time {text} using format {format}: {error}"
                    ))
                }),
            }
        };
        Ok(Times { modification: wanted("modification_time")?, access: wanted("access_time")? })
    }

    /// Sets the times that differ; whether any did.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn apply(
        &self,
        path: &Path,
        check: bool,
        difference: Option<&mut Difference>,
    ) -> Result<bool, ModuleError> {
        if (self.modification, self.access) == (Wanted::Preserve, Wanted::Preserve) {
            return Ok(false);
        }
        let refused = |error: std::io::Error| {
            let message =
                format!("Error while updating modification or access time: {}", errno(&error, path));
            ModuleError::new(message).with("path", path.display().to_string())
        };
        let found = path.metadata().map_err(refused)?;
        let (modified, accessed) = (found.modified().map_err(refused)?, found.accessed().map_err(refused)?);
        let now = SystemTime::now();
        let value = |wanted: Wanted, old: SystemTime| match wanted {
            Wanted::Preserve => old,
            Wanted::Now => now,
            Wanted::At(time) => time,
        };
        let (new_modified, new_accessed) = (value(self.modification, modified), value(self.access, accessed));
        if (new_modified, new_accessed) == (modified, accessed) {
            return Ok(false);
        }
        if !check {
            let times = std::fs::FileTimes::new().set_modified(new_modified).set_accessed(new_accessed);
            let file = std::fs::File::open(path);
            file.and_then(|file| file.set_times(times)).map_err(refused)?;
        }
        if let Some(difference) = difference {
            for (key, old, new) in [("mtime", modified, new_modified), ("atime", accessed, new_accessed)] {
                if old != new {
                    difference.set(key, seconds(old), seconds(new));
                }
            }
        }
        Ok(true)
    }
}

/// A moment as seconds since 1970, as Python's `time.time()`.
pub(super) fn seconds(time: SystemTime) -> Value {
    Value::Float(time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64()))
}

/// A local time in a format of `strptime`.
fn parse(text: &str, format: &str) -> Result<SystemTime, crate::jinja::Error> {
    let micros = datetime::local_micros(&datetime::strptime(text, format)?)?;
    Ok(UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}
