//! Statements (`jinja2/parser.py`, `parse_statement` and below).

use std::sync::Arc;

use super::expression::Items;
use super::lexer::Kind;
use super::stream::Parser;
use crate::jinja::ast::{BlockBody, Expr, For, Framed, Include, Macro, Stmt};
use crate::jinja::error::Error;
use crate::jinja::stack::deeper;
use crate::jinja::{names, repr};

type Names = &'static [&'static str];

impl Parser<'_> {
    /// A whole template.
    pub(super) fn template(&mut self) -> Result<Vec<Stmt>, Error> {
        self.body(&[])
    }

    /// Statements up to a tag with one of these names, or to the end of the template.
    fn body(&mut self, ends: Names) -> Result<Vec<Stmt>, Error> {
        let mut stmts = Vec::new();
        loop {
            let token = self.current();
            match token.kind {
                Kind::End => return Ok(stmts),
                Kind::Data => {
                    self.advance()?;
                    let newline = self.syntax.newline.as_str();
                    stmts.push(Stmt::Text(match newline {
                        "\n" => token.text.into(),
                        other => token.text.replace('\n', other).into(),
                    }));
                }
                Kind::VariableBegin => {
                    self.advance()?;
                    stmts.push(Stmt::Emit(self.tuple(Items::Any, None, false)?));
                    self.expect_kind(Kind::VariableEnd, "end of print statement")?;
                }
                _ => {
                    self.advance()?;
                    if ends.iter().any(|end| self.at_name(end)) {
                        return Ok(stmts);
                    }
                    deeper(|| self.statement(&mut stmts))?;
                    self.expect_kind(Kind::BlockEnd, "end of statement block")?;
                }
            }
        }
    }

    /// The body of a tag, whose own end is next. The tag that ends the body is current afterwards.
    fn statements(&mut self, ends: Names) -> Result<Vec<Stmt>, Error> {
        self.skip(":")?;
        self.expect_kind(Kind::BlockEnd, "end of statement block")?;
        self.ends.push(ends);
        let body = self.body(ends)?;
        if self.current().kind == Kind::End {
            return Err(self.unknown_tag(None));
        }
        self.ends.pop();
        Ok(body)
    }

    /// The body of a tag, with the name that ends it.
    fn statements_to(&mut self, end: Names) -> Result<Vec<Stmt>, Error> {
        let body = self.statements(end)?;
        self.advance()?;
        Ok(body)
    }

    /// Why a tag cannot stand here, or the template cannot end here.
    fn unknown_tag(&self, name: Option<&str>) -> Error {
        let mut message = match name {
            Some(name) => format!("Encountered unknown tag {}.", repr::quote(name)),
            None => "Unexpected end of template.".to_owned(),
        };
        if let Some(looking) = self.ends.last() {
            let looking = looking.iter().map(|end| format!("'{end}'")).collect::<Vec<_>>().join(" or ");
            let nested = name.is_some_and(|name| self.ends.iter().any(|ends| ends.contains(&name)));
            message.push_str(&if nested {
                format!(" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {looking}.")
            } else {
                format!(" Jinja was looking for the following tags: {looking}.")
            });
        }
        if let Some(tag) = self.tags.last() {
            message.push_str(&format!(" The innermost block that needs to be closed is '{tag}'."));
        }
        self.fail(message)
    }

    fn statement(&mut self, stmts: &mut Vec<Stmt>) -> Result<(), Error> {
        let token = self.current();
        if token.kind != Kind::Name {
            return Err(self.fail("tag name expected"));
        }
        self.tags.push(token.text.to_owned());
        let stmt = match token.text {
            "for" => self.for_loop()?,
            "if" => self.condition()?,
            "set" => self.set()?,
            "with" => self.with()?,
            "block" => self.block()?,
            "print" => {
                self.print(stmts)?;
                self.tags.pop();
                return Ok(());
            }
            "extends" => {
                self.advance()?;
                Stmt::Extends(self.expression()?)
            }
            "include" => self.include()?,
            "import" => self.import()?,
            "from" => self.from()?,
            "macro" => self.macro_definition()?,
            "call" => self.call_block()?,
            "filter" => {
                self.advance()?;
                let start = self.referred();
                let filter = self.filter(None, true)?;
                let filter = filter.ok_or_else(|| self.fail("expected a filter"))?;
                let end = self.referred();
                let body = self.statements_to(&["endfilter"])?;
                self.refer_last(start, end);
                Stmt::FilterBlock(filter, body)
            }
            "autoescape" => {
                self.advance()?;
                self.expression()?;
                Stmt::With(Vec::new(), self.statements_to(&["endautoescape"])?)
            }
            "do" if self.syntax.do_statements => {
                self.advance()?;
                Stmt::Do(self.tuple(Items::Any, None, false)?)
            }
            "break" if self.syntax.loop_controls => {
                self.advance()?;
                Stmt::Break
            }
            "continue" if self.syntax.loop_controls => {
                self.advance()?;
                Stmt::Continue
            }
            unknown => {
                self.tags.pop();
                return Err(self.unknown_tag(Some(unknown)));
            }
        };
        self.tags.pop();
        stmts.push(stmt);
        Ok(())
    }

    /// What is assigned to: a name, `namespace.attribute`, or a tuple of them.
    fn target(&mut self, end: Option<&str>, with_namespace: bool) -> Result<Expr, Error> {
        let expr = self.tuple(Items::Targets, end, false)?;
        self.assignable(&expr, with_namespace)?;
        Ok(expr)
    }

    fn assignable(&self, expr: &Expr, with_namespace: bool) -> Result<(), Error> {
        let kind = match expr {
            Expr::Var(_) => return Ok(()),
            Expr::Attr(..) if with_namespace => return Ok(()),
            Expr::Tuple(items) => {
                return items.iter().try_for_each(|item| self.assignable(item, with_namespace));
            }
            Expr::Const(_) => "const",
            Expr::List(_) => "list",
            Expr::Dict(_) => "dict",
            Expr::Attr(..) => "nsref",
            _ => "expr",
        };
        Err(self.fail(format!("can't assign to '{kind}'")))
    }

    fn name(&mut self) -> Result<Arc<str>, Error> {
        let token = self.expect_kind(Kind::Name, "name")?;
        Ok(token.text.into())
    }

    fn set(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let target = self.target(None, true)?;
        if self.skip("=")? {
            return Ok(Stmt::Set(target, self.tuple(Items::Any, None, false)?));
        }
        let start = self.referred();
        let filter = self.filter(None, false)?;
        let end = self.referred();
        let body = self.statements_to(&["endset"])?;
        self.refer_last(start, end);
        Ok(Stmt::SetBlock(target, filter, body))
    }

    fn for_loop(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let target = self.target(Some("in"), false)?;
        self.expect_name("in")?;
        let start = self.referred();
        let iter = self.tuple(Items::NoCondition, Some("recursive"), false)?;
        let end = self.referred();
        let filter = if self.skip_name("if")? { Some(self.expression()?.into()) } else { None };
        self.refer_last(start, end);
        let (start, end) = (start + self.referred() - end, self.referred());
        let recursive = self.skip_name("recursive")?;
        let body = self.statements(&["endfor", "else"])?;
        let otherwise =
            if self.advance()?.text == "endfor" { Vec::new() } else { self.statements_to(&["endfor"])? };
        if recursive {
            self.refer_last(start, end);
        }
        Ok(Stmt::For(Arc::new(For {
            names: names::of_body(&body),
            target,
            iter,
            filter,
            recursive,
            body,
            otherwise,
        })))
    }

    fn condition(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let test = self.tuple(Items::NoCondition, None, false)?;
        let then = self.statements(&["elif", "else", "endif"])?;
        let otherwise = if self.at_name("elif") {
            vec![deeper(|| self.condition())?]
        } else if self.advance()?.text == "else" {
            self.statements_to(&["endif"])?
        } else {
            Vec::new()
        };
        Ok(Stmt::If(test, then, otherwise))
    }

    fn with(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let mut pairs = Vec::new();
        while self.current().kind != Kind::BlockEnd {
            if !pairs.is_empty() {
                self.expect(",")?;
            }
            let target = self.target(None, false)?;
            self.expect("=")?;
            pairs.push((target, self.expression()?));
        }
        Ok(Stmt::With(pairs, self.statements_to(&["endwith"])?))
    }

    fn block(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let name = self.name()?;
        let scoped = self.skip_name("scoped")?;
        let required = self.skip_name("required")?;
        if self.at("-") {
            return Err(self.fail(
                "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.",
            ));
        }
        let body = self.statements_to(&["endblock"])?;
        self.skip_name(&name)?;
        let blank = |stmt: &Stmt| matches!(stmt, Stmt::Text(text) if text.trim().is_empty());
        if required && !body.iter().all(blank) {
            return Err(self.fail("Required blocks can only contain comments or whitespace"));
        }
        Ok(Stmt::Block(Arc::new(BlockBody { name, scoped, required, body })))
    }

    fn print(&mut self, stmts: &mut Vec<Stmt>) -> Result<(), Error> {
        self.advance()?;
        let mut first = true;
        while self.current().kind != Kind::BlockEnd {
            if !first {
                self.expect(",")?;
            }
            first = false;
            stmts.push(Stmt::Emit(self.expression()?));
        }
        Ok(())
    }

    /// `with context` or `without context`.
    fn context(&mut self, default: bool) -> Result<bool, Error> {
        let with = self.at_name("with");
        if (with || self.at_name("without")) && self.look()?.text == "context" {
            self.advance()?;
            self.advance()?;
            return Ok(with);
        }
        Ok(default)
    }

    fn include(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let name = self.expression()?;
        let ignore_missing = self.at_name("ignore") && self.look()?.text == "missing";
        if ignore_missing {
            self.advance()?;
            self.advance()?;
        }
        let with_context = self.context(true)?;
        Ok(Stmt::Include(Box::new(Include { name, ignore_missing, with_context })))
    }

    fn import(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let template = self.expression()?;
        self.expect_name("as")?;
        let name = self.name()?;
        let with_context = self.context(false)?;
        Ok(Stmt::Import { template, name, with_context })
    }

    fn from(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let template = self.expression()?;
        self.expect_name("import")?;
        let mut names = Vec::new();
        let mut with_context = None;
        loop {
            if !names.is_empty() {
                self.expect(",")?;
            }
            if (self.at_name("with") || self.at_name("without")) && self.look()?.text == "context" {
                with_context = Some(self.context(false)?);
                break;
            }
            let name = self.name()?;
            if name.starts_with('_') {
                return Err(self.fail("names starting with an underline can not be imported"));
            }
            let alias = if self.skip_name("as")? { self.name()? } else { Arc::clone(&name) };
            names.push((name, alias));
            if (self.at_name("with") || self.at_name("without")) && self.look()?.text == "context" {
                with_context = Some(self.context(false)?);
                break;
            }
            if !self.at(",") {
                break;
            }
        }
        Ok(Stmt::FromImport { template, names, with_context: with_context.unwrap_or(false) })
    }

    /// Parameters in brackets, and the defaults of the last ones.
    fn signature(&mut self) -> Result<(Vec<Arc<str>>, Vec<Framed>), Error> {
        self.expect("(")?;
        let (mut params, mut defaults) = (Vec::new(), Vec::new());
        while !self.at(")") {
            if !params.is_empty() {
                self.expect(",")?;
            }
            params.push(self.name()?);
            if self.skip("=")? {
                defaults.push(self.expression()?.into());
            } else if !defaults.is_empty() {
                return Err(self.fail("non-default argument follows default argument"));
            }
        }
        self.expect(")")?;
        Ok((params, defaults))
    }

    fn macro_definition(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let name = self.name()?;
        let (params, defaults) = self.signature()?;
        let outer = std::mem::take(&mut self.uses);
        let body = self.statements_to(&["endmacro"])?;
        let uses = std::mem::replace(&mut self.uses, outer);
        Ok(Stmt::Macro(Arc::new(Macro {
            name: Some(name),
            params,
            defaults,
            names: names::of_body(&body),
            body,
            uses,
        })))
    }

    fn call_block(&mut self) -> Result<Stmt, Error> {
        self.advance()?;
        let (params, defaults) = if self.at("(") { self.signature()? } else { (Vec::new(), Vec::new()) };
        let start = self.referred();
        let call = self.expression()?;
        let end = self.referred();
        if !matches!(call, Expr::Call(..)) {
            return Err(self.fail("expected call"));
        }
        let outer = std::mem::take(&mut self.uses);
        let body = self.statements_to(&["endcall"])?;
        self.refer_last(start, end);
        let uses = std::mem::replace(&mut self.uses, outer);
        Ok(Stmt::CallBlock(
            call,
            Arc::new(Macro { name: None, params, defaults, names: names::of_body(&body), body, uses }),
        ))
    }
}
