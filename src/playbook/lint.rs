//! The migration report: everything in roles and playbooks that would not run here.
//!
//! Loading finds what it reaches; a report also reads every file of tasks, variables and templates, names the
//! programs that tasks call, and the plugins in Python that a project ships.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::{self, Findings};
use super::content::Options;
use super::error::{Kind, LoadError};
use super::files::{MAX_DEPTH, files_below, is_yaml};
use super::loader::{Loader, RoleFiles, RoleHead, Surroundings};
use super::tree::{Action, Node, Place, Task};
use crate::jinja::Value;
use crate::yaml::{Dialect, Kind as YamlKind, Limits, Source, python};

/// What was found in a project.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Everything that was found, by file and line.
    pub findings: Vec<LoadError>,
    /// The roles that were read.
    pub roles: usize,
    /// The playbooks that were read.
    pub playbooks: usize,
    /// The files that were read.
    pub files: usize,
    /// How often each program is called.
    pub programs: BTreeMap<String, usize>,
}

impl Report {
    /// How many findings there are of each kind that has any.
    pub fn counts(&self) -> impl Iterator<Item = (Kind, &'static str, usize)> {
        Kind::ALL.iter().filter_map(|(kind, name)| {
            let count = self.findings.iter().filter(|finding| finding.kind == *kind).count();
            (count > 0).then_some((*kind, *name, count))
        })
    }

    /// Whether something would not run.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.iter().all(|finding| finding.kind.is_note())
    }
}

/// Directories that hold no content which an operator runs.
const SKIPPED: &[&str] = &["molecule", "tests", "node_modules", "target", "bundle", "config", "hack", "docs"];

/// Directories of plugins, and what is in them.
const PLUGINS: &[&str] = &[
    "library",
    "action_plugins",
    "callback_plugins",
    "filter_plugins",
    "lookup_plugins",
    "module_utils",
    "test_plugins",
    "vars_plugins",
    "strategy_plugins",
    "connection_plugins",
    "inventory_plugins",
];

/// Those that run where Python is, by their names beside playbooks and in collections.
const RUN: &[&str] = &[
    "library",
    "modules",
    "module_utils",
    "action_plugins",
    "action",
    "filter_plugins",
    "filter",
    "lookup_plugins",
    "lookup",
    "test_plugins",
    "test",
];

/// Reads a playbook, a role, or everything below the directory of a project.
#[must_use]
pub fn lint(path: &Path, options: &Options) -> Report {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut found = Found::default();
    if path.is_file() {
        found.playbooks.insert(path.clone());
    } else {
        found.search(&path, 0);
    }
    let mut options = options.clone();
    let parents: BTreeSet<&Path> = found.roles.iter().filter_map(|role| role.parent()).collect();
    options.roles_path.extend(parents.into_iter().map(Path::to_owned));
    options.collections_path.extend(found.collections.iter().cloned());
    let basedir = if path.is_file() { path.parent().unwrap_or(&path).to_owned() } else { path.clone() };
    let mut linter =
        Linter { options: &options, findings: Vec::new(), seen: HashSet::new(), report: Report::default() };
    for role in &found.roles {
        linter.role(role, &basedir);
    }
    for playbook in &found.playbooks {
        linter.playbook(playbook);
    }
    for plugin in &found.plugins {
        linter.plugin(plugin);
    }
    linter.finish()
}

/// What a project has.
#[derive(Default)]
struct Found {
    roles: BTreeSet<PathBuf>,
    playbooks: BTreeSet<PathBuf>,
    plugins: BTreeSet<PathBuf>,
    collections: BTreeSet<PathBuf>,
}

impl Found {
    fn search(&mut self, directory: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let is_role = directory.join("tasks").is_dir() || directory.join("meta/main.yml").is_file();
        if is_role {
            self.roles.insert(directory.to_owned());
        }
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if path.is_symlink() || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                if name == "ansible_collections" {
                    self.collections.insert(directory.to_owned());
                }
                if PLUGINS.contains(&name.as_str()) || (name == "plugins" && !is_role) {
                    self.plugins(&path, depth + 1);
                } else if !(SKIPPED.contains(&name.as_str()) || is_role && PARTS.contains(&name.as_str())) {
                    self.search(&path, depth + 1);
                }
            } else if !is_role && is_yaml(&path) && is_playbook(&path) {
                self.playbooks.insert(path);
            }
        }
    }

    fn plugins(&mut self, directory: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                self.plugins(&path, depth + 1);
            } else if path.extension().is_some_and(|ending| ending == "py")
                && path.file_name().is_some_and(|name| name != "__init__.py")
            {
                self.plugins.insert(path);
            }
        }
    }
}

/// The directories of a role.
const PARTS: &[&str] = &["tasks", "handlers", "defaults", "vars", "meta", "templates", "files", "tests"];

/// Whether a file is a list with a play in it.
fn is_playbook(path: &Path) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let name = path.display().to_string();
    let Ok(node) = python::Loader::new(&name).with_tags(&["!vault", "!unsafe"]).load(&bytes) else {
        return false;
    };
    let is_play = |item: &python::Node| {
        let has = |key: &str| item.value.as_dict().is_some_and(|dict| dict.get(key).is_some());
        has("hosts") || has("import_playbook") || has("ansible.builtin.import_playbook")
    };
    node.value.as_list().is_some_and(|items| items.iter().any(is_play))
}

/// Whether a file begins with a dict: objects for lookups and templates lie among the files of tasks.
fn is_object(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap_or_default();
    let source = Source::new(&bytes);
    let first = source.documents(Dialect::LibYaml, Limits::default()).next();
    first.is_some_and(|first| first.is_ok_and(|first| matches!(first.root().kind(), YamlKind::Mapping)))
}

struct Linter<'a> {
    options: &'a Options,
    findings: Vec<LoadError>,
    /// The tasks whose programs were counted.
    seen: HashSet<(Arc<PathBuf>, u32)>,
    report: Report,
}

impl Linter<'_> {
    fn role(&mut self, path: &Path, basedir: &Path) {
        self.report.roles += 1;
        let mut loader = Loader::new(self.options, basedir.to_owned());
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let place = Place { file: Arc::new(path.to_owned()), line: 1, column: 1 };
        let mut nodes = Vec::new();
        let mut collections = Arc::default();
        if let Some(role) = loader.role_at(path, &name, RoleFiles::default(), &place) {
            nodes.extend(role.nodes.iter().cloned());
            nodes.extend(role.handlers.iter().cloned());
            collections = Arc::clone(&role.collections);
        }
        for (folder, handlers) in [("tasks", false), ("handlers", true)] {
            for file in files_below(&path.join(folder), is_yaml) {
                self.report.files += 1;
                let around = Surroundings {
                    role: Some(RoleHead { path: path.to_owned() }),
                    collections: Arc::clone(&collections),
                    handlers,
                    included: file.file_stem().is_some_and(|stem| stem != "main"),
                    ..Surroundings::default()
                };
                let before = loader.errors.len();
                if let Some(tasks) = loader.task_file(&file, &around, None) {
                    nodes.extend(tasks.iter().cloned());
                }
                if loader.errors.len() > before && is_object(&file) {
                    loader.errors.truncate(before);
                }
            }
        }
        for folder in ["defaults", "vars"] {
            for file in files_below(&path.join(folder), is_yaml) {
                self.report.files += 1;
                loader.vars_file(&file);
            }
        }
        self.take(loader);
        self.programs(&nodes, 0);
        for file in files_below(&path.join("templates"), |_| true) {
            self.template(&file);
        }
    }

    fn playbook(&mut self, path: &Path) {
        self.report.playbooks += 1;
        self.report.files += 1;
        let basedir = path.parent().map(Path::to_owned).unwrap_or_default();
        let mut loader = Loader::new(self.options, basedir);
        let plays = loader.playbook(path);
        self.take(loader);
        for play in plays {
            for nodes in [&play.pre_tasks, &play.roles, &play.tasks, &play.post_tasks, &play.handlers] {
                self.programs(nodes, 0);
            }
        }
    }

    fn take(&mut self, loader: Loader<'_>) {
        self.findings.extend(loader.errors);
        self.findings.extend(loader.warnings);
    }

    /// A file of `templates/`: what Jinja finds in it.
    fn template(&mut self, path: &Path) {
        let Ok(text) = std::fs::read_to_string(path) else { return };
        if !text.contains("{{") && !text.contains("{%") {
            return;
        }
        self.report.files += 1;
        let file = Arc::new(path.to_owned());
        let mut found = Findings::default();
        check::file(&text, &file, &self.options.environment, &mut found);
        for (kind, place, message, hint) in found.found {
            self.add(kind, &place, message, hint, &text);
        }
    }

    fn plugin(&mut self, path: &Path) {
        let place = Place { file: Arc::new(path.to_owned()), line: 1, column: 1 };
        let runs = path.iter().any(|part| part.to_str().is_some_and(|part| RUN.contains(&part)));
        let (message, hint) = if runs {
            (
                "this is Python, which runs in a process of its own",
                "keep Python and ansible-core in the image",
            )
        } else {
            ("this plugin is Python, which daytwo does not run", "write it as a task or a program")
        };
        self.add(Kind::Python, &place, message.to_owned(), Some(hint.to_owned()), "");
    }

    fn add(&mut self, kind: Kind, place: &Place, message: String, hint: Option<String>, text: &str) {
        let line = place.line as usize;
        self.findings.push(LoadError {
            kind,
            file: place.file.as_ref().clone(),
            line,
            column: place.column as usize,
            message,
            missing: false,
            text: text.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned(),
            hint,
        });
    }

    /// Names the programs that tasks call.
    fn programs(&mut self, nodes: &[Node], depth: usize) {
        if depth > MAX_DEPTH * 4 {
            return;
        }
        for node in nodes {
            match node {
                Node::Task(task) => self.task(task),
                Node::Block(block) => {
                    for nodes in [&block.body, &block.rescue, &block.always] {
                        self.programs(nodes, depth + 1);
                    }
                }
                Node::Import(import) => self.programs(&import.nodes, depth + 1),
                Node::Role(_) => {}
            }
        }
    }

    fn task(&mut self, task: &Task) {
        if !self.seen.insert((Arc::clone(&task.place.file), task.place.line)) {
            return;
        }
        let Action::Module(module) = task.action else { return };
        let argument = |name: &str| task.args.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let programs = match module {
            "ansible.builtin.command" => {
                let argv = task
                    .args
                    .get("argv")
                    .and_then(Value::as_list)
                    .and_then(|list| list.items().first().cloned());
                let text = argv.map(|first| first.to_string());
                let text = text.or_else(|| argument("_raw_params")).or_else(|| argument("cmd"));
                text.as_deref().and_then(program).into_iter().collect()
            }
            "ansible.builtin.shell" | "ansible.builtin.raw" => {
                let text = argument("_raw_params").or_else(|| argument("cmd")).unwrap_or_default();
                shell_programs(&text)
            }
            _ => return,
        };
        for program in programs {
            *self.report.programs.entry(program.clone()).or_default() += 1;
            let message = format!("runs the program '{program}', which must be in the image");
            self.add(Kind::Program, &task.place, message, None, "");
        }
    }

    fn finish(self) -> Report {
        let mut report = self.report;
        let mut findings = self.findings;
        findings.sort_by(|a, b| {
            (&a.file, a.line, a.column, &a.message).cmp(&(&b.file, b.line, b.column, &b.message))
        });
        findings.dedup_by(|a, b| {
            (&a.file, a.line, a.column, &a.message) == (&b.file, b.line, b.column, &b.message)
        });
        report.findings = findings;
        report
    }
}

/// What shells do themselves.
const SHELL_WORDS: &[&str] = &[
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "{",
    "}", "(", ")", "[", "[[", "!", ":", ".", "cd", "echo", "exit", "export", "set", "unset", "test", "true",
    "false", "read", "return", "shift", "source", "trap", "umask", "wait", "eval", "exec", "local", "printf",
    "function",
];

/// The program that a command begins with, unless a template names it.
fn program(command: &str) -> Option<String> {
    let word = command.split_whitespace().next()?.trim_matches(['"', '\'']);
    let name = word.rsplit('/').next().unwrap_or(word);
    let plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '+'))
        && name.starts_with(|c: char| c.is_ascii_alphabetic());
    plain.then(|| name.to_owned())
}

/// The programs of a text for a shell: the first words of its commands.
fn shell_programs(text: &str) -> Vec<String> {
    let mut programs: Vec<String> = Vec::new();
    let mut plain = String::new();
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '\\') => {
                if rest.next() != Some('\n') {
                    plain.push('_');
                }
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => plain.push('\u{1}'),
            (None, c) => plain.push(c),
        }
    }
    for command in plain.split(['|', '&', ';', '\n']) {
        let mut words = command.split_whitespace().skip_while(|word| {
            SHELL_WORDS[..8].contains(word) || matches!(*word, "do" | "!" | "{" | "(") || word.contains('=')
        });
        let Some(word) = words.next() else { continue };
        if SHELL_WORDS.contains(&word) || word.starts_with('#') {
            continue;
        }
        if let Some(name) = program(word).filter(|name| !programs.contains(name)) {
            programs.push(name);
        }
    }
    programs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_commands() {
        assert_eq!(program("/usr/bin/openssl req -x"), Some("openssl".to_owned()));
        assert_eq!(program("{{ cmd }} x"), None);
        assert_eq!(program("  "), None);
        let text = "set -e\nif [ -f x ]; then kubectl get pods | grep 'a | b' && FOO=1 jq .; fi\necho hi \\\n  there";
        assert_eq!(shell_programs(text), ["kubectl", "grep", "jq"]);
    }
}
