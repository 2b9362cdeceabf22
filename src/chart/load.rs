//! A chart as it lies on disk or in an archive.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Error, File, Lock, Metadata};

/// A chart with its subcharts: loaded once, then rendered many times from any thread.
#[derive(Debug)]
pub struct Chart {
    contents: Contents,
    digest: String,
}

/// The files of one chart, sorted out, and its subcharts.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// `Chart.yaml`.
    pub metadata: Metadata,
    /// `Chart.lock` or `requirements.lock`.
    pub lock: Option<Lock>,
    /// The files below `templates/`.
    pub templates: Vec<File>,
    /// `values.yaml`.
    pub values: Map<String, Value>,
    /// `values.schema.json`.
    pub schema: Option<File>,
    /// All other files: `.Files`, and `crds/`.
    pub files: Vec<File>,
    /// The charts in `charts/`, sorted by their entry's name.
    pub subcharts: Vec<Contents>,
}

impl Chart {
    /// Loads the chart in a directory or in a `.tgz` archive.
    ///
    /// # Errors
    /// What cannot be read or breaks the chart format, and all templates of the chart that do not parse.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Err(Error::Format(format!("loading {} follows on this branch", path.display())))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.contents.metadata.name
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.contents.metadata.version
    }

    /// The version of the application in the chart; may be empty.
    #[must_use]
    pub fn app_version(&self) -> &str {
        &self.contents.metadata.app_version
    }

    /// `Chart.yaml`.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.contents.metadata
    }

    /// The SHA-256 of all files of the chart, in hexadecimal: equal charts have equal digests.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The files, sorted out, and the subcharts.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }
}
