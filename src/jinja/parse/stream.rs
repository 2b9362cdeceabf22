//! The parser's view of the tokens: one is current, one may be looked at ahead.

use std::collections::VecDeque;

use super::lexer::{Kind, Lexer, Token};
use super::syntax::Syntax;
use crate::jinja::ast::{MacroUses, PluginKind, Reference};
use crate::jinja::error::Error;

/// A parser of templates.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    source: &'a str,
    pub(super) syntax: &'a Syntax,
    current: Token<'a>,
    ahead: VecDeque<Token<'a>>,
    /// The filters, tests and lookups that were named so far.
    pub(super) references: Vec<Reference>,
    /// The special names that the macro around uses.
    pub(super) uses: MacroUses,
    /// The tags that are open.
    pub(super) tags: Vec<String>,
    /// The names that may end each of the open bodies.
    pub(super) ends: Vec<&'static [&'static str]>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(lexer: Lexer<'a>, source: &'a str, syntax: &'a Syntax) -> Result<Self, Error> {
        let start = Token { kind: Kind::End, text: "", at: 0, line: 1 };
        let mut parser = Parser {
            lexer,
            source,
            syntax,
            current: start,
            ahead: VecDeque::new(),
            references: Vec::new(),
            uses: MacroUses::default(),
            tags: Vec::new(),
            ends: Vec::new(),
        };
        parser.advance()?;
        Ok(parser)
    }

    /// The current token.
    pub(super) fn current(&self) -> Token<'a> {
        self.current
    }

    fn read(&mut self) -> Result<Token<'a>, Error> {
        loop {
            let token = self.lexer.next()?;
            if token.kind != Kind::Skipped {
                return Ok(token);
            }
        }
    }

    /// Takes the current token.
    pub(super) fn advance(&mut self) -> Result<Token<'a>, Error> {
        let next = match self.ahead.pop_front() {
            Some(token) => token,
            None => self.read()?,
        };
        Ok(std::mem::replace(&mut self.current, next))
    }

    /// The token after the current one.
    pub(super) fn look(&mut self) -> Result<Token<'a>, Error> {
        if let Some(token) = self.ahead.front() {
            return Ok(*token);
        }
        let token = self.read()?;
        self.ahead.push_back(token);
        Ok(token)
    }

    /// Whether the current token is this name.
    pub(super) fn at_name(&self, name: &str) -> bool {
        self.current.kind == Kind::Name && self.current.text == name
    }

    /// Whether the current token is this operator.
    pub(super) fn at(&self, operator: &str) -> bool {
        self.current.kind == Kind::Operator && self.current.text == operator
    }

    /// Takes the current token if it is this name.
    pub(super) fn skip_name(&mut self, name: &str) -> Result<bool, Error> {
        let found = self.at_name(name);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes the current token if it is this operator.
    pub(super) fn skip(&mut self, operator: &str) -> Result<bool, Error> {
        let found = self.at(operator);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes the current token, which must be this operator.
    pub(super) fn expect(&mut self, operator: &str) -> Result<Token<'a>, Error> {
        if self.at(operator) { self.advance() } else { Err(self.expected(operator)) }
    }

    /// Takes the current token, which must be this name.
    pub(super) fn expect_name(&mut self, name: &str) -> Result<Token<'a>, Error> {
        if self.at_name(name) { self.advance() } else { Err(self.expected(name)) }
    }

    /// Takes the current token, which must be of this kind; `described` is what messages call it.
    pub(super) fn expect_kind(&mut self, kind: Kind, described: &str) -> Result<Token<'a>, Error> {
        if self.current.kind == kind { self.advance() } else { Err(self.expected(described)) }
    }

    fn expected(&self, what: &str) -> Error {
        match self.current.kind {
            Kind::End => self.fail(format!("unexpected end of template, expected '{what}'.")),
            _ => self.fail(format!("expected token '{what}', got '{}'", self.current.describe())),
        }
    }

    /// The line of the current token, from one.
    pub(super) fn line(&self) -> u32 {
        self.current.line
    }

    /// An error at the current token.
    pub(super) fn fail(&self, message: impl Into<String>) -> Error {
        Error::syntax(message).at_line(self.current.line)
    }

    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), Error> {
        match self.current.kind {
            Kind::End => Ok(()),
            _ => Err(self.fail(format!("unexpected '{}'", self.current.describe()))),
        }
    }

    /// Where the plugins begin that are named from here on.
    pub(super) fn referred(&self) -> usize {
        self.references.len()
    }

    /// Puts the plugins that stand between `from` and `to` behind all others: Jinja compiles that part last, and
    /// the first unknown plugin that it meets is the one that it names.
    pub(super) fn refer_last(&mut self, from: usize, to: usize) {
        self.references[from..].rotate_left(to - from);
    }

    /// Notes a plugin that is named at this byte.
    pub(super) fn refer(&mut self, kind: PluginKind, name: &str, at: usize, by_text: bool) {
        let before = self.source.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before[line_start..].chars().count();
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (line, column) = (small(line), small(column));
        self.references.push(Reference { kind, name: name.into(), line, column, by_text });
    }
}
