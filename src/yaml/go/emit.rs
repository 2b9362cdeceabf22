//! YAML as Go writes it: the emitters of go-yaml v2 (Helm's `toYaml`) and v3 (`toYamlPretty`).

use std::borrow::Cow;

use super::number::Number;
use super::scalar::{self, resolve_plain};
use super::{base64, float, utf8};
use crate::yaml::Style;
use crate::yaml::emit::{Collection, Properties, Scalar, Settings, Version, Writer, analyze};

/// A value that cannot be written; `Display` is the text of the function that Helm calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// Infinity or NaN, which JSON does not have.
    #[error("error marshaling into JSON: json: unsupported value: {0}")]
    NotFinite(&'static str),
    /// JSON text that yaml.v2 cannot read back: control characters, keys beyond 1024 characters.
    #[error("yaml: {0}")]
    NotYaml(&'static str),
}

/// Writes one YAML document.
///
/// Keys are written in the order in which they come: see [`super::compare_keys`] for Go's order.
pub struct Emitter<'o> {
    writer: Writer<'o>,
    error: Option<EmitError>,
}

/// U+0085, a line break for YAML.
const NEXT_LINE: char = '\u{85}';

impl<'o> Emitter<'o> {
    /// An emitter of `toYaml`'s text: sigs.k8s.io/yaml over yaml.v2, which the value reaches as JSON.
    #[must_use]
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        let settings = Settings { version: Version::GoV2, indent: 2, width: 80, unicode: true };
        Self { writer: Writer::new(out, settings), error: None }
    }

    /// An emitter of `toYamlPretty`'s text: yaml.v3 with an indentation of 2.
    #[must_use]
    pub fn pretty(out: &'o mut Vec<u8>) -> Self {
        let settings = Settings { version: Version::GoV3, indent: 2, width: usize::MAX, unicode: true };
        Self { writer: Writer::new(out, settings), error: None }
    }

    /// Ends the document, with a line break.
    ///
    /// # Errors
    /// The first value that cannot be written; what was written is of no use then.
    pub fn finish(mut self) -> Result<(), EmitError> {
        self.writer.finish(false);
        self.error.map_or(Ok(()), Err)
    }

    /// Begins a mapping, to be followed by keys and values and [`Self::map_end`].
    pub fn map_start(&mut self) {
        self.writer.start(Collection::Map, false, Properties::default());
    }

    /// Ends a mapping.
    pub fn map_end(&mut self) {
        self.writer.end();
    }

    /// Begins a sequence, to be followed by values and [`Self::list_end`].
    pub fn list_start(&mut self) {
        self.writer.start(Collection::List, false, Properties::default());
    }

    /// Ends a sequence.
    pub fn list_end(&mut self) {
        self.writer.end();
    }

    /// Writes the key of the value that comes next. Bytes that are not UTF-8 are treated as in
    /// [`Self::string`].
    pub fn key(&mut self, key: &[u8]) {
        let text = self.text(key);
        if self.is_v2() && (json_length(&text.text) > 1024 || text.refolded) {
            self.fail(EmitError::NotYaml("did not find expected ',' or '}'"));
        }
        let scalar = self.scalar(&text);
        self.writer.key(&scalar);
    }

    /// Writes a string. `toYaml` replaces bytes that are not UTF-8, `toYamlPretty` writes `!!binary`.
    pub fn string(&mut self, text: &[u8]) {
        let text = self.text(text);
        let scalar = self.scalar(&text);
        self.writer.scalar(&scalar);
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.writer.word(b"null");
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.writer.word(if value { b"true" } else { b"false" });
    }

    /// Writes an integer.
    pub fn int(&mut self, value: i64) {
        self.writer.word(value.to_string().as_bytes());
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.writer.word(value.to_string().as_bytes());
    }

    /// Writes a moment in RFC 3339, which go-yaml v3 does not quote.
    pub fn timestamp(&mut self, text: &[u8]) {
        self.writer.word(text);
    }

    /// Writes a float: `toYaml` reads its JSON text as YAML, so that it may become an integer.
    pub fn float(&mut self, value: f64) {
        let text = if self.is_v2() { self.json_number(value) } else { float::format_yaml(value) };
        self.writer.word(text.as_bytes());
    }

    fn json_number(&mut self, value: f64) -> String {
        let Some(json) = float::format_json(value) else {
            self.fail(EmitError::NotFinite(float::special(value).unwrap_or("NaN")));
            return String::new();
        };
        match super::number::parse(&json) {
            Some(Number::Int(int)) => int.to_string(),
            Some(Number::Uint(uint)) => uint.to_string(),
            Some(Number::Float(float)) => float::format_shortest(float),
            None => json,
        }
    }

    fn is_v2(&self) -> bool {
        self.writer.settings().version == Version::GoV2
    }

    fn fail(&mut self, error: EmitError) {
        self.error.get_or_insert(error);
    }

    fn text<'t>(&mut self, bytes: &'t [u8]) -> Text<'t> {
        let mut text = match (std::str::from_utf8(bytes), self.is_v2()) {
            (Ok(text), _) => Text { text: Cow::Borrowed(text), binary: false, refolded: false },
            (Err(_), true) => Text { text: utf8::replace_invalid(bytes), binary: false, refolded: false },
            (Err(_), false) => {
                Text { text: Cow::Owned(base64::encode_lines(bytes)), binary: true, refolded: false }
            }
        };
        if self.is_v2() && has_unsafe(text.text.as_bytes()) {
            self.read_back(&mut text);
        }
        text
    }

    /// What reading the JSON text of a string makes of it.
    fn read_back(&mut self, text: &mut Text<'_>) {
        if has_forbidden(text.text.as_bytes()) {
            self.fail(EmitError::NotYaml("control characters are not allowed"));
        }
        if text.text.contains(NEXT_LINE) {
            text.text = Cow::Owned(self.refold(&text.text));
            text.refolded = true;
        }
    }

    fn scalar<'t>(&self, text: &'t Text<'_>) -> Scalar<'t> {
        let analysis = analyze(&text.text, self.writer.settings());
        let style = if analysis.newline {
            Style::Literal
        } else if text.binary || is_plain_string(&text.text) {
            Style::Plain
        } else {
            Style::DoubleQuoted
        };
        Scalar {
            text: &text.text,
            analysis,
            style,
            plain_implicit: !text.binary,
            quoted_implicit: !text.binary,
            properties: Properties { anchor: None, tag: text.binary.then_some("!!binary") },
        }
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
}

/// A string as it will be written.
struct Text<'t> {
    text: Cow<'t, str>,
    /// Bytes that are not UTF-8, in base64.
    binary: bool,
    /// Reading the JSON text changed it.
    refolded: bool,
}

/// Whether yaml.v2 and YAML 1.1 both read the text as a string when it has no quotes.
fn is_plain_string(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => {
            matches!(resolve_plain(text), scalar::Scalar::Str(_)) && !is_sexagesimal(text)
        }
        _ => matches!(resolve_plain(text), scalar::Scalar::Str(_)),
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

/// Whether a line of a quoted scalar would end the document; after the last line comes the quote.
fn is_document_indicator(line: &str, last: bool) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.starts_with(' ') || (rest.is_empty() && !last))
}

/// Whether a string may look different after reading its JSON text.
fn has_unsafe(bytes: &[u8]) -> bool {
    !bytes.is_ascii() || bytes.contains(&0x7F)
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
