//! A parsed template, owned and shared between threads; lowered from minijinja's syntax tree.

use std::sync::Arc;

use super::value::Value;

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    /// The statements.
    pub body: Vec<Stmt>,
    /// The filters, tests and lookups that it names.
    pub references: Vec<Reference>,
}

/// What kind of plugin a template names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PluginKind {
    /// `x | name`.
    Filter,
    /// `x is name`.
    Test,
    /// `lookup('name', …)`, `query('name', …)`.
    Lookup,
}

/// A plugin that a template names, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The kind of plugin.
    pub kind: PluginKind,
    /// Its name.
    pub name: Arc<str>,
    /// The line in the template, from one.
    pub line: u32,
    /// The column in that line, from zero.
    pub column: u32,
}

/// A statement.
#[derive(Debug)]
pub enum Stmt {
    /// Text outside of any tag.
    Text(Arc<str>),
    /// `{{ expr }}`.
    Emit(Expr),
    /// `{% for %}`.
    For(Box<For>),
    /// `{% if %}`.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// `{% with %}`.
    With(Vec<(Expr, Expr)>, Vec<Stmt>),
    /// `{% set target = expr %}`.
    Set(Expr, Expr),
    /// `{% set target | filter %}…{% endset %}`.
    SetBlock(Expr, Option<Expr>, Vec<Stmt>),
    /// `{% filter %}`.
    FilterBlock(Expr, Vec<Stmt>),
    /// `{% block %}`.
    Block(Arc<str>, Vec<Stmt>),
    /// `{% extends %}`.
    Extends(Expr),
    /// `{% include %}`.
    Include(Expr, bool),
    /// `{% import x as y %}`.
    Import(Expr, Expr),
    /// `{% from x import y as z %}`.
    FromImport(Expr, Vec<(Arc<str>, Arc<str>)>),
    /// `{% macro %}`.
    Macro(Arc<Macro>),
    /// `{% call %}`.
    CallBlock(Expr, Arc<Macro>),
    /// `{% break %}`.
    Break,
    /// `{% continue %}`.
    Continue,
    /// `{% do %}`.
    Do(Expr),
}

/// `{% for target in iter if filter %}`.
#[derive(Debug)]
pub struct For {
    /// What each item is assigned to.
    pub target: Expr,
    /// What is iterated.
    pub iter: Expr,
    /// Which items are taken.
    pub filter: Option<Expr>,
    /// Whether `loop(…)` may be called.
    pub recursive: bool,
    /// The body.
    pub body: Vec<Stmt>,
    /// The body when there is no item.
    pub otherwise: Vec<Stmt>,
}

/// `{% macro name(args) %}`.
#[derive(Debug)]
pub struct Macro {
    /// Its name.
    pub name: Arc<str>,
    /// Its parameters.
    pub params: Vec<Arc<str>>,
    /// The defaults of the last parameters.
    pub defaults: Vec<Expr>,
    /// Its body.
    pub body: Vec<Stmt>,
    /// Whether the body names `varargs`, `kwargs` or `caller`.
    pub uses: MacroUses,
}

/// Which special names a macro's body uses.
#[derive(Debug, Clone, Copy, Default)]
pub struct MacroUses {
    /// `varargs`.
    pub varargs: bool,
    /// `kwargs`.
    pub kwargs: bool,
}

/// A binary operator that evaluates both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinOp {
    /// `+`.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`.
    Div,
    /// `//`.
    FloorDiv,
    /// `%`.
    Rem,
    /// `**`.
    Pow,
    /// `~`.
    Concat,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CmpOp {
    /// `==`.
    Eq,
    /// `!=`.
    Ne,
    /// `<`.
    Lt,
    /// `<=`.
    Lte,
    /// `>`.
    Gt,
    /// `>=`.
    Gte,
    /// `in`.
    In,
    /// `not in`.
    NotIn,
}

/// Arguments of a call, as written.
#[derive(Debug, Default)]
pub struct CallArgs {
    /// The arguments in order.
    pub args: Vec<CallArg>,
}

/// One argument of a call.
#[derive(Debug)]
pub enum CallArg {
    /// `f(x)`.
    Positional(Expr),
    /// `f(name=x)`.
    Named(Arc<str>, Expr),
    /// `f(*x)`.
    Splat(Expr),
    /// `f(**x)`.
    NamedSplat(Expr),
}

/// An expression.
#[derive(Debug)]
pub enum Expr {
    /// A literal.
    Const(Value),
    /// A name.
    Var(Arc<str>),
    /// `x.name`.
    Attr(Box<Expr>, Arc<str>),
    /// `x[y]`.
    Item(Box<Expr>, Box<Expr>),
    /// `x[a:b:c]`.
    Slice(Box<Expr>, Box<[Option<Expr>; 3]>),
    /// `f(…)`.
    Call(Box<Expr>, CallArgs),
    /// `x | name(…)`; no `x` in a filter block.
    Filter(Option<Box<Expr>>, Arc<str>, CallArgs),
    /// `x is name(…)`.
    Test(Box<Expr>, Arc<str>, CallArgs),
    /// `not x`.
    Not(Box<Expr>),
    /// `-x`.
    Neg(Box<Expr>),
    /// `a + b`, ….
    Bin(BinOp, Box<Expr>, Box<Expr>),
    /// `a < b < c`.
    Compare(Box<Expr>, Vec<(CmpOp, Expr)>),
    /// `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// `a if test else b`: test, a, b.
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `{a: b}`.
    Dict(Vec<(Expr, Expr)>),
}
