//! The walk that operator-sdk's users know: from a chart to an operator in the cluster, under its memory limit of 32 Mi.
//!
//! `DAYTWO_BINARY` is the static program of the image, `DAYTWO_CLUSTER` the test cluster that takes the image; without
//! them there is no walk.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::sample::{eventually, kubectl, run, try_kubectl};

const API: &str = "charts.helm.k8s.io/v1alpha1";
const KIND: &str = "hellos.charts.helm.k8s.io";
const OPERATOR: &str = "hello-operator";
const NAMESPACE: &str = "demo";
/// What the chart's objects have in common.
const OBJECTS: &str = "--selector=app.kubernetes.io/instance=example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_chart_to_an_operator_in_the_cluster() {
    let (Ok(binary), Ok(_)) = (std::env::var("DAYTWO_BINARY"), std::env::var("DAYTWO_CLUSTER")) else {
        println!("walk: skipped, DAYTWO_BINARY and DAYTWO_CLUSTER do not name program and cluster");
        return;
    };
    let directory = TempDir::new().expect("a temporary directory");
    let own = super::project().join("charts/hello");
    if let Some(known) = known_chart(directory.path()) {
        let project = Project::new(directory.path(), "directory", &known.display().to_string(), &[]);
        let url = repository(directory.path(), &known).await;
        let from = ["--helm-chart-repo", url.as_str(), "--helm-chart-version", "0.1.x"];
        let fetched = Project::new(directory.path(), "repository", "hello", &from);
        for same in ["watches.yaml", "deploy/rbac.yaml", "deploy/crds", "deploy/samples"] {
            run(Command::new("diff").arg("-r").args([project.path(same), fetched.path(same)]));
        }
        let operator = project.deploy(&binary);
        let image = json!({"repository": "daytwo.dev/hello", "tag": "1"});
        project.create(&json!({"image": image, "greeter": {"enabled": true, "image": image}}));
        repairs_what_is_done_by_hand();
        operator.ends();
    } else {
        println!("walk: without zylpsrs' chart, which is nowhere");
    }
    // Clusters of today do not serve the Ingress of that chart.
    let url = repository(directory.path(), &own).await;
    let project = Project::new(directory.path(), "own", "hello", &["--helm-chart-repo", &url]);
    let operator = project.deploy(&binary);
    project.create(&json!({}));
    turns_the_ingress_on();
    repairs_what_is_done_by_hand();
    operator.ends();
    kubectl(&["delete", "namespace", NAMESPACE]);
}

/// The chart of zylpsrs/helm-example, unpacked, where the corpora are.
fn known_chart(directory: &Path) -> Option<PathBuf> {
    let found =
        Command::new(super::project().join("tests/corpus")).arg("helm/charts.tar.xz").output().ok()?;
    let archive = String::from_utf8(found.stdout).ok().filter(|_| found.status.success())?;
    let chart = "charts/zylpsrs+helm-example/helm__hello";
    run(Command::new("tar").arg("-xJf").arg(archive.trim()).arg("-C").arg(directory).arg(chart));
    Some(directory.join(chart))
}

/// Serves a chart as a repository does; its URL.
async fn repository(directory: &Path, chart: &Path) -> String {
    let files = TempDir::new_in(directory).expect("a temporary directory").keep();
    run(daytwo().arg("package").arg(chart).arg("--destination").arg(&files));
    let archive = std::fs::read_dir(&files).expect("the directory is readable").next();
    let archive = archive.expect("there is an archive").expect("it is readable").file_name();
    let archive = archive.to_str().expect("charts have plain names");
    let version = archive.trim_start_matches("hello-").trim_end_matches(".tgz");
    let entry = json!({"apiVersion": "v2", "name": "hello", "version": version, "urls": [archive]});
    let index = json!({"apiVersion": "v1", "entries": {"hello": [entry]}});
    std::fs::write(files.join("index.yaml"), index.to_string()).expect("files can be written");

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("the port has a number"));
    let serve = |State(files): State<PathBuf>, uri: Uri| async move {
        std::fs::read(files.join(uri.path().trim_start_matches('/'))).map_err(|error| error.to_string())
    };
    let router = Router::new().fallback(serve).with_state(files);
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

fn daytwo() -> Command {
    Command::new(env!("CARGO_BIN_EXE_daytwo"))
}

/// Runs kubectl in the operator's namespace and reads its JSON.
fn objects(arguments: &[&str]) -> Vec<Value> {
    let text = kubectl(&[&["--namespace", NAMESPACE, "--output=json"], arguments].concat());
    let list: Value = serde_json::from_str(&text).expect("kubectl writes JSON");
    list["items"].as_array().cloned().unwrap_or_else(|| vec![list])
}

fn uids(objects: &[Value]) -> Vec<String> {
    objects.iter().map(|object| object["metadata"]["uid"].to_string()).collect()
}

/// A project that `daytwo new` made.
struct Project {
    directory: PathBuf,
    image: String,
}

/// An operator at work.
struct Operator {
    deploy: PathBuf,
    /// The UID of its pod.
    pod: String,
}

impl Project {
    /// Makes the project; its name is that of its image's tag.
    fn new(directory: &Path, name: &str, chart: &str, flags: &[&str]) -> Self {
        let directory = directory.join(name);
        std::fs::create_dir(&directory).expect("directories can be made");
        let image = format!("daytwo.dev/{OPERATOR}:{name}");
        run(daytwo()
            .current_dir(&directory)
            .args(["new", OPERATOR, "--api-version", API, "--kind=Hello", "--type=helm"])
            .args(["--helm-chart", chart, "--namespace", NAMESPACE, "--image", &image])
            .args(flags));
        Self { directory: directory.join(OPERATOR), image }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Makes the image and applies everything; waits until the operator runs.
    fn deploy(&self, binary: &str) -> Operator {
        let archive = self.path("image.tar");
        run(daytwo()
            .arg("image")
            .arg(&self.directory)
            .args(["--tag", &self.image, "--binary", binary])
            .args(["--output".as_ref(), archive.as_os_str()]));
        run(Command::new(super::project().join("tests/cluster/load")).arg(&archive));
        if try_kubectl(&["get", "namespace", NAMESPACE]).is_none() {
            kubectl(&["create", "namespace", NAMESPACE]);
        }
        let deploy = self.path("deploy");
        kubectl(&["apply", "-k", &deploy.display().to_string()]);
        kubectl(&["wait", "--for=condition=Established", &format!("crd/{KIND}")]);
        let rollout = format!("deployment/{OPERATOR}");
        kubectl(&["--namespace", NAMESPACE, "rollout", "status", &rollout, "--timeout=240s"]);
        objects(&["get", "service", &format!("{OPERATOR}-metrics")]);
        Operator { deploy, pod: pod()["metadata"]["uid"].to_string() }
    }

    /// Applies the resource `example`, and waits until all that it asks for runs.
    fn create(&self, spec: &Value) {
        let metadata = json!({"name": "example", "namespace": NAMESPACE});
        let example = json!({"apiVersion": API, "kind": "Hello", "metadata": metadata, "spec": spec});
        let file = self.path("example.json");
        std::fs::write(&file, example.to_string()).expect("files can be written");
        kubectl(&["apply", "-f", &file.display().to_string()]);
        eventually("two Deployments run", || (running() == 2).then_some(()));
        assert_eq!(objects(&["get", "services", OBJECTS]).len(), 2);
        assert!(!objects(&["get", "serviceaccounts", OBJECTS]).is_empty());
    }
}

/// The operator's only pod.
fn pod() -> Value {
    let selector = format!("--selector=app.kubernetes.io/name={OPERATOR}");
    eventually("the operator has one pod", || {
        let mut pods = objects(&["get", "pods", &selector]);
        pods.pop().filter(|_| pods.is_empty())
    })
}

/// How many Deployments of the chart have all their pods.
fn running() -> usize {
    let whole =
        |deployment: &&Value| deployment["status"]["availableReplicas"] == deployment["spec"]["replicas"];
    objects(&["get", "deployments", OBJECTS]).iter().filter(whole).count()
}

/// What is deleted comes back, what is scaled is scaled back.
fn repairs_what_is_done_by_hand() {
    let both = ["get", "deployments,ingresses", OBJECTS];
    let before = objects(&both);
    kubectl(&["--namespace", NAMESPACE, "delete", "deploy,ingress", OBJECTS]);
    eventually("what was deleted is back", || {
        let now = objects(&both);
        let old = uids(&before);
        (now.len() == before.len() && !uids(&now).iter().any(|uid| old.contains(uid))).then_some(())
    });
    let deployment = &objects(&["get", "deployments", OBJECTS])[0];
    let name = deployment["metadata"]["name"].as_str().expect("objects have names");
    kubectl(&["--namespace", NAMESPACE, "scale", "deploy", name, "--replicas=5"]);
    eventually("what was scaled is scaled back", || {
        let now = &objects(&["get", "deployment", name])[0];
        (now["spec"]["replicas"] == deployment["spec"]["replicas"]).then_some(())
    });
    eventually("all runs again", || (running() == 2).then_some(()));
}

/// The operator may not make an Ingress, says so, and makes it as soon as it may.
fn turns_the_ingress_on() {
    let resource = ["--namespace", NAMESPACE, "patch", KIND, "example", "--type=merge"];
    kubectl(&[&resource[..], &["--patch", r#"{"spec": {"ingress": {"enabled": true}}}"#]].concat());
    let message = eventually("the condition names the permission", || {
        let conditions = objects(&["get", KIND, "example"]).remove(0)["status"]["conditions"].take();
        let told = conditions.as_array()?.iter().filter_map(|condition| condition["message"].as_str());
        let names = |text: &&str| text.contains("ingresses.networking.k8s.io") && text.contains(NAMESPACE);
        told.filter(|text| text.contains("permission")).find(names).map(str::to_owned)
    });
    println!("walk: {message}");
    let rule = ["--verb=*", "--resource=ingresses.networking.k8s.io"];
    let create = ["--namespace", NAMESPACE, "create"];
    kubectl(&[&create[..], &["role", "ingresses"], &rule].concat());
    let account = format!("--serviceaccount={NAMESPACE}:{OPERATOR}");
    kubectl(&[&create[..], &["rolebinding", "ingresses", "--role=ingresses", &account]].concat());
    eventually("the Ingress appears", || objects(&["get", "ingresses", OBJECTS]).pop());
}

impl Operator {
    /// Deletes the resource: nothing is left of it. Then the operator, which has lived all the time.
    fn ends(self) {
        kubectl(&["--namespace", NAMESPACE, "delete", KIND, "example", "--timeout=240s"]);
        eventually("nothing is left", || {
            let kinds = "deployments,services,serviceaccounts,ingresses,pods,replicasets";
            let left = objects(&["get", kinds, OBJECTS]);
            let records = objects(&["get", "secrets", "--selector=owner=helm"]);
            (left.is_empty() && records.is_empty()).then_some(())
        });
        let pod = pod();
        assert_eq!(pod["metadata"]["uid"].to_string(), self.pod);
        let container = &pod["status"]["containerStatuses"][0];
        assert_eq!(container["restartCount"], 0, "the operator was never started again: {container}");
        kubectl(&["delete", "-k", &self.deploy.display().to_string()]);
        eventually("the operator is gone", || {
            let selector = format!("--selector=app.kubernetes.io/name={OPERATOR}");
            objects(&["get", "pods", &selector]).is_empty().then_some(())
        });
    }
}
