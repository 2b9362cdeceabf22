//! `.Chart` as templates see it: in Helm 4 a map with Go's field names, in Helm 3 the struct itself,
//! of which an unknown field is an error.

use super::record::{Field, Record};
use super::{Compat, Dependency, Maintainer, Metadata};
use crate::gotmpl::{Elem, List, Map, MapType, Value};

/// `.Chart` of a chart.
pub(super) fn value(metadata: &Metadata, is_root: bool, compat: Compat) -> Value {
    match compat {
        Compat::V3 => {
            let mut fields = fields(metadata, |fields| {
                Record { type_name: "*chart.Record", fields, methods: &[] }.into_value()
            });
            fields.push(Field::new("IsRoot", Value::Bool(is_root)));
            Record { type_name: "struct { chart.Metadata; IsRoot bool }", fields, methods: &[] }.into_value()
        }
        Compat::V4 => {
            let Value::Map(map) = as_map(fields(metadata, as_map)) else { return Value::Nil };
            map.insert("IsRoot", Value::Bool(is_root));
            Value::Map(map)
        }
    }
}

/// The exported fields as a map; lists lose their static types, as Helm's `structToMap` builds them.
fn as_map(fields: Vec<Field>) -> Value {
    let map = Map::new(MapType::Any);
    for Field { name, value, .. } in fields {
        let value = match value {
            Value::List(items) => Value::List(List::new(Elem::Any, items.to_vec())),
            value => value,
        };
        map.insert(name, value);
    }
    Value::Map(map)
}

fn text(text: &str) -> Value {
    Value::Str(text.into())
}

fn texts(texts: &[String]) -> Value {
    if texts.is_empty() {
        return Value::List(List::nil(Elem::Str));
    }
    Value::List(List::new(Elem::Str, texts.iter().map(|t| text(t)).collect()))
}

fn records(records: Vec<Value>) -> Value {
    Value::List(if records.is_empty() { List::nil(Elem::Any) } else { List::new(Elem::Any, records) })
}

/// The fields of `chart.Metadata` in Go's order; `record` makes a value of a maintainer or dependency.
fn fields(metadata: &Metadata, record: impl Fn(Vec<Field>) -> Value) -> Vec<Field> {
    let annotations = match &metadata.annotations {
        None => Map::nil(MapType::Str),
        Some(annotations) => Map::from_entries(
            MapType::Str,
            annotations.iter().map(|(key, value)| (key.as_str().into(), text(value))).collect(),
        ),
    };
    let maintainers =
        metadata.maintainers.iter().map(|maintainer| record(of_maintainer(maintainer))).collect();
    let dependencies =
        metadata.dependencies.iter().map(|dependency| record(of_dependency(dependency))).collect();
    vec![
        Field::tagged("Name", "name", text(&metadata.name)),
        Field::tagged("Home", "home", text(&metadata.home)),
        Field::tagged("Sources", "sources", texts(&metadata.sources)),
        Field::tagged("Version", "version", text(&metadata.version)),
        Field::tagged("Description", "description", text(&metadata.description)),
        Field::tagged("Keywords", "keywords", texts(&metadata.keywords)),
        Field::tagged("Maintainers", "maintainers", records(maintainers)),
        Field::tagged("Icon", "icon", text(&metadata.icon)),
        Field::tagged("APIVersion", "apiVersion", text(&metadata.api_version)),
        Field::tagged("Condition", "condition", text(&metadata.condition)),
        Field::tagged("Tags", "tags", text(&metadata.tags)),
        Field::tagged("AppVersion", "appVersion", text(&metadata.app_version)),
        Field::tagged("Deprecated", "deprecated", Value::Bool(metadata.deprecated)),
        Field::tagged("Annotations", "annotations", Value::Map(annotations)),
        Field::tagged("KubeVersion", "kubeVersion", text(&metadata.kube_version)),
        Field::tagged("Dependencies", "dependencies", records(dependencies)),
        Field::tagged("Type", "type", text(&metadata.kind)),
    ]
}

fn of_maintainer(maintainer: &Maintainer) -> Vec<Field> {
    vec![
        Field::tagged("Name", "name", text(&maintainer.name)),
        Field::tagged("Email", "email", text(&maintainer.email)),
        Field::tagged("URL", "url", text(&maintainer.url)),
    ]
}

fn of_dependency(dependency: &Dependency) -> Vec<Field> {
    let always = |name, json, value| Field { name, json, omit_empty: false, value };
    let imports: Vec<Value> = dependency.import_values.iter().map(Value::from).collect();
    vec![
        always("Name", "name", text(&dependency.name)),
        Field::tagged("Version", "version", text(&dependency.version)),
        always("Repository", "repository", text(&dependency.repository)),
        Field::tagged("Condition", "condition", text(&dependency.condition)),
        Field::tagged("Tags", "tags", texts(&dependency.tags)),
        Field::tagged("Enabled", "enabled", Value::Bool(dependency.enabled)),
        Field::tagged("ImportValues", "import-values", records(imports)),
        Field::tagged("Alias", "alias", text(&dependency.alias)),
    ]
}
