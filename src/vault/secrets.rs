//! The passwords of a run, and what is done with them.

use std::borrow::Cow;
use std::fmt;

use super::envelope::Envelope;
use super::{VaultError, cipher, is_encrypted};

/// The vault id of passwords that have no other (`DEFAULT_VAULT_IDENTITY`).
pub const DEFAULT_ID: &str = "default";

/// A password.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A password of these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Secret(bytes.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(withheld)")
    }
}

/// The passwords of a run with their vault ids, the better ones first.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    secrets: Vec<(String, Secret)>,
    match_ids: bool,
}

impl Secrets {
    /// No passwords. With `match_ids` (`DEFAULT_VAULT_ID_MATCH`), data that names a vault id is only tried
    /// with the passwords of that id.
    #[must_use]
    pub fn new(match_ids: bool) -> Self {
        Secrets { secrets: Vec::new(), match_ids }
    }

    /// Adds a password under its vault id.
    pub fn add(&mut self, id: impl Into<String>, secret: Secret) {
        self.secrets.push((id.into(), secret));
    }

    /// Whether there is no password.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The vault ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// The password to encrypt with, and its id: that of this vault id, or the first.
    ///
    /// # Errors
    /// There is none.
    pub fn to_encrypt(&self, id: Option<&str>) -> Result<(&str, &Secret), VaultError> {
        let found = self.secrets.iter().find(|(known, _)| id.is_none_or(|id| id == known));
        found.map(|(id, secret)| (id.as_str(), secret)).ok_or_else(|| {
            let known: Vec<String> = self.ids().map(|id| format!("'{id}'")).collect();
            VaultError::Password(match id {
                Some(id) => format!(
                    "Did not find a match for --encrypt-vault-id={id} in the known vault-ids [{}]",
                    known.join(", ")
                ),
                None => "A vault password must be specified to encrypt data".to_owned(),
            })
        })
    }

    /// Decrypts vault data; `source` is the file that it came from, for messages.
    ///
    /// # Errors
    /// It is no vault data, is malformed, or no password fits.
    pub fn decrypt(&self, data: &[u8], source: Option<&str>) -> Result<Vec<u8>, VaultError> {
        self.unlock(data, source).map(|(plain, _, _)| plain)
    }

    /// Decrypts vault data; gives the plain text, the vault id of the header and the password that fits.
    ///
    /// # Errors
    /// It is no vault data, is malformed, or no password fits.
    pub(super) fn unlock(
        &self,
        data: &[u8],
        source: Option<&str>,
    ) -> Result<(Vec<u8>, Option<String>, Secret), VaultError> {
        let text = std::str::from_utf8(data).ok().filter(|text| is_encrypted(text.as_bytes()));
        let text = text.ok_or_else(|| VaultError::NotEncrypted(source.map(ToOwned::to_owned)))?;
        let envelope = Envelope::parse(text, source)?;
        if self.secrets.is_empty() {
            return Err(VaultError::NoSecrets);
        }
        let wanted = envelope.id.as_deref().unwrap_or(DEFAULT_ID);
        let (same, others): (Vec<_>, Vec<_>) = self.secrets.iter().partition(|(id, _)| id == wanted);
        let others = others.into_iter().filter(|_| !self.match_ids);
        for (_, secret) in same.into_iter().chain(others) {
            let plain = cipher::decrypt(&envelope.ciphertext, &envelope.hmac, &secret.0, &envelope.salt)?;
            if let Some(plain) = plain {
                return Ok((plain, envelope.id.clone(), secret.clone()));
            }
        }
        Err(VaultError::NoneFits(source.map(ToOwned::to_owned)))
    }

    /// The content of a file: decrypted if it is vault data, else as it is.
    ///
    /// # Errors
    /// It is vault data that cannot be decrypted.
    pub fn open<'a>(&self, content: Cow<'a, [u8]>, source: &str) -> Result<Cow<'a, [u8]>, VaultError> {
        if is_encrypted(&content) {
            self.decrypt(&content, Some(source)).map(Cow::Owned)
        } else {
            Ok(content)
        }
    }
}

/// Encrypts with a password; a random salt is made unless one is given.
///
/// # Errors
/// The data is vault data already, the salt is empty, or there is no randomness.
pub fn encrypt(
    plain: &[u8],
    secret: &Secret,
    id: Option<&str>,
    salt: Option<&[u8]>,
) -> Result<String, VaultError> {
    if is_encrypted(plain) {
        return Err(VaultError::AlreadyEncrypted);
    }
    let salt = match salt {
        Some([]) => {
            return Err(VaultError::Password("Empty or invalid salt passed to encrypt()".to_owned()));
        }
        Some(salt) => salt.to_vec(),
        None => {
            let mut salt = vec![0; 32];
            getrandom::fill(&mut salt).map_err(|error| VaultError::Password(error.to_string()))?;
            salt
        }
    };
    let (hmac, ciphertext) = cipher::encrypt(plain, &secret.0, &salt)?;
    Ok(Envelope { id: id.map(ToOwned::to_owned), salt, hmac, ciphertext }.write())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `ansible-vault encrypt` of ansible-core 2.18 with the password `secret` and the salt `0123`.
    const RECORDED: &str = include_str!("../../tests/fixtures/vault/recorded.txt");

    #[test]
    fn data_of_ansible_vault_is_read_and_written_alike() {
        let secret = Secret::new("secret");
        let mut secrets = Secrets::new(false);
        secrets.add("other", Secret::new("wrong"));
        assert_eq!(secrets.decrypt(RECORDED.as_bytes(), None), Err(VaultError::NoneFits(None)));
        secrets.add(DEFAULT_ID, secret.clone());
        assert_eq!(secrets.decrypt(RECORDED.as_bytes(), None).unwrap(), "käse: 1\n".as_bytes());
        assert_eq!(encrypt("käse: 1\n".as_bytes(), &secret, None, Some(b"0123")).unwrap(), RECORDED);
    }

    #[test]
    fn an_id_is_written_and_can_be_demanded() {
        let secret = Secret::new("p");
        let text = encrypt(b"x", &secret, Some("prod"), None).unwrap();
        assert!(text.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"));
        let mut strict = Secrets::new(true);
        strict.add("dev", secret.clone());
        assert_eq!(strict.decrypt(text.as_bytes(), Some("f")), Err(VaultError::NoneFits(Some("f".into()))));
        strict.add("prod", secret);
        assert_eq!(strict.decrypt(text.as_bytes(), None).unwrap(), b"x");
    }

    #[test]
    fn malformed_data_is_an_error() {
        let mut secrets = Secrets::new(false);
        secrets.add(DEFAULT_ID, Secret::new("p"));
        for text in ["$ANSIBLE_VAULT", "$ANSIBLE_VAULT;1.1;AES256\nzz", "$ANSIBLE_VAULT;1.1;AES256\n3a", "x"]
        {
            assert!(secrets.decrypt(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}
