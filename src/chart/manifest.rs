//! A rendered document.

use std::collections::BTreeMap;

/// A rendered document that belongs to the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The template that printed it.
    pub source: String,
    /// The document as it was printed, without leading space.
    pub text: String,
    /// What Helm reads of it.
    pub head: Head,
}

/// What Helm reads of a document before the cluster does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// The document as Helm stores it in the manifest of a release.
    pub fn write(&self, out: &mut String) {
        out.push_str("---\n# Source: ");
        out.push_str(&self.source);
        out.push('\n');
        out.push_str(&self.text);
        out.push('\n');
    }
}
