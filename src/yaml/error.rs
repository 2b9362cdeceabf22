//! Where something stands in a YAML text and what is wrong there.

use std::borrow::Cow;
use std::fmt;

/// A place in a YAML text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Byte offset from the start of the (decoded) text.
    pub offset: u32,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Which step of reading found the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes that are no text.
    Reader,
    /// Characters that form no token.
    Scanner,
    /// Tokens that form no document.
    Parser,
    /// Nodes that form no tree (aliases) or no value of the language that reads them.
    Value,
}

/// A YAML text that cannot be read.
///
/// `Display` gives go-yaml's text (`yaml: line 3: did not find expected key`), with its own idea of
/// line numbers; [`Error::mark`] tells the true place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Error(Box<Report>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    stage: Stage,
    problem: Cow<'static, str>,
    mark: Option<Mark>,
    context: Option<(&'static str, Mark)>,
    /// The character that the reader refuses, as libyaml reports it.
    character: Option<u32>,
}

impl Error {
    pub(super) fn new(stage: Stage, problem: impl Into<Cow<'static, str>>, mark: Option<Mark>) -> Self {
        Self(Box::new(Report { stage, problem: problem.into(), mark, context: None, character: None }))
    }

    pub(super) fn with_context(mut self, context: &'static str, mark: Mark) -> Self {
        self.0.context = Some((context, mark));
        self
    }

    pub(super) fn with_character(mut self, character: u32) -> Self {
        self.0.character = Some(character);
        self
    }

    /// The character that the reader refuses.
    pub(super) fn character(&self) -> Option<u32> {
        self.0.character
    }

    /// Which step of reading found the error.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// What is wrong, in libyaml's words.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.0.problem
    }

    /// Where it is wrong; `None` for errors that concern the text as a whole.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.0.mark
    }

    /// What was being read and where it began (`while parsing a block mapping`).
    #[must_use]
    pub fn context(&self) -> Option<(&'static str, Mark)> {
        self.0.context
    }

    /// The line that go-yaml would name: it counts from 0 in parser errors, and takes line 0 for unknown.
    fn go_line(&self) -> Option<u32> {
        let report = &self.0;
        if matches!(report.stage, Stage::Reader | Stage::Value) {
            return None;
        }
        let from_zero = |mark: Mark| Some(mark.line.saturating_sub(1)).filter(|line| *line != 0);
        match report.mark.and_then(from_zero) {
            Some(line) if report.stage == Stage::Scanner => Some(line + 1),
            Some(line) => Some(line),
            None => report.context.and_then(|(_, mark)| from_zero(mark)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("yaml: ")?;
        if let Some(line) = self.go_line() {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.0.problem)
    }
}
