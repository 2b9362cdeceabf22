//! Numbers for Prometheus, under the names of both operators and of controller-runtime.

use std::sync::{Arc, RwLock, Weak};
use std::time::Duration;

use indexmap::IndexMap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::controller::Controller;
use crate::cluster::Client;
use crate::modules::operator_sdk_util::UserMetrics;

/// controller-runtime's buckets, thinned out.
const SECONDS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0];

/// What passes count.
pub(super) struct Metrics {
    registry: RwLock<Registry>,
    reconciles: Family<ResultLabels, Counter>,
    durations: Family<ControllerLabels, Histogram, fn() -> Histogram>,
    ansible_results: Family<AnsibleLabels, Gauge>,
    leading: Family<LeaderLabels, Gauge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    controller: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LeaderLabels {
    name: String,
}

/// ansible-operator writes the label in capitals.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(non_snake_case, reason = "the label's own name")]
struct AnsibleLabels {
    GVK: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    commit: String,
    version: String,
}

impl Metrics {
    pub(super) fn new(client: &Client) -> Self {
        let mut registry = Registry::default();
        let reconciles = Family::default();
        let durations: Family<ControllerLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(SECONDS));
        let ansible_results = Family::default();
        registry.register("controller_runtime_reconcile", "Reconciliations", reconciles.clone());
        registry.register(
            "controller_runtime_reconcile_time_seconds",
            "Length of time per reconciliation",
            durations.clone(),
        );
        registry.register(
            "ansible_operator_reconcile_result",
            "Results of the runs of roles and playbooks",
            ansible_results.clone(),
        );
        let leading = Family::default();
        registry.register(
            "leader_election_master_status",
            "Whether this instance leads, by the name of the lease",
            leading.clone(),
        );
        registry.register("rest_client_requests", "Requests to the API server", client.requests().clone());
        for name in ["daytwo_build_info", "helm_operator_build_info", "ansible_operator_build_info"] {
            let build = Family::<BuildLabels, Gauge>::default();
            let version = env!("CARGO_PKG_VERSION").to_owned();
            build.get_or_create(&BuildLabels { commit: String::new(), version }).set(1);
            registry.register(name, "The program's version", build);
        }
        Self { registry: RwLock::new(registry), reconciles, durations, ansible_results, leading }
    }

    /// Reports the resources and the queue of a controller.
    pub(super) fn add(&self, controller: &Arc<Controller>) {
        if let Ok(mut registry) = self.registry.write() {
            registry.register_collector(Box::new(Resources(Arc::downgrade(controller))));
        }
    }

    pub(super) fn pass(&self, controller: &str, result: &str, took: Duration) {
        let labels = ResultLabels { controller: controller.to_owned(), result: result.to_owned() };
        self.reconciles.get_or_create(&labels).inc();
        let labels = ControllerLabels { controller: controller.to_owned() };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// This instance leads from now on: it ends when it does not.
    pub(super) fn leads(&self, lease: &str) {
        self.leading.get_or_create(&LeaderLabels { name: lease.to_owned() }).set(1);
    }

    pub(super) fn ansible_result(&self, gvk: &str, succeeded: bool) {
        let result = if succeeded { "succeeded" } else { "failed" }.to_owned();
        self.ansible_results.get_or_create(&AnsibleLabels { GVK: gvk.to_owned(), result }).inc();
    }

    /// The text for a scrape, with what roles count.
    pub(super) fn text(&self, user: &UserMetrics) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        if let Ok(registry) = self.registry.read() {
            prometheus_client::encoding::text::encode(&mut text, &registry)?;
        }
        Ok(prometheus_text(&text) + &user.text())
    }
}

/// OpenMetrics' text as Prometheus' own format (0.0.4): counters are described under the name that their samples have,
/// and the samples of one name stand together, whoever gave them.
fn prometheus_text(open_metrics: &str) -> String {
    let mut families: IndexMap<String, String> = IndexMap::new();
    let mut current = String::new();
    let mut help: Option<(&str, &str)> = None;
    for line in open_metrics.lines() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
            continue;
        }
        let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|typed| typed.split_once(' ')) else {
            let family = families.entry(current.clone()).or_default();
            family.push_str(line);
            family.push('\n');
            continue;
        };
        current = format!("{name}{}", if kind == "counter" { "_total" } else { "" });
        let words = help.take().filter(|(described, _)| *described == name);
        families.entry(current.clone()).or_insert_with(|| {
            let help = words.map(|(_, words)| format!("# HELP {current} {words}\n")).unwrap_or_default();
            format!("{help}# TYPE {current} {kind}\n")
        });
    }
    families.into_values().collect()
}

/// Per-resource numbers are made when they are asked for, so that they take no memory between.
struct Resources(Weak<Controller>);

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resources")
    }
}

impl Collector for Resources {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(controller) = self.0.upgrade() else { return Ok(()) };
        let kind = &controller.watch.kind;
        let mut gauge = |name: &str, help: &str, labels: &[(&str, &str)], value: i64| {
            let gauge = ConstGauge::new(value);
            let mut metric = encoder.encode_descriptor(name, help, None, gauge.metric_type_of())?;
            gauge.encode(metric.encode_family(&labels.to_vec())?)
        };
        let depth = i64::try_from(controller.queue.depth()).unwrap_or(i64::MAX);
        gauge("workqueue_depth", "Resources that wait for a worker", &[("name", &controller.name)], depth)?;
        for primary in controller.primaries.all() {
            // Sorted, as Go's client writes labels: tests look for the whole line.
            let labels = [
                ("group", kind.group.as_str()),
                ("kind", kind.kind.as_str()),
                ("name", &*primary.key.name),
                ("namespace", &*primary.key.namespace),
                ("version", kind.version.as_str()),
            ];
            gauge("resource_created_at_seconds", "When the resource was created", &labels, primary.created)?;
        }
        Ok(())
    }
}

trait TypeOf {
    fn metric_type_of(&self) -> prometheus_client::metrics::MetricType;
}

impl TypeOf for ConstGauge<i64> {
    fn metric_type_of(&self) -> prometheus_client::metrics::MetricType {
        EncodeMetric::metric_type(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_under_the_name_of_their_samples() {
        let open = "# HELP a Things.\n# TYPE a counter\n# UNIT a seconds\na_total 1\n# HELP b B.\n# TYPE b gauge\nb 2\n# EOF\n";
        let expected =
            "# HELP a_total Things.\n# TYPE a_total counter\na_total 1\n# HELP b B.\n# TYPE b gauge\nb 2\n";
        assert_eq!(prometheus_text(open), expected);
    }

    #[test]
    fn samples_of_one_name_stand_together() {
        let open = "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\n# TYPE b gauge\nb 2\n# HELP a A.\n# TYPE a gauge\na{x=\"2\"} 3\n# EOF\n";
        let expected = "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 3\n# TYPE b gauge\nb 2\n";
        assert_eq!(prometheus_text(open), expected);
    }
}
