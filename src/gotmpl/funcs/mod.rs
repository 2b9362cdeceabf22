//! The functions that Helm offers to templates, one file per family, each a table of [`FuncDef`]s.
//!
//! They are sprig 3.3's (`FuncMap`, without `env` and `expandenv`) with what Helm 4.2 adds or replaces
//! (`pkg/engine/funcs.go`). Parameters are declared with sprig's Go types, so that the executor converts and
//! refuses arguments as Go's `reflect` does; bodies are pure but for the clock and the random source.
//! `lookup` is not here: it needs a cluster, so the embedder defines it.

mod aes;
mod args;
mod bcrypt;
mod case;
mod cast;
mod certificates;
mod dates;
mod decimal;
mod defaults;
mod der;
mod dicts;
mod duration;
mod encoding;
mod equal;
mod flow;
mod hashes;
mod helm;
mod json;
mod json_parse;
mod keys;
mod layout;
mod lists;
mod merge;
mod network;
mod numbers;
mod passwords;
mod paths;
mod pem;
mod random;
mod re2;
mod reflection;
mod regex;
mod runes;
mod semver;
mod semver_constraint;
mod strings;
mod time;
mod toml;
mod toml_parse;
mod urls;
mod wrap;
mod yaml;

#[cfg(test)]
mod tests;

pub use helm::{MESSAGE_END, MESSAGE_START};
pub(crate) use semver::Version;
pub(crate) use semver_constraint::matches as satisfies;

use super::{FuncDef, FuncError, Value};

/// What a function body gives.
type Outcome = Result<Value, FuncError>;

/// The families, in the order of sprig's function list; Helm's own last, as they replace sprig's.
const FAMILIES: &[&[FuncDef]] = &[
    dates::FUNCTIONS,
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
    paths::FUNCTIONS,
    encoding::FUNCTIONS,
    bcrypt::FUNCTIONS,
    passwords::FUNCTIONS,
    aes::FUNCTIONS,
    certificates::FUNCTIONS,
    random::FUNCTIONS,
    semver::FUNCTIONS,
    flow::FUNCTIONS,
    regex::FUNCTIONS,
    urls::FUNCTIONS,
    json::FUNCTIONS,
    yaml::FUNCTIONS,
    toml::FUNCTIONS,
    helm::FUNCTIONS,
];

/// Every function of every family; no name occurs twice.
pub fn table() -> impl Iterator<Item = &'static FuncDef> {
    FAMILIES.iter().copied().flatten()
}
