//! Inventory files of YAML: groups with `hosts`, `children` and `vars` (`plugins/inventory/yaml.py`).

use super::address::expand_pattern;
use super::error::InventoryError;
use super::hosts::{Inventory, has_invalid_characters};
use crate::jinja::Value;
use crate::jinja::value::Dict;

/// How deep groups may be nested in a file.
const MAX_DEPTH: usize = 100;

/// Reads the content of a file into the inventory; gives warnings.
///
/// # Errors
/// The content is no inventory.
pub(super) fn parse(content: &Value, inventory: &mut Inventory) -> Result<Vec<String>, InventoryError> {
    let dict = match content {
        Value::Dict(dict) if !dict.read().is_empty() => dict,
        Value::Dict(_) | Value::None => return Err(InventoryError::new("Parsed empty YAML file")),
        other => {
            return Err(InventoryError::new(format!(
                "YAML inventory has invalid structure, it should be a dictionary, got: {}",
                other.type_name()
            )));
        }
    };
    if dict.get("plugin").is_some_and(|plugin| !plugin.is_none()) {
        return Err(InventoryError::new("Plugin configuration YAML file, not YAML inventory"));
    }
    let mut parser = Parser { inventory, warnings: Vec::new(), invalid_names: false };
    for (name, group) in dict.entries() {
        parser.group(name.value(), &group, 0)?;
    }
    if parser.invalid_names {
        let warning =
            "Invalid characters were found in group names but not replaced, use -vvvv to see details";
        parser.warnings.push(warning.to_owned());
    }
    Ok(parser.warnings)
}

struct Parser<'a> {
    inventory: &'a mut Inventory,
    warnings: Vec<String>,
    invalid_names: bool,
}

impl Parser<'_> {
    fn group(&mut self, name: &Value, content: &Value, depth: usize) -> Result<(), InventoryError> {
        let Some(group) = name.as_str().filter(|name| !name.is_empty()) else {
            return Err(InventoryError::new(format!(
                "Unable to add group {name}: Invalid group name supplied, expected a string but got {} for {name}",
                name.type_name()
            )));
        };
        if depth > MAX_DEPTH {
            return Err(InventoryError::new(format!("groups are nested too deeply at '{group}'")));
        }
        let dict = match content {
            Value::Dict(dict) => Some(dict),
            Value::None => None,
            _ => {
                self.warnings.push(format!("Skipping '{group}' as this is not a valid group definition"));
                return Ok(());
            }
        };
        self.invalid_names |= has_invalid_characters(group);
        self.inventory.add_group(group);
        for (key, value) in dict.map(Dict::entries).unwrap_or_default() {
            self.section(group, &key.text(), &value, depth)?;
        }
        Ok(())
    }

    fn section(&mut self, group: &str, key: &str, value: &Value, depth: usize) -> Result<(), InventoryError> {
        let known = matches!(key, "vars" | "children" | "hosts");
        let dict = match value {
            Value::Dict(dict) => dict.clone(),
            Value::Str(name) if known => Dict::from_iter([(name.as_str().into(), Value::None)]),
            Value::None => return Ok(()),
            other if known => {
                return Err(InventoryError::new(format!(
                    "Invalid \"{key}\" entry for \"{group}\" group, requires a dictionary, found \"{}\" instead.",
                    other.type_name()
                )));
            }
            other => {
                self.warnings.push(format!(
                    "Skipping key ({key}) in group ({group}) as it is not a mapping, it is a {}",
                    other.type_name()
                ));
                return Ok(());
            }
        };
        match key {
            "vars" => {
                for (name, value) in dict.entries() {
                    self.inventory.set_variable(group, &name.text(), value);
                }
            }
            "children" => {
                for (name, content) in dict.entries() {
                    self.group(name.value(), &content, depth + 1)?;
                    if self.inventory.group(&name.text()).is_some() {
                        self.inventory.add_child(group, &name.text())?;
                    }
                }
            }
            "hosts" => {
                for (pattern, vars) in dict.entries() {
                    self.hosts(group, pattern.value(), &vars)?;
                }
            }
            _ => self.warnings.push(format!(
                "Skipping unexpected key ({key}) in group ({group}), only \"vars\", \"children\" and \"hosts\" are valid"
            )),
        }
        Ok(())
    }

    fn hosts(&mut self, group: &str, pattern: &Value, vars: &Value) -> Result<(), InventoryError> {
        let Some(text) = pattern.as_str() else {
            return Err(InventoryError::new(format!(
                "Host pattern {pattern} must be a string. Enclose integers/floats in quotation marks."
            )));
        };
        let vars = match vars {
            Value::Dict(vars) => vars.entries(),
            Value::None => Dict::default().entries(),
            other => {
                return Err(InventoryError::new(format!(
                    "Invalid data from file, expected dictionary and got:\n\n{other}"
                )));
            }
        };
        let (hosts, port) = expand_pattern(text)?;
        for host in hosts {
            self.inventory.insert_host(&host, Some(group), port);
            for (name, value) in &vars {
                self.inventory.set_variable(&host, &name.text(), value.clone());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Inventory, Vec<String>), InventoryError> {
        let mut inventory = Inventory::default();
        let warnings = parse(&crate::jinja::yaml::load(text).unwrap(), &mut inventory)?;
        inventory.reconcile();
        Ok((inventory, warnings))
    }

    #[test]
    fn groups() {
        let text = "all:\n  hosts: {a: , 'b[1:2]': {x: 1}}\n  vars: {v: 1}\n  children:\n    g:\n      hosts: c\n      vars: {v: 2}\n    h: {children: {g: }}\n";
        let (inventory, warnings) = read(text).unwrap();
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(inventory.groups()["all"], ["a", "b1", "b2", "c"]);
        assert_eq!(inventory.groups()["ungrouped"], ["a", "b1", "b2"]);
        assert_eq!(inventory.groups()["h"], ["c"]);
        assert_eq!(inventory.vars("c").unwrap()["v"].to_string(), "2");
        assert_eq!(inventory.vars("b2").unwrap()["x"].to_string(), "1");
    }

    #[test]
    fn what_is_wrong() {
        for (text, expected) in [
            ("[]", "it should be a dictionary, got: list"),
            ("plugin: x", "Plugin configuration YAML file, not YAML inventory"),
            ("g: {hosts: [a]}", "Invalid \"hosts\" entry for \"g\" group, requires a dictionary"),
            ("g: {hosts: {1: }}", "Host pattern 1 must be a string."),
            ("g: {children: {h: {children: {g: }}}}", "creates a recursive dependency loop"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let (_, warnings) = read("g: 1\nh: {x: {}, y: 1}\ni-j:").unwrap();
        assert_eq!(warnings.len(), 4, "{warnings:?}");
    }
}
