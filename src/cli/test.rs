//! `daytwo test`: runs the tests of a release.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::cluster::{Cluster, ClusterFlags};
use super::operation::progress;
use super::output::print;
use super::record_text::{self, Show};
use crate::release::{self, Options, TestFilter};
use crate::watches::duration;

/// The flags of `helm test`.
#[derive(Args)]
pub(super) struct Test {
    /// The release
    release: String,
    /// Only the tests name=NAME, or not those of !name=NAME (comma-separated, can be given several times)
    #[arg(long, value_name = "ATTRIBUTE", value_delimiter = ',')]
    filter: Vec<String>,
    /// Dump the logs of the test pods
    #[arg(long)]
    logs: bool,
    /// Time to wait for each test
    #[arg(long, value_parser = duration::parse, default_value = "5m0s", value_name = "DURATION")]
    timeout: Duration,
    #[command(flatten)]
    cluster: ClusterFlags,
}

impl Test {
    pub(super) fn run(self) -> ExitCode {
        self.cluster.run(|cluster| async { self.test(cluster).await })
    }

    async fn test(&self, cluster: Cluster) -> Result<(), String> {
        let mut options = Options::new(&self.release, &cluster.namespace);
        options.timeout = self.timeout;
        options.observer = progress();
        let filter = self.tests()?;
        let tested = release::test(&cluster.client, &options, &filter, self.logs).await;
        let tested = tested.map_err(|error| error.to_string())?;
        print(&record_text::text(&tested.record, Show { hide_notes: true, ..Show::default() }))?;
        if self.logs {
            print("\n")?;
            tested.logs.iter().try_for_each(|text| print(text))?;
        }
        tested.failure.map_or(Ok(()), |error| Err(error.to_string()))
    }

    fn tests(&self) -> Result<TestFilter, String> {
        let mut filter = TestFilter::default();
        for text in &self.filter {
            match (
                text.strip_prefix("name="),
                text.strip_prefix('!').and_then(|not| not.trim_start().strip_prefix("name=")),
            ) {
                (Some(name), _) => filter.only.push(name.to_owned()),
                (_, Some(name)) => filter.not.push(name.to_owned()),
                _ => return Err(format!("{text}: a filter is name=NAME or !name=NAME")),
            }
        }
        Ok(filter)
    }
}
