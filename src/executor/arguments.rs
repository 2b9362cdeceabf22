//! The arguments of a task: templated, with `module_defaults` below and without what is omitted.

use indexmap::IndexMap;

use super::attempt::Attempt;
use super::text;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{Error, Value, ops};
use crate::playbook::Action;

/// Groups of modules that share defaults (`action_groups` of the collections).
const GROUPS: &[(&str, &[&str])] = &[
    (
        "k8s",
        &[
            "k8s",
            "k8s_cluster_info",
            "k8s_cp",
            "k8s_drain",
            "k8s_exec",
            "k8s_info",
            "k8s_json_patch",
            "k8s_log",
            "k8s_rollback",
            "k8s_scale",
            "k8s_service",
            "k8s_taint",
        ],
    ),
    (
        "helm",
        &[
            "helm",
            "helm_info",
            "helm_plugin",
            "helm_plugin_info",
            "helm_pull",
            "helm_registry_auth",
            "helm_repository",
            "helm_template",
        ],
    ),
];

/// The collection whose modules the groups hold.
const GROUPED: &str = "kubernetes.core.";

/// Whether a group of `module_defaults` holds a module.
fn holds(group: &str, module: &str) -> bool {
    let name = group.rsplit('.').next().unwrap_or(group);
    let Some(short) = module.strip_prefix(GROUPED) else { return false };
    GROUPS.iter().any(|(group, modules)| *group == name && modules.contains(&short))
}

impl Attempt<'_> {
    /// The arguments as the module gets them.
    ///
    /// # Errors
    /// A template fails.
    pub(super) fn arguments(&self) -> Result<Entries, Error> {
        let mut args = Entries::new();
        let mut variable = None;
        for (name, value) in &self.task.args {
            let value = self.templar.template(value)?;
            ops::defined(&value)?;
            if name.as_ref() == "_variable_params" {
                variable = Some(value);
            } else {
                args.insert(name.as_ref().into(), value);
            }
        }
        if let Some(variable) = variable {
            let Some(dict) = variable.as_dict() else {
                return Err(Error::ansible(format!("invalid or malformed argument: '{variable}'")));
            };
            let mut all = dict.entries();
            all.extend(args);
            args = all;
        }
        let mut all = self.module_defaults()?;
        all.extend(args);
        Ok(remove_omitted(all, self.omit()))
    }

    /// `module_defaults` of the task's module: those of its groups, then its own; for each module the
    /// innermost ones alone (`get_action_args_with_defaults`).
    fn module_defaults(&self) -> Result<Entries, Error> {
        let mut defaults = Entries::new();
        let Action::Module(name) = self.task.action else { return Ok(defaults) };
        let mut merged: IndexMap<String, Value> = IndexMap::new();
        for value in self.lineage().all("module_defaults") {
            for dict in text::values(value).iter().filter_map(Value::as_dict) {
                for (key, value) in dict.entries() {
                    merged.insert(self.full_name(&key.text()), value);
                }
            }
        }
        let groups = merged
            .iter()
            .filter(|(key, _)| key.strip_prefix("group/").is_some_and(|group| holds(group, name)));
        let own = merged.iter().filter(|(key, _)| *key == name);
        for (_, value) in groups.chain(own) {
            if let Value::Dict(found) = self.templar.template(value)? {
                defaults.extend(found.entries());
            }
        }
        Ok(defaults)
    }

    fn full_name(&self, name: &str) -> String {
        let module = self.context.modules.resolve(name, &self.task.collections);
        module.map_or_else(|| name.to_owned(), |entry| entry.spec.name.to_owned())
    }
}

/// Arguments without those that equal the token of `omit`, in dicts at any depth.
fn remove_omitted(args: Entries, omit: &str) -> Entries {
    let kept = args.into_iter().filter(|(_, value)| value.as_str() != Some(omit));
    kept.map(|(key, value)| (key, remove_omitted_within(value, omit))).collect()
}

fn remove_omitted_within(value: Value, omit: &str) -> Value {
    match value {
        Value::Dict(dict) => Value::Dict(Dict::new(remove_omitted(dict.entries(), omit))),
        Value::List(list) => {
            Value::list(list.items().into_iter().map(|item| remove_omitted_within(item, omit)).collect())
        }
        other => other,
    }
}
