//! `daytwo dependency list`: the dependencies of a chart and whether they are there.
//!
//! Follows `pkg/action/dependency.go` of Helm 4.

use std::path::{Path, PathBuf};

use super::{Error, version};
use crate::chart::{Contents, Dependency};

/// The dependencies of a chart, one row each: name, version, repository, status; and warnings.
///
/// # Errors
/// When the chart cannot be loaded.
pub fn list_dependencies(chart: &Path) -> Result<(Vec<[String; 4]>, Vec<String>), Error> {
    let contents = Contents::load(chart)?;
    let charts = chart.join("charts");
    if !contents.metadata.lists_dependencies {
        return Ok((Vec::new(), vec![format!("WARNING: no dependencies at {}", charts.display())]));
    }
    let rows = contents.metadata.dependencies.iter().map(|dependency| {
        let Dependency { name, version, repository, .. } = dependency.clone();
        [name, version, repository, status(&charts, dependency, &contents).to_owned()]
    });
    let is_listed = |name: &str| contents.metadata.dependencies.iter().any(|own| own.name == name);
    let mut warnings = Vec::new();
    for path in entries(&charts) {
        if !path.is_dir() && path.extension().is_none_or(|extension| extension != "tgz") {
            continue;
        }
        let shown = path.display().to_string();
        match Contents::load(&path) {
            Err(_) => warnings.push(format!("WARNING: {shown:?} is not a chart.")),
            Ok(own) if !is_listed(&own.metadata.name) => {
                warnings.push(format!("WARNING: {shown:?} is not in Chart.yaml."));
            }
            Ok(_) => {}
        }
    }
    Ok((rows.collect(), warnings))
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn status(charts: &Path, dependency: &Dependency, parent: &Contents) -> &'static str {
    let prefix = format!("{}-", dependency.name);
    let archive_version = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?;
        name.strip_prefix(&prefix)?.strip_suffix(".tgz").map(str::to_owned)
    };
    let archives: Vec<(PathBuf, String)> = entries(charts)
        .into_iter()
        .filter_map(|path| archive_version(&path).map(|version| (path, version)))
        .collect();
    let archives: Vec<&(PathBuf, String)> = match archives.len() {
        0 | 1 => archives.iter().collect(),
        _ => archives.iter().filter(|(_, version)| semver::Version::parse(version).is_ok()).collect(),
    };
    match archives[..] {
        [] => {}
        [(path, _)] => {
            return match Contents::load(path) {
                Err(_) => "corrupt",
                Ok(own) if own.metadata.name != dependency.name => "misnamed",
                Ok(own) => fits(dependency, &own).unwrap_or("ok"),
            };
        }
        _ => return "too many matches",
    }
    match parent.subcharts.iter().rfind(|own| own.metadata.name == dependency.name) {
        None => "missing",
        Some(own) => fits(dependency, own).unwrap_or("unpacked"),
    }
}

/// What is wrong with the version of a dependency that is there.
fn fits(dependency: &Dependency, own: &Contents) -> Option<&'static str> {
    let (wanted, version) = (&dependency.version, &own.metadata.version);
    if wanted == version || version::admits(wanted, version) {
        return None;
    }
    let is_valid = version::check_constraint(wanted).is_ok() && version::is_version(version);
    Some(if is_valid { "wrong version" } else { "invalid version" })
}
