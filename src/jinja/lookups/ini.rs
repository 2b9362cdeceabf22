//! `ini`: values of INI and Java property files, as Python's `configparser` reads them.

use indexmap::IndexMap;

use super::{Lookup, Options};
use crate::jinja::error::Error;
use crate::jinja::filters;
use crate::jinja::search;
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

/// `lookup('ini', key…, section=…, file=…)`.
pub(super) struct Ini;

/// The options that may also stand within a term.
const OPTIONS: &[&str] = &[
    "type",
    "file",
    "section",
    "re",
    "encoding",
    "default",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
];

/// How deep interpolation goes.
const MAX_DEPTH: usize = 10;

impl Lookup for Ini {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut options = options;
        let mut found = Vec::new();
        for term in &terms {
            let term = super::text_term(term)?;
            let key = inline(&term, &mut options)?;
            found.extend(one(&key, &options, templar)?);
        }
        Ok(found)
    }
}

/// The key of a term; options within the term are taken over.
fn inline(term: &str, options: &mut Options) -> Result<String, Error> {
    if !term.contains('=') && !term.trim().contains(' ') {
        return Ok(term.to_owned());
    }
    let mut params: Vec<(String, String)> = Vec::new();
    let mut current = "key".to_owned();
    for word in term.split_whitespace() {
        if let Some(name) = OPTIONS.iter().rfind(|name| word.contains(&format!("{name}="))) {
            current = (*name).to_owned();
        }
        match params.iter_mut().find(|(name, _)| *name == current) {
            Some((_, text)) => {
                text.push(' ');
                text.push_str(word);
            }
            None => params.push((current.clone(), word.to_owned())),
        }
    }
    let mut key = None;
    for (_, param) in params {
        match param.split_once('=') {
            Some((name, _)) if !OPTIONS.contains(&name) => {
                return Err(Error::plugin(format!("{name} is not a valid option.")));
            }
            Some((name, value)) => options.set(name, Value::from(value)),
            None => {
                key.get_or_insert(param);
            }
        }
    }
    key.ok_or_else(|| {
        Error::ansible(format!(
            "No key to lookup was provided as first term with in string inline options: {term}"
        ))
    })
}

fn one(key: &str, options: &Options, templar: &Templar) -> Result<Vec<Value>, Error> {
    let file = options.text("file").unwrap_or_else(|| "ansible.ini".to_owned());
    let properties = options.text("type").as_deref() == Some("properties");
    let section = if properties {
        "java_properties".to_owned()
    } else {
        options.text("section").unwrap_or_else(|| "global".to_owned())
    };
    let path = search::candidates(&super::files::search_dirs(templar), "files", file.as_ref());
    let path = path.into_iter().find(|path| path.exists());
    let path = path.ok_or_else(|| Error::exception("Invalid filename: 'None'"))?;
    let bytes = templar.env.read(&path)?;
    let text = super::decode(&bytes, &options.text("encoding").unwrap_or_else(|| "utf-8".to_owned()));
    let text = if properties { format!("[java_properties]\n{text}") } else { text };
    let reader = Reader {
        case_sensitive: options.flag("case_sensitive", false),
        allow_no_value: options.flag("allow_no_value", false) || options.flag("allow_none", false),
        interpolate: options.flag("interpolation", true),
    };
    let parsed = reader.read(&text).map_err(|error| match error {
        Fault::DuplicateOption(message) => Error::plugin(format!("Duplicate option in '{file}': {message}")),
        Fault::Other(message) => Error::exception(message),
    })?;
    let entries = parsed.section(&section);
    let entries = entries.ok_or_else(|| Error::plugin(format!("No section '{section}' in {file}")))?;
    let value = |name: &str, raw: &Option<String>| match raw {
        None => Ok(Value::None),
        Some(raw) if reader.interpolate => interpolate(name, raw, &section, &entries, 0).map(Value::from),
        Some(raw) => Ok(Value::from(raw.as_str())),
    };
    if options.flag("re", false) {
        let pattern = filters::compile_regex(&format!("^(?:{key})"), false, false)?;
        let matching = entries.iter().filter(|(name, _)| pattern.is_match(name).unwrap_or(false));
        return matching.map(|(name, raw)| value(name, raw)).collect();
    }
    let wanted = reader.option(key);
    let found = match entries.get(&wanted) {
        Some(raw) => value(&wanted, raw)?,
        None => options.get("default").cloned().unwrap_or_else(|| Value::from("")),
    };
    Ok(match found {
        Value::None => Vec::new(),
        Value::List(list) => list.items(),
        other => vec![other],
    })
}

/// Why a file is no INI file, in `configparser`'s words.
enum Fault {
    DuplicateOption(String),
    Other(String),
}

type Entries = IndexMap<String, Option<String>>;

/// How a file is read.
struct Reader {
    case_sensitive: bool,
    allow_no_value: bool,
    interpolate: bool,
}

/// A file that was read: the entries of its sections.
struct Parsed(IndexMap<String, Entries>);

impl Parsed {
    /// The entries of a section over those of `DEFAULT`.
    fn section(&self, name: &str) -> Option<Entries> {
        let own = self.0.get(name)?;
        let mut all = own.clone();
        for (key, value) in self.0.get("DEFAULT").into_iter().flatten() {
            all.entry(key.clone()).or_insert_with(|| value.clone());
        }
        Some(all)
    }
}

impl Reader {
    fn option(&self, key: &str) -> String {
        if self.case_sensitive { key.to_owned() } else { key.to_lowercase() }
    }

    fn read(&self, text: &str) -> Result<Parsed, Fault> {
        let mut sections: IndexMap<String, Entries> = IndexMap::new();
        let mut current: Option<String> = None;
        let mut last: Option<(String, usize)> = None;
        let mut malformed = Vec::new();
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            let trimmed = line.trim();
            let indent = line.len() - line.trim_start().len();
            let comment = trimmed.starts_with(['#', ';']);
            if trimmed.is_empty() || comment {
                if let (false, Some(section), Some((name, _))) = (comment, &current, &last)
                    && let Some(Some(value)) = sections.get_mut(section).and_then(|it| it.get_mut(name))
                {
                    value.push('\n');
                }
                continue;
            }
            if let (Some(section), Some((name, at))) = (&current, &last)
                && indent > *at
                && let Some(Some(value)) = sections.get_mut(section).and_then(|it| it.get_mut(name))
            {
                value.push('\n');
                value.push_str(trimmed);
                continue;
            }
            if let Some(name) =
                trimmed.strip_prefix('[').and_then(|rest| Some(rest.split_at(rest.rfind(']')?).0))
            {
                if sections.contains_key(name) && name != "DEFAULT" {
                    return Err(Fault::Other(format!(
                        "While reading from '<???>' [line {number:>2}]: section '{name}' already exists"
                    )));
                }
                sections.entry(name.to_owned()).or_default();
                current = Some(name.to_owned());
                last = None;
                continue;
            }
            let Some(section) = &current else {
                let shown = crate::jinja::repr::quote(&format!("{line}\n"));
                return Err(Fault::Other(format!(
                    "File contains no section headers.\nfile: '<???>', line: {number}\n{shown}"
                )));
            };
            let (key, value) = match trimmed.split_once(['=', ':']) {
                Some((key, value)) => (key.trim_end(), Some(value.trim().to_owned())),
                None if self.allow_no_value => (trimmed, None),
                None => {
                    malformed.push((number, line.to_owned()));
                    continue;
                }
            };
            let key = self.option(key);
            let entries = sections.entry(section.clone()).or_default();
            if entries.contains_key(&key) {
                return Err(Fault::DuplicateOption(format!(
                    "While reading from '<???>' [line {number:>2}]: option '{key}' in section '{section}' already exists"
                )));
            }
            entries.insert(key.clone(), value);
            last = Some((key, indent));
        }
        if !malformed.is_empty() {
            let mut message = "Source contains parsing errors: '<???>'".to_owned();
            for (number, line) in malformed {
                let shown = crate::jinja::repr::quote(&format!("{line}\n"));
                message.push_str(&format!("\n\t[line {number:>2}]: {shown}"));
            }
            return Err(Fault::Other(message));
        }
        for value in sections.values_mut().flat_map(|entries| entries.values_mut()).flatten() {
            value.truncate(value.trim_end().len());
        }
        Ok(Parsed(sections))
    }
}

/// `%(name)s` and `%%` (`BasicInterpolation`).
fn interpolate(
    option: &str,
    raw: &str,
    section: &str,
    entries: &Entries,
    depth: usize,
) -> Result<String, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::exception(format!(
            "Recursion limit exceeded in value substitution: option '{option}' in section '{section}' contains an interpolation key which cannot be substituted in {MAX_DEPTH} steps. Raw value: {}",
            crate::jinja::repr::quote(raw)
        )));
    }
    let mut out = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let name = after.strip_prefix('(').and_then(|inner| inner.split_once(")s"));
        let Some((name, after)) = name else {
            let shown = crate::jinja::repr::quote(&format!("%{after}"));
            return Err(Error::exception(match after.starts_with('(') {
                true => format!("bad interpolation variable reference {shown}"),
                false => format!("'%' must be followed by '%' or '(', found: {shown}"),
            }));
        };
        let Some(inner) = entries.get(&name.to_lowercase()) else {
            return Err(Error::exception(format!(
                "Bad value substitution: option '{option}' in section '{section}' contains an interpolation key '{}' which is not a valid option name. Raw value: {}",
                name.to_lowercase(),
                crate::jinja::repr::quote(raw)
            )));
        };
        out.push_str(&interpolate(option, inner.as_deref().unwrap_or(""), section, entries, depth + 1)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
