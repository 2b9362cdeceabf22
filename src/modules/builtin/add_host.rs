//! `add_host`: adds a host to the inventory of the run (`plugins/action/add_host.py`). The executor does what
//! the result says.

use async_trait::async_trait;

use crate::inventory::parse_address;
use crate::jinja::Value;
use crate::jinja::value::{Dict, Entries};
use crate::modules::{Args, Module, ModuleContext, ModuleError, Spec, TaskResult};

/// `ansible.builtin.add_host`.
pub(super) struct AddHost;

pub(super) static SPEC: Spec =
    Spec { any_option: true, free_form: true, ..Spec::new("ansible.builtin.add_host", &[]) };

/// Arguments that are no variables of the host.
const SPECIAL: &[&str] = &["name", "hostname", "groupname", "groups"];

#[async_trait]
impl Module for AddHost {
    async fn run(&self, _: &ModuleContext, mut args: Args) -> Result<TaskResult, ModuleError> {
        if let Some(raw) = args.values.shift_remove("_raw_params") {
            let kind = raw.type_name();
            return Err(ModuleError::new(format!(
                "Invalid raw parameters passed, requires a dictonary/mapping got a  <class '{kind}'>"
            )));
        }
        let first = |names: &[&str]| names.iter().find_map(|name| args.get(name).cloned());
        let Some(name) = first(&["name", "hostname", "host"]) else {
            return Err(ModuleError::new("name, host or hostname needs to be provided"));
        };
        let asked = name.to_string();
        let groups = match first(&["groupname", "groups", "group"]) {
            None => Vec::new(),
            Some(Value::List(list)) => list.items().iter().map(ToString::to_string).collect(),
            Some(Value::Str(text)) => text.as_str().split(',').map(ToOwned::to_owned).collect(),
            Some(_) => return Err(ModuleError::new("Groups must be specified as a list.")),
        };
        let (name, port) = match parse_address(&asked, false) {
            Ok((name, port)) => (name.to_owned(), port),
            Err(_) => (asked.clone(), None),
        };
        if let Some(port) = port {
            args.values.insert("ansible_ssh_port".into(), Value::from(usize::from(port)));
        }
        let mut unique: Vec<Value> = Vec::new();
        for group in
            groups.iter().map(|group| Value::from(group.trim())).filter(|group| group.as_str() != Some(""))
        {
            if !unique.contains(&group) {
                unique.push(group);
            }
        }
        let vars: Entries =
            args.values.into_iter().filter(|(key, _)| !SPECIAL.contains(&key.text().as_ref())).collect();
        let new = Value::dict([
            ("host_name", Value::from(name)),
            ("groups", Value::list(unique)),
            ("host_vars", Value::Dict(Dict::new(vars))),
        ]);
        Ok(TaskResult::changed(false).with("add_host", new))
    }
}
