//! Expressions (`jinja2/parser.py`, `parse_expression` and below).

use num_bigint::BigInt;

use super::lexer::{Kind, Token};
use super::stream::Parser;
use crate::jinja::ast::{BinOp, CallArg, CallArgs, CmpOp, Expr, PluginKind};
use crate::jinja::error::Error;
use crate::jinja::stack::deeper;
use crate::jinja::value::Value;

/// Comparisons that are one operator.
const COMPARISONS: &[(&str, CmpOp)] = &[
    ("==", CmpOp::Eq),
    ("!=", CmpOp::Ne),
    ("<", CmpOp::Lt),
    ("<=", CmpOp::Lte),
    (">", CmpOp::Gt),
    (">=", CmpOp::Gte),
];

/// Binary operators by their level, the loosest first.
const SUMS: &[(&str, BinOp)] = &[("+", BinOp::Add), ("-", BinOp::Sub)];
const JOINS: &[(&str, BinOp)] = &[("~", BinOp::Concat)];
const PRODUCTS: &[(&str, BinOp)] =
    &[("*", BinOp::Mul), ("/", BinOp::Div), ("//", BinOp::FloorDiv), ("%", BinOp::Rem)];
const POWERS: &[(&str, BinOp)] = &[("**", BinOp::Pow)];
const LEVELS: &[&[(&str, BinOp)]] = &[SUMS, JOINS, PRODUCTS, POWERS];

/// What may stand where a tuple is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Items {
    /// Any expression.
    Any,
    /// Expressions without `a if b else c`.
    NoCondition,
    /// Names, literals, `namespace.attribute`.
    Targets,
}

impl Parser<'_> {
    /// An expression.
    pub(super) fn expression(&mut self) -> Result<Expr, Error> {
        deeper(|| self.conditional())
    }

    fn conditional(&mut self) -> Result<Expr, Error> {
        let start = self.referred();
        let mut line = self.line();
        let mut expr = self.or()?;
        while self.skip_name("if")? {
            let end = self.referred();
            let test = self.or()?;
            self.refer_last(start, end);
            let otherwise = if self.skip_name("else")? { Some(Box::new(self.expression()?)) } else { None };
            expr = Expr::If(Box::new(test), Box::new(expr), otherwise, line);
            line = self.line();
        }
        Ok(expr)
    }

    fn or(&mut self) -> Result<Expr, Error> {
        let mut left = self.and()?;
        while self.skip_name("or")? {
            left = Expr::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Error> {
        let mut left = self.not()?;
        while self.skip_name("and")? {
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Error> {
        if self.skip_name("not")? {
            return deeper(|| Ok(Expr::Not(Box::new(self.not()?))));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expr, Error> {
        let first = self.binary(0)?;
        let mut rest = Vec::new();
        loop {
            let operator = COMPARISONS.iter().find(|(text, _)| self.at(text)).map(|(_, operator)| *operator);
            let operator = match operator {
                Some(operator) => operator,
                None if self.at_name("in") => CmpOp::In,
                None if self.at_name("not") && is_name(&self.look()?, "in") => {
                    self.advance()?;
                    CmpOp::NotIn
                }
                None => break,
            };
            self.advance()?;
            rest.push((operator, self.binary(0)?));
        }
        Ok(if rest.is_empty() { first } else { Expr::Compare(Box::new(first), rest) })
    }

    fn binary(&mut self, level: usize) -> Result<Expr, Error> {
        let Some(operators) = LEVELS.get(level) else { return self.unary(true) };
        let mut left = self.binary(level + 1)?;
        while let Some((_, operator)) = operators.iter().find(|(text, _)| self.at(text)) {
            self.advance()?;
            left = Expr::Bin(*operator, Box::new(left), Box::new(self.binary(level + 1)?));
        }
        Ok(left)
    }

    fn unary(&mut self, with_filter: bool) -> Result<Expr, Error> {
        let mut expr = if self.skip("-")? {
            Expr::Neg(Box::new(deeper(|| self.unary(false))?))
        } else if self.skip("+")? {
            Expr::Pos(Box::new(deeper(|| self.unary(false))?))
        } else {
            self.primary(false)?
        };
        expr = self.postfix(expr)?;
        if with_filter { self.filters_and_tests(expr) } else { Ok(expr) }
    }

    fn primary(&mut self, target: bool) -> Result<Expr, Error> {
        let token = self.current();
        match token.kind {
            Kind::Name => {
                self.advance()?;
                if target && self.at(".") {
                    self.advance()?;
                    let name = self.expect_kind(Kind::Name, "name")?;
                    return Ok(Expr::Attr(Box::new(Expr::Var(token.text.into())), name.text.into()));
                }
                Ok(self.named(token.text))
            }
            Kind::String => {
                let mut text = String::new();
                while self.current().kind == Kind::String {
                    let part = self.current();
                    text.push_str(
                        &unescape(part.text, self.syntax.newline.as_str())
                            .map_err(|message| Error::syntax(message).at_line(part.line))?,
                    );
                    self.advance()?;
                }
                Ok(Expr::Const(Value::from(text)))
            }
            Kind::Integer | Kind::Float => {
                self.advance()?;
                Ok(Expr::Const(number(&token)))
            }
            Kind::Operator if token.text == "(" => {
                self.advance()?;
                let expr = self.tuple(Items::Any, None, true)?;
                self.expect(")")?;
                Ok(expr)
            }
            Kind::Operator if token.text == "[" => self.list(),
            Kind::Operator if token.text == "{" => self.dict(),
            _ => Err(self.fail(format!("unexpected '{}'", token.describe()))),
        }
    }

    fn named(&mut self, name: &str) -> Expr {
        match name {
            "true" | "True" => return Expr::Const(Value::Bool(true)),
            "false" | "False" => return Expr::Const(Value::Bool(false)),
            "none" | "None" => return Expr::Const(Value::None),
            "varargs" => self.uses.varargs = true,
            "kwargs" => self.uses.kwargs = true,
            "caller" => self.uses.caller = true,
            _ => {}
        }
        Expr::Var(name.into())
    }

    /// Expressions with commas between them, or one expression. `end` is a name that ends the tuple.
    pub(super) fn tuple(
        &mut self,
        items: Items,
        end: Option<&str>,
        in_parentheses: bool,
    ) -> Result<Expr, Error> {
        let mut exprs = Vec::new();
        let mut is_tuple = false;
        loop {
            if !exprs.is_empty() {
                self.expect(",")?;
            }
            let token = self.current();
            if matches!(token.kind, Kind::VariableEnd | Kind::BlockEnd)
                || self.at(")")
                || end.is_some_and(|end| self.at_name(end))
            {
                break;
            }
            exprs.push(match items {
                Items::Any => self.expression()?,
                Items::NoCondition => self.or()?,
                Items::Targets => self.primary(true)?,
            });
            if !self.at(",") {
                break;
            }
            is_tuple = true;
        }
        if !is_tuple {
            if let Some(single) = exprs.pop() {
                return Ok(single);
            }
            if !in_parentheses {
                let found = self.current().describe().to_owned();
                return Err(self.fail(format!("Expected an expression, got '{found}'")));
            }
        }
        Ok(Expr::Tuple(exprs))
    }

    fn list(&mut self) -> Result<Expr, Error> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.at("]") {
            if !items.is_empty() {
                self.expect(",")?;
            }
            if self.at("]") {
                break;
            }
            items.push(self.expression()?);
        }
        self.expect("]")?;
        Ok(Expr::List(items))
    }

    fn dict(&mut self) -> Result<Expr, Error> {
        self.expect("{")?;
        let mut pairs = Vec::new();
        while !self.at("}") {
            if !pairs.is_empty() {
                self.expect(",")?;
            }
            if self.at("}") {
                break;
            }
            let key = self.expression()?;
            self.expect(":")?;
            pairs.push((key, self.expression()?));
        }
        self.expect("}")?;
        Ok(Expr::Dict(pairs))
    }

    fn postfix(&mut self, mut expr: Expr) -> Result<Expr, Error> {
        loop {
            expr = if self.at(".") || self.at("[") {
                self.subscript(expr)?
            } else if self.at("(") {
                self.call(expr)?
            } else {
                return Ok(expr);
            };
        }
    }

    fn filters_and_tests(&mut self, mut expr: Expr) -> Result<Expr, Error> {
        loop {
            expr = if self.at("|") {
                self.filter(Some(expr), false)?.unwrap_or(Expr::Const(Value::None))
            } else if self.at_name("is") {
                self.test(expr)?
            } else if self.at("(") {
                self.call(expr)?
            } else {
                return Ok(expr);
            };
        }
    }

    fn subscript(&mut self, object: Expr) -> Result<Expr, Error> {
        if self.skip(".")? {
            let token = self.advance()?;
            return match token.kind {
                Kind::Name => Ok(Expr::Attr(Box::new(object), token.text.into())),
                Kind::Integer => Ok(Expr::Item(Box::new(object), Box::new(Expr::Const(number(&token))))),
                _ => Err(Error::syntax("expected name or number").at_line(token.line)),
            };
        }
        self.expect("[")?;
        let mut keys: Vec<Subscript> = Vec::new();
        while !self.at("]") {
            if !keys.is_empty() {
                self.expect(",")?;
            }
            keys.push(self.subscribed()?);
        }
        self.expect("]")?;
        match (keys.pop(), keys.is_empty()) {
            (Some(Subscript::Slice(bounds)), true) => Ok(Expr::Slice(Box::new(object), bounds)),
            (Some(Subscript::Key(key)), true) => Ok(Expr::Item(Box::new(object), Box::new(key))),
            (last, _) => {
                let keys = keys.into_iter().chain(last).map(|key| match key {
                    Subscript::Key(key) => Ok(key),
                    Subscript::Slice(_) => Err(self.fail("a slice cannot stand beside other subscripts")),
                });
                let keys = keys.collect::<Result<_, _>>()?;
                Ok(Expr::Item(Box::new(object), Box::new(Expr::Tuple(keys))))
            }
        }
    }

    fn subscribed(&mut self) -> Result<Subscript, Error> {
        let mut bounds = [None, None, None];
        if !self.at(":") {
            let key = self.expression()?;
            if !self.at(":") {
                return Ok(Subscript::Key(key));
            }
            bounds[0] = Some(key);
        }
        self.expect(":")?;
        for bound in &mut bounds[1..] {
            if !(self.at(":") || self.at("]") || self.at(",")) {
                *bound = Some(self.expression()?);
            }
            if !self.skip(":")? {
                break;
            }
        }
        Ok(Subscript::Slice(Box::new(bounds)))
    }

    pub(super) fn call(&mut self, callee: Expr) -> Result<Expr, Error> {
        let at = self.current().at;
        let args = self.call_args()?;
        if let Expr::Var(name) = &callee
            && matches!(name.as_ref(), "lookup" | "query" | "q")
            && let Some(lookup) = literal(&args, 0)
        {
            self.refer(PluginKind::Lookup, &lookup, at, true);
        }
        Ok(Expr::Call(Box::new(callee), args))
    }

    fn call_args(&mut self) -> Result<CallArgs, Error> {
        let line = self.expect("(")?.line;
        let wrong = || Error::syntax("invalid syntax for function call expression").at_line(line);
        let mut args: Vec<CallArg> = Vec::new();
        let has = |args: &[CallArg], test: fn(&CallArg) -> bool| args.iter().any(test);
        while !self.at(")") {
            if !args.is_empty() {
                self.expect(",")?;
                if self.at(")") {
                    break;
                }
            }
            let named_splat = has(&args, |arg| matches!(arg, CallArg::NamedSplat(_)));
            let splat = has(&args, |arg| matches!(arg, CallArg::Splat(_)));
            let valid = if self.skip("*")? {
                args.push(CallArg::Splat(self.expression()?));
                !splat && !named_splat
            } else if self.skip("**")? {
                args.push(CallArg::NamedSplat(self.expression()?));
                !named_splat
            } else if self.current().kind == Kind::Name && is_operator(&self.look()?, "=") {
                let name = self.advance()?.text;
                if args.iter().any(|arg| matches!(arg, CallArg::Named(known, _) if **known == *name)) {
                    return Err(Error::syntax(format!("keyword argument repeated: {name}")).at_line(line));
                }
                self.advance()?;
                args.push(CallArg::Named(name.into(), self.expression()?));
                !named_splat
            } else {
                let named = has(&args, |arg| matches!(arg, CallArg::Named(..)));
                args.push(CallArg::Positional(self.expression()?));
                !(named_splat || splat || named)
            };
            if !valid {
                return Err(wrong());
            }
        }
        self.expect(")")?;
        Ok(CallArgs { args })
    }

    /// A dotted name of a plugin, and where it starts.
    fn plugin_name(&mut self) -> Result<(String, usize), Error> {
        let token = self.expect_kind(Kind::Name, "name")?;
        let mut name = token.text.to_owned();
        while self.skip(".")? {
            name.push('.');
            name.push_str(self.expect_kind(Kind::Name, "name")?.text);
        }
        Ok((name, token.at))
    }

    /// `| name(…)`, as often as it stands here; the first may lack its `|`.
    pub(super) fn filter(&mut self, mut expr: Option<Expr>, mut inline: bool) -> Result<Option<Expr>, Error> {
        while inline || self.at("|") {
            if !inline {
                self.advance()?;
            }
            inline = false;
            let (name, at) = self.plugin_name()?;
            let args = if self.at("(") { self.call_args()? } else { CallArgs::default() };
            self.refer(PluginKind::Filter, &name, at, false);
            let inner = match name.as_str() {
                "map" => literal(&args, 0).map(|name| (PluginKind::Filter, name)),
                "select" | "reject" => literal(&args, 0).map(|name| (PluginKind::Test, name)),
                "selectattr" | "rejectattr" => literal(&args, 1).map(|name| (PluginKind::Test, name)),
                _ => None,
            };
            if let Some((kind, inner)) = inner {
                self.refer(kind, &inner, at, true);
            }
            expr = Some(Expr::Filter(expr.map(Box::new), name.into(), args));
        }
        Ok(expr)
    }

    fn test(&mut self, expr: Expr) -> Result<Expr, Error> {
        self.expect_name("is")?;
        let negated = self.skip_name("not")?;
        let (name, at) = self.plugin_name()?;
        let token = self.current();
        let starts = matches!(token.kind, Kind::Name | Kind::String | Kind::Integer | Kind::Float)
            || self.at("[")
            || self.at("{");
        let args = if self.at("(") {
            self.call_args()?
        } else if starts && !["else", "or", "and"].iter().any(|word| self.at_name(word)) {
            if self.at_name("is") {
                return Err(self.fail("You cannot chain multiple tests with is"));
            }
            let argument = self.primary(false)?;
            CallArgs { args: vec![CallArg::Positional(self.postfix(argument)?)] }
        } else {
            CallArgs::default()
        };
        self.refer(PluginKind::Test, &name, at, false);
        let test = Expr::Test(Box::new(expr), name.into(), args);
        Ok(if negated { Expr::Not(Box::new(test)) } else { test })
    }
}

/// What stands between brackets.
enum Subscript {
    Key(Expr),
    Slice(Box<[Option<Expr>; 3]>),
}

fn is_name(token: &Token<'_>, name: &str) -> bool {
    token.kind == Kind::Name && token.text == name
}

fn is_operator(token: &Token<'_>, operator: &str) -> bool {
    token.kind == Kind::Operator && token.text == operator
}

/// The text of a literal argument.
fn literal(args: &CallArgs, position: usize) -> Option<String> {
    match args.args.get(position) {
        Some(CallArg::Positional(Expr::Const(value))) => value.as_str().map(ToOwned::to_owned),
        _ => None,
    }
}

fn number(token: &Token<'_>) -> Value {
    let text = token.text.replace('_', "").to_ascii_lowercase();
    if token.kind == Kind::Float {
        return Value::Float(text.parse().unwrap_or(f64::NAN));
    }
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)];
    let found = radix.iter().find_map(|(prefix, radix)| Some((text.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = found.unwrap_or((&text, 10));
    BigInt::parse_bytes(digits.as_bytes(), radix).map_or(Value::None, Value::from)
}

/// The text of a string literal: Python's `unicode-escape`.
fn unescape(literal: &str, newline: &str) -> Result<String, String> {
    let body = literal.get(1..literal.len().saturating_sub(1)).unwrap_or_default();
    let body = if newline == "\n" { body.to_owned() } else { body.replace('\n', newline) };
    if !body.contains('\\') {
        return Ok(body);
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body.as_str();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(c) = rest.chars().next() else { return Err("\\ at end of string".to_owned()) };
        rest = &rest[c.len_utf8()..];
        match c {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(c),
            'a' => out.push('\x07'),
            'b' => out.push('\x08'),
            'f' => out.push('\x0c'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\x0b'),
            'x' | 'u' | 'U' => {
                let (len, name) = match c {
                    'x' => (2, "truncated \\xXX escape"),
                    'u' => (4, "truncated \\uXXXX escape"),
                    _ => (8, "truncated \\UXXXXXXXX escape"),
                };
                let digits = rest.get(..len).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
                let digits = digits.ok_or_else(|| name.to_owned())?;
                let code = u32::from_str_radix(digits, 16).unwrap_or(u32::MAX);
                out.push(char::from_u32(code).ok_or_else(|| "illegal Unicode character".to_owned())?);
                rest = &rest[len..];
            }
            '0'..='7' => {
                let len = 1 + rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
                let digits = format!("{c}{}", &rest[..len - 1]);
                rest = &rest[len - 1..];
                out.extend(u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32));
            }
            'N' => return Err("malformed \\N character escape".to_owned()),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}
