//! A release becomes what its spec asks for: installed, upgraded, or repaired. Follows
//! `pkg/action/{install,upgrade}.go`, with the operator's rule that a failed or interrupted
//! operation is simply done again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::apply::{Drift, Tracked, apply, check_ownership, look_at};
use super::hooks;
use super::inputs::inputs;
use super::lookup::ClusterLookup;
use super::objects::{Desired, Document, desired, of_record, of_rendering, parse, place};
use super::record::{ChartRecord, HookRecord, Info, Record, Status};
use super::storage::{Notes, Storage, Stored};
use super::takeover::take_over;
use super::uninstall::delete_own;
use super::{Error, MANAGER, Spec, State};
use crate::chart::hook::Event;
use crate::chart::{Compat, RenderOptions, Rendered};
use crate::cluster::wait::{Goal, wait_for};
use crate::cluster::{Client, ObjectRef, Reason, Write};

/// How many seconds an operation of somebody else is left alone (Helm's default timeout).
const FOREIGN_OPERATION: i64 = 300;
/// Server-side apply, as records name it.
const APPLY_METHOD: &str = "ssa";
/// How long a CRD may take to be established.
const CRD_TIMEOUT: Duration = Duration::from_secs(60);

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
    let history = storage.history(&spec.name).await?;
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
    if let Some((stored, record)) = &current
        && newest_is_deployed
        && stored.notes.as_ref().is_some_and(|notes| notes.inputs == inputs)
    {
        return verify(client, spec, &storage, stored, record.clone(), inputs).await;
    }
    let revision = next_revision(&history);
    let rendered = render(client, spec, revision, current.is_some())?;
    if let Some((stored, record)) = &current
        && newest_is_deployed
        && same_release(spec, record, &rendered)
    {
        return verify(client, spec, &storage, stored, record.clone(), inputs).await;
    }
    let operation = Operation { client, spec, storage: &storage, history: &history, inputs, revision };
    operation.run(current.map(|(_, record)| record), rendered).await
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
    let objects = desired(client, spec, of_record(&record.manifest)?).await?;
    let broken: Vec<&Desired> =
        objects.iter().filter(|object| drifted.contains_key(&object.reference)).collect();
    let mut state = state.clone();
    let mut repaired = Vec::new();
    for fresh in apply(client, &broken).await? {
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
    client: &Client,
    spec: &Spec,
    storage: &Storage<'_>,
    stored: &Stored,
    record: Record,
    inputs: String,
) -> Result<Outcome, Error> {
    let objects = desired(client, spec, of_record(&record.manifest)?).await?;
    if stored.notes.is_none() {
        take_over(client, &objects).await?;
    }
    let noted = stored.notes.as_ref().map(|notes| notes.objects.as_slice()).unwrap_or_default();
    let mut tracked = look_at(client, &objects).await?;
    let as_left = |(index, live): (usize, &Option<Tracked>)| {
        let digest = live.as_ref().and_then(|live| live.digest);
        digest.is_some() && noted.get(index).copied().flatten() == digest
    };
    let broken: Vec<usize> =
        tracked.iter().enumerate().filter(|live| !as_left(*live)).map(|(index, _)| index).collect();
    let wanted: Vec<&Desired> = broken.iter().map(|&index| &objects[index]).collect();
    let mut repaired = Vec::new();
    for (&index, fresh) in broken.iter().zip(apply(client, &wanted).await?) {
        repaired.push(fresh.object.clone());
        tracked[index] = Some(fresh);
    }
    let tracked: Vec<Tracked> = tracked.into_iter().flatten().collect();
    wait_ready(client, spec, &tracked).await?;
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

/// A pending revision that is not ours may be an operation of Helm's command line that still runs;
/// after a while it counts as interrupted.
fn yield_to_others(history: &[Stored]) -> Result<(), Error> {
    let pending = [Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback];
    let now = Timestamp::now().as_second();
    match history.last() {
        Some(last)
            if pending.contains(&last.status)
                && last.notes.is_none()
                && now - last.written < FOREIGN_OPERATION =>
        {
            Err(Error::InProgress { revision: last.revision, status: last.status.as_str() })
        }
        _ => Ok(()),
    }
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

/// Rendering blocks its thread (and asks the cluster from inside templates).
fn render(client: &Client, spec: &Spec, revision: i64, is_upgrade: bool) -> Result<Rendered, Error> {
    let runtime = Handle::current();
    tokio::task::block_in_place(|| {
        let options = RenderOptions {
            revision,
            is_upgrade,
            capabilities: Arc::clone(&spec.capabilities),
            lookup: Arc::new(ClusterLookup { client: client.clone(), runtime }),
            ..RenderOptions::new(&spec.name, &spec.namespace, Compat::V4)
        };
        Ok(spec.chart.render(&spec.values, &options)?)
    })
}

fn same_release(spec: &Spec, record: &Record, rendered: &Rendered) -> bool {
    let hooks_equal = record.hooks.len() == rendered.hooks.len()
        && record.hooks.iter().zip(&rendered.hooks).all(|(old, new)| old.manifest == new.manifest);
    record.manifest == rendered.manifest()
        && hooks_equal
        && record.config == spec.values
        && record.chart.metadata["version"] == spec.chart.version()
}

async fn wait_ready(client: &Client, spec: &Spec, tracked: &[Tracked]) -> Result<(), Error> {
    if let Some(timeout) = spec.wait {
        let objects: Vec<ObjectRef> = tracked.iter().map(|tracked| tracked.object.clone()).collect();
        wait_for(client, &objects, &Goal::Ready, timeout).await?;
    }
    Ok(())
}

/// One install or upgrade.
struct Operation<'a> {
    client: &'a Client,
    spec: &'a Spec,
    storage: &'a Storage<'a>,
    history: &'a [Stored],
    inputs: String,
    revision: i64,
}

impl Operation<'_> {
    async fn run(&self, current: Option<Record>, rendered: Rendered) -> Result<Outcome, Error> {
        let upgrade = current.is_some();
        create_crds(self.client, self.spec, &rendered).await?;
        let objects = desired(self.client, self.spec, of_rendering(&rendered.manifests)?).await?;
        let old = self.old_objects(current.as_ref()).await?;
        let made_by_others = current.as_ref().is_some_and(|record| record.apply_method != APPLY_METHOD);
        if made_by_others {
            take_over(self.client, &old).await?;
        }
        let is_new = |desired: &&Desired| old.iter().all(|old| old.reference != desired.reference);
        check_ownership(self.client, self.spec, objects.iter().filter(is_new)).await?;
        let mut record = self.record(current.as_ref(), &rendered);
        self.storage.create(&record, &Notes { inputs: self.inputs.clone(), objects: Vec::new() }).await?;
        let result = self.change(&mut record, upgrade, &objects, &old).await;
        let tracked = match result {
            Ok(tracked) => tracked,
            Err(error) => {
                let what = if upgrade { "Upgrade" } else { "Release" };
                record.set_status(Status::Failed, format!("{what} {:?} failed: {error}", self.spec.name));
                self.storage.update(&record, &Notes::default()).await?;
                return Err(error);
            }
        };
        self.finish(&mut record, current, &tracked).await?;
        let state = State {
            revision: self.revision,
            inputs: self.inputs.clone(),
            secret: secret_name(&self.spec.name, self.revision),
            tracked,
        };
        let action = if upgrade { Action::Upgraded } else { Action::Installed };
        Ok(Outcome { action, state, record: Some(Box::new(record)) })
    }

    async fn change(
        &self,
        record: &mut Record,
        upgrade: bool,
        objects: &[Desired],
        old: &[Desired],
    ) -> Result<Vec<Tracked>, Error> {
        let (before, after) = if upgrade {
            (Event::PreUpgrade, Event::PostUpgrade)
        } else {
            (Event::PreInstall, Event::PostInstall)
        };
        hooks::run(self.client, self.spec, &mut record.hooks, before).await?;
        let tracked = apply(self.client, &objects.iter().collect::<Vec<_>>()).await?;
        let wanted: HashSet<&ObjectRef> = objects.iter().map(|desired| &desired.reference).collect();
        for gone in old.iter().filter(|old| !wanted.contains(&old.reference)) {
            if delete_own(self.client, self.spec, gone).await? {
                tracing::info!(object = %gone.reference, "removed: the new manifest has it no more");
            }
        }
        wait_ready(self.client, self.spec, &tracked).await?;
        hooks::run(self.client, self.spec, &mut record.hooks, after).await?;
        Ok(tracked)
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
        self.storage.update(record, &notes).await?;
        if let Some(mut current) = current {
            let stored = self.history.iter().find(|stored| stored.revision == current.version);
            let notes = stored.and_then(|stored| stored.notes.clone()).unwrap_or_default();
            current.info.status = Status::Superseded;
            self.storage.update(&current, &notes).await?;
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
        let mut objects: Vec<Desired> = Vec::new();
        for document in manifests
            .iter()
            .map(|manifest| of_record(manifest))
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .flatten()
        {
            match place(self.client, &self.spec.namespace, document).await {
                Ok(desired) => objects.push(desired),
                Err(Error::Kind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(objects)
    }

    fn record(&self, current: Option<&Record>, rendered: &Rendered) -> Record {
        let now = Timestamp::now();
        let (status, description) = match current {
            None => (Status::PendingInstall, "Initial install underway"),
            Some(_) => (Status::PendingUpgrade, "Preparing upgrade"),
        };
        Record {
            name: self.spec.name.clone(),
            info: Info {
                first_deployed: current.and_then(|record| record.info.first_deployed).or(Some(now)),
                last_deployed: Some(now),
                deleted: None,
                description: description.into(),
                status,
                notes: rendered.notes.clone(),
            },
            chart: ChartRecord::of(&self.spec.chart, &rendered.default_values),
            config: self.spec.values.clone(),
            manifest: rendered.manifest(),
            hooks: rendered.hooks.iter().map(HookRecord::from).collect(),
            version: self.revision,
            namespace: self.spec.namespace.clone(),
            apply_method: APPLY_METHOD.into(),
        }
    }
}

fn secret_name(release: &str, revision: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// The definitions in `crds/` are created once and never touched again.
async fn create_crds(client: &Client, spec: &Spec, rendered: &Rendered) -> Result<(), Error> {
    let mut created = Vec::new();
    for file in &rendered.crds {
        for object in parse(&String::from_utf8_lossy(&file.data), &file.filename)? {
            let document = Document { source: file.filename.clone(), object };
            let crd = place(client, &spec.namespace, document).await?;
            let namespace = crd.reference.namespace.as_deref();
            match client.create(&crd.resource, namespace, &crd.object, Write::by(MANAGER)).await {
                Ok(_) => created.push(crd.reference),
                Err(error) if error.is(Reason::AlreadyExists) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    if !created.is_empty() {
        wait_for(client, &created, &Goal::Ready, CRD_TIMEOUT).await?;
        client.forget_resources();
    }
    Ok(())
}
