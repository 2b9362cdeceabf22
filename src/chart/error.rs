//! Why a chart cannot be loaded or rendered.

use std::path::PathBuf;

/// Why a chart cannot be loaded or rendered; the texts are Helm's where Helm has one.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory of the chart cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The path as it was given or reached.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The chart breaks a rule of the chart format: a missing `Chart.yaml`, an archive with illegal paths, …
    #[error("{0}")]
    Format(String),
    /// `Chart.yaml` holds something that Helm refuses.
    #[error("validation: {0}")]
    Metadata(String),
    /// A YAML file of the chart does not parse, or holds the wrong types.
    #[error("cannot load {file}: {message}")]
    Yaml {
        /// The file in the chart.
        file: String,
        /// What is wrong, with the line.
        message: String,
    },
    /// A subchart cannot be loaded.
    #[error("error unpacking subchart {subchart} in {chart}: {source}")]
    Subchart {
        /// The entry of `charts/`.
        subchart: String,
        /// The chart that holds it.
        chart: String,
        /// What is wrong with it.
        source: Box<Error>,
    },
    /// Dependencies that `Chart.yaml` lists are not in `charts/`.
    #[error("found in Chart.yaml, but missing in charts/ directory: {}", .0.join(", "))]
    MissingDependencies(Vec<String>),
    /// Only application charts can be rendered on their own.
    #[error("{0} charts are not installable")]
    NotInstallable(String),
    /// Templates that do not parse: all of them, in parse order.
    #[error("{}", join(.0))]
    Parse(Vec<TemplateError>),
    /// The chart excludes the Kubernetes version.
    #[error("chart requires kubeVersion: {constraint} which is incompatible with Kubernetes {version}")]
    KubeVersion {
        /// The constraint of `Chart.yaml`.
        constraint: String,
        /// The version of the cluster.
        version: String,
    },
    /// The values contradict the structure of the chart.
    #[error("{0}")]
    Values(String),
    /// The values do not match a `values.schema.json`.
    #[error("values don't meet the specifications of the schema(s) in the following chart(s):\n{0}")]
    Schema(String),
    /// A template failed.
    #[error("{message}")]
    Execution {
        /// What failed, worded and placed as Helm does.
        message: String,
        /// Where it failed.
        place: Option<Place>,
    },
    /// A rendered document is no valid manifest.
    #[error("YAML parse error on {path}: {message}")]
    Manifest {
        /// The template that printed it.
        path: String,
        /// What is wrong with it.
        message: String,
        /// Everything that was rendered, for `--debug`.
        rendered: String,
    },
}

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The template's name: its path from the root chart's name.
    pub template: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 0, where it is known.
    pub column: Option<usize>,
}

/// A template that does not parse.
#[derive(Debug, Clone, thiserror::Error)]
#[error("parse error at ({template}:{line}): {message}")]
pub struct TemplateError {
    /// The template's name: its path from the root chart's name.
    pub template: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
}

fn join(errors: &[TemplateError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
