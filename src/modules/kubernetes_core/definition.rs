//! The objects that a task names: from `resource_definition`, `src` or the plain arguments.
//! Follows `module_utils/k8s/resource.py`.

use serde_json::{Map, Value, json};

use crate::cluster::Object;
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::Args;
use crate::yaml;

/// The objects of a task, in order; at least one unless a definition is given and empty.
pub(super) fn objects(context: &ModuleContext, args: &Args) -> Result<Vec<Object>, ModuleError> {
    let definition = match args.str("src") {
        Some(src) => {
            let path = context.find("files", src)?;
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ModuleError::new(format!("cannot read {}: {error}", path.display())))?;
            Some(Value::String(text))
        }
        None => args.json("resource_definition"),
    };
    let mut values = Vec::new();
    match definition {
        Some(definition) => collect(definition, &mut values)?,
        None => values.push(json!({})),
    }
    Ok(values.into_iter().map(|value| complete(value, args)).collect())
}

/// Takes a definition apart: texts are YAML documents, lists hold definitions, `List` kinds hold objects.
fn collect(definition: Value, into: &mut Vec<Value>) -> Result<(), ModuleError> {
    match definition {
        Value::Null => {}
        Value::String(text) => {
            let documents = yaml::go::parse_each(text.as_bytes(), yaml::go::Numbers::Json)
                .map_err(|error| ModuleError::new(format!("Error loading resource_definition: {error}")))?;
            for document in documents {
                collect(document, into)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, into)?;
            }
        }
        Value::Object(object) => match list_items(&object) {
            Some(items) => into.extend(items),
            None if object.is_empty() => {}
            None => into.push(Value::Object(object)),
        },
        other => return Err(ModuleError::new(format!("resource_definition holds no object but {other}"))),
    }
    Ok(())
}

/// The items of a `…List`, which inherit its API version and its kind without `List`.
fn list_items(object: &Map<String, Value>) -> Option<Vec<Value>> {
    let kind = object.get("kind")?.as_str()?.strip_suffix("List")?;
    let items = object.get("items")?.as_array()?;
    let mut found = items.clone();
    for item in found.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(api_version) = object.get("apiVersion") {
            item.entry("apiVersion").or_insert_with(|| api_version.clone());
        }
        if !kind.is_empty() {
            item.entry("kind").or_insert_with(|| kind.into());
        }
    }
    Some(found)
}

/// Fills in from the plain arguments what the definition leaves out (`merge_params`).
fn complete(mut value: Value, args: &Args) -> Object {
    let Some(object) = value.as_object_mut() else { return Object(value) };
    for (field, argument) in [("kind", "kind"), ("apiVersion", "api_version")] {
        if let Some(text) = args.str(argument) {
            object.entry(field).or_insert_with(|| text.into());
        }
    }
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if let Some(metadata) = metadata.as_object_mut() {
        for (field, argument) in
            [("name", "name"), ("namespace", "namespace"), ("generateName", "generate_name")]
        {
            if let Some(text) = args.str(argument) {
                metadata.entry(field).or_insert_with(|| text.into());
            }
        }
    }
    Object(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_taken_apart() {
        let mut found = Vec::new();
        let list =
            json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "a"}}]});
        collect(json!(["kind: Service\n---\n---\nkind: Pod\n", list, null, {}]), &mut found).unwrap();
        let kinds: Vec<_> = found.iter().map(|object| object["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Service", "Pod", "ConfigMap"]);
        assert!(collect(json!(7), &mut found).is_err());
    }
}
