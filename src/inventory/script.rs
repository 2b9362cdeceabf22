//! Inventory scripts: programs that print JSON (`plugins/inventory/script.py`).

use std::io::Read as _;
use std::path::Path;
use std::process::Command;

use indexmap::IndexSet;

use super::error::InventoryError;
use super::hosts::Inventory;
use crate::jinja::Value;
use crate::jinja::value::Dict;

/// Whether a file can be run: it has the permission, or begins with `#!`.
pub(super) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let permitted = path.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0);
    let mut start = [0; 2];
    let mut marked = || std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok();
    permitted || (marked() && &start == b"#!")
}

/// Runs a script with `--list`, and with `--host` for each host when it gives no `_meta`.
///
/// # Errors
/// The script fails or prints something else than an inventory.
pub(super) fn parse(path: &Path, inventory: &mut Inventory) -> Result<(), InventoryError> {
    let listed = run(path, &["--list"])?;
    let Value::Dict(groups) = &listed else {
        return Err(InventoryError::new(format!(
            "failed to parse executable inventory script results from {}: needs to be a json dict\n",
            path.display()
        )));
    };
    let mut hosts = IndexSet::new();
    let mut meta = None;
    for (name, group) in groups.entries() {
        if name.text() == "_meta" {
            meta = group.as_dict().and_then(|dict| dict.get("hostvars"));
        } else {
            parse_group(&name.text(), &group, inventory, &mut hosts)?;
        }
    }
    for host in hosts {
        let vars = match &meta {
            Some(Value::Dict(meta)) => meta.get(&host).unwrap_or(Value::None),
            Some(_) => {
                let message = format!("Improperly formatted host information for {host}");
                return Err(InventoryError::new(message));
            }
            None => run(path, &["--host", &host])?,
        };
        for (name, value) in vars.as_dict().map(Dict::entries).unwrap_or_default() {
            inventory.set_variable(&host, &name.text(), value);
        }
    }
    Ok(())
}

fn parse_group(
    name: &str,
    content: &Value,
    inventory: &mut Inventory,
    hosts: &mut IndexSet<String>,
) -> Result<(), InventoryError> {
    inventory.add_group(name);
    let bad = |what: &str| {
        let message = format!("You defined a group '{name}' with bad data for {what}:\n {content}");
        InventoryError::new(message)
    };
    let mut add = |inventory: &mut Inventory, host: &str| {
        hosts.insert(host.to_owned());
        inventory.insert_host(host, Some(name), None);
    };
    let list = |value: &Value| value.as_list().map(crate::jinja::value::List::items);
    let Value::Dict(dict) = content else {
        for host in list(content).ok_or_else(|| bad("the host list"))? {
            add(inventory, &host.to_string());
        }
        return Ok(());
    };
    if !["hosts", "vars", "children"].iter().any(|key| dict.get(key).is_some()) {
        add(inventory, name);
        for (key, value) in dict.entries() {
            inventory.set_variable(name, &key.text(), value);
        }
        return Ok(());
    }
    if let Some(value) = dict.get("hosts") {
        for host in list(&value).ok_or_else(|| bad("the host list"))? {
            add(inventory, &host.to_string());
        }
    }
    if let Some(value) = dict.get("vars") {
        for (key, value) in value.as_dict().ok_or_else(|| bad("variables"))?.entries() {
            inventory.set_variable(name, &key.text(), value);
        }
    }
    for child in dict.get("children").as_ref().and_then(list).unwrap_or_default() {
        inventory.add_child(name, &child.to_string())?;
    }
    Ok(())
}

fn run(path: &Path, arguments: &[&str]) -> Result<Value, InventoryError> {
    let output = Command::new(path).args(arguments).output().map_err(|error| {
        let command = format!("{} {}", path.display(), arguments.join(" "));
        InventoryError::new(format!("problem running {command} ({error})"))
    })?;
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let message = format!("Inventory script ({}) had an execution error: {errors} ", path.display());
        return Err(InventoryError::new(message));
    }
    if output.stdout.trim_ascii().is_empty() && arguments.first() == Some(&"--host") {
        return Ok(Value::None);
    }
    let text = String::from_utf8(output.stdout).map_err(|error| {
        let path = path.display();
        InventoryError::new(format!(
            "Inventory {path} contained characters that cannot be interpreted as UTF-8: {error}"
        ))
    })?;
    // JSON is read as YAML, which keeps the order of keys.
    serde_json::from_str::<serde::de::IgnoredAny>(&text)
        .map_err(|error| error.to_string())
        .and_then(|_| crate::jinja::yaml::load(&text).map_err(|error| error.to_string()))
        .map_err(|error| {
            let path = path.display();
            InventoryError::new(format!(
                "failed to parse executable inventory script results from {path}: {error}\n{errors}"
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hosts");
        let json = r#"{"g": {"hosts": ["a", "b"], "vars": {"v": 1}, "children": ["h"]}, "h": ["c"], "alone": {"x": 2}, "_meta": {"hostvars": {"a": {"y": 3}}}}"#;
        std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{json}\nEND\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_executable(&path));
        let mut inventory = Inventory::default();
        parse(&path, &mut inventory).unwrap();
        inventory.reconcile();
        assert_eq!(inventory.groups()["g"], ["a", "b", "c"]);
        assert_eq!(inventory.groups()["alone"], ["alone"]);
        assert_eq!(inventory.vars("a").unwrap()["y"].to_string(), "3");
        assert_eq!(inventory.vars("c").unwrap()["v"].to_string(), "1");
        std::fs::write(&path, "#!/bin/sh\necho bad >&2; exit 3\n").unwrap();
        let error = parse(&path, &mut Inventory::default()).unwrap_err().to_string();
        assert!(error.contains("had an execution error: bad"), "{error}");
    }
}
