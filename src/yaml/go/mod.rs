//! YAML as Helm and Kubernetes read and write it: go-yaml v2 behind sigs.k8s.io/yaml, and go-yaml v3
//! for `toYamlPretty`.

mod base64;
mod decode;
mod emit;
mod float;
mod marshal;
mod number;
mod order;
mod scalar;
mod timestamp;
mod typed;
mod utf8;

pub use decode::{Decoder, Error, Numbers, parse, parse_each, parse_strict};
pub use emit::{EmitError, Emitter};
pub use float::{format_json, format_shortest};
pub use marshal::{marshal, marshal_pretty, to_yaml, to_yaml_pretty};
pub use order::{KeyOrder, compare_keys, sort_by_key};
pub use typed::{from_document, from_slice};
