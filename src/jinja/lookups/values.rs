//! Lookups of what surrounds a task: `env`, `vars`, `varnames`, `inventory_hostnames`.

use super::{Lookup, Options};
use crate::jinja::error::{Error, ErrorKind};
use crate::jinja::eval::Interpreter;
use crate::jinja::filters;
use crate::jinja::templar::Templar;
use crate::jinja::value::{Dict, List, Value};

/// `lookup('env', name…)`.
pub(super) struct Env;

impl Lookup for Env {
    fn run(&self, terms: Vec<Value>, options: Options, _: &Templar) -> Result<Vec<Value>, Error> {
        let read = |term: &Value| {
            let text = term.as_str().ok_or_else(|| {
                let kind = term.type_name();
                Error::exception(format!("'{kind}' object has no attribute 'split'"))
            })?;
            let name = text.split_whitespace().next();
            let name = name.ok_or_else(|| Error::exception("list index out of range"))?;
            match std::env::var(name) {
                Ok(value) => Ok(Value::from(value)),
                Err(_) => match options.get("default") {
                    Some(default) if default.is_undefined() => {
                        Err(crate::jinja::ops::undefined_error(default))
                    }
                    Some(default) => Ok(default.clone()),
                    None => Ok(Value::from("")),
                },
            }
        };
        terms.iter().map(read).collect()
    }
}

/// `lookup('vars', name…)`.
pub(super) struct VarsLookup;

impl Lookup for VarsLookup {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let read = |term: &Value| {
            let Some(name) = term.as_str() else {
                let kind = term.class_name();
                return Err(Error::exception(format!(
                    "Invalid setting identifier, \"{term}\" is not a string, its a {kind}"
                )));
            };
            let missing = || Error::undefined(format!("No variable found with this name: {name}"));
            let found = match templar.vars.get(name) {
                Some(value) => templar.template(value),
                None => host_variable(name, templar).and_then(|value| value.ok_or_else(missing)),
            };
            match (found, options.get("default").filter(|default| !default.is_none())) {
                (Err(error), Some(default)) if error.kind() == ErrorKind::Undefined => {
                    crate::jinja::ops::defined(default).map(|()| default.clone())
                }
                (found, _) => found,
            }
        };
        terms.iter().map(read).collect()
    }
}

/// A variable that only `hostvars` knows.
fn host_variable(name: &str, templar: &Templar) -> Result<Option<Value>, Error> {
    let (Some(all), Some(host)) = (templar.vars.get("hostvars"), templar.vars.get("inventory_hostname"))
    else {
        return Ok(None);
    };
    let mut interpreter = Interpreter::new(templar, false);
    let own = interpreter.item(all, &templar.template(host)?)?;
    let found = interpreter.item(&own, &Value::from(name))?;
    Ok(Some(found).filter(|found| !found.is_undefined()))
}

/// `lookup('varnames', pattern…)`.
pub(super) struct VarNames;

impl Lookup for VarNames {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut names = Vec::new();
        for term in &terms {
            let Some(term) = term.as_str() else {
                return Err(Error::exception(format!(
                    "Invalid setting identifier, \"{term}\" is not a string, it is a {}",
                    term.class_name()
                )));
            };
            let pattern = filters::compile_regex(term, false, false).map_err(|error| {
                Error::exception(format!("Unable to use \"{term}\" as a search parameter: {error}"))
            })?;
            for name in templar.vars.keys() {
                if pattern.is_match(name.as_ref()).map_err(|error| filters::regex_failed(&error))? {
                    names.push(Value::from(name.as_ref()));
                }
            }
        }
        Ok(names)
    }
}

/// `lookup('inventory_hostnames', pattern…)`: the hosts of the inventory that patterns name.
pub(super) struct InventoryHostnames;

impl Lookup for InventoryHostnames {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let groups =
            templar.vars.get("groups").and_then(Value::as_dict).map(Dict::entries).unwrap_or_default();
        let mut all: Vec<Value> = Vec::new();
        for hosts in groups.values().filter_map(Value::as_list) {
            for host in hosts.items() {
                if !all.contains(&host) {
                    all.push(host);
                }
            }
        }
        let named = |pattern: &str| -> Vec<Value> {
            let matches = |name: &str| match pattern.strip_prefix('~') {
                Some(regex) => filters::compile_regex(&format!("^(?:{regex})"), false, false)
                    .is_ok_and(|regex| regex.is_match(name).unwrap_or(false)),
                None => glob::Pattern::new(pattern).map_or(name == pattern, |glob| glob.matches(name)),
            };
            if pattern == "all" {
                return all.clone();
            }
            let members = groups.iter().filter(|(name, _)| matches(&name.text()));
            let members: Vec<Value> =
                members.filter_map(|(_, hosts)| hosts.as_list().map(List::items)).flatten().collect();
            if members.is_empty() {
                return all.iter().filter(|host| matches(&host.to_string())).cloned().collect();
            }
            all.iter().filter(|host| members.contains(host)).cloned().collect()
        };
        let terms: Vec<String> = terms.iter().map(ToString::to_string).collect();
        let patterns: Vec<&str> = terms
            .iter()
            .flat_map(|term| term.split([',', ':']))
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect();
        // Ansible takes what patterns add first, then what they demand, then what they refuse.
        let plain = patterns.iter().filter(|pattern| !pattern.starts_with(['!', '&']));
        let mut chosen: Vec<Value> = Vec::new();
        let mut any = false;
        for pattern in plain {
            any = true;
            for host in named(pattern) {
                if !chosen.contains(&host) {
                    chosen.push(host);
                }
            }
        }
        if !any {
            chosen = all.clone();
        }
        for pattern in patterns.iter().filter_map(|pattern| pattern.strip_prefix('&')) {
            let wanted = named(pattern);
            chosen.retain(|host| wanted.contains(host));
        }
        for pattern in patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')) {
            let refused = named(pattern);
            chosen.retain(|host| !refused.contains(host));
        }
        Ok(chosen)
    }
}
