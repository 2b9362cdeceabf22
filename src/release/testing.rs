//! The tests of a release: its hooks of the event `test`. Follows `pkg/action/release_testing.go`.

use super::Error;
use super::hooks::{clean, logs, run_without_cleaning};
use super::options::Options;
use super::record::Record;
use super::storage::{Beside, Storage};
use crate::chart::hook::Event;
use crate::cluster::Client;

/// Which tests run.
#[derive(Clone, Debug, Default)]
pub struct TestFilter {
    /// Only those of these names, unless empty.
    pub only: Vec<String>,
    /// Not those of these names.
    pub not: Vec<String>,
}

impl TestFilter {
    fn accepts(&self, name: &str) -> bool {
        let has = |names: &[String]| names.iter().any(|one| one == name);
        !has(&self.not) && (self.only.is_empty() || has(&self.only))
    }
}

/// How tests went.
#[derive(Debug)]
pub struct Tested {
    /// The release with the runs of its tests.
    pub record: Record,
    /// What the tests printed, when asked for.
    pub logs: Vec<String>,
    /// What failed.
    pub failure: Option<Error>,
}

/// Runs the tests of a release and records how they went.
///
/// # Errors
/// [`Error::NotFound`]; refusals of the cluster. A failed test is no error but [`Tested::failure`].
pub async fn test(
    client: &Client,
    options: &Options,
    filter: &TestFilter,
    with_logs: bool,
) -> Result<Tested, Error> {
    let storage = Storage::new(client, &options.namespace, None).await?;
    let history = storage.history(&options.name).await?;
    let last = history.last().ok_or(Error::NotFound)?;
    let mut record = storage.read(&last.secret).await?.ok_or(Error::NotFound)?;
    let scope = options.scope(client, Some(&record))?;
    let wanted = |hook: &super::record::HookRecord| filter.accepts(&hook.name);
    let (mut done, result) = run_without_cleaning(&scope, &mut record.hooks, Event::Test, wanted).await;
    storage.update(&record, Beside::AsIs).await?;
    let mut printed = Vec::new();
    if with_logs {
        for test in &done {
            printed.extend(logs(&scope, &test.objects).await);
        }
    }
    clean(&scope, &record.hooks, &mut done).await?;
    Ok(Tested { record, logs: printed, failure: result.err() })
}
