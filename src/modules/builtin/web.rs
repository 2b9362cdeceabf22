//! What the modules that fetch from the web share (`module_utils/urls.py`).

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::http::{Authorities, Credentials, Error, Follow, Request, Response, Transport};
use crate::jinja::Value;
use crate::jinja::value::Entries;
use crate::modules::{Args, Kind, ModuleContext, ModuleError, Opt};

/// The arguments of every module that fetches from the web (`url_argument_spec`).
pub(super) const CONNECTION: &[Opt] = &[
    Opt::flag("force"),
    Opt::str("http_agent").default("ansible-httpget"),
    Opt::new("use_proxy", Kind::Bool).default("true"),
    Opt::new("validate_certs", Kind::Bool).default("true"),
    Opt::flag("force_basic_auth"),
    Opt::new("client_cert", Kind::Path),
    Opt::new("client_key", Kind::Path),
    Opt::flag("use_gssapi"),
    Opt::new("unredirected_headers", Kind::ListOfStr),
    Opt::new("decompress", Kind::Bool).default("true"),
    Opt::new("ciphers", Kind::ListOfStr),
    Opt::new("use_netrc", Kind::Bool).default("true"),
];

/// A request as the arguments of a task say.
///
/// # Errors
/// What the arguments ask for cannot be done.
pub(super) fn request(context: &ModuleContext, args: &Args, url: &str) -> Result<Request, ModuleError> {
    if args.flag("use_gssapi") {
        return Err(ModuleError::new(
            "use_gssapi=true is not supported: GSSAPI needs libraries of the system",
        ));
    }
    let path = |name: &str| args.str(name).map(|path| context.path(path));
    let seconds = args.int("timeout").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(10);
    let mut request = Request::get(url);
    request.transport = Transport {
        validate_certs: args.flag("validate_certs"),
        ca: path("ca_path").map(Authorities::File),
        client_cert: path("client_cert"),
        client_key: path("client_key"),
        use_proxy: args.flag("use_proxy"),
        environment: context.environment.clone(),
        unix_socket: path("unix_socket"),
        timeout: Duration::from_secs(seconds.max(1)),
    };
    request.follow =
        Follow::named(args.str("follow_redirects").unwrap_or("urllib2")).unwrap_or(Follow::Urllib);
    request.credentials =
        args.str("url_username").filter(|name| !name.is_empty()).map(|username| Credentials {
            username: username.to_owned(),
            password: args.str("url_password").unwrap_or_default().to_owned(),
        });
    request.force_basic_auth = args.flag("force_basic_auth");
    request.use_netrc = args.flag("use_netrc");
    request.agent = args.str("http_agent").map(ToOwned::to_owned);
    request.no_cache = args.flag("force");
    request.decompress = args.flag("decompress");
    request.unredirected_headers = args.texts("unredirected_headers").unwrap_or_default();
    let headers = args.dict("headers").map(|headers| headers.entries()).unwrap_or_default();
    request.headers =
        headers.iter().map(|(name, value)| (name.text().into_owned(), value.to_string())).collect();
    Ok(request)
}

/// When a file was changed, in whole seconds: what the server is asked to compare with.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().ok()?.modified().ok()
}

/// An error of the connection in the words of Ansible's `fetch_url`.
pub(super) fn worded(error: &Error) -> String {
    match error {
        Error::Url(message) if message.starts_with("<urlopen") => format!("Request failed: {message}"),
        Error::Url(message) | Error::Setup(message) => message.clone(),
        Error::Connect(message) => format!("Request failed: <urlopen error {message}>"),
        Error::Certificate(message) => format!(
            "Request failed: <urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message}>"
        ),
        Error::Timeout => "Connection failure: The read operation timed out".to_owned(),
        Error::Closed => {
            "Connection failure: connection was closed before a valid response was received: Remote end closed connection without response".to_owned()
        }
        Error::Body(message) => format!("An unknown error occurred: {message}"),
    }
}

/// Whether a status is one that Python's `urllib` raises an error for.
pub(super) fn is_error(status: u16) -> bool {
    !(200..300).contains(&status)
}

/// What Ansible says of a response: `OK (12 bytes)`, `HTTP Error 404: Not Found`.
pub(super) fn message(response: &Response) -> String {
    let status = response.status();
    if is_error(status) {
        return format!("HTTP Error {status}: {}", response.reason());
    }
    format!("OK ({} bytes)", response.header("content-length").unwrap_or("unknown"))
}

/// The headers of a response as entries of a result, and what else is told of it.
pub(super) fn info(response: &Response) -> Entries {
    let mut entries = Entries::new();
    entries.insert("url".into(), Value::from(response.url.as_str()));
    entries.insert("status".into(), Value::Int(i64::from(response.status())));
    for (name, value) in response.headers() {
        entries.insert(name.replace('-', "_").into(), Value::from(value));
    }
    if !is_error(response.status()) {
        let pairs: Vec<String> =
            response.cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        entries.insert("cookies_string".into(), Value::from(pairs.join("; ")));
        let cookies =
            response.cookies.iter().map(|cookie| (cookie.name.clone(), Value::from(cookie.value.as_str())));
        entries.insert("cookies".into(), Value::dict(cookies));
    }
    entries.insert("msg".into(), Value::from(message(response)));
    entries
}
