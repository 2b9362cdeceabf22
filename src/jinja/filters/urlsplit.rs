//! `urlsplit`: the parts of a URL, as Python's `urllib.parse` takes it apart.

use super::bind::{bind, text};
use super::text::lacks;
use crate::jinja::error::Error;
use crate::jinja::eval::Interpreter;
use crate::jinja::object::Args;
use crate::jinja::ops;
use crate::jinja::plugins::Filter;
use crate::jinja::value::{Value, hashable};

/// The filters of this family.
pub(super) const FILTERS: &[(&str, Filter)] = &[("urlsplit", urlsplit)];

/// The parts of a URL.
pub(crate) struct Split<'a> {
    /// The scheme in lower case.
    pub(crate) scheme: String,
    /// User, host and port.
    pub(crate) netloc: &'a str,
    path: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Split<'a> {
    /// Takes a URL apart; none if its brackets do not fit.
    pub(crate) fn new(url: &'a str) -> Option<Self> {
        let url = url.trim_start_matches(|c: char| c <= ' ');
        let scheme_end = url.find(':').filter(|at| {
            let scheme = &url[..*at];
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
        let (scheme, rest) = scheme_end.map_or(("", url), |at| (&url[..at], &url[at + 1..]));
        let (netloc, rest) = match rest.strip_prefix("//") {
            Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
            None => ("", rest),
        };
        if netloc.contains('[') != netloc.contains(']') {
            return None;
        }
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        Some(Split { scheme: scheme.to_lowercase(), netloc, path, query, fragment })
    }

    fn user_and_host(&self) -> (Option<&'a str>, &'a str) {
        self.netloc.rsplit_once('@').map_or((None, self.netloc), |(user, host)| (Some(user), host))
    }

    /// The host in lower case and the text of the port.
    fn host_and_port(&self) -> (Option<String>, Option<&'a str>) {
        let host = self.user_and_host().1;
        let (host, port) = match host.split_once('[').and_then(|(_, rest)| rest.split_once(']')) {
            Some((address, rest)) => (address, rest.split_once(':').map(|(_, port)| port)),
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        let (name, zone) = host.split_once('%').map_or((host, None), |(name, zone)| (name, Some(zone)));
        let zone = zone.map_or_else(String::new, |zone| format!("%{zone}"));
        let host = format!("{}{zone}", name.to_lowercase());
        (Some(host).filter(|host| !host.is_empty()), port.filter(|port| !port.is_empty()))
    }

    /// The number of the port.
    fn port(&self) -> Result<Value, Error> {
        let Some(port) = self.host_and_port().1 else { return Ok(Value::None) };
        let number = port.parse::<i64>().ok().filter(|_| port.bytes().all(|byte| byte.is_ascii_digit()));
        match number {
            Some(number) if number <= 65_535 => Ok(Value::Int(number)),
            Some(_) => Err(Error::value_error("Port out of range 0-65535")),
            None => Err(Error::value_error(format!(
                "Port could not be cast to integer value as {}",
                crate::jinja::repr::quote(port)
            ))),
        }
    }
}

/// What Python takes for the text of a URL: text, and whatever is false, as nothing.
///
/// # Errors
/// The value is missing, or neither.
pub(crate) fn url_text(value: &Value) -> Result<&str, Error> {
    ops::defined(value)?;
    match value.as_str() {
        Some(text) => Ok(text),
        None if !ops::truthy_or_false(value) => Ok(""),
        None => Err(lacks(value, "decode")),
    }
}

fn urlsplit(_: &mut Interpreter<'_>, value: Value, args: Args) -> Result<Value, Error> {
    let [query, alias] = bind(args, ["query", "alias"])?;
    hashable(&value)?;
    let url = url_text(&value)?.replace(['\t', '\r', '\n'], "");
    let split = Split::new(&url).ok_or_else(|| Error::value_error("Invalid IPv6 URL"))?;
    let (username, password) = match split.user_and_host().0 {
        Some(user) => user.split_once(':').map_or((Some(user), None), |(u, p)| (Some(u), Some(p))),
        None => (None, None),
    };
    let optional = |part: Option<&str>| part.map_or(Value::None, Value::from);
    let parts = [
        ("fragment", Value::from(split.fragment)),
        ("hostname", optional(split.host_and_port().0.as_deref())),
        ("netloc", Value::from(split.netloc)),
        ("password", optional(password)),
        ("path", Value::from(split.path)),
        ("port", split.port()?),
        ("query", Value::from(split.query)),
        ("scheme", Value::from(split.scheme.as_str())),
        ("username", optional(username)),
    ];
    match query.filter(ops::truthy_or_false) {
        None => Ok(Value::dict(parts)),
        Some(wanted) => {
            let wanted = text(&wanted)?;
            let alias = alias.map_or_else(|| "urlsplit".to_owned(), |alias| alias.to_string());
            let found = parts.into_iter().find(|(name, _)| *name == wanted);
            found
                .map(|(_, value)| value)
                .ok_or_else(|| Error::plugin(format!("{alias}: unknown URL component: {wanted}")))
        }
    }
}
