//! `kubernetes.core.helm_template`: what a chart renders to, as text or files (`plugins/modules/helm_template.py`).

use async_trait::async_trait;

use super::helm_chart::{place, update_repositories};
use super::helm_command::HelmCommand;
use super::helm_values::{SET_VALUES, given, set_flags};
use crate::chart::{Compat, RenderOptions, release_name};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Spec};
use crate::repository::{self, Report};

/// The module.
pub(super) struct HelmTemplate;

pub(super) static SPEC: Spec = Spec::new(
    "kubernetes.core.helm_template",
    &[
        Opt::new("binary_path", Kind::Path),
        Opt::new("chart_ref", Kind::Path).required(),
        Opt::str("chart_repo_url"),
        Opt::str("chart_version"),
        Opt::flag("dependency_update").aliases(&["dep_up"]),
        Opt::flag("disable_hook"),
        Opt::flag("include_crds"),
        Opt::str("release_name").aliases(&["name"]),
        Opt::new("output_dir", Kind::Path),
        Opt::flag("insecure_registry"),
        Opt::str("release_namespace"),
        Opt::new("release_values", Kind::Dict).default("{}").aliases(&["values"]),
        Opt::new("show_only", Kind::ListOfStr),
        Opt::new("values_files", Kind::ListOfStr),
        Opt::flag("update_repo_cache"),
        SET_VALUES,
        Opt::flag("plain_http"),
    ],
);

#[async_trait]
impl Module for HelmTemplate {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        update_repositories(context, &args).await?;
        let command = command(&args);
        let told = if context.check { String::new() } else { render(context, &args, &command).await? };
        Ok(command.done(TaskResult::changed(true), told).with("rc", 0_i64))
    }
}

/// What `helm template` prints.
async fn render(context: &ModuleContext, args: &Args, command: &HelmCommand) -> Result<String, ModuleError> {
    let (reference, places) = place(context, args, args.flag("insecure_registry"));
    let quiet: Report<'_> = &|_| {};
    let fetch_missing = args.flag("dependency_update").then_some(quiet);
    let loading = repository::load_installable(&reference, &places, fetch_missing);
    let chart = context.until_cancelled(loading).await?.map_err(|error| command.failed(&error))?;
    let values = given(context, args)?;
    let name = args.str("release_name").unwrap_or("release-name");
    let namespace = args.str("release_namespace").map(str::to_owned);
    let namespace = namespace.or_else(|| context.variable("HELM_NAMESPACE"));
    let options = RenderOptions::new(name, namespace.unwrap_or("default".into()), Compat::default());
    let rendered = release_name::validate(name).and_then(|()| chart.render(&values, &options));
    let rendered = rendered.map_err(|error| command.failed(&error))?;
    let listing = rendered.listing(args.flag("include_crds"), |_| !args.flag("disable_hook"));
    if let Some(directory) = args.str("output_dir") {
        let written = repository::write_listing(&listing, &context.path(directory));
        return written.map_err(|error| command.failed(&error));
    }
    match args.texts("show_only").unwrap_or_default().as_slice() {
        [] => Ok(listing.text()),
        templates => listing.select(templates).map_err(|error| command.failed(&error)),
    }
}

fn command(args: &Args) -> HelmCommand {
    let mut command = HelmCommand::new(args, "template");
    for name in ["release_name", "chart_ref"] {
        if let Some(text) = args.str(name) {
            command.argument(text);
        }
    }
    command.flag("dependency-update", args.flag("dependency_update"));
    command.assignment("repo", args.str("chart_repo_url"));
    command.assignment("version", args.str("chart_version"));
    command.flag("no-hooks", args.flag("disable_hook"));
    command.assignment("output-dir", args.str("output_dir"));
    command.flag("insecure-skip-tls-verify", args.flag("insecure_registry"));
    command.flag("plain-http", args.flag("plain_http"));
    for template in args.texts("show_only").unwrap_or_default() {
        command.argument(&format!("-s {template}"));
    }
    for path in args.texts("values_files").unwrap_or_default() {
        command.argument(&format!("-f={path}"));
    }
    if let Some(namespace) = args.str("release_namespace") {
        command.argument(&format!("-n {namespace}"));
    }
    command.flag("include-crds", args.flag("include_crds"));
    set_flags(args, &mut command);
    command
}
