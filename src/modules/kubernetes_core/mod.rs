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

use super::registry::Registry;
use crate::jinja::Plugins;

/// Adds the modules of this collection.
pub fn register(registry: &mut Registry) {
    registry.add(&k8s::SPEC, k8s::K8s);
    registry.add(&k8s_cluster_info::SPEC, k8s_cluster_info::K8sClusterInfo);
    registry.add(&k8s_cp::SPEC, k8s_cp::K8sCp);
    registry.add(&k8s_drain::SPEC, k8s_drain::K8sDrain);
    registry.add(&k8s_exec::SPEC, k8s_exec::K8sExec);
    registry.add(&k8s_info::SPEC, k8s_info::K8sInfo);
    registry.add(&helm::SPEC, helm::Helm);
    registry.add(&helm_info::SPEC, helm_info::HelmInfo);
    registry.add(&helm_pull::SPEC, helm_pull::HelmPull);
    registry.add(&helm_repository::SPEC, helm_repository::HelmRepository);
    registry.add(&helm_template::SPEC, helm_template::HelmTemplate);
    helm_refused::register(registry);
    registry.add(&k8s_json_patch::SPEC, k8s_json_patch::K8sJsonPatch);
    registry.add(&k8s_log::SPEC, k8s_log::K8sLog);
    registry.add(&k8s_rollback::SPEC, k8s_rollback::K8sRollback);
    registry.add(&k8s_scale::SPEC, k8s_scale::K8sScale);
    registry.add(&k8s_service::SPEC, k8s_service::K8sService);
    registry.add(&k8s_taint::SPEC, k8s_taint::K8sTaint);
}

/// Adds the lookups and filters of this collection.
pub fn register_plugins(plugins: &mut Plugins) {
    lookup::register(plugins);
}
