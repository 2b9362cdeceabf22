//! `daytwo pull`: a chart out of a repository into a directory.
//!
//! Follows `pkg/action/pull.go` and `pkg/chart/v2/util/expand.go` of Helm 4.

use std::path::{Path, PathBuf};

use super::locate::{self, Trust};
use super::{Error, Options, cache};
use crate::chart::{Contents, unpack};

/// What becomes of the fetched chart.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Where the archive goes.
    pub destination: PathBuf,
    /// Whether it is unpacked instead: into this directory, from the destination.
    pub untar: Option<PathBuf>,
    /// Whether the provenance file is fetched too, without being verified.
    pub provenance: bool,
}

/// Fetches a chart; what to tell of it.
///
/// # Errors
/// When it cannot be found, reached, verified or written, or a file is in its way.
pub async fn pull(reference: &str, options: &Options, pull: &Pull) -> Result<Vec<String>, Error> {
    let trust = match &options.keyring {
        Some(keyring) => Trust::Verify(keyring.clone()),
        None if pull.provenance => Trust::Later,
        None => Trust::Blind,
    };
    let fetched = locate::fetch(reference.trim(), options, &trust).await?;
    let mut told = fetched.messages;
    told.extend(fetched.verification.iter().flat_map(|verification| verification.lines()));
    let Some(directory) = &pull.untar else {
        let path = pull.destination.join(&fetched.name);
        if let Some(provenance) = &fetched.provenance {
            let name = format!("{}.prov", fetched.name);
            cache::write(&pull.destination.join(name), provenance, 0o644)?;
        }
        cache::write(&path, &fetched.data, 0o644)?;
        return Ok(told);
    };
    untar(&fetched.data, &pull.destination.join(directory))?;
    Ok(told)
}

/// Unpacks a chart into a new directory of its name.
pub(super) fn untar(archive: &[u8], directory: &Path) -> Result<PathBuf, Error> {
    // A chart that cannot be loaded is refused before anything is written.
    let name = Contents::from_archive(archive)?.metadata.name;
    let target = directory.join(&name);
    if target.exists() {
        return Err(Error::Refused(format!(
            "failed to untar: a file or directory with the name {} already exists",
            target.display()
        )));
    }
    for file in unpack(archive)? {
        cache::write(&target.join(&file.name), &file.data, 0o644)?;
    }
    Ok(target)
}
