//! Scalars without quotes.

use std::borrow::Cow;

use super::flow_scalar::Fold;
use super::{Dialect, Error, Mark, Scanner, Style, TokenKind};

impl<'a> Scanner<'a> {
    pub(super) fn fetch_plain_scalar(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;

        let start = self.mark();
        let indent = self.indent + 1;
        let mut end = start;
        // What the current line adds, and the folded lines before it.
        let mut line = self.pos..self.pos;
        let mut folded = String::new();
        let mut fold = Fold::default();
        loop {
            if self.byte(0) == b'#' || self.at_document_indicator() {
                break;
            }
            let from = self.pos;
            self.skip_plain_run(start)?;
            if self.pos > from {
                if fold.is_open() {
                    folded.push_str(&self.text[line.clone()]);
                    fold.close(&mut folded);
                    line.start = from;
                }
                line.end = self.pos;
                end = self.mark();
            }
            if !self.blank() && self.break_width(0) == 0 {
                break;
            }
            self.skip_plain_whitespace(&mut fold, indent, start)?;
            if self.flow_level == 0 && (self.column() as i32) < indent {
                break;
            }
        }
        let last = &self.text[line];
        let text = if folded.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(folded + last) };
        self.tokens.push_back(super::Token {
            kind: TokenKind::Scalar { text, style: Style::Plain },
            start,
            end,
        });
        if fold.is_open() {
            self.simple_key_allowed = true;
        }
        Ok(())
    }

    /// Passes characters up to a blank, a line break or an indicator that ends the scalar.
    fn skip_plain_run(&mut self, start: Mark) -> Result<(), Error> {
        let in_flow = self.flow_level > 0;
        loop {
            let byte = self.byte(0);
            match PLAIN_CLASS[byte as usize] {
                Class::Content => self.pos += 1,
                Class::Blank => return Ok(()),
                Class::Flow if in_flow && !(byte == b'?' && self.dialect == Dialect::LibYaml) => {
                    return Ok(());
                }
                Class::Flow => self.pos += 1,
                Class::Colon => {
                    let next = self.byte(1);
                    if in_flow
                        && self.dialect == Dialect::LibYaml
                        && matches!(next, b',' | b'?' | b'[' | b']' | b'{' | b'}')
                    {
                        let error = self.scanner_error("found unexpected ':'");
                        return Err(error.with_context("while scanning a plain scalar", start));
                    }
                    if self.blank_or_end(1) {
                        return Ok(());
                    }
                    self.pos += 1;
                }
                Class::Wide if self.break_width(0) > 0 => return Ok(()),
                Class::Wide => self.advance_char(),
            }
        }
    }

    fn skip_plain_whitespace(&mut self, fold: &mut Fold<'a>, indent: i32, start: Mark) -> Result<(), Error> {
        loop {
            if self.blank() {
                if fold.is_open() && (self.column() as i32) < indent && self.byte(0) == b'\t' {
                    let error = self.scanner_error("found a tab character that violates indentation");
                    return Err(error.with_context("while scanning a plain scalar", start));
                }
                self.pos += 1;
            } else if let Some(value) = self.take_break() {
                fold.add(value);
            } else {
                return Ok(());
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Class {
    Content,
    /// Space, tab, CR, LF and the end.
    Blank,
    /// What ends a plain scalar in flow context.
    Flow,
    Colon,
    Wide,
}

static PLAIN_CLASS: [Class; 256] = {
    let mut table = [Class::Content; 256];
    let mut byte = 0x80;
    while byte < 256 {
        table[byte] = Class::Wide;
        byte += 1;
    }
    table[0] = Class::Blank;
    table[b' ' as usize] = Class::Blank;
    table[b'\t' as usize] = Class::Blank;
    table[b'\r' as usize] = Class::Blank;
    table[b'\n' as usize] = Class::Blank;
    table[b':' as usize] = Class::Colon;
    table[b',' as usize] = Class::Flow;
    table[b'?' as usize] = Class::Flow;
    table[b'[' as usize] = Class::Flow;
    table[b']' as usize] = Class::Flow;
    table[b'{' as usize] = Class::Flow;
    table[b'}' as usize] = Class::Flow;
    table
};
