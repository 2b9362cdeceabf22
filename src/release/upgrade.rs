//! A release gets a new chart or new values. Follows `pkg/action/upgrade.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::objects::{desired, of_rendering, stored};
use super::operation::{Operation, UPGRADE};
use super::options::{Options, Source};
use super::record::{Record, Status, as_read};
use super::rendering::{Moment, record, render};
use super::revisions::{current, prune, settle, supersede};
use super::rollback::rollback;
use super::storage::{Beside, Storage, Stored};
use super::takeover::take_over;
use super::{Error, capabilities};
use crate::chart::{Chart, Compat, values};
use crate::cluster::Client;

/// What becomes of the values that the release has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// They stay when no new ones are given, and go otherwise.
    #[default]
    UnlessGiven,
    /// They go.
    Reset,
    /// They stay below the new ones, over the defaults of the old chart.
    Reuse,
    /// They stay below the new ones, over the defaults of the new chart.
    ResetThenReuse,
}

/// Upgrades a release; the record of the new revision. Objects that drifted or vanished are put back.
///
/// # Errors
/// [`Error::NotDeployed`], [`Error::InProgress`]; whatever [`Error`] tells; the record says `failed` then
/// and the deployed revision stays the deployed one, unless the failure was rolled back.
pub async fn upgrade(
    client: &Client,
    options: &Options,
    source: &Source,
    reuse: Reuse,
) -> Result<Record, Error> {
    let strict = client.strict();
    let client = if options.strict { &strict } else { client };
    let storage = Storage::new(client, &options.namespace, None).await?;
    let mut history = storage.history(&options.name).await?;
    if options.dry_run {
        return Ok(plan(client, options, source, reuse, &storage, &history).await?.dry_run());
    }
    settle(&storage, &mut history).await?;
    let Plan { current, mut new, rendered, .. } =
        plan(client, options, source, reuse, &storage, &history).await?;
    Storage::check_size(&new)?;
    let scope = options.scope(client, Some(&current))?;
    let objects = desired(&scope, of_rendering(&rendered.manifests)?).await?;
    let unfinished = unfinished(&storage, &history, &current).await?;
    let mut manifests = vec![current.manifest.as_str()];
    manifests.extend(unfinished.iter().map(|record| record.manifest.as_str()));
    let old = stored(&scope, &manifests).await?;
    if new.is_server_side() && !current.is_server_side() {
        take_over(client, &old).await?;
    }
    let holder = options.holder();
    let operation = Operation {
        scope: &scope,
        storage: &storage,
        change: UPGRADE,
        pending: Beside::Holder(&holder),
        failed: Beside::Nothing,
        replace: false,
        clean_up: options.clean_up_on_failure,
    };
    if let Err(error) = operation.run(&mut new, &objects, &old).await {
        let begun = new.info.status == Status::Failed;
        return Err(if options.rollback_on_failure && begun {
            undo(client, options, &history, error).await
        } else {
            error
        });
    }
    let description = options.description.clone().unwrap_or_else(|| "Upgrade complete".into());
    new.set_status(Status::Deployed, description);
    storage.update(&new, Beside::Nothing).await?;
    supersede(&storage, &history, new.version).await?;
    prune(&storage, &history, new.version, options.history_limit).await?;
    Ok(new)
}

/// An upgrade before it begins.
pub(super) struct Plan {
    pub(super) current: Record,
    pub(super) new: Record,
    pub(super) rendered: crate::chart::Rendered,
}

impl Plan {
    fn dry_run(self) -> Record {
        let mut new = self.new;
        new.info.description = "Dry run complete".into();
        new
    }
}

/// Renders the revision that an upgrade would make.
pub(super) async fn plan(
    client: &Client,
    options: &Options,
    source: &Source,
    reuse: Reuse,
    storage: &Storage<'_>,
    history: &[Stored],
) -> Result<Plan, Error> {
    let current = current(storage, history, &options.name).await?;
    let scope = options.scope(client, Some(&current))?;
    let revision = history.last().map_or(1, |last| last.revision + 1);
    let (values, defaults) = values_of(&current, source.values.clone(), reuse);
    let chart: Arc<Chart> = match defaults {
        Some(defaults) => Arc::new(source.chart.with_values(defaults)?),
        None => Arc::clone(&source.chart),
    };
    let source = Source { chart, values, ..source.clone() };
    let capabilities = Arc::new(capabilities(client, Compat::V4).await?);
    let moment = Moment { revision, is_upgrade: true, capabilities: &capabilities };
    let rendered = render(&scope, &source, moment)?;
    let first = current.info.first_deployed;
    let mut new = record(&scope, (&source.chart, &source.values), moment, &rendered, first);
    let last = history.last().filter(|last| last.revision != current.version);
    let labels = match last {
        Some(last) => storage.read(&last.secret).await?.map(|record| record.labels),
        None => None,
    };
    let labels: &BTreeMap<String, String> = labels.as_ref().unwrap_or(&current.labels);
    new.labels = options.labels_over(labels);
    Ok(Plan { current, new, rendered })
}

/// The values of the new revision, and the defaults that take the place of the chart's. Numbers that
/// come from the record are floats for the templates, as Go decodes them.
fn values_of(
    current: &Record,
    new: Map<String, Value>,
    reuse: Reuse,
) -> (Map<String, Value>, Option<Map<String, Value>>) {
    let floats = |values: Map<String, Value>| -> Map<String, Value> {
        values.into_iter().map(|(key, value)| (key, as_read(value))).collect()
    };
    let old = || floats(current.config.clone());
    match reuse {
        Reuse::Reset => (new, None),
        Reuse::UnlessGiven if new.is_empty() => (old(), None),
        Reuse::UnlessGiven => (new, None),
        Reuse::Reuse => (values::over_values(new, old()), Some(floats(current.computed_values()))),
        Reuse::ResetThenReuse => (values::over_values(new, old()), None),
    }
}

/// Revisions after the current one that failed: what they created may still be there.
async fn unfinished(
    storage: &Storage<'_>,
    history: &[Stored],
    current: &Record,
) -> Result<Vec<Record>, Error> {
    let mut records = Vec::new();
    for stored in history.iter().filter(|stored| stored.revision > current.version) {
        records.extend(storage.read(&stored.secret).await?);
    }
    Ok(records)
}

/// Goes back to the last revision that was deployed.
async fn undo(client: &Client, options: &Options, history: &[Stored], error: Error) -> Error {
    let good = |stored: &&Stored| matches!(stored.status, Status::Deployed | Status::Superseded);
    let source = Box::new(error);
    let not_undone = |source, second| Error::NotUndone { undoing: "rolling back", source, second };
    let Some(good) = history.iter().rev().find(good) else {
        return not_undone(source, Box::new(Error::NotDeployed(options.name.clone())));
    };
    let options = Options {
        description: None,
        rollback_on_failure: false,
        wait: options.wait.max_ready(),
        ..options.clone()
    };
    match rollback(client, &options, good.revision).await {
        Ok(_) => Error::Undone { name: options.name, done: "rolled back", source },
        Err(second) => not_undone(source, Box::new(second)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn values(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn current() -> Record {
        let mut record = Record::decode(b"eyJuYW1lIjoieCJ9").unwrap();
        record.config = values(json!({"a": 1.0, "t": {"x": 1.0, "y": 1.0}}));
        record.chart.values = json!({"a": 0, "d": 0, "t": {"z": 0}});
        record
    }

    #[test]
    fn values_are_reset_or_reused() {
        let given = || values(json!({"t": {"x": 2}, "n": 1}));
        let merged = values(json!({"a": 1.0, "t": {"x": 2, "y": 1.0}, "n": 1}));
        assert_eq!(values_of(&current(), Map::new(), Reuse::UnlessGiven).0, current().config);
        assert_eq!(values_of(&current(), given(), Reuse::UnlessGiven), (given(), None));
        assert_eq!(values_of(&current(), Map::new(), Reuse::Reset), (Map::new(), None));
        assert_eq!(values_of(&current(), given(), Reuse::ResetThenReuse), (merged.clone(), None));
        let old = values(json!({"a": 1.0, "d": 0.0, "t": {"x": 1.0, "y": 1.0, "z": 0.0}}));
        assert_eq!(values_of(&current(), given(), Reuse::Reuse), (merged, Some(old)));
    }

    #[test]
    fn a_null_removes_a_value_that_was_given_before() {
        let given = values(json!({"a": null, "unknown": null}));
        let expected = values(json!({"t": {"x": 1.0, "y": 1.0}, "unknown": null}));
        assert_eq!(values_of(&current(), given, Reuse::ResetThenReuse).0, expected);
    }
}
