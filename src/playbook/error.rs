//! What is wrong with content, with the place where it stands.

use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What sort of thing is wrong: `daytwo lint` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The content itself: YAML, structure, missing things.
    #[default]
    Content,
    /// A keyword that does not exist.
    Keyword,
    /// A module that does not exist.
    Module,
    /// An argument that a module does not have.
    Argument,
    /// A filter that does not exist.
    Filter,
    /// A test that does not exist.
    Test,
    /// A lookup that does not exist.
    Lookup,
    /// A template that does not parse.
    Template,
    /// A keyword that has no effect.
    NoEffect,
    /// A program that must be installed.
    Program,
    /// A plugin or module in Python.
    Python,
}

impl Kind {
    /// The kinds in the order in which they are counted, with their names.
    pub const ALL: &'static [(Kind, &'static str)] = &[
        (Kind::Content, "broken content"),
        (Kind::Keyword, "unknown keywords"),
        (Kind::Module, "unknown modules"),
        (Kind::Argument, "unknown arguments"),
        (Kind::Filter, "unknown filters"),
        (Kind::Test, "unknown tests"),
        (Kind::Lookup, "unknown lookups"),
        (Kind::Template, "broken templates"),
        (Kind::NoEffect, "keywords without effect"),
        (Kind::Program, "external programs"),
        (Kind::Python, "Python plugins"),
    ];

    /// Whether what is of this kind runs all the same, given what it needs.
    #[must_use]
    pub fn is_note(self) -> bool {
        matches!(self, Kind::NoEffect | Kind::Program | Kind::Python)
    }
}

/// One thing that is wrong with content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
    /// What sort of thing.
    pub kind: Kind,
    /// The file.
    pub file: PathBuf,
    /// The line, from one.
    pub line: usize,
    /// The column, from one.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line of the file that is wrong.
    pub text: String,
    /// What may help.
    pub hint: Option<String>,
    /// Whether a file or role is missing, rather than wrong.
    pub missing: bool,
}

impl LoadError {
    /// The message as Ansible prints it: with the place, and the lines of the file there.
    #[must_use]
    pub fn with_source(&self) -> String {
        let hint = self.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}{hint}{}", self.message, source_position(&self.file, self.line, self.column))
    }
}

/// A place, as Ansible appends it to an error.
#[must_use]
pub fn source_position(file: &Path, line: usize, column: usize) -> String {
    let mut text = format!(
        "\n\nThe error appears to be in '{}': line {line}, column {column}, but may\nbe elsewhere in the file depending on the exact syntax problem.\n",
        file.display()
    );
    let source = std::fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = source.lines().collect();
    if let Some(wrong) = line.checked_sub(1).and_then(|at| lines.get(at)) {
        let before = line.checked_sub(2).and_then(|at| lines.get(at)).copied().unwrap_or_default();
        let arrow = " ".repeat(column.saturating_sub(1));
        let _ = write!(text, "\nThe offending line appears to be:\n\n{before}\n{wrong}\n{arrow}^ here\n");
    }
    text
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file.display(), self.line, self.column, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        if !self.text.trim().is_empty() {
            write!(f, "\n    {}", self.text.trim())?;
        }
        Ok(())
    }
}

/// Everything that is wrong with content; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadErrors(pub Vec<LoadError>);

impl fmt::Display for LoadErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl LoadErrors {
    /// Whether files or roles are only missing: what includes them fails, and the run goes on.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.0.iter().all(|error| error.missing)
    }
}
