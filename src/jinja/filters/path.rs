//! Filters over paths, dates and URLs.

use std::path::{Component, Path, PathBuf};

use super::bind::{bind, flag, text};
use crate::jinja::datetime;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Timestamp, Value};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[
    ("basename", |_, value, _| {
        let path = path_text(&value)?;
        Ok(Value::from(path.rsplit('/').next().unwrap_or_default()))
    }),
    ("dirname", |_, value, _| Ok(Value::from(dirname(path_text(&value)?)))),
    ("expanduser", |_, value, _| Ok(Value::from(expand_user(path_text(&value)?)))),
    ("expandvars", |_, value, _| Ok(Value::from(expand_vars(path_text(&value)?)))),
    ("realpath", |_, value, _| {
        let path = PathBuf::from(path_text(&value)?);
        let real = path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path);
        Ok(Value::from(real.display().to_string()))
    }),
    ("relpath", relpath),
    ("normpath", |_, value, _| Ok(Value::from(normpath(path_text(&value)?)))),
    ("splitext", splitext),
    ("path_join", path_join),
    ("commonpath", commonpath),
    ("win_basename", |_, value, _| {
        let path = path_text(&value)?;
        Ok(Value::from(split_drive(path).1.rsplit(['\\', '/']).next().unwrap_or_default()))
    }),
    ("win_dirname", |_, value, _| {
        let path = path_text(&value)?;
        let (drive, rest) = split_drive(path);
        let head = &rest[..rest.rfind(['\\', '/']).map_or(0, |at| at + 1)];
        let stripped = head.trim_end_matches(['\\', '/']);
        let head = if stripped.is_empty() { head } else { stripped };
        Ok(Value::from(format!("{drive}{head}")))
    }),
    ("win_splitdrive", |_, value, _| {
        let path = path_text(&value)?;
        let (drive, rest) = split_drive(path);
        Ok(Value::tuple(vec![Value::from(drive), Value::from(rest)]))
    }),
    ("fileglob", |_, value, _| {
        let found = crate::jinja::lookups::fileglob::glob(&text(&value)?);
        let files = found.into_iter().filter(|path| path.is_file());
        Ok(Value::list(files.map(|path| Value::from(path.display().to_string())).collect()))
    }),
    ("to_datetime", to_datetime),
    ("strftime", strftime),
];

/// A path (`os.fspath`).
fn path_text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| {
        let kind = value.type_name();
        Error::type_error(format!("expected str, bytes or os.PathLike object, not {kind}"))
    })
}

/// `ntpath.splitdrive`: a letter with its colon, or a share.
fn split_drive(path: &str) -> (&str, &str) {
    let is_slash = |c: char| matches!(c, '\\' | '/');
    let mut chars = path.chars();
    let (first, second) = (chars.next(), chars.next());
    if first.is_some_and(is_slash) && second.is_some_and(is_slash) {
        let is_unc = |head: &str| head.replace('/', r"\").eq_ignore_ascii_case(r"\\?\UNC\");
        let start = if path.get(..8).is_some_and(is_unc) { 8 } else { 2 };
        let slash = |from: usize| path.get(from..)?.find(is_slash).map(|at| from + at);
        let end = slash(start).and_then(|host| slash(host + 1));
        return end.map_or((path, ""), |end| path.split_at(end));
    }
    match (first, second) {
        (Some(letter), Some(':')) => path.split_at(letter.len_utf8() + 1),
        _ => ("", path),
    }
}

/// `os.path.dirname`.
fn dirname(path: &str) -> String {
    let head = &path[..path.rfind('/').map_or(0, |at| at + 1)];
    let stripped = head.trim_end_matches('/');
    if stripped.is_empty() { head.to_owned() } else { stripped.to_owned() }
}

/// `os.path.expanduser`, for the own home directory.
pub(crate) fn expand_user(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", std::env::var("HOME").unwrap_or_default())
        }
        _ => path.to_owned(),
    }
}

/// `os.path.expandvars`.
pub(crate) fn expand_vars(path: &str) -> String {
    expand_vars_with(path, |name| std::env::var(name).ok())
}

/// `os.path.expandvars` with variables from elsewhere.
pub(crate) fn expand_vars_with(path: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, len) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let len = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..len], len)
            }
        };
        match variable(name) {
            Some(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..=at + len]),
        }
        rest = &after[len..];
    }
    out + rest
}

/// `os.path.normpath`.
fn normpath(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

fn relpath(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [start] = bind(args, ["start"])?;
    let start = start.as_ref().map_or(Ok("."), path_text)?;
    let full = |path: &str| -> PathBuf {
        let path = if path.is_empty() { "." } else { path };
        let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        PathBuf::from(normpath(&absolute.display().to_string()))
    };
    let path = path_text(&value)?;
    if path.is_empty() {
        return Err(Error::value_error("no path specified"));
    }
    let (path, start) = (full(path), full(start));
    let (to, from): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (path.components().collect(), start.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    let mut relative = PathBuf::new();
    for _ in shared..from.len() {
        relative.push("..");
    }
    relative.extend(&to[shared..]);
    let text = relative.display().to_string();
    Ok(Value::from(if text.is_empty() { ".".to_owned() } else { text }))
}

fn splitext(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    let path = path_text(&value)?;
    let name_at = path.rfind('/').map_or(0, |at| at + 1);
    let name = &path[name_at..];
    let leading = name.len() - name.trim_start_matches('.').len();
    let at = name[leading..].rfind('.').map_or(path.len(), |at| name_at + leading + at);
    Ok(Value::tuple(vec![Value::from(&path[..at]), Value::from(&path[at..])]))
}

fn path_join(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    ops::defined(&value)?;
    if let Value::Str(_) = &value {
        return Ok(value);
    }
    if !value.is_sequence() {
        let kind = value.class_name();
        return Err(Error::type_error(format!("|path_join expects string or sequence, got {kind} instead.")));
    }
    let parts = ops::iterate(&value)?;
    if parts.is_empty() {
        return Err(Error::type_error("join() missing 1 required positional argument: 'a'"));
    }
    let mut joined = String::new();
    for part in &parts {
        let part = path_text(part)?;
        if part.starts_with('/') || joined.is_empty() {
            part.clone_into(&mut joined);
        } else {
            if !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(part);
        }
    }
    Ok(Value::from(joined))
}

fn commonpath(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    if !value.is_sequence() {
        let kind = value.class_name();
        return Err(Error::type_error(format!("|commonpath expects sequence, got {kind} instead.")));
    }
    let parts = ops::iterate(&value)?;
    if parts.is_empty() {
        return Err(Error::value_error("commonpath() arg is an empty sequence"));
    }
    let paths = parts.iter().map(path_text).collect::<Result<Vec<_>, _>>()?;
    let mut shared: Option<Vec<&std::ffi::OsStr>> = None;
    for path in &paths {
        let parts: Vec<_> = Path::new(path).iter().collect();
        shared = Some(match shared {
            None => parts,
            Some(before) => {
                before.into_iter().zip(parts).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
            }
        });
    }
    let common: PathBuf = shared.unwrap_or_default().into_iter().collect();
    Ok(Value::from(common.display().to_string()))
}

fn to_datetime(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [format] = bind(args, ["format"])?;
    let format = format.unwrap_or_else(|| Value::from("%Y-%m-%d %H:%M:%S"));
    let (value, format) = (text_argument("strptime", 1, &value)?, text_argument("strptime", 2, &format)?);
    datetime::strptime(value, format).map(Value::DateTime)
}

/// An argument that a function of Python's `time` takes as text alone.
fn text_argument<'v>(function: &str, number: u8, value: &'v Value) -> Result<&'v str, Error> {
    value.as_str().ok_or_else(|| {
        let kind = if value.is_none() { "None" } else { value.tp_name() };
        Error::type_error(format!("{function}() argument {number} must be str, not {kind}"))
    })
}

fn strftime(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [second, utc] = bind(args, ["second", "utc"])?;
    let utc = flag(utc.as_ref())?;
    let format = text_argument("strftime", 1, &value)?;
    let time: Timestamp = match second.filter(|second| !second.is_none()) {
        None => datetime::now(utc),
        Some(second) => {
            ops::defined(&second)?;
            let number = ops::as_float(&second).or_else(|| second.to_string().trim().parse().ok());
            let number =
                number.ok_or_else(|| Error::plugin(format!("Invalid value for epoch value ({second})")))?;
            datetime::from_epoch(number, utc)?
        }
    };
    datetime::strftime(&time, format).map(Value::from)
}
