//! Characters to tokens, as libyaml and its Go port do it.
//!
//! A key is only known to be one when its `:` arrives, so tokens wait in a queue as long as the first
//! of them may still turn out to be a simple key; indentation becomes explicit start and end tokens.

mod block_scalar;
mod directive;
mod flow_scalar;
mod plain_scalar;
mod tag;
mod token;

use std::collections::VecDeque;

pub(super) use token::{Token, TokenKind};

use super::document::Limits;
use super::error::{Error, Mark, Stage};
use super::source::Source;

/// Whose grammar is read, where libyaml's descendants differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// go-yaml v2, the reader of Helm and Kubernetes.
    #[default]
    Go,
    /// libyaml 0.2.5, the reader of PyYAML and thus of Ansible.
    LibYaml,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// A simple key must end within this many characters, on its line.
const SIMPLE_KEY_LENGTH: u32 = 1024;

pub(super) struct Scanner<'a> {
    text: &'a str,
    dialect: Dialect,
    limits: Limits,
    /// What is wrong after the end of `text`.
    broken: Option<Error>,
    pos: usize,
    line: u32,
    line_start: usize,
    /// UTF-8 continuation bytes between `line_start` and `pos`.
    line_continuations: usize,
    tokens: VecDeque<Token<'a>>,
    tokens_taken: usize,
    head_ready: bool,
    indent: i32,
    indents: Vec<i32>,
    flow_level: usize,
    simple_key_allowed: bool,
    /// One place for each flow level, and one for the block context.
    simple_keys: Vec<SimpleKey>,
    possible_keys: usize,
}

#[derive(Clone, Copy)]
struct SimpleKey {
    possible: bool,
    required: bool,
    /// Whether the token waits in the queue until it is known to be a key or not.
    held: bool,
    token_number: usize,
    mark: Mark,
}

impl SimpleKey {
    /// The absence of a key, where the token with this number starts a level.
    fn none(token_number: usize) -> Self {
        Self { possible: false, required: false, held: false, token_number, mark: Mark::default() }
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, source: &Source<'_>, dialect: Dialect, limits: Limits) -> Self {
        Self {
            text,
            dialect,
            limits,
            broken: source.broken().cloned(),
            pos: 0,
            line: 1,
            line_start: 0,
            line_continuations: 0,
            tokens: VecDeque::with_capacity(8),
            tokens_taken: 0,
            head_ready: false,
            indent: -1,
            indents: Vec::new(),
            flow_level: 0,
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::none(0)],
            possible_keys: 0,
        }
    }

    /// The next token, which stays in the queue. Must not be called after the end of the stream was taken.
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, Error> {
        if !self.head_ready {
            self.fill()?;
            self.head_ready = true;
        }
        self.tokens.front().ok_or_else(|| self.scanner_error("unexpected end of stream"))
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Result<Token<'a>, Error> {
        self.peek()?;
        self.head_ready = false;
        self.tokens_taken += 1;
        self.tokens.pop_front().ok_or_else(|| self.scanner_error("unexpected end of stream"))
    }

    fn fill(&mut self) -> Result<(), Error> {
        while self.tokens.is_empty() || self.head_may_be_key()? {
            self.fetch_token()?;
        }
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Result<bool, Error> {
        if self.possible_keys == 0 {
            return Ok(false);
        }
        self.drop_stale_keys()?;
        let head = self.tokens_taken;
        match self.simple_keys.iter().position(|key| key.possible && key.held && key.token_number == head) {
            Some(level) => self.key_is_valid(level),
            None => Ok(false),
        }
    }

    fn fetch_token(&mut self) -> Result<(), Error> {
        self.skip_to_token();
        self.drop_stale_keys()?;
        self.unroll_indent(self.column() as i32);
        if self.at_end() {
            return self.fetch_stream_end();
        }
        let first = self.byte(0);
        if self.column() == 0 {
            match first {
                b'%' => return self.fetch_directive(),
                b'-' if self.at_document_indicator() => {
                    return self.fetch_document_indicator(TokenKind::DocumentStart);
                }
                b'.' if self.at_document_indicator() => {
                    return self.fetch_document_indicator(TokenKind::DocumentEnd);
                }
                _ => {}
            }
        }
        let in_flow = self.flow_level > 0;
        match first {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.blank_or_end(1) => self.fetch_block_entry(),
            b'?' if in_flow || self.blank_or_end(1) => self.fetch_key(),
            b':' if in_flow || self.blank_or_end(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !in_flow => self.fetch_block_scalar(),
            b'\'' | b'"' => self.fetch_flow_scalar(),
            b'\t' | b'|' | b'>' | b'%' | b'@' | b'`' | b'#' => {
                let mark = self.mark();
                Err(self
                    .scanner_error("found character that cannot start any token")
                    .with_context("while scanning for the next token", mark))
            }
            _ => self.fetch_plain_scalar(),
        }
    }

    /// Skips spaces, comments, line breaks, and tabs where they cannot be taken for indentation.
    fn skip_to_token(&mut self) {
        loop {
            if self.dialect == Dialect::LibYaml
                && self.column() == 0
                && self.text[self.pos..].starts_with('\u{feff}')
            {
                self.advance_char();
            }
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            let rest = &self.text.as_bytes()[self.pos..];
            self.pos += rest.iter().take_while(|&&byte| byte == b' ' || (tabs && byte == b'\t')).count();
            if self.byte(0) == b'#' {
                self.skip_comment();
            }
            if !self.skip_break() {
                return;
            }
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    fn skip_comment(&mut self) {
        while !self.break_or_end(0) {
            self.advance_char();
        }
    }

    // --- Simple keys -------------------------------------------------------------------------------

    fn key_is_valid(&mut self, level: usize) -> Result<bool, Error> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        let stale = key.mark.line < self.line || key.mark.column - 1 + SIMPLE_KEY_LENGTH < self.column();
        if !stale {
            return Ok(true);
        }
        if key.required {
            return Err(self.missing_value(key.mark));
        }
        self.forget_key(level);
        Ok(false)
    }

    /// libyaml looks at all keys before each token, where go-yaml waits until one of them matters.
    fn drop_stale_keys(&mut self) -> Result<(), Error> {
        if self.dialect == Dialect::LibYaml && self.possible_keys > 0 {
            for level in 0..self.simple_keys.len() {
                self.key_is_valid(level)?;
            }
        }
        Ok(())
    }

    fn save_key(&mut self) -> Result<(), Error> {
        if !self.simple_key_allowed {
            return Ok(());
        }
        let required = self.flow_level == 0 && self.indent == self.column() as i32;
        self.remove_key()?;
        let level = self.simple_keys.len() - 1;
        let token_number = self.tokens_taken + self.tokens.len();
        self.simple_keys[level] =
            SimpleKey { possible: true, required, held: true, token_number, mark: self.mark() };
        self.possible_keys += 1;
        Ok(())
    }

    fn remove_key(&mut self) -> Result<(), Error> {
        let level = self.simple_keys.len() - 1;
        let key = self.simple_keys[level];
        if key.possible && key.required {
            return Err(self.missing_value(key.mark));
        }
        self.forget_key(level);
        Ok(())
    }

    fn forget_key(&mut self, level: usize) {
        if std::mem::take(&mut self.simple_keys[level].possible) {
            self.possible_keys -= 1;
        }
    }

    fn missing_value(&self, key: Mark) -> Error {
        self.scanner_error("could not find expected ':'").with_context("while scanning a simple key", key)
    }

    // --- Indentation -------------------------------------------------------------------------------

    /// Opens a block collection at `column`, before the token `before` (counted from the start of the
    /// stream) or at the end of the queue.
    fn roll_indent(
        &mut self,
        column: i32,
        before: Option<usize>,
        kind: TokenKind<'a>,
        mark: Mark,
    ) -> Result<(), Error> {
        if self.flow_level > 0 || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        self.check_depth("while increasing indent level")?;
        let token = Token { kind, start: mark, end: mark };
        self.insert(before, token);
        Ok(())
    }

    fn unroll_indent(&mut self, column: i32) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.push_here(TokenKind::BlockEnd);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    fn check_depth(&self, context: &'static str) -> Result<(), Error> {
        let limit = self.limits.depth;
        if self.indents.len() + self.flow_level <= limit {
            return Ok(());
        }
        let problem = format!("exceeded max depth of {limit}");
        Err(Error::new(Stage::Scanner, problem, Some(self.mark())).with_context(context, self.mark()))
    }

    // --- Tokens of one or a few characters -----------------------------------------------------------

    fn fetch_stream_end(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.column() != 0 {
            self.start_line(self.pos);
        }
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push_here(TokenKind::StreamEnd);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;
        self.push_ascii(kind, 3);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.save_key()?;
        self.simple_keys.push(SimpleKey::none(self.tokens_taken + self.tokens.len()));
        self.flow_level += 1;
        self.check_depth("while increasing flow level")?;
        self.simple_key_allowed = true;
        self.push_ascii(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Result<(), Error> {
        self.remove_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            let inner = self.simple_keys.pop();
            // go-yaml forgets to hold an empty collection back: `{}: a` is read as `{}` and a stray value.
            if let (Dialect::Go, Some(inner), Some(outer)) =
                (self.dialect, inner, self.simple_keys.last_mut())
                && inner.token_number == outer.token_number
            {
                outer.held = false;
            }
        }
        self.simple_key_allowed = false;
        self.push_ascii(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), Error> {
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_ascii(TokenKind::FlowEntry, 1);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), Error> {
        self.open_block(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.remove_key()?;
        self.simple_key_allowed = true;
        self.push_ascii(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), Error> {
        self.open_block(TokenKind::BlockMappingStart, "mapping keys are not allowed in this context")?;
        self.remove_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.push_ascii(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), Error> {
        let level = self.simple_keys.len() - 1;
        if self.key_is_valid(level)? {
            let key = self.simple_keys[level];
            let token = Token { kind: TokenKind::Key, start: key.mark, end: key.mark };
            self.insert(Some(key.token_number), token);
            let column = key.mark.column as i32 - 1;
            self.roll_indent(column, Some(key.token_number), TokenKind::BlockMappingStart, key.mark)?;
            self.forget_key(level);
            self.simple_key_allowed = false;
        } else {
            self.open_block(TokenKind::BlockMappingStart, "mapping values are not allowed in this context")?;
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.push_ascii(TokenKind::Value, 1);
        Ok(())
    }

    /// Opens a block collection here unless it is open already or flow context makes it needless.
    fn open_block(&mut self, kind: TokenKind<'a>, refusal: &'static str) -> Result<(), Error> {
        if self.flow_level > 0 {
            return Ok(());
        }
        if !self.simple_key_allowed {
            return Err(self.scanner_error(refusal));
        }
        self.roll_indent(self.column() as i32, None, kind, self.mark())
    }

    /// `&anchor` or `*alias`.
    fn fetch_anchor(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        let is_alias = self.byte(0) == b'*';
        self.pos += 1;
        let name = self.take_word();
        let delimited = self.blank_or_end(0)
            || matches!(self.byte(0), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !delimited {
            let context = if is_alias { "while scanning an alias" } else { "while scanning an anchor" };
            return Err(self
                .scanner_error("did not find expected alphabetic or numeric character")
                .with_context(context, start));
        }
        self.push_from(start, if is_alias { TokenKind::Alias(name) } else { TokenKind::Anchor(name) });
        Ok(())
    }

    /// Puts a token before the one with a number, or at the end when there is none or it was taken.
    fn insert(&mut self, before: Option<usize>, token: Token<'a>) {
        match before.and_then(|number| number.checked_sub(self.tokens_taken)) {
            Some(at) if at < self.tokens.len() => self.tokens.insert(at, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn push_here(&mut self, kind: TokenKind<'a>) {
        let mark = self.mark();
        self.tokens.push_back(Token { kind, start: mark, end: mark });
    }

    fn push_from(&mut self, start: Mark, kind: TokenKind<'a>) {
        let end = self.mark();
        self.tokens.push_back(Token { kind, start, end });
    }

    fn push_ascii(&mut self, kind: TokenKind<'a>, width: usize) {
        let start = self.mark();
        self.pos += width;
        self.push_from(start, kind);
    }

    // --- Characters ----------------------------------------------------------------------------------

    fn at_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The byte `ahead` of the position; 0 after the end (the text itself holds no 0).
    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.pos + ahead).copied().unwrap_or(0)
    }

    fn blank(&self) -> bool {
        matches!(self.byte(0), b' ' | b'\t')
    }

    /// The width of the line break at `ahead`, 0 when there is none.
    fn break_width(&self, ahead: usize) -> usize {
        match self.byte(ahead) {
            b'\n' => 1,
            b'\r' if self.byte(ahead + 1) == b'\n' => 2,
            b'\r' => 1,
            0xC2 if self.byte(ahead + 1) == 0x85 => 2,
            0xE2 if self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9) => 3,
            _ => 0,
        }
    }

    fn break_or_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.break_width(ahead) > 0
    }

    fn blank_or_end(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t') || self.break_or_end(ahead)
    }

    /// `---` or `...` as a word of its own at the start of a line.
    fn at_document_indicator(&self) -> bool {
        self.column() == 0
            && matches!(self.text.as_bytes().get(self.pos..self.pos + 3), Some(b"---" | b"..."))
            && self.blank_or_end(3)
    }

    fn advance_char(&mut self) {
        let width = char_width(self.byte(0));
        self.pos += width;
        self.line_continuations += width - 1;
    }

    /// Moves to `to` on the same line.
    fn advance_to(&mut self, to: usize) {
        let passed = &self.text.as_bytes()[self.pos..to];
        if !passed.is_ascii() {
            self.line_continuations += passed.iter().filter(|byte| **byte & 0xC0 == 0x80).count();
        }
        self.pos = to;
    }

    /// Passes a line break if there is one.
    fn skip_break(&mut self) -> bool {
        self.take_break().is_some()
    }

    /// Passes a line break and gives what it stands for: `\n`, or itself for LS and PS.
    fn take_break(&mut self) -> Option<&'a str> {
        let width = self.break_width(0);
        let value = match width {
            0 => return None,
            3 => &self.text[self.pos..self.pos + 3],
            _ => "\n",
        };
        self.start_line(self.pos + width);
        Some(value)
    }

    fn start_line(&mut self, at: usize) {
        self.pos = at;
        self.line += 1;
        self.line_start = at;
        self.line_continuations = 0;
    }

    fn skip_blanks(&mut self) {
        while self.blank() {
            self.pos += 1;
        }
    }

    /// Takes a run of letters, digits, `_` and `-`.
    fn take_word(&mut self) -> &'a str {
        let rest = &self.text[self.pos..];
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let word = &rest[..rest.bytes().take_while(is_word).count()];
        self.pos += word.len();
        word
    }

    fn column(&self) -> u32 {
        (self.pos - self.line_start - self.line_continuations) as u32
    }

    fn mark(&self) -> Mark {
        Mark { offset: self.pos as u32, line: self.line, column: self.column() + 1 }
    }

    /// An error at the position; a bad byte is the better explanation when the text ends with one.
    fn scanner_error(&self, problem: &'static str) -> Error {
        match &self.broken {
            Some(error) if self.at_end() => error.clone(),
            _ => Error::new(Stage::Scanner, problem, Some(self.mark())),
        }
    }
}

fn char_width(first: u8) -> usize {
    match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}
