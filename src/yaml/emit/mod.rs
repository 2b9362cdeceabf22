//! The emitter that go-yaml and PyYAML inherit from libyaml: values are pushed in, text streams out.
//!
//! libyaml's emitter is a state machine over events. Here the calls are the events, and the only thing
//! that needs to be known in advance is whether a collection is empty.

mod analysis;
mod scalar;

pub(super) use analysis::analyze;
pub(super) use scalar::Scalar;

/// Whose emitter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// go-yaml v2.
    GoV2,
    /// go-yaml v3.
    GoV3,
    /// libyaml 0.2.5.
    LibYaml,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) version: Version,
    /// Columns of one level.
    pub(super) indent: usize,
    /// Lines are folded at the first space after this column.
    pub(super) width: usize,
    /// Characters beyond ASCII need no escapes.
    pub(super) unicode: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Map,
    List,
}

/// What stands before a node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Properties<'t> {
    pub(super) anchor: Option<&'t str>,
    pub(super) tag: Option<&'t str>,
}

pub(super) struct Writer<'o> {
    out: &'o mut Vec<u8>,
    settings: Settings,
    column: usize,
    /// The indentation of the current collection; `None` outside of all.
    indent: Option<usize>,
    /// The last character was white space, or nothing was written.
    whitespace: bool,
    /// The line has nothing but indentation and indicators.
    indention: bool,
    frames: Vec<Frame>,
    flow_level: usize,
    /// The innermost collection has no content yet: it may become `{}` or `[]`.
    pending: bool,
}

/// An open collection.
#[derive(Clone, Copy)]
struct Frame {
    kind: Collection,
    flow: bool,
    /// Nothing was written into it yet.
    first: bool,
    /// Whether it is the value of a key.
    in_map: bool,
    outer_indent: Option<usize>,
}

/// The place of a scalar has a say in its style.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    SimpleKey,
    Other,
}

/// Longer keys are written with a `?`.
const SIMPLE_KEY_LENGTH: usize = 128;

impl<'o> Writer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, settings: Settings) -> Self {
        Self {
            out,
            settings,
            column: 0,
            indent: None,
            whitespace: true,
            indention: true,
            frames: Vec::new(),
            flow_level: 0,
            pending: false,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// Writes `---`.
    pub(super) fn document_start(&mut self) {
        self.write_indicator(b"---", false);
    }

    /// Ends the document with a line break, or with `...` if that is asked for.
    pub(super) fn finish(&mut self, explicit: bool) {
        self.indent = None;
        self.write_indent();
        if explicit {
            self.write_indicator(b"...", false);
            self.write_indent();
        }
    }

    /// Begins a collection; inside of flow style all is flow style.
    pub(super) fn start(&mut self, kind: Collection, flow: bool, properties: Properties<'_>) {
        self.begin_node();
        self.write_properties(properties);
        let in_map = self.frames.last().is_some_and(|frame| frame.kind == Collection::Map);
        let flow = flow || self.flow_level > 0;
        self.frames.push(Frame { kind, flow, first: true, in_map, outer_indent: self.indent });
        if !flow {
            self.pending = true;
            return;
        }
        self.write_indicator(if kind == Collection::Map { b"{" } else { b"[" }, false);
        self.whitespace = true;
        self.flow_level += 1;
        self.indent = Some(self.indent.map_or(self.settings.indent, |indent| indent + self.settings.indent));
    }

    /// Ends the innermost collection.
    pub(super) fn end(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        self.indent = frame.outer_indent;
        let map = frame.kind == Collection::Map;
        if frame.flow {
            self.flow_level -= 1;
            self.write_tight_indicator(if map { b"}" } else { b"]" });
            self.indention = false;
        } else if std::mem::take(&mut self.pending) {
            self.write_indicator(if map { b"{}" } else { b"[]" }, false);
        }
    }

    /// Writes the key of the value that comes next.
    pub(super) fn key(&mut self, key: &Scalar<'_>) {
        self.open_collection();
        let flow = self.next_entry();
        if !flow {
            self.write_indent();
        }
        if !key.analysis.multiline && key.length() <= SIMPLE_KEY_LENGTH {
            self.write_scalar(key, Place::SimpleKey);
            self.write_tight_indicator(b":");
            self.indention = false;
            return;
        }
        self.write_indicator(b"?", !flow);
        self.write_scalar(key, Place::Other);
        if !flow || self.column > self.settings.width {
            self.write_indent();
        }
        self.write_indicator(b":", !flow);
    }

    pub(super) fn scalar(&mut self, scalar: &Scalar<'_>) {
        self.begin_node();
        self.write_scalar(scalar, Place::Other);
    }

    /// Writes a plain scalar of ASCII letters, digits and the like.
    pub(super) fn word(&mut self, text: &[u8]) {
        self.begin_node();
        self.write_indicator(text, false);
    }

    pub(super) fn alias(&mut self, anchor: &str) {
        self.begin_node();
        self.write_indicator(b"*", false);
        self.write_tight_indicator(anchor.as_bytes());
    }

    // --- Structure -------------------------------------------------------------------------------------

    /// Prepares for a value: the `-` or `,` of a sequence; what a mapping needs was written with the key.
    fn begin_node(&mut self) {
        self.open_collection();
        if self.frames.last().is_some_and(|frame| frame.kind == Collection::List) && !self.next_entry() {
            self.write_indent();
            self.write_indicator(b"-", true);
        }
    }

    /// Separates an entry of a flow collection from the one before; tells whether it is one.
    fn next_entry(&mut self) -> bool {
        let Some(frame) = self.frames.last_mut() else { return false };
        let first = std::mem::take(&mut frame.first);
        if !frame.flow {
            return false;
        }
        if !first {
            self.write_tight_indicator(b",");
            self.indention = false;
        }
        if self.column > self.settings.width {
            self.write_indent();
        }
        true
    }

    /// The innermost collection turned out not to be empty: it is written in block style.
    fn open_collection(&mut self) {
        if !std::mem::take(&mut self.pending) {
            return;
        }
        let Some(frame) = self.frames.last() else { return };
        // A sequence is not indented under its key, except by go-yaml v3.
        let aligned = self.settings.version != Version::GoV3
            && frame.kind == Collection::List
            && frame.in_map
            && !self.indention;
        self.indent = match self.indent {
            None => Some(0),
            Some(indent) if aligned => Some(indent),
            Some(indent) => Some(indent + self.settings.indent),
        };
    }

    fn write_properties(&mut self, properties: Properties<'_>) {
        if let Some(anchor) = properties.anchor {
            self.write_indicator(b"&", false);
            self.write_tight_indicator(anchor.as_bytes());
        }
        if let Some(tag) = properties.tag {
            self.write_indicator(tag.as_bytes(), false);
        }
    }

    // --- Characters ------------------------------------------------------------------------------------

    fn put_break(&mut self) {
        self.out.push(b'\n');
        self.column = 0;
    }

    /// Goes to the indentation, on a new line if this one has content.
    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
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

    /// Writes an indicator next to what stands before.
    fn write_tight_indicator(&mut self, indicator: &[u8]) {
        self.out.extend_from_slice(indicator);
        self.column += indicator.len();
        self.whitespace = false;
    }
}
