//! Provenance: who packed a chart, told by a signed file beside it.
//!
//! ```text
//! chart.tgz.prov -> clear-signed text ─> digests of files ─┬─> compared with chart.tgz
//!                 └> signature ─ verified by ─ keyring ────┘
//! ```
//!
//! Follows `pkg/provenance` of Helm 4 and RFC 9580 as far as GnuPG's keys of version 4 need it: RSA, ECDSA and
//! EdDSA. It verifies only. The crate `pgp` would bring a second generation of all cryptography that is
//! linked already (103 more packages), so the packets are read here and the signatures verified with what is
//! there.

mod armor;
mod cleartext;
mod key;
mod keyring;
mod packet;
mod signature;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;
use super::cache::Digest;
use crate::yaml::go;
use cleartext::Signed;
use keyring::Keyring;

/// Who signed a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// The names of the key.
    pub signed_by: Vec<String>,
    /// The fingerprint of the key in hexadecimal capitals.
    pub fingerprint: String,
    /// The digest of the archive: `sha256:…`.
    pub digest: String,
}

impl Verification {
    /// As Helm prints it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.signed_by.iter().map(|name| format!("Signed by: {name}")).collect();
        lines.push(format!("Using Key With Fingerprint: {}", self.fingerprint));
        lines.push(format!("Chart Hash Verified: {}", self.digest));
        lines
    }
}

/// Verifies an archive by the file `ARCHIVE.prov` beside it.
///
/// # Errors
/// When there is no such file, no key of the keyring made its signature, or the archive is another.
pub fn verify(archive: &Path, keyring: &Path) -> Result<Verification, Error> {
    let refuse = |why: &str| Err(Error::Provenance(why.to_owned()));
    if archive.is_dir() {
        return refuse("unpacked charts cannot be verified");
    }
    if !archive.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tgz")) {
        return refuse("chart must be a tgz file");
    }
    let data = std::fs::read(archive).map_err(Error::file(archive))?;
    let mut path = archive.as_os_str().to_owned();
    path.push(".prov");
    let path = PathBuf::from(path);
    let signed = std::fs::read(&path).map_err(|error| {
        Error::file(&path)(error).within(format!("could not load provenance file {}", path.display()))
    })?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    check(&data, &signed, &name, keyring)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Sums {
    files: BTreeMap<String, String>,
}

/// Verifies an archive of this name by the content of its provenance file.
pub(super) fn check(
    archive: &[u8],
    provenance: &[u8],
    name: &str,
    keyring: &Path,
) -> Result<Verification, Error> {
    let refuse = |why: String| Error::Provenance(why);
    let keys = std::fs::read(keyring)
        .map_err(Error::file(keyring))
        .and_then(|data| Keyring::parse(&data).map_err(refuse));
    let keys = keys.map_err(|error| error.within("failed to load keyring"))?;
    let signed = Signed::parse(provenance).ok_or_else(|| refuse("signature block not found".into()))?;
    let signer = keys.verify(&signed, std::time::SystemTime::now()).map_err(refuse)?;
    let mut parts = signed.text.split("\n...\n");
    let sums = parts.nth(1).ok_or_else(|| refuse("message block must have at least two parts".into()))?;
    let sums: Sums = go::from_slice(sums.as_bytes()).map_err(|error| refuse(error.to_string()))?;
    let digest = Digest::of(archive).to_string();
    match sums.files.get(name) {
        None => Err(refuse(format!("provenance does not contain a SHA for a file named {name:?}"))),
        Some(sum) if *sum != digest => {
            Err(refuse(format!("sha256 sum does not match for {name}: {sum:?} != {digest:?}")))
        }
        Some(_) => Ok(Verification {
            signed_by: signer.names.clone(),
            fingerprint: hex::encode_upper(signer.primary.fingerprint()),
            digest,
        }),
    }
}

/// The keyring that GnuPG keeps for the user.
#[must_use]
pub fn default_keyring() -> PathBuf {
    let home = std::env::var_os("GNUPGHOME").map(PathBuf::from);
    let home =
        home.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".gnupg"));
    let (old, new) = (home.join("pubring.gpg"), home.join("pubring.kbx"));
    if !old.exists() && new.exists() { new } else { old }
}

#[cfg(test)]
mod tests;
