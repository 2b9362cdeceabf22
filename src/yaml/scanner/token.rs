//! What the scanner finds.

use std::borrow::Cow;

use super::{Mark, Style};

pub(in super::super) struct Token<'a> {
    pub(in super::super) kind: TokenKind<'a>,
    pub(in super::super) start: Mark,
    pub(in super::super) end: Mark,
}

pub(in super::super) enum TokenKind<'a> {
    StreamEnd,
    VersionDirective {
        major: u8,
        minor: u8,
    },
    TagDirective {
        handle: &'a str,
        prefix: Cow<'a, str>,
    },
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// An empty handle means that the suffix is the whole tag.
    Tag {
        handle: &'a str,
        suffix: Cow<'a, str>,
    },
    Scalar {
        text: Cow<'a, str>,
        style: Style,
    },
}
