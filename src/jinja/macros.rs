//! Macros: callables that a template defines.

use std::fmt;
use std::sync::Arc;

use super::ast::Macro;
use super::error::Error;
use super::eval::Interpreter;
use super::object::{Args, Object};
use super::scope::Scope;
use super::value::Value;

/// A macro with the scope in which it was defined.
pub(super) struct MacroObject {
    definition: Arc<Macro>,
    scope: Arc<Scope>,
}

impl fmt::Debug for MacroObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Macro '{}'>", self.definition.name)
    }
}

impl MacroObject {
    /// A macro defined within this scope.
    #[must_use]
    pub(super) fn new(definition: Arc<Macro>, scope: Arc<Scope>) -> Self {
        MacroObject { definition, scope }
    }
}

impl Object for MacroObject {
    fn type_name(&self) -> &'static str {
        "Macro"
    }

    fn attribute(&self, name: &Value, _: &mut Interpreter<'_>) -> Result<Option<Value>, Error> {
        Ok((name.as_str() == Some("name")).then(|| Value::from(self.definition.name.as_ref())))
    }

    fn call(&self, mut args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        let it = &self.definition;
        let scope = self.scope.nested();
        if let Some(at) = args.named.iter().position(|(name, _)| name == "caller") {
            scope.set("caller", args.named.remove(at).1);
        }
        let without_default = it.params.len() - it.defaults.len();
        for (i, param) in it.params.iter().enumerate() {
            let value = match args.get(i, param)? {
                Some(value) => value,
                None if i >= without_default => {
                    let default = &it.defaults[i - without_default];
                    interpreter.within(Arc::clone(&scope), |this| this.evaluate(default))?
                }
                None => Value::undefined_hint(format!("parameter '{param}' was not provided")),
            };
            scope.set(Arc::clone(param), value);
        }
        let extra: Vec<Value> = args.positional.into_iter().skip(it.params.len()).collect();
        if it.uses.varargs {
            scope.set("varargs", Value::tuple(extra));
        } else if !extra.is_empty() {
            let (name, count) = (&it.name, it.params.len());
            return Err(Error::type_error(format!("macro '{name}' takes not more than {count} argument(s)")));
        }
        if it.uses.kwargs {
            scope.set("kwargs", Value::dict(args.named));
        } else if let Some((unknown, _)) = args.named.first() {
            return Err(Error::type_error(format!(
                "macro '{}' takes no keyword argument '{unknown}'",
                it.name
            )));
        }
        interpreter.run_macro(&it.body, scope)
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<Macro '{}'>", self.definition.name)
    }
}
