//! `hidden_fields`: what a result leaves out (`hide_fields` of `module_utils/k8s/service.py`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::modules::spec::Args;

/// Paths such as `metadata.managedFields`, `spec.containers[0].env[3].value` or
/// `metadata.annotations[kubernetes.io/x]`, as a tree.
#[derive(Debug, Default, Clone)]
pub(super) struct HiddenFields(BTreeMap<String, HiddenFields>);

impl HiddenFields {
    /// The fields that a task hides.
    pub(super) fn from_args(args: &Args) -> Self {
        let mut hidden = Self::default();
        for path in args.texts("hidden_fields").unwrap_or_default() {
            hidden.add(&path);
        }
        hidden
    }

    fn add(&mut self, path: &str) {
        let mut node = self;
        let mut keys = keys(path).into_iter().peekable();
        while let Some(key) = keys.next() {
            // A path that is hidden whole stays so.
            if node.0.get(&key).is_some_and(|known| known.0.is_empty()) {
                return;
            }
            if keys.peek().is_none() {
                node.0.insert(key, Self::default());
                return;
            }
            node = node.0.entry(key).or_default();
        }
    }

    /// The value without these fields; an object or list that becomes empty by it goes as well.
    pub(super) fn hide(&self, mut value: Value) -> Value {
        self.hide_in(&mut value);
        value
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (key, inner) in &self.0 {
                    let gone = map.get_mut(key).is_some_and(|value| inner.takes(value));
                    if gone {
                        map.remove(key);
                    }
                }
            }
            Value::Array(list) => {
                let mut indices: Vec<(usize, &Self)> =
                    self.0.iter().filter_map(|(key, inner)| Some((key.parse().ok()?, inner))).collect();
                indices.sort_by_key(|(index, _)| std::cmp::Reverse(*index));
                for (index, inner) in indices {
                    if list.get_mut(index).is_some_and(|value| inner.takes(value)) {
                        list.remove(index);
                    }
                }
            }
            _ => {}
        }
    }

    /// Hides in a value; tells whether nothing is left of it.
    fn takes(&self, value: &mut Value) -> bool {
        if self.0.is_empty() {
            return true;
        }
        self.hide_in(value);
        match value {
            Value::Object(map) => map.is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        }
    }
}

/// The keys of a path: `a.b[c.d].e` is `a`, `b`, `c.d`, `e`.
fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (key, after) = match rest.strip_prefix('[') {
            Some(bracketed) => {
                let (key, after) = bracketed.split_once(']').unwrap_or((bracketed, ""));
                (key, after.strip_prefix('.').unwrap_or(after))
            }
            None => match rest.find(['.', '[']) {
                Some(at) if rest[at..].starts_with('.') => (&rest[..at], &rest[at + 1..]),
                Some(at) => (&rest[..at], &rest[at..]),
                None => (rest, ""),
            },
        };
        keys.push(key.to_owned());
        rest = after;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hide(paths: &[&str], value: Value) -> Value {
        let mut hidden = HiddenFields::default();
        paths.iter().for_each(|path| hidden.add(path));
        hidden.hide(value)
    }

    #[test]
    fn paths_have_dots_and_brackets() {
        assert_eq!(keys("a.b[c.d/e].f[0]"), ["a", "b", "c.d/e", "f", "0"]);
        assert_eq!(keys("[one][two]"), ["one", "two"]);
    }

    #[test]
    fn fields_go_and_what_becomes_empty_by_it() {
        let object =
            json!({"metadata": {"name": "a", "annotations": {"x.y/z": "1"}}, "env": [1, 2, 3], "status": {}});
        assert_eq!(
            hide(&["metadata.annotations[x.y/z]", "env[0]", "env[2]", "status", "no.such"], object),
            json!({"metadata": {"name": "a"}, "env": [2]})
        );
    }
}
