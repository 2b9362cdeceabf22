//! `daytwo template`: renders a chart and prints what `helm template` prints.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::naming::NameFlags;
use super::operation::{explain, locate};
use super::place_flags::PlaceFlags;
use super::values::ValueFlags;
use crate::chart::hook::Event;
use crate::chart::{
    self, Capabilities, Chart, Compat, Error, Hook, KubeVersion, PathPattern, RenderOptions, Rendered,
    release_name,
};

/// The flags of the command; those of `helm template` that need no cluster.
#[derive(Args)]
pub(super) struct Template {
    #[command(flatten)]
    names: NameFlags,
    #[command(flatten)]
    values: ValueFlags,
    #[command(flatten)]
    source: PlaceFlags,
    /// Update dependencies if they are missing before rendering the chart
    #[arg(long)]
    dependency_update: bool,
    /// Namespace of the release
    #[arg(short, long, env = "HELM_NAMESPACE", default_value = "default")]
    namespace: String,
    /// Kubernetes version used for Capabilities.KubeVersion
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Kubernetes API versions added to Capabilities.APIVersions (comma-separated, can be given several times)
    #[arg(short, long, value_name = "VERSIONS", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Set .Release.IsUpgrade instead of .Release.IsInstall
    #[arg(long)]
    is_upgrade: bool,
    /// Include CRDs in the templated output
    #[arg(long)]
    include_crds: bool,
    /// Leave out hooks
    #[arg(long)]
    no_hooks: bool,
    /// Leave out tests
    #[arg(long)]
    skip_tests: bool,
    /// Only show manifests rendered from the given templates (can be given several times)
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Write the manifests to files in this directory instead of standard output
    #[arg(long, value_name = "DIRECTORY")]
    output_dir: Option<PathBuf>,
    /// Use the release name in the path of --output-dir
    #[arg(long)]
    release_name: bool,
    /// Print manifests that do not parse as YAML
    #[arg(long)]
    debug: bool,
    /// Accept values that the chart's schemas refuse
    #[arg(long)]
    skip_schema_validation: bool,
    /// Let templates ask the name servers
    #[arg(long)]
    enable_dns: bool,
    /// Refused: rendering never asks a cluster
    #[arg(long)]
    validate: bool,
    /// The Helm to follow where they differ
    #[arg(long, value_enum, default_value = "v4")]
    compat: CompatFlag,
}

#[derive(Clone, Copy, ValueEnum)]
enum CompatFlag {
    /// Helm 3
    V3,
    /// Helm 4
    V4,
}

/// A part of the output: the path of its template and the document.
struct Part<'a> {
    source: &'a str,
    text: &'a str,
}

impl Template {
    /// Renders and prints; failures go to standard error as Helm words them.
    pub(super) fn run(self) -> ExitCode {
        match self.render().and_then(|rendered| self.print(&rendered)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => {
                eprintln!("Error: {message}");
                ExitCode::FAILURE
            }
        }
    }

    fn render(&self) -> Result<Rendered, String> {
        if self.validate {
            return Err("--validate needs a cluster, which template never asks".into());
        }
        let options = self.options()?;
        let values = self.values.merge()?;
        let path = locate(self.names.chart(), &self.source, self.dependency_update)?;
        let chart = Chart::load(&path).and_then(|chart| chart.check_installable().map(|()| chart));
        let rendered = chart.and_then(|chart| {
            release_name::validate(&options.release_name)?;
            chart.render(&values, &options)
        });
        rendered.map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &Error) -> String {
        match error {
            Error::Manifest { rendered, .. } if self.debug => {
                println!("{}", rendered.trim());
                error.to_string()
            }
            Error::Manifest { .. } => format!("{error}\n\nUse --debug flag to render out invalid YAML"),
            error => explain(error),
        }
    }

    fn options(&self) -> Result<RenderOptions, String> {
        let compat = match self.compat {
            CompatFlag::V3 => Compat::V3,
            CompatFlag::V4 => Compat::V4,
        };
        let mut capabilities = Capabilities::default_of(compat);
        if let Some(version) = &self.kube_version {
            capabilities.kube_version = KubeVersion::parse(version).map_err(|error| error.to_string())?;
        }
        capabilities.api_versions.extend(self.api_versions.iter().cloned());
        Ok(RenderOptions {
            is_upgrade: self.is_upgrade,
            capabilities: Arc::new(capabilities),
            skip_schema_validation: self.skip_schema_validation,
            enable_dns: self.enable_dns,
            ..RenderOptions::new(self.name()?, self.namespace.as_str(), compat)
        })
    }

    fn name(&self) -> Result<String, String> {
        Ok(self.names.name()?.unwrap_or_else(|| "release-name".into()))
    }

    fn print(&self, rendered: &Rendered) -> Result<(), String> {
        for warning in &rendered.warnings {
            eprintln!("warning: {warning}");
        }
        let crds: Vec<_> = rendered.crds.iter().map(|crd| String::from_utf8_lossy(&crd.data)).collect();
        let crds = rendered.crds.iter().zip(&crds).map(|(crd, text)| Part { source: &crd.filename, text });
        let manifests = rendered.manifests.iter().map(|m| Part { source: &m.source, text: &m.text });
        let manifests: Vec<Part> = crds.filter(|_| self.include_crds).chain(manifests).collect();
        let is_shown =
            |hook: &&Hook| !(self.no_hooks || self.skip_tests && hook.events.contains(&Event::Test));
        let hooks = rendered.hooks.iter().filter(is_shown);
        let hooks: Vec<Part> = hooks.map(|hook| Part { source: &hook.path, text: &hook.manifest }).collect();
        if let Some(directory) = &self.output_dir {
            return self.write_files(directory, manifests.iter().chain(&hooks));
        }
        let text = format!("{}\n{}", join(&manifests).trim(), join(&hooks));
        let text = if self.show_only.is_empty() { text } else { self.select(&text)? };
        std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| error.to_string())
    }

    /// The documents whose template one of the `--show-only` patterns matches.
    fn select(&self, text: &str) -> Result<String, String> {
        let documents = chart::split_documents(text);
        let mut selected = String::new();
        for pattern in &self.show_only {
            let glob = PathPattern::new(pattern).map_err(|error| format!("{error}: {pattern}"))?;
            let length = selected.len();
            for document in &documents {
                if source(document).is_some_and(|path| glob.matches(path)) {
                    selected.push_str("---\n");
                    selected.push_str(document);
                    selected.push('\n');
                }
            }
            if selected.len() == length {
                return Err(format!("could not find template {pattern} in chart"));
            }
        }
        Ok(selected)
    }

    /// Writes every document to the file of its template's path.
    fn write_files<'a>(
        &self,
        directory: &Path,
        parts: impl Iterator<Item = &'a Part<'a>>,
    ) -> Result<(), String> {
        let directory = if self.release_name { directory.join(self.name()?) } else { directory.to_owned() };
        let mut written = BTreeSet::new();
        for part in parts {
            let path = directory.join(part.source);
            let is_first = written.insert(part.source);
            part.append_to(&path, is_first).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("wrote {}", path.display());
        }
        println!();
        Ok(())
    }
}

impl Part<'_> {
    fn append_to(&self, path: &Path, is_first: bool) -> std::io::Result<()> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut file =
            OpenOptions::new().create(true).write(true).truncate(is_first).append(!is_first).open(path)?;
        file.write_all(self.print().as_bytes())
    }

    fn print(&self) -> String {
        format!("---\n# Source: {}\n{}\n", self.source, self.text)
    }
}

fn join(parts: &[Part]) -> String {
    parts.iter().map(Part::print).collect()
}

/// The path inside the chart that the first source comment of a document names.
fn source(document: &str) -> Option<&str> {
    let (_, rest) = document.split_once("# Source: ")?;
    let (_, path) = rest.lines().next()?.split_once('/')?;
    Some(path)
}
