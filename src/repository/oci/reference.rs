//! `registry/path/chart[:tag][@digest]`.
//!
//! Follows `pkg/registry/reference.go` of Helm 4 and `registry/reference.go` of ORAS.

use std::fmt;

use crate::repository::Error;

const SCHEME: &str = "oci://";

/// Whether a reference names a chart in an OCI registry.
pub(in crate::repository) fn is_oci(reference: &str) -> bool {
    reference.starts_with(SCHEME)
}

/// A chart in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::repository) struct Reference {
    /// Host and port.
    pub(super) registry: String,
    /// The path.
    pub(super) repository: String,
    /// The tag as versions are written: with `+`, which registries do not accept, for `_`.
    pub(super) tag: Option<String>,
    /// `sha256:…`
    pub(super) digest: Option<String>,
}

impl Reference {
    /// Reads a reference, with or without `oci://`.
    pub(in crate::repository) fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |what: &str| Error::Refused(format!("invalid reference: {what} in {text:?}"));
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (rest, None),
        };
        if digest.as_deref().is_some_and(|digest| !is_digest(digest)) {
            return Err(invalid("invalid digest"));
        }
        let (registry, path) =
            rest.split_once('/').ok_or_else(|| invalid("missing registry or repository"))?;
        let (repository, tag) = match path.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if registry.is_empty() || !registry.chars().all(is_host) {
            return Err(invalid("invalid registry"));
        }
        if !repository.split('/').all(is_component) {
            return Err(invalid("invalid repository"));
        }
        if tag.as_deref().is_some_and(|tag| !is_tag(&as_tag(tag))) {
            return Err(invalid("invalid tag"));
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }

    /// The host that serves the registry.
    pub(super) fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// What names the manifest in the registry's API: the digest, else the tag.
    pub(super) fn manifest(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.clone(),
            (None, Some(tag)) => as_tag(tag),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The name that Helm gives the archive: `chart-tag.tgz`.
    pub(in crate::repository) fn archive_name(&self) -> String {
        let chart = self.repository.rsplit('/').next().unwrap_or_default();
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("{chart}-{tag}.tgz"),
            (None, Some(digest)) => format!("{chart}@{}.tgz", digest.replace(':', "-")),
            (None, None) => format!("{chart}.tgz"),
        }
    }

    /// The reference of another version.
    pub(super) fn with_tag(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), ..self.clone() }
    }
}

/// As Helm prints it: what the registry knows, without `oci://`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        match (&self.tag, &self.digest) {
            (Some(tag), _) => write!(f, ":{}", as_tag(tag)),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (None, None) => Ok(()),
        }
    }
}

fn as_tag(version: &str) -> String {
    version.replace('+', "_")
}

/// `[a-z0-9]+` joined by `.`, `_`, `__` or any number of `-`.
fn is_component(component: &str) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    let ends_well = bytes.first().is_some_and(is_part) && bytes.last().is_some_and(is_part);
    ends_well
        && component
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|joint| matches!(joint, "" | "." | "_" | "__") || joint.bytes().all(|byte| byte == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.starts_with(is_word) && tag.len() <= 128 && tag.chars().all(|c| is_word(c) || c == '.' || c == '-')
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_a_registry_a_path_and_perhaps_a_tag() {
        let reference = Reference::parse("oci://localhost:5000/charts/a.b:1.0.0+build").unwrap();
        assert_eq!(reference.registry, "localhost:5000");
        assert_eq!(reference.repository, "charts/a.b");
        assert_eq!(reference.tag.as_deref(), Some("1.0.0+build"));
        assert_eq!(reference.manifest(), "1.0.0_build");
        assert_eq!(reference.to_string(), "localhost:5000/charts/a.b:1.0.0_build");
        assert_eq!(reference.archive_name(), "a.b-1.0.0+build.tgz");
        let digest = format!("sha256:{}", "0".repeat(64));
        let pinned = Reference::parse(&format!("oci://docker.io/a@{digest}")).unwrap();
        assert_eq!((pinned.host(), pinned.manifest()), ("registry-1.docker.io", digest.clone()));
        assert_eq!(pinned.archive_name(), format!("a@sha256-{}.tgz", "0".repeat(64)));
        for text in
            ["oci://a", "oci://a/B", "oci://a/b..c", "oci://a/b:", "oci://a/b@sha256:1", "oci://a/../b"]
        {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        assert!(Reference::parse("oci://a/b__c/d--e/1").is_ok());
    }
}
