//! How a template function is declared: typed parameters as data, checked by the executor before the
//! call as Go's `reflect` does, so that a function body only sees arguments of the kinds it named.

use std::collections::HashMap;
use std::sync::Arc;

use super::{ExecError, MapType, Str, Value};

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

/// The parameters of a function or method.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The fixed parameters.
    pub params: &'static [Param],
    /// The type of further arguments when there may be any.
    pub variadic: Option<Param>,
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
    /// `uint32`; the body gets a `uint64`.
    Uint32,
    /// `float64`.
    Float,
    /// `map[string]interface {}`; an untyped nil becomes [`super::Map::nil`].
    Map,
    /// `[]interface {}`; an untyped nil becomes [`super::List::nil`].
    List,
    /// `[]string`; an untyped nil becomes [`super::List::nil`].
    StrList,
    /// `reflect.Value`: like `Any`, but an untyped nil is an invalid value.
    Reflect,
    /// A native type: an [`super::Object`] of this type name.
    Object(&'static str),
}

impl Param {
    /// The Go type's name in error texts.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Str => "string",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Float => "float64",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::StrList => "[]string",
            Self::Reflect => "reflect.Value",
            Self::Uint32 => "uint32",
            Self::Object(name) => name,
        }
    }
}

/// What a function may ask of the execution that calls it.
pub trait FuncContext {
    /// Runs a named template with `dot` as its data and gives its text (`include`).
    ///
    /// # Errors
    /// The template does not exist or fails; the error carries the failing template as its cause.
    fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Str, FuncError>;
    /// Parses `source` as a template of the current set, with its definitions local to the call, runs
    /// it with `dot` and gives its text (`tpl`).
    ///
    /// # Errors
    /// As [`SourceError`] tells: the text does not parse, or running it fails.
    fn execute_source(&mut self, source: &Str, dot: Value) -> Result<Str, SourceError>;
    /// What the embedder attached to the execution (the chart engine's lookup, lint mode, …).
    fn host(&self) -> &dyn std::any::Any;
}

/// Why a function failed; the executor adds the place (`error calling NAME: …`).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}{}", .cause.as_deref().map(ToString::to_string).unwrap_or_default())]
pub struct FuncError {
    /// The text, up to that of the cause.
    pub message: String,
    /// The failure of another template that made the function fail.
    #[source]
    pub cause: Option<Box<ExecError>>,
}

impl FuncError {
    /// A failure of the function itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), cause: None }
    }

    /// The same failure behind `context: `, as Go's `%w` wraps an error.
    #[must_use]
    pub fn wrap(self, context: impl std::fmt::Display) -> Self {
        Self { message: format!("{context}: {}", self.message), cause: self.cause }
    }
}

impl From<String> for FuncError {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for FuncError {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<ExecError> for FuncError {
    fn from(cause: ExecError) -> Self {
        Self { message: String::new(), cause: Some(Box::new(cause)) }
    }
}

/// Why [`FuncContext::execute_source`] failed; `tpl` words the two cases differently.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// The text is not a template.
    #[error(transparent)]
    Parse(super::ParseError),
    /// Running it failed.
    #[error(transparent)]
    Exec(FuncError),
}

impl From<SourceError> for FuncError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Parse(error) => Self::new(error.to_string()),
            SourceError::Exec(error) => error,
        }
    }
}

/// The functions that templates of a set may call, by name; cheap to clone and to share.
///
/// Go's own functions are always there and may be overridden.
#[derive(Clone, Default)]
pub struct Functions {
    table: Arc<Table>,
}

#[derive(Clone, Default)]
struct Table {
    functions: HashMap<&'static str, FuncDef>,
    methods: HashMap<&'static str, Vec<(MapType, FuncDef)>>,
}

impl Functions {
    /// A table of Go's own functions and these; of two with one name the later counts.
    pub fn new(definitions: impl IntoIterator<Item = FuncDef>) -> Self {
        Self::default().with(definitions)
    }

    /// This table with further functions, which override those of the same name.
    #[must_use]
    pub fn with(mut self, definitions: impl IntoIterator<Item = FuncDef>) -> Self {
        let table = Arc::make_mut(&mut self.table);
        table.functions.extend(definitions.into_iter().map(|def| (def.name, def)));
        self
    }

    /// This table without the named functions (Helm removes `env` and `expandenv` from sprig's).
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        let table = Arc::make_mut(&mut self.table);
        table.functions.retain(|name, _| !names.contains(name));
        self
    }

    /// This table with methods of a map type; the receiver is the first argument of the body and is
    /// not among the declared parameters. As in Go, a method hides an entry of its name.
    #[must_use]
    pub fn with_methods(mut self, ty: MapType, methods: impl IntoIterator<Item = FuncDef>) -> Self {
        let table = Arc::make_mut(&mut self.table);
        for method in methods {
            table.methods.entry(method.name).or_default().push((ty, method));
        }
        self
    }

    /// The function of that name, Go's own excepted.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FuncDef> {
        self.table.functions.get(name)
    }

    /// The method of a map type.
    #[must_use]
    pub fn method(&self, ty: MapType, name: &str) -> Option<&FuncDef> {
        let of_name = self.table.methods.get(name)?;
        of_name.iter().find(|(of, _)| *of == ty).map(|(_, method)| method)
    }

    /// Whether a map type has a method of that name.
    pub(crate) fn has_method(&self, name: &str) -> bool {
        self.table.methods.contains_key(name)
    }

    /// The names of all functions, Go's own excepted, in no order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.table.functions.keys().copied()
    }
}
