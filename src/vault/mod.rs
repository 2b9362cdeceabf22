//! Ansible Vault: text that is encrypted with a password (`ansible/parsing/vault`).
//!
//! ```text
//! $ANSIBLE_VAULT;1.2;AES256;id ─ envelope ─> salt, HMAC, ciphertext ─ cipher + Secrets ─> plain text
//! ```
//!
//! [`Secrets`] are the passwords of a run by their vault ids; they are read by [`Sources`] from files, scripts
//! and prompts. [`Sealed`] is one encrypted value, decrypted at its first use. Nothing in this room prints a
//! secret or what was encrypted: the `Debug` output of both is withheld.

mod cipher;
mod envelope;
pub mod file;
mod sealed;
mod secrets;
mod sources;

pub use envelope::is_encrypted;
pub use sealed::Sealed;
pub use secrets::{DEFAULT_ID, Secret, Secrets, encrypt};
pub use sources::{Prompt, Sources};

/// Why vault data cannot be encrypted or decrypted, in Ansible's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no password at all.
    #[error("Attempting to decrypt but no vault secrets found")]
    NoSecrets,
    /// No password fits.
    #[error("Decryption failed (no vault secrets were found that could decrypt){}", on(.0.as_deref()))]
    NoneFits(Option<String>),
    /// The text is no vault data.
    #[error("input is not vault encrypted data. {}", not_a_file(.0.as_deref()))]
    NotEncrypted(Option<String>),
    /// The text is vault data already.
    #[error("input is already encrypted")]
    AlreadyEncrypted,
    /// The header names another cipher than AES256.
    #[error("{0} cipher could not be found")]
    Cipher(String),
    /// The header or the body is malformed.
    #[error("{0}")]
    Format(String),
    /// A file cannot be read, written or decrypted.
    #[error("{0}")]
    File(String),
    /// A password, a password file or a script is of no use.
    #[error("{0}")]
    Password(String),
}

fn on(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| format!(" on {source}"))
}

fn not_a_file(source: Option<&str>) -> String {
    source.map_or_else(String::new, |source| format!("{source} is not a vault encrypted file"))
}
