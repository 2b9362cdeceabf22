//! `kubernetes.core.k8s_drain`: take a node out of service and back (`plugins/modules/k8s_drain.py`).

use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::connection::AUTH;
use super::super::session::{FIELD_MANAGER, Session, failure};
use super::k8s_taint::{patch_node, read_node};
use crate::cluster::{Change, ChangeOptions, Deletion, Error, ListQuery, Object, Reason, Resource, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct K8sDrain;

/// The annotation of pods that kubelet runs from files.
const MIRROR: &str = "kubernetes.io/config.mirror";

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "kubernetes.core.k8s_drain",
        &[
            Opt::str("state").default("drain").choices(&["cordon", "drain", "uncordon"]),
            Opt::str("name").required(),
            Opt::new("delete_options", Kind::Dict).default("{}").options(&[
                Opt::new("terminate_grace_period", Kind::Int),
                Opt::flag("force"),
                Opt::flag("ignore_daemonsets"),
                Opt::flag("delete_emptydir_data"),
                Opt::flag("disable_eviction"),
                Opt::new("wait_timeout", Kind::Int),
                Opt::new("wait_sleep", Kind::Int).default("5"),
            ]),
            Opt::new("pod_selectors", Kind::ListOfStr).aliases(&["label_selectors"]),
        ],
    )
};

#[async_trait]
impl Module for K8sDrain {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let nodes = session.resource("v1", "Node").await?;
        let pods = session.resource("v1", "Pod").await?;
        let name = args.str("name").unwrap_or_default();
        let node = read_node(&session, &nodes, name, "Node {name} not found.").await?;
        let unschedulable = node.0["spec"]["unschedulable"] == true;
        let options = args.json("delete_options").and_then(|options| options.as_object().cloned());
        let options = options.unwrap_or_default();
        let drain =
            Drain { context, session: &session, args: &args, nodes: &nodes, pods: &pods, name, options };
        match args.str("state") {
            Some("cordon") => drain.mark(unschedulable, true).await,
            Some("uncordon") => drain.mark(unschedulable, false).await,
            _ => drain.run(unschedulable).await,
        }
    }
}

struct Drain<'a> {
    context: &'a ModuleContext,
    session: &'a Session,
    args: &'a Args,
    nodes: &'a Resource,
    pods: &'a Resource,
    name: &'a str,
    options: Map<String, Value>,
}

/// A pod of the node.
#[derive(Debug, PartialEq, Eq)]
struct Pod {
    namespace: String,
    name: String,
    /// Somebody deleted it before.
    leaving: bool,
}

impl std::fmt::Display for Pod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Pods of a node by what draining does to them.
#[derive(Default, Debug, PartialEq, Eq)]
struct Sorted {
    to_delete: Vec<Pod>,
    warnings: Vec<String>,
    errors: Vec<String>,
}

impl Drain<'_> {
    fn flag(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(|value| value == true)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.options.get(name).and_then(Value::as_i64)
    }

    /// Marks the node as (un)schedulable.
    async fn mark(&self, is: bool, wanted: bool) -> Result<TaskResult, ModuleError> {
        let (name, word) = (self.name, if wanted { "unschedulable" } else { "schedulable" });
        if is == wanted {
            return Ok(
                TaskResult::changed(false).with("result", format!("node {name} already marked {word}."))
            );
        }
        self.patch(wanted).await?;
        Ok(TaskResult::changed(true).with("result", format!("node {name} marked {word}.")))
    }

    async fn patch(&self, unschedulable: bool) -> Result<(), ModuleError> {
        if self.context.check {
            return Ok(());
        }
        let patch = json!({"spec": {"unschedulable": unschedulable.then_some(true)}});
        patch_node(self.session, self.nodes, self.name, &patch).await.map(|_| ())
    }

    async fn run(&self, unschedulable: bool) -> Result<TaskResult, ModuleError> {
        let marked = self.mark(unschedulable, true).await?;
        let mut changed = marked.flag("changed");
        let mut told = marked.get("result").map(ToString::to_string).unwrap_or_default();
        let sorted = match self.sorted().await {
            Ok(sorted) => sorted,
            Err(error) => {
                // As it was before.
                if changed {
                    self.patch(false).await?;
                }
                return Err(error);
            }
        };
        let mut warnings = sorted.warnings;
        let count = sorted.to_delete.len();
        if count > 0 && self.context.check {
            changed |= sorted.to_delete.iter().any(|pod| !pod.leaving);
            told.push_str(&format!(" Would have deleted {count} Pod(s) from node if not in check mode."));
        } else if count > 0 {
            changed |= self.evict(&sorted.to_delete).await?;
            told.push_str(&format!(" {count} Pod(s) deleted from node."));
            if let Some(timeout) = self.number("wait_timeout")
                && !self.wait_for_end(sorted.to_delete, timeout).await?
            {
                warnings.push("timeout reached while pods were still running.".to_owned());
            }
        }
        Ok(TaskResult::changed(changed).with("result", told).warned(warnings))
    }

    async fn sorted(&self) -> Result<Sorted, ModuleError> {
        let labels = self.args.texts("pod_selectors").map(|parts| parts.join(","));
        let query = ListQuery {
            labels: labels.filter(|text| !text.is_empty()),
            fields: Some(format!("spec.nodeName={}", self.name)),
            metadata_only: false,
        };
        let what = format!("Failed to list pod from node {}", self.name);
        let pods = self.session.client.list(self.pods, None, &query).await;
        let pods = pods.map_err(|error| failure(&what, &error))?;
        let (force, daemonsets) = (self.flag("force"), self.flag("ignore_daemonsets"));
        let sorted = sort(&pods, force, daemonsets, self.flag("delete_emptydir_data"));
        if sorted.errors.is_empty() {
            return Ok(sorted);
        }
        Err(ModuleError::new(format!("Pod deletion errors: {}", sorted.errors.join(" "))))
    }

    /// Asks the pods to go; tells whether any was there. Those that are leaving are not asked: the eviction is
    /// refused where their whole namespace ends.
    async fn evict(&self, pods: &[Pod]) -> Result<bool, ModuleError> {
        let mut changed = false;
        for pod in pods.iter().filter(|pod| !pod.leaving) {
            let gone = match self.evict_one(&pod.namespace, &pod.name).await {
                Ok(()) => true,
                Err(error) if error.is(Reason::NotFound) => false,
                Err(error) => {
                    let why =
                        error.refusal().map_or_else(|| error.to_string(), |refusal| refusal.message.clone());
                    return Err(ModuleError::new(format!("Failed to delete pod {pod} due to: {why}")));
                }
            };
            changed |= gone;
        }
        Ok(changed)
    }

    async fn evict_one(&self, namespace: &str, name: &str) -> Result<(), Error> {
        let client = &self.session.client;
        let target = Target::new(self.pods, Some(namespace), name);
        let grace_period = self.number("terminate_grace_period");
        if self.flag("disable_eviction") {
            let deletion = Deletion { grace_period, ..Deletion::default() };
            return client.delete(target, &deletion).await.map(|_| ());
        }
        let mut eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace},
        });
        if let Some(seconds) = grace_period {
            eviction["deleteOptions"] = json!({"gracePeriodSeconds": seconds});
        }
        let write = ChangeOptions { manager: FIELD_MANAGER, dry_run: false, validation: None };
        client.change(target.subresource("eviction"), Change::Create(&eviction), write).await.map(|_| ())
    }

    /// Waits until the pods are gone from the node; a timeout of zero waits for ever.
    async fn wait_for_end(&self, mut pods: Vec<Pod>, timeout: i64) -> Result<bool, ModuleError> {
        let begin = Instant::now();
        let timeout = Duration::from_secs(timeout.max(0).unsigned_abs());
        let sleep = Duration::from_secs(self.number("wait_sleep").unwrap_or(5).max(1).unsigned_abs());
        let mut pause = Duration::from_millis(100);
        loop {
            while let Some(pod) = pods.last() {
                let target = Target::new(self.pods, Some(&pod.namespace), &pod.name);
                let found = self.session.client.get(target).await;
                let found = found.map_err(|error| ModuleError::new(format!("Exception raised: {error}")))?;
                if found.is_some_and(|pod| pod.0["spec"]["nodeName"] == self.name) {
                    break;
                }
                pods.pop();
            }
            if pods.is_empty() {
                return Ok(true);
            }
            if !timeout.is_zero() && begin.elapsed() >= timeout {
                return Ok(false);
            }
            self.context.until_cancelled(tokio::time::sleep(pause.min(sleep))).await?;
            pause = pause.saturating_mul(2);
        }
    }
}

fn sort(pods: &[Object], force: bool, ignore_daemonsets: bool, delete_emptydir_data: bool) -> Sorted {
    let (mut daemons, mut unmanaged, mut mirrors, mut local) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut sorted = Sorted::default();
    for pod in pods {
        let id = Pod {
            namespace: pod.namespace().unwrap_or_default().to_owned(),
            name: pod.name().to_owned(),
            leaving: pod.0["metadata"]["deletionTimestamp"].is_string(),
        };
        let owners = pod.0["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
        let has_local_data = pod.0["spec"]["volumes"]
            .as_array()
            .is_some_and(|volumes| volumes.iter().any(|volume| volume["emptyDir"].is_object()));
        if pod.annotation(MIRROR).is_some() {
            mirrors.push(id);
        } else if matches!(pod.0["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            sorted.to_delete.push(id);
        } else if owners.iter().any(|owner| owner["kind"] == "DaemonSet") {
            daemons.push(id);
        } else if has_local_data {
            local.push(id);
        } else if owners.is_empty() {
            unmanaged.push(id);
        } else {
            sorted.to_delete.push(id);
        }
    }
    let names = |pods: &[Pod]| pods.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    const UNMANAGED: &str =
        "Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet";
    match force {
        _ if unmanaged.is_empty() => {}
        true => {
            sorted.warnings.push(format!("Deleting {UNMANAGED}: {}.", names(&unmanaged)));
            sorted.to_delete.extend(unmanaged);
        }
        false => sorted
            .errors
            .push(format!("cannot delete {UNMANAGED} (use option force set to yes): {}.", names(&unmanaged))),
    }
    if !mirrors.is_empty() {
        sorted.warnings.push(format!("cannot delete mirror Pods using API server: {}.", names(&mirrors)));
    }
    match delete_emptydir_data {
        _ if local.is_empty() => {}
        true => {
            sorted.warnings.push(format!("Deleting Pods with local storage: {}.", names(&local)));
            sorted.to_delete.extend(local);
        }
        false => sorted.errors.push(format!("cannot delete Pods with local storage: {}.", names(&local))),
    }
    match ignore_daemonsets {
        _ if daemons.is_empty() => {}
        true => sorted.warnings.push(format!("Ignoring DaemonSet-managed Pods: {}.", names(&daemons))),
        false => sorted.errors.push(format!(
            "cannot delete DaemonSet-managed Pods (use option ignore_daemonset set to yes): {}.",
            names(&daemons)
        )),
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, more: Value) -> Object {
        let mut pod =
            json!({"metadata": {"name": name, "namespace": "n"}, "spec": {}, "status": {"phase": "Running"}});
        for (pointer, value) in more.as_object().unwrap() {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            pod.pointer_mut(parent).unwrap()[key] = value.clone();
        }
        Object(pod)
    }

    #[test]
    fn pods_are_sorted_by_what_becomes_of_them() {
        let owner = |kind: &str| json!({"/metadata/ownerReferences": [{"kind": kind}]});
        let pods = [
            pod("alone", json!({})),
            pod(
                "done",
                json!({"/status/phase": "Succeeded", "/metadata/deletionTimestamp": "2026-01-01T00:00:00Z"}),
            ),
            pod("replica", owner("ReplicaSet")),
            pod("daemon", {
                let mut more = owner("DaemonSet");
                more["/spec/volumes"] = json!([{"name": "a", "emptyDir": {}}]);
                more
            }),
            pod("data", json!({"/spec/volumes": [{"name": "a", "emptyDir": {}}]})),
            pod("mirror", json!({"/metadata/annotations": {MIRROR: "x"}})),
        ];
        let refused = sort(&pods, false, false, false);
        assert_eq!(refused.errors.len(), 3);
        let forced = sort(&pods, true, true, true);
        let names: Vec<_> = forced.to_delete.iter().map(|pod| pod.name.as_str()).collect();
        assert_eq!(names, ["done", "replica", "alone", "data"]);
        assert!(forced.to_delete[0].leaving && !forced.to_delete[1].leaving);
        assert_eq!((forced.warnings.len(), forced.errors.len()), (4, 0));
    }
}
