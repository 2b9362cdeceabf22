//! `daytwo package` and `daytwo push`: a directory becomes an archive, an archive goes to a registry.
//!
//! Follows `pkg/action/{package,push}.go` and `pkg/pusher/ocipusher.go` of Helm 4.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::oci::{self, Reference, Registry};
use super::{Access, Error, Settings, cache};
use crate::chart::{self, Contents};

/// The time that all files of an archive shall bear: that of `SOURCE_DATE_EPOCH`, if the environment has it.
///
/// # Errors
/// When it is no number of seconds since 1970.
pub fn source_date_epoch() -> Result<Option<SystemTime>, Error> {
    let Some(text) = std::env::var("SOURCE_DATE_EPOCH").ok().filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let invalid = |why: &str| Error::Refused(format!("invalid SOURCE_DATE_EPOCH: {why}"));
    let seconds: i64 = text.parse().map_err(|_| invalid(&format!("{text:?} is no number")))?;
    let seconds = u64::try_from(seconds).map_err(|_| invalid("must not be negative"))?;
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .map(Some)
        .ok_or_else(|| invalid("too large"))
}

/// Packs the chart in a directory into an archive in another; the archive's path. `version` and `app_version`
/// replace the chart's own when they are not empty.
///
/// # Errors
/// When the chart is broken, a dependency is missing, or the archive cannot be written.
pub fn package(
    directory: &Path,
    destination: &Path,
    version: &str,
    app_version: &str,
    modified: Option<SystemTime>,
) -> Result<PathBuf, Error> {
    if !directory.is_dir() {
        return Err(Error::Refused(format!("{} is no directory with a chart", directory.display())));
    }
    let mut contents = Contents::load(directory)?;
    if !version.is_empty() {
        version.clone_into(&mut contents.metadata.version);
    }
    if !super::version::is_version(&contents.metadata.version) {
        return Err(Error::Refused("invalid semantic version".into()));
    }
    if !app_version.is_empty() {
        app_version.clone_into(&mut contents.metadata.app_version);
    }
    contents.check_dependencies()?;
    let archive = chart::package(&contents, modified)?;
    let path = destination.join(chart::file_name(&contents));
    cache::write(&path, &archive, 0o644)?;
    Ok(path)
}

/// Uploads an archive, and the provenance file beside it, to a registry; what to tell of it. The chart's name
/// and version follow the remote path.
///
/// # Errors
/// When the archive is no chart, the remote is no `oci://`, or the registry refuses.
pub async fn push(
    archive: &Path,
    remote: &str,
    access: &Access,
    settings: &Settings,
) -> Result<Vec<String>, Error> {
    if !oci::is_oci(remote) {
        let scheme = remote.split_once("://").map_or("", |(scheme, _)| scheme);
        return Err(Error::Refused(format!(
            "scheme prefix missing or not supported: {scheme:?}; use oci://"
        )));
    }
    if archive.is_dir() {
        return Err(Error::Refused("cannot push directory, must provide chart archive (.tgz)".into()));
    }
    let data = std::fs::read(archive).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound(format!("{}: no such file", archive.display())),
        _ => Error::file(archive)(error),
    })?;
    let contents = Contents::from_archive(&data)?;
    let mut signed = archive.as_os_str().to_owned();
    signed.push(".prov");
    let provenance = std::fs::read(signed).ok();
    let modified = std::fs::metadata(archive).and_then(|metadata| metadata.modified());
    let chart = &contents.metadata;
    let reference = format!("{}/{}:{}", remote.trim_end_matches('/'), chart.name, chart.version);
    let registry = Registry::new(access, settings)?;
    registry
        .push(
            &Reference::parse(&reference)?,
            &data,
            provenance.as_deref(),
            chart,
            modified.unwrap_or_else(|_| SystemTime::now()),
        )
        .await
}

/// Uploads an image to the registry that its name begins with: its blobs, then its manifest.
///
/// # Errors
/// When the name is no reference, or the registry refuses.
pub async fn push_image(
    name: &str,
    blobs: impl Iterator<Item = &[u8]>,
    manifest: &str,
    access: &Access,
    settings: &Settings,
) -> Result<(), Error> {
    let reference = Reference::parse(name)?;
    let registry = Registry::new(access, settings)?;
    for blob in blobs {
        registry.put_blob(&reference, blob).await?;
    }
    registry.put_manifest(&reference, manifest).await
}
