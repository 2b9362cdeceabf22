//! `uri`: asks a web service (`modules/uri.py`, `plugins/action/uri.py`).

use std::path::PathBuf;
use std::time::Instant;

use async_trait::async_trait;

use super::attributes::{self, Attributes, Difference, FILE_OPTIONS};
use super::form;
use super::web::{self, CONNECTION};
use super::write::{Replacing, Staged};
use crate::http::{Request, Response};
use crate::jinja::filters::json::dumps;
use crate::jinja::value::Entries;
use crate::jinja::{Value, convert};
use crate::modules::{
    Args, CheckMode, Kind, Module, ModuleContext, ModuleError, Opt, Requirement, Spec, TaskResult,
};

/// `ansible.builtin.uri`.
pub(super) struct Uri;

pub(super) static SPEC: Spec = Spec {
    fragments: &[FILE_OPTIONS, CONNECTION],
    requirements: &[Requirement::MutuallyExclusive(&["body", "src"])],
    check_mode: CheckMode::None,
    ..Spec::new(
        "ansible.builtin.uri",
        &[
            Opt::str("url").required(),
            Opt::new("dest", Kind::Path),
            Opt::str("url_username").aliases(&["user"]),
            Opt::str("url_password").aliases(&["password"]).no_log(),
            Opt::new("body", Kind::Raw),
            Opt::str("body_format").default("raw").choices(&[
                "form-urlencoded",
                "json",
                "raw",
                "form-multipart",
            ]),
            Opt::new("src", Kind::Path),
            Opt::str("method").default("GET"),
            Opt::flag("return_content"),
            Opt::str("follow_redirects")
                .default("safe")
                .choices(&["all", "no", "none", "safe", "urllib2", "yes"]),
            Opt::new("creates", Kind::Path),
            Opt::new("removes", Kind::Path),
            Opt::new("status_code", Kind::ListOfInt).default("200"),
            Opt::new("timeout", Kind::Int).default("30"),
            Opt::new("headers", Kind::Dict),
            Opt::new("unix_socket", Kind::Path),
            Opt::flag("remote_src"),
            Opt::new("ca_path", Kind::Path),
        ],
    )
};

#[async_trait]
impl Module for Uri {
    async fn run(&self, context: &ModuleContext, args: Args) -> Result<TaskResult, ModuleError> {
        let url = args.str("url").unwrap_or_default();
        let mut request = web::request(context, &args, url)?;
        request.method = args.str("method").unwrap_or("GET").to_ascii_uppercase();
        if request.method.is_empty() || !request.method.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(ModuleError::new(
                "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
            ));
        }
        body(context, &args, &mut request)?;
        if let Some(message) = already_done(context, &args) {
            return Ok(TaskResult::changed(false).with("stdout", message));
        }
        let dest = args.str("dest").map(|dest| context.path(dest));
        request.modified_since =
            dest.as_ref().filter(|dest| dest.is_file()).and_then(|dest| web::modified(dest));
        let started = Instant::now();
        let response = context.until_cancelled(request.send()).await?;
        let elapsed = i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX);
        match response {
            Ok(response) => finish(context, &args, response, dest, elapsed).await,
            Err(error) => {
                let mut info = Entries::new();
                info.insert("url".into(), Value::from(url));
                info.insert("status".into(), Value::Int(-1));
                info.insert("msg".into(), Value::from(web::worded(&error)));
                info.insert("redirected".into(), Value::Bool(false));
                info.insert("elapsed".into(), Value::Int(elapsed));
                info.insert("changed".into(), Value::Bool(false));
                Err(unexpected(&args, info))
            }
        }
    }
}

fn already_done(context: &ModuleContext, args: &Args) -> Option<String> {
    let exists = |path: &str| context.path(path).exists();
    if let Some(path) = args.str("creates").filter(|path| exists(path)) {
        return Some(format!("skipped, since '{path}' exists"));
    }
    let path = args.str("removes").filter(|path| !exists(path))?;
    Some(format!("skipped, since '{path}' does not exist"))
}

/// The content of the request in its format.
fn body(context: &ModuleContext, args: &Args, request: &mut Request) -> Result<(), ModuleError> {
    let mut content_type = None;
    let body = args.get("body").cloned().unwrap_or(Value::None);
    let bytes = match args.str("body_format").unwrap_or("raw") {
        "json" => {
            content_type = Some("application/json".to_owned());
            Some(match &body {
                Value::Str(text) => text.as_str().as_bytes().to_vec(),
                other => dumps(other, None, false).into_bytes(),
            })
        }
        "form-urlencoded" => {
            content_type = Some("application/x-www-form-urlencoded".to_owned());
            form::urlencoded(&body)?
        }
        "form-multipart" => {
            let (kind, bytes) = form::multipart(context, &body, args.flag("remote_src"))?;
            request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            content_type = Some(kind);
            Some(bytes)
        }
        _ => match &body {
            Value::None => None,
            Value::Str(text) => Some(text.as_str().as_bytes().to_vec()),
            Value::Dict(_) | Value::List(_) => Some(dumps(&body, None, false).into_bytes()),
            other => Some(other.to_string().into_bytes()),
        },
    };
    let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let Some(kind) = content_type.filter(|_| !named) {
        request.headers.push(("Content-Type".to_owned(), kind));
    }
    request.body = match args.str("src") {
        Some(src) => {
            let path =
                if args.flag("remote_src") { context.path(src) } else { context.find("files", src)? };
            Some(std::fs::read(path).map_err(|_| {
                ModuleError::new(format!("Unable to open source file {src}")).with("elapsed", 0_i64)
            })?)
        }
        None => bytes,
    };
    // Python names a type for content that has none.
    let named = request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if request.body.is_some() && !named {
        request.headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
    }
    Ok(())
}

async fn finish(
    context: &ModuleContext,
    args: &Args,
    mut response: Response,
    dest: Option<PathBuf>,
    elapsed: i64,
) -> Result<TaskResult, ModuleError> {
    let wanted = args.list("status_code").unwrap_or_default();
    let status = i64::from(response.status());
    let expected = wanted.iter().any(|code| code.as_int() == Some(status));
    let url = args.str("url").unwrap_or_default();
    let mut info = web::info(&response);
    let plain = |url: &str| url.trim_end_matches('/').to_owned();
    info.insert("redirected".into(), Value::Bool(plain(&response.url) != plain(url)));
    if plain(&response.url) == plain(url) {
        // An address is told as the task writes it, not as the parser of addresses does.
        info.insert("url".into(), Value::from(url));
    }
    info.insert("elapsed".into(), Value::Int(elapsed));
    info.insert("changed".into(), Value::Bool(false));
    if let Some(location) = response.header("location") {
        let base = url::Url::parse(url).ok();
        let full = base.and_then(|base| base.join(location).ok());
        let full = full.map_or_else(|| location.to_owned(), |full| full.to_string());
        info.insert("location".into(), Value::from(full));
    }
    let json = is_json(response.header("content-type"));
    let name = dest.as_ref().filter(|dest| dest.is_dir()).map(|_| file_name(&response));
    let bytes = context.until_cancelled(response.bytes()).await?;
    let bytes = bytes.map_err(|error| ModuleError::new(web::worded(&error)))?;
    if let Some(dest) = dest {
        let dest = name.map_or(dest.clone(), |name| dest.join(name));
        save(context, args, &dest, &bytes, expected && status != 304, &mut info)?;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if json && let Ok(value) = serde_json::from_slice(&bytes) {
        info.insert("json".into(), convert::from_json(value));
    }
    if !expected {
        let failed = unexpected(args, info);
        return Err(if args.flag("return_content") { failed.with("content", text) } else { failed });
    }
    if args.flag("return_content") {
        info.insert("content".into(), Value::from(text));
    }
    Ok(TaskResult { fields: info })
}

/// The failure of a status that was not asked for.
fn unexpected(args: &Args, info: Entries) -> ModuleError {
    let wanted: Vec<String> =
        args.list("status_code").unwrap_or_default().iter().map(ToString::to_string).collect();
    let status = info.get("status").map(ToString::to_string).unwrap_or_default();
    let msg = info.get("msg").map(ToString::to_string).unwrap_or_default();
    let message = format!("Status code was {status} and not [{}]: {msg}", wanted.join(", "));
    ModuleError::Failed(Box::new(TaskResult { fields: info }.with("failed", true).with("msg", message)))
}

/// Puts the content into the file of `dest`.
fn save(
    context: &ModuleContext,
    args: &Args,
    dest: &std::path::Path,
    bytes: &[u8],
    write: bool,
    info: &mut Entries,
) -> Result<(), ModuleError> {
    let shown = dest.display().to_string();
    if write {
        if std::fs::read(dest).ok().as_deref() != Some(bytes) {
            Staged::new(dest, bytes)?.install(dest, Replacing::of(context, args))?;
        }
        Attributes::of(args).apply(dest, false, &mut Difference::default())?;
        info.insert("changed".into(), Value::Bool(true));
    }
    info.insert("path".into(), Value::from(shown));
    let described = attributes::describe(dest, TaskResult { fields: std::mem::take(info) });
    *info = described.fields;
    Ok(())
}

/// Whether a content type is one of JSON (`application/json`, `application/hal+json`, …).
fn is_json(content_type: Option<&str>) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let Some((_, subtype)) = kind.split_once('/') else { return false };
    let subtype = subtype.rsplit('+').next().unwrap_or_default().to_ascii_lowercase();
    matches!(subtype.as_str(), "json" | "javascript")
}

/// The name of a downloaded file: what the server says, or the end of the address.
fn file_name(response: &Response) -> String {
    let disposition =
        response.header("content-disposition").and_then(|header| header.split_once("filename="));
    let given = disposition.map(|(_, name)| name.split(';').next().unwrap_or(name).trim_matches(['"', ' ']));
    let path = url::Url::parse(&response.url).map(|url| url.path().to_owned()).unwrap_or_default();
    let name = given.unwrap_or(&path).rsplit('/').next().unwrap_or_default().to_owned();
    if name.is_empty() { "index.html".to_owned() } else { name }
}
