//! One encrypted value (`!vault`), decrypted at its first use and then remembered.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::{Secrets, VaultError};

/// An encrypted value.
#[derive(Clone)]
pub struct Sealed(Arc<Inner>);

struct Inner {
    ciphertext: Arc<str>,
    plain: OnceLock<Arc<str>>,
}

impl Sealed {
    /// A value of this vault data.
    #[must_use]
    pub fn new(ciphertext: impl Into<Arc<str>>) -> Self {
        Sealed(Arc::new(Inner { ciphertext: ciphertext.into(), plain: OnceLock::new() }))
    }

    /// The vault data.
    #[must_use]
    pub fn ciphertext(&self) -> &str {
        &self.0.ciphertext
    }

    /// The plain text.
    ///
    /// # Errors
    /// No password fits, or the plain text is no UTF-8.
    pub fn open(&self, secrets: Option<&Secrets>) -> Result<Arc<str>, VaultError> {
        if let Some(plain) = self.0.plain.get() {
            return Ok(Arc::clone(plain));
        }
        let plain = secrets.ok_or(VaultError::NoSecrets)?.decrypt(self.0.ciphertext.as_bytes(), None)?;
        let plain = String::from_utf8(plain).map_err(|error| VaultError::Format(error.to_string()))?;
        Ok(Arc::clone(self.0.plain.get_or_init(|| plain.into())))
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(withheld)")
    }
}
