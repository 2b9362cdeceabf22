//! `blockinfile`: a block of lines between two marks (`modules/blockinfile.py`).

use async_trait::async_trait;

use super::attributes::FILE_OPTIONS;
use super::edit::Edited;
use super::text;
use crate::jinja::Value;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.blockinfile`.
pub(super) struct Blockinfile;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    requirements: &[Requirement::MutuallyExclusive(&["insertbefore", "insertafter"])],
    ..Spec::new(
        "ansible.builtin.blockinfile",
        &[
            Opt::new("path", Kind::Path).required().aliases(&["dest", "destfile", "name"]),
            Opt::str("state").default("present").choices(&["absent", "present"]),
            Opt::str("marker").default("# {mark} ANSIBLE MANAGED BLOCK"),
            Opt::str("block").default("").aliases(&["content"]),
            Opt::str("insertafter"),
            Opt::str("insertbefore"),
            Opt::flag("create"),
            Opt::flag("backup"),
            Opt::str("validate"),
            Opt::str("marker_begin").default("BEGIN"),
            Opt::str("marker_end").default("END"),
            Opt::flag("append_newline"),
            Opt::flag("prepend_newline"),
        ],
    )
};

#[async_trait]
impl Module for Blockinfile {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let shown = args.str("path").unwrap_or_default();
        let missing = format!("Path {shown} does not exist !");
        let absent = (!args.flag("create")).then_some(missing.as_str());
        let file = Edited::open(context, &args, absent)?;
        let present = args.str("state") == Some("present");
        if file.before.is_none() {
            file.make_parents()?;
            if !present {
                return Ok(TaskResult::changed(false).with("msg", format!("File {shown} not present")));
            }
        }
        let before = file.before.as_deref();
        let block = block(&args, present);
        let after = replace(&args, before.unwrap_or_default(), &block)?;
        let msg = match before {
            Some(before) if before == after => "",
            None => "File created",
            Some(_) if block.is_empty() => "Block removed",
            Some(_) => "Block inserted",
        };
        let finished = file.finish((!msg.is_empty()).then_some(after.as_str()), msg).await?;
        let result = TaskResult::changed(finished.changed).with("msg", finished.msg);
        let content = file.content_diff(&after);
        if context.check && before.is_none() {
            return Ok(result.with("diff", content));
        }
        let diff = vec![content, file.attribute_diff(finished.attributes)];
        let result = result.with("diff", Value::list(diff));
        Ok(match finished.backup {
            Some(backup) => result.with("backup_file", backup),
            None => result,
        })
    }
}

/// The two marks, each a line.
fn marks(args: &Args) -> [String; 2] {
    ["marker_begin", "marker_end"].map(|mark| {
        let mark = args.str(mark).unwrap_or_default();
        let marker = args.str("marker").unwrap_or_default().replace("{mark}", mark);
        text::from_text(&format!("{marker}\n"))
    })
}

/// The lines of the block with its marks; nothing when there shall be no block.
fn block(args: &Args, present: bool) -> Vec<String> {
    let mut block = text::from_text(args.str("block").unwrap_or_default());
    if !present || block.is_empty() {
        return Vec::new();
    }
    if !block.ends_with('\n') {
        block.push('\n');
    }
    let [begin, end] = marks(args);
    let mut lines = vec![begin];
    lines.extend(text::split_lines(&block));
    lines.push(end);
    lines
}

/// The content with the block in the place of the old one, or where a new one goes.
fn replace(args: &Args, before: &str, block: &[String]) -> Result<String, ModuleError> {
    let mut lines = text::split_lines(before);
    let [begin, end] = marks(args);
    let last = |mark: &str| lines.iter().rposition(|line| line == mark);
    let mut at = match (last(&begin), last(&end)) {
        (Some(begin), Some(end)) => {
            let (from, to) = (begin.min(end), begin.max(end));
            lines.drain(from..=to);
            from
        }
        _ => place(args, before, &lines)?,
    };
    if let Some(line) =
        at.checked_sub(1).and_then(|at| lines.get_mut(at)).filter(|line| !line.ends_with('\n'))
    {
        line.push('\n');
    }
    let present = args.str("state") == Some("present");
    let blank_before = at == 0 || lines.get(at - 1).is_some_and(|line| line == "\n");
    if args.flag("prepend_newline") && present && !blank_before {
        lines.insert(at, "\n".to_owned());
        at += 1;
    }
    lines.splice(at..at, block.iter().cloned());
    let next = at + block.len();
    let follows = lines.get(next).is_some_and(|line| line != "\n");
    if args.flag("append_newline") && present && follows {
        lines.insert(next, "\n".to_owned());
    }
    Ok(lines.concat())
}

/// The number of the line before which a new block goes.
fn place(args: &Args, before: &str, lines: &[String]) -> Result<usize, ModuleError> {
    let (after, pattern) = match (args.str("insertafter"), args.str("insertbefore")) {
        (Some("EOF"), _) | (None, None) => return Ok(lines.len()),
        (_, Some("BOF")) => return Ok(0),
        (Some(pattern), _) => (true, pattern),
        (None, Some(pattern)) => (false, pattern),
    };
    let compiled = text::pattern(pattern)?;
    let mut found = None;
    if is_multiline(pattern) {
        // A pattern over several lines is searched in the whole file.
        if let Ok(Some(whole)) = compiled.find(before) {
            let end = if after { whole.end() } else { whole.start() };
            found = Some(before[..end].matches('\n').count());
        }
    } else {
        for (number, line) in lines.iter().enumerate() {
            if text::found(&compiled, line)? {
                found = Some(number);
            }
        }
    }
    Ok(found.map_or(lines.len(), |at| if after { at + 1 } else { at }))
}

/// Whether the flags at the beginning of a pattern hold `m`.
fn is_multiline(pattern: &str) -> bool {
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    flags.is_some_and(|(flags, _)| flags.chars().all(|c| c.is_ascii_alphabetic()) && flags.contains('m'))
}
