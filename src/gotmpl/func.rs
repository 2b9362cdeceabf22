//! How a template function is declared: typed parameters as data, checked by the executor before the
//! call as Go's `reflect` does, so that a function body only sees arguments of the kinds it named.

use super::Value;

/// A function of the template language.
#[derive(Clone, Copy)]
pub struct FuncDef {
    /// The name in templates.
    pub name: &'static str,
    /// The fixed parameters.
    pub params: &'static [Param],
    /// The type of further arguments when the function is variadic.
    pub variadic: Option<Param>,
    /// The body; `args` were converted to the declared parameters.
    pub call: fn(&mut dyn FuncContext, &[Value]) -> Result<Value, FuncError>,
}

/// The Go type of a parameter, which decides the conversions and the error texts of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// `interface {}`: anything, nil included.
    Any,
    /// `string`: refuses nil and other kinds.
    Str,
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `int64`.
    Int64,
    /// `float64`.
    Float,
    /// `map[string]interface {}`.
    Map,
    /// `[]interface {}`.
    List,
    /// `[]string`.
    StrList,
    /// `reflect.Value`: like `Any`, but an untyped nil is an invalid value.
    Reflect,
}

/// What a function may ask of the execution that calls it.
pub trait FuncContext {
    /// Runs a named template with `dot` as its data and gives its text (`include`).
    fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Vec<u8>, FuncError>;
    /// Parses `source` as a template of the current set, with its definitions local to the call, runs
    /// it with `dot` and gives its text (`tpl`).
    fn execute_source(&mut self, source: &[u8], dot: Value) -> Result<Vec<u8>, FuncError>;
    /// What the embedder attached to the execution (the chart engine's lookup, lint mode, …).
    fn host(&self) -> &dyn std::any::Any;
}

/// Why a function failed; the executor adds the place (`error calling NAME: …`).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct FuncError(pub String);
