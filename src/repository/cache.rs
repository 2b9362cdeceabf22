//! Fetched charts by their digest, as Helm 4 keeps them, and files that appear whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Error;

/// The SHA-256 of some content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    /// That of these bytes.
    pub(super) fn of(data: &[u8]) -> Self {
        Self(Sha256::digest(data).into())
    }

    /// Reads `sha256:…` or the bare hexadecimal digits, as index files hold them; `None` for empty text.
    pub(super) fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        let (algorithm, digits) = text.split_once(':').unwrap_or(("sha256", text));
        let mut bytes = [0; 32];
        match hex::decode_to_slice(digits, &mut bytes) {
            Ok(()) if algorithm == "sha256" => Ok(Some(Self(bytes))),
            _ => Err(Error::Refused(format!("digest {text:?} is not sha256 with 64 hexadecimal digits"))),
        }
    }

    /// Refuses content that has another digest.
    pub(super) fn check(self, data: &[u8], of: &str) -> Result<(), Error> {
        let actual = Self::of(data);
        if actual == self {
            return Ok(());
        }
        Err(Error::Digest { of: of.to_owned(), expected: self.to_string(), actual: actual.to_string() })
    }

    /// The hexadecimal digits.
    pub(super) fn hex(self) -> String {
        hex::encode(self.0)
    }
}

/// `sha256:…`
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

/// What a cached file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Chart,
    Provenance,
}

/// The directory of fetched content.
pub(super) struct Cache<'a>(pub(super) &'a Path);

impl Cache<'_> {
    fn path(&self, digest: Digest, kind: Kind) -> PathBuf {
        let digits = digest.hex();
        let extension = match kind {
            Kind::Chart => "chart",
            Kind::Provenance => "prov",
        };
        self.0.join(&digits[..2]).join(format!("{digits}.{extension}"))
    }

    /// The path of cached content and the content; a chart that is no longer what it was is not found.
    pub(super) fn get(&self, digest: Digest, kind: Kind) -> Option<(PathBuf, Vec<u8>)> {
        let path = self.path(digest, kind);
        let data = std::fs::read(&path).ok().filter(|data| !data.is_empty())?;
        (kind == Kind::Provenance || Digest::of(&data) == digest).then_some((path, data))
    }

    /// Keeps content; the path of where it is.
    pub(super) fn put(&self, digest: Digest, kind: Kind, data: &[u8]) -> Result<PathBuf, Error> {
        let path = self.path(digest, kind);
        write(&path, data, 0o644)?;
        Ok(path)
    }
}

/// Writes a file under another name first, so that nobody sees a part of it; makes its directory.
pub(super) fn write(path: &Path, data: &[u8], mode: u32) -> Result<(), Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(Error::file(directory))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = directory.join(format!(".{name}.{}", uuid::Uuid::new_v4().simple()));
    let options = || std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary);
    let written = options().and_then(|mut file| file.write_all(data));
    written.and_then(|()| std::fs::rename(&temporary, path)).map_err(|error| {
        // The error that counts is the first.
        let _ = std::fs::remove_file(&temporary);
        Error::file(path)(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_kept_by_its_digest_and_checked() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache(directory.path());
        let digest = Digest::of(b"chart");
        let path = cache.put(digest, Kind::Chart, b"chart").unwrap();
        let digits = digest.hex();
        assert_eq!(path, directory.path().join(&digits[..2]).join(format!("{digits}.chart")));
        assert_eq!(cache.get(digest, Kind::Chart), Some((path.clone(), b"chart".to_vec())));
        assert_eq!(cache.get(digest, Kind::Provenance), None);
        std::fs::write(path, b"other").unwrap();
        assert_eq!(cache.get(digest, Kind::Chart), None);
    }

    #[test]
    fn digests_come_with_and_without_their_algorithm() {
        let digest = Digest::of(b"a");
        assert_eq!(Digest::parse(&digest.hex()).unwrap(), Some(digest));
        assert_eq!(Digest::parse(&digest.to_string()).unwrap(), Some(digest));
        assert_eq!(Digest::parse("").unwrap(), None);
        assert!(Digest::parse("sha512:00").is_err() && Digest::parse("sha256:zz").is_err());
        assert!(
            digest.check(b"b", "b.tgz").unwrap_err().to_string().starts_with("digest mismatch for b.tgz")
        );
    }
}
