//! The argument `template` of `k8s`: definitions rendered from files of the role
//! (`plugins/action/k8s_info.py`, which serves every module of the collection).

use std::sync::Arc;

use crate::jinja::lookups::{self, files};
use crate::jinja::{TemplateOptions, Value, ops};
use crate::modules::context::ModuleContext;
use crate::modules::result::ModuleError;

/// Line ends by the words that stand for them.
const LINE_ENDS: [(&str, &str); 6] =
    [("\\n", "\n"), ("\\r", "\r"), ("\\r\\n", "\r\n"), ("\n", "\n"), ("\r", "\r"), ("\r\n", "\r\n")];

/// The options of one template that say how it is read.
const SYNTAX: [&str; 6] = [
    "variable_start_string",
    "variable_end_string",
    "block_start_string",
    "block_end_string",
    "trim_blocks",
    "lstrip_blocks",
];

/// The text of each template: a path, `{path: …}`, or a list of those.
pub(super) fn rendered(context: &ModuleContext, given: &Value) -> Result<Vec<String>, ModuleError> {
    match given {
        Value::List(list) => list.items().iter().map(|item| one(context, item)).collect(),
        other => Ok(vec![one(context, other)?]),
    }
}

fn one(context: &ModuleContext, given: &Value) -> Result<String, ModuleError> {
    let option = |name: &str| match given {
        Value::Dict(dict) => dict.get(name).filter(|value| !value.is_none()),
        _ => None,
    };
    let name = match given {
        Value::Str(path) => path.as_str().to_owned(),
        Value::Dict(_) => option("path")
            .filter(ops::truthy_or_false)
            .map(|path| path.to_string())
            .ok_or_else(|| ModuleError::new("Please specify path for template."))?,
        other => {
            return Err(ModuleError::new(format!(
                "Error while reading template file - a string or dict for template expected, but got {} instead",
                other.type_name()
            )));
        }
    };
    let line_end = option("newline_sequence").map_or_else(|| "\n".to_owned(), |words| words.to_string());
    let line_end = LINE_ENDS.iter().find(|(words, _)| *words == line_end).map(|(_, line_end)| *line_end);
    let line_end = line_end
        .ok_or_else(|| ModuleError::new("newline_sequence needs to be one of: \\n, \\r or \\r\\n"))?;
    let path = context.find("templates", &name)?;
    let source = std::fs::read_to_string(&path)
        .map_err(|error| ModuleError::new(format!("could not read '{}': {error}", path.display())))?;
    let templar = context.templar();
    let dirs = files::include_dirs(&path, &templar);
    let templar = templar.with_vars(Arc::clone(&context.vars)).with_include_path(dirs);
    let syntax = SYNTAX.iter().filter_map(|name| Some(((*name).to_owned(), option(name)?))).collect();
    let options = TemplateOptions {
        convert_data: false,
        escape_backslashes: false,
        syntax: files::syntax(&lookups::Options::new(syntax)),
        ..TemplateOptions::default()
    };
    Ok(templar.render(&source, &options)?.to_string().replace('\n', line_end))
}
