//! What PyYAML says about a text that it cannot read.

use std::fmt;

use crate::yaml::{self, Mark};

/// A text that PyYAML refuses; `Display` is its wording.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A `MarkedYAMLError` or a `ReaderError`.
    Yaml {
        /// What is wrong and where.
        error: yaml::Error,
        /// The name of the text.
        name: String,
    },
    /// A `ValueError` from a constructor: Python's text, and the place that Python does not tell.
    Value {
        /// Python's text.
        problem: String,
        /// The scalar.
        mark: Mark,
    },
}

impl Error {
    /// Where the error is.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Yaml { error, .. } => error.mark(),
            Self::Value { mark, .. } => Some(*mark),
        }
    }

    /// What is wrong, without context and place.
    #[must_use]
    pub fn problem(&self) -> &str {
        match self {
            Self::Yaml { error, .. } => error.problem(),
            Self::Value { problem, .. } => problem,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value { problem, .. } => f.write_str(problem),
            Self::Yaml { error, name } if error.stage() == yaml::Stage::Reader => {
                write_reader(f, error, name)
            }
            Self::Yaml { error, name } => write_marked(f, error, name),
        }
    }
}

fn write_reader(f: &mut fmt::Formatter<'_>, error: &yaml::Error, name: &str) -> fmt::Result {
    if let Some(character) = error.character() {
        write!(f, "unacceptable character #x{character:04x}: ")?;
    }
    let offset = error.mark().unwrap_or_default().offset;
    write!(f, "{}\n  in \"{name}\", position {offset}", error.problem())
}

fn write_marked(f: &mut fmt::Formatter<'_>, error: &yaml::Error, name: &str) -> fmt::Result {
    if let Some((context, mark)) = error.context() {
        writeln!(f, "{context}")?;
        if error.mark().is_none_or(|place| (place.line, place.column) != (mark.line, mark.column)) {
            writeln!(f, "  in \"{name}\", {mark}")?;
        }
    }
    f.write_str(error.problem())?;
    match error.mark() {
        Some(mark) => write!(f, "\n  in \"{name}\", {mark}"),
        None => Ok(()),
    }
}
