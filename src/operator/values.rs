//! `overrideValues` of a chart watch: values that win over those of the resource.
//!
//! Follows `internal/helm/watches` and `internal/helm/controller` of operator-sdk: the environment is
//! filled in, the text is run as a Go template with sprig's functions and no data, and what comes out is
//! a text of `helm --set-string`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::chart::Override;
use crate::chart::strvals::{Values, parse_into};
use crate::gotmpl::{self, Execution, Functions, Set, funcs};
use crate::watches::expand;

/// The overrides of a watch, with the environment filled in.
///
/// # Errors
/// What is wrong with one of them.
pub(super) fn overrides(raw: &BTreeMap<String, String>) -> Result<Vec<Override>, String> {
    let one = |(path, text): (&String, &String)| {
        // Go's `os.ExpandEnv`: what is not set is empty.
        let text = expand(text, |name| Some(std::env::var(name).unwrap_or_default()));
        let text = render(&text).map_err(|error| format!("overrideValues: {path}: {error}"))?;
        set(&mut Map::new(), path, &text)?;
        Ok(Override { path: path.clone(), text })
    };
    raw.iter().map(one).collect()
}

fn render(template: &str) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    const NAME: &str = "overrideValues";
    let mut set = Set::new(NAME, Functions::new(funcs::table().copied()));
    set.parse(NAME, template.as_bytes()).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    Execution::new(&set, &()).run(NAME, &gotmpl::Value::Nil, &mut text).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Sets one override in the values.
///
/// # Errors
/// What is wrong with its path or text, in Helm's words.
pub(super) fn set(values: &mut Map<String, Value>, path: &str, text: &str) -> Result<(), String> {
    parse_into(&format!("{path}={text}"), values, Values::Text)
        .map_err(|error| format!("overrideValues: {path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_override_may_be_a_template() {
        let raw =
            BTreeMap::from([("a".to_owned(), "{{ \"x,y\" | upper | replace \",\" \"-\" }}".to_owned())]);
        assert_eq!(overrides(&raw).unwrap()[0].text, "X-Y");
        let bad = BTreeMap::from([("a".to_owned(), "{{ nonsense }}".to_owned())]);
        assert!(overrides(&bad).err().unwrap().starts_with("overrideValues: a: "));
    }

    #[test]
    fn overrides_win_and_are_texts() {
        let Value::Object(mut values) = json!({"image": {"tag": "1", "name": "x"}}) else { panic!() };
        set(&mut values, "image.tag", "2").unwrap();
        assert_eq!(Value::Object(values), json!({"image": {"tag": "2", "name": "x"}}));
        assert!(set(&mut Map::new(), "a[-1]", "1").is_err());
    }
}
