//! Literal (`|`) and folded (`>`) scalars.

use std::borrow::Cow;

use super::{Error, Mark, Scanner, Style, TokenKind};

/// What happens to the line breaks at the end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

impl<'a> Scanner<'a> {
    pub(super) fn fetch_block_scalar(&mut self) -> Result<(), Error> {
        self.remove_key()?;
        self.simple_key_allowed = true;

        let start = self.mark();
        let style = if self.byte(0) == b'|' { Style::Literal } else { Style::Folded };
        self.pos += 1;
        let (chomping, increment) = self.scan_block_header(start)?;
        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.skip_comment();
        }
        if !self.break_or_end(0) {
            return Err(self.block_error(start, "did not find expected comment or line break"));
        }
        self.skip_break();

        let mut end = self.mark();
        let mut indent = increment.map_or(0, |increment| self.indent.max(0) + increment);
        let text = self.scan_block_lines(style, chomping, &mut indent, start, &mut end)?;
        self.tokens.push_back(super::Token {
            kind: TokenKind::Scalar { text: Cow::Owned(text), style },
            start,
            end,
        });
        Ok(())
    }

    /// The chomping and indentation indicators, in either order.
    fn scan_block_header(&mut self, start: Mark) -> Result<(Chomping, Option<i32>), Error> {
        let mut chomping = Chomping::Clip;
        let mut increment = None;
        let mut chomped = false;
        for _ in 0..2 {
            match self.byte(0) {
                sign @ (b'+' | b'-') if !chomped => {
                    chomping = if sign == b'+' { Chomping::Keep } else { Chomping::Strip };
                    chomped = true;
                }
                b'0' if increment.is_none() => {
                    return Err(self.block_error(start, "found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(i32::from(digit - b'0')),
                _ => break,
            }
            self.pos += 1;
        }
        Ok((chomping, increment))
    }

    fn scan_block_lines(
        &mut self,
        style: Style,
        chomping: Chomping,
        indent: &mut i32,
        start: Mark,
        end: &mut Mark,
    ) -> Result<String, Error> {
        let mut text = String::new();
        let mut leading_break = "";
        let mut trailing_breaks = String::new();
        let mut after_blank_line_start = false;
        self.scan_block_breaks(indent, &mut trailing_breaks, start, end)?;
        while self.column() as i32 == *indent && !self.at_end() {
            let blank = self.blank();
            if style == Style::Folded && !after_blank_line_start && !blank && leading_break == "\n" {
                if trailing_breaks.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(leading_break);
            }
            text.push_str(&trailing_breaks);
            trailing_breaks.clear();
            after_blank_line_start = blank;

            let from = self.pos;
            self.skip_line_content();
            text.push_str(&self.text[from..self.pos]);
            leading_break = self.take_break().unwrap_or("");
            self.scan_block_breaks(indent, &mut trailing_breaks, start, end)?;
        }
        if chomping != Chomping::Strip {
            text.push_str(leading_break);
        }
        if chomping == Chomping::Keep {
            text.push_str(&trailing_breaks);
        }
        Ok(text)
    }

    fn skip_line_content(&mut self) {
        let mut to = self.pos;
        let bytes = self.text.as_bytes();
        while let Some(step) = bytes[to..].iter().position(|byte| matches!(byte, b'\n' | b'\r' | 0xC2 | 0xE2))
        {
            to += step;
            if self.break_width(to - self.pos) > 0 {
                return self.advance_to(to);
            }
            to += 1;
        }
        self.advance_to(bytes.len());
    }

    /// Passes indentation and empty lines; determines the indentation when it is not known (0).
    fn scan_block_breaks(
        &mut self,
        indent: &mut i32,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Result<(), Error> {
        *end = self.mark();
        let mut widest = 0;
        loop {
            while (*indent == 0 || (self.column() as i32) < *indent) && self.byte(0) == b' ' {
                self.pos += 1;
            }
            widest = widest.max(self.column() as i32);
            if (*indent == 0 || (self.column() as i32) < *indent) && self.byte(0) == b'\t' {
                return Err(
                    self.block_error(start, "found a tab character where an indentation space is expected")
                );
            }
            let Some(value) = self.take_break() else { break };
            breaks.push_str(value);
            *end = self.mark();
        }
        if *indent == 0 {
            *indent = widest.max(self.indent + 1).max(1);
        }
        Ok(())
    }

    fn block_error(&self, start: Mark, problem: &'static str) -> Error {
        self.scanner_error(problem).with_context("while scanning a block scalar", start)
    }
}
