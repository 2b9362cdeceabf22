//! `kubernetes.core.helm_pull`: a chart out of a repository into a directory (`plugins/modules/helm_pull.py`).

use std::path::PathBuf;

use async_trait::async_trait;

use super::helm_command::{HelmCommand, settings};
use crate::chart::Contents;
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Kind, Opt, Requirement, Spec};
use crate::repository::{self, Access, Options, Pull};

/// The module.
pub(super) struct HelmPull;

pub(super) static SPEC: Spec = Spec {
    requirements: &[
        Requirement::Together(&["repo_username", "repo_password"]),
        Requirement::MutuallyExclusive(&["chart_version", "chart_devel"]),
    ],
    ..Spec::new(
        "kubernetes.core.helm_pull",
        &[
            Opt::str("chart_ref").required(),
            Opt::str("chart_version"),
            Opt::flag("verify_chart"),
            Opt::new("verify_chart_keyring", Kind::Path),
            Opt::flag("provenance"),
            Opt::str("repo_url").aliases(&["url", "chart_repo_url"]),
            Opt::str("repo_username").aliases(&["username", "chart_repo_username"]),
            Opt::str("repo_password").aliases(&["password", "chart_repo_password"]).no_log(),
            Opt::flag("pass_credentials"),
            Opt::flag("skip_tls_certs_check").aliases(&["insecure_skip_tls_verify"]),
            Opt::new("chart_devel", Kind::Bool),
            Opt::flag("untar_chart"),
            Opt::new("destination", Kind::Path).required(),
            Opt::new("chart_ca_cert", Kind::Path),
            Opt::new("chart_ssl_cert_file", Kind::Path),
            Opt::new("chart_ssl_key_file", Kind::Path),
            Opt::flag("plain_http"),
            Opt::flag("force"),
            Opt::new("binary_path", Kind::Path),
        ],
    )
};

/// The flags of `helm pull` that have values, and the arguments that give them.
const VALUES: &[(&str, &str)] = &[
    ("version", "chart_version"),
    ("keyring", "verify_chart_keyring"),
    ("repo", "repo_url"),
    ("username", "repo_username"),
    ("password", "repo_password"),
    ("destination", "destination"),
    ("ca-file", "chart_ca_cert"),
    ("cert-file", "chart_ssl_cert_file"),
    ("key-file", "chart_ssl_key_file"),
];
/// The flags that have none.
const FLAGS: &[(&str, &str)] = &[
    ("verify", "verify_chart"),
    ("prov", "provenance"),
    ("pass-credentials", "pass_credentials"),
    ("insecure-skip-tls-verify", "skip_tls_certs_check"),
    ("devel", "chart_devel"),
    ("untar", "untar_chart"),
    ("plain-http", "plain_http"),
];

#[async_trait]
impl Module for HelmPull {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let command = command(&args);
        let mut told = String::new();
        if !args.flag("force") && is_there(&args) {
            return Ok(command.done(TaskResult::changed(false), told).with("rc", 0_i64));
        }
        if !context.check {
            make_room(&args)?;
            let reference = args.str("chart_ref").unwrap_or_default();
            let (options, how) = (options(context, &args), how(&args));
            let pulled = repository::pull(reference, &options, &how);
            let lines = context.until_cancelled(pulled).await?.map_err(|error| {
                ModuleError::new("Failure when executing Helm command.")
                    .with("command", command.text())
                    .with("changed", false)
                    .with("stdout", "")
                    .with("stderr", format!("Error: {error}\n"))
                    .with("rc", 1_i64)
            })?;
            told = lines.into_iter().map(|line| line + "\n").collect();
        }
        Ok(command.done(TaskResult::changed(true), told).with("failed", false).with("rc", 0_i64))
    }
}

/// The name of the chart, as far as its reference tells it.
fn chart_name(args: &Args) -> &str {
    let name = args.str("chart_ref").unwrap_or_default().trim_end_matches('/').rsplit('/').next();
    name.and_then(|name| name.split([':', '@']).next()).unwrap_or_default()
}

/// Whether exactly this version was downloaded before.
fn is_there(args: &Args) -> bool {
    let Some(version) = args.str("chart_version") else { return false };
    let (name, directory) = (chart_name(args), destination(args));
    if !args.flag("untar_chart") {
        return directory.join(format!("{name}-{version}.tgz")).is_file();
    }
    let unpacked = Contents::load(&directory.join(name));
    unpacked.is_ok_and(|chart| chart.metadata.version == version)
}

/// Removes the unpacked chart that shall be replaced.
fn make_room(args: &Args) -> Result<(), ModuleError> {
    let place = destination(args).join(chart_name(args));
    if !args.flag("force") || !args.flag("untar_chart") || !place.join("Chart.yaml").is_file() {
        return Ok(());
    }
    std::fs::remove_dir_all(&place)
        .map_err(|error| ModuleError::new(format!("failed to replace {}: {error}", place.display())))
}

fn destination(args: &Args) -> PathBuf {
    args.str("destination").map(PathBuf::from).unwrap_or_default()
}

fn command(args: &Args) -> HelmCommand {
    let mut command = HelmCommand::new(args, "pull");
    command.argument(args.str("chart_ref").unwrap_or_default());
    for (flag, name) in VALUES {
        let value = if *name == "repo_password" { args.str(name).map(|_| "******") } else { args.str(name) };
        command.option(flag, value);
    }
    for (flag, name) in FLAGS {
        command.flag(flag, args.flag(name));
    }
    command
}

fn options(context: &ModuleContext, args: &Args) -> Options {
    let path = |name: &str| args.str(name).map(PathBuf::from);
    let text = |name: &str| args.str(name).unwrap_or_default().to_owned();
    let version =
        if args.flag("chart_devel") { repository::ANY_VERSION.to_owned() } else { text("chart_version") };
    let keyring = || path("verify_chart_keyring").unwrap_or_else(repository::default_keyring);
    Options {
        settings: settings(context),
        version,
        repository: args.str("repo_url").map(str::to_owned),
        access: Access {
            username: text("repo_username"),
            password: text("repo_password"),
            cert_file: path("chart_ssl_cert_file"),
            key_file: path("chart_ssl_key_file"),
            ca_file: path("chart_ca_cert"),
            insecure_skip_tls_verify: args.flag("skip_tls_certs_check"),
            pass_credentials: args.flag("pass_credentials"),
            plain_http: args.flag("plain_http"),
        },
        keyring: args.flag("verify_chart").then(keyring),
    }
}

fn how(args: &Args) -> Pull {
    Pull {
        destination: destination(args),
        untar: args.flag("untar_chart").then(|| ".".into()),
        provenance: args.flag("provenance"),
    }
}
