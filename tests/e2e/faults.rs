//! Whatever happens between the operator and the API server, resources come to what they ask for.
//!
//! `DAYTWO_E2E_CHANGES` says how often resources are changed, each change wanting a pass (300);
//! `DAYTWO_E2E_SEED` says which faults and changes come (1).

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube::ResourceExt;
use kube::api::{DeleteParams, DynamicObject};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::cluster::{Namespace, condition_of};
use super::fault_proxy::FaultProxy;
use super::operator::Project;

const API: &str = "daytwo.dev/v1alpha1";

/// What serves a kind, the field of its spec that changes, and the condition that says it was served.
struct Served {
    kind: &'static str,
    content: &'static str,
    field: &'static str,
    condition: &'static str,
    prefix: &'static str,
}

const SERVED: [Served; 2] = [
    Served {
        kind: "Hello",
        content: "chart: charts/tiny",
        field: "greeting",
        condition: "Deployed",
        prefix: "chart",
    },
    Served {
        kind: "MySQL",
        content: "role: tiny, finalizer: {name: e2e.daytwo.dev/farewell, role: farewell}",
        field: "version",
        condition: "Successful",
        prefix: "role",
    },
];

const CHART: [(&str, &str); 3] = [
    ("charts/tiny/Chart.yaml", "{apiVersion: v2, name: tiny, version: 1.0.0}\n"),
    (
        "charts/tiny/templates/config.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}}\n\
         data: {text: {{ .Values.greeting | quote }}}\n",
    ),
    (
        "charts/tiny/templates/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n\
         spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80}]}\n",
    ),
];

const ROLE: &str = "
- kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: '{{ ansible_operator_meta.name }}', namespace: '{{ ansible_operator_meta.namespace }}'}
      data: {text: '{{ version }}'}
- kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: Service
      metadata: {name: '{{ ansible_operator_meta.name }}', namespace: '{{ ansible_operator_meta.namespace }}'}
      spec: {selector: {app: '{{ ansible_operator_meta.name }}'}, ports: [{port: 80}]}
";

/// Writes who has gone where it stays.
const FAREWELL: &str = "
- kubernetes.core.k8s:
    definition:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: farewells, namespace: '{{ ansible_operator_meta.namespace }}'}
      data: '{{ {_daytwo_dev_mysql.metadata.uid: ansible_operator_meta.name} }}'
";

/// Objects of each kind.
const COUNT: usize = 50;
/// Changes between two looks at the whole.
const ROUND: usize = 100;
/// Passes that fail again and again come minutes apart.
const PATIENCE: Duration = Duration::from_secs(900);

/// The resources as they should be: kind and name, text and UID.
type Wanted = BTreeMap<(usize, String), (String, String)>;

struct Churn {
    namespace: Namespace,
    dice: StdRng,
    wanted: Wanted,
    /// UIDs of deleted resources that have a finalizer.
    gone: BTreeSet<String>,
    changes: usize,
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn text_of(object: &DynamicObject, pointer: &str) -> String {
    object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Churn {
    /// Does something to a resource, or to what was made for it.
    async fn change(&mut self) {
        let (kind, number) = (self.dice.random_range(0..SERVED.len()), self.dice.random_range(0..COUNT));
        let name = format!("{}-{number}", SERVED[kind].prefix);
        let known = self.wanted.contains_key(&(kind, name.clone()));
        match self.dice.random_range(0..10) {
            _ if !known => self.put(kind, name).await,
            0..5 => self.put(kind, name).await,
            5..7 => self.delete(kind, name).await,
            7 => {
                let altered = json!({"data": {"text": "altered by hand"}});
                let maps = self.namespace.api("v1", "ConfigMap");
                // It may be missing for the moment.
                let _ = maps.patch(&name, &Default::default(), &kube::api::Patch::Merge(altered)).await;
            }
            _ => {
                let lost = if self.dice.random() { "ConfigMap" } else { "Service" };
                let _ = self.namespace.api("v1", lost).delete(&name, &DeleteParams::default()).await;
            }
        }
        self.changes += 1;
    }

    /// Creates a resource, or changes its spec.
    async fn put(&mut self, kind: usize, name: String) {
        let served = &SERVED[kind];
        let there = self.namespace.get(API, served.kind, &name).await;
        if there.is_some_and(|there| !there["metadata"]["deletionTimestamp"].is_null()) {
            return;
        }
        let text = format!("10.{}", self.changes);
        let mut spec = json!({served.field: text});
        if served.kind == "MySQL" {
            spec["rootPasswordSecret"] = json!({"name": "none"});
        }
        let resource =
            json!({"apiVersion": API, "kind": served.kind, "metadata": {"name": name}, "spec": spec});
        let uid = self.namespace.apply(resource).await.uid().unwrap_or_default();
        self.wanted.insert((kind, name), (text, uid));
    }

    async fn delete(&mut self, kind: usize, name: String) {
        let served = &SERVED[kind];
        let object = self.namespace.get(API, served.kind, &name).await.expect("what is wanted is there");
        self.namespace.delete(API, served.kind, &name).await;
        // Deleted before its first pass, it has no finalizer and goes at once.
        let finalizers = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
        let (_, uid) = self.wanted.remove(&(kind, name)).expect("what is wanted is known");
        if finalizers > 0 && served.kind == "MySQL" {
            self.gone.insert(uid);
        }
    }

    /// What is not as the resources ask for.
    async fn differences(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (kind, served) in SERVED.iter().enumerate() {
            let resources = self.namespace.list(API, served.kind).await;
            let wanted: BTreeMap<&String, &String> = self
                .wanted
                .iter()
                .filter(|((of, _), _)| *of == kind)
                .map(|((_, name), (text, _))| (name, text))
                .collect();
            self.compare(served.kind, &resources, &wanted, &format!("/spec/{}", served.field), &mut found);
            for resource in &resources {
                let ready =
                    condition_of(&resource.data, served.condition).is_some_and(|c| c["status"] == "True");
                if !ready
                    || resource.data["status"]["observedGeneration"].as_i64() != resource.metadata.generation
                {
                    found.push(format!("{} {} is not served", served.kind, resource.name_any()));
                }
            }
        }
        let wanted: BTreeMap<&String, &String> =
            self.wanted.iter().map(|((_, name), (text, _))| (name, text)).collect();
        let (farewells, maps): (Vec<_>, Vec<_>) = self
            .namespace
            .list("v1", "ConfigMap")
            .await
            .into_iter()
            .filter(|map| map.name_any() != "kube-root-ca.crt")
            .partition(|map| map.name_any() == "farewells");
        self.compare("ConfigMap", &maps, &wanted, "/data/text", &mut found);
        let services = self.namespace.list("v1", "Service").await;
        let names: BTreeSet<String> = services.iter().map(ResourceExt::name_any).collect();
        if !names.iter().eq(wanted.keys().copied()) {
            found.push(format!("Services: {names:?}"));
        }
        let said: BTreeSet<String> = farewells
            .iter()
            .filter_map(|map| map.data["data"].as_object())
            .flat_map(|data| data.keys().cloned())
            .collect();
        found.extend(self.gone.difference(&said).map(|uid| format!("no farewell of {uid}")));
        self.compare_releases(&mut found).await;
        found
    }

    /// Compares names, texts and owners.
    fn compare(
        &self,
        what: &str,
        objects: &[DynamicObject],
        wanted: &BTreeMap<&String, &String>,
        pointer: &str,
        found: &mut Vec<String>,
    ) {
        let there: BTreeMap<String, String> =
            objects.iter().map(|object| (object.name_any(), text_of(object, pointer))).collect();
        for (name, text) in wanted {
            if there.get(*name) != Some(text) {
                found.push(format!("{what} {name}: {:?} instead of {text}", there.get(*name)));
            }
        }
        for object in objects {
            let name = object.name_any();
            if !wanted.contains_key(&name) {
                found.push(format!("{what} {name} is left over"));
            }
            let uids = self.wanted.iter().filter(|((_, known), _)| *known == name).map(|(_, (_, uid))| uid);
            if !object
                .owner_references()
                .iter()
                .map(|owner| &owner.uid)
                .eq(uids.filter(|_| what == "ConfigMap"))
            {
                found.push(format!("{what} {name} has owners {:?}", object.owner_references()));
            }
        }
    }

    /// Each release has one deployed revision and none under way.
    async fn compare_releases(&self, found: &mut Vec<String>) {
        let mut deployed: BTreeMap<String, usize> = BTreeMap::new();
        for record in self.namespace.list("v1", "Secret").await {
            let label = |name: &str| record.labels().get(name).cloned().unwrap_or_default();
            match label("status").as_str() {
                "deployed" => *deployed.entry(label("name")).or_default() += 1,
                status if status.starts_with("pending") => {
                    found.push(format!("{} is {status}", record.name_any()));
                }
                _ => {}
            }
        }
        let wanted: BTreeMap<String, usize> =
            self.wanted.keys().filter(|(kind, _)| *kind == 0).map(|(_, name)| (name.clone(), 1)).collect();
        if deployed != wanted {
            found.push(format!("deployed revisions: {deployed:?}"));
        }
    }

    async fn converges(&self) -> Duration {
        let last = RefCell::new(Vec::new());
        let look = || async {
            let differences = self.differences().await;
            if differences.is_empty() {
                return Some(());
            }
            if differences.len() != last.borrow().len() {
                eprintln!("{} differences, the first: {}", differences.len(), differences[0]);
            }
            last.replace(differences);
            tokio::time::sleep(Duration::from_secs(2)).await;
            None
        };
        self.namespace.until_patiently("all is as the resources ask for", PATIENCE, look).await.1
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resources_converge_under_faults() {
    let seed = u64::try_from(number("DAYTWO_E2E_SEED", 1)).expect("a seed is a number");
    let all = number("DAYTWO_E2E_CHANGES", 300);
    let namespace = Namespace::new("faults").await;
    let entries: Vec<String> = SERVED
        .iter()
        .map(|served| {
            format!("- {{group: daytwo.dev, version: v1alpha1, kind: {}, {}}}\n", served.kind, served.content)
        })
        .collect();
    let project = Project::with_watches(&entries.concat());
    CHART.iter().for_each(|(path, text)| project.write(path, text));
    project.write("roles/tiny/tasks/main.yml", ROLE);
    project.write("roles/farewell/tasks/main.yml", FAREWELL);
    namespace
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "farewells"}}))
        .await;
    let proxy = FaultProxy::start(seed).await;
    project.write("kubeconfig", &proxy.kubeconfig());
    let kubeconfig = project.path("kubeconfig");
    // A stale read may hide a drift: the next look finds it.
    let flags = ["--reconcile-period=20s"];
    let operator = project.run_with(&namespace, Some(&kubeconfig), "operator", &flags, &[]);

    let dice = StdRng::seed_from_u64(seed);
    let mut churn = Churn { namespace, dice, wanted: Wanted::new(), gone: BTreeSet::new(), changes: 0 };
    for number in 0..COUNT {
        for (kind, served) in SERVED.iter().enumerate() {
            churn.put(kind, format!("{}-{number}", served.prefix)).await;
            churn.changes += 1;
        }
    }
    while churn.changes < all {
        for _ in 0..ROUND.min(all - churn.changes) {
            churn.change().await;
        }
        println!("{} changes, all as asked for after {:?}", churn.changes, churn.converges().await);
    }

    for ((kind, name), _) in std::mem::take(&mut churn.wanted) {
        churn.namespace.delete(API, SERVED[kind].kind, &name).await;
    }
    println!("all deleted, nothing left after {:?}", churn.converges().await);
    let failed = operator.log().lines().filter(|line| line.contains("retry_in")).count();
    println!("{failed} passes failed; faults: {}; {} KiB resident", proxy.met(), operator.resident_kib());
    churn.namespace.end().await;
}
