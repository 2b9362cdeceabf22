//! `fileglob`: files by pattern.

use std::path::PathBuf;

/// The paths that a pattern matches, in order.
#[must_use]
pub fn glob(pattern: &str) -> Vec<PathBuf> {
    glob::glob(pattern).map(|paths| paths.flatten().collect()).unwrap_or_default()
}
