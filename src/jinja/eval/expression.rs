//! Expressions: what stands between `{{` and `}}`.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Interpreter;
use crate::jinja::ast::{BinOp, CallArg, CallArgs, CmpOp, Expr, PluginKind};
use crate::jinja::error::Error;
use crate::jinja::object::Args;
use crate::jinja::stack::deeper;
use crate::jinja::value::{Dict, Entries, Key, Undefined, Value};
use crate::jinja::{globals, methods, ops};

impl Interpreter<'_> {
    pub(super) fn eval(&mut self, expr: &Expr) -> Result<Value, Error> {
        deeper(|| self.eval_here(expr))
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
            Expr::Pos(inner) => ops::pos(&self.eval(inner)?),
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
            Expr::If(test, then, otherwise, line) => match (self.test(test)?, otherwise) {
                (true, _) => self.eval(then),
                (false, Some(otherwise)) => self.eval(otherwise),
                (false, None) => Ok(no_else(*line)),
            },
            Expr::List(items) => Ok(Value::list(self.eval_all(items)?)),
            Expr::Tuple(items) => Ok(Value::tuple(self.eval_all(items)?)),
            Expr::Dict(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| Ok((self.eval(key)?, self.eval(value)?)));
                let pairs: Vec<(Value, Value)> = pairs.collect::<Result<_, Error>>()?;
                let mut entries = Entries::with_capacity(pairs.len());
                for (key, value) in pairs {
                    entries.insert(Key::new(key)?, value);
                }
                Ok(Value::Dict(Dict::new(entries)))
            }
        }
    }

    fn eval_all(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, Error> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn variable(&mut self, name: &Arc<str>) -> Result<Value, Error> {
        let found = self.look_up(name)?;
        Ok(found.or_else(|| globals::get(name)).unwrap_or_else(|| Value::undefined(name)))
    }

    /// The value of a name, if a scope or a variable has it.
    fn look_up(&mut self, name: &Arc<str>) -> Result<Option<Value>, Error> {
        let own = self.scope.get(name);
        if own.value.is_some() || own.isolated {
            return Ok(own.value);
        }
        let value = self.templar.variable(name)?;
        if let Some(value) = &value {
            self.tainted = self.tainted || value.is_unsafe();
            self.scope.keep(name, value.clone());
        }
        Ok(value)
    }

    /// Looks up the names of a frame when it begins.
    pub(super) fn look_up_all(&mut self, names: &[Arc<str>]) -> Result<(), Error> {
        names.iter().try_for_each(|name| self.look_up(name).map(|_| ()))
    }

    fn slice(&mut self, object: &Expr, bounds: &[Option<Expr>; 3]) -> Result<Value, Error> {
        let object = self.eval(object)?;
        let mut given = Vec::with_capacity(bounds.len());
        for bound in bounds {
            given.push(bound.as_ref().map(|bound| self.eval(bound)).transpose()?);
        }
        if object.is_strict_undefined() {
            return Ok(object);
        }
        let mut values = [None; 3];
        for (value, bound) in values.iter_mut().zip(given) {
            if let Some(bound) = bound {
                *value = match bound {
                    Value::None => None,
                    other => Some(other.as_bound().ok_or_else(|| {
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

    /// Whether the expression is true.
    pub(super) fn test(&mut self, expr: &Expr) -> Result<bool, Error> {
        let value = self.eval(expr)?;
        ops::truthy(&value)
    }

    pub(super) fn args(&mut self, args: &CallArgs) -> Result<Args, Error> {
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
                return methods::call(&object, name, args, self);
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
            // Jinja looks up how a callable wants its context, which hashes it.
            Value::List(_) | Value::Dict(_) => {
                Err(Error::type_error(format!("unhashable type: '{}'", callee.type_name())))
            }
            other => Err(Error::type_error(format!("'{}' object is not callable", other.type_name()))),
        }
    }

    /// Applies a filter by its name.
    ///
    /// # Errors
    /// There is no such filter, or whatever it raises.
    pub fn apply_filter(&mut self, name: &str, value: Value, args: Args) -> Result<Value, Error> {
        let plugins = Arc::clone(&self.templar.env.plugins);
        match plugins.filter(name) {
            Some(filter) => filter(self, value, args).map(ops::unroll),
            None => self.call_foreign(PluginKind::Filter, name, value, args),
        }
    }

    /// Applies a test by its name.
    ///
    /// # Errors
    /// There is no such test, or whatever it raises.
    pub fn apply_test(&mut self, name: &str, value: Value, args: Args) -> Result<bool, Error> {
        let plugins = Arc::clone(&self.templar.env.plugins);
        match plugins.test(name) {
            Some(test) => test(self, value, args),
            None => ops::truthy(&self.call_foreign(PluginKind::Test, name, value, args)?),
        }
    }

    /// Calls a filter or test that content brings along.
    fn call_foreign(
        &self,
        kind: PluginKind,
        name: &str,
        value: Value,
        mut args: Args,
    ) -> Result<Value, Error> {
        let templar = self.templar;
        let plugins = templar.env.plugins.foreign(kind, name).ok_or_else(|| unknown_by_value(name))?;
        args.positional.insert(0, value);
        plugins.call(kind, name, args, templar)
    }
}

/// What a template with a filter or test that does not exist raises.
pub(in crate::jinja) fn unknown_plugin(name: &str) -> String {
    let bare = name.strip_prefix("ansible.builtin.").unwrap_or(name);
    let plain = !bare.is_empty() && bare.chars().all(|c| c.is_alphanumeric() || c == '_');
    let why = match bare.match_indices('.').nth(1) {
        _ if plain => super::super::repr::quote(name),
        Some((end, _)) => {
            format!("'Invalid plugin FQCN ({name}): unable to locate collection {}'", &bare[..end])
        }
        None if bare.contains('.') => format!("'invalid plugin name: {name}'"),
        None => format!("'invalid plugin name: ansible.builtin.{bare}'"),
    };
    format!("Could not load \"{name}\": {why}")
}

/// What a filter or test raises that does not exist and is named by a value.
pub(in crate::jinja) fn unknown_by_value(name: &str) -> Error {
    Error::unknown_plugin(format!("{}\n  line 0", unknown_plugin(name)))
}

fn no_else(line: u32) -> Value {
    Value::Undefined(Arc::new(Undefined {
        hint: Some(format!(
            "the inline if-expression on line {line} evaluated to false and no else section was defined."
        )),
        lenient: true,
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
    // What is asked for is only looked at where something is to be compared with it.
    if !matches!(op, CmpOp::In | CmpOp::NotIn) {
        ops::defined(left)?;
    }
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
