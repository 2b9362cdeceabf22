//! Rendered documents become objects that can be sent: parsed, placed in a namespace, marked as
//! Helm and helm-operator mark them.

use std::sync::Arc;

use serde_json::Value;

use super::Error;
use super::scope::Scope;
use crate::chart::Manifest;
use crate::cluster::{self, Client, Object, ObjectRef, OwnerStyle, Resource, Target};
use crate::yaml::go;

/// Label with which Helm claims an object.
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Annotation naming the release.
pub(super) const RELEASE_NAME: &str = "meta.helm.sh/release-name";
/// Annotation naming the release's namespace.
pub(super) const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// Annotation of objects that outlive their release.
pub(super) const RESOURCE_POLICY: &str = "helm.sh/resource-policy";
/// `kind: List` in `kind: List`, and so on: deeper than this is no manifest.
const LIST_DEPTH: usize = 8;

/// An object as the release wants it.
#[derive(Clone)]
pub(super) struct Desired {
    pub(super) object: Object,
    pub(super) resource: Arc<Resource>,
    pub(super) reference: ObjectRef,
}

impl Desired {
    pub(super) fn target(&self) -> Target<'_> {
        Target::new(&self.resource, self.reference.namespace.as_deref(), &self.reference.name)
    }

    pub(super) fn is_kept(&self) -> bool {
        self.object.annotation(RESOURCE_POLICY) == Some("keep")
    }
}

/// A document with the template that printed it.
pub(super) struct Document {
    pub(super) source: String,
    pub(super) object: Object,
}

/// The documents of a rendering.
pub(super) fn of_rendering(manifests: &[Manifest]) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::with_capacity(manifests.len());
    for manifest in manifests {
        // As it stands in the whole manifest: the line's end belongs to a block scalar that is last.
        let text = format!("{}\n", manifest.text);
        for object in parse(&text, &manifest.source)? {
            documents.push(Document { source: manifest.source.clone(), object });
        }
    }
    Ok(documents)
}

/// The documents of a stored manifest.
pub(super) fn of_record(manifest: &str) -> Result<Vec<Document>, Error> {
    let source = "the stored manifest";
    let objects = parse(manifest, source)?;
    Ok(objects.into_iter().map(|object| Document { source: source.to_owned(), object }).collect())
}

/// The objects of a YAML text; `List`s are taken apart, empty documents left out.
pub(super) fn parse(text: &str, source: &str) -> Result<Vec<Object>, Error> {
    let mut objects = Vec::new();
    let documents = go::parse_each(text.as_bytes(), go::Numbers::Json)
        .map_err(|error| refuse(source, error.to_string()))?;
    for document in documents {
        flatten(document, source, LIST_DEPTH, &mut objects)?;
    }
    Ok(objects)
}

fn refuse(source: &str, message: impl Into<String>) -> Error {
    Error::Manifest { source_file: source.to_owned(), message: message.into() }
}

fn flatten(document: Value, source: &str, depth: usize, objects: &mut Vec<Object>) -> Result<(), Error> {
    let object = match document {
        Value::Null => return Ok(()),
        Value::Object(map) if map.is_empty() => return Ok(()),
        document @ Value::Object(_) => Object(document),
        _ => return Err(refuse(source, "a document is no object but a list or a scalar")),
    };
    if object.kind().ends_with("List")
        && let Some(Value::Array(items)) = object.0.get("items")
    {
        if depth == 0 {
            return Err(refuse(source, "lists are nested too deeply"));
        }
        return items.iter().cloned().try_for_each(|item| flatten(item, source, depth - 1, objects));
    }
    for (field, value) in
        [("apiVersion", object.api_version()), ("kind", object.kind()), ("metadata.name", object.name())]
    {
        if value.is_empty() {
            return Err(refuse(source, format!("an object has no {field}")));
        }
    }
    objects.push(object);
    Ok(())
}

/// The objects of a release, marked as its own.
pub(super) async fn desired(scope: &Scope<'_>, documents: Vec<Document>) -> Result<Vec<Desired>, Error> {
    let mut all = Vec::with_capacity(documents.len());
    for document in documents {
        let mut desired = place(scope.client, scope.namespace, document).await?;
        mark(&mut desired, scope);
        all.push(desired);
    }
    Ok(all)
}

/// The objects of stored manifests, each once; kinds that are no longer served have no objects any more.
pub(super) async fn stored(scope: &Scope<'_>, manifests: &[&str]) -> Result<Vec<Desired>, Error> {
    let mut objects: Vec<Desired> = Vec::new();
    for manifest in manifests {
        for document in of_record(manifest)? {
            match place(scope.client, scope.namespace, document).await {
                Ok(desired)
                    if objects.iter().all(|known| !known.reference.is_same_object(&desired.reference)) =>
                {
                    objects.push(desired);
                }
                Ok(_) | Err(Error::Kind { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(objects)
}

/// Finds the kind and the namespace of a document's object.
pub(super) async fn place(client: &Client, namespace: &str, document: Document) -> Result<Desired, Error> {
    let mut object = document.object;
    let resource = match client.resource(object.api_version(), object.kind()).await {
        Ok(resource) => resource,
        Err(error @ cluster::Error::UnknownKind { .. }) => {
            return Err(Error::Kind { source_file: document.source, source: error });
        }
        Err(error) => return Err(error.into()),
    };
    if resource.namespaced {
        if object.namespace().is_none() {
            object.set_namespace(namespace);
        }
    } else {
        object.metadata_mut().remove("namespace");
    }
    let reference = object.reference();
    Ok(Desired { object, resource, reference })
}

fn mark(desired: &mut Desired, scope: &Scope<'_>) {
    let kept = desired.is_kept();
    let object = &mut desired.object;
    object.set_label(MANAGED_BY, "Helm");
    object.set_annotation(RELEASE_NAME, scope.name);
    object.set_annotation(RELEASE_NAMESPACE, scope.namespace);
    for (key, value) in scope.labels {
        object.set_label(key, value);
    }
    if let Some(owner) = scope.owner
        && !kept
    {
        owner.mark(object, desired.reference.namespace.as_deref(), OwnerStyle::Controller);
    }
}

/// Whether a live object belongs to the release; what does not match, in Helm's words
/// (`pkg/action/validate.go`), when not.
pub(super) fn ownership_problems(live: &Object, scope: &Scope<'_>) -> Option<String> {
    let mut problems = Vec::new();
    let mut require = |what: &str, key: &str, found: Option<&str>, wanted: &str| match found {
        Some(found) if found == wanted => {}
        Some(found) => problems.push(format!(
            "{what} validation error: key {key:?} must equal {wanted:?}: current value is {found:?}"
        )),
        None => {
            problems.push(format!("{what} validation error: missing key {key:?}: must be set to {wanted:?}"))
        }
    };
    require("label", MANAGED_BY, live.label(MANAGED_BY), "Helm");
    require("annotation", RELEASE_NAME, live.annotation(RELEASE_NAME), scope.name);
    require("annotation", RELEASE_NAMESPACE, live.annotation(RELEASE_NAMESPACE), scope.namespace);
    if problems.is_empty() { None } else { Some(problems.join("; ")) }
}

/// A manifest that may be shown: the content of Secrets is left out.
#[must_use]
pub fn public_manifest(manifest: &str) -> String {
    const START: &str = "---\n# Source: ";
    let mut shown = String::with_capacity(manifest.len());
    for (index, document) in manifest.split(START).enumerate() {
        if index > 0 {
            shown.push_str(START);
        }
        // The first line is the rest of the comment that names the template.
        let (source, body) = document.split_once('\n').unwrap_or((document, ""));
        let objects = parse(body, source).unwrap_or_default();
        let secrets: Vec<&Object> = objects.iter().filter(|object| object.kind() == "Secret").collect();
        if secrets.is_empty() {
            shown.push_str(document);
            continue;
        }
        shown.push_str(source);
        shown.push('\n');
        for secret in secrets {
            shown.push_str(&format!("# Secret {:?}: content withheld\n", secret.name()));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_parsed_and_lists_taken_apart() {
        let text = "# only a comment\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: b}\n";
        let names: Vec<_> = parse(text, "t").unwrap().iter().map(|o| o.reference().to_string()).collect();
        assert_eq!(names, ["ConfigMap a", "Secret b"]);
    }

    #[test]
    fn a_rendering_has_the_objects_of_its_record() {
        let text =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  last: |\n    line".to_owned();
        let manifest = Manifest { source: "a.yaml".into(), text, head: Default::default() };
        let recorded = of_record(&format!("---\n# Source: a.yaml\n{}\n", manifest.text)).unwrap();
        let rendered = of_rendering(&[manifest]).unwrap();
        assert_eq!(rendered[0].object.0["data"]["last"], "line\n");
        assert_eq!(rendered[0].object.0, recorded[0].object.0);
    }

    #[test]
    fn a_shown_manifest_has_no_content_of_secrets() {
        let manifest = "---\n# Source: a/s.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: hidden}\n\
                        ---\n# Source: a/c.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        let shown = public_manifest(manifest);
        assert_eq!(
            shown,
            "---\n# Source: a/s.yaml\n# Secret \"s\": content withheld\n\
                           ---\n# Source: a/c.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
        );
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_template() {
        for (text, message) in [
            ("- a\n", "a document is no object"),
            ("kind: A\nmetadata: {name: a}\n", "an object has no apiVersion"),
            ("apiVersion: v1\nkind: A\n", "an object has no metadata.name"),
        ] {
            let error = parse(text, "chart/templates/a.yaml").err().unwrap().to_string();
            assert!(error.starts_with("chart/templates/a.yaml: ") && error.contains(message), "{error}");
        }
    }
}
