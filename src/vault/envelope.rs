//! The text of vault data: a header line and hexadecimal digits in lines of 80.

use super::VaultError;

/// How vault data begins.
const HEADER: &str = "$ANSIBLE_VAULT";
/// Characters in a line.
const WIDTH: usize = 80;

/// Whether bytes are vault data: ASCII that begins with the header.
#[must_use]
pub fn is_encrypted(data: &[u8]) -> bool {
    data.starts_with(HEADER.as_bytes()) && data.is_ascii()
}

/// Vault data, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The vault id of the header, from version 1.2 on.
    pub(super) id: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) hmac: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

impl Envelope {
    /// Reads vault data.
    ///
    /// # Errors
    /// It is malformed, or encrypted with another cipher.
    pub(super) fn parse(text: &str, source: Option<&str>) -> Result<Envelope, VaultError> {
        let place = || source.map_or_else(String::new, |source| format!(" in {source}"));
        let malformed =
            |why: &str| VaultError::Format(format!("Vault envelope format error{}: {why}", place()));
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(';').map(str::trim).collect();
        let [_, _version, cipher, rest @ ..] = header.as_slice() else {
            return Err(malformed("list index out of range"));
        };
        if *cipher != "AES256" {
            return Err(VaultError::Cipher((*cipher).to_owned()));
        }
        let body: String = lines.collect();
        let unhex = |hex: &[u8]| {
            hex::decode(hex).map_err(|error| {
                VaultError::Format(format!("Vault format unhexlify error: {}", python_words(error)))
            })
        };
        let inner = unhex(body.trim_end().as_bytes())?;
        let mut parts = inner.splitn(3, |byte| *byte == b'\n');
        let (Some(salt), Some(hmac), Some(ciphertext)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VaultError::Format(
                "Vault vaulttext format error: not enough values to unpack (expected 3)".to_owned(),
            ));
        };
        Ok(Envelope {
            id: rest.first().map(|id| (*id).to_owned()),
            salt: unhex(salt)?,
            hmac: unhex(hmac)?,
            ciphertext: unhex(ciphertext)?,
        })
    }

    /// Writes vault data; a vault id other than `default` makes it version 1.2.
    pub(super) fn write(&self) -> String {
        let mut out = match self.id.as_deref().filter(|id| !id.is_empty() && *id != super::DEFAULT_ID) {
            Some(id) => format!("{HEADER};1.2;AES256;{id}\n"),
            None => format!("{HEADER};1.1;AES256\n"),
        };
        let parts = [hex::encode(&self.salt), hex::encode(&self.hmac), hex::encode(&self.ciphertext)];
        let body = hex::encode(parts.join("\n"));
        let mut rest = body.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(WIDTH));
            out.push_str(line);
            out.push('\n');
            rest = after;
        }
        out
    }
}

/// What Python's `binascii` says.
fn python_words(error: hex::FromHexError) -> &'static str {
    match error {
        hex::FromHexError::OddLength => "Odd-length string",
        _ => "Non-hexadecimal digit found",
    }
}
