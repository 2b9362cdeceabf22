//! The objects that a task names: from `template`, `resource_definition`, `src` or the plain arguments.
//! Follows `module_utils/k8s/resource.py` and the collection's action plugin.

use serde_json::{Map, Value, json};

use super::template;
use crate::cluster::Object;
use crate::jinja::value::Value as Jinja;
use crate::jinja::{convert, yaml};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;
use crate::modules::spec::Args;

/// The objects of a task, in order; at least one unless a definition is given and empty.
pub(super) fn objects(context: &ModuleContext, args: &Args) -> Result<Vec<Object>, ModuleError> {
    let mut values = Vec::new();
    if let Some(given) = args.get("template") {
        for text in template::rendered(context, given)? {
            collect(&Jinja::from(text), &mut values)?;
        }
    } else if let Some(given) = args.get("resource_definition").filter(|given| is_given(given)) {
        collect(given, &mut values)?;
    } else if let Some(src) = args.str("src") {
        collect(&Jinja::from(source(context, src)?), &mut values)?;
    } else {
        values.push(json!({}));
    }
    let mut objects = Vec::new();
    for mut value in values {
        complete(&mut value, args)?;
        match list_items(&value) {
            Some(items) => {
                for mut item in items {
                    complete(&mut item, args)?;
                    objects.push(Object(item));
                }
            }
            None => objects.push(Object(value)),
        }
    }
    Ok(objects)
}

/// An empty definition is none.
fn is_given(value: &Jinja) -> bool {
    crate::jinja::ops::truthy_or_false(value)
}

/// The text of a file of the role.
fn source(context: &ModuleContext, src: &str) -> Result<String, ModuleError> {
    let path = context.find("files", &crate::modules::expand_path(src))?;
    std::fs::read_to_string(&path).map_err(|error| {
        ModuleError::new(format!("Failed to load resource definition: {}: {error}", path.display()))
    })
}

/// Takes a definition apart: texts are YAML documents, lists hold definitions; what is empty is dropped.
fn collect(definition: &Jinja, into: &mut Vec<Value>) -> Result<(), ModuleError> {
    match definition {
        Jinja::Str(text) => {
            let documents = yaml::load_all(text.as_str())
                .map_err(|error| ModuleError::new(format!("Failed to load resource definition: {error}")))?;
            documents.iter().try_for_each(|document| collect_one(document, into))
        }
        Jinja::List(items) => items.items().iter().try_for_each(|item| match item {
            Jinja::Str(_) => collect(item, into),
            item => collect_one(item, into),
        }),
        other => collect_one(other, into),
    }
}

fn collect_one(document: &Jinja, into: &mut Vec<Value>) -> Result<(), ModuleError> {
    match document {
        document if !is_given(document) => Ok(()),
        Jinja::Dict(_) => {
            into.push(convert::to_json(document));
            Ok(())
        }
        // `--- [ … ]` in a text.
        Jinja::List(items) => items.items().iter().try_for_each(|item| collect_one(item, into)),
        other => Err(ModuleError::new(format!(
            "Failed to load resource definition: a document is no object but {other}"
        ))),
    }
}

/// The items of a `…List`, which inherit its API version and its kind without `List`.
fn list_items(value: &Value) -> Option<Vec<Value>> {
    let object = value.as_object()?;
    let kind = object.get("kind")?.as_str()?.strip_suffix("List")?;
    let mut found = object.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
    for item in found.iter_mut().filter_map(Value::as_object_mut) {
        if let Some(api_version) = object.get("apiVersion") {
            item.entry("apiVersion").or_insert_with(|| api_version.clone());
        }
        item.entry("kind").or_insert_with(|| kind.into());
    }
    Some(found)
}

/// Fills in from the plain arguments what the definition leaves out (`merge_params`).
fn complete(value: &mut Value, args: &Args) -> Result<(), ModuleError> {
    let wrong = |what: &str| ModuleError::new(format!("Failed to load resource definition: {what}"));
    let object = value.as_object_mut().ok_or_else(|| wrong("an item of a list is no object"))?;
    for (field, argument) in [("kind", "kind"), ("apiVersion", "api_version")] {
        if let Some(text) = args.str(argument) {
            object.entry(field).or_insert_with(|| text.into());
        }
    }
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    let metadata = metadata.as_object_mut().ok_or_else(|| wrong("metadata is no dict"))?;
    for (field, argument) in [("name", "name"), ("namespace", "namespace"), ("generateName", "generate_name")]
    {
        if let Some(text) = args.str(argument).filter(|text| !text.is_empty()) {
            metadata.entry(field).or_insert_with(|| text.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_taken_apart() {
        let mut found = Vec::new();
        let list =
            json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": {"name": "a"}}]});
        let given = json!(["kind: Service\n---\n---\nkind: Pod\n", list, null, {}]);
        collect(&convert::from_json(given), &mut found).unwrap();
        let kinds: Vec<_> = found.iter().map(|object| object["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Service", "Pod", "ConfigMapList"]);
        assert_eq!(
            list_items(&found[2]).unwrap(),
            [json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})]
        );
        assert!(collect(&Jinja::from(7), &mut found).is_err());
    }

    #[test]
    fn numbers_and_dates_of_yaml_stay_what_they_are() {
        let mut found = Vec::new();
        collect(&Jinja::from("a: 0777\nb: '1'\nc: 1.0\nd: yes\n"), &mut found).unwrap();
        assert_eq!(found, [json!({"a": 511, "b": "1", "c": 1.0, "d": true})]);
    }
}
