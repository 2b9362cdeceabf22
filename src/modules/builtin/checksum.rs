//! Checksums of files, read piece by piece.

use std::io::Read;
use std::path::Path;

use md5::Digest;

use super::attributes::errno;
use crate::modules::ModuleError;

/// The checksum of a file in hexadecimal digits.
///
/// # Errors
/// The file cannot be read, or the algorithm is unknown.
pub(super) fn of_file(algorithm: &str, path: &Path) -> Result<String, ModuleError> {
    match algorithm {
        "md5" => digest::<md5::Md5>(path),
        "sha1" => digest::<sha1::Sha1>(path),
        "sha224" => digest::<sha2::Sha224>(path),
        "sha256" => digest::<sha2::Sha256>(path),
        "sha384" => digest::<sha2::Sha384>(path),
        "sha512" => digest::<sha2::Sha512>(path),
        _ => Err(ModuleError::new(format!(
            "Could not hash file '{}' with algorithm '{algorithm}'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512",
            path.display()
        ))),
    }
}

fn digest<D: Digest>(path: &Path) -> Result<String, ModuleError> {
    let failed = |error: std::io::Error| ModuleError::new(errno(&error, path));
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut state = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(hex::encode(state.finalize()));
        }
        state.update(&buffer[..count]);
    }
}
