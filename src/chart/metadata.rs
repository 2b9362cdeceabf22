//! `Chart.yaml`, `Chart.lock` and what they list.
//!
//! Follows `pkg/chart/v2/{metadata,dependency}.go` of Helm 4.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::Value;

use super::decode::Fields;
use super::{Error, constraint};

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
    /// Whether there is a list of dependencies, be it empty: without one, Helm does not look at those of subcharts.
    #[serde(skip)]
    pub lists_dependencies: bool,
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

impl Metadata {
    /// The metadata in an entry of a repository's `index.yaml`, which holds the fields of a `Chart.yaml`.
    ///
    /// # Errors
    /// A field of the wrong type, and what [`Chart::load`](super::Chart::load) refuses.
    pub fn from_entry(yaml: &Value) -> Result<Self, Error> {
        let mut metadata = Self::default();
        metadata.apply(yaml).map_err(Error::Metadata)?;
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".into();
        }
        metadata.validate()?;
        Ok(metadata)
    }

    /// Takes over the fields that a `Chart.yaml` or `requirements.yaml` sets.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub(super) fn apply(&mut self, yaml: &Value) -> Result<(), String> {
        let Some(fields) = Fields::of("Metadata", yaml)? else { return Ok(()) };
        for (name, into) in [
            ("name", &mut self.name),
            ("home", &mut self.home),
            ("version", &mut self.version),
            ("description", &mut self.description),
            ("icon", &mut self.icon),
            ("apiVersion", &mut self.api_version),
            ("condition", &mut self.condition),
            ("tags", &mut self.tags),
            ("appVersion", &mut self.app_version),
            ("kubeVersion", &mut self.kube_version),
            ("type", &mut self.kind),
        ] {
            fields.text(name, into)?;
        }
        fields.texts("sources", &mut self.sources)?;
        fields.texts("keywords", &mut self.keywords)?;
        fields.flag("deprecated", &mut self.deprecated)?;
        fields.list("maintainers", &mut self.maintainers, Maintainer::read)?;
        fields.list("dependencies", &mut self.dependencies, Dependency::read)?;
        self.lists_dependencies |= fields.get("dependencies").is_some();
        if fields.get("annotations").is_some() {
            fields.text_map("annotations", self.annotations.get_or_insert_default())?;
        }
        Ok(())
    }

    /// Drops unprintable characters and checks what Helm checks.
    ///
    /// # Errors
    /// What is missing or malformed.
    pub(super) fn validate(&mut self) -> Result<(), Error> {
        self.sanitize();
        let refuse = |why: String| Err(Error::Metadata(why));
        for (field, value) in
            [("apiVersion", &self.api_version), ("name", &self.name), ("version", &self.version)]
        {
            if value.is_empty() {
                return refuse(format!("chart.metadata.{field} is required"));
            }
        }
        if self.name == "." || self.name == ".." {
            return refuse(format!("chart.metadata.name {:?} is not allowed", self.name));
        }
        if self.name.contains('/') {
            return refuse(format!("chart.metadata.name {:?} is invalid", self.name));
        }
        if !constraint::is_version(&self.version) {
            return refuse(format!("chart.metadata.version {:?} is invalid", self.version));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return refuse("chart.metadata.type must be application or library".into());
        }
        let mut names = BTreeSet::new();
        for dependency in &self.dependencies {
            if !dependency.alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
                return refuse(format!(
                    "dependency {:?} has disallowed characters in the alias",
                    dependency.name
                ));
            }
            let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
            if !names.insert(key) {
                return refuse(format!("more than one dependency with name or alias {key:?}"));
            }
        }
        Ok(())
    }

    fn sanitize(&mut self) {
        let own = [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ];
        let people = self.maintainers.iter_mut().flat_map(|m| [&mut m.name, &mut m.email, &mut m.url]);
        let dependencies = self.dependencies.iter_mut().flat_map(|d| {
            [&mut d.name, &mut d.version, &mut d.repository, &mut d.condition].into_iter().chain(&mut d.tags)
        });
        let lists = self.sources.iter_mut().chain(&mut self.keywords);
        own.into_iter().chain(lists).chain(people).chain(dependencies).for_each(sanitize);
    }
}

/// Turns every space into a blank and drops what cannot be printed.
fn sanitize(text: &mut String) {
    if text.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ') || is_unprintable(c)) {
        let printable = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
        *text = printable.filter(|c| !c.is_control() && !is_unprintable(*c)).collect();
    }
}

/// Characters that Go's `unicode.IsPrint` refuses, besides spaces and control characters: formatting
/// characters, private use, noncharacters.
fn is_unprintable(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x600..=0x605 | 0x61C | 0x6DD | 0x70F | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0xE000..=0xF8FF | 0xFEFF | 0xFFF0..=0xFFFB | 0xFFFE..=0xFFFF
        | 0xE0000..=0xE0FFF | 0xF0000..=0x10_FFFF)
}

impl Maintainer {
    fn read(yaml: &Value) -> Result<Self, String> {
        let mut maintainer = Self::default();
        let Some(fields) = Fields::of("Maintainer", yaml)? else {
            return Err("maintainers must not contain empty or null nodes".into());
        };
        fields.text("name", &mut maintainer.name)?;
        fields.text("email", &mut maintainer.email)?;
        fields.text("url", &mut maintainer.url)?;
        Ok(maintainer)
    }
}

impl Dependency {
    fn read(yaml: &Value) -> Result<Self, String> {
        let mut dependency = Self::default();
        let Some(fields) = Fields::of("Dependency", yaml)? else {
            return Err("dependencies must not contain empty or null nodes".into());
        };
        fields.text("name", &mut dependency.name)?;
        fields.text("version", &mut dependency.version)?;
        fields.text("repository", &mut dependency.repository)?;
        fields.text("condition", &mut dependency.condition)?;
        fields.text("alias", &mut dependency.alias)?;
        fields.texts("tags", &mut dependency.tags)?;
        fields.flag("enabled", &mut dependency.enabled)?;
        fields.list("import-values", &mut dependency.import_values, |value| Ok(value.clone()))?;
        Ok(dependency)
    }
}

impl Lock {
    /// When the file was made; `None` when it does not say so.
    #[must_use]
    pub fn generated_at(&self) -> Option<SystemTime> {
        self.generated.parse::<Timestamp>().ok().map(SystemTime::from)
    }

    /// Sets when the file was made.
    pub fn set_generated(&mut self, time: SystemTime) {
        self.generated = Timestamp::try_from(time).unwrap_or_default().to_string();
    }

    /// Reads a `Chart.lock`.
    ///
    /// # Errors
    /// When a field has the wrong type.
    pub(super) fn read(yaml: &Value) -> Result<Self, String> {
        let mut lock = Self::default();
        if let Some(fields) = Fields::of("Lock", yaml)? {
            fields.text("generated", &mut lock.generated)?;
            fields.text("digest", &mut lock.digest)?;
            fields.list("dependencies", &mut lock.dependencies, Dependency::read)?;
        }
        Ok(lock)
    }
}
