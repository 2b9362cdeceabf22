//! What an operator must be allowed to do, derived from the charts and roles that it serves.
//!
//! ```text
//! watches.yaml ─> Watch ─┬─ chart: rendered with its defaults ─> kinds ──────────────┐
//!                        └─ role:  tasks of kubernetes.core & co. ─> kinds and verbs ┴─> Permissions ─> Role, ClusterRole
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::kinds::{self, KindInfo};
use crate::chart::hook::Event;
use crate::chart::{Chart, Compat, RenderOptions};
use crate::watches::{Content, Gvk, Watch};
use crate::yaml::go::{Numbers, parse};

/// What is done to objects that a chart or role makes.
pub(super) const MANAGE: &[&str] = &["create", "delete", "get", "list", "patch", "update", "watch"];
/// What is done to the resources that are served.
const SERVE: &[&str] = &["get", "list", "patch", "update", "watch"];

/// The permissions of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Verbs by group and resource.
    by_resource: BTreeMap<(String, String), BTreeSet<String>>,
    /// Rules that charts hand on in Roles of their own: nobody may give what he does not have.
    handed_on: BTreeSet<String>,
}

impl Rules {
    /// Allows these verbs on a resource.
    pub fn allow<'v>(&mut self, group: &str, resource: &str, verbs: impl IntoIterator<Item = &'v str>) {
        let entry = self.by_resource.entry((group.to_owned(), resource.to_owned())).or_default();
        entry.extend(verbs.into_iter().map(str::to_owned));
    }

    /// Allows what the other rules allow, too.
    pub fn merge(&mut self, other: &Self) {
        for ((group, resource), verbs) in &other.by_resource {
            self.allow(group, resource, verbs.iter().map(String::as_str));
        }
        self.handed_on.extend(other.handed_on.iter().cloned());
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_resource.is_empty() && self.handed_on.is_empty()
    }

    /// Each verb on each resource: what a check asks the cluster about.
    pub fn single(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.by_resource.iter().flat_map(|((group, resource), verbs)| {
            verbs.iter().map(move |verb| (group.as_str(), resource.as_str(), verb.as_str()))
        })
    }

    /// The `rules` of a Role: resources of a group with the same verbs share one.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut shared: BTreeMap<(&str, &BTreeSet<String>), Vec<&str>> = BTreeMap::new();
        for ((group, resource), verbs) in &self.by_resource {
            shared.entry((group, verbs)).or_default().push(resource);
        }
        let own = shared
            .iter()
            .map(|((group, verbs), resources)| json!({"apiGroups": [group], "resources": resources, "verbs": verbs}));
        let handed_on = self.handed_on.iter().filter_map(|rule| serde_json::from_str(rule).ok());
        own.chain(handed_on).collect()
    }
}

/// What an operator must be allowed to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// In every namespace that it watches.
    pub namespaced: Rules,
    /// In the whole cluster.
    pub cluster: Rules,
}

impl Permissions {
    /// What serving these watches needs, and what their charts make with the values that they have by default.
    ///
    /// # Errors
    /// A chart that does not load or render, with its watch.
    pub fn of(watches: &[Watch]) -> Result<Self, String> {
        let mut permissions = Self::default();
        permissions.namespaced.allow("", "events", ["create", "patch"]);
        for watch in watches {
            permissions.serve(&watch.kind);
            if let Content::Chart(content) = &watch.content {
                let failed = |error: crate::chart::Error| {
                    format!("{}: chart {}: {error}", watch.location, content.chart.display())
                };
                let chart = Chart::load(&content.chart).map_err(failed)?;
                permissions.add_chart(&chart, &Map::new()).map_err(failed)?;
            }
        }
        Ok(permissions)
    }

    /// What leader election needs, in the operator's own namespace.
    #[must_use]
    pub fn of_leader_election() -> Rules {
        let mut rules = Rules::default();
        rules.allow("coordination.k8s.io", "leases", ["create", "get", "update"]);
        rules.allow("", "events", ["create", "patch"]);
        rules
    }

    /// Serving a kind of resources.
    pub(super) fn serve(&mut self, kind: &Gvk) {
        let plural = kinds::plural_of(&kind.kind);
        self.namespaced.allow(&kind.group, &plural, SERVE.iter().copied());
        self.namespaced.allow(&kind.group, &format!("{plural}/status"), ["get", "patch", "update"]);
        // Owner references with blockOwnerDeletion need this where that admission check is on.
        self.namespaced.allow(&kind.group, &format!("{plural}/finalizers"), ["update"]);
    }

    /// What a chart makes with these values, and its release records.
    ///
    /// # Errors
    /// The chart does not render.
    pub fn add_chart(
        &mut self,
        chart: &Chart,
        values: &Map<String, Value>,
    ) -> Result<(), crate::chart::Error> {
        let mut options = RenderOptions::new(chart.name(), "default", Compat::V4);
        // Values that a chart requires are missing here.
        options.lint = true;
        options.skip_schema_validation = true;
        let rendered = chart.render(values, &options)?;
        self.namespaced.allow("", "secrets", MANAGE.iter().copied());
        let manifests = rendered.manifests.iter().map(|manifest| manifest.text.as_bytes());
        // Tests run when a person asks for them.
        let hooks = rendered.hooks.iter().filter(|hook| hook.events != [Event::Test]);
        let hooks = hooks.map(|hook| hook.manifest.as_bytes());
        let crds = rendered.crds.iter().map(|crd| &*crd.data);
        for text in manifests.chain(hooks).chain(crds) {
            if let Ok(object) = parse(text, Numbers::Json) {
                self.manage(&object);
            }
        }
        Ok(())
    }

    /// Managing an object like this one.
    pub(super) fn manage(&mut self, object: &Value) {
        let (Some(api_version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str()) else {
            return;
        };
        self.allow(api_version, kind, "", MANAGE);
        if kinds::group_of(api_version) == "rbac.authorization.k8s.io" {
            self.hand_on(object, kind);
        }
    }

    /// Allows these verbs on a kind where it lives, or on a subresource of it.
    pub(super) fn allow(&mut self, api_version: &str, kind: &str, subresource: &str, verbs: &[&str]) {
        let KindInfo { group, plural, namespaced } = kinds::info(api_version, kind);
        let rules = if namespaced { &mut self.namespaced } else { &mut self.cluster };
        let resource = if subresource.is_empty() { plural } else { format!("{plural}/{subresource}") };
        rules.allow(&group, &resource, verbs.iter().copied());
    }

    /// Who makes a Role must hold its rules; who binds one that is there already must be allowed to.
    fn hand_on(&mut self, object: &Value, kind: &str) {
        let rules = if kind.starts_with("Cluster") { &mut self.cluster } else { &mut self.namespaced };
        let handed_on = object["rules"].as_array().into_iter().flatten().map(Value::to_string);
        rules.handed_on.extend(handed_on);
    }
}

/// The documents of a Role or ClusterRole and its binding to a service account.
#[must_use]
pub fn documents(name: &str, scope: Scope<'_>, rules: &Rules) -> Vec<Value> {
    let (role, binding, namespace) = match scope {
        Scope::Namespace => ("Role", "RoleBinding", None),
        Scope::Cluster { namespace } => ("ClusterRole", "ClusterRoleBinding", Some(namespace)),
    };
    let mut subject = json!({"kind": "ServiceAccount", "name": name});
    if let Some(namespace) = namespace {
        subject["namespace"] = namespace.into();
    }
    vec![
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": role,
            "metadata": {"name": name},
            "rules": rules.to_value(),
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": binding,
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
            "subjects": [subject],
        }),
    ]
}

/// Where rules hold.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// In the namespace of the operator.
    Namespace,
    /// In the whole cluster; the operator runs in this namespace.
    Cluster {
        /// The namespace of the service account.
        namespace: &'a str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::File;

    fn chart(template: &str) -> Chart {
        let file = |name: &str, text: &str| File::new(name, text.as_bytes(), None);
        Chart::from_files(vec![
            file("Chart.yaml", "apiVersion: v2\nname: demo\nversion: 1.0.0\n"),
            file("templates/all.yaml", template),
        ])
        .unwrap()
    }

    #[test]
    fn a_chart_needs_its_kinds_where_they_live_and_the_rules_that_it_hands_on() {
        let template = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n---\n\
            apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: b}\n\
            rules: [{apiGroups: [\"\"], resources: [nodes], verbs: [list]}]\n";
        let mut permissions = Permissions::default();
        permissions.add_chart(&chart(template), &Map::new()).unwrap();
        let verbs = |rules: &Rules, resource: &str| {
            rules
                .single()
                .filter(|(_, found, _)| *found == resource)
                .map(|(_, _, verb)| verb.to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(verbs(&permissions.namespaced, "deployments"), MANAGE);
        assert_eq!(verbs(&permissions.namespaced, "secrets"), MANAGE);
        assert_eq!(verbs(&permissions.cluster, "clusterroles"), MANAGE);
        let rules = permissions.cluster.to_value();
        assert!(rules.as_array().unwrap().iter().any(|rule| rule["resources"][0] == "nodes"));
        let bound = documents("op", Scope::Cluster { namespace: "demo" }, &permissions.cluster);
        assert_eq!(bound[1]["subjects"][0]["namespace"], "demo");
    }

    #[test]
    fn resources_with_the_same_verbs_share_a_rule() {
        let mut rules = Rules::default();
        rules.allow("apps", "deployments", ["get"]);
        rules.allow("apps", "statefulsets", ["get"]);
        rules.allow("apps", "deployments/scale", ["patch"]);
        assert_eq!(rules.to_value().as_array().map(Vec::len), Some(2));
    }
}
