//! What a chart may know of its cluster: `.Capabilities`.
//!
//! Follows `pkg/chart/common/capabilities.go` of Helm 4 and `pkg/chartutil/capabilities.go` of Helm 3.

use super::{Compat, Error};

/// Helm 3 as it tells of itself.
const HELM_V3: HelmVersion = HelmVersion {
    version: "v3.19.0",
    git_commit: "3d8990f0836691f0229297773f3524598f46bda6",
    git_tree_state: "clean",
    go_version: "go1.24.7",
    kube_client_version: "",
};

/// Helm 4 as it tells of itself.
const HELM_V4: HelmVersion = HelmVersion {
    version: "v4.3.1",
    git_commit: "c0d08d0d6d9424d4a14febb5e8a3e51b0dd00dff",
    git_tree_state: "clean",
    go_version: "go1.27.2",
    kube_client_version: "v1.37",
};

/// The API versions that Helm 3.19 assumes without a cluster (the scheme of client-go 0.34).
const API_VERSIONS_V3: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1alpha1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// The API versions that Helm 4.3 assumes without a cluster (the scheme of client-go 0.37).
const API_VERSIONS_V4: [&str; 57] = [
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What a chart may know of its cluster.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// The version of Kubernetes.
    pub kube_version: KubeVersion,
    /// The API versions (`apps/v1`) and kinds (`apps/v1/Deployment`) that the cluster serves.
    pub api_versions: Vec<String>,
    /// The Helm that charts see.
    pub helm_version: HelmVersion,
}

/// The build of Helm that charts see, as `.Capabilities.HelmVersion` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HelmVersion {
    /// The version.
    pub version: &'static str,
    /// The commit.
    pub git_commit: &'static str,
    /// Whether the sources were those of the commit.
    pub git_tree_state: &'static str,
    /// The version of Go.
    pub go_version: &'static str,
    /// The version of the Kubernetes client; empty in Helm 3.
    pub kube_client_version: &'static str,
}

/// The version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KubeVersion {
    /// The full version, such as `v1.33.4-gke.1245000`.
    pub version: String,
    /// The version without suffixes, which `kubeVersion` constraints are checked against.
    pub normalized: String,
    /// The major version as the cluster tells it.
    pub major: String,
    /// The minor version as the cluster tells it, such as `33` or `33+`.
    pub minor: String,
}

impl Capabilities {
    /// What `helm template` of that Helm assumes without a cluster.
    #[must_use]
    pub fn default_of(compat: Compat) -> Self {
        let (minor, versions, helm) = match compat {
            Compat::V3 => (34, API_VERSIONS_V3.as_slice(), HELM_V3),
            Compat::V4 => (37, API_VERSIONS_V4.as_slice(), HELM_V4),
        };
        Self {
            kube_version: KubeVersion {
                version: format!("v1.{minor}.0"),
                normalized: format!("v1.{minor}.0"),
                major: "1".into(),
                minor: minor.to_string(),
            },
            api_versions: versions.iter().map(ToString::to_string).collect(),
            helm_version: helm,
        }
    }
}

impl KubeVersion {
    /// Parses a version with at least two numeric components, such as `1.33` or `v1.33.4-gke.1`.
    ///
    /// # Errors
    /// When it is no such version.
    pub fn parse(version: &str) -> Result<Self, Error> {
        let refuse = || {
            Error::Values(format!("invalid kube version '{version}': could not parse {version:?} as version"))
        };
        let bare = version.trim();
        let components = leading_components(bare.strip_prefix('v').unwrap_or(bare));
        if components.len() < 2 || (components[0].len() > 1 && components[0].starts_with('0')) {
            return Err(refuse());
        }
        let numbers: Vec<u64> =
            components.iter().map(|part| part.parse()).collect::<Result<_, _>>().map_err(|_| refuse())?;
        let normalized = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(".");
        Ok(Self {
            version: if version.starts_with('v') { version.to_owned() } else { format!("v{version}") },
            normalized: format!("v{normalized}"),
            major: numbers[0].to_string(),
            minor: numbers[1].to_string(),
        })
    }
}

/// The dot-separated numbers that `text` begins with; what follows them is not interpreted.
fn leading_components(text: &str) -> Vec<&str> {
    let digits = |part: &str| part.bytes().take_while(u8::is_ascii_digit).count();
    let mut components = Vec::new();
    for part in text.split('.') {
        match digits(part) {
            0 => break,
            n if n < part.len() => {
                components.push(&part[..n]);
                break;
            }
            _ => components.push(part),
        }
    }
    components
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kube_versions_keep_their_suffix_and_lose_it_for_constraints() {
        let version = KubeVersion::parse("1.33.4-gke.1245000").unwrap();
        assert_eq!(version.version, "v1.33.4-gke.1245000");
        assert_eq!(version.normalized, "v1.33.4");
        assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "33"));
        assert_eq!(KubeVersion::parse("v1.30").unwrap().normalized, "v1.30");
        for bad in ["", "1", "one", "01.2", "v1..2"] {
            assert!(KubeVersion::parse(bad).is_err(), "{bad}");
        }
    }
}
