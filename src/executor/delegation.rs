//! `delegate_to`, and whether the host that a task runs on can be reached.

use std::sync::Arc;

use super::attempt::{Attempt, Stop};
use super::hostvars::OneHost;
use super::inherit::Lineage;
use super::settings::Settings;
use crate::jinja::value::Entries;
use crate::jinja::{Error, TemplateOptions, Value, Vars};
use crate::playbook::Action;

/// Modules that do their work in the run itself, whatever the host is.
const WITHOUT_CONNECTION: &[&str] = &[
    "add_host",
    "assert",
    "async_status",
    "debug",
    "fail",
    "group_by",
    "include_vars",
    "pause",
    "set_fact",
    "set_stats",
    "validate_argument_spec",
];

/// A host as it is shown: with its address when that is not its name (`CallbackBase.host_label`).
fn shown(host: &str, vars: &Vars) -> String {
    match vars.get("ansible_host").map(ToString::to_string) {
        Some(address) if address != host => format!("{host}({address})"),
        _ => host.to_owned(),
    }
}

impl<'a> Attempt<'a> {
    /// The attempt with the variables of the host to which the task is delegated; none without one.
    ///
    /// # Errors
    /// The name of the host is empty or cannot be templated.
    pub(super) fn delegated(&self, settings: &mut Settings) -> Result<Option<Attempt<'a>>, Stop> {
        let Some(asked) =
            Lineage::new(&self.task, self.stack, self.variables.play).get("delegate_to").cloned()
        else {
            return Ok(None);
        };
        let options = TemplateOptions { fail_on_undefined: false, ..TemplateOptions::default() };
        let host = self.templar.template_with(&asked, &options)?;
        if host.as_str() == Some(self.omit()) {
            return Ok(None);
        }
        let host = host.to_string();
        if host.is_empty() {
            let message = format!("Empty hostname produced from delegate_to: \"{asked}\"");
            return Err(Error::ansible(message).into());
        }
        let known = self.variables.state.hosts.resolve(&host);
        let lineage = Lineage::new(&self.task, self.stack, self.variables.play);
        let mut vars = self.variables.of_task(&lineage, Some(&known));
        let own = self.templar.vars.get("inventory_hostname").cloned().unwrap_or(Value::None);
        vars.insert("inventory_hostname".into(), own);
        let vars = Arc::new(vars);
        let mut all = self.templar.vars.as_ref().clone();
        let delegated =
            Value::Object(Arc::new(OneHost { vars: Arc::clone(&vars), env: Arc::clone(&self.templar.env) }));
        all.insert("ansible_delegated_vars".into(), Value::dict([(host.as_str(), delegated)]));
        settings.delegate_shown = shown(&host, &vars);
        settings.delegate = Some(host);
        Ok(Some(Attempt {
            host: self.host.clone(),
            task: Arc::clone(&self.task),
            stack: self.stack,
            variables: self.variables,
            templar: self.templar.with_vars(Arc::new(all)),
            context: self.context,
            loop_error: self.loop_error.clone(),
            number: self.number,
            told: self.told.clone(),
        }))
    }

    /// The result of a task on a host that is not this machine; none when the task can run.
    ///
    /// # Errors
    /// The name of the connection cannot be templated.
    pub(super) fn unreachable(&self, settings: &Settings) -> Result<Option<Entries>, Stop> {
        let Action::Module(module) = self.task.action else { return Ok(None) };
        let short = module.strip_prefix("ansible.builtin.").unwrap_or_default();
        if WITHOUT_CONNECTION.contains(&short) {
            return Ok(None);
        }
        let connection = self.connection(settings)?;
        let name = connection.rsplit('.').next().unwrap_or(&connection);
        if name == "local" {
            return Ok(None);
        }
        let host = settings.delegate.as_ref().unwrap_or(&self.host);
        let message = format!(
            "Failed to connect to the host '{host}' by '{name}': tasks run on this machine only; say 'ansible_connection: local' for hosts that are this machine"
        );
        Ok(Some(Entries::from_iter([
            ("unreachable".into(), Value::Bool(true)),
            ("changed".into(), Value::Bool(false)),
            ("msg".into(), Value::from(message).into_unsafe()),
        ])))
    }

    /// How the host is reached: its variable `ansible_connection`, which holds the keyword when it is not set.
    fn connection(&self, settings: &Settings) -> Result<String, Error> {
        let templar = match &settings.delegate {
            Some(host) => {
                let known = self.variables.state.hosts.resolve(host);
                self.templar.with_vars(Arc::new(self.variables.of_task(&self.lineage(), Some(&known))))
            }
            None => self.templar.clone(),
        };
        let said = templar.vars.get("ansible_connection").map(|said| templar.template(said)).transpose()?;
        Ok(said.unwrap_or(Value::None).to_string())
    }
}
