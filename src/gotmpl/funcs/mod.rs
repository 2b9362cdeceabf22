//! The functions that Helm offers to templates, one file per family, each a table of [`FuncDef`]s.
//!
//! They are sprig 3.3's (`FuncMap`, without `env` and `expandenv`) with what Helm 4.2 adds or replaces
//! (`pkg/engine/funcs.go`). Parameters are declared with sprig's Go types, so that the executor converts and
//! refuses arguments as Go's `reflect` does; bodies are pure but for the clock and the random source.
//! `lookup` is not here: it needs a cluster, so the embedder defines it.

mod args;
mod case;
mod cast;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod equal;
mod flow;
mod hashes;
mod helm;
mod json;
mod json_parse;
mod lists;
mod merge;
mod network;
mod numbers;
mod re2;
mod reflection;
mod regex;
mod runes;
mod strings;
mod wrap;

pub use helm::{MESSAGE_END, MESSAGE_START};

use super::{FuncDef, FuncError, Value};

/// What a function body gives.
type Outcome = Result<Value, FuncError>;

/// The families, in the order of sprig's function list; Helm's own last, as they replace sprig's.
const FAMILIES: &[&[FuncDef]] = &[
    strings::FUNCTIONS,
    case::FUNCTIONS,
    wrap::FUNCTIONS,
    hashes::FUNCTIONS,
    numbers::FUNCTIONS,
    lists::FUNCTIONS,
    dicts::FUNCTIONS,
    defaults::FUNCTIONS,
    reflection::FUNCTIONS,
    network::FUNCTIONS,
    encoding::FUNCTIONS,
    flow::FUNCTIONS,
    regex::FUNCTIONS,
    json::FUNCTIONS,
    helm::FUNCTIONS,
];

/// Every function of every family; no name occurs twice.
pub fn table() -> impl Iterator<Item = &'static FuncDef> {
    FAMILIES.iter().copied().flatten()
}
