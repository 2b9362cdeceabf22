//! What is wrong with content, with the place where it stands.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct LoadError {
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
