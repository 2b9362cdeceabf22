//! A release becomes what its spec asks for: installed, upgraded, or repaired. Follows
//! `pkg/action/{install,upgrade}.go`, with the operator's rule that a failed or interrupted
//! operation is simply done again.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::apply::{Drift, Tracked, apply, look_at};
use super::inputs::inputs;
use super::objects::{Desired, desired, of_record, of_rendering, parse, stored};
use super::operation::{INSTALL, Operation, UPGRADE};
use super::options::Source;
use super::record::{Record, Status, as_written};
use super::rendering::{Moment, create_crds, record, render};
use super::revisions::{supersede, yield_to_others};
use super::scope::Scope;
use super::storage::{Beside, Notes, Storage, Stored, secret_name};
use super::takeover::take_over;
use super::{Error, Spec, State};
use crate::chart::Rendered;
use crate::cluster::{Client, ObjectRef};

/// What a pass did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: everything is as it should be.
    Unchanged,
    /// A first revision.
    Installed,
    /// A next revision.
    Upgraded,
    /// Objects were put back as the deployed revision has them.
    Repaired(Vec<ObjectRef>),
}

/// The result of a pass.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was done.
    pub action: Action,
    /// What to remember for the next pass.
    pub state: State,
    /// The record of the deployed revision, when the pass had it in hands.
    pub record: Option<Box<Record>>,
}

/// Brings a release to where `spec` wants it.
///
/// # Errors
/// Whatever [`Error`] tells; the record says `failed` then, and the next call does it again.
pub async fn deploy(client: &Client, spec: &Spec) -> Result<Outcome, Error> {
    let storage = Storage::new(client, &spec.namespace, spec.owner.as_ref()).await?;
    let remembered = storage.remembered_history(&spec.name).await?;
    match deploy_after(client, spec, &storage, remembered).await {
        // A revision that the API server did not remember.
        Err(Error::InProgress { .. }) => {
            let history = storage.history(&spec.name).await?;
            deploy_after(client, spec, &storage, history).await
        }
        deployed => deployed,
    }
}

async fn deploy_after(
    client: &Client,
    spec: &Spec,
    storage: &Storage<'_>,
    history: Vec<Stored>,
) -> Result<Outcome, Error> {
    let scope = Scope::of_spec(client, spec);
    yield_to_others(&history)?;
    let inputs = inputs(spec);
    let deployed = history.iter().rev().find(|stored| stored.status == Status::Deployed);
    let mut current = None;
    if let Some(stored) = deployed {
        let record = storage.read(&stored.secret).await?;
        if let Some(record) = &record {
            check_chart(spec, record)?;
        }
        current = record.map(|record| (stored, record));
    }
    let newest_is_deployed = history.last() == deployed;
    if newest_is_deployed && let Some(stored) = deployed {
        // An interruption may have left the one before it deployed as well.
        supersede(storage, &history, stored.revision).await?;
    }
    if let Some((stored, record)) = &current
        && newest_is_deployed
        && stored.notes.as_ref().is_some_and(|notes| notes.inputs == inputs)
    {
        return verify(&scope, storage, stored, record.clone(), inputs).await;
    }
    let revision = next_revision(&history);
    let source = Source::new(Arc::clone(&spec.chart), spec.values.clone());
    let moment = Moment { revision, is_upgrade: current.is_some(), capabilities: &spec.capabilities };
    let rendered = render(&scope, &source, moment)?;
    if let Some((stored, record)) = &current
        && newest_is_deployed
        && same_release(spec, record, &rendered)
    {
        return verify(&scope, storage, stored, record.clone(), inputs).await;
    }
    let work = Work { scope: &scope, spec, storage, history: &history, inputs, revision };
    work.run(current.map(|(_, record)| record), rendered).await
}

/// Puts back objects as the deployed revision's record has them: those that `drifted` names.
///
/// # Errors
/// Whatever [`Error`] tells.
pub async fn repair(
    client: &Client,
    spec: &Spec,
    state: &State,
    drifted: &HashMap<ObjectRef, Drift>,
) -> Result<Outcome, Error> {
    let storage = Storage::new(client, &spec.namespace, spec.owner.as_ref()).await?;
    let Some(record) = storage.read(&state.secret).await? else { return deploy(client, spec).await };
    let scope = Scope::of_spec(client, spec);
    let objects = desired(&scope, of_record(&record.manifest)?).await?;
    let broken: Vec<&Desired> =
        objects.iter().filter(|object| drifted.contains_key(&object.reference)).collect();
    let mut state = state.clone();
    let mut repaired = Vec::new();
    for fresh in apply(&scope, &broken, &[]).await? {
        let old = state.tracked.iter_mut().find(|old| old.object == fresh.object);
        let known = drifted.get(&fresh.object) == Some(&Drift::Known);
        if known || old.as_ref().is_none_or(|old| old.uid != fresh.uid) {
            repaired.push(fresh.object.clone());
        }
        match old {
            Some(old) => *old = fresh,
            None => state.tracked.push(fresh),
        }
    }
    Ok(Outcome { action: repairs(repaired), state, record: Some(Box::new(record)) })
}

fn repairs(repaired: Vec<ObjectRef>) -> Action {
    if repaired.is_empty() { Action::Unchanged } else { Action::Repaired(repaired) }
}

/// The deployed revision answers the inputs; makes sure that its objects are as they were left.
async fn verify(
    scope: &Scope<'_>,
    storage: &Storage<'_>,
    stored: &Stored,
    record: Record,
    inputs: String,
) -> Result<Outcome, Error> {
    let objects = desired(scope, of_record(&record.manifest)?).await?;
    if stored.notes.is_none() {
        take_over(scope.client, &objects).await?;
    }
    let noted = stored.notes.as_ref().map(|notes| notes.objects.as_slice()).unwrap_or_default();
    let mut tracked = look_at(scope.client, &objects).await?;
    let as_left = |(index, live): (usize, &Option<Tracked>)| {
        let digest = live.as_ref().and_then(|live| live.digest);
        digest.is_some() && noted.get(index).copied().flatten() == digest
    };
    let broken: Vec<usize> =
        tracked.iter().enumerate().filter(|live| !as_left(*live)).map(|(index, _)| index).collect();
    let wanted: Vec<&Desired> = broken.iter().map(|&index| &objects[index]).collect();
    let mut repaired = Vec::new();
    for (&index, fresh) in broken.iter().zip(apply(scope, &wanted, &[]).await?) {
        repaired.push(fresh.object.clone());
        tracked[index] = Some(fresh);
    }
    let tracked: Vec<Tracked> = tracked.into_iter().flatten().collect();
    scope.wait_ready(tracked.iter().map(|tracked| &tracked.object)).await?;
    let notes = Notes { inputs: inputs.clone(), objects: digests(&tracked) };
    if stored.notes.as_ref() != Some(&notes) {
        storage.note(&stored.secret, &notes).await?;
    }
    let state = State { revision: stored.revision, inputs, secret: stored.secret.clone(), tracked };
    Ok(Outcome { action: repairs(repaired), state, record: Some(Box::new(record)) })
}

fn digests(tracked: &[Tracked]) -> Vec<Option<u64>> {
    tracked.iter().map(|object| object.digest).collect()
}

/// A revision that failed or was interrupted is made anew under its own number.
fn next_revision(history: &[Stored]) -> i64 {
    let counts = |stored: &&Stored| matches!(stored.status, Status::Deployed | Status::Superseded);
    history.iter().filter(counts).map(|stored| stored.revision).max().unwrap_or(0) + 1
}

fn check_chart(spec: &Spec, record: &Record) -> Result<(), Error> {
    let (found, wanted) = (record.chart.name(), spec.chart.name());
    if found.is_empty() || found == wanted {
        return Ok(());
    }
    Err(Error::OtherChart {
        name: spec.name.clone(),
        namespace: spec.namespace.clone(),
        found: found.to_owned(),
        wanted: wanted.to_owned(),
    })
}

/// Compares what the texts say, as Helm 3 and Helm 4 space them differently.
fn same_release(spec: &Spec, record: &Record, rendered: &Rendered) -> bool {
    let objects = |text: &str| parse(text, "").unwrap_or_default();
    let new: Vec<_> = rendered.manifests.iter().flat_map(|manifest| objects(&manifest.text)).collect();
    let old_hooks = record.hooks.iter().map(|hook| objects(&hook.manifest));
    let new_hooks = rendered.hooks.iter().map(|hook| objects(&hook.manifest));
    objects(&record.manifest) == new
        && old_hooks.eq(new_hooks)
        && Value::Object(record.config.clone()) == as_written(&Value::Object(spec.values.clone()))
        && record.chart.metadata["version"] == spec.chart.version()
}

/// One install or upgrade by the operator.
struct Work<'a> {
    scope: &'a Scope<'a>,
    spec: &'a Spec,
    storage: &'a Storage<'a>,
    history: &'a [Stored],
    inputs: String,
    revision: i64,
}

impl Work<'_> {
    async fn run(&self, current: Option<Record>, rendered: Rendered) -> Result<Outcome, Error> {
        create_crds(self.scope, &rendered).await?;
        let objects = desired(self.scope, of_rendering(&rendered.manifests)?).await?;
        let old = self.old_objects(current.as_ref()).await?;
        if current.as_ref().is_some_and(|record| !record.is_server_side()) {
            take_over(self.scope.client, &old).await?;
        }
        let moment = self.moment(current.is_some());
        let chart = (&*self.spec.chart, &self.spec.values);
        let first = current.as_ref().and_then(|record| record.info.first_deployed);
        let mut record = record(self.scope, chart, moment, &rendered, first);
        let pending = Notes { inputs: self.inputs.clone(), objects: Vec::new() };
        let failed = Notes::default();
        let operation = Operation {
            scope: self.scope,
            storage: self.storage,
            change: if current.is_some() { UPGRADE } else { INSTALL },
            pending: Beside::Notes(&pending),
            failed: Beside::Notes(&failed),
            // One that nobody knew of is somebody else's.
            replace: self.history.iter().any(|stored| stored.revision == self.revision),
            clean_up: false,
        };
        let tracked = operation.run(&mut record, &objects, &old).await?;
        let action = if current.is_some() { Action::Upgraded } else { Action::Installed };
        self.finish(&mut record, current, &tracked).await?;
        let state = State {
            revision: self.revision,
            inputs: self.inputs.clone(),
            secret: secret_name(&self.spec.name, self.revision),
            tracked,
        };
        Ok(Outcome { action, state, record: Some(Box::new(record)) })
    }

    fn moment(&self, is_upgrade: bool) -> Moment<'_> {
        Moment { revision: self.revision, is_upgrade, capabilities: &self.spec.capabilities }
    }

    /// The new revision is deployed; older ones step back, the oldest go. In this order, an interruption
    /// leaves a deployed revision.
    async fn finish(
        &self,
        record: &mut Record,
        current: Option<Record>,
        tracked: &[Tracked],
    ) -> Result<(), Error> {
        let upgrade = current.is_some();
        record.set_status(Status::Deployed, if upgrade { "Upgrade complete" } else { "Install complete" });
        let notes = Notes { inputs: self.inputs.clone(), objects: digests(tracked) };
        self.storage.update(record, Beside::Notes(&notes)).await?;
        if let Some(mut current) = current {
            current.info.status = Status::Superseded;
            self.storage.update(&current, Beside::AsIs).await?;
        }
        let obsolete = |stored: &&Stored| {
            let unfinished = !matches!(stored.status, Status::Deployed | Status::Superseded);
            let too_old =
                stored.revision <= self.revision - i64::try_from(self.spec.history_limit).unwrap_or(i64::MAX);
            stored.revision != self.revision && (unfinished || (self.spec.history_limit > 0 && too_old))
        };
        for stored in self.history.iter().filter(obsolete) {
            self.storage.delete(&stored.secret).await?;
        }
        Ok(())
    }

    /// The objects of the deployed revision and of one that was not finished.
    async fn old_objects(&self, current: Option<&Record>) -> Result<Vec<Desired>, Error> {
        let mut manifests: Vec<String> = current.iter().map(|record| record.manifest.clone()).collect();
        let unfinished = |stored: &&Stored| {
            !matches!(stored.status, Status::Deployed | Status::Superseded | Status::Uninstalled)
        };
        for stored in self.history.iter().filter(unfinished) {
            manifests.extend(self.storage.read(&stored.secret).await?.map(|record| record.manifest));
        }
        stored(self.scope, &manifests.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}
