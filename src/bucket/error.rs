//! What can go wrong with a bucket.

use std::path::{Path, PathBuf};

use crate::http::{self, Response};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings name no bucket or no store.
    #[error("{0}")]
    Settings(String),
    /// A file of this machine cannot be read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        message: String,
    },
    /// The store did not answer, or not to its end.
    #[error("object {key:?}: {source}")]
    Unreachable {
        /// The object.
        key: String,
        /// Why.
        source: http::Error,
    },
    /// The store refused.
    #[error("object {key:?}: the store answers {status} {code}: {message}{}", hint(code))]
    Refused {
        /// The object.
        key: String,
        /// The HTTP status.
        status: u16,
        /// The code of the error, such as `NoSuchBucket`.
        code: String,
        /// What it says.
        message: String,
    },
    /// The store said something else than a store of this kind says.
    #[error("object {key:?}: the store's answer cannot be read: {text}")]
    Answer {
        /// The object.
        key: String,
        /// The answer, or what is wrong with it.
        text: String,
    },
}

/// What usually stands behind a code ("Amazon S3 error responses").
const HINTS: &[(&str, &str)] = &[
    ("NoSuchBucket", "is the bucket's name right, and its region?"),
    ("InvalidAccessKeyId", "is this the key of this store?"),
    ("SignatureDoesNotMatch", "is the secret access key right, and does it end without a line break?"),
    ("RequestTimeTooSkewed", "is the node's clock right?"),
    ("PermanentRedirect", "the bucket is in another region"),
    ("AuthorizationHeaderMalformed", "the bucket is in another region"),
];

fn hint(code: &str) -> String {
    let hint = HINTS.iter().find(|(known, _)| *known == code);
    hint.map(|(_, hint)| format!(" ({hint})")).unwrap_or_default()
}

impl Error {
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.to_owned(), message: error.to_string() }
    }

    pub(super) fn unreachable(key: &str) -> impl FnOnce(http::Error) -> Self {
        move |source| Self::Unreachable { key: key.to_owned(), source }
    }

    pub(super) fn answer(key: &str, text: &str) -> Self {
        Self::Answer { key: key.to_owned(), text: text.chars().take(500).collect() }
    }

    /// What a response that is no success says.
    pub(super) async fn refused(key: &str, mut response: Response) -> Self {
        let (status, reason) = (response.status(), response.reason());
        let content = response.bytes().await.unwrap_or_default();
        let text = String::from_utf8_lossy(&content);
        let code = element(&text, "Code").map_or(reason, str::to_owned);
        let message = element(&text, "Message").unwrap_or("no more is told").to_owned();
        Self::Refused { key: key.to_owned(), status, code, message }
    }

    /// Whether the bucket has no such object.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Refused { status: 404, code, .. } if code != "NoSuchBucket")
    }

    /// Whether the same request may have another answer soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => {
                matches!(source, http::Error::Connect(_) | http::Error::Timeout | http::Error::Closed)
            }
            Self::Refused { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

/// The text of the first element of a name. Errors of stores are flat, and nobody acts upon them.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(content, _)| content)
}
