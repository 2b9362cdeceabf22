//! `label_selectors` as a filter of definitions (`module_utils/selector.py`): the server is not asked.

use serde_json::Value;

/// One requirement: `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a`.
#[derive(Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Requirement {
    fn parse(text: &str) -> Self {
        if let Some((key, operator, values)) = set_based(text) {
            return match operator {
                "in" => Self::In(key, values),
                _ => Self::NotIn(key, values),
            };
        }
        let bare: String = text.chars().filter(|char| *char != ' ').collect();
        for (operator, wanted) in [("==", true), ("!=", false), ("=", true)] {
            if let Some((key, value)) = bare.split_once(operator) {
                let (key, values) = (key.to_owned(), vec![value.to_owned()]);
                return if wanted { Self::In(key, values) } else { Self::NotIn(key, values) };
            }
        }
        match bare.strip_prefix('!') {
            Some(key) => Self::Absent(key.to_owned()),
            None => Self::Exists(bare),
        }
    }

    fn matches(&self, labels: &serde_json::Map<String, Value>) -> bool {
        let label = |key: &String| labels.get(key).and_then(Value::as_str);
        match self {
            Self::In(key, values) => {
                label(key).is_some_and(|label| values.iter().any(|value| value == label))
            }
            Self::NotIn(key, values) => {
                !label(key).is_some_and(|label| values.iter().any(|value| value == label))
            }
            Self::Exists(key) => labels.contains_key(key),
            Self::Absent(key) => !labels.contains_key(key),
        }
    }
}

/// `key in (a, b)` and `key notin (a, b)`.
fn set_based(text: &str) -> Option<(String, &str, Vec<String>)> {
    let (head, values) = text.trim().strip_suffix(')')?.split_once('(')?;
    let mut words = head.split_whitespace();
    let (key, operator) = (words.next()?, words.next()?);
    if words.next().is_some() || !matches!(operator, "in" | "notin") {
        return None;
    }
    let values = values.split(',').map(|value| value.replace(' ', "")).filter(|value| !value.is_empty());
    Some((key.to_owned(), operator, values.collect()))
}

/// Whether the labels of a definition meet all selectors; one without labels meets none.
pub(super) fn matches(selectors: &[String], definition: &Value) -> bool {
    let labels = definition.pointer("/metadata/labels").and_then(Value::as_object);
    labels.is_some_and(|labels| selectors.iter().all(|selector| Requirement::parse(selector).matches(labels)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_match_labels() {
        let object = json!({"metadata": {"labels": {"app.kubernetes.io/name": "web", "tier": "a"}}});
        let is = |selector: &str| matches(&[selector.to_owned()], &object);
        for fitting in [
            "tier=a",
            "tier == a",
            "tier!=b",
            "tier in (a, b)",
            "tier notin ( b )",
            "tier",
            "!env",
            "! env",
            "env!=x",
            "env notin (x)",
            "app.kubernetes.io/name = web",
        ] {
            assert!(is(fitting), "{fitting}");
        }
        for other in ["tier=b", "tier!=a", "tier in (b)", "tier notin (a,b)", "env", "!tier", "env in (a)"] {
            assert!(!is(other), "{other}");
        }
        assert!(!matches(&["!env".to_owned()], &json!({"metadata": {}})));
    }
}
