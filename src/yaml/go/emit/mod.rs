//! YAML as Go writes it: the emitters of go-yaml v2 (Helm's `toYaml`) and v3 (`toYamlPretty`).
//!
//! Values are pushed in and text streams out. libyaml's emitter is a state machine over events; of its
//! state only that part is kept which block style needs.

mod analysis;
mod scalar;

use super::float;
use super::number::Number;

/// Which go-yaml writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V2,
    V3,
}

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
    out: &'o mut Vec<u8>,
    version: Version,
    column: usize,
    /// The indentation of the current collection; -1 outside of all.
    indent: i32,
    /// The last character was white space, or nothing was written.
    whitespace: bool,
    /// The line has nothing but indentation and indicators.
    indention: bool,
    frames: Vec<Frame>,
    /// The innermost collection has no content yet: it may become `{}` or `[]`.
    empty: bool,
    error: Option<EmitError>,
}

/// An open collection.
#[derive(Clone, Copy)]
struct Frame {
    kind: Collection,
    /// Whether it is the value of a key.
    in_map: bool,
    outer_indent: i32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Collection {
    Map,
    List,
}

/// The place of a scalar decides its style.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    SimpleKey,
    Other,
}

const INDENT: i32 = 2;

impl<'o> Emitter<'o> {
    /// An emitter of `toYaml`'s text: sigs.k8s.io/yaml over yaml.v2, which the value reaches as JSON.
    #[must_use]
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self::of_version(out, Version::V2)
    }

    /// An emitter of `toYamlPretty`'s text: yaml.v3 with an indentation of 2.
    #[must_use]
    pub fn pretty(out: &'o mut Vec<u8>) -> Self {
        Self::of_version(out, Version::V3)
    }

    fn of_version(out: &'o mut Vec<u8>, version: Version) -> Self {
        Self {
            out,
            version,
            column: 0,
            indent: -1,
            whitespace: true,
            indention: true,
            frames: Vec::new(),
            empty: false,
            error: None,
        }
    }

    /// Ends the document, with a line break.
    ///
    /// # Errors
    /// The first value that cannot be written; what was written is of no use then.
    pub fn finish(mut self) -> Result<(), EmitError> {
        self.indent = 0;
        self.write_indent();
        self.error.map_or(Ok(()), Err)
    }

    /// Begins a mapping, to be followed by keys and values and [`Self::map_end`].
    pub fn map_start(&mut self) {
        self.start(Collection::Map);
    }

    /// Ends a mapping.
    pub fn map_end(&mut self) {
        self.end(b"{}");
    }

    /// Begins a sequence, to be followed by values and [`Self::list_end`].
    pub fn list_start(&mut self) {
        self.start(Collection::List);
    }

    /// Ends a sequence.
    pub fn list_end(&mut self) {
        self.end(b"[]");
    }

    /// Writes the key of the value that comes next. Bytes that are not UTF-8 are treated as in
    /// [`Self::string`].
    pub fn key(&mut self, key: &[u8]) {
        self.open_collection();
        self.write_indent();
        self.write_key(key);
    }

    /// Writes a string. `toYaml` replaces bytes that are not UTF-8, `toYamlPretty` writes `!!binary`.
    pub fn string(&mut self, text: &[u8]) {
        self.begin_node();
        self.write_string(text);
    }

    /// Writes `null`.
    pub fn null(&mut self) {
        self.literal(b"null");
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.literal(if value { b"true" } else { b"false" });
    }

    /// Writes an integer.
    pub fn int(&mut self, value: i64) {
        self.literal(value.to_string().as_bytes());
    }

    /// Writes an unsigned integer.
    pub fn uint(&mut self, value: u64) {
        self.literal(value.to_string().as_bytes());
    }

    /// Writes a float: `toYaml` reads its JSON text as YAML, so that it may become an integer.
    pub fn float(&mut self, value: f64) {
        let text = match self.version {
            Version::V3 => float::format_yaml(value),
            Version::V2 => self.json_number(value),
        };
        self.literal(text.as_bytes());
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

    fn fail(&mut self, error: EmitError) {
        self.error.get_or_insert(error);
    }

    // --- Structure -------------------------------------------------------------------------------------

    fn start(&mut self, kind: Collection) {
        self.begin_node();
        let in_map = self.frames.last().is_some_and(|frame| frame.kind == Collection::Map);
        self.frames.push(Frame { kind, in_map, outer_indent: self.indent });
        self.empty = true;
    }

    fn end(&mut self, empty_text: &[u8]) {
        if self.empty {
            self.empty = false;
            self.write_indicator(empty_text, false);
        }
        if let Some(frame) = self.frames.pop() {
            self.indent = frame.outer_indent;
        }
    }

    /// Prepares for a value: the `-` of a sequence; the `:` of a mapping was written with the key.
    fn begin_node(&mut self) {
        self.open_collection();
        if self.frames.last().is_some_and(|frame| frame.kind == Collection::List) {
            self.write_indent();
            self.write_indicator(b"-", true);
        }
    }

    /// The innermost collection turned out not to be empty: it is written in block style.
    fn open_collection(&mut self) {
        if !std::mem::take(&mut self.empty) {
            return;
        }
        let Some(frame) = self.frames.last() else { return };
        // yaml.v2 does not indent a sequence under its key.
        let aligned =
            self.version == Version::V2 && frame.kind == Collection::List && frame.in_map && !self.indention;
        if self.indent < 0 {
            self.indent = 0;
        } else if !aligned {
            self.indent += INDENT;
        }
    }

    // --- Characters ------------------------------------------------------------------------------------

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    /// Goes to the indentation, on a new line if this one has content.
    fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        self.pad_to(indent);
        self.whitespace = true;
        self.indention = true;
    }

    fn pad_to(&mut self, column: usize) {
        if self.column < column {
            self.out.resize(self.out.len() + column - self.column, b' ');
            self.column = column;
        }
    }

    /// Separates from what stands before.
    fn write_space(&mut self) {
        if !self.whitespace {
            self.out.push(b' ');
            self.column += 1;
        }
    }

    /// Writes an indicator after a space; one of indentation leaves the line without content.
    fn write_indicator(&mut self, indicator: &[u8], indention: bool) {
        self.write_space();
        self.write_tight_indicator(indicator);
        self.indention &= indention;
    }

    fn write_tight_indicator(&mut self, indicator: &[u8]) {
        self.out.extend_from_slice(indicator);
        self.column += indicator.len();
        self.whitespace = false;
    }

    /// Writes a scalar of ASCII letters, digits and the like.
    fn literal(&mut self, text: &[u8]) {
        self.begin_node();
        self.write_space();
        self.write_tight_indicator(text);
        self.indention = false;
    }
}
