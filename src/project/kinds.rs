//! What is known of kinds without asking a cluster: plural names and scopes.

use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core,
    discovery::v1 as discovery, networking::v1 as networking, node::v1 as node, policy::v1 as policy,
    rbac::v1 as rbac, scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as apiregistration;

/// A kind as access rules name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindInfo {
    /// Its group; empty for the core group.
    pub group: String,
    /// Its plural name.
    pub plural: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// Group, kind, plural name.
type Known = (&'static str, &'static str, &'static str);

macro_rules! known {
    ($($kind:ty),+ $(,)?) => {
        &[$((
            <$kind as k8s_openapi::Resource>::GROUP,
            <$kind as k8s_openapi::Resource>::KIND,
            <$kind as k8s_openapi::Resource>::URL_PATH_SEGMENT,
        )),+]
    };
}

const NAMESPACED: &[Known] = known![
    core::ConfigMap,
    core::Endpoints,
    core::Event,
    core::LimitRange,
    core::PersistentVolumeClaim,
    core::Pod,
    core::PodTemplate,
    core::ReplicationController,
    core::ResourceQuota,
    core::Secret,
    core::Service,
    core::ServiceAccount,
    apps::ControllerRevision,
    apps::DaemonSet,
    apps::Deployment,
    apps::ReplicaSet,
    apps::StatefulSet,
    autoscaling::HorizontalPodAutoscaler,
    batch::CronJob,
    batch::Job,
    coordination::Lease,
    discovery::EndpointSlice,
    networking::Ingress,
    networking::NetworkPolicy,
    policy::PodDisruptionBudget,
    rbac::Role,
    rbac::RoleBinding,
    storage::CSIStorageCapacity,
];

const CLUSTER_SCOPED: &[Known] = known![
    core::Namespace,
    core::Node,
    core::PersistentVolume,
    admission::MutatingWebhookConfiguration,
    admission::ValidatingAdmissionPolicy,
    admission::ValidatingAdmissionPolicyBinding,
    admission::ValidatingWebhookConfiguration,
    apiextensions::CustomResourceDefinition,
    apiregistration::APIService,
    certificates::CertificateSigningRequest,
    networking::IngressClass,
    node::RuntimeClass,
    rbac::ClusterRole,
    rbac::ClusterRoleBinding,
    scheduling::PriorityClass,
    storage::CSIDriver,
    storage::CSINode,
    storage::StorageClass,
    storage::VolumeAttachment,
];

/// The group of an `apiVersion`.
#[must_use]
pub fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// What is known of a kind; of one that is not built in, what its name suggests.
#[must_use]
pub fn info(api_version: &str, kind: &str) -> KindInfo {
    let group = group_of(api_version);
    let plural = |table: &[Known]| {
        let found = table.iter().find(|known| known.1 == kind && (known.0 == group || is_former(group)));
        found.map(|known| known.2.to_owned())
    };
    let (plural, namespaced) = match (plural(NAMESPACED), plural(CLUSTER_SCOPED)) {
        (Some(plural), _) => (plural, true),
        (_, Some(plural)) => (plural, false),
        _ => (plural_of(kind), !kind.starts_with("Cluster")),
    };
    KindInfo { group: group.to_owned(), plural, namespaced }
}

/// Groups under which built-in kinds were served once.
fn is_former(group: &str) -> bool {
    matches!(group, "extensions" | "policy")
}

/// The plural name as `meta.UnsafeGuessKindToResource` and controller-gen guess it.
#[must_use]
pub fn plural_of(kind: &str) -> String {
    let singular = kind.to_lowercase();
    if singular.ends_with("endpoints") {
        return singular;
    }
    if let Some(stem) = singular.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        return format!("{stem}ies");
    }
    if ["s", "x", "z", "ch", "sh"].iter().any(|ending| singular.ends_with(ending)) {
        return format!("{singular}es");
    }
    format!("{singular}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_kinds_are_known_and_others_guessed() {
        let of = |api_version, kind| {
            let info = info(api_version, kind);
            (info.group, info.plural, info.namespaced)
        };
        let expected =
            |group: &str, plural: &str, namespaced| (group.to_owned(), plural.to_owned(), namespaced);
        assert_eq!(of("networking.k8s.io/v1", "Ingress"), expected("networking.k8s.io", "ingresses", true));
        assert_eq!(of("extensions/v1beta1", "Ingress"), expected("extensions", "ingresses", true));
        assert_eq!(of("v1", "Namespace"), expected("", "namespaces", false));
        assert!(!of("rbac.authorization.k8s.io/v1", "ClusterRole").2);
        assert_eq!(
            of("charts.helm.k8s.io/v1alpha1", "Hello"),
            expected("charts.helm.k8s.io", "hellos", true)
        );
        assert_eq!(of("x.io/v1", "NetworkPolicy"), expected("x.io", "networkpolicies", true));
        assert_eq!(plural_of("Gateway"), "gateways");
        assert_eq!(plural_of("Switch"), "switches");
    }
}
