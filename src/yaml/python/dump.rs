//! Python values as YAML text, as `yaml.dump` writes them with CSafeDumper.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::DateTime;

use super::scalar::{self, Tag};
use super::value::{Dict, Node, Value};
use crate::yaml::decimal::Decimal;
use crate::yaml::emit::{Collection, Properties, Scalar, Settings, Version, Writer, analyze};
use crate::yaml::{Limits, Style};

/// The keyword arguments of `yaml.dump`.
#[derive(Clone, Debug)]
pub struct DumpOptions {
    /// Columns of one level; from 2 to 9, otherwise 2.
    pub indent: usize,
    /// Lines are folded after this column; never when it is negative.
    pub width: i64,
    /// Write keys in order, unless they are of types that have none.
    pub sort_keys: bool,
    /// Brackets and braces always, never, or around scalars only.
    pub default_flow_style: Option<bool>,
    /// Do not escape characters beyond ASCII.
    pub allow_unicode: bool,
    /// Begin with `---`.
    pub explicit_start: bool,
    /// End with `...`.
    pub explicit_end: bool,
    /// Write text of several lines in literal style where that is possible (a representer of Ansible's
    /// callbacks).
    pub literal_lines: bool,
}

impl Default for DumpOptions {
    /// The defaults of `yaml.dump`.
    fn default() -> Self {
        Self {
            indent: 2,
            width: 80,
            sort_keys: true,
            default_flow_style: Some(false),
            allow_unicode: false,
            explicit_start: false,
            explicit_end: false,
            literal_lines: false,
        }
    }
}

/// Nesting that is too deep to be written (a `RecursionError` in Python).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("maximum recursion depth exceeded")]
pub struct DumpError;

/// Writes a value. Lists and dicts that occur more than once (the same ones, not equal ones) become
/// anchors and aliases.
///
/// # Errors
/// Nesting beyond [`Limits::depth`].
pub fn dump(value: &Value, options: &DumpOptions) -> Result<String, DumpError> {
    let mut anchors = Anchors { options, seen: HashMap::new(), last: 0 };
    anchors.visit(value, 0)?;
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, options.settings());
    if options.explicit_start {
        writer.document_start();
    }
    let mut dumper = Dumper { writer, options, anchors: anchors.seen };
    dumper.value(value, None);
    dumper.writer.finish(options.explicit_end);
    Ok(String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

impl DumpOptions {
    fn settings(&self) -> Settings {
        let indent = if (2..10).contains(&self.indent) { self.indent } else { 2 };
        let width = match usize::try_from(self.width) {
            Err(_) => usize::MAX,
            Ok(width) if width <= indent * 2 => 80,
            Ok(width) => width,
        };
        Settings { version: Version::LibYaml, indent, width, unicode: self.allow_unicode }
    }

    /// The entries of a dict in the order in which they are written.
    fn ordered<'v>(&self, dict: &'v Dict) -> Vec<&'v (Node, Node)> {
        let mut entries: Vec<_> = dict.entries().iter().collect();
        let comparable = entries.windows(2).all(|pair| compare(&pair[0].0.value, &pair[1].0.value).is_some());
        if self.sort_keys && comparable {
            entries.sort_by(|a, b| compare(&a.0.value, &b.0.value).unwrap_or(Ordering::Equal));
        }
        entries
    }
}

/// Compares keys as Python's `<` does; `None` where it raises a `TypeError`.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::DateTime(a, None), Value::DateTime(b, None)) => Some(a.cmp(b)),
        (Value::DateTime(a, Some(a_offset)), Value::DateTime(b, Some(b_offset))) => {
            Some(instant(*a, *a_offset).cmp(&instant(*b, *b_offset)))
        }
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => number(a)?.partial_cmp(&number(b)?),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Int(value) => Some(*value as f64),
        Value::BigInt(digits) => digits.parse().ok(),
        Value::Float(value) => Some(*value),
        _ => None,
    }
}

fn instant(time: DateTime, offset: i32) -> DateTime {
    time.checked_sub(jiff::SignedDuration::from_secs(i64::from(offset))).unwrap_or(time)
}

/// Where a list or dict is in memory: Python's `id`.
fn identity(value: &Value) -> Option<usize> {
    match value {
        Value::List(items) => Some(Arc::as_ptr(items).addr()),
        Value::Dict(dict) | Value::Set(dict) => Some(Arc::as_ptr(dict).addr()),
        Value::Pairs(pairs) => Some(Arc::as_ptr(pairs).addr()),
        _ => None,
    }
}

/// Finds what occurs more than once.
struct Anchors<'o> {
    options: &'o DumpOptions,
    seen: HashMap<usize, Anchor>,
    last: usize,
}

/// What is known about a list or dict.
#[derive(Clone, Copy, Default)]
struct Anchor {
    /// Given in the order of the second occurrences; 0 if there is none.
    number: usize,
    written: bool,
}

impl Anchors<'_> {
    fn visit(&mut self, value: &Value, depth: usize) -> Result<(), DumpError> {
        let Some(identity) = identity(value) else { return Ok(()) };
        if depth >= Limits::default().depth {
            return Err(DumpError);
        }
        if let Some(anchor) = self.seen.get_mut(&identity) {
            if anchor.number == 0 {
                self.last += 1;
                anchor.number = self.last;
            }
            return Ok(());
        }
        self.seen.insert(identity, Anchor::default());
        let mut visit = |node: &Node| self.visit(&node.value, depth + 1);
        match value {
            Value::List(items) => items.iter().try_for_each(visit),
            Value::Pairs(pairs) => {
                pairs.iter().try_for_each(|(key, value)| visit(key).and_then(|()| visit(value)))
            }
            Value::Dict(dict) => {
                let entries = self.options.ordered(dict);
                entries.into_iter().try_for_each(|(_, value)| self.visit(&value.value, depth + 1))
            }
            _ => Ok(()),
        }
    }
}

struct Dumper<'o, 'v> {
    writer: Writer<'o>,
    options: &'v DumpOptions,
    anchors: HashMap<usize, Anchor>,
}

impl<'o> Dumper<'o, '_> {
    fn value(&mut self, value: &Value, tag: Option<&str>) {
        let Some(identity) = identity(value) else {
            return self.scalar(value, tag, Writer::scalar);
        };
        let anchor = self.anchors.entry(identity).or_default();
        let name = format!("id{:03}", anchor.number);
        if anchor.written {
            return self.writer.alias(&name);
        }
        let aliased = anchor.number != 0;
        anchor.written = aliased;
        let set = matches!(value, Value::Set(_)).then_some("!!set");
        let properties = Properties { anchor: aliased.then_some(name.as_str()), tag: tag.or(set) };
        self.collection(value, properties);
    }

    fn collection(&mut self, value: &Value, properties: Properties<'_>) {
        let flow = self.options.default_flow_style.unwrap_or_else(|| holds_scalars(value));
        match value {
            Value::List(items) => {
                self.writer.start(Collection::List, flow, properties);
                items.iter().for_each(|item| self.node(item));
            }
            Value::Pairs(pairs) => {
                self.writer.start(Collection::List, flow, properties);
                for (key, value) in pairs.iter() {
                    let flow =
                        self.options.default_flow_style.unwrap_or_else(|| is_scalar(key) && is_scalar(value));
                    self.writer.start(Collection::List, flow, Properties::default());
                    self.node(key);
                    self.node(value);
                    self.writer.end();
                }
            }
            Value::Dict(dict) | Value::Set(dict) => {
                let is_set = matches!(value, Value::Set(_));
                self.writer.start(Collection::Map, flow, properties);
                for (key, value) in self.options.ordered(dict) {
                    self.scalar(&key.value, key.tag.as_deref(), Writer::key);
                    if is_set { self.value(&Value::None, None) } else { self.node(value) }
                }
            }
            _ => return,
        }
        self.writer.end();
    }

    fn scalar(&mut self, value: &Value, tag: Option<&str>, write: fn(&mut Writer<'o>, &Scalar<'_>)) {
        let lines = matches!(value, Value::Str(text) if text.contains(LINE_BREAKS));
        let style = if lines && self.options.literal_lines { Style::Literal } else { Style::Plain };
        let settings = self.writer.settings();
        with_scalar(value, tag, style, settings, |scalar| write(&mut self.writer, scalar));
    }

    fn node(&mut self, node: &Node) {
        self.value(&node.value, node.tag.as_deref());
    }
}

/// Whether a collection has only scalars, without styles of their own.
fn holds_scalars(value: &Value) -> bool {
    match value {
        Value::List(items) => items.iter().all(is_scalar),
        Value::Dict(dict) => dict.entries().iter().all(|(key, value)| is_scalar(key) && is_scalar(value)),
        Value::Set(dict) => dict.entries().iter().all(|(key, _)| is_scalar(key)),
        _ => false,
    }
}

fn is_scalar(node: &Node) -> bool {
    node.tag.is_none() && identity(&node.value).is_none() && !matches!(node.value, Value::Bytes(_))
}

/// What ends a line in YAML.
const LINE_BREAKS: [char; 4] = ['\n', '\u{85}', '\u{2028}', '\u{2029}'];

/// Represents a scalar (`yaml/representer.py`) and hands it on; the style is the one for text.
fn with_scalar(
    value: &Value,
    tag: Option<&str>,
    style: Style,
    settings: Settings,
    write: impl FnOnce(&Scalar<'_>),
) {
    let text;
    let (text, own_tag, literal): (&str, &str, bool) = match value {
        Value::Str(text) => (text, "!!str", tag.is_some()),
        Value::Bytes(bytes) => {
            text = encode_lines(bytes);
            (&text, "!!binary", true)
        }
        other => {
            let (represented, tag) = represent(other);
            text = represented;
            (&text, tag, false)
        }
    };
    let resolved = match scalar::resolve(text) {
        Tag::Bool => "!!bool",
        Tag::Float => "!!float",
        Tag::Int => "!!int",
        Tag::Merge => "!!merge",
        Tag::Null => "!!null",
        Tag::Str => "!!str",
        Tag::Timestamp => "!!timestamp",
        Tag::Value => "!!value",
    };
    let written = tag.unwrap_or(own_tag);
    write(&Scalar {
        text,
        analysis: analyze(text, settings),
        style: if literal { Style::Literal } else { style },
        plain_implicit: written == resolved,
        quoted_implicit: written == "!!str",
        properties: Properties { anchor: None, tag: Some(written) },
    });
}

/// The text and the tag of what is neither text nor bytes.
fn represent(value: &Value) -> (String, &'static str) {
    match value {
        Value::Bool(true) => ("true".to_owned(), "!!bool"),
        Value::Bool(false) => ("false".to_owned(), "!!bool"),
        Value::Int(value) => (value.to_string(), "!!int"),
        Value::BigInt(digits) => (digits.to_string(), "!!int"),
        Value::Float(float) => (represent_float(*float), "!!float"),
        Value::Date(date) => (date.to_string(), "!!timestamp"),
        Value::DateTime(time, offset) => (represent_time(*time, *offset), "!!timestamp"),
        _ => ("null".to_owned(), "!!null"),
    }
}

fn represent_float(float: f64) -> String {
    match float {
        f if f.is_nan() => return ".nan".to_owned(),
        f64::INFINITY => return ".inf".to_owned(),
        f64::NEG_INFINITY => return "-.inf".to_owned(),
        _ => {}
    }
    let text = Decimal::of(float).general(-4..16);
    match text.split_once('e') {
        _ if text.contains('.') => text,
        // YAML 1.1 knows no float without a point.
        Some((mantissa, exponent)) => format!("{mantissa}.0e{exponent}"),
        None => text + ".0",
    }
}

/// `datetime.isoformat(' ')`
fn represent_time(time: DateTime, offset: Option<i32>) -> String {
    let mut text = format!("{} {:02}:{:02}:{:02}", time.date(), time.hour(), time.minute(), time.second());
    let microseconds = time.subsec_nanosecond() / 1000;
    if microseconds != 0 {
        text += &format!(".{microseconds:06}");
    }
    if let Some(offset) = offset {
        let seconds = offset.abs();
        let sign = if offset < 0 { '-' } else { '+' };
        text += &format!("{sign}{:02}:{:02}", seconds / 3600, seconds / 60 % 60);
        if seconds % 60 != 0 {
            text += &format!(":{:02}", seconds % 60);
        }
    }
    text
}

/// `base64.encodebytes`: lines of 76 characters, each with a line break.
fn encode_lines(bytes: &[u8]) -> String {
    bytes.chunks(57).map(|chunk| STANDARD.encode(chunk) + "\n").collect()
}
