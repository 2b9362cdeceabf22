//! Loading the chart that a command names, wherever it is.

use std::path::Path;

use crate::chart::{Chart, Error};
use crate::repository::{self, Manager};

/// The chart of a reference; dependencies that it misses are fetched when that is wanted.
pub(super) async fn load(
    reference: &str,
    places: &repository::Options,
    update_dependencies: bool,
) -> Result<Chart, String> {
    let path = repository::locate(reference, places).await.map_err(|error| error.to_string())?;
    let load = || Chart::load(&path).and_then(|chart| chart.check_installable().map(|()| chart));
    let mut chart = load();
    if update_dependencies && matches!(chart, Err(Error::MissingDependencies(_))) {
        fetch_dependencies(&path, places).await.map_err(|error| error.to_string())?;
        chart = load();
    }
    chart.map_err(|error| explain(&error))
}

/// A chart's error with Helm's hint.
fn explain(error: &Error) -> String {
    match error {
        Error::MissingDependencies(_) => format!(
            "an error occurred while checking for chart dependencies. You may need to run \
             'helm dependency build' to fetch missing dependencies: {error}"
        ),
        error => error.to_string(),
    }
}

/// Fetches the dependencies of a chart; what is told of it goes to standard error, away from the manifests.
async fn fetch_dependencies(chart: &Path, places: &repository::Options) -> Result<(), repository::Error> {
    let manager = Manager {
        chart,
        settings: &places.settings,
        access: &places.access,
        keyring: places.keyring.clone(),
        allow_unsigned: true,
        skip_refresh: false,
        modified: repository::source_date_epoch()?,
        report: &|line| eprintln!("{line}"),
    };
    manager.update().await
}
