//! Version constraints: of dependencies, of Kubernetes.

use crate::gotmpl::funcs::{Version, satisfies};

/// Whether the version satisfies the constraint; no when either is malformed.
///
/// Follows `IsCompatibleRange` of Helm 4, over the rules of Masterminds' semver.
pub(super) fn admits(constraint: &str, version: &str) -> bool {
    satisfies(constraint.as_bytes(), version.as_bytes()).unwrap_or(false)
}

/// Whether the text is a version, strict or not.
pub(super) fn is_version(version: &str) -> bool {
    Version::parse(version.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_versions_satisfy_nothing() {
        assert!(admits(">=1.20-0", "v1.33.0"));
        assert!(!admits(">=1.20", "v1.33.0-gke.1"));
        assert!(!admits("", "1.0.0") && !admits("foo", "1.0.0") && !admits("*", "foo"));
        assert!(is_version("1.2") && !is_version("one"));
    }
}
