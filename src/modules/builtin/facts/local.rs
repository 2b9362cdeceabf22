//! Facts that the image itself brings: `fact_path` (`facts.d`).

use std::path::Path;

use super::super::errno;
use super::super::process::is_executable;
use super::super::tree::list;
use crate::jinja::{Value, convert};
use crate::modules::{Args, ModuleContext, ModuleError};

/// `ansible_local`: each `*.fact` file by its name; programs are run, others are JSON or INI.
pub(super) fn facts(context: &ModuleContext, args: &Args) -> Result<Vec<(String, Value)>, ModuleError> {
    let dir = context.path(args.str("fact_path").unwrap_or_default());
    let mut entries = Vec::new();
    for path in list(&dir).unwrap_or_default() {
        context.still_running()?;
        if path.extension().is_some_and(|ending| ending == "fact") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            entries.push((name, fact(context, &path)));
        }
    }
    Ok(vec![("ansible_local".to_owned(), Value::dict(entries))])
}

fn fact(context: &ModuleContext, path: &Path) -> Value {
    let shown = path.display();
    if let Err(error) = path.metadata() {
        return Value::from(format!("Could not stat fact ({shown}): {}", errno(&error, path)));
    }
    let text = if is_executable(path) {
        let output = std::process::Command::new(path)
            .envs(&context.environment)
            .current_dir(&context.task.playbook_dir)
            .stdin(std::process::Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
            Ok(output) => {
                let (rc, err) = (
                    output.status.code().unwrap_or(-1),
                    String::from_utf8_lossy(&output.stderr).into_owned(),
                );
                return Value::from(format!("Failure executing fact script ({shown}), rc: {rc}, err: {err}"));
            }
            Err(error) => return Value::from(format!("Could not execute fact script ({shown}): {error}")),
        }
    } else {
        match std::fs::read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(_) => return Value::from(format!("error loading fact - please check content: {shown}")),
            },
            Err(error) => return Value::from(format!("Could not open fact file ({shown}): {error}")),
        }
    };
    match serde_json::from_str(&text) {
        Ok(json) => convert::from_json(json),
        Err(_) => ini(&text).unwrap_or_else(|format| {
            Value::from(format!("error loading facts as {format} - please check content: {shown}"))
        }),
    }
}

/// What a text is not that neither format can read.
const NOTHING: &str = "JSON or ini";

/// Sections of `key=value` lines, keys in lower case (Python's `configparser`).
///
/// # Errors
/// As what it cannot be read.
fn ini(text: &str) -> Result<Value, &'static str> {
    let mut sections: indexmap::IndexMap<String, Vec<(String, Value)>> = indexmap::IndexMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.entry(name.to_owned()).or_default();
            current = Some(name.to_owned());
            continue;
        }
        let at = line.find(['=', ':']).ok_or(NOTHING)?;
        let (key, value) = (line[..at].trim().to_ascii_lowercase(), line[at + 1..].trim());
        if value.replace("%%", "").split('%').skip(1).any(|rest| !rest.starts_with('(')) {
            return Err("ini");
        }
        let section = current.as_ref().and_then(|current| sections.get_mut(current)).ok_or(NOTHING)?;
        section.push((key, Value::from(value.replace("%%", "%"))));
    }
    Ok(Value::dict(sections.into_iter().map(|(name, entries)| (name, Value::dict(entries)))))
}

#[cfg(test)]
mod tests {
    use super::ini;
    use crate::jinja::convert::to_json;

    #[test]
    fn sections_and_keys() {
        let value = ini("# c\n[general]\nASDF=1\nbar : b c\n\n[more]\n").expect("INI");
        let expected = serde_json::json!({"general": {"asdf": "1", "bar": "b c"}, "more": {}});
        assert_eq!(to_json(&value), expected);
        assert!(ini("no section").is_err() && ini("[a]\nno value").is_err());
        assert_eq!(ini("[a]\nb = 5 % c"), Err("ini"));
    }
}
