//! operator-sdk's sample projects, as they are, deployed by their own Makefiles as their own tests do.
//!
//! Two samples have custom resources of the same name, and their operators serve the whole cluster: one at a time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take; the samples' own tests wait two minutes on machines that do nothing else.
const PATIENCE: Duration = Duration::from_secs(300);

/// The pod that asks for metrics.
const CURL: &str = "curl";

/// A sample's copy.
pub struct Sample {
    directory: TempDir,
    name: &'static str,
    /// What kustomize puts before the names of what it deploys.
    pub prefix: &'static str,
    /// Where the operator is.
    pub namespace: String,
    _alone: MutexGuard<'static, ()>,
}

impl Sample {
    /// Copies a sample from `DAYTWO_E2E_SAMPLES`; `None` where there are none, or their images.
    pub fn copy(name: &'static str, prefix: &'static str) -> Option<Self> {
        static ALONE: Mutex<()> = Mutex::new(());
        let Some(samples) = std::env::var_os("DAYTWO_E2E_SAMPLES") else {
            println!("{name}: skipped, DAYTWO_E2E_SAMPLES names no samples");
            return None;
        };
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let directory = TempDir::new().expect("a temporary directory");
        let sample = Self { directory, name, prefix, namespace: format!("{prefix}-system"), _alone: alone };
        let from = PathBuf::from(samples).join(name).join(".");
        run(Command::new("cp").arg("-r").arg(from).arg(sample.directory.path()));
        Some(sample)
    }

    /// The operator's image.
    pub fn image(&self) -> String {
        format!("daytwo.dev/{}:1", self.name)
    }

    /// The whole path of a file of the sample.
    pub fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Deploys the operator, and waits until its one pod runs; gives the pod's name.
    pub fn deploy(&self) -> String {
        apply(&service_monitors());
        eventually("ServiceMonitors are served", || {
            attempt(Command::new("kubectl").args(["get", "servicemonitors"]))
        });
        run(self.make().arg("deploy").arg(format!("IMG={}", self.image())));
        eventually("the operator's pod runs", || {
            let pods =
                self.kubectl(&["get", "pods", "--selector=control-plane=controller-manager", "-o", "json"]);
            let pods: Value = serde_json::from_str(&pods).expect("kubectl writes JSON");
            let items = pods["items"].as_array().expect("a list has items");
            let running = items.len() == 1 && items[0]["status"]["phase"] == "Running";
            running.then(|| items[0]["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        })
    }

    /// Removes what was deployed.
    pub fn undeploy(&self) {
        kubectl(&[
            "delete",
            "clusterrolebinding",
            &format!("{}-metrics-reader", self.prefix),
            "--ignore-not-found",
        ]);
        run(self.make().arg("undeploy"));
    }

    fn make(&self) -> Command {
        let mut make = Command::new("make");
        make.arg("-C").arg(self.directory.path());
        make
    }

    /// Applies a sample of a resource in the namespace `default`.
    pub fn apply(&self, file: &str) {
        kubectl(&["apply", "-f", &self.path(file).display().to_string()]);
    }

    /// Changes a text of a file.
    pub fn replace(&self, file: &str, old: &str, new: &str) {
        let path = self.path(file);
        let text = std::fs::read_to_string(&path).expect("the file is readable");
        assert!(text.contains(old), "{file} holds {old:?}");
        std::fs::write(&path, text.replace(old, new)).expect("the file can be written");
    }

    /// Runs kubectl in the operator's namespace.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        kubectl(&[["--namespace", self.namespace.as_str()].as_slice(), arguments].concat())
    }

    /// What the operator logged.
    pub fn log(&self, pod: &str) -> String {
        self.kubectl(&["logs", pod, "-c", "manager"])
    }

    /// Waits until the operator logged a text.
    pub fn until_logged(&self, pod: &str, text: &str) {
        eventually(&format!("the log of {pod} says {text:?}"), || self.log(pod).contains(text).then_some(()));
    }

    /// What a pod sees that asks the operator's Service for metrics, with a token of the operator's account.
    pub fn metrics(&self) -> String {
        let account = format!("{}-controller-manager", self.prefix);
        let reader = format!("{}-metrics-reader", self.prefix);
        let who = format!("--serviceaccount={}:{account}", self.namespace);
        kubectl(&["create", "clusterrolebinding", &reader, &format!("--clusterrole={reader}"), &who]);
        let token = self.kubectl(&["create", "token", &account]);
        let service = format!("{account}-metrics-service.{}.svc", self.namespace);
        let header = format!("Authorization: Bearer {}", token.trim());
        let url = format!("https://{service}:8443/metrics");
        self.kubectl(&[
            "run",
            CURL,
            "--image=curlimages/curl:7.68.0",
            "--restart=OnFailure",
            "--",
            "curl",
            "-v",
            "-k",
            "-H",
            &header,
            &url,
        ]);
        eventually("the pod that asks for metrics ended well", || {
            let phase = self.kubectl(&["get", "pod", CURL, "-o", "jsonpath={.status.phase}"]);
            (phase == "Succeeded").then_some(())
        });
        let metrics = self.kubectl(&["logs", CURL]);
        self.kubectl(&["delete", "pod", CURL]);
        assert!(metrics.contains("< HTTP/1.1 200 OK"), "{metrics}");
        metrics
    }
}

/// The metric that tells when a sample's resource in the namespace `default` was created.
pub fn created_at(kind: &str, name: &str) -> String {
    format!(
        "resource_created_at_seconds{{group=\"cache.example.com\",kind=\"{kind}\",name=\"{name}\",\
         namespace=\"default\",version=\"v1alpha1\"}}"
    )
}

/// Runs kubectl.
///
/// # Panics
/// When it fails.
pub fn kubectl(arguments: &[&str]) -> String {
    run(Command::new("kubectl").args(arguments))
}

/// Runs kubectl; `None` when it fails.
pub fn try_kubectl(arguments: &[&str]) -> Option<String> {
    attempt(Command::new("kubectl").args(arguments))
}

/// Runs a program; what it printed.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} starts: {error}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{command:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

fn attempt(command: &mut Command) -> Option<String> {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} starts: {error}"));
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Looks each second until there is something.
///
/// # Panics
/// When that takes too long, with `what` did not come true.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn apply(object: &Value) {
    let directory = TempDir::new().expect("a temporary directory");
    let file: &Path = &directory.path().join("object.json");
    std::fs::write(file, object.to_string()).expect("the file can be written");
    kubectl(&["apply", "-f", &file.display().to_string()]);
}

/// The kind of Prometheus' operator that the samples make an object of: what of its definition they need.
fn service_monitors() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "servicemonitors.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": "ServiceMonitor", "plural": "servicemonitors", "singular": "servicemonitor"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": open}}],
        },
    })
}
