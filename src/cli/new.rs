//! `daytwo new`: a new operator project, with the words of operator-sdk.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::blocking::wait;
use crate::chart::{self, File};
use crate::project::scaffold::{Content, Plan, files};
use crate::repository;
use crate::watches::Gvk;

/// Flags of `daytwo new`; those of operator-sdk's `new` of the same names.
#[derive(Args)]
pub(super) struct New {
    /// The name of the operator and of the directory that is made
    name: String,
    /// Group and version of the kind, as in demo.example.com/v1alpha1
    #[arg(long)]
    api_version: String,
    /// The kind that the operator serves, as in Hello
    #[arg(long)]
    kind: String,
    /// Whether a chart or a role serves it
    #[arg(long = "type", value_enum, default_value_t = Engine::Helm)]
    engine: Engine,
    /// The chart: a directory, an archive, or wherever else charts are found [default: a small one to begin with]
    #[arg(long, value_name = "CHART")]
    helm_chart: Option<String>,
    /// The URL of the repository that has the chart of this name
    #[arg(long, value_name = "URL", requires = "helm_chart")]
    helm_chart_repo: Option<String>,
    /// A version of the chart, or a constraint on versions [default: the latest]
    #[arg(long, value_name = "VERSION", requires = "helm_chart")]
    helm_chart_version: Option<String>,
    /// Let watches.yaml name a playbook that calls the role
    #[arg(long)]
    generate_playbook: bool,
    /// The image of the operator [default: NAME:dev]
    #[arg(long)]
    image: Option<String>,
    /// The namespace of the operator, which it watches
    #[arg(short, long, default_value = "default")]
    namespace: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// A Helm chart
    Helm,
    /// An Ansible-style role
    Ansible,
}

impl New {
    pub(super) fn run(&self) -> ExitCode {
        match self.create() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("Error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn create(&self) -> Result<(), String> {
        let plan = self.plan()?;
        let files = files(&plan).map_err(|error| error.to_string())?;
        files.write(self.name.as_ref()).map_err(|error| error.to_string())?;
        for path in files.paths() {
            println!("{}/{}", self.name, path.display());
        }
        Ok(())
    }

    /// The files of the chart that a reference names.
    fn chart(&self, reference: &str) -> Result<Vec<File>, String> {
        let options = repository::Options {
            settings: repository::Settings::from_environment(),
            version: self.helm_chart_version.clone().unwrap_or_default(),
            repository: self.helm_chart_repo.clone(),
            ..repository::Options::default()
        };
        let path = wait(repository::locate(reference, &options))?;
        chart::read(&path).map_err(|error| format!("{reference}: {error}"))
    }

    fn plan(&self) -> Result<Plan, String> {
        let (group, version) = self.api_version.split_once('/').ok_or_else(|| {
            format!("--api-version {:?} has no group: as in demo.example.com/v1alpha1", self.api_version)
        })?;
        let content = match (self.engine, &self.helm_chart) {
            (Engine::Helm, Some(reference)) => Content::Chart(self.chart(reference)?),
            (Engine::Helm, None) => Content::NewChart,
            (Engine::Ansible, None) => Content::NewRole { playbook: self.generate_playbook },
            (Engine::Ansible, Some(_)) => return Err("--helm-chart goes with --type=helm".to_owned()),
        };
        Ok(Plan {
            name: self.name.clone(),
            kind: Gvk { group: group.to_owned(), version: version.to_owned(), kind: self.kind.clone() },
            content,
            image: self.image.clone().unwrap_or_else(|| format!("{}:dev", self.name)),
            namespace: self.namespace.clone(),
        })
    }
}
