//! Inventory files of sections (`plugins/inventory/ini.py`).

use std::path::Path;

use indexmap::IndexMap;

use super::address::{expand_pattern, parse_address};
use super::error::InventoryError;
use super::hosts::{Inventory, has_invalid_characters};
use super::words;
use crate::jinja::{Value, literal};

/// What the lines of a section are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Hosts,
    Children,
    Vars,
}

/// A group that was named before it was declared.
struct Pending {
    line: usize,
    name: String,
    /// Groups that contain it; none when only its variables were given.
    parents: Option<Vec<String>>,
}

struct Parser<'a> {
    file: String,
    line: usize,
    group: String,
    section: Section,
    pending: IndexMap<String, Pending>,
    invalid_names: bool,
    inventory: &'a mut Inventory,
}

/// Reads a file into the inventory; gives warnings.
///
/// # Errors
/// A line is wrong; the message names it.
pub(super) fn parse(path: &Path, inventory: &mut Inventory) -> Result<Vec<String>, InventoryError> {
    let bytes = std::fs::read(path).map_err(|error| InventoryError::new(error.to_string()))?;
    let mut parser = Parser {
        file: path.display().to_string(),
        line: 0,
        group: "ungrouped".to_owned(),
        section: Section::Hosts,
        pending: IndexMap::new(),
        invalid_names: false,
        inventory,
    };
    for line in bytes.split(|byte| *byte == b'\n') {
        parser.line += 1;
        if line.starts_with(b"#") || line.starts_with(b";") {
            continue;
        }
        let line = std::str::from_utf8(line).map_err(|error| {
            InventoryError::new(format!("'utf-8' codec can't decode line {}: {error}", parser.line))
        })?;
        parser.entry(line.trim())?;
    }
    parser.finish()
}

impl Parser<'_> {
    fn error<T>(&self, message: impl std::fmt::Display) -> Result<T, InventoryError> {
        Err(InventoryError::new(format!("{}:{}: {message}", self.file, self.line)))
    }

    fn entry(&mut self, line: &str) -> Result<(), InventoryError> {
        if line.is_empty() || line.starts_with(['#', ';']) {
            return Ok(());
        }
        if let Some((group, kind)) = section(line) {
            return self.begin(group, kind);
        }
        if line.starts_with('[') && line.ends_with(']') {
            return self.error(format!(
                "Invalid section entry: '{line}'. Please make sure that there are no spaces in the section entry, and that there are no other invalid characters"
            ));
        }
        match self.section {
            Section::Hosts => self.hosts(line),
            Section::Vars => {
                let Some((name, value)) = line.split_once('=') else {
                    return self.error(format!("Expected key=value, got: {line}"));
                };
                let group = self.group.clone();
                self.inventory.set_variable(&group, name.trim(), value_of(value.trim()));
                Ok(())
            }
            Section::Children => self.child(line),
        }
    }

    /// `[group]`, `[group:children]` or `[group:vars]`.
    fn begin(&mut self, group: &str, kind: Option<&str>) -> Result<(), InventoryError> {
        self.section = match kind {
            None | Some("hosts") => Section::Hosts,
            Some("children") => Section::Children,
            Some("vars") => Section::Vars,
            Some(kind) => return self.error(format!("Section [{group}:{kind}] has unknown type: {kind}")),
        };
        group.clone_into(&mut self.group);
        self.invalid_names |= has_invalid_characters(group);
        if self.inventory.group(group).is_none() {
            if self.section == Section::Vars && !self.pending.contains_key(group) {
                let pending = Pending { line: self.line, name: group.to_owned(), parents: None };
                self.pending.insert(group.to_owned(), pending);
            }
            self.inventory.add_group(group);
        }
        if self.section != Section::Vars
            && let Some(pending) = self.pending.shift_remove(group)
        {
            for parent in pending.parents.unwrap_or_default() {
                self.inventory.add_child(&parent, group)?;
            }
        }
        Ok(())
    }

    fn child(&mut self, line: &str) -> Result<(), InventoryError> {
        let child = line.split('#').next().unwrap_or_default().trim_end();
        if child.is_empty() || child.contains(|c: char| c.is_whitespace() || c == ':' || c == ']') {
            return self.error(format!("Expected group name, got: {line}"));
        }
        if self.inventory.group(child).is_some() && !self.pending.contains_key(child) {
            self.inventory.add_child(&self.group, child)?;
            return Ok(());
        }
        let pending = Pending { line: self.line, name: child.to_owned(), parents: None };
        let pending = self.pending.entry(child.to_owned()).or_insert(pending);
        pending.parents.get_or_insert_default().push(self.group.clone());
        Ok(())
    }

    /// `host[:port] name=value…`.
    fn hosts(&mut self, line: &str) -> Result<(), InventoryError> {
        let words = match words::split(line) {
            Ok(words) => words,
            Err(error) => return self.error(format!("Error parsing host definition '{line}': {error}")),
        };
        let Some((pattern, variables)) = words.split_first() else { return Ok(()) };
        let (hosts, port) = expand_pattern(pattern)?;
        if pattern.ends_with(':') && parse_address(pattern, true).is_err() {
            return Err(InventoryError::new(format!(
                "Invalid host pattern '{pattern}' supplied, ending in ':' is not allowed, this character is reserved to provide a port."
            )));
        }
        if hosts.iter().any(|host| host.trim() == "---") {
            return Err(InventoryError::new(format!(
                "Invalid host pattern '{pattern}' supplied, '---' is normally a sign this is a YAML file."
            )));
        }
        let mut values = Vec::new();
        for variable in variables {
            match variable.split_once('=') {
                Some((name, value)) => values.push((name, value_of(value))),
                None => {
                    let message = format!("Expected key=value host variable assignment, got: {variable}");
                    return self.error(message);
                }
            }
        }
        for host in hosts {
            self.inventory.insert_host(&host, Some(&self.group), port);
            for (name, value) in &values {
                self.inventory.set_variable(&host, name, value.clone());
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<String>, InventoryError> {
        if let Some(pending) = self.pending.values().next() {
            let (file, line, name) = (&self.file, pending.line, &pending.name);
            return Err(InventoryError::new(
                match pending.parents.as_ref().and_then(|parents| parents.last()) {
                    None => {
                        format!("{file}:{line}: Section [{name}:vars] not valid for undefined group: {name}")
                    }
                    Some(parent) => {
                        format!("{file}:{line}: Section [{parent}:children] includes undefined group: {name}")
                    }
                },
            ));
        }
        let warning =
            "Invalid characters were found in group names but not replaced, use -vvvv to see details";
        Ok(self.invalid_names.then(|| warning.to_owned()).into_iter().collect())
    }
}

/// `[name]` or `[name:kind]`, a comment may follow.
fn section(line: &str) -> Option<(&str, Option<&str>)> {
    let (inside, rest) = line.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    if !rest.is_empty() && !rest.starts_with('#') {
        return None;
    }
    let (name, kind) = match inside.split_once(':') {
        Some((name, kind)) => (name, Some(kind)),
        None => (inside, None),
    };
    let word = |kind: &str| !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_');
    let valid = !name.is_empty() && !name.contains(char::is_whitespace) && kind.is_none_or(word);
    valid.then_some((name, kind))
}

/// A Python literal, or the text itself.
fn value_of(text: &str) -> Value {
    literal::eval_python(text).unwrap_or_else(|| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Inventory, InventoryError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let mut inventory = Inventory::default();
        parse(file.path(), &mut inventory)?;
        inventory.reconcile();
        Ok(inventory)
    }

    #[test]
    fn sections() {
        let text = "alone:2222\n[web]\nwww[01:03].x a=1 b='two words' c=True d=true e=\"[1, 2]\" # c\n[db:vars]\nf = {'k': 1}\n\
                    [all:children]\nweb\n[db]\ndb1\n[prod:children]\ndb\nweb # both\n[prod:vars]\nansible_group_priority=10\n";
        let inventory = read(text).unwrap();
        assert_eq!(inventory.groups()["prod"], ["db1", "www01.x", "www02.x", "www03.x"]);
        assert_eq!(inventory.groups()["ungrouped"], ["alone"]);
        let vars = inventory.vars("www02.x").unwrap();
        let types: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|name| vars[*name].type_name()).collect();
        assert_eq!(types, ["int", "str", "bool", "str", "list"]);
        assert_eq!(inventory.vars("db1").unwrap()["f"].type_name(), "dict");
        assert_eq!(inventory.vars("alone").unwrap()["ansible_port"].to_string(), "2222");
        assert_eq!(inventory.group("prod").unwrap().priority, 10);
        assert_eq!(inventory.group_names("db1"), ["db", "prod"]);
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("[a:b]\n", ":1: Section [a:b] has unknown type: b"),
            ("x\n[a b]\n", ":2: Invalid section entry: '[a b]'"),
            ("[a:vars]\nx\n", ":2: Expected key=value, got: x"),
            ("[a:vars]\nx=1\n", ":1: Section [a:vars] not valid for undefined group: a"),
            ("[a:children]\nb\n", ":2: Section [a:children] includes undefined group: b"),
            ("[a:children]\nb c\n", ":2: Expected group name, got: b c"),
            ("h x\n", ":1: Expected key=value host variable assignment, got: x"),
            ("h x='\n", ":1: Error parsing host definition 'h x='': No closing quotation"),
            ("---\n", "Invalid host pattern '---' supplied"),
            ("h:\n", "ending in ':' is not allowed"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
