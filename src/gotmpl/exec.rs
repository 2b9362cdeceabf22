//! Running a template: one [`Execution`] per rendering.
//!
//! Statements are here, expressions in `eval`. Go's rules of scope, of errors and of
//! what a nil is are followed to the letter; the texts of errors are those of `text/template/exec.go`.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use super::ast::{Branch, Node, NodeId, Template, TemplateCall};
use super::parse::Unit;
use super::strconv::quote;
use super::value::{Elem, List, MapType};
use super::{ExecError, Frame, FuncContext, FuncError, Set, SourceError, Str, Value, fmt};

/// What a rendering may use before it ends in an error.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nested templates; Go's own limit is 100,000.
    pub depth: usize,
    /// Bytes that a template and those that it runs inside may write.
    pub output: usize,
    /// Actions and iterations of the whole rendering.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 100_000, output: 256 << 20, steps: 1_000_000_000 }
    }
}

/// What a missing key of a map gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingKey {
    /// The zero value of the map's element type (`missingkey=zero`, Helm's setting).
    #[default]
    Zero,
    /// An error (`missingkey=error`, Helm's strict mode).
    Error,
}

/// Texts of `tpl` are kept parsed up to this many bytes.
const KEPT_SOURCES: usize = 16 << 20;

/// One rendering: templates of a set run one after the other, with what they share.
pub struct Execution<'a> {
    pub(super) set: &'a Set,
    host: &'a dyn Any,
    limits: Limits,
    pub(super) missing_key: MissingKey,
    pub(super) out: Vec<u8>,
    /// The variables of all running templates.
    pub(super) variables: Vec<Operand>,
    /// Where those of the current template begin.
    pub(super) base: usize,
    /// The current node, for errors.
    pub(super) at: NodeId,
    depth: usize,
    steps: u64,
    /// What running `tpl` texts define, the innermost last.
    layers: Vec<Arc<Unit>>,
    sources: HashMap<Str, Arc<Unit>>,
    kept: usize,
}

/// A value during evaluation: Go's `reflect.Value`.
#[derive(Debug, Clone, Default)]
pub(super) struct Operand {
    pub(super) value: Value,
    pub(super) form: Form,
}

/// In what an [`Operand`] was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Form {
    /// By itself; with nil, no value at all.
    #[default]
    Concrete,
    /// In an element of type `interface {}`; with nil, a nil interface.
    Interface,
    /// A variable whose declaration was not evaluated.
    Undeclared,
}

impl Operand {
    pub(super) fn concrete(value: Value) -> Self {
        Self { value, form: Form::Concrete }
    }

    /// The element of a list or map whose static element type is an interface or not.
    pub(super) fn element(value: Value, interface: bool) -> Self {
        Self { value, form: if interface { Form::Interface } else { Form::Concrete } }
    }

    /// The value inside an interface.
    pub(super) fn unwrapped(self) -> Self {
        Self::concrete(self.value)
    }

    pub(super) fn is_interface(&self) -> bool {
        self.form == Form::Interface
    }
}

/// Go's `template.IsTrue`: whether a value is not the zero value of its type.
#[must_use]
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Nil => false,
        Value::Bool(truth) => *truth,
        Value::Int(n) | Value::Int64(n) => *n != 0,
        Value::Int32(n) => *n != 0,
        Value::Uint8(n) => *n != 0,
        Value::Uint64(n) => *n != 0,
        Value::Float(f) => *f != 0.0,
        Value::Str(text) => !text.is_empty(),
        Value::List(list) => !list.is_empty(),
        Value::Map(map) => !map.is_empty(),
        Value::Object(object) => object.truth(),
    }
}

/// Prints the value of an action.
fn print(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Nil => out.extend_from_slice(b"<no value>"),
        Value::Object(object) => out.extend_from_slice(object.print().as_bytes()),
        value => fmt::append(out, value),
    }
}

/// Makes a value of an integer type.
type MakeInteger = fn(i64) -> Value;

/// The number of an integer and how to make another of its type.
fn integer(value: &Value) -> Option<(i64, MakeInteger)> {
    match value {
        Value::Int(n) => Some((*n, Value::Int)),
        Value::Int64(n) => Some((*n, Value::Int64)),
        Value::Int32(n) => Some((i64::from(*n), |n| Value::Int32(n as i32))),
        Value::Uint8(n) => Some((i64::from(*n), |n| Value::Uint8(n as u8))),
        Value::Uint64(n) => {
            Some((i64::try_from(*n).unwrap_or(i64::MAX), |n| Value::Uint64(n.cast_unsigned())))
        }
        _ => None,
    }
}

fn not_iterable<T>(value: &Value) -> Outcome<T> {
    failure(format!("range can't iterate over {}", String::from_utf8_lossy(&fmt::sprint(value))))
}

/// A failure; it gets its place when it leaves the template in which it happened.
pub(super) type Outcome<T> = Result<T, Box<ExecError>>;

/// A failure without a place yet.
pub(super) fn failure<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Box::new(ExecError { frame: None, message: message.into(), cause: None }))
}

/// Where control goes after a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// The running template and its data.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) template: &'s Template,
    pub(super) dot: &'s Operand,
}

impl<'a> Execution<'a> {
    /// A rendering of templates of `set`; functions reach `host` through their context.
    #[must_use]
    pub fn new(set: &'a Set, host: &'a dyn Any) -> Self {
        Self {
            set,
            host,
            limits: Limits::default(),
            missing_key: MissingKey::default(),
            out: Vec::new(),
            variables: Vec::new(),
            base: 0,
            at: 0,
            depth: 0,
            steps: 0,
            layers: Vec::new(),
            sources: HashMap::new(),
            kept: 0,
        }
    }

    /// Sets the limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets what a missing key gives.
    #[must_use]
    pub fn with_missing_key(mut self, missing_key: MissingKey) -> Self {
        self.missing_key = missing_key;
        self
    }

    /// Runs the template `name` with `dot` as its data and appends its text to `out`, which holds a
    /// part of it after an error.
    ///
    /// # Errors
    /// There is no such template, or it fails.
    pub fn run(&mut self, name: &str, dot: &Value, out: &mut Vec<u8>) -> Result<(), ExecError> {
        self.out = std::mem::take(out);
        let result = self.run_named(name.as_bytes(), dot.clone());
        *out = std::mem::take(&mut self.out);
        result.map_err(|error| *error)
    }

    fn run_named(&mut self, name: &[u8], dot: Value) -> Outcome<()> {
        let Some(template) = self.lookup(name) else {
            return failure(format!(
                "template: no template {} associated with template {}",
                String::from_utf8_lossy(&quote(name)),
                String::from_utf8_lossy(&quote(self.set.name().as_bytes())),
            ));
        };
        self.run_template(&template, Operand::concrete(dot))
    }

    /// The template of that name: what the innermost `tpl` text defines comes first, but as in Go an
    /// empty definition replaces nothing.
    fn lookup(&self, name: &[u8]) -> Option<Arc<Template>> {
        let base = self.set.get(name);
        if self.layers.is_empty() {
            return base.cloned();
        }
        let mut first = None;
        for template in self.layers.iter().rev().filter_map(|layer| layer.get(name)) {
            if !template.empty {
                return Some(Arc::clone(template));
            }
            first.get_or_insert(template);
        }
        base.or(first).cloned()
    }

    fn run_template(&mut self, template: &Template, dot: Operand) -> Outcome<()> {
        if self.depth >= self.limits.depth {
            return failure(format!("exceeded maximum template depth ({})", self.limits.depth));
        }
        let (at, base, height) = (self.at, self.base, self.variables.len());
        self.depth += 1;
        self.base = height;
        self.variables.push(dot.clone());
        let scope = Scope { template, dot: &dot };
        let result = stacker::maybe_grow(128 << 10, 2 << 20, || self.list(scope, &template.body));
        let result = result.map_err(|error| self.placed(template, error));
        self.variables.truncate(height);
        self.base = base;
        self.depth -= 1;
        self.at = at;
        result.map(|_| ())
    }

    /// Gives a failure its place, unless it happened in a template that this one called.
    fn placed(&self, template: &Template, mut error: Box<ExecError>) -> Box<ExecError> {
        if error.frame.is_none() {
            let (position, node) = template.describe(self.at).unwrap_or_default();
            let before = &template.source.text[..position];
            let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
            error.frame = Some(Frame {
                parse_name: template.source.name.clone(),
                line: 1 + before.iter().filter(|&&byte| byte == b'\n').count(),
                column: position - line_start,
                template: template.name.to_string(),
                node,
            });
        }
        error
    }

    fn list(&mut self, scope: Scope<'_>, nodes: &[Node]) -> Outcome<Flow> {
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(span) => self.write(scope.template.source.slice(*span))?,
                Node::Action(pipe) => {
                    if self.in_place(scope, pipe, print).is_none() {
                        let value = self.pipe(scope, pipe)?.value;
                        if pipe.variables.is_empty() {
                            print(&mut self.out, &value);
                        }
                    }
                    self.check_output()?;
                }
                Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                    let Some(branch) = branch.get() else { continue };
                    let flow = stacker::maybe_grow(64 << 10, 2 << 20, || match node {
                        Node::Range(_) => self.range(scope, branch),
                        _ => self.condition(scope, branch, matches!(node, Node::With(_))),
                    })?;
                    if flow != Flow::Next {
                        return Ok(flow);
                    }
                }
                Node::Template(call) => self.template_call(scope, call)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::Next)
    }

    fn step(&mut self) -> Outcome<()> {
        self.steps += 1;
        if self.steps > self.limits.steps {
            return failure(format!("exceeded maximum number of steps ({})", self.limits.steps));
        }
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> Outcome<()> {
        self.out.extend_from_slice(text);
        self.check_output()
    }

    fn check_output(&self) -> Outcome<()> {
        if self.out.len() > self.limits.output {
            return failure(format!("exceeded maximum output size ({})", self.limits.output));
        }
        Ok(())
    }

    /// `if`, and `with` when it is to set dot.
    fn condition(&mut self, scope: Scope<'_>, branch: &Branch, with: bool) -> Outcome<Flow> {
        let height = self.variables.len();
        let in_place =
            if with { None } else { self.in_place(scope, &branch.pipe, |_, value| is_true(value)) };
        let flow = if let Some(truth) = in_place {
            self.list(scope, if truth { &branch.body } else { &branch.otherwise })?
        } else {
            let value = self.pipe(scope, &branch.pipe)?;
            if !is_true(&value.value) {
                self.list(scope, &branch.otherwise)?
            } else if with {
                self.list(Scope { dot: &value, ..scope }, &branch.body)?
            } else {
                self.list(scope, &branch.body)?
            }
        };
        self.variables.truncate(height);
        Ok(flow)
    }

    fn template_call(&mut self, scope: Scope<'_>, call: &TemplateCall) -> Outcome<()> {
        self.at = call.place.id;
        let Some(template) = self.lookup(&call.name) else {
            let name = quote(&call.name);
            return failure(format!("template {} not defined", String::from_utf8_lossy(&name)));
        };
        if self.depth >= self.limits.depth {
            return failure(format!("exceeded maximum template depth ({})", self.limits.depth));
        }
        let dot = match &call.pipe {
            Some(pipe) => self.pipe(scope, pipe)?,
            None => Operand::default(),
        };
        self.run_template(&template, dot)
    }

    fn range(&mut self, scope: Scope<'_>, branch: &Branch) -> Outcome<Flow> {
        let height = self.variables.len();
        let value = self.pipe(scope, &branch.pipe)?.value;
        let iterated = match &value {
            Value::Nil => false,
            Value::List(list) => self.range_list(scope, branch, list)?,
            Value::Map(map) => {
                let interface = map.ty != MapType::Str;
                let entries = map.snapshot().into_iter();
                let entries = entries.map(|(key, item)| (Value::Str(key), Operand::element(item, interface)));
                self.range_entries(scope, branch, entries)?
            }
            Value::Object(object) => {
                let Some(entries) = object.entries() else { return not_iterable(&value) };
                let entries = entries.into_iter().map(|(key, item)| (key, Operand::concrete(item)));
                self.range_entries(scope, branch, entries)?
            }
            value => match integer(value) {
                Some((count, make)) => self.range_number(scope, branch, count, make)?,
                None => return not_iterable(value),
            },
        };
        let flow = if iterated { Flow::Next } else { self.list(scope, &branch.otherwise)? };
        self.variables.truncate(height);
        Ok(flow)
    }

    /// Ranges over a list; false when it is empty.
    fn range_list(&mut self, scope: Scope<'_>, branch: &Branch, list: &List) -> Outcome<bool> {
        let interface = list.elem == Elem::Any;
        for (index, item) in list.iter().enumerate() {
            let item = Operand::element(item.clone(), interface);
            let key = || Operand::concrete(Value::Int(i64::try_from(index).unwrap_or(i64::MAX)));
            if self.iteration(scope, branch, key, item)? == Flow::Break {
                break;
            }
        }
        Ok(!list.is_empty())
    }

    /// Ranges over entries; false when there are none.
    fn range_entries(
        &mut self,
        scope: Scope<'_>,
        branch: &Branch,
        entries: impl Iterator<Item = (Value, Operand)>,
    ) -> Outcome<bool> {
        let mut any = false;
        for (key, item) in entries {
            any = true;
            if self.iteration(scope, branch, || Operand::concrete(key), item)? == Flow::Break {
                break;
            }
        }
        Ok(any)
    }

    /// Ranges over the integers below `count`; false when there are none.
    fn range_number(
        &mut self,
        scope: Scope<'_>,
        branch: &Branch,
        count: i64,
        make: fn(i64) -> Value,
    ) -> Outcome<bool> {
        if branch.pipe.variables.len() > 1 {
            return failure(format!("can't use {count} to iterate over more than one variable"));
        }
        for index in 0..count {
            let item = Operand::concrete(make(index));
            if self.iteration(scope, branch, Operand::default, item)? == Flow::Break {
                break;
            }
        }
        Ok(count > 0)
    }

    /// One pass through the body of a range.
    fn iteration(
        &mut self,
        scope: Scope<'_>,
        branch: &Branch,
        key: impl FnOnce() -> Operand,
        item: Operand,
    ) -> Outcome<Flow> {
        self.step()?;
        let height = self.variables.len();
        let pipe = &branch.pipe;
        match pipe.variables.as_slice() {
            [] => {}
            [variable] if pipe.assign => self.assign(variable, item.clone())?,
            [first, second, ..] if pipe.assign => {
                self.assign(first, key())?;
                self.assign(second, item.clone())?;
            }
            [_] => self.variables[height - 1] = item.clone(),
            [..] => {
                self.variables[height - 1] = item.clone();
                self.variables[height - 2] = key();
            }
        }
        let flow = self.list(Scope { dot: &item, ..scope }, &branch.body)?;
        self.variables.truncate(height);
        Ok(flow)
    }

    /// The text as a template; parsed once per rendering.
    fn source(&mut self, source: &Str) -> Result<Arc<Unit>, super::ParseError> {
        if let Some(unit) = self.sources.get(source) {
            return Ok(Arc::clone(unit));
        }
        let unit = Arc::new(Unit::parse(self.set.name(), source, self.set.functions())?);
        if self.kept + source.len() <= KEPT_SOURCES {
            self.kept += source.len();
            self.sources.insert(source.clone(), Arc::clone(&unit));
        }
        Ok(unit)
    }

    /// Runs a template and takes back what it wrote.
    fn captured(&mut self, run: impl FnOnce(&mut Self) -> Outcome<()>) -> Result<Str, FuncError> {
        let start = self.out.len();
        let result = run(self);
        let text = result.map(|()| Str::from(&self.out[start..]));
        self.out.truncate(start);
        text.map_err(|error| FuncError::from(*error))
    }
}

impl FuncContext for Execution<'_> {
    fn execute_template(&mut self, name: &[u8], dot: Value) -> Result<Str, FuncError> {
        self.captured(|execution| execution.run_named(name, dot))
    }

    fn execute_source(&mut self, source: &Str, dot: Value) -> Result<Str, SourceError> {
        let unit = self.source(source).map_err(SourceError::Parse)?;
        let Some(template) = unit.get(self.set.name().as_bytes()).cloned() else { return Ok("".into()) };
        self.layers.push(unit);
        let result = self.captured(|execution| execution.run_template(&template, Operand::concrete(dot)));
        self.layers.pop();
        result.map_err(SourceError::Exec)
    }

    fn host(&self) -> &dyn Any {
        self.host
    }
}
