//! What the templates of each chart see as their dot.
//!
//! Follows `recAllTpls` of Helm's `pkg/engine/engine.go`: one map per chart, shared by all its templates;
//! `.Values` of a subchart is the very table in the values of its parent.

use super::program::{Part, Program};
use super::{RenderOptions, chart_value, values, versions};
use crate::gotmpl::{Map, MapType, Value};

/// The dot of each part of a program.
pub(super) fn dots(program: &Program, coalesced: &Map, options: &RenderOptions) -> Vec<Map> {
    let release = release(options);
    let capabilities = versions::value(&options.capabilities, options.compat);
    let mut dots: Vec<Map> = Vec::with_capacity(program.parts.len());
    for part in &program.parts {
        let is_root = part.parent.is_none();
        let dot = Map::new(MapType::Any);
        dot.insert("Chart", chart_value::value(&part.metadata, is_root, options.compat));
        dot.insert("Files", part.files.clone().into_value());
        dot.insert("Release", Value::Map(release.clone()));
        dot.insert("Capabilities", capabilities.clone());
        dot.insert("Values", Value::Map(own_values(part, &dots, coalesced).with_type(MapType::Values)));
        dot.insert("Subcharts", Value::Map(Map::new(MapType::Any)));
        let parent = part.parent.map(|parent| dots[parent].get(b"Subcharts"));
        if let Some(Some(Value::Map(subcharts))) = parent {
            subcharts.insert(part.metadata.name.as_str(), Value::Map(dot.clone()));
        }
        dots.push(dot);
    }
    dots
}

/// The values of a part: all of them for the root, else the table in the parent's that has its name.
fn own_values(part: &Part, dots: &[Map], coalesced: &Map) -> Map {
    match part.parent {
        None => Some(coalesced.clone()),
        // A dot in the name leads deeper, as Helm looks the table up by a path.
        Some(parent) => values::table(&dots[parent], &format!("Values.{}", part.metadata.name)),
    }
    .unwrap_or_else(|| Map::new(MapType::Any))
}

/// `.Release`.
fn release(options: &RenderOptions) -> Map {
    let release = Map::new(MapType::Any);
    release.insert("Name", Value::Str(options.release_name.as_str().into()));
    release.insert("Namespace", Value::Str(options.namespace.as_str().into()));
    release.insert("IsUpgrade", Value::Bool(options.is_upgrade));
    release.insert("IsInstall", Value::Bool(!options.is_upgrade));
    release.insert("Revision", Value::Int(options.revision));
    release.insert("Service", Value::Str("Helm".into()));
    release
}

/// `.Template` of one template.
pub(super) fn template(name: &str, part: &Part) -> Value {
    let template = Map::new(MapType::Values);
    template.insert("Name", Value::Str(name.into()));
    template.insert("BasePath", Value::Str(format!("{}/templates", part.path).into()));
    Value::Map(template)
}
