//! Filters over paths, dates and URLs.

use std::path::{Component, Path, PathBuf};

use super::bind::{bind, flag, needed, text};
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
        let path = text(&value)?;
        Ok(Value::from(path.rsplit('/').next().unwrap_or_default()))
    }),
    ("dirname", |_, value, _| Ok(Value::from(dirname(&text(&value)?)))),
    ("expanduser", |_, value, _| Ok(Value::from(expand_user(&text(&value)?)))),
    ("expandvars", |_, value, _| Ok(Value::from(expand_vars(&text(&value)?)))),
    ("realpath", |_, value, _| {
        let path = PathBuf::from(text(&value)?);
        let real = path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path);
        Ok(Value::from(real.display().to_string()))
    }),
    ("relpath", relpath),
    ("normpath", |_, value, _| Ok(Value::from(normpath(&text(&value)?)))),
    ("splitext", splitext),
    ("path_join", path_join),
    ("commonpath", commonpath),
    ("win_basename", |_, value, _| {
        let path = text(&value)?;
        Ok(Value::from(path.rsplit(['\\', '/']).next().unwrap_or_default()))
    }),
    ("fileglob", |_, value, _| {
        let found = crate::jinja::lookups::fileglob::glob(&text(&value)?);
        let files = found.into_iter().filter(|path| path.is_file());
        Ok(Value::list(files.map(|path| Value::from(path.display().to_string())).collect()))
    }),
    ("to_datetime", to_datetime),
    ("strftime", strftime),
    ("urlsplit", urlsplit),
];

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
    let start = start.map_or(Ok(".".to_owned()), |start| text(&start))?;
    let full = |path: &str| -> PathBuf {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        PathBuf::from(normpath(&absolute.display().to_string()))
    };
    let (path, start) = (full(&text(&value)?), full(&start));
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
    let path = text(&value)?;
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
        let kind = value.type_name();
        return Err(Error::type_error(format!(
            "|path_join expects string or sequence, got <class '{kind}'> instead."
        )));
    }
    let mut joined = String::new();
    for part in ops::iterate(&value)? {
        let part = text(&part)?;
        if part.starts_with('/') || joined.is_empty() {
            joined = part;
        } else {
            if !joined.ends_with('/') {
                joined.push('/');
            }
            joined.push_str(&part);
        }
    }
    Ok(Value::from(joined))
}

fn commonpath(_: &mut Interpreter<'_>, value: Value, _: Args) -> Result<Value, Error> {
    if !value.is_sequence() {
        let kind = value.type_name();
        return Err(Error::type_error(format!(
            "|commonpath expects sequence, got <class '{kind}'> instead."
        )));
    }
    let paths = ops::iterate(&value)?.iter().map(text).collect::<Result<Vec<_>, _>>()?;
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
    let format = format.map_or(Ok("%Y-%m-%d %H:%M:%S".to_owned()), |format| text(&format))?;
    let value = text(&value)?;
    datetime::strptime(&value, &format).map(Value::DateTime)
}

fn strftime(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [second, utc] = bind(args, ["second", "utc"])?;
    let utc = flag(utc.as_ref())?;
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
    datetime::strftime(&time, &text(&value)?).map(Value::from)
}

fn urlsplit(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [query] = bind(args, ["query"])?;
    let url = text(&value)?;
    let (rest, fragment) = url.split_once('#').unwrap_or((&url, ""));
    let (rest, search) = rest.split_once('?').unwrap_or((rest, ""));
    let scheme_end = rest.find(':').filter(|at| {
        let scheme = &rest[..*at];
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    let (scheme, rest) = scheme_end.map_or(("", rest), |at| (&rest[..at], &rest[at + 1..]));
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let (user, host) = netloc.rsplit_once('@').map_or((None, netloc), |(user, host)| (Some(user), host));
    let (username, password) =
        match user.map(|user| user.split_once(':').map_or((user, None), |(u, p)| (u, Some(p)))) {
            Some((username, password)) => (Some(username), password),
            None => (None, None),
        };
    let (hostname, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
    };
    let optional = |part: Option<&str>| part.map_or(Value::None, Value::from);
    let port = port
        .filter(|port| !port.is_empty())
        .and_then(|port| port.parse::<i64>().ok())
        .map_or(Value::None, Value::Int);
    let hostname = Some(hostname.to_lowercase()).filter(|host| !host.is_empty());
    let parts = [
        ("fragment", Value::from(fragment)),
        ("hostname", optional(hostname.as_deref())),
        ("netloc", Value::from(netloc)),
        ("password", optional(password)),
        ("path", Value::from(path)),
        ("port", port),
        ("query", Value::from(search)),
        ("scheme", Value::from(scheme.to_lowercase())),
        ("username", optional(username)),
    ];
    match query.filter(ops::truthy_or_false) {
        None => Ok(Value::dict(parts)),
        Some(wanted) => {
            let wanted = text(&needed(Some(wanted), "query")?)?;
            let found = parts.into_iter().find(|(name, _)| *name == wanted);
            found
                .map(|(_, value)| value)
                .ok_or_else(|| Error::plugin(format!("urlsplit: unknown URL component: {wanted}")))
        }
    }
}
