//! Runs a [`Template`] with Python's semantics.

use std::cmp::Ordering;
use std::path::PathBuf;
use std::sync::Arc;

use super::ast::{BinOp, CallArg, CallArgs, CmpOp, Expr, For, Macro, Stmt, Template};
use super::error::{Error, ErrorKind};
use super::loops::Loop;
use super::macros::MacroObject;
use super::methods;
use super::object::{Args, Namespace};
use super::ops;
use super::output::Output;
use super::scope::Scope;
use super::templar::Templar;
use super::value::{Dict, Entries, Key, Undefined, Value};

/// How many bytes of stack must be left before an evaluation goes deeper, and how many it then gets.
const RED_ZONE: usize = 128 * 1024;
const STACK: usize = 1024 * 1024;

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
    includes: usize,
}

impl<'a> Interpreter<'a> {
    /// An interpreter for one template. With `convert`, what macros and captures write is read back as
    /// a literal, as the template's own result is.
    #[must_use]
    pub fn new(templar: &'a Templar, convert: bool) -> Self {
        let root = Scope::root();
        Interpreter { templar, tainted: false, scope: Arc::clone(&root), convert, root, includes: 0 }
    }

    /// Runs the template and returns what it says.
    ///
    /// # Errors
    /// Whatever the template raises.
    pub fn render(mut self, template: &Template) -> Result<Value, Error> {
        let mut out = Output::default();
        let done = self.run(&template.body, &mut out);
        self.root.clear();
        done?;
        let value = out.finish(self.convert);
        Ok(if self.tainted { value.into_unsafe() } else { value })
    }

    /// Evaluates one expression on its own.
    ///
    /// # Errors
    /// Whatever the expression raises.
    pub fn evaluate(&mut self, expr: &Expr) -> Result<Value, Error> {
        self.eval(expr)
    }

    /// Runs statements.
    ///
    /// # Errors
    /// Whatever they raise.
    pub fn run(&mut self, stmts: &[Stmt], out: &mut Output) -> Result<Flow, Error> {
        for stmt in stmts {
            match stacker::maybe_grow(RED_ZONE, STACK, || self.stmt(stmt, out))? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    fn stmt(&mut self, stmt: &Stmt, out: &mut Output) -> Result<Flow, Error> {
        match stmt {
            Stmt::Text(text) => out.text(text),
            Stmt::Emit(expr) => {
                let value = self.eval(expr)?;
                out.emit(value)?;
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
                out.emit(value)?;
            }
            Stmt::Block(_, body) => {
                let nested = self.scope.nested();
                return self.within(nested, |this| this.run(body, out));
            }
            Stmt::Extends(_) => return Err(Error::syntax("`extends` is not supported")),
            Stmt::Include(name, ignore_missing) => self.include(name, *ignore_missing, out)?,
            Stmt::Import(name, target) => {
                let module = self.import(name)?;
                self.assign(target, Value::Object(Namespace::new(module)))?;
            }
            Stmt::FromImport(name, names) => {
                let module = self.import(name)?;
                for (from, to) in names {
                    let value = module.get(from.as_ref()).cloned();
                    self.scope.set(Arc::clone(to), value.unwrap_or_else(|| Value::undefined(from)));
                }
            }
            Stmt::Macro(it) => {
                let object = MacroObject::new(Arc::clone(it), Arc::clone(&self.scope));
                self.scope.set(Arc::clone(&it.name), Value::Object(Arc::new(object)));
            }
            Stmt::CallBlock(call, it) => {
                let value = self.call_block(call, it)?;
                out.emit(value)?;
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
        let value = inner.finish(self.convert);
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
    pub fn run_macro(&mut self, body: &[Stmt], scope: Arc<Scope>) -> Result<Value, Error> {
        let mut inner = Output::default();
        self.within(scope, |this| this.run(body, &mut inner))?;
        Ok(inner.finish(self.convert))
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
        it: &For,
        items: Value,
        depth: usize,
        out: &mut Output,
    ) -> Result<Flow, Error> {
        let mut items = ops::iterate(&items)?;
        if let Some(filter) = &it.filter {
            let mut taken = Vec::with_capacity(items.len());
            for item in items {
                let nested = self.scope.nested();
                let keep = self.within(nested, |this| {
                    this.assign(&it.target, item.clone())?;
                    this.test(filter)
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
        let state = Arc::new(Loop::new(items, depth));
        for index in 0..state.len() {
            state.advance(index);
            let nested = self.scope.nested();
            let flow = self.within(nested, |this| {
                this.scope.set("loop", Value::Object(Arc::clone(&state) as Arc<_>));
                this.assign(&it.target, state.item(index))?;
                this.run(&it.body, out)
            })?;
            if flow == Flow::Break {
                break;
            }
        }
        Ok(Flow::Next)
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

    /// Whether the expression is true.
    fn test(&mut self, expr: &Expr) -> Result<bool, Error> {
        let value = self.eval(expr)?;
        ops::truthy(&value)
    }

    fn eval(&mut self, expr: &Expr) -> Result<Value, Error> {
        stacker::maybe_grow(RED_ZONE, STACK, || self.eval_here(expr))
    }

    fn eval_here(&mut self, expr: &Expr) -> Result<Value, Error> {
        match expr {
            Expr::Const(value) => Ok(value.clone()),
            Expr::Var(name) => self.variable(name),
            Expr::Attr(object, name) => {
                let object = self.eval(object)?;
                self.attribute(&object, name)
            }
            Expr::Item(object, key) => {
                let object = self.eval(object)?;
                let key = self.eval(key)?;
                self.item(&object, &key)
            }
            Expr::Slice(object, bounds) => self.slice(object, bounds),
            Expr::Call(callee, args) => self.call_expr(callee, args),
            Expr::Filter(inner, name, args) => {
                let value = inner.as_deref().map_or(Ok(Value::None), |inner| self.eval(inner))?;
                let args = self.args(args)?;
                self.apply_filter(name, value, args)
            }
            Expr::Test(inner, name, args) => {
                let value = self.eval(inner)?;
                let args = self.args(args)?;
                self.apply_test(name, value, args).map(Value::Bool)
            }
            Expr::Not(inner) => Ok(Value::Bool(!self.test(inner)?)),
            Expr::Neg(inner) => ops::neg(&self.eval(inner)?),
            Expr::Bin(op, left, right) => {
                let left = self.eval(left)?;
                let right = self.eval(right)?;
                binary(*op, &left, &right)
            }
            Expr::Compare(first, rest) => self.comparison(first, rest),
            Expr::And(left, right) => {
                let left = self.eval(left)?;
                if ops::truthy(&left)? { self.eval(right) } else { Ok(left) }
            }
            Expr::Or(left, right) => {
                let left = self.eval(left)?;
                if ops::truthy(&left)? { Ok(left) } else { self.eval(right) }
            }
            Expr::If(test, then, otherwise) => match (self.test(test)?, otherwise) {
                (true, _) => self.eval(then),
                (false, Some(otherwise)) => self.eval(otherwise),
                (false, None) => Ok(no_else()),
            },
            Expr::List(items) => Ok(Value::list(self.eval_all(items)?)),
            Expr::Tuple(items) => Ok(Value::tuple(self.eval_all(items)?)),
            Expr::Dict(pairs) => {
                let mut entries = Entries::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = self.eval(key)?;
                    ops::defined(&key)?;
                    entries.insert(Key::new(key)?, self.eval(value)?);
                }
                Ok(Value::Dict(Dict::new(entries)))
            }
        }
    }

    fn eval_all(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, Error> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn variable(&mut self, name: &Arc<str>) -> Result<Value, Error> {
        if let Some(value) = self.scope.get(name) {
            return Ok(value);
        }
        if let Some(value) = self.templar.variable(name)? {
            self.tainted = self.tainted || value.is_unsafe();
            return Ok(value);
        }
        Ok(super::globals::get(name).unwrap_or_else(|| Value::undefined(name)))
    }

    fn slice(&mut self, object: &Expr, bounds: &[Option<Expr>; 3]) -> Result<Value, Error> {
        let object = self.eval(object)?;
        ops::defined(&object)?;
        let mut values = [None; 3];
        for (value, bound) in values.iter_mut().zip(bounds) {
            if let Some(bound) = bound {
                *value = match self.eval(bound)? {
                    Value::None => None,
                    other => Some(other.as_int().ok_or_else(|| {
                        Error::type_error(
                            "slice indices must be integers or None or have an __index__ method",
                        )
                    })?),
                };
            }
        }
        ops::slice(&object, values[0], values[1], values[2])
    }

    fn comparison(&mut self, first: &Expr, rest: &[(CmpOp, Expr)]) -> Result<Value, Error> {
        let mut left = self.eval(first)?;
        for (op, right) in rest {
            let right = self.eval(right)?;
            if !compare(*op, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn args(&mut self, args: &CallArgs) -> Result<Args, Error> {
        let mut evaluated = Args::default();
        for arg in &args.args {
            match arg {
                CallArg::Positional(expr) => evaluated.positional.push(self.eval(expr)?),
                CallArg::Named(name, expr) => evaluated.named.push((name.to_string(), self.eval(expr)?)),
                CallArg::Splat(expr) => evaluated.positional.extend(ops::iterate(&self.eval(expr)?)?),
                CallArg::NamedSplat(expr) => {
                    let value = self.eval(expr)?;
                    let Some(dict) = value.as_dict() else {
                        return Err(Error::type_error("argument after ** must be a mapping"));
                    };
                    let entries = dict.entries();
                    evaluated.named.extend(entries.iter().map(|(k, v)| (k.text().into_owned(), v.clone())));
                }
            }
        }
        Ok(evaluated)
    }

    fn call_expr(&mut self, callee: &Expr, args: &CallArgs) -> Result<Value, Error> {
        if let Expr::Attr(object, name) = callee {
            let object = self.eval(object)?;
            if methods::has(&object, name) {
                let args = self.args(args)?;
                return methods::call(&object, name, args);
            }
            let callee = self.attribute(&object, name)?;
            let args = self.args(args)?;
            return self.call(&callee, args);
        }
        let callee = self.eval(callee)?;
        let args = self.args(args)?;
        self.call(&callee, args)
    }

    /// Calls a value.
    ///
    /// # Errors
    /// The value cannot be called, or whatever the call raises.
    pub fn call(&mut self, callee: &Value, args: Args) -> Result<Value, Error> {
        match callee {
            Value::Object(object) => object.call(args, self),
            Value::Undefined(_) => Err(ops::undefined_error(callee)),
            other => Err(Error::type_error(format!("'{}' object is not callable", other.type_name()))),
        }
    }

    /// `object.name`: a method or attribute first, an entry of a dict then.
    ///
    /// # Errors
    /// Whatever computing the attribute raises.
    pub fn attribute(&mut self, object: &Value, name: &str) -> Result<Value, Error> {
        if object.is_strict_undefined() {
            return Ok(object.clone());
        }
        if methods::has(object, name) {
            return Ok(methods::bound(object, name));
        }
        if let Some(value) = methods::property(object, name) {
            return Ok(value);
        }
        match self.entry(object, &Value::from(name))? {
            Some(value) => Ok(value),
            None => Ok(missing(object, &Value::from(name))),
        }
    }

    /// `object[key]`: an entry first, an attribute of that name then.
    ///
    /// # Errors
    /// Whatever computing the item raises.
    pub fn item(&mut self, object: &Value, key: &Value) -> Result<Value, Error> {
        if object.is_strict_undefined() {
            return Ok(object.clone());
        }
        ops::defined(key)?;
        if let Some(value) = self.entry(object, key)? {
            return Ok(value);
        }
        if let Some(name) = key.as_str() {
            if methods::has(object, name) {
                return Ok(methods::bound(object, name));
            }
            if let Some(value) = methods::property(object, name) {
                return Ok(value);
            }
        }
        Ok(missing(object, key))
    }

    fn entry(&mut self, object: &Value, key: &Value) -> Result<Option<Value>, Error> {
        let pick = |items: &[Value]| {
            let index = key.as_int()?;
            let len = i64::try_from(items.len()).ok()?;
            let index = if index < 0 { index + len } else { index };
            usize::try_from(index).ok().and_then(|index| items.get(index).cloned())
        };
        Ok(match object {
            Value::Dict(dict) => Key::new(key.clone()).ok().and_then(|key| dict.read().get(&key).cloned()),
            Value::List(list) => pick(&list.read()),
            Value::Tuple(items) => pick(items),
            Value::Range(range) => pick(&range.iter().collect::<Vec<_>>()),
            Value::Str(text) => key.as_int().and_then(|index| character(text.as_str(), index)).map(|c| {
                let c = super::value::Str::new(c.to_string());
                Value::Str(if text.is_unsafe() { c.into_unsafe() } else { c })
            }),
            Value::Object(object) => {
                let value = object.attribute(key, self)?;
                if let Some(value) = &value {
                    self.tainted = self.tainted || value.is_unsafe();
                }
                value
            }
            _ => None,
        })
    }

    /// Applies a filter by its name.
    ///
    /// # Errors
    /// There is no such filter, or whatever it raises.
    pub fn apply_filter(&mut self, name: &str, value: Value, args: Args) -> Result<Value, Error> {
        let plugins = Arc::clone(&self.templar.env.plugins);
        let filter =
            plugins.filter(name).ok_or_else(|| Error::syntax(format!("No filter named '{name}'.")))?;
        filter(self, value, args).map(ops::unroll)
    }

    /// Applies a test by its name.
    ///
    /// # Errors
    /// There is no such test, or whatever it raises.
    pub fn apply_test(&mut self, name: &str, value: Value, args: Args) -> Result<bool, Error> {
        let plugins = Arc::clone(&self.templar.env.plugins);
        let test = plugins.test(name).ok_or_else(|| Error::syntax(format!("No test named '{name}'.")))?;
        test(self, value, args)
    }

    fn include(&mut self, name: &Expr, ignore_missing: bool, out: &mut Output) -> Result<(), Error> {
        let names = self.eval(name)?;
        let names = if names.is_sequence() { ops::iterate(&names)? } else { vec![names] };
        let Some(template) = self.find_template(&names)? else {
            if ignore_missing {
                return Ok(());
            }
            return Err(not_found(&names));
        };
        if self.includes > 50 {
            return Err(Error::ansible("templates include each other without end"));
        }
        self.includes += 1;
        let nested = self.scope.nested();
        let done = self.within(nested, |this| this.run(&template.body, out));
        self.includes -= 1;
        done.map(|_| ())
    }

    fn import(&mut self, name: &Expr) -> Result<Entries, Error> {
        let names = vec![self.eval(name)?];
        let template = self.find_template(&names)?.ok_or_else(|| not_found(&names))?;
        let scope = Scope::root();
        let mut out = Output::default();
        self.within(Arc::clone(&scope), |this| this.run(&template.body, &mut out))?;
        Ok(scope.own().into_iter().map(|(name, value)| (Key::from(name.as_ref()), value)).collect())
    }

    fn find_template(&mut self, names: &[Value]) -> Result<Option<Arc<Template>>, Error> {
        for name in names {
            ops::defined(name)?;
            let name = PathBuf::from(name.to_string());
            if let Some(path) = self.templar.find_include(&name) {
                return self.templar.load_template(&path).map(Some);
            }
        }
        Ok(None)
    }
}

fn not_found(names: &[Value]) -> Error {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    Error::new(ErrorKind::Value, names.join(", "))
}

fn unpack_error(got: usize, expected: usize) -> Error {
    Error::value_error(if got < expected {
        format!("not enough values to unpack (expected {expected}, got {got})")
    } else {
        format!("too many values to unpack (expected {expected})")
    })
}

fn no_else() -> Value {
    Value::Undefined(Arc::new(Undefined {
        hint: Some("the inline if-expression evaluated to false and no else section was defined.".to_owned()),
        lenient: true,
        ..Undefined::default()
    }))
}

fn character(text: &str, index: i64) -> Option<char> {
    match usize::try_from(index) {
        Ok(index) => text.chars().nth(index),
        Err(_) => text.chars().rev().nth(usize::try_from(-(index + 1)).ok()?),
    }
}

/// The missing attribute or item of an object (`Undefined(obj=…, name=…)`).
fn missing(object: &Value, key: &Value) -> Value {
    let owner = match object {
        Value::None => "None".to_owned(),
        Value::Str(text) if text.is_unsafe() => {
            "ansible.utils.unsafe_proxy.AnsibleUnsafeText object".to_owned()
        }
        Value::DateTime(_) | Value::Date(_) | Value::TimeDelta(_) => {
            format!("datetime.{} object", object.type_name())
        }
        other => format!("{} object", other.type_name()),
    };
    let element = key.as_str().is_none();
    let name = if element { super::repr::repr(key) } else { key.to_string() };
    Value::Undefined(Arc::new(Undefined {
        name: Some(name),
        owner: Some(owner),
        element,
        ..Undefined::default()
    }))
}

fn binary(op: BinOp, left: &Value, right: &Value) -> Result<Value, Error> {
    match op {
        BinOp::Add => ops::add(left, right),
        BinOp::Sub => ops::sub(left, right),
        BinOp::Mul => ops::mul(left, right),
        BinOp::Div => ops::div(left, right),
        BinOp::FloorDiv => ops::floor_div(left, right),
        BinOp::Rem => ops::rem(left, right),
        BinOp::Pow => ops::pow(left, right),
        BinOp::Concat => {
            ops::defined(left)?;
            ops::defined(right)?;
            Ok(Value::from(format!("{left}{right}")))
        }
    }
}

/// Compares two values.
///
/// # Errors
/// The types have no order, or a value is missing.
pub fn compare(op: CmpOp, left: &Value, right: &Value) -> Result<bool, Error> {
    ops::defined(left)?;
    ops::defined(right)?;
    let ordered = |text: &str, holds: fn(Ordering) -> bool| {
        ops::compare(left, right, text).map(|order| order.is_some_and(holds))
    };
    match op {
        CmpOp::Eq => Ok(left == right),
        CmpOp::Ne => Ok(left != right),
        CmpOp::Lt => ordered("<", Ordering::is_lt),
        CmpOp::Lte => ordered("<=", Ordering::is_le),
        CmpOp::Gt => ordered(">", Ordering::is_gt),
        CmpOp::Gte => ordered(">=", Ordering::is_ge),
        CmpOp::In => ops::contains(right, left),
        CmpOp::NotIn => ops::contains(right, left).map(|inside| !inside),
    }
}
