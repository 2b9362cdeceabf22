//! `!`, `!local`, `!!short`, `!handle!suffix` and `!<verbatim>` tags.

use std::borrow::Cow;

use super::{Dialect, Error, Mark, Scanner, TokenKind, char_width};

impl<'a> Scanner<'a> {
    pub(super) fn fetch_tag(&mut self) -> Result<(), Error> {
        self.save_key()?;
        self.simple_key_allowed = false;
        let start = self.mark();
        let kind = if self.byte(1) == b'<' {
            self.scan_verbatim_tag(start)?
        } else {
            self.scan_shorthand_tag(start)?
        };
        let delimited = self.blank_or_end(0)
            || (self.dialect == Dialect::LibYaml && self.flow_level > 0 && self.byte(0) == b',');
        if !delimited {
            let error = self.scanner_error("did not find expected whitespace or line break");
            return Err(error.with_context("while scanning a tag", start));
        }
        self.push_from(start, kind);
        Ok(())
    }

    fn scan_verbatim_tag(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        self.pos += 2;
        let suffix = self.scan_tag_uri(true, false, "", start)?;
        if self.byte(0) != b'>' {
            let error = self.scanner_error("did not find the expected '>'");
            return Err(error.with_context("while scanning a tag", start));
        }
        self.pos += 1;
        Ok(TokenKind::Tag { handle: "", suffix })
    }

    fn scan_shorthand_tag(&mut self, start: Mark) -> Result<TokenKind<'a>, Error> {
        let uri_chars = self.dialect == Dialect::Go;
        let handle = self.scan_tag_handle(false, start)?;
        if handle.len() > 1 && handle.ends_with('!') {
            let suffix = self.scan_tag_uri(uri_chars, false, "", start)?;
            return Ok(TokenKind::Tag { handle, suffix });
        }
        let suffix = self.scan_tag_uri(uri_chars, false, handle, start)?;
        // A lone `!` is no handle but the whole tag.
        let (handle, suffix) = if suffix.is_empty() { ("", Cow::Borrowed("!")) } else { ("!", suffix) };
        Ok(TokenKind::Tag { handle, suffix })
    }

    pub(super) fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Result<&'a str, Error> {
        let from = self.pos;
        if self.byte(0) != b'!' {
            return Err(self.tag_error(directive, start, "did not find expected '!'"));
        }
        self.pos += 1;
        self.take_word();
        if self.byte(0) == b'!' {
            self.pos += 1;
        } else if directive && self.pos > from + 1 {
            return Err(self.tag_error(directive, start, "did not find expected '!'"));
        }
        Ok(&self.text[from..self.pos])
    }

    /// Scans the rest of a tag whose start `head` (with its `!`) was taken for a handle. `uri_chars`
    /// also allows `,`, `[` and `]`.
    pub(super) fn scan_tag_uri(
        &mut self,
        uri_chars: bool,
        directive: bool,
        head: &str,
        start: Mark,
    ) -> Result<Cow<'a, str>, Error> {
        let mut uri = head.get(1..).unwrap_or("").to_owned();
        let mut found = !head.is_empty();
        loop {
            match self.byte(0) {
                b'%' => uri.push(self.scan_uri_escape(directive, start)?),
                byte if is_uri_char(byte) || (uri_chars && matches!(byte, b',' | b'[' | b']')) => {
                    uri.push(byte as char);
                    self.pos += 1;
                }
                _ => break,
            }
            found = true;
        }
        if found {
            Ok(Cow::Owned(uri))
        } else {
            Err(self.tag_error(directive, start, "did not find expected tag URI"))
        }
    }

    fn scan_uri_escape(&mut self, directive: bool, start: Mark) -> Result<char, Error> {
        let mut octets = Vec::with_capacity(4);
        let mut width = 1;
        while octets.len() < width {
            let hex = |ahead| char::from(self.byte(ahead)).to_digit(16);
            let (b'%', Some(high), Some(low)) = (self.byte(0), hex(1), hex(2)) else {
                return Err(self.tag_error(directive, start, "did not find URI escaped octet"));
            };
            let octet = (high * 16 + low) as u8;
            match (octets.is_empty(), octet) {
                (true, 0x80..0xC0 | 0xF8..) => {
                    return Err(self.tag_error(directive, start, "found an incorrect leading UTF-8 octet"));
                }
                (true, _) => width = char_width(octet),
                (false, 0x80..0xC0) => {}
                (false, _) => {
                    return Err(self.tag_error(directive, start, "found an incorrect trailing UTF-8 octet"));
                }
            }
            octets.push(octet);
            self.pos += 3;
        }
        let decoded = std::str::from_utf8(&octets).ok().and_then(|text| text.chars().next());
        decoded.ok_or_else(|| self.tag_error(directive, start, "found an incorrect leading UTF-8 octet"))
    }

    fn tag_error(&self, directive: bool, start: Mark, problem: &'static str) -> Error {
        let context = if directive { "while parsing a %TAG directive" } else { "while parsing a tag" };
        self.scanner_error(problem).with_context(context, start)
    }
}

fn is_uri_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$.!~*'()".contains(&byte)
}
