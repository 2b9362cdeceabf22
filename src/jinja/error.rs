//! Why a template failed, by the classes that decide how Ansible reports it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, as far as callers treat it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// A missing variable, attribute or item was used (`AnsibleUndefinedVariable`).
    Undefined,
    /// The template cannot be parsed (`TemplateSyntaxError`).
    Syntax,
    /// An operation met a value of the wrong type (`TypeError`).
    Type,
    /// An operation met a wrong value (`ValueError`).
    Value,
    /// Any other exception of Python's own (`ZeroDivisionError`, `KeyError`, `re.error`, …).
    Exception,
    /// A filter or test whose name a value gives does not exist (`TemplateSyntaxError` while it runs).
    UnknownPlugin,
    /// A filter, test or lookup refused its input (`AnsibleFilterError`, `AnsibleLookupError`).
    Plugin,
    /// Anything that Ansible raises as `AnsibleError` already in its final words.
    Ansible,
    /// The run was cancelled or its deadline passed.
    Cancelled,
}

/// Why a template failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    line: Option<u32>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {
        $($(#[$doc])* #[must_use] pub fn $name(message: impl Into<String>) -> Error {
            Error::new(ErrorKind::$kind, message)
        })*
    };
}

impl Error {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), line: None }
    }

    constructors! {
        /// A missing value was used.
        undefined => Undefined,
        /// The template cannot be parsed.
        syntax => Syntax,
        /// A value of the wrong type.
        type_error => Type,
        /// A wrong value.
        value_error => Value,
        /// Any other exception of Python's own.
        exception => Exception,
        /// A filter or test that a value names does not exist.
        unknown_plugin => UnknownPlugin,
        /// A filter, test or lookup refused its input.
        plugin => Plugin,
        /// An error in Ansible's own words.
        ansible => Ansible,
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether it is an exception that Ansible does not word: it escapes to the task that ran it.
    #[must_use]
    pub fn escapes(&self) -> bool {
        matches!(self.kind, ErrorKind::Value | ErrorKind::Exception | ErrorKind::UnknownPlugin)
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line of the template, from one, where known.
    #[must_use]
    pub fn line(&self) -> Option<u32> {
        self.line
    }

    /// The same error at this line of the template.
    #[must_use]
    pub fn at_line(mut self, line: u32) -> Error {
        self.line = Some(line);
        self
    }

    /// The same kind of error with another message.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Error {
        self.message = message.into();
        self
    }
}
