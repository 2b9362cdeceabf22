//! Rendered files taken apart: documents, hooks among them, in install order.
//!
//! Follows `pkg/release/v1/util/{manifest,manifest_sorter}.go` of Helm 4 and `pkg/releaseutil` of Helm 3.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decode::Fields;
use super::hook::{self, Event, Hook};
use super::manifest::{Head, Manifest};
use super::{Compat, Error, Order};
use crate::yaml::go::{self, Numbers};

/// What the files of a rendering consist of.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// What belongs to the release.
    pub(super) manifests: Vec<Manifest>,
    /// What runs at points of its life.
    pub(super) hooks: Vec<Hook>,
}

/// Takes rendered files apart; `files` are sorted by their path.
///
/// # Errors
/// A document that is no YAML, or whose head has the wrong types.
pub(super) fn take_apart(files: &BTreeMap<String, String>, compat: Compat) -> Result<Documents, Error> {
    let mut documents = Documents::default();
    for (path, content) in files {
        if path.rsplit('/').next().is_some_and(|base| base.starts_with('_')) {
            continue;
        }
        for text in split(content, compat) {
            let head = head(text).map_err(|message| Error::Manifest {
                path: path.clone(),
                message,
                rendered: everything(files),
            })?;
            documents.add(path, text, head);
        }
    }
    Order::Install.sort_by_kind(compat, &mut documents.manifests, |manifest| &manifest.head.kind);
    Order::Install.sort_by_kind(compat, &mut documents.hooks, |hook| &hook.kind);
    Ok(documents)
}

impl Documents {
    fn add(&mut self, path: &str, text: &str, head: Head) {
        let Some(events) = head.annotations.get(hook::ANNOTATION) else {
            let source = path.to_owned();
            return self.manifests.push(Manifest { source, text: text.to_owned(), head });
        };
        // A hook with an unknown event is dropped as a whole.
        let events: Option<Vec<Event>> =
            events.split(',').map(|e| Event::parse(&e.trim().to_lowercase())).collect();
        let Some(events) = events else { return };
        let policies = |annotation| {
            let policies =
                head.annotations.get(annotation).into_iter().flat_map(|list: &String| list.split(','));
            policies.map(|policy| policy.trim().to_lowercase()).collect()
        };
        self.hooks.push(Hook {
            events,
            weight: head.annotations.get(hook::WEIGHT_ANNOTATION).map_or(0, |weight| atoi(weight)),
            delete_policies: policies(hook::DELETE_ANNOTATION),
            output_log_policies: policies(hook::OUTPUT_LOG_ANNOTATION),
            name: head.name,
            kind: head.kind,
            path: path.to_owned(),
            manifest: text.to_owned(),
        });
    }
}

/// The number that Go's `strconv.Atoi` reads, or 0.
fn atoi(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

/// All files as one text, for whoever has to find the error.
fn everything(files: &BTreeMap<String, String>) -> String {
    let shown = files.iter().filter(|(_, content)| !content.trim().is_empty());
    shown.map(|(path, content)| format!("---\n# Source: {path}\n{content}\n")).collect()
}

/// The documents of a stream, without those that are blank, as Helm 4 tells them apart.
#[must_use]
pub fn split_documents(stream: &str) -> Vec<&str> {
    split(stream, Compat::V4)
}

/// The documents of a file, without those that are blank.
pub(super) fn split(content: &str, compat: Compat) -> Vec<&str> {
    match compat {
        Compat::V3 => split_v3(content.trim()),
        Compat::V4 => split_v4(content.trim_start()),
    }
}

/// Helm 4 splits at every line that begins with `---` and keeps what ends a document.
fn split_v4(content: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let (mut start, mut line) = (0, 0);
    while line < content.len() {
        let end = content[line..].find('\n').map_or(content.len(), |at| line + at + 1);
        if let Some(rest) = content[line..end].strip_prefix("---") {
            documents.push(&content[start..line]);
            start = end - rest.trim_start_matches([' ', '\t']).len();
        }
        line = end;
    }
    documents.push(&content[start..]);
    documents.into_iter().map(str::trim_start).filter(|document| !document.is_empty()).collect()
}

/// Helm 3 takes the space around a separator with it, so that the second of two adjoining separators
/// is none.
fn split_v3(content: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    let mut rest = content.strip_prefix("---").map_or(content, str::trim_ascii_start);
    while let Some(at) = rest.find("\n---") {
        documents.push(&rest[..at]);
        rest = rest[at + 4..].trim_ascii_start();
    }
    documents.push(rest);
    documents.into_iter().map(str::trim).filter(|document| !document.is_empty()).collect()
}

/// What Helm reads of a document.
fn head(text: &str) -> Result<Head, String> {
    let yaml = go::parse(text.as_bytes(), Numbers::Yaml)
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    read_head(&yaml)
        .map_err(|message| format!("error unmarshaling JSON: while decoding JSON: json: {message}"))
}

fn read_head(yaml: &Value) -> Result<Head, String> {
    let mut head = Head::default();
    let Some(fields) = Fields::of("SimpleHead", yaml)? else { return Ok(head) };
    fields.text("apiVersion", &mut head.api_version)?;
    fields.text("kind", &mut head.kind)?;
    let Some(metadata) = fields.get("metadata") else { return Ok(head) };
    if let Some(metadata) = Fields::of("SimpleHead.metadata", metadata)? {
        metadata.text("name", &mut head.name)?;
        metadata.text_map("annotations", &mut head.annotations)?;
        if let Some(Value::String(namespace)) = metadata.get("namespace") {
            head.namespace.clone_from(namespace);
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_split_as_in_helm() {
        let text = "\n--- \na: 1\n\n---\n---\nb: 2\n---c: 3\n  ---\n";
        assert_eq!(split(text, Compat::V4), ["a: 1\n\n", "b: 2\n", "c: 3\n  ---\n"]);
        assert_eq!(split(text, Compat::V3), ["a: 1", "---\nb: 2", "c: 3\n  ---"]);
        assert!(split(" \n", Compat::V4).is_empty());
        assert!(split("---\n", Compat::V3).is_empty());
    }

    fn taken_apart(content: &str) -> Result<Documents, Error> {
        take_apart(&BTreeMap::from([("c/templates/a.yaml".to_owned(), content.to_owned())]), Compat::V4)
    }

    #[test]
    fn hooks_are_told_from_manifests() {
        let documents = taken_apart(concat!(
            "kind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: Pre-Install, test-success\n",
            "    helm.sh/hook-weight: -5\n    helm.sh/hook-delete-policy: before-hook-creation,Hook-Succeeded\n",
            "---\nkind: Pod\nmetadata: {annotations: {helm.sh/hook: crd-install}}\n",
            "---\nkind: Service\n---\nkind: Secret\n---\n# nothing\n",
        ))
        .unwrap();
        let kinds: Vec<&str> = documents.manifests.iter().map(|m| m.head.kind.as_str()).collect();
        assert_eq!(kinds, ["Secret", "Service", ""]);
        let [hook] = documents.hooks.as_slice() else { panic!("{documents:?}") };
        assert_eq!((hook.name.as_str(), hook.weight), ("j", -5));
        assert_eq!(hook.events, [Event::PreInstall, Event::Test]);
        assert_eq!(hook.delete_policies, ["before-hook-creation", "hook-succeeded"]);
    }

    #[test]
    fn documents_that_are_no_manifests_are_refused() {
        for content in ["a: [", "text", "kind: []", "metadata: {annotations: {a: [1]}}"] {
            assert!(matches!(taken_apart(content), Err(Error::Manifest { .. })), "{content}");
        }
    }
}
