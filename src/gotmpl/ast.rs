//! The compiled form of a template: Go's parse tree with names resolved. Functions are bound,
//! variables are places on a stack, field names are shared strings, text is a range of the source.
//!
//! Nodes also know how Go writes them, for error texts.

use std::ops::Range;
use std::sync::Arc;

use super::number::Number;
use super::strconv::quote;
use super::{FuncDef, Str};

/// The text from which templates were parsed.
#[derive(Debug)]
pub(crate) struct Source {
    /// The name under which it was parsed.
    pub(crate) name: String,
    pub(crate) text: Vec<u8>,
}

impl Source {
    pub(crate) fn slice(&self, span: Span) -> &[u8] {
        &self.text[span.range()]
    }
}

/// A range of a source; sources are smaller than 4 GiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A template: a whole text or one definition in it.
pub(crate) struct Template {
    pub(crate) name: Str,
    pub(crate) source: Arc<Source>,
    pub(crate) body: Vec<Node>,
    /// Whether there is nothing but space and comments.
    pub(crate) empty: bool,
}

/// A node's identity within its source, by which the executor remembers where it is.
pub(crate) type NodeId = u32;

/// Identity and position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) id: NodeId,
    pub(crate) position: u32,
}

pub(crate) enum Node {
    Text(Span),
    Action(Pipe),
    If(Deep<Branch>),
    With(Deep<Branch>),
    Range(Deep<Branch>),
    Template(Box<TemplateCall>),
    Break,
    Continue,
}

/// `if`, `with` or `range` with its two bodies.
pub(crate) struct Branch {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Vec<Node>,
}

/// `{{template "name" pipe}}`.
pub(crate) struct TemplateCall {
    pub(crate) place: Place,
    pub(crate) name: Str,
    pub(crate) pipe: Option<Pipe>,
}

/// Declarations and commands.
pub(crate) struct Pipe {
    pub(crate) place: Place,
    pub(crate) variables: Vec<Declaration>,
    /// Whether the variables are assigned to, not declared.
    pub(crate) assign: bool,
    pub(crate) commands: Vec<Command>,
}

/// A variable left of `:=` or `=`.
pub(crate) struct Declaration {
    pub(crate) name: Str,
    /// Where an assigned variable stands; `None` when there is none of that name at run time.
    pub(crate) slot: Option<usize>,
}

/// An operand with its arguments.
pub(crate) struct Command {
    pub(crate) place: Place,
    pub(crate) operand: Expr,
    pub(crate) args: Vec<Expr>,
    /// The height of the variable stack after the arguments, when they declare variables.
    pub(crate) height: Option<usize>,
}

pub(crate) struct Expr {
    pub(crate) place: Place,
    pub(crate) kind: ExprKind,
}

pub(crate) enum ExprKind {
    Bool(bool),
    Dot,
    Nil,
    Number { number: Number, text: Span },
    String { value: Str, quoted: Span },
    Field(Vec<FieldName>),
    Variable { name: Str, slot: Option<usize>, fields: Vec<FieldName> },
    Function(Box<Function>),
    Chain { operand: Deep<Expr>, fields: Vec<FieldName> },
    Pipe(Deep<Pipe>),
}

/// One step of a field chain.
pub(crate) struct FieldName {
    pub(crate) name: Str,
    /// Whether a map type has a method of this name.
    pub(crate) method: bool,
}

/// A function, bound when the template was parsed.
pub(crate) struct Function {
    pub(crate) name: Str,
    pub(crate) callee: Callee,
}

#[derive(Clone, Copy)]
pub(crate) enum Callee {
    /// Go's `and`, which evaluates its arguments as needed.
    And,
    /// Go's `or`.
    Or,
    /// Go's `call`.
    Call,
    /// Go's `len`, which tells a nil interface from no value.
    Len,
    Def(FuncDef),
}

/// A box that can be nested deeply: its content is dropped on a stack that grows.
pub(crate) struct Deep<T>(Option<Box<T>>);

impl<T> Deep<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(Box::new(value)))
    }

    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }
}

impl<T> Drop for Deep<T> {
    fn drop(&mut self) {
        stacker::maybe_grow(32 << 10, 1 << 20, || self.0 = None);
    }
}

impl Template {
    /// The position of a node and how Go writes it.
    pub(crate) fn describe(&self, id: NodeId) -> Option<(usize, String)> {
        let mut finder = Finder { source: &self.source, id, found: None };
        finder.list(&self.body);
        finder.found.map(|(position, text)| (position as usize, String::from_utf8_lossy(&text).into_owned()))
    }
}

/// Walks a template to a node.
struct Finder<'a> {
    source: &'a Source,
    id: NodeId,
    found: Option<(u32, Vec<u8>)>,
}

impl Finder<'_> {
    fn list(&mut self, nodes: &[Node]) {
        for node in nodes {
            if self.found.is_some() {
                return;
            }
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => self.pipe(pipe),
                Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                    let Some(branch) = branch.get() else { continue };
                    stacker::maybe_grow(64 << 10, 1 << 20, || {
                        self.pipe(&branch.pipe);
                        self.list(&branch.body);
                        self.list(&branch.otherwise);
                    });
                }
                Node::Template(call) => {
                    self.check(call.place, |out, source| write_template(out, source, call));
                    call.pipe.iter().for_each(|pipe| self.pipe(pipe));
                }
            }
        }
    }

    fn check(&mut self, place: Place, write: impl FnOnce(&mut Vec<u8>, &Source)) {
        if place.id == self.id && self.found.is_none() {
            let mut text = Vec::new();
            write(&mut text, self.source);
            self.found = Some((place.position, text));
        }
    }

    fn pipe(&mut self, pipe: &Pipe) {
        self.check(pipe.place, |out, source| write_pipe(out, source, pipe));
        for command in &pipe.commands {
            self.check(command.place, |out, source| write_command(out, source, command));
            self.expr(&command.operand);
            command.args.iter().for_each(|arg| self.expr(arg));
        }
    }

    fn expr(&mut self, expr: &Expr) {
        self.check(expr.place, |out, source| write_expr(out, source, expr));
        match &expr.kind {
            ExprKind::Chain { operand, .. } => {
                operand.get().into_iter().for_each(|operand| self.expr(operand))
            }
            ExprKind::Pipe(pipe) => {
                let Some(pipe) = pipe.get() else { return };
                stacker::maybe_grow(64 << 10, 1 << 20, || self.pipe(pipe));
            }
            _ => {}
        }
    }
}

fn write_template(out: &mut Vec<u8>, source: &Source, call: &TemplateCall) {
    out.extend_from_slice(b"{{template ");
    out.extend(quote(&call.name));
    if let Some(pipe) = &call.pipe {
        out.push(b' ');
        write_pipe(out, source, pipe);
    }
    out.extend_from_slice(b"}}");
}

fn write_pipe(out: &mut Vec<u8>, source: &Source, pipe: &Pipe) {
    for (index, variable) in pipe.variables.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        out.extend_from_slice(&variable.name);
    }
    if !pipe.variables.is_empty() {
        out.extend_from_slice(if pipe.assign { b" = " } else { b" := " });
    }
    for (index, command) in pipe.commands.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b" | ");
        }
        write_command(out, source, command);
    }
}

fn write_command(out: &mut Vec<u8>, source: &Source, command: &Command) {
    write_operand(out, source, &command.operand);
    for arg in &command.args {
        out.push(b' ');
        write_operand(out, source, arg);
    }
}

/// Writes an expression, in parentheses when it is a pipeline.
fn write_operand(out: &mut Vec<u8>, source: &Source, expr: &Expr) {
    let parentheses = matches!(expr.kind, ExprKind::Pipe(_));
    if parentheses {
        out.push(b'(');
    }
    write_expr(out, source, expr);
    if parentheses {
        out.push(b')');
    }
}

/// Writes an expression as Go's `Node.String` does.
pub(crate) fn write_expr(out: &mut Vec<u8>, source: &Source, expr: &Expr) {
    match &expr.kind {
        ExprKind::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        ExprKind::Dot => out.push(b'.'),
        ExprKind::Nil => out.extend_from_slice(b"nil"),
        ExprKind::Number { text, .. } | ExprKind::String { quoted: text, .. } => {
            out.extend_from_slice(source.slice(*text));
        }
        ExprKind::Field(fields) => write_fields(out, fields),
        ExprKind::Variable { name, fields, .. } => {
            out.extend_from_slice(name);
            write_fields(out, fields);
        }
        ExprKind::Function(function) => out.extend_from_slice(&function.name),
        ExprKind::Chain { operand, fields } => {
            operand.get().into_iter().for_each(|operand| write_operand(out, source, operand));
            write_fields(out, fields);
        }
        ExprKind::Pipe(pipe) => {
            let Some(pipe) = pipe.get() else { return };
            stacker::maybe_grow(64 << 10, 1 << 20, || write_pipe(out, source, pipe));
        }
    }
}

fn write_fields(out: &mut Vec<u8>, fields: &[FieldName]) {
    for field in fields {
        out.push(b'.');
        out.extend_from_slice(&field.name);
    }
}
