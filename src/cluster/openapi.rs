//! The cluster's own description of its kinds: how a strategic merge patch treats their fields.
//!
//! From `/openapi/v3`, one document per API version, kept once per process. Follows
//! `k8s.io/apimachinery/pkg/util/strategicpatch/meta.go` in what is looked for.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use serde_json::Value;

use super::{Client, Error, Reason, Resource};

const STRATEGIC: &str = "application/strategic-merge-patch+json";
const SCHEMAS: &str = "#/components/schemas/";

/// The documents of a process, by API version.
#[derive(Default)]
pub(super) struct Descriptions {
    documents: RwLock<HashMap<String, Arc<Value>>>,
}

/// The description of one kind.
#[derive(Clone)]
pub struct KindSchema {
    document: Arc<Value>,
    name: String,
}

/// One place in the description of a kind; one about which nothing is known has only atomic lists.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    document: Option<&'a Value>,
    /// The field itself, which carries the strategy.
    own: Option<&'a Value>,
    /// What it refers to, which carries the fields below.
    target: Option<&'a Value>,
}

impl KindSchema {
    /// The object as a whole.
    #[must_use]
    pub fn root(&self) -> Field<'_> {
        let schema = self.document.pointer("/components/schemas").and_then(|schemas| schemas.get(&self.name));
        Field::of(&self.document, schema)
    }

    fn find(document: &Arc<Value>, resource: &Resource) -> Option<Self> {
        let is_kind = |kind: &Value| {
            kind["group"] == resource.group.as_str()
                && kind["version"] == resource.version.as_str()
                && kind["kind"] == resource.kind.as_str()
        };
        // Only built-in kinds take strategic merge patches.
        let paths = document.get("paths")?.as_object()?;
        let patch = paths.values().filter_map(|path| path.get("patch")).find(|patch| {
            is_kind(&patch["x-kubernetes-group-version-kind"])
                && patch
                    .pointer("/requestBody/content")
                    .is_some_and(|content| content.get(STRATEGIC).is_some())
        });
        patch?;
        let schemas = document.pointer("/components/schemas")?.as_object()?;
        let mut named = schemas.iter().filter(|(_, schema)| {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array();
            kinds.is_some_and(|kinds| kinds.len() == 1 && kinds.iter().any(is_kind))
        });
        let (name, _) = named.next()?;
        Some(Self { document: Arc::clone(document), name: name.clone() })
    }
}

impl<'a> Field<'a> {
    /// A place about which nothing is known.
    #[must_use]
    pub fn unknown() -> Self {
        Self { document: None, own: None, target: None }
    }

    fn of(document: &'a Value, own: Option<&'a Value>) -> Self {
        Self { document: Some(document), own, target: own.and_then(|own| resolve(document, own)) }
    }

    /// The field of that name below.
    #[must_use]
    pub fn property(self, name: &str) -> Self {
        let (Some(document), Some(target)) = (self.document, self.target) else { return Self::unknown() };
        let known = target.get("properties").and_then(|properties| properties.get(name));
        Self::of(document, known.or_else(|| target.get("additionalProperties")))
    }

    /// The items of this list.
    #[must_use]
    pub fn items(self) -> Self {
        let (Some(document), Some(target)) = (self.document, self.target) else { return Self::unknown() };
        Self::of(document, target.get("items"))
    }

    /// The field by which items of this list are told apart.
    #[must_use]
    pub fn merge_key(self) -> Option<&'a str> {
        self.own?.get("x-kubernetes-patch-merge-key")?.as_str()
    }

    /// Whether a strategy (`merge`, `replace`, `retainKeys`) is one of this field's.
    #[must_use]
    pub fn has_strategy(self, strategy: &str) -> bool {
        let named = self.own.and_then(|own| own.get("x-kubernetes-patch-strategy")?.as_str());
        named.is_some_and(|named| named.split(',').any(|one| one == strategy))
    }
}

/// Follows a reference, which stands alone or in an `allOf` beside a default.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let reference = schema.get("$ref").or_else(|| schema.get("allOf")?.get(0)?.get("$ref"));
    match reference {
        None => Some(schema),
        Some(reference) => {
            let name = reference.as_str()?.strip_prefix(SCHEMAS)?;
            document.pointer("/components/schemas")?.get(name)
        }
    }
}

impl Client {
    /// How a strategic merge patch treats the fields of a kind; `None` for kinds that take none.
    ///
    /// # Errors
    /// When the cluster cannot be asked.
    pub async fn patch_schema(&self, resource: &Resource) -> Result<Option<KindSchema>, Error> {
        let api_version = resource.api_version();
        let known = self.descriptions().get(&api_version);
        let document = match known {
            Some(document) => document,
            None => self.description(resource, &api_version).await?,
        };
        Ok(KindSchema::find(&document, resource))
    }

    async fn description(&self, resource: &Resource, api_version: &str) -> Result<Arc<Value>, Error> {
        let root = if resource.group.is_empty() { "api" } else { "apis" };
        let document = match self.describe(&format!("/openapi/v3/{root}/{api_version}")).await {
            Ok(document) => document,
            // A server that tells nothing of a group has no built-in kinds in it.
            Err(error) if error.is(Reason::NotFound) => Value::Null,
            Err(error) => return Err(error),
        };
        Ok(self.descriptions().set(api_version, document))
    }
}

impl Descriptions {
    fn get(&self, api_version: &str) -> Option<Arc<Value>> {
        let documents = self.documents.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        documents.get(api_version).map(Arc::clone)
    }

    fn set(&self, api_version: &str, document: Value) -> Arc<Value> {
        let document = Arc::new(document);
        let mut documents = self.documents.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        documents.insert(api_version.to_owned(), Arc::clone(&document));
        document
    }
}

#[cfg(test)]
impl KindSchema {
    /// A kind of a document made up for a test.
    pub(super) fn of_test(document: Value, name: &str) -> Self {
        Self { document: Arc::new(document), name: name.to_owned() }
    }
}
