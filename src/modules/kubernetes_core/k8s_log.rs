//! `kubernetes.core.k8s_log`: the log of a pod, or of the first pod of what owns pods
//! (`plugins/modules/k8s_log.py`).

use async_trait::async_trait;
use serde_json::Value;

use super::super::connection::AUTH;
use super::super::session::{Session, failure};
use super::arguments::{API_VERSION, LABEL_SELECTORS};
use crate::cluster::{Error, ListQuery, LogQuery, Object, Reason, Target};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};

/// The module.
pub(super) struct K8sLog;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    requirements: &[Requirement::MutuallyExclusive(&["container", "all_containers"])],
    ..Spec::new(
        "kubernetes.core.k8s_log",
        &[
            API_VERSION,
            Opt::str("kind").default("Pod"),
            Opt::str("name"),
            Opt::str("namespace"),
            LABEL_SELECTORS,
            Opt::str("container"),
            Opt::new("all_containers", Kind::Bool),
            Opt::str("since_seconds"),
            Opt::flag("previous"),
            Opt::new("tail_lines", Kind::Int),
        ],
    )
};

#[async_trait]
impl Module for K8sLog {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let namespace = args.str("namespace").unwrap_or_default();
        let pod = pod_of(&session, &args, namespace).await?;
        let containers = match args.flag("all_containers") {
            true => containers(&session, namespace, &pod).await?.into_iter().map(Some).collect(),
            false => vec![args.str("container").map(str::to_owned)],
        };
        let mut log = String::new();
        for container in containers {
            let query = query(&args, container)?;
            let part = session.client.logs(namespace, &pod, &query).await;
            log.push_str(&part.map_err(|error| refused(&error, namespace, &pod))?);
        }
        // A last element after the last line's end, as Python splits.
        let lines: Vec<&str> = log.split('\n').collect();
        let lines = serde_json::json!(lines);
        Ok(TaskResult::changed(false).with("log", log).with_json("log_lines", lines))
    }
}

fn query(args: &Args, container: Option<String>) -> Result<LogQuery, ModuleError> {
    let since_seconds = match args.str("since_seconds") {
        None => None,
        Some(text) => Some(
            text.trim()
                .parse()
                .map_err(|_| ModuleError::new(format!("since_seconds is no number of seconds: {text}")))?,
        ),
    };
    let tail_lines = args.int("tail_lines").filter(|lines| *lines > 0).map(i64::unsigned_abs);
    Ok(LogQuery { container, since_seconds, previous: args.flag("previous"), tail_lines })
}

fn refused(error: &Error, namespace: &str, pod: &str) -> ModuleError {
    match error.refusal() {
        Some(refusal) if refusal.reason == Reason::NotFound => {
            ModuleError::new(format!("Pod {namespace}/{pod} not found."))
        }
        Some(refusal) => {
            ModuleError::new(format!("Unable to retrieve log from Pod due to: {}", refusal.message))
        }
        None => ModuleError::new(format!("Unable to retrieve log from Pod due to: {error}")),
    }
}

/// The name of the pod that is meant.
async fn pod_of(session: &Session, args: &Args, namespace: &str) -> Result<String, ModuleError> {
    let name = args.str("name").filter(|name| !name.is_empty());
    let mut selector = args.texts("label_selectors").unwrap_or_default().join(",");
    if name.is_some() && !selector.is_empty() {
        return Err(ModuleError::new("Only one of name or label_selectors can be provided"));
    }
    let (api_version, kind) =
        (args.str("api_version").unwrap_or_default(), args.str("kind").unwrap_or_default());
    let resource = session.resource(api_version, kind).await?;
    if !resource.subresources.iter().any(|subresource| subresource == "log") {
        let name = name.ok_or_else(|| {
            ModuleError::new("name must be provided for resources that do not support the log subresource")
        })?;
        let target = Target::new(&resource, Some(namespace), name);
        let owner = session.client.get(target).await;
        let owner = owner.map_err(|error| failure("Failed to retrieve requested object", &error))?;
        let owner = owner.ok_or_else(|| ModuleError::new(format!("{kind} {namespace}/{name} not found.")))?;
        selector = pod_selector(&owner)?;
    }
    if selector.is_empty() {
        return name.map(str::to_owned).ok_or_else(|| {
            ModuleError::new("name must be provided for resources that do not support namespaced base url")
        });
    }
    let pods = session.resource("v1", "Pod").await?;
    let query = ListQuery { labels: Some(selector.clone()), ..ListQuery::default() };
    let found = session.client.list(&pods, Some(namespace).filter(|name| !name.is_empty()), &query).await;
    let found = found.map_err(|error| failure("Failed to retrieve requested object", &error))?;
    // The first, as kubectl does.
    found.first().map(|pod| pod.name().to_owned()).ok_or_else(|| {
        ModuleError::new(format!("No pods in namespace {namespace} matched selector {selector}"))
    })
}

async fn containers(session: &Session, namespace: &str, pod: &str) -> Result<Vec<String>, ModuleError> {
    let pods = session.resource("v1", "Pod").await?;
    let found = session.client.get(Target::new(&pods, Some(namespace), pod)).await;
    let found = found.map_err(|error| refused(&error, namespace, pod))?;
    let found = found.ok_or_else(|| ModuleError::new(format!("Pod {namespace}/{pod} not found.")))?;
    let statuses = found.0.pointer("/status/containerStatuses").and_then(Value::as_array).cloned();
    Ok(statuses
        .into_iter()
        .flatten()
        .filter_map(|status| Some(status["name"].as_str()?.to_owned()))
        .collect())
}

/// The selector of the pods of a Deployment, Job, … as text.
fn pod_selector(owner: &Object) -> Result<String, ModuleError> {
    let selector = owner.0.pointer("/spec/selector").and_then(Value::as_object);
    let selector = selector.filter(|selector| !selector.is_empty()).ok_or_else(|| {
        ModuleError::new(format!(
            "{} {} does not support the log subresource directly, and no Pod selector was found on the object",
            owner.api_version(),
            owner.kind()
        ))
    })?;
    let equal = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    if labels.is_none() && expressions.is_none() {
        // Older kinds have plain labels.
        return Ok(selector.iter().map(equal).collect::<Vec<_>>().join(","));
    }
    let mut parts: Vec<String> = labels.into_iter().flatten().map(equal).collect();
    for expression in expressions.into_iter().flatten() {
        let key = expression["key"].as_str().unwrap_or_default();
        let values = expression["values"].as_array();
        let values: Vec<&str> = values.into_iter().flatten().filter_map(Value::as_str).collect();
        parts.push(match expression["operator"].as_str().unwrap_or_default() {
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            "In" => format!("{key} in ({})", values.join(", ")),
            "NotIn" => format!("{key} notin ({})", values.join(", ")),
            other => {
                return Err(ModuleError::new(format!(
                    "The k8s_log module does not support the {} matchExpression operator",
                    other.to_lowercase()
                )));
            }
        });
    }
    Ok(parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_become_text() {
        let owner = |selector: Value| Object(json!({"kind": "X", "spec": {"selector": selector}}));
        let selector = json!({"matchLabels": {"a": "b"}, "matchExpressions": [
            {"key": "c", "operator": "In", "values": ["d", "e"]}, {"key": "f", "operator": "DoesNotExist"}]});
        assert_eq!(pod_selector(&owner(selector)).unwrap(), "a=b,c in (d, e),!f");
        assert_eq!(pod_selector(&owner(json!({"a": "b"}))).unwrap(), "a=b");
        assert!(pod_selector(&owner(Value::Null)).is_err());
    }
}
