//! `replace`: every match of a pattern in a file (`modules/replace.py`).

use async_trait::async_trait;
use fancy_regex::Regex;

use super::attributes::FILE_OPTIONS;
use super::edit::Edited;
use super::text;
use crate::jinja::Value;
use crate::jinja::encoding::Encoding;
use crate::jinja::filters::regex::{compile, substitute};
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Spec, TaskResult};

/// `ansible.builtin.replace`.
pub(super) struct Replace;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    ..Spec::new(
        "ansible.builtin.replace",
        &[
            Opt::new("path", Kind::Path).required().aliases(&["dest", "destfile", "name"]),
            Opt::str("regexp").required(),
            Opt::str("replace").default(""),
            Opt::str("after"),
            Opt::str("before"),
            Opt::flag("backup"),
            Opt::str("validate"),
            Opt::str("encoding").default("utf-8"),
        ],
    )
};

#[async_trait]
impl Module for Replace {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let shown = args.str("path").unwrap_or_default();
        let missing = format!("Path {shown} does not exist !");
        let file = Edited::open(context, &args, Some(&missing))?;
        let encoding = Encoding::named(args.str("encoding").unwrap_or("utf-8"))?;
        let raw = text::to_bytes(file.before.as_deref().unwrap_or_default());
        let before = encoding.decode(&raw).map_err(|problem| {
            ModuleError::new(format!("Unable to read the contents of {shown}: {problem}"))
        })?;
        let (from, to) = match section(&args, &before)? {
            Ok(section) => section,
            Err(pattern) => {
                let msg = format!("Pattern for before/after params did not match the given file: {pattern}");
                return Ok(TaskResult::changed(false).with("rc", 0_i64).with("msg", msg));
            }
        };
        let pattern = compile(args.str("regexp").unwrap_or_default(), false, true)?;
        let replacement = args.str("replace").unwrap_or_default();
        let (new, count) = substitute(&pattern, &before[from..to], replacement, usize::MAX)
            .map_err(|error| ModuleError::new(format!("Unable to process replace due to error: {error}")))?;
        let changed = count > 0 && new != before[from..to];
        let after = format!("{}{new}{}", &before[..from], &before[to..]);
        let msg = if changed { format!("{count} replacements made") } else { String::new() };
        let encoded = text::from_bytes(&encoding.encode(&after)?);
        let finished = file.finish(changed.then_some(encoded.as_str()), &msg).await?;
        let mut result = TaskResult::changed(finished.changed).with("rc", 0_i64).with("msg", finished.msg);
        if changed && context.diff {
            let diff = [
                ("before_header", Value::from(shown)),
                ("before", Value::from(before.as_str())),
                ("after_header", Value::from(shown)),
                ("after", Value::from(after.as_str())),
            ];
            result = result.with("diff", Value::dict(diff));
        }
        Ok(match finished.backup {
            Some(backup) => result.with("backup_file", backup),
            None => result,
        })
    }
}

/// The part of the file between `after` and `before`, or the pattern that is nowhere.
fn section(args: &Args, text: &str) -> Result<Result<(usize, usize), String>, ModuleError> {
    let given = |name: &str| args.str(name).filter(|pattern| !pattern.is_empty());
    let pattern = match (given("after"), given("before")) {
        (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
        (Some(after), None) => format!("{after}(?P<subsection>.*)"),
        (None, Some(before)) => format!("(?P<subsection>.*){before}"),
        (None, None) => return Ok(Ok((0, text.len()))),
    };
    let compiled: Regex = compile(&format!("(?s){pattern}"), false, false)?;
    let captures = compiled.captures(text).map_err(|error| ModuleError::new(error.to_string()))?;
    let found = captures.and_then(|captures| captures.name("subsection").map(|it| (it.start(), it.end())));
    Ok(found.ok_or(pattern))
}
