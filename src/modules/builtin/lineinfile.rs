//! `lineinfile`: one line of a file is there, or is not (`modules/lineinfile.py`).

use async_trait::async_trait;
use fancy_regex::Regex;

use super::attributes::FILE_OPTIONS;
use super::edit::Edited;
use super::text;
use crate::jinja::Value;
use crate::jinja::filters::regex::Template;
use crate::modules::{Args, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult};

/// `ansible.builtin.lineinfile`.
pub(super) struct Lineinfile;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS],
    requirements: &[
        Requirement::MutuallyExclusive(&["insertbefore", "insertafter"]),
        Requirement::MutuallyExclusive(&["regexp", "search_string"]),
        Requirement::MutuallyExclusive(&["backrefs", "search_string"]),
    ],
    ..Spec::new(
        "ansible.builtin.lineinfile",
        &[
            Opt::new("path", Kind::Path).required().aliases(&["dest", "destfile", "name"]),
            Opt::str("state").default("present").choices(&["absent", "present"]),
            Opt::str("regexp").aliases(&["regex"]),
            Opt::str("search_string"),
            Opt::str("line").aliases(&["value"]),
            Opt::str("insertafter"),
            Opt::str("insertbefore"),
            Opt::flag("backrefs"),
            Opt::flag("create"),
            Opt::flag("backup"),
            Opt::flag("firstmatch"),
            Opt::str("validate"),
        ],
    )
};

const EMPTY: &str = "is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the last line in the file rather than appending.";

#[async_trait]
impl Module for Lineinfile {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let mut warnings = Vec::new();
        if args.str("regexp") == Some("") {
            warnings.push(format!(
                "The regular expression {EMPTY} If this is desired, use '^' to match every line in the file and avoid this warning."
            ));
        } else if args.str("search_string") == Some("") {
            warnings.push(format!("The search string {EMPTY}"));
        }
        let result = if args.str("state") == Some("absent") {
            absent(context, &args).await
        } else {
            present(context, &args).await
        }?;
        Ok(result.warned(warnings))
    }
}

/// How a line is recognised.
enum Matcher {
    Pattern(Regex),
    Text(String),
    None,
}

impl Matcher {
    fn of(args: &Args) -> Result<Matcher, ModuleError> {
        Ok(match (args.str("regexp"), args.str("search_string")) {
            (Some(pattern), _) => Matcher::Pattern(text::pattern(pattern)?),
            (None, Some(found)) => Matcher::Text(text::from_text(found)),
            (None, None) => Matcher::None,
        })
    }

    fn matches(&self, line: &str) -> Result<bool, ModuleError> {
        match self {
            Matcher::Pattern(pattern) => text::found(pattern, line),
            Matcher::Text(found) => Ok(line.contains(found.as_str())),
            Matcher::None => Ok(false),
        }
    }
}

/// Where a line goes when none is recognised.
enum Place {
    Begin,
    End,
    After(Regex),
    Before(Regex),
}

impl Place {
    fn of(args: &Args) -> Result<Place, ModuleError> {
        Ok(match (args.str("insertafter"), args.str("insertbefore")) {
            (Some("BOF"), _) | (_, Some("BOF")) => Place::Begin,
            (Some("EOF"), _) | (None, None) => Place::End,
            (Some(pattern), _) => Place::After(text::pattern(pattern)?),
            (None, Some(pattern)) => Place::Before(text::pattern(pattern)?),
        })
    }
}

async fn absent(context: &ModuleContext, args: &Args) -> Result<TaskResult, ModuleError> {
    let matcher = Matcher::of(args)?;
    let line = args.str("line").map(text::from_text);
    let file = Edited::open(context, args, None)?;
    if matches!(matcher, Matcher::None) && line.is_none() {
        return Err(ModuleError::new("one of line, search_string, or regexp is required with state=absent"));
    }
    let Some(before) = &file.before else {
        return Ok(TaskResult::changed(false).with("msg", "file not present"));
    };
    let mut kept = String::with_capacity(before.len());
    let mut found = 0_i64;
    for current in text::lines(before) {
        let gone = match &matcher {
            Matcher::None => line.as_deref() == Some(current.trim_end_matches(['\r', '\n'])),
            matcher => matcher.matches(&current)?,
        };
        if gone {
            found += 1;
        } else {
            kept.push_str(&current);
        }
    }
    let msg = if found > 0 { format!("{found} line(s) removed") } else { String::new() };
    let finished = file.finish((found > 0).then_some(kept.as_str()), &msg).await?;
    let diff = vec![file.content_diff(&kept), file.attribute_diff(finished.attributes)];
    Ok(TaskResult::changed(finished.changed)
        .with("found", found)
        .with("msg", finished.msg)
        .with("backup", finished.backup.unwrap_or_default())
        .with("diff", Value::list(diff)))
}

async fn present(context: &ModuleContext, args: &Args) -> Result<TaskResult, ModuleError> {
    let shown = args.str("path").unwrap_or_default();
    let missing = format!("Destination {shown} does not exist !");
    let state = Edited::open(context, args, None)?;
    if args.flag("backrefs") && args.get("regexp").is_none() {
        return Err(ModuleError::new("regexp is required with backrefs=true"));
    }
    let Some(line) = args.str("line").map(text::from_text) else {
        return Err(ModuleError::new("line is required with state=present"));
    };
    if state.before.is_none() {
        if !args.flag("create") {
            return Err(ModuleError::new(missing).with("rc", 257_i64));
        }
        state.make_parents()?;
    }
    let file = state;
    let mut lines = text::lines(file.before.as_deref().unwrap_or_default());
    let msg = insert(args, &line, &mut lines)?;
    let after = lines.concat();
    let finished = file.finish((!msg.is_empty()).then_some(after.as_str()), msg).await?;
    let mut result = TaskResult::changed(finished.changed)
        .with("msg", finished.msg)
        .with("backup", finished.backup.unwrap_or_default());
    let content = file.content_diff(&after);
    result = if context.check && file.before.is_none() {
        result.with("diff", content)
    } else {
        result.with("diff", Value::list(vec![content, file.attribute_diff(finished.attributes)]))
    };
    Ok(result)
}

/// Where the line is, or where it goes.
#[derive(Default)]
struct Search {
    /// The line that is recognised.
    matched: Option<usize>,
    /// The line that is the wanted one already.
    exact: Option<usize>,
    /// Where a new line goes by `insertafter` or `insertbefore`.
    place: Option<usize>,
}

fn search(args: &Args, line: &str, lines: &[String], place: &Place) -> Result<Search, ModuleError> {
    let matcher = Matcher::of(args)?;
    let first = args.flag("firstmatch");
    let mut search = Search::default();
    for (number, current) in lines.iter().enumerate() {
        if matcher.matches(current)? {
            search.matched = Some(number);
            if first {
                break;
            }
        }
    }
    if search.matched.is_some() {
        return Ok(search);
    }
    for (number, current) in lines.iter().enumerate() {
        if current.trim_end_matches(['\r', '\n']) == line {
            search.exact = Some(number);
            continue;
        }
        let at = match place {
            Place::After(pattern) if text::found(pattern, current)? => number + 1,
            Place::Before(pattern) if text::found(pattern, current)? => number,
            _ => continue,
        };
        search.place = Some(at);
        if first {
            break;
        }
    }
    Ok(search)
}

/// Puts the line among the lines; what was done, nothing when it is there already.
fn insert(args: &Args, line: &str, lines: &mut Vec<String>) -> Result<&'static str, ModuleError> {
    let place = Place::of(args)?;
    let search = search(args, line, lines, &place)?;
    let backrefs = args.flag("backrefs");
    let ended = |line: &str| if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
    if let Some(at) = search.matched.or(search.exact) {
        let mut new = line.to_owned();
        if backrefs && search.matched.is_some() {
            new = expanded(args, line, lines.get(at).map_or("", String::as_str))?;
        }
        let new = ended(&new);
        return Ok(match lines.get_mut(at) {
            Some(old) if *old != new => {
                *old = new;
                "line replaced"
            }
            _ => "",
        });
    }
    if backrefs {
        return Ok("");
    }
    // Python writes the line with an end of its own even when it has one.
    let new = format!("{line}\n");
    let end_last = |lines: &mut Vec<String>| {
        if let Some(last) = lines.last_mut().filter(|last| !last.ends_with(['\n', '\r'])) {
            last.push('\n');
        }
    };
    match (&place, search.place) {
        (Place::Begin, _) => lines.insert(0, new),
        (Place::After(_), Some(at)) => {
            end_last(lines);
            let there = lines.get(at).is_some_and(|next| next.trim_end_matches(['\r', '\n']) == line);
            if there {
                return Ok("");
            }
            lines.insert(at.min(lines.len()), new);
        }
        (Place::Before(_), Some(at)) => lines.insert(at, new),
        _ => {
            end_last(lines);
            lines.push(new);
        }
    }
    Ok("line added")
}

/// The line with the groups of the match in it.
fn expanded(args: &Args, line: &str, current: &str) -> Result<String, ModuleError> {
    let pattern = text::pattern(args.str("regexp").unwrap_or_default())?;
    let captures = pattern.captures(current).ok().flatten();
    let mut out = String::new();
    if let Some(captures) = captures {
        Template::parse(line, &pattern)?.expand(&captures, &mut out);
    }
    Ok(out)
}
