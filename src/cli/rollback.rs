//! `daytwo rollback`: a release goes back to an earlier revision.

use std::process::ExitCode;

use clap::Args;

use super::cluster::{Cluster, ClusterFlags};
use super::operation::ChangeFlags;
use super::output::print;
use crate::release;

/// The longest description that Helm accepts.
const DESCRIPTION_LIMIT: usize = 256;

/// The flags of `helm rollback`.
#[derive(Args)]
pub(super) struct Rollback {
    /// The release
    release: String,
    /// The revision to go back to; the one before the last if omitted
    #[arg(default_value_t = 0)]
    revision: i64,
    #[command(flatten)]
    change: ChangeFlags,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Simulate a rollback
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client", default_value = "none",
          value_parser = ["none", "client", "server", "true", "false"])]
    dry_run: String,
}

impl Rollback {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.roll_back(cluster).await })
    }

    async fn roll_back(&self, cluster: Cluster) -> Result<(), String> {
        let mut options = self.change.options(&self.release, &cluster.namespace);
        options.dry_run = !matches!(self.dry_run.as_str(), "none" | "false");
        let length = options.description.as_ref().map_or(0, |text| text.chars().count());
        if length > DESCRIPTION_LIMIT {
            return Err(format!("description must be {DESCRIPTION_LIMIT} characters or less, got {length}"));
        }
        if self.revision < 0 {
            return Err("invalid release revision".into());
        }
        let rolled_back = release::rollback(&cluster.client, &options, self.revision).await;
        rolled_back.map_err(|error| error.to_string())?;
        print("Rollback was a success! Happy Helming!\n")
    }
}
