//! The Go text/template language, pure: lexer, parser, compiled form, executor, functions by family.
//!
//! ```text
//! source ── lex ── parse ──> Set of templates (compiled once, shared between threads)
//! Set + Value ── exec ──> bytes               (an Execution per rendering, on one thread)
//!                 ├─ builtins   Go's own functions
//!                 └─ funcs/     sprig's and Helm's
//! ```
//!
//! Follows Go 1.26 `text/template` with `missingkey=zero`, as Helm 4 sets it. Knows nothing of
//! charts: `include`, `tpl`, `.Files` and the like come from `crate::chart` through [`FuncDef`] and
//! [`Object`].

mod ast;
mod builtins;
mod compare;
mod complex;
mod escape;
mod eval;
mod lex;
mod number;
mod parse;
mod unicode_15;

pub mod error;
pub mod exec;
pub mod float;
pub mod fmt;
pub mod func;
pub mod funcs;
pub mod set;
pub mod strconv;
pub mod value;

pub use error::{ExecError, Frame, ParseError};
pub use exec::{Execution, Limits, MissingKey, is_true};
pub use func::{FuncContext, FuncDef, FuncError, Functions, Param, Signature, SourceError};
pub use set::Set;
pub use value::{Elem, List, Map, MapType, Object, Str, Value};

#[cfg(test)]
mod tests;
