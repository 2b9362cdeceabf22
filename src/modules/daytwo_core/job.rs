//! `daytwo.core.job`: run a program in a pod to its end.
//!
//! The Job of a name is made once: a later run of the task finds it, waits for its end if it still
//! runs, and gives the same result. So a task that was cut off by a restart of the operator goes on
//! where it was, and one that succeeded is not repeated; one that failed is made anew. Another name
//! makes another Job.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::super::session::{FIELD_MANAGER, Session, failure};
use crate::cluster::ready::{Readiness, pod_trouble, readiness};
use crate::cluster::wait::{Goal, WaitError, wait_for};
use crate::cluster::{Deletion, ListQuery, LogQuery, Object, ObjectRef, Reason, Target, Write};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};

/// The module.
pub(super) struct Job;

/// How much of the log the result holds.
const LOG_LINES: u64 = 200;
/// How long a Job that failed before may take to go.
const DELETION_SECONDS: u64 = 120;

static SPEC: Spec = Spec::new(
    "daytwo.core.job",
    &[
        Opt::str("name").required(),
        Opt::str("namespace"),
        Opt::str("image").required(),
        Opt::new("command", Kind::ListOfStr),
        Opt::new("args", Kind::ListOfStr),
        // name: value
        Opt::new("env", Kind::Dict),
        // name: {name: of the Secret, key: in it}
        Opt::new("env_from_secret", Kind::Dict),
        // [{mount_path:, claim: | secret: | config_map:, read_only:}]
        Opt::new("volumes", Kind::List),
        Opt::str("service_account"),
        Opt::new("run_as_user", Kind::Int).default("65532"),
        Opt::new("resources", Kind::Dict),
        // how often the pod may fail before the Job does
        Opt::new("retries", Kind::Int).default("0"),
        // seconds
        Opt::new("timeout", Kind::Int).default("3600"),
    ],
);

#[async_trait]
impl Module for Job {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let resource = session.resource("batch/v1", "Job").await?;
        let name = args.str("name").unwrap_or_default();
        let namespace = args.str("namespace").unwrap_or_else(|| session.client.default_namespace());
        let target = Target::new(&resource, Some(namespace), name);
        let created = make(context, &session, target, &args).await?;
        if context.check {
            return Ok(TaskResult::changed(created));
        }
        let reference = ObjectRef {
            api_version: resource.api_version(),
            kind: resource.kind.clone(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        };
        let timeout = Duration::from_secs(timeout(&args));
        let jobs = [reference];
        let ended = wait_for(&session.client, &jobs, &Goal::Ready, timeout);
        let ended = context.until_cancelled(ended).await?;
        let (pod, log) = last_pod(&session, namespace, name).await;
        match ended {
            Ok(jobs) => {
                let job = jobs.into_iter().flatten().next().unwrap_or_default();
                Ok(with_log(TaskResult::changed(created), &log).with_json("job", job.0))
            }
            Err(WaitError::Cluster(error)) => Err(failure("failed to wait for the Job", &error)),
            Err(not_reached) => {
                let trouble = pod.as_ref().and_then(pod_trouble).map(|trouble| format!(" ({trouble})"));
                let skipped = log.lines().count().saturating_sub(5);
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
}

fn timeout(args: &Args) -> u64 {
    args.int("timeout").unwrap_or(3600).max(1).unsigned_abs()
}

/// Makes the Job unless it is there; one that failed before makes room for another try.
/// Tells whether it was made.
async fn make(
    context: &ModuleContext,
    session: &Session,
    target: Target<'_>,
    args: &Args,
) -> Result<bool, ModuleError> {
    let resource = target.resource;
    let existing =
        session.client.get(target).await.map_err(|error| failure("failed to read the Job", &error))?;
    if let Some(job) = &existing {
        session.remember(job, resource);
        match readiness(job) {
            Readiness::Failed(_) if !context.check => remove(context, session, target, job).await?,
            _ => return Ok(false),
        }
    }
    let mut job = manifest(args, target.name, target.namespace.unwrap_or_default())?;
    session.own(&mut job, resource);
    let write = Write { manager: FIELD_MANAGER, dry_run: context.check };
    match session.client.create(resource, target.namespace, &job, write).await {
        Ok(job) => {
            session.remember(&job, resource);
            Ok(true)
        }
        Err(error) if error.is(Reason::AlreadyExists) => Ok(false),
        Err(error) => Err(failure("failed to create the Job", &error)),
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
    deleted.map_err(|error| failure("failed to delete the Job that failed before", &error))?;
    let jobs = [job.reference()];
    let gone = wait_for(&session.client, &jobs, &Goal::Deleted, Duration::from_secs(DELETION_SECONDS));
    let gone = context.until_cancelled(gone).await?;
    gone.map_err(|error| ModuleError::new(format!("the Job that failed before does not go: {error}")))?;
    Ok(())
}

/// The newest pod of the Job and the end of its log; both may be missing, as pods can be deleted.
async fn last_pod(session: &Session, namespace: &str, job: &str) -> (Option<Object>, String) {
    let Ok(pods) = session.client.resource("v1", "Pod").await else { return (None, String::new()) };
    let labels = Some(format!("batch.kubernetes.io/job-name={job}"));
    let query = ListQuery { labels, fields: None, metadata_only: false };
    let found = session.client.list(&pods, Some(namespace), &query).await.unwrap_or_default();
    // RFC 3339 texts of one zone sort by time.
    let born = |pod: &Object| pod.0["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    let Some(pod) = found.into_iter().max_by_key(born) else { return (None, String::new()) };
    let log =
        session.client.logs(namespace, pod.name(), &LogQuery::tail(LOG_LINES)).await.unwrap_or_default();
    (Some(pod), log)
}

fn with_log(result: TaskResult, log: &str) -> TaskResult {
    let lines: Vec<&str> = log.lines().collect();
    result.with("log", log.to_owned()).with_json("log_lines", json!(lines))
}

fn manifest(args: &Args, name: &str, namespace: &str) -> Result<Object, ModuleError> {
    let (volumes, mounts) = volumes(args)?;
    let mut container = json!({
        "name": "job",
        "image": args.str("image"),
        "env": environment(args)?,
        "volumeMounts": mounts,
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    });
    for field in ["command", "args", "resources"] {
        if let Some(value) = args.json(field) {
            container[field] = value;
        }
    }
    let user = args.int("run_as_user").unwrap_or_default();
    let mut pod = json!({
        "restartPolicy": "Never",
        "containers": [container],
        "volumes": volumes,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": user, "runAsGroup": user, "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    match args.str("service_account") {
        Some(account) => pod["serviceAccountName"] = account.into(),
        None => pod["automountServiceAccountToken"] = false.into(),
    }
    Ok(Object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "backoffLimit": args.int("retries").unwrap_or_default(),
            "activeDeadlineSeconds": timeout(args),
            "template": {"spec": pod},
        },
    })))
}

fn environment(args: &Args) -> Result<Vec<Value>, ModuleError> {
    let mut environment = Vec::new();
    for (name, value) in dict(args, "env") {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        environment.push(json!({"name": name, "value": text}));
    }
    for (name, reference) in dict(args, "env_from_secret") {
        let part = |key: &str| {
            let part = reference[key].as_str().filter(|text| !text.is_empty());
            part.ok_or_else(|| ModuleError::new(format!("env_from_secret: {name} has no {key}")))
        };
        let reference = json!({"name": part("name")?, "key": part("key")?});
        environment.push(json!({"name": name, "valueFrom": {"secretKeyRef": reference}}));
    }
    Ok(environment)
}

fn dict(args: &Args, name: &str) -> Map<String, Value> {
    match args.json(name) {
        Some(Value::Object(entries)) => entries,
        _ => Map::new(),
    }
}

/// Where a volume may come from: the key of the argument, the field of the volume, the field in it.
const SOURCES: [(&str, &str, &str); 3] = [
    ("claim", "persistentVolumeClaim", "claimName"),
    ("config_map", "configMap", "name"),
    ("secret", "secret", "secretName"),
];

fn volumes(args: &Args) -> Result<(Vec<Value>, Vec<Value>), ModuleError> {
    // A program may want to write there, and its root file system may be read-only.
    let mut volumes = vec![json!({"name": "tmp", "emptyDir": {}})];
    let mut mounts = vec![json!({"name": "tmp", "mountPath": "/tmp"})];
    let given = args.json("volumes").unwrap_or_default();
    for (index, volume) in given.as_array().into_iter().flatten().enumerate() {
        let wrong = |what: &str| ModuleError::new(format!("volumes[{index}] {what}"));
        let mount_path = volume["mount_path"].as_str().ok_or_else(|| wrong("has no mount_path"))?;
        let source =
            SOURCES.iter().find_map(|(key, field, inner)| Some((field, inner, volume[*key].as_str()?)));
        let (field, inner, source) = source.ok_or_else(|| wrong("has none of claim, config_map, secret"))?;
        let name = format!("volume-{index}");
        let mut entry = json!({"name": name});
        entry[*field] = json!({*inner: source});
        volumes.push(entry);
        let read_only = volume["read_only"].as_bool().unwrap_or(false);
        mounts.push(json!({"name": name, "mountPath": mount_path, "readOnly": read_only}));
    }
    Ok((volumes, mounts))
}
