//! The cluster under test: namespaces of one test each, objects, and waiting for what must come true.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use kube::api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

/// How long anything may take before a test gives up; generous, as the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(240);

/// The kinds of this repository's operator.
const KINDS: [&str; 4] = ["Hello", "MySQLRestore", "MySQLBackup", "MySQL"];

/// A namespace for one test, deleted in the end.
pub struct Namespace {
    pub name: String,
    pub client: Client,
}

impl Namespace {
    /// Makes the namespace and the custom resource definitions of `deploy/crds`.
    pub async fn new(test: &str) -> Self {
        let client = Client::try_default().await.expect("KUBECONFIG names a cluster: see tests/e2e/run");
        for file in ["hello", "mysql", "mysqlbackup", "mysqlrestore"] {
            let text = std::fs::read_to_string(super::project().join(format!("deploy/crds/{file}.yaml")))
                .expect("the definition is readable");
            apply(&client, None, serde_yaml::from_str(&text).expect("the definition is YAML")).await;
        }
        let name = format!("e2e-{test}-{}", std::process::id());
        apply(&client, None, json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
            .await;
        let namespace = Self { name, client };
        // The definitions are served a moment after they are made.
        namespace
            .until("the kinds are served", || async {
                for kind in KINDS {
                    namespace.try_list("daytwo.dev/v1alpha1", kind).await.ok()?;
                }
                Some(())
            })
            .await;
        namespace
    }

    /// Creates or changes an object of this namespace.
    pub async fn apply(&self, object: Value) -> DynamicObject {
        apply(&self.client, Some(&self.name), object).await
    }

    /// Merges a change into an object.
    pub async fn patch(&self, api_version: &str, kind: &str, name: &str, change: Value) {
        self.api(api_version, kind)
            .patch(name, &PatchParams::default(), &Patch::Merge(change))
            .await
            .unwrap_or_else(|error| panic!("{kind} {name} can be changed: {error}"));
    }

    /// The object, if there is one.
    pub async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let object = self.api(api_version, kind).get_opt(name).await.expect("the API answers")?;
        Some(serde_json::to_value(object).expect("objects are JSON"))
    }

    /// All objects of a kind in this namespace.
    pub async fn list(&self, api_version: &str, kind: &str) -> Vec<DynamicObject> {
        self.try_list(api_version, kind).await.unwrap_or_else(|error| panic!("{kind} can be listed: {error}"))
    }

    async fn try_list(&self, api_version: &str, kind: &str) -> Result<Vec<DynamicObject>, kube::Error> {
        Ok(self.api(api_version, kind).list(&ListParams::default()).await?.items)
    }

    /// Deletes an object; it may take a while until it is gone.
    pub async fn delete(&self, api_version: &str, kind: &str, name: &str) {
        self.api(api_version, kind)
            .delete(name, &DeleteParams::default())
            .await
            .unwrap_or_else(|error| panic!("{kind} {name} can be deleted: {error}"));
    }

    /// The resources of a kind, in this namespace.
    pub fn api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.name, &resource(api_version, kind))
    }

    /// Waits until `look` finds something; gives it and how long it took.
    ///
    /// # Panics
    /// After [`PATIENCE`], naming `what` did not come true.
    pub async fn until<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        look: impl Fn() -> F,
    ) -> (T, Duration) {
        self.until_patiently(what, PATIENCE, look).await
    }

    /// The same with another patience.
    pub async fn until_patiently<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        patience: Duration,
        look: impl Fn() -> F,
    ) -> (T, Duration) {
        let begin = Instant::now();
        loop {
            if let Some(found) = look().await {
                return (found, begin.elapsed());
            }
            assert!(begin.elapsed() < patience, "{what}: not within {patience:?} in namespace {}", self.name);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a condition of an object has the status; gives the condition.
    pub async fn condition(&self, kind: &str, name: &str, condition: &str, status: &str) -> Value {
        let what = format!("{kind} {name} has the condition {condition}={status}");
        self.until(&what, || async {
            let object = self.get("daytwo.dev/v1alpha1", kind, name).await?;
            let found = condition_of(&object, condition)?;
            (found["status"] == status).then_some(found)
        })
        .await
        .0
    }

    /// Waits until the API answers that the object is not there.
    pub async fn gone(&self, api_version: &str, kind: &str, name: &str) {
        self.until(&format!("{kind} {name} is gone"), || async {
            self.get(api_version, kind, name).await.is_none().then_some(())
        })
        .await;
    }

    /// Deletes the resources while their operator still lives, as it holds finalizers on them, then the
    /// namespace with all that is in it, without waiting.
    pub async fn end(self) {
        for kind in KINDS {
            for object in self.list("daytwo.dev/v1alpha1", kind).await {
                self.delete("daytwo.dev/v1alpha1", kind, &object.name_any()).await;
            }
            let left = || async { self.list("daytwo.dev/v1alpha1", kind).await.is_empty().then_some(()) };
            self.until(&format!("no {kind} is left"), left).await;
        }
        let namespaces: Api<DynamicObject> = Api::all_with(self.client, &resource("v1", "Namespace"));
        namespaces.delete(&self.name, &DeleteParams::default()).await.expect("the namespace can be deleted");
    }
}

/// The condition of that type in an object's status.
pub fn condition_of(object: &Value, condition: &str) -> Option<Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|found| found["type"] == condition).cloned()
}

/// Applies an object as the field manager `e2e`.
pub async fn apply(client: &Client, namespace: Option<&str>, object: Value) -> DynamicObject {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).expect("objects name themselves");
    let resource = resource(text("/apiVersion"), text("/kind"));
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let applied =
        api.patch(text("/metadata/name"), &PatchParams::apply("e2e").force(), &Patch::Apply(&object)).await;
    applied.unwrap_or_else(|error| fail(&object, &error))
}

fn fail(object: &Value, error: &dyn Debug) -> ! {
    panic!("{object} can be applied: {error:?}")
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}
