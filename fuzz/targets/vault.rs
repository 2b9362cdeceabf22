//! Vault data: any bytes are decrypted or refused, and what is encrypted is decrypted as it was.

use daytwo::vault::{DEFAULT_ID, Secret, Secrets, VaultError, encrypt};

const PASSWORD: &str = "secret";
const SALT: &[u8] = b"0123";

pub(crate) fn run(data: &[u8]) {
    let mut secrets = Secrets::new(false);
    secrets.add(DEFAULT_ID, Secret::new(PASSWORD));
    if let Err(error) = secrets.decrypt(data, Some("fuzz")) {
        assert!(!error.to_string().is_empty());
    }
    match encrypt(data, &Secret::new(PASSWORD), None, Some(SALT)) {
        Ok(text) => assert_eq!(secrets.decrypt(text.as_bytes(), None).as_deref(), Ok(data)),
        Err(error) => assert_eq!(error, VaultError::AlreadyEncrypted),
    }
}
