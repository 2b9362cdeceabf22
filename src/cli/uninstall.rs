//! `daytwo uninstall`: releases leave the cluster.

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::cluster::{Cluster, ClusterFlags};
use super::operation::WaitFlags;
use super::output::print;
use crate::cluster::Propagation;
use crate::release::{self, Error, Options, Removal};

/// The flags of `helm uninstall`.
#[derive(Args)]
pub(super) struct Uninstall {
    /// The releases
    #[arg(required = true, value_name = "RELEASE")]
    releases: Vec<String>,
    /// Remove all associated resources and mark the release as deleted, but retain the release history
    #[arg(long)]
    keep_history: bool,
    /// The deletion cascading strategy for the dependents
    #[arg(long, value_enum, default_value = "background")]
    cascade: Cascade,
    /// Treat "release not found" as a successful uninstall
    #[arg(long)]
    ignore_not_found: bool,
    /// Add a custom description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Simulate an uninstall
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wait: WaitFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cascade {
    /// Dependents follow.
    Background,
    /// Dependents go first.
    Foreground,
    /// Dependents stay.
    Orphan,
}

impl From<Cascade> for Propagation {
    fn from(cascade: Cascade) -> Self {
        match cascade {
            Cascade::Background => Self::Background,
            Cascade::Foreground => Self::Foreground,
            Cascade::Orphan => Self::Orphan,
        }
    }
}

impl Uninstall {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.uninstall_all(cluster).await })
    }

    async fn uninstall_all(&self, cluster: Cluster) -> Result<(), String> {
        for release in &self.releases {
            self.uninstall(&cluster, release).await?;
        }
        Ok(())
    }

    async fn uninstall(&self, cluster: &Cluster, name: &str) -> Result<(), String> {
        let mut options = Options::new(name, &cluster.namespace);
        options.description.clone_from(&self.description);
        options.dry_run = self.dry_run;
        self.wait.fill(&mut options);
        let removal = Removal { keep_history: self.keep_history, propagation: self.cascade.into() };
        let done = match release::remove(&cluster.client, &options, removal).await {
            Ok(done) => done,
            Err(Error::NotFound) if self.ignore_not_found => return print(&uninstalled(name)),
            Err(error @ Error::NotFound) => {
                return Err(format!("uninstall: Release not loaded: {name}: {error}"));
            }
            Err(error) => return Err(error.to_string()),
        };
        let mut text = String::new();
        if !done.kept.is_empty() {
            text.push_str("These resources were kept due to the resource policy:\n");
            for object in &done.kept {
                let _ = writeln!(text, "[{}] {}", object.kind, object.name);
            }
            text.push('\n');
        }
        text.push_str(&uninstalled(name));
        print(&text)
    }
}

fn uninstalled(name: &str) -> String {
    format!("release \"{name}\" uninstalled\n")
}
