//! A parsed template, owned and shared between threads.

use std::sync::Arc;

use super::value::Value;

/// A parsed template.
#[derive(Debug)]
pub struct Template {
    /// The statements.
    pub body: Vec<Stmt>,
    /// The filters, tests and lookups that it names.
    pub references: Vec<Reference>,
    /// The names that its outermost frame looks up.
    pub names: Vec<Arc<str>>,
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

impl PluginKind {
    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            PluginKind::Filter => "filter",
            PluginKind::Test => "test",
            PluginKind::Lookup => "lookup",
        }
    }
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
    /// Whether it is named by the text of an argument (`map('name')`), so that only a run meets it.
    pub by_text: bool,
}

/// A statement.
#[derive(Debug)]
pub enum Stmt {
    /// Text outside of any tag.
    Text(Arc<str>),
    /// `{{ expr }}`.
    Emit(Expr),
    /// `{% for %}`.
    For(Arc<For>),
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
    Block(Arc<BlockBody>),
    /// `{% extends %}`.
    Extends(Expr),
    /// `{% include %}`.
    Include(Box<Include>),
    /// `{% import x as y %}`.
    Import {
        /// What names the template.
        template: Expr,
        /// The name of the module.
        name: Arc<str>,
        /// Whether it sees the variables of this template.
        with_context: bool,
    },
    /// `{% from x import y as z %}`.
    FromImport {
        /// What names the template.
        template: Expr,
        /// The names there and here.
        names: Vec<(Arc<str>, Arc<str>)>,
        /// Whether it sees the variables of this template.
        with_context: bool,
    },
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

/// `{% block name %}`.
#[derive(Debug)]
pub struct BlockBody {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it sees the names of the loops around it.
    pub scoped: bool,
    /// Whether another template must define it.
    pub required: bool,
    /// Its body.
    pub body: Vec<Stmt>,
}

/// `{% include name ignore missing without context %}`.
#[derive(Debug)]
pub struct Include {
    /// What names the template, or several.
    pub name: Expr,
    /// Whether a missing template is nothing.
    pub ignore_missing: bool,
    /// Whether it sees the names of this template.
    pub with_context: bool,
}

/// An expression that is a frame of its own.
#[derive(Debug)]
pub struct Framed {
    /// The expression.
    pub expr: Expr,
    /// The names that it looks up.
    pub names: Vec<Arc<str>>,
}

/// `{% for target in iter if filter %}`.
#[derive(Debug)]
pub struct For {
    /// What each item is assigned to.
    pub target: Expr,
    /// What is iterated.
    pub iter: Expr,
    /// Which items are taken.
    pub filter: Option<Framed>,
    /// Whether `loop(…)` may be called.
    pub recursive: bool,
    /// The body.
    pub body: Vec<Stmt>,
    /// The names that the body looks up.
    pub names: Vec<Arc<str>>,
    /// The body when there is no item.
    pub otherwise: Vec<Stmt>,
}

/// `{% macro name(args) %}`.
#[derive(Debug)]
pub struct Macro {
    /// Its name; a call block has none.
    pub name: Option<Arc<str>>,
    /// Its parameters.
    pub params: Vec<Arc<str>>,
    /// The defaults of the last parameters.
    pub defaults: Vec<Framed>,
    /// Its body.
    pub body: Vec<Stmt>,
    /// The names that the body looks up.
    pub names: Vec<Arc<str>>,
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
    /// `caller`.
    pub caller: bool,
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
    /// `+x`.
    Pos(Box<Expr>),
    /// `a + b`, ….
    Bin(BinOp, Box<Expr>, Box<Expr>),
    /// `a < b < c`.
    Compare(Box<Expr>, Vec<(CmpOp, Expr)>),
    /// `a and b`.
    And(Box<Expr>, Box<Expr>),
    /// `a or b`.
    Or(Box<Expr>, Box<Expr>),
    /// `a if test else b`: test, a, b, the line.
    If(Box<Expr>, Box<Expr>, Option<Box<Expr>>, u32),
    /// `[a, b]`.
    List(Vec<Expr>),
    /// `(a, b)`.
    Tuple(Vec<Expr>),
    /// `{a: b}`.
    Dict(Vec<(Expr, Expr)>),
}
