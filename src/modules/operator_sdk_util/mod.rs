//! The collection `operator_sdk.util`: what roles tell their operator.
//! Follows `plugins/modules/` of operator-sdk-ansible-util 0.5.0.

mod k8s_event;
mod k8s_status;
mod requeue_after;

use std::sync::Arc;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(k8s_event::K8sEvent));
    registry.add(Arc::new(k8s_status::K8sStatus));
    registry.add(Arc::new(requeue_after::RequeueAfter));
}
