//! A folder of charts and roles as an operator project: what is made of it, and what it needs.
//!
//! ```text
//! chart | role ── scaffold ──> watches.yaml, charts/ or roles/, deploy/, Containerfile
//! watches.yaml ── permissions ──> rules of access
//! project + binary ── image ──> an image, without a container daemon
//! ```
//!
//! Everything here is pure but for reading the project: no cluster is asked.

pub mod crd;
pub mod image;
pub mod kinds;
pub mod permissions;
mod role_permissions;
pub mod scaffold;

use serde_json::Value;

/// Several documents as one text of YAML.
#[must_use]
pub fn to_documents(documents: &[Value]) -> String {
    let texts: Vec<String> =
        documents.iter().map(|document| crate::yaml::go::to_yaml(document) + "\n").collect();
    texts.join("---\n")
}
