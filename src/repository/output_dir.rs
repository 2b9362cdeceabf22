//! `--output-dir` of `daytwo template`: rendered documents as files.
//!
//! Follows `writeToFile` of `pkg/action/action.go` of Helm 4.

use std::path::Path;

use super::{Error, cache};
use crate::chart::Listing;

/// Writes the documents of a rendering to the files of their templates' paths; what to tell of it.
///
/// # Errors
/// When a file cannot be written.
pub fn write_listing(listing: &Listing<'_>, directory: &Path) -> Result<String, Error> {
    for (path, text) in listing.files() {
        cache::write(&directory.join(path), text.as_bytes(), 0o644)?;
    }
    let wrote = |source: &str| format!("wrote {}\n", directory.join(source).display());
    Ok(listing.sources().map(wrote).collect::<String>() + "\n")
}
