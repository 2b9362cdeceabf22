//! AES-256 in counter mode with an HMAC over the ciphertext, keyed by PBKDF2 (`VaultAES256`).

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use super::VaultError;

/// Rounds of the key derivation.
const ROUNDS: u32 = 10_000;
/// Bytes of an AES block.
const BLOCK: usize = 16;
/// Bytes of a key.
const KEY: usize = 32;

/// The keys that a password and a salt give.
struct Keys {
    cipher: [u8; KEY],
    hmac: [u8; KEY],
    counter: [u8; BLOCK],
}

impl Keys {
    fn derive(password: &[u8], salt: &[u8]) -> Keys {
        let mut bytes = [0; 2 * KEY + BLOCK];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut bytes);
        let mut keys = Keys { cipher: [0; KEY], hmac: [0; KEY], counter: [0; BLOCK] };
        keys.cipher.copy_from_slice(&bytes[..KEY]);
        keys.hmac.copy_from_slice(&bytes[KEY..2 * KEY]);
        keys.counter.copy_from_slice(&bytes[2 * KEY..]);
        keys
    }

    fn mac(&self) -> Result<Hmac<Sha256>, VaultError> {
        Hmac::<Sha256>::new_from_slice(&self.hmac).map_err(|error| VaultError::Format(error.to_string()))
    }

    /// Encrypts or decrypts in place: counter mode is its own inverse.
    fn apply(&self, data: &mut [u8]) {
        let cipher = Aes256::new(&self.cipher.into());
        let mut counter = u128::from_be_bytes(self.counter);
        for chunk in data.chunks_mut(BLOCK) {
            let mut block = counter.to_be_bytes().into();
            cipher.encrypt_block(&mut block);
            for (byte, key) in chunk.iter_mut().zip(block.iter()) {
                *byte ^= key;
            }
            counter = counter.wrapping_add(1);
        }
    }
}

/// The HMAC and the ciphertext of a plain text.
///
/// # Errors
/// The HMAC refuses its key, which it never does for one of this length.
pub(super) fn encrypt(plain: &[u8], password: &[u8], salt: &[u8]) -> Result<(Vec<u8>, Vec<u8>), VaultError> {
    let keys = Keys::derive(password, salt);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut data = plain.to_vec();
    data.resize(plain.len() + padding, padding as u8);
    keys.apply(&mut data);
    let mut mac = keys.mac()?;
    mac.update(&data);
    Ok((mac.finalize().into_bytes().to_vec(), data))
}

/// The plain text, or none when the password does not fit.
///
/// # Errors
/// The data fits the password and is malformed all the same.
pub(super) fn decrypt(
    ciphertext: &[u8],
    hmac: &[u8],
    password: &[u8],
    salt: &[u8],
) -> Result<Option<Vec<u8>>, VaultError> {
    let keys = Keys::derive(password, salt);
    let mut mac = keys.mac()?;
    mac.update(ciphertext);
    if mac.verify_slice(hmac).is_err() {
        return Ok(None);
    }
    let mut data = ciphertext.to_vec();
    keys.apply(&mut data);
    let padding = data.last().copied().map_or(0, usize::from);
    let valid = (1..=BLOCK).contains(&padding)
        && data.len() >= padding
        && data.len().is_multiple_of(BLOCK)
        && data[data.len() - padding..].iter().all(|byte| usize::from(*byte) == padding);
    if !valid {
        return Err(VaultError::Format("Invalid padding bytes.".to_owned()));
    }
    data.truncate(data.len() - padding);
    Ok(Some(data))
}
