//! What the tasks of roles and playbooks must be allowed to do.
//!
//! A module's needs are data ([`NEEDS`]). The kinds stand in a task's arguments, in definitions written there, or in
//! the templates and files that it names; where only a run knows the name of a template, all templates of the role count. What only a
//! run knows altogether is told, not guessed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Map;

use super::permissions::{MANAGE, Permissions};
use crate::chart::Chart;
use crate::jinja::Value;
use crate::playbook::{Action, Content, Reached, files_below};

/// Looking at objects, and following them.
const READ: &[&str] = &["get", "list", "watch"];
/// Making and changing objects.
const APPLY: &[&str] = &["create", "get", "list", "patch", "update", "watch"];
/// Changing objects that are there.
const CHANGE: &[&str] = &["get", "list", "patch", "update", "watch"];
/// Deleting objects.
const DELETE: &[&str] = &["delete", "get", "list", "watch"];
/// Writing a subresource.
const WRITE: &[&str] = &["get", "patch", "update"];
/// Telling what happens.
const TELL: &[&str] = &["create", "get", "patch"];
/// A connection into a pod.
const CONNECT: &[&str] = &["create", "get"];

/// On which kind a module works.
enum On {
    /// The kind that the task names.
    Named,
    /// The same, where a workload is a Deployment unless the task says otherwise.
    Workload,
    /// This `apiVersion` and kind.
    Kind(&'static str, &'static str),
}

const POD: On = On::Kind("v1", "Pod");
const NODE: On = On::Kind("v1", "Node");
const SECRET: On = On::Kind("v1", "Secret");
const EVENT: On = On::Kind("v1", "Event");

/// The kind, its subresource or nothing, the verbs.
type Need = (On, &'static str, &'static [&'static str]);

/// Modules and what each needs. `kubernetes.core.k8s` has verbs for each of its states.
const NEEDS: &[(&[&str], &[Need])] = &[
    (&["kubernetes.core.k8s_info", "daytwo.core.wait"], &[(On::Named, "", READ)]),
    (&["kubernetes.core.k8s_scale"], &[(On::Named, "", CHANGE), (On::Named, "scale", WRITE)]),
    (&["kubernetes.core.k8s_json_patch"], &[(On::Named, "", CHANGE)]),
    (
        &["kubernetes.core.k8s_rollback"],
        &[
            (On::Named, "", CHANGE),
            (On::Kind("apps/v1", "ReplicaSet"), "", READ),
            (On::Kind("apps/v1", "ControllerRevision"), "", READ),
        ],
    ),
    (&["kubernetes.core.k8s_exec", "kubernetes.core.k8s_cp"], &[(POD, "", READ), (POD, "exec", CONNECT)]),
    (&["kubernetes.core.k8s_log"], &[(On::Named, "", READ), (POD, "", READ), (POD, "log", &["get"])]),
    (
        &["kubernetes.core.k8s_drain"],
        &[(NODE, "", CHANGE), (POD, "", DELETE), (POD, "eviction", &["create"])],
    ),
    (&["kubernetes.core.k8s_taint"], &[(NODE, "", CHANGE)]),
    (&["kubernetes.core.k8s_service"], &[(On::Kind("v1", "Service"), "", MANAGE)]),
    (&["kubernetes.core.helm_info"], &[(SECRET, "", READ)]),
    (&["operator_sdk.util.k8s_status"], &[(On::Named, "", READ), (On::Named, "status", WRITE)]),
    (&["operator_sdk.util.k8s_event"], &[(On::Named, "", READ), (EVENT, "", TELL)]),
    (&["daytwo.core.event", "daytwo.core.approve"], &[(EVENT, "", TELL)]),
    (&["daytwo.core.scale_to"], &[(On::Workload, "", CHANGE), (POD, "", READ)]),
    (&["daytwo.core.secret"], &[(SECRET, "", APPLY)]),
    (
        &["daytwo.core.job", "daytwo.core.mysqldump", "daytwo.core.mysqlrestore"],
        &[(On::Kind("batch/v1", "Job"), "", MANAGE), (POD, "", READ), (POD, "log", &["get"])],
    ),
    (
        &["daytwo.core.mysql_query"],
        &[(SECRET, "", READ), (On::Kind("v1", "Service"), "", READ), (POD, "", READ), (POD, "exec", CONNECT)],
    ),
    (CHARTS, &[(SECRET, "", MANAGE)]),
];

/// The modules that need what a chart makes.
const CHARTS: &[&str] = &["kubernetes.core.helm", "daytwo.core.chart"];

/// The module whose verbs are those of its state.
const K8S: &str = "kubernetes.core.k8s";

/// `apiVersion` and kind, as a task or a template writes them.
type Named = (String, String);

impl Permissions {
    /// What all tasks of this content need. Returns what only a run can tell, as `file:line: text`.
    pub fn add_content(&mut self, content: &Content) -> Vec<String> {
        let mut untold = BTreeSet::new();
        for reached in content.reach() {
            let Action::Module(module) = reached.task.action else { continue };
            let of_state = (On::Named, "", verbs_of_state(&reached));
            let of_module = NEEDS.iter().filter(|(modules, _)| modules.contains(&module));
            let of_module = of_module.flat_map(|(_, needs)| *needs);
            let mut told = Ok(());
            for need in of_module.chain((module == K8S).then_some(&of_state)) {
                told = told.and(self.add_need(need, &reached));
            }
            if CHARTS.contains(&module) {
                told = told.and(self.add_chart_of(&reached, &content.basedir));
            }
            if let Err(what) = told {
                untold.insert(format!("{}: {what}", reached.task.place.path()));
            }
        }
        untold.into_iter().collect()
    }

    fn add_need(&mut self, (on, subresource, verbs): &Need, reached: &Reached) -> Result<(), String> {
        let default = match on {
            On::Kind(api_version, kind) => {
                self.allow(api_version, kind, subresource, verbs);
                return Ok(());
            }
            On::Named => ("v1", None),
            On::Workload => ("apps/v1", Some("Deployment")),
        };
        let (named, complete) = named_kinds(reached, default);
        for (api_version, kind) in &named {
            self.allow(api_version, kind, subresource, verbs);
        }
        let untold = || "which kind of object this works on is only known when it runs".to_owned();
        complete.then_some(()).ok_or_else(untold)
    }

    /// What the chart of a task makes.
    fn add_chart_of(&mut self, reached: &Reached, basedir: &Path) -> Result<(), String> {
        let chart = chart_of(reached, basedir).ok_or("the chart is only known when it runs")?;
        let failed = |error: crate::chart::Error| format!("chart {}: {error}", chart.display());
        self.add_chart(&Chart::load(&chart).map_err(failed)?, &Map::new()).map_err(failed)
    }
}

fn verbs_of_state(reached: &Reached) -> &'static [&'static str] {
    match reached.task.args.get("state").map(|state| state.as_str()) {
        None | Some(Some("present")) => APPLY,
        Some(Some("absent")) => DELETE,
        Some(Some("patched")) => CHANGE,
        Some(_) => MANAGE,
    }
}

/// The kinds that a task names, and whether these are all; with what the module takes for those that are missing.
fn named_kinds(reached: &Reached, default: (&str, Option<&str>)) -> (BTreeSet<Named>, bool) {
    let args = &reached.task.args;
    let argument = |names: &[&str]| names.iter().find_map(|name| args.get(*name));
    let mut found = Kinds { reached, named: BTreeSet::new(), complete: true };
    let definition = argument(&["resource_definition", "definition", "inline"]);
    let files = argument(&["template", "src"]);
    if let Some(definition) = definition {
        found.definition(definition);
    } else if let Some(files) = files {
        found.files(&texts(files));
    }
    let text = |names: &[&str]| argument(names).and_then(Value::as_str);
    match text(&["kind"]).or(default.1) {
        Some(kind) => found.name(text(&["api_version", "api", "version"]).unwrap_or(default.0), kind),
        None => found.complete &= definition.is_some() || files.is_some(),
    }
    (found.named, found.complete)
}

struct Kinds<'r> {
    reached: &'r Reached,
    named: BTreeSet<Named>,
    complete: bool,
}

impl Kinds<'_> {
    fn name(&mut self, api_version: &str, kind: &str) {
        if is_template(api_version) || is_template(kind) {
            self.complete = false;
        } else {
            self.named.insert((api_version.to_owned(), kind.to_owned()));
        }
    }

    fn definition(&mut self, definition: &Value) {
        if let Some(dict) = definition.as_dict() {
            let field = |name: &str| dict.get(name).and_then(|value| value.as_str().map(ToOwned::to_owned));
            if let Some(kind) = field("kind") {
                self.name(&field("apiVersion").unwrap_or_else(|| "v1".to_owned()), &kind);
            }
        } else if let Some(list) = definition.as_list() {
            list.items().iter().for_each(|item| self.definition(item));
        } else if let Some(text) = definition.as_str() {
            if text.contains("lookup(") || text.contains("query(") {
                self.files(&quoted(text));
            } else if is_template(text) && !text.contains("kind:") {
                self.complete = false;
            } else {
                self.manifest(text);
            }
        }
    }

    /// Templates and files by name; all of the role's when a run makes the names.
    fn files(&mut self, names: &[String]) {
        let Some(role) = &self.reached.role else {
            self.complete = false;
            return;
        };
        let folders = [role.path.join("templates"), role.path.join("files"), role.path.clone()];
        let mut items = Vec::new();
        if let Some(looping) = &self.reached.task.looping {
            items = texts(&looping.items);
        }
        let mut paths: Vec<PathBuf> = names
            .iter()
            .chain(&items)
            .filter_map(|name| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file()))
            .collect();
        if paths.is_empty() {
            paths = files_below(&folders[0], |_| true);
        }
        self.complete &= !paths.is_empty();
        for path in paths {
            if let Ok(text) = std::fs::read_to_string(path) {
                self.manifest(&text);
            }
        }
    }

    /// What stands at the left edge of the documents of a manifest, which may be a template.
    fn manifest(&mut self, text: &str) {
        let mut document: (Option<&str>, Option<&str>) = (None, None);
        for line in text.lines().chain(["---"]) {
            let value = |key: &str| {
                let value = line.strip_prefix(key)?.split(" #").next().unwrap_or_default();
                Some(value.trim().trim_matches(['"', '\'']))
            };
            if let Some(api_version) = value("apiVersion:") {
                document.0 = Some(api_version);
            } else if let Some(kind) = value("kind:") {
                document.1 = Some(kind);
            } else if line.starts_with("---")
                && let (api_version, Some(kind)) = std::mem::take(&mut document)
            {
                self.name(api_version.unwrap_or("v1"), kind);
            }
        }
    }
}

/// The chart of a task, where its path is written there: in the role's or the project's `charts`, or as it stands.
fn chart_of(reached: &Reached, basedir: &Path) -> Option<PathBuf> {
    let names = ["chart", "chart_ref"];
    let name = names.iter().find_map(|name| reached.task.args.get(*name))?.as_str()?;
    let role = reached.role.as_ref().map(|role| role.path.join("charts").join(name));
    let project = basedir.ancestors().take(2).map(|directory| directory.join("charts").join(name));
    let places = role.into_iter().chain(project).chain([basedir.join(name), PathBuf::from(name)]);
    places.into_iter().find(|path| path.exists())
}

fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// All texts in a value.
fn texts(value: &Value) -> Vec<String> {
    if let Some(dict) = value.as_dict() {
        return dict.read().values().flat_map(texts).collect();
    }
    if let Some(list) = value.as_list() {
        return list.items().iter().flat_map(texts).collect();
    }
    let text = value.as_str().unwrap_or_default();
    if is_template(text) { quoted(text) } else { vec![text.to_owned()] }
}

/// The texts in quotes.
fn quoted(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let Some(length) = rest[start + 1..].find(quote) else { break };
        found.push(rest[start + 1..][..length].to_owned());
        rest = &rest[start + 1 + length + 1..];
    }
    found
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::jinja::Environment;
    use crate::modules::Registry;
    use crate::modules::external::Library;
    use crate::playbook::Options;

    /// The rules that the tasks of a role need, as `group/resource verb,verb`, and what is not told.
    fn rules(files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        let role = directory.path().join("demo");
        for (name, text) in files {
            let path = role.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let environment = Arc::new(Environment::new(Arc::new(crate::modules::plugins())));
        let options = Options::new(
            Arc::new(Registry::with(&Library::of(std::slice::from_ref(&role), &[], &[]))),
            environment,
        );
        let content = Content::load_role(&role, &options).unwrap();
        let mut permissions = Permissions::default();
        let untold = permissions.add_content(&content);
        let scopes = [("", &permissions.namespaced), ("cluster ", &permissions.cluster)];
        let mut verbs: std::collections::BTreeMap<String, Vec<&str>> = std::collections::BTreeMap::new();
        for (scope, rules) in scopes {
            for (group, resource, verb) in rules.single() {
                verbs.entry(format!("{scope}{group}/{resource}")).or_default().push(verb);
            }
        }
        (
            verbs.into_iter().map(|(resource, verbs)| format!("{resource} {}", verbs.join(","))).collect(),
            untold,
        )
    }

    #[test]
    fn kinds_stand_in_arguments_definitions_and_templates() {
        let (rules, untold) = rules(&[
            (
                "tasks/main.yml",
                "- kubernetes.core.k8s:\n    definition: {apiVersion: apps/v1, kind: Deployment}\n\
                 - k8s: {state: absent, api_version: v1, kind: ConfigMap, name: a}\n\
                 - k8s: {template: own.yaml.j2}\n\
                 - k8s:\n    definition: \"{{ lookup('template', 'looked-up.yaml.j2') | from_yaml }}\"\n\
                 - k8s: {src: '{{ item }}.yaml'}\n  loop: [service.yaml]\n\
                 - include_tasks: '{{ which }}.yml'\n",
            ),
            ("tasks/more.yml", "- kubernetes.core.k8s_exec: {pod: a, namespace: b, command: ls}\n"),
            (
                "templates/own.yaml.j2",
                "{% if a %}\napiVersion: v1\nkind: Secret\n{% endif %}\n---\nkind: Node\nspec:\n  kind: Pod\n",
            ),
            ("templates/looked-up.yaml.j2", "kind: Ingress # one\napiVersion: networking.k8s.io/v1\n"),
            ("files/service.yaml", "apiVersion: v1\nkind: Service\n"),
        ]);
        let apply = APPLY.join(",");
        assert_eq!(
            rules,
            [
                "/configmaps delete,get,list,watch".to_owned(),
                "/pods get,list,watch".to_owned(),
                "/pods/exec create,get".to_owned(),
                format!("/secrets {apply}"),
                format!("/services {apply}"),
                format!("apps/deployments {apply}"),
                format!("cluster /nodes {apply}"),
                format!("networking.k8s.io/ingresses {apply}"),
            ]
        );
        assert!(untold.is_empty(), "{untold:?}");
    }

    #[test]
    fn what_only_a_run_knows_is_told() {
        let (rules, untold) = rules(&[(
            "tasks/main.yml",
            "- k8s:\n    definition: '{{ made }}'\n- k8s_info: {kind: '{{ kind }}'}\n- chart: {name: a, chart: '{{ chart }}'}\n",
        )]);
        assert_eq!(rules, [format!("/secrets {}", MANAGE.join(","))]);
        let lines: Vec<&str> = untold.iter().filter_map(|text| text.split(": ").nth(1)).collect();
        assert_eq!(
            lines,
            [
                "which kind of object this works on is only known when it runs",
                "which kind of object this works on is only known when it runs",
                "the chart is only known when it runs",
            ]
        );
    }
}
