//! Lookups of `ansible.builtin` that need more than the language: `config`.

use std::sync::Arc;

use crate::jinja::lookups::{Lookup, Options};
use crate::jinja::{Error, Plugins, Templar, Value};
use crate::playbook::{Config, SettingKind};

/// Adds the lookups to those of the language.
pub(in crate::modules) fn register_plugins(plugins: &mut Plugins) {
    plugins.add_lookup("config", Arc::new(ConfigLookup));
}

/// `lookup('config', name…)`: settings of `ansible.cfg` and the environment that have a meaning here.
struct ConfigLookup;

/// What to do about a setting that does not exist (`on_missing`).
const ON_MISSING: &[&str] = &["error", "warn", "skip"];

impl Lookup for ConfigLookup {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let missing = options.text("on_missing").unwrap_or_else(|| "error".to_owned());
        if !ON_MISSING.contains(&missing.as_str()) {
            return Err(Error::exception(format!(
                "Invalid value \"{missing}\" for configuration option \"plugin_type: lookup plugin: config setting: on_missing \", valid values are: {}",
                ON_MISSING.join(", ")
            )));
        }
        match (options.text("plugin_type"), options.text("plugin_name")) {
            (None, None) => {}
            // No plugin here has settings of its own.
            (Some(kind), Some(name)) => {
                return Err(Error::exception(format!("Unable to load {kind} plugin \"{name}\"")));
            }
            _ => {
                let message =
                    "Both plugin_type and plugin_name are required, cannot use one without the other";
                return Err(Error::exception(message));
            }
        }
        let config = templar.env.extensions.get::<Config>().unwrap_or_default();
        let mut found = Vec::new();
        for term in terms {
            let Some(name) = term.as_str() else {
                let kind = term.class_name();
                return Err(Error::exception(format!(
                    "Invalid setting identifier, \"{term}\" is not a string, its a {kind}"
                )));
            };
            match value(&config, name) {
                Some(value) => found.push(value),
                None if missing == "error" => {
                    return Err(Error::exception(format!("Unable to find setting {name}")));
                }
                None => {}
            }
        }
        Ok(found)
    }
}

/// The value of a setting with its type; none when there is no such setting.
fn value(config: &Config, name: &str) -> Option<Value> {
    let texts = |texts: Vec<String>| Value::list(texts.into_iter().map(Value::from).collect());
    let paths = || config.paths(name).iter().map(|path| path.display().to_string()).collect();
    let text = |text: Option<String>| text.map_or(Value::None, Value::from);
    Some(match Config::setting(name)?.kind {
        SettingKind::Bool => Value::Bool(config.flag(name)),
        SettingKind::Int => Value::Int(i64::try_from(config.number(name)).unwrap_or(i64::MAX)),
        SettingKind::Text => text(config.text(name).map(ToOwned::to_owned)),
        SettingKind::List => texts(config.list(name)),
        SettingKind::Path => text(Vec::<String>::into_iter(paths()).next()),
        SettingKind::PathSpec | SettingKind::PathList => texts(paths()),
    })
}
