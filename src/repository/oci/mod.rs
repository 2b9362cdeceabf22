//! Charts in OCI registries.
//!
//! ```text
//! oci://registry/path/chart:tag -> manifest -> config (Chart.yaml as JSON), chart layer, provenance layer
//! 401 -> challenge -> credentials (Helm's file, Docker's file, credential helpers) -> token -> again
//! ```
//!
//! Follows `pkg/registry` of Helm 4, and the distribution and image specifications of the OCI.

mod auth;
mod chart;
mod credentials;
mod reference;
mod registry;

pub(super) use reference::{Reference, is_oci};
pub(super) use registry::Registry;
