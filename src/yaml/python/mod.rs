//! YAML as PyYAML's SafeLoader reads it over libyaml, which is how Ansible reads its files.

mod binary;
mod construct;
mod error;
mod integer;
mod repr;
mod scalar;
mod timestamp;
mod value;

pub use construct::{Loader, load};
pub use error::Error;
pub use value::{Dict, Node, Value};
