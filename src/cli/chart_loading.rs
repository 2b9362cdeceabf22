//! Loading the chart that a command names, wherever it is.

use crate::chart::Chart;
use crate::repository::{self, Report};

/// The chart of a reference; dependencies that it misses are fetched when that is wanted. What is told of it goes
/// to standard error, away from the manifests.
pub(super) async fn load(
    reference: &str,
    places: &repository::Options,
    update_dependencies: bool,
) -> Result<Chart, String> {
    let report: Report<'_> = &|line| eprintln!("{line}");
    let loaded = repository::load_installable(reference, places, update_dependencies.then_some(report));
    loaded.await.map_err(|error| error.to_string())
}
