//! What is wrong with a chart, all at once, without installing it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::dependencies::Member;
use super::error::Place;
use super::program::{self, Template};
use super::{Chart, Compat, Contents, Error, RenderOptions, functions, load};
use crate::gotmpl::{FuncDef, ParseError, Set};

/// Something that is wrong with a chart.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is wrong.
    pub message: String,
    /// Where, if it has a place.
    pub place: Option<Place>,
    /// The text of the file in which it is.
    pub source: Option<Arc<[u8]>>,
}

/// How many unknown functions are told of in one template.
const MAX_UNKNOWN: usize = 100;

/// Finds what is wrong with the chart at `path` when it is rendered with `values`.
///
/// Templates of all subcharts are parsed, whether the values enable them or not. The rendering follows
/// when everything parses; `required` and `fail` let it pass if `options` say so.
#[must_use]
pub fn lint(path: &Path, values: &Map<String, Value>, options: &RenderOptions) -> Vec<Finding> {
    let contents = match load::read(path).and_then(Contents::of) {
        Ok(contents) => Arc::new(contents),
        Err(error) => return vec![Finding::whole(&error)],
    };
    let sources = program::sources(&Member::of(&contents));
    let findings: Vec<Finding> =
        sources.values().flat_map(|(template, source)| parse(template, source, options.compat)).collect();
    if !findings.is_empty() {
        return findings;
    }
    let rendered =
        Chart::from_contents(contents, String::new()).and_then(|chart| chart.render(values, options));
    rendered.err().map(|error| Finding::in_templates(&error, &sources)).into_iter().collect()
}

impl Finding {
    fn whole(error: &Error) -> Self {
        Self { message: error.to_string(), place: None, source: None }
    }

    fn in_templates(error: &Error, sources: &BTreeMap<String, (Template, Arc<[u8]>)>) -> Self {
        let Error::Execution { message, place: Some(place) } = error else { return Self::whole(error) };
        let source = sources.get(&place.template).map(|(_, source)| Arc::clone(source));
        Self { message: message.clone(), place: Some(place.clone()), source }
    }
}

/// The parse errors of one template: the first, and all functions that do not exist up to it.
fn parse(template: &Template, source: &Arc<[u8]>, compat: Compat) -> Vec<Finding> {
    let mut functions = functions::table(compat);
    let mut findings = Vec::new();
    while findings.len() < MAX_UNKNOWN {
        let Err(error) = Set::new("gotpl", functions.clone()).parse(&template.name, source) else { break };
        let unknown = unknown_function(&error).map(str::to_owned);
        findings.push(Finding {
            place: Some(Place { template: template.name.clone(), line: error.line, column: None }),
            message: error.message,
            source: Some(Arc::clone(source)),
        });
        let Some(name) = unknown else { break };
        // A function needs a name that lives as long as the program: there are few, and lint ends soon.
        functions = functions.with([FuncDef {
            name: String::leak(name),
            params: &[],
            variadic: Some(crate::gotmpl::Param::Any),
            call: |_, _| Ok(crate::gotmpl::Value::Nil),
        }]);
    }
    findings
}

/// The name in Go's `function "NAME" not defined`.
fn unknown_function(error: &ParseError) -> Option<&str> {
    error.message.strip_prefix("function \"")?.strip_suffix("\" not defined")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let options = RenderOptions { lint: true, ..RenderOptions::new("rel", "ns", Compat::V4) };
        let shown = |finding: &Finding| match &finding.place {
            Some(place) => format!("{}:{}: {}", place.template, place.line, finding.message),
            None => finding.message.clone(),
        };
        lint(directory.path(), &Map::new(), &options).iter().map(shown).collect()
    }

    const CHART: (&str, &str) = ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");

    #[test]
    fn everything_that_does_not_parse_is_told_at_once() {
        let found = findings(&[
            CHART,
            ("templates/a.yaml", "a: {{ foo }}\nb: {{ bar 1 | foo }}\nc: {{ if }}\n"),
            ("templates/b.yaml", "{{ end }}\n"),
            ("templates/c.yaml", "{{ required \"x\" nil }}\n"),
        ]);
        assert_eq!(
            found,
            [
                "c/templates/a.yaml:1: function \"foo\" not defined",
                "c/templates/a.yaml:2: function \"bar\" not defined",
                "c/templates/a.yaml:3: missing value for if",
                "c/templates/b.yaml:1: unexpected {{end}}",
            ]
        );
    }

    #[test]
    fn a_failing_template_has_its_place() {
        let found = findings(&[CHART, ("templates/a.yaml", "\na: {{ index .Values.x 1 }}\n")]);
        let [found] = found.as_slice() else { panic!("{found:?}") };
        assert!(found.starts_with("c/templates/a.yaml:2: "), "{found}");
        assert!(findings(&[CHART, ("templates/a.yaml", "{{ fail \"x\" }}")]).is_empty());
        assert_eq!(
            findings(&[("Chart.yaml", "name: c\n")]),
            ["validation: chart.metadata.version is required"]
        );
    }
}
