//! Go's `complex128`, which only a literal such as `2i` can make in a template.

use std::any::Any;
use std::borrow::Cow;

use super::{FuncError, Object, Value, float};

/// A complex number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Complex {
    pub(crate) real: f64,
    pub(crate) imaginary: f64,
}

impl Object for Complex {
    fn type_name(&self) -> Cow<'_, str> {
        "complex128".into()
    }

    fn kind(&self) -> &'static str {
        "complex128"
    }

    fn display(&self) -> Cow<'_, str> {
        let imaginary = float::float_g(self.imaginary);
        let sign = if imaginary.starts_with(['+', '-']) { "" } else { "+" };
        format!("({}{sign}{imaginary}i)", float::float_g(self.real).trim_start_matches('+')).into()
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn call(&self, _: &str, _: &[Value]) -> Option<Result<Value, FuncError>> {
        None
    }

    fn truth(&self) -> bool {
        self.real != 0.0 || self.imaginary != 0.0
    }

    fn to_plain(&self) -> Value {
        Value::Str(self.display().as_ref().into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
