//! Groups and variables that templates build from the variables of hosts
//! (`plugins/inventory/constructed.py`).

use std::sync::Arc;

use super::error::InventoryError;
use super::hosts::Inventory;
use super::sources::LoadOptions;
use crate::jinja::filters::core::to_bool;
use crate::jinja::value::{Dict, List};
use crate::jinja::{Templar, Value, ops};

/// Applies `compose`, `groups` and `keyed_groups` of a file to all hosts that were read before.
///
/// # Errors
/// A template fails and `strict` is set, or an entry is wrong.
pub(super) fn parse(
    config: &Value,
    inventory: &mut Inventory,
    options: &LoadOptions<'_>,
) -> Result<(), InventoryError> {
    let dict = match config {
        Value::Dict(dict) if !dict.read().is_empty() => dict.clone(),
        _ => return Err(InventoryError::new("the configuration of the inventory is empty")),
    };
    let name = dict.get("plugin").map(|name| name.to_string()).unwrap_or_else(|| "none found".to_owned());
    if name.strip_prefix("ansible.builtin.").unwrap_or(&name) != "constructed" {
        return Err(InventoryError::new(format!("Incorrect plugin name in file: {name}")));
    }
    let section = |name: &str| dict.get(name).and_then(|value| value.as_dict().map(Dict::entries));
    let flag =
        |name: &str, default: bool| dict.get(name).and_then(|value| to_bool(&value)).unwrap_or(default);
    let Some(environment) = &options.environment else {
        return Err(InventoryError::new("templates are not available for this inventory"));
    };
    let strict = flag("strict", false);
    let use_extra_vars = flag("use_extra_vars", false);
    // Files of variables count only when the configuration says so.
    let files = if flag("use_vars_plugins", false) {
        Vec::new()
    } else {
        std::mem::take(&mut inventory.beside_sources)
    };
    let leading = flag("leading_separator", true);
    let hosts: Vec<String> = inventory.hosts().map(ToOwned::to_owned).collect();
    for host in &hosts {
        let template = |inventory: &Inventory, text: &str| -> Result<Value, String> {
            let mut vars = inventory.vars(host).map_err(|error| error.to_string())?;
            vars.insert("inventory_hostname".into(), Value::from(host.as_str()));
            let names = inventory.group_names(host).into_iter().map(Value::from).collect();
            vars.insert("group_names".into(), Value::list(names));
            if use_extra_vars {
                vars.extend(options.extra_vars.clone());
            }
            let vars: crate::jinja::Vars = vars.into_iter().collect();
            let templar = Templar::new(Arc::clone(environment), Arc::new(vars));
            templar.template(&Value::from(text)).map_err(|error| error.message().to_owned())
        };
        for (name, expression) in section("compose").unwrap_or_default() {
            match template(inventory, &format!("{{{{{expression}}}}}")) {
                Ok(value) => inventory.set_variable(host, &name.text(), value),
                Err(error) if strict => {
                    let message = format!("Could not set {} for host {host}: {error}", name.text());
                    return Err(InventoryError::new(message));
                }
                Err(_) => {}
            }
        }
        for (name, condition) in section("groups").unwrap_or_default() {
            let text = format!("{{% if {condition} %}} True {{% else %}} False {{% endif %}}");
            match template(inventory, &text) {
                Ok(value) if value.to_string().trim() == "True" => {
                    inventory.insert_host(host, Some(&safe(&name.text())), None);
                }
                Ok(_) => {}
                Err(error) if strict => {
                    let group = name.text();
                    let message = format!("Could not add host {host} to group {group}: {error}");
                    return Err(InventoryError::new(message));
                }
                Err(_) => {}
            }
        }
        let keyed = dict.get("keyed_groups").and_then(|list| list.as_list().map(List::items));
        for entry in keyed.unwrap_or_default() {
            let Some(entry) = entry.as_dict() else {
                let message = format!("Invalid keyed group entry, it must be a dictionary: {entry} ");
                return Err(InventoryError::new(message));
            };
            let key = entry.get("key").map(|key| key.to_string()).unwrap_or_default();
            match template(inventory, &format!("{{{{{key}}}}}")) {
                Ok(value) => {
                    for group in keyed_names(entry, &value, leading) {
                        let group = safe(&group);
                        inventory.insert_host(host, Some(&group), None);
                        if let Some(parent) = entry.get("parent_group").filter(|parent| !parent.is_none()) {
                            inventory.add_child(&safe(&parent.to_string()), &group)?;
                        }
                    }
                }
                Err(error) if strict => {
                    let message =
                        format!("Could not generate group for host {host} from {key} entry: {error}");
                    return Err(InventoryError::new(message));
                }
                Err(_) => {}
            }
        }
    }
    if !files.is_empty() {
        inventory.beside_sources = files;
    }
    Ok(())
}

/// The groups that an entry of `keyed_groups` makes of a value.
fn keyed_names(entry: &Dict, value: &Value, leading: bool) -> Vec<String> {
    let text = |name: &str| entry.get(name).filter(|value| !value.is_none()).map(|value| value.to_string());
    let prefix = text("prefix").unwrap_or_default();
    let separator = text("separator").unwrap_or_else(|| "_".to_owned());
    let default = text("default_value");
    let or_default = |name: String| match &default {
        Some(default) if name.is_empty() => default.clone(),
        _ => name,
    };
    let has_default = value.as_str() == Some("") && default.is_some();
    if !has_default && !ops::truthy_or_false(value) {
        return Vec::new();
    }
    let bare: Vec<String> = match value {
        Value::List(list) => list.items().iter().map(|item| or_default(item.to_string())).collect(),
        Value::Dict(dict) => {
            let trailing = entry.get("trailing_separator").and_then(|value| to_bool(&value)).unwrap_or(true);
            let name = |(key, value): (crate::jinja::value::Key, Value)| {
                let value = or_default(value.to_string());
                if value.is_empty() && !trailing {
                    key.text().into_owned()
                } else {
                    format!("{}{separator}{value}", key.text())
                }
            };
            dict.entries().into_iter().map(name).collect()
        }
        other => vec![or_default(other.to_string())],
    };
    let between = if prefix.is_empty() && !leading { "" } else { separator.as_str() };
    bare.into_iter().map(|name| format!("{prefix}{between}{name}")).collect()
}

/// A name with everything replaced that a group's name may not have.
fn safe(name: &str) -> String {
    let mut safe: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if safe.starts_with(|c: char| c.is_ascii_digit()) {
        safe.replace_range(..1, "_");
    }
    safe
}
