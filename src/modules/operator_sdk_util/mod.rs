//! The collection `operator_sdk.util`: what roles tell their operator.
//! Follows `plugins/modules/` of operator-sdk-ansible-util 0.5.0.

mod k8s_event;
mod k8s_status;
mod osdk_metric;
mod requeue_after;
mod user_metrics;

use super::registry::Registry;

pub use user_metrics::UserMetrics;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(&k8s_event::SPEC, k8s_event::K8sEvent);
    registry.add(&k8s_status::SPEC, k8s_status::K8sStatus);
    registry.add(&osdk_metric::SPEC, osdk_metric::OsdkMetric);
    registry.add(&requeue_after::SPEC, requeue_after::RequeueAfter);
}
