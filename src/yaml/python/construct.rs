//! Documents to Python values, as PyYAML's SafeConstructor builds them.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::Error;
use super::repr::repr;
use super::scalar::{self, Tag};
use super::value::{Dict, Node, Value};
use super::{binary, integer, timestamp};
use crate::yaml::{self, Dialect, Document, Kind, Limits, Mark, NodeId, Source, Stage, Style};

/// The most nodes that a document may have with its aliases expanded: those who convert the result
/// usually expand them.
const LARGEST: u64 = 10_000_000;

const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Loads the only document of a text, as `yaml.safe_load` does.
///
/// # Errors
/// Text that is no YAML, unknown tags, keys that cannot be hashed, a second document.
pub fn load(bytes: &[u8]) -> Result<Node, Error> {
    Loader::new("<unicode string>").load(bytes)
}

/// How a text is loaded.
#[derive(Clone, Debug)]
pub struct Loader<'n> {
    name: &'n str,
    tags: &'static [&'static str],
}

impl<'n> Loader<'n> {
    /// A loader for the text (file) of this name, which errors show.
    #[must_use]
    pub fn new(name: &'n str) -> Self {
        Self { name, tags: &[] }
    }

    /// Keeps these tags on their nodes instead of refusing them; scalars under them stay text.
    #[must_use]
    pub fn with_tags(self, tags: &'static [&'static str]) -> Self {
        Self { tags, ..self }
    }

    /// Loads the only document of a text; an empty text is `None`.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load(&self, bytes: &[u8]) -> Result<Node, Error> {
        let mut duplicates = Vec::new();
        self.load_with(bytes, &mut duplicates)
    }

    /// [`Self::load`] that also gives the keys which were set again (merged ones included), of which Ansible
    /// warns: where their mapping begins, and the later key.
    ///
    /// # Errors
    /// As [`load`].
    pub fn load_with(&self, bytes: &[u8], duplicates: &mut Vec<(Mark, Node)>) -> Result<Node, Error> {
        let source = Source::new(bytes);
        let mut documents = source.documents(Dialect::LibYaml, Limits::default());
        let Some(first) = documents.next() else {
            return Ok(Node { mark: Mark { offset: 0, line: 1, column: 1 }, tag: None, value: Value::None });
        };
        let first = first.map_err(|error| self.error(error))?;
        if let Some(second) = documents.next_start().map_err(|error| self.error(error))? {
            let error = yaml::Error::new(Stage::Value, "but found another document", Some(second));
            let context = "expected a single document in the stream";
            return Err(self.error(error.with_context(context, first.root().mark())));
        }
        self.construct(&first, duplicates)
    }

    /// Loads all documents of a text.
    ///
    /// # Errors
    /// As [`load`], for the first document that is wrong.
    pub fn load_all(&self, bytes: &[u8]) -> Result<Vec<Node>, Error> {
        let source = Source::new(bytes);
        let documents = source.documents(Dialect::LibYaml, Limits::default());
        let construct = |document: Result<Document<'_>, _>| {
            self.construct(&document.map_err(|error| self.error(error))?, &mut Vec::new())
        };
        documents.map(construct).collect()
    }

    fn construct(&self, document: &Document<'_>, duplicates: &mut Vec<(Mark, Node)>) -> Result<Node, Error> {
        let mut constructor = Constructor {
            loader: self,
            built: HashMap::new(),
            open: Vec::new(),
            merges: 0,
            merging: Vec::new(),
            duplicates,
        };
        constructor.node(document.root()).map(|built| built.node)
    }

    fn error(&self, error: yaml::Error) -> Error {
        Error::Yaml { error, name: self.name.to_owned() }
    }
}

struct Constructor<'l, 'd> {
    loader: &'l Loader<'l>,
    /// What anchored nodes became.
    built: HashMap<NodeId, Built>,
    /// The nodes that are being built, from the root on.
    open: Vec<NodeId>,
    /// How many mappings were looked into for `<<`.
    merges: u64,
    /// The mappings whose `<<` is being followed.
    merging: Vec<NodeId>,
    duplicates: &'d mut Vec<(Mark, Node)>,
}

/// A node and the size of its tree.
#[derive(Clone)]
struct Built {
    node: Node,
    height: usize,
    count: u64,
}

/// The size of a tree that is being built.
#[derive(Default)]
struct Size {
    height: usize,
    count: u64,
}

/// A key and its value.
type Pair<'n> = (yaml::Node<'n>, yaml::Node<'n>);

/// What a node becomes; a collection is yet to be filled.
enum Shape {
    Scalar(Value),
    List,
    Dict,
    Set,
    /// With the context of errors.
    Pairs(&'static str),
}

/// The shape of a node whose tag says nothing about it.
fn shape_by_kind(node: yaml::Node<'_>) -> Shape {
    match node.kind() {
        Kind::Scalar { text, .. } => Shape::Scalar(Value::Str(text.into())),
        Kind::Sequence => Shape::List,
        _ => Shape::Dict,
    }
}

/// What kinds of nodes are called in Python's errors.
fn kind_name(node: yaml::Node<'_>) -> &'static str {
    match node.kind() {
        Kind::Scalar { .. } => "scalar",
        Kind::Sequence => "sequence",
        Kind::Mapping => "mapping",
        Kind::Alias { target, .. } => kind_name(target),
    }
}

/// The tag of a node, when it is not for the resolver to find.
fn explicit_tag(node: yaml::Node<'_>) -> Option<&str> {
    node.tag().filter(|tag| *tag != "!")
}

/// The tag of a scalar that stands for a key.
fn key_tag(key: yaml::Node<'_>) -> Option<Tag> {
    match key.kind() {
        Kind::Scalar { text, style } => match explicit_tag(key) {
            None if style == Style::Plain || key.tag().is_some() => Some(scalar::resolve(text)),
            None => None,
            Some(tag) => (tag == "tag:yaml.org,2002:merge").then_some(Tag::Merge),
        },
        Kind::Alias { target, .. } => key_tag(target),
        _ => None,
    }
}

impl Constructor<'_, '_> {
    fn node(&mut self, node: yaml::Node<'_>) -> Result<Built, Error> {
        if let Kind::Alias { target, .. } = node.kind() {
            if self.open.contains(&target.id()) {
                return Err(self.fail("found unconstructable recursive node", target.mark()));
            }
            return match self.built.get(&target.id()) {
                Some(built) => Ok(built.clone()),
                None => self.node(target),
            };
        }
        self.open.push(node.id());
        let mut size = Size::default();
        let shape = self.shape(node)?;
        let value = self.build(node, shape, &mut size)?;
        self.open.pop();
        let tag = explicit_tag(node).filter(|tag| self.loader.tags.contains(tag)).map(Arc::from);
        let built = Built {
            node: Node { mark: node.mark(), tag, value },
            height: size.height + 1,
            count: size.count + 1,
        };
        if node.is_anchored() {
            self.built.insert(node.id(), built.clone());
        }
        Ok(built)
    }

    fn child(&mut self, node: yaml::Node<'_>, size: &mut Size) -> Result<Node, Error> {
        let built = self.node(node)?;
        size.height = size.height.max(built.height);
        size.count += built.count;
        if size.height >= Limits::default().depth {
            return Err(self.too_deep(node));
        }
        if size.count >= LARGEST {
            return Err(self.excessive(node));
        }
        Ok(built.node)
    }

    fn too_deep(&self, node: yaml::Node<'_>) -> Error {
        self.fail(format!("exceeded max depth of {}", Limits::default().depth), node.mark())
    }

    /// Decides what a node becomes; scalars are done with that.
    fn shape(&self, node: yaml::Node<'_>) -> Result<Shape, Error> {
        let Some(tag) = explicit_tag(node) else { return self.untagged(node) };
        if self.loader.tags.contains(&tag) {
            return Ok(shape_by_kind(node));
        }
        let mark = node.mark();
        let tag = match tag.strip_prefix(TAG_PREFIX) {
            Some("seq") => return Ok(Shape::List),
            Some("map") => return Ok(Shape::Dict),
            Some("set") => return Ok(Shape::Set),
            Some("omap") => return Ok(Shape::Pairs("while constructing an ordered map")),
            Some("pairs") => return Ok(Shape::Pairs("while constructing pairs")),
            Some("binary") => {
                let bytes = binary::decode(self.text(node)?).map_err(|problem| self.fail(problem, mark))?;
                return Ok(Shape::Scalar(Value::Bytes(bytes.into())));
            }
            Some("null") => return self.text(node).map(|_| Shape::Scalar(Value::None)),
            Some("str") => Tag::Str,
            Some("bool") => Tag::Bool,
            Some("int") => Tag::Int,
            Some("float") => Tag::Float,
            Some("timestamp") => Tag::Timestamp,
            _ => return Err(self.unknown_tag(tag, mark)),
        };
        self.scalar(tag, self.text(node)?, mark).map(Shape::Scalar)
    }

    fn untagged(&self, node: yaml::Node<'_>) -> Result<Shape, Error> {
        match node.kind() {
            // A lone `!` resolves what follows, unless nothing does.
            Kind::Scalar { text: "", style: Style::Plain } if node.tag().is_some() => Ok(shape_by_kind(node)),
            Kind::Scalar { text, style } if style == Style::Plain || node.tag().is_some() => {
                self.scalar(scalar::resolve(text), text, node.mark()).map(Shape::Scalar)
            }
            _ => Ok(shape_by_kind(node)),
        }
    }

    fn build(&mut self, node: yaml::Node<'_>, shape: Shape, size: &mut Size) -> Result<Value, Error> {
        match shape {
            Shape::Scalar(value) => Ok(value),
            Shape::List => self.sequence(node, size),
            Shape::Dict => Ok(Value::Dict(self.mapping(node, size)?)),
            Shape::Set => Ok(Value::Set(self.mapping(node, size)?)),
            Shape::Pairs(context) => self.pairs(node, size, context),
        }
    }

    fn scalar(&self, tag: Tag, text: &str, mark: Mark) -> Result<Value, Error> {
        let value_error = |problem: String| Error::Value { problem, mark };
        match tag {
            Tag::Null => Ok(Value::None),
            Tag::Str => Ok(Value::Str(text.into())),
            Tag::Bool => {
                let lower = text.to_lowercase();
                scalar::boolean(&lower).map(Value::Bool).ok_or_else(|| value_error(repr(&lower)))
            }
            Tag::Int => integer::parse(text).map_err(value_error),
            Tag::Float => scalar::parse_float(text).map(Value::Float).map_err(value_error),
            Tag::Timestamp => {
                let no_match = "'NoneType' object has no attribute 'groupdict'";
                let fields = timestamp::parse(text).ok_or_else(|| value_error(no_match.to_owned()))?;
                fields.construct().map_err(|problem| value_error(problem.to_owned()))
            }
            Tag::Merge => Err(self.unknown_tag("tag:yaml.org,2002:merge", mark)),
            Tag::Value => Err(self.unknown_tag("tag:yaml.org,2002:value", mark)),
        }
    }

    fn text<'n>(&self, node: yaml::Node<'n>) -> Result<&'n str, Error> {
        match node.kind() {
            Kind::Scalar { text, .. } => Ok(text),
            _ => Err(self.expected("expected a scalar node, but found ", node)),
        }
    }

    fn sequence(&mut self, node: yaml::Node<'_>, size: &mut Size) -> Result<Value, Error> {
        if !matches!(node.kind(), Kind::Sequence) {
            return Err(self.expected("expected a sequence node, but found ", node));
        }
        let mut items = Vec::new();
        for item in node.items() {
            items.push(self.child(item, size)?);
        }
        Ok(Value::List(Arc::new(items)))
    }

    fn mapping(&mut self, node: yaml::Node<'_>, size: &mut Size) -> Result<Arc<Dict>, Error> {
        let mut dict = Dict::default();
        for (key, value) in self.flattened(node)? {
            let key = self.key(key, node.mark(), size)?;
            let value = self.child(value, size)?;
            self.insert(&mut dict, key, value, node.mark());
        }
        Ok(Arc::new(dict))
    }

    fn insert(&mut self, dict: &mut Dict, key: Node, value: Node, mapping: Mark) {
        if dict.insert(key.clone(), value).is_some() {
            self.duplicates.push((mapping, key));
        }
    }

    /// All pairs of a mapping: those that it inherits by `<<`, then its own.
    fn flattened<'n>(&mut self, node: yaml::Node<'n>) -> Result<Vec<Pair<'n>>, Error> {
        if !matches!(node.kind(), Kind::Mapping) {
            return Err(self.expected("expected a mapping node, but found ", node));
        }
        let mut pairs = Vec::new();
        let own = self.flatten(node, &mut pairs)?;
        pairs.extend(own);
        Ok(pairs)
    }

    fn key(&mut self, key: yaml::Node<'_>, mapping: Mark, size: &mut Size) -> Result<Node, Error> {
        if key_tag(key) == Some(Tag::Value) {
            return Ok(Node { mark: key.mark(), tag: None, value: Value::Str("=".into()) });
        }
        if is_scalar_valued(key.dereferenced()) {
            return self.child(key, size);
        }
        let error = yaml::Error::new(Stage::Value, "found unhashable key", Some(key.mark()));
        Err(self.loader.error(error.with_context("while constructing a mapping", mapping)))
    }

    /// Collects the pairs that `<<` brings into `merged` and gives the others.
    fn flatten<'n>(
        &mut self,
        node: yaml::Node<'n>,
        merged: &mut Vec<Pair<'n>>,
    ) -> Result<Vec<Pair<'n>>, Error> {
        self.merges += 1;
        let size = self.merges + merged.len() as u64;
        if self.merging.len() > Limits::default().depth || size > LARGEST {
            return Err(self.excessive(node));
        }
        self.merging.push(node.id());
        let mut own = Vec::new();
        for (key, value) in node.pairs() {
            if key_tag(key) != Some(Tag::Merge) {
                own.push((key, value));
                continue;
            }
            for source in self.merge_sources(node, value)? {
                self.inherit(source, merged)?;
            }
        }
        self.merging.pop();
        Ok(own)
    }

    /// The mappings that a `<<` names, the one that wins last.
    fn merge_sources<'n>(
        &self,
        mapping: yaml::Node<'n>,
        value: yaml::Node<'n>,
    ) -> Result<Vec<yaml::Node<'n>>, Error> {
        let is_mapping = |node: &yaml::Node<'_>| matches!(node.kind(), Kind::Mapping);
        let value = value.dereferenced();
        if is_mapping(&value) {
            return Ok(vec![value]);
        }
        if !matches!(value.kind(), Kind::Sequence) {
            let problem = "expected a mapping or list of mappings for merging, but found ";
            return Err(self.merge_error(problem, mapping, value));
        }
        let mut sources: Vec<_> = value.items().map(yaml::Node::dereferenced).collect();
        if let Some(other) = sources.iter().find(|source| !is_mapping(source)) {
            return Err(self.merge_error("expected a mapping for merging, but found ", mapping, *other));
        }
        sources.reverse();
        Ok(sources)
    }

    /// Adds all pairs of a mapping, those that it inherits itself first.
    fn inherit<'n>(&mut self, source: yaml::Node<'n>, merged: &mut Vec<Pair<'n>>) -> Result<(), Error> {
        if self.merging.contains(&source.id()) {
            // PyYAML takes a `<<` off its mapping before it follows it.
            merged.extend(source.pairs().filter(|(key, _)| key_tag(*key) != Some(Tag::Merge)));
            return Ok(());
        }
        let own = self.flatten(source, merged)?;
        merged.extend(own);
        Ok(())
    }

    fn pairs(
        &mut self,
        node: yaml::Node<'_>,
        size: &mut Size,
        context: &'static str,
    ) -> Result<Value, Error> {
        let fail = |loader: &Loader<'_>, problem: String, at: yaml::Node<'_>| {
            let error = yaml::Error::new(Stage::Value, problem, Some(at.mark()));
            loader.error(error.with_context(context, node.mark()))
        };
        if !matches!(node.kind(), Kind::Sequence) {
            return Err(fail(
                self.loader,
                format!("expected a sequence, but found {}", kind_name(node)),
                node,
            ));
        }
        let mut pairs = Vec::new();
        for item in node.items().map(yaml::Node::dereferenced) {
            if !matches!(item.kind(), Kind::Mapping) {
                let problem = format!("expected a mapping of length 1, but found {}", kind_name(item));
                return Err(fail(self.loader, problem, item));
            }
            let mut entries = item.pairs();
            let (Some((key, value)), None) = (entries.next(), entries.next()) else {
                let count = item.pairs().count();
                let problem = format!("expected a single mapping item, but found {count} items");
                return Err(fail(self.loader, problem, item));
            };
            pairs.push((self.child(key, size)?, self.child(value, size)?));
        }
        Ok(Value::Pairs(Arc::new(pairs)))
    }

    fn fail(&self, problem: impl Into<std::borrow::Cow<'static, str>>, mark: Mark) -> Error {
        self.loader.error(yaml::Error::new(Stage::Value, problem, Some(mark)))
    }

    fn excessive(&self, node: yaml::Node<'_>) -> Error {
        self.fail("document contains excessive aliasing", node.mark())
    }

    fn expected(&self, problem: &str, node: yaml::Node<'_>) -> Error {
        self.fail(format!("{problem}{}", kind_name(node)), node.mark())
    }

    fn merge_error(&self, problem: &str, mapping: yaml::Node<'_>, found: yaml::Node<'_>) -> Error {
        let problem = format!("{problem}{}", kind_name(found));
        let error = yaml::Error::new(Stage::Value, problem, Some(found.dereferenced().mark()));
        self.loader.error(error.with_context("while constructing a mapping", mapping.mark()))
    }

    fn unknown_tag(&self, tag: &str, mark: Mark) -> Error {
        self.fail(format!("could not determine a constructor for the tag {}", repr(tag)), mark)
    }
}

/// Whether the node becomes something that can be a key.
fn is_scalar_valued(node: yaml::Node<'_>) -> bool {
    match explicit_tag(node).and_then(|tag| tag.strip_prefix(TAG_PREFIX)) {
        Some("seq" | "map" | "set" | "omap" | "pairs") => false,
        Some(_) => true,
        None => matches!(node.kind(), Kind::Scalar { .. }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        match &node.value {
            Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
            Value::Dict(dict) => {
                let entry = |(key, value): &(Node, Node)| format!("{}: {}", show(key), show(value));
                format!("{{{}}}", dict.entries().iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            Value::Str(text) => format!("{text:?}"),
            Value::Int(value) => value.to_string(),
            Value::Bool(value) => value.to_string(),
            other => format!("{other:?}"),
        }
    }

    fn read(text: &str) -> String {
        show(&load(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    fn refuse(text: &str) -> String {
        load(text.as_bytes()).expect_err(text).to_string()
    }

    #[test]
    fn dicts_compare_keys_as_python() {
        assert_eq!(read("1: a\ntrue: b\n1.0: c\n'1': d"), r#"{1: "c", "1": "d"}"#);
        assert_eq!(read("b: 1\na: 2\nb: 3"), r#"{"b": 3, "a": 2}"#);
    }

    #[test]
    fn merges_come_first_and_lose() {
        assert_eq!(
            read("- &a {x: 1, y: 2}\n- {y: 0, <<: *a, z: 3}\n- {<<: [{x: 1}, {x: 2}]}"),
            r#"[{"x": 1, "y": 2}, {"x": 1, "y": 0, "z": 3}, {"x": 1}]"#
        );
    }

    #[test]
    fn errors_are_those_of_pyyaml() {
        for (text, problem) in [
            ("a: *b", "found undefined alias\n  in \"<unicode string>\", line 1, column 4"),
            (
                "a: [1",
                "while parsing a flow sequence\n  in \"<unicode string>\", line 1, column 4\ndid not find expected \
                 ',' or ']'\n  in \"<unicode string>\", line 2, column 1",
            ),
            (
                "a:\n\t- b",
                "while scanning for the next token\nfound character that cannot start any token\n  in \"<unicode \
                 string>\", line 2, column 1",
            ),
            (
                "a: \x01",
                "unacceptable character #x0001: control characters are not allowed\n  in \"<unicode string>\", \
                 position 3",
            ),
            (
                "--- a\n--- b",
                "expected a single document in the stream\n  in \"<unicode string>\", line 1, column 5\nbut found \
                 another document\n  in \"<unicode string>\", line 2, column 1",
            ),
            ("a: 2020-13-45", "month must be in 1..12"),
            (
                "? [a]\n: 1",
                "while constructing a mapping\n  in \"<unicode string>\", line 1, column 1\nfound unhashable key\n  \
                 in \"<unicode string>\", line 1, column 3",
            ),
        ] {
            assert_eq!(refuse(text), problem);
        }
    }

    #[test]
    fn application_tags_are_kept_on_request() {
        let loader = Loader::new("f").with_tags(&["!vault"]);
        let node = loader.load(b"a: !vault |\n  12\nb: !unsafe x").expect_err("!unsafe is not allowed");
        assert_eq!(node.problem(), "could not determine a constructor for the tag '!unsafe'");
        let node = loader.load(b"!vault 12").unwrap();
        assert_eq!((node.tag.as_deref(), node.value.as_str()), (Some("!vault"), Some("12")));
    }

    #[test]
    fn aliases_share_and_have_limits() {
        let node = load(b"- &a [1]\n- *a").unwrap();
        let Value::List(items) = &node.value else { panic!("{node:?}") };
        let (Value::List(first), Value::List(second)) = (&items[0].value, &items[1].value) else { panic!() };
        assert!(Arc::ptr_eq(first, second));

        assert!(refuse("&a [*a]").contains("recursive"));
        let mut bomb = "- &a0 {}\n".to_owned();
        for level in 1..100 {
            bomb += &format!("- &a{level} {{<<: [*a{0}, *a{0}]}}\n", level - 1);
        }
        assert!(refuse(&bomb).contains("excessive aliasing"));
    }
}
