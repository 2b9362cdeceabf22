//! Scalars: the choice of a style, and the styles.

use super::analysis::{Analysis, is_break, is_printable, width};
use super::{Place, Properties, Version, Writer};
use crate::yaml::Style;

/// A scalar to be written.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Scalar<'t> {
    pub(in super::super) text: &'t str,
    pub(in super::super) analysis: Analysis,
    /// The style that is wanted.
    pub(in super::super) style: Style,
    /// Without quotes and without a tag it is what it is.
    pub(in super::super) plain_implicit: bool,
    /// With quotes and without a tag it is what it is.
    pub(in super::super) quoted_implicit: bool,
    /// The tag (short form) is written when neither is the case.
    pub(in super::super) properties: Properties<'t>,
}

/// The characters with an escape of one letter.
const ESCAPES: &[(char, u8)] = &[
    ('\0', b'0'),
    ('\x07', b'a'),
    ('\x08', b'b'),
    ('\t', b't'),
    ('\n', b'n'),
    ('\x0B', b'v'),
    ('\x0C', b'f'),
    ('\r', b'r'),
    ('\x1B', b'e'),
    ('"', b'"'),
    ('\\', b'\\'),
    ('\u{85}', b'N'),
    ('\u{A0}', b'_'),
    ('\u{2028}', b'L'),
    ('\u{2029}', b'P'),
];

impl Scalar<'_> {
    /// What counts for the length of a key.
    pub(super) fn length(&self) -> usize {
        let tag = self.written_tag().map_or(0, str::len);
        self.text.len() + tag + self.properties.anchor.map_or(0, str::len)
    }

    fn written_tag(&self) -> Option<&str> {
        self.properties.tag.filter(|_| !self.plain_implicit && !self.quoted_implicit)
    }
}

impl Writer<'_> {
    pub(super) fn write_scalar(&mut self, scalar: &Scalar<'_>, place: Place) {
        let style = self.select_style(scalar, place);
        let mut tag = scalar.written_tag();
        if tag.is_none() && !scalar.quoted_implicit && style != Style::Plain {
            tag = Some("!");
        }
        self.write_properties(Properties { anchor: scalar.properties.anchor, tag });
        let outer_indent = self.indent;
        self.indent = Some(outer_indent.unwrap_or(0) + self.settings.indent);
        let folds = place == Place::Other;
        match style {
            Style::Plain => self.write_plain(scalar.text, folds),
            Style::SingleQuoted => self.write_single_quoted(scalar.text, folds),
            Style::Literal => self.write_literal(scalar.text),
            _ => self.write_double_quoted(scalar.text, folds),
        }
        self.indent = outer_indent;
    }

    fn select_style(&self, scalar: &Scalar<'_>, place: Place) -> Style {
        let analysis = scalar.analysis;
        let in_flow = self.flow_level > 0;
        let simple_key = place == Place::SimpleKey;
        if simple_key && analysis.multiline {
            return Style::DoubleQuoted;
        }
        let plain_allowed = if in_flow { analysis.flow_plain } else { analysis.block_plain };
        let empty = scalar.text.is_empty() && (in_flow || simple_key);
        let untagged = scalar.written_tag().is_none() && !scalar.plain_implicit;
        match scalar.style {
            Style::Plain if plain_allowed && !empty && !untagged => Style::Plain,
            Style::Plain | Style::SingleQuoted if analysis.single_quoted => Style::SingleQuoted,
            Style::Literal if analysis.block && !in_flow && !simple_key => Style::Literal,
            _ => Style::DoubleQuoted,
        }
    }

    fn write_plain(&mut self, text: &str, folds: bool) {
        self.write_space();
        let fits = text.len() <= self.settings.width.saturating_sub(self.column);
        if !folds || fits {
            self.write_run(text);
        } else {
            self.write_words(text);
        }
        self.whitespace = false;
        self.indention = false;
    }

    /// Writes plain text, folded.
    fn write_words(&mut self, text: &str) {
        let mut after_space = false;
        let mut rest = text;
        while let Some(space) = rest.find(' ') {
            self.write_run(&rest[..space]);
            self.indention &= space == 0;
            after_space &= space == 0;
            let after = &rest[space + 1..];
            self.write_space_or_fold(!after_space && !after.starts_with(' '));
            after_space = true;
            rest = after;
        }
        self.write_run(rest);
    }

    /// Writes a space, or breaks the line in its place when it is long enough.
    fn write_space_or_fold(&mut self, foldable: bool) {
        if foldable && self.column > self.settings.width {
            self.write_indent();
        } else {
            self.out.push(b' ');
            self.column += 1;
        }
    }

    fn write_run(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.column += if text.is_ascii() { text.len() } else { text.chars().count() };
    }

    fn write_single_quoted(&mut self, text: &str, folds: bool) {
        self.write_indicator(b"'", false);
        let mut after_space = false;
        let mut after_break = false;
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let run = rest.find([' ', '\'', '\n', '\u{2028}', '\u{2029}']).unwrap_or(rest.len());
            let width = if run == 0 { character.len_utf8() } else { run };
            let (piece, after) = rest.split_at(width);
            match character {
                ' ' => {
                    let inside = rest.len() < text.len() && !after.is_empty();
                    self.write_space_or_fold(folds && !after_space && inside && !after.starts_with(' '));
                    after_space = true;
                }
                '\n' | '\u{2028}' | '\u{2029}' => {
                    if character == '\n' && !after_break {
                        self.put_break();
                    }
                    self.write_run(piece);
                    self.column = 0;
                    self.indention = true;
                    after_break = true;
                }
                _ => {
                    if std::mem::take(&mut after_break) {
                        self.write_indent();
                    }
                    self.write_run(if character == '\'' { "''" } else { piece });
                    self.indention = false;
                    after_space = false;
                }
            }
            rest = after;
        }
        if after_break && self.settings.version == Version::LibYaml {
            self.write_indent();
        }
        self.write_tight_indicator(b"'");
        self.indention = false;
    }

    fn write_literal(&mut self, text: &str) {
        self.write_indicator(b"|", false);
        if text.starts_with(' ') || is_break(text.as_bytes()) {
            self.write_tight_indicator(self.settings.indent.to_string().as_bytes());
        }
        self.write_tight_indicator(chomping(text));
        self.put_break();
        self.whitespace = true;
        let indent = self.indent.unwrap_or(0);
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(['\n', '\u{2028}', '\u{2029}']).unwrap_or(rest.len());
            if end > 0 {
                self.pad_to(indent);
                self.out.extend_from_slice(&rest.as_bytes()[..end]);
            }
            // The exact column does not matter: the next line starts anew.
            self.column = indent + 1;
            self.indention = false;
            let width = rest[end..].chars().next().map_or(0, char::len_utf8);
            if width > 0 {
                self.out.extend_from_slice(&rest.as_bytes()[end..end + width]);
                self.column = 0;
                self.indention = true;
            }
            rest = &rest[end + width..];
        }
    }

    fn write_double_quoted(&mut self, text: &str, folds: bool) {
        self.write_indicator(b"\"", false);
        let bytes = text.as_bytes();
        // A byte order mark at the start makes go-yaml escape everything.
        let escape_all = text.starts_with('\u{feff}') && self.settings.version != Version::LibYaml;
        let mut after_space = false;
        let mut at = 0;
        while at < bytes.len() {
            let plain = bytes[at..].iter().take_while(|byte| !escape_all && is_plain_quoted(**byte)).count();
            if plain > 0 {
                self.out.extend_from_slice(&bytes[at..at + plain]);
                self.column += plain;
                at += plain;
                after_space = false;
                continue;
            }
            let width = width(bytes[at]);
            if bytes[at] == b' ' && !escape_all {
                if folds
                    && !after_space
                    && self.column > self.settings.width
                    && at > 0
                    && at < bytes.len() - 1
                {
                    self.write_indent();
                    if bytes[at + 1] == b' ' {
                        self.write_run("\\");
                    }
                } else {
                    self.write_run(" ");
                }
                after_space = true;
            } else {
                let character = &text[at..at + width];
                let escaped = escape_all
                    || matches!(bytes[at], b'"' | b'\\')
                    || !is_printable(&bytes[at..])
                    || (!self.settings.unicode && !bytes[at].is_ascii())
                    || is_break(&bytes[at..]);
                if escaped {
                    self.write_escape(character.chars().next().unwrap_or('\0'));
                } else {
                    self.write_run(character);
                }
                after_space = false;
            }
            at += width;
        }
        self.write_tight_indicator(b"\"");
        self.indention = false;
    }

    fn write_escape(&mut self, character: char) {
        if let Some((_, letter)) = ESCAPES.iter().find(|(escaped, _)| *escaped == character) {
            self.out.extend_from_slice(&[b'\\', *letter]);
            self.column += 2;
            return;
        }
        let escape = match u32::from(character) {
            code @ ..=0xFF => format!("\\x{code:02X}"),
            code @ ..=0xFFFF => format!("\\u{code:04X}"),
            code => format!("\\U{code:08X}"),
        };
        self.write_run(&escape);
    }
}

fn chomping(text: &str) -> &'static [u8] {
    let mut last =
        text.chars().rev().map(|character| is_break(character.encode_utf8(&mut [0; 4]).as_bytes()));
    match (last.next(), last.next()) {
        (Some(false) | None, _) => b"-",
        (Some(true), Some(true) | None) => b"+",
        (Some(true), Some(false)) => b"",
    }
}

/// Printable ASCII that needs no thought between double quotes.
fn is_plain_quoted(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~')
}
