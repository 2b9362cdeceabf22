//! Programs that run in a pod to their end, one after the other, and the Job that runs them.
//!
//! The Job of a name is made once: a later run of the task finds it, waits for its end if it still
//! runs, and gives the same result. So a task that was cut off by a restart of the operator goes on
//! where it was, and one that succeeded is not repeated; one that failed is made anew. Another name
//! makes another Job.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::ready::{Readiness, pod_trouble, readiness};
use crate::cluster::wait::{Goal, WaitError, wait_for};
use crate::cluster::{Deletion, ListQuery, LogQuery, Object, Reason, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::result::{ModuleError, TaskResult};

/// How much of the log the result holds.
const LOG_LINES: u64 = 200;
/// How long a Job that failed before may take to go.
const DELETION: Duration = Duration::from_secs(120);
/// How many of the last lines of the log a failure tells.
const TOLD_LINES: usize = 5;

/// The programs and what they need.
#[derive(Default)]
pub(super) struct Workload {
    pub(super) name: String,
    pub(super) namespace: String,
    /// What runs, one after the other: the last in the Job's container, the others in init containers before it.
    pub(super) programs: Vec<Program>,
    pub(super) mounts: Vec<Mount>,
    pub(super) service_account: Option<String>,
    pub(super) user: i64,
    /// How often a pod may fail before the Job does.
    pub(super) retries: i64,
    pub(super) timeout: Duration,
}

/// A program in its container.
#[derive(Default)]
pub(super) struct Program {
    /// `image`, `command`, `args`, `resources` of the container, as given.
    pub(super) container: Vec<(&'static str, Value)>,
    /// `env` of the container.
    pub(super) env: Vec<Value>,
}

/// Something that the programs see as a directory.
pub(super) struct Mount {
    pub(super) path: String,
    /// The volume's source, as a pod spec names it.
    pub(super) source: Value,
    pub(super) read_only: bool,
}

/// What came of it.
pub(super) struct Ended {
    /// Whether this run made the Job.
    pub(super) created: bool,
    /// The Job; nothing in check mode.
    pub(super) job: Value,
    /// The end of what each program of the newest pod told; empty when the pod is gone.
    pub(super) log: String,
}

impl Workload {
    /// Runs the Job unless it ran before, and waits for its end.
    ///
    /// # Errors
    /// The Job failed or did not end in time: with the pod's trouble and the last lines of the log.
    pub(super) async fn run(&self, context: &ModuleContext, session: &Session) -> Result<Ended, ModuleError> {
        let resource = session.resource("batch/v1", "Job").await?;
        let target = Target::new(&resource, Some(&self.namespace), &self.name);
        let (created, job) = self.make(context, session, target).await?;
        if context.check {
            return Ok(Ended { created, job: Value::Null, log: String::new() });
        }
        let jobs = [job.reference()];
        let ended = wait_for(&session.client, &jobs, &Goal::Ready, self.timeout);
        let ended = context.until_cancelled(ended).await?;
        let (pod, log) = self.last_pod(session).await;
        match ended {
            Ok(jobs) => {
                let job = jobs.into_iter().flatten().next().unwrap_or_default().0;
                Ok(Ended { created, job, log })
            }
            Err(WaitError::Cluster(error)) => Err(failure("failed to wait for the Job", &error)),
            Err(not_reached) => {
                let trouble = pod.as_ref().and_then(pod_trouble).map(|trouble| format!(" ({trouble})"));
                let skipped = log.lines().count().saturating_sub(TOLD_LINES);
                let tail: Vec<&str> = log.lines().skip(skipped).collect();
                let message = format!(
                    "{not_reached}{}; its log ends with:\n{}",
                    trouble.unwrap_or_default(),
                    tail.join("\n")
                );
                Err(ModuleError::Failed(Box::new(with_log(TaskResult::failure(message), &log))))
            }
        }
    }

    /// Runs the Job again although it ran before.
    ///
    /// # Errors
    /// As [`Workload::run`], and when the old Job does not go.
    pub(super) async fn run_again(
        &self,
        context: &ModuleContext,
        session: &Session,
    ) -> Result<Ended, ModuleError> {
        let resource = session.resource("batch/v1", "Job").await?;
        let target = Target::new(&resource, Some(&self.namespace), &self.name);
        let existing = session.client.get(target).await;
        if let Some(job) = existing.map_err(|error| failure("failed to read the Job", &error))? {
            remove(context, session, target, &job).await?;
        }
        self.run(context, session).await
    }

    /// Makes the Job unless it is there; one that failed before makes room for another try.
    /// Tells whether it was made.
    async fn make(
        &self,
        context: &ModuleContext,
        session: &Session,
        target: Target<'_>,
    ) -> Result<(bool, Object), ModuleError> {
        let resource = target.resource;
        let existing = session.client.get(target).await;
        if let Some(job) = existing.map_err(|error| failure("failed to read the Job", &error))? {
            session.remember(&job, resource);
            match readiness(&job) {
                Readiness::Failed(_) if !context.check => remove(context, session, target, &job).await?,
                _ => return Ok((false, job)),
            }
        }
        let mut job = self.manifest();
        session.own(&mut job, resource);
        let write = Write { manager: FIELD_MANAGER, dry_run: context.check };
        match session.client.create(resource, target.namespace, &job, write).await {
            Ok(job) => {
                session.remember(&job, resource);
                Ok((true, job))
            }
            Err(error) if error.is(Reason::AlreadyExists) => Ok((false, job)),
            Err(error) => Err(failure("failed to create the Job", &error)),
        }
    }

    /// The newest pod of the Job and the end of its log; both may be missing, as pods can be deleted.
    async fn last_pod(&self, session: &Session) -> (Option<Object>, String) {
        let Ok(pods) = session.client.resource("v1", "Pod").await else { return (None, String::new()) };
        let labels = Some(format!("batch.kubernetes.io/job-name={}", self.name));
        let query = ListQuery { labels, fields: None, metadata_only: false };
        let found = session.client.list(&pods, Some(&self.namespace), &query).await.unwrap_or_default();
        // RFC 3339 texts of one zone sort by time.
        let born =
            |pod: &Object| pod.0["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        let Some(pod) = found.into_iter().max_by_key(born) else { return (None, String::new()) };
        let mut log = String::new();
        for index in 0..self.programs.len() {
            // A program after one that failed has no log.
            let query = LogQuery { container: Some(self.container_name(index)), ..LogQuery::tail(LOG_LINES) };
            log += &session.client.logs(&self.namespace, pod.name(), &query).await.unwrap_or_default();
        }
        (Some(pod), log)
    }

    fn container_name(&self, index: usize) -> String {
        if index + 1 == self.programs.len() { "job".to_owned() } else { format!("step-{}", index + 1) }
    }

    fn manifest(&self) -> Object {
        let user = self.user;
        // A program may want to write there, and its root file system may be read-only.
        let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}})];
        let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"})];
        for (index, mount) in self.mounts.iter().enumerate() {
            let name = format!("volume-{index}");
            mounts.push(json!({"name": name, "mountPath": mount.path, "readOnly": mount.read_only}));
            let mut volume = mount.source.clone();
            volume["name"] = name.into();
            volumes.push(volume);
        }
        let container = |(index, program): (usize, &Program)| {
            let mut container = json!({
                "name": self.container_name(index),
                "env": program.env,
                "volumeMounts": mounts,
                "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
            });
            for (field, value) in &program.container {
                container[*field] = value.clone();
            }
            container
        };
        let mut before: Vec<Value> = self.programs.iter().enumerate().map(container).collect();
        let last = before.pop();
        let mut pod = json!({
            "restartPolicy": "Never",
            "containers": last.as_slice(),
            "volumes": volumes,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": user, "runAsGroup": user, "fsGroup": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        });
        if !before.is_empty() {
            pod["initContainers"] = before.into();
        }
        match &self.service_account {
            Some(account) => pod["serviceAccountName"] = account.as_str().into(),
            None => pod["automountServiceAccountToken"] = false.into(),
        }
        Object(json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": self.name, "namespace": self.namespace},
            "spec": {
                "backoffLimit": self.retries,
                "activeDeadlineSeconds": self.timeout.as_secs().max(1),
                "template": {"spec": pod},
            },
        }))
    }
}

async fn remove(
    context: &ModuleContext,
    session: &Session,
    target: Target<'_>,
    job: &Object,
) -> Result<(), ModuleError> {
    let deletion = Deletion { uid: job.uid().map(str::to_owned), ..Deletion::default() };
    let deleted = session.client.delete(target, &deletion).await;
    deleted.map_err(|error| failure("failed to delete the Job that ran before", &error))?;
    let jobs = [job.reference()];
    let gone = wait_for(&session.client, &jobs, &Goal::Deleted, DELETION);
    let gone = context.until_cancelled(gone).await?;
    gone.map_err(|error| ModuleError::new(format!("the Job that ran before does not go: {error}")))?;
    Ok(())
}

/// The result with the log, whole and in lines.
pub(super) fn with_log(result: TaskResult, log: &str) -> TaskResult {
    let lines: Vec<&str> = log.lines().collect();
    result.with("log", log.to_owned()).with_json("log_lines", json!(lines))
}

/// A variable whose value stands in a Secret.
pub(super) fn secret_variable(variable: &str, secret: &str, key: &str) -> Value {
    json!({"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}})
}

/// The same, if the Secret has the key.
pub(super) fn optional_secret_variable(variable: &str, secret: &str, key: &str) -> Value {
    let mut variable = secret_variable(variable, secret, key);
    variable["valueFrom"]["secretKeyRef"]["optional"] = true.into();
    variable
}
