//! A chart as it lies on disk or in an archive.
//!
//! Follows `pkg/chart/v2/loader/load.go` of Helm 4.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::program::Programs;
use super::{Error, File, Lock, Metadata, archive, directory, values};
use crate::yaml::go::{self, Numbers};

/// How deep subcharts may nest.
const MAX_DEPTH: usize = 32;

/// A chart with its subcharts: loaded and compiled once, then rendered many times from any thread.
#[derive(Debug)]
pub struct Chart {
    contents: Arc<Contents>,
    digest: String,
    pub(super) programs: Programs,
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
    pub values: Arc<Map<String, Value>>,
    /// `values.yaml` as it is written.
    pub values_file: Option<File>,
    /// `values.schema.json`.
    pub schema: Option<File>,
    /// All other files: `.Files`, and `crds/`.
    pub files: Vec<File>,
    /// The charts in `charts/`, sorted by their entry's name.
    pub subcharts: Vec<Arc<Contents>>,
    /// When `Chart.yaml` was last modified, where the source says so.
    pub modified: Option<SystemTime>,
}

impl Chart {
    /// Loads the chart in a directory or in a `.tgz` archive.
    ///
    /// # Errors
    /// What cannot be read or breaks the chart format, and all templates of the chart that do not parse.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::from_files(read(path)?)
    }

    /// Loads the chart in the bytes of a `.tgz` archive.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_archive(data: &[u8]) -> Result<Self, Error> {
        Self::from_files(archive::unpack(data)?)
    }

    /// Loads the chart that consists of these files.
    ///
    /// # Errors
    /// As [`Chart::load`].
    pub fn from_files(files: Vec<File>) -> Result<Self, Error> {
        let digest = digest(&files);
        Self::from_contents(Arc::new(Contents::of(files)?), digest)
    }

    /// Compiles the chart.
    pub(super) fn from_contents(contents: Arc<Contents>, digest: String) -> Result<Self, Error> {
        let programs = Programs::new(&contents)?;
        Ok(Self { contents, digest, programs })
    }

    /// The chart with other defaults, as `--reuse-values` wants it.
    ///
    /// # Errors
    /// As [`Chart::load`], though what was compiled once compiles again.
    pub fn with_values(&self, values: Map<String, Value>) -> Result<Self, Error> {
        let contents = Contents { values: Arc::new(values), ..(*self.contents).clone() };
        Self::from_contents(Arc::new(contents), self.digest.clone())
    }

    /// Whether the chart can be installed by itself: it is an application, and its dependencies are there.
    ///
    /// # Errors
    /// What it is instead, or the dependencies that are missing.
    pub fn check_installable(&self) -> Result<(), Error> {
        let kind = &self.metadata().kind;
        if !matches!(kind.as_str(), "" | "application") {
            return Err(Error::NotInstallable(kind.clone()));
        }
        self.contents.check_dependencies()
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
    pub fn contents(&self) -> &Arc<Contents> {
        &self.contents
    }
}

/// The files of a chart in a directory or in a `.tgz` archive.
///
/// # Errors
/// What cannot be read or breaks the chart format.
pub fn read(path: &Path) -> Result<Vec<File>, Error> {
    let kind = std::fs::metadata(path).map_err(|source| Error::Read { path: path.into(), source })?;
    if kind.is_dir() { directory::read(path) } else { archive::unpack_file(path) }
}

/// The SHA-256 over names and contents in order of names.
fn digest(files: &[File]) -> String {
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut hash = Sha256::new();
    for file in sorted {
        for part in [file.name.as_bytes(), &file.data] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    hex::encode(hash.finalize())
}

impl Contents {
    /// The chart in a directory or in a `.tgz` archive; its templates may be malformed.
    ///
    /// # Errors
    /// What cannot be read or breaks the chart format.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::of(read(path)?)
    }

    /// The chart in the bytes of a `.tgz` archive; its templates may be malformed.
    ///
    /// # Errors
    /// As [`Contents::load`].
    pub fn from_archive(data: &[u8]) -> Result<Self, Error> {
        Self::of(archive::unpack(data)?)
    }

    /// The dependencies of `Chart.yaml` that are not in `charts/`.
    ///
    /// # Errors
    /// Their names.
    pub fn check_dependencies(&self) -> Result<(), Error> {
        let is_there = |name: &str| self.subcharts.iter().any(|chart| chart.metadata.name == name);
        let names = self.metadata.dependencies.iter().map(|dependency| &dependency.name);
        let missing: Vec<String> = names.filter(|name| !is_there(name)).cloned().collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::MissingDependencies(missing)) }
    }

    /// The chart that consists of these files.
    pub(super) fn of(files: Vec<File>) -> Result<Self, Error> {
        Self::sort_out(files, 0)
    }

    /// Sorts out the files of one chart and loads its subcharts.
    fn sort_out(files: Vec<File>, depth: usize) -> Result<Self, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::Format("subcharts nest too deep".into()));
        }
        let mut chart = Self::default();
        let Some(metadata) = files.iter().rfind(|file| file.name == "Chart.yaml") else {
            return Err(Error::Format("Chart.yaml file is missing".into()));
        };
        chart.metadata.apply(&yaml(metadata)?).map_err(|message| type_error(metadata, message))?;
        if chart.metadata.api_version.is_empty() {
            // Helm 2 accepted charts that say no version.
            chart.metadata.api_version = "v1".into();
        }
        chart.modified = metadata.modified;
        let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
        for file in files {
            chart.place(file, &mut subcharts)?;
        }
        chart.metadata.validate()?;
        for (entry, files) in subcharts {
            let loaded = subchart(&entry, files, chart.metadata.name.as_str(), depth)?;
            chart.subcharts.extend(loaded.map(Arc::new));
        }
        Ok(chart)
    }

    /// Puts one file where it belongs.
    fn place(&mut self, file: File, subcharts: &mut BTreeMap<String, Vec<File>>) -> Result<(), Error> {
        match file.name.as_str() {
            "Chart.yaml" => {}
            "Chart.lock" => self.lock = Some(lock(&file)?),
            "values.yaml" => {
                let values = values::load(&file.data).map_err(|message| type_error(&file, message))?;
                self.values = Arc::new(values);
                self.values_file = Some(file);
            }
            "values.schema.json" => self.schema = Some(file),
            "requirements.yaml" => {
                self.metadata.apply(&yaml(&file)?).map_err(|message| type_error(&file, message))?;
                self.keep_requirements(file);
            }
            "requirements.lock" => {
                self.lock = Some(lock(&file)?);
                self.keep_requirements(file);
            }
            name if name.starts_with("templates/") => self.templates.push(file),
            name => match name.strip_prefix("charts/") {
                Some(inner) if !name.ends_with(".prov") => {
                    let entry = inner.split('/').next().unwrap_or(inner).to_owned();
                    let inner = File { name: inner.to_owned(), ..file };
                    subcharts.entry(entry).or_default().push(inner);
                }
                _ => self.files.push(file),
            },
        }
        Ok(())
    }

    /// Charts of format v1 see their requirements among their files.
    fn keep_requirements(&mut self, file: File) {
        if self.metadata.api_version == "v1" {
            self.files.push(file);
        }
    }
}

/// The chart in an entry of `charts/`; `None` when the entry is no chart.
fn subchart(entry: &str, files: Vec<File>, chart: &str, depth: usize) -> Result<Option<Contents>, Error> {
    if entry.starts_with(['_', '.']) {
        return Ok(None);
    }
    let loaded = if entry.ends_with(".tgz") {
        match files.into_iter().next() {
            Some(file) if file.name == entry => archive::unpack(&file.data),
            file => Err(Error::Format(format!(
                "error unpacking subchart tar in {chart}: expected {entry}, got {}",
                file.map(|file| file.name).unwrap_or_default()
            ))),
        }
    } else {
        let inner = |file: File| {
            let name = file.name.split_once('/')?.1.to_owned();
            Some(File { name, ..file })
        };
        Ok(files.into_iter().filter_map(inner).collect())
    };
    let loaded = loaded.and_then(|files| Contents::sort_out(files, depth + 1));
    loaded.map(Some).map_err(|source| Error::Subchart {
        subchart: entry.to_owned(),
        chart: chart.to_owned(),
        source: Box::new(source),
    })
}

fn yaml(file: &File) -> Result<Value, Error> {
    go::parse(&file.data, Numbers::Yaml).map_err(|error| type_error(file, error.to_string()))
}

fn lock(file: &File) -> Result<Lock, Error> {
    Lock::read(&yaml(file)?).map_err(|message| type_error(file, message))
}

fn type_error(file: &File, message: String) -> Error {
    Error::Yaml { file: file.name.clone(), message }
}
