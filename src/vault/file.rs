//! Files that are encrypted, decrypted or given another password as a whole (`VaultEditor`).
//!
//! A file is replaced by a new one that only its owner may read. Its old content is not overwritten on the
//! medium: on the file systems of today that reaches nothing.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Secret, Secrets, VaultError, encrypt};

/// What stands for the standard input and output.
pub const STANDARD: &str = "-";

/// The file that links lead to.
fn real(name: &str) -> PathBuf {
    fs::canonicalize(name).or_else(|_| std::path::absolute(name)).unwrap_or_else(|_| PathBuf::from(name))
}

/// The content of a file, or of the standard input.
///
/// # Errors
/// It cannot be read.
pub fn read(name: &str) -> Result<Vec<u8>, VaultError> {
    let mut data = Vec::new();
    let read = match name {
        STANDARD => std::io::stdin().read_to_end(&mut data).map(|_| ()),
        name => fs::read(real(name)).map(|read| data = read),
    };
    read.map(|()| data)
        .map_err(|error| VaultError::File(format!("Unable to read source file ({}): {error}", shown(name))))
}

/// Writes a file that only its owner may read, or the standard output.
///
/// # Errors
/// It cannot be written.
pub fn write(name: &str, data: &[u8]) -> Result<(), VaultError> {
    let failed = |error: std::io::Error| {
        VaultError::File(format!("Unable to write to vault file ({}): {error}", shown(name)))
    };
    if name == STANDARD {
        let mut out = std::io::stdout();
        return out.write_all(data).and_then(|()| out.flush()).map_err(failed);
    }
    let path = real(name);
    if path.is_file() {
        fs::remove_file(&path).map_err(failed)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.and_then(|mut file| file.write_all(data)).map_err(failed)
}

/// Encrypts a file, into itself or into another one.
///
/// # Errors
/// It cannot be read or written, or is encrypted already.
pub fn encrypt_file(name: &str, secret: &Secret, id: &str, output: Option<&str>) -> Result<(), VaultError> {
    let sealed = encrypt(&read(name)?, secret, Some(id), None)?;
    write(output.unwrap_or(name), sealed.as_bytes())
}

/// The plain text of a file.
///
/// # Errors
/// It cannot be read or decrypted.
pub fn decrypted(name: &str, secrets: &Secrets) -> Result<Vec<u8>, VaultError> {
    let shown = shown(name);
    let data = read(name)?;
    secrets.decrypt(&data, Some(&shown)).map_err(|error| VaultError::File(format!("{error} for {shown}")))
}

/// Encrypts a file with another password; who may read it stays as it is.
///
/// # Errors
/// It cannot be read, decrypted or written.
pub fn rekey_file(name: &str, old: &Secrets, new: &Secret, id: &str) -> Result<(), VaultError> {
    let sealed = encrypt(&decrypted(name, old)?, new, Some(id), None)?;
    replace(&real(name), sealed.as_bytes())
}

/// Lets `edit` change the plain text of a file through a temporary one, and encrypts what it left with
/// the password and the id that the file had. Without a file there is an empty text, and it gets `new`.
///
/// # Errors
/// The file cannot be read, decrypted or written, or `edit` fails.
pub fn edit_file(
    name: &str,
    secrets: &Secrets,
    new: Option<(&str, &Secret)>,
    edit: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), VaultError> {
    let path = real(name);
    let (plain, id, secret) = match new {
        Some((id, secret)) => (Vec::new(), Some(id.to_owned()), secret.clone()),
        None => {
            let data = read(name)?;
            let opened = secrets.unlock(&data, Some(name));
            opened.map_err(|error| VaultError::File(format!("{error} for {}", path.display())))?
        }
    };
    let failed = |error: &dyn std::fmt::Display| VaultError::File(error.to_string());
    let temporary = Temporary::new(&path).map_err(|error| failed(&error))?;
    write(&temporary.0.display().to_string(), &plain)?;
    edit(&temporary.0).map_err(|error| failed(&error))?;
    let edited = fs::read(&temporary.0).map_err(|error| failed(&error))?;
    if new.is_none() && edited == plain {
        return Ok(());
    }
    replace(&path, encrypt(&edited, &secret, id.as_deref(), None)?.as_bytes())
}

/// A name for plain text while it is edited; the file goes with it.
struct Temporary(PathBuf);

impl Temporary {
    /// A name that nobody can guess, with the extension by which editors know what it is.
    fn new(edited: &Path) -> Result<Temporary, getrandom::Error> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)?;
        let mut path = std::env::temp_dir().join(format!("daytwo-vault-{}", hex::encode(random)));
        if let Some(extension) = edited.extension() {
            path.set_extension(extension);
        }
        Ok(Temporary(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // It may not have been written.
        let _ = fs::remove_file(&self.0);
    }
}

/// Writes a file anew with the mode and the owner of the old one.
fn replace(path: &Path, data: &[u8]) -> Result<(), VaultError> {
    let before = fs::metadata(path).ok();
    let name = path.display().to_string();
    write(&name, data)?;
    let Some(before) = before else { return Ok(()) };
    let kept = fs::set_permissions(path, Permissions::clone(&before.permissions()))
        .and_then(|()| std::os::unix::fs::chown(path, Some(before.uid()), Some(before.gid())));
    kept.map_err(|error| VaultError::File(format!("{name}: {error}")))
}

/// A file as messages name it.
fn shown(name: &str) -> String {
    if name == STANDARD { name.to_owned() } else { real(name).display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::DEFAULT_ID;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_is_encrypted_edited_and_given_another_password_in_place() {
        let directory = tempfile::tempdir().unwrap();
        let name = directory.path().join("vars.yml").display().to_string();
        fs::write(&name, "a: 1\n").unwrap();
        let (old, new) = (Secret::new("old"), Secret::new("new"));
        let known = |id: &str, secret: &Secret| {
            let mut secrets = Secrets::new(false);
            secrets.add(id, secret.clone());
            secrets
        };
        encrypt_file(&name, &old, "dev", None).unwrap();
        assert!(fs::read_to_string(&name).unwrap().starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
        assert_eq!(fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o600);
        let twice = encrypt_file(&name, &old, "dev", None);
        assert_eq!(twice, Err(VaultError::AlreadyEncrypted));
        edit_file(&name, &known("dev", &old), None, |path| {
            assert_eq!(fs::read_to_string(path).unwrap(), "a: 1\n");
            fs::write(path, "a: 2\n").map_err(|error| error.to_string())
        })
        .unwrap();
        assert!(fs::read_to_string(&name).unwrap().starts_with("$ANSIBLE_VAULT;1.2;AES256;dev\n"));
        fs::set_permissions(&name, Permissions::from_mode(0o640)).unwrap();
        rekey_file(&name, &known("dev", &old), &new, DEFAULT_ID).unwrap();
        assert_eq!(fs::metadata(&name).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(decrypted(&name, &known("dev", &new)).unwrap(), b"a: 2\n");
        assert!(decrypted(&name, &known("dev", &old)).is_err());
    }
}
