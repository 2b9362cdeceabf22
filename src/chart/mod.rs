//! Helm charts, pure: load, dependencies, values, schema, render, manifest order, hooks.
//!
//! ```text
//! directory | .tgz -> files -> Chart          (loaded, checked and compiled once; shared between threads)
//! Chart + values -> enabled subcharts -> coalesced values -> templates -> documents -> Rendered
//! ```
//!
//! Reads the files that it is given and nothing else; the function `lookup` asks a [`Lookup`] that the
//! caller brings. Follows Helm 4.3, or Helm 3.19 under [`Compat::V3`].

mod archive;
mod capabilities;
mod chart_value;
mod coalesce;
mod compat;
mod constraint;
mod decode;
mod dependencies;
mod directory;
mod documents;
mod error;
mod failure;
mod file;
mod files;
mod functions;
mod glob;
pub mod hook;
mod ignore;
pub mod lint;
mod listing;
mod load;
mod lookup;
mod manifest;
mod metadata;
mod order;
mod package;
mod path_pattern;
mod program;
mod record;
pub mod release_name;
mod render;
mod schema;
mod scope;
pub mod strvals;
#[cfg(test)]
mod tests;
pub mod values;
mod versions;

pub use archive::{MAX_SIZE, unpack};
pub use capabilities::{Capabilities, HelmVersion, KubeVersion};
pub use compat::Compat;
pub use documents::split_documents;
pub use error::{Error, Place, TemplateError};
pub use file::File;
pub use functions::name_from_template;
pub use hook::Hook;
pub use listing::{Listing, SelectError};
pub use load::{Chart, Contents, read};
pub use lookup::{Lookup, Offline};
pub use manifest::{Head, Manifest};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};
pub use order::Order;
pub use package::{file_name, package};
pub use path_pattern::{BadPattern, PathPattern};
pub use render::{Crd, RenderOptions, Rendered};
