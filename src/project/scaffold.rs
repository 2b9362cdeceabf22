//! A new operator project: from a chart or for a role, complete enough to be deployed.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::kinds::plural_of;
use super::permissions::{self, Permissions, Scope};
use super::{crd, to_documents};
use crate::chart::{Chart, File};
use crate::watches::Gvk;
use crate::yaml::go::{Numbers, parse, to_yaml};

/// Why a project cannot be made.
#[derive(Debug, Error)]
pub enum Error {
    /// There is something already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A name that Kubernetes would refuse.
    #[error("{what} {value:?} is not valid: {hint}")]
    Name {
        /// What is named.
        what: &'static str,
        /// How.
        value: String,
        /// What is expected.
        hint: &'static str,
    },
    /// The chart does not render with its defaults.
    #[error(transparent)]
    Chart(#[from] crate::chart::Error),
    /// A template of the project does not render.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What serves the kind of a new project.
pub enum Content {
    /// The chart of these files, all of which are copied.
    Chart(Vec<File>),
    /// A chart to begin with.
    NewChart,
    /// A role to begin with, called from a playbook when asked.
    NewRole {
        /// Whether `watches.yaml` names a playbook instead of the role.
        playbook: bool,
    },
}

/// What a new project is to be.
pub struct Plan {
    /// The name of the operator and of its directory.
    pub name: String,
    /// The kind that it serves.
    pub kind: Gvk,
    /// What serves it.
    pub content: Content,
    /// The image of the operator.
    pub image: String,
    /// The namespace of the operator, which it watches.
    pub namespace: String,
}

/// The files of a project by their path.
#[derive(Debug, Default)]
pub struct Files(Vec<(PathBuf, Vec<u8>)>);

impl Files {
    fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) {
        self.0.push((path.into(), text.into()));
    }

    fn add_yaml(&mut self, path: impl Into<PathBuf>, comment: &str, documents: &[Value]) {
        self.add(path, format!("# {comment}\n{}", to_documents(documents)));
    }

    /// The paths, in the order in which they are written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter().map(|(path, _)| path.as_path())
    }

    /// The text of a file.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        let found = self.0.iter().find(|(at, _)| at == Path::new(path));
        found.and_then(|(_, data)| std::str::from_utf8(data).ok())
    }

    /// Writes the files below a directory that is not there yet.
    ///
    /// # Errors
    /// The directory exists, or a file cannot be written.
    pub fn write(&self, directory: &Path) -> Result<(), Error> {
        if directory.exists() {
            return Err(Error::Exists(directory.to_owned()));
        }
        for (name, data) in &self.0 {
            let path = directory.join(name);
            let failed = |source| Error::Io { path: path.clone(), source };
            fs::create_dir_all(path.parent().unwrap_or(directory)).map_err(failed)?;
            fs::write(&path, data).map_err(failed)?;
        }
        Ok(())
    }
}

/// Makes the files of a project.
///
/// # Errors
/// Names that Kubernetes would refuse, a chart that does not render with its defaults.
pub fn files(plan: &Plan) -> Result<Files, Error> {
    check(plan)?;
    let mut files = Files::default();
    let singular = plan.kind.kind.to_lowercase();
    let mut needs = Permissions::default();
    let kind = &plan.kind;
    let mut watch = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let defaults = match &plan.content {
        Content::Chart(chart) => Some(add_chart(&mut files, &mut needs, &mut watch, chart)?),
        Content::NewChart => Some(add_chart(&mut files, &mut needs, &mut watch, &starter_chart(&singular))?),
        Content::NewRole { playbook } => {
            add_role(&mut files, &mut needs, &mut watch, &singular, *playbook);
            None
        }
    };
    needs.serve(kind);
    needs.namespaced.allow("", "events", ["create", "patch"]);
    files.add_yaml("watches.yaml", "Which kind is served by what.", &[json!([watch])]);
    add_deployment(&mut files, plan, &needs, defaults.as_ref());
    files.add("Containerfile", containerfile(&files)?);
    files.add("README.md", readme(plan)?);
    Ok(files)
}

fn check(plan: &Plan) -> Result<(), Error> {
    let label = |text: &str| {
        !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    let name = |what, value: &str, hint| Err(Error::Name { what, value: value.to_owned(), hint });
    if !label(&plan.name) {
        return name(
            "the project's name",
            &plan.name,
            "small letters, digits and dashes, as in hello-operator",
        );
    }
    if !plan.kind.group.contains('.') || !plan.kind.group.split('.').all(label) {
        return name("the group", &plan.kind.group, "a domain, as in demo.example.com");
    }
    if !label(&plan.kind.version) || !plan.kind.version.starts_with('v') {
        return name("the version", &plan.kind.version, "as in v1alpha1");
    }
    let kind = &plan.kind.kind;
    if !kind.starts_with(|first: char| first.is_ascii_uppercase())
        || !kind.bytes().all(|b| b.is_ascii_alphanumeric())
    {
        return name("the kind", kind, "a word that begins with a capital, as in Hello");
    }
    Ok(())
}

/// The default values of a chart, as data and as they are written.
struct Defaults {
    values: Arc<Map<String, Value>>,
    text: String,
}

/// The chart's files, what it needs, and its place in the watch.
fn add_chart(
    files: &mut Files,
    needs: &mut Permissions,
    watch: &mut Value,
    content: &[File],
) -> Result<Defaults, Error> {
    let chart = Chart::from_files(content.to_vec())?;
    needs.add_chart(&chart, &Map::new())?;
    let home = Path::new("charts").join(chart.name());
    for file in content {
        files.add(home.join(inside(&file.name)), file.data.to_vec());
    }
    watch["chart"] = home.display().to_string().into();
    let text = content.iter().find(|file| file.name == "values.yaml");
    let text = text.map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default();
    Ok(Defaults { values: Arc::clone(&chart.contents().values), text })
}

/// The path without what would lead out of the chart.
fn inside(name: &str) -> PathBuf {
    Path::new(name).components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn starter_chart(name: &str) -> Vec<File> {
    let file = |path: &str, text: &str| File::new(path, text.replace("NAME", name).as_bytes(), None);
    vec![
        file("Chart.yaml", include_str!("starter/Chart.yaml")),
        file("values.yaml", include_str!("starter/values.yaml")),
        file("templates/deployment.yaml", include_str!("starter/deployment.yaml")),
        file("templates/service.yaml", include_str!("starter/service.yaml")),
    ]
}

fn add_role(files: &mut Files, needs: &mut Permissions, watch: &mut Value, name: &str, playbook: bool) {
    // What the task to begin with makes.
    needs.manage(&json!({"apiVersion": "v1", "kind": "ConfigMap"}));
    let role = Path::new("roles").join(name);
    files.add(role.join("defaults/main.yml"), include_str!("starter/defaults.yml"));
    files.add(role.join("tasks/main.yml"), include_str!("starter/tasks.yml"));
    files.add(role.join("meta/main.yml"), "dependencies: []\ncollections:\n  - kubernetes.core\n");
    if playbook {
        let path = format!("playbooks/{name}.yml");
        let text = format!("- hosts: localhost\n  gather_facts: false\n  roles:\n    - {name}\n");
        files.add(&path, text);
        watch["playbook"] = path.into();
    } else {
        watch["role"] = name.into();
    }
}

/// Everything that is applied to the cluster.
fn add_deployment(files: &mut Files, plan: &Plan, needs: &Permissions, defaults: Option<&Defaults>) {
    let kind = &plan.kind;
    let description = format!("What {} makes of a {}.", plan.name, kind.kind);
    let spec = match defaults {
        Some(defaults) => crd::schema_of(&defaults.values),
        None => crd::schema_of(&Map::new()),
    };
    let crd_file = format!("crds/{}.yaml", plural_of(&kind.kind));
    let definition = crd::definition(kind, &description, spec);
    files.add_yaml(format!("deploy/{crd_file}"), "The kind that the operator serves.", &[definition]);
    let sample = sample(plan, defaults);
    files.add(format!("deploy/samples/{}.yaml", kind.kind.to_lowercase()), sample);
    files.add_yaml(
        "deploy/rbac.yaml",
        "What the operator may do, and no more: daytwo rbac says what it needs.",
        &rbac(plan, needs),
    );
    files.add_yaml("deploy/operator.yaml", "The operator.", &[deployment(plan, needs.cluster.is_empty())]);
    files.add_yaml("deploy/service.yaml", "Where its metrics are read.", &[service(plan)]);
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": plan.namespace,
        "resources": [crd_file, "rbac.yaml", "operator.yaml", "service.yaml"],
    });
    files.add_yaml("deploy/kustomization.yaml", "kubectl apply -k deploy", &[kustomization]);
}

fn rbac(plan: &Plan, needs: &Permissions) -> Vec<Value> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": plan.name}});
    let mut own = needs.namespaced.clone();
    own.merge(&Permissions::of_leader_election());
    let mut documents = vec![account];
    documents.extend(permissions::documents(&plan.name, Scope::Namespace, &own));
    if !needs.cluster.is_empty() {
        let scope = Scope::Cluster { namespace: &plan.namespace };
        documents.extend(permissions::documents(&plan.name, scope, &needs.cluster));
    }
    documents
}

fn labels(plan: &Plan) -> Value {
    json!({"app.kubernetes.io/name": plan.name})
}

fn deployment(plan: &Plan, one_namespace: bool) -> Value {
    let mut env = vec![
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        json!({"name": "OPERATOR_NAME", "value": plan.name}),
    ];
    if one_namespace {
        env.push(json!({"name": "WATCH_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}));
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": plan.name, "labels": labels(plan)},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels(plan)},
            "template": {
                "metadata": {"labels": labels(plan)},
                "spec": {
                    "serviceAccountName": plan.name,
                    "securityContext": {
                        "runAsNonRoot": true,
                        "runAsUser": 65532,
                        "runAsGroup": 65532,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [{
                        "name": "operator",
                        "image": plan.image,
                        "imagePullPolicy": "IfNotPresent",
                        "args": ["--leader-elect", format!("--leader-election-id={}", plan.name)],
                        "env": env,
                        "ports": [
                            {"name": "metrics", "containerPort": 8080},
                            {"name": "health", "containerPort": 8081},
                        ],
                        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "health"}},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "health"}, "periodSeconds": 2},
                        "resources": {
                            "requests": {"cpu": "10m", "memory": "16Mi"},
                            "limits": {"memory": "32Mi"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                    }],
                    "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "8Mi"}}],
                },
            },
        },
    })
}

fn service(plan: &Plan) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": format!("{}-metrics", plan.name), "labels": labels(plan)},
        "spec": {
            "selector": labels(plan),
            "ports": [{"name": "metrics", "port": 8080, "targetPort": "metrics"}],
        },
    })
}

/// A resource with the chart's own values, comments and all where that works.
fn sample(plan: &Plan, defaults: Option<&Defaults>) -> String {
    let kind = &plan.kind;
    let head = format!(
        "apiVersion: {}\nkind: {}\nmetadata:\n  name: example\n  namespace: {}\n",
        kind.api_version(),
        kind.kind,
        plan.namespace
    );
    let Some(defaults) = defaults else { return head + "spec:\n  message: hello\n" };
    if defaults.values.is_empty() {
        return head + "spec: {}\n";
    }
    let spec = Value::Object((*defaults.values).clone());
    let with_comments = format!("{head}spec:\n{}", indented(&defaults.text));
    match parse(with_comments.as_bytes(), Numbers::Float64) {
        Ok(read) if read["spec"] == spec => with_comments,
        _ => format!("{head}spec:\n{}", indented(&to_yaml(&spec))),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect()
}

fn containerfile(files: &Files) -> Result<String, minijinja::Error> {
    let content: Vec<&str> = ["watches.yaml", "charts", "roles", "playbooks"]
        .into_iter()
        .filter(|content| files.paths().any(|path| path.starts_with(content)))
        .collect();
    written(include_str!("starter/Containerfile.j2"), minijinja::context! { content })
}

fn readme(plan: &Plan) -> Result<String, minijinja::Error> {
    let Plan { name, kind, image, namespace, .. } = plan;
    let (plural, sample) = (plural_of(&kind.kind), kind.kind.to_lowercase());
    let (kind, group) = (&kind.kind, &kind.group);
    let context = minijinja::context! { name, kind, group, image, namespace, plural, sample };
    written(include_str!("starter/README.md.j2"), context)
}

/// A text of the project from its template.
fn written(template: &str, context: minijinja::Value) -> Result<String, minijinja::Error> {
    let syntax =
        minijinja::syntax::SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?;
    let mut environment = minijinja::Environment::new();
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.render_str(template, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(content: Content) -> Plan {
        Plan {
            name: "hello-operator".into(),
            kind: Gvk {
                group: "charts.helm.k8s.io".into(),
                version: "v1alpha1".into(),
                kind: "Hello".into(),
            },
            content,
            image: "demo/hello-operator:1".into(),
            namespace: "demo".into(),
        }
    }

    fn yaml(files: &Files, path: &str) -> Value {
        parse(files.text(path).unwrap().as_bytes(), Numbers::Json).unwrap()
    }

    #[test]
    fn a_chart_becomes_a_whole_project() {
        let files = files(&plan(Content::NewChart)).unwrap();
        assert_eq!(yaml(&files, "watches.yaml")[0]["chart"], "charts/hello");
        assert_eq!(yaml(&files, "deploy/samples/hello.yaml")["spec"]["replicas"], 1);
        assert_eq!(yaml(&files, "deploy/crds/hellos.yaml")["metadata"]["name"], "hellos.charts.helm.k8s.io");
        let rbac = files.text("deploy/rbac.yaml").unwrap();
        assert!(rbac.contains("deployments") && rbac.contains("leases") && !rbac.contains("ClusterRole"));
        assert!(files.text("deploy/operator.yaml").unwrap().contains("WATCH_NAMESPACE"));
        assert!(files.text("Containerfile").unwrap().contains("COPY charts "));
    }

    #[test]
    fn a_role_becomes_a_project_that_loads() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("project");
        files(&plan(Content::NewRole { playbook: false })).unwrap().write(&home).unwrap();
        let modules = std::sync::Arc::new(crate::modules::Registry::all());
        let plugins = std::sync::Arc::new(crate::jinja::Plugins::builtin());
        let environment = std::sync::Arc::new(crate::jinja::Environment::new(plugins));
        let options = crate::playbook::Options::new(modules, environment);
        crate::playbook::Content::load_role(&home.join("roles/hello"), &options).unwrap();
        assert!(files(&plan(Content::NewChart)).unwrap().write(&home).is_err());
    }

    #[test]
    fn names_that_kubernetes_refuses_are_refused_with_a_hint() {
        for (name, group, version, kind) in [
            ("Hello", "a.b", "v1", "Hello"),
            ("hello", "ab", "v1", "Hello"),
            ("hello", "a.b", "1", "Hello"),
            ("hello", "a.b", "v1", "hello"),
        ] {
            let kind = Gvk { group: group.into(), version: version.into(), kind: kind.into() };
            let plan = Plan { name: name.into(), kind, ..plan(Content::NewChart) };
            assert!(matches!(files(&plan), Err(Error::Name { .. })));
        }
    }
}
