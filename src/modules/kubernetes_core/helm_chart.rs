//! The chart that a task means: `chart_ref`, `chart_repo_url`, `chart_version`, `plain_http`, and the repositories
//! in which it is looked for.

use super::helm_command::{HelmCommand, settings};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::Args;
use crate::repository::{self, Access, Options};

/// The reference of the chart and how to find it. A relative path is below the directory in which modules run.
pub(super) fn place(context: &ModuleContext, args: &Args, insecure: bool) -> (String, Options) {
    let reference = args.str("chart_ref").unwrap_or_default();
    let path = context.path(reference);
    let reference = match args.str("chart_repo_url") {
        None if path.exists() => path.to_string_lossy().into_owned(),
        _ => reference.to_owned(),
    };
    let options = Options {
        settings: settings(context),
        version: args.str("chart_version").unwrap_or_default().to_owned(),
        repository: args.str("chart_repo_url").map(str::to_owned),
        access: Access {
            insecure_skip_tls_verify: insecure,
            plain_http: args.flag("plain_http"),
            ..Access::default()
        },
        keyring: None,
    };
    (reference, options)
}

/// Fetches the indexes of the added repositories anew, if `update_repo_cache` says so.
///
/// # Errors
/// A repository that cannot be reached.
pub(super) async fn update_repositories(context: &ModuleContext, args: &Args) -> Result<(), ModuleError> {
    if !args.flag("update_repo_cache") {
        return Ok(());
    }
    let settings = settings(context);
    let updated = context.until_cancelled(repository::update(&[], &settings, &|_| {})).await?;
    updated.map(|_| ()).map_err(|error| HelmCommand::new(args, "repo update").failed(&error))
}
