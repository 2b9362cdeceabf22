//! A chart in a directory.
//!
//! Follows `pkg/chart/v2/loader/directory.go` and `internal/sympath/walk.go` of Helm 4: `.helmignore`
//! applies, symbolic links are followed, names are visited in order.

use std::path::{Path, PathBuf};

use super::archive::{MAX_SIZE, too_large};
use super::ignore::{self, Rules};
use super::{Error, File};

/// How deep directories may nest; links that lead in circles end here.
const MAX_DEPTH: usize = 64;

/// Reads the files of the chart in `root`.
///
/// # Errors
/// When something cannot be read, is no regular file, or is too large.
pub(super) fn read(root: &Path) -> Result<Vec<File>, Error> {
    let rules = match std::fs::read(root.join(ignore::FILE)) {
        Ok(text) => Rules::parse(&String::from_utf8_lossy(&text))?,
        Err(_) => Rules::parse("")?,
    };
    let mut walk = Walk { rules, files: Vec::new(), remaining: MAX_SIZE };
    walk.directory(root, "", 0)?;
    Ok(walk.files)
}

struct Walk {
    rules: Rules,
    files: Vec<File>,
    remaining: u64,
}

impl Walk {
    fn directory(&mut self, path: &Path, prefix: &str, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::Format(format!("{}: directories nest too deep", path.display())));
        }
        let mut names: Vec<std::ffi::OsString> = std::fs::read_dir(path)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.file_name())).collect())
            .map_err(|source| Error::Read { path: path.into(), source })?;
        names.sort();
        for name in names {
            let inner = format!("{prefix}{}", name.to_string_lossy());
            self.entry(path.join(name), inner, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, name: String, depth: usize) -> Result<(), Error> {
        let read_error = |source| Error::Read { path: path.clone(), source };
        let kind = std::fs::metadata(&path).map_err(read_error)?;
        if self.rules.ignores(&name, kind.is_dir()) {
            return Ok(());
        }
        if kind.is_dir() {
            return self.directory(&path, &format!("{name}/"), depth + 1);
        }
        if !kind.is_file() {
            return Err(Error::Format(format!(
                "cannot load irregular file {} as it has file mode type bits set",
                path.display()
            )));
        }
        self.remaining = self.remaining.checked_sub(kind.len()).ok_or_else(too_large)?;
        let data = std::fs::read(&path).map_err(read_error)?;
        self.files.push(File::new(name, &data, kind.modified().ok()));
        Ok(())
    }
}
