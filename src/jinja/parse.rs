//! From text to [`Template`]: minijinja's lexer and parser, lowered to the owned tree.
//!
//! minijinja's own machine cannot run Ansible's language (its lists are immutable, its undefined has no
//! message, its arithmetic is not Python's), so only its syntax is used.

use std::sync::Arc;

use minijinja::machinery::{self, Span, Token, ast as mj};
use minijinja::syntax::SyntaxConfig;
use num_bigint::BigInt;

use super::ast::{
    BinOp, CallArg, CallArgs, CmpOp, Expr, For, Macro, MacroUses, PluginKind, Reference, Stmt, Template,
};
use super::error::Error;
use super::value::Value;

/// How the text of a template is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Syntax {
    /// The first newline after a block tag is dropped.
    pub trim_blocks: bool,
    /// White space before a block tag at the start of a line is dropped.
    pub lstrip_blocks: bool,
    /// The last newline of the template is kept.
    pub keep_trailing_newline: bool,
    /// Other delimiters than `{{ }}`, `{% %}` and `{# #}`.
    pub delimiters: Option<Box<Delimiters>>,
}

/// The six delimiters of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Delimiters {
    /// `{{` and `}}`.
    pub variable: (String, String),
    /// `{%` and `%}`.
    pub block: (String, String),
    /// `{#` and `#}`.
    pub comment: (String, String),
}

impl Default for Delimiters {
    fn default() -> Self {
        let pair = |open: &str, close: &str| (open.to_owned(), close.to_owned());
        Delimiters { variable: pair("{{", "}}"), block: pair("{%", "%}"), comment: pair("{#", "#}") }
    }
}

impl Default for Syntax {
    /// Ansible's: `trim_blocks` is on.
    fn default() -> Self {
        Syntax { trim_blocks: true, lstrip_blocks: false, keep_trailing_newline: false, delimiters: None }
    }
}

impl Syntax {
    fn config(&self) -> Result<SyntaxConfig, Error> {
        let mut builder = SyntaxConfig::builder();
        builder.trim_blocks(self.trim_blocks);
        builder.lstrip_blocks(self.lstrip_blocks);
        builder.keep_trailing_newline(self.keep_trailing_newline);
        if let Some(delimiters) = &self.delimiters {
            let Delimiters { variable, block, comment } = delimiters.as_ref().clone();
            builder.variable_delimiters(variable.0, variable.1);
            builder.block_delimiters(block.0, block.1);
            builder.comment_delimiters(comment.0, comment.1);
        }
        builder.build().map_err(|error| syntax_error(&error))
    }
}

fn syntax_error(error: &minijinja::Error) -> Error {
    let message = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let line = error.line().and_then(|line| u32::try_from(line).ok());
    let error = Error::syntax(message);
    match line {
        Some(line) => error.at_line(line),
        None => error,
    }
}

/// Parses a template.
///
/// # Errors
/// The text is no template.
pub fn parse(source: &str, syntax: &Syntax) -> Result<Template, Error> {
    let tree =
        machinery::parse(source, "<template>", syntax.config()?).map_err(|error| syntax_error(&error))?;
    let mut lowering = Lowering::default();
    let body = match tree {
        mj::Stmt::Template(template) => lowering.stmts(&template.children)?,
        other => vec![lowering.stmt(&other)?],
    };
    Ok(Template { body, references: lowering.references })
}

/// Parses one expression without delimiters.
///
/// # Errors
/// The text is no expression.
pub fn parse_expression(source: &str) -> Result<(Expr, Vec<Reference>), Error> {
    let tree = machinery::parse_expr(source).map_err(|error| syntax_error(&error))?;
    let mut lowering = Lowering::default();
    let expr = lowering.expr(&tree)?;
    Ok((expr, lowering.references))
}

/// Doubles the backslashes of string literals within `{{ }}`, as Ansible does for text from YAML, so
/// that `'\1'` means a backslash and a one.
#[must_use]
pub fn double_backslashes(source: &str, syntax: &Syntax) -> Option<String> {
    if !source.contains('\\') || !source.contains("{{") {
        return None;
    }
    let mut out = String::with_capacity(source.len() + 8);
    let mut copied = 0;
    let mut in_variable = false;
    for token in machinery::tokenize(source, false, syntax.config().ok()?) {
        let (token, span) = token.ok()?;
        match token {
            Token::VariableStart => in_variable = true,
            Token::VariableEnd => in_variable = false,
            Token::Str(_) | Token::String(_) if in_variable => {
                let (start, end) = (span.start_offset as usize, span.end_offset as usize);
                out.push_str(source.get(copied..start)?);
                out.push_str(&source.get(start..end)?.replace('\\', "\\\\"));
                copied = end;
            }
            _ => {}
        }
    }
    out.push_str(source.get(copied..)?);
    Some(out)
}

#[derive(Default)]
struct Lowering {
    references: Vec<Reference>,
    uses: MacroUses,
}

impl Lowering {
    fn stmts(&mut self, stmts: &[mj::Stmt<'_>]) -> Result<Vec<Stmt>, Error> {
        stmts.iter().map(|stmt| self.stmt(stmt)).collect()
    }

    fn stmt(&mut self, stmt: &mj::Stmt<'_>) -> Result<Stmt, Error> {
        Ok(match stmt {
            mj::Stmt::Template(template) => Stmt::With(Vec::new(), self.stmts(&template.children)?),
            mj::Stmt::EmitExpr(emit) => Stmt::Emit(self.expr(&emit.expr)?),
            mj::Stmt::EmitRaw(raw) => Stmt::Text(raw.raw.into()),
            mj::Stmt::ForLoop(it) => Stmt::For(Box::new(For {
                target: self.expr(&it.target)?,
                iter: self.expr(&it.iter)?,
                filter: it.filter_expr.as_ref().map(|filter| self.expr(filter)).transpose()?,
                recursive: it.recursive,
                body: self.stmts(&it.body)?,
                otherwise: self.stmts(&it.else_body)?,
            })),
            mj::Stmt::IfCond(it) => {
                Stmt::If(self.expr(&it.expr)?, self.stmts(&it.true_body)?, self.stmts(&it.false_body)?)
            }
            mj::Stmt::WithBlock(it) => {
                let pairs = it.assignments.iter().map(|(to, from)| Ok((self.expr(to)?, self.expr(from)?)));
                Stmt::With(pairs.collect::<Result<_, Error>>()?, self.stmts(&it.body)?)
            }
            mj::Stmt::Set(it) => Stmt::Set(self.expr(&it.target)?, self.expr(&it.expr)?),
            mj::Stmt::SetBlock(it) => {
                let filter = it.filter.as_ref().map(|filter| self.expr(filter)).transpose()?;
                Stmt::SetBlock(self.expr(&it.target)?, filter, self.stmts(&it.body)?)
            }
            mj::Stmt::AutoEscape(it) => Stmt::With(Vec::new(), self.stmts(&it.body)?),
            mj::Stmt::FilterBlock(it) => Stmt::FilterBlock(self.expr(&it.filter)?, self.stmts(&it.body)?),
            mj::Stmt::Block(it) => Stmt::Block(it.name.into(), self.stmts(&it.body)?),
            mj::Stmt::Extends(it) => Stmt::Extends(self.expr(&it.name)?),
            mj::Stmt::Include(it) => Stmt::Include(self.expr(&it.name)?, it.ignore_missing),
            mj::Stmt::Import(it) => Stmt::Import(self.expr(&it.expr)?, self.expr(&it.name)?),
            mj::Stmt::FromImport(it) => Stmt::FromImport(self.expr(&it.expr)?, import_names(&it.names)?),
            mj::Stmt::Macro(it) => Stmt::Macro(Arc::new(self.define(it)?)),
            mj::Stmt::CallBlock(it) => {
                let call = self.call(&it.call)?;
                Stmt::CallBlock(call, Arc::new(self.define(&it.macro_decl)?))
            }
            mj::Stmt::Continue(_) => Stmt::Continue,
            mj::Stmt::Break(_) => Stmt::Break,
            mj::Stmt::Do(it) => Stmt::Do(self.call(&it.call)?),
        })
    }

    fn define(&mut self, it: &mj::Macro<'_>) -> Result<Macro, Error> {
        let outer = std::mem::take(&mut self.uses);
        let params = it.args.iter().map(variable_name).collect::<Result<_, _>>()?;
        let defaults = it.defaults.iter().map(|default| self.expr(default)).collect::<Result<_, _>>()?;
        let body = self.stmts(&it.body)?;
        let uses = std::mem::replace(&mut self.uses, outer);
        Ok(Macro { name: it.name.into(), params, defaults, body, uses })
    }

    fn refer(&mut self, kind: PluginKind, name: &str, span: Span) {
        let (line, column) = (span.start_line, span.start_col);
        self.references.push(Reference { kind, name: name.into(), line: line.into(), column: column.into() });
    }

    fn boxed(&mut self, expr: &mj::Expr<'_>) -> Result<Box<Expr>, Error> {
        self.expr(expr).map(Box::new)
    }

    fn expr(&mut self, expr: &mj::Expr<'_>) -> Result<Expr, Error> {
        Ok(match expr {
            mj::Expr::Var(var) => self.variable(var.id),
            mj::Expr::Const(it) => Expr::Const(constant(&it.value)),
            mj::Expr::Slice(it) => {
                let mut bound =
                    |bound: &Option<mj::Expr<'_>>| bound.as_ref().map(|b| self.expr(b)).transpose();
                let bounds = [bound(&it.start)?, bound(&it.stop)?, bound(&it.step)?];
                Expr::Slice(self.boxed(&it.expr)?, Box::new(bounds))
            }
            mj::Expr::UnaryOp(it) => match it.op {
                mj::UnaryOpKind::Not => Expr::Not(self.boxed(&it.expr)?),
                mj::UnaryOpKind::Neg => Expr::Neg(self.boxed(&it.expr)?),
            },
            mj::Expr::BinOp(it) => self.binary(it)?,
            mj::Expr::Compare(it) => {
                let ops = it.ops.iter().map(|op| Ok((compare_op(op.op), self.expr(&op.expr)?)));
                let ops = ops.collect::<Result<_, Error>>()?;
                Expr::Compare(self.boxed(&it.expr)?, ops)
            }
            mj::Expr::IfExpr(it) => {
                let otherwise = it.false_expr.as_ref().map(|expr| self.boxed(expr)).transpose()?;
                Expr::If(self.boxed(&it.test_expr)?, self.boxed(&it.true_expr)?, otherwise)
            }
            mj::Expr::Filter(it) => {
                let inner = it.expr.as_ref().map(|expr| self.boxed(expr)).transpose()?;
                self.refer(PluginKind::Filter, it.name, it.span());
                self.named_plugins(it.name, &it.args);
                Expr::Filter(inner, it.name.into(), self.args(&it.args)?)
            }
            mj::Expr::Test(it) => {
                let inner = self.boxed(&it.expr)?;
                self.refer(PluginKind::Test, it.name, it.span());
                Expr::Test(inner, it.name.into(), self.args(&it.args)?)
            }
            mj::Expr::GetAttr(it) => Expr::Attr(self.boxed(&it.expr)?, it.name.into()),
            mj::Expr::GetItem(it) => Expr::Item(self.boxed(&it.expr)?, self.boxed(&it.subscript_expr)?),
            mj::Expr::Call(it) => self.call(it)?,
            mj::Expr::List(it) => Expr::List(self.exprs(&it.items)?),
            mj::Expr::Tuple(it) => Expr::Tuple(self.exprs(&it.items)?),
            mj::Expr::Map(it) => {
                let pairs = it.keys.iter().zip(&it.values).map(|(k, v)| Ok((self.expr(k)?, self.expr(v)?)));
                Expr::Dict(pairs.collect::<Result<_, Error>>()?)
            }
        })
    }

    fn exprs(&mut self, exprs: &[mj::Expr<'_>]) -> Result<Vec<Expr>, Error> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn variable(&mut self, name: &str) -> Expr {
        match name {
            "varargs" => self.uses.varargs = true,
            "kwargs" => self.uses.kwargs = true,
            _ => {}
        }
        Expr::Var(name.into())
    }

    fn binary(&mut self, it: &mj::BinOp<'_>) -> Result<Expr, Error> {
        let (left, right) = (self.boxed(&it.left)?, self.boxed(&it.right)?);
        let bin = |op| move |left, right| Expr::Bin(op, left, right);
        let compare = |op| move |left, right: Box<Expr>| Expr::Compare(left, vec![(op, *right)]);
        Ok(match it.op {
            mj::BinOpKind::ScAnd => Expr::And(left, right),
            mj::BinOpKind::ScOr => Expr::Or(left, right),
            mj::BinOpKind::Add => bin(BinOp::Add)(left, right),
            mj::BinOpKind::Sub => bin(BinOp::Sub)(left, right),
            mj::BinOpKind::Mul => bin(BinOp::Mul)(left, right),
            mj::BinOpKind::Div => bin(BinOp::Div)(left, right),
            mj::BinOpKind::FloorDiv => bin(BinOp::FloorDiv)(left, right),
            mj::BinOpKind::Rem => bin(BinOp::Rem)(left, right),
            mj::BinOpKind::Pow => bin(BinOp::Pow)(left, right),
            mj::BinOpKind::Concat => bin(BinOp::Concat)(left, right),
            mj::BinOpKind::Eq => compare(CmpOp::Eq)(left, right),
            mj::BinOpKind::Ne => compare(CmpOp::Ne)(left, right),
            mj::BinOpKind::Lt => compare(CmpOp::Lt)(left, right),
            mj::BinOpKind::Lte => compare(CmpOp::Lte)(left, right),
            mj::BinOpKind::Gt => compare(CmpOp::Gt)(left, right),
            mj::BinOpKind::Gte => compare(CmpOp::Gte)(left, right),
            mj::BinOpKind::In => compare(CmpOp::In)(left, right),
        })
    }

    fn call(&mut self, it: &mj::Spanned<mj::Call<'_>>) -> Result<Expr, Error> {
        if let mj::Expr::Var(var) = &it.expr
            && matches!(var.id, "lookup" | "query" | "q")
            && let Some(mj::CallArg::Pos(mj::Expr::Const(name))) = it.args.first()
            && let Some(name) = name.value.as_str()
        {
            self.refer(PluginKind::Lookup, name, it.span());
        }
        Ok(Expr::Call(self.boxed(&it.expr)?, self.args(&it.args)?))
    }

    /// `map('upper')`, `select('defined')`, `selectattr('x', 'equalto', 1)`: a plugin named by text.
    fn named_plugins(&mut self, filter: &str, args: &[mj::CallArg<'_>]) {
        let (kind, position) = match filter {
            "map" => (PluginKind::Filter, 0),
            "select" | "reject" => (PluginKind::Test, 0),
            "selectattr" | "rejectattr" => (PluginKind::Test, 1),
            _ => return,
        };
        if let Some(mj::CallArg::Pos(mj::Expr::Const(name))) = args.get(position)
            && let Some(text) = name.value.as_str()
        {
            self.refer(kind, text, name.span());
        }
    }

    fn args(&mut self, args: &[mj::CallArg<'_>]) -> Result<CallArgs, Error> {
        let args = args.iter().map(|arg| {
            Ok(match arg {
                mj::CallArg::Pos(expr) => CallArg::Positional(self.expr(expr)?),
                mj::CallArg::Kwarg(name, expr) => CallArg::Named((*name).into(), self.expr(expr)?),
                mj::CallArg::PosSplat(expr) => CallArg::Splat(self.expr(expr)?),
                mj::CallArg::KwargSplat(expr) => CallArg::NamedSplat(self.expr(expr)?),
            })
        });
        Ok(CallArgs { args: args.collect::<Result<_, Error>>()? })
    }
}

fn compare_op(op: mj::CompareOpKind) -> CmpOp {
    match op {
        mj::CompareOpKind::Eq => CmpOp::Eq,
        mj::CompareOpKind::Ne => CmpOp::Ne,
        mj::CompareOpKind::Lt => CmpOp::Lt,
        mj::CompareOpKind::Lte => CmpOp::Lte,
        mj::CompareOpKind::Gt => CmpOp::Gt,
        mj::CompareOpKind::Gte => CmpOp::Gte,
        mj::CompareOpKind::In => CmpOp::In,
        mj::CompareOpKind::NotIn => CmpOp::NotIn,
    }
}

fn variable_name(expr: &mj::Expr<'_>) -> Result<Arc<str>, Error> {
    match expr {
        mj::Expr::Var(var) => Ok(var.id.into()),
        other => Err(Error::syntax(format!("expected a name, got {}", other.description()))),
    }
}

type ImportNames = Vec<(Arc<str>, Arc<str>)>;

fn import_names(names: &[(mj::Expr<'_>, Option<mj::Expr<'_>>)]) -> Result<ImportNames, Error> {
    let pair = |(name, alias): &(mj::Expr<'_>, Option<mj::Expr<'_>>)| {
        let name = variable_name(name)?;
        let alias = alias.as_ref().map_or_else(|| Ok(Arc::clone(&name)), variable_name)?;
        Ok((name, alias))
    };
    names.iter().map(pair).collect()
}

fn constant(value: &minijinja::Value) -> Value {
    use minijinja::value::ValueKind;
    match value.kind() {
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::String => Value::from(value.as_str().unwrap_or_default()),
        ValueKind::Number => match i64::try_from(value.clone()) {
            Ok(number) if value.is_integer() => Value::Int(number),
            _ if value.is_integer() => value.to_string().parse::<BigInt>().map_or(Value::None, Value::from),
            _ => Value::Float(f64::try_from(value.clone()).unwrap_or(f64::NAN)),
        },
        _ => Value::None,
    }
}
