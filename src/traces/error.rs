//! Why no traces are sent although the environment asks for them.

use thiserror::Error;

/// Why no traces are sent.
#[derive(Debug, Error)]
pub enum Error {
    /// A variable has a value that means nothing here.
    #[error("{variable}={value} is not supported here: {hint}")]
    Unsupported {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What would work.
        hint: &'static str,
    },
    /// The collector's address, a certificate or the like cannot be used.
    #[error("{0}")]
    Setup(String),
}
