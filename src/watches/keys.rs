//! The keys of an entry: a table of names and of what they set.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Gvk, duration};

/// An entry as it is written, with nothing checked but the types.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) kind: Gvk,
    pub(super) chart: String,
    pub(super) role: String,
    pub(super) playbook: String,
    pub(super) override_values: BTreeMap<String, String>,
    pub(super) dry_run_option: String,
    pub(super) vars: Map<String, Value>,
    pub(super) reconcile_period: Option<Duration>,
    pub(super) max_concurrent_reconciles: Option<usize>,
    pub(super) run_timeout: Option<Duration>,
    pub(super) manage_status: Option<bool>,
    pub(super) watch_dependent_resources: Option<bool>,
    pub(super) watch_cluster_scoped_resources: Option<bool>,
    pub(super) watch_annotations_changes: Option<bool>,
    pub(super) snake_case_parameters: Option<bool>,
    pub(super) mark_unsafe: Option<bool>,
    pub(super) blacklist: Vec<Gvk>,
    pub(super) finalizer: Option<RawFinalizer>,
    pub(super) selector: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct RawFinalizer {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) playbook: String,
    pub(super) vars: Map<String, Value>,
}

type Set = fn(&mut Raw, &Value) -> Result<(), String>;

/// Which engine a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Both,
    Chart,
    Ansible,
}

/// What the value of a key looks like; for editors, see [`super::schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Flag,
    Whole,
    Duration,
    Map,
    Texts,
    Kinds,
    Finalizer,
    Selector,
}

/// A key of an entry.
pub(super) struct Key {
    /// As it is documented; the file may write it in any letter case.
    pub(super) name: &'static str,
    pub(super) side: Side,
    pub(super) shape: Shape,
    pub(super) meaning: &'static str,
    pub(super) set: Set,
}

const fn key(name: &'static str, side: Side, shape: Shape, meaning: &'static str, set: Set) -> Key {
    Key { name, side, shape, meaning, set }
}

/// Every key of both contracts.
pub(super) const KEYS: &[Key] = &[
    key(
        "group",
        Side::Both,
        Shape::Text,
        "The API group of the resources; empty for the core group",
        |raw, value| text(value).map(|text| raw.kind.group = text),
    ),
    key("version", Side::Both, Shape::Text, "The API version of the resources", |raw, value| {
        text(value).map(|text| raw.kind.version = text)
    }),
    key("kind", Side::Both, Shape::Text, "The kind of the resources", |raw, value| {
        text(value).map(|text| raw.kind.kind = text)
    }),
    key(
        "chart",
        Side::Chart,
        Shape::Text,
        "The Helm chart that serves the kind: a directory, an archive, a URL, repo/chart or oci://",
        |raw, value| text(value).map(|text| raw.chart = text),
    ),
    key(
        "overrideValues",
        Side::Chart,
        Shape::Texts,
        "Values that win over those of the resource, by path as in --set",
        |raw, value| texts(value).map(|map| raw.override_values = map),
    ),
    key(
        "dryRunOption",
        Side::Chart,
        Shape::Text,
        "Whether templates may look things up in the cluster, which is always so here: no effect",
        |raw, value| text(value).map(|text| raw.dry_run_option = text),
    ),
    key(
        "role",
        Side::Ansible,
        Shape::Text,
        "The role that serves the kind: a path or a name",
        |raw, value| text(value).map(|text| raw.role = text),
    ),
    key("playbook", Side::Ansible, Shape::Text, "The playbook that serves the kind", |raw, value| {
        text(value).map(|text| raw.playbook = text)
    }),
    key("vars", Side::Ansible, Shape::Map, "Variables of the run", |raw, value| {
        map(value).map(|map| raw.vars = map)
    }),
    key(
        "maxRunnerArtifacts",
        Side::Ansible,
        Shape::Whole,
        "Artifacts of ansible-runner, which does not exist here: no effect",
        |_, value| whole(value).map(drop),
    ),
    key(
        "reconcilePeriod",
        Side::Both,
        Shape::Duration,
        "How often to look at a resource although nothing happened",
        |raw, value| period(value).map(|period| raw.reconcile_period = period),
    ),
    key(
        "runTimeout",
        Side::Ansible,
        Shape::Duration,
        "How long a run may take (daytwo's own)",
        |raw, value| period(value).map(|timeout| raw.run_timeout = timeout),
    ),
    key(
        "maxConcurrentReconciles",
        Side::Both,
        Shape::Whole,
        "Passes of this kind at the same time",
        |raw, value| {
            whole(value)
                .map(|number| raw.max_concurrent_reconciles = usize::try_from(number).ok().filter(|n| *n > 0))
        },
    ),
    key(
        "manageStatus",
        Side::Ansible,
        Shape::Flag,
        "Whether the operator writes the status [default: true]",
        |raw, value| flag(value).map(|flag| raw.manage_status = flag),
    ),
    key(
        "watchDependentResources",
        Side::Both,
        Shape::Flag,
        "Whether changes of what was made call for a pass [default: true]",
        |raw, value| flag(value).map(|flag| raw.watch_dependent_resources = flag),
    ),
    key(
        "watchClusterScopedResources",
        Side::Ansible,
        Shape::Flag,
        "Whether that counts for cluster-scoped objects too [default: false]",
        |raw, value| flag(value).map(|flag| raw.watch_cluster_scoped_resources = flag),
    ),
    key(
        "watchAnnotationsChanges",
        Side::Ansible,
        Shape::Flag,
        "Whether a change of the resource's annotations calls for a pass [default: false]",
        |raw, value| flag(value).map(|flag| raw.watch_annotations_changes = flag),
    ),
    key(
        "snakeCaseParameters",
        Side::Ansible,
        Shape::Flag,
        "Whether keys of the spec reach the run in snake_case [default: true]",
        |raw, value| flag(value).map(|flag| raw.snake_case_parameters = flag),
    ),
    key(
        "markUnsafe",
        Side::Ansible,
        Shape::Flag,
        "Whether text of the spec is never a template [default: false]",
        |raw, value| flag(value).map(|flag| raw.mark_unsafe = flag),
    ),
    key(
        "blacklist",
        Side::Ansible,
        Shape::Kinds,
        "Kinds whose changes never call for a pass",
        |raw, value| kinds(value).map(|kinds| raw.blacklist = kinds),
    ),
    key("finalizer", Side::Ansible, Shape::Finalizer, "What runs before a resource goes", |raw, value| {
        finalizer(value).map(|finalizer| raw.finalizer = finalizer)
    }),
    key("selector", Side::Both, Shape::Selector, "Only resources with these labels", |raw, value| {
        selector(value).map(|selector| raw.selector = selector)
    }),
];

fn wrong(expected: &str, value: &Value) -> String {
    let found = match value {
        Value::Null => "nothing".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        scalar => scalar.to_string(),
    };
    format!("expected {expected}, found {found}")
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Err(wrong("text (quote it)", value)),
        _ => Err(wrong("text", value)),
    }
}

fn flag(value: &Value) -> Result<Option<bool>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Bool(flag) => Ok(Some(*flag)),
        // Environment variables can only give text.
        Value::String(text) if text == "true" => Ok(Some(true)),
        Value::String(text) if text == "false" => Ok(Some(false)),
        _ => Err(wrong("true or false", value)),
    }
}

fn whole(value: &Value) -> Result<i64, String> {
    let from_text = || value.as_str().and_then(|text| text.parse().ok());
    let from_float = || value.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64);
    value.as_i64().or_else(from_float).or_else(from_text).ok_or_else(|| wrong("a whole number", value))
}

fn map(value: &Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map.clone()),
        _ => Err(wrong("a map", value)),
    }
}

/// Like Go's YAML reader, scalars count as text in a map of texts.
fn texts(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let one = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Null => Ok((key, String::new())),
        Value::Bool(_) | Value::Number(_) => Ok((key, value.to_string())),
        _ => Err(format!("{key}: {}", wrong("text", &value))),
    };
    map(value)?.into_iter().map(one).collect()
}

/// Zero means the operator's own period.
fn period(value: &Value) -> Result<Option<Duration>, String> {
    let period = match value {
        Value::Null => return Ok(None),
        Value::String(text) => duration::parse(text)?,
        Value::Number(number) if number.as_f64() == Some(0.0) => Duration::ZERO,
        _ => return Err(wrong("a duration such as 1m30s", value)),
    };
    Ok((!period.is_zero()).then_some(period))
}

fn field<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text_field(map: &Map<String, Value>, name: &str) -> Result<String, String> {
    field(map, name)
        .map_or(Ok(String::new()), |value| text(value).map_err(|error| format!("{name}: {error}")))
}

fn kinds(value: &Value) -> Result<Vec<Gvk>, String> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items,
        _ => return Err(wrong("a list of group, version and kind", value)),
    };
    let one = |item: &Value| {
        let item = map(item)?;
        let gvk = Gvk {
            group: text_field(&item, "group")?,
            version: text_field(&item, "version")?,
            kind: text_field(&item, "kind")?,
        };
        if gvk.version.is_empty() || gvk.kind.is_empty() {
            return Err("each entry needs version and kind".to_owned());
        }
        Ok(gvk)
    };
    items.iter().map(one).collect()
}

fn finalizer(value: &Value) -> Result<Option<RawFinalizer>, String> {
    if value.is_null() {
        return Ok(None);
    }
    let fields = map(value)?;
    let finalizer = RawFinalizer {
        name: text_field(&fields, "name")?,
        role: text_field(&fields, "role")?,
        playbook: text_field(&fields, "playbook")?,
        vars: field(&fields, "vars").map_or(Ok(Map::new()), map)?,
    };
    if finalizer.name.is_empty() {
        return Err("finalizer must have a name".into());
    }
    if finalizer.role.is_empty() && finalizer.playbook.is_empty() && finalizer.vars.is_empty() {
        return Err("one of playbook, role or vars must be set".into());
    }
    Ok(Some(finalizer))
}

/// A `metav1.LabelSelector` as text.
fn selector(value: &Value) -> Result<Option<String>, String> {
    let fields = map(value)?;
    let mut parts = Vec::new();
    for (key, wanted) in texts(field(&fields, "matchLabels").unwrap_or(&Value::Null))? {
        parts.push(format!("{key}={wanted}"));
    }
    let expressions = match field(&fields, "matchExpressions") {
        None | Some(Value::Null) => &Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => return Err(format!("matchExpressions: {}", wrong("a list", other))),
    };
    for expression in expressions {
        parts.push(requirement(&map(expression)?)?);
    }
    Ok(if parts.is_empty() { None } else { Some(parts.join(",")) })
}

fn requirement(expression: &Map<String, Value>) -> Result<String, String> {
    let key = text_field(expression, "key")?;
    let operator = text_field(expression, "operator")?;
    let values = match field(expression, "values") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items.iter().map(text).collect::<Result<Vec<_>, _>>()?,
        Some(other) => return Err(format!("values: {}", wrong("a list", other))),
    };
    if key.is_empty() {
        return Err("an expression of the selector has no key".into());
    }
    match operator.as_str() {
        "In" | "NotIn" if values.is_empty() => Err(format!("{operator} needs values")),
        "In" => Ok(format!("{key} in ({})", values.join(","))),
        "NotIn" => Ok(format!("{key} notin ({})", values.join(","))),
        "Exists" => Ok(key),
        "DoesNotExist" => Ok(format!("!{key}")),
        other => {
            Err(format!("{other:?} is not a valid label selector operator (In, NotIn, Exists, DoesNotExist)"))
        }
    }
}
