//! Who works on a release: noted beside a pending record, so that the next one knows whether that
//! work still goes on.
//!
//! Helm refuses to touch a pending release for ever. Here a record whose process is gone, or whose
//! time is up, counts as interrupted.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;

/// A process at work on a release, and until when it may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The running kernel and the namespace that process ids count in; empty where nothing tells.
    machine: String,
    /// Process id and start time.
    process: String,
    /// Seconds since 1970.
    until: i64,
}

/// What is known of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Its process runs, or may run elsewhere and has time left.
    AtWork,
    /// Its process is gone, or its time is up.
    Gone,
}

impl Holder {
    /// This process, for that long.
    #[must_use]
    pub fn this_process(time: Duration) -> Self {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let id = std::process::id();
        Self {
            machine: machine().unwrap_or_default(),
            process: start_of(id).map(|start| format!("{id}/{start}")).unwrap_or_default(),
            until: Timestamp::now().as_second().saturating_add(seconds),
        }
    }

    /// The text of the annotation.
    pub(super) fn to_text(&self) -> String {
        format!("{} {} {}", self.machine, self.process, self.until)
    }

    /// Reads the text of the annotation.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let (machine, process, until) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { machine: machine.to_owned(), process: process.to_owned(), until: until.parse().ok()? })
    }

    /// Whether its work may still go on.
    pub(super) fn life(&self) -> Life {
        let here = !self.machine.is_empty() && machine().as_deref() == Some(&self.machine);
        let alive = if here {
            let process =
                self.process.split_once('/').and_then(|(id, start)| Some((id.parse().ok()?, start)));
            process.is_some_and(|(id, start)| start_of(id).as_deref() == Some(start))
        } else {
            Timestamp::now().as_second() < self.until
        };
        if alive { Life::AtWork } else { Life::Gone }
    }
}

fn machine() -> Option<String> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{}/{}", boot.trim(), space.display()))
}

/// When a process started, in ticks since boot; `None` when there is none, or only its corpse.
fn start_of(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field, the name, may hold anything; the third is the state.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    if matches!(fields.first(), Some(&"Z" | &"X")) {
        None
    } else {
        fields.get(19).map(|&start| start.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_at_work() {
        let holder = Holder::this_process(Duration::ZERO);
        assert_eq!(Holder::parse(&holder.to_text()).as_ref(), Some(&holder));
        if !holder.machine.is_empty() {
            assert_eq!(holder.life(), Life::AtWork);
            let gone = Holder { process: format!("{}/1", std::process::id()), ..holder };
            assert_eq!(gone.life(), Life::Gone);
        }
    }

    #[test]
    fn elsewhere_only_the_time_counts() {
        let holder = |until| Holder { machine: "elsewhere".into(), process: "1/2".into(), until };
        assert_eq!(holder(i64::MAX).life(), Life::AtWork);
        assert_eq!(holder(1).life(), Life::Gone);
        assert_eq!(Holder::parse("nonsense"), None);
    }
}
