//! Tokens to events, by libyaml's grammar; one state per place in it.

use std::borrow::Cow;

use super::document::Limits;
use super::error::{Error, Mark, Stage};
use super::scanner::{Dialect, Scanner, Style, Token, TokenKind};
use super::source::Source;

pub(super) struct Event<'a> {
    pub(super) kind: EventKind<'a>,
    pub(super) mark: Mark,
}

pub(super) enum EventKind<'a> {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(&'a str),
    Scalar {
        properties: Properties<'a>,
        text: Cow<'a, str>,
        style: Style,
    },
    SequenceStart {
        properties: Properties<'a>,
        flow: bool,
    },
    MappingStart {
        properties: Properties<'a>,
        flow: bool,
    },
    /// The end of the innermost sequence or mapping.
    End,
}

/// The anchor and the (resolved) tag of a node.
#[derive(Default)]
pub(super) struct Properties<'a> {
    pub(super) anchor: Option<&'a str>,
    pub(super) tag: Option<Box<str>>,
}

#[derive(Clone, Copy)]
enum State {
    ImplicitDocumentStart,
    DocumentStart,
    DocumentContent,
    DocumentEnd,
    BlockNode,
    BlockSequenceEntry,
    IndentlessSequenceEntry,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceFirstEntry,
    FlowSequenceEntry,
    FlowSequencePairKey,
    FlowSequencePairValue,
    FlowSequencePairEnd,
    FlowMappingFirstKey,
    FlowMappingKey,
    FlowMappingValue,
    FlowMappingEmptyValue,
    End,
}

/// Where a node may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Flow,
    Block,
    /// Where a sequence may stand without indentation: under a key.
    UnderKey,
}

pub(super) struct Parser<'a> {
    scanner: Scanner<'a>,
    dialect: Dialect,
    state: State,
    /// Where to go on after the current node.
    states: Vec<State>,
    /// Where the open collections began.
    starts: Vec<Mark>,
    tag_prefixes: Vec<(&'a str, Cow<'a, str>)>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, source: &Source<'_>, dialect: Dialect, limits: Limits) -> Self {
        Self {
            scanner: Scanner::new(text, source, dialect, limits),
            dialect,
            state: State::ImplicitDocumentStart,
            states: Vec::new(),
            starts: Vec::new(),
            tag_prefixes: Vec::new(),
        }
    }

    /// The next event; the end of the stream forever once it was reached.
    pub(super) fn next(&mut self) -> Result<Event<'a>, Error> {
        match self.state {
            State::ImplicitDocumentStart => self.document_start(true),
            State::DocumentStart => self.document_start(false),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockNode => self.node(Place::Block),
            State::BlockSequenceEntry => self.block_sequence_entry(),
            State::IndentlessSequenceEntry => self.indentless_sequence_entry(),
            State::BlockMappingKey => self.block_mapping_key(),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequenceFirstEntry => self.flow_sequence_entry(true),
            State::FlowSequenceEntry => self.flow_sequence_entry(false),
            State::FlowSequencePairKey => self.flow_sequence_pair_key(),
            State::FlowSequencePairValue => self.flow_sequence_pair_value(),
            State::FlowSequencePairEnd => self.flow_sequence_pair_end(),
            State::FlowMappingFirstKey => self.flow_mapping_key(true),
            State::FlowMappingKey => self.flow_mapping_key(false),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingEmptyValue => {
                let mark = self.scanner.peek()?.start;
                Ok(self.empty_scalar(mark, State::FlowMappingKey))
            }
            State::End => Ok(Event { kind: EventKind::StreamEnd, mark: Mark::default() }),
        }
    }

    fn pop_state(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    fn empty_scalar(&mut self, mark: Mark, next: State) -> Event<'a> {
        self.state = next;
        let properties = Properties::default();
        Event { kind: EventKind::Scalar { properties, text: Cow::Borrowed(""), style: Style::Plain }, mark }
    }

    /// Reads a node after which `next` goes on.
    fn node_then(&mut self, place: Place, next: State) -> Result<Event<'a>, Error> {
        self.states.push(next);
        self.node(place)
    }

    // --- Documents -----------------------------------------------------------------------------------

    fn document_start(&mut self, implicit: bool) -> Result<Event<'a>, Error> {
        if !implicit {
            while matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
                self.scanner.take()?;
            }
        }
        let token = self.scanner.peek()?;
        let mark = token.start;
        match token.kind {
            TokenKind::StreamEnd => {
                self.state = State::End;
                Ok(Event { kind: EventKind::StreamEnd, mark })
            }
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart => self.explicit_document(mark),
            _ if implicit => {
                self.process_directives()?;
                self.states.push(State::DocumentEnd);
                self.state = State::BlockNode;
                Ok(Event { kind: EventKind::DocumentStart, mark })
            }
            _ => self.explicit_document(mark),
        }
    }

    fn explicit_document(&mut self, mark: Mark) -> Result<Event<'a>, Error> {
        self.process_directives()?;
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::DocumentStart) {
            return Err(parser_error("did not find expected <document start>", token.start));
        }
        self.scanner.take()?;
        self.states.push(State::DocumentEnd);
        self.state = State::DocumentContent;
        Ok(Event { kind: EventKind::DocumentStart, mark })
    }

    fn process_directives(&mut self) -> Result<(), Error> {
        let mut version_seen = false;
        while let TokenKind::VersionDirective { .. } | TokenKind::TagDirective { .. } =
            self.scanner.peek()?.kind
        {
            let Token { kind, start, .. } = self.scanner.take()?;
            match kind {
                TokenKind::VersionDirective { .. } if version_seen => {
                    return Err(parser_error("found duplicate %YAML directive", start));
                }
                TokenKind::VersionDirective { major: 1, minor: 1 } => version_seen = true,
                TokenKind::VersionDirective { major: 1, minor: 2 } if self.dialect == Dialect::LibYaml => {
                    version_seen = true;
                }
                TokenKind::TagDirective { handle, prefix } => {
                    if self.tag_prefixes.iter().any(|(known, _)| *known == handle) {
                        return Err(parser_error("found duplicate %TAG directive", start));
                    }
                    self.tag_prefixes.push((handle, prefix));
                }
                _ => return Err(parser_error("found incompatible YAML document", start)),
            }
        }
        Ok(())
    }

    fn document_content(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                let mark = token.start;
                Ok(self.empty_scalar(mark, State::DocumentEnd)).inspect(|_| self.pop_state())
            }
            _ => self.node(Place::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        let mark = token.start;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            self.scanner.take()?;
        }
        self.tag_prefixes.clear();
        self.state = State::DocumentStart;
        Ok(Event { kind: EventKind::DocumentEnd, mark })
    }

    // --- Nodes ---------------------------------------------------------------------------------------

    fn node(&mut self, place: Place) -> Result<Event<'a>, Error> {
        let start = self.scanner.peek()?.start;
        if let TokenKind::Alias(name) = self.scanner.peek()?.kind {
            self.scanner.take()?;
            self.pop_state();
            return Ok(Event { kind: EventKind::Alias(name), mark: start });
        }
        let properties = self.properties(start)?;
        self.content(place, properties, start)
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self, start: Mark) -> Result<Properties<'a>, Error> {
        let mut properties = Properties::default();
        let mut tag = None;
        for _ in 0..2 {
            match self.scanner.peek()?.kind {
                TokenKind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                    self.scanner.take()?;
                }
                TokenKind::Tag { .. } if tag.is_none() => tag = Some(self.scanner.take()?),
                _ => break,
            }
        }
        if let Some(token) = tag {
            properties.tag = Some(self.resolve_tag(token, start)?);
        }
        Ok(properties)
    }

    fn resolve_tag(&self, token: Token<'a>, start: Mark) -> Result<Box<str>, Error> {
        let TokenKind::Tag { handle, suffix } = token.kind else {
            return Err(parser_error("did not find expected tag", token.start));
        };
        let declared = self.tag_prefixes.iter().find(|(known, _)| *known == handle);
        let prefix = match (declared, handle) {
            (Some((_, prefix)), _) => prefix,
            (None, "") => "",
            (None, "!") => "!",
            (None, "!!") => "tag:yaml.org,2002:",
            (None, _) => {
                let error = parser_error("found undefined tag handle", token.start);
                return Err(error.with_context("while parsing a node", start));
            }
        };
        Ok(format!("{prefix}{suffix}").into_boxed_str())
    }

    fn content(&mut self, place: Place, properties: Properties<'a>, mark: Mark) -> Result<Event<'a>, Error> {
        let block = place != Place::Flow;
        let token = self.scanner.peek()?;
        let token_start = token.start;
        match token.kind {
            TokenKind::BlockEntry if place == Place::UnderKey => {
                self.state = State::IndentlessSequenceEntry;
                Ok(Event { kind: EventKind::SequenceStart { properties, flow: false }, mark })
            }
            TokenKind::Scalar { .. } => {
                self.pop_state();
                let TokenKind::Scalar { text, style } = self.scanner.take()?.kind else {
                    return Err(parser_error("did not find expected scalar", token_start));
                };
                Ok(Event { kind: EventKind::Scalar { properties, text, style }, mark })
            }
            TokenKind::FlowSequenceStart => {
                self.open(State::FlowSequenceFirstEntry)?;
                Ok(Event { kind: EventKind::SequenceStart { properties, flow: true }, mark })
            }
            TokenKind::FlowMappingStart => {
                self.open(State::FlowMappingFirstKey)?;
                Ok(Event { kind: EventKind::MappingStart { properties, flow: true }, mark })
            }
            TokenKind::BlockSequenceStart if block => {
                self.open(State::BlockSequenceEntry)?;
                Ok(Event { kind: EventKind::SequenceStart { properties, flow: false }, mark })
            }
            TokenKind::BlockMappingStart if block => {
                self.open(State::BlockMappingKey)?;
                Ok(Event { kind: EventKind::MappingStart { properties, flow: false }, mark })
            }
            _ if properties.anchor.is_some() || properties.tag.is_some() => {
                self.pop_state();
                let kind = EventKind::Scalar { properties, text: Cow::Borrowed(""), style: Style::Plain };
                Ok(Event { kind, mark })
            }
            _ => {
                let context = if block { "while parsing a block node" } else { "while parsing a flow node" };
                Err(parser_error("did not find expected node content", token_start)
                    .with_context(context, mark))
            }
        }
    }

    fn open(&mut self, first: State) -> Result<(), Error> {
        let token = self.scanner.take()?;
        self.starts.push(token.start);
        self.state = first;
        Ok(())
    }

    fn close(&mut self) -> Result<Event<'a>, Error> {
        self.starts.pop();
        self.pop_state();
        Ok(Event { kind: EventKind::End, mark: self.scanner.take()?.start })
    }

    fn collection_error(&mut self, context: &'static str, problem: &'static str, mark: Mark) -> Error {
        let start = self.starts.pop().unwrap_or_default();
        parser_error(problem, mark).with_context(context, start)
    }

    // --- Block collections -----------------------------------------------------------------------------

    fn block_sequence_entry(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::BlockEntry => {
                self.scanner.take()?;
                match self.scanner.peek()?.kind {
                    TokenKind::BlockEntry | TokenKind::BlockEnd => {
                        Ok(self.empty_scalar(end, State::BlockSequenceEntry))
                    }
                    _ => self.node_then(Place::Block, State::BlockSequenceEntry),
                }
            }
            TokenKind::BlockEnd => self.close(),
            _ => Err(self.collection_error(
                "while parsing a block collection",
                "did not find expected '-' indicator",
                start,
            )),
        }
    }

    fn indentless_sequence_entry(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::BlockEntry) {
            self.pop_state();
            return Ok(Event { kind: EventKind::End, mark: start });
        }
        self.scanner.take()?;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_scalar(end, State::IndentlessSequenceEntry))
            }
            _ => self.node_then(Place::Block, State::IndentlessSequenceEntry),
        }
    }

    fn block_mapping_key(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        match token.kind {
            TokenKind::Key => {
                self.scanner.take()?;
                match self.scanner.peek()?.kind {
                    TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                        Ok(self.empty_scalar(end, State::BlockMappingValue))
                    }
                    _ => self.node_then(Place::UnderKey, State::BlockMappingValue),
                }
            }
            TokenKind::BlockEnd => self.close(),
            _ => Err(self.collection_error(
                "while parsing a block mapping",
                "did not find expected key",
                start,
            )),
        }
    }

    fn block_mapping_value(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        let (start, end) = (token.start, token.end);
        if !matches!(token.kind, TokenKind::Value) {
            return Ok(self.empty_scalar(start, State::BlockMappingKey));
        }
        self.scanner.take()?;
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.empty_scalar(end, State::BlockMappingKey))
            }
            _ => self.node_then(Place::UnderKey, State::BlockMappingKey),
        }
    }

    // --- Flow collections ------------------------------------------------------------------------------

    /// Takes the `,` that must stand before every entry but the first, and an optional one at the end.
    fn flow_separator(
        &mut self,
        first: bool,
        closes: fn(&TokenKind<'a>) -> bool,
        context: &'static str,
        problem: &'static str,
    ) -> Result<(), Error> {
        let token = self.scanner.peek()?;
        if first || closes(&token.kind) {
            return Ok(());
        }
        let start = token.start;
        if !matches!(token.kind, TokenKind::FlowEntry) {
            return Err(self.collection_error(context, problem, start));
        }
        self.scanner.take().map(drop)
    }

    fn flow_sequence_entry(&mut self, first: bool) -> Result<Event<'a>, Error> {
        self.flow_separator(
            first,
            |kind| matches!(kind, TokenKind::FlowSequenceEnd),
            "while parsing a flow sequence",
            "did not find expected ',' or ']'",
        )?;
        let token = self.scanner.peek()?;
        let mark = token.start;
        match token.kind {
            TokenKind::Key => {
                self.scanner.take()?;
                self.state = State::FlowSequencePairKey;
                let properties = Properties::default();
                Ok(Event { kind: EventKind::MappingStart { properties, flow: true }, mark })
            }
            TokenKind::FlowSequenceEnd => self.close(),
            _ => self.node_then(Place::Flow, State::FlowSequenceEntry),
        }
    }

    fn flow_sequence_pair_key(&mut self) -> Result<Event<'a>, Error> {
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                let mark = token.end;
                // The token is lost here, as in libyaml: `[? , a]` is read without the comma.
                self.scanner.take()?;
                Ok(self.empty_scalar(mark, State::FlowSequencePairValue))
            }
            _ => self.node_then(Place::Flow, State::FlowSequencePairValue),
        }
    }

    fn flow_sequence_pair_value(&mut self) -> Result<Event<'a>, Error> {
        if matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return self.node_then(Place::Flow, State::FlowSequencePairEnd);
            }
        }
        let mark = self.scanner.peek()?.start;
        Ok(self.empty_scalar(mark, State::FlowSequencePairEnd))
    }

    fn flow_sequence_pair_end(&mut self) -> Result<Event<'a>, Error> {
        let mark = self.scanner.peek()?.start;
        self.state = State::FlowSequenceEntry;
        Ok(Event { kind: EventKind::End, mark })
    }

    fn flow_mapping_key(&mut self, first: bool) -> Result<Event<'a>, Error> {
        self.flow_separator(
            first,
            |kind| matches!(kind, TokenKind::FlowMappingEnd),
            "while parsing a flow mapping",
            "did not find expected ',' or '}'",
        )?;
        match self.scanner.peek()?.kind {
            TokenKind::Key => {
                self.scanner.take()?;
                let token = self.scanner.peek()?;
                match token.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        let mark = token.start;
                        Ok(self.empty_scalar(mark, State::FlowMappingValue))
                    }
                    _ => self.node_then(Place::Flow, State::FlowMappingValue),
                }
            }
            TokenKind::FlowMappingEnd => self.close(),
            _ => self.node_then(Place::Flow, State::FlowMappingEmptyValue),
        }
    }

    fn flow_mapping_value(&mut self) -> Result<Event<'a>, Error> {
        if matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node_then(Place::Flow, State::FlowMappingKey);
            }
        }
        let mark = self.scanner.peek()?.start;
        Ok(self.empty_scalar(mark, State::FlowMappingKey))
    }
}

fn parser_error(problem: &'static str, mark: Mark) -> Error {
    Error::new(Stage::Parser, problem, Some(mark))
}
