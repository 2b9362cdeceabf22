//! The order in which kinds are installed and uninstalled.
//!
//! Follows `pkg/release/v1/util/kind_sorter.go` of Helm 4; Helm 3 knows no webhook configurations.

use std::cmp::Ordering;

use super::Compat;

/// Kinds from the first to the last to install.
const INSTALL: [&str; 38] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Kinds from the first to the last to uninstall: not the reverse of the install order everywhere
/// (Services go before the workloads behind them).
const UNINSTALL: [&str; 38] = [
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "APIService",
    "Ingress",
    "IngressClass",
    "Service",
    "CronJob",
    "Job",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "Pod",
    "DaemonSet",
    "RoleBindingList",
    "RoleBinding",
    "RoleList",
    "Role",
    "ClusterRoleBindingList",
    "ClusterRoleBinding",
    "ClusterRoleList",
    "ClusterRole",
    "CustomResourceDefinition",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ConfigMap",
    "SecretList",
    "Secret",
    "ServiceAccount",
    "PodDisruptionBudget",
    "PodSecurityPolicy",
    "LimitRange",
    "ResourceQuota",
    "NetworkPolicy",
    "Namespace",
    "PriorityClass",
];

/// Which way objects are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The order of creation.
    Install,
    /// The order of deletion.
    Uninstall,
}

impl Order {
    /// Sorts by kind: known kinds in order, then unknown kinds by name; stable within a kind.
    pub fn sort_by_kind<T>(self, compat: Compat, items: &mut [T], kind: impl Fn(&T) -> &str) {
        let table = match self {
            Self::Install => &INSTALL,
            Self::Uninstall => &UNINSTALL,
        };
        let position = |kind: &str| {
            let known = compat == Compat::V4 || !kind.ends_with("WebhookConfiguration");
            table.iter().position(|k| known && *k == kind).unwrap_or(table.len())
        };
        items.sort_by(|a, b| {
            let (a, b) = (kind(a), kind(b));
            let (first, second) = (position(a), position(b));
            first.cmp(&second).then_with(|| if first == table.len() { a.cmp(b) } else { Ordering::Equal })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(order: Order, compat: Compat, kinds: &str) -> String {
        let mut kinds: Vec<&str> = kinds.split(' ').collect();
        order.sort_by_kind(compat, &mut kinds, |kind| kind);
        kinds.join(" ")
    }

    #[test]
    fn known_kinds_come_before_unknown_ones() {
        assert_eq!(
            sorted(Order::Install, Compat::V4, "Zoo Deployment Animal Service Namespace"),
            "Namespace Service Deployment Animal Zoo"
        );
        assert_eq!(
            sorted(Order::Uninstall, Compat::V4, "Namespace Animal Deployment Service"),
            "Service Deployment Namespace Animal"
        );
    }

    #[test]
    fn helm_3_knows_no_webhook_configurations() {
        let kinds = "Zoo ValidatingWebhookConfiguration Animal";
        assert_eq!(sorted(Order::Install, Compat::V4, kinds), "ValidatingWebhookConfiguration Animal Zoo");
        assert_eq!(sorted(Order::Install, Compat::V3, kinds), "Animal ValidatingWebhookConfiguration Zoo");
    }
}
