//! What a chart's values come to: its defaults, the user's values, subcharts, globals, imports, nulls.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::case::{Case, Files};

/// Few keys, so that they meet; some of them name subcharts.
const KEYS: &[&str] =
    &["a", "b", "c", "global", "sub", "other", "deep", "nick", "tags", "enabled", "exports"];

fn trees() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        (0..5i32).prop_map(Value::from),
        select(vec!["", "x", "y"]).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!([1, null])),
    ];
    let tree = leaf.prop_recursive(4, 20, 4, |inner| maps(inner).boxed());
    maps(tree.boxed())
}

fn maps(inner: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    vec((select(KEYS), inner), 0..5)
        .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
        .boxed()
}

/// An entry of `dependencies`.
fn dependencies(name: &'static str) -> BoxedStrategy<Option<Value>> {
    let condition = option::weighted(
        0.4,
        select(vec!["sub.enabled", "a", "other.enabled,b", "global.a", "nick.enabled"]),
    );
    let tags = option::weighted(0.3, select(vec!["a", "b"]));
    let alias = option::weighted(0.2, select(vec!["nick", "other", "c"]));
    let imports = option::weighted(
        0.4,
        select(vec![
            json!(["a"]),
            json!(["a", "b"]),
            json!([{"child": "a", "parent": "b"}]),
            json!([{"child": "global", "parent": "c.a"}]),
            json!([{"child": "a", "parent": "."}]),
        ]),
    );
    let entry = (condition, tags, alias, imports).prop_map(move |(condition, tags, alias, imports)| {
        let mut entry = json!({"name": name, "version": "0.1.0", "repository": ""});
        let mut set =
            |key: &str, value: Option<Value>| value.into_iter().for_each(|value| entry[key] = value);
        set("condition", condition.map(Value::from));
        set("tags", tags.map(|tag| json!([tag])));
        set("alias", alias.map(Value::from));
        set("import-values", imports);
        entry
    });
    option::weighted(0.8, entry).boxed()
}

/// The files of a chart that shows its values.
fn chart(prefix: &str, name: &str, (lists, dependencies): (bool, &[Value]), values: &Value) -> Files {
    let mut about = json!({"apiVersion": "v2", "name": name, "version": "0.1.0"});
    if lists {
        about["dependencies"] = dependencies.into();
    }
    let files = [
        ("Chart.yaml", about.to_string()),
        ("values.yaml", values.to_string()),
        ("templates/values.yaml", "{{ .Chart.Name }} {{ toJson .Values }} {{ .Subcharts | len }}".into()),
    ];
    files.into_iter().map(|(path, text)| (format!("{prefix}{path}"), text)).collect()
}

/// The cases.
pub(crate) fn cases() -> BoxedStrategy<Case> {
    let entries = (dependencies("sub"), dependencies("other"), dependencies("deep"));
    let defaults = (trees(), trees(), trees(), trees());
    (entries, defaults, any::<bool>(), trees())
        .prop_map(
            |(
                (sub, other, deep),
                (top_values, sub_values, other_values, deep_values),
                with_other,
                values,
            )| {
                let entries: Vec<Value> = sub.into_iter().chain(other.filter(|_| with_other)).collect();
                let mut files = chart("", "top", (with_other || !entries.is_empty(), &entries), &top_values);
                files.extend(chart(
                    "charts/sub/",
                    "sub",
                    (with_other || deep.is_some(), deep.as_slice()),
                    &sub_values,
                ));
                files.extend(chart("charts/sub/charts/deep/", "deep", (false, &[]), &deep_values));
                if with_other {
                    files.extend(chart("charts/other/", "other", (false, &[]), &other_values));
                }
                Case::Chart { files, values }
            },
        )
        .boxed()
}
