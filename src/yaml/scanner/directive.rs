//! `%YAML` and `%TAG` lines.

use super::{Dialect, Error, Mark, Scanner, TokenKind};

impl<'a> Scanner<'a> {
    pub(super) fn fetch_directive(&mut self) -> Result<(), Error> {
        self.unroll_indent(-1);
        self.remove_key()?;
        self.simple_key_allowed = false;

        let start = self.mark();
        self.pos += 1;
        let kind = self.scan_directive(start)?;
        let end = self.mark();

        self.skip_blanks();
        if self.byte(0) == b'#' {
            self.skip_comment();
        }
        if !self.break_or_end(0) {
            return Err(self.directive_error(start, "did not find expected comment or line break"));
        }
        self.skip_break();
        self.tokens.push_back(super::Token { kind, start, end });
        Ok(())
    }

    fn scan_directive(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        let name = self.take_word();
        if name.is_empty() {
            return Err(self.directive_error(start, "could not find expected directive name"));
        }
        if !self.blank_or_end(0) {
            return Err(self.directive_error(start, "found unexpected non-alphabetical character"));
        }
        match name {
            "YAML" => self.scan_version(start),
            "TAG" => self.scan_tag_directive(start),
            _ => Err(self.directive_error(start, "found unknown directive name")),
        }
    }

    fn directive_error(&self, start: Mark, problem: &'static str) -> Error {
        self.scanner_error(problem).with_context("while scanning a directive", start)
    }

    fn scan_version(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        const CONTEXT: &str = "while scanning a %YAML directive";
        self.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.byte(0) != b'.' {
            let error = self.scanner_error("did not find expected digit or '.' character");
            return Err(error.with_context(CONTEXT, start));
        }
        self.pos += 1;
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Result<u8, Error> {
        const CONTEXT: &str = "while scanning a %YAML directive";
        let longest = if self.dialect == Dialect::Go { 2 } else { 9 };
        let digits = self.text.as_bytes()[self.pos..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > longest {
            self.pos += longest;
            return Err(self
                .scanner_error("found extremely long version number")
                .with_context(CONTEXT, start));
        }
        if digits == 0 {
            return Err(self
                .scanner_error("did not find expected version number")
                .with_context(CONTEXT, start));
        }
        let text = &self.text[self.pos..self.pos + digits];
        self.pos += digits;
        // No version beyond 1.2 is accepted, so that 255 may stand for all larger ones.
        Ok(text.parse::<u32>().map_or(u8::MAX, |number| u8::try_from(number).unwrap_or(u8::MAX)))
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        const CONTEXT: &str = "while scanning a %TAG directive";
        self.skip_blanks();
        let handle = self.scan_tag_handle(true, start)?;
        if !self.blank() {
            return Err(self.scanner_error("did not find expected whitespace").with_context(CONTEXT, start));
        }
        self.skip_blanks();
        let prefix = self.scan_tag_uri(true, true, "", start)?;
        if !self.blank_or_end(0) {
            let error = self.scanner_error("did not find expected whitespace or line break");
            return Err(error.with_context(CONTEXT, start));
        }
        Ok(TokenKind::TagDirective { handle, prefix })
    }
}
