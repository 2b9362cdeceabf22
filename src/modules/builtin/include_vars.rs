//! `include_vars`: reads variables from files while running (`plugins/action/include_vars.py`).

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::jinja::filters::regex;
use crate::jinja::value::{Dict, Entries};
use crate::jinja::{self, Value};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.include_vars`.
pub(super) struct IncludeVars;

pub(super) static SPEC: Spec = Spec {
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

/// There is no name to look for.
const NO_FILE: &str = "Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option";

#[async_trait]
impl Module for IncludeVars {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let given = |names: &[&str]| names.iter().any(|name| context.task.untemplated.contains_key(*name));
        let of_dirs =
            ["dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"];
        if given(&of_dirs) && given(&["file", "_raw_params"]) {
            return Err(ModuleError::new(
                "You are mixing file only and dir only arguments, these are incompatible",
            ));
        }
        let single = args.str("file").or_else(|| args.str("_raw_params"));
        let single = single.map(|name| name.trim_end_matches('\n').to_owned());
        let mut included = Vec::new();
        let mut vars = Entries::new();
        let read = match (args.str("dir"), single) {
            (Some(dir), _) => read_dir(context, &args, dir, &mut included, &mut vars)?,
            (None, Some(name)) if name.is_empty() => Err(NO_FILE.to_owned()),
            (None, Some(name)) => match context.find("vars", &name) {
                Ok(path) => read(context, &path, &mut included, &mut vars),
                Err(error) => Err(error.to_string()),
            },
            (None, None) => return Err(ModuleError::new("one of the following is required: file, dir")),
        };
        if let Some(name) = args.str("name") {
            vars = Entries::from_iter([(name.into(), Value::Dict(Dict::new(vars)))]);
        }
        let mut result = TaskResult::new();
        match read {
            Err(message) => result = result.with("failed", true).with("message", message),
            Ok(()) if args.str("hash_behaviour") == Some("merge") => merge(context, &mut vars)?,
            Ok(()) => {}
        }
        Ok(result
            .with("ansible_included_var_files", Value::list(included))
            .with("ansible_facts", Value::Dict(Dict::new(vars)))
            .with("_ansible_no_log", false))
    }
}

/// Merges dicts with the variables of the same names.
fn merge(context: &ModuleContext, vars: &mut Entries) -> Result<(), ModuleError> {
    let templar = context.templar();
    for (key, value) in vars {
        let old = templar.variable(key.text().as_ref()).ok().flatten();
        if let (Some(Value::Dict(old)), Value::Dict(new)) = (old, &*value) {
            *value = jinja::filters::combine::merge(&old, new, true, "replace");
        }
    }
    Ok(())
}

/// Reads a file into the variables.
fn read(
    context: &ModuleContext,
    path: &Path,
    included: &mut Vec<Value>,
    vars: &mut Entries,
) -> Result<(), String> {
    let bytes = context.env.read(path).map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes);
    let name = path.display().to_string();
    match jinja::yaml::load_content(&text, &name).map_err(|error| error.to_string())? {
        Value::Dict(dict) => vars.extend(dict.entries()),
        value if !jinja::ops::truthy_or_false(&value) => {}
        _ => return Err(format!("{} must be stored as a dictionary/hash", path.display())),
    }
    included.push(Value::from(path.display().to_string()));
    Ok(())
}

/// Where a directory is: in the role's `vars`, or beside the file of the task.
fn root(context: &ModuleContext, dir: &str) -> PathBuf {
    match &context.task.role_path {
        Some(role) if dir.split('/').next() == Some("vars") => {
            let within = role.join(dir);
            if within.exists() { within } else { context.path(dir) }
        }
        Some(role) => role.join("vars").join(dir),
        None => context.task.place.file.parent().unwrap_or(Path::new("")).join(dir),
    }
}

/// Reads the files of a directory that the arguments choose, each directory's files by name.
fn read_dir(
    context: &ModuleContext,
    args: &Args,
    dir: &str,
    included: &mut Vec<Value>,
    vars: &mut Entries,
) -> Result<Result<(), String>, ModuleError> {
    let root = root(context, dir);
    let shown = root.display();
    if !root.exists() {
        return Ok(Err(format!("{shown} directory does not exist")));
    }
    if !root.is_dir() {
        return Ok(Err(format!("{shown} is not a directory")));
    }
    let wanted =
        args.str("files_matching").map(|pattern| regex::compile(pattern, false, false)).transpose()?;
    let ignored = args.texts("ignore_files").unwrap_or_default();
    let ignored = ignored.iter().flat_map(|names| names.split_whitespace());
    let ignored = ignored.map(|name| {
        regex::compile(&format!("{name}$"), false, false)
            .map_err(|_| ModuleError::new(format!("Invalid regular expression: {name}")))
    });
    let ignored: Vec<fancy_regex::Regex> = ignored.collect::<Result<_, _>>()?;
    let found = |pattern: &fancy_regex::Regex, name: &str| pattern.is_match(name).unwrap_or(false);
    let endings = args.texts("extensions").unwrap_or_default();
    let depth = usize::try_from(args.int("depth").unwrap_or(0)).unwrap_or(0);
    let main = context.task.role_path.as_ref().map(|role| role.join("vars").join("main.yml"));
    for path in files_below(&root, depth) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        let chosen = wanted.as_ref().is_none_or(|pattern| found(pattern, &name));
        if main.as_ref() == Some(&path) || !chosen || ignored.iter().any(|pattern| found(pattern, &name)) {
            continue;
        }
        if !endings.contains(&ending) {
            if args.flag("ignore_unknown_extensions") {
                continue;
            }
            let valid = endings.join(", ");
            return Ok(Err(format!("{} does not have a valid extension: {valid}", path.display())));
        }
        if let Err(message) = read(context, &path, included, vars) {
            return Ok(Err(message));
        }
    }
    Ok(Ok(()))
}

/// The files below a directory as far as `depth` says, zero for all: directories by their paths, each
/// one's files by name.
fn files_below(root: &Path, depth: usize) -> Vec<PathBuf> {
    let mut dirs = vec![(root.to_owned(), 1)];
    let mut found: Vec<(PathBuf, Vec<PathBuf>)> = Vec::new();
    while let Some((dir, level)) = dirs.pop() {
        let entries = super::tree::list(&dir).unwrap_or_default();
        let (below, files): (Vec<PathBuf>, Vec<PathBuf>) =
            entries.into_iter().partition(|path| path.is_dir());
        found.push((dir, files));
        // A link that leads back up would have no end.
        if (depth == 0 || level < depth) && level < 64 {
            dirs.extend(below.into_iter().map(|dir| (dir, level + 1)));
        }
    }
    found.sort();
    found.into_iter().flat_map(|(_, files)| files).collect()
}
