//! `daytwo template`: renders a chart and prints what `helm template` prints.

use std::io::Write;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::blocking::wait;
use super::chart_flags::ChartFlags;
use super::chart_loading::load;
use super::naming::NameFlags;
use super::values::ValueFlags;
use crate::chart::hook::Event;
use crate::chart::{
    Capabilities, Compat, Error, Hook, KubeVersion, Listing, RenderOptions, Rendered, release_name,
};
use crate::repository;

/// The flags of the command; those of `helm template` that need no cluster.
#[derive(Args)]
pub(super) struct Template {
    #[command(flatten)]
    names: NameFlags,
    #[command(flatten)]
    values: ValueFlags,
    #[command(flatten)]
    source: ChartFlags,
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
        let chart = wait(load(self.names.chart(), &self.source.options(), self.dependency_update))?;
        // The process ends with the command: taking the chart apart before that would be for nothing.
        let chart = ManuallyDrop::new(chart);
        let rendered =
            release_name::validate(&options.release_name).and_then(|()| chart.render(&values, &options));
        rendered.map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &Error) -> String {
        match error {
            Error::Manifest { rendered, .. } if self.debug => {
                println!("{}", rendered.trim());
                error.to_string()
            }
            Error::Manifest { .. } => format!("{error}\n\nUse --debug flag to render out invalid YAML"),
            error => error.to_string(),
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
        let is_shown =
            |hook: &Hook| !(self.no_hooks || self.skip_tests && hook.events.contains(&Event::Test));
        let listing = rendered.listing(self.include_crds, is_shown);
        if let Some(directory) = &self.output_dir {
            return self.write_files(directory, &listing);
        }
        let text = match self.show_only.as_slice() {
            [] => listing.text(),
            patterns => listing.select(patterns).map_err(|error| error.to_string())?,
        };
        std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| error.to_string())
    }

    /// Writes every document to the file of its template's path.
    fn write_files(&self, directory: &Path, listing: &Listing<'_>) -> Result<(), String> {
        let directory = if self.release_name { directory.join(self.name()?) } else { directory.to_owned() };
        let told = repository::write_listing(listing, &directory).map_err(|error| error.to_string())?;
        print!("{told}");
        Ok(())
    }
}
