//! Lookups that read files: `file`, `template`, `fileglob`, `lines`, `pipe`, `ini`, `first_found`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::{Lookup, Options};
use crate::jinja::error::{Error, ErrorKind};
use crate::jinja::parse::{Delimiters, Syntax};
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
    let bytes = templar.env.read(&path).map_err(|error| {
        Error::plugin(format!("The '{lookup}' lookup had an issue accessing the file '{name}'. {error}"))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn find(templar: &Templar, folder: &str, name: &str) -> Option<PathBuf> {
    search::candidates(&search_dirs(templar), folder, Path::new(name)).into_iter().find(|path| path.exists())
}

/// The search path of the task, or the directory of the playbook.
pub(super) fn search_dirs(templar: &Templar) -> Vec<PathBuf> {
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
    let source = templar.env.read(path)?;
    let source = String::from_utf8_lossy(&source).into_owned();
    let mut vars: Vars = templar.vars.as_ref().clone();
    vars.extend(template_vars(path, name, &templar.env.settings.managed));
    if let Some(extra) = options.get("template_vars").and_then(Value::as_dict) {
        vars.extend(extra.entries().into_iter().map(|(key, value)| (Arc::from(key.text().as_ref()), value)));
    }
    let dirs = include_dirs(path, templar);
    let native = templar.env.settings.native;
    let own_native = native && options.flag("jinja2_native", false);
    let mut templar = templar.with_vars(Arc::new(vars)).with_include_path(dirs);
    if native && !own_native {
        templar.env = Arc::new(templar.env.text_only());
    }
    let convert = options.flag("convert_data", true);
    let template_options = TemplateOptions {
        convert_data: convert,
        escape_backslashes: false,
        syntax: syntax(options),
        ..TemplateOptions::default()
    };
    let rendered = templar.template_with(&Value::from(source), &template_options)?;
    if convert && (own_native || !native) {
        return Ok(rendered);
    }
    // Text that nothing reads as a literal any more.
    Ok(Value::Str(match rendered {
        Value::Str(text) => text.into_native(),
        other => Str::new(other.to_string()).into_native(),
    }))
}

/// The directory of a template and `templates/` of each directory of the search path.
#[must_use]
pub fn include_dirs(path: &Path, templar: &Templar) -> Vec<PathBuf> {
    let own = path.parent().map(Path::to_owned).unwrap_or_default();
    std::iter::once(own).chain(templar.search_path().iter().map(|dir| dir.join("templates"))).collect()
}

/// The text of `ansible_managed` with its own fields as variables, and doubled braces as single ones (`str.format`).
fn formatted(managed: &str) -> String {
    const FIELDS: &[(&str, &str)] = &[
        ("{{", "{"),
        ("}}", "}"),
        ("{host}", "{{ template_host }}"),
        ("{uid}", "{{ template_uid }}"),
        ("{file}", "{{ template_path }}"),
    ];
    let (mut out, mut rest) = (String::new(), managed);
    while let Some(c) = rest.chars().next() {
        let field = FIELDS.iter().find(|(field, _)| rest.starts_with(field));
        let length = match field {
            Some((field, meaning)) => {
                out.push_str(meaning);
                field.len()
            }
            None => {
                out.push(c);
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

/// Variables that every template file sees (`generate_ansible_template_vars`).
#[must_use]
pub fn template_vars(path: &Path, name: &str, managed: &str) -> Vec<(Arc<str>, Value)> {
    let unsafe_text = |text: String| Value::Str(Str::new(text).into_unsafe());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let now = crate::jinja::datetime::now(false);
    let metadata = std::fs::metadata(path).ok();
    let seconds = metadata.as_ref().map(std::os::unix::fs::MetadataExt::mtime);
    let modified =
        seconds.and_then(|it| crate::jinja::datetime::from_epoch(it as f64, false).ok()).unwrap_or(now);
    let owner = metadata.as_ref().map_or(0, std::os::unix::fs::MetadataExt::uid);
    let managed = formatted(managed);
    let managed = crate::jinja::datetime::strftime(&modified, &managed).unwrap_or(managed);
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    vec![
        ("ansible_managed".into(), Value::from(managed)),
        ("template_host".into(), unsafe_text(host.trim().to_owned())),
        ("template_path".into(), unsafe_text(name.to_owned())),
        ("template_fullpath".into(), unsafe_text(full.display().to_string())),
        ("template_run_date".into(), Value::DateTime(now)),
        ("template_mtime".into(), Value::DateTime(modified)),
        ("template_uid".into(), unsafe_text(user_name(owner))),
        ("template_destpath".into(), Value::None),
    ]
}

/// The name of a user, or the number when `/etc/passwd` has none.
fn user_name(uid: u32) -> String {
    let database = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id = uid.to_string();
    let found = database
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|it| it.get(2) == Some(&id.as_str()));
    found.and_then(|fields| fields.first().map(|name| (*name).to_owned())).unwrap_or(id)
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
            lines.extend(crate::jinja::split_lines(&output).into_iter().map(Value::from));
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
        let mut search = FirstFoundSearch { options: options.clone(), skip: false, names: Vec::new() };
        let terms = if terms.is_empty() { listed(options.get("files")) } else { terms };
        search.terms(&terms)?;
        for name in &search.names {
            let name = match templar.template(&Value::from(name.as_str())) {
                Err(error) if error.kind() == ErrorKind::Undefined => continue,
                name => name?.to_string(),
            };
            for folder in ["files", "templates", "vars"] {
                if let Some(path) = find(templar, folder, &name) {
                    return Ok(vec![Value::from(path.display().to_string())]);
                }
            }
        }
        if search.skip {
            return Ok(Vec::new());
        }
        Err(Error::plugin("No file was found when using first_found."))
    }
}

/// The items of an option that is a list, or text with commas.
fn listed(value: Option<&Value>) -> Vec<Value> {
    match value {
        Some(Value::List(list)) => list.items(),
        Some(Value::None) | None => Vec::new(),
        Some(other) => other.to_string().split(',').map(|part| Value::from(part.trim())).collect(),
    }
}

/// What `first_found` looks for, collected from its terms.
struct FirstFoundSearch {
    /// The options of the call, or of the last dict among the terms.
    options: Options,
    skip: bool,
    names: Vec<String>,
}

impl FirstFoundSearch {
    fn terms(&mut self, terms: &[Value]) -> Result<(), Error> {
        for term in terms {
            let files = match term {
                Value::Dict(dict) => {
                    let entries = dict.entries().into_iter();
                    self.options =
                        Options::new(entries.map(|(key, value)| (key.text().into_owned(), value)).collect());
                    listed(self.options.get("files"))
                }
                Value::Str(_) => vec![term.clone()],
                other if other.is_sequence() => {
                    self.terms(&crate::jinja::ops::iterate(other)?)?;
                    continue;
                }
                other => {
                    crate::jinja::ops::defined(other)?;
                    return Err(Error::plugin(format!(
                        "Invalid term supplied, can handle string, mapping or list of strings but got: {} for {other}",
                        other.class_name()
                    )));
                }
            };
            self.skip = self.options.flag("skip", false);
            let parts = |values: &[Value], separators: &[char]| -> Vec<String> {
                let texts = values.iter().map(ToString::to_string);
                texts
                    .flat_map(|text| text.split(separators).map(ToOwned::to_owned).collect::<Vec<_>>())
                    .collect()
            };
            let files = parts(&files, &[',', ';']);
            let paths = parts(&listed(self.options.get("paths")), &[',', ':', ';']);
            if paths.is_empty() {
                self.names.extend(files);
                continue;
            }
            for path in &paths {
                self.names.extend(files.iter().map(|file| Path::new(path).join(file).display().to_string()));
            }
        }
        Ok(())
    }
}

/// `lookup('unvault', name…)`: the content of a file, decrypted if it is encrypted.
pub struct Unvault;

impl Lookup for Unvault {
    fn run(&self, terms: Vec<Value>, _: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let read = |term: &Value| {
            let name = term.to_string();
            let path = find(templar, "files", &name)
                .ok_or_else(|| Error::exception(format!("Unable to find file matching \"{name}\" ")))?;
            templar.env.read(&path).map(|bytes| Value::from(String::from_utf8_lossy(&bytes).into_owned()))
        };
        terms.iter().map(read).collect()
    }
}
