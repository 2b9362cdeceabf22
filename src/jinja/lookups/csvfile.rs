//! `csvfile`: a value of a row of a CSV or TSV file.

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::search;
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

/// `lookup('csvfile', key…, file=…, delimiter=…)`.
pub(super) struct CsvFile;

const OPTIONS: &[&str] = &["col", "keycol", "default", "delimiter", "file", "encoding"];

impl Lookup for CsvFile {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let missing_key = || Error::exception("Search key is required but was not found");
        if terms.is_empty() {
            return Err(missing_key());
        }
        let mut options = options;
        let mut found = Vec::new();
        for term in &terms {
            let term = super::text_term(term)?;
            let pairs = crate::playbook::parse_kv(&term, false);
            let pairs = pairs.map_err(|error| Error::exception(error.to_string()))?;
            let key = pairs.get("_raw_params").map(ToString::to_string).ok_or_else(missing_key)?;
            for (name, value) in pairs.iter().filter(|(name, _)| name.as_ref() != "_raw_params") {
                if !OPTIONS.contains(&name.as_ref()) {
                    return Err(Error::exception(format!("{name} is not a valid option")));
                }
                options.set(name, value.clone());
            }
            let value =
                look(&key, &options, templar).map_err(|why| Error::exception(format!("csvfile: {why}")))?;
            match value {
                None | Some(Value::None) => {}
                Some(Value::List(list)) => found.extend(list.items()),
                Some(value) => found.push(value),
            }
        }
        Ok(found)
    }
}

fn look(key: &str, options: &Options, templar: &Templar) -> Result<Option<Value>, String> {
    let number = |name: &str, default: usize| -> Result<usize, String> {
        let text = options.text(name).unwrap_or_else(|| default.to_string());
        text.trim().parse().map_err(|_| {
            format!("invalid literal for int() with base 10: {}", crate::jinja::repr::quote(&text))
        })
    };
    let file = options.text("file").unwrap_or_else(|| "ansible.csv".to_owned());
    let delimiter = match options.text("delimiter").as_deref() {
        None | Some("TAB" | "\\t") => '\t',
        Some(text) => {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(single), None) => single,
                _ => return Err("\"delimiter\" must be a 1-character string".to_owned()),
            }
        }
    };
    let places = search::candidates(&super::files::search_dirs(templar), "files", file.as_ref());
    let path = places.into_iter().find(|path| path.exists());
    let path = path.ok_or_else(|| "[Errno 2] No such file or directory: b'None'".to_owned())?;
    let bytes = std::fs::read(&path).map_err(|error| super::errno(&error, &path.display().to_string()))?;
    let text = super::decode(&bytes, &options.text("encoding").unwrap_or_else(|| "utf-8".to_owned()));
    let key_column = number("keycol", 0)?;
    for row in rows(&text, delimiter).iter().filter(|row| !row.is_empty()) {
        let own = row.get(key_column).ok_or("list index out of range")?;
        if own == key {
            let column = number("col", 1)?;
            return Ok(Some(Value::from(row.get(column).ok_or("list index out of range")?.as_str())));
        }
    }
    Ok(options.get("default").cloned())
}

/// The rows of a CSV text (`csv.excel`): fields may stand in quotes, doubled quotes mean themselves.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut row: Vec<String> = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut started) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, started) = (true, true),
            c if quoted => field.push(c),
            c if c == delimiter => {
                row.push(std::mem::take(&mut field));
                started = true;
            }
            '\n' | '\r' => {
                if c == '\r' {
                    chars.next_if_eq(&'\n');
                }
                if started || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                }
                rows.push(std::mem::take(&mut row));
                started = false;
            }
            c => {
                field.push(c);
                started = true;
            }
        }
    }
    if started || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}
