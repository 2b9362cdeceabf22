//! The names that a part of a template looks up when it begins (`jinja2.idtracking`).
//!
//! Jinja looks a variable up once for each frame (template, loop body, macro), also one that only a branch uses
//! that is not taken: what the lookup gives is what the whole frame sees, and its errors are the frame's.

use std::sync::Arc;

use indexmap::IndexSet;

use super::ast::{CallArg, CallArgs, Expr, Framed, Stmt};
use super::stack::deeper;

/// The names that statements use before they set them, those of inner frames left out.
#[must_use]
pub(super) fn of_body(body: &[Stmt]) -> Vec<Arc<str>> {
    let mut names = Names::default();
    names.body(body);
    names.loaded.into_iter().cloned().collect()
}

impl From<Expr> for Framed {
    fn from(expr: Expr) -> Self {
        let mut names = Names::default();
        names.expr(&expr);
        Framed { names: names.loaded.into_iter().cloned().collect(), expr }
    }
}

#[derive(Default)]
struct Names<'a> {
    loaded: IndexSet<&'a Arc<str>>,
    set: IndexSet<&'a Arc<str>>,
}

impl<'a> Names<'a> {
    fn body(&mut self, body: &'a [Stmt]) {
        deeper(|| body.iter().for_each(|stmt| self.stmt(stmt)));
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Emit(expr) | Stmt::Do(expr) | Stmt::Extends(expr) => self.expr(expr),
            Stmt::For(it) => self.expr(&it.iter),
            Stmt::If(test, then, otherwise) => {
                self.expr(test);
                self.branches(then, otherwise);
            }
            Stmt::With(pairs, _) => pairs.iter().for_each(|(_, value)| self.expr(value)),
            Stmt::Set(target, value) => {
                self.expr(value);
                self.target(target);
            }
            Stmt::SetBlock(target, filter, _) => {
                filter.iter().for_each(|filter| self.expr(filter));
                self.target(target);
            }
            Stmt::FilterBlock(filter, _) => self.expr(filter),
            Stmt::Include(include) => self.expr(&include.name),
            Stmt::Import { template, name, .. } => {
                self.expr(template);
                self.set.insert(name);
            }
            Stmt::FromImport { template, names, .. } => {
                self.expr(template);
                self.set.extend(names.iter().map(|(_, to)| to));
            }
            Stmt::Macro(it) => self.set.extend(&it.name),
            Stmt::CallBlock(call, _) => self.expr(call),
            Stmt::Text(_) | Stmt::Block(_) | Stmt::Break | Stmt::Continue => {}
        }
    }

    /// What only one branch sets, the other may have to look up.
    fn branches(&mut self, then: &'a [Stmt], otherwise: &'a [Stmt]) {
        let before = self.set.clone();
        self.body(then);
        let after_then = std::mem::replace(&mut self.set, before);
        self.body(otherwise);
        let (both, one): (IndexSet<_>, IndexSet<_>) = after_then
            .union(&self.set)
            .partition(|name| after_then.contains(*name) && self.set.contains(*name));
        self.loaded.extend(one);
        self.set = both;
    }

    fn target(&mut self, target: &'a Expr) {
        match target {
            Expr::Var(name) => {
                self.set.insert(name);
            }
            Expr::Tuple(targets) | Expr::List(targets) => {
                targets.iter().for_each(|target| self.target(target));
            }
            other => self.expr(other),
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        deeper(|| self.expr_here(expr));
    }

    fn expr_here(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Const(_) => {}
            Expr::Var(name) => {
                if !self.set.contains(name) {
                    self.loaded.insert(name);
                }
            }
            Expr::Attr(inner, _) | Expr::Not(inner) | Expr::Neg(inner) | Expr::Pos(inner) => self.expr(inner),
            Expr::Item(left, right)
            | Expr::Bin(_, left, right)
            | Expr::And(left, right)
            | Expr::Or(left, right) => {
                self.expr(left);
                self.expr(right);
            }
            Expr::Slice(inner, bounds) => {
                self.expr(inner);
                bounds.iter().flatten().for_each(|bound| self.expr(bound));
            }
            Expr::Call(callee, args) => {
                self.expr(callee);
                self.args(args);
            }
            Expr::Filter(inner, _, args) => {
                inner.iter().for_each(|inner| self.expr(inner));
                self.args(args);
            }
            Expr::Test(inner, _, args) => {
                self.expr(inner);
                self.args(args);
            }
            Expr::Compare(first, rest) => {
                self.expr(first);
                rest.iter().for_each(|(_, right)| self.expr(right));
            }
            Expr::If(test, then, otherwise, _) => {
                self.expr(test);
                self.expr(then);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise));
            }
            Expr::List(items) | Expr::Tuple(items) => items.iter().for_each(|item| self.expr(item)),
            Expr::Dict(pairs) => pairs.iter().for_each(|(key, value)| {
                self.expr(key);
                self.expr(value);
            }),
        }
    }

    fn args(&mut self, args: &'a CallArgs) {
        for arg in &args.args {
            match arg {
                CallArg::Positional(expr)
                | CallArg::Named(_, expr)
                | CallArg::Splat(expr)
                | CallArg::NamedSplat(expr) => self.expr(expr),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::{Syntax, parse};

    fn names(template: &str) -> Vec<String> {
        let parsed = parse(template, &Syntax::default()).unwrap();
        parsed.names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_frame_looks_up_what_it_does_not_set() {
        assert_eq!(
            names("{% if a %}{{ b }}{% elif c %}{{ d if e else f }}{% endif %}"),
            ["a", "b", "c", "e", "d", "f"]
        );
        assert_eq!(names("{% set a = b %}{{ a }}{{ c }}"), ["b", "c"]);
        assert_eq!(names("{% if x %}{% set a = 1 %}{% endif %}{{ a }}"), ["x", "a"]);
        assert_eq!(names("{% for v in items %}{{ v }}{{ inner }}{% endfor %}"), ["items"]);
        assert_eq!(names("{% macro m(x) %}{{ inner }}{% endmacro %}{{ m(y) }}"), ["y"]);
    }

    #[test]
    fn a_deep_expression_is_walked() {
        assert_eq!(names(&format!("{{{{ {}a }}}}", "not ".repeat(20_000))), ["a"]);
    }
}
