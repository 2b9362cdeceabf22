//! Helm charts, pure: load, dependencies, values, schema, render, manifest order, hooks.
//!
//! ```text
//! directory | .tgz -> files -> Chart          (loaded, checked and compiled once; shared between threads)
//! Chart + values -> enabled subcharts -> coalesced values -> templates -> documents -> Rendered
//! ```
//!
//! Reads the files that it is given and nothing else; the function `lookup` asks a [`Lookup`] that the
//! caller brings. Follows Helm 4.3, or Helm 3.19 under [`Compat::V3`].

mod capabilities;
mod compat;
mod error;
mod file;
pub mod hook;
mod load;
mod lookup;
mod manifest;
mod metadata;
mod order;
mod render;

pub use capabilities::{Capabilities, KubeVersion};
pub use compat::Compat;
pub use error::{Error, TemplateError};
pub use file::File;
pub use hook::Hook;
pub use load::{Chart, Contents};
pub use lookup::{Lookup, Offline};
pub use manifest::{Head, Manifest};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
pub use order::Order;
pub use render::{Crd, RenderOptions, Rendered};
