//! The Go text/template language, pure: lexer, parser, compiled form, executor, functions by family.
//!
//! ```text
//! source -> lex -> parse -> Template (compiled once, shared between threads)
//! Template + Value + Functions -> exec -> bytes     (per rendering thread)
//! ```
//!
//! Follows Go 1.26 `text/template` with `missingkey=zero`, as Helm 4 sets it. Knows nothing of
//! charts: `include`, `tpl`, `.Files` and the like come from `crate::chart` through [`FuncDef`] and
//! [`value::Object`].

pub mod func;
pub mod funcs;
pub mod value;

pub use func::{FuncContext, FuncDef, FuncError, Param};
pub use value::{Elem, List, Map, MapType, Object, Str, Value};
