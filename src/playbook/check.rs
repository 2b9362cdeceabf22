//! Checks the templates of content while it loads.

use std::path::PathBuf;
use std::sync::Arc;

use super::error::Kind;
use super::nearest::nearest;
use super::tree::Place;
use crate::jinja::ast::{PluginKind, Reference};
use crate::jinja::parse::{self, Syntax};
use crate::jinja::{Environment, Error, possibly_template};
use crate::yaml::python;

/// What is wrong with templates.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Filters, tests and lookups that do not exist, and templates that do not parse: Ansible fails only when
    /// it runs them.
    pub found: Vec<(Kind, Place, String, Option<String>)>,
}

impl Findings {
    fn syntax(&mut self, place: Place, error: &Error) {
        self.found.push((Kind::Template, place, format!("template error: {error}"), None));
    }
}

/// Checks a value that stands in a file.
pub(super) type Check = fn(&python::Node, &Arc<PathBuf>, &Environment, &mut Findings);

/// Checks every template within a value.
pub(super) fn templates(node: &python::Node, file: &Arc<PathBuf>, env: &Environment, found: &mut Findings) {
    if node.tag.is_some() {
        return;
    }
    match &node.value {
        python::Value::Str(text) if possibly_template(text, &Syntax::default()) => {
            match env.parse(text, &Syntax::default(), true) {
                Ok(template) => references(&template.references, node, text, file, env, found),
                Err(error) => found.syntax(place(node, text, file, error.line()), &error),
            }
        }
        python::Value::List(items) => items.iter().for_each(|item| templates(item, file, env, found)),
        python::Value::Dict(dict) => {
            for (key, value) in dict.entries() {
                templates(key, file, env, found);
                templates(value, file, env, found);
            }
        }
        _ => {}
    }
}

/// Checks a template file.
pub(super) fn file(text: &str, path: &Arc<PathBuf>, env: &Environment, found: &mut Findings) {
    let value = python::Value::Str(text.into());
    let mark = crate::yaml::Mark { offset: 0, line: 0, column: 1 };
    let node = python::Node { mark, tag: None, value };
    match env.parse(text, &Syntax::default(), false) {
        Ok(template) => references(&template.references, &node, "\n\n", path, env, found),
        Err(error) => found.syntax(place(&node, "\n\n", path, error.line()), &error),
    }
}

/// Checks conditions: bare expressions, alone or in a list.
pub(super) fn conditions(node: &python::Node, file: &Arc<PathBuf>, env: &Environment, found: &mut Findings) {
    match &node.value {
        python::Value::List(items) => items.iter().for_each(|item| conditions(item, file, env, found)),
        python::Value::Str(text) if possibly_template(text, &Syntax::default()) => {
            templates(node, file, env, found)
        }
        python::Value::Str(text) if !text.trim().is_empty() => match parse::parse_expression(text) {
            Ok((_, named)) => references(&named, node, text, file, env, found),
            Err(error) => found.syntax(place(node, text, file, error.line()), &error),
        },
        _ => {}
    }
}

fn references(
    named: &[Reference],
    node: &python::Node,
    text: &str,
    file: &Arc<PathBuf>,
    env: &Environment,
    found: &mut Findings,
) {
    for reference in named {
        if env.plugins.has(reference.kind, &reference.name) {
            continue;
        }
        let kind = match reference.kind {
            PluginKind::Filter => Kind::Filter,
            PluginKind::Test => Kind::Test,
            PluginKind::Lookup => Kind::Lookup,
        };
        let hint = env.plugins.problem(reference.kind, &reference.name).or_else(|| {
            let near = nearest(&reference.name, env.plugins.names(reference.kind))?;
            Some(format!("did you mean '{near}'?"))
        });
        let message = format!("there is no {} '{}'", reference.kind.word(), reference.name);
        found.found.push((kind, place(node, text, file, Some(reference.line)), message, hint));
    }
}

/// The line of a template within its node: text of several lines begins after the line of its `|`.
fn place(node: &python::Node, text: &str, file: &Arc<PathBuf>, line: Option<u32>) -> Place {
    let line = line.unwrap_or(1);
    let below = if text.trim_end_matches('\n').contains('\n') || text.ends_with('\n') { line } else { 0 };
    let column = if below == 0 { node.mark.column } else { 1 };
    Place { file: Arc::clone(file), line: node.mark.line + below, column }
}
