//! Dependencies: which subcharts take part, under which names, and what parents import from them.
//!
//! Follows `pkg/chart/v2/util/dependencies.go` of Helm 4: first tags, then conditions; subcharts that
//! `Chart.yaml` does not list always take part.

use std::sync::Arc;

use serde_json::{Map as Json, Value as JsonValue, json};

use super::coalesce::{Coalescing, Nulls};
use super::{Compat, Contents, Dependency, Error, Metadata, constraint, values};
use crate::gotmpl::{Map, MapType, Str, Value};

/// A chart that takes part in a rendering, with the dependencies that do.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// What the chart holds.
    pub(super) contents: Arc<Contents>,
    /// Its metadata, under the name by which it takes part.
    pub(super) metadata: Metadata,
    /// Its defaults, with what it imports and those of its dependencies once [`import_values`] ran.
    pub(super) values: Arc<Json<String, JsonValue>>,
    /// The name by which the paths of its dependencies call it.
    pub(super) name_in_paths: String,
    /// The dependencies, in Helm's order: those that are not listed, then those of `Chart.yaml`.
    pub(super) dependencies: Vec<Member>,
}

impl Member {
    /// The chart with all its subcharts, as they were loaded.
    pub(super) fn of(contents: &Arc<Contents>) -> Self {
        Self {
            contents: Arc::clone(contents),
            metadata: contents.metadata.clone(),
            values: Arc::clone(&contents.values),
            name_in_paths: contents.metadata.name.clone(),
            dependencies: contents.subcharts.iter().map(Self::of).collect(),
        }
    }

    /// The name under which it takes part.
    pub(super) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// A copy under the alias, if there is one.
    fn picked_as(&mut self, alias: &str, compat: Compat) -> Self {
        let mut picked = self.clone();
        if !alias.is_empty() {
            alias.clone_into(&mut picked.metadata.name);
        }
        match compat {
            // In Helm 3 the copies share what their own dependencies are, and only the first finds it
            // as it was loaded; dependencies that are not listed keep the path of the original.
            Compat::V3 => {
                if !picked.metadata.dependencies.is_empty() {
                    picked.name_in_paths.clone_from(&picked.metadata.name);
                }
                for dependency in &mut self.metadata.dependencies {
                    dependency.import_values.clear();
                    if !dependency.alias.is_empty() {
                        dependency.name.clone_from(&dependency.alias);
                    }
                }
            }
            Compat::V4 => picked.name_in_paths.clone_from(&picked.metadata.name),
        }
        picked
    }

    /// Whether the chart only lends its partial templates.
    pub(super) fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }
}

/// Reduces the tree to the members that `given` values enable.
///
/// # Errors
/// When the value for a subchart is not a table.
pub(super) fn enable(
    member: &mut Member,
    given: &Map,
    path: &str,
    compat: Compat,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    if !member.metadata.lists_dependencies {
        return Ok(());
    }
    pick_listed(member, compat);
    let values = Coalescing::new(compat, warnings).values(member, given, Nulls::Delete)?;
    let listed = &mut member.metadata.dependencies;
    for dependency in listed.iter_mut() {
        dependency.enabled = by_tags(dependency, &values, warnings);
        if let Some(enabled) = by_conditions(dependency, &values, path, warnings) {
            dependency.enabled = enabled;
        }
    }
    let disabled: Vec<String> = listed.iter().filter(|d| !d.enabled).map(|d| d.name.clone()).collect();
    listed.retain(|d| !disabled.contains(&d.name));
    member.dependencies.retain(|m| !disabled.contains(&m.metadata.name));
    for dependency in &mut member.dependencies {
        let path = format!("{path}{}.", dependency.metadata.name);
        enable(dependency, &values, &path, compat, warnings)?;
    }
    Ok(())
}

/// Orders the subcharts as `Chart.yaml` lists them and gives them their aliases.
fn pick_listed(member: &mut Member, compat: Compat) {
    let satisfies = |listed: &Dependency, chart: &Member| {
        chart.metadata.name == listed.name && constraint::admits(&listed.version, &chart.metadata.version)
    };
    let listed = &mut member.metadata.dependencies;
    let mut loaded = std::mem::take(&mut member.dependencies);
    let mut picked: Vec<Member> =
        loaded.iter().filter(|chart| !listed.iter().any(|l| satisfies(l, chart))).cloned().collect();
    for dependency in listed {
        if let Some(chart) = loaded.iter_mut().find(|chart| satisfies(dependency, chart)) {
            picked.push(chart.picked_as(&dependency.alias, compat));
        }
        if !dependency.alias.is_empty() {
            dependency.name.clone_from(&dependency.alias);
        }
    }
    member.dependencies = picked;
}

/// Whether the tags let a dependency take part: one that is on, or none that is off.
fn by_tags(dependency: &Dependency, values: &Map, warnings: &mut Vec<String>) -> bool {
    let Some(tags) = values::table(values, "tags") else { return true };
    let (mut on, mut off) = (false, false);
    for tag in &dependency.tags {
        match tags.get(tag.as_bytes()) {
            Some(Value::Bool(true)) => on = true,
            Some(Value::Bool(false)) => off = true,
            Some(_) => warnings.push(format!("tag {tag} of chart {} is no boolean", dependency.name)),
            None => {}
        }
    }
    on || !off
}

/// What the conditions of a dependency say: the first path that is a boolean decides.
fn by_conditions(
    dependency: &Dependency,
    values: &Map,
    path: &str,
    warnings: &mut Vec<String>,
) -> Option<bool> {
    for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
        match values::path_value(values, &format!("{path}{condition}")) {
            Some(Value::Bool(enabled)) => return Some(enabled),
            Some(_) => {
                warnings.push(format!("condition {condition} of chart {} is no boolean", dependency.name))
            }
            None => {}
        }
    }
    None
}

/// Writes into the defaults of every member what it imports, and the defaults of its dependencies.
///
/// # Errors
/// When the default value for a subchart is not a table.
pub(super) fn import_values(
    member: &mut Member,
    compat: Compat,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    for dependency in &mut member.dependencies {
        import_values(dependency, compat, warnings)?;
    }
    if member.metadata.dependencies.is_empty() {
        return Ok(());
    }
    let mut coalescing = Coalescing::new(compat, warnings);
    let values = coalescing.values(member, &Map::new(MapType::Any), Nulls::Keep)?;
    let imported = Map::new(MapType::Any);
    for dependency in &mut member.metadata.dependencies {
        let mut normalised = Vec::new();
        for import in &dependency.import_values {
            let Some((child, parent)) = import_paths(import) else { continue };
            normalised.push(json!({"child": &child, "parent": &parent}));
            if let Some(table) = values::table(&values, &format!("{}.{child}", dependency.name)) {
                // Helm does not share an empty table, which later imports would fill (`Values.AsMap`).
                let table = if table.borrow().is_empty() { Map::new(MapType::Any) } else { table };
                coalescing.tables(&imported, &nested(&parent, table), "", Nulls::Keep);
            }
        }
        dependency.import_values = normalised;
    }
    // What a parent sets itself wins over what it imports.
    let merged = values::deep_copy(&values);
    coalescing.tables(&merged, &imported, "", Nulls::Keep);
    member.values = Arc::new(values::to_json(&merged));
    Ok(())
}

/// The paths of an import: a name under `exports` goes to the top, a map says both.
fn import_paths(import: &JsonValue) -> Option<(String, String)> {
    match import {
        JsonValue::String(name) => Some((format!("exports.{name}"), ".".into())),
        JsonValue::Object(map) => {
            let path = |key| match map.get(key) {
                Some(JsonValue::String(path)) => path.clone(),
                Some(other) => other.to_string(),
                None => "<nil>".into(),
            };
            Some((path("child"), path("parent")))
        }
        _ => None,
    }
}

/// The table at a dotted path of its own; `.` is the top.
fn nested(path: &str, table: Map) -> Map {
    if path == "." {
        return table;
    }
    path.rsplit('.').fold(table, |inner, name| {
        Map::from_entries(MapType::Any, [(Str::from(name), Value::Map(inner))].into())
    })
}
