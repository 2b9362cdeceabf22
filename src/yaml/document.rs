//! The node tree of one document.
//!
//! Nodes lie in one list in the order of the text; a collection is followed by its content, and knows
//! where that ends. An alias is the number of the node that it stands for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::error::{Error, Mark, Stage};
use super::parser::{Event, EventKind, Parser, Properties};
use super::scanner::{Dialect, Style};
use super::source::Source;

/// What a reader accepts before it gives up.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of collections. go-yaml allows 10,000, PyYAML some 300; who reads the tree may recurse.
    pub depth: usize,
    /// Size of a text in bytes.
    pub size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 256, size: 1 << 30 }
    }
}

/// One document, parsed but not yet resolved to values of a language.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    nodes: Vec<NodeData<'a>>,
    start: Mark,
    span: Range<usize>,
}

#[derive(Clone, Debug)]
struct NodeData<'a> {
    mark: Mark,
    /// The number after the last node of this subtree.
    end: u32,
    anchored: bool,
    tag: Option<Box<str>>,
    kind: Data<'a>,
}

#[derive(Clone, Debug)]
enum Data<'a> {
    Scalar { text: Cow<'a, str>, style: Style },
    Sequence { flow: bool },
    Mapping { flow: bool },
    Alias { target: NodeId, name: Box<str> },
}

/// The number of a node in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// A node of a [`Document`]; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    document: &'d Document<'d>,
    id: NodeId,
}

/// What a node is.
#[derive(Clone, Copy, Debug)]
pub enum Kind<'d> {
    /// Text, not yet resolved.
    Scalar {
        /// The text without quotes, escapes and folds.
        text: &'d str,
        /// How it is written.
        style: Style,
    },
    /// See [`Node::items`].
    Sequence,
    /// See [`Node::pairs`].
    Mapping,
    /// Another node, earlier in the text or around this one.
    Alias {
        /// The anchored node.
        target: Node<'d>,
        /// The name of the anchor.
        name: &'d str,
    },
}

impl<'a> Document<'a> {
    /// The outermost node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { document: self, id: NodeId(0) }
    }

    /// The bytes of the (decoded) text from where the document starts, with its directives and `---`, to
    /// the token after it.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where the document starts: at its directives or `---`, or at its content when it has none.
    #[must_use]
    pub fn start(&self) -> Mark {
        self.start
    }

    /// How many nodes the document has.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The document with its own copy of all text.
    #[must_use]
    pub fn into_owned(self) -> Document<'static> {
        let own = |node: NodeData<'a>| NodeData {
            mark: node.mark,
            end: node.end,
            anchored: node.anchored,
            tag: node.tag,
            kind: match node.kind {
                Data::Scalar { text, style } => Data::Scalar { text: Cow::Owned(text.into_owned()), style },
                Data::Sequence { flow } => Data::Sequence { flow },
                Data::Mapping { flow } => Data::Mapping { flow },
                Data::Alias { target, name } => Data::Alias { target, name },
            },
        };
        Document { nodes: self.nodes.into_iter().map(own).collect(), start: self.start, span: self.span }
    }
}

impl<'d> Node<'d> {
    fn data(self) -> &'d NodeData<'d> {
        &self.document.nodes[self.id.0 as usize]
    }

    /// The number of the node, equal for all aliases of it once resolved.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// Where the node begins, its tag and anchor included.
    #[must_use]
    pub fn mark(self) -> Mark {
        self.data().mark
    }

    /// The tag as written, with its handle resolved (`tag:yaml.org,2002:str`, `!vault`, `!`).
    #[must_use]
    pub fn tag(self) -> Option<&'d str> {
        self.data().tag.as_deref()
    }

    /// Whether aliases can stand for the node.
    #[must_use]
    pub fn is_anchored(self) -> bool {
        self.data().anchored
    }

    /// What the node is.
    #[must_use]
    pub fn kind(self) -> Kind<'d> {
        match &self.data().kind {
            Data::Scalar { text, style } => Kind::Scalar { text, style: *style },
            Data::Sequence { .. } => Kind::Sequence,
            Data::Mapping { .. } => Kind::Mapping,
            Data::Alias { target, name } => Kind::Alias { target: self.sibling(*target), name },
        }
    }

    /// Whether a collection is written with brackets or braces.
    #[must_use]
    pub fn is_flow(self) -> bool {
        matches!(self.data().kind, Data::Sequence { flow: true } | Data::Mapping { flow: true })
    }

    /// The content of a sequence; nothing for other kinds.
    pub fn items(self) -> impl Iterator<Item = Node<'d>> {
        self.children(matches!(self.data().kind, Data::Sequence { .. }))
    }

    /// The keys and values of a mapping; nothing for other kinds.
    pub fn pairs(self) -> impl Iterator<Item = (Node<'d>, Node<'d>)> {
        let mut children = self.children(matches!(self.data().kind, Data::Mapping { .. }));
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The value of a text key; of the last one when there are several. Follows an alias.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'d>> {
        let mut found = None;
        for (other, value) in self.dereferenced().pairs() {
            if matches!(other.dereferenced().kind(), Kind::Scalar { text, .. } if text == key) {
                found = Some(value);
            }
        }
        found
    }

    /// The node itself, or the one that it is an alias of.
    #[must_use]
    pub fn dereferenced(self) -> Node<'d> {
        match self.data().kind {
            Data::Alias { target, .. } => self.sibling(target),
            _ => self,
        }
    }

    fn children(self, any: bool) -> impl Iterator<Item = Node<'d>> {
        let end = if any { self.data().end } else { 0 };
        let mut next = self.id.0 + 1;
        std::iter::from_fn(move || {
            let child = (next < end).then(|| self.sibling(NodeId(next)))?;
            next = child.data().end;
            Some(child)
        })
    }

    fn sibling(self, id: NodeId) -> Self {
        Node { document: self.document, id }
    }
}

/// The documents of a text, one after the other; ends after the first error.
pub struct Documents<'a> {
    parser: Parser<'a>,
    dialect: Dialect,
    limits: Limits,
    /// Where the next document starts, when that was looked up.
    next_start: Option<Mark>,
    done: bool,
    oversized: bool,
}

impl Source<'_> {
    /// The documents of the text.
    #[must_use]
    pub fn documents(&self, dialect: Dialect, limits: Limits) -> Documents<'_> {
        self.documents_of(self.text(), dialect, limits)
    }

    fn documents_of<'t>(&self, text: &'t str, dialect: Dialect, limits: Limits) -> Documents<'t> {
        let size = limits.size.min(u32::MAX as usize - 1);
        let oversized = text.len() > size;
        Documents {
            parser: Parser::new(text, self, dialect, limits),
            dialect,
            limits,
            next_start: None,
            done: false,
            oversized,
        }
    }
}

/// Parses all documents of a text as go-yaml v2 reads them.
///
/// # Errors
/// The first error in any document.
pub fn parse_documents(bytes: &[u8]) -> Result<Vec<Document<'_>>, Error> {
    let source = Source::new(bytes);
    match source.borrowed() {
        Some(text) => source.documents_of(text, Dialect::Go, Limits::default()).collect(),
        None => source
            .documents(Dialect::Go, Limits::default())
            .map(|document| document.map(Document::into_owned))
            .collect(),
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Result<Document<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let document = self.read().transpose();
        self.done = !matches!(document, Some(Ok(_)));
        document
    }
}

impl<'a> Documents<'a> {
    /// Where the next document starts, without reading it; `None` at the end of the text.
    ///
    /// # Errors
    /// Text that is neither the start of a document nor the end.
    pub fn next_start(&mut self) -> Result<Option<Mark>, Error> {
        if self.oversized {
            let problem = format!("text exceeds the limit of {} bytes", self.limits.size);
            return Err(Error::new(Stage::Reader, problem, None));
        }
        if self.next_start.is_none() {
            let event = self.parser.next()?;
            self.next_start = (!matches!(event.kind, EventKind::StreamEnd)).then_some(event.mark);
        }
        Ok(self.next_start)
    }

    fn read(&mut self) -> Result<Option<Document<'a>>, Error> {
        let Some(start) = self.next_start()? else { return Ok(None) };
        self.next_start = None;
        let mut composer = Composer { dialect: self.dialect, ..Composer::default() };
        loop {
            let event = self.parser.next()?;
            if matches!(event.kind, EventKind::DocumentEnd | EventKind::StreamEnd) {
                let span = start.offset as usize..event.mark.offset as usize;
                return Ok(Some(Document { nodes: composer.nodes, start, span }));
            }
            composer.add(event)?;
        }
    }
}

#[derive(Default)]
struct Composer<'a> {
    dialect: Dialect,
    nodes: Vec<NodeData<'a>>,
    open: Vec<usize>,
    anchors: HashMap<&'a str, NodeId>,
}

impl<'a> Composer<'a> {
    fn add(&mut self, event: Event<'a>) -> Result<(), Error> {
        let mark = event.mark;
        match event.kind {
            EventKind::Scalar { properties, text, style } => {
                self.push(mark, properties, Data::Scalar { text, style })?;
            }
            EventKind::SequenceStart { properties, flow } => {
                self.open.push(self.nodes.len());
                self.push(mark, properties, Data::Sequence { flow })?;
            }
            EventKind::MappingStart { properties, flow } => {
                self.open.push(self.nodes.len());
                self.push(mark, properties, Data::Mapping { flow })?;
            }
            EventKind::Alias(name) => {
                let target = *self.anchors.get(name).ok_or_else(|| self.unknown_anchor(name, mark))?;
                self.push(mark, Properties::default(), Data::Alias { target, name: name.into() })?;
            }
            EventKind::End => {
                if let Some(start) = self.open.pop() {
                    self.nodes[start].end = self.nodes.len() as u32;
                }
            }
            EventKind::DocumentStart | EventKind::DocumentEnd | EventKind::StreamEnd => {}
        }
        Ok(())
    }

    fn unknown_anchor(&self, name: &str, mark: Mark) -> Error {
        match self.dialect {
            Dialect::Go => {
                Error::new(Stage::Value, format!("unknown anchor '{name}' referenced"), Some(mark))
            }
            Dialect::LibYaml => Error::new(Stage::Value, "found undefined alias", Some(mark)),
        }
    }

    fn push(&mut self, mark: Mark, properties: Properties<'a>, kind: Data<'a>) -> Result<(), Error> {
        let id = self.nodes.len() as u32;
        let anchored = properties.anchor.is_some();
        if let Some(name) = properties.anchor
            && let Some(first) = self.anchors.insert(name, NodeId(id))
            && self.dialect == Dialect::LibYaml
        {
            let first = self.nodes[first.0 as usize].mark;
            let error = Error::new(Stage::Value, "second occurrence", Some(mark));
            return Err(error.with_context("found duplicate anchor; first occurrence", first));
        }
        self.nodes.push(NodeData { mark, end: id + 1, anchored, tag: properties.tag, kind });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_count_characters_from_one() {
        let documents = parse_documents("---\n\u{e9}: [x, \u{1F600}, !t y]\n".as_bytes()).unwrap();
        let root = documents[0].root();
        assert_eq!(root.mark(), Mark { offset: 4, line: 2, column: 1 });
        let items: Vec<_> = root.get("\u{e9}").unwrap().items().map(|item| item.mark().column).collect();
        assert_eq!(items, [5, 8, 11]);
        assert_eq!(root.get("\u{e9}").unwrap().items().nth(2).unwrap().tag(), Some("!t"));
    }

    #[test]
    fn spans_cover_documents() {
        let text = "# c\na: 1\n---\nb: 2\n...\n%YAML 1.1\n---\nc\n";
        let documents = parse_documents(text.as_bytes()).unwrap();
        let spans: Vec<_> = documents.iter().map(|document| &text[document.span()]).collect();
        assert_eq!(spans, ["a: 1\n", "---\nb: 2\n", "%YAML 1.1\n---\nc\n"]);
    }

    #[test]
    fn aliases_know_their_nodes() {
        let documents = parse_documents(b"a: &x {k: v}\nb: *x\nb: 2\n? *x\n: z\n").unwrap();
        let root = documents[0].root();
        let anchored = root.get("a").unwrap();
        assert!(anchored.is_anchored() && anchored.is_flow());
        let (_, alias) = root.pairs().nth(1).unwrap();
        assert!(matches!(alias.kind(), Kind::Alias { target, name: "x" } if target.id() == anchored.id()));
        assert!(matches!(alias.get("k").unwrap().kind(), Kind::Scalar { text: "v", style: Style::Plain }));
        assert!(matches!(root.get("b").unwrap().kind(), Kind::Scalar { text: "2", .. }));
    }

    #[test]
    fn a_broken_document_does_not_hide_those_before() {
        let text = "a: 1\n---\nb: [\n";
        let source = Source::new(text.as_bytes());
        let mut documents = source.documents(Dialect::Go, Limits::default());
        assert!(documents.next().is_some_and(|document| document.is_ok()));
        assert!(documents.next().is_some_and(|document| document.is_err()));
        assert!(documents.next().is_none());
    }

    #[test]
    fn limits_end_in_errors() {
        let refuse = |text: &str, limits| {
            let source = Source::new(text.as_bytes());
            let error = source.documents(Dialect::Go, limits).find_map(Result::err);
            error.expect("a limit is exceeded").to_string()
        };
        let limits = Limits { depth: 3, size: 20 };
        assert_eq!(refuse("[[[[x]]]]", limits), "yaml: exceeded max depth of 3");
        assert_eq!(refuse("- - - - x", limits), "yaml: exceeded max depth of 3");
        assert_eq!(refuse(&"x".repeat(21), limits), "yaml: text exceeds the limit of 20 bytes");
    }
}
