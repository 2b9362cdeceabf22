//! Why a request got no response.

use std::error::Error as _;

/// Why a request got no response. A response with any status is no error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is malformed or of an unknown scheme.
    #[error("{0}")]
    Url(String),
    /// A certificate, key, header or proxy that the request names cannot be used.
    #[error("{0}")]
    Setup(String),
    /// No connection: refused, unknown host, no route.
    #[error("{0}")]
    Connect(String),
    /// The server's certificate is not trusted.
    #[error("the certificate of the server is not trusted: {0}")]
    Certificate(String),
    /// The server did not answer in time.
    #[error("timed out")]
    Timeout,
    /// The connection was closed before a valid response was received.
    #[error("the connection was closed before a valid response was received")]
    Closed,
    /// The content could not be read or written.
    #[error("{0}")]
    Body(String),
}

impl Error {
    /// What an error of the transport means.
    pub(super) fn of(error: &reqwest::Error) -> Error {
        if error.is_timeout() {
            return Error::Timeout;
        }
        let chain = Chain(error);
        if let Some(problem) = chain.find::<rustls::Error>() {
            return match problem {
                rustls::Error::InvalidCertificate(_) => Error::Certificate(problem.to_string()),
                other => Error::Connect(other.to_string()),
            };
        }
        if let Some(problem) = chain.find::<std::io::Error>() {
            return match (problem.kind(), problem.raw_os_error()) {
                (std::io::ErrorKind::TimedOut, _) => Error::Timeout,
                (std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset, _)
                    if !error.is_connect() =>
                {
                    Error::Closed
                }
                (_, Some(code)) => Error::Connect(format!("[Errno {code}] {}", os_message(problem))),
                // The resolver's errors have no number of the system.
                _ if problem.to_string().contains("failed to lookup address") => {
                    Error::Connect("[Errno -2] Name or service not known".to_owned())
                }
                _ => Error::Connect(problem.to_string()),
            };
        }
        let last = chain.last();
        match error {
            error if error.is_connect() => Error::Connect(last),
            error if error.is_builder() => Error::Setup(last),
            error if error.is_body() || error.is_decode() => Error::Body(last),
            _ => Error::Closed,
        }
    }
}

/// The causes of an error, from the outermost.
struct Chain<'a>(&'a reqwest::Error);

impl<'a> Chain<'a> {
    fn causes(&self) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> + use<'a> {
        std::iter::successors(self.0.source(), |error: &&'a (dyn std::error::Error + 'static)| {
            // The source of an error of input and output is that of what it wraps.
            match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
                Some(wrapped) => Some(wrapped),
                None => (**error).source(),
            }
        })
    }

    fn find<T: std::error::Error + 'static>(&self) -> Option<&'a T> {
        self.causes().find_map(|error| error.downcast_ref::<T>())
    }

    fn last(&self) -> String {
        self.causes().last().map_or_else(|| self.0.to_string(), ToString::to_string)
    }
}

/// The system's words for an error, without Rust's `(os error N)`.
fn os_message(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
