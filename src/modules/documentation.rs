//! `docs/modules`: a page for each module that tells about itself, from the data of its [`Spec`].
//!
//! The pages stand in the repository; `tests/module_docs.rs` says when they are stale, and `make docs` (which
//! sets `DAYTWO_WRITE_DOCS`) writes them anew.

use std::fmt::Write as _;

use super::{CheckMode, Kind, Opt, Registry, Requirement, Spec};

/// The pages of all modules that tell about themselves, and an overview: names of files and texts.
#[must_use]
pub fn pages() -> Vec<(String, String)> {
    let specs = told();
    let mut pages = vec![("README.md".to_owned(), overview(&specs))];
    pages.extend(specs.iter().map(|spec| (format!("{}.md", short(spec)), page(spec))));
    pages
}

/// The modules that tell about themselves.
#[must_use]
pub fn told() -> Vec<&'static Spec> {
    let registry = Registry::all();
    registry.modules().map(|module| module.spec).filter(|spec| !spec.doc.text.is_empty()).collect()
}

fn short(spec: &Spec) -> &'static str {
    spec.name.rsplit('.').next().unwrap_or(spec.name)
}

fn page(spec: &Spec) -> String {
    let mut page = format!("# {}\n\n{}\n", spec.name, spec.doc.text);
    let check = match spec.check_mode {
        CheckMode::Full => "In check mode it tells what it would change.",
        CheckMode::None => "In check mode it is skipped.",
    };
    let _ = writeln!(page, "\n{check}\n\n## Arguments\n\n| name | type | meaning |\n|---|---|---|");
    rows(&mut page, "", spec.all_options());
    let rules: Vec<String> = spec.requirements.iter().map(rule).collect();
    if !rules.is_empty() {
        let _ = writeln!(page, "\n{}", rules.join("\n"));
    }
    if !spec.doc.returns.is_empty() {
        page.push_str("\n## Result\n\n| name | meaning |\n|---|---|\n");
        for (name, meaning) in spec.doc.returns {
            let _ = writeln!(page, "| `{name}` | {meaning} |");
        }
    }
    let _ = writeln!(page, "\n## Examples\n\n```yaml\n{}\n```", spec.doc.examples.trim_end());
    page
}

fn rows<'a>(page: &mut String, prefix: &str, options: impl Iterator<Item = &'a Opt>) {
    for option in options {
        let name = format!("{prefix}{}", option.name);
        let mut notes = Vec::new();
        if option.required {
            notes.push("required".to_owned());
        }
        if let Some(default) = option.default {
            notes.push(if default.is_empty() { "empty".to_owned() } else { format!("`{default}`") });
        }
        if !option.choices.is_empty() {
            notes.push(format!("one of `{}`", option.choices.join("`, `")));
        }
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        let _ = writeln!(
            page,
            "| `{name}` | {}{notes} | {} |",
            kind(option.kind),
            option.doc.replace('|', "\\|")
        );
        rows(page, &format!("{name}."), option.options.iter());
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Str => "text",
        Kind::Bool => "yes or no",
        Kind::Int => "number",
        Kind::Float => "decimal",
        Kind::List => "list",
        Kind::ListOfStr => "list of texts",
        Kind::ListOfPath => "list of paths",
        Kind::ListOfInt => "list of numbers",
        Kind::Dict => "dict",
        Kind::Path => "path",
        Kind::Raw => "any",
        Kind::Json => "JSON",
    }
}

fn rule(requirement: &Requirement) -> String {
    let list = |names: &[&str]| format!("`{}`", names.join("`, `"));
    match requirement {
        Requirement::MutuallyExclusive(names) => format!("- At most one of {}.", list(names)),
        Requirement::OneOf(names) => format!("- At least one of {}.", list(names)),
        Requirement::Together(names) => format!("- All or none of {}.", list(names)),
        Requirement::If(name, value, names) => {
            format!("- When `{name}` is `{value}`: {} too.", list(names))
        }
        Requirement::By(name, names) => format!("- When `{name}` is given: {} too.", list(names)),
    }
}

fn overview(specs: &[&Spec]) -> String {
    let mut page = "# Modules of daytwo\n\n\
        Day-2 steps as tasks of a role or playbook, beside Ansible's own modules and `kubernetes.core`. Each may be \
        called by its whole name, or by the short one when the play or role lists `daytwo.core` under \
        `collections`. These pages are made from the modules' own data by `make docs`.\n\n\
        | module | what it does |\n|---|---|\n"
        .to_owned();
    for spec in specs {
        let first = spec.doc.text.lines().next().unwrap_or_default();
        let _ = writeln!(page, "| [`{}`]({}.md) | {first} |", spec.name, short(spec));
    }
    page
}
