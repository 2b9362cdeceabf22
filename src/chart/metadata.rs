//! `Chart.yaml`, `Chart.lock` and what they list.
//!
//! Follows `pkg/chart/v2/{metadata,dependency}.go` of Helm 4.

use std::collections::BTreeMap;

/// The content of a `Chart.yaml`.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The name of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The URL of the project.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// The URLs of the sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// The version of the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// One sentence about the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Keywords.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Who maintains the chart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// The URL of an icon.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// The version of the chart format: `v1` or `v2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// A condition; kept, but only those of dependencies have an effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags; kept, but only those of dependencies have an effect.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub tags: String,
    /// The version of the application in the chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether the chart is deprecated.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Free annotations; `None` when the file has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// The constraint on the version of Kubernetes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// The charts that this one depends on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `application`, `library` or nothing.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Someone who maintains a chart.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Maintainer {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The e-mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The URL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that another chart depends on.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Dependency {
    /// The name of the chart.
    pub name: String,
    /// The range of its versions.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The URL of its repository.
    pub repository: String,
    /// Comma-separated paths of values; the first that is a boolean switches the chart on or off.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Names under `tags` in the values that switch the chart on or off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether the chart takes part; set by the conditions and tags.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// Values of the chart that its parent takes over: names under `exports`, or maps of `child` and `parent`.
    #[serde(rename = "import-values", skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// Another name under which the chart takes part.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// The content of a `Chart.lock`: the versions that satisfied the dependencies.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct Lock {
    /// When the file was made, as written.
    pub generated: String,
    /// A hash of the dependencies in `Chart.yaml`.
    pub digest: String,
    /// The exact versions.
    pub dependencies: Vec<Dependency>,
}
