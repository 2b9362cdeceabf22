//! `kubernetes.core.helm_repository`: chart repositories (`plugins/modules/helm_repository.py`).

use async_trait::async_trait;

use super::helm_arguments::AUTH;
use super::helm_command::{HelmCommand, settings};
use crate::modules::context::ModuleContext;
use crate::modules::registry::Module;
use crate::modules::result::{ModuleError, TaskResult};
use crate::modules::spec::{Args, Opt, Requirement, Spec};
use crate::repository::{self, Access, Entries, Entry, Settings};

/// The module.
pub(super) struct HelmRepository;

pub(super) static SPEC: Spec = Spec {
    fragments: &[AUTH],
    requirements: &[
        Requirement::Together(&["repo_username", "repo_password"]),
        Requirement::If("repo_state", "present", &["repo_url"]),
    ],
    ..Spec::new(
        "kubernetes.core.helm_repository",
        &[
            Opt::str("repo_name").aliases(&["name"]).required(),
            Opt::str("repo_url").aliases(&["url"]),
            Opt::str("repo_username").aliases(&["username"]),
            Opt::str("repo_password").aliases(&["password"]).no_log(),
            Opt::str("repo_state").aliases(&["state"]).default("present").choices(&["present", "absent"]),
            Opt::flag("pass_credentials"),
            Opt::flag("force_update").aliases(&["force"]),
            Opt::flag("insecure_skip_tls_verify").aliases(&["skip_tls_certs_check"]),
        ],
    )
};

#[async_trait]
impl Module for HelmRepository {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let settings = settings(context);
        let name = args.str("repo_name").unwrap_or_default();
        let url = args.str("repo_url").unwrap_or_default();
        let entries = Entries::load(&settings).map_err(|error| ModuleError::new(error.to_string()))?;
        let known = entries.get(name);
        let is_absent = args.str("repo_state") == Some("absent");
        let changes = match known {
            Some(_) if is_absent => true,
            None if is_absent => false,
            None => true,
            Some(_) if args.flag("force_update") => true,
            Some(known) if known.url != url => {
                return Err(ModuleError::new(format!("Repository already have a repository named {name}")));
            }
            Some(_) => false,
        };
        if context.check {
            return Ok(TaskResult::changed(changes));
        }
        if !changes {
            let shown = args.str("repo_url").map_or(serde_json::Value::Null, Into::into);
            return Ok(TaskResult::changed(false).with("repo_name", name).with_json("repo_url", shown));
        }
        match is_absent {
            true => remove(name, &settings, &args),
            false => add(context, name, url, &settings, &args).await,
        }
    }
}

fn remove(name: &str, settings: &Settings, args: &Args) -> Result<TaskResult, ModuleError> {
    let mut command = HelmCommand::new(args, "repo rm");
    command.argument(name);
    let removed = repository::remove(&[name.to_owned()], settings, &|_| {});
    removed.map_err(|error| command.failed(&error))?;
    let told = format!("{name:?} has been removed from your repositories\n");
    Ok(command.done(TaskResult::changed(true), told))
}

async fn add(
    context: &ModuleContext,
    name: &str,
    url: &str,
    settings: &Settings,
    args: &Args,
) -> Result<TaskResult, ModuleError> {
    let mut command = HelmCommand::new(args, "repo add");
    command.argument(name);
    command.argument(url);
    let username = args.str("repo_username");
    for (flag, value) in [("username", username), ("password", username.map(|_| "******"))] {
        if let Some(value) = value {
            command.argument(&format!("--{flag}={value}"));
        }
    }
    command.flag("pass-credentials", args.flag("pass_credentials"));
    command.flag("force-update", args.flag("force_update"));
    command.flag("insecure-skip-tls-verify", args.flag("insecure_skip_tls_verify"));
    let access = Access {
        username: username.unwrap_or_default().to_owned(),
        password: args.str("repo_password").unwrap_or_default().to_owned(),
        insecure_skip_tls_verify: args.flag("insecure_skip_tls_verify"),
        pass_credentials: args.flag("pass_credentials"),
        ..Access::default()
    };
    let entry = Entry::new(name, url, &access);
    let adding = repository::add(entry, settings, args.flag("force_update"), false);
    let told = context.until_cancelled(adding).await?.map_err(|error| command.failed(&error))?;
    Ok(command.done(TaskResult::changed(true), told + "\n"))
}
