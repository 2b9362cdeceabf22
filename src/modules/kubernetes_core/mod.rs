//! The collection `kubernetes.core`: objects of the cluster.
//! Follows `plugins/` of that collection.
//!
//! ```text
//! arguments ─> connection (which cluster) ─> definition (which objects) ─> action: retrieve, change,
//!                                            waiter (until when) ─> diff (what changed) ─> result
//! ```

mod action;
mod apply;
mod arguments;
mod config_hash;
mod definition;
mod diff;
mod helm;
mod helm_arguments;
mod helm_chart;
mod helm_command;
mod helm_info;
mod helm_pull;
mod helm_refused;
mod helm_repository;
mod helm_status;
mod helm_template;
mod helm_values;
mod hidden_fields;
mod k8s;
mod k8s_cluster_info;
mod k8s_cp;
mod k8s_drain;
mod k8s_exec;
mod k8s_info;
mod k8s_json_patch;
mod k8s_log;
mod k8s_rollback;
mod k8s_scale;
mod k8s_service;
mod k8s_taint;
mod label_selector;
mod lookup;
mod merge_keys;
mod python_json;
mod subset;
mod template;
mod waiter;

use std::sync::Arc;

use super::registry::Registry;
use crate::jinja::Plugins;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(Arc::new(k8s::K8s));
    registry.add(Arc::new(k8s_cluster_info::K8sClusterInfo));
    registry.add(Arc::new(k8s_cp::K8sCp));
    registry.add(Arc::new(k8s_drain::K8sDrain));
    registry.add(Arc::new(k8s_exec::K8sExec));
    registry.add(Arc::new(k8s_info::K8sInfo));
    registry.add(Arc::new(helm::Helm));
    registry.add(Arc::new(helm_info::HelmInfo));
    registry.add(Arc::new(helm_pull::HelmPull));
    registry.add(Arc::new(helm_repository::HelmRepository));
    registry.add(Arc::new(helm_template::HelmTemplate));
    helm_refused::modules().for_each(|module| registry.add(Arc::new(module)));
    registry.add(Arc::new(k8s_json_patch::K8sJsonPatch));
    registry.add(Arc::new(k8s_log::K8sLog));
    registry.add(Arc::new(k8s_rollback::K8sRollback));
    registry.add(Arc::new(k8s_scale::K8sScale));
    registry.add(Arc::new(k8s_service::K8sService));
    registry.add(Arc::new(k8s_taint::K8sTaint));
}

/// Adds the lookups and filters of this collection.
pub fn register_plugins(plugins: &mut Plugins) {
    lookup::register(plugins);
}
