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
        f.write_str(&self.text())
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
        let it = &self.definition;
        Ok(Some(match name.as_str().unwrap_or_default() {
            "name" => it.name.as_deref().map_or(Value::None, Value::from),
            "arguments" => Value::tuple(it.params.iter().map(|param| Value::from(param.as_ref())).collect()),
            "catch_kwargs" => Value::Bool(it.uses.kwargs),
            "catch_varargs" => Value::Bool(it.uses.varargs),
            "caller" => Value::Bool(it.uses.caller),
            _ => return Ok(None),
        }))
    }

    fn call(&self, mut args: Args, interpreter: &mut Interpreter<'_>) -> Result<Value, Error> {
        let it = &self.definition;
        let scope = self.scope.nested();
        let shown = || it.name.as_ref().map_or_else(|| "None".to_owned(), |name| format!("'{name}'"));
        if it.uses.caller && !it.params.iter().any(|param| param.as_ref() == "caller") {
            let at = args.named.iter().position(|(name, _)| name == "caller");
            let caller = at.map(|at| args.named.remove(at).1);
            scope.set("caller", caller.unwrap_or_else(|| Value::undefined_hint("No caller defined")));
        }
        let without_default = it.params.len() - it.defaults.len();
        for (i, param) in it.params.iter().enumerate() {
            let value = match args.get(i, param)? {
                Some(value) => value,
                None if i >= without_default => {
                    let default = &it.defaults[i - without_default];
                    interpreter
                        .within(Arc::clone(&scope), |this| this.evaluate(&default.expr, &default.names))?
                }
                None => Value::undefined_hint(format!("parameter '{param}' was not provided")),
            };
            scope.set(Arc::clone(param), value);
        }
        let extra: Vec<Value> = args.positional.into_iter().skip(it.params.len()).collect();
        if it.uses.varargs {
            scope.set("varargs", Value::tuple(extra));
        } else if !extra.is_empty() {
            let count = it.params.len();
            return Err(Error::type_error(format!(
                "macro {} takes not more than {count} argument(s)",
                shown()
            )));
        }
        if it.uses.kwargs {
            scope.set("kwargs", Value::dict(args.named));
        } else if let Some((unknown, _)) = args.named.first() {
            return Err(Error::type_error(format!(
                "macro {} takes no keyword argument '{unknown}'",
                shown()
            )));
        }
        interpreter.run_macro(it, scope)
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        match &self.definition.name {
            Some(name) => format!("<Macro '{name}'>"),
            None => "<Macro anonymous>".to_owned(),
        }
    }
}
