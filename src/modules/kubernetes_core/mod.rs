//! The collection `kubernetes.core`: objects of the cluster.
//! Follows `plugins/modules/` and `plugins/module_utils/k8s/` of that collection.

mod definition;
mod k8s;
mod k8s_info;
mod waiter;

use std::sync::Arc;

use super::registry::Registry;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(k8s::K8s));
    registry.add(Arc::new(k8s_info::K8sInfo));
}
