//! `url`: what a server answers.

use std::path::PathBuf;
use std::time::Duration;

use super::{Lookup, Options};
use crate::http::{Authorities, Credentials, Error as HttpError, Follow, Request, Transport};
use crate::jinja::error::Error;
use crate::jinja::templar::Templar;
use crate::jinja::value::Value;

/// `lookup('url', address…)`.
pub(super) struct Url;

/// Options whose default or value may also come from a variable or the environment.
const SETTINGS: &[(&str, &str, &str)] = &[
    ("force", "ansible_lookup_url_force", "ANSIBLE_LOOKUP_URL_FORCE"),
    ("timeout", "ansible_lookup_url_timeout", "ANSIBLE_LOOKUP_URL_TIMEOUT"),
    ("http_agent", "ansible_lookup_url_agent", "ANSIBLE_LOOKUP_URL_AGENT"),
    ("force_basic_auth", "ansible_lookup_url_force_basic_auth", "ANSIBLE_LOOKUP_URL_FORCE_BASIC_AUTH"),
    ("follow_redirects", "ansible_lookup_url_follow_redirects", "ANSIBLE_LOOKUP_URL_FOLLOW_REDIRECTS"),
    ("unix_socket", "ansible_lookup_url_unix_socket", "ANSIBLE_LOOKUP_URL_UNIX_SOCKET"),
    ("ca_path", "ansible_lookup_url_ca_path", "ANSIBLE_LOOKUP_URL_CA_PATH"),
    ("use_netrc", "ansible_lookup_url_use_netrc", "ANSIBLE_LOOKUP_URL_USE_NETRC"),
];

impl Lookup for Url {
    fn run(&self, terms: Vec<Value>, options: Options, templar: &Templar) -> Result<Vec<Value>, Error> {
        let mut options = options;
        for (name, variable, environment) in SETTINGS {
            if options.get(name).is_some() {
                continue;
            }
            let value = match templar.vars.get(*variable) {
                Some(value) => Some(templar.template(value)?),
                None => std::env::var(environment).ok().map(Value::from),
            };
            if let Some(value) = value {
                options.set(name, value);
            }
        }
        let mut found = Vec::new();
        for term in &terms {
            let text = ask(&super::text_term(term)?, &options)?;
            if options.flag("split_lines", true) {
                found.extend(crate::jinja::split_lines(&text).into_iter().map(Value::from));
            } else {
                found.push(Value::from(text));
            }
        }
        Ok(found)
    }
}

fn ask(address: &str, options: &Options) -> Result<String, Error> {
    let mut request = Request::get(address);
    request.follow = Follow::named(&options.text("follow_redirects").unwrap_or_else(|| "urllib2".to_owned()))
        .ok_or_else(|| Error::ansible("Invalid value for follow_redirects"))?;
    request.agent = Some(options.text("http_agent").unwrap_or_else(|| "ansible-httpget".to_owned()));
    request.no_cache = options.flag("force", false);
    request.force_basic_auth = options.flag("force_basic_auth", false);
    request.use_netrc = options.flag("use_netrc", true);
    request.credentials = options
        .text("username")
        .map(|username| Credentials { username, password: options.text("password").unwrap_or_default() });
    if let Some(headers) = options.get("headers").and_then(Value::as_dict) {
        let headers = headers.entries();
        request.headers =
            headers.iter().map(|(name, value)| (name.text().into_owned(), value.to_string())).collect();
    }
    if let Some(names) = options.get("unredirected_headers").and_then(Value::as_list) {
        request.unredirected_headers = names.items().iter().map(ToString::to_string).collect();
    }
    let timeout = options.text("timeout").and_then(|timeout| timeout.parse().ok()).unwrap_or(10.0);
    request.transport = Transport {
        validate_certs: options.flag("validate_certs", true),
        use_proxy: options.flag("use_proxy", true),
        ca: options.text("ca_path").map(|path| Authorities::File(path.into())),
        unix_socket: options.text("unix_socket").map(PathBuf::from),
        timeout: Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_secs(10)),
        ..Transport::default()
    };
    let (response, content) = request.fetch_blocking().map_err(|error| {
        Error::exception(match error {
            HttpError::Certificate(_) => {
                format!("Error validating the server's certificate for {address}: {error}")
            }
            HttpError::Closed => format!("Error connecting to {address}: {error}"),
            _ => format!("Failed lookup url for {address} : <urlopen error {error}>"),
        })
    })?;
    if response.status() >= 400 {
        let (status, reason) = (response.status(), response.reason());
        return Err(Error::exception(format!(
            "Received HTTP error for {address} : HTTP Error {status}: {reason}"
        )));
    }
    Ok(String::from_utf8_lossy(&content).into_owned())
}
