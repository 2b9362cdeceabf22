//! `index.yaml`: the charts of a repository.
//!
//! Follows `pkg/repo/v1/index.go` of Helm 4; fields that Helm does not know are ignored.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Error, Settings, version};
use crate::chart::Metadata;
use crate::yaml::go::{self, Numbers};

/// The charts of a repository: by name, the newest version first.
#[derive(Clone, Debug, Default)]
pub struct Index {
    /// The versions of each chart.
    pub entries: BTreeMap<String, Vec<ChartVersion>>,
}

/// One version of a chart.
#[derive(Clone, Debug, Default)]
pub struct ChartVersion {
    /// What the chart says of itself.
    pub metadata: Metadata,
    /// Where the archive is, from the repository's URL.
    pub urls: Vec<String>,
    /// The SHA-256 of the archive; may be empty.
    pub digest: String,
    /// When the entry was made, as written; may be empty.
    pub created: String,
}

impl Index {
    /// Reads an index in YAML or JSON; entries that are no charts are left out.
    ///
    /// # Errors
    /// When the text is neither, or says no version of its format. `source` is where it came from.
    pub fn parse(text: &[u8], source: &str) -> Result<Self, Error> {
        let malformed = |message: String| Error::Malformed { what: source.to_owned(), message };
        if text.is_empty() {
            return Err(malformed("empty index.yaml file".into()));
        }
        let value: Value = match serde_json::from_slice(text) {
            Ok(value) => value,
            Err(_) => go::parse(text, Numbers::Yaml).map_err(|error| malformed(error.to_string()))?,
        };
        let Value::Object(fields) = value else { return Err(malformed("it is no index".into())) };
        if fields.get("apiVersion").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(malformed("no API version specified".into()));
        }
        let mut entries = BTreeMap::new();
        if let Some(Value::Object(charts)) = fields.get("entries") {
            for (name, versions) in charts {
                let Value::Array(versions) = versions else {
                    return Err(malformed(format!("entries.{name}: it is no list")));
                };
                let read = |entry| ChartVersion::read(entry, name, source);
                let mut versions: Vec<ChartVersion> = versions.iter().filter_map(read).collect();
                versions.sort_by(|a, b| version::newest_first(&a.metadata.version, &b.metadata.version));
                entries.insert(name.clone(), versions);
            }
        }
        Ok(Self { entries })
    }

    /// Reads the cached index of an added repository.
    ///
    /// # Errors
    /// When it was never fetched, or is malformed.
    pub fn cached(settings: &Settings, repository: &str) -> Result<Self, Error> {
        Self::load(&settings.index_of(repository))
    }

    fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read(path).map_err(|error| {
            Error::file(path)(error).within("no cached repo found. (try 'helm repo update')")
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// The version of a chart that satisfies a constraint: exactly this one if it is there, else the
    /// newest; without a constraint the newest release.
    ///
    /// # Errors
    /// When there is none, or the constraint is malformed.
    pub fn get(&self, name: &str, constraint: &str) -> Result<&ChartVersion, Error> {
        let not_found = |message: String| Error::NotFound(message);
        let versions = self.entries.get(name).ok_or_else(|| not_found("no chart name found".into()))?;
        if versions.is_empty() {
            return Err(not_found("no chart version found".into()));
        }
        let wanted = if constraint.is_empty() { "*" } else { constraint };
        version::check_constraint(wanted)?;
        if let Some(exact) = versions.iter().find(|entry| entry.metadata.version == constraint) {
            return Ok(exact);
        }
        let found = versions.iter().find(|entry| version::admits(wanted, &entry.metadata.version));
        if let Some(found) = found.filter(|_| !constraint.is_empty() && !version::is_range(constraint)) {
            tracing::warn!(
                chart = name,
                requested = constraint,
                selected = found.metadata.version,
                "unable to find exact version requested; falling back to closest available version"
            );
        }
        found.ok_or_else(|| not_found(format!("no chart version found for {name}-{constraint}")))
    }
}

impl ChartVersion {
    fn read(entry: &Value, name: &str, source: &str) -> Option<Self> {
        let Value::Object(fields) = entry else {
            tracing::warn!(name, source, "skipping loading invalid entry for chart: empty entry");
            return None;
        };
        let metadata = match Metadata::from_entry(entry) {
            Ok(metadata) => metadata,
            Err(error) => {
                tracing::warn!(name, source, %error, "skipping loading invalid entry for chart");
                return None;
            }
        };
        let urls = fields.get("urls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            metadata,
            urls: urls.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            digest: text(fields, "digest"),
            created: text(fields, "created"),
        })
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The chart of a version that an index lists, by the message of a chart that cannot be found.
pub(super) fn describe(name: &str, constraint: &str) -> String {
    let name = format!("chart {name:?}");
    if constraint.is_empty() { name } else { format!("{name} version {constraint:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
apiVersion: v1
generated: 2024-01-01T00:00:00Z
unknown: {}
entries:
  alpine:
  - {name: alpine, version: 1.0.0, urls: [alpine-1.0.0.tgz], digest: abc}
  - {name: alpine, version: 2.0.0-rc.1, urls: [a.tgz]}
  - {name: alpine, version: 1.10.0, appVersion: 3, urls: [a.tgz], apiVersion: v2}
  - {name: alpine, version: nonsense}
  - null
  empty: []
";

    #[test]
    fn the_newest_release_comes_first() {
        let index = Index::parse(TEXT.as_bytes(), "test").unwrap();
        let get = |name: &str, constraint: &str| {
            index.get(name, constraint).map(|entry| entry.metadata.version.clone()).map_err(|e| e.to_string())
        };
        assert_eq!(get("alpine", "").unwrap(), "1.10.0");
        assert_eq!(get("alpine", "1.0.0").unwrap(), "1.0.0");
        assert_eq!(get("alpine", "~1.0").unwrap(), "1.0.0");
        assert_eq!(get("alpine", ">0.0.0-0").unwrap(), "2.0.0-rc.1");
        assert_eq!(get("alpine", "2.0.0-rc.1").unwrap(), "2.0.0-rc.1");
        assert_eq!(get("alpine", "3").unwrap_err(), "no chart version found for alpine-3");
        assert_eq!(get("empty", "").unwrap_err(), "no chart version found");
        assert_eq!(get("other", "").unwrap_err(), "no chart name found");
        assert!(get("alpine", "x y").unwrap_err().starts_with("improper constraint"));
        let alpine = &index.entries["alpine"];
        assert_eq!(alpine.len(), 3);
        assert_eq!(alpine[1].metadata.app_version, "3");
        assert_eq!(alpine[1].metadata.api_version, "v2");
        assert_eq!(alpine[2].digest, "abc");
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, expected) in [
            ("", "cannot load test: empty index.yaml file"),
            ("entries: {}", "cannot load test: no API version specified"),
            ("<html></html>", "cannot load test: it is no index"),
            (
                "{\"apiVersion\": \"v1\", \"entries\": {\"a\": 1}}",
                "cannot load test: entries.a: it is no list",
            ),
        ] {
            assert_eq!(Index::parse(text.as_bytes(), "test").unwrap_err().to_string(), expected);
        }
        assert!(Index::parse(b"{\"apiVersion\": \"v1\"}", "test").is_ok());
    }
}
