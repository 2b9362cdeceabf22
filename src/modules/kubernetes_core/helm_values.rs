//! The values that a task gives to a chart: files, a dict, and single ones (`release_values`, `values_files`,
//! `set_values`).

use serde_json::{Map, Value};

use super::helm_command::HelmCommand;
use crate::chart::strvals::{self, Values};
use crate::chart::values;
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::{Args, Kind, Opt};

/// Single values.
pub(super) const SET_VALUES: Opt = Opt::new("set_values", Kind::List).options(&[
    Opt::str("value").required(),
    Opt::str("value_type").default("raw").choices(&["raw", "string", "json", "file"]),
]);

/// Everything together, in Helm's order: files, the dict, then single values by their type.
pub(super) fn given(context: &ModuleContext, args: &Args) -> Result<Map<String, Value>, ModuleError> {
    let mut given = Map::new();
    for path in args.texts("values_files").unwrap_or_default() {
        let text = std::fs::read(context.path(&path))
            .map_err(|error| ModuleError::new(format!("open {path}: {error}")))?;
        let file = values::load(&text)
            .map_err(|error| ModuleError::new(format!("failed to parse {path}: {error}")))?;
        given = values::merge(given, file);
    }
    if let Some(Value::Object(dict)) = args.json("release_values") {
        given = values::merge(given, dict);
    }
    let read = |path: &str| {
        let text = std::fs::read(context.path(path)).map_err(|error| format!("open {path}: {error}"))?;
        Ok(Value::String(String::from_utf8_lossy(&text).into_owned()))
    };
    let single = singles(args);
    // Helm sets the ones of a type together, in this order of types.
    for (kind, how) in [
        ("json", Values::Json),
        ("raw", Values::Typed),
        ("string", Values::Text),
        ("file", Values::File(&read)),
    ] {
        for (_, value) in single.iter().filter(|(own, _)| own == kind) {
            strvals::parse_into(value, &mut given, how)
                .map_err(|error| ModuleError::new(format!("failed parsing --set data: {error}")))?;
        }
    }
    Ok(given)
}

/// Adds the flags of `set_values` to the command.
pub(super) fn set_flags(args: &Args, command: &mut HelmCommand) {
    for (kind, value) in singles(args) {
        match kind.as_str() {
            "raw" => command.argument(&format!("--set {value}")),
            kind => command.argument(&format!("--set-{kind} '{value}'")),
        }
    }
}

/// The types and the texts of `set_values`.
fn singles(args: &Args) -> Vec<(String, String)> {
    let Some(Value::Array(items)) = args.json("set_values") else { return Vec::new() };
    let text =
        |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    items.iter().map(|item| (text(item, "value_type"), text(item, "value"))).collect()
}
