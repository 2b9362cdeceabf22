//! `include_vars`: reads variables from files while running (`plugins/action/include_vars.py`).

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::jinja::value::{Dict, Entries};
use crate::jinja::{self, Value};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.include_vars`.
pub(super) struct IncludeVars;

const SPEC: Spec = Spec {
    free_form: true,
    ..Spec::new(
        "ansible.builtin.include_vars",
        &[
            Opt::new("file", Kind::Path),
            Opt::new("dir", Kind::Path),
            Opt::str("name"),
            Opt::new("depth", Kind::Int).default("0"),
            Opt::str("files_matching"),
            Opt::new("ignore_files", Kind::ListOfStr),
            Opt::flag("ignore_unknown_extensions"),
            Opt::new("extensions", Kind::ListOfStr).default("yaml,yml,json"),
            Opt::str("hash_behaviour").choices(&["replace", "merge"]),
        ],
    )
};

#[async_trait]
impl Module for IncludeVars {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let single = args
            .str("file")
            .or_else(|| args.str("_raw_params"))
            .map(|name| name.trim_end_matches('\n').to_owned());
        let files = match (args.str("dir"), single) {
            (Some(dir), _) => files_in(context, &args, dir)?,
            (None, Some(name)) => match context.find("vars", &name) {
                Ok(path) => vec![path],
                Err(error) => return Ok(failed(&error.to_string())),
            },
            (None, None) => return Err(ModuleError::new("one of the following is required: file, dir")),
        };
        let mut vars = Entries::new();
        for file in &files {
            match read(context, file) {
                Ok(entries) => vars.extend(entries),
                Err(message) => return Ok(failed(&message)),
            }
        }
        if let Some(name) = args.str("name") {
            vars = Entries::from_iter([(name.into(), Value::Dict(Dict::new(vars)))]);
        }
        if args.str("hash_behaviour") == Some("merge") {
            for (key, value) in &mut vars {
                let old = context.vars.get(key.text().as_ref());
                if let (Some(Value::Dict(old)), Value::Dict(new)) = (old, &*value) {
                    *value = jinja::filters::combine::merge(old, new, true, "replace")?;
                }
            }
        }
        let files = files.iter().map(|file| Value::from(file.display().to_string())).collect();
        Ok(TaskResult::new()
            .with("ansible_included_var_files", Value::list(files))
            .with("ansible_facts", Value::Dict(Dict::new(vars)))
            .with("_ansible_no_log", false))
    }
}

fn failed(message: &str) -> TaskResult {
    TaskResult::new()
        .with("failed", true)
        .with("message", message)
        .with("ansible_included_var_files", Value::list(Vec::new()))
        .with("ansible_facts", Value::Dict(Dict::default()))
}

fn read(context: &ModuleContext, path: &Path) -> Result<Entries, String> {
    let bytes = context.env.read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    let name = path.display().to_string();
    match jinja::yaml::load_content(&text, &name).map_err(|error| error.to_string())? {
        Value::Dict(dict) => Ok(dict.entries()),
        Value::None => Ok(Entries::new()),
        _ => Err(format!("{} must be stored as a dictionary/hash", path.display())),
    }
}

/// The files of a directory that the arguments choose, each directory's files by name.
fn files_in(context: &ModuleContext, args: &Args, dir: &str) -> Result<Vec<PathBuf>, ModuleError> {
    let root = match (&context.task.role_path, Path::new(dir).is_absolute()) {
        (_, true) => PathBuf::from(dir),
        (Some(role), false) => role.join("vars").join(dir),
        (None, false) => context.task.file.parent().unwrap_or(Path::new("")).join(dir),
    };
    if !root.is_dir() {
        return Err(ModuleError::new(format!("{} directory does not exist", root.display())));
    }
    let pattern = args.str("files_matching").map(fancy_regex::Regex::new).transpose();
    let pattern = pattern.map_err(|error| ModuleError::new(error.to_string()))?;
    let ignored = args.texts("ignore_files").unwrap_or_default();
    let endings = args.texts("extensions").unwrap_or_default();
    let depth = args.int("depth").unwrap_or(0);
    let mut found = Vec::new();
    let mut level = vec![root];
    let mut at = 1;
    while !level.is_empty() && (depth == 0 || at <= depth) {
        let mut below = Vec::new();
        for dir in level {
            let mut entries: Vec<PathBuf> =
                std::fs::read_dir(&dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
            entries.sort();
            for path in entries {
                let name =
                    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                let ending =
                    path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
                if path.is_dir() {
                    below.push(path);
                } else if !ignored.contains(&name)
                    && pattern.as_ref().is_none_or(|pattern| pattern.is_match(&name).unwrap_or(false))
                {
                    if endings.contains(&ending) {
                        found.push(path);
                    } else if !args.flag("ignore_unknown_extensions") {
                        let valid = endings.join(", ");
                        return Err(ModuleError::new(format!(
                            "{} does not have a valid extension: {valid}",
                            path.display()
                        )));
                    }
                }
            }
        }
        level = below;
        at += 1;
    }
    Ok(found)
}
