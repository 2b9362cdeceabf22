//! Why a chart cannot be had.

use std::path::{Path, PathBuf};

use crate::chart;

/// Why a chart cannot be had; the texts are Helm's where Helm has one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A server cannot be reached, or refuses.
    #[error("failed to fetch {url} : {reason}")]
    Fetch {
        /// What was asked for, without credentials.
        url: String,
        /// What came instead.
        reason: String,
    },
    /// A server sends more than anyone should have to keep in memory.
    #[error("{url} is larger than the maximum size {limit}")]
    TooLarge {
        /// What was asked for, without credentials.
        url: String,
        /// In bytes.
        limit: u64,
    },
    /// Content is not what its index, manifest or reference says.
    #[error("digest mismatch for {of}: expected {expected}, got {actual}")]
    Digest {
        /// What was fetched.
        of: String,
        /// `sha256:…`.
        expected: String,
        /// `sha256:…`.
        actual: String,
    },
    /// The provenance of a chart cannot be verified.
    #[error("{0}")]
    Provenance(String),
    /// A file that ought to hold YAML or JSON does not.
    #[error("cannot load {what}: {message}")]
    Malformed {
        /// The file or answer.
        what: String,
        /// What is wrong, with the place.
        message: String,
    },
    /// There is no such chart, version, repository, path, …
    #[error("{0}")]
    NotFound(String),
    /// The reference, an option or a chart asks for what cannot be done.
    #[error("{0}")]
    Refused(String),
    /// The chart is broken.
    #[error(transparent)]
    Chart(#[from] chart::Error),
    /// An error with what was attempted before it.
    #[error("{context}: {source}")]
    Context {
        /// What was attempted.
        context: String,
        /// Why it failed.
        source: Box<Error>,
    },
}

impl Error {
    /// Whether a server did not give what was asked for, which it may do another time.
    #[must_use]
    pub fn is_fetch(&self) -> bool {
        match self {
            Self::Fetch { .. } => true,
            Self::Context { source, .. } => source.is_fetch(),
            _ => false,
        }
    }

    /// Tells what was attempted.
    #[must_use]
    pub(super) fn within(self, context: impl Into<String>) -> Self {
        Self::Context { context: context.into(), source: Box::new(self) }
    }

    /// An error of the operating system at this path.
    pub(super) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
