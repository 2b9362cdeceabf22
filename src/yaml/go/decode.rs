//! Documents to JSON values, as sigs.k8s.io/yaml converts them.
//!
//! yaml.v2 builds Go values, sigs.k8s.io/yaml turns their keys into strings and writes JSON, and
//! `encoding/json` reads that; here it is one step with the same result.

use std::fmt::Write as _;

use serde_json::{Map, Number as JsonNumber, Value};

use super::float;
use super::number::Number;
use super::scalar::{self, Scalar};
use crate::yaml::{self, Dialect, Document, Kind, Limits, Mark, Node, NodeId, Source, Stage, Style};

/// Which numbers the result holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// Every number is a float, as `encoding/json` reads into `interface{}`: Helm's values.
    Float64,
    /// Integers that fit `i64` stay integers, as Kubernetes reads unstructured objects; so do floats
    /// without a fraction, because JSON does not tell them apart.
    Json,
    /// Numbers are integers or floats as YAML has them: for fields that turn numbers into text, which
    /// happens before JSON forgets the difference.
    Yaml,
}

/// A text that sigs.k8s.io/yaml refuses; `Display` is its wording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// It is not YAML.
    #[error("error converting YAML to JSON: {0}")]
    Syntax(#[from] yaml::Error),
    /// It says what JSON cannot say, or says something twice in strict mode.
    #[error("error converting YAML to JSON: {problem}")]
    Value {
        /// What is wrong, in Go's words.
        problem: String,
        /// Where.
        mark: Mark,
    },
    /// It is not of the type that was asked for.
    #[error("error unmarshaling JSON: while decoding JSON: {problem}")]
    Type {
        /// What is wrong.
        problem: String,
        /// Which value is wrong (`.spec.containers[0].name`).
        path: String,
        /// Where it stands, when there is a text.
        mark: Option<Mark>,
    },
}

impl Error {
    /// Where the error is; `None` when it concerns the text as a whole.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Syntax(error) => error.mark(),
            Self::Value { mark, .. } => Some(*mark),
            Self::Type { mark, .. } => *mark,
        }
    }
}

/// Reads the first document of a text; nothing is `null`. The last of duplicate keys wins.
///
/// # Errors
/// Text that is no YAML, values that JSON does not have (infinity), keys that are null or collections.
pub fn parse(bytes: &[u8], numbers: Numbers) -> Result<Value, Error> {
    parse_first(bytes, Decoder::new(numbers))
}

/// [`parse`] that refuses duplicate keys.
///
/// # Errors
/// As [`parse`], and all duplicate keys with their lines.
pub fn parse_strict(bytes: &[u8], numbers: Numbers) -> Result<Value, Error> {
    parse_first(bytes, Decoder::new(numbers).strict())
}

fn parse_first(bytes: &[u8], decoder: Decoder) -> Result<Value, Error> {
    let source = Source::new(bytes);
    match source.documents(Dialect::Go, Limits::default()).next() {
        Some(document) => decoder.decode(&document?),
        None => Ok(Value::Null),
    }
}

/// Reads all documents of a text.
///
/// # Errors
/// As [`parse`], for the first document that is wrong.
pub fn parse_each(bytes: &[u8], numbers: Numbers) -> Result<Vec<Value>, Error> {
    let source = Source::new(bytes);
    let documents = source.documents(Dialect::Go, Limits::default());
    documents.map(|document| Decoder::new(numbers).decode(&document?)).collect()
}

/// Turns documents into JSON values.
#[derive(Clone, Debug)]
pub struct Decoder {
    numbers: Numbers,
    strict: bool,
    /// Aliases that are being expanded.
    aliases: Vec<NodeId>,
    depth: usize,
    decoded: u64,
    decoded_in_aliases: u64,
    duplicates: Vec<(Mark, String)>,
    /// The first key, and the first value, that JSON does not have: they matter only when all the rest is
    /// right, because Go converts to JSON last.
    bad_key: Option<Error>,
    bad_value: Option<Error>,
}

impl Decoder {
    /// A decoder that lets the last of duplicate keys win.
    #[must_use]
    pub fn new(numbers: Numbers) -> Self {
        Self {
            numbers,
            strict: false,
            aliases: Vec::new(),
            depth: 0,
            decoded: 0,
            decoded_in_aliases: 0,
            duplicates: Vec::new(),
            bad_key: None,
            bad_value: None,
        }
    }

    /// The same decoder, refusing duplicate keys.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// Converts a document.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn decode(mut self, document: &Document<'_>) -> Result<Value, Error> {
        let value = self.value(document.root())?;
        let wrong = self.duplicates_error().or(self.bad_key).or(self.bad_value);
        wrong.map_or(Ok(value), Err)
    }

    fn duplicates_error(&self) -> Option<Error> {
        let mark = self.duplicates.first()?.0;
        let mut problem = "yaml: unmarshal errors:".to_owned();
        for (mark, key) in &self.duplicates {
            let _ = write!(problem, "\n  line {}: key {key:?} already set in map", mark.line);
        }
        Some(Error::Value { problem, mark })
    }

    fn value(&mut self, node: Node<'_>) -> Result<Value, Error> {
        self.count(node)?;
        match node.kind() {
            Kind::Scalar { text, style } => self.scalar(node, text, style),
            Kind::Sequence => self.sequence(node),
            Kind::Mapping => {
                let mut map = Map::new();
                self.mapping(node, &mut map)?;
                Ok(Value::Object(map))
            }
            Kind::Alias { target, name } => {
                self.enter_alias(node, name)?;
                let value = self.value(target);
                self.aliases.pop();
                value
            }
        }
    }

    fn sequence(&mut self, node: Node<'_>) -> Result<Value, Error> {
        self.descend(node)?;
        let mut items = Vec::new();
        for item in node.items() {
            items.push(self.value(item)?);
        }
        self.depth -= 1;
        Ok(Value::Array(items))
    }

    /// yaml.v2's guard against alias bombs: the share of nodes that come from aliases, which may be the
    /// smaller the more nodes there are.
    fn count(&mut self, node: Node<'_>) -> Result<(), Error> {
        const LOW: f64 = 400_000.0;
        const HIGH: f64 = 4_000_000.0;
        self.decoded += 1;
        if !self.aliases.is_empty() {
            self.decoded_in_aliases += 1;
        }
        if self.decoded_in_aliases <= 100 || self.decoded <= 1000 {
            return Ok(());
        }
        let decoded = self.decoded as f64;
        let allowed = 0.99 - 0.89 * ((decoded - LOW) / (HIGH - LOW)).clamp(0.0, 1.0);
        if self.decoded_in_aliases as f64 / decoded > allowed {
            return Err(fail(node, "document contains excessive aliasing"));
        }
        Ok(())
    }

    /// Goes one level deeper. Aliases can nest deeper than the text does.
    fn descend(&mut self, node: Node<'_>) -> Result<(), Error> {
        let limit = Limits::default().depth;
        if self.depth >= limit {
            return Err(fail(node, &format!("exceeded max depth of {limit}")));
        }
        self.depth += 1;
        Ok(())
    }

    fn enter_alias(&mut self, alias: Node<'_>, name: &str) -> Result<(), Error> {
        if self.aliases.contains(&alias.id()) {
            return Err(fail(alias, &format!("anchor '{name}' value contains itself")));
        }
        self.aliases.push(alias.id());
        Ok(())
    }

    fn scalar(&mut self, node: Node<'_>, text: &str, style: Style) -> Result<Value, Error> {
        Ok(match resolve(node, text, style)? {
            Scalar::Null => Value::Null,
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Number(number) => self.number(number),
            Scalar::NonFinite(float) => {
                let problem = format!("json: unsupported value: {}", float::format_shortest(float));
                self.bad_value.get_or_insert(Error::Value { problem, mark: node.mark() });
                Value::Null
            }
            Scalar::Timestamp => Value::String(text.to_owned()),
            Scalar::Str(text) => Value::String(text.into_owned()),
        })
    }

    fn number(&self, number: Number) -> Value {
        let float = match (self.numbers, number) {
            (Numbers::Json | Numbers::Yaml, Number::Int(int)) => return Value::from(int),
            (Numbers::Yaml, Number::Uint(uint)) => return Value::from(uint),
            (Numbers::Float64, Number::Int(int)) => int as f64,
            (_, Number::Uint(uint)) => uint as f64,
            (Numbers::Json, Number::Float(float)) if float.fract() == 0.0 && float.abs() < 9e18 => {
                return Value::from(float as i64);
            }
            (_, Number::Float(float)) => float,
        };
        JsonNumber::from_f64(float).map_or(Value::Null, Value::Number)
    }

    fn mapping(&mut self, node: Node<'_>, map: &mut Map<String, Value>) -> Result<(), Error> {
        self.descend(node)?;
        for (key, value) in node.pairs() {
            if is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let text = self.key(key)?;
            let decoded = self.value(value)?;
            self.insert(map, (key, text), (value, decoded));
        }
        self.depth -= 1;
        Ok(())
    }

    fn insert(
        &mut self,
        map: &mut Map<String, Value>,
        (key, text): (Node<'_>, Result<String, BadKey>),
        (value, decoded): (Node<'_>, Value),
    ) {
        match text {
            Err(bad) => self.note_bad_key(&bad, key, &decoded),
            Ok(text) if self.strict && map.contains_key(&text) => self.duplicates.push((value.mark(), text)),
            Ok(text) => {
                map.insert(text, decoded);
            }
        }
    }

    /// Merges one mapping or several, in which case the earlier ones win; what the map has is overwritten.
    fn merge(&mut self, node: Node<'_>, map: &mut Map<String, Value>) -> Result<(), Error> {
        match node.kind() {
            Kind::Sequence => {
                let mut sources: Vec<_> = node.items().collect();
                sources.reverse();
                sources.into_iter().try_for_each(|source| self.merge_one(source, map))
            }
            _ => self.merge_one(node, map),
        }
    }

    fn merge_one(&mut self, node: Node<'_>, map: &mut Map<String, Value>) -> Result<(), Error> {
        self.count(node)?;
        match node.kind() {
            Kind::Mapping => self.mapping(node, map),
            Kind::Alias { target, name } if matches!(target.kind(), Kind::Mapping) => {
                self.enter_alias(node, name)?;
                self.count(target)?;
                let merged = self.mapping(target, map);
                self.aliases.pop();
                merged
            }
            _ => Err(fail(node, "map merge requires map or sequence of maps as the value")),
        }
    }

    /// The text of a key in JSON.
    fn key(&mut self, key: Node<'_>) -> Result<Result<String, BadKey>, Error> {
        self.count(key)?;
        match key.kind() {
            Kind::Alias { target, name } => {
                self.enter_alias(key, name)?;
                let text = self.key(target);
                self.aliases.pop();
                text
            }
            Kind::Scalar { text, style } => resolve(key, text, style).map(|scalar| key_text(scalar, text)),
            Kind::Sequence | Kind::Mapping => {
                let decoded = self.value(key)?;
                Err(fail(key, &format!("invalid map key: {}", go_syntax(&decoded))))
            }
        }
    }

    fn note_bad_key(&mut self, bad: &BadKey, key: Node<'_>, value: &Value) {
        self.bad_key.get_or_insert_with(|| {
            let shown = if value.is_null() { "<nil>".to_owned() } else { go_syntax(value) };
            let BadKey { kind, text } = bad;
            let problem = format!("unsupported map key of type: {kind}, key: {text}, value: {shown}");
            Error::Value { problem, mark: key.mark() }
        });
    }
}

/// A key that sigs.k8s.io/yaml cannot turn into a string: its type and value as Go shows them.
struct BadKey {
    kind: &'static str,
    text: String,
}

fn key_text(key: Scalar<'_>, text: &str) -> Result<String, BadKey> {
    match key {
        Scalar::Str(text) => Ok(text.into_owned()),
        Scalar::Timestamp => Ok(text.to_owned()),
        Scalar::Bool(value) => Ok(value.to_string()),
        Scalar::Number(Number::Int(int)) => Ok(int.to_string()),
        Scalar::Number(Number::Float(float)) | Scalar::NonFinite(float) => Ok(float_key(float)),
        Scalar::Number(Number::Uint(uint)) => Err(BadKey { kind: "uint64", text: format!("0x{uint:x}") }),
        Scalar::Null => Err(BadKey { kind: "%!s(<nil>)", text: "<nil>".to_owned() }),
    }
}

/// sigs.k8s.io/yaml writes float keys in single precision.
fn float_key(float: f64) -> String {
    match float as f32 {
        f32::INFINITY => ".inf".to_owned(),
        f32::NEG_INFINITY => "-.inf".to_owned(),
        single if single.is_nan() => ".nan".to_owned(),
        _ => float::format_shortest_32(float),
    }
}

fn resolve<'d>(node: Node<'d>, text: &'d str, style: Style) -> Result<Scalar<'d>, Error> {
    let implicit = style == Style::Plain;
    scalar::resolve(node.tag(), text, implicit).map_err(|problem| fail(node, &problem))
}

fn is_merge(key: Node<'_>) -> bool {
    let Kind::Scalar { text: "<<", style } = key.kind() else { return false };
    match key.tag() {
        None => style == Style::Plain,
        Some(tag) => tag == "!" || tag == "tag:yaml.org,2002:merge",
    }
}

fn fail(node: Node<'_>, problem: &str) -> Error {
    yaml::Error::new(Stage::Value, problem.to_owned(), Some(node.mark())).into()
}

/// A value as Go's `%#v` shows what yaml.v2 made of it.
fn go_syntax(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => float::format_shortest(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(go_syntax).collect();
            format!("[]interface {{}}{{{}}}", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<_> =
                map.iter().map(|(key, value)| format!("{key:?}:{}", go_syntax(value))).collect();
            format!("map[interface {{}}]interface {{}}{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        parse(text.as_bytes(), Numbers::Json).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn refuse(text: &str) -> String {
        parse(text.as_bytes(), Numbers::Json).expect_err(text).to_string()
    }

    #[test]
    fn keys_become_strings() {
        assert_eq!(
            read("y: 1\n2: a\n1.5: b\n0x10: c\n2020-01-01: d\n1e10: e\n"),
            json!({"true": 1, "2": "a", "1.5": "b", "16": "c", "2020-01-01": "d", "1e+10": "e"})
        );
        assert!(refuse("~: 1").ends_with("unsupported map key of type: %!s(<nil>), key: <nil>, value: 1"));
    }

    #[test]
    fn merges_overwrite_what_stands_before() {
        assert_eq!(
            read("base: &b {a: 1, b: 2}\nout: {a: 0, <<: *b, b: 3}\n"),
            json!({"base": {"a": 1, "b": 2}, "out": {"a": 1, "b": 3}})
        );
        assert!(refuse("<<: 1").contains("map merge requires map or sequence of maps as the value"));
    }

    #[test]
    fn number_models() {
        assert_eq!(read("[1, 1.0, 1.5, 9223372036854775808]"), json!([1, 1, 1.5, 9223372036854775808.0]));
        assert_eq!(parse(b"1", Numbers::Float64).unwrap(), json!(1.0));
        assert_eq!(refuse(".inf"), "error converting YAML to JSON: json: unsupported value: +Inf");
    }

    #[test]
    fn strict_reports_all_duplicates() {
        let error = parse_strict(b"a: 1\nb:\n  c: 1\n  c: 2\na: 2\n", Numbers::Json).unwrap_err();
        assert_eq!(
            error.to_string(),
            "error converting YAML to JSON: yaml: unmarshal errors:\n  line 4: key \"c\" already set in map\n  \
             line 5: key \"a\" already set in map"
        );
    }

    #[test]
    fn aliases_have_limits() {
        assert!(refuse("a: &a [*a]").contains("anchor 'a' value contains itself"));
        assert!(refuse("a: *b").contains("unknown anchor 'b' referenced"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            bomb += &format!("a{level}: &a{level} [{aliases}]\n");
        }
        assert!(refuse(&bomb).contains("excessive aliasing"));
        let mut chain = "a0: &a0 [x]\n".to_owned();
        for level in 1..3000 {
            chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert!(parse(chain.as_bytes(), Numbers::Json).is_err());
    }
}
