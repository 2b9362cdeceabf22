//! The collection `daytwo.core`: day-2 steps for people who need not know how Kubernetes does them.
//!
//! What each module does, with its arguments and examples, stands in its [`Spec`](super::Spec);
//! `docs/modules` is made from it.

mod approve;
mod chart;
mod event;
mod job;
mod mysql;
mod object;
mod scale_to;
mod schedule;
mod secret;
mod tell;
mod wait;
mod workload;

use serde_json::Value;

use super::registry::Registry;

/// Private entry of a result: the operator comes back to the resource at this time at the latest, in
/// seconds since 1970.
pub const COME_BACK: &str = "_ansible_daytwo_come_back";

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(&approve::SPEC, approve::Approve);
    registry.add(&chart::SPEC, chart::Chart::default());
    registry.add(&event::SPEC, event::Event);
    registry.add(&job::SPEC, job::Job);
    registry.add(&mysql::dump::SPEC, mysql::dump::Dump);
    registry.add(&mysql::query::SPEC, mysql::query::Query);
    registry.add(&mysql::restore::SPEC, mysql::restore::Restore);
    registry.add(&scale_to::SPEC, scale_to::ScaleTo);
    registry.add(&schedule::SPEC, schedule::Schedule);
    registry.add(&secret::SPEC, secret::Secret);
    registry.add(&wait::SPEC, wait::Wait);
}

/// Labels as a selector's text.
fn labels_text(labels: &Value) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let text = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
    labels.map(text).collect::<Vec<_>>().join(",")
}
