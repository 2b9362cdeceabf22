//! YAML as PyYAML reads and writes it over libyaml (CSafeLoader, CSafeDumper), which is what Ansible uses.

mod binary;
mod construct;
mod dump;
mod error;
mod integer;
mod repr;
mod scalar;
mod timestamp;
mod value;

pub use construct::{Loader, load};
pub use dump::{DumpError, DumpOptions, dump};
pub use error::Error;
pub use value::{Dict, Node, Value};
