//! YAML 1.1 in (as Helm and Ansible read it), Go-style and PyYAML-style out.
//!
//! ```text
//! bytes -> Source -> scanner -> parser -> Document (node tree with marks)
//!                                            ├─> go::parse      JSON values by sigs.k8s.io/yaml's rules
//!                                            └─> python::load   Python values by PyYAML's SafeLoader's rules
//! values -> go::Emitter (toYaml) | go::pretty (toYamlPretty) | python::dump -> bytes
//! ```
//!
//! One reader serves both languages, because both references descend from libyaml; the few places
//! where they differ are the [`Dialect`]. Nothing here does I/O or knows what the documents mean.

mod decimal;
mod document;
mod emit;
mod error;
pub mod go;
mod parser;
pub mod python;
mod scanner;
mod source;

pub use document::{Document, Documents, Kind, Limits, Node, NodeId, parse_documents};
pub use error::{Error, Mark, Stage};
pub use scanner::{Dialect, Style};
pub use source::Source;
