//! Lookups of single values: `env`, `vars`, `varnames`, `password`, `config`.

use std::io::Write;
use std::path::PathBuf;

use rand::Rng;

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::filters;
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

/// `lookup('env', name…)`.
pub(super) struct Env;

impl Lookup for Env {
    fn run(&self, terms: Vec<Value>, options: Options, _: &Templar) -> Result<Vec<Value>, Error> {
        let read = |term: &Value| {
            let text = term.to_string();
            let name = text.split_whitespace().next().unwrap_or_default();
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
                let kind = term.type_name();
                return Err(Error::ansible(format!(
                    "Invalid setting identifier, \"{term}\" is not a string, its a <class '{kind}'>"
                )));
            };
            match templar.vars.get(name) {
                Some(value) => templar.template(value),
                None => options
                    .get("default")
                    .cloned()
                    .ok_or_else(|| Error::undefined(format!("No variable found with this name: {name}"))),
            }
        };
        terms.iter().map(read).collect()
    }
}

/// `lookup('varnames', pattern…)`.
pub(super) struct VarNames;

impl Lookup for VarNames {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut names = Vec::new();
        for term in &terms {
            let pattern = filters::compile_regex(&term.to_string(), false, false)?;
            for name in templar.vars.keys() {
                if pattern.is_match(name.as_ref()).map_err(|error| filters::regex_failed(&error))? {
                    names.push(Value::from(name.as_ref()));
                }
            }
        }
        Ok(names)
    }
}

/// `lookup('password', 'file length=20 chars=ascii_letters,digits')`.
pub(super) struct Password;

/// Names of sets of characters (Python's `string` module).
const CHARACTERS: &[(&str, &str)] = &[
    ("ascii_letters", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("ascii_lowercase", "abcdefghijklmnopqrstuvwxyz"),
    ("ascii_uppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("digits", "0123456789"),
    ("hexdigits", "0123456789abcdefABCDEF"),
    ("octdigits", "01234567"),
    ("punctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    ("whitespace", " \t\n\r\x0b\x0c"),
];

impl Lookup for Password {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        terms.iter().map(|term| password(&term.to_string(), &options, templar)).collect()
    }
}

fn password(term: &str, options: &Options, templar: &Templar) -> Result<Value, Error> {
    let mut path = Vec::new();
    let mut length = options.text("length");
    let mut chars = match options.get("chars") {
        Some(Value::List(list)) => Some(list.items().iter().map(ToString::to_string).collect::<Vec<_>>()),
        Some(Value::None) | None => None,
        Some(other) => Some(other.to_string().split(',').map(ToOwned::to_owned).collect()),
    };
    for word in term.split(' ') {
        match word.split_once('=') {
            Some(("length", value)) => length = Some(value.to_owned()),
            Some(("chars", value)) => chars = Some(value.split(',').map(ToOwned::to_owned).collect()),
            Some(("encrypt", _)) => {
                return Err(Error::plugin(
                    "the password lookup cannot encrypt; use the password_hash filter",
                ));
            }
            Some(("seed" | "ident", _)) => {}
            _ => path.push(word),
        }
    }
    let path = path.join(" ");
    let length: usize = length
        .unwrap_or_else(|| "20".to_owned())
        .parse()
        .map_err(|_| Error::plugin("length must be a number"))?;
    let default = ["ascii_letters", "digits", ".,:-_"].map(str::to_owned).to_vec();
    let set: Vec<char> = chars
        .unwrap_or(default)
        .iter()
        .flat_map(|name| {
            CHARACTERS.iter().find(|(known, _)| known == name).map_or(name.as_str(), |(_, set)| *set).chars()
        })
        .collect();
    if set.is_empty() {
        return Err(Error::plugin("the password lookup needs characters to choose from"));
    }
    let fresh = || -> String {
        let mut random = rand::rng();
        (0..length.min(100_000)).map(|_| set[random.random_range(0..set.len())]).collect()
    };
    if path == "/dev/null" {
        return Ok(Value::from(fresh()));
    }
    let mut file = PathBuf::from(&path);
    if file.is_relative()
        && let Some(dir) = templar.vars.get("playbook_dir").and_then(Value::as_str)
    {
        file = PathBuf::from(dir).join(file);
    }
    if let Ok(known) = std::fs::read_to_string(&file) {
        let known = known.trim_end_matches('\n');
        let known = known.rsplit_once(" salt=").map_or(known, |(password, _)| password);
        return Ok(Value::from(known));
    }
    let password = fresh();
    let stored = || -> std::io::Result<()> {
        if let Some(dir) = file.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&file)?.write_all(format!("{password}\n").as_bytes())
    };
    stored().map_err(|error| Error::plugin(format!("could not store the password in '{path}': {error}")))?;
    Ok(Value::from(password))
}

/// `lookup('inventory_hostnames', …)`: the hosts of the inventory.
pub(super) struct InventoryHostnames;

impl Lookup for InventoryHostnames {
    fn run(&self, _: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let groups = templar.vars.get("groups").and_then(Value::as_dict).and_then(|groups| groups.get("all"));
        Ok(groups.and_then(|all| all.as_list().map(crate::jinja::value::List::items)).unwrap_or_default())
    }
}
