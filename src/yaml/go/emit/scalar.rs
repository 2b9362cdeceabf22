//! Strings: the choice of a style, and the styles.

use std::borrow::Cow;

use super::analysis::{Analysis, analyze, is_break, is_printable, width};
use super::{EmitError, Emitter, Place, Version};
use crate::yaml::Style;
use crate::yaml::go::scalar::{Scalar, resolve_plain};
use crate::yaml::go::{base64, utf8};

/// Lines are folded at the first space after this column.
const BEST_WIDTH: usize = 80;

/// Longer keys are written with a `?`.
const SIMPLE_KEY_LENGTH: usize = 128;

/// U+0085, a line break for YAML.
const NEXT_LINE: char = '\u{85}';

const BINARY_TAG: &[u8] = b"!!binary";

/// A string as it will be written.
struct Text<'t> {
    text: Cow<'t, str>,
    /// Bytes that are not UTF-8, in base64.
    binary: bool,
    /// Reading the JSON text changed it.
    refolded: bool,
    analysis: Analysis,
    style: Style,
}

impl Emitter<'_> {
    pub(super) fn write_key(&mut self, key: &[u8]) {
        let key = self.prepare(key);
        if self.version == Version::V2 && (json_length(&key.text) > 1024 || key.refolded) {
            self.fail(EmitError::NotYaml("did not find expected ',' or '}'"));
        }
        let tag = if key.binary { BINARY_TAG.len() } else { 0 };
        if !key.analysis.multiline && key.text.len() + tag <= SIMPLE_KEY_LENGTH {
            self.write_text(&key, Place::SimpleKey);
            self.write_tight_indicator(b":");
            self.indention = false;
            return;
        }
        self.write_indicator(b"?", true);
        self.write_text(&key, Place::Other);
        self.write_indent();
        self.write_indicator(b":", true);
    }

    pub(super) fn write_string(&mut self, bytes: &[u8]) {
        let text = self.prepare(bytes);
        self.write_text(&text, Place::Other);
    }

    fn prepare<'t>(&mut self, bytes: &'t [u8]) -> Text<'t> {
        let (text, binary) = match (std::str::from_utf8(bytes), self.version) {
            (Ok(text), _) => (Cow::Borrowed(text), false),
            (Err(_), Version::V2) => (utf8::replace_invalid(bytes), false),
            (Err(_), Version::V3) => (Cow::Owned(base64::encode_lines(bytes)), true),
        };
        let mut analysis = analyze(&text, self.version);
        let mut text = text;
        let mut refolded = false;
        if self.version == Version::V2 && !analysis.ascii {
            if has_forbidden(text.as_bytes()) {
                self.fail(EmitError::NotYaml("control characters are not allowed"));
            }
            if text.contains(NEXT_LINE) {
                text = Cow::Owned(self.refold(&text));
                analysis = analyze(&text, self.version);
                refolded = true;
            }
        }
        let style = if analysis.newline {
            Style::Literal
        } else if binary || is_plain_string(&text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        Text { text, binary, refolded, analysis, style }
    }

    /// Reads a string from its JSON text as yaml.v2 does: JSON does not escape the next line character,
    /// which YAML folds.
    fn refold(&mut self, text: &str) -> String {
        let mut folded = String::with_capacity(text.len());
        let mut lines = text.split(NEXT_LINE);
        folded.push_str(lines.next().unwrap_or(""));
        let mut breaks = 0;
        let count = text.matches(NEXT_LINE).count();
        for (number, line) in lines.enumerate() {
            if is_document_indicator(line, number + 1 == count) {
                self.fail(EmitError::NotYaml("found unexpected document indicator"));
            }
            if breaks == 0 {
                folded.truncate(folded.trim_end_matches(' ').len());
            }
            breaks += 1;
            let content = line.trim_start_matches(' ');
            if content.is_empty() && number + 1 < count {
                continue;
            }
            folded.push_str(if breaks == 1 { " " } else { "" });
            folded.extend(std::iter::repeat_n('\n', breaks - 1));
            folded.push_str(content);
            breaks = 0;
        }
        folded
    }

    fn write_text(&mut self, text: &Text<'_>, place: Place) {
        let outer_indent = self.indent;
        self.indent = if outer_indent < 0 { super::INDENT } else { outer_indent + super::INDENT };
        if text.binary {
            self.write_space();
            self.write_tight_indicator(BINARY_TAG);
            self.indention = false;
        }
        let folds = place == Place::Other && self.version == Version::V2;
        match select_style(text, place) {
            Style::Plain => self.write_plain(&text.text, folds),
            Style::SingleQuoted => self.write_single_quoted(&text.text, folds),
            Style::Literal => self.write_literal(&text.text),
            _ => self.write_double_quoted(&text.text, folds),
        }
        self.indent = outer_indent;
    }

    fn write_plain(&mut self, text: &str, folds: bool) {
        self.write_space();
        if !folds || self.column + text.len() <= BEST_WIDTH + 1 {
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
        if foldable && self.column > BEST_WIDTH {
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
            let run = rest.find([' ', '\'', '\u{2028}', '\u{2029}']).unwrap_or(rest.len());
            let width = if run == 0 { character.len_utf8() } else { run };
            let (piece, after) = rest.split_at(width);
            match character {
                ' ' => {
                    let inside = rest.len() < text.len() && !after.is_empty();
                    self.write_space_or_fold(folds && !after_space && inside && !after.starts_with(' '));
                    after_space = true;
                }
                '\u{2028}' | '\u{2029}' => {
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
        self.write_tight_indicator(b"'");
        self.indention = false;
    }

    fn write_literal(&mut self, text: &str) {
        self.write_indicator(b"|", false);
        if text.starts_with(' ') || is_break(text.as_bytes()) {
            self.write_tight_indicator(b"2");
        }
        self.write_tight_indicator(chomping(text));
        self.put_break();
        self.whitespace = true;
        let indent = usize::try_from(self.indent).unwrap_or(0);
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
        // A byte order mark at the start makes yaml.v2 escape everything.
        let escape_all = text.starts_with('\u{feff}');
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
                if folds && !after_space && self.column > BEST_WIDTH && at > 0 && at < bytes.len() - 1 {
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
        let code = u32::from(character);
        let short = match code {
            0x00 => '0',
            0x07 => 'a',
            0x08 => 'b',
            0x09 => 't',
            0x0A => 'n',
            0x0B => 'v',
            0x0C => 'f',
            0x0D => 'r',
            0x1B => 'e',
            0x22 => '"',
            0x5C => '\\',
            0x85 => 'N',
            0xA0 => '_',
            0x2028 => 'L',
            0x2029 => 'P',
            0..=0xFF => return self.write_run(&format!("\\x{code:02X}")),
            0..=0xFFFF => return self.write_run(&format!("\\u{code:04X}")),
            _ => return self.write_run(&format!("\\U{code:08X}")),
        };
        self.out.extend_from_slice(&[b'\\', short as u8]);
        self.column += 2;
    }
}

fn select_style(text: &Text<'_>, place: Place) -> Style {
    let analysis = text.analysis;
    let simple_key = place == Place::SimpleKey;
    if simple_key && analysis.multiline {
        return Style::DoubleQuoted;
    }
    match text.style {
        Style::Plain if analysis.plain => Style::Plain,
        Style::Plain if analysis.single_quoted => Style::SingleQuoted,
        Style::Literal if analysis.block && !simple_key => Style::Literal,
        _ => Style::DoubleQuoted,
    }
}

/// Whether yaml.v2 and YAML 1.1 both read the text as a string when it has no quotes.
fn is_plain_string(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => {
            matches!(resolve_plain(text), Scalar::Str(_)) && !is_sexagesimal(text)
        }
        _ => matches!(resolve_plain(text), Scalar::Str(_)),
    }
}

/// `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`
fn is_sexagesimal(text: &str) -> bool {
    let is_digits = |byte: &u8| byte.is_ascii_digit() || *byte == b'_';
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    if !unsigned.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let mut rest = &unsigned[unsigned.iter().take_while(|byte| is_digits(byte)).count()..];
    if rest.first() != Some(&b':') {
        return false;
    }
    loop {
        rest = match rest {
            [b':', b'0'..=b'5', b'0'..=b'9', rest @ ..] | [b':', b'0'..=b'9', rest @ ..] => rest,
            [b'.', fraction @ ..] => return fraction.iter().all(is_digits),
            rest => return rest.is_empty(),
        };
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

/// Whether a line of a quoted scalar would end the document; after the last line comes the quote.
fn is_document_indicator(line: &str, last: bool) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.starts_with(' ') || (rest.is_empty() && !last))
}

/// Printable ASCII that needs no thought between double quotes.
fn is_plain_quoted(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~')
}

/// Whether the JSON text of a string has a character that yaml.v2's reader refuses; JSON itself escapes
/// those below U+0020.
fn has_forbidden(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair[0] == 0xC2 && matches!(pair[1], 0x80..=0x84 | 0x86..=0x9F))
        || bytes.windows(3).any(|triple| matches!(triple, [0xEF, 0xBF, 0xBE | 0xBF]))
        || bytes.contains(&0x7F)
}

/// How many characters a string has in the JSON text that `encoding/json` writes, quotes included.
fn json_length(text: &str) -> usize {
    if text.len() < 170 {
        return 0;
    }
    let escaped = |character: char| match character {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..'\u{20}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => 6,
        _ => 1,
    };
    text.chars().map(escaped).sum::<usize>() + 2
}
