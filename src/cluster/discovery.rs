//! Which kinds the cluster serves, from aggregated discovery, kept once per process (see [`DiscoveryCache`] for longer).

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::discovery_cache::DiscoveryCache;
use super::error::Served;
use super::{Client, Error};

/// A table that was just read is not read again for an unknown kind.
const REFRESH_INTERVAL: Duration = Duration::from_millis(500);

/// One kind as the cluster serves it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Resource {
    /// API group; empty for the core group.
    pub group: String,
    /// API version within the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Plural name, as in URLs and access rules.
    pub plural: String,
    /// Singular name.
    pub singular: String,
    /// Short names (`po`, `deploy`).
    pub short_names: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// Whether the kind can be listed and watched.
    pub watchable: bool,
    /// Names of the subresources (`status`, `scale`, `log`).
    pub subresources: Vec<String>,
    /// Categories (`all`).
    pub categories: Vec<String>,
    /// Whether this is the version that the server prefers for the group.
    pub preferred: bool,
}

/// The server's version, for `.Capabilities` and `k8s_cluster_info`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerVersion {
    /// `v1.34.4`
    pub git_version: String,
    /// `1`
    pub major: String,
    /// `34`
    pub minor: String,
    /// What else the server tells: commit, platform, …
    #[serde(flatten)]
    pub more: std::collections::BTreeMap<String, serde_json::Value>,
}

impl Resource {
    /// `v1`, `apps/v1`, …
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// `deployments.apps`: plural and group, as access rules name it.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The URL path of the collection, in one namespace or across all.
    #[must_use]
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api/" } else { "/apis/" };
        let api_version = self.api_version();
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}{api_version}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}{api_version}/{}", self.plural),
        }
    }

    /// The same resource for kube's own watchers.
    #[must_use]
    pub fn to_kube(&self) -> kube::core::ApiResource {
        kube::core::ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        }
    }

    /// Whether one may mean this resource by `name`: kind, plural, singular or a short name.
    fn is_called(&self, name: &str) -> bool {
        self.kind == name
            || self.plural == name
            || self.singular == name
            || self.short_names.iter().any(|short| short == name)
    }
}

/// The table of a process.
#[derive(Default)]
pub(super) struct Resources {
    table: RwLock<Arc<Table>>,
    reading: Mutex<()>,
    cache: Option<DiscoveryCache>,
    recalled: OnceLock<()>,
}

#[derive(Default)]
struct Table {
    by_kind: HashMap<(String, String), Arc<Resource>>,
    api_versions: Vec<String>,
    read: Option<Instant>,
}

impl Table {
    fn find(&self, api_version: &str, name: &str) -> Option<Arc<Resource>> {
        if let Some(exact) = self.by_kind.get(&(api_version.to_owned(), name.to_owned())) {
            return Some(Arc::clone(exact));
        }
        let mut named =
            self.by_kind.iter().filter(|((at, _), resource)| at == api_version && resource.is_called(name));
        named.next().map(|(_, resource)| Arc::clone(resource))
    }

    /// The kind that one means by a loose reference (kubernetes.core, `module_utils/k8s/client.py`): a
    /// version without a group means that version in any group, the core group first; names are tried
    /// as kind, plural, singular and short name, and one that fits several kinds fits none.
    fn find_loosely(&self, api_version: &str, name: &str) -> Option<Arc<Resource>> {
        const NAMES: [fn(&Resource, &str) -> bool; 4] = [
            |resource, name| resource.kind == name,
            |resource, name| resource.plural == name,
            |resource, name| resource.singular == name,
            |resource, name| resource.short_names.iter().any(|short| short == name),
        ];
        if let Some(exact) = self.find(api_version, name) {
            return Some(exact);
        }
        if api_version.contains('/') {
            return None;
        }
        NAMES.iter().find_map(|is_called| {
            let mut fitting = self
                .by_kind
                .values()
                .filter(|resource| resource.version == api_version && is_called(resource, name));
            fitting.next().filter(|_| fitting.next().is_none()).map(Arc::clone)
        })
    }

    fn serving(&self, kind: &str) -> Served {
        let mut served: Vec<String> =
            self.by_kind.keys().filter(|(_, served)| served == kind).map(|(at, _)| at.clone()).collect();
        served.sort();
        Served(served)
    }
}

impl Resources {
    /// The table of a short command.
    pub(super) fn cached(cache: Option<DiscoveryCache>) -> Self {
        Self { cache, ..Self::default() }
    }

    /// The table that was remembered, the first time that it is asked for.
    fn recall(&self) -> Option<Arc<Table>> {
        let cache = self.cache.as_ref()?;
        self.recalled.set(()).ok()?;
        Some(self.set(Table::of(cache.read()?)))
    }

    fn table(&self) -> Arc<Table> {
        self.table
            .read()
            .map_or_else(|poisoned| Arc::clone(&poisoned.into_inner()), |table| Arc::clone(&table))
    }

    fn set(&self, table: Table) -> Arc<Table> {
        let table = Arc::new(table);
        match self.table.write() {
            Ok(mut slot) => *slot = Arc::clone(&table),
            Err(mut poisoned) => **poisoned.get_mut() = Arc::clone(&table),
        }
        table
    }

    /// The current table, read again unless that happened just now.
    async fn refreshed(&self, client: &Client) -> Result<Arc<Table>, Error> {
        let asked = Instant::now();
        let _reading = self.reading.lock().await;
        let table = self.table();
        if table.read.is_some_and(|read| read > asked || read.elapsed() < REFRESH_INTERVAL) {
            return Ok(table);
        }
        let core: DiscoveryList = client.discover("/api").await?;
        let groups: DiscoveryList = client.discover("/apis").await?;
        let table = self.set(Table::from_lists([core, groups]));
        if let Some(cache) = &self.cache {
            cache.write(table.by_kind.values().map(|resource| &**resource));
        }
        Ok(table)
    }
}

impl Client {
    /// The resource of a kind; `name` may also be a plural, singular or short name. Unknown kinds
    /// cause a fresh discovery, so that the kinds of new CRDs are found.
    ///
    /// # Errors
    /// [`Error::UnknownKind`] when the cluster does not serve it; failures of the discovery.
    pub async fn resource(&self, api_version: &str, name: &str) -> Result<Arc<Resource>, Error> {
        self.known(api_version, name, |table| table.find(api_version, name)).await
    }

    /// The resource that a module's `api_version` and `kind` mean: like [`Client::resource`], and a
    /// version without a group also means kinds of other groups (`v1` and `Deployment`).
    ///
    /// # Errors
    /// [`Error::UnknownKind`] when the cluster does not serve it; failures of the discovery.
    pub async fn find_resource(&self, api_version: &str, name: &str) -> Result<Arc<Resource>, Error> {
        self.known(api_version, name, |table| table.find_loosely(api_version, name)).await
    }

    async fn known(
        &self,
        api_version: &str,
        name: &str,
        find: impl Fn(&Table) -> Option<Arc<Resource>>,
    ) -> Result<Arc<Resource>, Error> {
        let resources = self.resources();
        if let Some(known) = find(&resources.table()) {
            return Ok(known);
        }
        if let Some(known) = resources.recall().and_then(|table| find(&table)) {
            return Ok(known);
        }
        let table = resources.refreshed(self).await?;
        find(&table).ok_or_else(|| Error::UnknownKind {
            api_version: api_version.to_owned(),
            kind: name.to_owned(),
            served: table.serving(name),
        })
    }

    /// Every kind that the cluster serves, by API version and kind.
    ///
    /// # Errors
    /// Failures of the discovery.
    pub async fn all_resources(&self) -> Result<Vec<Arc<Resource>>, Error> {
        let table = self.resources().table();
        let table = if table.read.is_some() { table } else { self.resources().refreshed(self).await? };
        let mut all: Vec<_> = table.by_kind.values().cloned().collect();
        all.sort_by(|a, b| (a.api_version(), &a.kind).cmp(&(b.api_version(), &b.kind)));
        Ok(all)
    }

    /// `.Capabilities.APIVersions`: every `group/version` and `group/version/Kind` that is served.
    ///
    /// # Errors
    /// Failures of the discovery.
    pub async fn api_versions(&self) -> Result<Vec<String>, Error> {
        let table = self.resources().table();
        let table = if table.read.is_some() { table } else { self.resources().refreshed(self).await? };
        Ok(table.api_versions.clone())
    }

    /// Forgets what is known, so that the next question reads discovery again.
    pub fn forget_resources(&self) {
        self.resources().set(Table::default());
    }
}

#[derive(Deserialize)]
struct DiscoveryList {
    #[serde(default)]
    items: Vec<DiscoveryGroup>,
}

#[derive(Deserialize)]
struct DiscoveryGroup {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<DiscoveryVersion>,
}

#[derive(Default, Deserialize)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct DiscoveryVersion {
    version: String,
    #[serde(default)]
    resources: Vec<DiscoveryResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveryResource {
    resource: String,
    #[serde(default)]
    response_kind: Option<DiscoveryKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    subresources: Vec<DiscoverySubresource>,
}

#[derive(Deserialize)]
struct DiscoveryKind {
    #[serde(default)]
    kind: String,
}

#[derive(Deserialize)]
struct DiscoverySubresource {
    subresource: String,
}

impl Table {
    /// Of kinds that were remembered; nothing else is known then.
    fn of(kinds: Vec<Resource>) -> Self {
        let keyed = |kind: Resource| ((kind.api_version(), kind.kind.clone()), Arc::new(kind));
        Self { by_kind: kinds.into_iter().map(keyed).collect(), ..Self::default() }
    }

    fn from_lists(lists: impl IntoIterator<Item = DiscoveryList>) -> Self {
        let mut table = Self { read: Some(Instant::now()), ..Self::default() };
        for group in lists.into_iter().flat_map(|list| list.items) {
            for (rank, version) in group.versions.into_iter().enumerate() {
                let at = if group.metadata.name.is_empty() {
                    version.version.clone()
                } else {
                    format!("{}/{}", group.metadata.name, version.version)
                };
                table.api_versions.push(at.clone());
                for found in version.resources {
                    let Some(resource) =
                        found.into_resource(&group.metadata.name, &version.version, rank == 0)
                    else {
                        continue;
                    };
                    table.api_versions.push(format!("{at}/{}", resource.kind));
                    table.by_kind.insert((at.clone(), resource.kind.clone()), Arc::new(resource));
                }
            }
        }
        table
    }
}

impl DiscoveryResource {
    fn into_resource(self, group: &str, version: &str, preferred: bool) -> Option<Resource> {
        let kind = self.response_kind.map(|served| served.kind).filter(|kind| !kind.is_empty())?;
        Some(Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind,
            plural: self.resource,
            singular: self.singular_resource,
            short_names: self.short_names,
            namespaced: self.scope == "Namespaced",
            watchable: ["list", "watch"].iter().all(|verb| self.verbs.iter().any(|v| v == verb)),
            subresources: self.subresources.into_iter().map(|sub| sub.subresource).collect(),
            categories: self.categories,
            preferred,
        })
    }
}

/// Deployments, for the tests of this room.
#[cfg(test)]
pub(super) fn deployments() -> Resource {
    Resource {
        group: "apps".into(),
        version: "v1".into(),
        kind: "Deployment".into(),
        plural: "deployments".into(),
        singular: "deployment".into(),
        short_names: vec!["deploy".into()],
        namespaced: true,
        watchable: true,
        subresources: vec!["scale".into()],
        categories: vec!["all".into()],
        preferred: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let apps = r#"{"items":[{"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[
            {"resource":"deployments","responseKind":{"group":"apps","version":"v1","kind":"Deployment"},
             "scope":"Namespaced","singularResource":"deployment","verbs":["get","list","watch"],
             "shortNames":["deploy"],"subresources":[{"subresource":"status"},{"subresource":"scale"}]}]}]}]}"#;
        let core = r#"{"items":[{"versions":[{"version":"v1","resources":[
            {"resource":"namespaces","responseKind":{"version":"v1","kind":"Namespace"},"scope":"Cluster","verbs":["get"]}]}]}]}"#;
        Table::from_lists([serde_json::from_str(core).unwrap(), serde_json::from_str(apps).unwrap()])
    }

    #[test]
    fn kinds_are_found_by_every_name_of_theirs() {
        let table = table();
        for name in ["Deployment", "deployments", "deployment", "deploy"] {
            let found = table.find("apps/v1", name).unwrap();
            assert_eq!(found.path(Some("demo")), "/apis/apps/v1/namespaces/demo/deployments");
            assert_eq!(found.full_name(), "deployments.apps");
        }
        assert!(table.find("v1", "Deployment").is_none());
        for name in ["Deployment", "deploy"] {
            assert_eq!(table.find_loosely("v1", name).unwrap().api_version(), "apps/v1");
        }
        assert!(table.find_loosely("batch/v1", "Deployment").is_none());
        assert_eq!(table.serving("Deployment").0, ["apps/v1"]);
        let namespace = table.find("v1", "Namespace").unwrap();
        assert_eq!(namespace.path(Some("ignored")), "/api/v1/namespaces");
        assert!(!namespace.watchable);
    }

    #[test]
    fn capabilities_list_versions_and_kinds() {
        assert_eq!(table().api_versions, ["v1", "v1/Namespace", "apps/v1", "apps/v1/Deployment"]);
    }
}
