//! From a chart and values to manifests, hooks and notes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::coalesce::{Coalescing, Nulls};
use super::documents::{self, Documents};
use super::program::Program;
use super::{Capabilities, Chart, Compat, Error, Hook, Lookup, Manifest, constraint, values};

/// Rendered texts by the path of their template.
type Files = BTreeMap<String, Vec<u8>>;

/// What a rendering depends on besides the chart and the values.
#[derive(Clone)]
pub struct RenderOptions {
    /// `.Release.Name`.
    pub release_name: String,
    /// `.Release.Namespace`.
    pub namespace: String,
    /// `.Release.Revision`, from 1.
    pub revision: i64,
    /// Whether the release exists already: `.Release.IsUpgrade`, and not `.Release.IsInstall`.
    pub is_upgrade: bool,
    /// `.Capabilities`.
    pub capabilities: Arc<Capabilities>,
    /// What the function `lookup` asks.
    pub lookup: Arc<dyn Lookup>,
    /// Which Helm to follow.
    pub compat: Compat,
    /// Whether the notes of subcharts are part of the notes.
    pub sub_notes: bool,
    /// Whether `getHostByName` may ask the name servers.
    pub enable_dns: bool,
    /// Whether values are accepted that the schemas refuse.
    pub skip_schema_validation: bool,
    /// Whether `required` and `fail` let templates pass, as `lint` wants it.
    pub lint: bool,
}

/// What a chart renders to.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The documents of the release, in install order.
    pub manifests: Vec<Manifest>,
    /// The hooks, in install order of their kinds; those of one event run by weight.
    pub hooks: Vec<Hook>,
    /// The text for the user, from `NOTES.txt`.
    pub notes: String,
    /// The custom resource definitions in `crds/` of the chart and its enabled subcharts.
    pub crds: Vec<Crd>,
    /// The default values of the chart with those of its enabled subcharts, as release records store them.
    pub default_values: Arc<Map<String, Value>>,
    /// What was suspicious in the values, such as a table in place of a scalar.
    pub warnings: Vec<String>,
}

/// A file with custom resource definitions, which is never rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// The path inside its chart.
    pub name: String,
    /// The path from the root chart's name.
    pub filename: String,
    /// The content; one or several documents.
    pub data: Arc<[u8]>,
}

impl RenderOptions {
    /// A first installation of that name, without a cluster.
    #[must_use]
    pub fn new(release_name: impl Into<String>, namespace: impl Into<String>, compat: Compat) -> Self {
        Self {
            release_name: release_name.into(),
            namespace: namespace.into(),
            revision: 1,
            is_upgrade: false,
            capabilities: Arc::new(Capabilities::default_of(compat)),
            lookup: Arc::new(super::Offline),
            compat,
            sub_notes: false,
            enable_dns: false,
            skip_schema_validation: false,
            lint: false,
        }
    }
}

impl Rendered {
    /// The manifest as Helm stores it in a release record.
    #[must_use]
    pub fn manifest(&self) -> String {
        let mut out =
            String::with_capacity(self.manifests.iter().map(|m| m.text.len() + m.source.len() + 16).sum());
        for manifest in &self.manifests {
            manifest.write(&mut out);
        }
        out
    }
}

impl Chart {
    /// Renders the chart with `values` over its defaults.
    ///
    /// Numbers of `values` keep their kind: what came from a file as `f64` is a Go `float64` for the
    /// templates, an integer is an `int64`, as Helm sees custom resources and `--set`.
    ///
    /// # Errors
    /// Whatever Helm refuses: a Kubernetes version outside the constraint, values of the wrong
    /// structure or against a schema, a failing template, a document that is no YAML.
    pub fn render(&self, values: &Map<String, Value>, options: &RenderOptions) -> Result<Rendered, Error> {
        let mut warnings = Vec::new();
        let (program, files) = self.execute(values, options, &mut warnings)?;
        let mut files = files.into_iter().map(utf8).collect::<Result<BTreeMap<_, _>, _>>()?;
        let notes = take_notes(&mut files, self.name(), options.sub_notes);
        let Documents { manifests, hooks } = documents::take_apart(&files, options.compat)?;
        let default_values = Arc::clone(&program.root.values);
        Ok(Rendered { manifests, hooks, notes, crds: program.crds.clone(), default_values, warnings })
    }

    /// Renders the templates and gives their texts by path, notes among them, before anything is made of them.
    ///
    /// # Errors
    /// As [`Chart::render`], except that nothing has to be a manifest.
    pub fn render_files(
        &self,
        values: &Map<String, Value>,
        options: &RenderOptions,
    ) -> Result<BTreeMap<String, String>, Error> {
        let (_, files) = self.execute(values, options, &mut Vec::new())?;
        let lossy = |text| {
            String::from_utf8(text)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
        };
        Ok(files.into_iter().map(|(path, text)| (path, lossy(text))).collect())
    }

    fn execute(
        &self,
        values: &Map<String, Value>,
        options: &RenderOptions,
        warnings: &mut Vec<String>,
    ) -> Result<(Arc<Program>, Files), Error> {
        let program = self.programs.select(values, options.compat, warnings)?;
        warnings.extend_from_slice(&program.warnings);
        let given = values::to_map(values);
        let coalesced =
            Coalescing::new(options.compat, warnings).values(&program.root, &given, Nulls::Delete)?;
        if !options.skip_schema_validation {
            program.check_schemas(&coalesced)?;
        }
        self.check_kube_version(options)?;
        let files = program.execute(&coalesced, options)?;
        Ok((program, files))
    }

    fn check_kube_version(&self, options: &RenderOptions) -> Result<(), Error> {
        let constraint = &self.metadata().kube_version;
        let version = &options.capabilities.kube_version;
        let checked = match options.compat {
            Compat::V3 => &version.version,
            Compat::V4 => &version.normalized,
        };
        if constraint.is_empty() || constraint::admits(constraint, checked) {
            return Ok(());
        }
        Err(Error::KubeVersion { constraint: constraint.clone(), version: version.version.clone() })
    }
}

/// A rendered file as text: YAML is nothing else.
fn utf8((path, text): (String, Vec<u8>)) -> Result<(String, String), Error> {
    match String::from_utf8(text) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(Error::Manifest {
            path,
            message: "error converting YAML to JSON: yaml: invalid leading UTF-8 octet".into(),
            rendered: String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }),
    }
}

/// Takes the notes out of the rendered files: they are no manifests.
fn take_notes(files: &mut BTreeMap<String, String>, chart: &str, sub_notes: bool) -> String {
    const NOTES: &str = "NOTES.txt";
    let own = format!("{chart}/templates/{NOTES}");
    let mut notes = String::new();
    let paths: Vec<String> = files.keys().filter(|path| path.ends_with(NOTES)).cloned().collect();
    for path in paths {
        if let Some(text) = files.remove(&path).filter(|_| sub_notes || path == own) {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(&text);
        }
    }
    notes
}
