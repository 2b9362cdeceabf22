//! Versions and constraints, as Masterminds' semver reads them.

use std::cmp::Ordering;

use super::Error;
use crate::gotmpl::funcs::{Version, satisfies};

/// Refuses text that is no constraint.
pub(super) fn check_constraint(constraint: &str) -> Result<(), Error> {
    satisfies(constraint.as_bytes(), b"0.0.0").map(|_| ()).map_err(|error| Error::Refused(error.to_string()))
}

/// Whether a version satisfies a constraint; no when either is malformed.
pub(super) fn admits(constraint: &str, version: &str) -> bool {
    satisfies(constraint.as_bytes(), version.as_bytes()).unwrap_or(false)
}

/// Whether the text is a version, strict or not.
pub(super) fn is_version(text: &str) -> bool {
    Version::parse(text.as_bytes()).is_ok()
}

/// The newest first; what is no version last.
pub(super) fn newest_first(left: &str, right: &str) -> Ordering {
    match (Version::parse(left.as_bytes()), Version::parse(right.as_bytes())) {
        (Ok(left), Ok(right)) => right.compare(&left),
        (left, right) => right.is_ok().cmp(&left.is_ok()),
    }
}

/// Whether two versions are the same, build metadata aside.
pub(super) fn equal(left: &str, right: &str) -> bool {
    match (Version::parse(left.as_bytes()), Version::parse(right.as_bytes())) {
        (Ok(left), Ok(right)) => left.compare(&right).is_eq(),
        (Err(_), _) => left == right,
        _ => false,
    }
}

/// Whether the text admits several versions (`isVersionRange` of Helm 4).
pub(super) fn is_range(version: &str) -> bool {
    if version.contains(['^', '~', '<', '>', '=', '!', '*'])
        || version.contains("||")
        || version.contains(" - ")
    {
        return true;
    }
    version.split(['-', '+']).next().is_some_and(|core| core.contains(['x', 'X']))
}

/// The constraint that pre-releases satisfy too (`--devel`).
pub const ANY: &str = ">0.0.0-0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_from_the_newest() {
        let mut versions = vec!["1.0.0-rc.1", "x", "1.0.0", "v2.0", "1.0.0-beta"];
        versions.sort_by(|a, b| newest_first(a, b));
        assert_eq!(versions, ["v2.0", "1.0.0", "1.0.0-rc.1", "1.0.0-beta", "x"]);
        assert!(equal("1.0", "1.0.0") && equal("1.0.0+a", "v1.0.0") && !equal("1.0.0", "1.0.1"));
        assert!(is_range("1.x") && is_range("^1") && !is_range("1.0.0-x") && !is_range("1.0.0"));
        assert!(check_constraint("1 ||").is_err() && check_constraint(ANY).is_ok());
    }
}
