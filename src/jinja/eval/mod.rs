//! Runs a [`Template`] with Python's semantics: its statements here, expressions, attributes and other
//! templates in files of their own.

mod access;
mod expression;
mod templates;

use std::sync::Arc;

use super::ast::{Expr, For, Macro, Stmt, Template};
use super::error::Error;
use super::loops::Loop;
use super::macros::MacroObject;
use super::object::Namespace;
use super::ops;
use super::output::Output;
use super::scope::Scope;
use super::stack::deeper;
use super::templar::Templar;
use super::value::Value;
pub use expression::compare;
pub(super) use expression::{unknown_by_value, unknown_plugin};
use templates::Blocks;

/// How a list of statements ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// At its end.
    Next,
    /// At `{% break %}`.
    Break,
    /// At `{% continue %}`.
    Continue,
}

/// Runs one template.
pub struct Interpreter<'a> {
    /// The variables, plugins and files around the template.
    pub templar: &'a Templar,
    /// Whether anything that the template used is unsafe.
    pub tainted: bool,
    scope: Arc<Scope>,
    convert: bool,
    root: Arc<Scope>,
    blocks: Blocks,
    includes: usize,
}

impl<'a> Interpreter<'a> {
    /// An interpreter for one template. With `convert`, what macros and captures write is read back as
    /// a literal, as the template's own result is.
    #[must_use]
    pub fn new(templar: &'a Templar, convert: bool) -> Self {
        let root = Scope::root();
        let scope = Arc::clone(&root);
        Interpreter { templar, tainted: false, scope, convert, root, blocks: Blocks::default(), includes: 0 }
    }

    /// Runs the template and returns what it says.
    ///
    /// # Errors
    /// Whatever the template raises.
    pub fn render(mut self, template: &Template) -> Result<Value, Error> {
        let mut out = Output::default();
        let done = self.run_template(template, &mut out);
        self.root.clear();
        done?;
        let value = self.finish(out);
        Ok(if self.tainted { value.into_unsafe() } else { value })
    }

    /// Evaluates one expression on its own, which looks up these names.
    ///
    /// # Errors
    /// Whatever the expression raises.
    pub fn evaluate(&mut self, expr: &Expr, names: &[Arc<str>]) -> Result<Value, Error> {
        self.look_up_all(names)?;
        self.eval(expr)
    }

    /// The value of what was written.
    fn finish(&self, out: Output) -> Value {
        out.finish(self.convert, self.templar.env.settings.native)
    }

    /// Runs statements.
    ///
    /// # Errors
    /// Whatever they raise.
    pub fn run(&mut self, stmts: &[Stmt], out: &mut Output) -> Result<Flow, Error> {
        for stmt in stmts {
            match deeper(|| self.stmt(stmt, out))? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn emit(&self, value: Value, out: &mut Output) -> Result<(), Error> {
        out.emit(value, self.templar.env.settings.native)
    }

    fn stmt(&mut self, stmt: &Stmt, out: &mut Output) -> Result<Flow, Error> {
        match stmt {
            Stmt::Text(text) => out.text(text),
            Stmt::Emit(expr) => {
                let value = self.eval(expr)?;
                self.emit(value, out)?;
            }
            Stmt::If(test, then, otherwise) => {
                let branch = if self.test(test)? { then } else { otherwise };
                return self.run(branch, out);
            }
            Stmt::For(it) => {
                let items = self.eval(&it.iter)?;
                return self.for_loop(it, items, 0, out);
            }
            Stmt::Set(target, expr) => {
                let value = self.eval(expr)?;
                self.assign(target, value)?;
            }
            Stmt::SetBlock(target, filter, body) => {
                let value = self.capture(body, filter.as_ref())?;
                self.assign(target, value)?;
            }
            Stmt::With(pairs, body) => {
                let values = pairs.iter().map(|(_, from)| self.eval(from)).collect::<Result<Vec<_>, _>>()?;
                let nested = self.scope.nested();
                return self.within(nested, |this| {
                    for ((to, _), value) in pairs.iter().zip(values) {
                        this.assign(to, value)?;
                    }
                    this.run(body, out)
                });
            }
            Stmt::FilterBlock(filter, body) => {
                let value = self.capture(body, Some(filter))?;
                self.emit(value, out)?;
            }
            Stmt::Block(block) => self.block(block, out)?,
            Stmt::Extends(name) => self.extend(name)?,
            Stmt::Include(include) => self.include(include, out)?,
            Stmt::Import { template, name, with_context } => {
                let module = self.import(template, *with_context)?;
                self.scope.set(Arc::clone(name), Value::Object(Namespace::module(module)));
            }
            Stmt::FromImport { template, names, with_context } => {
                let module = self.import(template, *with_context)?;
                for (from, to) in names {
                    let value = module.get(from.as_ref()).cloned();
                    self.scope.set(Arc::clone(to), value.unwrap_or_else(|| templates::not_exported(from)));
                }
            }
            Stmt::Macro(it) => {
                let object = MacroObject::new(Arc::clone(it), Arc::clone(&self.scope));
                if let Some(name) = &it.name {
                    self.scope.set(Arc::clone(name), Value::Object(Arc::new(object)));
                }
            }
            Stmt::CallBlock(call, it) => {
                let value = self.call_block(call, it)?;
                self.emit(value, out)?;
            }
            Stmt::Do(expr) => {
                self.eval(expr)?;
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    /// Runs work with another innermost scope.
    pub fn within<T>(&mut self, scope: Arc<Scope>, work: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.scope, scope);
        let done = work(self);
        self.scope = outer;
        done
    }

    /// What statements write, as a value, after an optional filter.
    fn capture(&mut self, body: &[Stmt], filter: Option<&Expr>) -> Result<Value, Error> {
        let mut inner = Output::default();
        let nested = self.scope.nested();
        self.within(nested, |this| this.run(body, &mut inner))?;
        let value = self.finish(inner);
        match filter {
            Some(filter) => self.filter_chain(filter, value),
            None => Ok(value),
        }
    }

    /// Applies `a | b(…)` without a first value to this value.
    fn filter_chain(&mut self, filter: &Expr, value: Value) -> Result<Value, Error> {
        match filter {
            Expr::Filter(inner, name, args) => {
                let value = match inner {
                    Some(inner) => self.filter_chain(inner, value)?,
                    None => value,
                };
                let args = self.args(args)?;
                self.apply_filter(name, value, args)
            }
            other => self.eval(other),
        }
    }

    /// Runs a macro's body within this scope and returns what it writes.
    ///
    /// # Errors
    /// Whatever the body raises.
    pub fn run_macro(&mut self, it: &Macro, scope: Arc<Scope>) -> Result<Value, Error> {
        let mut inner = Output::default();
        self.within(scope, |this| {
            this.look_up_all(&it.names)?;
            this.run(&it.body, &mut inner)
        })?;
        Ok(self.finish(inner))
    }

    fn call_block(&mut self, call: &Expr, it: &Arc<Macro>) -> Result<Value, Error> {
        let caller = MacroObject::new(Arc::clone(it), Arc::clone(&self.scope));
        let Expr::Call(callee, args) = call else { return self.eval(call) };
        let mut args = self.args(args)?;
        args.named.push(("caller".to_owned(), Value::Object(Arc::new(caller))));
        let callee = self.eval(callee)?;
        self.call(&callee, args)
    }

    /// Runs a loop over these items; `depth` counts recursive calls.
    ///
    /// # Errors
    /// Whatever the body raises.
    pub fn for_loop(
        &mut self,
        it: &Arc<For>,
        items: Value,
        depth: usize,
        out: &mut Output,
    ) -> Result<Flow, Error> {
        let mut items = ops::iterate(&items)?;
        if let Some(filter) = &it.filter {
            self.look_up_all(&filter.names)?;
            let mut taken = Vec::with_capacity(items.len());
            for item in items {
                let nested = self.scope.nested();
                let keep = self.within(nested, |this| {
                    this.assign(&it.target, item.clone())?;
                    this.test(&filter.expr)
                })?;
                if keep {
                    taken.push(item);
                }
            }
            items = taken;
        }
        if items.is_empty() {
            let nested = self.scope.nested();
            return self.within(nested, |this| this.run(&it.otherwise, out));
        }
        let state = Loop::new(it, &self.scope, items, depth);
        for index in 0..state.len() {
            state.advance(index);
            let nested = self.scope.nested();
            let flow = self.within(nested, |this| {
                this.scope.set("loop", Value::Object(Arc::new(state.clone())));
                this.assign(&it.target, state.item(index))?;
                this.look_up_all(&it.names)?;
                this.run(&it.body, out)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
    }

    /// Runs a recursive loop again, over other items, and returns what it writes.
    ///
    /// # Errors
    /// Whatever the body raises.
    pub(super) fn recurse(
        &mut self,
        it: &Arc<For>,
        scope: &Arc<Scope>,
        items: Value,
        depth: usize,
    ) -> Result<Value, Error> {
        let mut inner = Output::default();
        self.within(Arc::clone(scope), |this| this.for_loop(it, items, depth, &mut inner))?;
        Ok(self.finish(inner))
    }

    fn assign(&mut self, target: &Expr, value: Value) -> Result<(), Error> {
        match target {
            Expr::Var(name) => self.scope.set(Arc::clone(name), value),
            Expr::Tuple(targets) | Expr::List(targets) => {
                let items = ops::iterate(&value)?;
                if items.len() != targets.len() {
                    return Err(unpack_error(items.len(), targets.len()));
                }
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item)?;
                }
            }
            Expr::Attr(object, name) => match self.eval(object)? {
                Value::Object(object) if object.set_attribute(name, value.clone()) => {}
                _ => return Err(Error::value_error("cannot assign attribute on non-namespace object")),
            },
            _ => return Err(Error::syntax("can't assign to this expression")),
        }
        Ok(())
    }
}

fn unpack_error(got: usize, expected: usize) -> Error {
    Error::value_error(if got < expected {
        format!("not enough values to unpack (expected {expected}, got {got})")
    } else {
        format!("too many values to unpack (expected {expected})")
    })
}
