//! `kubernetes.core.helm_info`: what is known of a release (`plugins/modules/helm_info.py`).

use async_trait::async_trait;
use serde_json::{Value, json};

use super::super::session::Session;
use super::helm_arguments::AUTH;
use super::helm_status::{find, status};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};
use crate::release::record::{Record, Status};
use crate::yaml::go::{self, Numbers};

/// The module.
pub(super) struct HelmInfo;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    ..Spec::new(
        "kubernetes.core.helm_info",
        &[
            Opt::str("release_name").aliases(&["name"]).required(),
            Opt::str("release_namespace").aliases(&["namespace"]).required(),
            Opt::new("release_state", Kind::ListOfStr),
            Opt::flag("get_all_values"),
        ],
    )
};

/// The states that `helm list` shows unless told otherwise.
const SHOWN: [Status; 2] = [Status::Deployed, Status::Failed];

#[async_trait]
impl Module for HelmInfo {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let session = Session::open(context, &args).await?;
        let name = args.str("release_name").unwrap_or_default();
        let namespace = args.str("release_namespace").unwrap_or_default();
        let wanted = states(&args.texts("release_state").unwrap_or_default());
        let found = find(&session.client, namespace, name, &wanted);
        let Some(record) = context.until_cancelled(found).await?? else {
            return Ok(TaskResult::changed(false));
        };
        let values =
            if args.flag("get_all_values") { record.computed_values() } else { record.config.clone() };
        let mut shown = status(&record, values);
        shown.insert("manifest".into(), documents(&record.manifest));
        shown.insert("notes".into(), record.info.notes.clone().into());
        shown.insert("hooks".into(), hooks(&record));
        Ok(TaskResult::changed(false).with_json("status", Value::Object(shown)))
    }
}

/// The states to look for; all when empty. Words that Helm does not know are passed over.
fn states(words: &[String]) -> Vec<Status> {
    if words.iter().any(|word| word == "all") {
        return Vec::new();
    }
    let named = words.iter().flat_map(|word| match word.as_str() {
        "deployed" => vec![Status::Deployed],
        "failed" => vec![Status::Failed],
        "pending" => vec![Status::PendingInstall, Status::PendingUpgrade, Status::PendingRollback],
        "superseded" => vec![Status::Superseded],
        "uninstalled" => vec![Status::Uninstalled],
        "uninstalling" => vec![Status::Uninstalling],
        _ => Vec::new(),
    });
    let named: Vec<Status> = named.collect();
    if named.is_empty() { SHOWN.to_vec() } else { named }
}

fn documents(text: &str) -> Value {
    go::parse_each(text.as_bytes(), Numbers::Yaml)
        .map(|documents| documents.into_iter().filter(|document| !document.is_null()).collect())
        .unwrap_or_else(|_| json!([]))
}

fn hooks(record: &Record) -> Value {
    record
        .hooks
        .iter()
        .flat_map(|hook| match documents(&hook.manifest) {
            Value::Array(documents) => documents,
            _ => Vec::new(),
        })
        .collect()
}
