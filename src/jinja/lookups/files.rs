//! Lookups that read files: `file`, `template`, `fileglob`, `lines`, `pipe`, `ini`, `first_found`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::parse::{Delimiters, Newline, Syntax};
use crate::jinja::search;
use crate::jinja::templar::{Templar, TemplateOptions, Vars};
use crate::jinja::value::{Str, Value};

/// `lookup('file', name…)`.
pub struct File;

impl Lookup for File {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let (lstrip, rstrip) = (options.flag("lstrip", false), options.flag("rstrip", true));
        let read = |term: &Value| {
            let mut text = read_file(templar, "files", &term.to_string(), "file")?;
            if lstrip {
                text = text.trim_start().to_owned();
            }
            if rstrip {
                text.truncate(text.trim_end().len());
            }
            Ok(Value::from(text))
        };
        terms.iter().map(read).collect()
    }
}

/// The text of a file that a lookup names.
fn read_file(templar: &Templar, folder: &str, name: &str, lookup: &str) -> Result<String, Error> {
    let path = find(templar, folder, name)
        .ok_or_else(|| Error::plugin(format!("The '{lookup}' lookup had an issue accessing the file '{name}'. file not found, use -vvvvv to see paths searched")))?;
    let bytes =
        std::fs::read(&path).map_err(|error| Error::plugin(format!("could not read '{name}': {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn find(templar: &Templar, folder: &str, name: &str) -> Option<PathBuf> {
    search::candidates(&search_dirs(templar), folder, Path::new(name)).into_iter().find(|path| path.exists())
}

/// The search path of the task, or the directory of the playbook.
fn search_dirs(templar: &Templar) -> Vec<PathBuf> {
    let mut dirs = templar.search_path();
    if let Some(dir) = templar.vars.get("playbook_dir").and_then(Value::as_str).map(PathBuf::from)
        && !dirs.contains(&dir)
    {
        dirs.push(dir);
    }
    dirs
}

/// `lookup('template', name…)`.
pub struct Template;

impl Lookup for Template {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut results = Vec::with_capacity(terms.len());
        for term in &terms {
            let name = term.to_string();
            let path = find(templar, "templates", &name).ok_or_else(|| {
                Error::plugin(format!("the template file {name} could not be found for the lookup"))
            })?;
            results.push(render(&path, &name, &options, templar)?);
        }
        Ok(results)
    }
}

fn render(path: &Path, name: &str, options: &Options, templar: &Templar) -> Result<Value, Error> {
    let source =
        std::fs::read(path).map_err(|error| Error::plugin(format!("could not read '{name}': {error}")))?;
    let source = String::from_utf8_lossy(&source).into_owned();
    let mut vars: Vars = templar.vars.as_ref().clone();
    if let Some(extra) = options.get("template_vars").and_then(Value::as_dict) {
        vars.extend(extra.entries().into_iter().map(|(key, value)| (Arc::from(key.text().as_ref()), value)));
    }
    vars.extend(template_vars(path, name));
    let dirs = include_dirs(path, templar);
    let templar = templar.with_vars(Arc::new(vars)).with_include_path(dirs);
    let convert = options.flag("convert_data", true);
    let template_options = TemplateOptions {
        convert_data: convert,
        escape_backslashes: false,
        syntax: syntax(options),
        ..TemplateOptions::default()
    };
    let rendered = templar.render(&source, &template_options)?;
    Ok(match rendered {
        Value::Str(text) if !convert => Value::Str(text.into_native()),
        other => other,
    })
}

/// The directory of a template and `templates/` of each directory of the search path.
#[must_use]
pub fn include_dirs(path: &Path, templar: &Templar) -> Vec<PathBuf> {
    let own = path.parent().map(Path::to_owned).unwrap_or_default();
    std::iter::once(own).chain(templar.search_path().iter().map(|dir| dir.join("templates"))).collect()
}

/// Variables that every template file sees (`generate_ansible_template_vars`).
#[must_use]
pub fn template_vars(path: &Path, name: &str) -> Vec<(Arc<str>, Value)> {
    let unsafe_text = |text: String| Value::Str(Str::new(text).into_unsafe());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let now = crate::jinja::datetime::now(false);
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    vec![
        ("ansible_managed".into(), Value::from("Ansible managed")),
        ("template_host".into(), unsafe_text(host.trim().to_owned())),
        ("template_path".into(), unsafe_text(name.to_owned())),
        ("template_fullpath".into(), unsafe_text(full.display().to_string())),
        ("template_run_date".into(), Value::DateTime(now)),
        ("template_mtime".into(), Value::DateTime(now)),
        ("template_uid".into(), unsafe_text("root".to_owned())),
        ("template_destpath".into(), Value::None),
    ]
}

/// How a template file is read, by the options of a lookup or of the `template` module.
#[must_use]
pub fn syntax(options: &Options) -> Syntax {
    let text = |name: &str, default: &str| options.text(name).unwrap_or_else(|| default.to_owned());
    let pair = |kind: &str, open: &str, close: &str| {
        (text(&format!("{kind}_start_string"), open), text(&format!("{kind}_end_string"), close))
    };
    let delimiters = Delimiters {
        variable: pair("variable", "{{", "}}"),
        block: pair("block", "{%", "%}"),
        comment: pair("comment", "{#", "#}"),
        ..Delimiters::default()
    };
    Syntax {
        trim_blocks: options.flag("trim_blocks", true),
        lstrip_blocks: options.flag("lstrip_blocks", false),
        newline: options.text("newline_sequence").and_then(|it| Newline::from_text(&it)).unwrap_or_default(),
        delimiters: (delimiters != Delimiters::default()).then(|| Box::new(delimiters)),
        ..Syntax::default()
    }
}

/// `lookup('fileglob', pattern…)`.
pub struct FileGlob;

impl Lookup for FileGlob {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        for term in &terms {
            let pattern = term.to_string();
            let places = search::candidates(&search_dirs(templar), "files", Path::new(&pattern));
            let lists = places.iter().map(|place| super::fileglob::glob(&place.display().to_string()));
            let files = lists.map(|list| list.into_iter().filter(|path| path.is_file()).collect::<Vec<_>>());
            if let Some(files) = files.into_iter().find(|files| !files.is_empty()) {
                found.extend(files.into_iter().map(|path| Value::from(path.display().to_string())));
            }
        }
        Ok(found)
    }
}

/// `lookup('pipe', command…)`.
pub struct Pipe;

impl Lookup for Pipe {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let run = |term: &Value| {
            let output = shell(&term.to_string(), templar, "pipe")?;
            Ok(Value::from(output.trim_end().to_owned()))
        };
        terms.iter().map(run).collect()
    }
}

/// `lookup('lines', command…)`.
pub struct Lines;

impl Lookup for Lines {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut lines = Vec::new();
        for term in &terms {
            let output = shell(&term.to_string(), templar, "lines")?;
            lines.extend(
                crate::jinja::split_lines(&output).into_iter().map(|line| Value::from(line.trim_end())),
            );
        }
        Ok(lines)
    }
}

fn shell(command: &str, templar: &Templar, lookup: &str) -> Result<String, Error> {
    let mut process = Command::new("/bin/sh");
    process.arg("-c").arg(command);
    if let Some(dir) =
        templar.vars.get("playbook_dir").and_then(Value::as_str).filter(|dir| Path::new(dir).is_dir())
    {
        process.current_dir(dir);
    }
    let output = process
        .output()
        .map_err(|error| Error::plugin(format!("lookup_plugin.{lookup}({command}): {error}")))?;
    if !output.status.success() {
        let code = output.status.code().unwrap_or(-1);
        return Err(Error::exception(format!("lookup_plugin.{lookup}({command}) returned {code}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `lookup('first_found', …)`.
pub struct FirstFound;

impl Lookup for FirstFound {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut names = Vec::new();
        let mut skip = options.flag("skip", false);
        let listed = |value: Option<Value>| match value {
            Some(Value::List(list)) => list.items().iter().map(ToString::to_string).collect(),
            Some(Value::None) | None => Vec::new(),
            Some(other) => {
                let text = other.to_string();
                text.split([',', ';']).map(|part| part.trim().to_owned()).collect::<Vec<String>>()
            }
        };
        for term in terms.iter().cloned().chain(options.get("files").map(|files| {
            let paths = options.get("paths").cloned().unwrap_or(Value::None);
            Value::dict([("files", files.clone()), ("paths", paths)])
        })) {
            match &term {
                Value::Dict(dict) => {
                    skip |= dict.get("skip").is_some_and(|it| crate::jinja::ops::truthy_or_false(&it));
                    let (files, paths) = (listed(dict.get("files")), listed(dict.get("paths")));
                    if paths.is_empty() {
                        names.extend(files);
                    } else if files.is_empty() {
                        names.extend(paths);
                    } else {
                        names.extend(
                            paths
                                .iter()
                                .flat_map(|path| files.iter().map(move |file| format!("{path}/{file}"))),
                        );
                    }
                }
                Value::List(list) => names.extend(list.items().iter().map(ToString::to_string)),
                other => names.push(other.to_string()),
            }
        }
        for name in &names {
            for folder in ["files", "templates", "vars"] {
                if let Some(path) = find(templar, folder, name) {
                    return Ok(vec![Value::from(path.display().to_string())]);
                }
            }
        }
        if skip {
            return Ok(Vec::new());
        }
        Err(Error::plugin("No file was found when using first_found."))
    }
}

/// `lookup('ini', key, section=…, file=…)`.
pub struct Ini;

impl Lookup for Ini {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let file = options.text("file").unwrap_or_else(|| "ansible.ini".to_owned());
        let properties = options.text("type").as_deref() == Some("properties");
        let section = if properties {
            "java_properties".to_owned()
        } else {
            options.text("section").unwrap_or_else(|| "global".to_owned())
        };
        let text = read_file(templar, "files", &file, "ini")?;
        let text = if properties { format!("[java_properties]\n{text}") } else { text };
        let entries = ini_section(&text, &section, options.flag("case_sensitive", false));
        let find = |term: &Value| {
            let key = term.to_string();
            let key = if options.flag("case_sensitive", false) { key } else { key.to_lowercase() };
            let found =
                entries.as_ref().and_then(|entries| entries.iter().rev().find(|(name, _)| *name == key));
            match found {
                Some((_, value)) => Ok(Value::from(value.as_str())),
                None => Ok(options.get("default").cloned().unwrap_or_else(|| Value::from(""))),
            }
        };
        terms.iter().map(find).collect()
    }
}

/// The entries of a section.
fn ini_section(text: &str, wanted: &str, case_sensitive: bool) -> Option<Vec<(String, String)>> {
    let mut entries: Option<Vec<(String, String)>> = None;
    let mut inside = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name == wanted;
            if inside {
                entries.get_or_insert_default();
            }
            continue;
        }
        let Some(entries) = entries.as_mut().filter(|_| inside) else { continue };
        if line.starts_with([' ', '\t'])
            && let Some((_, value)) = entries.last_mut()
        {
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        let (key, value) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
        let key = if case_sensitive { key.trim().to_owned() } else { key.trim().to_lowercase() };
        entries.push((key, value.trim().to_owned()));
    }
    entries
}
