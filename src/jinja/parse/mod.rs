//! From text to [`Template`], by the grammar of Jinja 3.1.
//!
//! ```text
//! text ─ lexer ─> tokens ─ statement, expression ─> ast::Template
//! ```
//!
//! Ansible's roles see Jinja's own messages, its precedence of operators (`-2 ** 2` is 4) and its white space
//! rules, so the grammar is followed to the letter; `syntax` says what a template or setting may change of it.

mod expression;
mod lexer;
mod statement;
mod stream;
mod syntax;

use std::borrow::Cow;

use super::ast::{Expr, Reference, Template};
use super::error::Error;
use super::names;
use lexer::{Kind, Lexer};
use stream::Parser;
pub use syntax::{Delimiters, Newline, Syntax};

/// Parses a template.
///
/// # Errors
/// The text is no template; the message is Jinja's.
pub fn parse(source: &str, syntax: &Syntax) -> Result<Template, Error> {
    let source = normalise(source, syntax);
    let mut parser = Parser::new(Lexer::new(&source, syntax), &source, syntax)?;
    let body = parser.template()?;
    let names = names::of_body(&body);
    Ok(Template { body, references: parser.references, names })
}

/// Parses one expression without delimiters.
///
/// # Errors
/// The text is no expression.
pub fn parse_expression(source: &str) -> Result<(Expr, Vec<Reference>), Error> {
    let syntax = Syntax::default();
    let mut parser = Parser::new(Lexer::expression(source, &syntax), source, &syntax)?;
    let expr = parser.expression()?;
    parser.end()?;
    Ok((expr, parser.references))
}

/// The source with `\n` as its line ends, and without its last one unless it is kept.
fn normalise<'a>(source: &'a str, syntax: &Syntax) -> Cow<'a, str> {
    let mut source = match source.contains('\r') {
        true => Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(source),
    };
    if !syntax.keep_trailing_newline && source.ends_with('\n') {
        match &mut source {
            Cow::Borrowed(text) => *text = &text[..text.len() - 1],
            Cow::Owned(text) => {
                text.pop();
            }
        }
    }
    source
}

/// Doubles the backslashes of string literals within `{{ }}`, as Ansible does for text from YAML, so
/// that `'\1'` means a backslash and a one. None when there is nothing to double.
///
/// # Errors
/// The text is no template; Ansible gives Jinja's own message here, without a word about the template.
pub fn double_backslashes(source: &str, syntax: &Syntax) -> Result<Option<String>, Error> {
    let open = syntax.delimiters.as_ref().map_or("{{", |delimiters| delimiters.variable.0.as_str());
    if !source.contains('\\') || !source.contains(open) {
        return Ok(None);
    }
    let source = normalise(source, syntax);
    let mut lexer = Lexer::new(&source, syntax);
    let mut out = String::with_capacity(source.len() + 8);
    let mut copied = 0;
    let mut in_variable = false;
    loop {
        let token = lexer
            .next()
            .map_err(|error| Error::exception(format!("{error}\n  line {}", error.line().unwrap_or(1))))?;
        match token.kind {
            Kind::VariableBegin => in_variable = true,
            Kind::VariableEnd => in_variable = false,
            Kind::String if in_variable => {
                out.push_str(source.get(copied..token.at).unwrap_or_default());
                out.push_str(&token.text.replace('\\', "\\\\"));
                copied = token.at + token.text.len();
            }
            Kind::End => break,
            _ => {}
        }
    }
    out.push_str(source.get(copied..).unwrap_or_default());
    Ok(Some(out))
}
