//! `append_hash`: the name of a ConfigMap or Secret with a hash of its content, and the filter
//! `k8s_config_resource_name` that tells it beforehand (`module_utils/hashes.py`, `plugins/filter/k8s.py`;
//! kubectl's `hash` package).

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::python_json;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::{Error, Value as Jinja, convert};

/// Hex digits that could spell words, and what stands for them.
const REPLACED: [(char, char); 5] = [('0', 'g'), ('1', 'h'), ('3', 'k'), ('a', 'm'), ('e', 't')];

/// The hash of a ConfigMap's or Secret's content; `None` for other kinds.
pub(super) fn content_hash(definition: &Value) -> Option<String> {
    let metadata = &definition["metadata"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let (key, name) = match (text(&metadata["name"]), text(&metadata["generateName"])) {
        (None, Some(prefix)) => ("generateName", prefix),
        (name, _) => ("name", name.unwrap_or_default()),
    };
    let kind = definition["kind"].as_str()?;
    let field = |name: &str| {
        let value = definition.get(name).filter(|value| !value.is_null());
        value.map_or_else(|| r#""""#.to_owned(), python_json::compact)
    };
    let secret_type = match kind {
        "ConfigMap" => String::new(),
        "Secret" => format!(r#","type":{}"#, field("type")),
        _ => return None,
    };
    let name = python_json::compact(&name.into());
    let marshalled = format!(r#"{{"data":{},"kind":"{kind}","{key}":{name}{secret_type}}}"#, field("data"));
    let digest = hex::encode(Sha256::digest(marshalled));
    let replaced = |char: char| REPLACED.iter().find(|(from, _)| *from == char).map_or(char, |(_, to)| *to);
    Some(digest.chars().take(10).map(replaced).collect())
}

/// `resource | k8s_config_resource_name`.
pub(super) fn resource_name(_: &mut Interpreter<'_>, resource: Jinja, _: Args) -> Result<Jinja, Error> {
    let definition = convert::to_json(&resource);
    let name = definition.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.ok_or_else(|| {
        Error::ansible("resource must have a metadata.name key to generate a resource name")
    })?;
    let hash = content_hash(&definition)
        .ok_or_else(|| Error::ansible("k8s_config_resource_name wants a ConfigMap or a Secret"))?;
    Ok(Jinja::from(format!("{name}-{hash}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hashes_are_those_of_the_collection() {
        let config =
            |metadata: Value, data: Value| json!({"kind": "ConfigMap", "metadata": metadata, "data": data});
        let secret = |kind: Value| json!({"kind": "Secret", "metadata": {"name": "foo"}, "type": kind, "data": {"one": "MQ=="}});
        for (definition, hash) in [
            (config(json!({"name": "foo"}), json!({})), "867km9574f"),
            (config(json!({"name": "foo"}), Value::Null), "6cd64ctg26"),
            (config(json!({"name": "foo"}), json!({"two": "2", "one": "1", "three": "ü"})), "9h5ftfdf7b"),
            (config(json!({"generateName": "foo-"}), json!({"one": "1"})), "6t766m7t2t"),
            (secret("my-type".into()), "8mbt6t42cg"),
            (secret(Value::Null), "gtg89k8d2b"),
        ] {
            assert_eq!(content_hash(&definition).unwrap(), hash, "{definition}");
        }
        assert_eq!(content_hash(&json!({"kind": "Pod", "metadata": {"name": "a"}})), None);
    }
}
